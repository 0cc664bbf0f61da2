"""What is asked for: the app's pages and answers, and the measuring of them in turn."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

from bench import load, usage
from bench.environment import DRAFT, DRAFTS, NEWCOMER, ONBOARDED, Environment, parse_form
from bench.report import percentile
from bench.servers import Server

PROFILE, GATE, API, FORGED = "profile", "gate's redirect", "`GET /api/profile`", "forged cookie"
QUESTION, REVIEW, CONFIRM = "question", "review", "confirm"
QUESTION_PATH, REVIEW_PATH = "/onboarding/python-proficiency", "/onboarding/review"


@dataclass
class Target:
    """A request to a server, by many users, and its figures: one of each for each round."""

    name: str
    server: Server
    requests: Sequence[bytes]
    status: int = 200
    before: Callable[[], None] = lambda: None
    once: bool = False
    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    postgres_us: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    def saturate(self, seconds: float) -> list[float]:
        """Ask as fast as the answers come; return latencies in ms."""
        port, requests, status = self.server.port, self.requests, self.status
        return load.saturate(port, requests, status, seconds=seconds, once=self.once)

    def measure(self, postgres: int, seconds: float) -> None:
        """Ask for so many seconds, and add the figures; `postgres` is the database's process id."""
        app = self.server.child.pid
        began, app_s, postgres_s = time.perf_counter(), usage.cpu_s(app), usage.cpu_s(postgres)
        latencies_ms = self.saturate(seconds)
        count = len(latencies_ms)
        self.cpu_us.append((usage.cpu_s(app) - app_s) / count * 1e6)
        self.postgres_us.append((usage.cpu_s(postgres) - postgres_s) / count * 1e6)
        self.per_second.append(count / (time.perf_counter() - began))
        self.p99_ms.append(percentile(latencies_ms, 99))


def measure_in_turn(
    targets: Sequence[Target], environment: Environment, rounds: int, seconds: float
) -> None:
    """Measure every target once a round, every second round backwards, after a round of warming up."""
    with usage.on_core(usage.OTHER_CORE):
        for target in targets:
            target.before()
            target.saturate(seconds)
        for number in range(rounds):
            for target in targets if number % 2 else reversed(targets):
                target.before()
                target.measure(environment.postgres.child.pid, seconds)


def add_users(environment: Environment, url: str) -> None:
    """Create the users that `app_targets` needs, and a crowd around them."""
    for kind, count in ((ONBOARDED, 10_000), (NEWCOMER, 10_000), (DRAFT, DRAFTS)):
        environment.add_users(url, kind, count)
    environment.execute(url, "VACUUM (ANALYZE)")


def app_targets(environment: Environment, url: str, app: Server) -> list[Target]:
    """Return the app's pages and answers as targets."""

    def get(name: str, path: str, kind: str, status: int = 200) -> Target:
        return Target(name, app, environment.requests(app.port, path, kind), status)

    def reopen() -> None:
        environment.reopen_drafts(url)

    valid = environment.request(app.port, "/profile", (ONBOARDED, 1))
    token = environment.token(ONBOARDED, 1).encode()
    review = get(REVIEW, REVIEW_PATH, DRAFT)
    review.before = reopen
    return [
        get(PROFILE, "/profile", ONBOARDED),
        get(GATE, "/profile", NEWCOMER, 303),
        get(API, "/api/profile", ONBOARDED),
        Target(FORGED, app, [valid.replace(token, b"f" * len(token))], 303),
        get(QUESTION, QUESTION_PATH, NEWCOMER),
        review,
        Target(CONFIRM, app, _confirmations(environment, app.port), 303, reopen, once=True),
    ]


def _confirmations(environment: Environment, port: int) -> list[bytes]:
    """Return what the review's form sends, of each draft."""
    requests = environment.requests(port, REVIEW_PATH, DRAFT, DRAFTS)
    confirmations = []
    for number, page in enumerate(load.fetch_all(port, requests, 200)[0], 1):
        action, fields = parse_form(page)
        path = urljoin(REVIEW_PATH, action)
        confirmations.append(environment.request(port, path, (DRAFT, number), fields))
    return confirmations
