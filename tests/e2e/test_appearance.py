"""What a page looks like and what a screen reader reads on it, in English and from right to left."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e import pages
from tests.e2e.pages import FIRST, SECOND, SOME
from tests.questionnaires import DEFAULT

pytestmark = pytest.mark.slow


def expect_in_order(text: str, *parts: str) -> None:
    """Assert that the text has all parts, one after the other."""
    assert re.search(".*?".join(map(re.escape, parts)), text, re.DOTALL), (parts, text)


def test_a_screen_reader_reads_each_answer_and_what_confirming_means(window, user):
    page = window(user)
    page.goto(pages.review_url(SOME))
    answers = [
        text
        for question in DEFAULT
        for text in (
            f"- term: {question.heading['en']}",
            f"- definition: {pages.label(question, SOME)}",
            f'- link "Change {question.heading["en"]}"',
        )
    ]
    end = ("You can't change these later.", '- button "Confirm and finish"')
    expect_in_order(page.locator("body").aria_snapshot(), *answers, *end)
    page.emulate_media(media="print")
    assert not page.get_by_role("button").is_visible()
    assert page.get_by_text(end[0]).is_visible()


def test_a_field_with_a_problem_looks_like_one(window, either_app, user):
    page = window(user, base_url=either_app, forced_colors="active", reduced_motion="reduce")
    border = """() => getComputedStyle(document.querySelector("select, .card")).border"""
    page.goto(pages.path(FIRST))
    # Not only by a colour: forced colours drop it.
    assert "solid" in page.evaluate(border)
    page.goto(f"{pages.path(FIRST)}?problem=1")
    assert "double" in page.evaluate(border)
    page.emulate_media(forced_colors="none")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.querySelector('.error')).color")
        assert colour in page.evaluate(border)


# How far the text is from the left and the right edge of the page, in CSS pixels.
TEXT_EDGES = """element => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const text = range.getBoundingClientRect(), main = document.querySelector("main").getBoundingClientRect();
  return [text.left - main.left, main.right - text.right];
}"""


def test_the_whole_wizard_in_urdu_by_the_words_that_people_see(
    window, cards_app, environment, user
):
    page = window(user, base_url=cards_app, locale="ur-PK")
    page.goto("/")
    for question in DEFAULT:
        text = question.option(SOME[question.name]).label["ur"]
        expect(page.get_by_role("heading", level=1)).to_have_text(question.title["ur"])
        page.get_by_text(text, exact=True).click()
        page.get_by_role("button", name="آگے بڑھیں").click()
    page.get_by_role("button", name="تصدیق کریں اور مکمل کریں").click()
    expect(page.get_by_role("heading", name="آپ کا پروفائل")).to_be_visible()
    # Their own name and address read from left to right within the line.
    expect(page.get_by_text(user.email)).to_have_css("direction", "ltr")
    assert pages.stored_profile(environment, user.id) == {**SOME, "is_onboarded": True}


def test_from_right_to_left_the_page_is_mirrored(window, cards_app, user):
    page = window(user, base_url=cards_app)
    for language, is_mirrored in (("en", False), ("ur", True)):
        page.goto(f"{pages.path(SECOND)}?lang={language}")
        left, right = page.locator("h1").evaluate(TEXT_EDGES)
        assert (right < left) == is_mirrored
        begin, end = page.locator(".bar i").first, page.locator(".bar i").last
        assert is_right_of(begin, end) == is_mirrored
        assert is_right_of(page.locator(".progress span").first, begin) == is_mirrored
        arrow = page.locator(".back").evaluate("e => getComputedStyle(e, '::before').content")
        assert ("→" in arrow, "←" in arrow) == (is_mirrored, not is_mirrored)
        for card in page.locator(".card").all():
            assert is_right_of(card.locator("input"), card.locator("label")) == is_mirrored
        page.goto(pages.review_url(SOME, lang=language))
        row = page.locator("dl div").first
        assert is_right_of(row.locator("dt"), row.locator("a")) == is_mirrored


def is_right_of(one: Locator, other: Locator) -> bool:
    """Return whether one thing's middle is to the right of another's."""
    middles = [box["x"] + box["width"] / 2 for box in (one.bounding_box(), other.bounding_box())]
    return middles[0] > middles[1]
