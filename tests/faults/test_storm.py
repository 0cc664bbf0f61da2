"""The judge of a storm names each kind of failure."""

from dataclasses import replace

import pytest

from tests.faults.client import Response
from tests.faults.storm import Post, count_failures
from tests.questionnaires import other_answers, some_answers
from tests.users import User

ADA = User("ada-of-this-storm", "Ada", "ada@example.test", "", "", "token-of-this-storm")
FIRST, SECOND = some_answers(), other_answers()

SAVED = Response(303, {"Location": "/profile"}, "", 0, 0.1)
BEATEN = replace(SAVED, headers={"Location": "/profile?already=1"})
SIGNED_OUT = replace(SAVED, headers={"Location": "/signed-out"})
BROKEN = replace(SAVED, status=500, headers={})
SILENT = replace(BROKEN, status=0)


@pytest.mark.parametrize(
    ("first", "second", "stored", "failures"),
    [
        pytest.param(SAVED, BEATEN, FIRST, [], id="all is well"),
        pytest.param(BEATEN, SAVED, SECOND, [], id="all is well, the other way round"),
        pytest.param(SAVED, BEATEN, None, ["lost"], id="no finished profile"),
        pytest.param(SAVED, BEATEN, SECOND, ["wrong"], id="the loser's answers"),
        pytest.param(SAVED, SAVED, SECOND, ["wrong", "duplicate"], id="the last one wins"),
        pytest.param(BEATEN, BEATEN, FIRST, ["wrong"], id="nobody was answered saved"),
        pytest.param(SAVED, BROKEN, FIRST, ["5xx"], id="500"),
        pytest.param(SILENT, BEATEN, FIRST, ["unanswered"], id="no answer to the winner"),
        pytest.param(SAVED, SIGNED_OUT, FIRST, ["strange"], id="signed out"),
    ],
)
def test_a_failure_has_its_name(first, second, stored, failures):
    posts = [Post(ADA, FIRST, first), Post(ADA, SECOND, second)]
    assert list(count_failures(posts, {ADA.id: stored} if stored else {})) == failures
