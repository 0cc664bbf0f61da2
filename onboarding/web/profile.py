"""The read-only profile, and the home page that leads to it."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from onboarding.web.fetch_metadata import is_framed
from onboarding.web.page_query import page_query
from onboarding.web.rendering import render_page
from onboarding.web.services import current_profile, current_user, services

blueprint = Blueprint("profile", __name__)


@blueprint.get("/")
def home() -> Response:
    # The query goes along as text: as keywords its names could steer url_for itself.
    query = request.query_string.decode("ascii", "replace")
    return redirect(url_for("profile.page") + (f"?{query}" if query else ""), 303)


@blueprint.get("/profile")
def page() -> Response:
    profile, settings = current_profile(), services().settings
    came_from = request.referrer or ""
    return render_page(
        "profile.html",
        questionnaire=services().questionnaire,
        answers=profile.answers,
        confirmed_at=profile.updated_at.replace(second=0, microsecond=0),
        user=current_user(),
        already=request.args.get("already") == "1",
        # As after every form, the focus belongs on the new heading; a first load must not take it. Back to
        # an earlier step comes here, too, with that step's fragment, which blocks autofocus.
        is_confirmed=came_from.startswith(settings.app_origin + url_for("wizard.review")),
        # In a frame the main site is around us already.
        onward_url=None if is_framed() else page_query().return_to or settings.site_origin,
    )
