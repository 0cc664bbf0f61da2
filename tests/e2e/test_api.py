"""The API from pages in a real browser: the main site's may read with the visitor's cookie, others not."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, expect

from tests.conftest import Stage
from tests.e2e.conftest import Stranger, Watch
from tests.visitor import Person

Window = Callable[..., Page]

READ = """async (app) => {
    const answer = await fetch(`${app}/api/profile`, { credentials: "include" });
    return [answer.status, answer.headers.get("ETag"), await answer.json()];
}"""
SAVE = """async (app) => {
    const answer = await fetch(`${app}/api/profile`, {
        method: "PUT",
        credentials: "include",
        headers: { "Content-Type": "application/json", "If-None-Match": "*" },
        body: JSON.stringify({ python_proficiency: "Advanced", developer_role: "None" }),
    });
    return answer.status;
}"""
# What a browser sends without asking first: no JSON, no answer that could be read.
SAVE_BLINDLY = """async (app) => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
        await fetch(`${app}/api/profile`, {
            method: "POST",
            mode: "no-cors",
            credentials: "include",
            headers: { "Content-Type": type },
            body: JSON.stringify({ python_proficiency: "Advanced", developer_role: "None" }),
        }).catch(() => {});
    }
}"""
FOR_ADVANCED = "Go deep with the guides for larger code."
FOR_ALL = "Guides and exercises for people who write software."


def rows(stage: Stage, person: Person) -> list[tuple]:
    return stage.sql(
        "SELECT python_proficiency, is_onboarded FROM user_profile WHERE user_id = %s",
        person.user_id,
    )


def test_a_page_of_the_main_site_reads_and_saves_with_the_visitor_s_cookie(
    window: Window, stage: Stage, served_app: str, ada: Person
) -> None:
    page = window(ada)
    page.goto(f"{stage.site.url}/setup")
    assert page.evaluate(SAVE, served_app) == 201
    status, etag, profile = page.evaluate(READ, served_app)
    assert (status, profile["user_id"]) == (200, ada.user_id)
    assert profile["python_proficiency"] == "Advanced"
    assert etag
    assert rows(stage, ada) == [("Advanced", False)]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["same site", "another site"])
def test_a_page_of_another_origin_can_neither_read_nor_save(
    window: Window,
    stage: Stage,
    stranger: Stranger,
    served_app: str,
    ada: Person,
    watch: Watch,
    host: str,
) -> None:
    watch.expect("blocked by CORS policy")
    watch.expect("net::ERR_FAILED")
    # Its POST reaches the app, which takes none; the browser keeps the answer from the page.
    watch.expect_status(405)
    watch.expect("net::ERR_BLOCKED_BY_RESPONSE")
    page = window(ada)
    page.goto(stranger.put_up("<link rel=icon href=data:,>", host))
    for script in (READ, SAVE):
        with pytest.raises(Error, match="Failed to fetch"):
            page.evaluate(script, served_app)
    page.evaluate(SAVE_BLINDLY, served_app)
    assert rows(stage, ada) == []


def test_the_main_site_s_home_page_speaks_by_the_answers(
    window: Window, stage: Stage, served_app: str, ada: Person
) -> None:
    page = window(ada)
    page.goto(stage.site.url)
    expect(page.get_by_text(FOR_ALL)).to_be_visible()

    # In the browser: they answered in another tab, and come back to this one.
    stage.sql(
        "INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded)"
        " VALUES (%s, 'Advanced', 'None', true)",
        ada.user_id,
    )
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text(FOR_ADVANCED)).to_be_visible()

    # On the server, without any script of the page.
    plain = window(ada, java_script_enabled=False)
    plain.goto(stage.site.url)
    expect(plain.get_by_text(FOR_ADVANCED)).to_be_visible()
