"""The element <onboarding-frame> in the layouts of a main site's page."""

import pytest

from tests.e2e import pages
from tests.e2e.embed_layouts import LAYOUTS, UNFILLED
from tests.e2e.embed_page import FRAME
from tests.e2e.pages import FIRST

pytestmark = pytest.mark.slow


def test_the_frame_fills_its_container_in_every_layout(embed, user):
    page = embed(user, viewport={"width": 320, "height": 700}).show().page
    assert page.evaluate(UNFILLED, LAYOUTS) == {}


def test_a_dialog_that_opens_later_shows_the_whole_page(embed, user):
    page = embed(user).show(around="<dialog>{}</dialog>")
    page.wait_for("ready")
    page.page.evaluate("document.querySelector('dialog').showModal()")
    pages.expect_page(page.frame, pages.title(FIRST))
    height = page.frame.locator(".page").evaluate("page => page.getBoundingClientRect().height")
    page.page.wait_for_function(
        f"height => Math.abs({FRAME}.getBoundingClientRect().height - height) < 2", arg=height
    )
    pages.answer(page.frame, FIRST)
    page.wait_for("step", 2)
