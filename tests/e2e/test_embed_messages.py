"""Who hears whom: the element and the page in its frame talk to each other and to nobody else."""

import pytest
from playwright.sync_api import Route, expect

from tests.e2e import pages
from tests.e2e.embed_page import BLANK, FRAME, EmbedPage

pytestmark = pytest.mark.slow

FORGE = """(app) => {
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
}"""
# Offers a port with each message to `TARGET`; returns what came through one of them.
OFFER_PORTS = """(messages) => new Promise((done) => {
  const heard = [];
  for (const message of messages) {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = ({data}) => heard.push(data);
    TARGET.postMessage(message, "*", [port2]);
  }
  setTimeout(() => done(heard), 300);
})"""
VALID = {"onboarding": 1, "type": "port"}


@pytest.fixture
def ready(embed, user) -> EmbedPage:
    """A page whose frame shows the first question."""
    page = embed(user).show('timeout="1500"')
    page.wait_for("ready")
    return page


def expect_still_working(page: EmbedPage) -> None:
    pages.answer(page.frame, pages.FIRST)
    page.wait_for("step", 2)


def test_the_element_hears_only_its_own_frame(ready):
    before = ready.events()
    ready.page.evaluate(FORGE, ready.app)
    ready.page.wait_for_timeout(200)
    assert ready.events() == before
    expect_still_working(ready)


def test_the_frame_takes_no_port_from_itself_nor_with_a_message_of_another_form(ready):
    offer = OFFER_PORTS.replace("TARGET", "self")
    assert ready.page.frames[-1].evaluate(offer, [VALID]) == []
    offer = OFFER_PORTS.replace("TARGET", f"{FRAME}.contentWindow")
    junk = [None, 1, {}, {"onboarding": 2, "type": "port"}, {"onboarding": 1}]
    assert ready.page.evaluate(offer, junk) == []
    expect_still_working(ready)


def test_the_frame_takes_no_port_from_a_frame_beside_it_on_a_listed_origin(ready, other_site):
    sibling = other_site.serve(f"{BLANK}<p>beside")
    with ready.page.expect_event("framenavigated", lambda frame: frame.url == sibling) as navigated:
        ready.page.evaluate(
            f"""(url) => {{
              window.target = {FRAME}.contentWindow;
              document.body.append(Object.assign(document.createElement("iframe"), {{src: url}}));
            }}""",
            sibling,
        )
    offer = OFFER_PORTS.replace("TARGET", "parent.target")
    assert navigated.value.evaluate(offer, [VALID]) == []


def test_an_unknown_version_is_an_error_with_the_link(ready):
    ready.page.frames[-1].evaluate("parent.postMessage({onboarding: 2, type: 'hello'}, '*')")
    assert ready.wait_for("error") == {"code": "protocol"}
    expect(ready.fallback).to_be_visible()


def test_even_a_hostile_app_makes_no_endless_page(ready, other_site):
    hostile = other_site.serve(
        f"""{BLANK}<div class=page>x</div><script>
          addEventListener("message", ({{ports: [port]}}) => {{
            for (const data of [{{type: "resize", height: 1e9}}, {{type: "nonsense"}},
                {{type: "page", step: "x"}}, {{type: "page", step: "constructor"}}])
              port.postMessage(data);
          }});
          parent.postMessage({{onboarding: 1, type: "hello"}}, "*");
        </script>"""
    )
    ready.element(f"element.setAttribute('src', '{hostile}')")
    ready.wait_for("ready", 2)
    assert ready.events("resize")[-1][1] == {"height": 20000}
    assert ready.element("element.state") == "ready"


def test_a_foreign_page_in_our_own_frame_gets_no_port(ready, other_site):
    foreign = other_site.serve(
        f"{BLANK}<script>ports = []; addEventListener('message', (e) => ports.push(e.ports.length));"
        "parent.postMessage({onboarding: 1, type: 'hello'}, '*')</script>",
        host="127.0.0.1",
    )
    ready.page.evaluate(f"url => {{ {FRAME}.src = url }}", foreign)
    # A page that isn't the app's is noticed like one that never came.
    assert ready.wait_for("error") == {"code": "timeout"}
    expect(ready.fallback).to_be_visible()
    assert ready.page.frames[-1].evaluate("ports") == []


def test_a_page_that_is_not_listed_hears_nothing_even_where_frame_ancestors_fails(
    window, embeddable_app, user, console
):
    console.expect_status(401)
    page = window(user)
    around = (
        f"{BLANK}<script>said = [];"
        "addEventListener('message', ({source, data}) => {"
        "  const {port1, port2} = new MessageChannel();"
        "  port1.onmessage = ({data}) => said.push(data);"
        "  said.push(data);"
        "  source.postMessage({onboarding: 1, type: 'port'}, '*', [port2]) })</script>"
        f"<iframe src='{embeddable_app}/signed-out'></iframe>"
    )

    def without_policy(route: Route) -> None:
        response = route.fetch()
        headers = {**response.headers, "content-security-policy": ""}
        route.fulfill(response=response, headers=headers)

    page.route(f"{embeddable_app}/signed-out", without_policy)
    unlisted = "http://unlisted.localhost/"
    page.route(unlisted, lambda route: route.fulfill(content_type="text/html", body=around))
    page.goto(unlisted)
    page.wait_for_function("said.length > 0")
    page.wait_for_timeout(300)
    assert page.evaluate("said") == [{"onboarding": 1, "type": "hello"}]
