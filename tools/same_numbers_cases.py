"""The commands of ``same_numbers.py``: every verb, over text, pairs, labels, tables and the toy generator.

``gain --proxy lm`` is not among them: it plans by the clock.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Literal

Needs = Literal["", "data", "models"]


@dataclass(frozen=True, slots=True)
class Step:
    """One command. ``IN`` stands for the folder of inputs, ``MODEL`` for a tiny language model."""

    line: str
    code: int = 0

    def arguments(self, places: dict[str, str]) -> list[str]:
        """The words of the command with places filled in."""
        words = shlex.split(self.line)
        for name, place in places.items():
            words = [word.replace(f"{name}/", f"{place}/") if name == "IN" else word for word in words]
            words = [place if word == name else word for word in words]
        return words


@dataclass(frozen=True, slots=True)
class Case:
    """Commands that run one after the other in one folder, with one SYNGAIN_HOME."""

    name: str
    steps: tuple[Step, ...]
    needs: Needs = ""


def case(name: str, *steps: str | Step, needs: Needs = "") -> Case:
    """A case whose steps are command lines; those that must not end with 0 are given as ``Step``."""
    return Case(name, tuple(Step(step) if isinstance(step, str) else step for step in steps), needs)


LABELED = "IN/real.jsonl IN/synthetic.jsonl"
SETS = "IN/synthetic.jsonl IN/second.jsonl IN/third.jsonl"
TABLE = "IN/table.csv IN/table_synthetic.csv"
PAIRS = "IN/pairs.jsonl IN/pairs_synthetic.jsonl"
RUNS = "--runs IN/runs.csv --losses IN/runs_loss.csv --loss loss"

CASES: tuple[Case, ...] = (
    case("demo", "demo -o out", "gate out --fail-if 'findings.high > 9'"),
    case("demo-seed", "demo --seed 2 --json -o out"),
    case(
        "audit-labels",
        f"audit {LABELED} --test IN/test.jsonl -o out",
        f"audit {LABELED} --test IN/test.jsonl -o out --resume",
        "gate out --fail-if 'contamination.test_fraction:lower90 > 0.9'",
        Step("gate out --fail-if 'findings.high > 0' --markdown - --junit gate.xml", code=1),
        Step("gate out --fail-if 'duplicates.exact_fraction > 0.001' --json", code=1),
        Step("gate out --fail-if 'no.such.id > 0'", code=2),
        Step(f"audit {LABELED} --test IN/test.jsonl -o out", code=2),
    ),
    case("audit-seed", f"audit {LABELED} --test IN/test.jsonl --pool IN/pool.jsonl --seed 1 --json -o out"),
    case("audit-text", "audit IN/real.jsonl IN/bare.jsonl --label none -o out"),
    case("audit-pairs", f"audit {PAIRS} -o out", f"audit {PAIRS} --no-gain --text completion -o responses"),
    case("audit-table", f"audit {TABLE} --test IN/table_test.csv -o out"),
    case("audit-table-no-label", f"audit {TABLE} --label none --no-gain -o out"),
    case("audit-config", f"audit {LABELED} -c IN/audit.yaml -o out", f"audit {LABELED} -c IN/audit.yaml -o again"),
    case(
        "audit-columns", "audit IN/real.jsonl::place=north,south IN/second.jsonl --source source_text -o out --no-gain"
    ),
    case("gain-labels", f"gain {LABELED} -o out", f"gain {LABELED} -o out --resume"),
    case(
        "gain-test",
        f"gain {LABELED} --test IN/test.jsonl --pool IN/pool.jsonl -o out",
        f"gain {LABELED} --test IN/test.jsonl --seed 1 --json -o seed",
        "gain IN/real.jsonl IN/third.jsonl --test IN/test.jsonl -o third",
        Step("gate out --fail-if 'gain.log_loss.test:value < 9 and verdict != \"use\"'", code=1),
    ),
    case(
        "gain-slices",
        f"gain {LABELED} --slice place --metric macro_f1 --prior cooking=.4,travel=.2,money=.2,garden=.2 -o out",
    ),
    case("gain-text", "gain IN/real.jsonl IN/bare.jsonl --label none -o out"),
    case("gain-pairs", f"gain {PAIRS} --test-rows 200 -o out"),
    case("gain-table", f"gain {TABLE} --test IN/table_test.csv --metric accuracy -o out"),
    case("compare", f"compare IN/real.jsonl {SETS} -o out", f"compare IN/real.jsonl {SETS} -o out --resume"),
    case(
        "compare-test",
        "compare IN/real.jsonl good=IN/synthetic.jsonl noisy=IN/second.jsonl --test IN/test.jsonl --match-lengths "
        "--no-class-weights --draws 2 --no-measures --seed 1 --json -o out",
    ),
    case("compare-table", "compare IN/table.csv a=IN/table_synthetic.csv b=IN/table_test.csv --no-measures -o out"),
    case(
        "select",
        f"select {LABELED} --test IN/test.jsonl -o out",
        "select --again out --rows 40 -o cut",
        f"select {LABELED} --test IN/test.jsonl -o out --resume",
        "convert out/kept.jsonl kept.csv",
    ),
    case("select-confidence", f"select {LABELED} --method confident_then_diverse --share 0.3 --seed 1 --json -o out"),
    case("select-facility", f"select {LABELED} --method facility_location --rows 80 --repeats free -o out"),
    case("select-logprob", f"select {LABELED} --method log_probability --logprob score --folds 3 -o out"),
    case("select-conditional", f"select {PAIRS} --method conditional_ratio -o out"),
    case("select-density", f"select {TABLE} --method density_ratio -o out"),
    case("mix", "mix IN/real.jsonl good=IN/synthetic.jsonl noisy=IN/second.jsonl --rows 300 -o out"),
    case("mix-pool", "mix IN/real.jsonl pool=IN/pool.jsonl noisy=IN/second.jsonl --seed 1 -o out"),
    case(
        "mix-runs",
        f"mix {RUNS} --test-runs IN/runs_test.csv --test-losses IN/runs_test_loss.csv -o out",
        f"mix {RUNS} --seed 1 --json -o seed",
    ),
    case(
        "generate",
        "generate IN/recipe.yaml --anchor IN/real.jsonl --dry-run",
        "generate IN/recipe.yaml --anchor IN/real.jsonl -o out",
        "generate IN/recipe.yaml --anchor IN/real.jsonl -o out --resume",
        "information out --real IN/real.jsonl --generator toy -o account",
        "audit IN/real.jsonl out/kept.jsonl --no-gain -o audit",
    ),
    case(
        "generate-preview",
        "generate IN/recipe.yaml --anchor IN/real.jsonl --preview 5 -o out",
        "generate IN/recipe.yaml --anchor IN/real.jsonl --resume --json -o out",
    ),
    case(
        "generate-budget",
        Step("generate IN/recipe.yaml --anchor IN/real.jsonl --max-tokens 2500 -o out", code=3),
        "generate IN/recipe.yaml --anchor IN/real.jsonl --resume -o out",
    ),
    case("generate-steps", "generate IN/steps.yaml --anchor IN/real.jsonl -o out"),
    case(
        "generate-stop",
        "generate IN/stop.yaml --anchor IN/real.jsonl --stop-when 'diversity.new_fraction < 0.6' --seed 1 -o out",
    ),
    case(
        "information",
        "generate IN/recipe.yaml --anchor IN/real.jsonl --seed 1 -o out",
        "information out/rows.jsonl --dropped out/dropped.jsonl --json -o bare",
        "information out --real IN/real.jsonl --encoder ngrams --generator IN/recipe.yaml --no-gain --prompts 8 "
        "--samples 6 --seed 1 -o places",
    ),
    case("ggmi", f"ggmi {LABELED} --pairs 30 --masks 6 --draws 2 -o out"),
    case("ggmi-text", "ggmi IN/real.jsonl IN/bare.jsonl --label none --pairs 25 --masks 5 --draws 2 --no-gain -o out"),
    case("loop", "loop IN/pool.jsonl --rows 120 --generations 3 --seeds 3 -o out"),
    case(
        "loop-holdout",
        "loop IN/bare.jsonl --holdout IN/pool.jsonl --real-share 0,0.5 --generations 2 --seeds 2 "
        "--seed 1 --json -o out",
    ),
    case("lab-paper", "lab paper --quick -o out"),
    case("lab-bounds", "lab bounds --quick -o out", "lab temperature --quick --seed 1 --json -o heat"),
    case("lab-loops", "lab loops --quick -o out"),
    case("lab-highdim", "lab paper-highdim --quick -o out"),
    case(
        "convert",
        "convert IN/pairs.jsonl chat.jsonl --to messages",
        "convert chat.jsonl back.jsonl --to prompt_completion",
        "convert IN/pairs.jsonl train.parquet --to trl --json",
        "convert IN/table.csv table.jsonl.gz",
        Step("convert IN/real.jsonl lost.json --to alpaca", code=2),
    ),
    case("check", "check toy", "check toy --json"),
    case(
        "errors",
        Step("audit IN/nothing.jsonl IN/real.jsonl -o out", code=2),
        Step(f"audit {LABELED} --label no_such_column -o out", code=2),
        Step(f"select {LABELED} --method best -o out", code=2),
        Step("generate IN/audit.yaml --anchor IN/real.jsonl -o out", code=2),
    ),
    case(
        "public-labels",
        "audit IN/parrot_real.jsonl IN/parrot_b.jsonl --test IN/parrot_test.jsonl -o out",
        "select IN/parrot_real.jsonl IN/parrot_a.jsonl --method confidence -o chosen",
        needs="data",
    ),
    case("public-pairs", "audit IN/alpaca_real.jsonl IN/alpaca_synthetic.jsonl -o out", needs="data"),
    case("public-table", "gain IN/kdd_real.csv IN/kdd_synthetic.csv -o out", needs="data"),
    case(
        "lm-train",
        "train IN/synthetic.jsonl --anchor IN/real.jsonl --test IN/test.jsonl --model MODEL --steps 6 --seeds 2 "
        "--max-tokens 64 --dtype float32 --no-chat --no-forecast -o out",
        needs="models",
    ),
    case(
        "lm-repair",
        "train IN/pairs_synthetic.jsonl --anchor IN/pairs.jsonl --repair --model MODEL --steps 6 --seeds 2 "
        "--repair-steps 4 --max-tokens 64 --trainer plain --dtype float32 --no-chat -o out",
        needs="models",
    ),
    case(
        "lm-ggmi",
        f"ggmi {LABELED} --model MODEL --steps 2 --pairs 10 --masks 4 --draws 2 --no-gain -o out",
        needs="models",
    ),
    case(
        "lm-check",
        "check MODEL --json",
        needs="models",
    ),
)
