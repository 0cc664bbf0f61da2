"""`python -m bench.pages` (`make bench`): what each page costs, beside what its users would compare it with.

All servers run at once, one worker each on one core; the client and PostgreSQL have another. Each round
measures every target once, one after the other, so that whatever slows the machine down slows all of
them; ratios are taken within a round.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import comparison, document, load, usage
from bench import scene as scenes
from bench.figures import median
from bench.scene import Scene
from bench.targets import Target, all_running
from devstack.processes import ROOT

ROUNDS, SECONDS = 7, 2.0
CHART = ROOT / "docs" / "images" / "performance.svg"


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
        all_running(scene) as targets,
        usage.on_core(usage.OTHERS_CORE),
    ):
        for target in targets:
            target.before()
            target.warm_up(seconds)
        for number in range(rounds):
            for target in targets:
                target.before()
                target.measure(scene, seconds)
                if target.paced:
                    target.measure_usual(seconds)
            print(f"round {number + 1} of {rounds}")
        for target in targets:
            target.pss_mib = usage.pss_mib(usage.workers_of(target.served.child.pid)[0])
        _count_trips(targets, scene)
        lines = comparison.tables(targets, rounds, seconds, scene.version())
    print("\n".join(lines))
    if not given.quick:
        document.write("pages", lines)
        CHART.write_text(comparison.chart(targets))


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


if __name__ == "__main__":
    main()
