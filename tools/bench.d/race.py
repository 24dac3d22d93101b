"""Commands that are run in turn, and what they cost."""

import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess

MB = 1_000_000


@dataclasses.dataclass
class Peer:
    """One way to do the job. Its steps are timed, prepare is not."""

    name: str
    steps: object  # list of commands, or a function of the round that gives one
    prepare: object = None  # a function of the round
    output: pathlib.Path | None = None  # file or folder whose size is told
    cwd: pathlib.Path | None = None
    env: dict = dataclasses.field(default_factory=dict)
    rounds: int | None = None  # at most so many
    needs: tuple = ()  # programs

    def missing(self):
        for program in self.needs:
            if not shutil.which(program) and not pathlib.Path(program).exists():
                return f"{program} is not installed"
        return None


class Result:
    def __init__(self, peer):
        self.name = peer.name
        self.seconds = []
        self.processor = []
        self.peak = 0
        self.size = None
        self.command = None
        self.error = peer.missing()
        self.said = ""

    @property
    def median(self):
        return statistics.median(self.seconds) if self.seconds and not self.error else None

    @property
    def cpu(self):
        return statistics.median(self.processor) if self.processor and not self.error else None

    @property
    def reply(self):
        """What the last run said, when that was JSON."""
        try:
            return json.loads(self.said)
        except ValueError:
            return {}

    def as_json(self):
        return {"name": self.name, "command": self.command, "median": self.median, "seconds": self.seconds,
                "medianProcessor": self.cpu, "processorSeconds": self.processor, "peakBytes": self.peak or None, "outputBytes": self.size,
                "error": self.error}


def size_of(path):
    if not path.exists():
        return None
    if path.is_file():
        return path.stat().st_size
    return sum(p.lstat().st_size for p in path.rglob("*") if p.is_file())


def remove(*paths):
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


class Course:
    """Runs commands in one folder of scratch files."""

    def __init__(self, measure, scratch, limit):
        self.measure = measure
        self.scratch = scratch
        self.limit = limit  # seconds that one command may take

    def quietly(self, command, cwd=None, env=None):
        """Not timed; raises when it fails."""
        done = subprocess.run([str(part) for part in command], cwd=cwd, env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{shlex.join(map(str, command))}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout

    def step(self, command, peer):
        """Seconds, processor seconds, peak bytes, what it said; or an error's text."""
        report, said, complaint = (self.scratch / name for name in ("report", "said", "complaint"))
        report.unlink(missing_ok=True)
        with open(said, "wb") as out, open(complaint, "wb") as err:
            child = subprocess.Popen([self.measure, report, *map(str, command)], cwd=peer.cwd, stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=err, env={**os.environ, **peer.env}, start_new_session=True)
            try:
                child.wait(self.limit)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 9)
                child.wait()
                return f"took more than {self.limit} s"
        if child.returncode != 0:
            return complaint.read_text(errors="replace").strip()[-300:] or "cannot be measured"
        seconds, user, system, peak, status = report.read_text().split()
        if status != "0":
            why = complaint.read_text(errors="replace").strip() or said.read_text(errors="replace").strip()
            return f"exit status {status}: {why[-300:]}"
        return float(seconds), float(user) + float(system), int(peak) * 1024, said.read_text(errors="replace")

    def lap(self, peer, result, number):
        """One run of one peer."""
        try:
            if peer.prepare:
                peer.prepare(number)
            steps = peer.steps(number) if callable(peer.steps) else peer.steps
        except (OSError, RuntimeError) as failure:
            result.error = f"preparing: {failure}"
            return
        result.command = "; ".join(shlex.join(map(str, step)) for step in steps)
        seconds = processor = 0.0
        for command in steps:
            took = self.step(command, peer)
            if isinstance(took, str):
                result.error = took
                return
            seconds += took[0]
            processor += took[1]
            result.peak = max(result.peak, took[2])
            result.said = took[3]
        result.seconds.append(seconds)
        result.processor.append(processor)
        if peer.output:
            result.size = size_of(peer.output)

    def race(self, peers, rounds, before_round=None, settle=True):
        """Every peer once a round, so that what disturbs the machine disturbs all."""
        results = [Result(peer) for peer in peers]
        for number in range(rounds):
            if before_round:
                before_round(number)
            for peer, result in zip(peers, results):
                if result.error or number >= (peer.rounds or rounds):
                    continue
                if settle:
                    os.sync()  # what the last one left to be written is not this one's cost
                self.lap(peer, result, number)
        return results
