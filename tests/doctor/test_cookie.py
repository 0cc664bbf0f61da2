"""What `--cookie` says about a cookie, and what it never repeats."""

from base64 import b64encode

import pytest

from onboarding.betterauth.cookie import SessionCookie
from onboarding.doctor import cookie
from onboarding.doctor.installation import Installation
from tests.doctor.conftest import Clinic
from tests.visitor import Person, newcomer

NAME = "better-auth.session_token"
SIGNATURE = "jGZfk9YnouyUoKDLvBfhP797R8SkAI6FXSKhvTKBN%2B4%3D"
PLUGINS = 'ALTER TABLE "user" ADD banned boolean, ADD "isAnonymous" boolean'
TOKEN = "FgBjnAm9zWvc3QWKpepwsZCwqPNZf6rB"


@pytest.fixture
def person(clinic: Clinic) -> Person:
    return clinic.ada


@pytest.mark.parametrize(
    "form",
    [
        "{name}={value}",
        "Cookie: {name}={value}",
        "cookie:  theme=dark; {name}={value}; other=1\n",
        "{value}",
        " {value}\n",
        "{decoded}",
        '"{decoded}"',
        "{name}={decoded}",
    ],
)
def test_a_cookie_may_be_given_as_it_was_copied(form: str, clinic: Clinic, person: Person) -> None:
    name, _, value = person.cookie.partition("=")
    decoded = f"{person.token}.{clinic.cookie.sign(person.token)}"
    given = form.format(name=name, value=value, decoded=decoded)
    assert told(clinic, given) == ("ok", "signed in, verified")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", f"{NAME} has no signature: its form is token.signature"),
        ("theme=dark", f"no cookie named {NAME}"),
        (f"{NAME}=", f"{NAME} has no signature: its form is token.signature"),
        (f"{NAME}={TOKEN}", f"{NAME} has no signature: its form is token.signature"),
        (f"{NAME}={TOKEN}.short", f"{NAME} has no signature: its form is token.signature"),
        (
            f"__Secure-{NAME}={TOKEN}.{SIGNATURE}; acme.session_token=x",
            f"no cookie named {NAME}; there is __Secure-{NAME}, acme.session_token",
        ),
        (
            f"{NAME}={TOKEN}.{SIGNATURE}",
            "the signature doesn't verify: the main site signs with another secret",
        ),
        # Multi-session cookies have the token in their name.
        (f"{NAME}_multi-{TOKEN.lower()}={TOKEN}.{SIGNATURE}", f"no cookie named {NAME}"),
    ],
)
def test_what_is_wrong_with_a_cookie_is_named(given: str, says: str, clinic: Clinic) -> None:
    assert told(clinic, given) == ("fault", says)


def test_two_sessions_under_one_name_are_told(clinic: Clinic) -> None:
    values = [f"{NAME}={token}.{clinic.cookie.sign(token)}" for token in ("one", "two")]
    assert told(clinic, "; ".join(values)) == (
        "fault",
        f"two different sessions under the name {NAME}",
    )


@pytest.mark.parametrize(
    ("environ", "whose"),
    [
        ({"BETTER_AUTH_SECRETS": "2:{other},1:{secret}", "BETTER_AUTH_SECRET": ""}, "an entry of BETTER_AUTH_SECRETS that isn't the first"),
        ({"BETTER_AUTH_SECRETS": "1:{other}"}, "BETTER_AUTH_SECRET, which BETTER_AUTH_SECRETS overrides here"),
        ({"BETTER_AUTH_SECRET": " {secret}\n"}, "this secret without the spaces around it"),
        ({"BETTER_AUTH_SECRET": '"{secret}"'}, "this secret without the quotes around it"),
    ],
)  # fmt: skip
def test_a_secret_that_is_nearly_right_is_recognised(
    environ: dict[str, str], whose: str, clinic: Clinic
) -> None:
    secrets = {"other": "o" * 40, "secret": clinic.stage.app.secret}
    changed = {name: value.format(**secrets) for name, value in environ.items()}
    level, says = told(clinic, clinic.ada.cookie, **changed)
    assert (level, says) == ("fault", f"the signature is made with {whose}")


def test_a_guest_is_told_from_a_person(clinic: Clinic) -> None:
    database = clinic.spoilt(PLUGINS)
    url = clinic.stage.server.url(database)
    guest = newcomer(url, clinic.cookie, user={"isAnonymous": True})
    _, says = told(clinic, guest.cookie, DATABASE_URL=url)
    assert says.startswith("signed in, verified: a guest")


def test_somebody_banned_is_told(clinic: Clinic) -> None:
    database = clinic.spoilt(PLUGINS)
    url = clinic.stage.server.url(database)
    banned = newcomer(url, clinic.cookie, user={"banned": True})
    _, says = told(clinic, banned.cookie, DATABASE_URL=url)
    assert says.startswith("signed in, verified: somebody who is banned")


def test_no_cookie_that_is_refused_is_repeated(clinic: Clinic) -> None:
    forged = SessionCookie(NAME, "another secret, long enough for the purpose").sign("secret-token")
    for value in (f"secret-token.{forged}", "secret-token", b64encode(b"secret-token").decode()):
        for given in (value, f"{NAME}={value}", f"x={value}", f"{value}=x", f"{value};{value}"):
            findings = list(cookie.from_browser(Installation(clinic.environ(), cookie=given)))
            told = "".join(finding.says + finding.mend for finding in findings)
            assert "secret-token" not in told
            assert value[:12] not in told


def told(clinic: Clinic, given: str, **changed: str) -> tuple[str, str]:
    installation = Installation(clinic.environ(**changed), cookie=given)
    try:
        (finding,) = cookie.from_browser(installation)
    finally:
        installation.close()
    return finding.level, finding.says
