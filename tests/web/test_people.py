"""Several people with devices and tabs, doing anything in any order, beside a model of a few lines.

hypothesis makes up what they do: answer in old tabs, go back, send twice, confirm in one tab and
change in another, call the API, sign out on one device, get banned, be deleted half-way. After every
step the table holds what the model says, and every page that is opened is the one that it says.
"""

import json
import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from onboarding import create_app
from onboarding.config import Settings
from onboarding.profiles.questions import QUESTIONS, parse_answers
from tests.visitor import Person, Visitor, newcomer

SLUGS = {question.slug: question.field for question in QUESTIONS}
FIELDS = tuple(SLUGS.values())
ANSWERS = st.fixed_dictionaries(
    {
        question.field: st.sampled_from([one.value for one in question.answers])
        for question in QUESTIONS
    }
)
# The end of a ban is the only one that is made good: so it comes as often as all the others.
MISHAPS = ["sign-out", "expiry", "ban", "deletion", *["end of the ban"] * 4]
# Everything that a run of a few hundred steps must have seen, or the walks were too shallow.
DEPTH = {
    "saved",
    "confirmed",
    "final stays",
    "signed out",
    "another session's token",
    "resent",
    "409",
}


@dataclass
class Modelled:
    """One person: what their row holds, and whether they may come in."""

    person: Person
    answers: dict[str, str] = field(default_factory=dict)
    is_final: bool = False
    banned: bool = False
    deleted: bool = False

    def row(self) -> tuple | None:
        if not self.answers:
            return None
        return (*(self.answers[name] for name in FIELDS), self.is_final)


@dataclass
class Device:
    """A browser: the cookie in it, and whether its session lives."""

    owner: Modelled
    cookie: Person
    lives: bool = True

    @property
    def is_in(self) -> bool:
        return self.lives and not self.owner.banned and not self.owner.deleted


@dataclass
class Tab:
    """A page as it was when it was opened: where its form goes, and what stands in it."""

    device: Device
    path: str
    action: str | None
    fields: dict[str, str]
    session: str
    links: tuple[str, ...] = ()
    sent: tuple[str, dict[str, str]] | None = None

    @property
    def carried(self) -> dict[str, str]:
        """The answers in the query of its form's address."""
        query = {name: texts[0] for name, texts in parse_qs(urlsplit(self.action).query).items()}
        return {name: answer.value for name, answer in parse_answers(query).items()}


@pytest.fixture(scope="module")
def owner(stage, plugin_settings):
    with psycopg.connect(stage.server.url("plugins"), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def unlimited(stage, plugin_settings):
    """The app without a limit on writes: these people are faster than any."""
    environ = {**stage.app.environment(), "WRITES_PER_MINUTE": "0"}
    app = create_app(replace(Settings.from_environ(environ), database=plugin_settings.database))
    yield app
    app.extensions["onboarding"].database.engine.dispose()


def test_whatever_people_do_the_table_holds_what_the_model_says(
    unlimited, plugin_settings, stage, owner, request
):
    cookie, seen = plugin_settings.session_cookie, Counter()

    class People(RuleBasedStateMachine):
        devices = Bundle("devices")
        tabs = Bundle("tabs")

        def __init__(self) -> None:
            super().__init__()
            self.everybody: list[Modelled] = []

        # Who there is.

        @initialize(target=devices)
        def sign_up_first(self) -> Device:
            return self._newcomer()

        @rule(target=devices)
        def sign_up(self) -> Device:
            return self._newcomer()

        @rule(target=devices, device=devices)
        def sign_in_on_another_device(self, device: Device) -> Device:
            return Device(device.owner, *self._session_for(device.owner))

        @rule(device=devices)
        def sign_in_again(self, device: Device) -> None:
            device.cookie, device.lives = self._session_for(device.owner)

        @rule(device=devices, what=st.sampled_from(MISHAPS))
        def meet_with(self, device: Device, what: str) -> None:
            """What ends a session, from the person's own sign-out to the end of the account."""
            user_id, token = device.owner.person.user_id, device.cookie.token
            match what:
                case "sign-out":
                    owner.execute("DELETE FROM session WHERE token = %s", [token])
                    device.lives = False
                case "expiry":
                    owner.execute(
                        "UPDATE session SET \"expiresAt\" = now() - interval '1 second'"
                        " WHERE token = %s",
                        [token],
                    )
                    device.lives = False
                case "ban" | "end of the ban":
                    device.owner.banned = what == "ban"
                    owner.execute(
                        'UPDATE "user" SET banned = %s WHERE id = %s', [what == "ban", user_id]
                    )
                case "deletion":
                    owner.execute('DELETE FROM "user" WHERE id = %s', [user_id])
                    device.owner.deleted, device.owner.is_final = True, False
                    device.owner.answers = {}
            seen[what] += 1

        # What they do.

        @rule(target=tabs, device=devices)
        def open_a_tab(self, device: Device) -> Tab:
            tab = self._opened(device, "/")
            someone = device.owner
            if not device.is_in:
                assert tab.path in ("sign in", "/signed-out")
            elif someone.is_final:
                assert tab.path == "/profile"
            elif someone.answers:
                assert tab.path == "/onboarding/review"
            else:
                assert tab.path == f"/onboarding/{QUESTIONS[0].slug}"
            return tab

        @rule(target=tabs, device=devices, slug=st.sampled_from(list(SLUGS)))
        def change_an_answer(self, device: Device, slug: str) -> Tab:
            return self._opened(device, f"/onboarding/{slug}")

        @rule(target=tabs, device=devices, answers=ANSWERS, both=st.booleans())
        def follow_a_link_that_proposes(self, device: Device, answers: dict, both: bool) -> Tab:
            proposed = answers if both else dict(list(answers.items())[:1])
            query = "&".join(f"{name}={quote(value)}" for name, value in proposed.items())
            return self._opened(device, f"/onboarding/?{query}")

        @rule(target=tabs, tab=tabs, answers=ANSWERS)
        def send_the_form(self, tab: Tab, answers: dict[str, str]) -> Tab:
            if tab.action is None:
                return tab
            slug = tab.path.removeprefix("/onboarding/")
            if slug in SLUGS:
                return self._sent(tab, tab.action, {SLUGS[slug]: answers[SLUGS[slug]]})
            return self._sent(tab, tab.action, {name: tab.fields[name] for name in FIELDS})

        @rule(target=tabs, tab=tabs, which=st.integers(0, 9))
        def follow_a_link_on_the_page(self, tab: Tab, which: int) -> Tab:
            if not tab.links:
                return tab
            return self._opened(tab.device, tab.links[which % len(tab.links)])

        @rule(target=tabs, tab=tabs, one=ANSWERS, other=ANSWERS)
        def send_the_form_after_another_tab(self, tab: Tab, one: dict, other: dict) -> Tab:
            self.call_the_api(tab.device, one, done=False)
            return self.send_the_form(tab, other)

        @rule(target=tabs, device=devices, answers=ANSWERS, then_confirm=st.booleans())
        def answer_all(self, device: Device, answers: dict[str, str], then_confirm: bool) -> Tab:
            tab = self._opened(device, f"/onboarding/{QUESTIONS[0].slug}")
            while tab.action and (tab.path != "/onboarding/review" or then_confirm):
                tab = self.send_the_form(tab, answers)
            return tab

        @rule(target=tabs, tab=tabs, answers=ANSWERS, what=st.sampled_from(MISHAPS))
        def send_the_form_after_a_mishap(self, tab: Tab, answers: dict, what: str) -> Tab:
            self.meet_with(tab.device, what)
            return self.send_the_form(tab, answers)

        @rule(target=tabs, tab=tabs)
        def send_the_same_form_again(self, tab: Tab) -> Tab:
            if tab.sent is None:
                return tab
            seen["resent"] += 1
            return self._sent(tab, *tab.sent)

        @rule(device=devices, answers=ANSWERS, done=st.booleans())
        def call_the_api(self, device: Device, answers: dict[str, str], done: bool) -> None:
            someone, visitor = device.owner, Visitor(unlimited, device.cookie, {})
            answer = visitor.put({**answers, "is_onboarded": done})
            if not device.is_in:
                assert answer.status_code == 401
            elif someone.is_final and answers != someone.answers:
                assert answer.status_code == 409
                seen["409"] += 1
            else:
                assert answer.status_code == (200 if someone.answers else 201)
                someone.answers, someone.is_final = answers, someone.is_final or done

        @rule(device=devices)
        def ask_the_api(self, device: Device) -> None:
            answer = Visitor(unlimited, device.cookie, {}).get("/api/profile")
            if not device.is_in:
                assert answer.status_code == 401
                return
            told, someone = answer.json, device.owner
            assert {name: told[name] for name in FIELDS if told[name]} == someone.answers
            assert told["is_onboarded"] is someone.is_final

        # What must hold.

        @invariant()
        def the_table_holds_what_the_model_says(self) -> None:
            ids = [someone.person.user_id for someone in self.everybody]
            rows = owner.execute(
                "SELECT user_id, python_proficiency, developer_role, is_onboarded"
                " FROM user_profile WHERE user_id = ANY(%s)",
                [ids],
            ).fetchall()
            real = {user_id: tuple(values) for user_id, *values in rows}
            said = {one.person.user_id: one.row() for one in self.everybody}
            assert real == {user_id: row for user_id, row in said.items() if row}

        # How they do it.

        def _newcomer(self) -> Device:
            someone = Modelled(newcomer(stage.server.url("plugins"), cookie))
            self.everybody.append(someone)
            return Device(someone, someone.person)

        def _session_for(self, someone: Modelled) -> tuple[Person, bool]:
            token = secrets.token_hex(16)
            signed = f"{cookie.name}={token}.{quote(cookie.sign(token))}"
            now = datetime.now(UTC)
            if not someone.deleted:
                owner.execute(
                    'INSERT INTO session (id, token, "userId", "expiresAt", "updatedAt")'
                    " VALUES (%s, %s, %s, %s, %s)",
                    [secrets.token_hex(16), token, someone.person.user_id, now + timedelta(7), now],
                )
            return replace(someone.person, cookie=signed, token=token), not someone.deleted

        def _opened(self, device: Device, path: str) -> Tab:
            visitor = Visitor(unlimited, device.cookie, {})
            answer = visitor.get(path)
            for _ in range(6):
                location = answer.headers.get("Location")
                if location is None:
                    break
                if location.startswith("http"):
                    return Tab(device, "sign in", None, {}, device.cookie.token)
                path, answer = location, visitor.get(location)
            html = BeautifulSoup(answer.text, "html.parser")
            form = html.find("form", method="post")
            fields = {one["name"]: one["value"] for one in form("input")} if form else {}
            action = form["action"] if form else None
            links = tuple(one["href"] for one in html.main("a") if one["href"].startswith("/onb"))
            tab = Tab(device, urlsplit(path).path, action, fields, device.cookie.token, links)
            if tab.path == "/onboarding/review":
                shown = {name: fields[name] for name in FIELDS}
                assert shown == {**device.owner.answers, **tab.carried}
            return tab

        def _sent(self, tab: Tab, action: str, typed: dict[str, str]) -> Tab:
            """Send a form of this tab, hold the answer against the model, and give the next page."""
            device, someone = tab.device, tab.device.owner
            tab.sent = (action, typed)
            before = someone.row()
            answer = Visitor(unlimited, device.cookie, {}).post(
                action, {"csrf_token": tab.fields["csrf_token"], **typed}
            )
            location = answer.headers.get("Location", "")
            if not device.is_in:
                assert (answer.status_code, urlsplit(location).path) == (303, "/signed-out")
                seen["signed out"] += 1
            elif someone.is_final:
                assert (answer.status_code, urlsplit(location).path) == (303, "/profile")
                seen["final stays"] += 1
            elif tab.session != device.cookie.token:
                assert answer.status_code == 403
                seen["another session's token"] += 1
                return tab
            else:
                assert answer.status_code == 303
                known = {**someone.answers, **tab.carried, **typed}
                if len(known) == len(FIELDS):
                    someone.answers = {name: known[name] for name in FIELDS}
                    someone.is_final = urlsplit(action).path == "/onboarding/review"
                seen["confirmed" if someone.is_final else "saved" if before else "answered"] += 1
            return self._opened(device, location)

    walks = request.config.getoption("--walks")
    run_state_machine_as_test(
        People,
        settings=hypothesis_settings(
            max_examples=walks,
            stateful_step_count=15 if walks < 100 else 20,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{walks} walks, 0 differences: {json.dumps(dict(sorted(seen.items())))}")
    if walks >= 100:
        assert set(seen) >= DEPTH
