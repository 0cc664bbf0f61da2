"""The measured pages beside their peers as a document shows them: tables, goals and a chart."""

from collections.abc import Mapping, Sequence

from bench import document, load
from bench.asked import USUAL_PER_SECOND
from bench.chart import Bar, bars
from bench.figures import median, ratio, spread
from bench.goals import Goal, goals_table
from bench.served import GET_SESSION, HELLO, HONO, nodes, version_of
from bench.targets import CONFIRM, FORGED, GRANIAN, PROFILE, Target


def tables(
    targets: Sequence[Target], rounds: int, seconds: float, postgres_version: str
) -> list[str]:
    """All that was measured, as the lines of the document."""
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


def chart(targets: Sequence[Target]) -> str:
    """The CPU of the signed-in page, ours and theirs, as an SVG image."""
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
