"""Main sites that differ in their tables, their time zones, and in where they keep sessions."""

import logging
from datetime import timedelta

import pytest

from tests.compat.conftest import Open
from tests.compat.deployment import Deployment
from tests.compat.presets import HTTP, NEON_AUTH, REDIS, REDIS_ONLY, TABLES, ZONES, with_presets
from tests.compat.situations import assert_situation
from tests.compat.walk import walk

pytestmark = pytest.mark.slow


@with_presets(*TABLES, *REDIS, *HTTP, NEON_AUTH)
def test_everything_works(deployment: Deployment) -> None:
    walk(deployment)


@with_presets(*ZONES)
def test_no_time_zone_shortens_or_prolongs_anything(deployment: Deployment) -> None:
    walk(deployment)
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    half_an_hour = timedelta(minutes=30)
    for ban_ends_in, verdict in ((half_an_hour, "out here, in there"), (-half_an_hour, "in")):
        deployment.ban(user, ban_ends_in)
        assert deployment.verdict(browser) == verdict
    deployment.expire(user, half_an_hour)
    assert deployment.verdict(browser) == "out"


@with_presets(REDIS_ONLY)
def test_sessions_in_redis_alone_are_refused_and_the_log_says_what_to_set(
    open_preset: Open, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        open_preset(deployment.preset, deployment.version, deployment.schema),
    ):
        messages = "\n".join(record.getMessage() for record in caplog.records)
    assert "not ready: table session was not found" in messages
    assert "session.storeSessionInDatabase" in messages
    assert "SESSION_SOURCE=http" in messages
    browser = deployment.browser()
    deployment.sign_up(browser)
    deployment.preset.check(deployment, browser)
    assert deployment.visit(browser).response.status_code == 503


@with_presets(*REDIS)
def test_a_session_in_one_of_two_places(deployment: Deployment) -> None:
    browser, second = deployment.browser(), deployment.browser()
    deployment.sign_up(browser)
    assert deployment.redis.ask("FLUSHALL") == "+OK"
    if deployment.preset.options["session"].get("preserveSessionInDatabase"):
        assert_situation("Redis is emptied, rows are kept for good", deployment, browser)
        return
    assert_situation("Redis is emptied, the row is still there", deployment, browser)
    deployment.sign_up(second)
    deployment.schema.sql("DELETE FROM session")
    assert_situation("the session's row is deleted by hand, Redis still has it", deployment, second)
