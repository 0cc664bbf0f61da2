"""The main site that a test tells what to answer."""

from collections.abc import Iterator

import pytest

from tests.betterauth.told_site import Site


@pytest.fixture
def site() -> Iterator[Site]:
    yield from Site().run()
