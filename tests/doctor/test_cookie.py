"""What `--cookie` says about a cookie, and what it never repeats."""

from base64 import b64encode

import pytest

from onboarding.betterauth.cookie import SessionCookie
from onboarding.doctor import browser_cookie
from tests.doctor.conftest import HealthyInstallation, run_check
from tests.users import create_user

NAME = "better-auth.session_token"
SIGNATURE = "jGZfk9YnouyUoKDLvBfhP797R8SkAI6FXSKhvTKBN%2B4%3D"
PLUGINS = 'ALTER TABLE "user" ADD banned boolean, ADD "isAnonymous" boolean'
TOKEN = "FgBjnAm9zWvc3QWKpepwsZCwqPNZf6rB"
NO_SIGNATURE = f"{NAME} has no signature: its form is token.signature"
OTHER_SECRET = "the signature is invalid: the main site signs with another secret"


def examine_cookie(healthy: HealthyInstallation, given: str, **changed: str) -> tuple[str, str]:
    """Return the level and the message for a cookie."""
    (finding,) = run_check(browser_cookie.from_browser, healthy.environ(**changed), cookie=given)
    return finding.level, finding.message


@pytest.mark.parametrize(
    "form",
    ["{name}={value}", "Cookie: {name}={value}", "cookie:  theme=dark; {name}={value}; other=1\n",
     " {value}\n", "{decoded}", '"{decoded}"', "{name}={decoded}"],
)  # fmt: skip
def test_a_cookie_may_be_given_as_it_was_copied(form: str, healthy: HealthyInstallation) -> None:
    name, _, value = healthy.user.cookie.partition("=")
    decoded = f"{healthy.user.token}.{healthy.cookie.sign(healthy.user.token)}"
    given = form.format(name=name, value=value, decoded=decoded)
    assert examine_cookie(healthy, given) == ("ok", "signed in and verified")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", NO_SIGNATURE),
        (f"{NAME}=", NO_SIGNATURE),
        (f"{NAME}={TOKEN}", NO_SIGNATURE),
        (f"{NAME}={TOKEN}.short", NO_SIGNATURE),
        (f"{NAME}={TOKEN}.{SIGNATURE}", OTHER_SECRET),
        ("theme=dark", f"there is no cookie named {NAME}"),
        (f"__Secure-{NAME}={TOKEN}.{SIGNATURE}; acme.session_token=x", f"there is no cookie named {NAME}, but __Secure-{NAME}, acme.session_token"),
        # Multi-session cookies have the token in their name.
        (f"{NAME}_multi-{TOKEN.lower()}={TOKEN}.{SIGNATURE}", f"there is no cookie named {NAME}"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_cookie_is_named(
    given: str, message: str, healthy: HealthyInstallation
) -> None:
    assert examine_cookie(healthy, given) == ("fault", message)


def test_cookies_of_two_sessions_are_ambiguous(healthy: HealthyInstallation) -> None:
    cookies = [f"{NAME}={token}.{healthy.cookie.sign(token)}" for token in ("one", "two")]
    level, message = examine_cookie(healthy, "; ".join(cookies))
    assert level == "fault"
    assert "two different sessions" in message


@pytest.mark.parametrize(
    ("changed", "description"),
    [
        ({"BETTER_AUTH_SECRETS": "2:{other},1:{secret}", "BETTER_AUTH_SECRET": ""}, "an entry of BETTER_AUTH_SECRETS that isn't the first"),
        ({"BETTER_AUTH_SECRETS": "1:{other}"}, "BETTER_AUTH_SECRET, which BETTER_AUTH_SECRETS overrides here"),
        ({"BETTER_AUTH_SECRET": " {secret}\n"}, "this secret without the spaces around it"),
        ({"BETTER_AUTH_SECRET": '"{secret}"'}, "this secret without the quotes around it"),
    ],
)  # fmt: skip
def test_a_secret_that_is_nearly_right_is_recognised(
    changed: dict[str, str], description: str, healthy: HealthyInstallation
) -> None:
    secrets = {"other": "o" * 40, "secret": healthy.environment.app_server.secret}
    changed = {name: value.format(**secrets) for name, value in changed.items()}
    expected = ("fault", f"the cookie is signed with {description}")
    assert examine_cookie(healthy, healthy.user.cookie, **changed) == expected


@pytest.mark.parametrize(("column", "word"), [("isAnonymous", "guest"), ("banned", "banned user")])
def test_users_whom_the_app_sends_away_are_named(
    column: str, word: str, healthy: HealthyInstallation
) -> None:
    url = healthy.environment.server.url(healthy.broken_copy(PLUGINS))
    user = create_user(url, healthy.cookie, user={column: True})
    level, message = examine_cookie(healthy, user.cookie, DATABASE_URL=url)
    assert level == "ok"
    assert word in message


def test_a_refused_cookie_is_never_repeated(healthy: HealthyInstallation) -> None:
    forged = SessionCookie(NAME, "another secret, long enough for the purpose").sign("secret-token")
    for value in (f"secret-token.{forged}", "secret-token", b64encode(b"secret-token").decode()):
        for given in (value, f"{NAME}={value}", f"x={value}", f"{value}=x", f"{value};{value}"):
            findings = run_check(browser_cookie.from_browser, healthy.environ(), cookie=given)
            assert [finding.level for finding in findings] == ["fault"]
            assert "secret-token" not in str(findings)
            assert value[:12] not in str(findings)
