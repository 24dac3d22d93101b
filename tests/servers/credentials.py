#!/usr/bin/env python3
"""No secret comes out of the tool: not in what it says, not into the store, not into the list of processes.

usage: credentials.py PANNIER KIND SERVER-DIR DIR
  KIND        s3 or azure
  SERVER-DIR  where that server was started
  DIR         to work in

Credentials come from every source that the server's kind has, right ones and such as are refused; every command that
goes to a remote is run with them, and all that it says and leaves is searched.
"""
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

import places
from places import proxy

WRONG = "bm90IHRoZSByaWdodCBrZXkgYXQgYWxsIGJ1dCBvZiB0aGUgcmlnaHQgbGVuZ3RoIG9mIGl0Li4uLi4u"
TOKEN = "TheTokenOfASessionThatThereIsNot0123456789"
WORKERS = 4


def die(text):
    sys.exit(f"credentials: {text}")


class Processes:
    """Looks through the list of processes as long as it is open."""

    def __init__(self, secrets):
        self.secrets, self.found, self.rounds, self.stop = secrets, [], 0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def look(self):
        while not self.stop.is_set():
            for name in os.listdir("/proc"):
                if name.isdigit():
                    try:
                        line = pathlib.Path("/proc", name, "cmdline").read_bytes()
                    except OSError:
                        continue
                    self.found += [line for secret in self.secrets if secret.encode() in line]
            self.rounds += 1
            time.sleep(0.002)

    def wait(self, count):
        """Until the list was read so many times more."""
        end = self.rounds + count
        while self.rounds < end:
            time.sleep(0.002)


def forms(secret):
    """As it is, as part of a URL, and what of it is the signature."""
    found = {secret, urllib.parse.quote(secret, safe=""), urllib.parse.unquote(secret)}
    for name in ("sig=", "AccountKey="):
        if name in secret:
            part = re.split("[;&]", secret.split(name)[1])[0]
            found |= {part, urllib.parse.unquote(part)}
    return found


def sources(place, home):
    """Name, environment, secrets in it, whether they are right (None: as the server likes)."""
    told = place.all
    if place.kind == "s3":
        key, secret = told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]
        keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        other = {"AWS_ACCESS_KEY_ID": told["S3_OTHER_ACCESS_KEY_ID"],
                 "AWS_SECRET_ACCESS_KEY": told["S3_OTHER_SECRET_ACCESS_KEY"]}
        (home / ".aws").mkdir()
        (home / ".aws/credentials").write_text(
            f"[filed]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
        (home / "answer.json").write_text(json.dumps({"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret}))
        (home / ".aws/config").write_text(
            f"[profile filed]\n[profile asked]\ncredential_process = cat {home}/answer.json\n")
        yield "variables", keys, [secret], True
        yield "a profile", {"AWS_PROFILE": "filed"}, [secret], True
        yield "a process", {"AWS_PROFILE": "asked"}, [secret], True
        yield "a wrong secret", {**keys, "AWS_SECRET_ACCESS_KEY": WRONG}, [WRONG], False
        yield "a wrong token", {**keys, "AWS_SESSION_TOKEN": TOKEN}, [secret, TOKEN], None
        yield "another user", other, list(other.values())[1:], False
        return
    account = told["AZURE_STORAGE_ACCOUNT"]
    yield "a key", {"AZURE_STORAGE_KEY": told["AZURE_STORAGE_KEY"]}, [told["AZURE_STORAGE_KEY"]], True
    yield "a signature", {"AZURE_STORAGE_SAS_TOKEN": told["AZURE_SAS"]}, [told["AZURE_SAS"]], True
    yield "a connection string", {"AZURE_STORAGE_CONNECTION_STRING": told["AZURE_CONNECTION_STRING"]}, \
        [told["AZURE_CONNECTION_STRING"]], True
    yield "a wrong key", {"AZURE_STORAGE_KEY": told["AZURE_OTHER_KEY"]}, [told["AZURE_OTHER_KEY"]], False
    yield "a signature to read", {"AZURE_STORAGE_SAS_TOKEN": told["AZURE_READ_SAS"]}, [told["AZURE_READ_SAS"]], False
    wrong = re.sub("sig=.*", "sig=" + urllib.parse.quote(told["AZURE_OTHER_KEY"][:44], safe=""), told["AZURE_SAS"])
    yield "a wrong signature", {"AZURE_STORAGE_SAS_TOKEN": wrong}, [wrong], False
    yield "a wrong connection string", {"AZURE_STORAGE_CONNECTION_STRING": told["AZURE_CONNECTION_STRING"].replace(
        told["AZURE_STORAGE_KEY"], told["AZURE_OTHER_KEY"])}, [told["AZURE_OTHER_KEY"]], False
    yield "a wrong token", {"AZURE_STORAGE_BEARER_TOKEN": TOKEN, "AZURE_STORAGE_ACCOUNT": account}, [TOKEN], False


class Scene:
    def __init__(self, pannier, place, folder):
        self.pannier, self.place, self.folder, self.runs = pannier, place, folder, itertools.count()

    def run(self, environment, secrets, store, *arguments):
        """Its exit status. All that it says is searched."""
        command = [self.pannier, *arguments, "--store", store]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, check=False, timeout=300)
        next(self.runs)
        self.search(secrets, done.stdout + done.stderr, f"{' '.join(arguments)}: what it says")
        return done.returncode

    @staticmethod
    def search(secrets, data, where):
        for secret in secrets:
            if secret.encode() in data:
                die(f"{where} holds a secret")

    def source(self, number, name, environment, secrets, is_right):
        store = f"store-{number}"
        places.copy_store(self.folder / "packed", self.folder / store)
        url = self.place.url(f"source-{number}")

        def run(expected, *arguments, at=store):
            status = self.run(environment, secrets, at, *arguments)
            if status != expected and (is_right is not None or status not in (0, 7)):
                die(f"{name}: {' '.join(arguments)}: exit {status} instead of {expected}")

        good, bad = (0, 0) if is_right else (7, 7)
        run(0, "remote", "add", "cloud", url, "-v")
        run(good, "push", "cloud", "v1", "-v", "--progress", "json")
        run(good, "push", "cloud", "v1", "--json", "-v")
        run(good, "push", "cloud", "v1", "--heal", "--dry-run", "-v")
        run(good, "remote", "check", "cloud", "-v")
        run(bad, "remote", "check", "cloud", "--json")
        run(0, "remote", "add", "cloud", url, "--json", at=f"fresh-{number}")
        run(good, "pull", "cloud", "v1", "-v", "-o", f"{number}.zip", at=f"fresh-{number}")
        run(good, "pull", "cloud", "v1", "--json", "-v", at=f"fresh-{number}")
        for at in (store, f"fresh-{number}"):
            run(0, "remote", "list", "--json", at=at)
            run(0, "log", "-v", at=at)
            for path in (self.folder / at).rglob("*"):
                if path.is_file():
                    self.search(secrets, path.read_bytes(), f"{name}: {path.relative_to(self.folder)}")
        self.told(number, name, environment, secrets)

    def told(self, number, name, environment, secrets):
        """By a server that repeats what proves who asks, where such servers do."""
        details = "".join(f"<Detail>{escape(secret)}</Detail>" for secret in secrets)
        body = self.place.error("AuthenticationFailed", "refused", details)
        rules = [{"fault": "answer", "status": 403, "times": None, "body": body}]
        with proxy.Proxy(self.place.port, rules=rules) as spoiler:
            store = f"told-{number}"
            self.run(environment, secrets, store, "remote", "add", "cloud", self.place.url("told", spoiler.port))
            if self.run(environment, secrets, store, "pull", "cloud", "v1", "-v") != 7:
                die(f"{name}: an answer 403 is not exit 7")


def main(pannier, kind, server, folder):
    folder = pathlib.Path(folder).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home").mkdir(parents=True)
    place = places.Place(kind, server)
    base = place.environment(folder / "home")
    for name in place.credentials:
        if name != "AWS_REGION":
            del base[name]
    scene = Scene(pannier, place, folder)
    places.write_model(folder / "model", 3, 50_000)
    places.Tool(pannier, folder, base).run("pack", "model/livecalc.config.json", "--store", "packed", "--workspace",
                                           folder, "--tag", "v1")
    # a search that finds
    with Processes(["--a-secret-of-none"]) as processes:
        with subprocess.Popen(["bash", "-c", "read", "--a-secret-of-none"], stdin=subprocess.PIPE):
            processes.wait(2)
    if not processes.found:
        die("what stands in the list of processes is not found")
    all_sources = [(number, name, {**base, **environment}, sorted(set().union(*map(forms, secrets))), is_right)
                   for number, (name, environment, secrets, is_right) in enumerate(sources(place, folder / "home"))]
    with Processes({secret for *_, secrets, _ in all_sources for secret in secrets}) as processes:
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(lambda source: scene.source(*source), all_sources):
                pass
    count = next(scene.runs)
    if processes.found:
        die("a secret in the list of processes")
    # it is seen of as many runs as there are at once
    if processes.rounds * WORKERS < count:
        die(f"the list of processes was read {processes.rounds} times only in {count} runs")
    shutil.rmtree(folder)
    print(f"{kind}: {len(all_sources)} sources of credentials, {count} runs; no secret came out")


if __name__ == "__main__":
    main(*sys.argv[1:])
