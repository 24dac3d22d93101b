"""Where the tests of this folder push to: a bucket of a server that a fixture started, through the proxy or not."""
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fault"))
import killed  # noqa: E402
import proxy  # noqa: E402

# what the caller's environment and home hold must not decide
FOREIGN = re.compile(r"(?i)^(AWS_|AZURE_|PANNIER_|SSL_CERT_|CURL_|(HTTPS?|ALL|NO)_PROXY$)")


class Place:
    """A server of @kind, s3 or azure, with what DIR/env says of it."""

    def __init__(self, kind, folder):
        text = subprocess.run(["bash", "-c", '. "$1" && env -0', "-", f"{folder}/env"], check=True, env={},
                              capture_output=True, text=True).stdout
        told = dict(line.split("=", 1) for line in text.split("\0") if line)
        self.kind, self.run = kind, f"{os.getpid()}-{time.time_ns()}"
        self.all = told
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AZURE_STORAGE_KEY")
        self.credentials = {name: told[name] for name in names if name in told}
        self.bucket = (told["S3_BUCKET"] if kind == "s3" else
                       f"{told['AZURE_STORAGE_ACCOUNT']}/{told['AZURE_CONTAINER']}")
        self.endpoint = told["S3_ENDPOINT" if kind == "s3" else "AZURE_ENDPOINT"]
        self.port = urllib.parse.urlsplit(self.endpoint).port

    def url(self, prefix, port=None, scheme="http"):
        """A remote of its own for each @prefix, and for each run of a test."""
        return f"{self.kind}://{self.bucket}/{self.run}/{prefix}?endpoint={scheme}://127.0.0.1:{port or self.port}"

    def environment(self, home, **more):
        """What the tool is run in: these credentials, and no others."""
        kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
        return {**kept, "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true", **self.credentials, **more}

    @staticmethod
    def error(code, message="spoiled", more=""):
        """The body of an answer that is an error."""
        return (f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message>{more}'
                "</Error>")


# the targets of requests that put a part
PART = r"[?&](partNumber=|comp=block(&|$))"


def count_parts(targets):
    return sum(re.search(PART, target) is not None for target in targets)


def finished(entries):
    """Objects and parts that the server has taken, by the proxy's log: their targets, whatever upload a part was of."""
    return [re.sub("uploadId=[^&]*", "", entry["target"]) for entry in entries if entry.get("method") == "PUT" and
            (entry["answered"] or 0) // 100 == 2 and "comp=blocklist" not in entry["target"] and
            "/tags/" not in entry["target"]]


class Tool(killed.Tool):
    """The tool in an environment of its own. Runs that take longer than @limit seconds are failures."""

    def __init__(self, pannier, folder, environment, limit=300):
        super().__init__(pannier, folder)
        self.environment, self.limit = environment, limit

    def start(self, *arguments):
        return subprocess.Popen([self.pannier, *map(str, arguments), "--json"], cwd=self.folder, env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def attempt(self, *arguments):
        """Exit status, stdout, stderr; None if it did not end."""
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=self.limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None, "", ""
        return process.returncode, out.decode(), err.decode()


def write_model(folder, engines, size, large=0):
    """A model whose engines are noise; one more of @large bytes, if that is not 0."""
    killed.ENGINES, killed.SIZE = engines, size
    killed.write_model(folder, 1)
    if large:
        (folder / "wasm/e0.wasm").write_bytes(random.Random(99).randbytes(large))


def copy_store(source, target):
    """A copy of a store that shares its objects, which nobody changes."""
    def link(path, copy):
        os.link(path, copy) if "/objects/" in path else shutil.copy2(path, copy)
    shutil.copytree(source, target, symlinks=True, copy_function=link)


__all__ = ["PART", "Place", "Tool", "copy_store", "count_parts", "finished", "killed", "proxy", "write_model"]
