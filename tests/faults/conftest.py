"""One stand for a file: its server is stopped and crashed, so it is nobody else's."""

from collections.abc import Iterator

import pytest

from tests.faults.stand import Stand, raised


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with raised() as stand:
        yield stand
