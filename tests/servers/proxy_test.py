#!/usr/bin/env python3
"""The proxy, with curl before it and Python's own server behind it.

usage: proxy_test.py DIR
"""
import contextlib
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import certificates
import proxy

BODY = bytes(range(256)) * 1024
SIZE = len(BODY)
# curl's exit status
OK, PARTIAL, EMPTY, TIME, WEIRD, RECEIVE, SEND, TLS, HEADERS = 0, 18, 52, 28, 1, 56, 55, 60, 56


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stored = {}
    seen = []

    def log_message(self, *_):
        pass

    def reply(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) == int(self.headers["Content-Length"]):
            self.seen.append((self.command, self.path))
            self.stored[self.path] = body
            self.reply(200)

    def do_GET(self):
        self.seen.append((self.command, self.path))
        if self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, SIZE, 5000):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(BODY[i:i + 5000]), BODY[i:i + 5000]))
            self.wfile.write(b"0\r\n\r\n")
        elif self.path in self.stored:
            self.reply(200, self.stored[self.path])
        else:
            self.reply(404, b"none")

    do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Connections that end are what is tested."""


def check(condition, text):
    if not condition:
        sys.exit(f"proxy_test: {text}")


class Curl:
    def __init__(self, folder):
        self.folder = folder
        (folder / "body").write_bytes(BODY)

    def __call__(self, url, *arguments):
        """Exit status, HTTP status, body."""
        out = self.folder / "out"
        out.unlink(missing_ok=True)
        run = subprocess.run(["curl", "-sS", "-m", "120", "-o", out, "-w", "%{http_code}",
                              "--noproxy", "*", *arguments, url], capture_output=True, text=True, check=False)
        return run.returncode, int(run.stdout or 0), out.read_bytes() if out.exists() else b""

    def put(self, url, *arguments):
        return self(url, "-T", self.folder / "body", "-H", "Expect:", *arguments)


FLIPPED = BODY[:7] + bytes([BODY[7] ^ 0x10]) + BODY[8:]
# rule, method, what curl must say (a set: any of these), HTTP status, body, whether the server has seen it
TABLE = [
    ({"fault": "none"}, "GET", {OK}, 200, BODY, True),
    ({"fault": "cut_head", "at": 0}, "GET", {EMPTY}, 0, b"", True),
    ({"fault": "cut_head", "at": 20}, "GET", {OK, PARTIAL, RECEIVE}, 200, b"", True),
    ({"fault": "cut_answer", "at": 100000}, "GET", {PARTIAL}, 200, BODY[:100000], True),
    ({"fault": "cut_answer", "at": 0}, "GET", {PARTIAL}, 200, b"", True),
    ({"fault": "cut_request", "at": 100000}, "PUT", {EMPTY, SEND, RECEIVE}, 0, b"", False),
    ({"fault": "cut_request", "at": 0}, "GET", {EMPTY}, 0, b"", False),
    ({"fault": "answer", "status": 500}, "GET", {OK}, 500, b"", False),
    ({"fault": "answer", "status": 503, "headers": {"Retry-After": "1"}, "body": "<x/>"}, "PUT", {OK}, 503, b"<x/>",
     False),
    ({"fault": "answer", "status": 403, "read": False}, "PUT", {OK, SEND, RECEIVE}, 403, b"", False),
    ({"fault": "answer", "status": 307, "headers": {"Location": "http://127.0.0.1:1/"}}, "GET", {OK}, 307, b"", False),
    ({"fault": "flip", "at": 7}, "GET", {OK}, 200, FLIPPED, True),
    ({"fault": "shorten", "by": 10}, "GET", {OK}, 200, BODY[:-10], True),
    ({"fault": "lengthen", "by": 10}, "GET", {OK}, 200, BODY + b"x" * 10, True),
    ({"fault": "late", "seconds": 0.1}, "GET", {OK}, 200, BODY, True),
    ({"fault": "late", "seconds": 5}, "GET", {TIME}, 0, b"", True),
    ({"fault": "slow", "pace": 200000}, "GET", {OK}, 200, BODY, True),
    ({"fault": "slow", "pace": 1000}, "GET", {TIME}, 200, None, True),
    ({"fault": "mute", "seconds": 60}, "PUT", {TIME}, 0, b"", False),
    ({"fault": "swallow", "seconds": 60}, "PUT", {TIME}, 0, b"", True),
    ({"fault": "swallow", "seconds": 0}, "PUT", {EMPTY}, 0, b"", True),
    ({"fault": "close_after"}, "GET", {OK}, 200, BODY, True),
    ({"fault": "raw", "text": "what is this\r\n\r\n"}, "GET", {WEIRD}, 0, b"", True),
    ({"fault": "raw", "text": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"}, "GET", {RECEIVE},
     200, b"", True),
    ({"fault": "endless", "start": "HTTP/1.1 200 OK\r\n", "more": "X-More: of the same\r\n"}, "GET", {HEADERS}, 200,
     b"", True),
    ({"fault": "endless", "start": "HTTP/1.1 200 OK\r\n\r\n", "more": "more"}, "GET", {TIME}, 200, None, True),
]


def faults(curl, port, folder):
    with proxy.Proxy(port, folder / "log") as spoiler:
        url = f"http://127.0.0.1:{spoiler.port}"
        for rule, method, exits, status, body, is_seen in TABLE:
            Handler.stored.clear()
            Handler.stored["/a"] = BODY
            Handler.seen.clear()
            spoiler.set_rules([rule])
            call = curl.put if method == "PUT" else curl
            limit = ("-m", "3") if TIME in exits else ()
            got = call(f"{url}/{'a' if method == 'GET' else 'b'}", *limit)
            check(got[0] in exits and got[1] == status and body in (None, got[2]),
                  f"{rule}: curl says {got[0]}, HTTP status {got[1]}, {len(got[2])} bytes")
            spoiler.idle()
            check(bool(Handler.seen) == is_seen, f"{rule}: the server has seen {Handler.seen}")
            entry = spoiler.requests()[-1]
            check((entry["method"], entry["fault"]) == (method, rule["fault"]), f"{rule}: the log says {entry}")
            check((entry["answered"] is not None) == is_seen, f"{rule}: the log says {entry}")
            # what is cut is not there
            check(("/b" in Handler.stored) == (method == "PUT" and is_seen), f"{rule}: stored {list(Handler.stored)}")
            # the rule was for one request
            check(curl(f"{url}/a") == (OK, 200, BODY), f"{rule}: and then not as it is")
        entries = spoiler.requests()
        lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
        lines.sort(key=lambda entry: entry["number"])
        check(lines == entries and len(lines) == 2 * len(TABLE), "the log is not that of the requests")
    print(f"{len(TABLE)} faults")


def passing(curl, port, folder):
    with proxy.Proxy(port) as spoiler:
        url = f"http://127.0.0.1:{spoiler.port}"
        Handler.stored.clear()
        check(curl.put(f"{url}/c")[:2] == (OK, 200) and Handler.stored["/c"] == BODY, "PUT")
        check(curl(f"{url}/c", "-I")[:2] == (OK, 200), "HEAD")
        check(curl(f"{url}/none") == (OK, 404, b"none"), "404")
        check(curl(f"{url}/chunked") == (OK, 200, BODY), "chunked")
        entries = spoiler.requests()
        check([(e["method"], e["target"], e["status"], e["sent"] > 0, e["got"] > 0) for e in entries] ==
              [("PUT", "/c", 200, True, False), ("HEAD", "/c", 200, False, False), ("GET", "/none", 404, False, True),
               ("GET", "/chunked", 200, False, True)], f"the log says {entries}")
        # one connection, many requests, each with its number
        before = len(entries)
        run = subprocess.run(["curl", "-sSv", *[f"{url}/c?{i}" for i in range(5)], "-o", "/dev/null"],
                             capture_output=True, text=True, check=True)
        check(run.stderr.count("Connected to") == 1, "a connection for each request")
        check(len(spoiler.requests()) == before + 5, "not each request is in the log")
        # which requests a rule is for
        spoiler.set_rules([{"fault": "answer", "status": 500, "method": "GET", "target": r"^/x", "skip": 1, "times": 2},
                           {"fault": "answer", "status": 429, "target": "y", "times": None}])
        check([curl(f"{url}/{name}")[1] for name in ("x", "z", "x", "x", "x", "y", "y", "y")] ==
              [404, 404, 500, 500, 404, 429, 429, 429], "rules are used for others")
        # what proves who asks is not in the log
        curl(f"{url}/c?a=1&sig=SECRET&X-Amz-Signature=SECRET&b=2", "-H", "Authorization: SECRET")
        text = json.dumps(spoiler.requests())
        check("SECRET" not in text and "a=1&sig=-&X-Amz-Signature=-&b=2" in text, "secrets are in the log")
    with contextlib.suppress(ValueError):
        proxy.Proxy(port, rules=[{"fault": "unheard"}])
        check(False, "a fault that there is not")
    print("what passes")


def tls(curl, port, folder):
    made = certificates.make(folder / "tls")
    trust = ("--cacert", made.authority)
    for name, right in (("good", True), ("wrong-name", False), ("self-signed", False), ("expired", False)):
        with proxy.Proxy(port, certificate=made.of(name)) as spoiler:
            Handler.stored["/c"] = BODY
            got = curl(f"https://127.0.0.1:{spoiler.port}/c", *trust)
            check(got == (OK, 200, BODY) if right else got[0] == TLS, f"{name}: curl says {got[:2]}")
            check(any("method" in entry for entry in spoiler.requests()) == right, f"{name}: {spoiler.requests()}")
            if not right:
                check(curl(f"https://127.0.0.1:{spoiler.port}/c", "-k")[0] == OK, f"{name}: does not even speak TLS")
    print("certificates")


def program(curl, port, folder):
    """As shell scripts use it."""
    rules = json.dumps([{"fault": "answer", "status": 418}])
    with subprocess.Popen([sys.executable, proxy.__file__, str(port), folder / "program.log", rules],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        check([curl(f"{url}/c")[1] for _ in range(2)] == [418, 200], "as a program, it has no rules")
        process.stdin.close()
        check(process.wait(120) == 0, f"as a program, it ends with {process.returncode}")
    check(len((folder / "program.log").read_text().splitlines()) == 2, "as a program, it has no log")
    print("as a program")


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    curl, started = Curl(folder), time.monotonic()
    for part in (passing, faults, tls, program):
        part(curl, server.server_port, folder)
    server.shutdown()
    shutil.rmtree(folder)
    print(f"{time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
