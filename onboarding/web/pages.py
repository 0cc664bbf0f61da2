"""The pages as HTML: each template compiled once for each language, its texts put in beforehand.

Flask's own rendering looks for the language, and in it for the text, at every text of every page: that
took a third of the time of a page (in process: the profile 499 µs, so 330).
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.support import NullTranslations
from jinja2 import Environment, FileSystemLoader, Template, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from onboarding.languages import tag_of
from onboarding.profiles.questions import N_

# What people are told where nobody has named the main site.
THE_SITE = N_("the main site")


class Pages:
    """The templates of one folder, in each language of `texts`.

    `fixed` are functions that give the same for the same arguments as long as the app runs; their calls
    with constants are done when a template is compiled. `same` are values that are the same on each
    page; `asked` gives those that depend on the request.
    """

    def __init__(
        self,
        folder: Path,
        texts: Mapping[Locale, NullTranslations],
        fixed: Mapping[str, Callable[..., Any]],
        same: Mapping[str, Any],
        asked: Callable[[], dict[str, Any]],
    ) -> None:
        self._asked = asked
        self._spoken = {
            locale: _Spoken(folder, locale, texts_of_it, fixed, same)
            for locale, texts_of_it in texts.items()
        }

    def compile(self) -> None:
        """Compile all there are now, rather than each when it is first shown."""
        for spoken in self._spoken.values():
            for name in spoken.list_templates():
                spoken.get_template(name)

    def render(self, template: str, locale: Locale, values: Mapping[str, Any]) -> str:
        """Give a page in a language, made from `values`."""
        found: Template = self._spoken[locale].get_template(template)
        return found.render({**self._asked(), **values})


class _Spoken(Environment):
    """The templates in one language."""

    def __init__(
        self,
        folder: Path,
        locale: Locale,
        texts: NullTranslations,
        fixed: Mapping[str, Callable[..., Any]],
        same: Mapping[str, Any],
    ) -> None:
        super().__init__(
            autoescape=True,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            loader=FileSystemLoader(folder),
        )
        say = _sayer(texts)
        self._fixed: dict[str, Callable[..., Any]] = {**fixed, "_": say}
        self._same = {
            **same,
            "language": tag_of(locale),
            "direction": locale.text_direction,
            "site": same["site_name"] or say(THE_SITE),
        }
        self.filters |= {**self._fixed, "longdate": partial(_long_date, str(locale))}

    def make_globals(self, d: Any) -> Any:
        # Jinja's layers, for globals that change later, take 7 µs a page to flatten. None does here.
        return {**self.globals, **(d or {})}

    def compile(self, source: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(source, str):
            source = _Fixing(self._fixed, self._same).visit(self.parse(source, *args))
        return super().compile(source, *args, **kwargs)


class _Fixing(NodeTransformer):
    """Puts what is known already into a template: the same values, and what fixed functions give for such.

    Where an argument isn't known yet the function becomes a filter: Jinja calls that directly, and all
    else by way of the context, which takes longer than most of our functions.
    """

    def __init__(
        self, fixed: Mapping[str, Callable[..., Any]], same: Mapping[str, str | bool]
    ) -> None:
        self._fixed = fixed
        self._same = same

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802  (the visitor's own way)
        if node.name not in self._same or node.ctx != "load":
            return node
        return nodes.Const(self._same[node.name], lineno=node.lineno)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        if name not in self._fixed:
            return node
        values = [*node.args, *(named.value for named in node.kwargs)]
        if not all(isinstance(value, nodes.Const) for value in values):
            first, *others = node.args
            return nodes.Filter(first, name, others, node.kwargs, None, None, lineno=node.lineno)
        texts = [argument.as_const() for argument in node.args]
        named = {one.key: one.value.as_const() for one in node.kwargs}
        return nodes.Const(self._fixed[name](*texts, **named), lineno=node.lineno)


def _sayer(texts: NullTranslations) -> Callable[..., Markup]:
    """Give what says a text in a language; what is put into it is escaped, the text itself is ours."""

    @cache  # a few dozen, all of our own; found anew, they took a quarter of a page
    def said(text: str) -> Markup:
        # ast-grep-ignore: everything-is-escaped
        return Markup(texts.ugettext(text))  # noqa: S704

    def say(text: str, **values: object) -> Markup:
        return said(text) % values if values else said(text)

    return say


@lru_cache
def _long_date(locale: str, day: date) -> str:
    return format_date(day, "long", locale)
