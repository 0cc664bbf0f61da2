"""What may be answered, what is no answer, and which question comes next."""

import pytest

from onboarding.questions import Answers, Text
from tests.questionnaires import ALL, other_answers, some_answers

every_questionnaire = pytest.mark.parametrize("questionnaire", ALL.values(), ids=ALL)


@every_questionnaire
def test_a_stored_value_is_its_answer_and_nothing_like_it_is(questionnaire):
    for question in questionnaire:
        for value in question.values:
            assert question.parse([value]) == value == question.option(value).value
            assert question.parse([value, value]) is None
        near = {
            changed
            for value in question.values
            for changed in (
                *(value.upper(), value.lower(), f" {value}", f"{value} ", f"{value}\x00"),
                *(f"{value}\n", value * 2000, value.replace(" ", "\xa0"), value.replace("e", "е")),
                *(value[:-1], value.casefold(), value.encode().decode("latin-1")),
            )
        }
        others = {"", " ", "\ud800", "0", "True", "NULL", "' OR 1=1 --", question.name}
        for text in (near | others) - set(question.values):
            assert question.parse([text]) is None
            with pytest.raises(KeyError):
                question.option(text)
        assert question.parse([]) is None


@every_questionnaire
def test_what_does_not_parse_is_dropped_and_the_rest_is_kept(questionnaire):
    some, first = some_answers(questionnaire), questionnaire.names[0]
    sent = {**some, first: "Astronaut", "is_onboarded": "true", "user_id": "1"}
    rest = {name: value for name, value in some.items() if name != first}
    assert questionnaire.parse({name: [text] for name, text in sent.items()}) == rest
    assert questionnaire.parse({first: [some[first]] * 2}) == questionnaire.parse({}) == {}


@every_questionnaire
def test_the_first_question_without_an_answer_comes_next(questionnaire):
    some, names = some_answers(questionnaire), questionnaire.names
    assert questionnaire.first_unanswered(some) is None
    assert questionnaire.missing(some) == []
    for number, question in enumerate(questionnaire):
        earlier = {name: some[name] for name in names[:number]}
        others = {name: some[name] for name in names if name != question.name}
        assert questionnaire.first_unanswered(earlier) is question
        assert questionnaire.first_unanswered(others) is question
        assert questionnaire.missing(earlier) == list(names[number:])
        assert questionnaire.missing(others) == [question.name]


@every_questionnaire
def test_answers_are_complete_or_none(questionnaire):
    other = other_answers(questionnaire)
    backwards = dict(reversed(other.items()))
    answers = questionnaire.answers({**backwards, "unknown": "x"})
    assert list(answers.items()) == list(other.items())
    for name in questionnaire.names:
        known = {other_name: other[other_name] for other_name in other if other_name != name}
        assert questionnaire.answers(known) is None
        with pytest.raises(KeyError):
            Answers(questionnaire, known)


@every_questionnaire
def test_names_and_addresses_are_of_one_question_each(questionnaire):
    for question in questionnaire:
        assert questionnaire.by_name[question.name] is question
        assert questionnaire.by_slug[question.slug] is question
        assert question.slug == question.name.replace("_", "-")
    assert len(questionnaire.by_name) == len(questionnaire.by_slug) == len(questionnaire)


def test_a_text_is_english_where_a_language_has_none():
    text = Text(en="Role", ur="کردار")
    assert (text["en"], text["ur"], text["de"]) == ("Role", "کردار", "Role")
