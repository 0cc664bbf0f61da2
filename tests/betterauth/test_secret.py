"""Which secret signs, which cookie carries the session: as Better-Auth itself decides."""

import json
import subprocess
from collections.abc import Mapping

import pytest

from devstack.main_site import DIRECTORY, node
from onboarding.betterauth.cookie import SessionCookie
from onboarding.betterauth.secret import (
    PUBLIC_DEFAULT_SECRET,
    SHORTEST_SECRET,
    SecretFault,
    session_cookie_name,
    signing_secret,
)

ONE, TWO = "first-" * 6, "second-" * 6

SIGNING = {
    "the plain one alone": ({"BETTER_AUTH_SECRET": ONE}, ONE),
    "the first of several": ({"BETTER_AUTH_SECRETS": f"2:{ONE},1:{TWO}"}, ONE),
    "the first, whatever its version": ({"BETTER_AUTH_SECRETS": f"1:{ONE},2:{TWO}"}, ONE),
    "the list beats the plain one": (
        {"BETTER_AUTH_SECRETS": f"1:{ONE}", "BETTER_AUTH_SECRET": TWO},
        ONE,
    ),
    "an empty list doesn't": ({"BETTER_AUTH_SECRETS": "", "BETTER_AUTH_SECRET": TWO}, TWO),
    "an entry is trimmed": ({"BETTER_AUTH_SECRETS": f"  3 : {ONE}  , 1:{TWO}"}, ONE),
    "an entry may hold colons": ({"BETTER_AUTH_SECRETS": f"1:{ONE}:{TWO}"}, f"{ONE}:{TWO}"),
    "a plain one is never trimmed": ({"BETTER_AUTH_SECRET": f"  {ONE} "}, f"  {ONE} "),
    "a plain one is never split": (
        {"BETTER_AUTH_SECRET": f"1:{ONE},2:{TWO}"},
        f"1:{ONE},2:{TWO}",
    ),
    "as short as may be": ({"BETTER_AUTH_SECRET": "x" * 32}, "x" * 32),
    "outside ASCII": ({"BETTER_AUTH_SECRET": "ключ-🔑-" * 5}, "ключ-🔑-" * 5),
}


@pytest.mark.parametrize(("environ", "secret"), SIGNING.values(), ids=SIGNING)
def test_the_secret_in_force_is_found(environ: Mapping[str, str], secret: str) -> None:
    assert signing_secret(environ) == secret


# What the environment holds, and a word of the fault.
FAULTY = {
    "none": ({}, "BETTER_AUTH_SECRET is missing"),
    "an empty one": ({"BETTER_AUTH_SECRET": ""}, "BETTER_AUTH_SECRET is missing"),
    "the name of another library": ({"AUTH_SECRET": ONE}, "BETTER_AUTH_SECRET is missing"),
    "one character short": ({"BETTER_AUTH_SECRET": "s3cr3t-" * 4 + "abc"}, "this has 31"),
    "the public default": ({"BETTER_AUTH_SECRET": PUBLIC_DEFAULT_SECRET}, "public default"),
    "no UTF-8": ({"BETTER_AUTH_SECRET": ONE + "\udcff"}, "must be UTF-8"),
    "a list without versions": ({"BETTER_AUTH_SECRETS": f"{ONE},{TWO}"}, "malformed"),
    "a list without a version in front": ({"BETTER_AUTH_SECRETS": f":{ONE}"}, "malformed"),
    "a list with a blank version": ({"BETTER_AUTH_SECRETS": f"  :{ONE},1:{TWO}"}, "malformed"),
    "a list with an empty first entry": ({"BETTER_AUTH_SECRETS": f",1:{ONE}"}, "malformed"),
    "a blank list": ({"BETTER_AUTH_SECRETS": "  "}, "malformed"),
    "a list with an empty first secret": (
        {"BETTER_AUTH_SECRETS": f"2:,1:{ONE}"},
        "BETTER_AUTH_SECRETS is missing",
    ),
    "a list with a short first secret": (
        {"BETTER_AUTH_SECRETS": f"2:hunter2,1:{ONE}", "BETTER_AUTH_SECRET": TWO},
        "BETTER_AUTH_SECRETS is too short: at least 32 characters are needed, this has 7",
    ),
    "a list with the public default first": (
        {"BETTER_AUTH_SECRETS": f"2:{PUBLIC_DEFAULT_SECRET},1:{ONE}"},
        "public default",
    ),
    "a malformed list before a good plain one": (
        {"BETTER_AUTH_SECRETS": ONE, "BETTER_AUTH_SECRET": TWO},
        "malformed",
    ),
}


@pytest.mark.parametrize(("environ", "fault"), FAULTY.values(), ids=FAULTY)
def test_an_unsafe_secret_is_refused_in_one_line_that_never_tells_it(
    environ: Mapping[str, str], fault: str
) -> None:
    with pytest.raises(SecretFault) as refusal:
        signing_secret(environ)
    message = str(refusal.value)
    assert fault in message
    assert "\n" not in message
    values = (ONE, TWO, "hunter2", "s3cr3t", PUBLIC_DEFAULT_SECRET)
    assert [value for value in values if value in message] == []


def test_the_shortest_secret_is_where_better_auth_begins_to_warn() -> None:
    assert SHORTEST_SECRET == 32


NAMES = {
    # site is https, prefix, name, useSecureCookies -> the cookie's full name
    "plain site": ((False, "better-auth", "", None), "better-auth.session_token"),
    "https site": ((True, "better-auth", "", None), "__Secure-better-auth.session_token"),
    "plain site, secure cookies": (
        (False, "better-auth", "", True),
        "__Secure-better-auth.session_token",
    ),
    "https site, no secure cookies": (
        (True, "better-auth", "", False),
        "better-auth.session_token",
    ),
    "another prefix": ((False, "acme", "", None), "acme.session_token"),
    "another prefix, https": ((True, "acme", "", None), "__Secure-acme.session_token"),
    "another name": ((False, "better-auth", "acme_sid", None), "acme_sid"),
    "another name, https": ((True, "better-auth", "acme_sid", None), "__Secure-acme_sid"),
    "another name leaves the prefix out": ((False, "acme", "sid", None), "sid"),
    "a __Host- name on a plain site": ((False, "better-auth", "__Host-sid", None), "__Host-sid"),
    "a __Host- name without secure cookies": (
        (True, "better-auth", "__Host-sid", False),
        "__Host-sid",
    ),
    "a __Host- name, https": ((True, "better-auth", "__Host-sid", None), "__Secure-__Host-sid"),
    "a __Host- name, secure cookies": (
        (False, "better-auth", "__Host-sid", True),
        "__Secure-__Host-sid",
    ),
    "a __Secure- name, https": (
        (True, "better-auth", "__Secure-sid", None),
        "__Secure-__Secure-sid",
    ),
}


@pytest.mark.parametrize(("given", "full"), NAMES.values(), ids=NAMES)
def test_the_session_cookie_has_the_name_that_better_auth_gives_it(
    given: tuple[bool, str, str, bool | None], full: str
) -> None:
    assert _name(*given) == full


def _name(https: bool, prefix: str, name: str, secure: bool | None) -> str:
    return session_cookie_name(site_is_https=https, prefix=prefix, name=name, secure=secure)


ASK_THE_LIBRARY = """
    import { getCookies } from "better-auth/cookies";
    const sites = JSON.parse(process.argv[1]);
    console.log(JSON.stringify(sites.map((options) => getCookies(options).sessionToken.name)));
"""


def test_the_library_itself_gives_the_same_names() -> None:
    sites = [
        {
            "baseURL": "https://a.example" if https else "http://a.example",
            "advanced": {
                "cookiePrefix": prefix,
                **({"cookies": {"session_token": {"name": name}}} if name else {}),
                **({} if secure is None else {"useSecureCookies": secure}),
            },
        }
        for https, prefix, name, secure in (given for given, _ in NAMES.values())
    ]
    answer = subprocess.run(
        [node(), "--input-type=module", "-e", ASK_THE_LIBRARY, json.dumps(sites)],
        cwd=DIRECTORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert json.loads(answer.stdout) == [full for _, full in NAMES.values()]


def test_a_rotated_secret_ends_the_sessions_it_signed_before() -> None:
    name = "better-auth.session_token"
    before = SessionCookie(name, signing_secret({"BETTER_AUTH_SECRETS": f"1:{TWO}"}))
    after = SessionCookie(name, signing_secret({"BETTER_AUTH_SECRETS": f"2:{ONE},1:{TWO}"}))
    old = f"{name}=token.{before.sign('token')}"
    assert before.token(old) == "token"
    assert after.token(old) is None
