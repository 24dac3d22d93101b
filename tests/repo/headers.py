#!/usr/bin/env python3
"""Every public header compiles alone, and twice, as C11 and as C++, and the example as C11: without a warning.

usage: headers.py SOURCE-FOLDER COMPILER...

Compilers that are not installed are passed over, but one of each language must be there.
"""
import pathlib
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
C = [["-x", "c", "-std=c11"]]
CXX = [["-x", "c++", "-std=c++11"], ["-x", "c++", "-std=c++20"]]
KNOWN = {"gcc": C, "clang": C, "g++": CXX, "clang++": CXX}


def compiles(source, command, text):
    result = subprocess.run([*command, *WARNINGS, "-fsyntax-only", "-I", str(source / "include"), "-"],
                            input=text, capture_output=True, text=True)
    return result.returncode == 0, result.stderr


def main():
    source = pathlib.Path(sys.argv[1])
    compilers = dict(KNOWN)
    compilers.update({path: C for path in sys.argv[2:]})
    commands = [[name, *how] for name, hows in compilers.items() if shutil.which(name) for how in hows]
    languages = {command[2] for command in commands}
    assert languages == {"c", "c++"}, f"found compilers for {languages} only"
    # A compiler that takes anything would pass as well.
    for command in commands:
        assert not compiles(source, command, "#include <pannier/none.h>\n")[0], command
        assert not compiles(source, command, "char f(int i);\nchar f(int i) { return i; }\n")[0], command

    faults = 0
    headers = sorted((source / "include/pannier").glob("*.h"))
    assert headers
    example = (source / "include/pannier/example.c").read_text()
    texts = [(header.name, f"#include <pannier/{header.name}>\n" * 2 + "int main(void);\n") for header in headers]
    for command in commands:
        for name, text in texts + ([("example.c", example)] if command[2] == "c" else []):
            fine, output = compiles(source, command, text)
            if not fine:
                print(f"{name}: {' '.join(command)}\n{output}")
                faults += 1
    print(f"{len(texts)} headers and the example, {len(commands)} compilers, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
