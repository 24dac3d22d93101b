#!/usr/bin/env python3
"""Bad input at the command line: a clear message, the right exit status, no file left behind.

  inputs.py --pannier BINARY [--refresh] [NAME...]

Each function marked @bad prepares one situation in a folder that holds a right
model and its store, and gives the command; its first line of documentation is
the row of the table in tests/README.md, which holds what the tool must print.
--refresh writes that table anew: read the difference before you commit it.

After the command the folder is as it was, but for the store's database and for
objects that no row names. Where root is needed (mounts, another user) others skip the case.
"""
import argparse
import inspect
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from table import Table, code

MIB = 1 << 20
SECONDS = 300
LINES = 4
# What a store may hold after a failure: its folders, and contents that no row names yet.
STORE = re.compile(r"/\.pannier/(pannier\.db(-wal|-shm)?|lock|tmp|\.gitignore|objects(/.*)?)$")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
ROOT = os.geteuid() == 0

CONFIG = {
    "model": "model.mga",
    "assumptions": {"mortality": "assumptions/mortality.csv", "lapse": "assumptions/lapse.csv",
                    "expenses": "assumptions://expenses:v1"},
    "scenarios": {"count": 10},
    "policies": "data/policies.csv",
    "pipeline": {"nodes": [{"id": "n", "engine": "wasm://e", "inputs": [], "outputs": ["bus://out"]}]},
}
FILES = {"model.mga": b"MODEL\n", "wasm/e.wasm": b"\0asm\1\0\0\0", "assumptions/mortality.csv": b"1,0.01\n",
         "assumptions/lapse.csv": b"1,0.02\n", "data/policies.csv": b"id,sum\n1,1000\n"}
cases = {}


def bad(title, root=False, store=True):
    """@root: only root can do it; @store: the model was packed once before."""
    def note(prepare):
        cases[prepare.__name__] = dict(prepare=prepare, title=title, root=root, store=store)
        return prepare
    return note


def noise(mib):
    """What does not compress, the same every time."""
    return random.Random(mib).randbytes(mib * MIB)


class Place:
    """A folder with a right model; a case makes it wrong."""

    def __init__(self, pannier, store):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="pannier-inputs-")).resolve()
        self.work = self.top / "work"
        self.pannier = str(pannier)
        for name in ("work", "tmp", "home"):
            (self.top / name).mkdir()
        keep = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")
        self.env = {key: os.environ[key] for key in keep if key in os.environ}
        self.env.update(HOME=str(self.top / "home"), TMPDIR=str(self.top / "tmp"), LC_ALL="C.UTF-8")
        for name, data in FILES.items():
            self.write(name, data)
        self.config()
        if store:
            self.run(["pack", "-q", "--include-policies"], check=True)

    def write(self, name, data):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def config(self, **change):
        self.write("livecalc.config.json", json.dumps(CONFIG | change).encode())

    def assumption(self, mortality):
        self.config(assumptions=CONFIG["assumptions"] | {"mortality": mortality})

    def store(self):
        return self.work / ".pannier"

    def sql(self, text):
        subprocess.run(["sqlite3", str(self.store() / "pannier.db"), text], check=True, capture_output=True)

    def everybody(self):
        """Another user may come here and own everything."""
        for path in [self.top, *self.top.rglob("*")]:
            os.chown(path, 65534, 65534, follow_symlinks=False)

    def run(self, command, check=False, during=None):
        """Exit status, stdout and stderr. @during(process) is called while it runs."""
        argv = command if command[0] in ("unshare", "setpriv", "sh") else [self.pannier] + command
        process = subprocess.Popen(argv, cwd=self.work, env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if during is not None:
            during(process)
        out, err = process.communicate(timeout=SECONDS)
        if check and process.returncode != 0:
            raise RuntimeError(f"{argv}: {process.returncode}: {err.decode()}")
        return process.returncode, out, err.decode("utf-8", "backslashreplace")

    def snapshot(self):
        """What is there, but for the inside of the store."""
        found = {}
        for folder, folders, files in os.walk(self.top):
            for name in folders + files:
                path = pathlib.Path(folder, name)
                if STORE.search(str(path)):
                    continue
                st = path.lstat()
                found[str(path.relative_to(self.top))] = (st.st_mode, st.st_ino, 0 if path.is_dir() else st.st_size,
                                                          0 if path.is_dir() else st.st_mtime_ns)
        return found

    def close(self):
        subprocess.run(["chmod", "-R", "u+rwX", str(self.top)], check=False, capture_output=True)
        shutil.rmtree(self.top)


# ------------------------------------------------------------------- the config --

@bad("a config that is not there")
def config_missing(p):
    (p.work / "livecalc.config.json").unlink()
    return ["pack"]


@bad("an empty config")
def config_empty(p):
    p.write("livecalc.config.json", b"")
    return ["pack"]


@bad("a binary file as config")
def config_binary(p):
    p.write("livecalc.config.json", bytes(range(256)))
    return ["pack"]


@bad("a folder as config")
def config_folder(p):
    return ["pack", "data"]


@bad("a FIFO as config: it is not waited for")
def config_fifo(p):
    os.mkfifo(p.work / "fifo")
    return ["pack", "fifo"]


@bad("a device as config")
def config_device(p):
    return ["pack", "/dev/zero"]


@bad("a link to nowhere as config")
def config_dangling_link(p):
    (p.work / "link.json").symlink_to("nowhere.json")
    return ["pack", "link.json"]


@bad("a FIFO to validate: it is not waited for")
def validate_fifo(p):
    os.mkfifo(p.work / "fifo")
    return ["validate", "fifo"]


@bad("a device to validate")
def validate_device(p):
    return ["validate", "/dev/zero"]


@bad("a FIFO as list of assets: it is not waited for")
def validate_fifo_of_assets(p):
    os.mkfifo(p.work / "fifo")
    return ["validate", "--assets", "fifo"]


@bad("a config that may not be read", root=True)
def config_unreadable(p):
    (p.work / "livecalc.config.json").chmod(0)
    p.everybody()
    return NOBODY + [p.pannier, "pack"]


@bad("a config of 16 MiB and one byte")
def config_too_large(p):
    text = (p.work / "livecalc.config.json").read_bytes()
    p.write("livecalc.config.json", text + b" " * (16 * MIB + 1 - len(text)))
    return ["pack"]


@bad("a config of 100 MB of `[`")
def config_of_brackets(p):
    p.write("livecalc.config.json", b"[" * 100_000_000)
    return ["validate"]


@bad("a config of 16 MiB of `[`")
def config_of_fewer_brackets(p):
    p.write("livecalc.config.json", b"[" * (16 * MIB))
    return ["validate"]


@bad("a config that is not UTF-8")
def config_not_utf8(p):
    p.config(note="@")
    p.write("livecalc.config.json", (p.work / "livecalc.config.json").read_bytes().replace(b"@", b"caf\xe9"))
    return ["pack"]


@bad("a config in UTF-16")
def config_utf16(p):
    p.write("livecalc.config.json", json.dumps(CONFIG).encode("utf-16"))
    return ["pack"]


@bad("a config with a byte order mark")
def config_with_bom(p):
    p.write("livecalc.config.json", b"\xef\xbb\xbf" + json.dumps(CONFIG).encode())
    return ["pack"]


@bad("a config with a key twice")
def config_with_duplicate_key(p):
    p.write("livecalc.config.json", b'{"model": "a.mga", "model": "b.mga"}')
    return ["pack"]


@bad("a config of null")
def config_null(p):
    p.write("livecalc.config.json", b"null")
    return ["pack"]


@bad("a config that breaks several rules")
def config_invalid(p):
    p.config(scenarios={"count": "ten"}, pipeline={"nodes": [None, {"id": "a"}]})
    return ["pack"]


@bad("100,000 nodes whose engines are not there")
def config_of_many_nodes(p):
    nodes = [dict(id=f"n{i}", engine=f"wasm://e{i}", outputs=["bus://o"]) for i in range(100_000)]
    p.config(pipeline={"nodes": nodes})
    return ["pack", "-q"]


# ------------------------------------------------------------------- the assets --

@bad("assets that are not there: all are named")
def assets_missing(p):
    for name in FILES:
        (p.work / name).unlink()
    return ["pack", "--include-policies"]


@bad("a folder where an asset should be")
def asset_folder(p):
    p.assumption("data")
    return ["pack"]


@bad("a FIFO as asset: it is not waited for")
def asset_fifo(p):
    os.mkfifo(p.work / "fifo")
    p.assumption("fifo")
    return ["pack"]


@bad("a socket as asset")
def asset_socket(p):
    with socket.socket(socket.AF_UNIX) as s:
        here = os.getcwd()
        os.chdir(p.work)
        s.bind("socket")
        os.chdir(here)
    p.assumption("socket")
    return ["pack"]


@bad("a device as asset, though its folder is allowed")
def asset_device(p):
    p.assumption("/dev/zero")
    return ["pack", "--allow-outside", "/dev"]


@bad("an asset that may not be read", root=True)
def asset_unreadable(p):
    (p.work / "assumptions/lapse.csv").chmod(0)
    (p.work / "assumptions/mortality.csv").write_bytes(b"2,0.01\n")
    p.everybody()
    return NOBODY + [p.pannier, "pack"]


@bad("an asset in a folder that may not be entered", root=True)
def asset_in_closed_folder(p):
    (p.work / "assumptions").chmod(0)
    p.everybody()
    return NOBODY + [p.pannier, "pack"]


@bad("an absolute path to a file outside")
def asset_absolute(p):
    p.assumption("/etc/passwd")
    return ["pack"]


@bad("`..` to a file outside")
def asset_above(p):
    (p.top / "secret.csv").write_bytes(b"secret\n")
    p.assumption("../secret.csv")
    return ["pack"]


@bad("a link to a file outside")
def asset_link_out(p):
    (p.work / "link.csv").symlink_to("/etc/passwd")
    p.assumption("link.csv")
    return ["pack"]


@bad("a file below a link to a folder outside")
def asset_below_link_out(p):
    (p.work / "etc").symlink_to("/etc")
    p.assumption("etc/passwd")
    return ["pack"]


@bad("a chain of links that ends outside")
def asset_chain_of_links_out(p):
    (p.work / "a").symlink_to("b")
    (p.work / "b").symlink_to("assumptions/c")
    (p.work / "assumptions/c").symlink_to("../../home/../../../../../../../etc")
    p.assumption("a/passwd")
    return ["pack"]


@bad("links that go in a circle")
def asset_link_loop(p):
    (p.work / "a").symlink_to("b")
    (p.work / "b").symlink_to("a")
    p.assumption("a")
    return ["pack"]


@bad("a link to nowhere as asset")
def asset_dangling_link(p):
    (p.work / "link.csv").symlink_to("nowhere.csv")
    p.assumption("link.csv")
    return ["pack"]


@bad("an engine whose file is a link to a file outside")
def engine_link_out(p):
    (p.work / "wasm/e.wasm").unlink()
    (p.work / "wasm/e.wasm").symlink_to("/etc/passwd")
    return ["pack"]


@bad("a scheme that is not supported")
def asset_url(p):
    p.assumption("https://example.org/mortality.csv")
    return ["pack"]


@bad("a name of 256 bytes")
def asset_name_too_long(p):
    p.assumption("n" * 252 + ".csv")
    return ["pack"]


@bad("a path of 10,000 bytes")
def asset_path_too_long(p):
    p.assumption("folder/" * 1500 + "x.csv")
    return ["pack"]


@bad("a name with a line end in it")
def asset_name_with_line_end(p):
    p.write("assumptions/a\nb.csv", b"1\n")
    p.assumption("assumptions/a\nb.csv")
    return ["pack"]


@bad("two files with one name")
def assets_with_one_name(p):
    p.write("other/lapse.csv", b"3\n")
    p.assumption("other/lapse.csv")
    return ["pack"]


# ------------------------------------------------------------------- the output --

@bad("an output that is a folder")
def output_folder(p):
    return ["pack", "-o", "data"]


@bad("an output that ends with a slash")
def output_with_slash(p):
    return ["pack", "-o", "new/"]


@bad("an output that is the config")
def output_config(p):
    return ["pack", "-o", "livecalc.config.json"]


@bad("an output that is an asset")
def output_asset(p):
    return ["pack", "-o", "assumptions/../model.mga"]


@bad("an output that is another name of an asset")
def output_hard_link(p):
    os.link(p.work / "model.mga", p.work / "out.zip")
    return ["pack", "-o", "out.zip"]


@bad("an output that is a link to an asset")
def output_link(p):
    (p.work / "out.zip").symlink_to("model.mga")
    return ["pack", "-o", "out.zip"]


@bad("an output that is a link to nowhere")
def output_dangling(p):
    (p.work / "out.zip").symlink_to("nowhere/out.zip")
    return ["pack", "-o", "out.zip"]


@bad("an output that is a device")
def output_device(p):
    return ["pack", "-o", "/dev/full"]


@bad("an output below a file")
def output_below_file(p):
    return ["pack", "-o", "model.mga/out.zip"]


@bad("an output in the store")
def output_in_store(p):
    return ["pack", "-o", ".pannier/out.zip"]


@bad("an output whose name is too long")
def output_name_too_long(p):
    return ["pack", "-o", "n" * 256]


@bad("an output in a folder that may not be written", root=True)
def output_denied(p):
    (p.top / "closed").mkdir()
    p.everybody()
    (p.top / "closed").chmod(0o555)
    return NOBODY + [p.pannier, "pack", "-o", "../closed/out.zip"]


@bad("unpacking to a folder that is not empty")
def unpack_not_empty(p):
    return ["unpack", "model-package.zip", "-C", "data"]


@bad("unpacking to a file")
def unpack_to_file(p):
    return ["unpack", "model-package.zip", "-C", "model.mga"]


@bad("unpacking to a folder whose name is too long")
def unpack_name_too_long(p):
    return ["unpack", "model-package.zip", "-C", "n" * 256]


@bad("a package that is a folder")
def package_folder(p):
    return ["verify", "./data"]


@bad("a package that is a FIFO")
def package_fifo(p):
    os.mkfifo(p.work / "fifo.zip")
    return ["verify", "fifo.zip"]


@bad("a package that is not there")
def package_missing(p):
    return ["verify", "nowhere.zip"]


# ---------------------------------------------------------- the base of a delta --

def delta_and_base(p):
    """A delta that brings nothing but its manifest; base/ has all that it needs, no store has."""
    for name in FILES:
        if not name.startswith("wasm/"):
            p.write(name, b"the one of before: " + name.encode())
    p.run(["pack", "-q", "--include-policies", "--tag", "before"], check=True)
    p.run(["unpack", "-q", "before", "-C", "base"], check=True)
    p.run(["delta", "-q", "--since", "before", "before", "-o", "delta.zip"], check=True)
    shutil.rmtree(p.store())
    p.run(["init", "-q"], check=True)


def apply(*more):
    return ["apply", "delta.zip", "--base", "base", "-o", "out.zip", *more]


@bad("a base folder of which a part may not be read", root=True)
def base_denied(p):
    delta_and_base(p)
    p.everybody()
    (p.work / "base/assumptions").chmod(0)
    return NOBODY + [p.pannier] + apply()


@bad("a base folder of which a part may be listed and not entered", root=True)
def base_not_entered(p):
    delta_and_base(p)
    p.everybody()
    (p.work / "base/assumptions").chmod(0o444)
    return NOBODY + [p.pannier] + apply()


@bad("a base file that may not be read", root=True)
def base_file_denied(p):
    delta_and_base(p)
    p.everybody()
    (p.work / "base/model.mga").chmod(0)
    return NOBODY + [p.pannier] + apply()


@bad("a base folder that may not be read at all", root=True)
def base_all_denied(p):
    delta_and_base(p)
    p.everybody()
    (p.work / "base").chmod(0)
    return NOBODY + [p.pannier] + apply()


@bad("a base folder with links to what is needed")
def base_of_links(p):
    delta_and_base(p)
    (p.work / "base").rename(p.work / "elsewhere")
    (p.work / "base").mkdir()
    (p.work / "base/folder").symlink_to("../elsewhere")
    (p.work / "base/model.mga").symlink_to("../elsewhere/model.mga")
    (p.work / "base/loop").symlink_to(".")
    return apply()


@bad("a base folder of FIFOs, sockets and other files of the right sizes")
def base_of_fifos(p):
    delta_and_base(p)
    for path in [path for path in (p.work / "base").rglob("*") if path.is_file()]:
        if path.name == "model.mga":
            path.write_bytes(path.read_bytes().swapcase())
            continue
        path.unlink()
        if path.suffix == ".csv":
            os.mkfifo(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(p.work / "base/socket"))
    return apply()


@bad("a base folder deeper than any package")
def base_deep(p):
    delta_and_base(p)
    deep = p.work / "base" / "/".join(["folder"] * 200)
    deep.mkdir(parents=True)
    (p.work / "base/model.mga").rename(deep / "model.mga")
    return apply()


@bad("a base that is a FIFO")
def base_fifo(p):
    delta_and_base(p)
    os.mkfifo(p.work / "fifo")
    return apply("--base", "fifo")


@bad("a base that is a text file")
def base_text(p):
    delta_and_base(p)
    return apply("--base", "base/model.mga")


# -------------------------------------------------------------------- the store --

@bad("a store on a read-only file system", root=True)
def store_read_only_mount(p):
    p.write("assumptions/lapse.csv", b"changed\n")
    return in_mounts(p, 'mount --bind .pannier .pannier && mount -o remount,bind,ro .pannier', ["pack"])


@bad("a store whose files may not be written", root=True)
def store_read_only_files(p):
    p.write("assumptions/lapse.csv", b"changed\n")
    p.everybody()
    subprocess.run(["chmod", "-R", "a-w", str(p.store())], check=True)
    return NOBODY + [p.pannier, "pack"]


@bad("a store that may not be entered", root=True)
def store_denied(p):
    p.everybody()
    p.store().chmod(0)
    return NOBODY + [p.pannier, "log"]


@bad("a store to be made where nothing may be made", root=True, store=False)
def store_not_made(p):
    p.everybody()
    p.work.chmod(0o555)
    return NOBODY + [p.pannier, "pack"]


@bad("a full disk", root=True, store=False)
def store_on_full_disk(p):
    big = p.work / "data/policies.csv"
    big.write_bytes(noise(4))
    (p.work / ".pannier").mkdir()
    return in_mounts(p, 'mount -t tmpfs -o size=2m tmpfs .pannier', ["pack", "--include-policies"])


@bad("a full disk where the zip goes", root=True)
def output_on_full_disk(p):
    p.write("data/policies.csv", noise(4))
    (p.work / "full").mkdir()
    return in_mounts(p, 'mount -t tmpfs -o size=2m tmpfs full', ["pack", "--include-policies", "-o", "full/out.zip"])


@bad("a full disk where a package is unpacked", root=True)
def unpack_on_full_disk(p):
    p.write("data/policies.csv", noise(4))
    p.run(["pack", "-q", "--include-policies"], check=True)
    (p.work / "full").mkdir()
    return in_mounts(p, 'mount -t tmpfs -o size=2m tmpfs full', ["unpack", "model-package.zip", "-C", "full/out"])


@bad("a store of a newer version")
def store_newer(p):
    p.sql("PRAGMA user_version = 99")
    return ["log"]


@bad("a database that is not ours")
def store_foreign(p):
    database = p.store() / "pannier.db"
    database.unlink()
    subprocess.run(["sqlite3", str(database), "CREATE TABLE t(x)"], check=True)
    return ["pack"]


@bad("a database that is a text file")
def store_text(p):
    (p.store() / "pannier.db").write_bytes(b"This is no database.\n" * 100)
    return ["pack"]


@bad("a database that is cut short")
def store_cut(p):
    p.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(p.store() / "pannier.db", "r+b") as file:
        file.truncate(5000)
    return ["pack"]


@bad("a folder as database")
def store_folder_as_database(p):
    (p.store() / "pannier.db").unlink()
    (p.store() / "pannier.db").mkdir()
    return ["pack"]


@bad("a FIFO as database")
def store_fifo_as_database(p):
    (p.store() / "pannier.db").unlink()
    os.mkfifo(p.store() / "pannier.db")
    return ["pack"]


@bad("a file as store")
def store_file(p):
    return ["pack", "--store", "model.mga"]


@bad("a store that is not there", store=False)
def store_missing(p):
    return ["log"]


@bad("a stored object that was changed")
def object_damaged(p):
    p.write("data/policies.csv", noise(1))
    p.run(["pack", "-q", "--include-policies"], check=True)
    path = next(path for path in (p.store() / "objects").rglob("*") if path.is_file())
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    return ["verify", "latest"]


@bad("a stored object that is gone")
def object_missing(p):
    p.write("data/policies.csv", noise(1))
    p.run(["pack", "-q", "--include-policies"], check=True)
    next(path for path in (p.store() / "objects").rglob("*") if path.is_file()).unlink()
    return ["export", "latest", "-o", "out.zip"]


@bad("an index that has lost a content")
def index_without_encoding(p):
    p.sql("PRAGMA foreign_keys = off; DELETE FROM encoding WHERE blob_id = (SELECT blob_id FROM asset JOIN path "
          "ON path.id = path_id WHERE text = 'data/policies.csv')")
    return ["verify", "latest"]


@bad("an index with an encoding that nobody knows")
def index_with_another_form(p):
    p.sql("PRAGMA ignore_check_constraints = on; UPDATE encoding SET form = 'rot13'")
    return ["cat", "latest:model.mga"]


@bad("an index with a folder that has bytes of its own")
def index_with_a_folder(p):
    p.sql("UPDATE path SET text = 'data/policies/' WHERE text = 'data/policies.csv'")
    return ["verify", "latest"]


@bad("an index that has lost a manifest")
def index_without_manifest(p):
    p.sql("PRAGMA foreign_keys = off; DELETE FROM blob WHERE id = (SELECT manifest_blob_id FROM archive)")
    return ["worker-json", "latest"]


@bad("an index that has lost a part of an archive")
def index_with_less(p):
    p.sql("DELETE FROM archive_encoding WHERE position = 2")
    return ["export", "latest", "-o", "out.zip"]


@bad("an index with too many parts of an archive")
def index_with_more(p):
    p.sql("INSERT INTO archive_encoding SELECT archive_id, 99, encoding_id FROM archive_encoding WHERE position = 0")
    return ["export", "latest", "-o", "out.zip"]


@bad("an index with the parts of an archive in another order")
def index_with_another_order(p):
    p.sql("UPDATE archive_encoding SET encoding_id = (SELECT encoding_id FROM archive_encoding WHERE position = 1) "
          "WHERE position = 2")
    return ["export", "latest", "-o", "out.zip"]


@bad("an index with the hash of another archive")
def index_with_another_hash(p):
    p.sql("UPDATE archive SET archive_hash = replace(hex(zeroblob(32)), '00', 'ab')")
    return ["export", "latest", "-o", "out.zip"]


def lost_zip(p, change):
    """The zip is to be made again, from an index that was changed."""
    p.env["SOURCE_DATE_EPOCH"] = "1700000000"
    p.run(["pack", "-q"], check=True)
    p.sql(change)
    (p.work / "model-package.zip").unlink()
    return ["pack"]


@bad("a zip to be made again, of which the index has lost a part")
def again_with_less(p):
    return lost_zip(p, "DELETE FROM archive_encoding WHERE position = 2")


@bad("a zip to be made again, of which the index has too many parts")
def again_with_more(p):
    return lost_zip(p, "INSERT INTO archive_encoding SELECT archive_id, 99, encoding_id FROM archive_encoding "
                       "WHERE position = 0")


@bad("a zip to be made again, of which the index has another hash")
def again_with_another_hash(p):
    return lost_zip(p, "UPDATE archive SET archive_hash = replace(hex(zeroblob(32)), '00', 'ab')")


# ---------------------------------------------------------------- circumstances --

@bad("no folder for temporary files, to verify what comes on stdin")
def temporary_missing(p):
    p.env["TMPDIR"] = str(p.work / "nowhere")
    return ["verify", "-"]


@bad("no folder for temporary files, to write the zip to stdout")
def temporary_missing_for_stdout(p):
    p.env["TMPDIR"] = str(p.work / "nowhere")
    return ["pack", "-o", "-"]


@bad("a SOURCE_DATE_EPOCH that is no number")
def epoch_text(p):
    p.env["SOURCE_DATE_EPOCH"] = "yesterday"
    return ["pack"]


@bad("a SOURCE_DATE_EPOCH beyond any calendar")
def epoch_too_large(p):
    p.env["SOURCE_DATE_EPOCH"] = "99999999999999999999"
    return ["pack"]


@bad("a negative SOURCE_DATE_EPOCH")
def epoch_negative(p):
    p.env["SOURCE_DATE_EPOCH"] = "-1"
    return ["pack"]


@bad("a workspace that is not there")
def workspace_missing(p):
    return ["pack", "--workspace", "nowhere"]


@bad("a workspace that does not hold the config")
def workspace_elsewhere(p):
    return ["pack", "--workspace", "data", "--store", ".pannier"]


@bad("an interrupt while a package is made")
def interrupted(p):
    p.write("data/policies.csv", noise(64))
    return ["pack", "--include-policies", "--level", "12"], interrupt


@bad("a request to end while a package is made")
def terminated(p):
    p.write("data/policies.csv", noise(64))
    return ["pack", "--include-policies", "--level", "12"], terminate


def in_mounts(p, mount, command):
    """Run @command with file systems of its own; say what of the files there it left."""
    # In a chroot "/" is no mount point and cannot be made private: so what is mounted is unmounted, too.
    script = f'''mount --make-rprivate / 2>/dev/null || :
{mount} || exit 99
find . -type f ! -path './.pannier/[pol.]*' | sort > ../before
"$@"
status=$?
find . -type f ! -path './.pannier/[pol.]*' | sort > ../after
diff ../before ../after | sed -n 's/^> /left behind: /p' >&2
rm ../before ../after
umount {mount.split()[-1]}
exit $status'''
    return ["unshare", "-m", "--propagation", "unchanged", "sh", "-c", script, "sh", p.pannier] + command


def send(process, number):
    """As soon as it has started to work: the store's temporary object is there."""
    objects = pathlib.Path(process.args[0] and f"/proc/{process.pid}/fd")
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            if any("/tmp/" in os.readlink(link) and ".pannier" in os.readlink(link) for link in objects.iterdir()):
                break
        except OSError:
            pass
        time.sleep(0.001)
    process.send_signal(number)


def interrupt(process):
    send(process, signal.SIGINT)


def terminate(process):
    send(process, signal.SIGTERM)


# -------------------------------------------------------------------- the table --

def normalise(text, place):
    text = text.replace(str(place.work), "$PWD").replace(str(place.top), "$PWD/..")
    text = re.sub(r"(.)\1{30,}", r"\1\1\1...", text)
    text = re.sub(r"(folder/){10,}", "folder/...", text)
    text = re.sub(r"\b[0-9a-f]{64}(\.[0-9a-f]{16})?\b", "HASH", text)
    text = re.sub(r"(\.pnr-|write ')\d+-\d+", r"\1PID-0", text)
    lines = text.splitlines()
    if len(lines) > 16:
        lines = lines[:LINES] + [f"... ({len(lines)} lines)"]
    return lines


def shown(command):
    if isinstance(command, tuple):
        command = command[0]
    words = command[command.index(next(w for w in command if w.endswith("/pannier"))) + 1:] \
        if command[0] in ("unshare", "setpriv") else command
    return "pannier " + " ".join(re.sub(r"(.)\1{30,}", r"\1\1\1...", word) for word in words)


def row(title, command, status, lines):
    return f"| {title} | {code(shown(command))} | {status} | {'<br>'.join(code(line) for line in lines)} |\n"


def run(name, pannier):
    """The row of case @name and what else is wrong."""
    case = cases[name]
    place, faults = Place(pannier, case["store"]), []
    try:
        prepared = case["prepare"](place)
        command, during = prepared if isinstance(prepared, tuple) else (prepared, None)
        before = place.snapshot()
        status, out, err = place.run(command, during=during)
        after = place.snapshot()
        if before != after:
            faults.append("left or changed: " + ", ".join(sorted(
                {path for path, _ in set(before.items()) ^ set(after.items())})[:6]))
        if status not in (1, 2, 3, 4, 5, 6, 130):
            faults.append(f"exit status {status}")
        if not err.startswith("pannier: ") and ": error: " not in err:
            faults.append(f"message {err!r}")
        if "left behind" in err:
            faults.append(err)
        if out:
            faults.append(f"on stdout: {out[:200]}")
        return row(case["title"], command, status, normalise(err, place)), faults
    finally:
        place.close()


def main():
    parser = argparse.ArgumentParser(description=inspect.getdoc(sys.modules[__name__]).splitlines()[0])
    parser.add_argument("--pannier", type=pathlib.Path, required=True)
    parser.add_argument("--memory", type=int, help="not used")
    parser.add_argument("--refresh", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    pannier = options.pannier.resolve(strict=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    table = Table("inputs.py", "input", "command", "exit", "message")
    old = table.rows
    rows, failed, skipped = {}, 0, 0
    for name in options.names or cases:
        title = cases[name]["title"]
        if cases[name]["root"] and not ROOT:
            skipped += 1
            rows[title] = old.get(title, "")
            continue
        rows[title], faults = run(name, pannier)
        if not options.refresh and rows[title] != old.get(title):
            faults.append(f"the table has\n  {old.get(title)}and it is\n  {rows[title]}")
        failed += bool(faults)
        for fault in faults:
            print(f"FAILED {name}: {fault}")
    stale = [] if options.names else sorted(set(old) - set(rows))
    if options.refresh:
        table.write(old | rows if options.names else rows)
    elif stale:
        print(f"FAILED: rows of no case: {stale}")
    print(f"{len(rows)} cases, {skipped} skipped, {failed} failed")
    return 1 if failed or (stale and not options.refresh) else 0


if __name__ == "__main__":
    sys.exit(main())
