"""`python -m bench.inside`: what a request costs the app alone, without a server, and what that is made of.

The app is called as a server calls it, in this process. What it costs under a server is more: the
server's own work, and caches that forget while others run.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import create_environ

from bench import document, usage
from bench import scene as scenes
from bench.figures import median, ratio, spread
from bench.goals import Goal, goals_table
from bench.scene import BROWSER, DRAFT, NEWCOMER, ONBOARDED, Scene
from bench.served import HELLO, PEERS
from devstack.app import App
from onboarding.betterauth.cookie import SessionCookie
from onboarding.sources.tables import SharedTables
from onboarding.web.pages import Pages

ROUNDS, REQUESTS, PEOPLE = 15, 400, 100
STATIC, PAGE = "a static file", "profile page"
# The parts of a page that have a function of their own: its owner, its name, what it does.
PARTS = (
    (Flask, "preprocess_request", "the gate"),
    (SessionCookie, "token", "the cookie"),
    (SharedTables, "of", "the read"),
    (Flask, "dispatch_request", "the view"),
    (Pages, "render", "the template"),
)

Environs = Sequence[dict[str, Any]]
Answer = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def main() -> None:
    """Measure, print, and write the document unless it was a quick try."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside")
    parser.add_argument("--quick", action="store_true", help="one round; writes nothing")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder, scenes.opened(Path(folder)) as scene:
        url = scene.create_database("inside")
        for kind in (ONBOARDED, NEWCOMER, DRAFT):
            scene.people(url, kind, PEOPLE)
        scene.settle(url)
        served = scenes.app(scene, url)
        os.environ.update(served.environment())
        with usage.on_core(usage.SERVERS_CORE):
            lines = _lines(_asked(scene, served), 1 if quick else ROUNDS)
    print("\n".join(lines))
    if not quick:
        document.write("inside", lines)


def _asked(scene: Scene, served: App) -> Mapping[str, tuple[Answer, str, Environs]]:
    """What is called, with which status and as whom, by name."""
    app: Flask = importlib.import_module("wsgi").app
    sys.path.insert(0, str(PEERS))
    hello: Flask = importlib.import_module("flask_hello").app
    forged = scene.cookie_of(ONBOARDED, 1).replace(scene.token(ONBOARDED, 1), "f" * 32)
    script = app.extensions["onboarding"].assets.address("/static/frame.js")

    def one(path: str, cookie: str) -> dict[str, Any]:
        return create_environ(path, served.url, headers={**BROWSER, "Cookie": cookie})

    def each(path: str, kind: str) -> Environs:
        return [one(path, scene.cookie_of(kind, number)) for number in range(1, PEOPLE + 1)]

    return {
        HELLO: (hello, "200", each("/", ONBOARDED)),
        PAGE: (app, "200", each("/profile", ONBOARDED)),
        "not onboarded: the gate's redirect": (app, "303", each("/profile", NEWCOMER)),
        "a forged cookie": (app, "303", [one("/profile", forged)]),
        "a question of the wizard": (app, "200", each("/onboarding/python-proficiency", NEWCOMER)),
        "the answers to check": (app, "200", each("/onboarding/review", DRAFT)),
        "`GET /api/profile`": (app, "200", each("/api/profile", ONBOARDED)),
        STATIC: (app, "200", each(script, ONBOARDED)),
    }


def _lines(asked: Mapping[str, tuple[Answer, str, Environs]], rounds: int) -> list[str]:
    took: dict[str, list[float]] = {name: [] for name in asked}
    for turn in range(rounds + 1):
        for name, called in asked.items():
            us = _cpu_us(*called)
            if turn:  # the first fills caches
                took[name].append(us)
    hello = took[HELLO]
    rows = [[name, spread(us), f"{ratio(us, hello):.2f}"] for name, us in took.items()]
    return [
        document.machine("flask", "sqlalchemy", "psycopg"),
        f"{rounds} rounds of {REQUESTS} requests, {PEOPLE} people in turn.",
        "",
        *document.table(["in process", "CPU µs", "× hello's"], rows),
        "",
        f"What the {PAGE} is made of, by the thread's own clock around each part:",
        "",
        *document.table(["part", "CPU µs"], _parts(*asked[PAGE])),
        "",
        *goals_table(
            [Goal("static file : hello, in process", 0.5, 0.35, ratio(took[STATIC], hello))]
        ),
    ]


def _cpu_us(answer: Answer, status: str, environs: Environs) -> float:
    began = time.process_time()
    for environ, _ in zip(cycle(environs), range(REQUESTS), strict=False):
        _call(answer, status, environ)
    return (time.process_time() - began) / REQUESTS * 1e6


def _call(answer: Answer, status: str, environ: dict[str, Any]) -> None:
    told: list[str] = []
    body = answer(dict(environ), lambda status, _headers, *_error: told.append(status))
    for _ in body:
        pass
    getattr(body, "close", lambda: None)()
    if not told[0].startswith(status):
        raise RuntimeError(f"{told[0]} instead of {status}")


def _parts(answer: Answer, status: str, environs: Environs) -> list[list[str]]:
    with _timed() as took:
        for environ in (*environs, *environs, *environs):
            began = time.thread_time_ns()
            _call(answer, status, environ)
            took["all"].append(time.thread_time_ns() - began)
    us = {name: median(times) / 1000 for name, times in took.items()}
    gate = us["the gate"] - us["the cookie"] - us["the read"]
    view = us["the view"] - us["the template"]
    flask = us["all"] - us["the gate"] - us["the view"]
    rows = {
        "Flask and Werkzeug: context, route, hooks, the answer's headers": flask,
        "the gate: host, method, door": gate,
        "the cookie and its signature": us["the cookie"],
        "the read: deadline, bulkhead, pool, driver, the wait, the identity": us["the read"],
        "the view, and the answer made of its page": view,
        "the template": us["the template"],
    }
    return [[name, f"{figure:,.0f}"] for name, figure in rows.items()]


@contextmanager
def _timed() -> Iterator[dict[str, list[int]]]:
    """Time the parts until the end, in nanoseconds of this thread's CPU."""
    took: dict[str, list[int]] = defaultdict(list)

    def around(function: Callable[..., Any], part: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.thread_time_ns()
            try:
                return function(*args, **kwargs)
            finally:
                took[part].append(time.thread_time_ns() - began)

        return timed

    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in PARTS]
    for owner, name, part in PARTS:
        setattr(owner, name, around(getattr(owner, name), part))
    try:
        yield took
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


if __name__ == "__main__":
    main()
