"""`python -m bench.parts`: what a request costs the app alone, without a server, and what a page is made of.

The app is called in this process, with a real database, and timed by the thread's own CPU clock.
"""

import importlib
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from flask import Flask, before_render_template, template_rendered

from bench import environment as env
from bench import report, usage
from bench.report import median_ratio, spread
from bench.servers import HELLO, PEERS
from bench.targets import API, CONFIRM, GATE, PROFILE, QUESTION, QUESTION_PATH, REVIEW, REVIEW_PATH
from devstack.processes import free_port

USERS = 100
HOOKS = ("preprocess_request", "dispatch_request", "process_response")
# Path, kind of user and status.
PAGES = {
    HELLO: ("/", env.ONBOARDED, 200),
    PROFILE: ("/profile", env.ONBOARDED, 200),
    GATE: ("/profile", env.NEWCOMER, 303),
    QUESTION: (QUESTION_PATH, env.NEWCOMER, 200),
    REVIEW: (REVIEW_PATH, env.DRAFT, 200),
    CONFIRM: (REVIEW_PATH, env.DRAFT, 303),
    API: ("/api/profile", env.ONBOARDED, 200),
}


def measure(quick: bool) -> list[str]:
    """Return the document's lines."""
    rounds = 1 if quick else 15
    page_us: dict[str, list[float]] = defaultdict(list)
    with env.open_environment() as environment, usage.on_core(usage.SERVER_CORE):
        url, port = environment.create_database("parts"), free_port()
        for kind in (env.ONBOARDED, env.NEWCOMER, env.DRAFT):
            environment.add_users(url, kind, USERS)
        environment.execute(url, "VACUUM (ANALYZE)")
        os.environ.update(environment.app_variables(url, port))
        sys.path.insert(0, str(PEERS))
        hello, app = (importlib.import_module(name).app for name in ("flask_hello", "wsgi"))
        spent = {hello: _time_parts(hello), app: _time_parts(app)}
        for number in range(rounds + 1):
            environment.reopen_drafts(url)
            forms = [dict[str, str]()] * USERS
            for name, page in PAGES.items():
                called = hello if name == HELLO else app
                spent[called].clear()
                bodies = _call(environment, called, f"http://localhost:{port}", page, forms)
                # What the review's form holds is what the confirmation, next, sends.
                forms = [dict(env.parse_form(one)[1]) if name == REVIEW else {} for one in bodies]
                if number:  # the first round fills caches
                    page_us[name].append(median(spent[called]["wsgi_app"]))
                if name == PROFILE:
                    us = {part: median(found) for part, found in spent[app].items()}
    before, view, after = (us[name] for name in HOOKS)
    parts = {
        "Flask and Werkzeug: context, route, response": us["wsgi_app"] - before - view - after,
        "before the view: host, method, cookie, gate": before - us["identify"],
        "the one SELECT: deadline, pool, driver, the identity": us["identify"],
        "the view": view - us["template"],
        "the template": us["template"],
        "after the view: headers": after,
    }
    rows = [
        [name, spread(us), f"{median_ratio(us, page_us[HELLO]):.2f}"]
        for name, us in page_us.items()
    ]
    return [
        report.machine("flask", "sqlalchemy", "psycopg", more=f"{rounds} rounds of {USERS} users"),
        *report.table(["in process", "CPU µs", "× hello's"], rows),
        f"What the {PROFILE} is made of:",
        *report.table(["part", "CPU µs"], ([name, f"{us:,.0f}"] for name, us in parts.items())),
    ]


def _call(
    environment: env.Environment,
    app: Flask,
    origin: str,
    page: tuple[str, str, int],
    forms: Sequence[Mapping[str, str]],
) -> list[bytes]:
    """Ask for a page as each user, with a form of each unless it is empty; return the bodies."""
    path, kind, status = page
    client, bodies = app.test_client(use_cookies=False), []
    for number, form in enumerate(forms, 1):
        cookie = f"{env.COOKIE}={environment.cookie_value(kind, number)}"
        headers = {**env.BROWSER_HEADERS, "Cookie": cookie, **({"Origin": origin} if form else {})}
        method = "POST" if form else "GET"
        answer = client.open(path, origin, method=method, headers=headers, data=form or None)
        if answer.status_code != status:
            raise RuntimeError(f"{path} answered {answer.status} instead of {status}")
        bodies.append(answer.data)
    return bodies


def _time_parts(app: Flask) -> dict[str, list[float]]:
    """Return the microseconds of each part of a request, one for each from now on."""
    spent: dict[str, list[float]] = defaultdict(list)

    def time_method(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.thread_time_ns()
            try:
                return function(*args, **kwargs)
            finally:
                spent[name].append((time.thread_time_ns() - began) / 1000)

        setattr(owner, name, timed)

    for name in ("wsgi_app", *HOOKS):
        time_method(app, name)
    if services := app.extensions.get("onboarding"):
        # The class: its instances may be frozen.
        time_method(type(services.identities), "identify")

    @before_render_template.connect_via(app)
    def begin(*_: Any, **__: Any) -> None:
        spent["template"].append(-time.thread_time_ns() / 1000)

    @template_rendered.connect_via(app)
    def end(*_: Any, **__: Any) -> None:
        spent["template"][-1] += time.thread_time_ns() / 1000

    return spent


if __name__ == "__main__":
    report.run("parts", measure)
