"""What people notice of faults between the app and its database: nothing, or a 503 in time.

The rows that `make stress` measures, in short.
"""

import pytest

from tests.faults.cluster import THIS_APP, start_cluster
from tests.stress.document import ROWS

pytestmark = pytest.mark.slow

# How busy the machine is must not matter.
SLACK_S = 5
PATIENT = {"READ_BUDGET_SECONDS": "60", "WRITE_BUDGET_SECONDS": "60"}
SHORT = {
    "faults": {"users": 60, "rounds": 1, "seconds": 4, "settings": PATIENT},
    "cuts": {"every": 3},
    "stalls": {"only": ("frozen", "behind a lock"), "budgets_s": (1, 1), "slack_s": SLACK_S},
    "recovery": {
        "only": ("PostgreSQL crashed",),
        "seconds": 1,
        "slack_s": SLACK_S,
        "settings": PATIENT,
    },
    "busy": {"requests": 100, "busy": 3, "settings": PATIENT},
    "clocks": {"users_each": 1, "skews_s": (0, 60)},
}


@pytest.fixture(scope="module")
def cluster():
    with start_cluster() as cluster:
        yield cluster


@pytest.mark.parametrize("name", SHORT)
def test_nobody_notices(cluster, name):
    [row] = [row for row in ROWS if row.name == name]
    try:
        assert row.measure(cluster, THIS_APP, **SHORT[name]).misses == []
    finally:
        cluster.stop_servers()
