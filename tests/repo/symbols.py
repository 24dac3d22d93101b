#!/usr/bin/env python3
"""The shared library exports exactly what the public headers declare with PNR_API, under its versioned name.

usage: symbols.py SOURCE-FOLDER LIBRARY
"""
import pathlib
import re
import subprocess
import sys

# What a sanitized build adds on its own.
SANITIZER = re.compile(r"__(asan|ubsan|lsan|tsan|sanitizer|odr_asan|start___sancov|stop___sancov)")


def declared_in(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.MULTILINE)
    return [re.findall(r"\w+", match)[-1] for match in re.findall(r"\bPNR_API\b([^(;]*)[(;]", text)]


def exported_by(library):
    output = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library], check=True,
                            capture_output=True, text=True).stdout
    names = [line.split()[0].split("@")[0] for line in output.splitlines()]
    return {name for name in names if not SANITIZER.match(name)}


def soname_of(library):
    output = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    return re.search(r"\(SONAME\).*\[(.*)\]", output)[1]


def main():
    source, library = pathlib.Path(sys.argv[1]), sys.argv[2]
    assert declared_in("/* PNR_API int no(void); */ PNR_API\nPNR_CHECKED int pnr_a(int (*fn)(void));\n"
                       "#define PNR_API x(\nPNR_API extern const int pnr_b;") == ["pnr_a", "pnr_b"]
    declared = [name for header in sorted((source / "include/pannier").glob("*.h"))
                for name in declared_in(header.read_text())]
    exported = exported_by(library)
    faults = [f"{name} is declared twice" for name in sorted({n for n in declared if declared.count(n) > 1})]
    faults += [f"{name} is not named pnr_..." for name in declared if not name.startswith("pnr_")]
    faults += [f"{name} is declared, but not in the library" for name in sorted(set(declared) - exported)]
    faults += [f"{name} is exported, but in no header" for name in sorted(exported - set(declared))]
    if not re.fullmatch(r"libpannier\.so\.\d+", soname_of(library)):
        faults.append(f"soname {soname_of(library)}")
    print("\n".join(faults) if faults else f"{len(exported)} functions, {soname_of(library)}")
    return 1 if faults or not declared else 0


if __name__ == "__main__":
    sys.exit(main())
