"""Two instances are restarted and hurt while people answer: no form fails.

The short form of `tests/stress/test_rolling.py`: no nginx, but clients that do the one thing that it
does, asking the other instance when one is gone.
"""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from tests.conftest import Stage
from tests.stress.crowd import Crowd, Reply, send, token_of
from tests.stress.instances import (
    ORIGIN,
    Instance,
    assert_all_was_kept,
    newcomers,
    two_instances,
    until,
)
from tests.stress.lines import StraightTo
from tests.visitor import Person


@pytest.fixture(scope="module")
def notified() -> Iterator[socket.socket]:
    """Where an instance says how it is, as under systemd; an address without a file (`@…`)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind("")
        yield notified


@pytest.fixture(scope="module")
def instances(stage: Stage, notified: socket.socket) -> Iterator[list[Instance]]:
    name = notified.getsockname().replace(b"\0", b"@").decode()
    with two_instances(stage, NOTIFY_SOCKET=name) as instances:
        yield instances


def test_each_tells_systemd_that_it_is_ready(
    instances: list[Instance], notified: socket.socket
) -> None:
    notified.settimeout(5)
    for _ in instances:
        assert b"READY=1" in notified.recv(1000).splitlines()


def test_no_form_fails_while_one_restarts_and_the_other_loses_a_worker(
    stage: Stage, instances: list[Instance]
) -> None:
    first, second = instances
    people = newcomers(stage, first, 4)
    crowd = Crowd(people, lambda: StraightTo([first.path, second.path]), ORIGIN)
    try:
        for disturb in (first.restart, second.lose_a_worker):
            crowd.reach(20)
            disturb()
        crowd.reach(20)
    finally:
        crowd.stop()
    assert_all_was_kept(stage, crowd)


def test_a_stop_takes_the_socket_away_and_lets_a_form_finish(
    stage: Stage, instances: list[Instance]
) -> None:
    instance = instances[0]
    child = instance.child
    assert child
    (person,) = newcomers(stage, instance, 1)
    stage.sql(
        "INSERT INTO user_profile (user_id, python_proficiency, developer_role) "
        "VALUES (%s, 'Beginner', 'None')",
        person.user_id,
    )
    with closing(StraightTo([instance.path])) as line:
        token = token_of(line, person)
    replies: list[Reply] = []

    with psycopg.connect(stage.database_url) as database:
        # The form has to wait for this row.
        database.execute("SELECT FROM user_profile WHERE user_id = %s FOR UPDATE", [person.user_id])
        sender = threading.Thread(target=lambda: replies.append(confirm(instance, person, token)))
        sender.start()
        until(lambda: waits_for_a_lock(stage))
        os.kill(child.pid, signal.SIGTERM)
        until(lambda: not instance.path.exists())
        assert child.exit_status() is None
    sender.join()

    (reply,) = replies
    assert (reply.status, reply.headers["location"]) == (303, "/profile")
    until(lambda: child.exit_status() is not None)
    assert child.exit_status() == 0
    assert stage.sql(
        "SELECT is_onboarded FROM user_profile WHERE user_id = %s", person.user_id
    ) == [(True,)]


def confirm(instance: Instance, person: Person, token: str) -> Reply:
    with closing(StraightTo([instance.path])) as line:
        form = {"python_proficiency": "Advanced", "developer_role": "None", "csrf_token": token}
        return send(line, person, "/onboarding/review", form, ORIGIN)


def waits_for_a_lock(stage: Stage) -> bool:
    return stage.sql(
        "SELECT count(*) > 0 FROM pg_stat_activity "
        "WHERE application_name = 'onboarding' AND wait_event_type = 'Lock'"
    ) == [(True,)]
