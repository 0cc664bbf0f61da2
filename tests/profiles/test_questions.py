"""The questions as a table: what may be answered, and what is no answer."""

from dataclasses import fields

import pytest

from onboarding.profiles.model import USER_PROFILE
from onboarding.profiles.questions import (
    QUESTIONS,
    Answers,
    DeveloperRole,
    PythonProficiency,
    Question,
    first_unanswered,
    parse_answers,
)

PYTHON, ROLE = QUESTIONS
BOTH = Answers(PythonProficiency.BEGINNER, DeveloperRole.NONE)

every_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.slug)


def test_the_answers_are_stored_in_the_words_of_the_data_model() -> None:
    assert [answer.value for answer in PythonProficiency] == [
        "Beginner",
        "Intermediate",
        "Advanced",
    ]
    assert [answer.value for answer in DeveloperRole] == [
        "Frontend Developer",
        "Backend Developer",
        "Full Stack Developer",
        "None",
    ]


def test_each_question_is_a_field_of_the_answers_and_a_column_in_the_same_order() -> None:
    asked = [question.field for question in QUESTIONS]
    assert asked == [field.name for field in fields(Answers)]
    assert [column.name for column in USER_PROFILE.columns if column.name in asked] == asked


@every_question
def test_a_question_offers_each_of_its_answers_once_and_in_order(question: Question) -> None:
    assert list(question.options) == list(question.answers)


@every_question
def test_a_question_has_words_for_everything_it_shows(question: Question) -> None:
    words = [question.title, question.hint, question.heading, question.problem]
    words += [text for option in question.options.values() for text in (option.label, option.hint)]
    assert all(text.strip() == text != "" for text in words)
    labels = [option.label for option in question.options.values()]
    assert len(set(labels)) == len(labels)


def test_addresses_and_fields_name_one_question_each() -> None:
    assert [question.slug for question in QUESTIONS] == ["python-proficiency", "developer-role"]
    assert [question.field.replace("_", "-") for question in QUESTIONS] == [
        question.slug for question in QUESTIONS
    ]


@every_question
def test_a_stored_text_is_read_back_as_its_answer(question: Question) -> None:
    for answer in question.answers:
        assert question.parse(answer.value) is answer


@every_question
@pytest.mark.parametrize(
    "text",
    [
        *(None, "", " ", "none", "NONE", "null", "Beginner ", " Beginner", "beginner", "BEGINNER"),
        *("Beginner\x00", "Beginner\n", "Beg\u0131nner", "Вeginner", "Beginner,Advanced"),
        *("PythonProficiency.BEGINNER", "Expert", "Frontend", "frontend developer"),
        *("Frontend  Developer", "Frontend\u00a0Developer", "Frontend+Developer", "None "),
        *("\ud800", "0", "1", "True", "' OR 1=1 --", "Beginner" * 2000),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_anything_else_is_no_answer(question: Question, text: str | None) -> None:
    assert question.parse(text) is None


def test_an_answer_to_one_question_is_none_to_another() -> None:
    assert PYTHON.parse("None") is None
    assert ROLE.parse("Beginner") is None


def test_the_role_none_is_an_answer_and_a_missing_text_is_not() -> None:
    assert ROLE.parse("None") is DeveloperRole.NONE
    assert ROLE.parse(None) is None
    assert parse_answers({"developer_role": "None"}) == {"developer_role": DeveloperRole.NONE}
    assert parse_answers({}) == {}


def test_what_does_not_parse_is_dropped_and_the_rest_is_kept() -> None:
    assert parse_answers(
        {
            "python_proficiency": "Advanced",
            "developer_role": "Astronaut",
            "is_onboarded": "true",
            "user_id": "1",
        }
    ) == {"python_proficiency": PythonProficiency.ADVANCED}


def test_the_first_question_without_an_answer_comes_next() -> None:
    assert first_unanswered({}) is PYTHON
    assert first_unanswered({"python_proficiency": PythonProficiency.BEGINNER}) is ROLE
    assert first_unanswered({"developer_role": DeveloperRole.NONE}) is PYTHON
    assert first_unanswered(BOTH.known()) is None


def test_half_an_answer_cannot_be_built() -> None:
    for field, answer in BOTH.known().items():
        assert Answers.of({field: answer}) is None
        with pytest.raises(TypeError):
            Answers(**{field: answer})
    assert Answers.of({}) is None


def test_all_answers_together_are_answers() -> None:
    assert Answers.of(BOTH.known()) == BOTH
    assert Answers.of({**BOTH.known(), "more": DeveloperRole.NONE}) == BOTH


def test_answers_in_each_others_place_are_refused() -> None:
    with pytest.raises(ValueError, match="not a valid"):
        Answers.of(
            {
                "python_proficiency": DeveloperRole.BACKEND,
                "developer_role": PythonProficiency.ADVANCED,
            }
        )
