"""The way to the main site's sign-in page and back."""

from urllib.parse import urlencode, urlsplit

from onboarding.web.services import services


def sign_in_url(return_url: str) -> str:
    """Return the main site's sign-in page with the absolute URL to come back to."""
    settings = services().settings
    url = urlsplit(settings.sign_in_url)
    parameter = urlencode({settings.sign_in_return_param: return_url})
    return url._replace(query=f"{url.query}&{parameter}" if url.query else parameter).geturl()
