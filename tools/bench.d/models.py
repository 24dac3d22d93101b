"""Models to package: a folder with a valid config and content from corpus.c."""

import json
import os
import pathlib
import shutil
import subprocess

KB, MB = 1_000, 1_000_000
ENGINE_MAX = 64 * MB
WASM_SHARES = (0.60, 0.25, 0.10, 0.04, 0.01)  # engines differ in size as much as in content
CONFIG_MAX = 16 << 20  # what is read as a config
OLD = 1_767_225_600  # the time of a file that was not changed: 2026-01-01


class Model:
    """A folder below @base with a model; store and packages stand beside it."""

    def __init__(self, base, corpus):
        self.base = pathlib.Path(base)
        self.corpus = corpus
        self.dir = self.base / "model"
        self.store = self.base / "store"
        self.zip = self.base / "pannier.zip"
        self.engines = []
        self.changes = 0
        self.small = None  # the asset that change() changes
        (self.dir / "data").mkdir(parents=True)
        for name in ("wasm", "python", "assumptions"):
            (self.dir / name).mkdir()

    @property
    def config(self):
        return self.dir / "livecalc.config.json"

    def files(self):
        return sum(1 for path in self.dir.rglob("*") if path.is_file())

    def bytes(self):
        return sum(path.stat().st_size for path in self.dir.rglob("*") if path.is_file())

    def make(self, path, kind, length):
        """Content of its own for every path: the path is the seed."""
        seed = int.from_bytes(path.encode(), "big") % (1 << 61)
        with open(self.dir / path, "wb") as out:
            subprocess.run([self.corpus, kind, str(seed), str(int(length))], stdout=out, check=True)

    def engine(self, name, kind, length):
        suffix = {"wasm": "wasm", "python": "py"}[kind]
        self.engines.append((name, kind))
        self.make(f"{kind}/{name}.{suffix}", kind, length)

    def finish(self):
        nodes = [{"id": name, "engine": f"{kind}://{name}", "inputs": ["$policies", "$assumptions"],
                  "outputs": [f"bus://{name}/out"], "config": {"step": i}}
                 for i, (name, kind) in enumerate(self.engines)]
        config = {
            "model": "bench.mga",
            "assumptions": {role: f"local://assumptions/{role}.csv" for role in ("mortality", "lapse", "expenses")},
            "scenarios": {"count": 1000, "seed": 20260124, "interestRate": {"initial": 0.03}},
            "policies": "local://data/policies.csv",
            "pipeline": {"nodes": nodes},
        }
        text = json.dumps(config, indent=2)
        if len(text) > CONFIG_MAX:
            text = json.dumps(config, separators=(",", ":"))
        self.config.write_text(text + "\n")
        for path in self.dir.rglob("*"):
            if path.is_file():
                os.utime(path, (OLD, OLD))
        return self

    def tables(self, mortality, lapse, expenses, model):
        for role, length in (("mortality", mortality), ("lapse", lapse), ("expenses", expenses)):
            self.make(f"assumptions/{role}.csv", "decimals", length)
        self.make("bench.mga", "json", model)

    def change(self):
        """Another version of the small asset, newer than the last by more than zip's two seconds."""
        self.changes += 1
        text = self.small.read_text().split("\n# change ")[0]
        self.small.write_text(f"{text}\n# change {self.changes}\n")
        os.utime(self.small, (OLD + 10 * self.changes,) * 2)

    def remove(self):
        shutil.rmtree(self.base)


def mixed(base, corpus, total):
    """What a real model holds: half policies, a quarter engines, a fifth tables."""
    m = Model(base, corpus)
    m.make("data/policies.csv", "policies", 0.49 * total)
    m.tables(0.11 * total, 0.07 * total, 0.04 * total, min(0.01 * total, 2 * MB))
    for i, share in enumerate(WASM_SHARES):
        left, part = int(0.27 * total * share), 0
        while left > 0:
            m.engine(f"engine-{i}-{part}", "wasm", min(left, ENGINE_MAX))
            left, part = left - ENGINE_MAX, part + 1
    for i in range(10):
        m.engine(f"step-{i}", "python", min(0.001 * total * (i + 1) / 5, (i + 1) * 8 * KB))
    m.small = m.dir / "python/step-3.py"
    return m.finish()


def noise(base, corpus, total):
    """One file that does not compress, and next to nothing besides."""
    m = Model(base, corpus)
    m.make("data/policies.csv", "noise", total)
    m.tables(KB, KB, KB, KB)
    m.engine("step", "python", KB)
    m.small = m.dir / "python/step.py"
    return m.finish()


def large(base, corpus, incompressible, policies):
    """Two files beyond any memory: a table that does not compress, and policies that do."""
    m = Model(base, corpus)
    m.make("data/policies.csv", "policies", policies)
    m.tables(KB, KB, KB, KB)
    m.make("assumptions/mortality.csv", "noise", incompressible)
    m.engine("step", "python", KB)
    m.small = m.dir / "python/step.py"
    return m.finish()


def many(base, corpus, count, length):
    """@count Python steps of about @length bytes, cut from one text, no two the same."""
    m = Model(base, corpus)
    m.make("data/policies.csv", "policies", 10 * KB)
    m.tables(5 * KB, KB, KB, KB)
    m.make("python/all", "python", 64 * length)
    whole = m.dir / "python/all"
    text = whole.read_text()
    whole.unlink()
    for i in range(count):
        begin = i * 997 % (len(text) - length)
        (m.dir / f"python/step-{i}.py").write_text(f"# step {i}\n{text[begin:begin + length]}")
        m.engines.append((f"step-{i}", "python"))
    m.small = m.dir / f"python/step-{count // 2}.py"
    return m.finish()


def sample(base, corpus, source):
    """The sample model of the repository."""
    m = Model(base, corpus)
    shutil.rmtree(m.dir)
    shutil.copytree(source, m.dir)
    m.small = m.dir / "assumptions/lapse.csv"
    return m
