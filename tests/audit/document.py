"""The table of `docs/audit.md`: what others say of our pages, never written by hand.

`python -m tests.audit.document` (`make audit`) serves every kind of page over TLS, asks Lighthouse and
MDN's HTTP Observatory about each, and lists what the app is made of (SBOM).
"""

import base64
import hashlib
import json
import os
import secrets
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devstack import browser, postgres
from devstack.app import App
from devstack.main_site import MainSite, node
from devstack.processes import ROOT, free_port
from onboarding.config import Settings
from tests.visitor import Person, newcomer

HERE = Path(__file__).parent
DOCUMENT = ROOT / "docs" / "audit.md"
BEGIN, END = "<!-- results: written by `make audit` -->", "<!-- end of results -->"
MATERIALS = ROOT / "sbom.cdx.json"

# The bar: of 100, and of whatever the Observatory gives (its A+ begins at 100).
LIGHTHOUSE, OBSERVATORY = 100, 130

LANGUAGES = ("en", "ur")
WIDGETS = ("select", "cards")
QUESTION = "/onboarding/python-proficiency"
BOTH = "python_proficiency=Advanced&developer_role=None"

Row = dict[str, Any]
"""A page's name, its three figures, and the names of what failed."""


@dataclass(frozen=True)
class TlsApp(App):
    """The app on https, with the certificate in `folder`."""

    folder: Path = Path()

    @property
    def url(self) -> str:
        """The app's own URL and origin."""
        return f"https://localhost:{self.port}"

    def environment(self) -> dict[str, str]:
        """The app's settings as environment variables."""
        pair = self.folder / "server.pem"
        words = f"--certfile={pair} --keyfile={pair}"
        return {**super().environment(), "GUNICORN_CMD_ARGS": words}

    def _missing(self) -> str | None:
        trusting = ssl.create_default_context(cafile=self.folder / "authority.pem")
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
        )
        try:
            with direct.open(f"{self.url}/readyz", timeout=5):
                return None
        except OSError as error:
            return str(error)


def certify(folder: Path) -> str:
    """Write a certificate for localhost; gives the hash of its key, by which Chromium trusts it."""
    authority = trustme.CA()
    pair = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    pair.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    key = x509.load_pem_x509_certificate(pair.cert_chain_pems[0].bytes()).public_key()
    public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


def pages(new: Person, done: Person, language: str, widget: str) -> Iterator[Row]:
    """Give the pages of the app with one widget in one language: those without any in one app only."""
    kinds = [
        (f"question, {widget}", QUESTION, 200, new),
        (f"question with an error, {widget}", f"{QUESTION}?problem=1", 200, new),
    ]
    if widget == WIDGETS[0]:
        kinds += [
            ("review", f"/onboarding/review?{BOTH}", 200, new),
            ("profile", "/profile", 200, done),
            ("signed out", "/signed-out", 401, None),
            ("not found", "/nowhere", 404, new),
        ]
    for name, path, status, person in kinds:
        yield {
            "name": name,
            "language": language,
            "path": f"{path}{'&' if '?' in path else '?'}lang={language}",
            "status": status,
            "headers": {"Cookie": person.cookie} if person else {},
        }


def ask(app: TlsApp, key_hash: str, to_ask: list[Row]) -> list[Row]:
    """Let the two look at each page of a running app."""
    found = browser.find()
    arguments = [*browser.ARGUMENTS, f"--ignore-certificate-errors-spki-list={key_hash}"]
    if not found.sandbox:
        arguments.append("--no-sandbox")
    chromium = {
        "executable": str(found.executable) if found.executable else None,
        "args": arguments,
        "env": found.environment,
    }
    done = subprocess.run(
        [node(), HERE / "audit.js"],
        input=json.dumps({"browser": chromium, "port": app.port, "pages": to_ask}),
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(app.folder / "authority.pem")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows: list[Row] = json.loads(done.stdout)
    return rows


def look() -> list[Row]:
    """Serve every kind of page in each language and with each widget, and ask about it."""
    rows: list[Row] = []
    with postgres.temporary() as server, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        key_hash = certify(folder)
        url, secret = server.create_database("audit"), secrets.token_urlsafe(32)
        site_url = f"https://localhost:{free_port()}"
        for widget in WIDGETS:
            settings = {"ONBOARDING_WIDGET": widget, "SITE_NAME": "Acme Docs"}
            app = TlsApp(free_port(), url, secret, site_url, settings=settings, folder=folder)
            MainSite(free_port(), url, secret, app.url).migrate(folder / "site.log")
            app.migrate(folder / "migrate.log")
            cookie = Settings.from_environ(app.environment()).session_cookie
            new, done = newcomer(url, cookie), newcomer(url, cookie)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "INSERT INTO user_profile"
                    " (user_id, python_proficiency, developer_role, is_onboarded)"
                    " VALUES (%s, 'Advanced', 'None', TRUE)",
                    (done.user_id,),
                )
            with app.start(folder / "app.log"):
                of_all = [
                    page for language in LANGUAGES for page in pages(new, done, language, widget)
                ]
                rows += ask(app, key_hash, of_all)
    return sorted(rows, key=lambda row: LANGUAGES.index(row["language"]))


def is_below(row: Row) -> bool:
    """Tell whether a page misses the bar."""
    lighthouse = min(row["accessibility"], row["practices"])
    return lighthouse < LIGHTHOUSE or row["score"] < OBSERVATORY


def table(rows: list[Row]) -> str:
    """Give the text between the document's markers; its last line is the figure."""
    lines = [
        "| page | language | Lighthouse: accessibility | Lighthouse: best practices | Observatory | failed |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        failed = ", ".join(row["failed"]) or "nothing"
        lines.append(
            f"| {row['name']} | {row['language']} | {row['accessibility']} | {row['practices']} "
            f"| {row['grade']} ({row['score']}) | {failed} |"
        )
    fine = sum(not is_below(row) for row in rows)
    return "\n".join([*lines, "", f"At the bar: {fine} of {len(rows)} pages."])


def list_materials() -> int:
    """Write what the app is made of, from the lock, as CycloneDX; gives the number of packages."""
    program = Path(sys.executable).parent / "cyclonedx-py"
    lock = ROOT / "requirements" / "app.txt"
    words = ["requirements", lock, "--pyproject", ROOT / "pyproject.toml", "--output-reproducible"]
    subprocess.run([program, *words, "--short-PURLs", "-o", MATERIALS], cwd=ROOT, check=True)
    return len(json.loads(MATERIALS.read_text())["components"])


def main() -> int:
    """Look, write what was found, and give 1 where any page misses the bar."""
    rows = look()
    found = table(rows)
    head, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{found}\n\n{END}{rest.partition(END)[2]}")
    print(f"{MATERIALS.name}: {list_materials()} packages", found, sep="\n\n")
    return int(any(map(is_below, rows)))


if __name__ == "__main__":
    sys.exit(main())
