"""The named themes, each as a style sheet of its own."""

from flask import Blueprint, abort
from werkzeug.wrappers import Response

from onboarding.web.current import settings
from onboarding.web.journey import Journey

blueprint = Blueprint("looks", __name__)


@blueprint.get("/themes/<name>.css")
def theme(name: str) -> Response:
    """One theme, kept as static files are."""
    found = settings().themes.get(name)
    if found is None:
        abort(404)
    return Response(found.css(), mimetype="text/css")


def theme_asked() -> str | None:
    """Give the theme that the current address asks for, if there is such a one."""
    return Journey.of_request().theme
