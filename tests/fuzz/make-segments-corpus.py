#!/usr/bin/env python3
"""Seeds of tests/fuzz/corpus/segments: make-segments-corpus.py FOLDER

What stands behind a segment of 1 MiB, in each shape of fuzz_segments.c: something that looks
like a segment and is none, or is one that somebody else made.
"""
import os
import sys
import zlib

MIB = 1 << 20
MARKER = b"\0\0\xff\xff"


def raw(data, flush, window=b""):
    c = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, *([window] if window else []))
    return c.compress(data) + c.flush(flush)


def stored(data, final=0):
    length = len(data)
    return bytes([final]) + length.to_bytes(2, "little") + (length ^ 0xffff).to_bytes(2, "little") + data


SEEDS = {
    "segment": raw(b"x" * MIB, zlib.Z_SYNC_FLUSH),
    "segment-one-short": raw(b"x" * (MIB - 1), zlib.Z_SYNC_FLUSH),
    "segment-one-long": raw(b"x" * (MIB + 1), zlib.Z_SYNC_FLUSH),
    "segment-that-ends": raw(b"x" * MIB, zlib.Z_FINISH),
    "segment-that-refers-back": raw(b"\0" * MIB, zlib.Z_SYNC_FLUSH, b"\0" * 32768),
    "two-halves": raw(b"x" * (MIB // 2), zlib.Z_FULL_FLUSH) * 2,
    "marker-in-stored-data": stored(b"x" + MARKER + b"y") + raw(b"x" * (MIB - 6), zlib.Z_SYNC_FLUSH),
    "ends-within-stored-data": raw(b"x" * (MIB - 4), zlib.Z_SYNC_FLUSH) + stored(MARKER + b"on"),
    "final-within-stored-data": raw(b"x" * (MIB - 4), zlib.Z_SYNC_FLUSH) + stored(MARKER + b"\3\0", 1),
    "stored-first-only": b"\0\xff\xff\0\0" + MARKER * 100,
    "empty-blocks": stored(b"") * 200,
    "only-a-marker": MARKER,
}

os.makedirs(sys.argv[1], exist_ok=True)
for name, seed in SEEDS.items():
    for shape in range(7):
        with open(os.path.join(sys.argv[1], f"{name}-{shape}"), "wb") as out:
            out.write(bytes([shape]) + seed)
