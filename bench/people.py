"""`python -m bench.people`: what people feel: requests, statements and time with a network in between.

The database is a round trip of 1, 5 or 20 ms away, behind a TCP proxy. The browser is 40 ms away: that much
is added for each request and for connecting.
"""

import re
from collections.abc import Iterator
from statistics import median
from urllib.parse import urljoin, urlsplit

from bench import load, report, usage
from bench.delay_proxy import start_delay_proxy
from bench.environment import NEWCOMER, ONBOARDED, Environment, open_environment, parse_form
from bench.report import percentile
from bench.servers import DJANGO, GET_SESSION, HONO, ORM, PEER_COMMANDS, start_app, start_peer

DATABASE_MS, BROWSER_MS = (1, 5, 20), 40
OURS, PEERS = "this app", (ORM, GET_SESSION, HONO, DJANGO)
Cell = tuple[str, int]
"""A server's name, and the milliseconds to its database."""


def measure(quick: bool) -> list[str]:
    """Return the document's lines."""
    walks, pages = (3, 20) if quick else (50, 200)
    page_ms: dict[Cell, list[float]] = {}
    way_ms: dict[Cell, list[float]] = {}
    with open_environment() as environment, usage.on_core(usage.OTHER_CORE):
        url, near = environment.create_database("people"), environment.postgres.port
        newcomers = iter(range(1, 1000))
        environment.add_users(url, NEWCOMER, 1000)
        environment.add_users(url, ONBOARDED, pages)
        environment.execute(url, "VACUUM (ANALYZE)")
        for away_ms in DATABASE_MS:
            port = start_delay_proxy(near, away_ms / 1000)
            far = url.replace(f":{near}/", f":{port}/")
            for name in PEERS:
                server = start_peer(environment, far, name)
                with server.child:
                    path = PEER_COMMANDS[name][1]
                    page_ms[name, away_ms] = _page_ms(environment, server.port, path, pages)
            server = start_app(environment, far)
            with server.child:
                page_ms[OURS, away_ms] = _page_ms(environment, server.port, "/profile", pages)
                _walk(environment, server.port, newcomers)  # prepares statements
                ways = [_walk(environment, server.port, newcomers)[0] for _ in range(walks)]
                way_ms[OURS, away_ms] = [sum(way) + BROWSER_MS for way in ways]
        requests, until_question, statements = _count(environment, url, newcomers)
    for (name, away_ms), found in page_ms.items():
        # Of a peer: as many pages, and connecting.
        way_ms.setdefault((name, away_ms), [requests * median(found) + BROWSER_MS])

    def rows(figures: dict[Cell, list[float]]) -> list[list[str]]:
        return [
            [name, *(f"{median(figures[name, ms]):,.0f}" for ms in DATABASE_MS)]
            for name in (OURS, *PEERS)
        ]

    def compared(figures: dict[Cell, list[float]], ms: int, *names: str) -> float:
        return median(figures[OURS, ms]) / min(median(figures[name, ms]) for name in names)

    away = [f"database {ms} ms away" for ms in DATABASE_MS]
    way_ratios = {ms: compared(way_ms, ms, ORM, GET_SESSION, HONO) for ms in DATABASE_MS}
    p99 = [f"{percentile(way_ms[OURS, ms], 99):,.0f}" for ms in DATABASE_MS]
    return [
        report.machine("flask", "gunicorn", "sqlalchemy", "psycopg", "django"),
        f"{walks} newcomers, {pages} pages; medians in ms, with {BROWSER_MS} ms to the browser.",
        *report.table(["profile", *away], rows(page_ms)),
        f"The whole onboarding, {requests} requests; of a peer, as many for its profile, none of which saves:",
        *report.table(["whole way", *away], [*rows(way_ms), [f"{OURS}, p99", *p99]]),
        *report.goals_table(
            [
                ("requests to the first question, and connecting", 3, until_question + 1),
                ("requests of the whole way", 9, requests),
                ("statements of the whole way", 11, statements),
                (f"profile : {ORM}, {away[1]}", 0.6, compared(page_ms, 5, ORM)),
                (f"profile : {HONO}, {away[1]}", 0.8, compared(page_ms, 5, HONO)),
                *(
                    (f"whole way : fastest peer but Django, database {ms} ms away", 1, ratio)
                    for ms, ratio in way_ratios.items()
                ),
            ]
        ),
    ]


def _page_ms(environment: Environment, port: int, path: str, count: int) -> list[float]:
    requests = environment.requests(port, path, ONBOARDED, count)
    load.fetch_all(port, requests[:20], 200)  # prepares statements, opens connections
    return [ms + BROWSER_MS for ms in load.fetch_all(port, requests, 200)[1]]


def _walk(environment: Environment, port: int, newcomers: Iterator[int]) -> tuple[list[float], int]:
    """Answer everything as the next newcomer and confirm, from where sign-in leads until the profile.

    Return the milliseconds of each request, and how many come before the first question is there.
    """
    user, path, form = (NEWCOMER, next(newcomers)), "/", list[tuple[str, str]]()
    took, until_question, connection = list[float](), 0, load.Connection(port)
    while True:
        took.append(connection.fetch(environment.request(port, path, user, form)) + BROWSER_MS)
        head, _, page = connection.answer.partition(b"\r\n\r\n")
        location = re.search(rb"\r\nlocation: (\S+)", head, re.IGNORECASE)
        if location:
            path, form = urljoin(path, location[1].decode()).partition("#")[0], []
        elif urlsplit(path).path == "/profile":
            connection.socket.close()
            return took, until_question
        else:
            until_question = until_question or len(took)
            action, form = parse_form(page)
            path = urljoin(path, action)


def _count(environment: Environment, url: str, newcomers: Iterator[int]) -> tuple[int, int, int]:
    """Return a newcomer's requests in all and to the first question, and the statements in all."""
    server = start_app(environment, url)
    with server.child:
        took, until_question = _walk(environment, server.port, newcomers)
        environment.log_statements()
        statements = environment.count_statements(
            lambda: _walk(environment, server.port, newcomers)
        )
    return len(took), until_question, statements


if __name__ == "__main__":
    report.run("people", measure)
