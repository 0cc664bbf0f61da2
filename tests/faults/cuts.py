"""`python -m tests.faults.cuts [--tutorial]`: the connection to the database is cut once at every
message of a save, in either direction, from the first byte of a new connection on.

A save is what "Confirm" costs: the session is looked up, then the answers are saved, on a connection
that is made for it. It is right when the app answers "saved" and the row holds those answers.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from werkzeug.test import TestResponse

from bench.tutorial.app import create_app as create_tutorial
from onboarding import create_app
from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency
from tests.faults.proxy import Message, cut_at, let_pass
from tests.faults.stand import OURS, TUTORIAL, Row, Stand, options, raised
from tests.visitor import Person, Visitor

DRAFT = Answers(PythonProficiency.BEGINNER, DeveloperRole.FRONTEND)
ANSWERS = Answers(PythonProficiency.ADVANCED, DeveloperRole.NONE)
FORM = {name: answer.value for name, answer in ANSWERS.known().items()}


@dataclass(frozen=True)
class Cut:
    """What came of one cut: before which message, and what the app answered and stored."""

    message: Message
    happened: bool
    status: int
    location: str
    rows: list[Row]

    @property
    def is_right(self) -> bool:
        """Tell whether the connection was cut, and nobody noticed."""
        told = self.happened and (self.status, self.location) == (303, "/profile")
        return told and self.rows == [(*FORM.values(), True)]


class Saver(Protocol):
    """An app in this process, which is the app as gunicorn serves it."""

    def disconnect(self) -> None:
        """Close every connection to the database, so that the next request makes one."""

    def confirm(self, person: Person) -> TestResponse:
        """Send the person's confirmation of `ANSWERS`."""


class Ours:
    """This app."""

    def __init__(self, stand: Stand) -> None:
        self._app = create_app(stand.settings("proxied"))
        self._parts = self._app.extensions["onboarding"]

    def disconnect(self) -> None:
        # The main site's layout is looked for at times; not in a save, or no two were alike.
        if faults := self._parts.identities.check():
            raise RuntimeError(faults)
        self._parts.database.engine.dispose()

    def confirm(self, person: Person) -> TestResponse:
        return Visitor(self._app, person, {}).post("/onboarding/review", FORM)


class Tutorials:
    """The tutorial's app."""

    def __init__(self, stand: Stand) -> None:
        self._app = create_tutorial(stand.way("proxied", TUTORIAL), stand.secret)
        self._app.logger.disabled = True

    def disconnect(self) -> None:
        self._app.extensions["engine"].dispose()

    def confirm(self, person: Person) -> TestResponse:
        client = self._app.test_client(use_cookies=False)
        return client.post("/onboarding/review", data=FORM, headers={"Cookie": person.cookie})


def cuts(stand: Stand, database: str = OURS) -> list[Cut]:
    """Cut at each message in turn."""
    saver: Saver = Ours(stand) if database == OURS else Tutorials(stand)
    with _passing(stand):
        # What comes only once in a process's life comes now.
        _save(stand, database, saver, None)
        uncut = _save(stand, database, saver, None)
        if not uncut.is_right:
            raise RuntimeError(f"without any cut: {uncut}")
        count = len(stand.proxy.messages)
        found = [_save(stand, database, saver, number) for number in range(count)]
        saver.disconnect()
    return found


@contextmanager
def _passing(stand: Stand) -> Iterator[None]:
    try:
        yield
    finally:
        stand.proxy.follow(let_pass)


def _save(stand: Stand, database: str, saver: Saver, number: int | None) -> Cut:
    proxy = stand.proxy
    [person] = stand.people(1, database)
    stand.draft([person], DRAFT, database)
    proxy.follow(let_pass)
    saver.disconnect()
    proxy.follow(let_pass if number is None else cut_at(number))
    answer = saver.confirm(person)
    return Cut(
        # The last one, where the cut never came.
        proxy.messages[min(number or 0, len(proxy.messages) - 1)],
        number is None or proxy.cuts == 1,
        answer.status_code,
        answer.headers.get("Location", ""),
        stand.rows(database)[person.user_id],
    )


def main() -> int:
    """Cut everywhere; the last line is the figure."""
    chosen = options().parse_args()
    with raised() as stand:
        found = cuts(stand, chosen.database)
    for cut in found:
        if not cut.is_right:
            print(cut)
    print(summary(found))
    return int(not all(cut.is_right for cut in found))


def summary(found: list[Cut]) -> str:
    """Give the figure."""
    return f"{sum(cut.is_right for cut in found)} of {len(found)} right"


if __name__ == "__main__":
    sys.exit(main())
