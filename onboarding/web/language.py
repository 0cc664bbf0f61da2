"""The language of each answer: the one that the address asks for, else the browser's, else English."""

from typing import Any

from babel import Locale
from flask import Flask, request
from flask_babel import Babel, Domain
from werkzeug.wrappers import Response

from onboarding.languages import Languages, tag_of
from onboarding.web.current import parts
from onboarding.web.journey import Journey

_KEPT = "onboarding.language"


def speak(app: Flask, languages: Languages) -> None:
    """Let the pages of `app` speak the visitor's language."""
    domain = Domain()
    # Flask-Babel looks for compiled files only when a language isn't here, and all of them are.
    domain.cache |= {(str(locale), "messages"): texts for locale, texts in languages.texts.items()}
    Babel(app, locale_selector=language).domain_instance = domain

    @app.after_request
    def _say(response: Response) -> Response:
        # JSON is English; redirects and answers to OPTIONS hold nothing that anybody reads.
        is_page = response.mimetype == "text/html" and request.method != "OPTIONS"
        if is_page and response.status_code // 100 != 3:
            response.headers["Content-Language"] = tag_of(language())
            response.vary.add("Accept-Language")
        return response


def language() -> Locale:
    """Give the language of the current request: looked for once, as `Journey.of_request` is."""
    kept: Locale | None = request.environ.get(_KEPT)
    if kept is None:
        accepted = [tag for tag, quality in request.accept_languages if quality > 0]
        kept = parts().languages.choose(Journey.of_request().lang, accepted)
        request.environ[_KEPT] = kept
    return kept


def render(template: str, **values: Any) -> str:
    """Give a page in the language of the current request."""
    return parts().pages.render(template, language(), values)
