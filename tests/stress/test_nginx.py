"""The shipped nginx file before two real servers: what it lets through, holds back, and tells.

`make stress` runs it.
"""

import re
import socket
import ssl
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest

from devstack.processes import ROOT
from tests.stress.crowd import FIRST
from tests.stress.front import Nginx, needed, nginx
from tests.stress.lines import HOST, ThroughNginx
from tests.stress.servers import ORIGIN, Server, until
from tests.users import User

QUESTION = f"/onboarding/{FIRST.slug}"
HSTS = "max-age=31536000"
NO_FRAME = "frame-ancestors 'none'"


def curl(front: Nginx, path: str, *arguments: str) -> tuple[str, int, str]:
    """Return the HTTP version, the status and the head of an answer to another program than ours."""
    done = subprocess.run(
        [
            *(needed("curl"), "-sS", "-i", "--path-as-is", "--noproxy", "*"),
            *("--cacert", front.folder / "fullchain.pem"),
            *("--resolve", f"{HOST}:{front.port}:127.0.0.1", "-H", f"Host: {HOST}"),
            *(*arguments, f"https://{HOST}:{front.port}{path}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    head = done.stdout.partition("\n\n")[0]
    return head.split()[0].partition("/")[2], int(head.split()[1]), head


# What it lets through


def test_the_sizes_that_better_auth_and_the_app_need_pass(line: ThroughNginx, user: User) -> None:
    cookie = f"{user.cookie}; better-auth.session_data={'x' * 30_000}"
    assert line.ask("GET", QUESTION, {"Cookie": cookie}).status == 200
    # Its redirect carries the whole query on: 8 kB in one header.
    answer = line.ask("GET", f"/profile?x={'x' * 7_000}", {})
    assert answer.status == 303
    assert len(answer.headers["location"]) > 7_000


def test_a_body_without_a_length_reaches_the_app_with_one(front: Nginx, user: User) -> None:
    headers = ("Transfer-Encoding: chunked", f"Origin: {ORIGIN}", f"Cookie: {user.cookie}")
    arguments = [word for header in headers for word in ("-H", header)]
    # Straight to the app it would be refused with 411; so its token is missed.
    assert curl(front, QUESTION, "--http1.1", *arguments, "--data", "a=b")[1] == 403


def test_answers_of_pages_are_not_compressed_even_where_nginx_is_told_to(
    line: ThroughNginx, user: User
) -> None:
    page = line.ask("GET", QUESTION, {"Cookie": user.cookie, "Accept-Encoding": "gzip, br"})
    assert (page.status, "content-encoding" in page.headers) == (200, False)


# What it holds back


@pytest.mark.parametrize("version", ["2", "1.1"])
def test_what_is_too_large_is_refused_with_its_own_status(
    front: Nginx, user: User, version: str
) -> None:
    def cookies(count: int) -> list[str]:
        found = [user.cookie, *(f"session_data.{number}={'x' * 4_000}" for number in range(count))]
        if version == "1.1":
            return ["-H", f"Cookie: {'; '.join(found)}"]
        # Browsers send each as a header of its own (RFC 9113, 8.2.3); the app judges the sum.
        return [word for cookie in found for word in ("-H", f"Cookie: {cookie}")]

    def body(size: int) -> list[str]:
        return ["-H", f"Origin: {ORIGIN}", *cookies(0), "--data", "x" * size]

    for status, path, arguments in (
        (431, QUESTION, cookies(9)),
        (413, "/onboarding/review", body(17_000)),
        (414, f"/profile?{'x' * 20_000}", []),
    ):
        found, refused, head = curl(front, path, f"--http{version}", *arguments)
        assert (found, refused) == (version, status)
        for header in (HSTS, NO_FRAME, "nosniff"):
            assert header in head, (status, header)
        assert "nginx/" not in head
    # Just below, the app itself looks at it; of the body it misses the token.
    assert curl(front, QUESTION, f"--http{version}", *cookies(7))[1] == 200
    assert curl(front, "/onboarding/review", f"--http{version}", *body(16_000))[1] == 403


@pytest.mark.parametrize(
    "header",
    [
        *("X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.9, 203.0.113.10"),
        *("X-Forwarded-Host: evil.test", "X-Forwarded-Proto: http", "X-Forwarded-Port: 1"),
        *("X-Forwarded-Prefix: /evil", "X-Real-IP: 203.0.113.9", "X-Request-ID: of-a-client"),
        *("Forwarded: for=203.0.113.9;host=evil.test", "Script-Name: /evil", "SCRIPT_NAME: /evil"),
    ],
)
def test_what_a_client_says_about_itself_goes_no_further(
    front: Nginx, passed_on: Path, header: str
) -> None:
    name, _, value = header.partition(": ")
    before = passed_on.read_text().splitlines()
    with closing(front.line(source="127.0.0.3")) as line:
        plain, spoofed = line.ask("GET", "/profile", {}), line.ask("GET", "/profile", {name: value})
    assert (spoofed.status, spoofed.headers["location"]) == (303, plain.headers["location"])
    assert f"callbackURL={quote(ORIGIN, safe='')}" in plain.headers["location"]
    # The app trusts one proxy, so the last address is the client's: the one that nginx saw.
    until(lambda: len(passed_on.read_text().splitlines()) == len(before) + 2)
    for logged in passed_on.read_text().splitlines()[-2:]:
        assert re.fullmatch(r"127\.0\.0\.3\|-\|[0-9a-f]{32}", logged)


def test_behind_a_cdn_the_client_is_whom_the_cdn_names(
    servers: list[Server], passed_on: Path, tmp_path: Path
) -> None:
    lines = re.search(r"```nginx\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    assert lines
    cdn = lines[1].replace("192.0.2.0/24", "127.0.0.2")
    with nginx([server.path for server in servers], tmp_path, cdn) as front:
        for source, client in (("127.0.0.2", "203.0.113.9"), ("127.0.0.3", "127.0.0.3")):
            with closing(front.line(source)) as line:
                line.ask("GET", "/profile", {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
            until(lambda: passed_on.read_text().splitlines()[-1].startswith(f"{client}|-|"))  # noqa: B023


def test_only_this_machine_may_ask_whether_the_app_is_ready(
    front: Nginx, line: ThroughNginx
) -> None:
    assert line.ask("GET", "/readyz", {}).text == '{"faults":[],"status":"ready"}\n'
    with closing(front.line(source="127.0.0.2")) as line:
        for path in ("/readyz", "//readyz", "/%72eadyz", "/x/../readyz", "/./readyz", "/readyz?a"):
            answer = line.ask("GET", path, {})
            assert (answer.status, "faults" in answer.text) == (403, False), path
        for path in ("/readyz/", "/readyz%2F", "/readyz;a", "/READYZ", "/readyz%3F"):
            assert line.ask("GET", path, {}).status == 404, path
        assert line.ask("GET", "/healthz", {}).status == 200


# TLS


def test_plain_http_leads_to_https_and_to_the_shipped_name(front: Nginx) -> None:
    with closing(HTTPConnection("127.0.0.1", front.plain_port)) as connection:
        for host in (HOST, "evil.test"):
            connection.request("GET", "/profile?theme=dark", headers={"Host": host})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 301
            assert answer.headers["Location"] == f"{ORIGIN}/profile?theme=dark"
            # RFC 6797 (7.2): not over plain http.
            assert "Strict-Transport-Security" not in answer.headers


def test_every_answer_says_once_that_https_stays(front: Nginx) -> None:
    pages = {"/profile": 303, "/signed-out": 401, "/nowhere": 404, "/embed.js": 200, "/%": 400}
    for path, status in pages.items():
        _, found, head = curl(front, path, "--http1.1")
        assert found == status, path
        for name in ("strict-transport-security", "content-security-policy"):
            assert head.lower().count(name) == 1, path


@pytest.mark.parametrize(
    ("version", "ciphers", "error"),
    [
        (ssl.TLSVersion.TLSv1, "ALL", "ALERT_PROTOCOL_VERSION"),
        (ssl.TLSVersion.TLSv1_1, "ALL", "ALERT_PROTOCOL_VERSION"),
        # Without forward secrecy.
        (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256", "HANDSHAKE_FAILURE"),
        (ssl.TLSVersion.TLSv1_2, "ALL", None),
        (ssl.TLSVersion.TLSv1_3, "ALL", None),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_only_tls_of_today_is_spoken(
    front: Nginx, version: ssl.TLSVersion, ciphers: str, error: str | None
) -> None:
    context = ssl.create_default_context(cafile=front.folder / "fullchain.pem")
    # This side must be willing, or it wouldn't be nginx that refuses.
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", front.port)) as plain:
        if error:
            with pytest.raises(ssl.SSLError, match=error):
                context.wrap_socket(plain, server_hostname=HOST)
            return
        with context.wrap_socket(plain, server_hostname=HOST) as tls:
            assert tls.selected_alpn_protocol() == "h2"
            assert tls.cipher()[0].startswith(("ECDHE-", "TLS_"))


def test_systemd_understands_the_unit_and_finds_it_well_locked(tmp_path: Path) -> None:
    unit = tmp_path / "onboarding@.service"
    text = (ROOT / "deploy" / unit.name).read_text()
    unit.write_text(text.replace("/srv/onboarding/.venv/bin/gunicorn", "/bin/true"))
    # The exposure from 0 to 10; a unit without any of these lines has 9.
    for words in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        done = subprocess.run(
            [needed("systemd-analyze"), *words, unit], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert words != ["verify"] or done.stdout + done.stderr == ""
