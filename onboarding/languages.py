"""The languages of the pages: English, in which the texts stand in the code, and one for each catalogue.

A catalogue is one file, `translations/<language>.po`, named like ``ur`` or ``pt_BR``. It is read once,
at the start: nothing has to be compiled, and nothing compiled can be out of date.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import NullTranslations, Translations

ENGLISH = Locale("en")


class CatalogueFault(Exception):
    """Files among the translations that can't be used; says all faults, one a line."""


class Languages:
    """The languages on offer. Raises `CatalogueFault` when a file in `folder` is faulty."""

    def __init__(self, folder: Path) -> None:
        texts: dict[Locale, NullTranslations] = {ENGLISH: NullTranslations()}
        faults: list[str] = []
        for file in sorted(folder.glob("*.po")):
            try:
                locale, catalogue = read_catalogue(file)
            except CatalogueFault as fault:
                faults.append(str(fault))
            else:
                faults += _wrong_placeholders(file, catalogue)
                texts[locale] = _compiled(catalogue)
        if faults:
            raise CatalogueFault("\n".join(faults))
        self.texts: Mapping[Locale, NullTranslations] = texts
        self._by_tag = {tag_of(locale).lower(): locale for locale in texts}

    def known(self, tag: str | None) -> Locale | None:
        """Give the language that comes nearest to a tag: ``ur`` for ``ur-PK``. None for any other text.

        As by RFC 4647, 3.4: the tag is shortened from its end until there is such a language.
        """
        subtags = (tag or "").lower().replace("_", "-").split("-", 4)[:4]
        shorter = ("-".join(subtags[:length]) for length in range(len(subtags), 0, -1))
        return next((self._by_tag[text] for text in shorter if text in self._by_tag), None)

    def choose(self, wanted: str | None, accepted: Iterable[str]) -> Locale:
        """Give the language of the first of these tags that is known, else English."""
        known = map(self.known, (wanted, *accepted))
        return next((locale for locale in known if locale), ENGLISH)


def tag_of(locale: Locale) -> str:
    """Give a language's tag as HTML and HTTP write it."""
    return str(locale).replace("_", "-")


def read_catalogue(file: Path) -> tuple[Locale, Catalog]:
    """Read one file and the language that it is named after. Raises `CatalogueFault`."""
    try:
        locale = Locale.parse(file.stem)
    except (ValueError, UnknownLocaleError):
        raise CatalogueFault(f"{file.name} isn't named like a language: ur.po, pt_BR.po") from None
    try:
        with file.open("rb") as opened:
            return locale, read_po(opened, locale, charset="utf-8", abort_invalid=True)
    except (PoFileError, ValueError) as reason:
        raise CatalogueFault(f"{file.name} can't be read: {reason}") from None


def _compiled(catalogue: Catalog) -> Translations:
    """Texts that aren't translated, or only by a guess ("fuzzy"), are left out: they stay English."""
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def _wrong_placeholders(file: Path, catalogue: Catalog) -> Iterator[str]:
    # The page that shows such a text could not be made at all.
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
