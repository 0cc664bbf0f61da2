"""Who is signed in: our verdict and Better-Auth's, asked of the real servers, byte for byte alike."""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from flask import Flask

from devstack.app import App
from devstack.main_site import DIRECTORY, MainSite, node
from devstack.postgres import Postgres
from devstack.processes import Child, free_port, wait_for
from onboarding import create_app
from onboarding.betterauth.cookie import SessionCookie
from onboarding.config import Settings
from tests.compat.corpus import Cast, Value, an_example, headers
from tests.compat.differences import DIFFERENCES, DOCUMENT, IN, OUT, REFUSED, generated, written
from tests.compat.line import Line
from tests.compat.people import STATES
from tests.conftest import Stage
from tests.places import Place, alembic, divided
from tests.visitor import Person, Visitor, newcomer

SESSION = "/api/auth/get-session?disableCookieCache=true&disableRefresh=true"
# Shows the e-mail of whoever is signed in and not onboarded, and saves nothing.
REVIEW = "/onboarding/review?python_proficiency=Beginner&developer_role=None"
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Verdict:
    """Whose e-mail was named, or None; and whether the request itself was refused."""

    email: str | None = None
    refused: bool = False

    @property
    def word(self) -> str:
        return IN if self.email else REFUSED if self.refused else OUT


@dataclass(frozen=True)
class Court:
    """Two servers on one database, and the people that either may name."""

    site_port: int
    app_port: int
    emails: frozenset[str] = frozenset()

    def theirs(self, line: Line, *cookie_lines: bytes) -> Verdict:
        answer = line.ask(*cookie_lines)
        if answer.status == 200:
            found = json.loads(answer.body)
            return Verdict() if found is None else Verdict(found["user"]["email"])
        # A header that Node.js refuses; 500 is Better-Auth's word for a token that holds a NUL.
        assert answer.status in (400, 431, 500), answer
        return Verdict(refused=answer.status != 500)

    def ours(self, line: Line, *cookie_lines: bytes) -> Verdict:
        answer = line.ask(*cookie_lines)
        named = [email for email in self.emails if email in answer.body]
        if answer.status == 200:
            (email,) = named
            return Verdict(email)
        assert named == []
        assert answer.status in (303, 400, 431), answer
        return Verdict(refused=answer.status != 303)

    def lines(self) -> tuple[Line, Line]:
        """Give a connection to each, ours first."""
        return Line(self.app_port, REVIEW), Line(self.site_port, SESSION)


def assert_meant(verdicts: dict[str, tuple[Verdict, Verdict]]) -> None:
    """Hold that two verdicts differ where the table says so, as it says, and nowhere else."""
    unmeant = {
        name: (ours.word, theirs.word)
        for name, (ours, theirs) in verdicts.items()
        if ours.email != theirs.email and not any(one.covers(name) for one in DIFFERENCES)
    }
    assert unmeant == {}
    for difference in DIFFERENCES:
        covered = {name: pair for name, pair in verdicts.items() if difference.covers(name)}
        said = (difference.ours, difference.theirs)
        assert {
            name: (ours.word, theirs.word)
            for name, (ours, theirs) in covered.items()
            if (ours.word, theirs.word) != said
        } == {}, difference.what


@pytest.fixture(scope="module")
def ada(sign_up: Callable[..., Person]) -> Person:
    return sign_up()


@pytest.fixture(scope="module")
def bob(sign_up: Callable[..., Person]) -> Person:
    return sign_up()


@pytest.fixture(scope="module")
def court(stage: Stage, served_app: str, ada: Person, bob: Person) -> Court:
    return Court(stage.site.port, stage.app.port, frozenset({ada.email, bob.email}))


@pytest.fixture(scope="module")
def cookie(settings: Settings) -> SessionCookie:
    return settings.session_cookie


def a_session(
    stage: Stage, cookie: SessionCookie, person: Person, *tokens: str, expires: str = "1 day"
) -> Value:
    """Give somebody one more session, as the main site would, which expires so long from now.

    Several tokens make as many, all with the same expiry to the microsecond; the first is given.
    """
    tokens = tokens or (secrets.token_hex(16),)
    stage.sql(
        'INSERT INTO session (id, token, "userId", "updatedAt", "expiresAt")'
        " SELECT CAST(gen_random_uuid() AS text), token, %s, now(), now() + CAST(%s AS interval)"
        " FROM unnest(CAST(%s AS text[])) token",
        *(person.user_id, expires, list(tokens)),
    )
    return Value(tokens[0], cookie.sign(tokens[0]))


def header(cookie: SessionCookie, value: Value) -> bytes:
    return f"{cookie.name}={value.encoded}".encode()


@pytest.fixture(scope="module")
def cast(
    stage: Stage,
    cookie: SessionCookie,
    ada: Person,
    bob: Person,
    sign_up: Callable[..., Person],
) -> Cast:
    token = ada.token
    while not {"+", "/"} <= set(cookie.sign(token)):
        token = secrets.token_hex(16)
    signed = Value(token, cookie.sign(token))
    gone = sign_up()
    stage.sql('DELETE FROM "user" WHERE id = %s', gone.user_id)
    revoked = secrets.token_hex(16)
    return Cast(
        cookie,
        ada=signed if token == ada.token else a_session(stage, cookie, ada, token),
        ada_again=a_session(stage, cookie, ada),
        accented=a_session(stage, cookie, ada, f"žluťoučký-🐎-{secrets.token_hex(8)}"),
        bob=Value(bob.token, cookie.sign(bob.token)),
        revoked=Value(revoked, cookie.sign(revoked)),
        expired=a_session(stage, cookie, bob, expires="-1 hour"),
        gone=Value(gone.token, cookie.sign(gone.token)),
    )


@pytest.fixture(scope="module")
def verdicts(court: Court, cast: Cast) -> dict[str, tuple[Verdict, Verdict]]:
    """What both say to every header of the corpus, ours first."""
    asked = headers(cast)

    def all_of(ask: Callable[..., Verdict], line: Line) -> list[Verdict]:
        with line:
            return [ask(line, *lines) for lines in asked.values()]

    with ThreadPoolExecutor(2) as pool:
        ours, theirs = pool.map(all_of, (court.ours, court.theirs), court.lines())
    return dict(zip(asked, zip(ours, theirs, strict=True), strict=True))


def test_every_header_gets_the_verdict_of_better_auth_or_differs_as_the_table_says(
    verdicts: dict[str, tuple[Verdict, Verdict]],
) -> None:
    assert len(verdicts) >= 200
    assert_meant(verdicts)
    differ = {name for name, (ours, theirs) in verdicts.items() if ours.email != theirs.email}
    print(f"\n{len(verdicts)} headers asked, {len(verdicts) - len(differ)} agreed")
    for difference in DIFFERENCES:
        if meant := sum(map(difference.covers, differ)):
            print(f"{meant:4} meant: {difference.what}")
    print(Counter(f"{ours.word} here, {theirs.word} there" for ours, theirs in verdicts.values()))


def test_no_header_makes_one_person_of_us_and_another_of_better_auth(
    verdicts: dict[str, tuple[Verdict, Verdict]],
) -> None:
    assert {
        name: (ours.email, theirs.email)
        for name, (ours, theirs) in verdicts.items()
        if ours.email and theirs.email and ours.email != theirs.email
    } == {}


def test_the_corpus_holds_both_verdicts_and_both_people(
    verdicts: dict[str, tuple[Verdict, Verdict]], ada: Person, bob: Person
) -> None:
    agreed = Counter(ours.email for ours, theirs in verdicts.values() if ours == theirs)
    assert agreed[ada.email] > 50
    assert agreed[bob.email] > 0
    assert agreed[None] > 200


def test_each_pattern_of_the_table_covers_something_that_no_other_difference_does() -> None:
    names = [*headers(an_example()), *(f"people: {state}" for state in STATES)]
    for difference in DIFFERENCES:
        for pattern in difference.patterns:
            assert any(replace(difference, patterns=(pattern,)).covers(name) for name in names), (
                pattern
            )
    assert [name for name in names if sum(one.covers(name) for one in DIFFERENCES) > 1] == []


def test_the_document_tells_the_same_differences() -> None:
    assert written(DOCUMENT.read_text()) == generated(), (
        "write it anew: .venv/bin/python -m tests.compat.differences"
    )


@dataclass(frozen=True)
class Hearing:
    """One session, asked about three times in a row: here, there, here."""

    first: Verdict
    theirs: Verdict
    second: Verdict

    @property
    def is_over(self) -> bool:
        return self.first.email is self.theirs.email is self.second.email is None


# Seconds from now at which a session ends; those over already are asked first.
ENDS = (-2, -1, -0.1, -0.01, -0.001, 0, 0.001, 0.01, *(n / 10 for n in range(1, 21)))


def test_a_session_ends_here_when_it_ends_for_better_auth(
    stage: Stage, court: Court, cookie: SessionCookie, ada: Person
) -> None:
    """Ask here, there, here, over and over while each session ends.

    The two answers from here bracket the one from there in time, and a session that is over stays
    so. Where both of ours are the same, the end lay before or after all three, and Better-Auth's
    answer must be the same, too; where they differ, the end lay between, and it may be either.

    Better-Auth deletes a session that it finds over, which would end it here as well. So it is
    asked about a twin, a session that ends at the very same microsecond.
    """
    start = time.monotonic()
    twins = {end: (secrets.token_hex(16), secrets.token_hex(16)) for end in ENDS}
    for end, tokens in twins.items():
        a_session(stage, cookie, ada, *tokens, expires=f"{end} seconds")
    made = time.monotonic()
    heard: dict[float, list[Hearing]] = {}
    ours, theirs = court.lines()
    with ours, theirs:
        for end, tokens in twins.items():
            mine, twin = (header(cookie, Value(token, cookie.sign(token))) for token in tokens)
            # Before any of them can be over: the row was written some time after the start.
            time.sleep(max(0, start + end - 0.02 - time.monotonic()))
            heard[end] = []
            while not (heard[end] and heard[end][-1].is_over):
                assert time.monotonic() < made + max(0, end) + 5
                heard[end].append(
                    Hearing(
                        court.ours(ours, mine), court.theirs(theirs, twin), court.ours(ours, mine)
                    )
                )
    wrong = {
        end: [one for one in hearings if one.first == one.second != one.theirs]
        for end, hearings in heard.items()
    }
    assert {end: hearings for end, hearings in wrong.items() if hearings} == {}
    assert all(hearings[0].is_over for end, hearings in heard.items() if end <= 0)
    # Most were met alive and left dead.
    met = [end for end, hearings in heard.items() if hearings[0].first.email]
    assert len(met) > 5
    print(f"\n{len(heard)} sessions asked {sum(map(len, heard.values()))} times, {len(met)} alive")


@pytest.mark.parametrize(
    "deletion",
    [
        'DELETE FROM session WHERE "userId" = %s',
        'DELETE FROM "user" WHERE id = %s',
        "UPDATE session SET token = 'x' || token WHERE \"userId\" = %s",
    ],
    ids=["the session is deleted", "the user is deleted", "the token is changed"],
)
def test_a_session_is_over_at_once_here_and_there(
    stage: Stage, court: Court, cookie: SessionCookie, deletion: str
) -> None:
    person = newcomer(stage.database_url, cookie)
    court = replace(court, emails=frozenset({person.email}))
    ours, theirs = court.lines()
    with ours, theirs:

        def ask() -> tuple[Verdict, Verdict]:
            cookie_line = person.cookie.encode()
            return court.ours(ours, cookie_line), court.theirs(theirs, cookie_line)

        assert ask() == (Verdict(person.email), Verdict(person.email))
        stage.sql(deletion, person.user_id)
        assert ask() == (Verdict(), Verdict())


# The site of examples/main-site with two plugins more; `serve` and `auth.js` are that site's own.
SITE_WITH_PLUGINS = """
import { serve } from "@hono/node-server";
import { getMigrations } from "better-auth/db/migration";
import { admin, anonymous } from "better-auth/plugins";
import { createAuth } from "./auth.js";
import { settings } from "./settings.js";

const auth = createAuth({ plugins: [admin(), anonymous()] });
await (await getMigrations(auth.options)).runMigrations();
serve({ fetch: auth.handler, hostname: settings.host, port: settings.port }, () =>
  console.log("ready: with plugins"),
);
"""


@dataclass(frozen=True)
class Plugged:
    """A main site with the admin and anonymous plugins, and our app on the same database."""

    place: Place
    app: Flask
    court: Court

    def newcomer(self, lifetime: timedelta = A_DAY, **fields: dict) -> Person:
        cookie = self.app.extensions["onboarding"].settings.session_cookie
        return newcomer(self.place.url(), cookie, lifetime=lifetime, **fields)

    def ask(self, person: Person) -> tuple[Verdict, Verdict]:
        page = Visitor(self.app, person, {}).get(REVIEW)
        ours = Verdict(person.email) if person.email in page.text else Verdict()
        assert page.status_code == (200 if ours.email else 303)
        with Line(self.court.site_port, SESSION) as line:
            return ours, self.court.theirs(line, person.cookie.encode())


@pytest.fixture(scope="module")
def plugged(
    server: Postgres, stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plugged]:
    """The times are naive, as in databases made by Better-Auth before September 2025, in UTC; the
    connections to the database are in another zone.
    """
    log = tmp_path_factory.mktemp("plugged") / "site.log"
    with divided(server, "plugged") as places:
        place = Place(places, "public")
        app = App(
            free_port(), places.url, secrets.token_urlsafe(32), f"http://localhost:{free_port()}"
        )
        site = MainSite(
            int(app.site_url.rpartition(":")[2]), places.url, app.secret, app.url, {"TZ": "UTC"}
        )
        with Child(
            "the main site with plugins",
            [node(), "--input-type=module", "--eval", SITE_WITH_PLUGINS],
            log=log,
            directory=DIRECTORY,
            environment=site._environment(),
        ) as child:
            wait_for(child, lambda: None if "ready" in log.read_text() else "it isn't ready")
            done = alembic(places.url, "upgrade", "head")
            assert done.returncode == 0, done.stderr
            place.sql(
                'ALTER TABLE session ALTER "expiresAt" TYPE timestamp;'
                "ALTER DATABASE plugged SET timezone = 'Asia/Tokyo'"
            )
            made = create_app(Settings.from_environ(app.environment()))
            yield Plugged(place, made, Court(site.port, app.port))
            made.extensions["onboarding"].database.engine.dispose()


def test_people_in_odd_states_get_the_verdict_of_better_auth_or_differ_as_the_table_says(
    plugged: Plugged,
) -> None:
    verdicts = {
        f"people: {state}": plugged.ask(plugged.newcomer(user=user, session=session))
        for state, (user, session) in STATES.items()
    }
    assert_meant(verdicts)
    assert [name for name, pair in verdicts.items() if IN not in (pair[0].word, pair[1].word)] == []


@pytest.mark.parametrize(
    ("seconds", "lives"), [(-36_000, False), (-5, False), (60, True), (36_000, True)]
)
def test_a_naive_expiry_in_a_database_of_another_zone_is_read_as_better_auth_reads_it(
    plugged: Plugged, seconds: int, lives: bool
) -> None:
    person = plugged.newcomer(lifetime=timedelta(seconds=seconds))
    expected = Verdict(person.email if lives else None)
    assert plugged.ask(person) == (expected, expected)
