"""What people notice of faults between the app and its database: nothing, or a 503 in time.

The short form. The long one, with a pooler and the tutorial's app beside ours, is `make stress`.
"""

import pytest

from tests.faults.clocks import skewed
from tests.faults.cuts import cuts
from tests.faults.recovery import recoveries
from tests.faults.stalls import stalls
from tests.faults.storm import run

# Other tests run on the same two cores.
SLACK_S = 1


@pytest.fixture(autouse=True)
def _only_its_own_instances(stand):
    """Instances that a test started end with it: two cores have no time for more."""
    yield
    stand.stop_instances()


def test_a_storm_with_faults_loses_nothing(stand):
    tally = run(stand, people=60, faults=True, seconds=6, rounds=1)
    assert (tally.posts, tally.faults) == (240, 6)
    assert tally.is_clean, tally


def test_a_cut_at_any_message_of_a_save_is_noticed_by_nobody(stand):
    found = cuts(stand)
    # Two statements of ten messages each, after a connection's greetings.
    assert len(found) >= 30
    assert [cut for cut in found if not cut.is_right] == []


def test_who_waits_for_a_silent_database_is_answered_within_the_budget(stand):
    found = stalls(stand, only=["asking", "waiting for a lock"])
    assert len(found) == 2
    assert [stall for stall in found if not stall.is_right(SLACK_S)] == []


def test_a_crash_is_over_when_it_is_over_and_never_ends_liveness(stand):
    [found] = recoveries(stand, seconds=1, only=["PostgreSQL crashed"])
    assert found.failed_meanwhile < found.asked
    assert found.is_right(SLACK_S), found


def test_a_clock_that_is_a_minute_off_fails_no_submit(stand):
    found = skewed(stand, people_each=2)
    assert found.is_right, found
