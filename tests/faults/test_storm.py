"""The judge of a storm tells each kind of failure."""

from dataclasses import replace

import pytest

from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency
from tests.faults.client import Answer
from tests.faults.storm import BAD, Post, tally
from tests.visitor import Person

ADA = Person("ada-of-this-storm", "Ada", "ada@example.test", "", "", "token-of-this-storm")
FIRST = Answers(PythonProficiency.BEGINNER, DeveloperRole.NONE)
SECOND = Answers(PythonProficiency.ADVANCED, DeveloperRole.NONE)
FIRST_ROW = ("Beginner", "None", True)
SECOND_ROW = ("Advanced", "None", True)
DRAFT = ("Beginner", "None", False)

SAVED = Answer(303, {"Location": "/profile"}, "", 0.1, 0.0)
BEATEN = replace(SAVED, headers={"Location": "/profile?already=1"})
SIGNED_OUT = replace(SAVED, headers={"Location": "/signed-out"})
BROKEN = replace(SAVED, status=500, headers={})
SILENT = replace(BROKEN, status=0)


@pytest.mark.parametrize(
    ("first", "second", "rows", "found"),
    [
        pytest.param(SAVED, BEATEN, [FIRST_ROW], [], id="all is well"),
        pytest.param(BEATEN, SAVED, [SECOND_ROW], [], id="all is well, the other way round"),
        pytest.param(SAVED, BEATEN, [], ["lost"], id="no row"),
        pytest.param(SAVED, BEATEN, [DRAFT], ["lost"], id="only a draft"),
        pytest.param(SAVED, BEATEN, [SECOND_ROW], ["wrong"], id="the loser's row"),
        pytest.param(SAVED, SAVED, [SECOND_ROW], ["wrong", "duplicate"], id="the last one wins"),
        pytest.param(SAVED, BEATEN, [FIRST_ROW, DRAFT], ["duplicate"], id="two rows"),
        pytest.param(BEATEN, BEATEN, [FIRST_ROW], ["wrong"], id="nobody was told"),
        pytest.param(SAVED, BROKEN, [FIRST_ROW], ["server_errors"], id="500"),
        pytest.param(SILENT, BEATEN, [FIRST_ROW], ["unanswered"], id="no answer to the winner"),
        pytest.param(SAVED, SIGNED_OUT, [FIRST_ROW], ["strange"], id="signed out"),
    ],
)
def test_a_failure_is_told_by_its_name(first, second, rows, found):
    posts = [Post(ADA, FIRST, first), Post(ADA, SECOND, second)]
    counted = tally(posts, {ADA.user_id: rows}, faults=0, took_s=1)
    assert [name for name in BAD if getattr(counted, name)] == found
    assert counted.is_clean is (not found)
