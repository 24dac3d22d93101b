"""Write the seeds of fuzz_zip: one small zip for each kind of record, and the usual attacks.

usage: python3 make-zip-corpus.py DIR
"""
import os
import struct
import sys
import zlib

TEXT = b'hello hello hello hello\n'
FILE, FOLDER, LINK = 0o100644 << 16, 0o40755 << 16 | 0x10, 0o120777 << 16


def deflate(data):
    """By table: other versions of zlib give other bytes."""
    return {b'': b'\3\0', TEXT: bytes.fromhex('cb48cdc9c957c84027b900')}[data]


def wide(*values):
    return struct.pack(f'<HH{len(values)}Q', 1, 8 * len(values), *values)


class Entry:
    """One entry; everything may be given, what is not is right."""

    def __init__(self, name, data=b'', method=0, **change):
        self.name, self.method, self.flags, self.attributes = name, method, 0, FILE
        self.crc, self.size, self.local_size = zlib.crc32(data), len(data), None
        self.body = deflate(data) if method == 8 and 'body' not in change else data
        self.local_extra = self.extra = self.comment = self.after = b''
        self.wide = False
        self.__dict__.update(change)

    def common(self, local):
        size, body = self.size, len(self.body)
        crc = self.crc
        if local and self.flags & 8:
            crc = size = body = 0
        if local and self.local_size is not None:
            size = self.local_size
        if self.wide:
            size = body = 0xffffffff
        return struct.pack('<HHHHHIIIHH', 45 if self.wide else 20, self.flags, self.method, 0x645c, 0x5c38, crc,
                           body, size, len(self.name), len(self.local_extra if local else self.extra))

    def local(self):
        return b'PK\3\4' + self.common(True) + self.name + self.local_extra + self.body + self.after

    def central(self, offset):
        return (b'PK\1\2\x1e\3' + self.common(False) +
                struct.pack('<HHHII', len(self.comment), 0, 0, self.attributes, offset) +
                self.name + self.extra + self.comment)


def archive(*entries, front=b'', zip64=False, comment=b'', back=b'', count=None):
    out, central = front, b''
    for entry in entries:
        central += entry.central(len(out))
        out += entry.local()
    offset, count = len(out), len(entries) if count is None else count
    out += central
    if zip64:
        out += struct.pack('<4sQHHIIQQQQ', b'PK\6\6', 44, 45, 45, 0, 0, count, count, len(central), offset)
        out += struct.pack('<4sIQI', b'PK\6\7', 0, offset + len(central), 1)
        out += struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, 65535, 65535, 0xffffffff, 0xffffffff, len(comment))
    else:
        out += struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, count, count, len(central), offset, len(comment))
    return out + comment + back


def descriptor(data, body, signature, format):
    return (b'PK\7\x08' if signature else b'') + struct.pack(format, zlib.crc32(data), len(body), len(data))


def unicode_path(name, second):
    return struct.pack('<HHBI', 0x7075, 5 + len(second), 1, zlib.crc32(name)) + second


stored = Entry(b'a.txt', TEXT)
deflated = Entry(b'wasm/a.wasm', TEXT, 8)
streamed = dict(flags=8)
seeds = {
    'empty': archive(),
    'stored': archive(stored),
    'deflated': archive(deflated),
    'several': archive(stored, deflated, Entry(b'data/', attributes=FOLDER), Entry(b'data/b.csv')),
    'nothing-deflated': archive(Entry(b'a', b'', 8)),
    'utf8': archive(Entry('größe'.encode(), TEXT, flags=0x800)),
    'unicode-path': archive(Entry(b'a', TEXT, extra=unicode_path(b'a', b'a'), local_extra=unicode_path(b'a', b'a'))),
    'unicode-path-other': archive(Entry(b'a', TEXT, extra=unicode_path(b'a', b'b'))),
    'zip64-end': archive(stored, zip64=True),
    'zip64-entry': archive(Entry(b'a', TEXT, wide=True, extra=wide(24, 24), local_extra=wide(24, 24))),
    'zip64-lies': archive(Entry(b'a', TEXT, wide=True, extra=wide(24, 25), local_extra=wide(24, 24))),
    'padding': archive(Entry(b'a', TEXT, local_extra=struct.pack('<HHH', 0xd935, 20, 4096) + bytes(18))),
    'times': archive(Entry(b'a', TEXT, local_extra=b'UT\x09\0\3' + bytes(8), extra=b'UT\5\0\3' + bytes(4))),
    'descriptor-12': archive(Entry(b'a', TEXT, after=descriptor(TEXT, TEXT, False, '<III'), **streamed)),
    'descriptor-16': archive(Entry(b'a', TEXT, 8, after=descriptor(TEXT, deflate(TEXT), True, '<III'), **streamed)),
    'descriptor-20': archive(Entry(b'a', TEXT, after=descriptor(TEXT, TEXT, False, '<IQQ'), **streamed)),
    'descriptor-24': archive(Entry(b'a', TEXT, after=descriptor(TEXT, TEXT, True, '<IQQ'), **streamed)),
    'zip-in-zip': archive(Entry(b'inner.zip', archive(stored, deflated)), stored),
    'entry-comment': archive(Entry(b'a', TEXT, comment=b'a remark')),
    'comment': archive(stored, comment=b'a remark'),
    'trailing': archive(stored, back=b'#'),
    'front': archive(stored, front=b'#!'),
    'twice': archive(stored, stored),
    'count': archive(stored, count=2),
    'local-size': archive(Entry(b'a', TEXT, local_size=23)),
    'gap': archive(Entry(b'a', TEXT, after=b'hidden'), stored),
    'link': archive(Entry(b'a', b'/etc/passwd', attributes=LINK)),
    'encrypted': archive(Entry(b'a', TEXT, flags=1)),
    'lzma': archive(Entry(b'a', TEXT, 14)),
    'bomb': archive(Entry(b'a', TEXT, 8, size=1 << 31)),
    'crc': archive(Entry(b'a', TEXT, 8, crc=1)),
    'longer': archive(Entry(b'a', TEXT, 8, size=23)),
    'shorter': archive(Entry(b'a', TEXT, 8, size=25)),
    'no-final-block': archive(Entry(b'a', b'hello', 8, body=b'\0\5\0\xfa\xffhello')),
    'behind-the-stream': archive(Entry(b'a', TEXT, 8, body=deflate(TEXT) + b'hidden')),
}

if __name__ == '__main__':
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(sys.argv[1], name), 'wb') as file:
            file.write(data)
