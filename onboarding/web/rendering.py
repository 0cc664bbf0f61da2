"""Renders pages by Flask's `render_template`, in the language of the request.

Each language has a Jinja environment of its own, made by Flask, with its texts installed once: looking
the catalogue up at each text of each page costs 28 % of a page.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from functools import cache
from types import CodeType
from typing import Any

from babel.dates import format_date, format_time
from flask import Flask, Response, g, render_template, request, url_for
from flask.templating import Environment as FlaskEnvironment
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from onboarding.web.fetch_metadata import is_framed, is_top_level
from onboarding.web.languages import THE_SITE, Language
from onboarding.web.page_query import page_query
from onboarding.web.services import current_identity, services


class _Environment(FlaskEnvironment):
    """Flask's environment, whose globals don't change after the start.

    Jinja otherwise looks up each global in layers, which takes a tenth of a page's time.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> dict[str, Any]:
        return {**self.globals, **(d or {})}


class _CompiledTemplates(BytecodeCache):
    """Templates, compiled once for the environments of all languages: only their texts differ."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


_compiled_templates = _CompiledTemplates()


def init_rendering(
    app: Flask, languages: Iterable[Language], **constants: Any
) -> dict[str, Environment]:
    """Return an environment for each language's tag, with all templates compiled.

    `constants` are the same on every page: `site_name` and `widget`.

    They are compiled now and not at first use: the next release may be in the folder by then.
    """
    app.jinja_environment = _Environment
    app.jinja_options = {
        "extensions": ["jinja2.ext.i18n"],
        "trim_blocks": True,
        "lstrip_blocks": True,
        "bytecode_cache": _compiled_templates,
    }
    app.context_processor(_page_context)
    return {language.tag: _environment(app, language, constants) for language in languages}


def render_page(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page in the language of the request."""
    language = current_language()
    template_in_language = services().environments[language.tag].get_template(template)
    html = render_template(template_in_language, **values)
    headers = {"Content-Language": language.tag, "Vary": "Accept-Language, Cookie"}
    return Response(html, status, headers, mimetype="text/html")


def current_language() -> Language:
    """Return the language of the request: the query's, else the browser's, else English."""
    if "language" not in g:
        accepted = request.headers.get("Accept-Language", "")
        g.language = services().languages.choose(page_query().lang, accepted)
    found: Language = g.language
    return found


def _page_context() -> dict[str, Any]:
    """What every page may use, beside what its view gives it."""
    query = page_query()
    return {
        "query": query,
        "is_framed": is_framed(),
        # A page that is surely in no frame has nobody to talk to: it needs no script.
        "parents": [] if is_top_level() else services().settings.embed_origins,
        "style": services().static_files.styles[query.theme or "auto"],
        "csrf_token": _csrf_token,
    }


def _csrf_token() -> str:
    identity = current_identity()
    user_id = identity.user.user_id if identity.user else None
    return services().csrf.issue(identity.session_token or "", user_id)


def _environment(app: Flask, language: Language, constants: Mapping[str, Any]) -> Environment:
    environment = app.create_jinja_environment()
    gettext = _gettext(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by jinja2.ext.i18n
        gettext, language.translations.ungettext, newstyle=False
    )
    # The extension's own "_" looks "gettext" up at each text.
    environment.globals["_"] = gettext
    environment.filters["localized"] = lambda text: text[language.tag]
    # There are few days and 1,440 minutes, and Babel takes 14 µs for each.
    environment.filters["longdate"] = cache(lambda day: format_date(day, "long", language.locale))
    environment.filters["shorttime"] = cache(
        lambda time: format_time(time, "short", locale=language.locale)
    )
    environment.globals |= {
        **constants,
        "language": language,
        # The same for every request; url_for would take a tenth of a page.
        "static_url": cache(lambda filename: url_for("static", filename=filename)),
        "site": constants["site_name"] or language.gettext(THE_SITE),
    }
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


def _gettext(language: Language) -> Callable[..., str]:
    """Return what translates a text and fills its placeholders; Jinja escapes the result."""
    translated = cache(language.gettext)

    def gettext(text: str, **variables: object) -> str:
        return translated(text) % variables if variables else translated(text)

    return gettext
