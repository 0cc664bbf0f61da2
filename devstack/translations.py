"""`make translations`: brings the catalogues up to date with the texts in the code.

`messages.pot` lists every text and where it is used; each language's file holds the same ones. Texts
that are new stand there untranslated, texts that are gone are dropped, and nothing is guessed.
"""

import io
import sys
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import write_po

from devstack.processes import ROOT
from onboarding import TRANSLATIONS
from onboarding.web.languages import CatalogueError, read_catalogue

TEMPLATE = "messages.pot"

_CODE = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
# N_ only marks a text: see onboarding/web/languages.py.
_KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}
# Times and versions would make every run a change.
_UNSTEADY = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By')
_NOTE = """\
Translations for better-auth-onboarding: see docs/languages.md.
Keep each %(name)s as it is, and put no HTML into a text."""


def main(languages: list[str], folder: Path = TRANSLATIONS) -> int:
    """Write `messages.pot` and the file of every language in `folder`, and of these new ones."""
    texts = extracted()
    (folder / TEMPLATE).write_text(rendered(texts))
    try:
        for file in sorted({*folder.glob("*.po"), *(folder / _file_of(tag) for tag in languages)}):
            catalogue = (
                read_catalogue(file)[1] if file.exists() else _empty(Locale.parse(file.stem))
            )
            file.write_text(updated(catalogue, texts))
            print(f"{file.name}: {len(untranslated(catalogue))} of {len(catalogue)} to translate")
    except CatalogueError as fault:
        print(f"translations: {fault}", file=sys.stderr)
        return 1
    return 0


def extracted() -> Catalog:
    """Return every text of the app's code and templates."""
    catalogue = _empty(None)
    everywhere = extract_from_dir(
        ROOT / "onboarding",
        _CODE,
        keywords=_KEYWORDS,
        # Babel's own filter leaves out what begins with "_", as templates/_parts does.
        directory_filter=lambda folder: not folder.endswith("__pycache__"),
    )
    for file, _, text, comments, context in everywhere:
        # Without a line number: a text that moves is the same text.
        catalogue.add(text, None, [(f"onboarding/{file}", 0)], (), comments, context=context)
    return catalogue


def updated(catalogue: Catalog, texts: Catalog) -> str:
    """Bring a language's catalogue up to date; return its file's text."""
    catalogue.update(texts, no_fuzzy_matching=True)
    catalogue.header_comment = texts.header_comment
    return rendered(catalogue)


def rendered(catalogue: Catalog) -> str:
    """Return the text of a catalogue's file; the same for the same texts."""
    written = io.BytesIO()
    write_po(
        written, catalogue, width=100, sort_by_file=True, ignore_obsolete=True, include_lineno=False
    )
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_UNSTEADY))


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the texts that have no translation yet, or only a guessed one ("fuzzy")."""
    return [
        str(message.id)
        for message in catalogue
        if message.id
        and (
            message.fuzzy
            or not all(
                [message.string] if isinstance(message.string, str) else message.string or [""]
            )
        )
    ]


def _empty(locale: Locale | None) -> Catalog:
    comment = "\n".join(f"# {line}" for line in _NOTE.splitlines())
    return Catalog(
        locale=locale,
        header_comment=comment,
        project="better-auth-onboarding",
        version="1",
        language_team="none",
        last_translator="nobody yet",
        msgid_bugs_address="none",
        fuzzy=False,
    )


def _file_of(tag: str) -> str:
    try:
        return f"{Locale.parse(tag.replace('-', '_'))}.po"
    except (ValueError, UnknownLocaleError):
        raise CatalogueError(f"{tag!r} is not a language: use a tag like ur or pt-BR") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
