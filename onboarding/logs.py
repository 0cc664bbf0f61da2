"""The log: a line for each event on stderr, as JSON or for a terminal.

Our modules and the libraries log by the standard library; here all of it becomes one kind of line. No
line break in a value can forge a second line, and secrets are removed from every line at the end.
"""

import json
import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging.config import dictConfig

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

# What a record has without any `extra`; the last two are set by other formatters.
_USUAL_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime"}


@dataclass(frozen=True)
class LogContext:
    """What a line says about its request, and what it must not say."""

    facts: Mapping[str, object] = field(default_factory=dict)
    secrets: Collection[str] = field(default=(), repr=False)


def init_logs(
    form: str,
    level: str,
    secrets: Collection[str] = (),
    log_context: Callable[[], LogContext] = LogContext,
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
                    "()": LineFormatter,
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


class LineFormatter(logging.Formatter):
    """Makes a line of a record; the arguments are those of `init_logs`."""

    def __init__(
        self,
        form: str,
        secrets: Collection[str] = (),
        log_context: Callable[[], LogContext] = LogContext,
    ) -> None:
        super().__init__()
        self._is_plain = form == "plain"
        self._secrets = tuple(secrets)
        self._log_context = log_context

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the facts of its request and without what is secret."""
        request = self._log_context()
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        event = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _UNREADABLE.sub(r"\1[request]", record.getMessage()),
            **request.facts,
            **{name: vars(record)[name] for name in vars(record) if name not in _USUAL_ATTRIBUTES},
        }
        if record.exc_info:
            traceback = self.formatException(record.exc_info)
            event["exception"] = _ROW_VALUES.sub(r"\1: …", traceback)
        line = _plain(**event) if self._is_plain else json.dumps(event, default=repr)
        for secret in (*self._secrets, *request.secrets):
            # As it is, and as JSON spells it.
            for spelling in {secret, json.dumps(secret)[1:-1]}:
                if len(secret) >= _SHORTEST_SECRET:
                    line = line.replace(spelling, _MARK)
        for shape, mark in _SECRET_SHAPES:
            line = shape.sub(mark, line)
        # The one control character that JSON leaves as it is.
        return line.replace("\x7f", "\\u007f")


def _plain(
    time: str, level: str, logger: str, event: str, exception: str = "", **facts: object
) -> str:
    """For people: an event a line, a traceback below it and indented, so that none looks like another."""
    words = [time, f"{level.upper():<7}", f"{logger}:", event]
    line = " ".join(words + [f"{name}={value!r}" for name, value in facts.items()])
    return "\n    ".join(map(_printable, [line, *exception.splitlines()]))


def _printable(text: str) -> str:
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
