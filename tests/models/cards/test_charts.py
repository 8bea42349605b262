"""Charts as numbers and words; that the shipped cards' charts stay as they are is tested with the cards."""

from __future__ import annotations

import re

from assay.models.cards.charts import MAX_POINTS, Line, bars, chart


def drawn(svg: str) -> list[str]:
    """The points of each line, as written."""
    return re.findall(r'points="([^"]*)"', svg)


def test_the_unit_square_fills_the_frame() -> None:
    svg = chart("t", "x", "y", [Line("a", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])], diagonal=True)
    assert drawn(svg) == ["46.0,256.0 328.0,12.0", "46.0,256.0 187.0,134.0 328.0,12.0"]
    assert len(drawn(chart("t", "x", "y", []))) == 0


def test_a_long_line_is_thinned_but_keeps_its_ends() -> None:
    for count in (1, 2, MAX_POINTS, 2 * MAX_POINTS - 1, 2 * MAX_POINTS, 10 * MAX_POINTS + 3):
        points = [(i / count, i / count) for i in range(count)]
        (line,) = drawn(chart("t", "x", "y", [Line("a", points)]))
        shown = line.split()
        (ends,) = drawn(chart("t", "x", "y", [Line("a", [points[0], points[-1]])]))
        assert [shown[0], shown[-1]] == ends.split()
        assert len(shown) == count if count < 2 * MAX_POINTS else MAX_POINTS <= len(shown) <= 2 * MAX_POINTS


def test_lines_differ_by_dashes_and_several_have_a_legend() -> None:
    lines = [Line(f"line {number}", [(0, 0), (1, 1)], dots=number == 0) for number in range(7)]
    svg = chart("t", "x", "y", lines)
    dashes = re.findall(r'<polyline class="line s(\d)" points="[^"]*"(?: stroke-dasharray="([^"]*)")?', svg)
    assert len(set(dashes)) == 6
    assert dashes[0] == dashes[6] == ("0", "")
    assert svg.count("<circle") == 2
    assert all(f">line {number}</text>" in svg for number in range(7))
    assert ">line 0</text>" not in chart("t", "x", "y", lines[:1])


def test_a_chart_is_told_in_words() -> None:
    lines = [Line("a", [(0, 0), (0.25, 0.5), (0.5, 0.75), (1, 1)]), Line("one", [(0.5, 0.5)]), Line("no", [])]
    described = re.search(r'aria-label="([^"]*)"', chart("Title", "Across", "Up", lines))
    assert described is not None
    assert described[1] == (
        "Title. Across: Across, 0 to 1. Up: Up, 0 to 1. a: (0.00, 0.00), (0.50, 0.75), (1.00, 1.00). "
        "one: (0.50, 0.50). no: nothing."
    )


def test_bars_are_as_long_as_their_share_of_the_longest() -> None:
    svg = bars("t", [("feature.first", 0.4), ("second", 0.1), ("nothing", 0.0)])
    assert re.findall(r'<rect [^>]*width="([^"]*)"', svg) == ["230.0", "57.5", "0.0"]
    assert ">first</text>" in svg
    assert 'aria-label="t: feature.first 0.400; second 0.100; nothing 0.000"' in svg
    assert re.findall(r'<rect [^>]*width="([^"]*)"', bars("t", [("a", 0.0)])) == ["0.0"]
    assert "<rect" not in bars("t", [])


def test_a_long_name_is_shortened_in_its_middle() -> None:
    fits, long = "a" * 25 + "b" * 25, "a" * 25 + "b" * 26
    assert f">{fits}</text>" in bars("t", [(f"feature.{fits}", 1.0)])
    assert f">{'a' * 24}…{'b' * 25}</text>" in bars("t", [(long, 1.0)])
