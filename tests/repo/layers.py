#!/usr/bin/env python3
"""src/LAYERS is the law: reads the #include lines of src/ and names every one that breaks it.

usage: layers.py SOURCE-FOLDER

First the checker is run over small trees made for it, right ones and wrong
ones: a checker that finds nothing anywhere would pass as well.
"""
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)
# Headers that belong to one folder alone.
OWNED = {"sqlite3.h": "index", "sqlite3ext.h": "index", "curl/curl.h": "http"}
PUBLIC_ONLY = "cli"


def read_layers(src):
    layers = {}
    for line in (src / "LAYERS").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            number, name = line.split()
            layers[name] = int(number)
    return layers


def folder_of(src, path):
    """The folder of src/ that `path` is in; "" for a file directly in it, None outside."""
    try:
        parts = path.resolve().relative_to(src.resolve()).parts
    except ValueError:
        return None
    return parts[0] if len(parts) > 1 else ""


def fault_of(src, layers, file, name):
    """What is wrong with the line that includes `name`; None if it may."""
    own = folder_of(src, file)
    if name in OWNED:
        return None if own == OWNED[name] else f"only src/{OWNED[name]} may include it"
    if name.startswith("pannier/"):
        return None
    found = next((place for place in (file.parent / name, src / name) if place.is_file()), None)
    if found is None:
        return None if not name.startswith(".") else "no such file"
    other = folder_of(src, found)
    if other == own:
        return None
    if other is None or other not in layers:
        return "outside the layers"
    if own == PUBLIC_ONLY:
        return f"{own} includes public headers only"
    if layers[other] == layers[own]:
        return f"a sibling: both are {layers[own]}"
    if layers[other] > layers[own]:
        return f"upward: {layers[own]} to {layers[other]}"
    return None


def check(src):
    layers = read_layers(src)
    folders = {path.name for path in src.iterdir() if path.is_dir()}
    faults = [f"src/{name} is not in src/LAYERS" for name in sorted(folders - layers.keys())]
    faults += [f"src/LAYERS has {name}, src/ has not" for name in sorted(layers.keys() - folders)]
    for file in sorted(src.rglob("*.[ch]")):
        own = folder_of(src, file)
        if own not in layers:
            faults.append(f"{file.relative_to(src)} is in no layer")
            continue
        text = file.read_text()
        for match in INCLUDE.finditer(text):
            fault = fault_of(src, layers, file, match[1])
            if fault is not None:
                line = text.count("\n", 0, match.start()) + 1
                faults.append(f"src/{file.relative_to(src)}:{line}: includes {match[1]}: {fault}")
    return faults


RIGHT = {
    "LAYERS": "# top first\n2 cli\n2 store\n1 index # SQL\n1 zip\n0 base\n",
    "base/base.h": "#include <stdio.h>\n",
    "base/base.c": '#include "base/base.h"\n#include "base.h"\n#include <pannier/store.h>\n',
    "index/index.h": '#include "base/base.h"\n#include <sqlite3.h>\n',
    "zip/zip.h": "  #  include <base/base.h>\n",
    "store/store.h": '#include "index/index.h"\n#include "zip/zip.h"\n',
    "cli/cli.h": "",
    "cli/main.c": '#include "cli/cli.h"\n#include <pannier/pannier.h>\n',
}

# Each of these, added to the right tree, is one fault, and the fault says so.
WRONG = [
    ({"base/x.c": '#include "zip/zip.h"\n'}, "upward: 0 to 1"),
    ({"base/x.c": "#include <zip/zip.h>\n"}, "upward: 0 to 1"),
    ({"base/x.c": '\t# include\t"../zip/zip.h"\n'}, "upward: 0 to 1"),
    ({"zip/x.c": '#include "index/index.h"\n'}, "a sibling: both are 1"),
    ({"store/x.c": '#include "cli/cli.h"\n'}, "a sibling: both are 2"),
    ({"cli/x.c": '#include "base/base.h"\n'}, "cli includes public headers only"),
    ({"cli/x.c": "#include <store/store.h>\n"}, "cli includes public headers only"),
    ({"store/x.c": "#include <sqlite3.h>\n"}, "only src/index may include it"),
    ({"base/deep/x.h": '#include "sqlite3.h"\n'}, "only src/index may include it"),
    ({"zip/x.c": "#include <curl/curl.h>\n"}, "only src/http may include it"),
    ({"http/x.c": ""}, "src/http is not in src/LAYERS"),
    ({"LAYERS": RIGHT["LAYERS"] + "1 codec\n"}, "src/LAYERS has codec"),
    ({"x.c": ""}, "x.c is in no layer"),
    ({"base/x.c": '#include "../../out.h"\n', "../out.h": ""}, "outside the layers"),
    ({"base/x.c": '#include "../none.h"\n'}, "no such file"),
]


def check_tree(files):
    with tempfile.TemporaryDirectory() as folder:
        src = pathlib.Path(folder) / "src"
        for name, text in files.items():
            file = src / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return check(src)


def check_checker():
    faults = check_tree(RIGHT)
    assert faults == [], faults
    for files, expected in WRONG:
        faults = check_tree({**RIGHT, **files})
        if expected.endswith("is not in src/LAYERS"):
            faults = faults[:1]
        assert len(faults) == 1 and expected in faults[0], (files, faults)


def main():
    check_checker()
    faults = check(pathlib.Path(sys.argv[1]) / "src")
    print("\n".join(faults) if faults else "every include goes down")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
