"""Requests that two servers could cut in two ways, and bytes that no browser sends, to gunicorn itself."""

import pytest

from onboarding.web.csrf import CsrfTokens
from tests.attacks.crafts import ATTACKS, Craft
from tests.attacks.wire import send
from tests.conftest import Stage
from tests.visitor import Person

# A server that doesn't know a coding says so by this status (RFC 9112, section 6.1).
NOT_IMPLEMENTED = {"a coding spelled oddly"}


@pytest.fixture
def craft(stage: Stage, ada: Person) -> Craft:
    """A person with a draft, who has their form open."""
    stage.sql(
        "INSERT INTO user_profile (user_id, python_proficiency, developer_role) "
        "VALUES (%s, 'Beginner', 'Backend Developer')",
        ada.user_id,
    )
    token = CsrfTokens(stage.app.secret).issue(ada.token)
    return Craft(stage.app.url.partition("//")[2], ada, token)


def row_of(stage: Stage, craft: Craft) -> list[tuple]:
    return stage.sql("SELECT * FROM user_profile WHERE user_id = %s", craft.person.user_id)


@pytest.mark.parametrize("what", ATTACKS)
def test_what_no_browser_sends_is_one_request_at_most_and_changes_nothing(
    stage: Stage, served_app: str, craft: Craft, what: str
) -> None:
    before, log = row_of(stage, craft), stage.logs / "app.log"
    written = log.stat().st_size
    answers = [one for one in send(served_app, ATTACKS[what](craft)) if one.status != 100]
    for number, answer in enumerate(answers):
        # What is left over may be told to be no request, and nothing else.
        assert number == 0 or answer.status == 400, answer
        assert answer.status < 500 or (answer.status == 501 and what in NOT_IMPLEMENTED), answer
        assert "set-cookie" not in answer.headers
        location = answer.headers.get("location", "/")
        assert location.startswith("/"), location
        assert not location.startswith(("//", "/\\")), location
    assert row_of(stage, craft) == before
    said = log.read_bytes()[written:]
    assert b"Traceback" not in said, said
    assert b"Booting worker" not in said, said


def test_the_same_form_sent_as_it_should_be_is_taken(
    stage: Stage, served_app: str, craft: Craft
) -> None:
    [answer] = send(served_app, craft.post())
    assert (answer.status, answer.headers["location"]) == (303, "/profile")
    assert row_of(stage, craft)[0][1:4] == ("Advanced", "None", True)


def test_two_requests_in_a_row_get_two_answers(served_app: str, craft: Craft) -> None:
    answers = send(served_app, craft.get() + craft.get("/nowhere") + craft.get("/healthz"))
    assert [answer.status for answer in answers] == [303, 404, 200]


def test_a_form_in_slow_pieces_is_taken(stage: Stage, served_app: str, craft: Craft) -> None:
    whole = craft.post("Expect: 100-continue")
    answers = send(served_app, *(whole[at : at + 97] for at in range(0, len(whole), 97)))
    assert [answer.status for answer in answers if answer.status != 100] == [303]


def test_connections_that_break_off_anywhere_leave_the_server_as_it_was(
    stage: Stage, served_app: str, craft: Craft
) -> None:
    before, whole = row_of(stage, craft), craft.post()
    for length in range(1, len(whole), 37):
        send(served_app, whole[:length])
    assert row_of(stage, craft) == before
    assert [answer.status for answer in send(served_app, craft.get("/healthz"))] == [200]
