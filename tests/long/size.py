#!/usr/bin/env python3
"""An asset of 5 GB that does not compress and a CSV of 3 GB in one model: no command takes 100 MB, others read the zip.

  size.py PANNIER TOOLS

TOOLS is the folder with corpus and measure. Works in $TMPDIR, else in /var/tmp; needs 21 GB there.
"""
import shutil
import sys
import time
import zipfile

import steps
from steps import MB

import models

GB = 1000 * MB
# Each thread that compresses holds its blocks: 64 MB and 8 MB a thread is what tools/bench asks for.
MEMORY = 100 * MB + 8 * MB * max(0, steps.PROCESSORS - 4)
DISK = 21 * GB  # the model, later what is unpacked, 8 GB; and what is left of it, in the store and in the zip


def by_zipfile(path):
    found = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                found[entry.filename] = steps.hash_of(stream)
    return found


def main():
    with steps.Steps(sys.argv[1], sys.argv[2], DISK) as work:
        begin = time.monotonic()
        model = models.large(work.scratch / "large", work.tools / "corpus", 5 * GB, 3 * GB)
        wanted = steps.hashes(model.dir)
        steps.timed("making the model", begin)

        work.pack(model, MEMORY)
        if model.zip.stat().st_size < 5 * GB:
            steps.fail(f"a zip of {model.zip.stat().st_size} bytes")
        shutil.rmtree(model.dir)
        work.pannier("verify", MEMORY, "verify", model.zip)
        out = work.scratch / "unpacked"
        work.pannier("unpack", MEMORY, "unpack", model.zip, "-C", out)
        steps.compare("unpacked", steps.hashes(out), wanted)
        shutil.rmtree(out)

        work.run("unzip -t", ["unzip", "-tqq", model.zip])
        begin = time.monotonic()
        steps.compare("zipfile", by_zipfile(model.zip), wanted)
        steps.timed("zipfile", begin)


if __name__ == "__main__":
    main()
