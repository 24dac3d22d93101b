"""One table as text and as JSON, and the facts of the machine that it is true of."""

import os
import pathlib
import platform
import re
import subprocess

MB = 1_000_000
PACKAGES = ("zip", "unzip", "p7zip-full", "nodejs", "restic", "borgbackup", "casync", "openssl", "xfsprogs",
            "libdeflate0", "libsqlite3-0")


# ---------------------------------------------------------------- bars --

def bar(text, value, relation, limit, met):
    return {"bar": text, "value": value, "relation": relation, "limit": limit, "met": met}


def at_most(text, value, limit):
    return bar(text, value, "at most", limit, None if value is None else value <= limit)


def ratio(text, above, below, at_least=None, at_most=None):
    value = above / below if above is not None and below else None
    relation, limit = ("at least", at_least) if at_least is not None else ("at most", at_most)
    met = None if value is None else value >= limit if at_least is not None else value <= limit
    return bar(text, value, relation, limit, met)


def holds(text, met, otherwise):
    return bar(text if met else f"{text}: {otherwise}", None, None, None, met)


def row(title, scale, results, bars, notes):
    base = results[0].median if results else None
    entries = [{**result.as_json(), "ratio": result.median / base if base and result.median else None}
               for result in results]
    return {"title": title, "scale": scale, "results": entries, "bars": bars, "notes": list(notes)}


# --------------------------------------------------------------- facts --

def first_match(path, pattern):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text(), re.M)
    except OSError:
        return None
    return found.group(1) if found else None


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def file_system(path):
    """The type of the mount that holds @path."""
    device = os.stat(path).st_dev
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[2] == f"{os.major(device)}:{os.minor(device)}":
            return fields[fields.index("-") + 1]
    return "unknown"


def facts(root, scratch, load):
    versions = {}
    for package in PACKAGES:
        version = output("dpkg-query", "-W", "-f=${Version}", package)
        if version:
            versions[package] = version
    commit = output("git", "-C", str(root), "rev-parse", "--short", "HEAD")
    if output("git", "-C", str(root), "status", "--porcelain"):
        commit += ", changed"
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": first_match("/proc/cpuinfo", r"^model name\s*: (.*)$") or platform.machine(),
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "system": first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)') or platform.system(),
        "fileSystem": file_system(scratch),
        "loadBefore": load,
        "commit": commit,
        "versions": versions,
    }


# --------------------------------------------------------------- table --

def seconds(value):
    if value is None:
        return "-"
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def span(values):
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    return f"{low * 1000:.1f}..{high * 1000:.1f}" if high < 1 else f"{low:.2f}..{high:.2f}"


def factor(value):
    if value is None:
        return "-"
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def size(value):
    if value is None:
        return "-"
    return f"{value / 1000:,.1f} KB" if value < MB else f"{value / MB:,.2f} MB"


def number(value):
    return f"{value:,.3f}".rstrip("0").rstrip(".") if value < 100 else f"{value:,.0f}"


WIDTH = (30, 11, 17, 9, 11, 11, 11)


def line(*cells):
    first, *others = cells
    return ("  " + first.ljust(WIDTH[0]) + "".join(c.rjust(w) for c, w in zip(others, WIDTH[1:]))).rstrip()


class Report:
    def __init__(self, rows, machine, quick, took):
        self.rows, self.machine, self.quick, self.took = rows, machine, quick, took

    def failed(self):
        """Whether pannier, the first of every row, could not do its part."""
        return any(row["results"] and row["results"][0]["error"] for row in self.rows)

    def json(self):
        return {"quick": self.quick, "seconds": self.took, "machine": self.machine, "rows": self.rows}

    def head(self):
        m = self.machine
        yield (f"{m['cores']} cores of {m['cpu']}, {m['memoryBytes'] / 2**30:.0f} GiB, Linux {m['kernel']}, {m['system']}, "
               f"{m['fileSystem']}; commit {m['commit']}")
        yield ", ".join(f"{name} {version}" for name, version in m["versions"].items())
        if self.quick:
            yield "QUICK: sizes are scaled down. Bars are stated for full sizes; here they are only a hint."
        if m["loadBefore"] > m["cores"] / 4:
            yield f"BUSY: the machine's load was {m['loadBefore']:.1f} when this began."

    @staticmethod
    def verdict(b):
        verdict = {True: "met", False: "MISSED", None: "UNKNOWN"}[b["met"]]
        value = "" if b["relation"] is None else \
            f": {'not measured' if b['value'] is None else number(b['value'])}, {b['relation']} {number(b['limit'])}"
        return f"{verdict:<8}{b['bar']}{value}"

    def block(self, row):
        yield f"{row['title']}: {row['scale']}"
        if row["results"]:
            yield line("", "median", "min..max", "ratio", "processor", "size", "memory")
        for r in row["results"]:
            yield line(r["name"], seconds(r["median"]), span(r["seconds"]), factor(r["ratio"]),
                       seconds(r["medianProcessor"]), size(r["outputBytes"]), size(r["peakBytes"]))
            if r["error"]:
                yield f"      FAILED: {' '.join(r['error'].split())}"
        for b in row["bars"]:
            yield f"  {self.verdict(b)}"
        for note in row["notes"]:
            yield f"  ({note})"

    def text(self):
        lines = [*self.head(), ""]
        for each in self.rows:
            lines += [*self.block(each), ""]
        bars = [b["met"] for each in self.rows for b in each["bars"]]
        lines.append(f"{bars.count(True)} bars met, {bars.count(False)} missed, {bars.count(None)} unknown; "
                     f"measured in {self.took:.0f} s")
        return "\n".join(lines)
