"""The language of every page: which one, marked how, and whether all of its words are translated."""

import re
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from werkzeug.test import TestResponse

from devstack.translations import extracted
from onboarding.web import errors
from tests.browser import Browser, page
from tests.e2e.page_states import page_states
from tests.pseudo_translation import LANGUAGE, pseudo_translate, untranslated
from tests.web.conftest import FRAMED

URLS = ["/onboarding/", "/nowhere", "/signed-out"]


def assert_language(response: TestResponse, tag: str) -> None:
    html = page(response)
    assert html.html["lang"] == response.headers["Content-Language"] == tag
    assert html.html["dir"] == ("rtl" if tag == "ur" else "ltr")
    assert re.search("[\u0600-\u06ff]{3}" if tag == "ur" else "[A-Za-z]{3}", html.h1.text)
    assert {"Cookie", "Accept-Language"} <= set(response.vary)


def follow(window: Browser, response: TestResponse) -> TestResponse:
    while response.status_code == 303:
        response = window.get(response.headers["Location"])
    return response


@pytest.fixture
def site(sites):
    """The site whose questions are translated, whatever the packaged file holds."""
    return sites("odd")


@pytest.mark.parametrize("url", URLS)
def test_the_query_chooses_the_language_and_else_the_browser(site, url):
    window = site.browser()
    assert_language(follow(window, window.get(f"{url}?lang=ur", {"Accept-Language": "en"})), "ur")
    for accepted in ("ur", "ur-PK,ur;q=0.9,en;q=0.8", "de, ur;q=0.5", "UR_pk"):
        window = site.browser(**{"Accept-Language": accepted})
        assert_language(follow(window, window.get(url)), "ur")
    # What isn't offered leaves the choice to the browser.
    for query in ("?lang=de", "?lang=", "?lang=ur&lang=en", "?lang=../en"):
        assert_language(follow(window, window.get(url + query)), "ur")


JUNK = ["../../etc/passwd", "ur/../en", "ur.po", "ur%00", "%ff%fe", "ur%0d%0aX-Injected: 1", "*"]
JUNK += ["ur;q=0", "ur;q=0, *", "ur;q=x", ";;;,,,", "en, ur", "messages", "<script>", "𝕦𝕣"]
JUNK += ["-" * 10_000, "x" * 10_000, "ur" * 5_000, "\u0627"]


@pytest.mark.parametrize("lang", JUNK, ids=lambda text: ascii(text)[:20])
def test_junk_is_english(site, lang):
    header = {"Accept-Language": lang.encode().decode("latin-1")}
    for query, headers in ((f"?lang={lang}", {}), ("", header)):
        assert_language(site.browser().get(f"/signed-out{query}", headers), "en")


def test_whoever_is_sent_away_is_brought_back_in_the_same_language(site):
    nobody, in_frame = site.browser("signed out"), site.browser("signed out", **FRAMED)
    assert "lang%3Dur" in nobody.get("/profile?lang=ur").headers["Location"]
    response = follow(in_frame, in_frame.get("/onboarding/?lang=ur"))
    assert_language(response, "ur")
    assert all("lang" in link["href"] for link in page(response).find_all("a"))
    assert page(nobody.get("/nowhere?lang=ur")).find("a")["href"] == "/?lang=ur"


# Those that no page of `page_states` is.
ERRORS = [
    *(errors.RequestError(), errors.Unauthorized(), errors.MethodNotAllowed(), errors.Conflict()),
    *(errors.BrokenBody(), errors.SeveralUsers(), errors.TooLarge(), errors.UnsupportedType()),
    *(errors.TooManyAttempts(1), errors.MainSiteSilent(1)),
]


@pytest.fixture(scope="module")
def shown(sites, tmp_path_factory) -> list[BeautifulSoup]:
    """Every page in every state and with each widget, in the made-up language."""
    site = sites("default")
    folder = tmp_path_factory.mktemp("pseudo")
    with page_states(site.settings, site.url, folder, ERRORS) as states:
        return [BeautifulSoup(html, "html5lib") for html in states(LANGUAGE).values()]


def texts_of(html: BeautifulSoup) -> Iterator[str]:
    """Return what people see or hear of a page, but for a user's own name and address."""
    # A sentence goes on around the time in it.
    for time in html.find_all("time"):
        time.unwrap()
    html.smooth()
    for text in html.find_all(string=True):
        if text.parent.name not in ("script", "style", "bdi", "[document]"):
            yield str(text)
    for element in html.find_all(True):
        for name in ("aria-label", "alt", "title", "placeholder", "label", "aria-roledescription"):
            yield element.get(name) or ""


def test_no_page_shows_a_text_that_is_not_translated(shown):
    for html in shown:
        left = [untranslated(text) for text in texts_of(html)]
        assert [text for text in left if re.search(r"[^\W\d_]", text)] == [], html.title


def test_every_text_of_the_catalogue_is_shown_on_some_page(shown):
    everything = "".join(text for html in shown for text in texts_of(html))

    def pattern(text: str) -> str:
        placeholder = r"%\\\(\w+\\\)s"
        translated = re.escape(pseudo_translate(text))
        return re.sub(placeholder, lambda _: "(?:[^⟦⟧]|⟦[^⟦⟧]*⟧)*", translated)

    texts = {str(message.id) for message in extracted() if message.id}
    unseen = {text for text in texts if not re.search(pattern(text), everything)}
    assert unseen == set()
