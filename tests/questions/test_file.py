"""A questionnaire from a file: the packaged one, and others with their faults."""

import pytest

from onboarding.questions import QuestionnaireError, load_questionnaire
from tests.questionnaires import DEFAULT


@pytest.mark.parametrize("question", DEFAULT.questions, ids=lambda question: question.name)
def test_a_packaged_question_has_words_for_everything_it_shows(question):
    labels = [option.label["en"] for option in question.options]
    assert len(set(labels)) == len(labels) == len(set(question.values)) >= 2
    texts = [question.title, question.heading, question.problem, *filter(None, [question.hint])]
    texts += [option.hint for option in question.options if option.hint]
    for text in [*labels, *(text["en"] for text in texts)]:
        assert text.strip() == text != ""


@pytest.fixture
def load(tmp_path):
    def load(text: str):
        path = tmp_path / "questions.toml"
        path.write_text(text, encoding="utf-8")
        return load_questionnaire(path)

    return load


def test_a_bare_text_is_english_and_a_bare_option_is_value_and_label(load):
    [question] = load("""
        [[question]]
        name = "team_size"
        title.en = "How large is your team?"
        title.ur = "آپ کی ٹیم کتنی بڑی ہے؟"
        problem = "Choose a size"
        options = ["1", { value = "2-10", label = "Two to ten", hint = "More or less" }]
    """)
    assert (question.name, question.slug, question.hint) == ("team_size", "team-size", None)
    assert question.title["ur"] != question.title["en"] == question.heading["en"]
    first, second = question.options
    assert (first.value, first.label["ur"], first.hint) == ("1", "1", None)
    assert (second.value, second.label["en"], second.hint["en"]) == (
        *("2-10", "Two to ten", "More or less"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "question = 'size'",
        "[[question]",
        "[[question]]\nname = 'size'",
        "[[question]]\nname = 'size'\ntitle = 'Size?'\nproblem = 'Choose'\noptions = [7]",
    ],
)
def test_a_faulty_file_is_named_in_one_line(load, tmp_path, text):
    with pytest.raises(QuestionnaireError, match=r"^questions\.toml: .+$"):
        load(text)
    with pytest.raises(QuestionnaireError, match=r"^none\.toml: .+$"):
        load_questionnaire(tmp_path / "none.toml")
