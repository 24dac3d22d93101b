"""The rows of tools/bench: what is raced against what, and the bar of each."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

import deltas
import models
import plot
import remote
import report
from race import MB, Course, Peer, remove

FULL = {"mixed": 150 * MB, "big": 1000 * MB, "noise": 1000 * MB, "many": 10_000, "memory": (10 * MB, 5000 * MB),
        "counts": (1, 10, 100, 1000, 10_000), "lengths": (1, 4, 16, 64, 256, 1000, 4000),
        "rounds": 3, "short": 21, "limit": 3600}
QUICK = {"mixed": 10 * MB, "big": 60 * MB, "noise": 100 * MB, "many": 10_000, "memory": (10 * MB,),
         "counts": (), "lengths": (),  # no curves
         "rounds": 3, "short": 7, "limit": 90}
THREADS = len(os.sched_getaffinity(0))
MEMORY_BAR = 64 * MB + 8 * MB * THREADS
SETTLED = 2.3  # seconds after which a file's times may be trusted
# What is done, and the rows that come out of it.
PARTS = {"first": ("first", "verify"), "sample": ("unchanged",), "big": ("unchanged", "change", "memory"),
         "many": ("many",), "xfs": ("xfs",), "noise": ("noise",), "memory": ("memory",), "curves": ("curves",)}
ROWS = ("first", "verify", "unchanged", "change", "many", "xfs", "noise", "memory", "curves")


def mb(count):
    return f"{count / MB:,.0f} MB"


class Bench:
    def __init__(self, options):
        self.quick = options.quick
        self.size = QUICK if options.quick else FULL
        self.only = options.only or ROWS
        self.root, self.build = options.root, options.build
        self.pannier = self.build / "release/pannier"
        self.svg = options.svg
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pannier-bench.", dir=options.work))
        self.course = Course(self.build / "measure", self.scratch, self.size["limit"])
        self.node_modules = os.environ.get("NODE_MODULES")
        self.rows = []
        self.memory = []  # first packs of which the peak is told

    # ------------------------------------------------------------ peers --

    def model(self, name, make, *arguments, base=None):
        return make((base or self.scratch) / name, self.build / "corpus", *arguments)

    def pack(self, m, *options):
        return [self.pannier, "pack", m.config, "--include-policies", "--workspace", m.dir, "--store", m.store,
                "-o", m.zip, "--json", *options]

    def peer_first(self, m, name="pannier pack", *options, **more):
        def fresh(_):
            remove(m.store, m.zip)
        return Peer(name, [self.pack(m, *options)], fresh, m.zip, **more)

    def peer_again(self, m, name="pannier pack", **more):
        return Peer(name, [self.pack(m)], output=m.zip, **more)

    def peer_jszip(self, m, **more):
        out = m.base / "jszip.zip"
        p = Peer("JSZip packager", [["node", self.root / "tests/consumers/js/old-packager.mjs", m.dir, out,
                                     "--include-policies"]],
                 lambda _: remove(out), out, needs=("node", self.node_modules or "JSZip"), **more)
        return p

    def peer_zip(self, m, **more):
        out = m.base / "zip.zip"
        return Peer("zip -9", [["zip", "-9", "-q", "-r", out, "."]], lambda _: remove(out), out, m.dir,
                    needs=("zip",), **more)

    def peer_7z(self, m, **more):
        out = m.base / "7z.zip"
        return Peer("7z -tzip -mx=9", [["7z", "a", "-tzip", "-mx=9", "-bso0", "-bsp0", out, "."]],
                    lambda _: remove(out), out, m.dir, needs=("7z",), **more)

    def backups(self, m, first, **more):
        """Stores that are no packagers: what they take for the same folder."""
        restic, borg, casync = (m.base / name for name in ("restic", "borg", "casync"))
        index = m.base / "casync.caidx"
        restic_env = {"RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": str(m.base / "restic-cache")}
        borg_env = {"BORG_BASE_DIR": str(m.base / "borg-home"), "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}
        quietly = self.course.quietly

        def new_restic(_):
            if first or not restic.exists():
                remove(restic)
                quietly(["restic", "-q", "-r", restic, "init"], env=restic_env)
                if not first:
                    quietly(["restic", "-q", "-r", restic, "backup", "."], m.dir, restic_env)

        def new_borg(_):
            if first or not borg.exists():
                remove(borg, m.base / "borg-home")
                quietly(["borg", "init", "-e", "none", borg], env=borg_env)
                if not first:
                    quietly(["borg", "create", f"{borg}::first", "."], m.dir, borg_env)

        def new_casync(_):
            if first:
                remove(casync, index)
            elif not casync.exists():
                quietly(["casync", "make", f"--store={casync}", index, "."], m.dir)

        return [
            Peer("restic backup", [["restic", "-q", "-r", restic, "backup", "."]], new_restic, restic, m.dir, restic_env,
                 needs=("restic",), **more),
            Peer("borg create", lambda n: [["borg", "create", f"{borg}::{time.time_ns()}", "."]], new_borg, borg, m.dir,
                 borg_env, needs=("borg",), **more),
            Peer("casync make", [["casync", "make", f"--store={casync}", index, "."]], new_casync, casync, m.dir,
                 needs=("casync",), **more),
        ]

    # ------------------------------------------------------------- rows --

    def row(self, title, scale, results, bars, notes=()):
        self.rows.append(report.row(title, scale, results, bars, notes))
        print(f"  {title}", file=sys.stderr)

    def rested(self, m):
        """Pack until nothing is left to be learned: times are trusted, the zip is known."""
        for _ in range(5):
            time.sleep(SETTLED)
            said = json.loads(self.course.quietly(self.pack(m)))["stats"]
            if said["unchanged"] and said["bytesRead"] <= m.config.stat().st_size:
                return

    def files_read(self, m):
        """Which files of the model, and whether the zip, were read by one more run; None without strace."""
        if not shutil.which("strace"):
            return None
        trace = self.scratch / "trace"
        calls = "read,pread64,readv,preadv,preadv2,mmap,copy_file_range,sendfile,ioctl"
        self.course.quietly(["strace", "-f", "-y", "-o", trace, "-e", f"trace={calls}", *self.pack(m)])
        found = re.findall(r"<(/[^>]*)>", trace.read_text(errors="replace"))
        return sorted({path for path in found if path == str(m.zip) or path.startswith(f"{m.dir}/")})

    def unchanged_bars(self, m, ours, limit):
        said, read = ours.reply.get("stats", {}).get("unchanged"), self.files_read(m)
        nothing = report.holds("no file of the model read but the config, and not the zip",
                               None if read is None else read == [str(m.config)],
                               "needs strace" if read is None else f"read {len(read)}: {', '.join(read)[:200]}")
        return [report.at_most("wall time, ms", ours.median and ours.median * 1000, limit),
                report.holds("pannier says 'unchanged'", said is True, f"it says {said}"), nothing]

    def do_first(self):
        m = self.model("mixed", models.mixed, self.size["mixed"])
        dense = self.peer_first(m, "pannier --level 12", "--level", "12")
        peers = [dense, self.peer_first(m), self.peer_jszip(m), self.peer_zip(m), self.peer_7z(m, rounds=2),
                 *self.backups(m, True)]
        twelve, ours, jszip, zip9, seven, *others = self.course.race(peers, self.size["rounds"])
        scale = f"{mb(m.bytes())} mixed, {m.files()} files"
        if self.quick:
            scale += " (bar: 150 MB)"
        if "first" in self.only:
            self.row("First pack", scale, [ours, jszip, zip9, seven, *others], [
                report.ratio("JSZip packager / pannier", jszip.median, ours.median, at_least=15),
                report.ratio("zip -9 / pannier", zip9.median, ours.median, at_least=8),
                report.ratio("size: pannier / JSZip packager", ours.size, jszip.size, at_most=1),
                report.ratio("size: pannier / zip -9", ours.size, zip9.size, at_most=1)],
                ["restic, borg and casync make no zip; their size is that of their store"])
            self.row("First pack, as small as can be", scale, [twelve, seven], [
                report.ratio("7z / pannier", seven.median, twelve.median, at_least=3),
                report.ratio("size: pannier / 7z", twelve.size, seven.size, at_most=1)])
        if "verify" in self.only:
            results = self.course.race([
                Peer("pannier verify", [[self.pannier, "verify", m.zip, "--json"]]),
                Peer("unzip -t", [["unzip", "-tqq", m.zip]], needs=("unzip",))], self.size["rounds"] + 2)
            self.row("Verify", scale, results,
                     [report.ratio("unzip -t / pannier", results[1].median, results[0].median, at_least=2.5)],
                     ["pannier checks SHA-256 and the manifest as well"])
        m.remove()

    def empty(self):
        return Peer("an empty program", [[self.build / "empty"]])

    def do_sample(self):
        m = self.model("sample", models.sample, self.root / "tests/data/term-life")
        inside = self.model("checkout", models.sample, self.root / "tests/data/term-life")
        peers, notes = [self.peer_again(m), self.empty()], []
        if self.checkout(inside):
            peers.append(self.peer_again(inside, "the same in a git checkout"))
            notes.append("in a git checkout the log records the commit: git runs beside")
        for each in (m, inside):
            self.course.quietly(self.pack(each))
            self.rested(each)
        results = self.course.race(peers, self.size["short"], settle=False)
        self.row("Unchanged: the sample", f"{m.files()} files", results, self.unchanged_bars(m, results[0], 15), notes)
        m.remove(), inside.remove()

    def checkout(self, m):
        if not shutil.which("git"):
            return False
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        self.course.quietly(["git", "init", "-q", m.dir])
        self.course.quietly(["git", "-C", m.dir, "add", "."])
        self.course.quietly(["git", "-C", m.dir, *identity, "commit", "-q", "-m", "sample"])
        return True

    def do_big(self):
        m = self.model("big", models.mixed, self.size["big"])
        scale = f"{mb(m.bytes())} mixed, {m.files()} files" + (" (bar: 1,000 MB)" if self.quick else "")
        slow = [self.peer_jszip(m)] if "unchanged" in self.only else []
        first, *jszip = self.course.race([self.peer_first(m), *slow], 1)
        if "unchanged" in self.only:
            self.unchanged_big(m, scale, jszip[0])
        if "change" in self.only:
            self.changed(m, scale)
        if "memory" in self.only:
            self.memory.append((mb(m.bytes()), first))
        m.remove()

    def unchanged_big(self, m, scale, jszip):
        self.rested(m)
        ours, empty = self.course.race([self.peer_again(m), self.empty()], self.size["short"], settle=False)
        others = self.course.race(self.backups(m, False), self.size["rounds"])
        self.row("Unchanged: a big model", scale, [ours, empty, jszip, *others], [
            *self.unchanged_bars(m, ours, 15),
            report.ratio("JSZip packager / pannier", jszip.median, ours.median, at_least=1000)])

    def changed(self, m, scale):
        copy, new, updated = (m.base / name for name in ("copy.zip", "new.zip", "updated.zip"))
        shutil.copy(m.zip, copy)
        if not updated.exists() and shutil.which("zip"):
            self.course.quietly(["zip", "-q", "-r", updated, "."], m.dir)
        results = self.course.race([
            self.peer_again(m),
            Peer("cp over an older zip, fsync", [["cp", m.zip, copy], ["sync", copy]], None, copy),
            Peer("cp to a new file, fsync", [["cp", m.zip, new], ["sync", new]], lambda _: remove(new), new),
            Peer("zip -u, fsync", [["zip", "-u", "-9", "-q", "-r", updated, "."], ["sync", updated]], None, updated, m.dir,
                 needs=("zip",)),
            *self.backups(m, False)], self.size["rounds"] + 2, lambda _: m.change())
        ours, cp, cp_new, zip_u = results[:4]
        stats = ours.reply.get("stats", {})
        self.row("One small asset changed in a big model", scale, results, [
            report.ratio("pannier / (cp over an older zip + fsync)", ours.median, cp.median, at_most=1.5),
            report.ratio("pannier / (cp to a new file + fsync)", ours.median, cp_new.median, at_most=1.5),
            report.ratio("pannier / (zip -u + fsync)", ours.median, zip_u.median, at_most=1)],
            ["pannier and zip -u replace the zip of the last time, and so does the first cp: the file system then frees it",
             f"of {m.files()} assets pannier hashed {stats.get('assetsHashed')}, and read {stats.get('bytesRead')} bytes"])

    def do_many(self):
        m = self.model("many", models.many, self.size["many"], 1000)
        ours, zip9 = self.course.race([self.peer_first(m), self.peer_zip(m)], self.size["rounds"])
        self.row("First pack of many small assets", f"{m.files():,} files of 1 KB", [ours, zip9], [])
        self.rested(m)
        again = self.course.race([self.peer_again(m)], self.size["short"], settle=False)[0]
        self.row("Unchanged: many assets", f"{m.files():,} files of 1 KB", [again], self.unchanged_bars(m, again, 150))
        m.remove()

    @contextlib.contextmanager
    def xfs(self, length):
        """A file system that shares blocks, in a file."""
        image, mounted = self.scratch / "xfs.image", self.scratch / "xfs"
        mounted.mkdir()
        with open(image, "wb") as file:
            file.truncate(length)
        self.course.quietly(["mkfs.xfs", "-q", "-m", "reflink=1", image])
        self.course.quietly(["mount", "-o", "loop", image, mounted])
        try:
            yield mounted
        finally:
            self.course.quietly(["umount", mounted])
            remove(image)
            mounted.rmdir()

    def do_xfs(self):
        title = "One small asset changed in a big model, on XFS with reflinks"
        try:
            with self.xfs(max(6 * self.size["big"], 512 * MB)) as base:
                m = self.model("big", models.mixed, self.size["big"], base=base)
                self.course.quietly(self.pack(m))
                self.rested(m)
                again = self.course.race([self.peer_again(m, "unchanged")], self.size["short"], settle=False)[0]
                copy = m.base / "copy.zip"
                changed, cp = self.course.race([
                    self.peer_again(m, "one asset changed"),
                    Peer("cp of the zip, fsync", [["cp", "--reflink=never", m.zip, copy], ["sync", copy]],
                         lambda _: remove(copy), copy)], self.size["rounds"] + 2, lambda _: m.change())
                more = changed.median and again.median and (changed.median - again.median) * 1000
                self.row(title, f"{mb(m.bytes())} mixed" + (" (bar: 1,000 MB)" if self.quick else ""),
                         [changed, again, cp], [report.at_most("ms more than unchanged", more, 50)])
        except (OSError, RuntimeError) as failure:
            self.row(title, "not measured", [], [report.at_most("ms more than unchanged", None, 50)],
                     [f"needs mkfs.xfs and the right to mount: {failure}"])

    def do_noise(self):
        m = self.model("noise", models.noise, self.size["noise"])
        data, one, two = m.dir / "data/policies.csv", m.base / "one", m.base / "two"

        def dd(to):
            return ["dd", f"if={data}", f"of={to}", "bs=1M", "conv=fsync", "status=none"]
        results = self.course.race([
            self.peer_first(m),
            Peer("openssl sha256, dd, dd", [["openssl", "dgst", "-sha256", data], dd(one), dd(two)],
                 lambda _: remove(one, two), needs=("openssl",))], self.size["rounds"])
        self.row("First pack of what does not compress", f"{mb(m.bytes())} of noise" +
                 (" (bar: 1,000 MB)" if self.quick else ""), results,
                 [report.ratio("pannier / (openssl + 2 dd conv=fsync)", results[0].median, results[1].median, at_most=1.3)])
        m.remove()

    def do_memory(self):
        for length in self.size["memory"]:
            m = self.model("memory", models.mixed, length)
            self.memory.append((mb(m.bytes()), self.course.race([self.peer_first(m)], 1)[0]))
            m.remove()
        results, bars = [], []
        for name, result in self.memory:
            result.name = f"pannier pack, {name}"
            results.append(result)
            bars.append(report.at_most(f"peak memory for {name}, MB", result.median and result.peak / MB,
                                       MEMORY_BAR / MB))
        notes = [f"64 MB and 8 MB for each of {THREADS} threads"]
        if self.quick:
            notes.append("5,000 MB, and a real 1,000 MB, only without --quick")
        self.row("Peak memory of a first pack", "mixed", results, bars, notes)

    # ----------------------------------------------------------- curves --

    def point(self, m):
        """First, unchanged and one-change pack of one model."""
        rounds = 3 if m.bytes() < 500 * MB else 1
        first = self.course.race([self.peer_first(m)], rounds)[0]
        self.rested(m)
        again = self.course.race([self.peer_again(m)], 5, settle=False)[0]
        changed = self.course.race([self.peer_again(m)], rounds, lambda _: m.change())[0]
        return {"first": first, "unchanged": again, "one change": changed}

    def do_curves(self):
        if not self.size["counts"]:
            return
        counts, sizes = [], []
        for count in self.size["counts"]:
            m = self.model("curve", models.many, count, 4000)
            counts.append((count, self.point(m)))
            m.remove()
        for length in self.size["lengths"]:
            m = self.model("curve", models.mixed, length * MB)
            sizes.append((length, self.point(m)))
            m.remove()
        self.svg.parent.mkdir(parents=True, exist_ok=True)
        self.svg.write_text(plot.curves(counts, sizes))
        results = []
        for unit, points in (("assets of 4 KB", counts), ("MB mixed", sizes)):
            for x, kinds in points:
                for kind, result in kinds.items():
                    result.name = f"{x:,} {unit}, {kind}"
                    results.append(result)
        self.row("Cost curves", f"plotted in {self.svg}", results, [])

    def run(self):
        begin = time.monotonic()
        load = os.getloadavg()[0]
        print("measuring", file=sys.stderr)
        for part, rows in PARTS.items():
            if any(row in self.only for row in rows):
                getattr(self, f"do_{part}")()
        return report.Report(self.rows, report.facts(self.root, self.scratch, load), self.quick,
                             time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser(prog="tools/bench")
    parser.add_argument("--root", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--delta", action="store_true")
    parser.add_argument("--remote", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--svg", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/var/tmp"))
    parser.add_argument("--only", action="append", choices=ROWS)
    options = parser.parse_args()
    options.svg = options.svg or options.build / "curves.svg"
    bench = (deltas.Deltas if options.delta else remote.Remote if options.remote else Bench)(options)
    try:
        result = bench.run()
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    print(result.text())
    if options.json:
        options.json.write_text(json.dumps(result.json(), indent=2) + "\n")
    return 1 if result.failed() else 0


sys.exit(main())
