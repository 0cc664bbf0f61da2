"""The page for a visitor whom the gate couldn't send to the main site's sign-in page directly."""

from flask import Blueprint, render_template, request, url_for

from onboarding.web.current import settings
from onboarding.web.journey import Journey, sign_in_address

blueprint = Blueprint("signed_out", __name__)


@blueprint.get("/signed-out")
def page() -> tuple[str, int]:
    journey = Journey.of_request()
    onward = journey.next or url_for("profile.home")
    return (
        render_template(
            "signed_out.html",
            sign_in=sign_in_address(journey.return_to or settings().app_origin + onward),
            onward=onward,
            anonymous=request.args.get("reason") == "anonymous",
        ),
        401,
    )
