"""A made-up translation: every text in brackets, accented and much longer.

What stands on a page outside the brackets isn't in the catalogue; what breaks with the longer texts
would break in German. Esperanto lends its name, as Babel has dates for it and nobody misses them here.
"""

import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from shutil import copytree
from typing import Any

from babel import Locale

from devstack.translations import extracted, rendered
from onboarding import TRANSLATIONS
from onboarding.questions import Text

LANGUAGE = "eo"
_ACCENTED = str.maketrans("AEIOUYaeiouycnsz", "ÁÉÍÓÚÝáéíóúýçñšž")
_PLACEHOLDER = re.compile(r"(%\(\w+\)s)")


def pseudo_translate(text: str) -> str:
    """Return a text's made-up translation: 40 % longer at least, its placeholders as they are."""
    pieces = _PLACEHOLDER.split(text)
    accented = "".join(
        piece if index % 2 else piece.translate(_ACCENTED) for index, piece in enumerate(pieces)
    )
    # Words of ten letters, as long as German ones: a single one would be a test of its own.
    missing = " ".join(["longerrrrr"] * (1 + len(text) * 2 // 5 // 10))
    return f"⟦{accented} {missing}⟧"


def add_pseudo_language(folder: Path) -> Path:
    """Copy the catalogues into `folder` and add the made-up one; return the new folder."""
    translations = copytree(TRANSLATIONS, folder / "translations")
    catalogue = extracted()
    catalogue.locale = Locale(LANGUAGE)
    for message in catalogue:
        if message.id:
            message.string = pseudo_translate(str(message.id))
    (translations / f"{LANGUAGE}.po").write_text(rendered(catalogue))
    return translations


def with_pseudo_texts(value: Any) -> Any:
    """Return a questionnaire, or a part of one, with texts in the made-up language, too."""
    if isinstance(value, tuple):
        return tuple(map(with_pseudo_texts, value))
    if isinstance(value, Text):
        return Text({**value, LANGUAGE: pseudo_translate(value["en"])})
    if is_dataclass(value):
        parts = {one.name: with_pseudo_texts(getattr(value, one.name)) for one in fields(value)}
        return replace(value, **parts)
    return value


def untranslated(left: str) -> str:
    """Return the part of a page's text that was not translated."""
    # From the inside out: a placeholder may hold a text of its own.
    while left != (text := re.sub(r"⟦[^⟦⟧]*⟧", " ", left)):
        left = text
    return " ".join(left.split())
