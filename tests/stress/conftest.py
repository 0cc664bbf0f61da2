"""Figures for the document."""

from collections.abc import Callable

import pytest

from tests.stress.document import COMMANDS, FIGURE, HEAD

Figure = Callable[[str, str, str], None]


@pytest.fixture
def figure(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> Figure:
    """Tell a figure: its row and column of the document's table, and its text."""

    def figure(row: str, column: str, text: str) -> None:
        assert row in COMMANDS
        assert column in HEAD
        record_property(FIGURE, [row, column, text])
        with capsys.disabled():
            print(f"\n{row}, {column}: {text}")

    return figure
