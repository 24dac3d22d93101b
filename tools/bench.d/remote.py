"""tools/bench --remote: a push to Ceph's S3 gateway against libcurl alone, and what a push costs that sends little."""

import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import report
from race import MB, remove

SIZE = {"rounds": 5, "large rounds": 3, "large": 1000 * MB}
QUICK = {"rounds": 3, "large rounds": 1, "large": 256 * MB}
SMALL = (2000, 64_000)  # objects, bytes of each
WARM = 128 * MB  # of a large object, before each round
PART = 16 << 20  # as a push sends one
OURS, BARE, ONE = "pannier push", "libcurl alone", "libcurl alone, in one PUT"
PEER = ("libcurl alone: bodies from memory, the SHA-256 of each in its signature, 16 connections, no condition; "
        "both by their own clock, after the start of the process")


class Remote:
    def __init__(self, options):
        sys.path.insert(0, str(options.root / "tests/servers"))
        import places  # what the tests push with
        self.places = places
        self.size, self.quick = QUICK if options.quick else SIZE, options.quick
        self.root, self.build = options.root, options.build
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pannier-bench.", dir=options.work))
        self.rows = []

    # ------------------------------------------------------------ the server --

    def server(self, what):
        subprocess.run([self.root / "tests/servers/rgw", what, self.scratch / "rgw"], check=True,
                       stdout=subprocess.DEVNULL)

    def fresh_server(self):
        """An empty one: all that was put is in memory."""
        self.server("start")
        self.place = self.places.Place("s3", self.scratch / "rgw")
        self.environment = self.place.environment(self.scratch)
        self.tool = self.places.Tool(self.build / "release/pannier", self.scratch, self.environment)

    # ------------------------------------------------------------- the pairs --

    def model(self, name, count, length):
        """A model of @count engines of noise, packed in a store of the same name."""
        folder = self.scratch / f"{name}.model"
        self.places.write_model(folder, count, min(length, SMALL[1]))
        if length > SMALL[1]:
            with open(folder / "wasm/e0.wasm", "wb") as out:
                subprocess.run([self.build / "corpus", "noise", "1", str(length)], stdout=out, check=True)
        self.pack(name, f"{name}.store")

    def pack(self, name, store):
        self.tool.run("pack", f"{name}.model/livecalc.config.json", "--store", store, "--workspace", ".", "-o",
                      "package.zip")

    def push(self, store, prefix, *options, port=None):
        """What a push says into a remote that @store does not know yet."""
        name = prefix.replace("/", "-")
        self.tool.run("remote", "add", name, self.place.url(prefix, port), "--store", store)
        return self.again(store, name, *options)

    def again(self, store, name, *options):
        return self.tool.run("push", name, "--no-patch", "--store", store, *options)

    def bare(self, *arguments):
        url = f"http://127.0.0.1:{self.place.port}/{self.place.bucket}/bare-{time.time_ns()}"
        said = subprocess.run([self.build / "bare", url, *map(str, arguments)], check=True, env=self.environment,
                              capture_output=True, text=True)
        return float(said.stdout)

    def pairs(self, title, rounds, programs, warm_up, one_server):
        """Programs in turn, each second time the last one first, on a server that has seen each of them."""
        seconds = {name: [] for name in programs}
        for number in range(rounds):
            if not one_server:
                self.fresh_server()  # what a large object took is not given back before hours have passed
            if number == 0 or not one_server:
                for program in warm_up:
                    program()
            for name in list(programs)[::-1 if number % 2 else 1]:
                os.sync()  # what is yet to be written is nobody's cost
                seconds[name].append(programs[name]())
        each = [bare / ours for ours, bare in zip(seconds[OURS], seconds[BARE])]
        bar = report.ratio("speed: pannier / libcurl alone, median of pairs", statistics.median(each), 1, at_least=0.8)
        self.row(title, seconds, [bar], [PEER, "pairs: " + ", ".join(report.factor(value) for value in each)])

    def put(self, store):
        """Seconds of a push of all that is in @store."""
        return self.push(store, f"pair-{time.time_ns()}")["seconds"]

    def small_pairs(self):
        count, length = SMALL
        self.model("pair", count, length)
        programs = {OURS: lambda: self.put("pair.store"), BARE: lambda: self.bare(count, length)}
        self.pairs(f"{count:,} objects of {length // 1000} KB", self.size["rounds"], programs, programs.values(), True)
        remove(self.scratch / "pair.model", self.scratch / "pair.store")

    def large_pairs(self):
        size = self.size["large"]
        self.model("warm", 1, WARM)
        self.model("large", 1, size)
        programs = {OURS: lambda: self.put("large.store"), BARE: lambda: self.bare(1, size, PART),
                    ONE: lambda: self.bare(1, size)}
        warm_up = (lambda: self.put("warm.store"), lambda: self.bare(1, WARM, PART))
        self.pairs(f"one object of {size // MB:,} MB, in parts of 16 MiB", self.size["large rounds"], programs, warm_up,
                   False)
        for name in ("warm", "large"):
            remove(self.scratch / f"{name}.model", self.scratch / f"{name}.store")

    # ----------------------------------------------------------- little to do --

    def plans(self):
        """A new version of a model, all but one of whose assets are there."""
        self.fresh_server()
        self.model("many", 10_000, 1000)
        self.push("many.store", "many")
        (self.scratch / "many.model/wasm/e1.wasm").write_bytes(random.Random(7).randbytes(1000))
        self.pack("many", "many.store")
        self.pack("many", "other.store")
        self.tool.run("remote", "add", "many", self.place.url("many"), "--store", "other.store")
        for title, store in (("pushed before", "many.store"), ("nothing known", "other.store")):
            seconds = [self.again(store, "many", "--dry-run")["seconds"] for _ in range(self.size["rounds"])]
            self.row(f"plan, 10,000 there, {title}", {"pannier push": seconds},
                     [report.at_most("seconds of --dry-run", statistics.median(seconds), 1)])

    def requests(self):
        """How many requests a push makes that has nothing to send."""
        counts = []
        for count in (10, 2000):
            name = f"again-{count}"
            self.model(name, count, 1000)
            with self.places.proxy.Proxy(self.place.port) as between:
                self.push(f"{name}.store", name, port=between.port)
                between.idle()
                before = len(between.requests())
                self.again(f"{name}.store", name)
                between.idle()
                counts.append(len(between.requests()) - before)
        self.row("push again, 10 and 2,000 assets", {}, [
            report.holds(f"the same number of requests, {counts[0]}", counts[0] == counts[1], f"then {counts[1]}")])

    def row(self, title, seconds, bars, notes=()):
        self.rows.append({"title": title, "seconds": seconds, "bars": bars, "notes": list(notes)})
        print(f"  {title}", file=sys.stderr)

    def run(self):
        begin, load = time.monotonic(), os.getloadavg()[0]
        try:
            self.fresh_server()
            self.small_pairs()
            self.large_pairs()
            self.plans()
            self.requests()
        finally:
            self.server("stop")
        return Table(self.rows, report.facts(self.root, self.scratch, load), self.quick, time.monotonic() - begin)


class Table(report.Report):
    """A line for each measurement of each program."""

    def failed(self):
        return False

    def text(self):
        lines = [*self.head(), ""]
        for row in self.rows:
            lines.append(row["title"])
            for name, seconds in row["seconds"].items():
                lines.append(report.line(name, report.seconds(statistics.median(seconds)), report.span(seconds)))
            lines += [f"  {self.verdict(b)}" for b in row["bars"]]
            lines += [f"  ({note})" for note in row["notes"]]
        return "\n".join(lines)
