"""The figures of `docs/reliability.md`, ours beside those of an app as tutorials write it.

`make stress` runs it. The short form is `tests/faults/test_faults.py`.
"""

from collections.abc import Iterator

import pytest

from tests.faults.clocks import skewed
from tests.faults.cuts import cuts
from tests.faults.pooler import pooled
from tests.faults.recovery import recoveries
from tests.faults.soak import soak
from tests.faults.stalls import stalls
from tests.faults.stand import OURS as OUR_DATABASE
from tests.faults.stand import TUTORIAL as TUTORIALS_DATABASE
from tests.faults.stand import Stand, raised
from tests.faults.storm import BAD, Tally, run
from tests.stress.conftest import Figure
from tests.stress.document import OURS, TUTORIAL

BOTH = pytest.mark.parametrize(
    ("database", "column"),
    [(OUR_DATABASE, OURS), (TUTORIALS_DATABASE, TUTORIAL)],
    ids=["ours", "tutorial"],
)


# SQLAlchemy forgets a connection of the tutorial's that broke while it was being made.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with raised(pooler=True) as stand:
        yield stand


@pytest.fixture(autouse=True)
def _only_its_own_instances(stand: Stand) -> Iterator[None]:
    yield
    stand.stop_instances()


def is_ours(database: str) -> bool:
    """Nothing is expected of the tutorial's app: its figures are only written down."""
    return database == OUR_DATABASE


def counted(tally: Tally) -> str:
    """Give what went wrong, in one line."""
    bad = {name.replace("server_errors", "5xx"): getattr(tally, name) for name in BAD}
    return (
        ", ".join(f"{count} {name}" for name, count in bad.items() if count)
        or "0 lost, 0 wrong, 0 duplicate, 0 5xx"
    )


@BOTH
def test_a_storm(stand: Stand, figure: Figure, database: str, column: str) -> None:
    tally = run(stand, database=database)
    figure("500 people × 4 different answers at once", column, counted(tally))
    assert (tally.people, tally.posts) == (500, 2000)
    assert tally.is_clean or not is_ours(database), tally


@BOTH
def test_a_storm_with_faults(stand: Stand, figure: Figure, database: str, column: str) -> None:
    tally = run(stand, database=database, faults=True)
    figure(
        "the same during 32 faults", column, f"{counted(tally)}; slowest {tally.slowest_s:.1f} s"
    )
    assert (tally.posts, tally.faults) == (2000, 32)
    assert tally.took_s < 60
    assert tally.is_clean or not is_ours(database), tally


@BOTH
def test_cuts(stand: Stand, figure: Figure, database: str, column: str) -> None:
    found = cuts(stand, database)
    wrong = [cut for cut in found if not cut.is_right]
    figure(
        "one cut at each message of a save",
        column,
        f"{len(found) - len(wrong)} of {len(found)} right",
    )
    assert len(found) >= 30
    assert not wrong or not is_ours(database)


@BOTH
def test_stalls(stand: Stand, figure: Figure, database: str, column: str) -> None:
    # The tutorial's app waits as long as one lets it: two stages show it.
    some = () if is_ours(database) else ("asking", "waiting for a lock")
    found = stalls(stand, database, some)
    slowest = max(max(stall.reads_s, stall.saves_s) for stall in found)
    probes = max(stall.probes_s for stall in found)
    unanswered = sum(stall.unanswered for stall in found)
    text = f"answered within {slowest:.1f} s (budgets 1 and 2 s), `/healthz` {probes * 1000:.0f} ms"
    if unanswered:
        text = f"{unanswered} unanswered after {slowest:.0f} s, `/healthz` {probes * 1000:.0f} ms"
    figure("silence while 40 requests wait", column, text)
    if is_ours(database):
        assert len(found) == 6
        assert [stall for stall in found if not stall.is_right()] == []


@BOTH
def test_recovery(stand: Stand, figure: Figure, database: str, column: str) -> None:
    found = recoveries(stand, database)
    slowest = max(one.recovered_s for one in found)
    probes = max(one.probes_s for one in found)
    text = f"over {slowest:.2f} s after it, `/healthz` {probes * 1000:.0f} ms"
    figure("an outage of 4 seconds", column, text)
    if is_ours(database):
        assert len(found) == 6
        assert [one for one in found if not one.is_right()] == []


@BOTH
def test_a_pooler(stand: Stand, figure: Figure, database: str, column: str) -> None:
    found = pooled(stand, database)
    figure("1,200 transactions through PgBouncer", column, f"{found.failed} failed")
    assert found.transactions == 1200
    assert found.is_right or not is_ours(database), found


def test_clocks(stand: Stand, figure: Figure) -> None:
    found = skewed(stand)
    figure("clocks a minute off", OURS, f"{found.failed} of {found.submits} submits failed")
    assert found.is_right, found


def test_a_soak(stand: Stand, figure: Figure) -> None:
    found = soak(stand)
    figure("20,000 requests", OURS, f"a worker grows by {max(found.grown_mb):.1f} MB")
    assert found.requests == 20_000
    assert found.is_right, found
