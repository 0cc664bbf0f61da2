"""Main sites that differ in their tables, their time zones, and in where they keep sessions."""

import logging
from datetime import timedelta

import pytest

from tests.compat.conftest import Found, Open, played
from tests.compat.presets import HTTP, REDIS, REDIS_ONLY, TABLES, ZONES
from tests.compat.scene import Scene
from tests.compat.walk import walk


@played(*TABLES, *REDIS, *HTTP)
def test_everything_works(scene: Scene, found: Found) -> None:
    walk(scene)
    found(scene.preset.name, scene.version, "works")


@played(*ZONES)
def test_no_time_zone_shortens_or_prolongs_anything(scene: Scene, found: Found) -> None:
    walk(scene)
    browser = scene.browser()
    user = scene.sign_up(browser)
    half = timedelta(minutes=30)
    for ban_ends_in, verdicts in ((half, ("out", "in")), (-half, ("in", "in"))):
        scene.ban(user, ban_ends_in)
        assert scene.verdicts(browser) == verdicts
    scene.expire(user, half)
    assert scene.verdicts(browser) == ("out", "out")
    found(scene.preset.name, scene.version, "works")


@played(REDIS_ONLY)
def test_sessions_in_redis_alone_are_refused_at_the_start_with_the_mend(
    opened: Open, scene: Scene, found: Found, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), opened(scene.preset, scene.version, scene.place):
        said = "\n".join(record.getMessage() for record in caplog.records)
    assert "not ready: table session was not found" in said
    assert "session.storeSessionInDatabase" in said
    assert "SESSION_SOURCE=http" in said
    browser = scene.browser()
    scene.sign_up(browser)
    scene.preset.shows(scene, browser)
    assert scene.visit(browser).response.status_code == 503
    found(scene.preset.name, scene.version, "refused, with the mend")


@played(*REDIS)
def test_a_session_in_one_of_two_places(scene: Scene, found: Found) -> None:
    browser, second = scene.browser(), scene.browser()
    scene.sign_up(browser)
    assert scene.redis.ask("FLUSHALL") == "+OK"
    if scene.preset.options["session"].get("preserveSessionInDatabase"):
        row = "Redis is emptied, rows are kept for good"
        found(row, scene.version, scene.verdict(browser))
        return
    row = "Redis is emptied, the row is still there"
    found(row, scene.version, scene.verdict(browser))
    scene.sign_up(second)
    scene.place.sql("DELETE FROM session")
    row = "the session's row is deleted by hand, Redis still has it"
    found(row, scene.version, scene.verdict(second))
