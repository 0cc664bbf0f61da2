"""The log: a line for each event on stderr, as JSON or for a terminal.

Every room logs by the standard library, and so do the libraries; here all of it becomes one kind of
line. No line break in a value can forge a second line, and what must never stand in a log is struck
out of every line at the end, whoever wrote it.
"""

import json
import logging
import re
from collections.abc import Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from logging.config import dictConfig
from typing import Any

from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

FORMATS = ("json", "plain")
LEVELS = ("info", "debug", "warning", "error")

# Tokens and addresses that nobody has told us, by their shape; what is kept says what stood there.
_STRUCK_OUT = (
    # a signed session cookie: the signature of `betterauth.cookie`, plain or percent-encoded
    (
        re.compile(
            r"""(?<![^\s;=,"'\\])[^\s;=,"'\\]+\.(?:[A-Za-z0-9+/]|%2[BbFf]){43}(?:=|%3[Dd])"""
        ),
        "[cookie]",
    ),
    # a form's token, of `web.csrf`
    (re.compile(r"\b[0-9a-f]{1,12}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"), "[token]"),
    # the database's address, with its password
    (re.compile(r"""\bpostgres(?:ql)?(?:\+\w+)?://[^\s"'\\]+"""), "[database]"),
    # an address's query: answers, return addresses
    (re.compile(r"""\?[^\s"'\\=?]*=[^\s"'\\]*"""), "?[query]"),
)
_MARK = "[secret]"
# A shorter one would be found in innocent words; those that we ask for are longer.
_SHORTEST_SECRET = 8
# Where PostgreSQL shows a row's values. The sentence before it names the constraint.
_ROW_VALUES = re.compile(r"^(DETAIL|CONTEXT):.*", re.MULTILINE)
# Where gunicorn shows what it couldn't read as HTTP: a query, or a form that stands where none may.
_UNREADABLE = re.compile(r"^(Invalid request from ip=\S*: [^:]*: ).*", re.DOTALL)

Event = MutableMapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a line says about the request that it belongs to, and what it must not say of it."""

    facts: Mapping[str, object] = field(default_factory=dict)
    secrets: Collection[str] = field(default=(), repr=False)


def _nothing_asked() -> Asked:
    return Asked()


def set_up_logs(
    form: str,
    level: str,
    secrets: Collection[str] = (),
    asked: Callable[[], Asked] = _nothing_asked,
) -> None:
    """Write all of this process's log to stderr from now on.

    `form` is one of `FORMATS`; `level` is one of `LEVELS`, from which on our own lines are written.
    Of libraries only warnings are: at their finest some write headers, cookies included. `secrets`
    are struck out wherever they stand. `asked` is called for each line that is written, and only
    then.
    """
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {"()": formatter, "form": form, "secrets": secrets, "asked": asked}
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {"onboarding": {"level": level.upper()}},
        }
    )
    logging.captureWarnings(True)


def formatter(
    form: str, secrets: Collection[str] = (), asked: Callable[[], Asked] = _nothing_asked
) -> logging.Formatter:
    """Give what makes a line of a record; the arguments are those of `set_up_logs`."""
    render = _plain if form == "plain" else JSONRenderer()
    return ProcessorFormatter(
        foreign_pre_chain=[
            add_log_level,
            add_logger_name,
            TimeStamper("iso", key="time"),
            ExtraAdder(),
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            format_exc_info,
            _without_row_values,
            _without_what_was_unreadable,
            _Line(render, secrets, asked),
        ],
    )


class _Line:
    """Renders an event, with what is known of its request, and strikes out what is secret."""

    def __init__(
        self,
        render: Callable[[Any, str, Event], str | bytes],
        secrets: Collection[str],
        asked: Callable[[], Asked],
    ) -> None:
        self._render = render
        self._secrets = tuple(secrets)
        self._asked = asked

    def __call__(self, logger: Any, method: str, event: Event) -> str:
        asked = self._asked()
        for left_by_another_formatter in ("message", "asctime"):
            event.pop(left_by_another_formatter, None)
        first = {name: event.pop(name) for name in ("time", "level", "logger", "event")}
        line = str(self._render(logger, method, {**first, **asked.facts, **event}))
        for secret in (*self._secrets, *asked.secrets):
            # As it is, and as it stands inside JSON.
            for spelling in {secret, json.dumps(secret)[1:-1]}:
                if len(secret) >= _SHORTEST_SECRET:
                    line = line.replace(spelling, _MARK)
        for shape, mark in _STRUCK_OUT:
            line = shape.sub(mark, line)
        # The one control character that JSON lets stand.
        return line.replace("\x7f", "\\u007f")


def _without_row_values(logger: Any, method: str, event: Event) -> Event:
    if "exception" in event:
        event["exception"] = _ROW_VALUES.sub(r"\1: …", event["exception"])
    return event


def _without_what_was_unreadable(logger: Any, method: str, event: Event) -> Event:
    event["event"] = _UNREADABLE.sub(r"\1[request]", str(event["event"]))
    return event


def _plain(logger: Any, method: str, event: Event) -> str:
    """For people: an event a line, a traceback below it and indented, so that none looks like another."""
    rest = dict(event)
    time, level, name, said = (rest.pop(key) for key in ("time", "level", "logger", "event"))
    traceback = rest.pop("exception", "")
    words = [time, f"{level.upper():<7}", f"{name}:", said]
    line = " ".join(map(str, words + [f"{key}={value!r}" for key, value in rest.items()]))
    return "\n    ".join(map(_printable, [line, *traceback.splitlines()]))


def _printable(text: str) -> str:
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
