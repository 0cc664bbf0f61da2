"""Where a request may ask to be sent, `next` inside this app or `return_to` on the main site, and the
main site's sign-in page.
"""

from urllib.parse import urlencode, urlsplit

from flask import current_app, url_for
from werkzeug.exceptions import HTTPException

from onboarding.urls import is_local_path, is_on_origin, percent_encoded
from onboarding.web.areas import Area, area_of
from onboarding.web.services import services


def allowed_next(target: str | None) -> str | None:
    """Return `target` if it is a gated page of this app, else None."""
    if target is None or not is_local_path(target):
        return None
    try:
        endpoint, _ = current_app.url_map.bind("").match(urlsplit(target).path, method="GET")
    except HTTPException:
        return None
    if endpoint == "profile.home":
        # Without the redirect by which it leads to the profile.
        return urlsplit(target)._replace(path=url_for("profile.page")).geturl()
    return target if area_of(endpoint) in (Area.WIZARD, Area.PROFILE) else None


def allowed_return_to(target: str | None) -> str | None:
    """Return `target` as a URL if it is on the main site or one of `EMBED_ORIGINS`, else None.

    People copy addresses with spaces and letters of any language, as browsers show them.
    """
    url = percent_encoded(target) if target is not None else ""
    return url if is_on_origin(url, services().settings.return_origins) else None


def sign_in_url(return_url: str) -> str:
    """Return the main site's sign-in page with the absolute URL to come back to."""
    settings = services().settings
    url = urlsplit(settings.sign_in_url)
    parameter = urlencode({settings.sign_in_return_param: return_url})
    return url._replace(query=f"{url.query}&{parameter}" if url.query else parameter).geturl()
