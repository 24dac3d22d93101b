"""Makes zips and packages byte by byte, so that any field of any record can lie."""
import hashlib
import json
import struct
import zlib

FILE, FOLDER = 0o100644 << 16, 0o40755 << 16 | 0x10
STORED, DEFLATED = 0, 8
WIDE16, WIDE32 = 0xffff, 0xffffffff
ENCRYPTED, DESCRIPTOR, UTF8 = 0x1, 0x8, 0x800


def deflate(data, level=9):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


class Entry:
    """
    One file in a zip, right in every field. `lies` replaces fields of both its
    headers, `local` and `central` those of one: name, method, flags, time, crc,
    size, body_size, extra; central only: offset, attributes, disk, comment.
    """

    def __init__(self, name, data=b"", method=STORED, body=None, after=b"", local=None, central=None, **lies):
        name = name.encode() if isinstance(name, str) else name
        self.body = body if body is not None else deflate(data) if method == DEFLATED else data
        self.after = after
        fields = dict(name=name, method=method, flags=0 if name.isascii() else UTF8, time=0x5c386000,
                      crc=zlib.crc32(data), size=len(data), body_size=len(self.body), extra=b"",
                      attributes=FOLDER if name.endswith(b"/") else FILE, disk=0, comment=b"")
        self.local = fields | lies | (local or {})
        self.central = fields | lies | (central or {})

    @staticmethod
    def _common(f):
        return struct.pack("<HHHIIIIHH", 20, f["flags"], f["method"], f["time"], f["crc"], f["body_size"],
                           f["size"], len(f["name"]), len(f["extra"]))

    def local_bytes(self):
        f = self.local
        return b"PK\3\4" + self._common(f) + f["name"] + f["extra"] + self.body + self.after

    def central_bytes(self, offset):
        f = self.central
        return (b"PK\1\2\x1e\3" + self._common(f) +
                struct.pack("<HHHII", len(f["comment"]), f["disk"], 0, f["attributes"], f.get("offset", offset)) +
                f["name"] + f["extra"] + f["comment"])


def end64(count, size, offset, place, **lies):
    """The zip64 end record and its locator."""
    f = dict(length=44, count=count, size=size, offset=offset, place=place, disks=1) | lies
    return (struct.pack("<4sQHHIIQQQQ", b"PK\6\6", f["length"], 45, 45, 0, 0, f["count"], f["count"], f["size"],
                        f["offset"]) +
            struct.pack("<4sIQI", b"PK\6\7", 0, f["place"], f["disks"]))


def end(count, size, offset, disk=0, comment=b""):
    return struct.pack("<4sHHHHIIH", b"PK\5\6", disk, 0, count, count, size, offset, len(comment)) + comment


def archive(entries, front=b"", zip64=None, between=b"", comment=b"", back=b"", **lies):
    """The zip of @entries. `lies`: count, size, offset of the directory, disk; zip64: those of its records."""
    out, directory = bytearray(front), b""
    for entry in entries:
        directory += entry.central_bytes(len(out))
        out += entry.local_bytes()
    right = dict(count=len(entries), size=len(directory), offset=len(out))
    out += directory + between
    if zip64 is not None:
        out += end64(**(right | dict(place=len(out)) | zip64))
        right = dict(count=WIDE16, size=WIDE32, offset=WIDE32)
    return bytes(out) + end(**(right | dict(comment=comment) | lies)) + back


def extra(tag, data):
    return struct.pack("<HH", tag, len(data)) + data


def wide(*values):
    return extra(1, struct.pack(f"<{len(values)}Q", *values))


def descriptor(data, body, signature=b"PK\7\x08", width="I"):
    return signature + struct.pack(f"<I{width}{width}", zlib.crc32(data), len(body), len(data))


# --------------------------------------------------------------- packages --

CONFIG = {
    "model": "model.mga",
    "assumptions": {"mortality": "assumptions://mortality:v1", "lapse": "lapse.csv",
                    "expenses": "assumptions://expenses:v2"},
    "scenarios": {"count": 10},
    "policies": "blob://policies",
    "pipeline": {"nodes": [{"id": "n", "engine": "wasm://e", "inputs": [], "outputs": ["bus://out"]}]},
}
WASM = b"\0asm\1\0\0\0"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Package:
    """A right package; change `config`, `assets` (path: (type, bytes)), `listed` or `manifest` before zip()."""

    def __init__(self, **more):
        self.assets = {"livecalc.config.json": ("config", None), "model.mga": ("model", b"MODEL\n"),
                       "wasm/e.wasm": ("wasm", WASM), "assumptions/lapse.csv": ("assumption", b"1,0.01\n2,0.02\n")}
        self.config = json.loads(json.dumps(CONFIG))
        for path, data in more.items():
            self.add(path, data)

    def add(self, path, data=b"hostile\n", kind="policy"):
        self.assets[path] = (kind, data)
        return self

    def remove(self, path):
        del self.assets[path]
        return self

    def config_text(self):
        return self.config if isinstance(self.config, bytes) else json.dumps(self.config).encode()

    def files(self):
        """Path: bytes, in package order."""
        return {path: self.config_text() if data is None else data for path, (_, data) in self.assets.items()}

    def listed(self):
        """What the manifest lists."""
        return [dict(relativePath=path, hash=sha256(data), size=len(data), type=self.assets[path][0])
                for path, data in self.files().items()]

    def manifest(self, assets=None, **change):
        """As a dict; None removes a key."""
        assets = self.listed() if assets is None else assets
        lines = sorted((a["relativePath"].encode(errors="surrogatepass"), a["hash"].encode()) for a in assets)
        try:
            config = json.loads(self.config_text())
        except ValueError:
            config = {}
        manifest = dict(version="1.0", createdAt="2026-01-24T12:34:56.789Z", assets=assets,
                        packageHash=sha256(b"".join(b"%s  %s\n" % (h, path) for path, h in lines)), config=config)
        return {key: value for key, value in (manifest | change).items() if value is not None}

    def entries(self, manifest=None, method=DEFLATED):
        """The entries of its zip, the manifest (a dict or bytes) first."""
        manifest = self.manifest() if manifest is None else manifest
        if not isinstance(manifest, bytes):
            manifest = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
        return [Entry("manifest.json", manifest, method)] + [Entry(path, data, method)
                                                             for path, data in self.files().items()]

    def zip(self, manifest=None, **lies):
        return archive(self.entries(manifest), **lies)
