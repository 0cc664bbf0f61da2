"""The connection to the database is cut once at every message of a save, in either direction, from the
first byte of a new connection on.

A save is what "Confirm" costs: the session is looked up, then the answers are saved, on a connection
that is made for it. It is right when the app answers "saved" and the profile holds those answers.
"""

from flask import Flask
from sqlalchemy import Engine

from bench.tutorial.app import create_app as create_tutorial
from onboarding import create_app
from tests.faults.cluster import THIS_APP, TUTORIAL, Cluster, Result, Variant
from tests.faults.proxy import cut_at, let_pass


def measure(cluster: Cluster, app: Variant = THIS_APP, every: int = 1) -> Result:
    """Cut at each message in turn, or at every so many."""
    flask_app = _create(cluster, app)
    try:
        # What comes only once in a process's life comes now.
        _save(cluster, app, flask_app, None)
        if error := _save(cluster, app, flask_app, None):
            raise RuntimeError(f"without any cut: {error}")
        kinds = [f"{m.number} {m.sender.name} {m.kind}" for m in cluster.proxy.messages]
        if len(kinds) < 30:  # two statements of ten messages each, after a connection's greetings
            raise RuntimeError(f"a save has only {len(kinds)} messages")
        numbers = range(0, len(kinds), every)
        found = {kinds[number]: _save(cluster, app, flask_app, number) for number in numbers}
    finally:
        cluster.proxy.follow(let_pass)
        _engine(flask_app).dispose()
    misses = [f"cut at {kind}: {error}" for kind, error in found.items() if error]
    return Result(f"{len(found) - len(misses)} of {len(found)} right", misses)


def _create(cluster: Cluster, app: Variant) -> Flask:
    """Return the app in this process: the same as gunicorn serves."""
    if app is TUTORIAL:
        flask_app = create_tutorial(cluster.url("proxied", TUTORIAL), cluster.secret)
        flask_app.logger.disabled = True
        return flask_app
    return create_app(cluster.settings("proxied"))


def _engine(flask_app: Flask) -> Engine:
    services = flask_app.extensions.get("onboarding")
    return services.database.engine if services else flask_app.extensions["engine"]


def _save(cluster: Cluster, app: Variant, flask_app: Flask, number: int | None) -> str:
    """Confirm with a cut at message `number`; return what went wrong, or nothing."""
    answers = app.answers[-1]
    [user] = cluster.users(1, app)
    cluster.save_drafts([user], app)
    cluster.proxy.follow(let_pass)
    if services := flask_app.extensions.get("onboarding"):
        # The main site's layout is looked up at times; not in a save, or no two were alike.
        services.identities.problems()
    _engine(flask_app).dispose()
    cluster.proxy.follow(let_pass if number is None else cut_at(number))
    response = flask_app.test_client(use_cookies=False).post(
        "/onboarding/review", data=cluster.form(user, answers), headers=cluster.headers(user)
    )
    if number is not None and cluster.proxy.cuts != 1:
        return "the cut never came"
    if (response.status_code, response.headers.get("Location")) != (303, "/profile"):
        return f"answered {response.status_code} {response.headers.get('Location', '')}"
    stored = cluster.confirmed(app).get(user.id)
    return "" if stored == answers else f"stored {stored}"
