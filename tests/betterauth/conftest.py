"""A main site whose answers a test sets."""

from collections.abc import Iterator

import pytest

from tests.betterauth.fake_site import FakeSite


@pytest.fixture
def site() -> Iterator[FakeSite]:
    yield from FakeSite().run()
