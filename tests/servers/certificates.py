"""Certificates for a server on 127.0.0.1, made with openssl: a good one, and what must be refused."""
import pathlib
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Made:
    def __init__(self, folder):
        self.folder = folder
        self.authority = folder / "authority.pem"

    def of(self, name):
        """good, wrong-name, expired: signed by the authority; self-signed. Certificate and key in one file."""
        return self.folder / f"{name}.both"


def make(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    made, new_key = Made(folder), ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name, place in (("authority", "an authority"), ("self-signed", "127.0.0.1")):
        openssl("req", "-x509", *new_key, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", "-days", 2,
                "-subj", f"/CN={place}", *(("-addext", "subjectAltName=IP:127.0.0.1") if name != "authority" else ()))
    (folder / "index").write_text("")
    (folder / "conf").write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index\nnew_certs_dir={folder}\n"
                                 f"rand_serial=yes\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\n"
                                 "commonName=supplied\n[good]\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n"
                                 "[wrong]\nsubjectAltName=DNS:elsewhere.example\n")
    for name, section, start, end in (("good", "good", "20200101000000Z", "20991231000000Z"),
                                      ("wrong-name", "wrong", "20200101000000Z", "20991231000000Z"),
                                      ("expired", "good", "20200101000000Z", "20200102000000Z")):
        openssl("req", "-new", *new_key, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj",
                f"/CN={name}")
        openssl("ca", "-batch", "-config", folder / "conf", "-cert", made.authority, "-keyfile",
                folder / "authority.key", "-in", folder / f"{name}.csr", "-out", folder / f"{name}.pem", "-notext",
                "-extensions", section, "-startdate", start, "-enddate", end)
    for name in ("good", "wrong-name", "expired", "self-signed"):
        made.of(name).write_text((folder / f"{name}.pem").read_text() + (folder / f"{name}.key").read_text())
    return made
