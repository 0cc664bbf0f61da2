"""`python -m bench.releases OLD`: another checkout of this app against this one, in one run.

Each is started by its own Python, as it is deployed, before the same database and users. They are measured
in turn; a ratio is the median of the ratios within each round.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import report, targets
from bench.environment import open_environment
from bench.report import median_ratio
from bench.servers import start_app
from devstack.processes import ROOT

# New against old, at most.
GOALS = {
    **dict.fromkeys((targets.PROFILE, targets.GATE, targets.API), 1.15),
    **dict.fromkeys((targets.QUESTION, targets.REVIEW), 1.45),
    targets.CONFIRM: 1.0,
}
HEAD = "old CPU µs, new CPU µs, new : old, at most, old PostgreSQL's CPU µs, new PostgreSQL's CPU µs, new : old"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.releases")
    parser.add_argument("old", type=Path, help="a checkout with a .venv of its own")
    parser.add_argument("--new", type=Path, default=ROOT, help="by default this checkout")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each page and round")
    given = parser.parse_args()
    checkouts = [given.old.resolve(), given.new.resolve()]
    with open_environment(*checkouts) as environment, ExitStack() as running:
        url = environment.create_database("releases")
        targets.add_users(environment, url)
        apps = [start_app(environment, url, checkout=checkout) for checkout in checkouts]
        for app in apps:
            running.enter_context(app.child)
        pages = [targets.app_targets(environment, url, app) for app in apps]
        pairs = list(zip(*pages, strict=True))
        in_turn = [target for pair in pairs for target in pair]
        targets.measure_in_turn(in_turn, environment, given.rounds, given.seconds)
    rows = [
        [
            old.name,
            *(f"{median(one.cpu_us):,.0f}" for one in (old, new)),
            f"{median_ratio(new.cpu_us, old.cpu_us):.2f}",
            f"≤ {GOALS[old.name]}" if old.name in GOALS else "",
            *(f"{median(one.postgres_us):,.0f}" for one in (old, new)),
            f"{median(new.postgres_us) / median(old.postgres_us):.2f}"
            if all(old.postgres_us)
            else "",
        ]
        for old, new in pairs
    ]
    print(f"{given.rounds} rounds of {given.seconds:g} s for each page.")
    print("\n".join(report.table(["", *HEAD.split(", ")], rows)))


if __name__ == "__main__":
    main()
