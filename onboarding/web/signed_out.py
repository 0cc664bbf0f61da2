"""The page for visitors whom the gate can't send straight to the main site's sign-in page."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, Response, request, url_for

from onboarding.web.fetch_metadata import is_framed
from onboarding.web.page_query import PageQuery, page_query
from onboarding.web.redirect_targets import sign_in_url
from onboarding.web.rendering import render_page
from onboarding.web.services import services

blueprint = Blueprint("signed_out", __name__)

# What the gate gives as the reason; each has a text of its own.
REASONS = (
    "expired",
    "session-ended",
    "unverified",
    "banned",
    "anonymous",
    "cross-site",
    "no-cookie",
)


@blueprint.get("/signed-out")
def page() -> Response:
    query = page_query()
    onward = query.next or url_for("profile.home", **query.appearance())
    onward_url = _with_return_to(onward, query.return_to)
    # Signing in leaves the frame, so it leads back to the page around the frame. Answers that no row
    # holds yet would be lost there: then it leads to our own page, and from its end to that page.
    has_answers = bool(PageQuery.from_url(onward_url).answers)
    around = query.return_to if is_framed() and not has_answers else None
    return render_page(
        "signed_out.html",
        401,
        sign_in_url=sign_in_url(around or services().settings.app_origin + onward_url),
        onward_url=onward_url,
        reason=request.args.get("reason"),
    )


def _with_return_to(url: str, return_to: str | None) -> str:
    parts = urlsplit(url)
    pairs = [pair for pair in parse_qsl(parts.query) if pair[0] != "return_to"]
    if return_to:
        pairs.append(("return_to", return_to))
    return parts._replace(query=urlencode(pairs)).geturl()
