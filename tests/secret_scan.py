"""Secrets of a run, and the search for them in everything that the run has logged."""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Of every user, database and app of this run, by `register`.
SECRETS: set[str] = set()

_WORD = re.compile(r"[A-Za-z0-9_-]{16,}")
# Secrets known by their form: a signed cookie, a CSRF token, an address with a password.
_PATTERNS = (
    re.compile(r"\.(?:[A-Za-z0-9+/]|%2[BbFf]){43}(?:=|%3[Dd])"),
    re.compile(r"\b[0-9a-f]{8}\.[A-Za-z0-9_-]{43}\b"),
    re.compile(r"postgres\w*(?:\+\w+)?://[^\s@/]+:[^\s@/]+@"),
)


def register(*secrets: str) -> None:
    """Let none of these appear in a log; each is one word of letters, digits, "-" and "_"."""
    for secret in secrets:
        assert _WORD.fullmatch(secret), "find_leaks would not find it"
    SECRETS.update(secrets)


def find_leaks(text: str) -> list[str]:
    """Return a line for each secret found in `text`, with what stands around it."""
    found = [match for match in _WORD.finditer(text) if match[0] in SECRETS]
    found += [match for pattern in _PATTERNS for match in pattern.finditer(text)]
    return [text[max(0, one.start() - 80) : one.end() + 20].replace("\n", " ") for one in found]


class _RecordCollector(logging.Handler):
    """Collects every record before any formatter removes something from it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: value for name, value in vars(record).items() if name != "exc_info"}
        self.records.append(f"{logging.Formatter().format(record)} {fields}")


@contextmanager
def collect_records() -> Iterator[list[str]]:
    """Collect all that this process logs meanwhile, with the app's own loggers at DEBUG."""
    collector, app_logger = _RecordCollector(), logging.getLogger("onboarding")
    level = app_logger.level
    logging.getLogger().addHandler(collector)
    app_logger.setLevel(logging.DEBUG)
    try:
        yield collector.records
    finally:
        app_logger.setLevel(level)
        logging.getLogger().removeHandler(collector)


def app_log_files(folder: Path) -> Iterable[Path]:
    """Return the log files of apps and migrations of this run."""
    return (path for path in folder.rglob("*.log") if "app" in path.stem)
