"""The forms, one for each question and one to confirm, made from the questions' table."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField
from wtforms.csrf.core import CSRF, CSRFTokenField
from wtforms.fields import enum_choices
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from onboarding.profiles.questions import QUESTIONS, Answer, Question
from onboarding.web.current import identity, parts


class SessionBoundCsrf(CSRF):
    """Puts our own token into each form. The gate has judged it before any form is built."""

    def generate_csrf_token(self, csrf_token_field: CSRFTokenField) -> str:
        return parts().csrf.issue(identity().session_token or "")

    def validate_csrf_token(self, form: Any, field: CSRFTokenField) -> None:
        return None


class PageForm(FlaskForm):
    """A form of ours: CSRF bound to the session, without Flask's session cookie."""

    class Meta(FlaskForm.Meta):
        csrf = True
        csrf_class = SessionBoundCsrf

        def get_translations(self, _form: Any) -> None:
            """No texts of WTForms' own are shown; Flask-WTF would read its catalogue for each form."""


class ConfirmForm(PageForm):
    """The answers as they were shown, so that exactly those are confirmed."""


def _exactly_one(_: object, field: SelectField) -> None:
    # Of two values a browser never sends, neither is the person's word.
    if field.data is None or len(field.raw_data or []) != 1:
        raise ValidationError


def _select_field(question: Question) -> SelectField:
    def coerce(value: object) -> Answer | None:
        if value is None or value == "":
            return None
        answer = question.parse(str(value))
        if answer is None:
            raise ValueError
        return answer

    # The templates show the options, in the visitor's language; the field holds what was sent to them.
    choices = [SelectChoice("", ""), *enum_choices(question.answers)]
    return SelectField(validators=[_exactly_one], coerce=coerce, choices=choices)


def _question_form(question: Question) -> type[PageForm]:
    return type("QuestionForm", (PageForm,), {question.field: _select_field(question)})


QUESTION_FORMS = {question.slug: _question_form(question) for question in QUESTIONS}

for _question in QUESTIONS:
    setattr(ConfirmForm, _question.field, HiddenField())
