"""The walk that every supported main site must allow, from signing up to being deleted."""

from tests.compat.browser import Browser
from tests.compat.scene import Scene, User


def walk(scene: Scene) -> None:
    """Sign up, answer, sign out and in again, and be deleted, each on the main site for real."""
    browser = scene.browser()
    user = scene.sign_up(browser)
    scene.preset.shows(scene, browser)
    onboard(scene, browser, user)
    scene.sign_out(browser)
    assert scene.verdicts(browser) == ("out", "out")
    assert scene.sign_in(browser, user).status_code == 200
    assert_profile(scene, browser, user)
    assert scene.verdicts(browser) == ("in", "in")
    delete(scene, browser, user)


def onboard(scene: Scene, browser: Browser, user: User) -> None:
    """Answer both questions and confirm."""
    first = scene.visit(browser)
    assert first.path == "/onboarding/python-proficiency", first.text
    second = first.submit(python_proficiency="Advanced")
    assert second.path == "/onboarding/developer-role", second.text
    review = second.submit(developer_role="Backend Developer")
    assert review.path == "/onboarding/review", review.text
    profile = review.submit()
    assert profile.path == "/profile", profile.text
    assert_profile(scene, browser, user)
    assert scene.rows(user) == (1, 1)


def assert_profile(scene: Scene, browser: Browser, user: User) -> None:
    profile = scene.visit(browser)
    assert profile.path == "/profile", profile.text
    for text in (user.name, user.email, "Advanced", "Backend developer"):
        assert text in profile.text


def delete(scene: Scene, browser: Browser, user: User) -> None:
    """Delete the account on the main site; the profile goes along."""
    answer = scene.ask(browser, "/delete-user", {})
    assert answer.status_code == 200, answer.text
    assert scene.rows(user) == (0, 0)
    assert scene.verdicts(browser) == ("out", "out")
