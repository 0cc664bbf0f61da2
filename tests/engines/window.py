"""What a test does in a browser, whichever engine it is: pages around the app, and people in them."""

from dataclasses import dataclass, field

import psycopg
from selenium.common.exceptions import NoSuchElementException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from devstack.app import App
from onboarding.betterauth.cookie import SessionCookie
from tests.e2e.conftest import Stranger
from tests.visitor import Person, newcomer

PATIENCE_S = 15
COOKIE = "__Secure-better-auth.session_token"

LISTEN = """<script>
  heard = [];
  for (const type of ["ready", "step", "completed", "signin-required", "error"])
    addEventListener(type, (event) => {
      if (event.target.localName === "onboarding-frame") heard.push([type, event.detail]);
    }, true);
</script>"""


@dataclass
class Window:
    """One browser window, and the servers behind the names that it can reach."""

    driver: WebDriver
    app: App
    stranger: Stranger
    database_url: str
    visited: set[str] = field(default_factory=set)

    @property
    def app_url(self) -> str:
        return self.app.environment()["APP_URL"]

    def newcomer(self) -> Person:
        return newcomer(self.database_url, SessionCookie(COOKIE, self.app.secret))

    def open(self, origin: str, html: str, headers: dict[str, str] | None = None) -> None:
        """Open a page of the test's own under an origin that leads to the stranger's server."""
        path = self.stranger.put_up(html, headers=headers).rpartition("/")[2]
        self.driver.get(f"{origin}/{path}")
        self.visited.add(origin)

    def sign_in(self, person: Person, origin: str, attributes: str) -> None:
        """Let a page of `origin` set the person's session cookie, as the main site's server would."""
        cookie = f"{person.cookie}; Path=/; Secure; HttpOnly; {attributes}"
        self.open(origin, "<p>signed in", {"Set-Cookie": cookie})

    def embed(self, origin: str, attributes: str = "") -> None:
        """Open a page with the element in it."""
        self.open(
            origin,
            f"<!doctype html><meta charset=utf-8><title>Main site</title>{LISTEN}"
            f"<script src='{self.app_url}/embed.js'></script>"
            f"<onboarding-frame src='{self.app_url}/' {attributes}><a>link</a></onboarding-frame>",
        )

    def heading(self) -> str:
        """Give the heading of the page in the frame, once there is one."""
        return self._in_frame("h1").text

    def wait_for(self, heading: str) -> None:
        """Wait for the page with this heading in the frame."""

        def there(_: WebDriver) -> bool:
            return self.heading() == heading

        self._wait(there, lambda: f"{heading!r} never came, but {self.heading()!r}")

    def wait_for_top(self, heading: str) -> None:
        """Wait for a page with this heading in the window itself."""

        def there(driver: WebDriver) -> bool:
            driver.switch_to.default_content()
            return driver.find_element(By.CSS_SELECTOR, "h1").text == heading

        self._wait(there, lambda: f"{heading!r} never came")

    def rows(self, person: Person) -> list[tuple]:
        """Give what is saved about a person."""
        with psycopg.connect(self.database_url) as connection:
            query = "SELECT is_onboarded FROM user_profile WHERE user_id = %s"
            return connection.execute(query, [person.user_id]).fetchall()

    def choose(self, value: str) -> None:
        Select(self._in_frame("select")).select_by_value(value)

    def press(self) -> None:
        self._in_frame("main button").click()

    def shows(self, text: str) -> bool:
        """Tell whether the page in the frame shows a text, to people's eyes."""
        return text in self._in_frame("main").text

    def chosen(self) -> str | None:
        return Select(self._in_frame("select")).first_selected_option.get_attribute("value")

    def click_link(self, text: str) -> None:
        self._in_frame("main")
        self.driver.find_element(By.LINK_TEXT, text).click()

    def heard(self) -> list[list[object]]:
        self.driver.switch_to.default_content()
        said: list[list[object]] = self.driver.execute_script("return heard")
        return said

    def forget(self) -> None:
        """Take every cookie of the test away again."""
        for origin in (self.app_url, *self.visited):
            self.driver.get(f"{origin}/healthz" if origin == self.app_url else f"{origin}/none")
            self.driver.delete_all_cookies()

    def _in_frame(self, selector: str) -> WebElement:
        def found(driver: WebDriver) -> WebElement | None:
            driver.switch_to.default_content()
            root = driver.find_element(By.CSS_SELECTOR, "onboarding-frame").shadow_root
            driver.switch_to.frame(root.find_element(By.CSS_SELECTOR, "iframe"))
            return driver.find_element(By.CSS_SELECTOR, selector)

        return self._wait(found, lambda: f"no {selector} in the frame")

    def _wait(self, condition, message):
        waiting = WebDriverWait(
            self.driver,
            PATIENCE_S,
            poll_frequency=0.05,
            ignored_exceptions=(NoSuchElementException, WebDriverException),
        )
        try:
            return waiting.until(condition)
        except WebDriverException as error:
            raise AssertionError(message()) from error
