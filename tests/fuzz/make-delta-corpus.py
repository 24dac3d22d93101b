#!/usr/bin/env python3
"""Write the seeds of fuzz_delta: manifests of deltas, a right one and ones that are wrong in one place.

usage: python3 make-delta-corpus.py DIR
"""
import copy
import hashlib
import json
import os
import sys


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def listed(path, kind, text):
    return {"relativePath": path, "hash": sha(text), "size": len(text), "type": kind}


def patch(path, content, base):
    return {"path": path, "from": "patch", "base": sha(base), "baseSize": len(base),
            "patch": f"patches/{sha(content)}.{sha(base)}.zst", "hash": sha("patch"), "size": 40}


RIGHT = {
    "version": "1.0",
    "createdAt": "2026-01-24T12:34:56.789Z",
    "assets": [listed("livecalc.config.json", "config", "{}"), listed("model.mga", "model", "M"),
               listed("assumptions/é.csv", "assumption", "new")],
    "packageHash": sha("package"),
    "config": {"delta": {"format": 9}},
    "assumptionRefs": [],
    "externalRefs": [],
    "delta": {
        "format": 1,
        "basePackageHash": sha("base"),
        "name": "models/term \"life\"",
        "archiveHash": sha("archive"),
        "archiveSize": 12345,
        "archiveOptions": "{\"level\":6,\"reuse\":true}",
        "assets": [{"path": "livecalc.config.json", "from": "base"}, {"path": "model.mga", "from": "zip"},
                   patch("assumptions/é.csv", "new", "old")],
        "removed": ["wasm/gone.wasm"],
    },
}


def text(document):
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def changed(change):
    document = copy.deepcopy(RIGHT)
    change(document)
    return text(document)


def last(document):
    document["more"] = 1


CASES = {
    "right": text(RIGHT),
    "no-base": changed(lambda d: d["delta"].pop("basePackageHash")),
    "empty": changed(lambda d: (d.update(assets=[]), d["delta"].update(assets=[], removed=[]))),
    "unknown-keys": changed(lambda d: (d["delta"].update(more=[{}]), d["delta"]["assets"][0].update(more=None))),
    "escaped": text(RIGHT).replace('"from"', '"fr\\u006fm"').replace('"model.mga"', '"model\\u002emga"'),
    "no-delta": changed(lambda d: d.pop("delta")),
    "not-last": changed(last),
    "on-one-line": json.dumps(RIGHT) + "\n",
    "cut": text(RIGHT)[:-60],
    "format-2": changed(lambda d: d["delta"].update(format=2)),
    "no-object": changed(lambda d: d.update(delta=[1])),
    "null": changed(lambda d: d["delta"].update(name=None)),
    "from-nowhere": changed(lambda d: d["delta"]["assets"][0].update({"from": "store"})),
    "out-of-order": changed(lambda d: d["delta"]["assets"].reverse()),
    "one-too-few": changed(lambda d: d["delta"]["assets"].pop()),
    "one-too-many": changed(lambda d: d["delta"]["assets"].append({"path": "x", "from": "base"})),
    "patch-of-itself": changed(lambda d: d["delta"]["assets"].__setitem__(2, patch("assumptions/é.csv", "new", "new"))),
    "patch-outside": changed(lambda d: d["delta"]["assets"][2].update(patch="../x.zst")),
    "patch-without-base": changed(lambda d: d["delta"]["assets"][2].pop("base")),
    "base-with-patch": changed(lambda d: d["delta"]["assets"][0].update(size=1)),
    "size-fraction": text(RIGHT).replace('"size": 40', '"size": 4e1'),
    "size-large": text(RIGHT).replace('"baseSize": 3', '"baseSize": 9007199254740993'),
    "removed-and-there": changed(lambda d: d["delta"]["removed"].append("model.mga")),
    "removed-number": changed(lambda d: d["delta"]["removed"].append(7)),
    "twice": text(RIGHT).replace('"format": 1,', '"format": 1, "format": 1,'),
    "manifest-1.1": text(RIGHT).replace('"1.0"', '"1.1"'),
}

for name, case in CASES.items():
    with open(os.path.join(sys.argv[1], name), "w", encoding="utf-8") as file:
        file.write(case)
