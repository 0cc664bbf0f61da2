"""The wizard: a page for each question, then the review, then the confirmation for good.

No step is stored, so none can be skipped and none can loop: what is known decides what comes next.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Flask, redirect, request
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response

from onboarding.profiles import AlreadyOnboarded, UserDeleted
from onboarding.questions import Answers, Question, Questionnaire
from onboarding.web.fetch_metadata import is_framed
from onboarding.web.forms import QuestionForm, question_form
from onboarding.web.page_query import PageQuery, form_answers, page_query
from onboarding.web.rendering import current_language, render_page
from onboarding.web.services import current_user, services
from onboarding.web.wizard_steps import known_answers, open_step_url

blueprint = Blueprint("wizard", __name__, url_prefix="/onboarding")


def init_wizard(app: Flask, questionnaire: Questionnaire) -> None:
    """Register the wizard for a questionnaire."""

    class QuestionConverter(BaseConverter):
        """Turns ``developer-role`` into its question and back; any other text is not found."""

        regex = "|".join(map(re.escape, questionnaire.by_slug))

        def to_python(self, value: str) -> Question:
            return questionnaire.by_slug[value]

        def to_url(self, value: Question) -> str:
            return value.slug

    app.url_map.converters["question"] = QuestionConverter
    app.register_blueprint(blueprint)


@blueprint.get("/")
def start() -> Response:
    query = page_query()
    return redirect(open_step_url(query, known_answers(query)), 303)


@blueprint.get("/<question:question>")
def question(question: Question) -> Response:
    query = page_query()
    known = known_answers(query)
    form = _form(question)(formdata=None, data={"answer": known.get(question.name)})
    field = form.answer
    if _problem() == "1":
        field.errors = [question.problem[current_language().tag]]
    return render_page(
        "wizard/question.html",
        question=question,
        field=field,
        back_url=_back_url(question, known, query),
        **_progress(services().questionnaire.names.index(question.name) + 1),
    )


@blueprint.post("/<question:question>")
def answer(question: Question) -> Response:
    query = page_query()
    form = _form(question)(formdata=request.form)
    if not form.validate():
        return redirect(query.here(problem=1, anchor="problem"), 303)
    known = {**known_answers(query), question.name: form.answer.data}
    answers = services().questionnaire.answers(known)
    if answers is None:
        # After a form the focus belongs on the new heading.
        return redirect(open_step_url(query, known, anchor="h"), 303)
    return _save(
        services().profiles.save_draft,
        answers,
        query.with_answers({}).url_for("wizard.review", anchor="h"),
    )


@blueprint.get("/review")
def review() -> Response:
    query, questionnaire = page_query(), services().questionnaire
    known = known_answers(query)
    answers = questionnaire.answers(known)
    if answers is None:
        return redirect(open_step_url(query, known), 303)
    return render_page(
        "wizard/review.html",
        questionnaire=questionnaire,
        answers=answers,
        user=current_user(),
        back_url=query.url_for("wizard.question", question=questionnaire.questions[-1]),
        **_progress(len(questionnaire) + 1),
    )


@blueprint.post("/review")
def confirm() -> Response:
    query, questionnaire, shown = page_query(), services().questionnaire, form_answers()
    if any(name in request.form and name not in shown for name in questionnaire.names):
        return redirect(query.here(problem=1, anchor="problem"), 303)
    # The form carries the answers that the page showed: what a user saw is what they confirm,
    # even if another tab has changed the draft meanwhile.
    known = {**known_answers(query), **shown}
    answers = questionnaire.answers(known)
    if answers is None:
        return redirect(open_step_url(query, known, anchor="h"), 303)
    return _save(services().profiles.complete, answers, _end_url(query))


def _form(question: Question) -> type[QuestionForm]:
    return question_form(question, services().settings.widget)


def _problem() -> str | None:
    """What was wrong with the form before: "1", an unknown or missing answer; "stale", its age."""
    problem = request.args.get("problem")
    return problem if problem in ("1", "stale") else None


def _progress(step: int) -> Mapping[str, Any]:
    return {"step": step, "steps": len(services().questionnaire) + 1, "problem": _problem()}


def _save(save: Callable[[str, Answers], object], answers: Answers, target: str) -> Response:
    try:
        save(current_user().user_id, answers)
    except AlreadyOnboarded:
        # Another tab or device was first. The profile shows what is stored, and says so.
        target = page_query().without_answers().url_for("profile.page", already=1)
    except UserDeleted:
        target = page_query().without_answers().url_for("signed_out.page", anchor="h")
    return redirect(target, 303)


def _end_url(query: PageQuery) -> str:
    # In a frame the main site is around us already.
    if query.return_to and not is_framed():
        return query.without_answers().url_for("continue_page.page")
    return query.next or query.with_answers({}).url_for("profile.page")


def _back_url(question: Question, known: Mapping[str, str], query: PageQuery) -> str | None:
    questions = services().questionnaire.questions
    index = questions.index(question)
    if index > 0:
        return query.url_for("wizard.question", question=questions[index - 1])
    return None if services().questionnaire.missing(known) else query.url_for("wizard.review")
