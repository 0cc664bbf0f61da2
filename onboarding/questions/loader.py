"""Reads a questionnaire from a TOML file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onboarding.questions.questionnaire import Option, Question, Questionnaire, Text

DEFAULT_FILE = Path(__file__).with_name("default.toml")


class QuestionnaireError(Exception):
    """The file doesn't hold a questionnaire; the message names the file and the first fault."""


def load_questionnaire(path: Path = DEFAULT_FILE) -> Questionnaire:
    """Return the questionnaire that a file describes: one ``[[question]]`` table a question.

    Raise `QuestionnaireError` when the file can't be read or lacks something.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["question"]
        return Questionnaire(tuple(map(_question, tables)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise QuestionnaireError(f"{path.name}: {type(error).__name__}: {error}") from None


def _question(table: Mapping[str, Any]) -> Question:
    title = _text(table["title"])
    return Question(
        name=table["name"],
        title=title,
        options=tuple(map(_option, table["options"])),
        heading=_text(table.get("heading", title)),
        problem=_text(table["problem"]),
        hint=_text(table["hint"]) if "hint" in table else None,
    )


def _option(entry: str | Mapping[str, Any]) -> Option:
    """A bare string is the stored value and the label."""
    if isinstance(entry, str):
        return Option(entry, Text(en=entry))
    value = entry["value"]
    label = Text({"en": value, **_text(entry.get("label", value))})
    return Option(value, label, _text(entry["hint"]) if "hint" in entry else None)


def _text(entry: str | Mapping[str, str]) -> Text:
    """A bare string is English; a table has a text for each language."""
    return Text(en=entry) if isinstance(entry, str) else Text(entry)
