"""The questions as a table, and the answers as values that cannot be wrong.

A new question is one enum, one field of `Answers`, one row of `QUESTIONS`, one column in
`model.py` and one migration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark a text for the translation catalogue; the web rooms translate it when they show it."""
    return text


class PythonProficiency(StrEnum):
    """How well somebody knows Python, as it is stored."""

    BEGINNER = "Beginner"
    INTERMEDIATE = "Intermediate"
    ADVANCED = "Advanced"


class DeveloperRole(StrEnum):
    """What somebody works as, as it is stored. NONE is a real answer: none of the roles."""

    FRONTEND = "Frontend Developer"
    BACKEND = "Backend Developer"
    FULL_STACK = "Full Stack Developer"
    NONE = "None"


Answer = PythonProficiency | DeveloperRole


@dataclass(frozen=True)
class Answers:
    """Both answers. Half of them cannot be built, so nobody can be onboarded with half."""

    python_proficiency: PythonProficiency
    developer_role: DeveloperRole

    @classmethod
    def of(cls, known: Mapping[str, Answer]) -> "Answers | None":
        """Give the answers when all are known by their fields' names, else None."""
        if any(field.name not in known for field in fields(cls)):
            return None
        return cls(
            python_proficiency=PythonProficiency(known["python_proficiency"]),
            developer_role=DeveloperRole(known["developer_role"]),
        )

    def known(self) -> dict[str, Answer]:
        """Give the answers by their fields' names."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Option:
    """How one answer is offered: its short `label` and one line that helps to choose."""

    label: str
    hint: str


@dataclass(frozen=True)
class Question:
    """One question: the answer's column and form field, its address, its words."""

    field: str
    slug: str
    answers: type[PythonProficiency] | type[DeveloperRole]
    title: str
    hint: str
    heading: str
    problem: str
    options: Mapping[Answer, Option]

    def parse(self, text: str | None) -> Answer | None:
        """Give the answer stored as `text`; None for anything else, a missing text included.

        Letter for letter: "beginner" and " Beginner" are no answers, and a missing text is never
        the role "None".
        """
        return next((answer for answer in self.answers if answer.value == text), None)


QUESTIONS: tuple[Question, ...] = (
    Question(
        field="python_proficiency",
        slug="python-proficiency",
        answers=PythonProficiency,
        title=N_("How well do you know Python?"),
        hint=N_("Choose the level that fits you today."),
        heading=N_("Python proficiency"),
        problem=N_("Choose your Python level"),
        options={
            PythonProficiency.BEGINNER: Option(
                N_("Beginner"), N_("You are learning the language or have just begun.")
            ),
            PythonProficiency.INTERMEDIATE: Option(
                N_("Intermediate"), N_("You write working programs and look things up as you go.")
            ),
            PythonProficiency.ADVANCED: Option(
                N_("Advanced"), N_("You design, review and debug larger Python code with ease.")
            ),
        },
    ),
    Question(
        field="developer_role",
        slug="developer-role",
        answers=DeveloperRole,
        title=N_("What kind of developer are you?"),
        hint=N_("Choose what you mostly do, at work or on your own."),
        heading=N_("Developer role"),
        problem=N_("Choose your developer role"),
        options={
            DeveloperRole.FRONTEND: Option(
                N_("Frontend developer"), N_("Pages, components, what people see and touch.")
            ),
            DeveloperRole.BACKEND: Option(
                N_("Backend developer"), N_("Servers, data, interfaces behind the pages.")
            ),
            DeveloperRole.FULL_STACK: Option(
                N_("Full stack developer"), N_("Both, from the page to the database.")
            ),
            DeveloperRole.NONE: Option(
                N_("None of these"), N_("Another kind of work, or not a developer.")
            ),
        },
    ),
)


def parse_answers(texts: Mapping[str, str]) -> dict[str, Answer]:
    """Give the answers that `texts` holds under the fields' names; what doesn't parse is dropped."""
    parsed = ((question.field, question.parse(texts.get(question.field))) for question in QUESTIONS)
    return {field: answer for field, answer in parsed if answer is not None}


def first_unanswered(known: Mapping[str, Answer]) -> Question | None:
    """Give the first question without a known answer, None when all are answered."""
    return next((question for question in QUESTIONS if question.field not in known), None)
