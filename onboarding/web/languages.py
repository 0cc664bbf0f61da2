"""The languages of the pages, and which one a response is in.

English texts are in the code. Each other language is one file, ``translations/<language>.po``, read
once at the start: nothing has to be compiled, and nothing compiled can be out of date.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import NullTranslations, Translations
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark a text for the catalogues; it is translated when it is shown."""
    return text


# What pages call the main site where SITE_NAME doesn't say.
THE_SITE = N_("the main site")


class CatalogueError(Exception):
    """Files among the translations that can't be used; the message has one line for each fault."""


class Language:
    """One language: its locale and its texts."""

    def __init__(self, locale: Locale, translations: NullTranslations) -> None:
        self.locale = locale
        self.translations = translations

    @cached_property
    def tag(self) -> str:
        """The language's tag as HTML and HTTP write it (RFC 5646)."""
        return str(self.locale).replace("_", "-")

    def gettext(self, text: str) -> str:
        """Return a text of the app in this language, in English where it isn't translated."""
        return self.translations.ugettext(text)


class Languages:
    """All languages: English, and one for each catalogue in a folder."""

    def __init__(self, folder: Path) -> None:
        """Raise `CatalogueError` with every fault of every catalogue."""
        self.english = Language(Locale("en"), NullTranslations())
        found, faults = [self.english], []
        for file in sorted(folder.glob("*.po")):
            try:
                locale, catalogue = read_catalogue(file)
            except CatalogueError as error:
                faults.append(str(error))
                continue
            faults += _wrong_placeholders(file, catalogue)
            found.append(Language(locale, _compiled(catalogue)))
        if faults:
            raise CatalogueError("\n".join(faults))
        self._by_tag: Mapping[str, Language] = {one.tag.lower(): one for one in found}
        # Browsers send the same few headers; parsing one takes 17 µs.
        self._choose = lru_cache(maxsize=256)(self._choose_among)

    def __iter__(self) -> Iterator[Language]:
        return iter(self._by_tag.values())

    def known_tag(self, tag: str | None) -> str | None:
        """Return the tag of the language that a tag asks for, None when there is none."""
        language = self._known(tag)
        return language.tag if language else None

    def choose(self, tag: str | None, accept_language: str) -> Language:
        """Return the language of `tag`, else of the `Accept-Language` header, else English."""
        # A long header comes from no browser, and needn't be remembered.
        choose = self._choose if len(accept_language) <= 200 else self._choose_among
        return choose(tag, accept_language)

    def _choose_among(self, tag: str | None, accept_language: str) -> Language:
        accepted = parse_accept_header(accept_language, LanguageAccept)
        tags = [tag, *(one for one, quality in accepted if quality > 0)]
        return next((found for found in map(self._known, tags) if found), self.english)

    def _known(self, tag: str | None) -> Language | None:
        """Look up a tag as RFC 4647 (3.4) does: shorten it until there is such a language."""
        subtags = (tag or "").lower().replace("_", "-").split("-", 4)[:4]
        shorter = ("-".join(subtags[:length]) for length in range(len(subtags), 0, -1))
        return next((self._by_tag[text] for text in shorter if text in self._by_tag), None)


def read_catalogue(file: Path) -> tuple[Locale, Catalog]:
    """Return a catalogue and the locale that its file is named after. Raise `CatalogueError`."""
    try:
        locale = Locale.parse(file.stem)
    except (ValueError, UnknownLocaleError):
        raise CatalogueError(f"{file.name} isn't named like a language: ur.po, pt_BR.po") from None
    try:
        with file.open("rb") as opened:
            return locale, read_po(opened, locale, charset="utf-8", abort_invalid=True)
    except (PoFileError, ValueError) as reason:
        raise CatalogueError(f"{file.name} can't be read: {reason}") from None


def _compiled(catalogue: Catalog) -> Translations:
    """Leave out texts that aren't translated, or only by a guess ("fuzzy"): they stay English."""
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def _wrong_placeholders(file: Path, catalogue: Catalog) -> Iterator[str]:
    """A page that shows such a text could not be rendered."""
    for message in catalogue:
        if message.id and message.string:
            errors = [str(error) for error in message.check(catalogue)]
            if not errors and message.python_format and not _can_be_filled(message.string):
                errors = ["a percent sign beside placeholders is written twice"]
            yield from (f"{file.name}, line {message.lineno}: {error}" for error in errors)


def _can_be_filled(texts: str | Iterable[str]) -> bool:
    # Babel compares the placeholders alone.
    try:
        for text in [texts] if isinstance(texts, str) else texts:
            text % defaultdict(str)
    except (TypeError, ValueError):
        return False
    return True
