"""Write the seeds of fuzz_cli: command lines, right and wrong, each word ended by a NUL.

usage: python3 make-cli-corpus.py DIR
"""
import os
import sys

LINES = {
    "nothing": [],
    "pack": ["pack", "a.json", "-o", "out.zip", "--include-policies", "--level", "9", "--tag=v1", "--note", ""],
    "pack-lists": ["pack", "--engine-dir", "a", "--engine-dir=b", "--allow-outside", "c", "--allow-outside=d"],
    "short": ["-qv", "pack", "-oout.zip"],
    "operands": ["verify", "--", "--json"],
    "too-many-operands": ["verify", "a", "b"],
    "no-operand": ["unpack", "-C", "out"],
    "empty-operand": ["verify", ""],
    "help": ["--help"],
    "help-of-a-command": ["pack", "--help", "--json"],
    "version": ["--version", "--json"],
    "unknown-command": ["pakc"],
    "unknown-option": ["pack", "--protable", "--json"],
    "unknown-letter": ["--json", "log", "-x"],
    "number": ["log", "-n", "18446744073709551616", "--json"],
    "value-missing": ["pack", "--json", "--level"],
    "flag-with-value": ["pack", "--json=yes"],
    "progress": ["pack", "--progress", "often", "--wait=86401"],
    "not-utf8": ["pack", b"\xff\x1b[31m\xc2\x9b", "--json", b"--\xe2\x80\xae"],
}

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, words in LINES.items():
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(b"".join((word.encode() if isinstance(word, str) else word) + b"\0" for word in words))
