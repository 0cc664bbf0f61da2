"""What a run must keep to itself, and the search for it in all that the run has logged."""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Of every person, database and app of this run; whoever makes one says so by `keep`.
KEPT: set[str] = set()

_SHORTEST = 16
_WORD = re.compile(rf"[A-Za-z0-9_-]{{{_SHORTEST},}}")
# What nobody has to say: a signed cookie, a form's token, an address with a password.
_SHAPES = (
    re.compile(r"\.(?:[A-Za-z0-9+/]|%2[BbFf]){43}(?:=|%3[Dd])"),
    re.compile(r"\b[0-9a-f]{8}\.[A-Za-z0-9_-]{43}\b"),
    re.compile(r"postgres\w*(?:\+\w+)?://[^\s@/]+:[^\s@/]+@"),
)


def keep(*secrets: str) -> None:
    """Let none of these appear in a log; each is one word of letters, digits, "-" and "_"."""
    for secret in secrets:
        assert _WORD.fullmatch(secret), "the search below would not find it"
    KEPT.update(secrets)


def leaks(text: str) -> list[str]:
    """Give a line for each place in `text` where something stands that was to be kept."""
    found = [match for match in _WORD.finditer(text) if match[0] in KEPT]
    found += [match for shape in _SHAPES for match in shape.finditer(text)]
    return [text[max(0, one.start() - 80) : one.end() + 20].replace("\n", " ") for one in found]


class _Listener(logging.Handler):
    """Takes every record as it was made, before any formatter strikes something out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: value for name, value in vars(record).items() if name != "exc_info"}
        self.heard.append(f"{logging.Formatter().format(record)} {fields}")


@contextmanager
def listening() -> Iterator[list[str]]:
    """Hear all that is logged in this process meanwhile, our own loggers at their most talkative."""
    listener, ours = _Listener(), logging.getLogger("onboarding")
    before = ours.level
    logging.getLogger().addHandler(listener)
    ours.setLevel(logging.DEBUG)
    try:
        yield listener.heard
    finally:
        ours.setLevel(before)
        logging.getLogger().removeHandler(listener)


def logs_of_the_app(folder: Path) -> Iterable[Path]:
    """Give the files in which apps of this run, or their migrations, have written."""
    return (path for path in folder.rglob("*.log") if "app" in path.stem)
