#!/usr/bin/env python3
"""A proxy that spoils what passes: HTTP/1.1 between clients and one server, on 127.0.0.1.

usage: proxy.py SERVER-PORT LOG RULES [CERTIFICATE]
  LOG          gets a line of JSON for each request: nothing of what proves who asked
  RULES        a JSON array of rules, see below
  CERTIFICATE  PEM with its key: then clients speak TLS
Prints its port, and stays until stdin ends.

A rule: {"fault": NAME, its arguments..., "method": "PUT", "target": "a regular expression", "skip": 0, "times": 1}.
It is used for requests with this method and a target (path and query) in which the expression is found; not for the
first "skip" of them, and then "times" times (null: always). The first rule that is to be used is. The faults are the
methods of Exchange below that are marked so.

As a module: `with Proxy(port, log=..., rules=[...]) as proxy`, with proxy.port, proxy.rules, proxy.requests().
"""
import json
import re
import select
import socket
import ssl
import sys
import threading
import time

PIECE = 65536
HEAD_MAX = 1 << 20


class Cut(Exception):
    """The connection to the client is to end."""


def fault(function):
    function.is_fault = True
    return function


class Stream:
    """A connection, as heads and bodies."""

    def __init__(self, connection):
        self.socket = connection
        self.reader = connection.makefile("rb", PIECE)

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.reader.close()
        self.socket.close()

    def head(self):
        """The bytes up to the empty line, b"" at the end of the stream."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.reader.readline(HEAD_MAX)
            if not line.endswith(b"\n") or len(head) > HEAD_MAX:
                return b""
            head += line
        return head

    def body(self, length):
        """In pieces. @length: a number, "chunked", or None for all that comes."""
        if length == "chunked":
            while True:
                size = int(self.reader.readline(HEAD_MAX).split(b";")[0] or b"z", 16)
                yield from self.body(size)
                if self.reader.readline(HEAD_MAX) != b"\r\n":
                    raise EOFError
                if size == 0:
                    return
        while length is None or length > 0:
            piece = self.reader.read1(PIECE if length is None else min(length, PIECE))
            if not piece:
                if length is None:
                    return
                raise EOFError
            if length is not None:
                length -= len(piece)
            yield piece


    def pending(self):
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0


def header(head, name):
    found = re.search(rb"^%s:[ \t]*(.*?)[ \t]*\r$" % name.encode(), head, re.I | re.M)
    return found and found[1].decode("latin-1")


def with_length(head, length):
    """The head of an answer whose body has this length."""
    head = re.sub(rb"(?im)^(Content-Length|Transfer-Encoding):.*\r\n", b"", head)
    return head[:-2] + b"Content-Length: %d\r\n\r\n" % length


def body_length(head, default):
    if (header(head, "Transfer-Encoding") or "").lower() == "chunked":
        return "chunked"
    length = header(head, "Content-Length")
    return default if length is None else int(length)


def without_secrets(target):
    return re.sub(r"(?i)\b(sig|X-Amz-Signature|X-Amz-Security-Token|X-Amz-Credential)=[^&]*", r"\1=-", target)


class Exchange:
    """A request and what is made of its answer."""

    def __init__(self, client, server, head, entry):
        self.client, self.server, self.head, self.entry = client, server, head, entry
        self.method = entry["method"]
        self.answer_head = b""
        self.lasts = True

    # ------------------------------------------------------------ the way of a request

    def request_body(self):
        for piece in self.client.body(body_length(self.head, 0)):
            self.entry["sent"] += len(piece)
            yield piece

    def pass_request(self, limit=None):
        """To the server; the body only up to the limit."""
        self.server.socket.sendall(self.head)
        chunked = body_length(self.head, 0) == "chunked"
        for piece in self.request_body():
            if limit is not None and limit < len(piece):
                self.server.socket.sendall(piece[:limit])
                raise Cut
            limit = None if limit is None else limit - len(piece)
            self.server.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.server.socket.sendall(b"0\r\n\r\n")

    def take_head(self):
        status = 100
        while status // 100 == 1:
            self.answer_head = self.server.head()
            if not re.match(rb"HTTP/1\.[01] [1-9]\d\d[ \r]", self.answer_head):
                raise EOFError
            status = int(self.answer_head[9:12])
        self.entry["answered"] = status
        self.lasts = (header(self.answer_head, "Connection") or "").lower() != "close"
        if not self.has_body() and body_length(self.answer_head, None) == "chunked":
            # Swift sends the end of a body that there is not
            self.lasts = False

    def has_body(self):
        return self.method != "HEAD" and self.entry["answered"] not in (204, 304)

    def answer_body(self):
        if not self.has_body():
            return
        length = body_length(self.answer_head, None)
        if length is None:
            self.lasts = False
        yield from self.server.body(length)

    def give(self, data):
        self.client.socket.sendall(data)

    def give_body(self, data):
        self.give(data)
        self.entry["got"] += len(data)

    def give_head(self, head):
        self.entry["status"] = int(head.split(b" ", 2)[1])
        self.give(head)

    def give_answer(self, limit=None, pace=None):
        """To the client; the body only up to the limit, or `pace` bytes in a tenth of a second."""
        chunked = self.has_body() and body_length(self.answer_head, None) == "chunked"
        self.give_head(self.answer_head)
        for piece in self.answer_body():
            if limit is not None and limit < len(piece):
                self.give_body(b"%x\r\n%s" % (len(piece), piece[:limit]) if chunked else piece[:limit])
                raise Cut
            limit = None if limit is None else limit - len(piece)
            if chunked:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            for i in range(0, len(piece), pace or len(piece)):
                if pace:
                    time.sleep(0.1)
                self.give_body(piece[i:i + (pace or len(piece))])
        if chunked:
            self.give(b"0\r\n\r\n")

    def changed(self, change):
        """The answer, with another body; errors as they are."""
        self.pass_request()
        self.take_head()
        body = b"".join(self.answer_body())
        if self.entry["answered"] // 100 == 2 and body:
            body = change(body)
        self.give_head(with_length(self.answer_head, len(body)))
        self.give_body(body)

    def swallow_answer(self):
        self.pass_request()
        self.take_head()
        for _ in self.answer_body():
            pass

    def wait(self, seconds):
        """Until the client goes away."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.client.socket], [], [], 0.1)[0] and not self.client.socket.recv(PIECE):
                break
        raise Cut

    def drain(self):
        for _ in self.request_body():
            pass

    # ------------------------------------------------------------ faults

    @fault
    def none(self):
        try:
            self.pass_request()
        except (BrokenPipeError, ConnectionResetError):
            # the server has answered before it has read all, and reads no more
            self.lasts = False
        lasts = self.lasts
        self.take_head()
        self.lasts = self.lasts and lasts
        self.give_answer()

    @fault
    def cut_request(self, at):
        """The connection ends after so many bytes of the request's body. Of one without body, before the server."""
        if body_length(self.head, 0) == 0:
            raise Cut
        self.pass_request(limit=at)
        raise Cut

    @fault
    def cut_by(self, action, at):
        """@action, which ends the client, when this share of the request's body, which has a length, is with the
        server; 1: and its answer with the proxy. Before that, nothing of a request without body is with the server."""
        try:
            length = body_length(self.head, 0)
            if at >= 1:
                self.swallow_answer()
            elif length:
                self.pass_request(limit=int(at * length))
        finally:
            action()
        raise Cut

    @fault
    def cut_head(self, at):
        """The connection ends in the head of the answer."""
        self.pass_request()
        self.take_head()
        self.give(self.answer_head[:at])
        raise Cut

    @fault
    def cut_answer(self, at):
        """The connection ends after so many bytes of the answer's body, or before its end."""
        self.pass_request()
        self.take_head()
        if not self.has_body() or body_length(self.answer_head, None) == 0:
            raise Cut
        self.give_answer(limit=at)
        raise Cut

    @fault
    def answer(self, status, headers=None, body="", read=True):
        """This instead of the server's. @read: after the whole request; else at once, and the connection ends."""
        if read:
            self.drain()
        lines = [f"HTTP/1.1 {status} Fault", f"Content-Length: {len(body)}", "Content-Type: text/xml"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.give_head(("\r\n".join(lines) + "\r\n\r\n").encode())
        if self.method != "HEAD":
            self.give_body(body.encode())
        if not read:
            raise Cut

    @fault
    def flip(self, at):
        """A bit of the answer's byte @at is another; -1 is the last."""
        def change(body):
            i = at % len(body)
            return body[:i] + bytes([body[i] ^ 0x10]) + body[i + 1:]
        self.changed(change)

    @fault
    def shorten(self, by):
        """The answer has fewer bytes and says so."""
        self.changed(lambda body: body[:max(0, len(body) - by)])

    @fault
    def lengthen(self, by):
        """The answer has more bytes and says so."""
        self.changed(lambda body: body + b"x" * by)

    @fault
    def late(self, seconds):
        """The answer comes late."""
        self.pass_request()
        self.take_head()
        time.sleep(seconds)
        self.give_answer()

    @fault
    def slow(self, pace):
        """The answer comes by `pace` bytes each tenth of a second."""
        self.pass_request()
        self.take_head()
        self.give_answer(pace=pace)

    @fault
    def mute(self, seconds):
        """The server never sees the request, the client no answer."""
        self.drain()
        self.wait(seconds)

    @fault
    def swallow(self, seconds):
        """The server has done what was asked, the client sees no answer; after the time the connection ends."""
        self.swallow_answer()
        self.wait(seconds)

    @fault
    def close_after(self):
        """The connection ends behind an answer that did not say so."""
        self.none()
        raise Cut

    @fault
    def raw(self, text):
        """These bytes instead of the server's answer."""
        self.swallow_answer()
        self.give(text.encode("latin-1"))
        raise Cut

    @fault
    def endless(self, start, more, seconds=60):
        """Bytes that do not end, instead of the server's answer, until the client goes away."""
        self.swallow_answer()
        end = time.monotonic() + seconds
        self.give(start.encode("latin-1"))
        many = more.encode("latin-1") * (PIECE // len(more))
        while time.monotonic() < end:
            self.give_body(many)
        raise Cut


FAULTS = [name for name in vars(Exchange) if getattr(getattr(Exchange, name), "is_fault", False)]


class Proxy:
    def __init__(self, server_port, log=None, rules=(), certificate=None):
        self.server_port, self.log = server_port, log and open(log, "a", encoding="utf-8")
        self.lock = threading.Lock()
        self.done, self.count, self.open = [], 0, set()
        self.set_rules(rules)
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            left = list(self.open)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.idle()

    def set_rules(self, rules):
        """Their counts begin anew."""
        for rule in rules:
            if rule["fault"] not in FAULTS:
                raise ValueError(f"no fault '{rule['fault']}'; there are {', '.join(FAULTS)}")
        with self.lock:
            self.rules = [dict(rule, seen=0) for rule in rules]

    def idle(self, seconds=120):
        """Wait until no connection is left; what the log says is complete then."""
        end = time.monotonic() + seconds
        while True:
            with self.lock:
                left = len(self.open)
            if not left:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"{left} connections do not end")
            time.sleep(0.005)

    def requests(self, start=0):
        """The log's entries from number @start on, in the order of the requests, once no connection is left."""
        self.idle()
        with self.lock:
            return sorted((entry for entry in self.done if entry["number"] >= start), key=lambda entry: entry["number"])

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        client, server = None, None
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                with self.lock:
                    self.open.discard(connection)
                    connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                    self.open.add(connection)
                connection.do_handshake()
            client = Stream(connection)
            while (server is None or self.waits(client, server)) and (head := client.head()):
                if server is None:
                    upstream = socket.create_connection(("127.0.0.1", self.server_port))
                    upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    server = Stream(upstream)
                if not self.exchange(client, server, head):
                    break
        except ssl.SSLError as error:
            self.write({"number": self.next(), "tls": error.reason})
        except OSError:
            pass
        finally:
            for stream in (client, server):
                if stream:
                    stream.close()
            connection.close()
            with self.lock:
                self.open.discard(connection)

    @staticmethod
    def waits(client, server):
        """Until the client asks again; False if the server ends the connection before."""
        if client.pending():
            return True
        ready = select.select([client.socket, server.socket], [], [])[0]
        return client.socket in ready

    def next(self):
        with self.lock:
            self.count += 1
            return self.count

    def write(self, entry):
        with self.lock:
            self.done.append(entry)
            if self.log:
                self.log.write(json.dumps(entry) + "\n")
                self.log.flush()

    def choose(self, method, target):
        with self.lock:
            for rule in self.rules:
                if rule.get("method", method) != method or not re.search(rule.get("target", ""), target):
                    continue
                rule["seen"] += 1
                times = rule.get("times", 1)
                if rule["seen"] > rule.get("skip", 0) and (times is None or
                                                            rule["seen"] <= rule.get("skip", 0) + times):
                    return rule
        return {"fault": "none"}

    def exchange(self, client, server, head):
        """False: the connection is to end."""
        method, target = head.decode("latin-1").split(" ", 2)[:2]
        rule = self.choose(method, target)
        # `answered` is the server's status, `status` that which the client saw; bodies only are counted
        entry = {"number": self.next(), "method": method, "target": without_secrets(target), "fault": rule["fault"],
                 "answered": None, "status": None, "sent": 0, "got": 0, "whole": False}
        arguments = {name: value for name, value in rule.items()
                     if name not in ("fault", "method", "target", "skip", "times", "seen")}
        started = time.monotonic()
        exchange = Exchange(client, server, head, entry)
        try:
            getattr(exchange, rule["fault"])(**arguments)
            entry["whole"] = True
            return exchange.lasts and (header(head, "Connection") or "").lower() != "close"
        except (Cut, EOFError, OSError, ValueError):
            return False
        finally:
            entry["seconds"] = round(time.monotonic() - started, 3)
            self.write(entry)


def main(port, log, rules, certificate=None):
    with Proxy(int(port), log, json.loads(rules), certificate) as proxy:
        print(proxy.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
