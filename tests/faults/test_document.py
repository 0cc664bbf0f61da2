"""The table of docs/reliability.md is what a run found."""

from tests.stress.document import DOCUMENT, ROWS, results_in, with_results


def test_the_document_holds_every_figure_and_none_of_ours_misses_its_limit():
    text = DOCUMENT.read_text()
    found = results_in(text)
    assert with_results(text, found) == text
    assert [row.title for row in ROWS if found.get((row.title, "this app"), "**")[:2] == "**"] == []


def test_a_run_of_some_rows_leaves_the_figures_of_the_others():
    text = DOCUMENT.read_text()
    key = ROWS[0].title, "this app"
    changed = with_results(text, {key: "better"})
    assert results_in(changed) == {**results_in(text), key: "better"}
