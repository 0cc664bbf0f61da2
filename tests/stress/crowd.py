"""People who answer at the same time, over the whole stack, and what they were told.

Everybody opens a question's page, sends drafts from it again and again, and confirms the last one.
Nobody sends anything twice: a response that isn't the expected one is counted as failed.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlencode

from tests.questionnaires import DEFAULT, all_answers
from tests.stress.lines import Line, Reply
from tests.users import User

FORM = "application/x-www-form-urlencoded"
FIRST, LAST = DEFAULT.questions[0], DEFAULT.questions[-1]


@dataclass
class Outcome:
    """What one person saw: the answers they sent last, how long each post took, what failed."""

    user: User
    last: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Crowd:
    """People at work, a thread each; `stop` lets everybody confirm."""

    def __init__(self, users: list[User], line: Callable[[], Line], origin: str) -> None:
        self.outcome = [Outcome(user) for user in users]
        self._line, self._origin = line, origin
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._answer, args=(outcome,), daemon=True)
            for outcome in self.outcome
        ]
        for thread in self._threads:
            thread.start()

    @property
    def posts(self) -> int:
        return sum(len(outcome.seconds) for outcome in self.outcome)

    @property
    def failed(self) -> list[str]:
        return [failed for outcome in self.outcome for failed in outcome.failed]

    def reach(self, posts: int, within_s: float = 300) -> None:
        """Wait until so many more forms have been answered."""
        goal, deadline = self.posts + posts, time.monotonic() + within_s
        while self.posts < goal and not self.failed:
            assert time.monotonic() < deadline, f"{self.posts} of {goal} posts: it stands still"
            time.sleep(0.02)

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    def _answer(self, outcome: Outcome) -> None:
        line = self._line()
        try:
            token = token_of(line, outcome.user)
            for outcome.last in cycle(all_answers()):
                path, form = draft(outcome.last, token)
                self._post(line, outcome, path, form, "/onboarding/review#h")
                if self._over.is_set():
                    break
            form = {"csrf_token": token, **outcome.last}
            self._post(line, outcome, "/onboarding/review", form, "/profile")
        except Exception as error:
            outcome.failed.append(repr(error))
        finally:
            line.close()

    def _post(
        self, line: Line, outcome: Outcome, path: str, form: dict[str, str], target: str
    ) -> None:
        began = time.monotonic()
        reply = send(line, outcome.user, path, form, self._origin)
        outcome.seconds.append(time.monotonic() - began)
        if (reply.status, reply.headers.get("location")) != (303, target):
            outcome.failed.append(f"{reply.status} {reply.headers} {reply.text[:200]}")


def draft(answers: dict[str, str], token: str) -> tuple[str, dict[str, str]]:
    """Return the address and the form of the last question that save these answers."""
    others = {name: value for name, value in answers.items() if name != LAST.name}
    form = {LAST.name: answers[LAST.name], "csrf_token": token}
    return f"/onboarding/{LAST.slug}?{urlencode(others)}", form


def token_of(line: Line, user: User) -> str:
    """Open a question's page and return its form's token."""
    page = line.ask("GET", f"/onboarding/{FIRST.slug}", {"Cookie": user.cookie})
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, f"{page.status} {page.text[:500]}"
    return found[1]


def send(line: Line, user: User, path: str, form: dict[str, str], origin: str) -> Reply:
    """Send a form as a browser does."""
    headers = {"Cookie": user.cookie, "Origin": origin, "Content-Type": FORM}
    return line.ask("POST", path, headers, urlencode(form))
