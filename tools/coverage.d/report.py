"""The figures of tools/coverage by folder, and the lines that no test reached.

  report.py ROOT GCOVR-JSON
"""

import collections
import json
import pathlib
import re
import sys

ERROR = re.compile(r"fail|context\(|errno|\bown\b|reason|interrupted|return (status|-1|NULL|false|1);|"
                   r"\b(free|close|destroy|discard)\w*\(|= PNR_[A-Z]+;|\[0\] = '\\0'")


class File:
    """A file of src/, which may have been compiled several times: what any of them reached."""

    def __init__(self, root, name):
        self.name = name
        self.texts = (root / name).read_text(encoding="utf-8").splitlines()
        self.lines = collections.Counter()
        self.branches = collections.Counter()

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        for place, branch in enumerate(line["branches"]):
            self.branches[number, place] += branch["count"]

    def missed(self):
        return [(number, self.texts[number - 1].strip()) for number in sorted(self.lines) if not self.lines[number]]


def share(counts):
    reached = sum(count > 0 for count in counts)
    return f"{reached:6,} of {len(counts):6,}  {100 * reached / max(1, len(counts)):5.1f} %"


def table(files):
    folders = collections.defaultdict(list)
    for file in files:
        folders[str(pathlib.PurePath(file.name).parent)].append(file)
    print(f"{'folder':12} {'lines':>25} {'branches':>27}")
    for folder, inside in [*sorted(folders.items()), ("all", files)]:
        lines = [count for file in inside for count in file.lines.values()]
        branches = [count for file in inside for count in file.branches.values()]
        print(f"{folder:12} {share(lines)}   {share(branches)}")


def listing(title, found):
    print(f"\n{title}: {len(found)} lines")
    for name, number, text in found:
        print(f"{name}:{number}: {text}")


def main():
    root, report = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
    files = []
    for each in report["files"]:
        file = File(root, each["file"])
        for line in each["lines"]:
            if not line.get("gcovr/noncode"):
                file.add(line)
        files.append(file)
    table(files)
    missed = [(file.name, number, text) for file in files for number, text in file.missed()]
    listing("error paths not reached", [line for line in missed if ERROR.search(line[2])])
    listing("other lines not reached", [line for line in missed if not ERROR.search(line[2])])


main()
