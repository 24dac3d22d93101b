#!/usr/bin/env python3
"""Write the corpora of fuzz_member and fuzz_package.

usage: make-remote-corpus.py CORPUS-FOLDER
"""
import gzip
import hashlib
import json
import pathlib
import struct
import sys
import zlib

CONTENT = b"120,1.0,1.0\n" * 40


def member(flags=0, optional=b"", content=CONTENT, level=6, head_crc=None):
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\x01\x02\x03\x04\x02\x03" + optional
    if flags & 2:
        head += struct.pack("<H", (zlib.crc32(head) if head_crc is None else head_crc) & 0xFFFF)
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = deflate.compress(content) + deflate.flush()
    return head + body + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def members():
    yield "plain", member()
    yield "python", gzip.compress(CONTENT)
    yield "empty-content", member(content=b"")
    yield "stored", member(level=0)
    yield "extra", member(4, b"\x03\x00xyz")
    yield "extra-empty", member(4, b"\x00\x00")
    yield "extra-beyond", member(4, b"\xff\xffxyz")
    yield "name", member(8, b"table.csv\0")
    yield "name-without-end", b"\x1f\x8b\x08\x08" + b"\x01\x02\x03\x04\x02\x03" + b"name"
    yield "comment", member(16, b"a comment\0")
    yield "all", member(30, b"\x03\x00xyztable.csv\0a comment\0")
    yield "head-crc", member(2)
    yield "head-crc-wrong", member(2, head_crc=1)
    yield "text", member(1)
    yield "reserved", member(32)
    yield "two-members", member() + member()
    yield "zero-behind", member() + b"\0"
    yield "cut", member()[:-1]
    yield "no-tail", member()[:-8]
    yield "head-only", member()[:10]
    yield "crc-wrong", member()[:-8] + b"\0\0\0\0" + member()[-4:]
    yield "size-wrong", member()[:-4] + struct.pack("<I", len(CONTENT) + 1)
    yield "empty", b""


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def package(rows, assets=("a", "b"), tail=None):
    listed = ",\n".join(
        f'    {{\n      "relativePath": "{name}",\n      "hash": "{digest(name)}",\n      "size": 10,\n'
        f'      "type": "model"\n    }}' for name in assets)
    objects = ",".join("{" + row + "}" for row in rows)
    if tail is None:
        tail = ('{"format":1,"name":"model","archiveHash":"' + digest("zip") +
                '","archiveSize":100,"archiveOptions":"{\\"level\\":6}","objects":[' + objects + "]}")
    tail = json.dumps(json.loads(tail), indent=2).replace("\n", "\n  ")
    return ('{\n  "version": "1.0",\n  "createdAt": "2026-01-24T12:34:56.789Z",\n  "assets": [\n' + listed +
            '\n  ],\n  "packageHash": "' + digest("package") + '",\n  "config": {},\n  "remote": ' + tail + "\n}\n")


def row(name, form="gzip", base=None, depth=1, size=10):
    text = f'"hash":"{digest(name)}","size":{size},"form":"{form}"'
    if base is not None:
        text += f',"base":"{digest(base)}","depth":{depth}'
    stored = digest(name) if form == "stored" else digest(name + form)
    return text + f',"storedHash":"{stored}","storedSize":{size if form == "stored" else 5}'


def in_order(**rows):
    return [rows[name] for name in sorted(rows, key=digest)]


def packages():
    yield "two-wholes", package(in_order(a=row("a"), b=row("b", "stored")))
    yield "a-chain", package(in_order(a=row("a", "patch", "c", 2), b=row("b"), c=row("c", "patch", "b", 1)))
    names = "abcdefghi"
    deep = {name: row(name, "patch", names[i - 1], i) if i else row(name) for i, name in enumerate(names)}
    yield "as-deep-as-can-be", package(in_order(**deep), assets=("i",))
    yield "too-deep", package(in_order(**deep, j=row("j", "patch", "i", 9)), assets=("j",))
    yield "a-loop", package(in_order(a=row("a", "patch", "b", 1), b=row("b", "patch", "a", 1)))
    yield "a-missing-base", package(in_order(a=row("a", "patch", "c", 1), b=row("b")))
    yield "a-missing-asset", package([row("a")])
    yield "another-size", package(in_order(a=row("a", size=11), b=row("b")))
    yield "one-too-many", package(in_order(a=row("a"), b=row("b"), c=row("c")))
    yield "out-of-order", package(list(reversed(in_order(a=row("a"), b=row("b")))))
    yield "twice", package(in_order(a=row("a"), b=row("b")) + [row("b")])
    yield "a-patch-without-base", package(in_order(a=row("a", "patch"), b=row("b")))
    yield "a-whole-with-base", package(in_order(a=row("a", "gzip", "b"), b=row("b")))
    yield "newer", package([], tail='{"format":2}')
    yield "no-format", package([], tail="{}")
    yield "no-object", package([], tail="[]")
    yield "empty", ""
    yield "pointer", pointer("a")
    yield "pointer-as-long-as-can-be", pointer(*"abcde")
    yield "pointer-too-long", pointer(*"abcdef")
    yield "pointer-to-itself", pointer(*"aba")
    yield "pointer-to-nothing", pointer()
    yield "pointer-newer", '{"format":2}\n'
    yield "pointer-with-more", pointer("a")[:-2] + ',"more":1}\n'


def pointer(*names):
    texts = ",".join(f'{{"hash":"{digest(name)}","size":10}}' for name in names)
    return '{"format":1,"text":[' + texts + "]}\n"


def main(folder):
    for name, data in members():
        target = folder / "member" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for name, text in packages():
        target = folder / "package" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
