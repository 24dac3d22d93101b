#!/usr/bin/env python3
"""Hostile packages: none gets past verify, unpack and worker-json; harmless oddities do.

  packages.py --pannier BINARY [--memory MIB] [--refresh] [NAME...]
  packages.py --corpus DIR      write the small ones there, seeds for a fuzzer

Each function marked @hostile makes one package that is wrong in one way; the
text beside it is what the message must hold. All three commands must refuse it
with exit status 4, create nothing anywhere, and stay within the memory and the
time that the file justifies; what verify finds is the same on any number of
threads. So must apply, as a delta, for that reason or because it is none. As the
base of a delta it may be refused, or give content that is what its hash says,
and it is not looked at if the store has all. Each function marked @odd makes one
that must be accepted, with the warning given beside it, so that refusing
everything is no way to pass; as a base, too. Functions marked @base make a folder
that a delta must be applied to whatever else is in it.
tests/README.md holds the table of both; --refresh writes it anew.
"""
import argparse
import atexit
import functools
import inspect
import json
import os
import pathlib
import resource
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

sys.dont_write_bytecode = True
from table import Table, cell, code
from zipmaker import (DEFLATED, DESCRIPTOR, ENCRYPTED, FILE, FOLDER, STORED, WASM, WIDE16, WIDE32, Entry, Package,
                      archive, deflate, descriptor, end, end64, extra, sha256, wide)

SECONDS = 20
KIB, MIB = 1 << 10, 1 << 20
classes = {}


def hostile(message, memory=0):
    """@memory: MiB that it may take beyond the usual."""
    def note(make):
        classes[make.__name__] = dict(make=make, refused=True, message=message, memory=memory)
        return make
    return note


def odd(warning=""):
    def note(make):
        classes[make.__name__] = dict(make=make, refused=False, message=warning, memory=0)
        return make
    return note


class Sparse:
    """A file of @size bytes: zeros but for what `parts` puts at its offsets."""

    def __init__(self, size, parts):
        self.size, self.parts = size, parts


# ------------------------------------------------------------------- names --

@hostile("its path has a component '..'")
def zip_slip():
    return Package().add("../escaped").zip()


@hostile("its path has a component '..'")
def zip_slip_inside():
    return Package().add("data/../../escaped").zip()


@hostile("its path has a component '.'")
def dot_component():
    return Package().add("data/./x").zip()


@hostile("its path has an empty component")
def empty_component():
    return Package().add("data//x").zip()


@hostile("its path is absolute")
def absolute_path():
    return Package().add("/tmp/pannier-escaped").zip()


@hostile("its path starts with a drive letter")
def drive_letter():
    return Package().add("C:/escaped").zip()


@hostile("its path has a backslash")
def backslash():
    return Package().add("..\\escaped").zip()


@hostile("its path starts with '-'")
def leading_dash():
    return Package().add("-rf").zip()


@hostile("its name holds a control character")
def escape_sequence_in_a_name():
    return Package().add("data/\x1b[2Jcleared").zip()


@hostile("has a control character")
def c1_control_in_a_name():
    return Package().add("data/\u009b2Jcleared").zip()


@hostile("its name holds a NUL")
def nul_in_a_name():
    return archive(Package().entries() + [Entry(b"data/x.csv\0.exe", b"hostile")])


@hostile("its name is not valid UTF-8")
def name_that_is_not_utf8():
    return archive(Package().entries() + [Entry(b"data/\xff\xfe", b"hostile")])


@hostile("its name is not valid UTF-8")
def overlong_slash_in_a_name():
    return archive(Package().entries() + [Entry(b"..\xc0\xafescaped", b"hostile")])


@hostile("its name is empty")
def empty_name():
    return archive(Package().entries() + [Entry(b"", b"hostile")])


@hostile("has a component longer than 255 bytes")
def name_of_65535_bytes():
    return Package().add("n" * 65535).zip()


@hostile("its path has more than 100 folders")
def ten_thousand_folders():
    return Package().add("d/" * 10000 + "x").zip()


@hostile("two entries have the name 'model.mga'")
def name_twice_in_the_zip():
    return archive(Package().entries() + [Entry("model.mga", b"ANOTHER\n")])


@hostile("is the path of 'MODEL.mga' when case is ignored")
def names_that_differ_by_case():
    return Package().add("MODEL.mga").zip()


@hostile("lies in 'wasm/e.wasm', which is a file")
def folder_where_a_file_is():
    return Package().add("wasm/e.wasm/inside").zip()


@hostile("lies in 'WASM', which is a file")
def folder_where_a_file_is_but_for_case():
    return Package().add("WASM").zip()


@hostile("manifest.json: is the path of 'Manifest.JSON' when case is ignored")
def second_manifest_by_case():
    return Package().add("Manifest.JSON", b"{}").zip()


@hostile("is the path of 'manifest.json' when case is ignored")
def manifest_that_lists_itself():
    package = Package()
    listed = package.listed() + [dict(relativePath="manifest.json", hash="0" * 64, size=1, type="config")]
    return package.zip(package.manifest(listed))


@hostile("its Unicode path extra field gives another name")
def second_name_in_an_extra_field():
    other = b"../escaped"
    field = extra(0x7075, struct.pack("<BI", 1, zlib.crc32(b"data/x")) + other)
    return archive(Package().entries() + [Entry("data/x", b"hostile", extra=field)])


# --------------------------------------------------- entries that are no files --

@hostile("it is a symbolic link, not a file")
def symbolic_link():
    return archive(Package().entries() + [Entry("data/x", b"/etc/passwd", attributes=0o120777 << 16)])


@hostile("it is a symbolic link, not a file")
def link_as_a_folder_and_a_file_through_it():
    return archive(Package().entries() + [Entry("data", b"/tmp", attributes=0o120777 << 16),
                                          Entry("data/escaped", b"hostile")])


@hostile("it is a device or other special file")
def device():
    return archive(Package().entries() + [Entry("data/x", attributes=0o060666 << 16)])


@hostile("it is a device or other special file")
def fifo():
    return archive(Package().entries() + [Entry("data/x", attributes=0o010666 << 16)])


@hostile("disagree on whether it is a folder")
def folder_by_its_attributes_only():
    return archive(Package().entries() + [Entry("data", attributes=FOLDER)])


@hostile("it is a folder with content")
def folder_with_content():
    return archive(Package().entries() + [Entry("wasm/", b"hidden")])


@hostile("is a folder that holds nothing the manifest lists")
def empty_folder():
    return archive(Package().entries() + [Entry("data/")])


# ------------------------------------------------------ entries and their bytes --

@hostile("its local header overlaps what follows")
def overlapping_entries():
    entries = Package().entries()
    return archive(entries + [Entry("data/x", b"hostile", central=dict(offset=10))])


@hostile("its local header overlaps what follows")
def one_body_for_many_names():
    entries = Package().entries()
    first = archive(entries).find(b"PK\3\4", 4)
    return archive(entries + [Entry(f"data/{i}", b"", central=dict(offset=first)) for i in range(1000)])


@hostile("overlaps what follows")
def quoted_overlap_bomb():
    """Fifield's: each local header is quoted, in a stored block, by the entry in front of it; all share one kernel."""
    kernel = deflate(bytes(20 * MIB))
    tail, content, files = kernel, bytes(20 * MIB), []
    for i in reversed(range(50)):
        entry = Entry(f"data/{i:03}", content, DEFLATED, body=tail)
        quoted = entry.local_bytes()[:30 + len(entry.local["name"])]
        files.insert(0, (entry, len(quoted)))
        tail = struct.pack("<BHH", 0, len(quoted), len(quoted) ^ 0xffff) + quoted + tail
    front, directory = Package().entries(), b""
    out = b""
    for entry in front:
        directory += entry.central_bytes(len(out))
        out += entry.local_bytes()
    base = len(out)
    out += tail[5:]
    place = base
    for entry, length in files:
        directory += entry.central_bytes(place)
        place += length + 5
    return out + directory + end(len(front) + len(files), len(directory), len(out))


@hostile("a bomb: no body of 12 bytes can give 1000000000000 bytes")
def bomb_by_its_header():
    size = 10 ** 12
    return archive(Package().entries() + [Entry("data/x", b"", DEFLATED, body=bytes(12), size=WIDE32,
                                                body_size=12, local=dict(extra=wide(size, 12), body_size=WIDE32),
                                                central=dict(extra=wide(size)))])


@hostile("its content is longer than its size")
def bomb_behind_a_small_promise():
    """Ten bytes promised by header and manifest; the stream gives a gigabyte."""
    package = Package()
    package.assets["wasm/e.wasm"] = ("wasm", b"0123456789")
    entries = package.entries()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(packer.compress(bytes(MIB)) for _ in range(1024)) + packer.flush()
    entries[3] = Entry("wasm/e.wasm", b"0123456789", DEFLATED, body=body)
    return archive(entries)


@hostile("has 1000000 bytes, the manifest says 10")
def bomb_that_the_manifest_does_not_promise():
    package = Package()
    package.assets["wasm/e.wasm"] = ("wasm", b"0123456789")
    entries = package.entries()
    entries[3] = Entry("wasm/e.wasm", bytes(10 ** 6), DEFLATED)
    return archive(entries)


@hostile("has 8 bytes, the manifest says 9")
def smaller_than_listed():
    package = Package()
    listed = package.listed()
    listed[2]["size"] += 1
    return package.zip(package.manifest(listed))


@hostile("has 8 bytes, the manifest says 7")
def larger_than_listed():
    package = Package()
    listed = package.listed()
    listed[2]["size"] -= 1
    return package.zip(package.manifest(listed))


def replace_engine(**lies):
    """The package whose wasm/e.wasm lies; its manifest is right."""
    entries = Package().entries()
    entries[3] = Entry("wasm/e.wasm", WASM, **({"method": DEFLATED, "body": deflate(WASM)} | lies))
    return archive(entries)


@hostile("the manifest says 8")
def size_that_is_too_large():
    return replace_engine(size=9)


@hostile("its content does not have the CRC that the zip gives")
def crc_that_lies():
    return replace_engine(crc=0x12345678)


@hostile("bytes follow the end of its deflate stream")
def bytes_behind_the_deflate_stream():
    return replace_engine(body=deflate(WASM) + b"hidden")


@hostile("its deflate stream does not end")
def deflate_stream_without_an_end():
    return replace_engine(body=struct.pack("<BHH", 0, 8, 8 ^ 0xffff) + WASM)


@hostile("its deflate stream is damaged")
def deflate_stream_of_noise():
    return replace_engine(body=b"\xff" * 20)


@hostile("stored, yet its body of 8 bytes is not its size of 9")
def stored_with_two_sizes():
    return archive(Package().entries() + [Entry("data/x", b"12345678", size=9)])


@hostile("its body of 100000 bytes is larger than the file")
def body_larger_than_the_file():
    return archive(Package().entries() + [Entry("data/x", b"x", size=100000, body_size=100000)])


@hostile("it is encrypted")
def encrypted():
    return replace_engine(flags=ENCRYPTED)


@hostile("it is encrypted")
def central_directory_masked():
    return replace_engine(flags=0x2000)


@hostile("compression method 14; only stored (0) and deflated (8) are read")
def lzma():
    return replace_engine(method=14)


@hostile("compression method 99")
def aes():
    return replace_engine(method=99)


@hostile("it lies on disk 3")
def on_another_disk():
    return replace_engine(central=dict(disk=3))


@hostile("its data descriptor contradicts the central directory")
def descriptor_that_lies():
    body = deflate(WASM)
    return replace_engine(flags=DESCRIPTOR, local=dict(crc=0, size=0, body_size=0),
                          after=descriptor(WASM + b"x", body))


# ------------------------------------------------ the directory against the entries --

@hostile("disagree on its name")
def local_header_with_another_name():
    return replace_engine(local=dict(name=b"../escaped."))


@hostile("disagree on its method")
def local_header_with_another_method():
    return replace_engine(local=dict(method=STORED))


@hostile("disagree on its size")
def local_header_with_another_size():
    return replace_engine(local=dict(size=9))


@hostile("disagree on its compressed size")
def local_header_with_another_compressed_size():
    return replace_engine(local=dict(body_size=1))


@hostile("disagree on its CRC")
def local_header_with_another_crc():
    return replace_engine(local=dict(crc=0))


@hostile("disagree on its flags")
def local_header_that_is_encrypted():
    return replace_engine(local=dict(flags=ENCRYPTED))


@hostile("its body overlaps what follows")
def offset_into_a_body():
    return replace_engine(central=dict(offset=200))


@hostile("no local header at")
def local_header_that_is_none():
    return Package().zip().replace(b"PK\3\4", b"PK\3\5", 1)


@hostile("its local header lies behind the central directory")
def offset_behind_the_directory():
    phantom = Entry("data/x", central=dict(offset=0x7fffffff))
    phantom.local_bytes = lambda: b""
    return archive(Package().entries() + [phantom])


@hostile("a gap: 6 bytes after its body belong to no entry")
def gap_between_entries():
    return replace_engine(after=b"hidden")


@hostile("a gap: ")
def entry_that_the_directory_hides():
    hidden = Entry("wasm/e.wasm", b"another").local_bytes()
    return replace_engine(after=hidden)


# --------------------------------------------------------------- the end records --

def cut(share):
    whole = Package().zip()
    return whole[:int(len(whole) * share)]


@hostile("too short for a zip: 0 bytes")
def empty_file():
    return b""


@hostile("no end record at its end: not a zip, or cut short")
def text_file():
    return b"This is no zip, whatever its name says.\n"


@hostile("no end record at its end: not a zip, or cut short")
def cut_in_an_entry():
    return cut(0.3)


@hostile("no end record at its end: not a zip, or cut short")
def cut_in_the_directory():
    return Package().zip()[:-60]


@hostile("no end record at its end: not a zip, or cut short")
def cut_by_one_byte():
    return Package().zip()[:-1]


@hostile("trailing data: 10 bytes follow the end record")
def trailing_data():
    return Package().zip(back=b"0123456789")


@hostile("it has an archive comment of 9 bytes; a package has none")
def archive_comment():
    return Package().zip(comment=b"a comment")


@hostile("bytes lie in front of the zip or between its central directory and its end")
def leading_data():
    data = Package().zip()
    return b"#!/bin/sh\n" + data


@hostile("bytes lie in front of the first entry")
def leading_data_with_right_offsets():
    return Package().zip(front=b"#!/bin/sh\n")


@hostile("between its central directory and its end")
def two_end_records():
    """Who searches for the first end record sees another zip than who takes the last."""
    return Package().zip(between=end(0, 0, 0))


@hostile("between its central directory and its end")
def two_packages_one_file():
    first = Package().zip()
    return first + Package().zip()


@hostile("its central directory is too short for 60000 entries")
def entry_count_that_is_too_large():
    return Package().zip(count=60000)


@hostile("bytes follow the last of 1 entries in the central directory")
def entry_count_that_is_too_small():
    return Package().zip(count=1)


@hostile("reaches beyond the end record")
def directory_claimed_to_be_huge():
    return Package().zip(size=0xfffffff0)


@hostile("reaches beyond the end record")
def directory_offset_beyond_the_file():
    return Package().zip(offset=0xfffffff0)


@hostile("no header in the central directory")
def directory_offset_that_is_wrong():
    data = Package().zip()
    size, offset = struct.unpack("<II", data[-10:-2])
    return Package().zip(size=size + 4, offset=offset - 4)


@hostile("its central directory is larger than 256 MiB")
def directory_larger_than_the_limit():
    """A file of 300 MB of zeros, all of it directory."""
    size = 300 * MIB
    return Sparse(size + 22, [(size, end(1, size, 0))])


@hostile("no header in the central directory", memory=200)
def directory_of_zeros_below_the_limit():
    size = 200 * MIB
    return Sparse(size + 22, [(size, end(WIDE16 - 1, size, 0))])


@hostile("it is split over several disks")
def several_disks():
    return Package().zip(disk=1)


@hostile("the zip64 end record contradicts the classic one")
def zip64_end_that_contradicts():
    return Package().zip(zip64={}, count=4)


@hostile("not to a record right in front of it")
def zip64_locator_that_points_elsewhere():
    return Package().zip(zip64=dict(place=0))


@hostile("no zip64 end record of 56 bytes")
def zip64_end_of_another_length():
    return Package().zip(zip64=dict(length=2 ** 62))


@hostile("is too short for 4611686018427387904 entries")
def zip64_count_that_lies():
    return Package().zip(zip64=dict(count=2 ** 62))


@hostile("reaches beyond the end record")
def zip64_directory_that_wraps_around():
    return Package().zip(zip64=dict(size=2 ** 64 - 100, offset=200))


@hostile("its zip64 extra field has 8 bytes where 16 are needed")
def zip64_field_that_is_too_short():
    return replace_engine(size=WIDE32, body_size=WIDE32, extra=wide(8))


@hostile("its zip64 extra field gives a size beyond any file")
def zip64_size_that_is_negative():
    return replace_engine(size=WIDE32, extra=wide(2 ** 64 - 1))


@hostile("a size or offset of 0xFFFFFFFF without a zip64 extra field")
def zip64_field_that_is_missing():
    return replace_engine(size=WIDE32)


@hostile("its extra field is malformed")
def extra_field_that_is_too_long():
    return replace_engine(extra=struct.pack("<HH", 0x5455, 500))


# ----------------------------------------------------------------- the manifest --

def manifest_text(text):
    """A package with this manifest, everything else right."""
    return Package().zip(text)


@hostile("manifest.json: is missing")
def no_manifest():
    return archive(Package().entries()[1:])


@hostile("manifest.json: is larger than the limit of 268435456 bytes")
def manifest_over_the_limit():
    """260 KB of zip that unfold to 257 MB of white space."""
    packer, crc, block = zlib.compressobj(9, zlib.DEFLATED, -15), 0, b" " * MIB
    body = b""
    for _ in range(257):
        crc, body = zlib.crc32(block, crc), body + packer.compress(block)
    entry = Entry("manifest.json", b"", DEFLATED, body=body + packer.flush(), crc=crc, size=257 * MIB)
    return archive([entry] + Package().entries()[1:])


@hostile("nested deeper than 160 levels", memory=64)
def manifest_of_64_million_brackets():
    return manifest_text(b"[" * (64 * MIB))


@hostile("nested deeper than 160 levels")
def manifest_that_is_deep():
    manifest = Package().manifest()
    text = json.dumps(manifest)[:-1].encode()
    return manifest_text(text + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}")


@hostile("duplicate key")
def manifest_with_a_duplicate_key():
    text = json.dumps(Package().manifest()).encode()
    return manifest_text(text.replace(b'"assets":', b'"assets": [], "assets":', 1))


@hostile("duplicate key")
def manifest_with_an_escaped_duplicate_key():
    text = json.dumps(Package().manifest()).encode()
    return manifest_text(text.replace(b'"assets":', b'"\\u0061ssets": [], "assets":', 1))


@hostile("manifest.json: ")
def manifest_that_is_not_json():
    return manifest_text(b"version: 1.0\n")


@hostile("manifest.json: ")
def manifest_that_is_empty():
    return manifest_text(b"")


@hostile("manifest.json: ")
def manifest_that_is_cut_short():
    return manifest_text(json.dumps(Package().manifest()).encode()[:-20])


@hostile("manifest.json: it is not an object")
def manifest_that_is_an_array():
    return manifest_text(b"[]")


@hostile("UTF-8")
def manifest_that_is_not_utf8():
    return manifest_text(json.dumps(Package().manifest(note="@")).encode().replace(b"@", b"\xff"))


@hostile("byte order mark")
def manifest_with_a_bom():
    return manifest_text(b"\xef\xbb\xbf" + json.dumps(Package().manifest()).encode())


@hostile("surrogate")
def manifest_with_a_lone_surrogate():
    return manifest_text(json.dumps(Package().manifest(note="\ud800")).encode())


@hostile("manifest.json: ")
def manifest_with_a_nul_in_a_path():
    package = Package()
    listed = package.listed() + [dict(relativePath="data/x\0y", hash=sha256(b""), size=0, type="policy")]
    return package.zip(json.dumps(package.manifest(listed)).encode())


@hostile("format version '2.0'; this build reads 1.0")
def manifest_of_another_version():
    return Package().zip(Package().manifest(version="2.0"))


@hostile("/assets is missing")
def manifest_without_assets():
    manifest = Package().manifest()
    del manifest["assets"]
    return Package().zip(manifest)


@hostile("data/absent.csv: is listed in the manifest and not in the package")
def manifest_that_lists_what_is_not_there():
    package = Package()
    listed = package.listed() + [dict(relativePath="data/absent.csv", hash=sha256(b""), size=0, type="policy")]
    return package.zip(package.manifest(listed))


@hostile("is listed twice in the manifest")
def manifest_that_lists_a_file_twice():
    package = Package()
    return package.zip(package.manifest(package.listed() + package.listed()[2:3]))


@hostile("the manifest says " + sha256(b"another"))
def manifest_with_a_wrong_hash():
    package = Package()
    listed = package.listed()
    listed[2]["hash"] = sha256(b"another")
    return package.zip(package.manifest(listed))


@hostile("/assets/2/hash is not 64 lower-case hex digits")
def manifest_with_a_hash_that_is_none():
    package = Package()
    listed = package.listed()
    listed[2]["hash"] = "0" * 63
    return package.zip(package.manifest(listed))


@hostile("/assets/2/size is not a whole number from 0 to 2^53")
def manifest_with_a_negative_size():
    package = Package()
    listed = package.listed()
    listed[2]["size"] = -1
    return package.zip(package.manifest(listed))


@hostile("/assets/2/size is not a whole number from 0 to 2^53")
def manifest_with_a_size_of_2_to_the_64():
    package = Package()
    listed = package.listed()
    listed[2]["size"] = 2 ** 64 + 8
    return package.zip(package.manifest(listed))


@hostile("its packageHash is not that of its assets")
def manifest_with_a_wrong_package_hash():
    return Package().zip(Package().manifest(packageHash="0" * 64))


@hostile("its config is not, token by token, livecalc.config.json")
def manifest_with_another_config():
    return Package().zip(Package().manifest(config={"model": "other.mga"}))


@hostile("data/extra.csv: is not in the manifest")
def entry_that_the_manifest_does_not_list():
    return archive(Package().entries() + [Entry("data/extra.csv", b"hostile")])


# ------------------------------------------------------------- config and assets --

@hostile("Package missing mandatory asset: livecalc.config.json")
def no_config():
    package = Package()
    config = package.manifest()["config"]
    package.remove("livecalc.config.json")
    return package.zip(package.manifest(config=config))


@hostile("Package missing mandatory asset: model.mga")
def no_model():
    return Package().remove("model.mga").zip()


@hostile("Package missing WASM binary for node n: e.wasm")
def no_engine():
    return Package().remove("wasm/e.wasm").zip()


@hostile("Config scenarios.count must be a positive number")
def config_that_breaks_a_rule():
    package = Package()
    package.config["scenarios"]["count"] = 0
    return package.zip()


@hostile("has invalid engine format: ../../e")
def config_with_an_engine_that_climbs():
    package = Package()
    package.config["pipeline"]["nodes"][0]["engine"] = "../../e"
    return package.zip()


@hostile("livecalc.config.json: ")
def config_that_is_not_json():
    package = Package()
    package.config = b"model: model.mga\n"
    return package.zip()


@hostile("livecalc.config.json: is larger than the limit of 16777216 bytes")
def config_over_the_limit():
    package = Package()
    package.config = package.config_text() + b" " * (16 * MIB)
    return package.zip()


# ------------------------------------------------------------- odd, yet harmless --

@odd()
def right_in_every_way():
    return Package()


@odd("made by the old packager: its manifest has no packageHash to check")
def old_packager():
    package = Package()
    return package, package.zip(package.manifest(packageHash=None))


@odd("is listed twice, as the old packager does")
def old_packager_with_one_engine_twice():
    package = Package()
    return package, package.zip(package.manifest(package.listed() + package.listed()[2:3], packageHash=None))


@odd("is the path of 'data/e\u0301.csv' in another Unicode form or case")
def names_that_differ_by_normalisation():
    return Package().add("data/\u00e9.csv").add("data/e\u0301.csv")


@odd("in another Unicode form or case")
def names_that_differ_by_case_beyond_ascii():
    return Package().add("data/\u00c9.csv").add("data/\u00e9.csv")


@odd("manife\u017ft.json: warning: is the path of 'manifest.json' in another Unicode form or case")
def second_manifest_by_a_long_s():
    return Package().add("manife\u017ft.json")


@odd("which is a file, in another Unicode form or case")
def folder_where_a_file_is_but_for_normalisation():
    return Package().add("data/\u00e9").add("data/e\u0301/x")


@odd()
def names_that_only_look_alike():
    return Package().add("data/a.csv").add("data/\u0430.csv").add("data/\u4fdd\u967a.csv")


@odd()
def manifest_last():
    package = Package()
    entries = package.entries()
    return package, archive(entries[1:] + entries[:1])


@odd()
def folders_as_entries():
    package = Package()
    return package, archive(package.entries() + [Entry("wasm/"), Entry("assumptions/")])


@odd()
def everything_stored():
    package = Package()
    return package, archive(package.entries(method=STORED))


@odd()
def data_descriptors_of_every_kind():
    package, entries = Package(), []
    kinds = [(b"PK\7\x08", "I"), (b"", "I"), (b"PK\7\x08", "Q"), (b"", "Q"), (b"PK\7\x08", "I")]
    for entry, (signature, width) in zip(package.entries(), kinds):
        data = zlib.decompress(entry.body, -15)
        entries.append(Entry(entry.local["name"], data, DEFLATED, flags=DESCRIPTOR,
                             local=dict(crc=0, size=0, body_size=0),
                             after=descriptor(data, entry.body, signature, width)))
    return package, archive(entries)


@odd()
def zip64_where_it_is_not_needed():
    package, entries = Package(), []
    for entry in package.entries(method=STORED):
        size = len(entry.body)
        entries.append(Entry(entry.local["name"], entry.body, size=WIDE32, body_size=WIDE32, extra=wide(size, size)))
    return package, archive(entries, zip64={})


@odd()
def extra_fields_that_nobody_knows():
    package, entries = Package(), []
    for entry in package.entries(method=STORED):
        entries.append(Entry(entry.local["name"], entry.body, local=dict(extra=extra(0xd935, bytes(4000))),
                             central=dict(extra=extra(0x6666, b"?"), comment=b"a remark")))
    return package, archive(entries)


@odd()
def directory_in_another_order():
    package = Package()
    data = package.zip()
    count, size, offset = struct.unpack("<HII", data[-12:-2])
    headers = [b"PK\1\2" + part for part in data[offset:offset + size].split(b"PK\1\2")[1:]]
    return package, data[:offset] + b"".join(reversed(headers)) + end(count, size, offset)


@odd()
def source_path_in_the_manifest_that_is_hostile():
    """absolutePath tells where a file came from; nothing ever goes there."""
    package = Package()
    listed = [asset | dict(absolutePath="/etc/passwd") for asset in package.listed()]
    return package, package.zip(package.manifest(listed))


@odd()
def keys_of_a_later_version():
    package = Package()
    text = json.dumps(package.manifest(delta={"base": None}, x="@"))
    return package, package.zip(text.replace('"@"', "[[[1e400, -0.0, 12345678901234567890]]]").encode())


@odd()
def package_as_an_asset():
    """A stored body that is a zip with an end record of its own."""
    package = Package().add("data/inner.zip", Package().add("data/y").zip(back=b"#"))
    return package, archive(package.entries(method=STORED))


@odd()
def names_as_long_as_they_may_be():
    return Package().add("data/" + "n" * 255).add("d/" * 100 + "x").add("data/" + "\u00e9" * 127)


@odd()
def ten_thousand_to_one_that_was_promised():
    return Package().add("data/zeros", bytes(50 * MIB))


# ---------------------------------------------------- folders as a base --

bases = {}


def base(make):
    """@make(folder) adds to a folder that holds the unpacked package."""
    bases[make.__name__] = make
    return make


@base
def links_out_and_in_circles(folder):
    (folder / "out").symlink_to("../../..")
    (folder / "circle").symlink_to(".")
    (folder / "nowhere").symlink_to("nowhere")
    (folder / "model.link").symlink_to("model.mga")


@base
def files_of_every_kind(folder):
    for size in sorted({len(data) for data in Package().files().values()}):
        (folder / f"another-{size}").write_bytes(b"\xff" * size)
    os.mkfifo(folder / "fifo")
    if os.geteuid() == 0:
        os.mknod(folder / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (folder / "\x1b[2J").write_bytes(b"x" * 8)


@base
def folders_and_files_that_may_not_be_read(folder):
    for number, mode in enumerate((0o000, 0o444, 0o111)):
        closed = folder / f"closed-{number}"
        (closed / "inside").mkdir(parents=True)
        (closed / "file").write_bytes(b"MODEL\n")
        closed.chmod(mode)
    (folder / "another.mga").write_bytes(b"model\n")
    (folder / "another.mga").chmod(0)


@base
def a_tree_that_is_deep(folder):
    (folder / "/".join(["d"] * 300)).mkdir(parents=True)


@base
def a_tree_of_20000_files(folder):
    for number in range(200):
        (folder / f"a{number}").mkdir()
        for name in range(100):
            (folder / f"a{number}" / f"{name}").write_bytes(b"x" * (name % 20))


# -------------------------------------------------------------------- running --

def make(kind):
    """The bytes of a class's package, and the files that it should unpack to."""
    made = kind["make"]()
    if isinstance(made, Package):
        made = made, made.zip()
    return (None, made) if kind["refused"] else made


def write(path, data):
    with open(path, "wb") as file:
        if isinstance(data, Sparse):
            file.truncate(data.size)
            for offset, part in data.parts:
                file.seek(offset)
                file.write(part)
        else:
            file.write(data)


def write_under(folder, path, data):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)


def snapshot(top):
    """Everything under @top: kind, size and time of change; the contents of small files."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = pathlib.Path(folder, name)
            st = path.lstat()
            found[str(path.relative_to(top))] = (st.st_mode, st.st_size, st.st_ino, st.st_mtime_ns if
                                                 not path.is_dir() else 0)
    return found


class Place:
    """A folder with neighbours that nobody may touch: $TMPDIR, $HOME, and what `..` and links could lead to."""

    def __init__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="pannier-hostile-"))
        self.work = self.top / "above" / "model"
        for name in ("tmp", "home", "above/model", "above/target"):
            (self.top / name).mkdir(parents=True)
        for name in ("sentinel", "above/sentinel", "above/model/sentinel", "above/target/sentinel", "home/sentinel"):
            (self.top / name).write_bytes(b"untouched\n")
        self.env = {key: os.environ[key] for key in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS") if key in os.environ}
        self.env.update(HOME=str(self.top / "home"), TMPDIR=str(self.top / "tmp"), LC_ALL="C.UTF-8")

    def run(self, command):
        """Exit status, stdout, stderr, peak MiB and seconds of @command."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.monotonic()
            process = subprocess.Popen(command, cwd=self.work, env=self.env, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=err, preexec_fn=limit_time)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.monotonic() - start
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read())
        return process.returncode, texts[0], texts[1].decode("utf-8", "backslashreplace"), usage.ru_maxrss / KIB, seconds

    def close(self):
        shutil.rmtree(self.top)


def limit_time():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def unpacked(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def check_threads(place, pannier):
    """Whatever is found, any number of threads finds it, in the same order."""
    one, many = (place.run([pannier, "verify", "in.zip", "--json", "--threads", number])[:3] for number in "18")
    return [] if one == many else [f"verify: one thread gives {one}, eight give {many}"[:4000]]


def check_refused(place, kind, pannier, limits):
    faults, before = [], snapshot(place.top)
    store = place.top / "store"
    for command in (["verify", "in.zip"], ["unpack", "in.zip", "-C", "../target/out"], ["worker-json", "in.zip"],
                    ["unpack", "in.zip", "-C", "new/folders/out"],
                    ["apply", "in.zip", "-o", "../target/out.zip", "--store", str(store)]):
        status, out, err, peak, seconds = place.run([pannier] + command)
        name = command[0]
        shutil.rmtree(store, ignore_errors=True)
        if status != 4:
            faults.append(f"{name}: exit status {status}, not 4\n{err[:2000]}")
        elif kind["message"] not in err.replace(": error: ", ": ") and (name != "apply" or "it is no delta" not in err):
            faults.append(f"{name}: no '{kind['message']}' in\n{err[:2000]}")
        if out:
            faults.append(f"{name}: {len(out)} bytes on stdout")
        if any(ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160 for c in err):
            faults.append(f"{name}: a control character in {err[:2000]!r}")
        if peak > limits["memory"] + kind["memory"]:
            faults.append(f"{name}: {peak:.0f} MiB of memory")
        limits["peak"] = max(limits["peak"], peak - kind["memory"])
        limits["seconds"] = max(limits["seconds"], seconds)
        if snapshot(place.top) != before:
            after = snapshot(place.top)
            faults.append(f"{name}: touched {sorted(set(after.items()) ^ set(before.items()))[:5]}")
    return faults


def outcome(place, package, status, err, refusals):
    """What is wrong with what `apply -o ../target/out.zip` did: all, or nothing for one of the reasons."""
    made = place.work / "../target/out.zip"
    if status != 0:
        return [] if status in refusals else [f"base: exit status {status}\n{err[:2000]}"]
    with zipfile.ZipFile(made) as file:
        files = {name: file.read(name) for name in file.namelist()}
    made.unlink()
    del files["manifest.json"]
    return [] if files == package.files() else ["base: other files came out"]


@functools.cache
def packed(pannier):
    """A folder with delta.zip, which builds on all that the right package holds, and a store that has it."""
    place = Place()
    atexit.register(place.close)
    for path, data in Package().files().items():
        write_under(place.work, path.removeprefix("assumptions/"), data)
    for command in (["pack", "-o", "right.zip"], ["delta", "--since", "latest", "-o", "delta.zip"]):
        status, _, err, _, _ = place.run([pannier, *command, "--store", "store"])
        if status != 0:
            raise RuntimeError(f"{command}: {err}")
    return place.work


def check_base(place, kind, pannier, limits):
    """As a base it is as wrong, or gives what is asked for; with all of it in the store it does not matter."""
    package, store = Package(), place.top / "store"
    shutil.copy(packed(pannier) / "delta.zip", place.top)
    before, faults = snapshot(place.top), []
    apply = [pannier, "apply", "../../delta.zip", "--store", str(store), "-o", "../target/out.zip", "--base"]
    for filled in (False, True):
        if filled:
            shutil.copytree(packed(pannier) / "store", store)
        status, out, err, peak, seconds = place.run(apply + ["in.zip"])
        shutil.rmtree(store, ignore_errors=True)
        refusals = () if filled else (4, 5)
        faults += outcome(place, package, status, err, refusals)
        if out.startswith(b"{") or any(ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160 for c in err):
            faults.append(f"base: on stdout or stderr {out[:200]!r} {err[:2000]!r}")
        if peak > limits["memory"] + kind["memory"]:
            faults.append(f"base: {peak:.0f} MiB of memory")
        limits["seconds"] = max(limits["seconds"], seconds)
    if snapshot(place.top) != before:
        faults.append(f"base: touched {sorted(set(snapshot(place.top).items()) ^ set(before.items()))[:5]}")
    return faults


def check_folder(name, pannier, limits):
    """Whatever else is in a base folder, what is needed is found there."""
    package, place = Package(), Place()
    folder = place.work / "base"
    try:
        shutil.copy(packed(pannier) / "delta.zip", place.top)
        for path, data in package.files().items():
            write_under(folder, path, data)
        bases[name](folder)
        command = [pannier, "apply", "../../delta.zip", "--store", "../target/store", "-o", "../target/out.zip",
                   "--base", "base"]
        if os.geteuid() == 0:
            for path in [place.top, *place.top.rglob("*")]:
                os.chown(path, 65534, 65534, follow_symlinks=False)
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + command
        status, _, err, peak, seconds = place.run(command)
        limits["seconds"] = max(limits["seconds"], seconds)
        faults = outcome(place, package, status, err, ())
        return faults + ([f"base: {peak:.0f} MiB of memory"] if peak > limits["memory"] else [])
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", str(folder)], check=False, capture_output=True)
        place.close()


def check_accepted(place, kind, pannier, package, limits):
    faults = []
    shutil.copy(packed(pannier) / "delta.zip", place.top)
    status, _, err, _, _ = place.run([pannier, "apply", "../../delta.zip", "--store", str(place.top / "store"), "-o",
                                      "../target/out.zip", "--base", "in.zip"])
    faults += outcome(place, Package(), status, err, ())
    for command in (["verify", "in.zip"], ["unpack", "in.zip", "-C", "out"], ["worker-json", "in.zip"]):
        status, out, err, _, _ = place.run([pannier] + command)
        if status != 0:
            faults.append(f"{command[0]}: exit status {status}\n{err[:2000]}")
        elif command[0] == "worker-json":
            if list(json.loads(out)["wasmBinaries"]) != ["e"]:
                faults.append("worker-json: another body")
        elif kind["message"] not in err or (kind["message"] == "" and err != ""):
            faults.append(f"{command[0]}: wanted the warning '{kind['message']}', got\n{err[:2000]}")
    files = unpacked(place.work / "out")
    if files.pop("manifest.json", None) is None or files != package.files():
        faults.append("unpack: other files than are in it")
    return faults


def check(name, pannier, limits):
    kind, place = classes[name], Place()
    try:
        package, data = make(kind)
        write(place.work / "in.zip", data)
        faults = check_threads(place, pannier)
        if kind["refused"]:
            return faults + check_refused(place, kind, pannier, limits) + check_base(place, kind, pannier, limits)
        return faults + check_accepted(place, kind, pannier, package, limits)
    finally:
        place.close()


def row(name):
    kind = classes[name]
    what = "refused: " if kind["refused"] else "accepted, with the warning: " if kind["message"] else "accepted"
    return f"| {cell(name.replace('_', ' '))} | {what}{code(kind['message']) if kind['message'] else ''} |\n"


def write_corpus(folder):
    """Those that get past the check of the zip as such: that has a fuzzer of its own."""
    os.makedirs(folder, exist_ok=True)
    for name, kind in classes.items():
        if kind["refused"] and not name.startswith(("manifest", "config", "no_", "zip_slip", "names", "folder_where")):
            continue
        _, data = make(kind)
        if len(data) <= 4 * KIB:
            write(os.path.join(folder, name), data)


def main():
    parser = argparse.ArgumentParser(description=inspect.getdoc(sys.modules[__name__]).splitlines()[0])
    parser.add_argument("--pannier", type=pathlib.Path)
    parser.add_argument("--memory", type=int, default=64, help="MiB that a refusal may take")
    parser.add_argument("--corpus", help="write the small packages to this folder instead")
    parser.add_argument("--refresh", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.corpus is not None:
        write_corpus(options.corpus)
        return 0
    pannier = options.pannier.resolve(strict=True)
    limits = dict(memory=options.memory, peak=0, seconds=0)
    failed = 0
    for name in options.names or [*classes, *bases]:
        faults = (check_folder if name in bases else check)(name, pannier, limits)
        failed += bool(faults)
        for fault in faults:
            print(f"FAILED {name}: {fault}")
    table, rows = Table("packages.py", "package", "verify, unpack and worker-json"), {name: row(name) for name in classes}
    if options.refresh:
        table.write(rows)
    elif list(table.rows.values()) != list(rows.values()):
        print("FAILED: the table of tests/README.md is not what --refresh writes")
        failed += 1
    refused = sum(kind["refused"] for kind in classes.values())
    print(f"{refused} hostile classes, {len(classes) - refused} harmless ones, {failed} failed; "
          f"at most {limits['peak']:.0f} MiB and {limits['seconds']:.2f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
