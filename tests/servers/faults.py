#!/usr/bin/env python3
"""Push and pull through a proxy that spoils what passes, each fault in its turn.

usage: faults.py PANNIER KIND SERVER-DIR DIR STRIDE [CASE...]
  KIND        s3 or azure
  SERVER-DIR  where that server was started
  DIR         to work in
  STRIDE      of so many cases one is run; 1: each

Whatever the fault: what came is right, or the tool fails with exit status 7 (4 for what is damaged) and says why; no
package can be seen that is not whole; and the next run, without the fault, ends well and sends nothing that the server
has.
"""
import concurrent.futures
import dataclasses
import itertools
import json
import pathlib
import random
import re
import shutil
import sys
import time
import traceback

import certificates
import places
from places import killed, proxy

ENGINES, SIZE, LARGE = 6, 100_000, 20 << 20
WORKERS = 16

RIGHT, FAILS, EITHER = "right", "fails", "either"


@dataclasses.dataclass
class Case:
    name: str
    rules: list
    expected: str = RIGHT
    text: str = ""       # what the message must say
    large: bool = False  # a package with an object that goes in parts
    scheme: str = "http"
    certificate: str = ""
    statuses: tuple = (7,)
    seconds: int = 300   # the longest that it may take


# what is damaged is exit status 4, wherever it is
DAMAGED = (4, 7)


def rule(fault, method, target, times=1, **arguments):
    return dict(arguments, fault=fault, method=method, target=target, times=times)


def transient(place, limit=5000):
    """Faults that pass: the tool tries again. Name, fault, arguments."""
    busy, broken = ("SlowDown", "InternalError") if place.kind == "s3" else ("ServerBusy", "InternalError")
    return [
        ("cut-in-head", "cut_head", {"at": 0}),
        ("cut-in-first-line", "cut_head", {"at": 12}),
        ("500", "answer", {"status": 500, "body": place.error(broken)}),
        ("502", "answer", {"status": 502, "body": "<html>"}),
        ("503-retry-after", "answer", {"status": 503, "headers": {"Retry-After": "1"}, "body": place.error(busy)}),
        ("503-at-once", "answer", {"status": 503, "body": place.error(busy), "read": False}),
        ("429", "answer", {"status": 429, "headers": {"Retry-After": "1"}}),
        ("lost-answer", "swallow", {"seconds": 0}),
        ("late", "late", {"seconds": 2}),
        ("close-after", "close_after", {}),
        ("cut-before", "cut_request", {"at": 0}),
        ("cut-in-body", "cut_request", {"at": limit}),
    ]


def hostile():
    """What no server should say. The tool gives up, or tries again: but nothing wrong is accepted."""
    return [
        ("garbage", "raw", {"text": "what is this\r\n\r\n"}),
        ("garbage-status", "raw", {"text": "HTTP/1.1 abc\r\n\r\n"}),
        ("no-status", "raw", {"text": "HTTP/1.1 000 \r\nContent-Length: 0\r\n\r\n"}),
        ("long-line", "raw", {"text": "HTTP/1.1 200 OK\r\nX: " + "x" * 90_000 + "\r\n\r\n"}),
        ("two-lengths", "raw", {"text": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"}),
        ("chunked-garbage", "raw", {"text": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"}),
        ("chunk-without-end", "raw", {"text": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\nabc"}),
        ("endless-head", "endless", {"start": "HTTP/1.1 200 OK\r\n", "more": "X-More: of the same\r\n", "seconds": 20}),
        ("endless-body", "endless", {"start": "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
                                     "more": "more of the same ", "seconds": 20}),
        ("endless-error", "endless", {"start": "HTTP/1.1 500 Broken\r\n\r\n", "more": "more of the same ",
                                      "seconds": 20}),
        ("switching", "raw", {"text": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"}),
        ("empty-404", "answer", {"status": 404}),
        ("empty-200", "answer", {"status": 200}),
        ("teapot", "answer", {"status": 418, "body": "<html>not what you think"}),
        ("207", "raw", {"text": "HTTP/1.1 207 Multi-Status\r\nContent-Length: 14\r\n\r\n<multistatus/>"}),
    ]


def lasting(place):
    """Faults that stay. Name, fault, arguments, what the message must say."""
    denied = "AccessDenied" if place.kind == "s3" else "AuthorizationFailure"
    return [
        ("403", "answer", {"status": 403, "body": place.error(denied)}, "403"),
        ("401", "answer", {"status": 401, "body": place.error(denied)}, "401"),
        ("redirect", "answer", {"status": 307, "headers": {"Location": "http://127.0.0.1:9/elsewhere"}}, "307"),
        ("moved", "answer", {"status": 301, "headers": {"Location": "https://elsewhere.example/"}}, "301"),
        ("500-always", "answer", {"status": 500, "body": place.error("InternalError")}, "500"),
        ("down", "cut_request", {"at": 0}, ""),
    ]


def push_cases(place):
    stages = {"object": ("PUT", "/blobs/"), "pointer": ("PUT", "/packages/"), "mark": ("PUT", "/pannier.json"),
              "tag": ("PUT", "/tags/"), "first-get": ("GET", "")}
    for stage, (method, target) in stages.items():
        for name, fault, arguments in transient(place, 5000 if stage == "object" else 10):
            yield Case(f"push-{stage}-{name}", [rule(fault, method, target, **arguments)])
        if stage in ("object", "first-get"):
            for name, fault, arguments in hostile():
                yield Case(f"push-{stage}-{name}", [rule(fault, method, target, **arguments)], EITHER, statuses=DAMAGED)
    for name, fault, arguments, text in lasting(place):
        yield Case(f"push-object-{name}", [rule(fault, "PUT", "/blobs/", None, **arguments)], FAILS, text)
        yield Case(f"push-pointer-{name}", [rule(fault, "PUT", "/packages/", None, **arguments)], FAILS, text)
    yield Case("push-all-403", [dict(lasting(place)[0][2], fault="answer", times=None)], FAILS, "403")
    # every third request
    for name, fault, arguments in (("500", "answer", {"status": 500}), ("cut", "cut_head", {"at": 0}),
                                   ("lost", "swallow", {"seconds": 0})):
        yield Case(f"push-often-{name}", [dict(arguments, fault=fault, skip=skip) for skip in range(1, 40, 3)])
    # Nothing moves for longer than the tool waits: it asks again. The server has it the second time only, or before.
    yield Case("push-object-no-answer", [rule("mute", "PUT", "/blobs/", seconds=200)])
    yield Case("push-object-timeout-after-stored", [rule("swallow", "PUT", "/blobs/", seconds=200)])
    yield Case("push-pointer-timeout-after-stored", [rule("swallow", "PUT", "/packages/", seconds=200)])
    yield Case("push-tag-timeout-after-stored", [rule("swallow", "PUT", "/tags/", seconds=200)])


def part_cases(place):
    if place.kind == "s3":
        part, begin, end = "partNumber=2", ("POST", "uploads"), ("POST", "uploadId=")
    else:
        part, begin, end = "blockid=", None, ("PUT", "comp=blocklist")
    for name, fault, arguments in transient(place, 1_000_000):
        yield Case(f"push-part-{name}", [rule(fault, "PUT", part, **arguments)], large=True)
        yield Case(f"push-end-{name}", [rule(fault, *end, **arguments)], large=True)
        if begin:
            yield Case(f"push-begin-{name}", [rule(fault, *begin, **arguments)], large=True)
    for name, fault, arguments, text in lasting(place)[:1] + lasting(place)[-2:-1]:
        yield Case(f"push-part-{name}", [rule(fault, "PUT", part, None, **arguments)], FAILS, text, large=True)
    if place.kind == "s3":
        # the server begins to answer with 200 before it knows
        broken, gone = place.error("InternalError"), place.error("NoSuchUpload")
        yield Case("push-end-200-error", [rule("answer", *end, status=200, body=broken)], large=True)
        yield Case("push-part-gone", [rule("answer", "PUT", part, status=404, body=gone)], EITHER, large=True)
        yield Case("push-end-gone", [rule("answer", *end, status=404, body=gone)], EITHER, large=True)


def pull_cases(place):
    stages = {"object": "/blobs/", "pointer": "/packages/[0-9a-f]+/", "tag": "/tags/", "first": ""}
    for stage, target in stages.items():
        for name, fault, arguments in transient(place):
            if name != "cut-in-body":
                yield Case(f"pull-{stage}-{name}", [rule(fault, "GET", target, **arguments)])
        for name, fault, arguments in hostile():
            # a tag that is not there is exit status 5
            yield Case(f"pull-{stage}-{name}", [rule(fault, "GET", target, **arguments)], EITHER,
                       statuses=(*DAMAGED, 5) if name == "empty-404" else DAMAGED)
    for at in (0, 1, 1000, 50_000, 99_000):
        yield Case(f"pull-object-cut-at-{at}", [rule("cut_answer", "GET", "/blobs/", at=at)])
    for name, fault, arguments in (("flip-first", "flip", {"at": 0}), ("flip-middle", "flip", {"at": 5000}),
                                   ("flip-last", "flip", {"at": -1}), ("shorter", "shorten", {"by": 1}),
                                   ("empty", "shorten", {"by": 1 << 30}), ("longer", "lengthen", {"by": 1}),
                                   ("much-longer", "lengthen", {"by": 1 << 20})):
        for stage, skip in (("object", 0), ("object", 3), ("pointer", 0), ("tag", 0)):
            spoiled = dict(arguments, fault=fault, method="GET", target=stages[stage], skip=skip)
            yield Case(f"pull-{stage}-{skip}-{name}", [spoiled], EITHER, statuses=DAMAGED)
            yield Case(f"pull-{stage}-{skip}-{name}-always", [dict(spoiled, times=None)], FAILS, statuses=DAMAGED)
    for name, fault, arguments, text in lasting(place):
        yield Case(f"pull-object-{name}", [rule(fault, "GET", "/blobs/", None, **arguments)], FAILS, text)
    yield Case("pull-slow", [rule("slow", "GET", "/blobs/", pace=20_000)])
    yield Case("pull-object-no-answer", [rule("mute", "GET", "/blobs/", seconds=200)])
    for at in (0, 1, 1 << 20, 17 << 20, LARGE - 1):
        yield Case(f"pull-large-cut-at-{at}", [rule("cut_answer", "GET", "/blobs/", skip=ENGINES // 2, at=at)],
                   large=True)
    yield Case("pull-large-cut-often", [dict(fault="cut_answer", method="GET", target="/blobs/", skip=skip, at=3 << 20)
                                        for skip in range(2, 14, 2)], large=True)


def tls_cases():
    yield Case("push-tls", [], scheme="https", certificate="good")
    for name in ("wrong-name", "self-signed", "expired"):
        yield Case(f"push-tls-{name}", [], FAILS, "(?i)certificate", scheme="https", certificate=name)
        yield Case(f"pull-tls-{name}", [], FAILS, "(?i)certificate", scheme="https", certificate=name)
    yield Case("push-plain-to-tls", [], FAILS, "", certificate="good")


class Wrong(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Wrong(text)


class Table:
    def __init__(self, pannier, place, folder, kinds):
        self.pannier, self.place, self.folder = pannier, place, folder
        self.made = certificates.make(folder / "tls")
        home = folder / "home"
        home.mkdir()
        self.environment = place.environment(home, SSL_CERT_FILE=str(self.made.authority))
        self.right = {}
        for large in kinds:
            name = "large" if large else "small"
            places.write_model(folder / name, ENGINES, SIZE, LARGE if large else 0)
            tool = self.tool(folder)
            tool.run("pack", f"{name}/livecalc.config.json", "--store", f"{name}.store", "--workspace", folder, "--tag",
                     "v1", "-o", f"{name}.zip")
            self.right[large] = killed.sha256(folder / f"{name}.zip")
            places.copy_store(folder / f"{name}.store", folder / f"{name}.push")
            tool.run("remote", "add", "cloud", place.url(name), "--store", f"{name}.push")
            tool.run("push", "cloud", "v1", "--store", f"{name}.push")

    def tool(self, folder, limit=300):
        return places.Tool(self.pannier, folder, self.environment, limit)

    def judge(self, case, status, out, err, url):
        check(status is not None, f"it did not end in {case.seconds} s")
        check(status == 0 or case.expected != RIGHT, f"exit {status}: {err.strip()}")
        check(status != 0 or case.expected != FAILS, "it succeeds")
        check(status == 0 or status in case.statuses, f"exit {status}: {err.strip()}")
        document = json.loads(out)
        if status == 0:
            return
        check(re.match(r"pannier: .*\n\Z", err), f"not one line of text: {err!r}")
        check(re.search(case.text, err), f"the message does not say '{case.text}': {err.strip()}")
        check(self.place.bucket in err or str(url) in err, f"the message does not say where: {err.strip()}")
        check(len(err) < 1000 and err.isprintable() is False and all(c.isprintable() for c in err[:-1]),
              f"the message is not readable: {err!r:.300}")
        check(document, "no document")

    def push(self, case, folder, spoiler):
        tool = self.tool(folder, case.seconds)
        url = self.place.url(case.name, spoiler.port, case.scheme)
        places.copy_store(self.folder / ("large.store" if case.large else "small.store"), folder / "maker")
        tool.run("remote", "add", "cloud", url, "--store", "maker")
        self.judge(case, *tool.attempt("push", "cloud", "v1", "--store", "maker"), url)
        entries = spoiler.requests()
        self.was_used(case, entries)
        there = places.finished(entries)
        # a store that has nothing, and asks the server itself
        tool.run("remote", "add", "cloud", self.place.url(case.name), "--store", "fresh")
        if any("/pannier.json" in target for target in there):
            tool.run("remote", "check", "cloud", "--store", "fresh")
        if case.scheme == "https" and case.expected == FAILS or case.certificate:
            return
        spoiler.set_rules([])
        tool.run("push", "cloud", "v1", "--store", "maker")
        again = set(there) & set(places.finished(spoiler.requests(len(entries) + 1)))
        check(not again, f"sent again, although it was there: {sorted(again)}")
        # which reads all that is there now, and compares it with its hash
        tool.run("pull", "cloud", "v1", "-o", "fresh.zip", "--store", "fresh")
        check(killed.sha256(folder / "fresh.zip") == self.right[case.large], "another zip came")

    def pull(self, case, folder, spoiler):
        tool = self.tool(folder, case.seconds)
        url = self.place.url("large" if case.large else "small", spoiler.port, case.scheme)
        tool.run("remote", "add", "cloud", url, "--store", "worker")
        status, out, err = tool.attempt("pull", "cloud", "v1", "-o", "out.zip", "--store", "worker")
        self.judge(case, status, out, err, url)
        self.was_used(case, spoiler.requests())
        check((folder / "out.zip").exists() == (status == 0), "a zip, and a failure")
        if status == 0:
            # what the store has is seen below, by the second zip
            check(killed.sha256(folder / "out.zip") == self.right[case.large], "wrong bytes were accepted")
        else:
            for entry in tool.run("log", "--store", "worker")["entries"]:
                tool.run("verify", entry["packageHash"], "--store", "worker")
        if case.certificate:
            return
        spoiler.set_rules([])
        tool.run("pull", "cloud", "v1", "-o", "out.zip", "--store", "worker")
        check(killed.sha256(folder / "out.zip") == self.right[case.large], "wrong bytes were accepted the second time")

    @staticmethod
    def was_used(case, entries):
        used = {entry["fault"] for entry in entries if "fault" in entry} - {"none"}
        check(used or not case.rules, "the fault was not met: no request was like it")

    def run(self, case):
        """Why it fails, or None."""
        folder = self.folder / case.name
        folder.mkdir()
        certificate = self.made.of(case.certificate) if case.certificate else None
        started = time.monotonic()
        try:
            with proxy.Proxy(self.place.port, folder / "log", case.rules, certificate) as spoiler:
                (self.push if case.name.startswith("push") else self.pull)(case, folder, spoiler)
            shutil.rmtree(folder)
            return case, time.monotonic() - started, None
        except (Wrong, SystemExit) as wrong:
            return case, time.monotonic() - started, str(wrong)
        except Exception:
            return case, time.monotonic() - started, traceback.format_exc()


def main(pannier, kind, server, folder, stride, *names):
    folder = pathlib.Path(folder).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = places.Place(kind, server)
    cases = [case for case in itertools.chain(push_cases(place), part_cases(place), pull_cases(place), tls_cases())
             if not names or any(re.search(name, case.name) for name in names)]
    # of every fault and every kind of request some
    random.Random(kind).shuffle(cases)
    cases = cases[::int(stride)]
    # what waits longest comes first
    cases.sort(key=lambda case: not re.search("timeout|no-answer|always|down|endless|403", case.name))
    table = Table(pannier, place, folder, {case.large for case in cases})
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for future in concurrent.futures.as_completed([pool.submit(table.run, case) for case in cases]):
            case, seconds, why = future.result()
            if why:
                failures += 1
                print(f"FAIL {case.name} ({seconds:.1f} s): {why}", flush=True)
            elif seconds > 20:
                print(f"slow {case.name}: {seconds:.1f} s", flush=True)
    print(f"{kind}: {len(cases)} faults, {failures} wrong")
    if failures:
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
