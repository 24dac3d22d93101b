"""A year of the sample, with times and names that are always the same, and the queries of schema/README.md on it.

cookbook.py --model DIR --page README.md [--refresh]

The packages are made by pannier. Then what differs from run to run is written over: times, users, hosts, commits,
and with them, by the recipe of the page, the hashes of the log.
"""
import argparse
import difflib
import hashlib
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import zlib

QUERY = re.compile(r"```sql\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)
COMMITS = {name: hashlib.sha1(name.encode()).hexdigest() for name in "abcdef"}


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def make_store(model):
    """What happened, an entry of the log each: time, user, host, commit, dirty, CI run."""
    entries = []

    def pannier(at, *arguments):
        moment = int(subprocess.run(["date", "-ud", at, "+%s"], capture_output=True, text=True, check=True).stdout)
        subprocess.run(["pannier", *arguments], cwd=model, check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, SOURCE_DATE_EPOCH=str(moment)))

    def pack(at, who, *arguments):
        pannier(at, "pack", "-q", "--portable", *arguments)
        entries.append((at, *who))

    anna = ("anna", "desk-7", COMMITS["a"], 0, "")
    table, lapse = model / "assumptions/mortality.csv", model / "assumptions/lapse.csv"
    pack("2026-01-30T16:05:11Z", anna, "--name", "term-life", "--note", "January close", "--tag", "2026-01")
    edit(table, "18,M,N,0.000538", "18,M,N,0.000541")
    edit(table, "19,M,N,0.000558", "19,M,N,0.000561")
    pack("2026-02-27T17:40:02Z", ("bela", "desk-2", COMMITS["b"], 0, ""), "--name", "term-life", "--note",
         "new mortality table", "--tag", "2026-02")
    edit(lapse, "1,0.1030", "1,0.1100")
    pack("2026-03-10T09:12:45Z", ("anna", "desk-7", COMMITS["b"], 1, ""), "--name", "term-life", "--note", "a try")
    edit(model / "livecalc.config.json", '"count": 1000', '"count": 5000')
    pack("2026-03-24T02:00:31Z", ("ci", "runner-1", COMMITS["c"], 0, "model-build/481"), "--name", "term-life", "--note",
         "Q1 run", "--tag", "2026-q1")
    pannier("2026-03-24T02:05:00Z", "remote", "add", "-q", "prod", "./prod")
    pannier("2026-03-24T02:05:00Z", "push", "-q", "prod", "2026-q1")
    entries.append(("2026-03-24T02:05:00Z", "ci", "runner-1", "", None, "model-build/481"))
    edit(lapse, "1,0.1100", "1,0.1030")
    pack("2026-04-02T11:30:00Z", ("anna", "desk-7", COMMITS["d"], 0, ""), "--name", "term-life", "--include-policies")
    edit(model / "livecalc.config.json", '"local://assumptions/expenses.csv"', '"assumptions://expenses:latest"')
    (model / "python/summary.py").write_text("print('no summary')\n", encoding="utf-8")
    pack("2026-04-20T08:00:00Z", ("bela", "desk-2", COMMITS["e"], 0, ""), "--name", "annuity", "--note", "first annuities",
         "--no-zip")
    return entries


def pin(database, entries):
    """The same times, names and hashes in every run."""
    with sqlite3.connect(database) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'log'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        previous = "0" * 64
        for number, (at, user, host, commit, dirty, run) in enumerate(entries, 1):
            at = at.replace("Z", ".000Z")
            db.execute("UPDATE log SET at = ?, user = ?, host = ?, git_commit = ?, git_dirty = ?, ci_run = ?,"
                       " tool_version = '1.0.0', previous_hash = ? WHERE id = ?",
                       (at, user, host, commit, dirty, run, previous, number))
            text, = db.execute("SELECT text FROM log_text WHERE entry = ?", (number,)).fetchone()
            previous = hashlib.sha256(text.encode() + b"\n").hexdigest()
            db.execute("UPDATE log SET entry_hash = ? WHERE id = ?", (previous, number))
            db.execute("UPDATE remote_package SET at = ? WHERE ?", (at, at.startswith("2026-03-24T02:05")))
            db.execute("UPDATE transfer SET at = ?, seconds = 0.25 WHERE ?", (at, at.startswith("2026-03-24T02:05")))
            db.execute("UPDATE tag SET at = ? WHERE package_id = (SELECT package_id FROM log WHERE id = ?)", (at, number))
        db.execute("UPDATE remote SET url = '/mnt/prod'")
        db.execute("UPDATE transfer SET url = '/mnt/prod'")
        for _, sql in triggers:
            db.execute(sql)


def in_shell(database, query):
    return subprocess.run(["sqlite3", "-batch", "-init", "/dev/null", "-readonly", "-header", database, query], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def in_python(database, query):
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    db.create_function("sqlar_uncompress", 2, lambda data, size: data if len(data) == size else zlib.decompress(data))
    cursor = db.execute(query)
    rows = cursor.fetchall()
    if not rows:
        return ""

    def text(value):
        if value is None:
            return ""
        return value.decode() if isinstance(value, bytes) else str(value)
    lines = ["|".join(column[0] for column in cursor.description), *("|".join(map(text, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--page", required=True, type=pathlib.Path)
    parser.add_argument("--refresh", action="store_true")
    options = parser.parse_args()
    database = str(options.model / ".pannier/pannier.db")
    pin(database, make_store(options.model))
    page = options.page.read_text(encoding="utf-8")
    queries = faults = 0

    def check(match):
        nonlocal queries, faults
        query, wanted = match.groups()
        queries += 1
        got = in_shell(database, query)
        if got != wanted and not options.refresh:
            faults += 1
            print(query)
            sys.stdout.writelines(difflib.unified_diff(wanted.splitlines(True), got.splitlines(True), "page", "shell"))
        if in_python(database, query) != got:
            faults += 1
            print(query)
            sys.stdout.writelines(difflib.unified_diff(got.splitlines(True), in_python(database, query).splitlines(True),
                                                       "shell", "Python"))
        return f"```sql\n{query}```\n\n```text\n{got}```\n"

    refreshed = QUERY.sub(check, page)
    if options.refresh:
        options.page.write_text(refreshed, encoding="utf-8")
    assert queries >= 20, queries
    assert page.count("```sql") == queries, "a query without its output"
    print(f"{queries} queries")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
