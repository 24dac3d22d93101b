#!/usr/bin/env python3
"""Run the tests of the command line: cases/NAME.sh and what it is to give.

  run.py --pannier BINARY [--refresh] [NAME...]

A case is a bash script, run in an empty folder of its own with lib.sh loaded,
the tool first in $PATH, and an environment that holds nothing else of the
caller's. Its stdout, stderr and exit status must equal NAME.out, NAME.err and
NAME.status; a file that is not there means nothing, nothing and 0. --refresh
writes them anew: read the difference before you commit it.

What differs from run to run is replaced first (`normalise`):
  the case's folder -> $PWD, its $TMPDIR -> $TMPDIR
  "seconds": 0.123, 0.123 s -> $SECONDS
  a time that is not older than a day -> $TIME (SOURCE_DATE_EPOCH shows)
  the version of the tool -> $VERSION
"""
import argparse
import datetime
import difflib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE / "cases"
TIMEOUT = 120
TIME = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(\.\d{3})?(Z?)")


def recent(match):
    moment = datetime.datetime.fromisoformat(f"{match[1]} {match[3]}")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    if abs(now - moment) > datetime.timedelta(days=1):
        return match[0]
    # As wide as it was, so that columns stay aligned.
    return "$TIME".ljust(len(match[0]), "-")


def normalise(text, work, temp, version):
    text = text.replace(str(work), "$PWD").replace(str(temp), "$TMPDIR")
    text = re.sub(r'("seconds": )\d+\.\d+', r"\1$SECONDS", text)
    text = re.sub(r"\b\d+\.\d{3} s\b", "$SECONDS s", text)
    text = TIME.sub(recent, text)
    return text.replace(version, "$VERSION")


def environment(pannier, top):
    (top / "bin").mkdir()
    (top / "bin" / "pannier").symlink_to(pannier)
    for name in ("work", "tmp", "home"):
        (top / name).mkdir()
    keep = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    env.update(PATH=f"{top / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}", HOME=str(top / "home"),
               TMPDIR=str(top / "tmp"), SAMPLE=str(HERE.parent / "data" / "term-life"), CLI_TESTS=str(HERE),
               LC_ALL="C", TZ="UTC", TERM="dumb", USER="tester", LOGNAME="tester")
    return env


def run(name, pannier, version):
    top = pathlib.Path(tempfile.mkdtemp(prefix="pannier-cli-")).resolve()
    try:
        process = subprocess.Popen(["bash", "-c", '. "$CLI_TESTS/lib.sh"; . "$0"', str(CASES / f"{name}.sh")],
                                   cwd=top / "work", env=environment(pannier, top), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            raw = process.communicate(timeout=TIMEOUT)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raw = process.communicate()
            status = f"no end after {TIMEOUT} s"
        texts = [normalise(part.decode("utf-8", "backslashreplace"), top / "work", top / "tmp", version)
                 for part in raw]
        return {"out": texts[0], "err": texts[1], "status": f"{status}\n" if status else ""}
    finally:
        shutil.rmtree(top, ignore_errors=True)


def check(name, got, refresh):
    good = True
    for part, text in got.items():
        path = CASES / f"{name}.{part}"
        wanted = path.read_text(encoding="utf-8") if path.exists() else ""
        if text == wanted:
            continue
        if refresh:
            path.write_text(text, encoding="utf-8") if text else path.unlink()
            print(f"wrote {path.name}")
            continue
        good = False
        sys.stdout.writelines(line if line.endswith("\n") else line + "\n" for line in difflib.unified_diff(
            wanted.splitlines(True), text.splitlines(True), f"{name}.{part}", f"{name}.{part}, as it is"))
    return good


def main():
    parser = argparse.ArgumentParser(description="Run the tests of the command line.")
    parser.add_argument("--pannier", required=True, type=pathlib.Path)
    parser.add_argument("--refresh", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    pannier = options.pannier.resolve(strict=True)
    version = subprocess.run([pannier, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    failed = []
    for name in options.names or sorted(path.stem for path in CASES.glob("*.sh")):
        if not check(name, run(name, pannier, version), options.refresh):
            failed.append(name)
    for name in failed:
        print(f"FAILED {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
