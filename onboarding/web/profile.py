"""The read-only profile, and the front door that leads to it."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from onboarding.profiles.questions import QUESTIONS
from onboarding.web.access import WIZARD_PATH
from onboarding.web.current import final_profile, person, settings
from onboarding.web.gate import is_framed
from onboarding.web.journey import Journey, word
from onboarding.web.language import render

blueprint = Blueprint("profile", __name__)


@blueprint.get("/")
def home() -> Response:
    # The query goes along as text: as keywords its names could steer url_for itself.
    query = request.query_string.decode("ascii", "replace")
    return redirect(url_for("profile.page") + (f"?{query}" if query else ""), 303)


@blueprint.get("/profile")
def page() -> Response:
    profile = final_profile()
    return render(
        "profile/profile.html",
        questions=QUESTIONS,
        known=profile.answers.known(),
        day=profile.updated_at.date(),
        user=person(),
        already=word("already") == "1",
        # As after every form, the focus belongs on the new heading; a first load must not take it.
        from_wizard=(request.referrer or "").startswith(settings().app_origin + WIZARD_PATH),
        # In a frame the main site is around us already.
        onward=None if is_framed() else Journey.of_request().return_to or settings().site_url,
    )
