"""The main sites that the app has to work with. `docs/compatibility.md` shows them as tables."""

import secrets
from collections.abc import Mapping
from typing import Any

from tests.compat.proofs import (
    answers,
    chunks,
    columns,
    cookie_cache,
    cookies,
    domain,
    each,
    in_redis_alone,
    in_redis_too,
    refreshed_always,
    refreshed_by_post,
    time_zones,
)
from tests.compat.scene import Preset, Zones
from tests.compat.sites import MIDDLE, NEWEST, OLDEST

EVERY = (OLDEST, MIDDLE, NEWEST)

NAIVE, INSTANT = "timestamp without time zone", "timestamp with time zone"

OLDER, NEWER = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
OLDER_ALONE = {"secrets": [{"version": 1, "value": OLDER}]}
NEWER_FIRST = {"secrets": [{"version": 2, "value": NEWER}, {"version": 1, "value": OLDER}]}


def advanced(**options: Any) -> Mapping[str, Any]:
    return {"advanced": options}


def session(**options: Any) -> Mapping[str, Any]:
    return {"session": options}


def cookie_named(name: str, **more: Any) -> Mapping[str, Any]:
    return advanced(cookies={"session_token": {"name": name}}, **more)


def cached(strategy: str) -> Mapping[str, Any]:
    return session(cookieCache={"enabled": True, "strategy": strategy})


# Six thousand characters of each make Better-Auth cut the cookie cache into pieces.
LARGE_USERS = {"user": {"additionalFields": {"bio": {"type": "string", "required": False}}}}


def ids(kind: str) -> Mapping[str, Any]:
    return advanced(database={"generateId": kind})


COOKIES = (
    Preset("default", cookies("better-auth.session_token"), versions=EVERY),
    Preset("https", cookies("__Secure-better-auth.session_token"), https=True, versions=EVERY),
    Preset(
        "secure cookies on a plain site",
        cookies("__Secure-better-auth.session_token"),
        options=advanced(useSecureCookies=True),
        settings={"BETTER_AUTH_SECURE_COOKIES": "true"},
    ),
    Preset(
        "https without secure cookies",
        cookies("better-auth.session_token"),
        https=True,
        options=advanced(useSecureCookies=False),
        settings={"BETTER_AUTH_SECURE_COOKIES": "false"},
    ),
    Preset(
        "a cookie prefix",
        cookies("acme.session_token"),
        options=advanced(cookiePrefix="acme"),
        settings={"BETTER_AUTH_COOKIE_PREFIX": "acme"},
    ),
    Preset(
        "a cookie name",
        cookies("acme_sid"),
        options=cookie_named("acme_sid"),
        settings={"BETTER_AUTH_COOKIE_NAME": "acme_sid"},
    ),
    Preset(
        "a cookie name, https",
        cookies("__Secure-acme_sid"),
        https=True,
        options=cookie_named("acme_sid", cookiePrefix="acme"),
        settings={"BETTER_AUTH_COOKIE_NAME": "acme_sid"},
    ),
    Preset(
        "a `__Host-` name, https",
        cookies("__Secure-__Host-sid"),
        https=True,
        options=cookie_named("__Host-sid"),
        settings={"BETTER_AUTH_COOKIE_NAME": "__Host-sid"},
        versions=EVERY,
    ),
    Preset(
        "a `__Host-` name, https without secure cookies",
        cookies("__Host-sid"),
        https=True,
        options=cookie_named("__Host-sid", useSecureCookies=False),
        settings={
            "BETTER_AUTH_COOKIE_NAME": "__Host-sid",
            "BETTER_AUTH_SECURE_COOKIES": "false",
        },
    ),
    Preset(
        "a `__Host-` name on a plain site",
        cookies("__Host-sid"),
        options=cookie_named("__Host-sid"),
        settings={"BETTER_AUTH_COOKIE_NAME": "__Host-sid"},
    ),
    Preset(
        "the app on a sibling subdomain",
        domain("example.test"),
        https=True,
        hosts=("www.example.test", "onboarding.example.test"),
        options=advanced(crossSubDomainCookies={"enabled": True, "domain": "example.test"}),
    ),
    Preset(
        "cookies for frames on other sites",
        cookies("__Secure-better-auth.session_token"),
        https=True,
        options=advanced(
            defaultCookieAttributes={"sameSite": "none", "secure": True, "partitioned": True}
        ),
    ),
)

SESSIONS = (
    Preset("cookie cache, compact", cookie_cache(1), options=cached("compact"), versions=EVERY),
    Preset("cookie cache, jwt", cookie_cache(3), options=cached("jwt")),
    Preset("cookie cache, jwe", cookie_cache(5), options=cached("jwe")),
    Preset(
        "cookie cache, compact, large users", chunks, options={**cached("compact"), **LARGE_USERS}
    ),
    Preset("cookie cache, jwt, large users", chunks, options={**cached("jwt"), **LARGE_USERS}),
    Preset("cookie cache, jwe, large users", chunks, options={**cached("jwe"), **LARGE_USERS}),
    Preset(
        "cookie cache, jwe, large users, gunicorn in front",
        chunks,
        options={**cached("jwe"), **LARGE_USERS},
        gunicorn=True,
    ),
    Preset(
        "cookie cache signed with published keys",
        each(cookie_cache(3), answers("/jwks")),
        options=cached("jwt"),
        plugins={"jwt": {"sessionCookieCache": True}},
        versions=(MIDDLE, NEWEST),
    ),
    Preset(
        "“remember me” left out",
        cookies("better-auth.session_token", "better-auth.dont_remember"),
        remember=False,
    ),
    Preset("sessions refreshed always", refreshed_always, options=session(updateAge=0)),
    Preset(
        "sessions refreshed by POST",
        refreshed_by_post,
        options=session(updateAge=0, deferSessionRefresh=True),
    ),
    Preset(
        "versioned secrets",
        cookies("better-auth.session_token"),
        options=NEWER_FIRST,
        settings={"BETTER_AUTH_SECRETS": f"2:{NEWER},1:{OLDER}"},
        versions=EVERY,
    ),
)

TABLES = (
    Preset("ids as uuid", columns(user__id="uuid"), options=ids("uuid"), versions=EVERY),
    Preset("ids as numbers", columns(user__id="integer"), options=ids("serial"), versions=EVERY),
    Preset(
        "columns in snake_case by hand",
        columns(session__expires_at=INSTANT, session__user_id="text"),
        options=session(fields={"userId": "user_id", "expiresAt": "expires_at"}),
    ),
    Preset(
        "other columns",
        columns(session__valid_until=INSTANT, session__owner="text", user__mail="text"),
        options={
            "user": {"fields": {"name": "full_name", "email": "mail"}},
            **session(fields={"token": "key", "userId": "owner", "expiresAt": "valid_until"}),
        },
        settings={
            "BETTER_AUTH_USER_FIELDS": "name=full_name,email=mail",
            "BETTER_AUTH_SESSION_FIELDS": "token=key,userId=owner,expiresAt=valid_until",
        },
        versions=EVERY,
    ),
    Preset(
        "other tables",
        columns(people__id="text", visits__token="text"),
        options={"user": {"modelName": "people"}, "session": {"modelName": "visits"}},
        settings={
            "BETTER_AUTH_USER_TABLE": "people",
            "BETTER_AUTH_SESSION_TABLE": "visits",
        },
    ),
    Preset(
        "a schema by `search_path`",
        columns(user__id="text"),
        search_path="auth",
        settings={"BETTER_AUTH_SCHEMA": "auth"},
    ),
    Preset(
        "a schema by `schemaName`",
        columns(user__id="text"),
        schema_name="accounts",
        settings={"BETTER_AUTH_SCHEMA": "accounts"},
    ),
    Preset(
        "Drizzle",
        columns(session__expires_at=NAIVE, session__user_id="text"),
        drizzle={},
        versions=EVERY,
    ),
    Preset(
        "Drizzle, plural tables",
        columns(sessions__expires_at=NAIVE, users__id="text"),
        drizzle={"usePlural": True},
        settings={"BETTER_AUTH_USER_TABLE": "users", "BETTER_AUTH_SESSION_TABLE": "sessions"},
        versions=EVERY,
    ),
    Preset(
        "Drizzle, camelCase columns",
        columns(session__expiresAt=NAIVE),
        drizzle={"camelCase": True},
    ),
    Preset(
        "Drizzle, ids as uuid",
        columns(user__id="uuid", session__user_id="uuid"),
        options=ids("uuid"),
        drizzle={},
    ),
    Preset(
        "Drizzle, ids as numbers",
        columns(user__id="integer", session__user_id="integer"),
        options=ids("serial"),
        drizzle={},
    ),
)

# Lifetimes shorter than any difference between these zones: an error shows in both directions.
_TOKYO, _NEW_YORK, _UTC = "Asia/Tokyo", "America/New_York", "UTC"
_ROTATED = (
    Zones(database=_TOKYO, connection=_NEW_YORK, node=_UTC),
    Zones(database=_NEW_YORK, connection=_UTC, node=_TOKYO),
    Zones(database=_UTC, connection=_TOKYO, node=_NEW_YORK),
)
ZONES = tuple(
    Preset(
        f"{adapter} in {zones.database}, app in {zones.connection}, Node in {zones.node}",
        each(columns(**{f"session__{expiry}": kind}), time_zones),
        options={**session(expiresIn=3600)},
        plugins={"admin": {}},
        drizzle=drizzle,
        zones=zones,
    )
    for adapter, drizzle, expiry, kind in (
        ("Drizzle", {}, "expires_at", NAIVE),
        ("Kysely", None, "expiresAt", INSTANT),
    )
    for zones in _ROTATED
)

REDIS = (
    Preset(
        "Redis, sessions in the database too",
        in_redis_too,
        redis=True,
        options=session(storeSessionInDatabase=True),
        versions=EVERY,
    ),
    Preset(
        "Redis, sessions kept in the database for good",
        in_redis_too,
        redis=True,
        options=session(storeSessionInDatabase=True, preserveSessionInDatabase=True),
    ),
)
REDIS_ONLY = Preset("Redis alone", in_redis_alone, redis=True)

# No delay, so that the walk may expect to be signed out at the very next request.
_ASKED = {"SESSION_SOURCE": "http", "SESSION_CACHE_SECONDS": "0"}
_ASKED_PLAINLY = {**_ASKED, "SESSION_URL": "http://localhost:{site_port}/api/auth/get-session"}
HTTP = (
    Preset(
        "asked over HTTP, secret not shared",
        cookies("better-auth.session_token"),
        settings=_ASKED,
        secret_is_shared=False,
        versions=EVERY,
    ),
    Preset("Redis alone, asked over HTTP", in_redis_alone, redis=True, settings=_ASKED),
    Preset(
        "Redis alone, https, cookie cache, asked over HTTP",
        each(in_redis_alone, cookie_cache(5)),
        https=True,
        redis=True,
        options=cached("jwe"),
        settings=_ASKED_PLAINLY,
        secret_is_shared=False,
    ),
    Preset(
        "Drizzle, ids as uuid, asked over HTTP",
        columns(user__id="uuid"),
        options=ids("uuid"),
        drizzle={},
        settings=_ASKED,
        secret_is_shared=False,
    ),
    Preset(
        "ids as numbers, asked over HTTP",
        columns(user__id="integer"),
        options=ids("serial"),
        settings=_ASKED,
        secret_is_shared=False,
    ),
)

OVER_HTTP = Preset(
    "admin and anonymous, asked over HTTP",
    columns(user__banned="boolean", user__isAnonymous="boolean"),
    plugins={"admin": {}, "anonymous": {}},
    settings=_ASKED,
    secret_is_shared=False,
)
BEARER = Preset("bearer", cookies("better-auth.session_token"), plugins={"bearer": {}})
PLUGINS = (
    Preset(
        "admin",
        columns(user__banned="boolean", session__impersonatedBy="text"),
        plugins={"admin": {}},
        versions=EVERY,
    ),
    Preset(
        "admin and anonymous, Drizzle",
        columns(user__ban_expires=NAIVE, user__is_anonymous="boolean"),
        plugins={"admin": {}, "anonymous": {}},
        drizzle={},
        versions=EVERY,
    ),
    Preset("anonymous", columns(user__isAnonymous="boolean"), plugins={"anonymous": {}}),
    OVER_HTTP,
    BEARER,
    Preset("jwt", answers("/token"), plugins={"jwt": {}}),
    Preset(
        "multi-session",
        answers("/multi-session/list-device-sessions"),
        plugins={"multiSession": {}},
    ),
    Preset(
        "two-factor",
        columns(twoFactor__secret="text"),
        plugins={"twoFactor": {"skipVerificationOnEnable": True}},
        versions=EVERY,
    ),
    Preset(
        "all of it at once",
        each(chunks, columns(users__id="uuid", users__ban_expires=NAIVE)),
        https=True,
        hosts=("www.example.test", "onboarding.example.test"),
        options={
            **cached("jwe"),
            **LARGE_USERS,
            **NEWER_FIRST,
            **advanced(
                cookiePrefix="acme",
                crossSubDomainCookies={"enabled": True, "domain": "example.test"},
                database={"generateId": "uuid"},
            ),
        },
        plugins={
            "admin": {},
            "anonymous": {},
            "bearer": {},
            "jwt": {},
            "multiSession": {},
            "twoFactor": {"skipVerificationOnEnable": True},
        },
        drizzle={"usePlural": True},
        settings={
            "BETTER_AUTH_COOKIE_PREFIX": "acme",
            "BETTER_AUTH_SECRETS": f"2:{NEWER},1:{OLDER}",
            "BETTER_AUTH_USER_TABLE": "users",
            "BETTER_AUTH_SESSION_TABLE": "sessions",
        },
        versions=EVERY,
    ),
)

SECTIONS = {
    "Cookies": COOKIES,
    "Sessions": SESSIONS,
    "Tables": TABLES,
    "Time zones": ZONES,
    "Redis": (*REDIS, REDIS_ONLY),
    "The main site asked over HTTP": HTTP,
    "Plugins": PLUGINS,
}

BY_NAME = {preset.name: preset for presets in SECTIONS.values() for preset in presets}

# What a test of its own finds out, with the presets that can show it.
SITUATIONS = {
    "the secrets are rotated: a cookie of before": "versioned secrets",
    "the secrets are rotated: after signing in again": "versioned secrets",
    "the session has expired": "default",
    "the session was revoked": "default",
    "the cookie cache alone, without the session cookie": "cookie cache, compact",
    "the session's row is deleted by hand, Redis still has it": (
        "Redis, sessions in the database too"
    ),
    "Redis is emptied, the row is still there": "Redis, sessions in the database too",
    "Redis is emptied, rows are kept for good": "Redis, sessions kept in the database for good",
    "banned by the endpoint": "admin",
    "banned in the database alone": "admin",
    "banned in the database until later": "admin",
    "banned in the database until earlier": "admin",
    "a guest": "admin and anonymous, Drizzle",
    "a bearer token without a cookie": "bearer",
    "the password alone, before the second factor": "two-factor",
    "after the second factor": "two-factor",
}
