"""The element <onboarding-frame> in pages of a main site: what it shows, says, and never hears."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, Route, expect

from devstack.app import App
from devstack.processes import ROOT, free_port
from tests.conftest import Stage
from tests.e2e.conftest import Stranger, Watch
from tests.e2e.pages import (
    PROFILE,
    PYTHON,
    REVIEW,
    ROLE,
    SIGNED_OUT,
    WATCH_JUMPS,
    answer_both,
    choose,
    confirm,
    enter,
    expect_page,
    expect_profile,
    go_on,
    wizard_query,
)
from tests.visitor import Person

AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"

THEMES = """
[acme]
accent = ["#0a6b4b", "#6fdcb0"]
accent-ink = ["#ffffff", "#06281b"]
radius = "0px"
font = "serif"
"""


@pytest.fixture(scope="session")
def embeddable(
    stage: Stage, stranger: Stranger, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app with pages of a test's own around it: same site at localhost, another at 127.0.0.1."""
    themes = tmp_path_factory.mktemp("themes") / "themes.toml"
    themes.write_text(THEMES)
    origins = [f"http://{host}:{stranger.port}" for host in ("localhost", "127.0.0.1")]
    app = App(
        free_port(),
        stage.app.database_url,
        stage.app.secret,
        stage.site.url,
        settings={"EMBED_ORIGINS": ",".join(origins), "THEMES_FILE": str(themes)},
    )
    with app.start(stage.logs / "embeddable-app.log"):
        yield app.url


TYPES = ("ready", "resize", "step", "completed", "signin-required", "error")
LISTEN = f"""
  window.heard = [];
  for (const type of {json.dumps(TYPES)})
    addEventListener(type, (event) => {{
      if (event.target.localName === "onboarding-frame") heard.push([type, event.detail]);
    }}, true);
"""


class Host:
    """A page of the main site with the element in it."""

    def __init__(self, page: Page, app: str, stranger: Stranger) -> None:
        self.page = page
        self.app = app
        self._stranger = stranger

    def show(
        self,
        attributes: str = "",
        *,
        path: str = "/",
        host: str = "localhost",
        around: str = "{}",
        plain: bool = False,
    ) -> "Host":
        """Show a page with the element; `plain`: with no address but what `attributes` say."""
        source = "" if plain else f'src="{self.app}{path}"'
        element = (
            f"<onboarding-frame {source} {attributes}>"
            f'<a href="{self.app}/">Set up your profile</a></onboarding-frame>'
        )
        html = (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Main site</title>"
            "<link rel=icon href=data:,>"
            f"<script>{LISTEN}</script><script src='{self.app}/embed.js' async></script>"
            + around.replace("{}", element)
        )
        self.page.goto(self._stranger.put_up(html, host))
        return self

    @property
    def frame(self) -> FrameLocator:
        return self.page.get_by_title("Your profile").content_frame

    def heard(self, *types: str) -> list[list[Any]]:
        """Give what the element has said so far, of these types or all."""
        return [said for said in self.page.evaluate("heard") if not types or said[0] in types]

    def wait_for(self, kind: str, count: int = 1) -> Any:
        """Wait until the element has said this so often; gives the last one's detail."""
        self.page.wait_for_function(
            "([kind, count]) => heard.filter(([type]) => type === kind).length >= count",
            arg=[kind, count],
        )
        return self.heard(kind)[-1][1]

    def the(self, expression: str) -> Any:
        """Evaluate an expression over `element`."""
        return self.page.locator("onboarding-frame").first.evaluate(f"element => {expression}")


@pytest.fixture
def host(window: Callable[..., Page], embeddable: str, stranger: Stranger) -> Callable[..., Host]:
    def host(person: Person | None = None, **options: object) -> Host:
        return Host(window(person, **options), embeddable, stranger)

    return host


def test_the_page_around_is_told_each_step_and_the_end_and_nothing_more(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada).show()
    answer_both(at.frame, "Advanced", "None of these")
    confirm(at.frame)
    expect_profile(at.frame, "Advanced", "None of these")
    at.wait_for("completed")
    assert at.heard("ready", "step", "completed", "error", "signin-required") == [
        ["ready", {"step": "python-proficiency"}],
        ["step", {"step": "python-proficiency", "index": 1, "total": 3}],
        ["step", {"step": "developer-role", "index": 2, "total": 3}],
        ["step", {"step": "review", "index": 3, "total": 3}],
        ["completed", {"already": False}],
    ]
    assert at.the("[element.state, element.step]") == ["complete", "profile"]
    told = json.dumps(at.heard())
    for kept in ("Advanced", "None", ada.user_id, ada.email, ada.token):
        assert kept not in told


def test_somebody_who_is_onboarded_already_is_told_so(
    host: Callable[..., Host], ada: Person, embeddable: str
) -> None:
    at = host(ada)
    at.page.goto(embeddable + wizard_query("Beginner", "None"))
    confirm(at.page)
    expect_page(at.page, PROFILE)
    at.show()
    assert at.wait_for("completed") == {"already": True}
    assert at.heard("step") == []


@pytest.mark.parametrize("width", [320, 600, 1000])
def test_the_frame_is_as_high_as_its_page_and_then_keeps_still(
    host: Callable[..., Host], ada: Person, width: int
) -> None:
    at = host(ada, viewport={"width": width, "height": 700}).show(around="<p>before</p>{}<p>after")
    at.wait_for("ready")
    shifts = at.page.evaluate_handle(
        """() => { const seen = []; new PerformanceObserver((list) => seen.push(...list.getEntries()))
            .observe({type: "layout-shift"}); return seen; }"""
    )
    at.page.wait_for_timeout(300)
    settled = len(at.heard("resize"))
    at.page.wait_for_timeout(300)
    assert len(at.heard("resize")) == settled <= 3
    assert shifts.evaluate("seen => seen.length") == 0
    shown = at.frame.locator(":root").evaluate(
        "root => [root.scrollHeight - root.clientHeight, root.scrollWidth - root.clientWidth]"
    )
    assert shown == [0, 0]
    height = at.frame.locator(".page").evaluate("page => page.getBoundingClientRect().height")
    box = at.page.get_by_title("Your profile").bounding_box()
    assert box is not None
    assert 0 <= box["height"] - height < 1


def test_the_next_step_comes_into_view_when_the_frame_begins_above_it(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada, viewport={"width": 600, "height": 300}).show(
        around="<div style='height:600px'></div>{}<div style='height:2000px'></div>"
    )
    at.wait_for("ready")
    assert at.page.evaluate("scrollY") == 0
    choose(at.frame, "Beginner")
    at.page.evaluate("scrollTo(0, 760)")
    go_on(at.frame)
    expect_page(at.frame, ROLE)
    at.wait_for("step", 2)
    top = at.page.locator("onboarding-frame").bounding_box()
    assert top is not None
    assert 0 <= top["y"] < 300


def test_a_site_that_is_not_listed_gets_an_error_and_the_link(
    window: Callable[..., Page],
    served_app: str,
    stranger: Stranger,
    ada: Person,
    watch: Watch,
) -> None:
    watch.expect("frame-ancestors")
    at = Host(window(ada), served_app, stranger).show('timeout="600"')
    assert at.wait_for("error") == {"code": "timeout"}
    assert at.the("element.state") == "error"
    link = at.page.get_by_role("link", name="Set up your profile")
    expect(link).to_be_visible()
    expect(at.page.get_by_title("Your profile")).to_be_hidden()
    assert [said[0] for said in at.heard()] == ["error"]


def test_without_javascript_the_link_is_what_there_is(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada, java_script_enabled=False).show()
    at.page.get_by_role("link", name="Set up your profile").click()
    expect_page(at.page, PYTHON)


def test_a_slow_answer_still_counts(host: Callable[..., Host], ada: Person) -> None:
    at = host(ada).show('timeout="1"')
    at.wait_for("ready")
    assert ["error", {"code": "timeout"}] in at.heard("error")
    expect_page(at.frame, PYTHON)
    expect(at.page.get_by_role("link", name="Set up your profile")).to_be_hidden()
    assert at.the("element.state") == "ready"


FORGERIES = """
  (app) => {
    const junk = [null, 0, "hello", [], {}, {onboarding: 1}, {type: "hello"}, {onboarding: 1, type: "hello"},
      {onboarding: 2, type: "hello"}, {onboarding: 1, type: "page", step: "profile"},
      {onboarding: 1, type: "resize", height: 1e9}];
    const other = document.createElement("iframe");
    other.srcdoc = "<p>";
    document.body.append(other);
    for (const data of junk) {
      postMessage(data, "*");
      other.contentWindow.eval("parent").postMessage(data, "*");
      other.contentWindow.eval(`parent.postMessage(${JSON.stringify(data)}, "*")`);
      dispatchEvent(new MessageEvent("message", {data, origin: app, source: other.contentWindow}));
    }
  }
"""


def test_nobody_else_is_heard(host: Callable[..., Host], ada: Person, embeddable: str) -> None:
    at = host(ada).show()
    at.wait_for("ready")
    before = at.heard("ready", "step", "completed", "error", "signin-required")
    at.page.evaluate(FORGERIES, embeddable)
    at.page.wait_for_timeout(200)
    assert at.heard("ready", "step", "completed", "error", "signin-required") == before
    assert at.the("element.state") == "ready"
    # And the way is still open.
    choose(at.frame, "Beginner")
    go_on(at.frame)
    at.wait_for("step", 2)


def test_the_page_inside_takes_a_port_from_nobody_but_the_listed_page_around_it(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada).show()
    at.wait_for("ready")
    said = at.frame.locator(":root").evaluate(
        """() => new Promise((done) => {
          const {port1, port2} = new MessageChannel();
          const heard = [];
          port1.onmessage = ({data}) => heard.push(data);
          postMessage({onboarding: 1, type: "port"}, "*", [port2]);
          setTimeout(() => done(heard), 200);
        })"""
    )
    assert said == []
    # From the page around it, but in a version that nobody knows, or without a port, or as junk.
    at.page.evaluate(
        """(app) => {
          const frame = document.querySelector("onboarding-frame").shadowRoot.querySelector("iframe");
          window.leaked = [];
          for (const data of [null, 1, {}, {onboarding: 2, type: "port"}, {onboarding: 1}]) {
            const {port1, port2} = new MessageChannel();
            port1.onmessage = ({data}) => leaked.push(data);
            frame.contentWindow.postMessage(data, app, [port2]);
          }
          frame.contentWindow.postMessage({onboarding: 1, type: "port"}, app);
        }""",
        at.app,
    )
    at.page.wait_for_timeout(200)
    assert at.page.evaluate("leaked") == []
    choose(at.frame, "Beginner")
    go_on(at.frame)
    at.wait_for("step", 2)


def test_a_version_that_the_element_does_not_know_is_an_error_with_the_link(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada).show()
    at.wait_for("ready")
    at.frame.locator(":root").evaluate(
        "() => parent.postMessage({onboarding: 2, type: 'hello'}, '*')"
    )
    assert at.wait_for("error") == {"code": "protocol"}
    expect(at.page.get_by_role("link", name="Set up your profile")).to_be_visible()


HOSTILE_APP = """<!doctype html><meta charset=utf-8><div class=page>x</div><script>
  addEventListener("message", ({ports: [port]}) => {
    for (const data of [{type: "resize", height: 1e9}, {type: "nonsense"}, {type: "page", step: "x"},
        {type: "page", step: "constructor"}])
      port.postMessage(data);
  });
  parent.postMessage({onboarding: 1, type: "hello"}, "*");
</script>"""


def test_even_an_app_that_has_gone_wild_makes_no_page_of_a_kilometre(
    host: Callable[..., Host], stranger: Stranger, ada: Person
) -> None:
    at = host(ada).show()
    at.wait_for("ready")
    wild = stranger.put_up(HOSTILE_APP)
    at.page.evaluate(
        "url => document.querySelector('onboarding-frame').setAttribute('src', url)", wild
    )
    at.wait_for("ready", 2)
    assert at.heard("resize")[-1][1] == {"height": 20000}
    assert at.the("element.state") == "ready"


def test_several_elements_stand_side_by_side_and_one_can_leave_and_come_back(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada).show(around="{}<hr>{}")
    at.wait_for("ready", 2)
    at.page.evaluate(
        """() => {
          const [first] = document.querySelectorAll("onboarding-frame");
          first.remove();
          document.body.append(first);
        }"""
    )
    at.wait_for("ready", 3)
    assert at.page.locator("iframe").count() == 2
    states = "[...document.querySelectorAll('onboarding-frame')].map((one) => one.state)"
    assert at.page.evaluate(states) == ["ready", "ready"]
    at.page.evaluate("document.querySelectorAll('onboarding-frame').forEach((one) => one.remove())")
    at.page.evaluate(FORGERIES, at.app)
    assert at.heard("error") == []


def test_a_page_that_comes_back_from_the_browsers_cache_says_hello_again(
    host: Callable[..., Host], ada: Person
) -> None:
    """Not every Chromium keeps whole pages, so the event of such a return is sent by hand."""
    at = host(ada).show()
    at.wait_for("ready")
    # The parent's end of the channel is gone when it comes back, too.
    at.frame.locator(":root").evaluate(
        "() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    )
    at.wait_for("step", 2)
    assert at.the("[element.state, element.step]") == ["ready", "python-proficiency"]
    assert len(at.heard("ready")) == 1
    choose(at.frame, "Beginner")
    go_on(at.frame)
    at.wait_for("step", 3)


def test_going_away_and_back_finds_the_frame_alive(host: Callable[..., Host], ada: Person) -> None:
    at = host(ada).show()
    at.wait_for("ready")
    at.page.goto("about:blank")
    at.page.go_back()
    expect_page(at.frame, PYTHON)
    choose(at.frame, "Beginner")
    go_on(at.frame)
    expect_page(at.frame, ROLE)
    at.page.wait_for_function(
        "document.querySelector('onboarding-frame').step === 'developer-role'"
    )


def test_signed_out_the_page_around_hears_why_and_where_and_reloads_after_the_sign_in(
    host: Callable[..., Host], stage: Stage, ada: Person, watch: Watch
) -> None:
    watch.expect_status(401)
    at = host().show()
    said = at.wait_for("signin-required")
    assert said["reason"] == "no-session"
    assert said["url"].startswith(f"{stage.site.url}/sign-in?callbackURL=")
    assert at.the("element.state") == "signin"
    enter(at.page.context, ada)
    at.page.evaluate("document.querySelector('onboarding-frame').reload()")
    expect_page(at.frame, PYTHON)
    assert at.the("element.state") == "ready"


def test_a_session_that_ends_half_way_is_told_from_none(
    host: Callable[..., Host], ada: Person, watch: Watch
) -> None:
    watch.expect_status(401)
    at = host(ada).show()
    choose(at.frame, "Beginner")
    at.page.context.clear_cookies()
    go_on(at.frame)
    expect_page(at.frame, SIGNED_OUT)
    assert at.wait_for("signin-required")["reason"] == "expired"


def test_across_sites_the_frame_says_so_and_offers_a_tab_of_its_own(
    host: Callable[..., Host], ada: Person, watch: Watch
) -> None:
    watch.expect_status(401)
    at = host(ada).show(host="127.0.0.1")
    expect_page(at.frame, "Open this page in a new tab")
    assert at.wait_for("signin-required")["reason"] == "cookies-blocked"
    with at.page.context.expect_page() as opened:
        at.frame.get_by_role("link", name="Open in a new tab").click()
    expect_page(opened.value, PYTHON)


STRICT = (
    "allow-scripts allow-forms allow-same-origin allow-top-navigation-by-user-activation"
    " allow-popups allow-popups-to-escape-sandbox"
)


def test_in_the_strictest_sandbox_that_can_work_all_of_it_works(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada).show(f'sandbox="{STRICT}"')
    answer_both(at.frame, "Beginner", "Backend developer")
    confirm(at.frame)
    expect_profile(at.frame, "Beginner", "Backend developer")
    assert at.wait_for("completed") == {"already": False}


def test_a_sandbox_that_takes_our_origin_away_is_named_and_loses_no_answer(
    host: Callable[..., Host], ada: Person, watch: Watch
) -> None:
    watch.expect_status(403)
    watch.expect("Blocked script execution")
    sandbox = "allow-forms allow-popups allow-popups-to-escape-sandbox"
    at = host(ada).show(f'sandbox="{sandbox}" timeout="60000"')
    expect_page(at.frame, PYTHON)
    choose(at.frame, "Advanced")
    go_on(at.frame)
    expect_page(at.frame, "This page can't save here")
    with at.page.context.expect_page() as opened:
        at.frame.get_by_role("link", name="Open in a new tab").click()
    expect(opened.value.get_by_label(PYTHON)).to_have_value("Advanced")


def ground(at: Host) -> str:
    return at.frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")


def test_a_theme_is_followed_through_all_steps(host: Callable[..., Host], ada: Person) -> None:
    at = host(ada, color_scheme="light").show('theme="dark"')
    expect_page(at.frame, PYTHON)
    dark = ground(at)
    assert dark == "rgb(20, 23, 28)"
    answer_both(at.frame, "Beginner", "None of these")
    assert ground(at) == dark
    confirm(at.frame)
    expect_page(at.frame, PROFILE)
    assert ground(at) == dark


def test_a_theme_can_change_without_an_answer_being_lost(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada, color_scheme="dark").show('theme="light"')
    choose(at.frame, "Beginner")
    go_on(at.frame)
    expect_page(at.frame, ROLE)
    assert ground(at) == "rgb(255, 255, 255)"
    at.the("element.setAttribute('theme', 'dark')")
    at.wait_for("step", 3)
    expect_page(at.frame, ROLE)
    assert ground(at) == "rgb(20, 23, 28)"
    choose(at.frame, "None of these")
    go_on(at.frame)
    expect_page(at.frame, REVIEW)
    expect(at.frame.get_by_text("Beginner")).to_be_visible()


def test_a_language_is_followed_through_all_steps_and_can_change(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada, locale="de").show('lang="ur"')
    for step in ("python-proficiency", "developer-role"):
        expect(at.frame.locator("body")).to_have_attribute("data-step", step)
        expect(at.frame.locator("html")).to_have_attribute("dir", "rtl")
        at.frame.get_by_role("combobox").select_option(index=1)
        at.frame.get_by_role("button").click()
    expect_page(at.frame, "اپنے جوابات کا جائزہ لیں")
    at.the("element.setAttribute('lang', 'en')")
    expect_page(at.frame, "Check your answers")
    at.the("element.removeAttribute('lang')")
    expect(at.frame.locator("html")).to_have_attribute("lang", "en")


def test_a_named_theme_dresses_the_pages(host: Callable[..., Host], ada: Person) -> None:
    at = host(ada, color_scheme="light").show('theme="acme"')
    expect_page(at.frame, PYTHON)
    button = at.frame.get_by_role("button").evaluate(
        "button => [getComputedStyle(button).backgroundColor, getComputedStyle(button).borderRadius]"
    )
    assert button == ["rgb(10, 107, 75)", "0px"]


@pytest.mark.parametrize(
    "attributes",
    [
        'theme="nobody"',
        'theme="\'><script>alert(1)</script>"',
        'theme="../../etc/passwd" lang="xx&theme=dark&return_to=//evil"',
        'lang="\u202edlrow"',
        'theme=""',
    ],
)
def test_a_hostile_theme_or_language_changes_nothing(
    host: Callable[..., Host], ada: Person, attributes: str
) -> None:
    at = host(ada, color_scheme="light").show(attributes)
    at.wait_for("ready")
    expect_page(at.frame, PYTHON)
    assert ground(at) == "rgb(255, 255, 255)"
    assert at.heard("error") == []


def test_focus_goes_to_the_heading_when_the_page_around_asks_for_it(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada).show()
    at.wait_for("ready")
    assert at.page.evaluate("document.activeElement.tagName") == "BODY"
    at.the("element.focus()")
    expect(at.frame.get_by_role("heading", level=1)).to_be_focused()


def test_a_page_that_trusts_nothing_else_can_have_the_element(
    host: Callable[..., Host], ada: Person, stranger: Stranger, embeddable: str
) -> None:
    """With COEP require-corp, and a policy that allows the app's origin alone."""
    at = host(ada)
    html = (
        f"<!doctype html><title>x</title><link rel=icon href=data:,><script src='{embeddable}/embed.js'></script>"
        f"<onboarding-frame src='{embeddable}/'></onboarding-frame>"
    )
    url = stranger.put_up(
        html,
        headers={
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Content-Security-Policy": (
                f"default-src 'none'; img-src data:; script-src {embeddable}; frame-src {embeddable}"
            ),
        },
    )
    at.page.goto(url)
    expect_page(at.frame, PYTHON)
    at.page.wait_for_function("document.querySelector('onboarding-frame').state === 'ready'")
    box = at.page.get_by_title("Your profile").bounding_box()
    assert box is not None
    assert box["width"] > 400


def test_in_a_frame_without_scripts_all_of_it_works(
    host: Callable[..., Host], ada: Person, watch: Watch
) -> None:
    watch.expect("Blocked script execution")
    at = host(ada).show('sandbox="allow-forms allow-same-origin" timeout="60000"')
    answer_both(at.frame, "Beginner", "Backend developer")
    confirm(at.frame)
    expect_profile(at.frame, "Beginner", "Backend developer")
    assert at.heard() == []


# Each page in the frame by its step, from the first question to the profile.
STEPS = ("python-proficiency", "developer-role", "review", "profile")


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "ur")])
def test_axe_finds_nothing_in_the_frame_and_around_it_and_nothing_jumps(
    host: Callable[..., Host], ada: Person, watch: Watch, scheme: str, language: str
) -> None:
    watch.expect_status(401)
    at = host(ada, color_scheme=scheme)
    at.page.add_init_script(WATCH_JUMPS)
    at.show(f"lang={language}", around="<main><h1>Main site</h1>{}</main>")

    def is_fine(step: str) -> None:
        expect(at.frame.locator(f"body[data-step={step}]")).to_be_visible()
        expect(at.frame.locator("html")).to_have_attribute("lang", language)
        # What axe can't decide by itself counts as found, too.
        for where in (at.page.main_frame, at.page.frames[-1]):
            where.evaluate(AXE.read_text())
            # Each is looked at by itself, so that axe needn't pass through the frame's edge.
            report = where.evaluate(
                "axe.run({iframes: false, rules: {'frame-tested': {enabled: false}}})"
            )
            found = [(one["id"], one["nodes"]) for one in report["violations"]]
            unsure = [(one["id"], one["nodes"]) for one in report["incomplete"]]
            assert found == unsure == []
        assert at.page.frames[-1].evaluate("jumps") == []

    button = at.frame.locator("form button")
    is_fine(STEPS[0])
    button.click()
    expect(at.frame.get_by_role("alert")).to_be_visible()
    is_fine(STEPS[0])
    for step in STEPS[1:3]:
        at.frame.get_by_role("combobox").select_option(index=1)
        button.click()
        is_fine(step)
    button.click()
    is_fine(STEPS[3])
    at.page.context.clear_cookies()
    at.the("element.reload()")
    is_fine("signed-out")


FRAME = "document.querySelector('onboarding-frame').shadowRoot.querySelector('iframe')"


def test_a_foreign_page_in_our_own_frame_gets_no_port(
    host: Callable[..., Host], stranger: Stranger, ada: Person
) -> None:
    at = host(ada).show('timeout="1500"')
    at.wait_for("ready")
    foreign = stranger.put_up(
        "<!doctype html><link rel=icon href=data:,><script>ports = []; addEventListener('message', (e) => ports.push(e.ports.length));"
        "parent.postMessage({onboarding: 1, type: 'hello'}, '*')</script>",
        host="127.0.0.1",
    )
    at.page.evaluate(f"url => {{ {FRAME}.src = url }}", foreign)
    # A page that isn't ours is noticed like one that never came.
    assert at.wait_for("error") == {"code": "timeout"}
    expect(at.page.get_by_role("link", name="Set up your profile")).to_be_visible()
    assert at.page.frames[-1].evaluate("ports") == []


def test_a_frame_beside_ours_cannot_hand_it_a_port(
    host: Callable[..., Host], stranger: Stranger, ada: Person
) -> None:
    """Not even one on a listed origin: the page takes a port from its parent alone."""
    at = host(ada).show()
    at.wait_for("ready")
    sibling = stranger.put_up("<!doctype html><link rel=icon href=data:,><p>beside")
    with at.page.expect_event("framenavigated", lambda frame: frame.url == sibling) as navigated:
        at.page.evaluate(
            f"""(url) => {{
              window.ours = {FRAME}.contentWindow;
              const other = document.createElement("iframe");
              other.src = url;
              document.body.append(other);
            }}""",
            sibling,
        )
    other = navigated.value
    said = other.evaluate(
        """() => new Promise((done) => {
          const heard = [], {port1, port2} = new MessageChannel();
          port1.onmessage = (e) => heard.push(e.data);
          parent.ours.postMessage({onboarding: 1, type: "port"}, "*", [port2]);
          setTimeout(() => done(heard), 300);
        })"""
    )
    assert said == []


def test_a_page_on_an_origin_that_is_not_listed_gets_nothing_out_of_ours(
    window: Callable[..., Page], embeddable: str, ada: Person, watch: Watch
) -> None:
    """Were a browser not to heed frame-ancestors, the page inside would still say nothing."""
    watch.expect_status(401)
    page = window(ada)
    around = (
        "<!doctype html><link rel=icon href=data:,><script>said = [];"
        "addEventListener('message', ({source, data}) => {"
        "  const {port1, port2} = new MessageChannel();"
        "  port1.onmessage = ({data}) => said.push(data);"
        "  said.push(data);"
        "  source.postMessage({onboarding: 1, type: 'port'}, '*', [port2]) })</script>"
        f"<iframe src='{embeddable}/signed-out'></iframe>"
    )
    page.route(
        "http://unlisted.localhost/",
        lambda route: route.fulfill(content_type="text/html", body=around),
    )

    def without_policy(route: Route) -> None:
        answer = route.fetch()
        kept = {k: v for k, v in answer.headers.items() if k != "content-security-policy"}
        route.fulfill(response=answer, headers=kept)

    page.route(f"{embeddable}/signed-out", without_policy)
    page.goto("http://unlisted.localhost/")
    page.wait_for_function("said.length > 0")
    page.wait_for_timeout(300)
    assert page.evaluate("said") == [{"onboarding": 1, "type": "hello"}]


def test_a_removed_element_hears_and_says_nothing(host: Callable[..., Host], ada: Person) -> None:
    at = host(ada).show('timeout="300"')
    at.wait_for("ready")
    at.page.evaluate(
        """() => {
          window.gone = document.querySelector("onboarding-frame");
          for (const type of ["ready", "resize", "step", "error"])
            gone.addEventListener(type, (event) => heard.push(["gone", event.type]));
          gone.remove();
          gone.reload();
          gone.focus();
          gone.setAttribute("theme", "dark");
        }"""
    )
    at.page.evaluate(FORGERIES, at.app)
    at.page.wait_for_timeout(500)
    assert at.heard("gone") == []
    assert at.page.evaluate("gone.shadowRoot.querySelector('iframe')") is None


SOURCES = {"empty": 'src=""', "missing": "", "no address": 'src="http://["', "script": 'src="javascript:parent.pwned=1"'}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_without_an_address_that_can_be_shown_there_is_the_link(
    host: Callable[..., Host], ada: Person, source: str
) -> None:
    at = host(ada).show(SOURCES[source], plain=True)
    expect(at.page.get_by_role("link", name="Set up your profile")).to_be_visible()
    assert at.page.locator("iframe").count() == 0
    assert at.page.evaluate("window.pwned") is None
    expected = [] if source in ("empty", "missing") else [["error", {"code": "protocol"}]]
    assert at.heard() == expected
    # An address that comes late is shown.
    at.page.evaluate(
        "url => document.querySelector('onboarding-frame').setAttribute('src', url)", f"{at.app}/"
    )
    expect_page(at.frame, PYTHON)
    at.wait_for("ready")


def test_a_page_that_hides_the_element_hides_it(host: Callable[..., Host], ada: Person) -> None:
    at = host(ada).show()
    at.wait_for("ready")
    at.the("element.hidden = true")
    expect(at.page.get_by_title("Your profile")).to_be_hidden()


def test_a_theme_takes_what_was_chosen_along_and_no_focus(
    host: Callable[..., Host], ada: Person
) -> None:
    at = host(ada, color_scheme="light").show('theme="light"', around="{}<input id=mine>")
    choose(at.frame, "Beginner")
    go_on(at.frame)
    expect_page(at.frame, ROLE)
    choose(at.frame, "Backend developer")
    at.page.locator("#mine").focus()
    at.the("element.setAttribute('theme', 'dark')")
    at.wait_for("step", 3)
    expect(at.frame.get_by_label(ROLE)).to_have_value("Backend Developer")
    assert ground(at) == "rgb(20, 23, 28)"
    expect(at.page.locator("#mine")).to_be_focused()
    at.the("element.removeAttribute('theme')")
    at.wait_for("step", 4)
    assert ground(at) == "rgb(255, 255, 255)"


def test_an_error_first_and_then_a_page_is_still_a_beginning(
    host: Callable[..., Host], ada: Person, watch: Watch
) -> None:
    watch.expect_status(404)
    at = host(ada).show(path="/nowhere")
    assert at.wait_for("error") == {"code": "server"}
    at.frame.get_by_role("link", name="Go to your profile").click()
    at.wait_for("ready")
    answer_both(at.frame, "Beginner", "None of these")
    confirm(at.frame)
    assert at.wait_for("completed") == {"already": False}
