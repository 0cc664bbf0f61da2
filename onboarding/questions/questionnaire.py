"""The questions, and answers that cannot be incomplete. Knows no Flask, no SQL and no file format."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property


class Text(dict[str, str]):
    """A text by language tag: ``text["ur"]``. English where a language has none."""

    def __missing__(self, language: str) -> str:
        return self["en"]


@dataclass(frozen=True)
class Option:
    """One answer that a question offers. The database stores `value`; people read `label`."""

    value: str
    label: Text
    hint: Text | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """One question. `name` is its column, its form field, its query parameter and its JSON member."""

    name: str
    title: Text
    options: tuple[Option, ...]
    heading: Text
    """Names the answer on the review and the profile."""
    problem: Text
    """The message beside the question when the answer is missing or unknown."""
    hint: Text | None = None

    @cached_property
    def slug(self) -> str:
        """The question's address below the wizard's."""
        return self.name.replace("_", "-")

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The values that may be stored."""
        return tuple(option.value for option in self.options)

    def option(self, value: str) -> Option:
        """Return the option stored as `value`. Raise `KeyError` for any other text."""
        return self._options[value]

    def parse(self, texts: Sequence[str]) -> str | None:
        """Return the answer that `texts` holds: exactly one listed value, letter for letter.

        None for anything else. Of two values neither can be trusted.
        """
        return texts[0] if len(texts) == 1 and texts[0] in self._options else None

    @cached_property
    def _options(self) -> Mapping[str, Option]:
        return {option.value: option for option in self.options}


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """All questions, in the order in which they are asked."""

    questions: tuple[Question, ...]

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The questions' names."""
        return tuple(question.name for question in self.questions)

    @cached_property
    def by_name(self) -> Mapping[str, Question]:
        """The questions by their names."""
        return {question.name: question for question in self.questions}

    @cached_property
    def by_slug(self) -> Mapping[str, Question]:
        """The questions by their addresses."""
        return {question.slug: question for question in self.questions}

    def parse(self, texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Return the valid answers among `texts`, by question name; drop what doesn't parse."""
        parsed = {
            name: question.parse(texts[name])
            for name, question in self.by_name.items()
            if name in texts
        }
        return {name: value for name, value in parsed.items() if value is not None}

    def missing(self, known: Mapping[str, str]) -> list[str]:
        """Return the names of the questions that `known` doesn't answer, in their order."""
        return [name for name in self.names if name not in known]

    def first_unanswered(self, known: Mapping[str, str]) -> Question | None:
        """Return the first question that `known` doesn't answer, None when all are answered."""
        missing = self.missing(known)
        return self.by_name[missing[0]] if missing else None

    def answers(self, known: Mapping[str, str]) -> "Answers | None":
        """Return the complete answers, None while one is missing."""
        return None if self.missing(known) else Answers(self, known)


class Answers(dict[str, str]):
    """One answer to each question, by name. It can't be built while one is missing."""

    def __init__(self, questionnaire: Questionnaire, known: Mapping[str, str]) -> None:
        """Raise `KeyError` for the first question that `known` doesn't answer."""
        super().__init__((name, known[name]) for name in questionnaire.names)
