#!/usr/bin/env python3
"""100,000 assets in one package: what packing, verifying and unpacking them takes.

  many.py PANNIER TOOLS

TOOLS is the folder with corpus and measure. Works in $TMPDIR, else in /var/tmp; needs 2 GB there.
"""
import sys
import time

import steps
from steps import MB

import models

COUNT = 100_000
DISK = 2000 * MB
# No content is held, but for each asset what is known of it: node of the config, plan, manifest, entry of the zip.
# Measured: 4.4 KB an asset to pack, 3.0 KB to read; a quarter and a third more is an error.
PACK = COUNT * 5_500
READ = COUNT * 4_000
SETTLED = 2.3  # seconds after which a file's times may be trusted


def main():
    with steps.Steps(sys.argv[1], sys.argv[2], DISK) as work:
        begin = time.monotonic()
        model = models.many(work.scratch / "many", work.tools / "corpus", COUNT, 1000)
        wanted = steps.hashes(model.dir)
        steps.timed("making the model", begin)

        time.sleep(SETTLED)
        first = work.pack(model, PACK)
        time.sleep(SETTLED)
        again = work.pack(model, PACK, "pack, unchanged")
        if not again["stats"]["unchanged"] or again["archiveHash"] != first["archiveHash"]:
            steps.fail(f"not unchanged: {again['stats']}")
        work.pannier("verify", READ, "verify", model.zip)
        out = work.scratch / "unpacked"
        work.pannier("unpack", READ, "unpack", model.zip, "-C", out)
        steps.compare("unpacked", steps.hashes(out), wanted)


if __name__ == "__main__":
    main()
