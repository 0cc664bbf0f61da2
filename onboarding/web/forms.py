"""The form of a question.

The question decides what an answer is; WTForms parses the form, holds the error and draws the field. The
form has no CSRF field: the gate has checked the page's token before any view runs.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from onboarding.questions import Question
from onboarding.web.languages import N_
from onboarding.web.rendering import current_language


class QuestionForm(FlaskForm):
    """A form with one field, `answer`. In the page the field has the name of its question."""

    class Meta:
        csrf = False

        def get_translations(self, _form: FlaskForm) -> None:
            """Return no catalogue: no text of WTForms' own is shown."""


class _Answer(SelectField):
    """A field whose choices and value are a question's; labels are in the language of the request."""

    def __init__(self, question: Question, **kwargs: Any) -> None:
        super().__init__(choices=self._choices(question), **kwargs)
        self.question = question

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = self.question.parse(valuelist)

    def pre_validate(self, form: FlaskForm) -> None:
        if self.data is None:
            raise ValidationError(self.question.problem[current_language().tag])

    def _choices(self, question: Question) -> list[SelectChoice]:
        tag = current_language().tag
        return [SelectChoice(option.value, option.label[tag]) for option in question.options]


class _SelectAnswer(_Answer):
    """A drop-down. Its blank option keeps a press on "Continue" from choosing the first one."""

    def _choices(self, question: Question) -> list[SelectChoice]:
        blank = SelectChoice("", current_language().gettext(N_("Choose one")))
        return [blank, *super()._choices(question)]


class _CardsAnswer(_Answer, RadioField):
    """Radio buttons, each on a card with its hint."""


_FIELDS = {"select": _SelectAnswer, "cards": _CardsAnswer}


@cache
def question_form(question: Question, widget: str) -> type[QuestionForm]:
    """Return the form class of a question; `widget` is "select" or "cards"."""
    return type(
        "QuestionForm", (QuestionForm,), {"answer": _FIELDS[widget](question, name=question.name)}
    )
