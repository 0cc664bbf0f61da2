"""Generated walks of users with several devices and tabs, held against a model of what must be stored.

They answer in old tabs, go back, send twice, confirm in one tab and change in another, call the API,
sign out on one device, get banned, are deleted half-way. After every step the table holds what the
model says, and every page that is opened is the one that it says.
"""

from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from tests.browser import Browser
from tests.questionnaires import ODD
from tests.users import User
from tests.web.fuzzing import examples

pytestmark = pytest.mark.slow

SLUGS = {slug: question.name for slug, question in ODD.by_slug.items()}
ANSWERS = st.fixed_dictionaries({one.name: st.sampled_from(one.values) for one in ODD})
FIRST, REVIEW = f"/onboarding/{ODD.questions[0].slug}", "/onboarding/review"
# A ban is the only one that ends: so its end comes as often as all the others.
MISHAPS = ["sign-out", "expiry", "ban", "deletion", *["end of the ban"] * 4]
STATEMENTS = {
    "sign-out": "DELETE FROM session WHERE token = %(token)s",
    "expiry": "UPDATE session SET \"expiresAt\" = now() - interval '1 second' WHERE token = %(token)s",
    "ban": 'UPDATE "user" SET banned = true WHERE id = %(id)s',
    "end of the ban": 'UPDATE "user" SET banned = false WHERE id = %(id)s',
    "deletion": 'DELETE FROM "user" WHERE id = %(id)s',
}
# What long walks must have seen, or they were too shallow.
DEPTH = {"saved", "confirmed", "final stays", "signed out", "sent back", "resent", "409"}


@dataclass
class Account:
    """A user: what their row must hold, and whether they may come in."""

    user: User
    answers: dict[str, str] = field(default_factory=dict)
    is_final: bool = False
    banned: bool = False
    deleted: bool = False

    @property
    def row(self) -> dict[str, object] | None:
        return {**self.answers, "is_onboarded": self.is_final} if self.answers else None


@dataclass
class Device:
    """A browser: the session in it, and whether that lives."""

    account: Account
    session: User
    lives: bool = True

    @property
    def is_in(self) -> bool:
        return self.lives and not self.account.banned and not self.account.deleted


@dataclass
class Tab:
    """A page as it was when it was opened: where its form goes, and what it holds."""

    device: Device
    path: str
    session_token: str
    action: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    sent: tuple[str, dict[str, str]] | None = None

    @property
    def carried(self) -> dict[str, str]:
        """The answers in the query of its form's URL."""
        return ODD.parse(parse_qs(urlsplit(self.action).query))


def test_whatever_users_do_the_table_holds_what_the_model_says(sites, request):
    site, seen = sites("odd"), Counter()

    class Users(RuleBasedStateMachine):
        devices = Bundle("devices")
        tabs = Bundle("tabs")

        accounts: list[Account]

        @initialize(target=devices)
        def sign_up_first(self) -> Device:
            self.accounts = []
            return self.sign_up()

        @rule(target=devices)
        def sign_up(self) -> Device:
            account = Account(site.user())
            self.accounts.append(account)
            return Device(account, account.user)

        @rule(target=devices, device=devices)
        def sign_in_on_another_device(self, device: Device) -> Device:
            other = Device(device.account, device.session)
            self.sign_in_again(other)
            return other

        @rule(device=devices)
        def sign_in_again(self, device: Device) -> None:
            device.lives = not device.account.deleted
            device.session = site.new_session(device.account.user)

        @rule(device=devices, mishap=st.sampled_from(MISHAPS))
        def meet_with(self, device: Device, mishap: str) -> None:
            """What ends a session, from a sign-out to the end of the account, or lets it live again."""
            account = device.account
            values = {"id": account.user.id, "token": device.session.token}
            site.connection.execute(STATEMENTS[mishap], values)
            if mishap in ("sign-out", "expiry"):
                device.lives = False
            elif mishap == "deletion":
                account.deleted, account.is_final, account.answers = True, False, {}
            else:
                account.banned = mishap == "ban"
            seen[mishap] += 1

        @rule(target=tabs, device=devices)
        def open_a_tab(self, device: Device) -> Tab:
            tab = self._open(device, "/")
            if not device.is_in:
                assert tab.path in ("sign in", "/signed-out")
            elif device.account.is_final:
                assert tab.path == "/profile"
            else:
                assert tab.path == (REVIEW if device.account.answers else FIRST)
            return tab

        @rule(target=tabs, device=devices, slug=st.sampled_from(["", *SLUGS]), answers=ANSWERS)
        def follow_a_link(self, device: Device, slug: str, answers: dict[str, str]) -> Tab:
            """To a question, or to the wizard with some answers that the main site proposes."""
            proposed = urlencode(list(answers.items())[: len(slug) % 3])
            return self._open(device, f"/onboarding/{slug}?{proposed}")

        @rule(target=tabs, tab=tabs, which=st.integers(0, 9))
        def follow_a_link_on_the_page(self, tab: Tab, which: int) -> Tab:
            if not tab.links:
                return tab
            return self._open(tab.device, tab.links[which % len(tab.links)])

        @rule(target=tabs, tab=tabs, answers=ANSWERS)
        def send_the_form(self, tab: Tab, answers: dict[str, str]) -> Tab:
            if tab.action is None:
                return tab
            name = SLUGS.get(tab.path.removeprefix("/onboarding/"))
            # The review's fields are what it showed.
            form = {name: answers[name]} if name else {one: tab.fields[one] for one in ODD.names}
            return self._send(tab, tab.action, form)

        @rule(target=tabs, tab=tabs, answers=ANSWERS, mishap=st.sampled_from(MISHAPS))
        def send_the_form_after_a_mishap(self, tab: Tab, answers: dict, mishap: str) -> Tab:
            self.meet_with(tab.device, mishap)
            return self.send_the_form(tab, answers)

        @rule(target=tabs, tab=tabs)
        def send_the_same_form_again(self, tab: Tab) -> Tab:
            if tab.sent is None:
                return tab
            seen["resent"] += 1
            return self._send(tab, *tab.sent)

        @rule(target=tabs, device=devices, answers=ANSWERS, then_confirm=st.booleans())
        def answer_all(self, device: Device, answers: dict[str, str], then_confirm: bool) -> Tab:
            tab = self._open(device, FIRST)
            for _ in range(len(ODD) + then_confirm):
                tab = self.send_the_form(tab, answers)
            return tab

        @rule(device=devices, answers=ANSWERS, is_final=st.booleans())
        def call_the_api(self, device: Device, answers: dict[str, str], is_final: bool) -> None:
            account = device.account
            response = Browser(site.app, device.session, {}).put(
                {**answers, "is_onboarded": is_final}
            )
            if not device.is_in:
                assert response.status_code == 401
            elif account.is_final and answers != account.answers:
                assert response.status_code == 409
                seen["409"] += 1
            else:
                assert response.status_code == (200 if account.answers else 201)
                account.answers, account.is_final = answers, account.is_final or is_final

        @invariant()
        def the_table_holds_what_the_model_says(self) -> None:
            for account in getattr(self, "accounts", []):
                assert site.row(account.user) == account.row

        def _open(self, device: Device, path: str) -> Tab:
            """Open a URL as a browser does, and return the page at which it ends."""
            browser = Browser(site.app, device.session, {})
            response, token = browser.get(path), device.session.token
            while location := response.headers.get("Location"):
                if location.startswith("http"):
                    return Tab(device, "sign in", token)
                path, response = location, browser.get(location)
            html = BeautifulSoup(response.text, "html.parser")
            links = tuple(one["href"] for one in html.main("a") if one["href"].startswith("/onb"))
            tab = Tab(device, urlsplit(path).path, token, links=links)
            if form := html.find("form", method="post"):
                tab.action = form["action"]
                tab.fields = {one["name"]: one["value"] for one in form("input")}
            if tab.path == REVIEW:
                shown = {name: tab.fields[name] for name in ODD.names}
                assert shown == {**device.account.answers, **tab.carried}
            return tab

        def _send(self, tab: Tab, action: str, form: dict[str, str]) -> Tab:
            """Send a form of this tab, hold the response against the model; return the next page."""
            device, account, before = tab.device, tab.device.account, tab.device.account.row
            tab.sent = (action, form)
            fields = {"csrf_token": tab.fields["csrf_token"], **form}
            response = Browser(site.app, device.session, {}).post(action, fields)
            location = response.headers.get("Location", "")
            if device.is_in and not account.is_final and tab.session_token != device.session.token:
                assert "problem=stale" in location
                seen["sent back"] += 1
                return self._open(device, location)
            assert response.status_code == 303
            if not device.is_in:
                assert urlsplit(location).path == "/signed-out"
                seen["signed out"] += 1
            elif account.is_final:
                assert urlsplit(location).path == "/profile"
                seen["final stays"] += 1
            else:
                known = {**account.answers, **tab.carried, **form}
                if not ODD.missing(known):
                    account.answers = {name: known[name] for name in ODD.names}
                    account.is_final = urlsplit(action).path == REVIEW
                seen["confirmed" if account.is_final else "saved" if before else "answered"] += 1
            return self._open(device, location)

    walks = request.config.getoption("--walks")
    steps = settings(examples(walks), stateful_step_count=20, derandomize=walks < 100)
    run(Users, settings=steps)
    print(f"{walks} walks, 0 differences: {dict(sorted(seen.items()))}")
    assert set(seen) >= (DEPTH if walks >= 100 else set())
