"""What each setting is without its variable, and what its variable makes of it."""

from collections.abc import Mapping

import pytest

from onboarding.betterauth.schema import TableNames
from tests.settings.environ import faults, settings

# What each setting is without its variable, and what its variable makes of it.
TAKEN = {
    "site_url": ("https://www.example.com", "BETTER_AUTH_URL", "http://localhost:3000/base"),
    "app_origin": ("https://onboarding.example.com", "APP_URL", "http://localhost:8000/"),
    "sign_in_url": ("https://www.example.com/sign-in", "SIGN_IN_URL", "http://localhost:3000/in"),
    "sign_in_return_param": ("callbackURL", "SIGN_IN_RETURN_PARAM", "redirect_to"),
    "embed_origins": ((), "EMBED_ORIGINS", "https://a.example"),
    "site_name": ("", "SITE_NAME", "Acme Docs"),
    "widget": ("select", "ONBOARDING_WIDGET", "cards"),
    "forwarded_proxies": (0, "FORWARDED_PROXIES", "2"),
    "session_cache_s": (10, "SESSION_CACHE_SECONDS", "0"),
    "threads": (None, "WEB_THREADS", "7"),
    "log_format": ("json", "LOG_FORMAT", "plain"),
    "log_level": ("info", "LOG_LEVEL", "warning"),
    "writes_per_minute": (30, "WRITES_PER_MINUTE", "0"),
    "rate_limit_storage": (
        "memory://",
        "RATE_LIMIT_STORAGE",
        "rediss://me:pass-word@r.example:1/2",
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_setting_has_its_default_or_what_its_variable_says(name: str) -> None:
    default, variable, text = TAKEN[name]
    if default is not None:
        assert getattr(settings(), name) == default
    taken = getattr(settings(**{variable: f" {text} "}), name)
    if name == "embed_origins":
        assert taken == (text,)
    else:
        assert str(taken) == (text.rstrip("/") if name == "app_origin" else text)


def test_the_tables_of_the_main_site_are_as_they_are_named() -> None:
    assert settings().tables == TableNames(schema="", user="user", session="session")
    named = settings(
        BETTER_AUTH_SCHEMA="Auth Schema",
        BETTER_AUTH_USER_TABLE="users",
        BETTER_AUTH_SESSION_TABLE="sessions",
        BETTER_AUTH_USER_FIELDS=" name = full_name ,email=mail,",
        BETTER_AUTH_SESSION_FIELDS="userId=owner,expiresAt=Valid Until",
    )
    assert named.tables == TableNames(
        "Auth Schema",
        "users",
        "sessions",
        {"name": "full_name", "email": "mail"},
        {"userId": "owner", "expiresAt": "Valid Until"},
    )


def test_spaces_around_a_setting_do_not_count_and_blank_means_missing() -> None:
    read = settings(APP_URL="  https://a.example \n", EMBED_ORIGINS=" ", ONBOARDING_WIDGET="\t")
    assert (read.app_origin, read.embed_origins, read.widget) == ("https://a.example", (), "select")
    assert faults(SIGN_IN_URL="  ") == ["SIGN_IN_URL is missing"]


@pytest.mark.parametrize(
    ("text", "origins"),
    {
        "": (),
        ",": (),
        " , ,": (),
        "https://a.example": ("https://a.example",),
        "https://a.example,": ("https://a.example",),
        "https://a.example, https://b.example:8443/": (
            "https://a.example",
            "https://b.example:8443",
        ),
        "HTTPS://A.Example:443/,https://a.example": ("https://a.example",),
        "http://localhost:3000,http://127.0.0.1:3000": (
            "http://localhost:3000",
            "http://127.0.0.1:3000",
        ),
    }.items(),
)
def test_the_embedding_origins_are_a_list_as_a_browser_writes_them(
    text: str, origins: tuple[str, ...]
) -> None:
    read = settings(EMBED_ORIGINS=text)
    assert read.embed_origins == origins
    assert read.return_origins == {read.site_origin, *origins}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"BETTER_AUTH_URL": "http://localhost:3000"}, "better-auth.session_token"),
        ({"BETTER_AUTH_SECURE_COOKIES": "FALSE"}, "better-auth.session_token"),
        (
            {"BETTER_AUTH_URL": "http://localhost:3000", "BETTER_AUTH_SECURE_COOKIES": "1"},
            "__Secure-better-auth.session_token",
        ),
        (
            {"BETTER_AUTH_SECURE_COOKIES": "0", "BETTER_AUTH_COOKIE_NAME": "__Host-sid"},
            "__Host-sid",
        ),
    ],
)
def test_the_cookie_has_the_name_that_the_settings_make(
    changes: Mapping[str, str], name: str
) -> None:
    assert settings(**changes).session_cookie.name == name
