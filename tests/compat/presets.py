"""The main sites that the app has to work with. `docs/compatibility.md` shows them as tables."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from tests.compat.sites import NEWEST, OLDEST, VERSIONS

# Set by `make compatibility`: every site runs in every version.
EVERY_VERSION = "EVERY_VERSION" in os.environ
NAIVE, INSTANT = "timestamp without time zone", "timestamp with time zone"


class Zones(NamedTuple):
    """The time zones of one site: the database's own, that of the app's connections, and Node's."""

    database: str = "UTC"
    connection: str = "UTC"
    node: str = "UTC"


UTC = Zones()


@dataclass(frozen=True)
class Preset:
    """One way to configure a main site, and the settings that the app needs for it."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Better-Auth's options, as far as JSON can express them."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The app's settings beyond the required ones."""
    plugins: Mapping[str, Any] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    """The names of all cookies after signing up, where they show that the preset is in force."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The types of columns, by `table.column`, that show that the preset is in force."""
    also_oldest: bool = False
    """The whole suite runs it in the oldest version, too."""
    result: str = "works"
    secret_is_shared: bool = True
    https: bool = False
    hosts: tuple[str, str] = ("localhost", "localhost")
    """The host names of site and app."""
    drizzle: Mapping[str, Any] | None = None
    """The options of the Drizzle adapter, if the site uses it."""
    neon: Mapping[str, Any] | None = None
    """The cookie options of Neon Auth's package, if it stands between browsers and Better-Auth."""
    schema_name: str | None = None
    search_path: str | None = None
    """A schema for the main site's connections alone."""
    redis: bool = False
    zones: Zones = UTC
    remember: bool = True
    gunicorn: bool = False
    """The app runs as it is deployed, instead of in this process."""

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a group of Better-Auth's options, such as `session`."""
        return self.options.get(name, {})

    @property
    def has_large_users(self) -> bool:
        return "additionalFields" in self.section("user")

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of Better-Auth to run."""
        if EVERY_VERSION and self.schema_name is None:
            return tuple(VERSIONS)
        return (OLDEST, NEWEST) if self.also_oldest else (NEWEST,)


OLDER, NEWER = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
OLDER_ALONE = {"secrets": [{"version": 1, "value": OLDER}]}
NEWER_FIRST = {"secrets": [{"version": 2, "value": NEWER}, {"version": 1, "value": OLDER}]}
BOTH_SECRETS = f"2:{NEWER},1:{OLDER}"


def cookie_named(name: str, **more: Any) -> Mapping[str, Any]:
    return {"advanced": {"cookies": {"session_token": {"name": name}}, **more}}


def cached(strategy: str) -> Mapping[str, Any]:
    return {"session": {"cookieCache": {"enabled": True, "strategy": strategy}}}


COOKIE, CACHE = "better-auth.session_token", "better-auth.session_data"
# Six thousand characters of each user make Better-Auth split the cookie cache.
LARGE_USERS = {"user": {"additionalFields": {"bio": {"type": "string", "required": False}}}}
SUBDOMAINS = ("www.example.test", "onboarding.example.test")
SHARED_DOMAIN = {"crossSubDomainCookies": {"enabled": True, "domain": "example.test"}}
GUESTS_AND_BANS = {"admin": {}, "anonymous": {}}
MORE_PLUGINS = {"bearer": {}, "multiSession": {}, "twoFactor": {"skipVerificationOnEnable": True}}
# Sessions shorter than any difference between these zones: an error shows in both directions.
ZONES = Zones("Asia/Tokyo", "America/New_York", "Asia/Kolkata")
# No delay, so that a user is signed out at the very next request.
OVER_HTTP = {"SESSION_SOURCE": "http", "SESSION_CACHE_SECONDS": "0"}

SECTIONS = {
    "Cookies": (
        Preset("default", cookies=(COOKIE,), also_oldest=True),
        Preset("https", cookies=(f"__Secure-{COOKIE}",), https=True),
        Preset(
            "a cookie name, https",
            cookie_named("acme_sid", cookiePrefix="acme"),
            {"BETTER_AUTH_COOKIE_NAME": "acme_sid"},
            cookies=("__Secure-acme_sid",),
            https=True,
        ),
        Preset(
            "a `__Host-` name, https without secure cookies",
            cookie_named("__Host-sid", useSecureCookies=False),
            {"BETTER_AUTH_COOKIE_NAME": "__Host-sid", "BETTER_AUTH_SECURE_COOKIES": "false"},
            cookies=("__Host-sid",),
            https=True,
        ),
        Preset(
            "the app on a sibling subdomain",
            {"advanced": SHARED_DOMAIN},
            https=True,
            hosts=SUBDOMAINS,
        ),
    ),
    "Sessions": (
        Preset("cookie cache, compact", cached("compact"), cookies=(COOKIE, CACHE)),
        Preset(
            "cookie cache, jwe, large users, gunicorn in front",
            {**cached("jwe"), **LARGE_USERS},
            gunicorn=True,
        ),
        Preset(
            "“remember me” left out", cookies=(COOKIE, "better-auth.dont_remember"), remember=False
        ),
        Preset("versioned secrets", NEWER_FIRST, {"BETTER_AUTH_SECRETS": BOTH_SECRETS}),
    ),
    "Tables": (
        Preset(
            "ids as numbers",
            {"advanced": {"database": {"generateId": "serial"}}},
            columns={"user.id": "integer"},
        ),
        Preset(
            "other columns",
            {
                "user": {"fields": {"name": "full_name", "email": "mail"}},
                "session": {
                    "fields": {"token": "key", "userId": "owner", "expiresAt": "valid_until"}
                },
            },
            {
                "BETTER_AUTH_USER_FIELDS": "name=full_name,email=mail",
                "BETTER_AUTH_SESSION_FIELDS": "token=key,userId=owner,expiresAt=valid_until",
            },
            columns={"session.valid_until": INSTANT, "session.owner": "text", "user.mail": "text"},
        ),
        Preset(
            "other tables",
            {"user": {"modelName": "people"}, "session": {"modelName": "visits"}},
            {"BETTER_AUTH_USER_TABLE": "people", "BETTER_AUTH_SESSION_TABLE": "visits"},
            columns={"people.id": "text", "visits.token": "text"},
        ),
        Preset(
            "a schema by `search_path`",
            settings={"BETTER_AUTH_SCHEMA": "auth"},
            columns={"user.id": "text"},
            search_path="auth",
        ),
        Preset(
            "a schema by `schemaName`",
            settings={"BETTER_AUTH_SCHEMA": "accounts"},
            columns={"user.id": "text"},
            schema_name="accounts",
        ),
        Preset(
            "Drizzle", columns={"session.expires_at": NAIVE, "session.user_id": "text"}, drizzle={}
        ),
        Preset(
            "Drizzle, camelCase columns",
            columns={"session.expiresAt": NAIVE},
            drizzle={"camelCase": True},
        ),
    ),
    "Time zones": tuple(
        Preset(
            f"{adapter} in {ZONES.database}, app in {ZONES.connection}, Node in {ZONES.node}",
            {"session": {"expiresIn": 3600}},
            columns=columns,
            plugins={"admin": {}},
            drizzle=drizzle,
            zones=ZONES,
        )
        for adapter, drizzle, columns in (
            ("Drizzle", {}, {"session.expires_at": NAIVE}),
            ("Kysely", None, {"session.expiresAt": INSTANT}),
        )
    ),
    "Redis": (
        Preset(
            "Redis, sessions in the database too",
            {"session": {"storeSessionInDatabase": True}},
            redis=True,
        ),
        Preset(
            "Redis, sessions kept in the database for good",
            {"session": {"storeSessionInDatabase": True, "preserveSessionInDatabase": True}},
            redis=True,
        ),
        Preset("Redis alone", redis=True, result="refused; the log says what to set"),
    ),
    "The main site asked over HTTP": (
        Preset(
            "asked over HTTP, secret not shared",
            settings=OVER_HTTP,
            cookies=(COOKIE,),
            secret_is_shared=False,
            also_oldest=True,
        ),
        Preset(
            "Redis alone, Drizzle, ids as uuid, https, cookie cache, asked over HTTP",
            {**cached("jwe"), "advanced": {"database": {"generateId": "uuid"}}},
            {**OVER_HTTP, "SESSION_URL": "http://localhost:{site_port}/api/auth/get-session"},
            cookies=(f"__Secure-{COOKIE}", f"__Secure-{CACHE}"),
            columns={"user.id": "uuid"},
            https=True,
            drizzle={},
            redis=True,
        ),
    ),
    "Neon Auth": (
        # As Neon hosts it: its own names, a secret that it keeps, another base path, a proxy in the
        # main site.
        Preset(
            "Neon Auth",
            {
                "advanced": {
                    "cookiePrefix": "neon-auth",
                    "useSecureCookies": True,
                    "database": {"generateId": "uuid"},
                }
            },
            {
                "BETTER_AUTH_SCHEMA": "neon_auth",
                "BETTER_AUTH_COOKIE_PREFIX": "neon-auth",
                **OVER_HTTP,
                "SESSION_URL": "http://localhost:{site_port}/api/auth/get-session",
            },
            {"admin": {}},
            cookies=("__Secure-neon-auth.session_token", "__Secure-neon-auth.local.session_data"),
            columns={"user.id": "uuid", "session.impersonatedBy": "text"},
            secret_is_shared=False,
            https=True,
            hosts=SUBDOMAINS,
            neon={"domain": "example.test"},
            search_path="neon_auth",
        ),
    ),
    "Plugins": (
        Preset(
            "admin and anonymous, Drizzle",
            plugins=GUESTS_AND_BANS,
            columns={"user.ban_expires": NAIVE, "user.is_anonymous": "boolean"},
            drizzle={},
        ),
        Preset(
            "admin and anonymous, asked over HTTP",
            settings=OVER_HTTP,
            plugins=GUESTS_AND_BANS,
            columns={"user.banned": "boolean", "user.isAnonymous": "boolean"},
            secret_is_shared=False,
        ),
        Preset(
            "bearer, multi-session and two-factor",
            plugins=MORE_PLUGINS,
            columns={"twoFactor.secret": "text"},
        ),
        Preset(
            "all of it at once",
            {
                **cached("jwe"),
                **LARGE_USERS,
                **NEWER_FIRST,
                "advanced": {
                    "cookiePrefix": "acme",
                    "database": {"generateId": "uuid"},
                    **SHARED_DOMAIN,
                },
            },
            {
                "BETTER_AUTH_COOKIE_PREFIX": "acme",
                "BETTER_AUTH_SECRETS": BOTH_SECRETS,
                "BETTER_AUTH_USER_TABLE": "users",
                "BETTER_AUTH_SESSION_TABLE": "sessions",
            },
            {**GUESTS_AND_BANS, "jwt": {}, **MORE_PLUGINS},
            columns={"users.id": "uuid", "users.ban_expires": NAIVE},
            https=True,
            hosts=SUBDOMAINS,
            drizzle={"usePlural": True},
            also_oldest=True,
        ),
    ),
}
BY_NAME = {preset.name: preset for presets in SECTIONS.values() for preset in presets}


def with_presets(*names: str) -> pytest.MarkDecorator:
    """Run a test with each of these presets, in each of its versions."""
    variants = [(name, version) for name in names for version in BY_NAME[name].versions]
    return pytest.mark.parametrize("deployment", variants, ids=" ".join, indirect=True)
