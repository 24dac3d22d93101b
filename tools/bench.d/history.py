"""Every command, and every query of schema/README.md, on a store with a long history: is each an answer at once?

Run by `tools/bench --history`. Times are of the process itself (user and system), the median of seven: waiting for what
else runs on the machine does not count. The bar is 100 ms.
"""
import argparse
import json
import pathlib
import re
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

LIMIT = 100
QUERY = re.compile(r"```sql\n(.*?)```\n\n```text\n", re.DOTALL)
TITLE = re.compile(r"\*\*(\d+)\. (.*?)\*\*\n\n```sql\n")
COMMANDS = """\
log -n 20
log
log --json
log --name . -n 5
show latest
show latest~9000
show release-3 --json
history assumptions/mortality.csv
history livecalc.config.json --json
history python/p80.py
diff latest~1 latest
diff latest~9000 latest
diff latest~9000 latest --text
diff latest~9000 latest --csv age,sex --only assumptions/mortality.csv
uses latest:assumptions/mortality.csv
uses release-1:assumptions/expenses.csv
uses latest:wasm/w00.wasm
cat latest~9000:assumptions/mortality.csv
tag --list
tag bench latest --force
stats
remote list
status
report
export latest -o exported.zip
delta --since latest~1 -o delta.zip
pack
"""
SIZES = """SELECT name, printf('%.1f MB', sum(pgsize) / 1e6) AS size, sum(ncell) AS cells FROM dbstat GROUP BY name
HAVING sum(pgsize) >= (SELECT page_count / 100 * page_size FROM pragma_page_count, pragma_page_size) ORDER BY sum(pgsize) DESC"""
# The sample's names and hashes, and what the long history has in their place.
PLACES = [("'2026-q1'", "'release-49'"), ("'2026-01'", "'release-3'"), ("'2026-03'", "'2025-03'"), ("'2026-04'", "'2025-04'"),
          ("'2026-03-15'", "'2020-03-15'"), ("'term-life'", "'.'"), ("'assumptions/lapse.csv'", "'assumptions/mortality.csv'"),
          ("'model-build/481'", "'build/481'"), ("note = 'Q1 run'", "entry = 777")]
RUNS = 7


def cpu(command, times=RUNS, **options):
    """Milliseconds of user and system time, the median, and what the process said."""
    all_spent = []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = 1e3 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        if process.returncode != 0:
            sys.exit(f"{command}: exit {process.returncode}: {process.stdout.decode()[-500:]}")
        all_spent.append(spent)
    return statistics.median(all_spent), process.stdout


def verdict(milliseconds):
    return "met" if milliseconds < LIMIT else "MISSED"


def commands(pannier, store, model):
    print(f"{'ms':>6} {'bar':>7} {'lines':>8}  command")
    for name, floor in (("sqlite3 :memory: 'SELECT 1'", ["sqlite3", ":memory:", "SELECT 1"]),
                        ("pannier --version", [pannier, "--version"])):
        spent, output = cpu(floor)
        print(f"{spent:6.0f} {'':7} {output.count(10):8}  the floor: {name}")
    cpu([pannier, "pack", "-q", "--store", store], times=2, cwd=model)  # what follows has nothing new to pack
    for line in COMMANDS.splitlines():
        spent, output = cpu([pannier, *line.split(), "--store", store], cwd=model)
        print(f"{spent:6.0f} {verdict(spent):>7} {output.count(10):8}  {line}")
    # The rows only: the made manifests are none.
    spent, output = cpu([pannier, "fsck", "--quick", "--store", store], times=3)
    print(f"{spent:6.0f} {'none':>7} {output.count(10):8}  fsck --quick: reads the whole database")


def queries(page, database, content, archive):
    print(f"\n{'ms':>6} {'bar':>7} {'rows':>8}  query of schema/README.md: whole tables that it reads, in the order of an index or not")
    titles = TITLE.findall(page)
    for (number, title), query in zip(titles, QUERY.findall(page), strict=True):
        for sample, here in PLACES:
            query = query.replace(sample, here)
        query = re.sub(r"'[0-9a-f]{64}'", f"'{archive if 'archive_hash =' in query else content}'", query)
        spent, output = cpu(["sqlite3", "-batch", "-init", "/dev/null", "-readonly", database, query])
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
            db.create_function("sqlar_uncompress", 2, lambda data, size: data)
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
        scans = sorted({" ".join(step.split()[1:2] + (["by", step.split()[-1]] if "INDEX" in step else []))
                        for step in plan if step.startswith("SCAN") and "CONSTANT" not in step})
        print(f"{spent:6.0f} {verdict(spent):>7} {output.count(10):8}  {number}. {title} [{', '.join(scans)}]")


def pack_times(pannier, store, model, packs):
    """One table changed, packed: the process's time in each pack."""
    times = []
    for number in range(packs):
        with open(model / "assumptions/mortality.csv", "a", encoding="utf-8") as table:
            table.write(f"{200 + number},F,0.5\n")
        times.append(cpu([pannier, "pack", "-q", "--store", store, "-o", model / "out.zip"], times=1, cwd=model)[0])
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True, type=pathlib.Path)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--work", default="/var/tmp", type=pathlib.Path)
    parser.add_argument("--packages", default=10000, type=int)
    parser.add_argument("--keep", type=pathlib.Path, help="make the stores in this folder and leave them, or use those there")
    options = parser.parse_args()
    pannier, history = (options.build.resolve() / name for name in ("release/pannier", "history"))
    work = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="pannier-history-", dir=options.work))
    try:
        work.mkdir(exist_ok=True)
        for name, packages in (("short", 10), ("long", options.packages)):
            if (work / f"{name}-store").exists():
                continue
            start = time.monotonic()
            subprocess.run([history, work / f"{name}-store", work / name, str(packages)], check=True)
            print(f"{packages} packages made in {time.monotonic() - start:.0f} s", file=sys.stderr)
        database = str(work / "long-store/pannier.db")
        stats = json.loads(cpu([pannier, "stats", "--json", "--store", work / "long-store"])[1])
        print(f"{stats['packages']} packages, {stats['entries']} entries, {stats['blobs']} contents of"
              f" {stats['bytesRaw'] / 1e6:.0f} MB, kept in {stats['bytesStored'] / 1e6:.0f} MB; database"
              f" {stats['bytesDatabase'] / 1e6:.0f} MB\n")
        commands(pannier, work / "long-store", work / "long")
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
            content, = db.execute("SELECT hash FROM asset_history WHERE path = 'assumptions/expenses.csv'"
                                  " ORDER BY packages DESC LIMIT 1").fetchone()
            archive, = db.execute("SELECT archive_hash FROM package_list WHERE entry = 777").fetchone()
        queries((options.root / "schema/README.md").read_text(encoding="utf-8"), database, content, archive)
        print("\nthe database, by table and index, without those below 1 %:")
        print(subprocess.run(["sqlite3", "-batch", "-init", "/dev/null", "-readonly", "-column", database, SIZES],
                             check=True, stdout=subprocess.PIPE, text=True).stdout)
        pairs = [(pack_times(pannier, work / "short-store", work / "short", 1)[0],
                  pack_times(pannier, work / "long-store", work / "long", 1)[0]) for _ in range(15)]
        short, long = (statistics.median(column) for column in zip(*pairs))
        print(f"\npacking one changed table: package 11 and on {short:.1f} ms, package {options.packages + 1} and on"
              f" {long:.1f} ms: {long / short:.2f} times")
    finally:
        if not options.keep:
            shutil.rmtree(work)


if __name__ == "__main__":
    main()
