"""`python -m bench.pages` (`make bench`): what each page costs, beside its peers.

All servers run at once, with one worker each on one core; the client and PostgreSQL have another one.
"""

from contextlib import ExitStack
from functools import partial
from statistics import median

from bench import load, report, usage
from bench.environment import ONBOARDED, Environment, open_environment
from bench.report import median_ratio, spread
from bench.servers import HELLO, PEER_COMMANDS, start_app, start_peer
from bench.targets import CONFIRM, FORGED, PROFILE, Target, add_users, app_targets, measure_in_turn

HEAD = "statements, requests/s, CPU µs, × hello's CPU, PostgreSQL's CPU µs, p99 ms, PSS MiB"


def measure(quick: bool) -> list[str]:
    """Return the document's lines."""
    rounds, seconds = (1, 0.3) if quick else (5, 2.0)
    with open_environment() as environment, ExitStack() as running:
        url = environment.create_database("pages")
        add_users(environment, url)
        app = start_app(environment, url)
        running.enter_context(app.child)
        ours, peers = app_targets(environment, url, app), []
        for name, (_, path) in PEER_COMMANDS.items():
            peer = start_peer(environment, url, name)
            running.enter_context(peer.child)
            peers.append(Target(name, peer, environment.requests(peer.port, path, ONBOARDED)))
        targets = [*ours, *peers]
        measure_in_turn(targets, environment, rounds, seconds)
        environment.log_statements()
        statements = {target.name: _statements(environment, target) for target in targets}
        hello = next(target for target in peers if target.name == HELLO)

        def row(target: Target) -> list[str]:
            return [
                target.name,
                f"{statements[target.name]:g}",
                spread(target.per_second),
                spread(target.cpu_us),
                f"{median_ratio(target.cpu_us, hello.cpu_us):.2f}",
                f"{median(target.postgres_us):,.0f}",
                f"{median(target.p99_ms):.1f}",
                f"{usage.pss_mib(usage.workers(target.server.child.pid)[0]):.0f}",
            ]

        goals = ((PROFILE, 1), (CONFIRM, 2), (FORGED, 0))
        return [
            report.machine("flask", "gunicorn", "sqlalchemy", "psycopg", "fastapi", "django"),
            f"{rounds} rounds of {seconds:g} s, {load.CONNECTIONS} connections.",
            *report.table(["this app", *HEAD.split(", ")], map(row, ours)),
            *report.table(["its peers", *HEAD.split(", ")], map(row, peers)),
            *report.goals_table(
                (f"statements: {name}", most, statements[name]) for name, most in goals
            ),
        ]


def _statements(environment: Environment, target: Target) -> float:
    """Return the statements of a request: the median, since pools look after their connections at times."""
    target.before()
    fetch = partial(load.fetch_all, target.server.port, status=target.status)
    return median(
        environment.count_statements(partial(fetch, [one])) for one in target.requests[:5]
    )


if __name__ == "__main__":
    report.run("pages", measure)
