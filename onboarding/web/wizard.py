"""The wizard: a page for each question, then the answers to check, then for good.

Each view parses, calls one rule, answers. Which answers are known is said once, in `_known`:
the draft's, then the query's over them. No step is stored, so none can be skipped or looped.
"""

from collections.abc import Callable, Mapping

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from onboarding.profiles.questions import QUESTIONS, Answer, Answers, Question, first_unanswered
from onboarding.profiles.rules import AlreadyOnboarded, UserGone, complete, save_draft
from onboarding.web.access import WIZARD_PATH
from onboarding.web.current import identity, parts, person, settings
from onboarding.web.forms import QUESTION_FORMS, ConfirmForm
from onboarding.web.gate import is_framed
from onboarding.web.headers import allow_form_target
from onboarding.web.journey import Journey, typed_answers, word
from onboarding.web.language import render
from onboarding.web.refusals import Impersonated

blueprint = Blueprint("wizard", __name__, url_prefix=WIZARD_PATH)

_BY_SLUG = {question.slug: question for question in QUESTIONS}
_SLUGS = ",".join(f'"{slug}"' for slug in _BY_SLUG)
STEPS = len(QUESTIONS) + 1


@blueprint.get("/", strict_slashes=False)
def start() -> Response:
    journey = Journey.of_request()
    return _to_open_step(_known(journey), journey)


@blueprint.get(f"/<any({_SLUGS}):slug>")
def question(slug: str) -> Response:
    asked, journey = _BY_SLUG[slug], Journey.of_request()
    known = _known(journey)
    form = QUESTION_FORMS[slug](formdata=None, data=known)
    return render(
        "wizard/question.html",
        question=asked,
        form=form,
        field=form[asked.field],
        journey=journey,
        problem=_problem(),
        step=QUESTIONS.index(asked) + 1,
        steps=STEPS,
        back=_back_from(asked, known, journey),
    )


@blueprint.post(f"/<any({_SLUGS}):slug>")
def answer(slug: str) -> Response:
    if person().impersonated:
        raise Impersonated
    asked, journey = _BY_SLUG[slug], Journey.of_request()
    form = QUESTION_FORMS[slug](formdata=request.form)
    if not form.validate():
        return redirect(journey.here(problem=1, _anchor="problem"), 303)
    known = {**_known(journey), asked.field: form[asked.field].data}
    answers = Answers.of(known)
    if answers is None:
        return _to_open_step(known, journey)
    return _saved(save_draft, answers, journey.knowing({}).to("wizard.review", _anchor="h"))


@blueprint.get("/review")
def review() -> Response:
    journey = Journey.of_request()
    known = _known(journey)
    answers = Answers.of(known)
    if answers is None:
        return _to_open_step(known, journey)
    answer = render(
        "wizard/review.html",
        questions=QUESTIONS,
        known=known,
        form=ConfirmForm(formdata=None, data={f: a.value for f, a in known.items()}),
        journey=journey,
        problem=_problem(),
        user=person(),
        step=STEPS,
        steps=STEPS,
        back=journey.to("wizard.question", slug=QUESTIONS[-1].slug),
    )
    if journey.return_to:
        allow_form_target(answer, journey.return_to, settings(), parts().assets)
    return answer


@blueprint.post("/review")
def confirm() -> Response:
    journey = Journey.of_request()
    if person().impersonated:
        raise Impersonated
    typed = typed_answers()
    if any(
        question.field in request.form and question.field not in typed for question in QUESTIONS
    ):
        return redirect(journey.here(problem=1, _anchor="problem"), 303)
    # The form carries the answers that the page showed: what a person saw is what they confirm,
    # whatever another tab has made of the draft meanwhile.
    answers = Answers.of({**_known(journey), **typed})
    if answers is None:
        return _to_open_step(_known(journey), journey)
    return _saved(complete, answers, _way_out(journey))


def _problem() -> str | None:
    """What went wrong with the form before: "1", a value that is no answer, or "stale", its age."""
    problem = word("problem")
    return problem if problem in ("1", "stale") else None


def _known(journey: Journey) -> dict[str, Answer]:
    profile = identity().profile
    draft = profile.answers.known() if profile else {}
    return {**draft, **journey.answers}


def _to_open_step(known: Mapping[str, Answer], journey: Journey) -> Response:
    """Send to the first unanswered question, or to review; what no row holds yet comes along."""
    asked = first_unanswered(known)
    carried = journey.knowing(known if identity().profile is None else journey.answers)
    # After a form the focus belongs on the new heading; a first load must not take it from the
    # page around a frame.
    anchor = "h" if request.method == "POST" else None
    if asked is None:
        return redirect(carried.to("wizard.review", _anchor=anchor), 303)
    return redirect(carried.to("wizard.question", slug=asked.slug, _anchor=anchor), 303)


def _saved(save: Callable[..., object], answers: Answers, target: str) -> Response:
    try:
        save(parts().database, person().user_id, answers)
    except AlreadyOnboarded:
        # Another tab or device was first; the profile shows what is saved, and says so.
        return redirect(Journey.of_request().at_its_end().to("profile.page", already=1), 303)
    except UserGone:
        return redirect(Journey.of_request().at_its_end().to("signed_out.page", _anchor="h"), 303)
    return redirect(target, 303)


def _way_out(journey: Journey) -> str:
    # In a frame the main site is around us already.
    if journey.return_to and not is_framed():
        return journey.return_to
    return journey.next or journey.knowing({}).to("profile.page")


def _back_from(asked: Question, known: Mapping[str, Answer], journey: Journey) -> str | None:
    index = QUESTIONS.index(asked)
    if index > 0:
        return journey.to("wizard.question", slug=QUESTIONS[index - 1].slug)
    return journey.to("wizard.review") if Answers.of(known) else None
