"""How much Python runs for a request, counted in function calls: what a time can't hold, this can.

A count depends on the versions of Python and of the libraries and on nothing else, so the bounds leave
a tenth of room above what was counted (CPython 3.11, Flask 3.1.3, SQLAlchemy 2.1.9).
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.visitor import Person, Visitor

MOST_CALLS = {
    "profile": 680,
    "gate": 470,
    "forged": 400,
    "question": 1230,
    "review": 1060,
    "api": 460,
}


@contextmanager
def counted() -> Iterator[list[int]]:
    """Count the calls of Python functions in this thread."""
    count = [0]

    def called(_frame: object, event: str, _argument: object) -> None:
        if event == "call":
            count[0] += 1

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        yield count
    finally:
        sys.setprofile(before)


@pytest.fixture
def calls(app, visitor: Callable[..., Visitor]) -> Callable[..., int]:
    """Give how many calls the app makes to answer a person's GET of a page with this status."""

    def calls(person: Person, status: int, path: str = "/profile") -> int:
        # As a server calls it: what the test client does to make a request isn't counted.
        environ, answered = visitor(person).environ(path), []
        counts = []
        for _ in range(4):
            with counted() as count:
                body = app(dict(environ), lambda told, _headers: answered.append(told))
                list(body)
                body.close()
            counts.append(count[0])
        assert {told[:3] for told in answered} == {str(status)}
        # The first fill caches, and any may fall on a look at the layout.
        return min(counts)

    return calls


def test_a_signed_in_page(calls, visitor, ada):
    visitor(ada).finish()
    assert calls(ada, 200) <= MOST_CALLS["profile"]


def test_the_gates_redirect(calls, ada):
    assert calls(ada, 303) <= MOST_CALLS["gate"]


def test_a_forged_cookie_costs_less_than_any_page(calls, ada):
    forged = replace(ada, cookie=ada.cookie.replace(ada.token, "f" * 32))
    assert calls(forged, 303) <= MOST_CALLS["forged"]


def test_a_question(calls, ada):
    assert calls(ada, 200, "/onboarding/python-proficiency") <= MOST_CALLS["question"]


def test_the_answers_to_check(calls, visitor, ada):
    visitor(ada).answer()
    assert calls(ada, 200, "/onboarding/review") <= MOST_CALLS["review"]


def test_a_call_of_the_api(calls, visitor, ada):
    visitor(ada).finish()
    assert calls(ada, 200, "/api/profile") <= MOST_CALLS["api"]
