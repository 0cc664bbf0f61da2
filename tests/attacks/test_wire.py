"""Requests that two servers could cut in two ways, and bytes that no browser sends, to gunicorn itself."""

import psycopg
import pytest

from tests.attacks.raw_requests import ANSWERS, ATTACKS, CHUNKED, RequestBuilder, chunked
from tests.attacks.wire import send
from tests.conftest import Environment
from tests.questionnaires import insert_profile, other_answers
from tests.users import User

# A server that doesn't know a coding says so by this status (RFC 9112, section 6.1).
NOT_IMPLEMENTED = {"a coding spelled oddly"}


@pytest.fixture
def builder(environment: Environment, app, served_app: str, user: User) -> RequestBuilder:
    """The requests of a user with a draft, who has their form open."""
    with psycopg.connect(environment.database_url) as connection:
        insert_profile(connection, user.id, other_answers())
    token = app.extensions["onboarding"].csrf.issue(user.token)
    return RequestBuilder(served_app.partition("//")[2], user, token)


def stored(environment: Environment, user: User) -> dict[str, object]:
    query = "SELECT to_jsonb(user_profile) FROM user_profile WHERE user_id = %s"
    return environment.sql(query, user.id)[0][0]


@pytest.mark.parametrize("name", ATTACKS)
def test_what_no_browser_sends_is_one_request_at_most_and_changes_nothing(
    environment: Environment, served_app: str, builder: RequestBuilder, name: str
) -> None:
    before, log = stored(environment, builder.user), environment.logs / "app.log"
    size = log.stat().st_size
    answers = [one for one in send(served_app, ATTACKS[name](builder)) if one.status != 100]
    for number, answer in enumerate(answers):
        # What is left over may be refused as no request, and nothing else.
        assert number == 0 or answer.status == 400, answer
        assert answer.status < 500 or (answer.status == 501 and name in NOT_IMPLEMENTED), answer
        assert "set-cookie" not in answer.headers
        location = answer.headers.get("location", "/")
        assert location.startswith("/"), location
        assert not location.startswith(("//", "/\\")), location
    assert stored(environment, builder.user) == before
    logged = log.read_bytes()[size:]
    assert b"Traceback" not in logged, logged
    assert b"Booting worker" not in logged, logged


@pytest.mark.parametrize("in_chunks", [False, True], ids=["of known length", "in chunks"])
def test_the_same_form_sent_as_it_should_be_is_taken_even_in_pieces(
    environment: Environment, served_app: str, builder: RequestBuilder, in_chunks: bool
) -> None:
    whole = builder.post("Expect: 100-continue")
    if in_chunks:
        body = chunked(builder.form[:20], builder.form[20:])
        whole = builder.post("Expect: 100-continue", CHUNKED, body=body, length="")
    answers = send(served_app, *(whole[at : at + 97] for at in range(0, len(whole), 97)))
    found = [(one.status, one.headers["location"]) for one in answers if one.status != 100]
    assert found == [(303, "/profile")]
    row = stored(environment, builder.user)
    assert row.items() >= {**ANSWERS, "is_onboarded": True}.items()


def test_two_requests_in_a_row_get_two_answers(served_app: str, builder: RequestBuilder) -> None:
    answers = send(served_app, builder.get() + builder.get("/nowhere") + builder.get("/healthz"))
    assert [answer.status for answer in answers] == [303, 404, 200]


def test_connections_that_break_off_anywhere_leave_the_server_as_it_was(
    environment: Environment, served_app: str, builder: RequestBuilder
) -> None:
    before, whole = stored(environment, builder.user), builder.post()
    for length in range(1, len(whole), 37):
        send(served_app, whole[:length])
    assert stored(environment, builder.user) == before
    assert [answer.status for answer in send(served_app, builder.get("/healthz"))] == [200]
