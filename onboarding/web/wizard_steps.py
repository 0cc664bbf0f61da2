"""Which step of the wizard comes next. The gate and the wizard share it, so nothing can loop."""

from collections.abc import Mapping

from onboarding.web.page_query import PageQuery
from onboarding.web.services import current_identity, services


def known_answers(query: PageQuery) -> dict[str, str]:
    """Return the draft's answers with the query's over them."""
    draft = current_identity().profile
    return {**(draft.answers if draft else {}), **query.answers}


def open_step_url(query: PageQuery, known: Mapping[str, str], anchor: str | None = None) -> str:
    """Return the URL of the first unanswered question, or of the review.

    It carries the answers that no row holds yet.
    """
    carried = query.with_answers(query.answers if current_identity().profile else known)
    question = services().questionnaire.first_unanswered(known)
    if question is None:
        return carried.url_for("wizard.review", anchor=anchor)
    return carried.url_for("wizard.question", question=question, anchor=anchor)
