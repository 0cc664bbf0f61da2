"""The language of each answer: the one that the address asks for, else the browser's, else English."""

from flask import Flask, request
from flask_babel import Babel, Domain, get_locale
from werkzeug.wrappers import Response

from onboarding.languages import Languages, tag_of
from onboarding.web.current import parts
from onboarding.web.journey import Journey


def speak(app: Flask, languages: Languages) -> None:
    """Let the pages of `app` speak the visitor's language."""
    domain = Domain()
    # Flask-Babel looks for compiled files only when a language isn't here, and all of them are.
    domain.cache |= {(str(locale), "messages"): texts for locale, texts in languages.texts.items()}
    Babel(app, locale_selector=_chosen).domain_instance = domain
    app.jinja_env.globals |= {"locale": get_locale, "language": _language}

    @app.after_request
    def _say(response: Response) -> Response:
        # JSON is English; redirects and answers to OPTIONS hold nothing that anybody reads.
        is_page = response.mimetype == "text/html" and request.method != "OPTIONS"
        if is_page and response.status_code // 100 != 3:
            response.headers["Content-Language"] = _language()
            response.vary.add("Accept-Language")
        return response


def _chosen() -> object:
    accepted = [tag for tag, quality in request.accept_languages if quality > 0]
    return parts().languages.choose(Journey.of_request().lang, accepted)


def _language() -> str:
    return tag_of(get_locale())
