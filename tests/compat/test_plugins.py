"""Main sites with Better-Auth's plugins, and what those make of a session."""

from datetime import timedelta

from tests.compat.conftest import Found, played
from tests.compat.presets import BEARER, BY_NAME, OVER_HTTP, PLUGINS
from tests.compat.scene import PASSWORD, Scene, User
from tests.compat.walk import assert_profile, onboard, walk

ADMIN, ANONYMOUS = BY_NAME["admin"], BY_NAME["anonymous"]
DRIZZLE = BY_NAME["admin and anonymous, Drizzle"]


@played(*PLUGINS)
def test_everything_works(scene: Scene, found: Found) -> None:
    walk(scene)
    found(scene.preset.name, scene.version, "works")


@played(ADMIN, OVER_HTTP)
def test_a_ban_by_the_endpoint_ends_every_session_at_once(scene: Scene, found: Found) -> None:
    browser, admin = scene.browser(), scene.browser()
    user = scene.sign_up(browser)
    scene.promote(scene.sign_up(admin))
    assert scene.verdicts(browser) == ("in", "in")
    assert scene.ask(admin, "/admin/ban-user", {"userId": user.id}).status_code == 200
    found("banned by the endpoint", scene.version, scene.verdict(browser))
    assert scene.sign_in(browser, user).status_code == 403
    assert scene.ask(admin, "/admin/unban-user", {"userId": user.id}).status_code == 200
    assert scene.sign_in(browser, user).status_code == 200
    assert scene.verdicts(browser) == ("in", "in")


@played(ADMIN, DRIZZLE, OVER_HTTP)
def test_a_ban_in_the_database_alone_counts_here_as_long_as_it_lasts(
    scene: Scene, found: Found
) -> None:
    browser = scene.browser()
    user = scene.sign_up(browser)
    bans = {
        "alone": None,
        "until later": timedelta(minutes=30),
        "until earlier": timedelta(minutes=-30),
    }
    for until, ends_in in bans.items():
        scene.ban(user, ends_in)
        found(f"banned in the database {until}", scene.version, scene.verdict(browser))


@played(ADMIN, DRIZZLE, OVER_HTTP)
def test_an_administrator_sees_what_a_person_sees_but_cannot_confirm(scene: Scene) -> None:
    browser, admin = scene.browser(), scene.browser()
    user = scene.sign_up(browser)
    scene.promote(scene.sign_up(admin, name="Grace Hopper"))
    review = (
        scene.visit(browser).submit(python_proficiency="Beginner").submit(developer_role="None")
    )
    assert scene.ask(admin, "/admin/impersonate-user", {"userId": user.id}).status_code == 200
    seen = scene.visit(admin)
    assert seen.path == "/onboarding/review"
    assert user.email in seen.text
    assert "as an administrator" in seen.text
    # That page has no form; the token of another page's would do.
    form = scene.visit(admin, "/onboarding/python-proficiency").fields()
    answers = {"python_proficiency": "Advanced", "developer_role": "None"}
    confirmed = admin.visit(seen.url, "POST", {**form, **answers})
    assert confirmed.response.status_code == 403
    assert scene.visit(browser).path == "/onboarding/review"
    assert scene.ask(admin, "/admin/stop-impersonating", {}).status_code == 200
    assert scene.visit(admin).path == "/onboarding/python-proficiency"
    assert review.submit().path == "/profile"


@played(ANONYMOUS, DRIZZLE, OVER_HTTP)
def test_a_guest_is_asked_to_create_an_account_and_then_answers(scene: Scene, found: Found) -> None:
    browser = scene.browser()
    answer = scene.ask(browser, "/sign-in/anonymous", {})
    assert answer.status_code == 200, answer.text
    said = answer.json()["user"]
    guest = User(said["id"], said["name"], said["email"])
    found("a guest", scene.version, scene.verdict(browser))
    assert "as a guest" in scene.visit(browser).text
    # As an older version of a site's own might have left it.
    scene.place.sql("INSERT INTO user_profile VALUES (%s, 'Beginner', 'None')", guest.id)
    user = scene.sign_up(browser)
    assert user.id != guest.id
    assert scene.rows(guest) == (0, 0)
    onboard(scene, browser, user)


@played(BEARER)
def test_a_bearer_token_is_no_cookie(scene: Scene, found: Found) -> None:
    browser = scene.browser()
    scene.sign_up(browser)
    without = scene.browser()
    without.headers["Authorization"] = f"Bearer {browser.session_token()}"
    found("a bearer token without a cookie", scene.version, scene.verdict(without))


@played(BY_NAME["multi-session"])
def test_of_two_accounts_in_one_browser_the_active_one_counts(scene: Scene) -> None:
    browser = scene.browser()
    ada = scene.sign_up(browser)
    onboard(scene, browser, ada)
    ada_token = browser.session_token()
    scene.sign_up(browser, name="Grace Hopper")
    assert scene.visit(browser).path == "/onboarding/python-proficiency"
    switch = {"sessionToken": ada_token}
    assert scene.ask(browser, "/multi-session/set-active", switch).status_code == 200
    assert_profile(scene, browser, ada)


@played(BY_NAME["two-factor"])
def test_the_password_is_not_enough_with_a_second_factor(scene: Scene, found: Found) -> None:
    browser = scene.browser()
    user = scene.sign_up(browser)
    onboard(scene, browser, user)
    enabled = scene.ask(browser, "/two-factor/enable", {"password": PASSWORD})
    assert enabled.status_code == 200, enabled.text
    scene.sign_out(browser)
    assert scene.sign_in(browser, user).json()["twoFactorRedirect"] is True
    row = "the password alone, before the second factor"
    found(row, scene.version, scene.verdict(browser))
    code = {"code": enabled.json()["backupCodes"][0]}
    verified = scene.ask(browser, "/two-factor/verify-backup-code", code)
    assert verified.status_code == 200, verified.text
    found("after the second factor", scene.version, scene.verdict(browser))
    assert_profile(scene, browser, user)
