"""tools/bench --delta: what must travel when a model changes, by Pannier and by others, in bytes."""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import models
from models import KB
import report
from race import MB, Course, remove, size_of

SIZE = {"policies": 64 * MB, "table": 8 * MB, "wasm": 2 * MB, "functions": 2000}
QUICK = {"policies": 8 * MB, "table": MB, "wasm": MB // 4, "functions": 200}

RESTIC = {"RESTIC_PASSWORD": "bench"}
BORG = {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}


# ------------------------------------------------------------- an engine --

class Source:
    """C of an engine: functions that call earlier ones, as a seed makes them."""

    def __init__(self, seed, count):
        self.random = random.Random(seed)
        self.table = [f"{self.random.random():.6f}" for _ in range(544)]
        self.functions = [self.function(i, i) for i in range(count)]
        self.extra = 0

    def function(self, name, earlier):
        r = self.random
        lines = [f"__attribute__((noinline)) double step_{name}(const double *p, double *out, int n)", "{",
                 f"\tdouble a = p[{r.randrange(24)}], b = p[{r.randrange(24)}], c = {r.randrange(1, 4000) / 1000};"]
        for _ in range(r.randrange(2, 9)):
            x, y, z = (r.choice("abc") for _ in range(3))
            op, other, place, number = r.choice("+-*"), r.choice("+-*"), r.randrange(24), r.randrange(1, 999)
            lines.append("\t" + r.choice([
                f"for (int i = 0; i < n; i++)\n\t\t{x} {op}= p[i] * {number / 1000} + {y};",
                f"if ({x} > {number})\n\t\t{y} = {z} / (1 + {x} * {x});\n\telse\n\t\tout[{place}] = {y};",
                f"{x} += step_{r.randrange(max(0, earlier - 300), earlier)}(p + {place % 8}, out, n >> {1 + place % 3});"
                if earlier > 0 else f"{x} = {y};",
                f"out[{place}] = {x} {op} {y} {other} {number / 100};",
                f"{x} = table[{r.randrange(512)} + n % 32] {op} {z};",
                f"{x} = {y} {op} {z} {other} p[{place}];"]))
        return "\n".join([*lines, "\treturn a + b * c;", "}", ""])

    def change(self, added, replaced):
        """Functions that are new, and functions that are written again."""
        count = len(self.functions)
        for i in self.random.sample(range(count), replaced):
            name = re.search(r"step_(\w+)\(", self.functions[i]).group(1)
            self.functions[i] = self.function(name, min(i, 300))
        for _ in range(added):
            at = self.random.randrange(400 if count > 800 else count // 2, count)
            self.extra += 1
            self.functions.insert(at, self.function(f"new_{self.extra}", 300 if count > 800 else count // 4))
            self.functions[at + 1] = self.functions[at + 1].replace(
                "\treturn a + b * c;", f"\treturn a + b * c + step_new_{self.extra}(p, out, 3);")

    def compile(self, out):
        last = re.search(r"step_(\w+)\(", self.functions[-1]).group(1)
        text = "\n".join(["static const double table[544] = {", ",".join(self.table), "};", *self.functions,
                          "double run(const double *p, double *out, int n)", "{",
                          f"\treturn step_{last}(p, out, n);", "}", ""])
        source = out.with_suffix(".c")
        source.write_text(text)
        subprocess.run(["clang", "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry", "-Wl,--export-all", "-o", out,
                        source], check=True)
        source.unlink()


def published(cache, name, version, member):
    """A file of an npm package."""
    out = cache / f"{name}-{version}-{pathlib.Path(member).name}"
    if not out.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=scratch, check=True, capture_output=True)
            subprocess.run(["tar", "-xzf", next(pathlib.Path(scratch).glob("*.tgz")).name, f"package/{member}"],
                           cwd=scratch, check=True)
            (pathlib.Path(scratch) / "package" / member).rename(out)
    return out


# ------------------------------------------------------------- the model --

class Forty(models.Model):
    """Forty assets: policies, tables, engines that were compiled, engines that were made up, and steps."""

    def __init__(self, base, corpus, size, engines):
        super().__init__(base, corpus)
        self.size = size
        self.make("data/policies.csv", "policies", size["policies"])
        self.tables(*[size["table"]] * 3, 200 * KB)
        for name, file in engines.items():
            shutil.copy(file, self.dir / f"wasm/{name}.wasm")
            self.engines.append((name, "wasm"))
        for i in range(10 - len(engines)):
            self.engine(f"engine-{i}", "wasm", size["wasm"] * (i + 1) / 4)
        for i in range(24):
            self.engine(f"step-{i}", "python", 4 * KB * (1 + i % 5))
        self.small = self.dir / "python/step-3.py"
        self.finish()

    def edit_rows(self, path, share, change):
        """Give each of a @share of the rows, drawn with a fixed seed, to @change: what it returns stands instead."""
        r = random.Random(path)
        with open(self.dir / path) as file:
            rows = file.readlines()
        for i in r.sample(range(1, len(rows)), int((len(rows) - 1) * share)):
            rows[i] = change(r, rows[i])
        (self.dir / path).write_text("".join(rows))


def another_premium(r, row):
    fields = row.split(",")
    whole, cents = fields[6].split(".")
    fields[6] = f"{whole}.{(int(cents) + 1 + r.randrange(98)) % 100:02}"
    return ",".join(fields)


def new_row(r, row):
    fields = row.split(",")
    fields[0] = f"NEW{r.randrange(10**8):08}"
    fields[5], fields[6] = str(5000 * (1 + r.randrange(100))), f"{r.randrange(10, 5000)}.{r.randrange(100):02}"
    return ",".join(fields)


# -------------------------------------------------------------- the peers --

class Peer:
    """Something that keeps versions: `keep` stores the model as it is, `bytes` says what was added since."""

    name = None
    program = None

    def __init__(self, bench, base):
        self.bench, self.base, self.place = bench, base, base / self.program
        self.before = 0

    def run(self, *command, env=None, cwd=None):
        return self.bench.course.quietly(command, cwd or self.bench.model.dir, {**(env or {}), "HOME": str(self.base)})

    def kept(self):
        self.before = size_of(self.place)

    def bytes(self):
        return size_of(self.place) - self.before


class Restic(Peer):
    name, program = "restic", "restic"

    def command(self, *command):
        self.run("restic", "-q", "-r", self.place, "--no-cache", *command, env=RESTIC)

    def start(self):
        self.command("init")

    def keep(self):
        self.command("backup", "--compression", "max", ".")


class Borg(Peer):
    name, program = "borg", "borg"

    def start(self):
        self.run("borg", "init", "-e", "none", self.place, env=BORG)
        self.count = 0

    def keep(self):
        self.count += 1
        self.run("borg", "create", "-C", "zstd,12", f"{self.place}::v{self.count}", ".", env=BORG)


class Casync(Peer):
    name, program = "casync", "casync"

    def start(self):
        self.place.mkdir()
        self.count = 0

    def keep(self):
        self.count += 1
        self.run("casync", "make", f"--store={self.place}/store", self.place / f"v{self.count}.caidx", ".")


class Rsync(Peer):
    """The folder beside the other one: what would go through the wire, both ways."""

    name, program = "rsync", "rsync"

    def start(self):
        self.place.mkdir()

    def keep(self):
        said = self.run("rsync", "-a", "-z", "--zc=zstd", "--no-whole-file", "--delete", "--stats", "./", f"{self.place}/")
        self.sent = sum(int(re.search(rf"Total bytes {way}: ([\d,]+)", said).group(1).replace(",", ""))
                        for way in ("sent", "received"))

    def bytes(self):
        return self.sent


class Pannier(Peer):
    """A push to a folder, and the delta of the same change as a file."""

    name, program = "pannier push", "pannier"

    def start(self):
        self.place.mkdir()
        self.store, self.shared = self.place / "store", self.place / "shared"
        self.pannier("init", self.bench.model.dir)
        self.pannier("remote", "add", "shared", self.shared)

    def pannier(self, *command):
        env = {"PANNIER_STORE": str(self.store)}
        return json.loads(self.run(self.bench.pannier, *command, "--json", env=env))

    def keep(self):
        self.packed = self.pannier("pack", self.bench.model.config, "--workspace", self.bench.model.dir,
                                   "--include-policies", "-o", self.place / "package.zip")
        self.pushed = self.pannier("push", "shared")

    def kept(self):
        self.before = size_of(self.shared)

    def bytes(self):
        grown = size_of(self.shared) - self.before
        if grown != self.pushed["bytesSent"]:
            raise RuntimeError(f"push says {self.pushed['bytesSent']} bytes; the folder grew by {grown}")
        return grown

    def delta(self, *options):
        out = self.place / "delta.zip"
        return self.pannier("delta", "--since", "latest~1", "-o", out, *options)["deltaSize"]


PEERS = (Restic, Borg, Casync, Rsync)


class Deltas:
    def __init__(self, options):
        self.size = QUICK if options.quick else SIZE
        self.quick = options.quick
        self.build, self.root = options.build, options.root
        self.pannier = self.build / "release/pannier"
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pannier-delta.", dir=options.work))
        self.course = Course(self.build / "measure", self.scratch, 3600)
        self.rows = []
        self.first = None

    def engines(self):
        """The engines that change, in the versions of each."""
        compiled = self.scratch / "compiled"
        compiled.mkdir()
        source = Source(1, self.size["functions"])
        source.compile(compiled / "valuation-0.wasm")
        source.change(3, 2)
        source.compile(compiled / "valuation-1.wasm")
        source.change(len(source.functions) // 8, len(source.functions) // 3)
        source.compile(compiled / "valuation-2.wasm")
        self.valuation = [compiled / f"valuation-{i}.wasm" for i in range(3)]
        cache = self.build / "npm"
        self.solver = [published(cache, "esbuild-wasm", version, "esbuild.wasm")
                       for version in ("0.23.0", "0.23.1", "0.25.9")]
        return {"valuation": self.valuation[0], "solver": self.solver[0]}

    # ---------------------------------------------------------- changes --

    def rows_edited(self, m):
        m.edit_rows("data/policies.csv", 0.002, another_premium)

    def rows_appended(self, m):
        path = m.dir / "data/policies.csv"
        r = random.Random("appended")
        rows = path.read_text().splitlines(keepends=True)
        with open(path, "a") as file:
            file.writelines(new_row(r, row) for row in r.sample(rows[1:], len(rows) // 500))

    def rows_inserted(self, m):
        m.edit_rows("data/policies.csv", 0.001, lambda r, row: row + new_row(r, row))

    def engine_recompiled(self, m):
        shutil.copy(self.valuation[1], m.dir / "wasm/valuation.wasm")

    def engine_released(self, m):
        shutil.copy(self.solver[1], m.dir / "wasm/solver.wasm")

    def engine_renamed(self, m):
        (m.dir / "wasm/engine-5.wasm").rename(m.dir / "wasm/reserves.wasm")
        m.config.write_text(m.config.read_text().replace("wasm://engine-5", "wasm://reserves"))

    def one_of_forty(self, m):
        m.change()

    def a_year_apart(self, m):
        m.edit_rows("data/policies.csv", 0.10, lambda r, row: "")
        m.edit_rows("data/policies.csv", 0.12, lambda r, row: row + new_row(r, row))
        m.edit_rows("data/policies.csv", 1.0, another_premium)
        for role in ("mortality", "lapse", "expenses"):
            m.edit_rows(f"assumptions/{role}.csv", 0.5, lambda r, row: ",".join(
                f"0.{r.randrange(3000):05}{field[7:]}" for field in row.split(",")))
        shutil.copy(self.valuation[2], m.dir / "wasm/valuation.wasm")
        shutil.copy(self.solver[2], m.dir / "wasm/solver.wasm")
        for i in range(0, 24, 2):
            m.make(f"python/step-{i}.py", "python", 4 * KB * (1 + i % 5) + 100)

    CHANGES = (("rows edited in place", rows_edited, True), ("rows appended", rows_appended, False),
               ("rows inserted", rows_inserted, True), ("engine recompiled", engine_recompiled, True),
               ("engine, its next release", engine_released, True), ("engine renamed", engine_renamed, False),
               ("one asset of forty changed", one_of_forty, False), ("a year apart", a_year_apart, False))

    # ---------------------------------------------------------- a change --

    def measure(self, title, change, scattered):
        """In a copy of all, since what one change costs must not depend on the one before."""
        place = self.scratch / "row"
        place.mkdir()
        original = self.model.dir
        subprocess.run(["cp", "-a", original, place / "model"], check=True)
        self.model.dir, small = place / "model", self.model.small
        self.model.small = self.model.dir / small.relative_to(original)
        found = {}
        try:
            peers = [kind(self, place) for kind in (Pannier, *PEERS) if shutil.which(kind.program) or kind is Pannier]
            for peer in peers:
                peer.start()
                peer.keep()
                peer.kept()
            ours = peers[0]
            if self.first is None:
                self.first = (ours.pushed["bytesSent"], ours.packed["packageSize"])
            change(self, self.model)
            for peer in peers:
                peer.keep()
                found[peer.name] = peer.bytes()
            found["pannier delta"], found["pannier delta --patch"] = ours.delta(), ours.delta("--patch")
        finally:
            self.model.dir, self.model.small = original, small
            remove(place)
        self.rows.append({"title": title, "bytes": found, "bars": self.bars(found, scattered)})
        print(f"  {title}", file=sys.stderr)

    def bars(self, found, scattered):
        best = min((found[kind.name] for kind in PEERS if kind.name in found), default=None)
        ours = found["pannier push"]
        bars = [report.ratio("push / best peer", ours, best, at_most=1)]
        if scattered:
            bars.append(report.ratio("push / best peer", ours, best, at_most=0.1))
        return bars

    def run(self):
        begin, load = time.monotonic(), os.getloadavg()[0]
        self.model = Forty(self.scratch / "forty", self.build / "corpus", self.size, self.engines())
        scale = f"{self.model.files()} assets, {self.model.bytes() / MB:,.0f} MB"
        for title, change, scattered in self.CHANGES:
            self.measure(title, change, scattered)
        sent, zipped = self.first
        self.rows.insert(0, {"title": f"all of it: {scale}", "bytes": {"pannier push": sent}, "bars": [
            report.ratio("push / zip", sent, zipped, at_most=1.05)]})
        return Table(self.rows, report.facts(self.root, self.scratch, load), self.quick, time.monotonic() - begin)

class Table(report.Report):
    """A line for each change, a column for each way."""

    HEADS = {"pannier push": "push", "pannier delta --patch": "delta --patch", "pannier delta": "delta",
             **{kind.name: kind.name for kind in PEERS}}

    def failed(self):
        return False

    def text(self):
        lines = [*self.head(), "", "  " + "bytes that travel".ljust(28) + "".join(h.rjust(15) for h in self.HEADS.values())]
        for row in self.rows:
            cells = (f"{row['bytes'][name]:,}" if name in row["bytes"] else "-" for name in self.HEADS)
            lines.append("  " + row["title"].ljust(28) + "".join(cell.rjust(15) for cell in cells))
        lines.append("")
        for row in self.rows:
            lines += [f"  {row['title'].ljust(28)}{self.verdict(b)}" for b in row["bars"]]
        return "\n".join(lines)
