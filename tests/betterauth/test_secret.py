"""Which secret signs, which cookie carries the session: as Better-Auth itself decides."""

import json

import pytest

from devstack.main_site import DIRECTORY
from onboarding.betterauth.secret import (
    PUBLIC_DEFAULT_SECRET,
    SecretError,
    session_cookie_name,
    signing_secret,
)
from tests.node import run_node

ONE, TWO = "first-" * 6, "second-" * 6

SIGNING = {
    "the plain one alone": ({"BETTER_AUTH_SECRET": ONE}, ONE),
    "the first of several": ({"BETTER_AUTH_SECRETS": f"2:{ONE},1:{TWO}"}, ONE),
    "the first, whatever its version": ({"BETTER_AUTH_SECRETS": f"1:{ONE},2:{TWO}"}, ONE),
    "the list, not the plain one": (
        {"BETTER_AUTH_SECRETS": f"1:{ONE}", "BETTER_AUTH_SECRET": TWO},
        ONE,
    ),
    "an empty list doesn't": ({"BETTER_AUTH_SECRETS": "", "BETTER_AUTH_SECRET": TWO}, TWO),
    "an entry, trimmed": ({"BETTER_AUTH_SECRETS": f"  3 : {ONE}  , 1:{TWO}"}, ONE),
    "a plain one, never trimmed": ({"BETTER_AUTH_SECRET": f"  {ONE} "}, f"  {ONE} "),
    "a plain one, never split": ({"BETTER_AUTH_SECRET": f"1:{ONE},2:{TWO}"}, f"1:{ONE},2:{TWO}"),
    "as short as may be": ({"BETTER_AUTH_SECRET": "x" * 32}, "x" * 32),
    "outside ASCII": ({"BETTER_AUTH_SECRET": "ключ-🔑-" * 5}, "ключ-🔑-" * 5),
}


@pytest.mark.parametrize(("environ", "secret"), SIGNING.values(), ids=SIGNING)
def test_the_secret_in_force_is_found(environ, secret):
    assert signing_secret(environ) == secret


# The plain secret, the list, and what is said about them.
FAULTY = [
    ("", "", "BETTER_AUTH_SECRET is missing"),
    ("s3cr3t-" * 4 + "abc", "", "this has 31"),
    (PUBLIC_DEFAULT_SECRET, "", "public default"),
    (f"{ONE}\udcff", "", "must be UTF-8"),
    ("", f"{ONE},{TWO}", "malformed"),
    ("", f":{ONE}", "malformed"),
    ("", f",1:{ONE}", "malformed"),
    (TWO, ONE, "malformed"),
    ("", f"2:,1:{ONE}", "BETTER_AUTH_SECRETS is missing"),
    (TWO, f"2:hunter2,1:{ONE}", "BETTER_AUTH_SECRETS is too short: at least 32 characters"),
]


@pytest.mark.parametrize(("secret", "entries", "fault"), FAULTY, ids=ascii)
def test_an_unsafe_secret_is_refused_in_one_line_that_never_tells_it(secret, entries, fault):
    with pytest.raises(SecretError) as refusal:
        signing_secret({"BETTER_AUTH_SECRET": secret, "BETTER_AUTH_SECRETS": entries})
    message = str(refusal.value)
    assert fault in message
    assert "\n" not in message
    values = (ONE, TWO, "hunter2", "s3cr3t", PUBLIC_DEFAULT_SECRET)
    assert [value for value in values if value in message] == []


PLAIN, SECURE = "better-auth.session_token", "__Secure-better-auth.session_token"
# Site is https, prefix, name, useSecureCookies; the cookie's full name.
NAMES = [
    ((False, "better-auth", "", None), PLAIN),
    ((True, "better-auth", "", None), SECURE),
    ((False, "better-auth", "", True), SECURE),
    ((True, "better-auth", "", False), PLAIN),
    ((False, "acme", "", None), "acme.session_token"),
    ((True, "acme", "", None), "__Secure-acme.session_token"),
    ((False, "acme", "sid", None), "sid"),
    ((True, "better-auth", "acme_sid", None), "__Secure-acme_sid"),
    ((False, "better-auth", "__Host-sid", None), "__Host-sid"),
    ((True, "better-auth", "__Host-sid", False), "__Host-sid"),
    ((True, "better-auth", "__Host-sid", None), "__Secure-__Host-sid"),
    ((True, "better-auth", "__Secure-sid", None), "__Secure-__Secure-sid"),
]


ASK_THE_LIBRARY = """
    import { getCookies } from "better-auth/cookies";
    console.log(JSON.stringify(OPTIONS.map((options) => getCookies(options).sessionToken.name)));
"""


def test_the_session_cookie_has_the_name_that_the_library_itself_gives_it():
    app_names, site_names = [], []
    for (https, prefix, name, secure), _ in NAMES:
        app_names.append(
            session_cookie_name(site_is_https=https, prefix=prefix, name=name, secure=secure)
        )
        advanced = {
            "cookiePrefix": prefix,
            **({"cookies": {"session_token": {"name": name}}} if name else {}),
            **({} if secure is None else {"useSecureCookies": secure}),
        }
        scheme = "https" if https else "http"
        site_names.append({"baseURL": f"{scheme}://a.example", "advanced": advanced})
    code = ASK_THE_LIBRARY.replace("OPTIONS", json.dumps(site_names))
    library_names = run_node(code, DIRECTORY)
    assert app_names == library_names == [full for _, full in NAMES]
