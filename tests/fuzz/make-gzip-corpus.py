"""Write the seeds of fuzz_gzip: the content's size (4 bytes, little-endian), then an object.

usage: python3 make-gzip-corpus.py DIR
"""
import os
import struct
import sys
import zlib

TEXT = b"age,qx\n" + b"38,0.000912\n" * 40
LARGE = 1 << 20


def body(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def gzip(data, head=None, stream=None):
    """As the store writes it; from 1 MiB on the stream starts at offset 4096."""
    if head is None:
        head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
        if len(data) >= LARGE:
            head = head[:3] + b"\4" + head[4:] + struct.pack("<H2sH", 4084, b"PN", 4080) + bytes(4080)
    return head + (body(data) if stream is None else stream) + struct.pack("<II", zlib.crc32(data), len(data))


def sized(size, data):
    return struct.pack("<I", size) + data


SEEDS = {
    "text": sized(len(TEXT), gzip(TEXT)),
    "empty": sized(0, gzip(b"")),
    "large": sized(LARGE, gzip(bytes(LARGE))),
    "large-without-padding": sized(LARGE, gzip(bytes(LARGE), head=b"\x1f\x8b\x08\0\0\0\0\0\0\xff")),
    "size-too-small": sized(len(TEXT) - 1, gzip(TEXT)),
    "size-too-large": sized(len(TEXT) + 1, gzip(TEXT)),
    "cut": sized(len(TEXT), gzip(TEXT)[:-12]),
    "two-members": sized(2 * len(TEXT), gzip(TEXT) * 2),
    "name-in-the-header": sized(len(TEXT), gzip(TEXT, head=b"\x1f\x8b\x08\x08\0\0\0\0\0\xffname\0")),
    "stored-block": sized(5, gzip(b"hello", stream=b"\1\5\0\xfa\xffhello")),
    "behind-the-stream": sized(len(TEXT), gzip(TEXT, stream=body(TEXT) + b"hidden")),
    "noise": sized(100, bytes(range(200))),
    "too-short": sized(5, b"\x1f\x8b"),
}

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, data in SEEDS.items():
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(data)
