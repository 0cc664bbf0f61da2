"""The page between the confirmation and the main site's `return_to`.

A redirect as the answer to a form is held against `form-action` along its whole chain in Chromium and
WebKit, so a `return_to` that redirects to another origin would be blocked without a word. This page
goes on by GET.
"""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from onboarding.web.page_query import page_query
from onboarding.web.rendering import render_page

blueprint = Blueprint("continue_page", __name__)


@blueprint.get("/continue")
def page() -> ResponseReturnValue:
    query = page_query()
    if query.return_to is None:
        return redirect(url_for("profile.home", **query.appearance()), 303)
    response = render_page("continue.html", return_to=query.return_to)
    response.headers["Refresh"] = f"0;url={query.return_to}"
    return response
