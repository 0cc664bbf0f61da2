"""Somebody in every state a visitor can be in, on a database with the admin and anonymous plugins."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url

from devstack.main_site import MainSite
from onboarding import create_app
from onboarding.config import Settings
from tests.conftest import Stage
from tests.visitor import Person, Visitor, newcomer

# As the plugins of better-auth 1.7.25 add them.
PLUGIN_COLUMNS = """
    ALTER TABLE "user" ADD COLUMN banned boolean, ADD COLUMN "banExpires" timestamptz,
        ADD COLUMN "isAnonymous" boolean;
    ALTER TABLE session ADD COLUMN "impersonatedBy" text;
"""

STATES = (
    "signed out",
    "forged",
    "expired",
    "revoked",
    "banned",
    "anonymous",
    "no row",
    "draft",
    "onboarded",
    "impersonated",
)


@pytest.fixture(scope="session")
def plugin_settings(stage: Stage, settings: Settings) -> Settings:
    url = stage.server.create_database("plugins")
    shared = stage.shared.beside(url)
    MainSite(1, shared.site_url, "s" * 32, stage.app.url).migrate(stage.logs / "plugins-site.log")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(PLUGIN_COLUMNS)
    shared.migrate(replace(stage.app, owner_url=shared.owner_url), stage.logs / "plugins-app.log")
    ours = make_url(shared.app_url).set(drivername="postgresql+psycopg")
    database = replace(settings.database, url=ours)
    return replace(settings, database=database)


@pytest.fixture(scope="session")
def plugin_app(plugin_settings: Settings) -> Iterator[Flask]:
    app = create_app(plugin_settings)
    yield app
    app.extensions["onboarding"].database.engine.dispose()


@pytest.fixture
def in_state(stage: Stage, plugin_app: Flask, plugin_settings: Settings) -> Callable[..., Visitor]:
    """Give a window of a new person in one of the `STATES`."""

    def in_state(state: str, **headers: str) -> Visitor:
        person = None
        if state != "signed out":
            person = _person(stage.server.url("plugins"), plugin_settings, state)
        visitor = Visitor(plugin_app, person, headers)
        if state == "draft":
            assert visitor.answer().status_code == 303
        if state == "onboarded":
            assert visitor.finish().headers["Location"] == "/profile"
        return visitor

    return in_state


def _person(url: str, settings: Settings, state: str) -> Person:
    person = newcomer(
        url,
        settings.session_cookie,
        user={"banned": state == "banned", "isAnonymous": state == "anonymous"},
        session={"impersonatedBy": "an admin" if state == "impersonated" else None},
        lifetime=timedelta(seconds=-1) if state == "expired" else timedelta(days=7),
    )
    if state == "revoked":
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DELETE FROM session WHERE token = %s", [person.token])
    if state == "forged":
        signature = quote(settings.session_cookie.sign("another token"))
        return replace(person, cookie=f"{settings.session_cookie.name}={person.token}.{signature}")
    return person
