#!/usr/bin/env python3
"""kill -9 at random moments of a push to a server, of several objects, one of which goes in parts.

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
import time

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

    def moment(self, number, delay):
        """Push, killed after @delay seconds if that is not 0, and again: (was it killed, parts before, seconds)."""
        what, prefix = f"moment {number}, after {delay} s", f"moment-{number}"
        maker = f"maker-{number}"
        places.copy_store(self.folder / "packed", self.folder / maker)
        command = ("push", "cloud", "v1", "--store", maker)
        with proxy.Proxy(self.place.port) as between:
            self.tool.run("remote", "add", "cloud", self.place.url(prefix, between.port), "--store", maker)
            was_killed = delay > 0 and self.tool.kill(delay, *command)
            first = between.requests()
            there = places.finished(first)
            if any("/pannier.json" in target for target in there):
                self.fetch(prefix, what, False)
            started = time.monotonic()
            self.tool.run(*command)
            seconds = time.monotonic() - started
            second = between.requests(len(first) + 1)
        again = set(there) & set(places.finished(second))
        if again:
            die(f"{what}: sent again, although it was there: {sorted(again)}")
        if sum(self.place.is_part(entry) for entry in first + second) < 2:
            die(f"{what}: nothing went in parts")
        if number % 5 == 0:
            self.fetch(prefix, what, True)
        shutil.rmtree(self.folder / maker)
        return was_killed, sum(map(self.place.is_part, first)), seconds


def main(pannier, kind, server, folder, count):
    folder = pathlib.Path(folder).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    scene = Scene(pannier, places.Place(kind, server), folder)
    source, killed_count, in_parts = random.Random(kind), 0, 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        # how long it takes when as many are at it
        seconds = max(whole for *_, whole in pool.map(scene.moment, range(1 - WORKERS, 1), [0] * WORKERS))
        delays = [round(source.uniform(0.01, 1.05) * seconds, 4) for _ in range(int(count))]
        for was_killed, parts, _ in pool.map(scene.moment, range(1, int(count) + 1), delays):
            killed_count += was_killed
            in_parts += was_killed and parts > 0
    if killed_count < int(count) / 3 or in_parts == 0:
        die(f"only {killed_count} of {count} were killed in time, {in_parts} of them while parts were sent")
    shutil.rmtree(folder)
    print(f"{kind}: {count} moments of {seconds:.2f} s, {killed_count} killed, {in_parts} between parts; "
          "nothing was sent again")


if __name__ == "__main__":
    main(*sys.argv[1:])
