"""What people notice of faults between the app and its database: nothing, or a 503 in time.

The short forms of what `make stress` measures.
"""

import pytest

from tests.faults import busy, clocks, cuts, recovery, stalls, storm

pytestmark = pytest.mark.slow

# How busy the machine is must not matter.
SLACK_S = 5
PATIENT = {"READ_BUDGET_SECONDS": "60", "WRITE_BUDGET_SECONDS": "60"}


@pytest.fixture(autouse=True)
def _only_its_own_servers(cluster):
    yield
    cluster.stop_servers()


def test_a_storm_with_faults_loses_nothing(cluster):
    assert storm.measure(cluster, users=60, rounds=1, seconds=6, settings=PATIENT).misses == []


def test_a_cut_at_a_message_of_a_save_is_noticed_by_nobody(cluster):
    assert cuts.measure(cluster, every=3).misses == []


def test_who_waits_for_a_silent_database_is_answered_within_the_budget(cluster):
    some = ("frozen", "behind a lock")
    found = stalls.measure(cluster, only=some, budgets_s=(1, 2), slack_s=SLACK_S)
    assert found.misses == []


def test_an_outage_that_ends_within_the_budget_only_delays(cluster):
    some = ("PostgreSQL crashed", "frozen")
    found = recovery.measure(cluster, only=some, seconds=1, slack_s=SLACK_S, settings=PATIENT)
    assert found.misses == []


def test_a_crowd_on_a_busy_machine_is_not_refused(cluster):
    assert busy.measure(cluster, settings=PATIENT).misses == []


def test_a_clock_that_is_a_minute_off_fails_no_submit(cluster):
    assert clocks.measure(cluster, users_each=2).misses == []
