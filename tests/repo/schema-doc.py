#!/usr/bin/env python3
"""Every table, view and column in schema/*.sql has a comment: at the end of its line, or on a line above.

usage: schema-doc.py SOURCE-FOLDER

Which tables and columns there are, SQLite says; so the DDL is proved to load, too.
"""
import pathlib
import re
import sqlite3
import sys

CREATE = r"^[ \t]*CREATE[ \t]+(?:TABLE|VIEW)[ \t]+(?:IF[ \t]+NOT[ \t]+EXISTS[ \t]+)?[\"\[`]?{name}\b"


def without_strings(line):
    return re.sub(r"'[^']*'|\"[^\"]*\"", "''", line)


def has_comment(lines, number):
    """Is there one in line `number`, or only that on the one above?"""
    if re.search(r"--\s*\S", without_strings(lines[number])):
        return True
    return number > 0 and re.match(r"\s*--\s*\S", lines[number - 1]) is not None


def lines_of(lines, name):
    """The numbers of the lines of the statement that creates `name`."""
    start = next(i for i, line in enumerate(lines) if re.match(CREATE.format(name=re.escape(name)), line, re.I))
    end = start
    while not re.sub(r"--.*", "", without_strings(lines[end])).rstrip().endswith(";"):
        end += 1
    return range(start, end + 1)


def names_column(line, table, column):
    name = re.escape(column)
    code = re.sub(r"--.*", "", line)
    return (re.match(rf"\s*[\"\[`]?{name}\b", code) is not None
            or re.search(rf"\bAS\s+[\"\[`]?{name}\b[\"\]`]?\s*,?\s*$", code, re.I) is not None
            or re.search(rf"\bALTER\s+TABLE\s+{re.escape(table)}\s+ADD\s+(COLUMN\s+)?{name}\b", code, re.I) is not None)


def check(text):
    database = sqlite3.connect(":memory:")
    database.executescript(text)
    objects = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
                               "AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY rowid").fetchall()
    lines = text.splitlines()
    faults, columns = [], 0
    for (name,) in objects:
        inside = lines_of(lines, name)
        if not has_comment(lines, inside[0]):
            faults.append(f"{name}: no comment")
        added = [i for i, line in enumerate(lines) if re.match(rf"\s*ALTER\s+TABLE\s+{re.escape(name)}\b", line, re.I)]
        for column in database.execute("SELECT name FROM pragma_table_xinfo(?)", (name,)):
            columns += 1
            places = [i for i in [*inside[1:], *added] if names_column(lines[i], name, column[0])]
            if not any(has_comment(lines, i) for i in places):
                faults.append(f"{name}.{column[0]}: no comment")
    return faults, len(objects), columns


RIGHT = """
CREATE TABLE a ( -- what an a is
  x INTEGER PRIMARY KEY, -- names it
  -- the rest
  y TEXT NOT NULL CHECK (y <> '--')
) STRICT;
-- seen from the side
CREATE VIEW v (
  p -- x
) AS SELECT x FROM a;
CREATE VIEW w AS -- what w shows
SELECT x AS q -- x again
  FROM a;
ALTER TABLE a ADD COLUMN z TEXT; -- came later
"""
WRONG = [
    ("-- what an a is", "", "a: no comment"),
    ("-- names it", "", "a.x: no comment"),
    ("-- names it", "--", "a.x: no comment"),
    ("  -- the rest\n", "", "a.y: no comment"),
    ("-- seen from the side\n", "", "v: no comment"),
    ("p -- x", "p", "v.p: no comment"),
    ("-- x again", "", "w.q: no comment"),
    ("-- came later", "", "a.z: no comment"),
]


def main():
    assert check(RIGHT) == ([], 3, 5), check(RIGHT)
    for old, new, expected in WRONG:
        faults = check(RIGHT.replace(old, new, 1))[0]
        assert faults == [expected], (old, faults)
    files = sorted((pathlib.Path(sys.argv[1]) / "schema").glob("*.sql"))
    assert files, "no schema/*.sql"
    faults, objects, columns = check("\n".join(file.read_text() for file in files))
    print("\n".join(faults) if faults else f"{objects} tables and views, {columns} columns")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
