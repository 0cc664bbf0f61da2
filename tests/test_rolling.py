"""Two servers are restarted and disturbed while people answer: no form fails.

The short form of `tests/stress/rolling.py`: no nginx, but clients that do the one thing that it
does, asking the other server when one is gone.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from tests.conftest import Environment
from tests.questionnaires import insert_profile, other_answers, profile_row, some_answers
from tests.stress.crowd import Crowd, Reply, send, token_of
from tests.stress.lines import StraightTo
from tests.stress.servers import (
    ORIGIN,
    Server,
    assert_all_was_kept,
    create_users,
    two_servers,
    until,
)
from tests.users import User

pytestmark = pytest.mark.slow
OTHER = other_answers()


@pytest.fixture(scope="module")
def servers(environment: Environment) -> Iterator[list[Server]]:
    with two_servers(environment) as servers:
        yield servers


def test_no_form_fails_while_one_restarts_and_the_other_loses_a_worker(
    environment: Environment, servers: list[Server]
) -> None:
    first, second = servers
    users = create_users(environment, first, 4)
    crowd = Crowd(users, lambda: StraightTo([first.path, second.path]), ORIGIN)
    try:
        for disturb in (first.restart, second.lose_a_worker):
            crowd.reach(20)
            disturb()
        crowd.reach(20)
    finally:
        crowd.stop()
    assert_all_was_kept(environment, crowd)


def test_a_stop_takes_the_socket_away_and_lets_a_form_finish(
    environment: Environment, servers: list[Server]
) -> None:
    server = servers[0]
    child = server.child
    assert child
    (user,) = create_users(environment, server, 1)
    with closing(StraightTo([server.path])) as line:
        token = token_of(line, user)
    replies: list[Reply] = []

    with psycopg.connect(environment.database_url) as database:
        insert_profile(database, user.id, some_answers())
        database.commit()
        # The form has to wait for this row.
        database.execute("SELECT FROM user_profile WHERE user_id = %s FOR UPDATE", [user.id])
        sender = threading.Thread(target=lambda: replies.append(confirm(server, user, token)))
        sender.start()
        until(lambda: waits_for_a_lock(environment))
        os.kill(child.pid, signal.SIGTERM)
        until(lambda: not server.path.exists())
        assert child.exit_status() is None
    sender.join()

    (reply,) = replies
    assert (reply.status, reply.headers["location"]) == (303, "/profile")
    until(lambda: child.exit_status() is not None)
    assert child.exit_status() == 0
    with psycopg.connect(environment.database_url) as database:
        assert profile_row(database, user.id) == (OTHER, True)


def confirm(server: Server, user: User, token: str) -> Reply:
    with closing(StraightTo([server.path])) as line:
        form = {**OTHER, "csrf_token": token}
        return send(line, user, "/onboarding/review", form, ORIGIN)


def waits_for_a_lock(environment: Environment) -> bool:
    return environment.sql(
        "SELECT count(*) > 0 FROM pg_stat_activity "
        "WHERE application_name = 'onboarding' AND wait_event_type = 'Lock'"
    ) == [(True,)]
