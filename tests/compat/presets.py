"""The main sites that the app has to work with. `docs/compatibility.md` shows them as tables."""

import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from tests.compat.deployment import Preset, Zones
from tests.compat.preset_checks import (
    answers,
    chunks,
    columns,
    cookie_cache,
    cookies,
    domain,
    each,
    redis_and,
)
from tests.compat.sites import MIDDLE, NEWEST, OLDEST

EVERY = (OLDEST, MIDDLE, NEWEST)
NAIVE, INSTANT = "timestamp without time zone", "timestamp with time zone"

OLDER, NEWER = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
OLDER_ALONE = {"secrets": [{"version": 1, "value": OLDER}]}
NEWER_FIRST = {"secrets": [{"version": 2, "value": NEWER}, {"version": 1, "value": OLDER}]}
BOTH_SECRETS = f"2:{NEWER},1:{OLDER}"

Options = Mapping[str, Any]


def advanced(**options: Any) -> Options:
    return {"advanced": options}


def session(**options: Any) -> Options:
    return {"session": options}


def cookie_named(name: str, **more: Any) -> Options:
    return advanced(cookies={"session_token": {"name": name}}, **more)


def cached(strategy: str) -> Options:
    return session(cookieCache={"enabled": True, "strategy": strategy})


def ids(kind: str) -> Options:
    return advanced(database={"generateId": kind})


DEFAULT_COOKIE = "better-auth.session_token"
# Six thousand characters of each user make Better-Auth split the cookie cache.
LARGE_USERS = {"user": {"additionalFields": {"bio": {"type": "string", "required": False}}}}
SUBDOMAINS = ("www.example.test", "onboarding.example.test")
SHARED_DOMAIN = {"crossSubDomainCookies": {"enabled": True, "domain": "example.test"}}
GUESTS_AND_BANS = {"admin": {}, "anonymous": {}}
TWO_FACTOR = {"twoFactor": {"skipVerificationOnEnable": True}}

COOKIES = (
    Preset("default", cookies(DEFAULT_COOKIE), versions=EVERY),
    Preset("https", cookies(f"__Secure-{DEFAULT_COOKIE}"), https=True, versions=EVERY),
    Preset(
        "a cookie prefix",
        cookies("acme.session_token"),
        advanced(cookiePrefix="acme"),
        {"BETTER_AUTH_COOKIE_PREFIX": "acme"},
    ),
    Preset(
        "a cookie name, https",
        cookies("__Secure-acme_sid"),
        cookie_named("acme_sid", cookiePrefix="acme"),
        {"BETTER_AUTH_COOKIE_NAME": "acme_sid"},
        https=True,
    ),
    Preset(
        "a `__Host-` name, https",
        cookies("__Secure-__Host-sid"),
        cookie_named("__Host-sid"),
        {"BETTER_AUTH_COOKIE_NAME": "__Host-sid"},
        https=True,
    ),
    Preset(
        "a `__Host-` name, https without secure cookies",
        cookies("__Host-sid"),
        cookie_named("__Host-sid", useSecureCookies=False),
        {"BETTER_AUTH_COOKIE_NAME": "__Host-sid", "BETTER_AUTH_SECURE_COOKIES": "false"},
        https=True,
    ),
    Preset(
        "the app on a sibling subdomain",
        domain("example.test"),
        advanced(**SHARED_DOMAIN),
        https=True,
        hosts=SUBDOMAINS,
    ),
)

SESSIONS = (
    Preset("cookie cache, compact", cookie_cache(1), cached("compact")),
    Preset("cookie cache, jwe", cookie_cache(5), cached("jwe")),
    Preset(
        "cookie cache, jwe, large users, gunicorn in front",
        chunks,
        {**cached("jwe"), **LARGE_USERS},
        gunicorn=True,
    ),
    Preset(
        "“remember me” left out",
        cookies(DEFAULT_COOKIE, "better-auth.dont_remember"),
        remember=False,
    ),
    Preset(
        "versioned secrets",
        cookies(DEFAULT_COOKIE),
        NEWER_FIRST,
        {"BETTER_AUTH_SECRETS": BOTH_SECRETS},
        versions=EVERY,
    ),
)

TABLES = (
    Preset("ids as numbers", columns(user__id="integer"), ids("serial"), versions=EVERY),
    Preset(
        "other columns",
        columns(session__valid_until=INSTANT, session__owner="text", user__mail="text"),
        {
            "user": {"fields": {"name": "full_name", "email": "mail"}},
            **session(fields={"token": "key", "userId": "owner", "expiresAt": "valid_until"}),
        },
        {
            "BETTER_AUTH_USER_FIELDS": "name=full_name,email=mail",
            "BETTER_AUTH_SESSION_FIELDS": "token=key,userId=owner,expiresAt=valid_until",
        },
    ),
    Preset(
        "other tables",
        columns(people__id="text", visits__token="text"),
        {"user": {"modelName": "people"}, "session": {"modelName": "visits"}},
        {"BETTER_AUTH_USER_TABLE": "people", "BETTER_AUTH_SESSION_TABLE": "visits"},
    ),
    Preset(
        "a schema by `search_path`",
        columns(user__id="text"),
        settings={"BETTER_AUTH_SCHEMA": "auth"},
        search_path="auth",
    ),
    Preset(
        "a schema by `schemaName`",
        columns(user__id="text"),
        settings={"BETTER_AUTH_SCHEMA": "accounts"},
        schema_name="accounts",
    ),
    Preset(
        "Drizzle",
        columns(session__expires_at=NAIVE, session__user_id="text"),
        drizzle={},
        versions=EVERY,
    ),
    Preset(
        "Drizzle, camelCase columns", columns(session__expiresAt=NAIVE), drizzle={"camelCase": True}
    ),
)

# Sessions shorter than any difference between these zones: an error shows in both directions.
_TOKYO, _NEW_YORK, _UTC = "Asia/Tokyo", "America/New_York", "UTC"
ZONES = tuple(
    Preset(
        f"{adapter} in {zones.database}, app in {zones.connection}, Node in {zones.node}",
        columns(**{f"session__{expiry}": kind}),
        session(expiresIn=3600),
        plugins={"admin": {}},
        drizzle=drizzle,
        zones=zones,
    )
    for adapter, drizzle, expiry, kind, zones in (
        ("Drizzle", {}, "expires_at", NAIVE, Zones(_TOKYO, _NEW_YORK, _UTC)),
        ("Drizzle", {}, "expires_at", NAIVE, Zones(_UTC, _TOKYO, _NEW_YORK)),
        ("Kysely", None, "expiresAt", INSTANT, Zones(_NEW_YORK, _UTC, _TOKYO)),
    )
)

REDIS = (
    Preset(
        "Redis, sessions in the database too",
        redis_and(table=True),
        session(storeSessionInDatabase=True),
        redis=True,
        versions=EVERY,
    ),
    Preset(
        "Redis, sessions kept in the database for good",
        redis_and(table=True),
        session(storeSessionInDatabase=True, preserveSessionInDatabase=True),
        redis=True,
    ),
)
REDIS_ONLY = Preset(
    "Redis alone", redis_and(table=False), redis=True, result="refused; the log says what to set"
)

# No delay, so that a user is signed out at the very next request.
OVER_HTTP = {"SESSION_SOURCE": "http", "SESSION_CACHE_SECONDS": "0"}
HTTP = (
    Preset(
        "asked over HTTP, secret not shared",
        cookies(DEFAULT_COOKIE),
        settings=OVER_HTTP,
        secret_is_shared=False,
        versions=EVERY,
    ),
    Preset(
        "Redis alone, https, cookie cache, asked over HTTP",
        each(redis_and(table=False), cookie_cache(5)),
        cached("jwe"),
        {**OVER_HTTP, "SESSION_URL": "http://localhost:{site_port}/api/auth/get-session"},
        https=True,
        redis=True,
    ),
    Preset(
        "Drizzle, ids as uuid, asked over HTTP",
        columns(user__id="uuid"),
        ids("uuid"),
        OVER_HTTP,
        drizzle={},
        secret_is_shared=False,
    ),
)

# As Neon hosts it: its own names, a secret that it keeps, another base path, a proxy in the main site.
NEON_AUTH = Preset(
    "Neon Auth",
    each(
        domain("example.test"),
        cookies("__Secure-neon-auth.session_token", "__Secure-neon-auth.local.session_data"),
        columns(user__id="uuid", session__impersonatedBy="text"),
    ),
    advanced(cookiePrefix="neon-auth", useSecureCookies=True, database={"generateId": "uuid"}),
    {
        "BETTER_AUTH_SCHEMA": "neon_auth",
        "BETTER_AUTH_COOKIE_PREFIX": "neon-auth",
        **OVER_HTTP,
        "SESSION_URL": "http://localhost:{site_port}/api/auth/get-session",
    },
    plugins={"admin": {}},
    secret_is_shared=False,
    https=True,
    hosts=SUBDOMAINS,
    neon={"domain": "example.test"},
    search_path="neon_auth",
)

PLUGINS = (
    Preset(
        "admin and anonymous, Drizzle",
        columns(user__ban_expires=NAIVE, user__is_anonymous="boolean"),
        plugins=GUESTS_AND_BANS,
        drizzle={},
        versions=EVERY,
    ),
    Preset(
        "admin and anonymous, asked over HTTP",
        columns(user__banned="boolean", user__isAnonymous="boolean"),
        settings=OVER_HTTP,
        plugins=GUESTS_AND_BANS,
        secret_is_shared=False,
    ),
    Preset("bearer", cookies(DEFAULT_COOKIE), plugins={"bearer": {}}),
    Preset(
        "multi-session",
        answers("/multi-session/list-device-sessions"),
        plugins={"multiSession": {}},
    ),
    Preset("two-factor", columns(twoFactor__secret="text"), plugins=TWO_FACTOR, versions=EVERY),
    Preset(
        "all of it at once",
        each(chunks, columns(users__id="uuid", users__ban_expires=NAIVE)),
        {
            **cached("jwe"),
            **LARGE_USERS,
            **NEWER_FIRST,
            **advanced(cookiePrefix="acme", database={"generateId": "uuid"}, **SHARED_DOMAIN),
        },
        {
            "BETTER_AUTH_COOKIE_PREFIX": "acme",
            "BETTER_AUTH_SECRETS": BOTH_SECRETS,
            "BETTER_AUTH_USER_TABLE": "users",
            "BETTER_AUTH_SESSION_TABLE": "sessions",
        },
        {**GUESTS_AND_BANS, "bearer": {}, "jwt": {}, "multiSession": {}, **TWO_FACTOR},
        https=True,
        hosts=SUBDOMAINS,
        drizzle={"usePlural": True},
        versions=EVERY,
    ),
)

SECTIONS = {
    "Cookies": COOKIES,
    "Sessions": SESSIONS,
    "Tables": TABLES,
    "Time zones": ZONES,
    "Redis": (*REDIS, REDIS_ONLY),
    "The main site asked over HTTP": (*HTTP, NEON_AUTH),
    "Plugins": PLUGINS,
}
BY_NAME = {preset.name: preset for presets in SECTIONS.values() for preset in presets}


def with_presets(*presets: Preset | str) -> pytest.MarkDecorator:
    """Run a test with each of these presets, in each of its versions."""
    names = [one if isinstance(one, str) else one.name for one in presets]
    variants = [(name, version) for name in names for version in BY_NAME[name].versions]
    return pytest.mark.parametrize("deployment", variants, ids=" ".join, indirect=True)
