#!/usr/bin/env python3
"""kill -9 at random moments of push, pull and apply.

usage: killed.py PANNIER MOMENTS

Whatever the moment: what can be seen is whole, the next run ends well, and what was finished before is not moved again.
"""
import hashlib
import json
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

ENGINES, SIZE = 10, 300_000


def die(text):
    sys.exit(f"killed: {text}")


class Tool:
    def __init__(self, pannier, folder):
        self.pannier, self.folder = pannier, folder

    def start(self, *arguments):
        return subprocess.Popen([self.pannier, *map(str, arguments), "--json"], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments):
        """The JSON of a run that must end well."""
        process = self.start(*arguments)
        out, err = process.communicate()
        if process.returncode != 0:
            die(f"{' '.join(map(str, arguments))}: exit {process.returncode}: {err.decode()}")
        return json.loads(out)

    def kill(self, delay, *arguments):
        """None if it was killed; if it was done before, the seconds that it took."""
        started, process = time.monotonic(), self.start(*arguments)
        try:
            process.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        if process.returncode not in (0, -9):
            die(f"{' '.join(map(str, arguments))}: exit {process.returncode}")
        return None if process.returncode == -9 else time.monotonic() - started


def write_model(folder, version):
    """Engines of noise; from version to version each changes a little."""
    (folder / "wasm").mkdir(parents=True, exist_ok=True)
    nodes = [{"id": f"n{i}", "engine": f"wasm://e{i}", "outputs": [f"bus://{i}"]} for i in range(ENGINES)]
    config = {"model": "model.mga", "scenarios": {"count": 1}, "pipeline": {"nodes": nodes},
              "assumptions": {role: f"assumptions://{role}:v1" for role in ("mortality", "lapse", "expenses")}}
    (folder / "livecalc.config.json").write_text(json.dumps(config))
    (folder / "model.mga").write_text(f"MODEL {version}\n")
    for i in range(ENGINES):
        noise = random.Random(i).randbytes(SIZE)
        (folder / f"wasm/e{i}.wasm").write_bytes(b"%d " % version + noise[:SIZE // 2] + b"%d" % version + noise[SIZE // 2:])


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(folder):
    """What is visible of a remote: name -> (inode, time of change)."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and "tmp~" not in path.parts and path.name != "lock~":
            stat = path.stat()
            found[str(path.relative_to(folder))] = (stat.st_ino, stat.st_mtime_ns)
    return found


def contents(store):
    """Hashes of the contents that have rows."""
    database = store / "pannier.db"
    if not database.exists():
        return set()
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return {row[0] for row in connection.execute(
            "SELECT hash FROM blob WHERE EXISTS (SELECT 1 FROM encoding WHERE blob_id = blob.id)")}


class Scene:
    """Folders as they were; what a run changes is put back before the next."""

    def __init__(self, tool, changed, *command):
        self.tool, self.changed, self.command = tool, changed, command
        for name in changed:
            shutil.copytree(tool.folder / name, tool.folder / f"{name}.kept", symlinks=True)
        started = time.monotonic()
        self.whole = tool.run(*command)
        self.seconds = time.monotonic() - started

    def reset(self):
        for name in self.changed:
            shutil.rmtree(self.tool.folder / name)
            shutil.copytree(self.tool.folder / f"{name}.kept", self.tool.folder / name, symlinks=True)
        (self.tool.folder / "out.zip").unlink(missing_ok=True)

    def moments(self, count, check):
        """Until so many were killed. What was done before the moment tells how long it takes now."""
        killed, late, source = 0, 0, random.Random(str(self.command))
        while killed < count:
            self.reset()
            delay = source.uniform(0, self.seconds)
            seconds = self.tool.kill(delay, *self.command)
            if seconds is None:
                killed += 1
            else:
                late += 1
                self.seconds = seconds
            check(f"{self.command[0]}, moment {killed + late}, after {delay:.4f} s")
            if late > 2 * count:
                die(f"{self.command[0]}: {killed} were killed, {late} were done before")
        print(f"{self.command[0]}: {killed} killed, {late} done before, 0 losses")


def main(pannier, count):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pannier-killed-"))
    tool = Tool(pannier, folder)
    try:
        for version in (1, 2):
            write_model(folder / "model", version)
            tool.run("pack", "model/livecalc.config.json", "--store", "maker", "--workspace", folder,
                     "--tag", f"v{version}", "-o", f"v{version}.zip")
            if version == 1:
                tool.run("remote", "add", "cloud", folder / "cloud", "--store", "maker")
                tool.run("push", "cloud", "v1", "--store", "maker")
        right = sha256(folder / "v2.zip")
        push(tool, count, right)
        tool.run("delta", "v2", "--since", "v1", "--patch", "-o", "delta.zip", "--store", "maker")
        pull(tool, count, right)
        apply(tool, count, right)
    finally:
        shutil.rmtree(folder)


def pull_fresh(tool, what, right):
    """A store that has nothing gets the package, whole; before that, all of the remote is right."""
    shutil.rmtree(tool.folder / "fresh", ignore_errors=True)
    tool.run("remote", "add", "cloud", tool.folder / "cloud", "--store", "fresh")
    tool.run("remote", "check", "cloud", "--store", "fresh")
    if right is None:
        return
    tool.run("pull", "cloud", "v2", "-o", "pulled.zip", "--store", "fresh")
    if sha256(tool.folder / "pulled.zip") != right:
        die(f"{what}: another zip came")


def push(tool, count, right):
    scene = Scene(tool, ("cloud", "maker"), "push", "cloud", "v2", "--store", "maker")

    def check(what):
        before = files(tool.folder / "cloud")
        # All that is visible is whole, also what no package needs yet.
        pull_fresh(tool, what, None)
        tool.run(*scene.command)
        after = files(tool.folder / "cloud")
        moved = [name for name in before if before[name] != after.get(name) and not name.startswith("tags/")]
        if moved:
            die(f"{what}: {moved} were put again")
        pull_fresh(tool, what, right)

    scene.moments(count, check)
    scene.reset()
    tool.run(*scene.command)


def check_store(tool, store, what, right):
    """A package that can be seen is whole; so is its zip."""
    out = tool.folder / "out.zip"
    if out.exists() and sha256(out) != right:
        die(f"{what}: a zip is visible that is not right")
    for entry in tool.run("log", "--store", store)["entries"]:
        tool.run("verify", entry["packageHash"], "--store", store)


def check_again(tool, scene, store, what, right):
    got = tool.run(*scene.command)
    if not got["archiveIdentical"] or sha256(tool.folder / "out.zip") != right:
        die(f"{what}: another zip")
    check_store(tool, store, what, right)
    return got


def pull(tool, count, right):
    tool.run("remote", "add", "cloud", tool.folder / "cloud", "--store", "worker")
    scene = Scene(tool, ("worker",), "pull", "cloud", "v2", "-o", "out.zip", "--store", "worker")
    needed = contents(tool.folder / "worker")

    def check(what):
        have = contents(tool.folder / "worker")
        check_store(tool, "worker", what, right)
        got = check_again(tool, scene, "worker", what, right)
        # The package's text and the manifest in it are content as well, but not of an asset.
        left = scene.whole["blobsFetched"] - len(have & needed)
        if got["blobsFetched"] not in (left, left + 1, left + 2):
            die(f"{what}: {got['blobsFetched']} contents came, {left} were missing")

    scene.moments(count, check)


def apply(tool, count, right):
    tool.run("remote", "add", "cloud", tool.folder / "cloud", "--store", "node")
    tool.run("pull", "cloud", "v1", "--store", "node")
    scene = Scene(tool, ("node",), "apply", "delta.zip", "-o", "out.zip", "--store", "node")

    def check(what):
        check_store(tool, "node", what, right)
        check_again(tool, scene, "node", what, right)

    scene.moments(count, check)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
