"""A session cookie that our secret doesn't verify: a page for its owner, a rare line for the operator."""

import logging
from dataclasses import replace

import pytest

from onboarding.web.seldom import Seldom
from tests.visitor import page


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "BETTER_AUTH_SECRET" in record.msg]


def test_a_flood_of_them_costs_one_line_a_minute_and_no_query(
    visitor, ada, app, stage, caplog, monkeypatch
):
    now = [1000.0]
    brake = Seldom(clock=lambda: now[0])
    parts = app.extensions["onboarding"]
    monkeypatch.setitem(app.extensions, "onboarding", replace(parts, seldom=brake))
    forged = replace(ada, cookie=ada.cookie.replace(ada.token, "t" * 32))
    before = stage.server.log_size()
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            assert visitor(forged).get("/profile").status_code == 303
        assert len(lines(caplog)) == 1
        now[0] += 61
        visitor(forged).get("/profile")
    counts = [line.partition("cookie of ")[2].partition(" ")[0] for line in lines(caplog)]
    assert counts == ["1", "20"]
    assert "t" * 32 not in caplog.text
    assert stage.server.statements(after=before) == []


@pytest.mark.parametrize("value", ["", "x", "a.b", f"a.{'A' * 43}", f".{'A' * 43}=", "a.b.c="])
def test_a_cookie_of_another_form_counts_as_none(visitor, ada, settings, caplog, value):
    person = replace(ada, cookie=f"{settings.session_cookie.name}={value}")
    answer = visitor(person).get("/profile")
    assert answer.headers["Location"].startswith(settings.sign_in_url)
    assert lines(caplog) == []


def test_the_page_offers_the_way_to_sign_in_and_back(visitor, ada, settings):
    forged = replace(ada, cookie=ada.cookie.replace(ada.token, "t" * 32))
    answer = visitor(forged).get("/onboarding/developer-role?python_proficiency=Advanced")
    shown = visitor(forged).get(answer.headers["Location"])
    assert shown.status_code == 401
    link = page(shown).find("a", class_="button")
    assert link["href"].startswith(settings.sign_in_url)
    assert link["target"] == "_top"
    assert "python_proficiency%3DAdvanced" in link["href"].replace("%253D", "%3D")
    assert "the fault isn't yours" in page(shown).main.get_text()


def test_a_valid_session_beside_a_planted_cookie_is_no_foreign_one(visitor, ada, settings):
    planted = f"{settings.session_cookie.name}=t.{'A' * 43}%3D; {ada.cookie}"
    assert visitor(replace(ada, cookie=planted)).get("/onboarding/").status_code == 303
    answer = visitor(replace(ada, cookie=planted)).get("/profile")
    assert answer.headers["Location"].startswith("/onboarding/")


class TestSeldom:
    """The brake itself."""

    def test_it_tells_at_once_then_once_in_its_time_with_what_came_between(self):
        now = [5.0]
        brake = Seldom(every_s=60, clock=lambda: now[0])
        assert [brake.count("a") for _ in range(3)] == [1, 0, 0]
        now[0] += 59.9
        assert brake.count("a") == 0
        now[0] += 0.1
        assert [brake.count("a") for _ in range(2)] == [4, 0]

    def test_no_kind_keeps_another_from_being_told(self):
        brake = Seldom()
        assert [brake.count(kind) for kind in "abaab"] == [1, 1, 0, 0, 0]
