"""The language of every page: which one, marked how, and whether all of its words come from the catalogue."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import make_url
from werkzeug.test import TestResponse

from devstack.processes import free_port
from devstack.translations import extracted
from onboarding import create_app
from onboarding.betterauth.get_session import ForwardedCookie
from onboarding.config import Settings
from onboarding.profiles.questions import QUESTIONS
from tests import pseudo
from tests.conftest import Stage
from tests.visitor import Person, Visitor, newcomer, page

URDU = {
    "/onboarding/python-proficiency": "آپ کو پائتھن کتنی اچھی طرح آتی ہے؟",
    "/nowhere": "صفحہ نہیں ملا",
    "/signed-out": "جاری رکھنے کے لیے سائن ان کریں",
}
REVIEW = "/onboarding/review?python_proficiency=Advanced&developer_role=None"
FORM = "application/x-www-form-urlencoded"
# Errors of the API alone, whose answers are JSON, and those are English.
NEVER_ON_A_PAGE = {
    "You are signed out",
    "Sign in on %(site)s and come back.",
    "Your answers are already confirmed",
    "They are final, so nothing was changed. Open your profile to see them.",
    "That was too often",
    "Nothing is lost. Wait a minute and try again.",
}


@pytest.mark.parametrize("path", URDU)
def test_the_address_chooses_the_language(visitor, ada, path):
    answer = visitor(ada, **{"Accept-Language": "en"}).get(f"{path}?lang=ur")
    assert_urdu(answer, URDU[path])


@pytest.mark.parametrize("accepted", ["ur", "ur-PK,ur;q=0.9,en;q=0.8", "de, ur;q=0.5", "UR_pk"])
@pytest.mark.parametrize("path", URDU)
def test_else_the_browser_chooses(visitor, ada, accepted, path):
    assert_urdu(visitor(ada, **{"Accept-Language": accepted}).get(path), URDU[path])


@pytest.mark.parametrize("query", ["?lang=de", "?lang=", "?lang=ur&lang=en", "?lang=../en", ""])
def test_a_language_that_is_not_offered_leaves_the_choice_to_the_browser(visitor, query):
    answer = visitor(**{"Accept-Language": "ur"}).get(f"/signed-out{query}")
    assert_urdu(answer, URDU["/signed-out"])


@pytest.mark.parametrize(
    "lang",
    [
        "de",
        "../../etc/passwd",
        "ur/../en",
        "ur.po",
        "ur%00",
        "%ff%fe",
        "ur%0d%0aX-Injected: 1",
        "messages",
        "*",
        "-" * 10_000,
        "x" * 10_000,
        "ur" * 5_000,
        "<script>alert(1)</script>",
        "𝕦𝕣",
        "\N{ARABIC LETTER ALEF}",
    ],
)
def test_junk_is_english(visitor, lang):
    for answer in (
        visitor().get(f"/signed-out?lang={lang}"),
        visitor().get("/signed-out", {"Accept-Language": junk_header(lang)}),
    ):
        assert answer.status_code == 401
        assert page(answer).html["lang"] == answer.headers["Content-Language"] == "en"
        assert page(answer).html["dir"] == "ltr"
        assert page(answer).h1.text == "Sign in to continue"


@pytest.mark.parametrize("accepted", ["ur;q=0", "ur;q=0, *", "ur;q=x", ";;;,,,", "en, ur", "*"])
def test_what_the_browser_does_not_want_most_is_not_taken(visitor, accepted):
    answer = visitor().get("/signed-out", {"Accept-Language": accepted})
    assert answer.headers["Content-Language"] == "en"


def test_caches_are_told_what_the_language_depends_on(visitor, ada):
    answer = visitor(ada).get("/onboarding/python-proficiency")
    assert {"Cookie", "Accept-Language"} <= set(answer.vary)
    for path in ("/", "/healthz", "/static/style.css", "/embed.js"):
        answer = visitor().get(path)
        assert "Content-Language" not in answer.headers
        assert "Accept-Language" not in answer.vary


def test_the_language_goes_along_from_page_to_page_while_the_stored_answers_stay_english(
    visitor, ada, stage
):
    window = visitor(ada)
    answer = follow(window, window.get("/?lang=ur-PK"))
    assert page(answer).html["lang"] == "ur"
    offered = [option["value"] for option in page(answer).find_all("option")]
    assert offered == ["", *QUESTIONS[0].answers]
    first = window.post(page(answer).form["action"], {"python_proficiency": "Advanced"})
    answer = follow(window, first)
    assert page(answer).h1.text.strip() == "ڈویلپر کے طور پر آپ کا کردار کیا ہے؟"
    wrong = follow(window, window.post(page(answer).form["action"], {}))
    assert "ڈویلپر کے طور پر اپنا کردار منتخب کریں" in page(wrong).text
    answer = follow(window, window.post(page(wrong).form["action"], {"developer_role": "None"}))
    assert "ان میں سے کوئی نہیں" in page(answer).find("dl").text
    for link in page(answer).find_all("a"):
        assert page(window.get(link["href"])).html["lang"] == "ur"
    fields = {field["name"]: field["value"] for field in page(answer).find_all("input")}
    answer = follow(window, window.post(page(answer).form["action"], fields))
    assert page(answer).h1.text == "آپ کا پروفائل"
    (row,) = stage.sql(
        "SELECT python_proficiency, developer_role, to_char(updated_at, 'FMDD') "
        "FROM user_profile WHERE user_id = %s",
        ada.user_id,
    )
    assert row[:2] == ("Advanced", "None")
    assert re.search(rf"\b{row[2]} \w+، \d{{4}} کو", page(answer).main.text)


def test_whoever_is_sent_away_is_brought_back_in_the_same_language(visitor, stage):
    to_sign_in = visitor().get("/profile?lang=ur").headers["Location"]
    assert "lang%3Dur" in to_sign_in
    in_frame = visitor(**{"Sec-Fetch-Dest": "iframe"})
    answer = follow(in_frame, in_frame.get("/onboarding/?lang=ur"))
    assert_urdu(answer, URDU["/signed-out"])
    assert all("lang" in link["href"] for link in page(answer).find_all("a"))
    assert page(visitor().get("/nowhere?lang=ur")).find("a")["href"] == "/?lang=ur"


def test_names_and_addresses_keep_their_own_direction(visitor, ada):
    for text in (ada.name, ada.email):
        element = page(visitor(ada).get(f"{REVIEW}&lang=ur")).find(string=text).parent
        assert element.name == "bdi" or element["dir"] == "auto"


def test_machines_are_answered_in_english(visitor):
    headers = {"Accept": "application/json", "Accept-Language": "ur"}
    answer = visitor().get("/nowhere", headers)
    assert answer.json["detail"].startswith("Page not found. ")
    assert "Content-Language" not in answer.headers


def test_without_a_database_the_page_says_so_in_each_language(settings, ada):
    app = without_database(settings)
    for language, words in (("en", "[a-z]{3}"), ("ur", "[\u0600-\u06ff]{3}")):
        for answer in (
            Visitor(app, ada, {}).get(f"/profile?lang={language}"),
            Visitor(app, ada, {"Accept-Language": language}).get("/profile"),
            Visitor(app, ada, {"Accept-Language": language}).post("/onboarding/review"),
        ):
            assert answer.status_code == 503
            assert page(answer).html["lang"] == answer.headers["Content-Language"] == language
            assert re.search(words, page(answer).h1.text)


def test_the_catalogues_are_read_once(settings, tmp_path):
    translations = pseudo.with_pseudo(tmp_path)
    app = create_app(settings, translations)
    for file in translations.iterdir():
        file.unlink()
    for language in ("eo", "ur", "eo"):
        answer = Visitor(app, None, {}).get(f"/signed-out?lang={language}")
        assert page(answer).html["lang"] == language
        assert page(answer).h1.text != "Sign in to continue"
    app.extensions["onboarding"].database.engine.dispose()


@pytest.fixture(scope="module")
def shown(
    plugin_settings: Settings, stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> list[BeautifulSoup]:
    """Every page in every state and with each widget, in the made-up language."""
    translations = pseudo.with_pseudo(tmp_path_factory.mktemp("pseudo"))
    apps = [
        create_app(replace(plugin_settings, widget=widget), translations)
        for widget in ("select", "cards")
    ]
    silent = replace(
        plugin_settings,
        session_cookie=ForwardedCookie("better-auth.session_token"),
        session_url=f"http://127.0.0.1:{free_port()}/",
    )
    apps.append(create_app(silent, translations))
    down = without_database(plugin_settings, translations)

    def person(**session: object) -> Person:
        url = stage.server.url("plugins")
        return newcomer(url, plugin_settings.session_cookie, session=session)

    try:
        answers = list(every_page(apps, down, person))
    finally:
        for app in (*apps, down):
            app.extensions["onboarding"].database.engine.dispose()
    assert {answer.status_code for answer in answers} >= {200, 400, 401, 403, 404, 405, 411, 413}
    assert {answer.headers["Content-Language"] for answer in answers} == {pseudo.LANGUAGE}
    return [page(answer) for answer in answers]


def every_page(
    apps: list[Flask], down: Flask, person: Callable[..., Person]
) -> Iterator[TestResponse]:
    select, cards, silent = apps
    speaks = {"Accept-Language": pseudo.LANGUAGE}
    ada = person()
    for app in (select, cards):
        window = Visitor(app, ada, speaks)
        for question in QUESTIONS:
            for problem in ("", "?problem=1", "?problem=stale"):
                yield window.get(f"/onboarding/{question.slug}{problem}")
    window = Visitor(select, ada, speaks)
    for problem in ("", "&problem=1", "&problem=stale"):
        yield window.get(REVIEW + problem)
    window.answer()
    yield window.get(f"/onboarding/{QUESTIONS[0].slug}")
    impersonator = Visitor(select, person(impersonatedBy="an admin"), speaks)
    yield impersonator.get(REVIEW)
    yield impersonator.post(REVIEW)
    for reason in ("", "unverified", "banned", "anonymous", "expired", "cross-site"):
        yield Visitor(select, None, speaks).get(f"/signed-out?reason={reason}")
    # The errors, each as it really comes.
    yield window.get("/nowhere")
    yield window.post("/profile")
    yield window.get("/profile", {"Host": "elsewhere.example"})
    yield window.post(REVIEW, {"csrf_token": "none"})
    yield window.post(REVIEW, headers={"Origin": "null", "Sec-Fetch-Dest": "iframe"})
    yield window.post(REVIEW, b"x", {"Transfer-Encoding": "chunked"})
    yield window.post(REVIEW, {"developer_role": "x" * 20_000})
    yield window.request("POST", REVIEW, {"Origin": window.origin}, json={})
    yield Visitor(silent, ada, speaks).get("/profile")
    yield Visitor(down, ada, speaks).get("/profile")
    yield Visitor(down, ada, speaks).post(REVIEW)
    window.finish()
    yield window.get("/profile")
    yield window.get("/profile?already=1")


def test_no_page_shows_a_text_that_is_not_in_the_catalogue(shown):
    for html in shown:
        left = [pseudo.outside(text) for text in texts_of(html)]
        assert [text for text in left if re.search(r"[^\W\d_]", text)] == [], html.title


def test_every_text_of_the_catalogue_is_shown_on_some_page(shown):
    everything = "".join(text for html in shown for text in texts_of(html))
    unseen = {
        str(message.id)
        for message in extracted()
        if message.id and not re.search(pattern_of(pseudo.pseudo(str(message.id))), everything)
    }
    assert unseen == NEVER_ON_A_PAGE


def texts_of(html: BeautifulSoup) -> Iterator[str]:
    """Give what people see or hear of a page, but for their own name and address."""
    for text in html.find_all(string=True):
        if text.parent.name not in ("script", "style", "[document]"):
            own = text.parent.name == "bdi" or text.parent.get("dir") == "auto"
            yield "" if own else str(text)
    for element in html.find_all(True):
        for name in ("aria-label", "alt", "title", "placeholder", "label", "aria-roledescription"):
            yield element.get(name) or ""


def pattern_of(text: str) -> str:
    return re.sub(r"%\\\(\w+\\\)s", "(?:[^⟦⟧]|⟦[^⟦⟧]*⟧)*", re.escape(text))


def without_database(settings: Settings, *more: Path) -> Flask:
    url = make_url(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/gone")
    down = replace(settings.database, url=url)
    return create_app(replace(settings, database=down, read_budget_s=0.2), *more)


def follow(window: Visitor, answer: TestResponse) -> TestResponse:
    while answer.status_code == 303:
        answer = window.get(answer.headers["Location"])
    return answer


def junk_header(text: str) -> str:
    return text.encode().decode("latin-1")


def assert_urdu(answer: TestResponse, heading: str) -> None:
    html = page(answer)
    assert html.h1.text.strip() == heading
    assert (html.html["lang"], html.html["dir"]) == ("ur", "rtl")
    assert answer.headers["Content-Language"] == "ur"
