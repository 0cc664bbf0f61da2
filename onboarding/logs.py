"""The log: a line for each event on stderr, as JSON or for a terminal.

Our modules and the libraries log by the standard library; here all of it becomes one kind of line. No
line break in a value can forge a second line, and secrets are removed from every line at the end.
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

# Tokens and addresses that we don't know, by their shape, and what takes their place.
_SECRET_SHAPES = (
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
# A shorter one would be found in innocent words; those that we require are longer.
_SHORTEST_SECRET = 8
# Where PostgreSQL shows a row's values. The sentence before it names the constraint.
_ROW_VALUES = re.compile(r"^(DETAIL|CONTEXT):.*", re.MULTILINE)
# Where gunicorn shows what it couldn't read as HTTP: a query, or a form in the wrong place.
_UNREADABLE = re.compile(r"^(Invalid request from ip=\S*: [^:]*: ).*", re.DOTALL)

Event = MutableMapping[str, Any]


@dataclass(frozen=True)
class LogContext:
    """What a line says about its request, and what it must not say."""

    facts: Mapping[str, object] = field(default_factory=dict)
    secrets: Collection[str] = field(default=(), repr=False)


def _no_request() -> LogContext:
    return LogContext()


def init_logs(
    form: str,
    level: str,
    secrets: Collection[str] = (),
    log_context: Callable[[], LogContext] = _no_request,
) -> None:
    """Write all of this process's log to stderr from now on.

    `form` is one of `FORMATS`. `level`, one of `LEVELS`, is for our own modules; of libraries only
    warnings are written, since some log headers, cookies included. `secrets` are removed from every
    line. `log_context` is called for each line that is written.
    """
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": formatter,
                    "form": form,
                    "secrets": secrets,
                    "log_context": log_context,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {"onboarding": {"level": level.upper()}},
        }
    )
    logging.captureWarnings(True)


def formatter(
    form: str,
    secrets: Collection[str] = (),
    log_context: Callable[[], LogContext] = _no_request,
) -> logging.Formatter:
    """Return the formatter that makes a line of a record; the arguments are those of `init_logs`."""
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
            _without_unreadable_request,
            _Line(render, secrets, log_context),
        ],
    )


class _Line:
    """Renders an event with the facts of its request, and removes what is secret."""

    def __init__(
        self,
        render: Callable[[Any, str, Event], str | bytes],
        secrets: Collection[str],
        log_context: Callable[[], LogContext],
    ) -> None:
        self._render = render
        self._secrets = tuple(secrets)
        self._log_context = log_context

    def __call__(self, logger: Any, method: str, event: Event) -> str:
        request = self._log_context()
        for set_by_another_formatter in ("message", "asctime"):
            event.pop(set_by_another_formatter, None)
        first = {name: event.pop(name) for name in ("time", "level", "logger", "event")}
        line = str(self._render(logger, method, {**first, **request.facts, **event}))
        for secret in (*self._secrets, *request.secrets):
            # As it is, and as JSON spells it.
            for spelling in {secret, json.dumps(secret)[1:-1]}:
                if len(secret) >= _SHORTEST_SECRET:
                    line = line.replace(spelling, _MARK)
        for shape, mark in _SECRET_SHAPES:
            line = shape.sub(mark, line)
        # The one control character that JSON leaves as it is.
        return line.replace("\x7f", "\\u007f")


def _without_row_values(logger: Any, method: str, event: Event) -> Event:
    if "exception" in event:
        event["exception"] = _ROW_VALUES.sub(r"\1: …", event["exception"])
    return event


def _without_unreadable_request(logger: Any, method: str, event: Event) -> Event:
    event["event"] = _UNREADABLE.sub(r"\1[request]", str(event["event"]))
    return event


def _plain(logger: Any, method: str, event: Event) -> str:
    """For people: an event a line, a traceback below it and indented, so that none looks like another."""
    rest = dict(event)
    time, level, name, text = (rest.pop(key) for key in ("time", "level", "logger", "event"))
    traceback = rest.pop("exception", "")
    words = [time, f"{level.upper():<7}", f"{name}:", text]
    line = " ".join(map(str, words + [f"{key}={value!r}" for key, value in rest.items()]))
    return "\n    ".join(map(_printable, [line, *traceback.splitlines()]))


def _printable(text: str) -> str:
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
