"""Many people who answer at the same time, over the whole stack, and what they were told.

Everybody opens the question's page, sends drafts from it again and again, and confirms the last one.
Nobody sends anything twice: an answer that isn't the expected one is counted as failed.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, product
from typing import Protocol
from urllib.parse import urlencode

from onboarding.profiles.questions import DeveloperRole, PythonProficiency
from tests.visitor import Person

PAIRS = list(product(map(str, PythonProficiency), map(str, DeveloperRole)))


@dataclass(frozen=True)
class Reply:
    """An answer of the app, or of what stands before it."""

    status: int
    headers: dict[str, str]
    """Their names in small letters; of several by one name the last."""
    text: str


class Line(Protocol):
    """One person's way to the app."""

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> Reply: ...

    def close(self) -> None: ...


@dataclass
class Told:
    """What one person saw."""

    person: Person
    last: tuple[str, str] = PAIRS[0]
    """The answers that they sent last: proficiency and role."""
    seconds: list[float] = field(default_factory=list)
    """How long each of their posts took."""
    failed: list[str] = field(default_factory=list)


class Crowd:
    """People at work, a thread each; `stop` lets everybody confirm and tells what they saw."""

    def __init__(self, people: list[Person], line: Callable[[], Line], origin: str) -> None:
        self.told = [Told(person) for person in people]
        self._line = line
        self._origin = origin
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._answer, args=(told,), daemon=True) for told in self.told
        ]
        for thread in self._threads:
            thread.start()

    @property
    def posts(self) -> int:
        """How many forms have been sent and answered."""
        return sum(len(told.seconds) for told in self.told)

    @property
    def failed(self) -> list[str]:
        return [failed for told in self.told for failed in told.failed]

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

    def _answer(self, told: Told) -> None:
        line = self._line()
        try:
            token = token_of(line, told.person)
            for told.last in cycle(PAIRS):
                proficiency, role = told.last
                path = (
                    f"/onboarding/developer-role?{urlencode({'python_proficiency': proficiency})}"
                )
                form = {"developer_role": role, "csrf_token": token}
                self._post(line, told, path, form, "/onboarding/review#h")
                if self._over.is_set():
                    break
            form["python_proficiency"] = proficiency
            self._post(line, told, "/onboarding/review", form, "/profile")
        except Exception as error:
            told.failed.append(repr(error))
        finally:
            line.close()

    def _post(self, line: Line, told: Told, path: str, form: dict[str, str], target: str) -> None:
        began = time.monotonic()
        reply = send(line, told.person, path, form, self._origin)
        told.seconds.append(time.monotonic() - began)
        if (reply.status, reply.headers.get("location")) != (303, target):
            told.failed.append(f"{reply.status} {reply.headers} {reply.text[:200]}")


def token_of(line: Line, person: Person) -> str:
    """Open a question's page and take its form's token."""
    path = "/onboarding/developer-role?python_proficiency=Beginner"
    page = line.ask("GET", path, {"Cookie": person.cookie})
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, f"{page.status} {page.text[:500]}"
    return found[1]


def send(line: Line, person: Person, path: str, form: dict[str, str], origin: str) -> Reply:
    """Send a form as a browser does."""
    headers = {
        "Cookie": person.cookie,
        "Origin": origin,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return line.ask("POST", path, headers, urlencode(form))
