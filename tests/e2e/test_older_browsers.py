"""The pages in browsers that lack what is newer than Chrome 100, Firefox 102 and Safari 15.4.

Chromium stands in for them: what they don't know is given names that nobody knows, or deleted.
"""

import json

import pytest

from tests.e2e import pages
from tests.e2e.pages import FIRST, SOME
from tests.older_browsers import CSS, PLAINER, SCRIPTS
from tests.questionnaires import DEFAULT

pytestmark = pytest.mark.slow

FORGET = f"""
  for (const name of {json.dumps(SCRIPTS)}) {{
    const parts = name.split("."), last = parts.pop();
    const owner = parts.reduce((owner, part) => owner?.[part], window);
    if (owner) delete owner[last];
  }}
  const newer = new RegExp({json.dumps(f"{CSS}|{PLAINER}")}, "g");
  const unknown = (name) => name.replace(/[\\w/]/, "x-$&");
  addEventListener("DOMContentLoaded", () => {{
    for (const style of document.querySelectorAll("style"))
      style.textContent = style.textContent.replace(newer, unknown);
  }});
"""

# What can't be read or made out on a page, with its contrast: text 4.5, the edge of a control 3.
FAINT = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [less, more] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (more + 0.05) / (less + 0.05);
  };
  const ground = (element) => {
    const colour = element ? getComputedStyle(element).backgroundColor : "rgb(255, 255, 255)";
    return channels(colour)[3] === 0 ? ground(element.parentElement) : colour;
  };
  const faint = [];
  const demand = (element, least, one, other) => {
    const ratio = contrast(one, other);
    if (!(ratio >= least)) faint.push([element.outerHTML.slice(0, 90), one, other, ratio]);
  };
  for (const element of document.querySelectorAll("h1, h2, p, a, label, dt, dd, button, select, span")) {
    const { color, display, visibility } = getComputedStyle(element);
    if (element.closest(".unseen, .bar, [hidden]")) continue;
    demand(element, 4.5, color, ground(element));
    if (display === "none" || visibility !== "visible") faint.push([element.outerHTML, display]);
  }
  for (const control of document.querySelectorAll("select, .card, .card input, button, .button")) {
    const { backgroundColor, borderTopColor, borderTopWidth } = getComputedStyle(control);
    const around = ground(control.parentElement);
    const edge = control.matches("button, .button") ? backgroundColor : borderTopColor;
    demand(control, 3, edge, around);
    if (parseFloat(borderTopWidth) < 1) faint.push([control.outerHTML, borderTopWidth]);
  }
  return faint;
}"""


def finish(where) -> None:
    """Go from the first question, with a mistake, to the profile; expect each page to be legible."""

    def expect_legible() -> None:
        assert where.locator("style").inner_text().count("x-text-wrap") == 2
        assert where.locator("html").evaluate(FAINT) == []

    pages.expect_page(where, pages.title(FIRST))
    expect_legible()
    pages.go_on(where)
    where.get_by_role("alert").wait_for()
    for question in DEFAULT:
        pages.choose(where, question, SOME)
        where.get_by_role("button").hover()
        expect_legible()
        pages.go_on(where)
    pages.expect_page(where, pages.REVIEW)
    expect_legible()
    pages.confirm(where)
    pages.expect_profile(where)
    expect_legible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_first_question_to_the_profile(window, either_app, user, scheme):
    page = window(
        user, base_url=either_app, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
    )
    page.context.add_init_script(FORGET)
    page.goto("/")
    finish(page)


@pytest.mark.parametrize("theme", ["light", "dark", "acme"])
def test_in_a_frame_and_every_event_comes(embed, user, theme):
    embedded = embed(user, reduced_motion="reduce", bypass_csp=True)
    embedded.page.context.add_init_script(FORGET)
    embedded.show(f'theme="{theme}"')
    finish(embedded.frame)
    embedded.wait_for("completed")
    kinds = [kind for kind, _ in embedded.events()]
    # Each question, one of them twice, and the review.
    assert kinds == ["ready", *["step"] * (len(DEFAULT) + 2), "completed"]
    embedded.element("element.setAttribute('src', 'http://[')")
    assert embedded.wait_for("error") == {"code": "protocol"}
