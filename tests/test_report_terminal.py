"""The terminal summary: fits its width, and rows cannot speak to the terminal."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

import report_samples as samples
import syngain
from syngain.data.dataset import Dataset
from syngain.report import html, terminal


def printed(result, width, *, color=False, everything=False):
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=color, color_system="standard" if color else None)
    console.print(terminal(result, everything=everything))
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("name", ["audit", "instruction", "compare", "hostile"])
def test_no_line_is_wider_than_the_terminal(width, name):
    text = printed(getattr(samples, f"{name}_result")(), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_the_summary_shows_action_gain_findings_and_fix():
    text = printed(samples.audit_result(points=30), 80)
    for needed in ("USE A SUBSET", "Use 1,893 of the 3,000 rows", "Label leakage", "1,056", "fix: drop"):
        assert needed in text
    assert "text from `text`, label from `label`" in " ".join(text.split())


@pytest.mark.parametrize("name", ["audit", "instruction", "hostile"])
@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_summary_has_at_most_25_lines_with_the_path_of_the_report(name, width):
    text = printed(getattr(samples, f"{name}_result")(), width)
    assert len(text.splitlines()) <= 24


def test_all_measures_are_printed_on_demand():
    text = printed(samples.audit_result(points=30), 120, everything=True)
    for needed in ("Near-duplicates", "24.9%", "0.019 *", "e.g. I would like"):
        assert needed in text


def test_terminals_get_ascii_minus_signs_and_plain_spaces():
    for everything in (False, True):
        assert not {"\u2212", "\u202f"} & set(printed(samples.audit_result(points=30), 80, everything=everything))


def test_numbers_are_never_cut_at_80_columns():
    lines = printed(samples.audit_result(points=30), 80, everything=True).splitlines()
    table = lines[next(place for place, line in enumerate(lines) if line.startswith("All measures")) :]
    assert not any("…" in line for line in table)


def test_a_given_width_wins_over_a_wider_console():
    file = io.StringIO()
    Console(file=file, width=200).print(terminal(samples.audit_result(points=30), width=80))
    assert max(cell_len(line.rstrip()) for line in file.getvalue().splitlines()) <= 80


def test_hostile_rows_do_not_reach_the_terminal():
    text = printed(samples.hostile_result(), 100)
    assert not {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160))} & set(text)
    assert not {"\u202e", "\u2028", "\ud800"} & set(text)
    assert "[bold red]markup" in text
    assert "␛[31m" in text


def test_hostile_rows_set_no_style_and_no_link():
    text = printed(samples.hostile_result(), 100, color=True)
    assert "\x1b[31mred" not in text
    assert "\x1b]8;" not in text


def test_an_empty_result_still_has_a_verdict():
    result = samples.compare_result()
    assert "gpt4 is best" in printed(result, 80)


def test_too_few_rows_are_not_called_clean():
    rows = [{"text": f"row number {i} about {word}"} for i, word in enumerate(("bread", "tides", "bees") * 10)]
    texts = ("Bread needs salt.", "The moon moves every tide twice.", "Maps lie a little", "Old roofs leak in June")
    few = syngain.audit(Dataset.from_rows(rows), Dataset.from_rows([{"text": text} for text in texts]), gain=False)
    assert "not looked for: too few rows" in printed(few, 80)
    assert "Not looked for: too few rows." in html(few)
    assert "not looked for" not in printed(samples.audit_result(), 80)
