"""Every page in each of its states, as the app answers it: what the tests look at from all sides."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from flask import Flask

from onboarding import create_app
from onboarding.settings import Settings
from onboarding.web.errors import RequestError, ServiceUnavailable
from onboarding.web.signed_out import REASONS
from tests.browser import Browser
from tests.e2e.pages import FIRST, LAST, SOME, path, review_url
from tests.pseudo_translation import add_pseudo_language, with_pseudo_texts
from tests.questionnaires import DEFAULT
from tests.users import User, create_user

REVIEW = "/onboarding/review"
FRAMED = {"Sec-Fetch-Dest": "iframe"}

# Names and addresses that are hard to show.
HARD_TO_SHOW = {
    "long": ("W" * 300, f"{'w' * 64}@{'w' * 180}.example"),
    "rtl": ("أحمد بن محمد العربي", "ahmad@example.test"),
    "emoji": ("👩‍👩‍👧‍👦" * 40, "family@example.test"),
    "markup": ("<img src=x onerror=alert(1)><b>&amp;", '"<i>"@example.test'),
    "overriding": ("\u202eadA\u202d Ada\u0301\u0301\u0301", "a@example.test"),
}


@contextmanager
def page_states(
    settings: Settings, url: str, folder: Path, errors: Sequence[RequestError] = ()
) -> Iterator[Callable[[str], dict[str, str]]]:
    """Return the HTML of every page in each state in a language, by name; also of some errors.

    `url` is the database as a superuser; `folder` is for the catalogues, which have a made-up language.
    """

    def fail(error: RequestError) -> None:
        raise error

    questionnaire, translations = with_pseudo_texts(DEFAULT), add_pseudo_language(folder)
    apps = [
        create_app(replace(settings, widget=widget), questionnaire, translations)
        for widget in ("select", "cards")
    ]
    addresses = {"/unavailable": ServiceUnavailable(2)}
    addresses |= {f"/error/{type(error).__name__}": error for error in errors}
    for address, error in addresses.items():
        view = partial(fail, error)
        apps[0].add_url_rule(address, address, view, methods=["GET", "POST"])
    new_user = partial(create_user, url, settings.session_cookie)
    yield partial(_page_states, *apps, new_user, list(addresses)[1:])
    for app in apps:
        app.extensions["onboarding"].database.engine.dispose()


def _page_states(
    selects: Flask,
    cards: Flask,
    create_user: Callable[..., User],
    errors: Sequence[str],
    language: str,
) -> dict[str, str]:
    headers = {"Accept-Language": language}
    first, last = path(FIRST), path(LAST)
    nobody = Browser(selects, None, headers)
    new, drafted, done = (Browser(selects, create_user(), headers) for _ in range(3))
    drafted.answer()
    done.finish()
    impersonated = Browser(selects, create_user(session={"impersonatedBy": "an admin"}), headers)
    return_to = selects.extensions["onboarding"].settings.site_url
    responses = {
        "question-back-to-answers": drafted.get(first),
        "review": drafted.get(REVIEW),
        "review-problem": drafted.get(f"{REVIEW}?problem=1"),
        "review-stale": drafted.get(f"{REVIEW}?problem=stale"),
        "review-framed": drafted.get(REVIEW, FRAMED),
        "review-impersonated": impersonated.get(review_url(SOME)),
        "profile": done.get("/profile"),
        "profile-already": done.get("/profile?already=1"),
        "profile-framed": done.get("/profile", FRAMED),
        "continue": done.get(f"/continue?return_to={return_to}"),
        "signed-out": nobody.get("/signed-out"),
        "signed-out-framed": nobody.get("/signed-out", FRAMED),
        "error-403": new.post(first, {"csrf_token": "x"}),
        "error-403-impersonated": impersonated.post(first),
        "error-403-sandboxed": new.post(first, headers={**FRAMED, "Origin": "null"}),
        "error-404": nobody.get("/nowhere"),
        "error-503": done.get("/unavailable"),
        "error-503-form": done.post("/unavailable", SOME),
    }
    for reason in REASONS:
        responses[f"signed-out-{reason}"] = nobody.get(f"/signed-out?reason={reason}")
    for widget, browser in (("select", new), ("cards", Browser(cards, create_user(), headers))):
        responses |= {
            f"question-{widget}": browser.get(first),
            f"question-{widget}-problem": browser.get(f"{first}?problem=1"),
            f"question-{widget}-stale": browser.get(f"{first}?problem=stale"),
            f"question-{widget}-answered": browser.get(review_url(SOME).replace(REVIEW, last)),
            f"question-{widget}-framed": browser.get(first, FRAMED),
        }
    for kind, (name, email) in HARD_TO_SHOW.items():
        user = create_user(user={"name": name, "email": language + email})
        responses[f"review-{kind}"] = Browser(selects, user, headers).get(review_url(SOME))
    for address in errors:
        responses[address] = done.get(address)

    for name, response in responses.items():
        kind, _, more = name.partition("-")
        status = {"error": more[:3], "signed": "401"}.get(kind, "200")
        assert name in errors or str(response.status_code) == status, (name, response.headers)
    return {name: response.text for name, response in responses.items()}
