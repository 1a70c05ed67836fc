"""The documentation does what it says: every block of Python and every line that calls the program is run."""

import re
import sys
from functools import cache

import numpy as np
import pytest

from docs_blocks import README_NOT_RUN, TRAINER_ROWS, all_blocks, pages, why_not, words
from embedding_kinds import EmbeddingKindServer
from syngain.cli import main
from syngain.lab.planted.sets import demo_sets

BLOCKS = all_blocks()
LINES = [(block, line) for block in BLOCKS for line in block.commands]
RUN = list(dict.fromkeys((block.page, line) for block, line in LINES if why_not(block, line) is None))
PAGES = list(dict.fromkeys(page for page, _ in RUN))
PYTHON = [
    block for block in BLOCKS if block.kind == "python" and block.page != "README.md" and block.why is None
]  # test_readme.py runs those
# so few rows show no significant gain: both gates fail
ENDS = {"syngain gate syngain-gain": 1, "syngain gate select": 1}
RECIPE = re.search(r"```yaml\n(generator: .*?)```", pages()["docs/how-to/generate.md"], re.DOTALL)
ENCODER = re.search(r"> encoder.yaml <<'END'\n(.*?)END", pages()["docs/how-to/servers.md"], re.DOTALL)
BATCH = re.search(r"> batch.yaml <<'END'\n(.*?)END", pages()["docs/how-to/servers.md"], re.DOTALL)
STRATEGIES = re.search(r"```yaml\n(generator: .*?)```", pages()["docs/how-to/lab.md"], re.DOTALL)
COLUMN_RULES = re.search(r"```yaml\n(rules:\n.*?)```", pages()["docs/measures/tables.md"], re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def rows_are_made_once():
    """The practice set of the tutorial takes seconds; its rows are the same every time."""
    from syngain.lab.planted import sets as module

    with pytest.MonkeyPatch.context() as patch:
        once = cache(demo_sets)
        patch.setattr(module, "demo_sets", once)
        yield once


@pytest.fixture(scope="module")
def files(tmp_path_factory, rows_are_made_once):
    """The files that the pages name, small, of two topics; some test rows appear in the synthetic rows."""
    from syngain.data import write_records

    folder = tmp_path_factory.mktemp("docs")
    sets = rows_are_made_once(5)
    real, synthetic = (
        [row for row in rows if row["label"] in {"mail", "storage"}] for rows in (sets.real, sets.synthetic)
    )
    planted = [{**synthetic[0], "text": row["text"], "label": row["label"]} for row in real[40:56]]
    for name, rows in (
        ("real", real[:40]),
        ("synthetic", [*synthetic[:60], *planted]),
        ("test", real[40:75]),
        ("more_real", real[75:110]),
    ):
        write_records(folder / f"{name}.jsonl", rows)
    for name, count in (("houses", 60), ("new_houses", 90)):
        rng = np.random.default_rng(count)
        areas, rooms = rng.uniform(30, 200, count), rng.integers(1, 6, count)
        prices = 3_000 * areas + 20_000 * rooms + rng.normal(size=count) * 20_000
        lines = [f"{area:.1f},{room},{price:.0f}" for area, room, price in zip(areas, rooms, prices, strict=True)]
        (folder / f"{name}.csv").write_text("\n".join(["area,rooms,price", *lines]), encoding="utf-8")
    for name, rows in TRAINER_ROWS.items():
        write_records(folder / name, rows)
    visits(folder / "visits.csv")
    write_records(folder / "customers.csv", [{"id": f"C{7 * i}", "city": "ABC"[i % 3]} for i in range(90)])
    for name, count, rate in (("orders", 150, 0.19), ("new_orders", 200, 0.21)):
        rng = np.random.default_rng(count)
        net, days = np.round(rng.gamma(3, 40, count), 2), rng.integers(1, 30, count)
        start, customer = np.datetime64("2025-01-06") + rng.integers(0, 300, count), 7 * rng.integers(0, 90, count)
        lines = [
            f"C{who},{one},{one + wait},{wait},{price},{price * rate:.2f}"
            for one, wait, price, who in zip(start, days, net, customer, strict=True)
        ]
        (folder / f"{name}.csv").write_text("\n".join(["customer,start,end,days,net,tax", *lines]), encoding="utf-8")
    rng = np.random.default_rng(4)
    kinds, wrong = rng.integers(0, 2, 120), rng.random(120) < 0.2
    sizes = np.round(rng.normal(size=(120, 4)) + 2.5 * kinds[:, None], 2)
    lines = [",".join(map(str, [*row, "ab"[kind ^ bad]])) for row, kind, bad in zip(sizes, kinds, wrong, strict=True)]
    (folder / "plants.csv").write_text("\n".join(["leaf,stem,root,fruit,species", *lines]), encoding="utf-8")
    write_records(folder / "pairs.jsonl", [{"instruction": "Name a river.", "input": "", "output": "The Oder."}])
    (folder / "rules.yaml").write_text(COLUMN_RULES[1], encoding="utf-8")
    (folder / "strategies.yaml").write_text(STRATEGIES[1], encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE[1], encoding="utf-8")
    (folder / "batch.yaml").write_text(BATCH[1], encoding="utf-8")
    (folder / "encoder.yaml").write_text(ENCODER[1], encoding="utf-8")
    return folder


def visits(path):
    """Visits that are missed where the weather is bad, or by chance where it is far and early."""
    rng = np.random.default_rng(3)
    miles, hour, rain = rng.integers(1, 60, 240), rng.integers(6, 20, 240), np.round(rng.gamma(1, 3, 240), 1)
    missed = (rain > 4) ^ (rng.random(240) < np.where((miles > 40) & (hour < 10), 0.5, 0.03))
    lines = [f"{m},{h},{r},{'yes' if y else 'no'}" for m, h, r, y in zip(miles, hour, rain, missed, strict=True)]
    path.write_text("\n".join(["miles,hour,rain,missed", *lines]), encoding="utf-8")


@pytest.fixture(autouse=True)
def embeddings(monkeypatch):
    """The server that `encoder.yaml` leaves to the environment."""
    with EmbeddingKindServer(model="text-embedding-3-small") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def call(arguments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["syngain", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


DONE: dict[tuple[str, ...], int] = {}
LAST: dict[str, tuple[str, ...]] = {}  # the call that wrote a folder last: another page may have replaced a run


def written(arguments):
    """The folder that a call writes."""
    return arguments[arguments.index("-o") + 1] if "-o" in arguments else f"syngain-{arguments[0]}"


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_one_after_the_other(page, files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    for other, line in RUN:
        if other != page:
            continue
        arguments = words(line)
        if arguments[0] == "demo":
            continue  # tests/test_demo.py
        writes = {"audit", "gain", "select", "compare", "mix", "information", "convert", "stress"}
        fresh = "-o" in arguments or arguments[0] in writes
        if fresh and arguments[0] != "explain" and not {"--resume", "--dry-run", "--force"} & set(arguments):
            arguments.append("--force")
        key = tuple(arguments)
        reads = arguments[0] in {"gate", "explain"}
        if key not in DONE or reads or LAST[written(arguments)] != key:
            DONE[key] = call(arguments, monkeypatch)
            LAST.update({} if reads else {written(arguments): key})
        expected = next((code for start, code in ENDS.items() if line.startswith(start)), 0)
        assert DONE[key] == expected, f"{page}: {line}\n{capsys.readouterr().err}"


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.name)
def test_the_python_of_a_page_runs(block, files, monkeypatch, capsys, tmp_path):
    for path in files.glob("*.jsonl"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(block.code, block.name, "exec"), {})  # noqa: S102  (the point of the test)
    assert capsys.readouterr().out


@pytest.mark.parametrize(("block", "line"), [pair for pair in LINES if "[--" not in pair[1]])
def test_every_command_has_the_options_it_is_shown_with(block, line):
    """Also those that are not run here."""
    from typer.main import get_command

    from syngain.cli.app import app

    command, rest = get_command(app), words(line)
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context("syngain", rest)


def test_what_is_not_run_is_counted():
    marked = [block for block in BLOCKS if block.why]
    assert len(marked) == 32
    assert {block.why for block in marked} <= {
        "needs a model",
        "needs a trainer",
        "needs a server",
        "needs a GPU",
        "needs a table of runs",
        "needs a file of another tool",
        "needs pairs of instruction and answer",
        "a benchmark of the repository",
    }
    readme = [line for block, line in LINES if block.page == "README.md"]
    skipped = [line for block, line in LINES if block.page == "README.md" and why_not(block, line)]
    assert len(readme) - len(skipped) >= 4
    assert all(any(part in line for line in readme) for part in README_NOT_RUN)


def test_blocks_of_the_shell_are_marked_as_sh():
    assert {block.kind for block in BLOCKS} == {"python", "sh"}


def test_no_block_without_a_language_hides_a_command():
    for page, text in pages().items():
        for kind, code in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            if kind not in {"sh", "python"}:
                assert "\nsyngain " not in f"\n{code}", page
