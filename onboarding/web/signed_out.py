"""The page for a visitor whom the gate couldn't send to the main site's sign-in page directly."""

from flask import Blueprint, url_for
from werkzeug.wrappers import Response

from onboarding.web.current import settings
from onboarding.web.gate import is_framed
from onboarding.web.journey import Journey, sign_in_address, word
from onboarding.web.language import render

blueprint = Blueprint("signed_out", __name__)


@blueprint.get("/signed-out")
def page() -> Response:
    journey = Journey.of_request()
    onward = journey.returning(journey.next or url_for("profile.home", **journey.manner()))
    # Signing in leaves the frame, so it leads back to the page around it; but answers that no row
    # holds yet would be lost there: then it leads to our own page, and from its end to that page.
    keeps_answers = bool(Journey.of_target(onward).answers)
    around = journey.return_to if is_framed() and not keeps_answers else None
    return render(
        "signed_out.html",
        401,
        sign_in=sign_in_address(around or settings().app_origin + onward),
        onward=onward,
        reason=word("reason"),
    )
