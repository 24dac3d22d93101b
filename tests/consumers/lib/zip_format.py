"""schema/package-format.md, implemented a second time: the headers of a zip are what the document makes of its entries.

usage: python3 zip_format.py FILE.zip MILLISECONDS
"""
import datetime
import os
import struct
import sys
import zipfile

WIDE = 0xffffffff


def dos(milliseconds):
    t = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc)
    return t.hour << 11 | t.minute << 5 | t.second // 2, t.year - 1980 << 9 | t.month << 5 | t.day


def headers(entries, milliseconds):
    """The bytes that are no body: pairs (offset, bytes)."""
    time, date = dos(milliseconds)
    offset, central = 0, bytearray()
    for name, method, crc, size, body in entries:
        wide = max(size, body, offset) >= WIDE
        both = max(size, body) >= WIDE
        flags = 0 if name.isascii() else 0x800
        start = struct.pack('<HHHHHI', 45 if wide else 20, flags, method, time, date, crc)

        extra = struct.pack('<HHQQ', 1, 16, size, body) if both else b''
        if body >= 1 << 20:
            gap = -(offset + 30 + len(name) + len(extra)) % 4096
            gap += 4096 if 0 < gap < 6 else 0
            if gap:
                extra += struct.pack('<HHH', 0xd935, gap - 4, 4096) + bytes(gap - 6)
        local = b'PK\3\4' + start + struct.pack('<IIHH', WIDE if both else body, WIDE if both else size, len(name),
                                               len(extra)) + name + extra
        yield offset, local

        extra = struct.pack('<HHQQQ', 1, 24, size, body, offset) if wide else b''
        central += b'PK\1\2\x2d\3' + start
        central += struct.pack('<II', WIDE, WIDE) if wide else struct.pack('<II', body, size)
        central += struct.pack('<HHHHHII', len(name), len(extra), 0, 0, 0, 0o100644 << 16, WIDE if wide else offset)
        central += name + extra
        offset += len(local) + body

    count, size = len(entries), len(central)
    end = b''
    if count >= 0xffff or max(size, offset) >= WIDE:
        end += struct.pack('<IQHHIIQQQQ', 0x06064b50, 44, 0x32d, 45, 0, 0, count, count, size, offset)
        end += struct.pack('<IIQI', 0x07064b50, 0, offset + size, 1)
    end += struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, min(count, 0xffff), min(count, 0xffff), min(size, WIDE),
                       min(offset, WIDE), 0)
    yield offset, bytes(central) + end


path, milliseconds = sys.argv[1], int(sys.argv[2])
with zipfile.ZipFile(path) as archive:
    entries = [(i.filename.encode(), i.compress_type, i.CRC, i.file_size, i.compress_size) for i in archive.infolist()]
with open(path, 'rb') as file:
    for offset, expected in headers(entries, milliseconds):
        file.seek(offset)
        found = file.read(len(expected))
        assert found == expected, f'{path}: at {offset}\nfound    {found.hex()}\nexpected {expected.hex()}'
    assert file.tell() == os.path.getsize(path), f'{path}: {os.path.getsize(path) - file.tell()} bytes too many'
