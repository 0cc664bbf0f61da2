"""Pages and links of people who mean harm, opened by somebody who is signed in."""

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page

from tests.conftest import Stage
from tests.e2e.conftest import Stranger, Watch
from tests.e2e.pages import (
    PROFILE,
    PYTHON,
    REVIEW,
    answer_both,
    confirm,
    enter,
    expect_page,
    expect_profile,
    wizard_query,
)
from tests.visitor import Person

Window = Callable[..., Page]


@pytest.fixture
def hostile_targets(stage: Stage, served_app: str) -> list[str]:
    """Addresses that look like ours to one reader or another, and lead elsewhere."""
    # Where a target is held against our routes, a path of ours must not make it ours.
    return [
        "https://evil.test/profile",
        "//evil.test/profile",
        "///evil.test/profile",
        "////evil.test/profile",
        "/\\evil.test/profile",
        "\\\\evil.test/profile",
        "/\t/evil.test/profile",
        "/\n/evil.test/profile",
        "\x01https://evil.test/profile",
        " https://evil.test/profile",
        "https:evil.test/profile",
        "https:/\\evil.test/profile",
        "http:///evil.test/profile",
        f"{served_app}@evil.test/profile",
        f"{stage.site.url}@evil.test/",
        f"{stage.site.url}.evil.test/",
        f"{stage.site.url}\\@evil.test/",
        f"https://evil.test/profile#{stage.site.url}/",
        "https://evil。test/profile",
        "/%0d%0aLocation:%20https://evil.test/",
        "/profile\r\nLocation: https://evil.test/",
        "/.//evil.test/profile",
        "/onboarding/..//evil.test/profile",
        f"//evil.test/{'a' * 3000}",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
    ]


@pytest.fixture
def ours(stage: Stage, served_app: str) -> set[str]:
    return {stage.site.url, served_app}


def test_hostile_targets_are_not_followed_after_the_confirmation(
    window: Window, stage: Stage, hostile_targets: list[str], ours: set[str], ada: Person
) -> None:
    page = window(ada)
    for target in hostile_targets[::2]:
        page.goto(wizard_query("Beginner", "None", next=target, return_to=target))
        confirm(page)
        expect_page(page, PROFILE)
        assert origin(page.url) in ours, target
        stage.sql("DELETE FROM user_profile WHERE user_id = %s", ada.user_id)


def test_hostile_targets_are_not_followed_through_the_whole_wizard(
    window: Window, stage: Stage, hostile_targets: list[str], ours: set[str], ada: Person
) -> None:
    page = window(ada)
    for target in hostile_targets[:2]:
        page.goto(f"/?next={quote(target)}&return_to={quote(target)}")
        answer_both(page, "Beginner", "None of these")
        confirm(page)
        expect_profile(page, "Beginner", "None of these")
        assert origin(page.url) in ours, target
        stage.sql("DELETE FROM user_profile WHERE user_id = %s", ada.user_id)


def test_no_link_of_a_page_opened_with_a_hostile_target_leads_elsewhere(
    window: Window, hostile_targets: list[str], ours: set[str], ada: Person, watch: Watch
) -> None:
    onboarded, nobody = window(ada), window()
    onboarded.goto(wizard_query("Beginner", "None"))
    confirm(onboarded)
    expect_profile(onboarded, "Beginner", "None of these")
    watch.expect_status(401)
    for target in hostile_targets[1::2]:
        query = f"?next={quote(target)}&return_to={quote(target)}"
        nobody.goto(f"/signed-out{query}")
        onboarded.goto(f"/profile{query}")
        for page in (nobody, onboarded):
            links = page.get_by_role("link").evaluate_all("links => links.map(link => link.href)")
            assert links
            for href in links:
                assert origin(href) in ours, (target, href)
                for back in parse_qs(urlsplit(href).query).get("callbackURL", []):
                    assert origin(back) in ours, (target, back)


def test_signing_in_from_a_hostile_link_ends_on_our_pages(
    window: Window, stage: Stage, hostile_targets: list[str], real_ada: Person, watch: Watch
) -> None:
    page = window()
    for target in hostile_targets[:2]:
        page.goto(f"/onboarding/?next={quote(target)}&return_to={quote(target)}")
        page.get_by_label("Email").fill(real_ada.email)
        page.get_by_label("Password").fill(real_ada.password)
        page.get_by_role("button", name="Sign in").click()
        expect_page(page, PYTHON)
        page.context.clear_cookies()
    visited = {origin(request.url) for request in watch.navigations}
    assert visited == {stage.site.url, stage.app.url}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("referrer", ["origin", "no-referrer"])
def test_a_form_sent_by_a_page_of_another_origin_changes_nothing(
    window: Window,
    stage: Stage,
    served_app: str,
    stranger: Stranger,
    watch: Watch,
    ada: Person,
    host: str,
    referrer: str,
) -> None:
    stage.sql(
        "INSERT INTO user_profile (user_id, python_proficiency, developer_role) "
        "VALUES (%s, 'Intermediate', 'Frontend Developer')",
        ada.user_id,
    )
    before = row_of(stage, ada)
    page = window()
    # The most careless main site there is: its cookie goes along wherever a request comes from.
    enter(page.context, ada, same_site="None")
    page.goto("/")
    expect_page(page, REVIEW)
    stolen = page.locator("[name=csrf_token]").get_attribute("value")

    watch.expect_status(403)
    for path in ("/onboarding/review", "/onboarding/developer-role"):
        for token in ({}, {"csrf_token": stolen}):
            fields = {"python_proficiency": "Beginner", "developer_role": "None", **token}
            html = attack(f"{served_app}{path}", fields, referrer)
            page.goto(stranger.put_up(html, host), wait_until="commit")
            expect_page(page, "This did not come from our page")
            sent = watch.navigations[-1]
            headers = sent.all_headers()
            assert (sent.method, sent.url) == ("POST", f"{served_app}{path}")
            assert sent.response().status == 403
            assert ada.cookie in headers["cookie"]
            assert headers["origin"] == (
                "null" if referrer == "no-referrer" else f"http://{host}:{stranger.port}"
            )
            assert row_of(stage, ada) == before

    page.goto("/")
    confirm(page)
    expect_profile(page, "Intermediate", "Frontend developer")


def attack(target: str, fields: dict[str, str], referrer: str) -> str:
    inputs = "".join(
        f'<input name="{name}" value="{escape(value)}">' for name, value in fields.items()
    )
    return (
        f'<!doctype html><meta name="referrer" content="{referrer}"><link rel="icon" href="data:,">'
        f'<form method="post" action="{target}">{inputs}</form>'
        "<script>document.forms[0].submit()</script>"
    )


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def row_of(stage: Stage, person: Person) -> list[tuple]:
    return stage.sql("SELECT * FROM user_profile WHERE user_id = %s", person.user_id)
