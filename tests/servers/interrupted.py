#!/usr/bin/env python3
"""kill -9 at many moments of a push to a server, of several objects, one of which goes in parts.

usage: interrupted.py PANNIER KIND SERVER-DIR DIR MOMENTS
  KIND        s3 or azure
  SERVER-DIR  where that server was started
  DIR         to work in

Whatever the moment: what can be seen is whole, the next run ends well, and it sends no object and no part that the
server had taken before, by the log of the proxy between them.
"""
import concurrent.futures
import pathlib
import random
import shutil
import sys
import threading

import places
from places import killed, proxy

ENGINES, SIZE, LARGE = 8, 300_000, 33 << 20
WORKERS = 2


def die(text):
    sys.exit(f"interrupted: {text}")


class Scene:
    def __init__(self, pannier, place, folder):
        self.place, self.folder = place, folder
        (folder / "home").mkdir()
        self.tool = places.Tool(pannier, folder, place.environment(folder / "home"))
        places.write_model(folder / "model", ENGINES, SIZE, LARGE)
        self.tool.run("pack", "model/livecalc.config.json", "--store", "packed", "--workspace", folder, "--tag", "v1",
                      "-o", "right.zip")
        self.right = killed.sha256(folder / "right.zip")

    def fetch(self, prefix, what, is_whole):
        """What is there is right; if all of it is to be there, another store gets it."""
        fresh, pulled = f"fresh-{prefix}", f"{prefix}.zip"
        self.tool.run("remote", "add", "cloud", self.place.url(prefix), "--store", fresh)
        if is_whole:
            self.tool.run("pull", "cloud", "v1", "-o", pulled, "--store", fresh)
            if killed.sha256(self.folder / pulled) != self.right:
                die(f"{what}: another zip came")
            (self.folder / pulled).unlink()
        else:
            self.tool.run("remote", "check", "cloud", "--store", fresh)
        shutil.rmtree(self.folder / fresh)

    def killed_push(self, between, command, rule):
        """Killed by the proxy at what the rule says; False if it was done before that."""
        begun = threading.Event()

        def kill():
            begun.wait()
            process.kill()
            process.wait()

        between.set_rules([{"fault": "cut_by", "action": kill, **rule}])
        process = self.tool.start(*command)
        begun.set()
        _, err = process.communicate(timeout=self.tool.limit)
        between.set_rules([])
        if process.returncode not in (0, -9):
            die(f"exit {process.returncode}: {err.decode()}")
        return process.returncode == -9

    def moment(self, number, rule=None):
        """Push, killed at what @rule says, and again: (was it killed, what the server had taken, what was asked)."""
        what, prefix, maker = f"moment {number}, {rule}", f"moment-{number}", f"maker-{number}"
        places.copy_store(self.folder / "packed", self.folder / maker)
        command = ("push", "cloud", "v1", "--store", maker)
        with proxy.Proxy(self.place.port) as between:
            self.tool.run("remote", "add", "cloud", self.place.url(prefix, between.port), "--store", maker)
            start = len(between.requests()) + 1
            was_killed = rule is not None and self.killed_push(between, command, rule)
            first = between.requests(start)
            taken = places.finished(first)
            if any("/pannier.json" in target for target in taken):
                self.fetch(prefix, what, False)
            self.tool.run(*command)
            second = between.requests(start + len(first))
        again = set(taken) & set(places.finished(second))
        if again:
            die(f"{what}: sent again, although it was there: {sorted(again)}")
        asked = [entry["target"] for entry in first + second]
        if places.count_parts(asked) < 2:
            die(f"{what}: nothing went in parts")
        if number % 5 == 0:
            self.fetch(prefix, what, True)
        shutil.rmtree(self.folder / maker)
        return was_killed, taken, asked


def rules(kind, count, requests, parts):
    """Moments by what has passed, not by the clock: each second one at a part, all of them spread over the push. At
    each fourth the server has taken that part, and nobody here knows it."""
    source = random.Random(kind)
    for i in range(count):
        which, of = ({"target": places.PART}, parts) if i % 2 else ({}, requests)
        at = 1 if i % 4 == 3 else source.uniform(0, 1.2)
        yield {**which, "skip": int(of * (i + source.random()) / count), "at": at}


def main(pannier, kind, server, folder, count):
    folder, count = pathlib.Path(folder).resolve(), int(count)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    scene = Scene(pannier, places.Place(kind, server), folder)
    *_, asked = scene.moment(0)
    moments = list(rules(kind, count, len(asked), places.count_parts(asked)))
    killed_count, between_parts = 0, 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for rule, (was_killed, taken, _) in zip(moments, pool.map(scene.moment, range(1, count + 1), moments)):
            killed_count += was_killed
            between_parts += was_killed and "target" in rule and places.count_parts(taken) > 0
    if killed_count < count * 4 // 5 or between_parts < count // 8:
        die(f"only {killed_count} of {count} were killed in time, {between_parts} of them between parts")
    shutil.rmtree(folder)
    print(f"{kind}: {count} moments of {len(asked)} requests, {killed_count} killed, {between_parts} between parts; "
          "nothing was sent again")


if __name__ == "__main__":
    main(*sys.argv[1:])
