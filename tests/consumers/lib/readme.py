"""Run the ```console blocks of a Markdown file and compare what they print.

usage: readme.py FILE DIR [--write]

All blocks run in one shell that starts in DIR. A command starts with "$ " and goes
on while its lines end with a backslash; what follows is its output. Every command
must succeed. What changes from run to run (archive hashes, times, durations, sizes that
hold them, the width of columns, who and where) is not compared. --write puts
today's output into FILE.
"""
import difflib
import getpass
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HOME = "/home/you"  # what DIR is called in the text
VOLATILE = [
    (r"^(archive +)[0-9a-f]{64}$", r"\1HASH"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?", "TIME"),
    (r"\b\d+(\.\d+)? (ms|s|B|bytes|[KMG]i?B)\b", "AMOUNT"),
    (r"[-+─┌┬┐├┼┤└┴┘]{3,}", "LINE"),
    (r"[ \t]+", " "),
]


def parse(text):
    """Yields (first line, end line, command, output lines) for each command."""
    lines = text.split("\n")
    inside = False
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            end = number + 1
            while lines[end - 1].endswith("\\"):
                end += 1
            command = "\n".join([line[2:]] + lines[number + 1 : end])
            begin = end
            while not lines[end].startswith(("$ ", "```")):
                end += 1
            yield begin, end, command, lines[begin:end]
            number = end
            continue
        number += 1


def run(commands, folder):
    """Run all in one shell; yields (status, output) of each."""
    with tempfile.TemporaryDirectory() as results:
        script = [f"cd '{folder}'"]
        for index, command in enumerate(commands):
            script += [f"{{ {command}\n}} >'{results}/{index}' 2>&1 </dev/null", f"echo $? >'{results}/{index}.status'"]
        subprocess.run(["bash", "-c", "\n".join(script)], check=False)
        for index in range(len(commands)):
            status = pathlib.Path(results, f"{index}.status")
            output = pathlib.Path(results, str(index))
            yield (int(status.read_text()) if status.exists() else -1,
                   output.read_text() if output.exists() else "the shell has ended")


def anonymous(line):
    """The log names the user, on lines with a time."""
    return re.sub(rf"(:\d\d .*)\b{re.escape(getpass.getuser())}\b", r"\1you", line)


def stable(lines):
    for line in lines:
        for pattern, word in VOLATILE:
            line = re.sub(pattern, word, line)
        yield line.rstrip()


def main():
    path, folder = pathlib.Path(sys.argv[1]), os.path.realpath(sys.argv[2])
    text = path.read_text(encoding="utf-8")
    blocks = list(parse(text))
    if not blocks:
        sys.exit(f"{path} has no command")
    lines = text.split("\n")
    failed = False
    for target in re.findall(r"\]\(([^):]+)\)", text):
        if not (path.parent / target).exists():
            print(f"FAIL: {path.name} links to {target}, which is not there")
            failed = True
    results = list(run([command for _, _, command, _ in blocks], folder))
    for (begin, end, command, expected), (status, output) in reversed(list(zip(blocks, results))):
        actual = [anonymous(line).rstrip() for line in output.replace(folder, HOME).rstrip("\n").split("\n")] if output else []
        if status != 0:
            print(f"FAIL: exit status {status}: {command}\n{output}")
            failed = True
        lines[begin:end] = actual
        want, have = list(stable(expected)), list(stable(actual))
        if want != have and "--write" not in sys.argv:
            print(f"FAIL: {path.name} shows other output: {command}")
            print("\n".join(difflib.unified_diff(want, have, "README", "now", lineterm="")))
            failed = True
    if "--write" in sys.argv and not failed:
        path.write_text("\n".join(lines), encoding="utf-8")
    print(f"{len(blocks)} commands")
    sys.exit(failed)


main()
