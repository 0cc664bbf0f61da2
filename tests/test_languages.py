"""The catalogues: found, read, matched with what visitors ask for, and current."""

import re
from pathlib import Path

import pytest

from devstack.translations import TEMPLATE, extracted, rendered, untranslated, updated
from onboarding import TRANSLATIONS
from onboarding.web.languages import CatalogueError, Languages, read_catalogue

CATALOGUES = sorted(TRANSLATIONS.glob("*.po"))
# Jinja escapes translations, so markup in them would be shown.
MARKUP = re.compile(r"[<>&]")

POLISH = """
msgid ""
msgstr "Plural-Forms: nplurals=4; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : n!=1 && n%10>=0 && n%10<=1 || n%10>=5 && n%10<=9 || n%100>=12 && n%100<=14 ? 2 : 3);\\n"

msgid "Back"
msgstr "Wstecz"

msgid "%(num)s answer"
msgid_plural "%(num)s answers"
msgstr[0] "%(num)s odpowiedź"
msgstr[1] "%(num)s odpowiedzi"
msgstr[2] "%(num)s odpowiedzi."
msgstr[3] "%(num)s odpowiedzi"

#, fuzzy
msgid "Continue"
msgstr "Guessed"

msgid "Change"
msgstr ""
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pl.po").write_text(POLISH)
    (tmp_path / "pt_BR.po").write_text('msgid "Back"\nmsgstr "Voltar"\n')
    (tmp_path / "zh_Hant.po").write_text('msgid "Back"\nmsgstr "返回"\n')
    (tmp_path / "messages.pot").write_text("no catalogue")
    return tmp_path


def test_one_file_is_one_language(folder):
    assert {language.tag for language in Languages(folder)} == {"en", "pl", "pt-BR", "zh-Hant"}


def test_the_nearest_language_is_found(folder):
    tags = {"pl": "pl PL pl-PL pl_PL", "pt-BR": "pt-br", "zh-Hant": "zh-Hant-TW", "en": "en-GB en"}
    for language, spellings in tags.items():
        assert {Languages(folder).known_tag(tag) for tag in spellings.split()} == {language}


@pytest.mark.parametrize(
    "tag", [None, "", "pt", "pt-PT", "zh", "polish", "-", "pl.po", "../pl", " pl", "messages", "*"]
)
def test_no_other_text_is_a_language(folder, tag):
    assert Languages(folder).known_tag(tag) is None


def test_the_wish_comes_before_the_browser_and_english_is_the_default(folder):
    languages = Languages(folder)
    assert languages.choose("pl", "pt-BR").tag == "pl"
    assert languages.choose("de", "fr, pl;q=0.5, pt-BR;q=0.9").tag == "pt-BR"
    assert languages.choose(None, "pl;q=0, fr").tag == languages.choose("de", "").tag == "en"


def test_plurals_follow_the_language_and_what_is_not_translated_stays_english(folder):
    polish = Languages(folder).choose("pl", "")
    plurals = [
        polish.translations.ungettext("%(num)s answer", "%(num)s answers", n) for n in (1, 2, 5)
    ]
    assert plurals == ["%(num)s odpowiedź", "%(num)s odpowiedzi", "%(num)s odpowiedzi."]
    assert polish.gettext("Back") == "Wstecz"
    assert polish.gettext("Continue") == "Continue"
    assert polish.gettext("Change") == "Change"


def test_all_faults_of_the_files_are_reported_at_once(tmp_path):
    (tmp_path / "klingon.po").write_text("")
    (tmp_path / "de.po").write_text('msgid "Back"\nno line of a catalogue\n')
    (tmp_path / "nl.po").write_bytes(b'msgid "Back"\nmsgstr "\xff"\n')
    (tmp_path / "fr.po").write_text(
        '#, python-format\nmsgid "Step %(step)s of %(steps)s"\nmsgstr "Étape %(stpe)s"\n'
    )
    with pytest.raises(CatalogueError) as error:
        Languages(tmp_path)
    faults = str(error.value).splitlines()
    assert [fault.partition(".po")[0] for fault in faults] == ["de", "fr", "klingon", "nl"]
    assert "stpe" in faults[1]


@pytest.mark.parametrize("text", ["100 % %(site)s", "%(site)s 100%", "100%, %(site)s"])
def test_a_lone_percent_sign_beside_a_placeholder_is_a_fault(tmp_path, text):
    file = tmp_path / "fr.po"
    file.write_text(f'msgid "Sign in to %(site)s"\nmsgstr "{text}"\n')
    with pytest.raises(CatalogueError, match=r"fr\.po, line 1: "):
        Languages(tmp_path)


def test_the_list_of_texts_is_current() -> None:
    assert (TRANSLATIONS / TEMPLATE).read_text() == rendered(extracted()), "run make translations"


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
class TestCatalogue:
    def test_is_current(self, file: Path) -> None:
        _, catalogue = read_catalogue(file)
        assert file.read_text() == updated(catalogue, extracted()), "run make translations"

    def test_is_complete(self, file: Path) -> None:
        _, catalogue = read_catalogue(file)
        assert untranslated(catalogue) == []

    def test_keeps_every_placeholder_and_holds_no_markup(self, file: Path) -> None:
        _, catalogue = read_catalogue(file)
        for message in catalogue:
            for text, translation in zip(forms(message.id), forms(message.string), strict=False):
                assert placeholders(text) == placeholders(translation), text
                assert not MARKUP.search(translation) or not message.id, translation


def forms(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|%[^(]", text))
