"""The pages as HTML: each template compiled once for each language, its texts put in beforehand.

Flask's own rendering looks for the language, and in it for the text, at every text of every page: that
took a third of the time of a page (in process: the profile 499 µs, so 330).
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache, partial
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
        self._fixed: dict[str, Callable[..., Any]] = {**fixed, "_": partial(_say, texts)}
        self.globals |= {**self._fixed, **same}
        self.globals |= {
            "language": tag_of(locale),
            "direction": locale.text_direction,
            "site": same["site_name"] or _say(texts, THE_SITE),
        }
        self.filters["longdate"] = partial(_long_date, str(locale))

    def compile(self, source: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(source, str):
            source = _Fixing(self._fixed).visit(self.parse(source, *args))
        return super().compile(source, *args, **kwargs)


class _Fixing(NodeTransformer):
    """Puts what a fixed function gives in the place of its call, where all arguments are constants."""

    def __init__(self, fixed: Mapping[str, Callable[..., Any]]) -> None:
        self._fixed = fixed

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  (the visitor's own way)
        self.generic_visit(node)
        function = self._fixed.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        if (
            function is None
            or node.kwargs
            or not all(isinstance(a, nodes.Const) for a in node.args)
        ):
            return node
        given = function(*(argument.as_const() for argument in node.args))
        return nodes.Const(given, lineno=node.lineno)


def _say(texts: NullTranslations, text: str, **values: object) -> Markup:
    """Give a text in a language; what is put into it is escaped, the text itself is ours."""
    # ast-grep-ignore: everything-is-escaped
    return Markup(texts.ugettext(text)) % values  # noqa: S704


@lru_cache
def _long_date(locale: str, day: date) -> str:
    return format_date(day, "long", locale)
