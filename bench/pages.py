"""`python -m bench.pages` (`make bench`): what each page costs, beside what its users would compare it with.

All servers run at once, one worker each on one core; the client and PostgreSQL have another. Each round
measures every target once, one after the other, so that whatever slows the machine down slows all of
them; ratios are taken within a round.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from bench import document, load, usage
from bench import scene as scenes
from bench.chart import Bar, bars
from bench.figures import median, ratio, spread
from bench.goals import Goal, goals_table
from bench.scene import DRAFT, NEWCOMER, ONBOARDED, Scene, request
from bench.served import (
    GET_SESSION,
    HELLO,
    HONO,
    Served,
    granian,
    nodes,
    our_app,
    our_app_under,
    peers,
    version_of,
)
from devstack.processes import ROOT
from onboarding.web.assets import Assets

ROUNDS, SECONDS = 7, 2.0
# A site with some hundred people at once, each of whom clicks now and then.
USUAL_PER_SECOND = 200
CROWD = 10_000
# As many different people as are asked for in turn: enough that no cache of one row helps.
ASKED = 500
CONFIRMED = 5_000
CHART = ROOT / "docs" / "images" / "performance.svg"

PROFILE, GRANIAN = "profile page", "profile page, under granian"
GATE, FORGED = "not onboarded: the gate's redirect", "a forged cookie"
CONFIRM, STATIC = "confirm, each a new person", "a static file"
ANSWERS = {"python_proficiency": "Intermediate", "developer_role": "Full Stack Developer"}


@dataclass
class Target:
    """Something to ask for, and what came of it: a figure for each round."""

    name: str
    served: Served
    requests: Sequence[bytes]
    status: int = 200
    is_ours: bool = False
    before: Callable[[], None] = lambda: None
    once: bool = False
    paced: bool = False
    trips: int = 0
    pss_mib: float = 0
    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    postgres_us: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    usual_p50_ms: list[float] = field(default_factory=list)
    usual_p99_ms: list[float] = field(default_factory=list)
    client_us: list[float] = field(default_factory=list)


def main() -> None:
    """Measure, print, and write the document unless it was a quick try."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each target and round")
    parser.add_argument("--quick", action="store_true", help="one short round; writes nothing")
    given = parser.parse_args()
    rounds, seconds = (1, 0.3) if given.quick else (given.rounds, given.seconds)
    if usage.cores() < 2:
        print(
            "one core only: servers, client and database share it, and nothing here is worth much"
        )
    with (
        tempfile.TemporaryDirectory() as folder,
        scenes.opened(Path(folder)) as scene,
        _targets(scene) as targets,
        usage.on_core(usage.OTHERS_CORE),
    ):
        for target in targets:
            target.before()
            _warm_up(target, seconds)
        for number in range(rounds):
            for target in targets:
                _measure(target, scene, seconds)
            print(f"round {number + 1} of {rounds}")
        for target in targets:
            target.pss_mib = usage.pss_mib(usage.workers_of(target.served.child.pid)[0])
        _count_trips(targets, scene)
        lines = _lines(targets, rounds, seconds, scene.version())
    print("\n".join(lines))
    if not given.quick:
        document.write("pages", lines)
        CHART.write_text(_chart(targets))


@contextmanager
def _targets(scene: Scene) -> Iterator[list[Target]]:
    url = scene.create_database("pages")
    for kind, count in ((ONBOARDED, CROWD), (NEWCOMER, CROWD), (DRAFT, CONFIRMED)):
        scene.people(url, kind, count)
    scene.settle(url)
    with ExitStack() as running:
        app = our_app(scene, url)
        running.enter_context(app.child)
        other = scenes.app(scene, url)
        under_granian = our_app_under(granian(other, threads=1), other, scene, "granian")
        running.enter_context(under_granian.child)
        page = Target(GRANIAN, under_granian, _as(scene, under_granian, "/profile"))
        targets = [*_ours(scene, url, app), page]
        for target in targets:
            target.is_ours = True
        for peer in peers():
            served = peer.start(scene, url)
            running.enter_context(served.child)
            asked = _as(scene, served, peer.path)
            targets.append(Target(peer.name, served, asked, paced=peer.name == HELLO))
        yield targets


def _as(scene: Scene, served: Served, path: str, kind: str = ONBOARDED) -> list[bytes]:
    """The same request by many people, in turn."""
    return [request(served.port, path, scene.cookie_of(kind, n)) for n in range(1, ASKED + 1)]


def _ours(scene: Scene, url: str, app: Served) -> list[Target]:
    def confirm(kind: str, number: int) -> bytes:
        form = urlencode({"csrf_token": scene.csrf_of(kind, number), **ANSWERS})
        return request(app.port, "/onboarding/review", scene.cookie_of(kind, number), form=form)

    def undo() -> None:
        # Past the trigger that makes answers final, as only an administrator of the database can.
        scene.sql(
            url,
            "UPDATE user_profile SET is_onboarded = false WHERE user_id IN"
            " (SELECT md5({kind} || n) FROM generate_series(1, {count}) n)",
            "VACUUM user_profile",
            kind=DRAFT,
            count=CONFIRMED,
        )

    def unchanged(number: int) -> bytes:
        cookie = scene.cookie_of(ONBOARDED, number)
        answer = load.ask(app.port, [request(app.port, "/api/profile", cookie)], 200)
        found = re.search(rb"\r\netag: (\S+)\r\n", answer, re.IGNORECASE)
        if found is None:
            raise load.LoadFailed(f"no ETag in {answer!r}")
        tag = {"If-None-Match": found[1].decode()}
        return request(app.port, "/api/profile", cookie, headers=tag)

    forged = scene.cookie_of(ONBOARDED, 1).replace(scene.token(ONBOARDED, 1), "f" * 32)
    style = Assets(ROOT / "onboarding" / "static", {}).address("/static/style.css")
    question = "/onboarding/python-proficiency"
    new_people, people = range(1, CONFIRMED + 1), range(1, ASKED + 1)
    confirmed = [confirm(DRAFT, number) for number in new_people]
    again = [confirm(ONBOARDED, number) for number in people]
    return [
        Target(PROFILE, app, _as(scene, app, "/profile"), paced=True),
        Target(GATE, app, _as(scene, app, "/profile", NEWCOMER), 303),
        Target(FORGED, app, [request(app.port, "/profile", forged)], 303),
        Target("a question of the wizard", app, _as(scene, app, question, NEWCOMER)),
        Target(CONFIRM, app, confirmed, 303, before=undo, once=True),
        Target("confirm, sent again", app, again, 303),
        Target("`GET /api/profile`", app, _as(scene, app, "/api/profile")),
        Target("`GET /api/profile`, 304", app, [unchanged(number) for number in people], 304),
        Target(STATIC, app, [request(app.port, style)]),
        Target("`/healthz`", app, [request(app.port, "/healthz")]),
    ]


def _warm_up(target: Target, seconds: float) -> None:
    # As long as a round: V8 compiles what it has seen run for a while.
    port, asked = target.served.port, target.requests
    load.saturate(port, asked, target.status, seconds=seconds, once=target.once)


def _measure(target: Target, scene: Scene, seconds: float) -> None:
    target.before()
    server, postgres = target.served.child.pid, scene.server.child.pid
    used, used_there = usage.cpu_s(server), usage.cpu_s(postgres)
    burst = load.saturate(
        target.served.port, target.requests, target.status, seconds=seconds, once=target.once
    )
    count = len(burst.latencies_s)
    target.cpu_us.append((usage.cpu_s(server) - used) / count * 1e6)
    target.postgres_us.append((usage.cpu_s(postgres) - used_there) / count * 1e6)
    target.client_us.append(burst.own_cpu_s / count * 1e6)
    target.per_second.append(burst.per_second)
    target.p50_ms.append(burst.percentile_ms(50))
    target.p99_ms.append(burst.percentile_ms(99))
    if target.paced:
        usual = load.paced(
            target.served.port,
            target.requests,
            target.status,
            seconds=seconds,
            per_second=USUAL_PER_SECOND,
        )
        target.usual_p50_ms.append(usual.percentile_ms(50))
        target.usual_p99_ms.append(usual.percentile_ms(99))


def _count_trips(targets: Sequence[Target], scene: Scene) -> None:
    """Count the statements of a request at the database's server, BEGIN and pings included."""
    scene.sql(scene.server.url(), "ALTER SYSTEM SET log_statement = 'all'")
    scene.sql(scene.server.url(), "SELECT pg_reload_conf()")
    time.sleep(0.5)
    for target in targets:
        target.before()
        counts = []
        for asked in target.requests[:5]:
            before = scene.server.log_size()
            load.ask(target.served.port, [asked], target.status)
            counts.append(len(scene.server.statements(after=before)))
        # The median: the app looks at the layout anew at times, and pools look after themselves.
        target.trips = int(median(counts))


def _lines(
    targets: Sequence[Target], rounds: int, seconds: float, postgres_version: str
) -> list[str]:
    by_name = {target.name: target for target in targets}
    floor = by_name[HELLO]

    def row(target: Target) -> list[str]:
        return [
            target.name,
            f"{target.trips}",
            spread(target.per_second),
            spread(target.cpu_us),
            f"{ratio(target.per_second, floor.per_second):.2f}",
            f"{ratio(target.cpu_us, floor.cpu_us):.2f}",
            f"{median(target.postgres_us):,.0f}",
            f"{median(target.p50_ms):.1f}",
            f"{median(target.p99_ms):.1f}",
            f"{target.pss_mib:.0f}",
        ]

    head = (
        "statements, requests/s, CPU µs, × hello's requests/s, × hello's CPU, PostgreSQL's CPU µs, "
        "p50 ms, p99 ms, PSS MiB"
    )
    ours = [target for target in targets if target.is_ours]
    theirs = [target for target in targets if not target.is_ours]
    packages = ("flask", "gunicorn", "sqlalchemy", "psycopg", "granian", "fastapi", "django")
    node = " and ".join(version_of(program) for program in nodes().values())
    client = median(floor.client_us)
    how = (
        f"{rounds} rounds of {seconds:g} s, {load.CONNECTIONS} connections. The client took "
        f"{client:.0f} µs of its own core for each of hello's answers, so it could have asked for "
        f"{1e6 / client:,.0f} a second."
    )
    return [
        document.machine(*packages, more=f"Node {node}, PostgreSQL {postgres_version}"),
        how,
        "",
        "![CPU for each request of the signed-in page, beside its peers](images/performance.svg)",
        "",
        *document.table(["this app", *head.split(", ")], map(row, ours)),
        "",
        *document.table(["its peers", *head.split(", ")], map(row, theirs)),
        "",
        f"At {USUAL_PER_SECOND} requests a second:",
        "",
        *document.table(
            ["", "p50 ms", "p99 ms"],
            (
                [one.name, spread(one.usual_p50_ms, 2), spread(one.usual_p99_ms, 2)]
                for one in targets
                if one.paced
            ),
        ),
        "",
        *goals_table(_goals(by_name)),
    ]


def _goals(by_name: Mapping[str, Target]) -> list[Goal]:
    hello, page = by_name[HELLO], by_name[PROFILE]

    def cpu(one: Target, other: Target) -> float:
        return ratio(one.cpu_us, other.cpu_us)

    goals = [
        Goal("statements of a page", 1, 1, page.trips),
        Goal("statements of a save", 2, 1, by_name[CONFIRM].trips),
        Goal("statements for a forged cookie", 0, 0, by_name[FORGED].trips),
        Goal("page : hello, requests/s", 0.5, 0.58, ratio(page.per_second, hello.per_second), True),
        Goal("page : hello, CPU", 2, 1.75, cpu(page, hello)),
        Goal(
            "page under granian : hello under gunicorn, CPU", 1.2, 1, cpu(by_name[GRANIAN], hello)
        ),
        Goal("static file : hello, CPU", 0.5, 0.35, cpu(by_name[STATIC], hello)),
        Goal("page at saturation, p99 : p50", 2.2, 1.7, ratio(page.p99_ms, page.p50_ms)),
    ]
    for name, must, stretch in (
        (f"{GET_SESSION}, Node 24", 1 / 1.8, 1 / 2.2),
        (f"{GET_SESSION}, Node 20", 1 / 3, 1 / 4),
        (f"{HONO}, Node 24", 1 / 1.4, 1 / 1.6),
    ):
        if name in by_name:
            what = f"page : {name}, CPU"
            goals.append(Goal(what, round(must, 2), round(stretch, 2), cpu(page, by_name[name])))
    for percent, must, stretch, ours, theirs in (
        (50, 1.5, 1.3, page.usual_p50_ms, hello.usual_p50_ms),
        (99, 3.5, 2, page.usual_p99_ms, hello.usual_p99_ms),
    ):
        what = f"page : hello at {USUAL_PER_SECOND}/s, p{percent}"
        goals.append(Goal(what, must, stretch, ratio(ours, theirs)))
    return goals


def _chart(targets: Sequence[Target]) -> str:
    shown = [
        target for target in targets if not target.is_ours or target.name in (PROFILE, GRANIAN)
    ]
    return bars(
        "The signed-in page: CPU for each request",
        "One worker on one core, in the same run; the server's processes alone. Less is better.",
        "µs",
        [
            Bar(
                f"this app{target.name.removeprefix('profile page')}"
                if target.is_ours
                else target.name.replace("`", ""),
                median(target.cpu_us),
                target.is_ours,
            )
            for target in targets
            if target in shown
        ],
    )


if __name__ == "__main__":
    main()
