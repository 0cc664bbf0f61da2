"""The shipped nginx file before two real instances: what it lets through, holds back, and tells.

`make stress` runs it.
"""

import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest

from devstack.processes import ROOT
from onboarding.profiles.questions import DeveloperRole
from tests.conftest import Stage
from tests.stress.crowd import Reply, send, token_of
from tests.stress.front import Front, needed, nginx
from tests.stress.instances import ORIGIN, Instance, newcomers, two_instances, until
from tests.stress.lines import HOST, StraightTo, ThroughNginx
from tests.visitor import Person

SLOW_CLIENTS = 200
FORM = "application/x-www-form-urlencoded"
HSTS = "max-age=31536000"
NO_FRAME = "frame-ancestors 'none'"


@pytest.fixture(scope="module")
def passed_on(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A line for each request that reached an instance: what stood in some of its headers."""
    return tmp_path_factory.mktemp("passed-on") / "log"


@pytest.fixture(scope="module")
def instances(stage: Stage, passed_on: Path) -> Iterator[list[Instance]]:
    headers = "%({x-forwarded-for}i)s|%({forwarded}i)s|%({x-request-id}i)s"
    spying = f"--access-logfile {passed_on} --access-logformat '{headers}'"
    with two_instances(stage, GUNICORN_CMD_ARGS=spying) as instances:
        yield instances


@pytest.fixture(scope="module")
def front(instances: list[Instance], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    sockets = [instance.path for instance in instances]
    with nginx(sockets, tmp_path_factory.mktemp("nginx")) as front:
        yield front


@pytest.fixture
def line(front: Front) -> Iterator[ThroughNginx]:
    line = front.line()
    yield line
    line.close()


@pytest.fixture
def person(stage: Stage, instances: list[Instance]) -> Person:
    return newcomers(stage, instances[0], 1)[0]


# What it lets through


@pytest.mark.parametrize("protocol", ["http2", "http1.1"])
def test_pages_come_by_both_protocols_with_the_cookie(
    front: Front, person: Person, protocol: str
) -> None:
    seen = curl(front, "/onboarding/python-proficiency", f"--{protocol}", cookie=person.cookie)
    assert (seen.version, seen.status) == (protocol.removeprefix("http"), 200)
    assert "How well do you know Python?" in seen.text


def test_the_sizes_that_better_auth_and_the_app_need_pass(
    line: ThroughNginx, person: Person
) -> None:
    cookie = f"{person.cookie}; better-auth.session_data={'x' * 30_000}"
    page = line.ask("GET", "/onboarding/python-proficiency", {"Cookie": cookie})
    assert page.status == 200

    # Its redirect carries the whole query on: 8 kB in one header.
    wanted = f"/profile?x={'x' * 7_000}"
    answer = line.ask("GET", wanted, {})
    assert answer.status == 303
    assert len(answer.headers["location"]) > 7_000


def test_a_body_without_a_length_reaches_the_app_with_one(front: Front, person: Person) -> None:
    # Straight to the app it would be refused with 411.
    seen = curl(
        front,
        "/onboarding/python-proficiency",
        *("--http1.1", "-H", "Transfer-Encoding: chunked", "-H", f"Origin: {ORIGIN}"),
        *("-H", f"Content-Type: {FORM}", "--data", "python_proficiency=Beginner"),
        cookie=person.cookie,
    )
    assert seen.status == 403


# What it holds back


def test_what_is_too_large_is_refused_with_its_own_status(front: Front, person: Person) -> None:
    def ask(method: str = "GET", path: str = "/profile", body: str = "", **headers: str) -> Reply:
        # A client that is cut off while it sends may not see the answer: a connection each.
        with closing(front.line()) as line:
            return line.ask(method, path, {"Cookie": person.cookie, **headers}, body)

    form = {"Origin": ORIGIN, "Content-Type": FORM}
    refused = {
        "body": ask("POST", "/onboarding/review", "x" * 17_000, **form),
        "huge body": ask("POST", "/onboarding/review", "x" * 3_000_000, **form),
        "header": ask(Cookie="x" * 40_000),
        "headers": ask(**{f"X-{number}": "x" * 30_000 for number in range(6)}),
        "address for nginx": ask(path="/profile?" + "x" * 40_000),
        "address for the app": ask(path="/profile?" + "x" * 20_000),
    }
    assert {name: reply.status for name, reply in refused.items()} == {
        "body": 413,
        "huge body": 413,
        "header": 431,
        "headers": 431,
        "address for nginx": 414,
        "address for the app": 414,
    }
    for name, reply in refused.items():
        assert reply.headers["strict-transport-security"] == HSTS, name
        assert NO_FRAME in reply.headers["content-security-policy"], name
        assert reply.headers["x-content-type-options"] == "nosniff", name
        assert "nginx/" not in reply.headers["server"] + reply.text, name
    # Just below, the app itself looks at it, and misses the token.
    assert ask("POST", "/onboarding/review", "x" * 16_000, **form).status == 403


def test_over_http2_too_what_is_too_large_is_refused(front: Front, person: Person) -> None:
    # A single header above the limit has no answer there: nginx resets the stream. Browsers send each
    # cookie as a header of its own (RFC 9113, 8.2.3), and of the sum the app is the judge.
    cookies = [
        f"{person.cookie}",
        *(f"better-auth.session_data.{i}={'x' * 4_000}" for i in range(9)),
    ]

    def status(path: str, *arguments: str) -> tuple[str, int]:
        seen = curl(front, path, "--http2", *arguments)
        return seen.version, seen.status

    def pieces(count: int) -> list[str]:
        return [word for cookie in cookies[:count] for word in ("-H", f"Cookie: {cookie}")]

    assert status("/onboarding/python-proficiency", *pieces(8)) == ("2", 200)
    assert status("/onboarding/python-proficiency", *pieces(10)) == ("2", 431)
    assert status("/onboarding/review", "--data", "x" * 17_000) == ("2", 413)
    assert status(f"/profile?{'x' * 20_000}") == ("2", 414)


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-For: 203.0.113.9, 203.0.113.10",
        "Forwarded: for=203.0.113.9;host=evil.test",
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Port: 1",
        "X-Forwarded-Prefix: /evil",
        "X-Real-IP: 203.0.113.9",
        "X-Request-ID: of-a-client",
        "Script-Name: /evil",
        "SCRIPT_NAME: /evil",
    ],
)
def test_what_a_client_says_about_itself_goes_no_further(
    front: Front, passed_on: Path, header: str
) -> None:
    name, _, value = header.partition(": ")
    with closing(front.line(source="127.0.0.3")) as line:
        plain, spoofed = line.ask("GET", "/profile", {}), line.ask("GET", "/profile", {name: value})
    assert (spoofed.status, spoofed.headers["location"]) == (303, plain.headers["location"])
    assert f"callbackURL={quote(ORIGIN, safe='')}" in plain.headers["location"]
    # The app trusts one proxy, so the last address is the client's: the one that nginx saw.
    *_, first, second = passed_on.read_text().splitlines()
    for said in (first, second):
        assert re.fullmatch(r"127\.0\.0\.3\|-\|[0-9a-f]{32}", said)


def test_behind_a_cdn_the_client_is_whom_the_cdn_names(
    instances: list[Instance], passed_on: Path, tmp_path: Path
) -> None:
    lines = re.search(r"```nginx\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    assert lines
    cdn = lines[1].replace("192.0.2.0/24", "127.0.0.2")
    with nginx([instance.path for instance in instances], tmp_path, cdn) as front:
        for source, client in (("127.0.0.2", "203.0.113.9"), ("127.0.0.3", "127.0.0.3")):
            with closing(front.line(source)) as line:
                line.ask("GET", "/profile", {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
            assert passed_on.read_text().splitlines()[-1].startswith(f"{client}|-|")


def test_only_this_machine_may_ask_whether_the_app_is_ready(
    front: Front, line: ThroughNginx
) -> None:
    assert line.ask("GET", "/healthz", {}).status == 200
    assert line.ask("GET", "/readyz", {}).text == '{"faults":[],"status":"ready"}\n'
    with closing(front.line(source="127.0.0.2")) as line:
        for path in ("/readyz", "//readyz", "/%72eadyz", "/x/../readyz", "/./readyz", "/readyz?a"):
            answer = line.ask("GET", path, {})
            assert (answer.status, "faults" in answer.text) == (403, False), path
        for path in ("/readyz/", "/readyz%2F", "/readyz;a", "/READYZ", "/readyz%3F"):
            assert line.ask("GET", path, {}).status == 404, path
        assert line.ask("GET", "/healthz", {}).status == 200


def test_answers_of_pages_are_not_compressed_even_where_nginx_is_told_to(
    line: ThroughNginx, person: Person
) -> None:
    headers = {"Cookie": person.cookie, "Accept-Encoding": "gzip, br"}
    page = line.ask("GET", "/onboarding/python-proficiency", headers)
    assert page.status == 200
    assert "content-encoding" not in page.headers


# TLS


def test_plain_http_leads_to_https_and_to_our_own_name(front: Front) -> None:
    connection = HTTPConnection("127.0.0.1", front.plain_port)
    for host in (HOST, "evil.test"):
        connection.request("GET", "/profile?theme=dark", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 301
        assert answer.headers["Location"] == f"{ORIGIN}/profile?theme=dark"
        # RFC 6797 (7.2): not over plain http.
        assert "Strict-Transport-Security" not in answer.headers
    connection.close()


def test_every_answer_says_once_that_https_stays(line: ThroughNginx, front: Front) -> None:
    for path, status in {
        "/profile": 303,
        "/signed-out": 401,
        "/nowhere": 404,
        "/embed.js": 200,
        "/healthz": 200,
        "/%": 400,
    }.items():
        seen = curl(front, path, "--http1.1")
        assert seen.status == status, path
        assert seen.head.lower().count("strict-transport-security") == 1, path
        assert seen.head.lower().count("content-security-policy") == 1, path


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_only_tls_of_today_is_spoken(front: Front, version: ssl.TLSVersion, accepted: bool) -> None:
    context = ssl.create_default_context(cafile=front.folder / "fullchain.pem")
    # Ours must be willing, or it wouldn't be nginx that refuses.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", front.port)) as plain:
        if not accepted:
            with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
                context.wrap_socket(plain, server_hostname=HOST)
            return
        with context.wrap_socket(plain, server_hostname=HOST) as tls:
            assert tls.selected_alpn_protocol() == "h2"
            assert tls.cipher()[0].startswith(("ECDHE-", "TLS_"))


def test_a_cipher_without_forward_secrecy_is_refused(front: Front) -> None:
    context = ssl.create_default_context(cafile=front.folder / "fullchain.pem")
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", front.port)) as plain,
        pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"),
    ):
        context.wrap_socket(plain, server_hostname=HOST)


# Slow clients


@pytest.mark.parametrize("how", ["header", "body", "answer"])
def test_slow_clients_keep_nobody_closing(
    front: Front,
    stage: Stage,
    instances: list[Instance],
    how: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two hundred slow ones; the two instances have 32 threads each."""
    person = newcomers(stage, instances[0], 1)[0]
    headers = {"Cookie": person.cookie}
    with closing(SlowClients(SLOW_CLIENTS, front.dial, how)) as slow, closing(front.line()) as line:
        if how == "answer":
            # Until they stand still they are two hundred quick clients.
            until(lambda: timed(line, headers) < 0.05)
        seconds = [timed(line, headers) for _ in range(100)]
        # They are all still at it: none was answered or cut off meanwhile.
        assert slow.alive() == SLOW_CLIENTS
    with capsys.disabled():
        print(
            f"\n{SLOW_CLIENTS} slow clients ({how}): a page took {sorted(seconds)[50]:.3f} s, "
            f"{max(seconds):.3f} s at most"
        )
    assert sorted(seconds)[50] < 0.2


@pytest.mark.parametrize("how", ["header", "body", "answer"])
def test_the_same_clients_would_hold_every_thread_of_the_app(
    stage: Stage, instances: list[Instance], how: str
) -> None:
    """Shows that those clients do harm: without nginx, forty of them stop one instance."""
    instance = instances[0]
    with closing(StraightTo([instance.path], patience_s=2)) as line:
        assert line.ask("GET", "/healthz", {}).status == 200
        with (
            closing(SlowClients(40, lambda: dial(instance.path), how)),
            pytest.raises(TimeoutError),
        ):
            ask_until_it_stalls(line)
    # Let go, it recovers.
    with closing(StraightTo([instance.path])) as line:
        assert line.ask("GET", "/healthz", {}).status == 200


# Instances that are down


def test_while_one_instance_is_down_every_form_reaches_the_other(
    stage: Stage, instances: list[Instance], front: Front, line: ThroughNginx, person: Person
) -> None:
    first, second = instances
    token = token_of(line, person)
    try:
        # Ended as by systemctl stop: the socket is gone.
        first.stop()
        assert not first.path.exists()
        for answer in [*DeveloperRole] * 5:
            assert_a_form_is_saved(stage, line, person, token, answer)
    finally:
        first.start()
    try:
        # Killed, master and all: the socket lies there, and nobody listens.
        second.signal_all(signal.SIGKILL)
        second.stop()
        assert second.path.exists()
        for answer in [*DeveloperRole] * 5:
            assert_a_form_is_saved(stage, line, person, token, answer)
    finally:
        second.start()


def test_an_instance_that_stands_still_costs_15_seconds_and_no_form(
    stage: Stage, instances: list[Instance], line: ThroughNginx, person: Person
) -> None:
    token = token_of(line, person)
    try:
        instances[0].signal_all(signal.SIGSTOP)
        # They go to the instances by turns.
        seconds = [
            assert_a_form_is_saved(stage, line, person, token, answer) for answer in DeveloperRole
        ]
        assert min(seconds) < 5
        assert 14 < max(seconds) < 20
    finally:
        instances[0].signal_all(signal.SIGCONT)


def test_with_both_down_people_are_told_to_wait(
    instances: list[Instance], line: ThroughNginx
) -> None:
    try:
        for instance in instances:
            instance.stop()
        answer = line.ask("GET", "/profile", {})
        assert answer.status == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["content-type"] == "text/html"
        assert "We will be back in a moment" in answer.text
        assert NO_FRAME in answer.headers["content-security-policy"]
        assert answer.headers["strict-transport-security"] == HSTS
    finally:
        for instance in instances:
            instance.start()
    assert line.ask("GET", "/profile", {}).status == 303


# What is logged


def test_nothing_that_people_answer_or_are_is_logged(
    front: Front,
    instances: list[Instance],
    line: ThroughNginx,
    person: Person,
    passed_on: Path,
) -> None:
    query = "python_proficiency=Advanced&return_to=https%3A%2F%2Fwww.example.com%2Fmarker-query"
    headers = {
        "Cookie": person.cookie,
        "Referer": f"{ORIGIN}/onboarding/?next=/marker-referrer",
        "User-Agent": 'marker-agent"\r\n'.strip(),
    }
    path = f"/onboarding/developer-role?{query}"
    line.ask("GET", path, headers)
    try:
        # Failures are what nginx writes most about.
        for instance in instances:
            instance.stop()
        assert line.ask("POST", path, headers, "marker-body").status == 503
    finally:
        for instance in instances:
            instance.start()
    line.ask("POST", path, headers, "marker-body" * 2_000)
    line.ask("GET", path + "x" * 40_000, headers)
    time.sleep(0.2)

    written = front.logs
    assert '"path":"/onboarding/developer-role","status":503' in written
    assert '"instance_status":"502, 502"' in written
    # By its reference a request is found in the app's log too.
    references = re.findall('"request_id":"(.*?)"', written)
    assert references[0] in {said.rpartition("|")[2] for said in passed_on.read_text().split()}
    for secret in ("marker", "Advanced", person.token, person.token[:16], "python_proficiency"):
        assert secret not in written


# The unit


def test_systemd_understands_the_unit_and_finds_it_well_locked(tmp_path: Path) -> None:
    unit = tmp_path / "onboarding@.service"
    text = (ROOT / "deploy" / unit.name).read_text()
    unit.write_text(text.replace("/srv/onboarding/.venv/bin/gunicorn", "/bin/true"))
    analyze = needed("systemd-analyze")
    verified = subprocess.run(
        [analyze, "verify", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    # The exposure from 0 to 10; a unit without any of these lines has 9.
    rated = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout


# Means


@dataclass(frozen=True)
class Seen:
    """What curl saw; `head` is the answer's headers as they came."""

    version: str
    status: int
    head: str
    text: str


def curl(front: Front, path: str, *arguments: str, cookie: str = "") -> Seen:
    """Ask as another program does: it speaks HTTP/2, and sends a path as it is told to."""
    done = subprocess.run(
        [
            *(needed("curl"), "-sS", "-i", "--path-as-is", "--noproxy", "*"),
            *("--cacert", front.folder / "fullchain.pem"),
            *("--resolve", f"{HOST}:{front.port}:127.0.0.1", "-H", f"Host: {HOST}"),
            *(("-H", f"Cookie: {cookie}") if cookie else ()),
            *(*arguments, f"https://{HOST}:{front.port}{path}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    head, _, text = done.stdout.partition("\n\n")
    version, status = head.split()[:2]
    return Seen(version.partition("/")[2], int(status), head, text)


class SlowClients:
    """Connections that send or read a byte a second."""

    def __init__(self, count: int, dial: Callable[[], socket.socket], how: str) -> None:
        self._how = how
        self._open = [dial() for _ in range(count)]
        self._over = threading.Event()
        for connection in self._open:
            connection.settimeout(5)
            connection.sendall(BEGINNINGS[how])
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    def alive(self) -> int:
        """Stop and count those that are connected still."""
        self._over.set()
        self._thread.join()
        return sum(map(self._step, self._open))

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._open:
            connection.close()

    def _go_on(self) -> None:
        while not self._over.wait(1):
            for connection in self._open:
                self._step(connection)

    def _step(self, connection: socket.socket) -> bool:
        try:
            if self._how == "answer":
                return connection.recv(1) != b""
            connection.sendall(b"x")
        except OSError:
            return False
        else:
            return True


BEGINNINGS = {
    "header": f"GET /profile HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: ".encode(),
    "body": (
        f"POST /onboarding/review HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {FORM}\r\n"
        "Content-Length: 10000\r\n\r\n"
    ).encode(),
    # Asks for much more than the kernel keeps for somebody who reads nothing.
    "answer": f"GET /embed.js HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode() * 60,
}


def dial(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


def ask_until_it_stalls(line: StraightTo) -> None:
    """A reader holds a thread only when the kernel has taken all that it takes for them."""
    for _ in range(200):
        line.ask("GET", "/healthz", {})
        time.sleep(0.05)


def timed(line: ThroughNginx, headers: dict[str, str]) -> float:
    began = time.monotonic()
    assert line.ask("GET", "/onboarding/python-proficiency", headers).status == 200
    return time.monotonic() - began


def assert_a_form_is_saved(
    stage: Stage, line: ThroughNginx, person: Person, token: str, answer: str
) -> float:
    """Send one form and look whether it stands in the database; gives the seconds it took."""
    began = time.monotonic()
    path = "/onboarding/developer-role?python_proficiency=Beginner"
    form = {"developer_role": answer, "csrf_token": token}
    reply = send(line, person, path, form, ORIGIN)
    assert (reply.status, reply.headers["location"]) == (303, "/onboarding/review#h")
    saved = stage.sql("SELECT developer_role FROM user_profile WHERE user_id = %s", person.user_id)
    assert saved == [(answer,)]
    return time.monotonic() - began
