"""What a request costs, counted at the database's server."""

from dataclasses import replace

import pytest


def look_anew(app):
    """Let the app find the layout now, which it does anyway at times."""
    assert app.extensions["onboarding"].identities.check() == []


@pytest.fixture
def cost(stage, app):
    """Do something and give the statements that the app sent to the server for it."""

    def cost(do):
        do()
        look_anew(app)
        before = stage.server.log_size()
        do()
        return stage.server.statements("onboarding", after=before)

    return cost


@pytest.mark.parametrize("path", ["/profile", "/onboarding/", "/onboarding/review"])
@pytest.mark.parametrize("state", ["no row", "draft", "onboarded"])
def test_a_signed_in_get_is_one_select(cost, visitor, ada, state, path):
    window = visitor(ada)
    if state != "no row":
        window.answer()
    if state == "onboarded":
        window.post("/onboarding/review")
    statements = cost(lambda: window.get(path))
    assert len(statements) == 1
    assert statements[0].startswith("SELECT")


def test_a_save_is_one_select_and_one_upsert(cost, visitor, ada):
    window = visitor(ada)
    draft = {"developer_role": "None"}
    statements = cost(
        lambda: window.post("/onboarding/developer-role?python_proficiency=Beginner", draft)
    )
    assert [statement.split()[0] for statement in statements] == ["SELECT", "INSERT"]


def test_the_confirmation_is_one_select_and_one_upsert(stage, app, visitor, ada):
    window = visitor(ada)
    window.answer()
    look_anew(app)
    before = stage.server.log_size()
    assert window.post("/onboarding/review").headers["Location"] == "/profile"
    statements = stage.server.statements("onboarding", after=before)
    assert [statement.split()[0] for statement in statements] == ["SELECT", "INSERT"]


def test_the_first_answer_saves_nothing(cost, visitor, ada):
    window = visitor(ada)
    body = {"python_proficiency": "Beginner"}
    assert len(cost(lambda: window.post("/onboarding/python-proficiency", body))) == 1


@pytest.mark.parametrize("cookie", [None, "forged", "unsigned", "nonsense"])
def test_a_missing_or_forged_cookie_costs_nothing(cost, visitor, ada, cookie):
    name = ada.cookie.partition("=")[0]
    headers = {
        None: None,
        "forged": ada.cookie[:-6] + "AAAA%3D",
        "unsigned": f"{name}={ada.token}",
        "nonsense": f"{name}=%00.%zz",
    }
    window = visitor(replace(ada, cookie=headers[cookie] or "a=b"))
    assert cost(lambda: window.get("/profile")) == []
    assert window.get("/profile").status_code == 303


@pytest.mark.parametrize("path", ["/", "/signed-out", "/healthz", "/static/style.css", "/nowhere"])
def test_open_pages_cost_nothing(cost, visitor, ada, path):
    assert cost(lambda: visitor(ada).get(path)) == []
