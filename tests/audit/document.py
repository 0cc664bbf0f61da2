"""Writes the table of Lighthouse and the HTTP Observatory in `docs/accessibility.md`, and the SBOM.

`python -m tests.audit.document` (`make audit`) serves every kind of page over TLS and has both judge each.
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
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devstack import browser, postgres
from devstack.app import App
from devstack.main_site import MainSite, node
from devstack.processes import ROOT, free_port
from onboarding.settings import Settings
from tests.questionnaires import DEFAULT, insert_profile, some_answers
from tests.users import User, create_user

HERE = Path(__file__).parent
DOCUMENT = ROOT / "docs" / "accessibility.md"
BEGIN, END = "<!-- results: written by `make audit` -->", "<!-- end of results -->"
SBOM = ROOT / "sbom.cdx.json"

# The least that a page may have: of 100, and of what the Observatory gives (its A+ begins at 100).
LIGHTHOUSE, OBSERVATORY = 100, 130

LANGUAGES = ("en", "ur")
WIDGETS = ("select", "cards")
QUESTION = f"/onboarding/{DEFAULT.questions[0].slug}"
ANSWERS = urlencode(some_answers())

Row = dict[str, Any]
"""A page's name, its three figures, and the names of what failed."""


@dataclass(frozen=True)
class TlsApp(App):
    """The app on https, with the certificate in `folder`."""

    folder: Path = Path()

    @property
    def url(self) -> str:
        """Return the app's own URL and origin."""
        return f"https://localhost:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the app's settings as environment variables."""
        pair = self.folder / "server.pem"
        arguments = f"--certfile={pair} --keyfile={pair}"
        return {**super().environment(), "GUNICORN_CMD_ARGS": arguments}

    def _missing(self) -> str | None:
        context = ssl.create_default_context(cafile=self.folder / "authority.pem")
        with closing(HTTPSConnection("localhost", self.port, timeout=5, context=context)) as https:
            try:
                https.request("GET", "/readyz")
                answer = https.getresponse()
            except OSError as error:
                return str(error)
            return None if answer.status == 200 else f"/readyz answers {answer.status}"


def certify(folder: Path) -> str:
    """Write a certificate for localhost; return the hash of its key, by which Chromium trusts it."""
    authority = trustme.CA()
    pair = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    pair.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    key = x509.load_pem_x509_certificate(pair.cert_chain_pems[0].bytes()).public_key()
    public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


def pages(new: User, done: User, language: str, widget: str) -> Iterator[Row]:
    """Return the pages of one app in one language; those without a widget for the first app only."""
    for name, path, status, user in (
        (f"question, {widget}", f"{QUESTION}?", 200, new),
        (f"question with an error, {widget}", f"{QUESTION}?problem=1&", 200, new),
        ("review", f"/onboarding/review?{ANSWERS}&", 200, new),
        ("profile", "/profile?", 200, done),
        ("signed out", "/signed-out?", 401, None),
        ("not found", "/nowhere?", 404, new),
    ):
        if widget == WIDGETS[0] or path.startswith(QUESTION):
            headers = {"Cookie": user.cookie} if user else {}
            page = {"name": name, "language": language, "status": status, "headers": headers}
            yield {**page, "path": f"{path}lang={language}"}


def judge(app: TlsApp, key_hash: str, pages: list[Row]) -> list[Row]:
    """Have both judge each page of a running app."""
    found = browser.find()
    sandbox = [] if found.sandbox else ["--no-sandbox"]
    trust = f"--ignore-certificate-errors-spki-list={key_hash}"
    chromium = {
        "executable": str(found.executable) if found.executable else None,
        "args": [*browser.ARGUMENTS, trust, *sandbox],
        "env": found.environment,
    }
    done = subprocess.run(
        [node(), HERE / "audit.js"],
        input=json.dumps({"browser": chromium, "port": app.port, "pages": pages}),
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(app.folder / "authority.pem")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def judge_all() -> list[Row]:
    """Serve every kind of page in each language and with each widget, and have it judged."""
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
            new, done = create_user(url, cookie), create_user(url, cookie)
            with psycopg.connect(url, autocommit=True) as connection:
                insert_profile(connection, done.id, some_answers(), is_onboarded=True)
            listed = [page for language in LANGUAGES for page in pages(new, done, language, widget)]
            with app.start(folder / "app.log"):
                rows += judge(app, key_hash, listed)
    return sorted(rows, key=lambda row: LANGUAGES.index(row["language"]))


def is_below(row: Row) -> bool:
    """Return whether a page has less than it may."""
    lighthouse = min(row["accessibility"], row["practices"])
    return lighthouse < LIGHTHOUSE or row["score"] < OBSERVATORY


def table(rows: list[Row]) -> str:
    """Return the text between the document's markers; its last line is the figure."""
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


def write_sbom() -> int:
    """Write what the app is made of, from the lock, as CycloneDX; return the number of packages."""
    program = Path(sys.executable).parent / "cyclonedx-py"
    files = ["requirements/app.txt", "--pyproject", "pyproject.toml", "-o", SBOM]
    options = ["--output-reproducible", "--short-PURLs"]
    subprocess.run([program, "requirements", *files, *options], cwd=ROOT, check=True)
    return len(json.loads(SBOM.read_text())["components"])


def main() -> int:
    """Judge all pages and write the table; return 1 where any page has less than it may."""
    rows = judge_all()
    found = table(rows)
    head, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{found}\n\n{END}{rest.partition(END)[2]}")
    print(f"{SBOM.name}: {write_sbom()} packages", found, sep="\n\n")
    return int(any(map(is_below, rows)))


if __name__ == "__main__":
    sys.exit(main())
