"""The table of docs/reliability.md is what a run found."""

from tests.stress.document import (
    BEGIN,
    COMMANDS,
    DOCUMENT,
    END,
    OURS,
    TUTORIAL,
    table,
    with_results,
    written,
)


def test_the_document_holds_a_table_as_it_is_written():
    text = DOCUMENT.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == table(written(text)).strip()


def test_every_figure_has_been_found_and_none_of_ours_missed_what_its_test_asks_for():
    found = written(DOCUMENT.read_text())
    ours = {row: found.get((row, OURS), "") for row in COMMANDS}
    assert [row for row, figure in ours.items() if not figure] == []
    assert [row for row, figure in ours.items() if figure.startswith("**")] == []


def test_a_run_of_some_leaves_the_others_figures():
    rows = list(COMMANDS)
    text = f"before\n{BEGIN}\n{END}\nafter\n"
    text = with_results(text, {(rows[0], OURS): "fine", (rows[1], TUTORIAL): "12 lost"})
    text = with_results(text, {(rows[0], OURS): "better"})
    assert {
        key: cell for key, cell in written(text).items() if cell and key[1] in (OURS, TUTORIAL)
    } == {
        (rows[0], OURS): "better",
        (rows[1], TUTORIAL): "12 lost",
    }
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
