"""`python -m bench.start`: how long the app takes to start, what it imports, what memory it keeps."""

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bench import document, load, usage
from bench import scene as scenes
from bench.figures import median, ratio, spread
from bench.goals import Goal, goals_table
from bench.scene import ONBOARDED, Scene, request
from devstack.app import App
from devstack.processes import ROOT, Child, wait_for

ROUNDS = 9
# What nobody who writes such an app with this driver can do without.
BARE = "import flask, sqlalchemy, psycopg"
# All modules that serve, and what they import; nothing is made yet.
MODULES = "import onboarding"
# What a server loads: the modules, and the app that it makes of them.
MADE = "import wsgi"
TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
LOCKED = ROOT / "requirements" / "app.txt"
SHOWN = 12


def main() -> None:
    """Measure, print, and write the document unless it was a quick try."""
    parser = argparse.ArgumentParser(prog="python -m bench.start")
    parser.add_argument("--quick", action="store_true", help="one round; writes nothing")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder, scenes.opened(Path(folder)) as scene:
        url = scene.create_database("start")
        scene.people(url, ONBOARDED, 100)
        lines = _lines(scene, url, 1 if quick else ROUNDS)
    print("\n".join(lines))
    if not quick:
        document.write("start", lines)


def _lines(scene: Scene, url: str, rounds: int) -> list[str]:
    environment = scenes.app(scene, url).environment()
    started: list[float] = []
    took: dict[str, list[float]] = {BARE: [], MODULES: [], MADE: []}
    making: dict[str, list[float]] = {}
    for _ in range(rounds):
        started.append(_seconds_to_first_page(scene, url))
        for statement, seconds in took.items():
            seconds.append(_import_seconds(statement, environment))
        for part, ms in json.loads(_said(["-m", "bench.making"], environment)).items():
            making.setdefault(part, []).append(ms)
    alone, four = _pss_mib(scene, url, 1), _pss_mib(scene, url, 4)
    measures = [
        ["from the command to the first page", spread([one * 1000 for one in started]), ""],
        *(
            [name, spread([one * 1000 for one in seconds]), f"{ratio(seconds, took[BARE]):.2f}"]
            for name, seconds in (
                (f"`{BARE}`: the bare import", took[BARE]),
                (f"`{MODULES}`: the app's modules", took[MODULES]),
                (f"`{MADE}`: the modules, and the app made of them", took[MADE]),
            )
        ),
    ]
    goals = [
        Goal("start to the first page, s", 0.8, 0.5, median(started)),
        Goal(
            "import of the app's modules : bare import",
            1.25,
            1.25,
            ratio(took[MODULES], took[BARE]),
        ),
        Goal("PSS of a worker alone, MiB", 55, 48, alone),
        Goal("PSS of each of four, MiB", 42, 38, four),
    ]
    bare, ours = _imports(BARE, environment), _imports(MODULES, environment)
    imported = [[name, f"{ms:.0f}", f"{bare[name]:.0f}"] for name, ms in ours.most_common(SHOWN)]
    made = sorted(making.items(), key=lambda part: -median(part[1]))
    return [
        document.machine("flask", "gunicorn", "sqlalchemy", "psycopg"),
        "",
        *document.table(["", "ms: median (least–greatest)", "× the bare import"], measures),
        "",
        "What the imports are made of, each package's own modules, by `-X importtime`, which slows them down:",
        "",
        *document.table(["package", "the app's modules, ms", "the bare import, ms"], imported),
        "",
        "What the making of the app is made of:",
        "",
        *document.table(
            ["", "ms: median (least–greatest)"], [[part, spread(ms)] for part, ms in made]
        ),
        "",
        *document.table(
            ["memory (PSS) of a worker", "MiB"],
            [["alone", f"{alone:.0f}"], ["each of four", f"{four:.0f}"]],
        ),
        "",
        *goals_table(goals),
    ]


def _gunicorn(scene: Scene, app: App) -> Child:
    with usage.on_core(usage.SERVERS_CORE):
        return Child(
            "the app",
            [sys.executable, "-m", "gunicorn", "wsgi:app"],
            log=scene.logs / f"start-{app.port}.log",
            environment=app.environment(),
        )


def _page(scene: Scene, app: App, number: int = 1) -> bytes:
    return request(app.port, "/profile", scene.cookie_of(ONBOARDED, number))


def _first_page(scene: Scene, app: App) -> str | None:
    try:
        load.ask(app.port, [_page(scene, app)], 200)
    except OSError as error:
        return str(error)
    return None


def _seconds_to_first_page(scene: Scene, url: str) -> float:
    app = scenes.app(scene, url)
    began = time.perf_counter()
    with _gunicorn(scene, app):
        while _first_page(scene, app) is not None:
            if time.perf_counter() - began > load.PATIENCE_S:
                raise load.LoadFailed("it doesn't start")
            time.sleep(0.002)
        return time.perf_counter() - began


def _import_seconds(statement: str, environment: Mapping[str, str]) -> float:
    return float(_said(["-c", f"{_as_deployed()}; {TIMED.format(statement)}"], environment))


@cache
def _as_deployed() -> str:
    """A statement that hides what only development has: some libraries load whatever they find."""
    locked = set(re.findall(r"^([\w-]+)(?:\[.*\])?==", LOCKED.read_text(), re.MULTILINE))
    hidden = [
        module
        for module, packages in importlib.metadata.packages_distributions().items()
        if locked.isdisjoint(re.sub(r"[-_.]+", "-", package).lower() for package in packages)
    ]
    return f"import sys; sys.modules.update(dict.fromkeys({sorted(hidden)}))"


def _said(arguments: list[str], environment: Mapping[str, str], *, stream: str = "stdout") -> str:
    """What a Python of its own, started with these arguments, writes to one of its streams."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said: str = getattr(done, stream)
    return said


def _imports(statement: str, environment: Mapping[str, str]) -> Counter[str]:
    """Milliseconds in each package's own modules, and `(Python's own)` for the standard library's."""
    spent: Counter[str] = Counter()
    code = f"{_as_deployed()}; {statement}"
    told = _said(["-X", "importtime", "-c", code], environment, stream="stderr")
    for line in told.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if own.strip().isdigit():
            package = rest.partition("|")[2].strip().partition(".")[0]
            name = "(Python's own)" if package in sys.stdlib_module_names else f"`{package}`"
            spent[name] += int(own) / 1000  # type: ignore[assignment]
    return spent


def _pss_mib(scene: Scene, url: str, workers: int) -> float:
    app = scenes.app(scene, url, workers)
    with _gunicorn(scene, app) as server:
        wait_for(server, lambda: _first_page(scene, app))
        asked = [_page(scene, app, number) for number in range(1, 101)]
        load.saturate(app.port, asked, 200, seconds=2, connections=4 * load.CONNECTIONS)
        return median([usage.pss_mib(worker) for worker in usage.workers_of(server.pid)])


if __name__ == "__main__":
    main()
