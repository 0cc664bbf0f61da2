"""`python -m tests.faults.cuts`: the connection to the database is cut once at every message of a
save, in either direction, from the first byte of a new connection on.

A save is what "Confirm" costs: the session is looked up, then the answers are saved, on a connection
that is made for it. It is right when the app answers "saved" and the row holds those answers.
"""

import sys
from dataclasses import dataclass

from flask import Flask

from onboarding import create_app
from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency
from tests.faults.proxy import Message, Proxy, cut_at, let_pass
from tests.faults.stand import Stand, raised
from tests.visitor import Visitor, newcomer

ANSWERS = Answers(PythonProficiency.ADVANCED, DeveloperRole.NONE)


@dataclass(frozen=True)
class Cut:
    """What came of one cut: before which message, and what the app answered and stored."""

    message: Message
    happened: bool
    status: int
    location: str
    row: tuple[str, str, bool] | None

    @property
    def is_right(self) -> bool:
        """Tell whether the connection was cut, and nobody noticed."""
        told = self.happened and (self.status, self.location) == (303, "/profile")
        return told and self.row == (ANSWERS.python_proficiency, ANSWERS.developer_role, True)


def cuts(stand: Stand) -> list[Cut]:
    """Cut at each message in turn."""
    # Bound to the app of this process, which is the app as gunicorn would serve it.
    settings = stand.settings("proxied")
    app = create_app(settings)
    try:
        uncut = _save(stand, app, None)
        if not uncut.is_right:
            raise RuntimeError(f"without any cut: {uncut}")
        count = len(stand.proxy.messages)
        return [_save(stand, app, number) for number in range(count)]
    finally:
        stand.proxy.follow(let_pass)
        app.extensions["onboarding"].database.engine.dispose()


def _save(stand: Stand, app: Flask, number: int | None) -> Cut:
    proxy: Proxy = stand.proxy
    parts = app.extensions["onboarding"]
    person = newcomer(stand.way("direct"), stand.cookie)
    stand.draft([person], Answers(PythonProficiency.BEGINNER, DeveloperRole.FRONTEND))
    window = Visitor(app, person, {})
    proxy.follow(let_pass)
    # The main site's layout is looked for at times; not meanwhile, or no two saves were alike.
    if faults := parts.identities.check():
        raise RuntimeError(faults)
    parts.database.engine.dispose()
    proxy.follow(let_pass if number is None else cut_at(number))
    known = {name: answer.value for name, answer in ANSWERS.known().items()}
    answer = window.post("/onboarding/review", known)
    seen = proxy.messages
    rows = stand.rows().get(person.user_id, [])
    return Cut(
        seen[number or 0],
        number is None or proxy.cuts == 1,
        answer.status_code,
        answer.headers.get("Location", ""),
        rows[0] if len(rows) == 1 else None,
    )


def summary(found: list[Cut]) -> str:
    """Give the figure."""
    return f"{sum(cut.is_right for cut in found)} of {len(found)} cuts right"


def main() -> int:
    """Cut everywhere; the last line is the figure."""
    with raised() as stand:
        found = cuts(stand)
    for cut in found:
        if not cut.is_right:
            print(cut)
    print(summary(found))
    return int(not all(cut.is_right for cut in found))


if __name__ == "__main__":
    sys.exit(main())
