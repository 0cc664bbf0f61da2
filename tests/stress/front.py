"""nginx with the shipped file: its names, paths and ports are replaced, nothing else."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.processes import ROOT, Child, free_port, wait_for
from tests.stress.lines import HOST, ThroughNginx

SHIPPED = ROOT / "deploy" / "nginx.conf"
LIVE = "/etc/letsencrypt/live/onboarding.example.com"

# What Debian's own nginx.conf says around it, as far as it matters. As root nginx would serve as
# nobody, who can't come into our folder.
MAIN = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
worker_processes 2;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused; scgi_temp_path {folder}/unused; uwsgi_temp_path {folder}/unused;
    access_log {folder}/main.log;
    tcp_nopush on;
    gzip on;
    include {folder}/onboarding.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx; `port` speaks TLS, and `authority` is a client's that knows the certificate."""

    port: int
    plain_port: int
    folder: Path
    authority: ssl.SSLContext

    def line(self, source: str = "127.0.0.1") -> ThroughNginx:
        return ThroughNginx(self.port, self.authority, source)

    def dial(self) -> ssl.SSLSocket:
        """Open a connection that can take little in."""
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect(("127.0.0.1", self.port))
        return self.authority.wrap_socket(plain, server_hostname=HOST)

    @property
    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@contextmanager
def nginx(sockets: Sequence[Path], folder: Path, more: str = "") -> Iterator[Nginx]:
    """Run nginx before two servers, with all of its files in `folder`.

    `more` are lines for the block of the TLS server, as an operator may add.
    """
    port, plain_port = free_port(), free_port()
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    _make_certificate(certificate, key)
    text = SHIPPED.read_text()
    for shipped, replacement in {
        "unix:/run/onboarding-1/app.sock": f"unix:{sockets[0]}",
        "unix:/run/onboarding-2/app.sock": f"unix:{sockets[1]}",
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2; {more}",
        "listen [::]:443 ssl http2;": "",
        f"{LIVE}/fullchain.pem": str(certificate),
        f"{LIVE}/privkey.pem": str(key),
        "/var/log/nginx/": f"{folder}/",
        "/var/www/html": str(folder),
    }.items():
        assert shipped in text, f"{shipped} doesn't stand in {SHIPPED.name} any more"
        text = text.replace(shipped, replacement)
    (folder / "onboarding.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    command = [needed("nginx"), "-p", folder, "-c", folder / "nginx.conf"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    # Nothing but "syntax is ok" and "test is successful": no warning either.
    assert (checked.returncode, len(checked.stderr.splitlines())) == (0, 2), checked.stderr
    with Child("nginx", command, log=folder / "nginx.log") as child:
        wait_for(child, lambda: _missing(port))
        yield Nginx(port, plain_port, folder, ssl.create_default_context(cafile=certificate))


def _make_certificate(certificate: Path, key: Path) -> None:
    subprocess.run(
        [
            *(needed("openssl"), "req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-addext", f"subjectAltName=DNS:{HOST}", "-keyout", key, "-out", certificate),
        ],
        capture_output=True,
        check=True,
    )


def needed(program: str) -> str:
    """Return the path of a program. Debian puts servers where PATH may not look."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    assert path, f"{program} is missing: run make stress"
    return path


def _missing(port: int) -> str | None:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError as error:
        return str(error)
    return None
