"""The session cookie as it is passed on: what is, and what isn't worth a question."""

import pytest

from onboarding.betterauth.cookie import AmbiguousSession, ForwardedCookie
from tests.betterauth.fake_site import COOKIE, NAME, SECRET, SIGNER, signed


def test_without_a_secret_the_form_is_all_that_counts() -> None:
    assert COOKIE.token(f"{NAME}={signed('t')}") == signed("t")
    assert COOKIE.token(f"{NAME}=t.{'A' * 43}=") == f"t.{'A' * 43}="
    for value in ("", "t", "t.", f".{'A' * 43}=", f"t.{'A' * 43}", f"t%00.{'A' * 43}="):
        assert COOKIE.token(f"{NAME}={value}") is None
    assert COOKIE.token(None) is None
    assert not COOKIE.has_unverified(f"{NAME}=t.{'A' * 43}=")


def test_with_a_secret_a_forged_one_is_refused_without_a_question() -> None:
    cookie = ForwardedCookie(NAME, SIGNER)
    assert cookie.token(f"{NAME}={signed('t')}") == signed("t")
    assert cookie.token(f"{NAME}=t.{'A' * 43}=") is None
    assert cookie.has_unverified(f"{NAME}=t.{'A' * 43}=")
    # Of two the one that is ours, whatever a sibling has planted.
    assert cookie.token(f"{NAME}=t.{'A' * 43}=; {NAME}={signed('t')}") == signed("t")


def test_of_two_that_nobody_here_can_judge_none_is_passed_on() -> None:
    assert COOKIE.token(f"{NAME}={signed('t')}; {NAME}={signed('t')}") == signed("t")
    with pytest.raises(AmbiguousSession):
        COOKIE.token(f"{NAME}={signed('t')}; {NAME}=t.{'A' * 43}=")


def test_a_cookie_that_is_only_nearly_of_the_name_is_not_passed_on_yet_counts() -> None:
    planted = f"\xa0{NAME}={signed('planted')}"
    for cookie in (COOKIE, ForwardedCookie(NAME, SIGNER)):
        assert cookie.token(planted) is None
        with pytest.raises(AmbiguousSession):
            cookie.token(f"{planted}; {NAME}={signed('t')}")


def test_its_text_holds_no_secret() -> None:
    assert SECRET not in repr(ForwardedCookie(NAME, SIGNER))
