"""Commands one after the other: what each costs is printed, and is an error above its bound."""

import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/bench.d"))

from race import MB, Course, Peer  # noqa: E402

SECONDS = 3600  # that one command may take
PROCESSORS = len(os.sched_getaffinity(0))


def fail(text):
    sys.exit(f"FAIL: {text}")


def need_disk(folder, count):
    free = shutil.disk_usage(folder).free
    if free < count:
        fail(f"this needs {count / 1e9:.0f} GB in {folder}, {free / 1e9:.1f} GB are free; name another folder in $TMPDIR")


class Steps:
    """A folder to work in, and the tool. Use as a context: the folder is removed."""

    def __init__(self, tool, tools, disk):
        folder = os.environ.get("TMPDIR", "/var/tmp")
        need_disk(folder, disk)
        os.environ.pop("PANNIER_STORE", None)
        self.tool = pathlib.Path(tool).resolve(strict=True)
        self.tools = pathlib.Path(tools).resolve(strict=True)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pannier-long.", dir=folder))
        self.course = Course(self.tools / "measure", self.scratch, SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.scratch)

    def run(self, name, command, bound=None):
        """What @command says. @bound: bytes of memory at its peak."""
        took = self.course.step(command, Peer(name, [command]))
        if isinstance(took, str):
            fail(f"{name}: {took}")
        seconds, processor, peak, said = took
        print(f"{name}: {seconds:.1f} s, {processor:.1f} s of processors, peak {peak / MB:.0f} MB", flush=True)
        if bound and peak > bound:
            fail(f"{name}: its peak of {peak / MB:.0f} MB is above {bound / MB:.0f} MB")
        return said

    def pannier(self, name, bound, *arguments):
        return json.loads(self.run(f"pannier {name}", [self.tool, *arguments, "--json"], bound))

    def pack(self, model, bound, name="pack"):
        return self.pannier(name, bound, "pack", model.config, "--include-policies", "--workspace", model.dir,
                            "--store", model.store, "-o", model.zip)


def hash_of(stream):
    return hashlib.file_digest(stream, "sha256").hexdigest()


def hashes(folder):
    """Path and SHA-256 of every file below @folder."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as stream:
                found[str(path.relative_to(folder))] = hash_of(stream)
    return found


def compare(what, found, wanted):
    """Both by path; @found has a manifest besides."""
    if found.pop("manifest.json", None) is None:
        fail(f"{what}: no manifest.json")
    for path in sorted(found.keys() | wanted.keys()):
        if found.get(path) != wanted.get(path):
            fail(f"{what}: '{path}' is {found.get(path, 'not there')}, not {wanted.get(path, 'expected')}")
    print(f"{what}: all {len(wanted):,} files are those of the model", flush=True)


def timed(what, begin):
    print(f"{what}: {time.monotonic() - begin:.1f} s", flush=True)
