#!/usr/bin/env python3
"""Seeds of tests/fuzz/corpus/patch: make-patch-corpus.py FOLDER

Frames made by hand, to be applied to a base of text; and content to make patches to.
"""
import os
import subprocess
import sys
import tempfile

MAGIC = b"\x28\xb5\x2f\xfd"
BASE = b"".join(b"P%04d,%d,TERM\n" % (i, 20 + i * 7 % 60) for i in range(40))[:400]
EDITED = BASE.replace(b"P0007,", b"P9007,").replace(b"P0020,40,TERM\n", b"")


def block(data, last=1, kind=0, size=None):
    return (last | kind << 1 | (len(data) if size is None else size) << 3).to_bytes(3, "little") + data


def patch(data):
    return bytes([0, 0, len(BASE) // 8]) + BASE + data


def content(data, level):
    return bytes([1, level - 1, len(BASE) // 8]) + BASE + data


def stock(data, *options):
    """What zstd makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("base", "content")]
        for path, text in zip(paths, (BASE, data)):
            with open(path, "wb") as out:
                out.write(text)
        return subprocess.run(["zstd", "-qq", "-c", *options, "--patch-from=" + paths[0], paths[1]],
                              check=True, stdout=subprocess.PIPE).stdout


HELLO = block(b"hello")
SEEDS = {
    "patch-hand": patch(MAGIC + b"\x20\x05" + HELLO),
    "patch-blocks": patch(MAGIC + b"\x20\x05" + block(b"hel", 0) + block(b"", 0) + block(b"l", 0, 1, 1) + block(b"o")),
    "patch-window": patch(MAGIC + b"\x80\x00\x05\0\0\0" + HELLO),
    "patch-window-2g": patch(MAGIC + b"\x80\xa8\x05\0\0\0" + HELLO),
    "patch-dictionary": patch(MAGIC + b"\x21\x01\x05" + HELLO),
    "patch-no-size": patch(MAGIC + b"\0\0" + HELLO),
    "patch-longer": patch(MAGIC + b"\x20\x04" + HELLO),
    "patch-endless": patch(MAGIC + b"\xa0\xe0\x93\x04\0" + block(b"x", 0, 1, 1 << 17) * 50),
    "patch-two-frames": patch((MAGIC + b"\x20\x05" + HELLO) * 2),
    "patch-skippable": patch(b"\x50\x2a\x4d\x18\x01\0\0\0x" + MAGIC + b"\x20\x05" + HELLO),
    "patch-old-format": patch(b"\x27" + MAGIC[1:] + b"\x20\x05" + HELLO),
    "patch-zstd": patch(stock(EDITED, "-3")),
    "patch-zstd-no-check": patch(stock(EDITED, "-19", "--no-check")),
    "patch-zstd-cut": patch(stock(EDITED, "-3")[:-5]),
    "content-empty": content(b"", 3),
    "content-same": content(BASE, 1),
    "content-edited": content(EDITED, 12),
    "content-other": content(bytes(i * i % 251 for i in range(300)), 19),
}

os.makedirs(sys.argv[1], exist_ok=True)
for name, seed in SEEDS.items():
    with open(os.path.join(sys.argv[1], name), "wb") as out:
        out.write(seed)
