"""The language of each answer: the one that the address asks for, else the browser's, else English."""

from babel.support import NullTranslations
from flask import Flask, request
from flask_babel import Babel, Domain, get_locale
from werkzeug.wrappers import Response

from onboarding.languages import Languages, tag_of
from onboarding.web.current import parts
from onboarding.web.journey import Journey

_KEPT = "onboarding.texts"


def speak(app: Flask, languages: Languages) -> None:
    """Let the pages of `app` speak the visitor's language."""
    domain = Domain()
    # Flask-Babel looks for compiled files only when a language isn't here, and all of them are.
    domain.cache |= {(str(locale), "messages"): texts for locale, texts in languages.texts.items()}
    Babel(app, locale_selector=_chosen).domain_instance = domain
    app.jinja_env.globals |= {"locale": get_locale, "language": _language}
    # In the templates Flask-Babel's own would find the language anew for every text: a seventh of
    # the function calls of a page (tests/web/test_work.py).
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: _texts().ugettext(text),
        lambda one, more, count: _texts().ungettext(one, more, count),
        newstyle=True,
    )

    @app.after_request
    def _say(response: Response) -> Response:
        # JSON is English; redirects and answers to OPTIONS hold nothing that anybody reads.
        is_page = response.mimetype == "text/html" and request.method != "OPTIONS"
        if is_page and response.status_code // 100 != 3:
            response.headers["Content-Language"] = _language()
            response.vary.add("Accept-Language")
        return response


def _texts() -> NullTranslations:
    """Give the texts of the answer's language: looked for once a request, as `Journey.of_request` is."""
    kept: NullTranslations | None = request.environ.get(_KEPT)
    if kept is None:
        kept = request.environ[_KEPT] = parts().languages.texts[get_locale()]
    return kept


def _chosen() -> object:
    accepted = [tag for tag, quality in request.accept_languages if quality > 0]
    return parts().languages.choose(Journey.of_request().lang, accepted)


def _language() -> str:
    return tag_of(get_locale())
