"""The style sheet in the page and the policy that allows it by its hash, in a browser that holds to it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route

from devstack.app import App
from devstack.processes import free_port
from tests.conftest import Stage
from tests.e2e.conftest import Watch
from tests.visitor import Person

QUESTION = "/onboarding/python-proficiency"
THEMES = """
[acme]
accent = ["#0a6b4b", "#6fdcb0"]
accent-ink = ["#ffffff", "#06281b"]
radius = "0px"
"""
BLUE, LIGHT_BLUE, GREEN = "rgb(31, 95, 191)", "rgb(138, 180, 248)", "rgb(10, 107, 75)"
UNSTYLED = "rgb(239, 239, 239)"
BUTTON = "getComputedStyle(document.querySelector('form button')).backgroundColor"
REFUSED = "violates the following Content Security Policy directive"


@pytest.fixture(scope="module")
def themed_app(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a named theme; gives its address."""
    themes = tmp_path_factory.mktemp("themes") / "themes.toml"
    themes.write_text(THEMES)
    app = App(
        free_port(),
        stage.app.database_url,
        stage.app.secret,
        stage.site.url,
        settings={"THEMES_FILE": str(themes)},
    )
    with app.start(stage.logs / "themed-app.log"):
        yield app.url


@pytest.fixture
def open_page(window: Callable[..., Page], themed_app: str, ada: Person) -> Callable[..., Page]:
    def open_page(
        path: str = QUESTION, scheme: str = "light", change: Callable | None = None
    ) -> Page:
        page = window(ada, base_url=themed_app, color_scheme=scheme, reduced_motion="reduce")
        if change:
            page.route(f"**{QUESTION}", change)
        page.goto(path)
        return page

    return open_page


@pytest.mark.parametrize(
    ("query", "scheme", "colour"),
    [
        ("", "light", BLUE),
        ("", "dark", LIGHT_BLUE),
        ("?theme=dark", "light", LIGHT_BLUE),
        ("?theme=acme", "light", GREEN),
        ("?theme=nobody", "light", BLUE),
    ],
)
def test_the_policy_lets_the_sheet_in(
    open_page: Callable[..., Page], query: str, scheme: str, colour: str
) -> None:
    page = open_page(QUESTION + query, scheme)
    assert page.evaluate(BUTTON) == colour
    # What a page needs at its first paint is in it.
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map((one) => one.initiatorType)"
    )
    assert set(asked) <= {"other", "img"}


def test_no_other_style_gets_in(open_page: Callable[..., Page], watch: Watch) -> None:
    page = open_page()
    watch.expect(REFUSED)
    page.evaluate(
        """() => {
          document.head.append(Object.assign(document.createElement("style"),
            { textContent: "form button { background: red }" }));
          document.head.append(Object.assign(document.createElement("link"),
            { rel: "stylesheet", href: "/static/style.css" }));
          document.querySelector("form button").setAttribute("style", "background: red");
        }"""
    )
    assert page.evaluate(BUTTON) == BLUE
    assert len(watch.expected) == 3


def test_a_page_that_something_rewrote_on_its_way_stands_without_style(
    open_page: Callable[..., Page], watch: Watch
) -> None:
    watch.expect(REFUSED)

    def with_a_blank(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</style>", " </style>"))

    assert open_page(change=with_a_blank).evaluate(BUTTON) == UNSTYLED
