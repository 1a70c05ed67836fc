"""Preset ``temperature``: exact information and gain of a language model.

Temperature, prompts and curation vary. Information gain alone does not rank benefit: it is largest for noise.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.errors import UsageError
from syngain.core.progress import Progress, silent
from syngain.inference.intervals import mean_interval
from syngain.inference.ranks import spearman, spearman_of_groups
from syngain.information.estimators import information_gain
from syngain.information.estimators.clustered_prompts import ClusteredPrompts
from syngain.information.estimators.prompt_information import these_prompts
from syngain.lab import narrative
from syngain.lab.result import LabCheck, LabCurve, LabResult, LabTable, Panel
from syngain.lab.worlds.language import TOPICS, Accounting, LanguageWorld, account, language_world

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.core.estimate import Estimate
    from syngain.core.rng import Streams

PROMPTS: dict[str, tuple[float, ...]] = {
    "all topics": (1 / 3, 1 / 3, 1 / 3),
    "mostly one": (0.8, 0.1, 0.1),
    "one topic": (1.0, 0.0, 0.0),
}
CURATIONS = ("none", "a verifier", "half at random")
QUANTITIES = {
    "information_gain": "information gain",
    "prompt_information": "prompt information",
    "generated_entropy": "entropy of the generated rows",
    "minus_tv": "minus TV(truth, kept)",
    "minus_kl": "minus KL(truth || kept)",
    "minus_js": "minus JS(truth, kept)",
    "minus_generation_divergence": "minus generation divergence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureProtocol:
    """Simulations, temperatures, and the sample size of the estimators."""

    worlds: int = 20
    temperatures: tuple[float, ...] = (0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)
    outputs: int = 200

    def __post_init__(self) -> None:
        if self.worlds < 2 or self.outputs < 2 or min(self.temperatures) <= 0:
            raise UsageError(
                f"{self.worlds} simulations, {self.outputs} outputs, temperatures {self.temperatures}",
                expected="at least 2 simulations and 2 outputs, temperatures above 0",
                todo="raise `worlds` and `outputs` to 2, or remove temperatures of 0",
            )


def temperature(protocol: TemperatureProtocol, *, streams: Streams, progress: Progress = silent) -> LabResult:
    """Run every simulation at every temperature, prompt mixture and curation."""
    worlds = [language_world(streams.stream("world", str(w))) for w in range(protocol.worlds)]
    rows: list[dict[str, object]] = []
    for w, world in enumerate(worlds):
        progress(f"simulation {w + 1}", 0.8 * w / protocol.worlds)
        rows += _world_rows(w, world, protocol)
    progress("estimators against the exact values", 0.8)
    checks = _estimators(worlds[: min(5, len(worlds))], protocol, streams)
    return LabResult(
        preset="temperature",
        seed=streams.seed,
        parameters=asdict(protocol),
        panels=_panels(rows, protocol),
        tables=_tables(rows, streams),
        checks=checks,
        data={"configurations": rows},
        notes=narrative.TEMPERATURE,
    )


def _world_rows(number: int, world: LanguageWorld, protocol: TemperatureProtocol) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for degree in protocol.temperatures:
        said = world.said(degree)
        for name, prompts in PROMPTS.items():
            for curation in CURATIONS:
                found = account(world, said, prompts, _acceptance(world, curation))
                rows.append(
                    {
                        "world": number,
                        "foreign": world.foreign,
                        "temperature": degree,
                        "prompts": name,
                        "curation": curation,
                        **asdict(found),
                    }
                )
    return rows


def _acceptance(world: LanguageWorld, curation: str) -> Floats:
    """Probability to keep each text: all, verified ones, or half.

    The verifier has a threshold on the true probability.
    """
    if curation == "a verifier":
        return np.where(world.truth >= 0.2 / len(world.truth), 1.0, 0.0)
    return np.full(len(world.truth), 0.5 if curation == "half at random" else 1.0)


def _column(rows: list[dict[str, object]], name: str) -> Floats:
    if name.startswith("minus_"):
        return -_column(rows, name.removeprefix("minus_"))
    return np.array([row[name] for row in rows], dtype=np.float64)


def _tables(rows: list[dict[str, object]], streams: Streams) -> tuple[LabTable, ...]:
    groups = {
        "all configurations": rows,
        "temperature only": [row for row in rows if row["prompts"] == "all topics" and row["curation"] == "none"],
    }
    cells: list[tuple[str, str, float, float, float]] = []
    for group, chosen in groups.items():
        gain = _column(chosen, "gain")
        for name, words in QUANTITIES.items():
            values = _column(chosen, name)
            if np.ptp(values) > 1e-12:
                rng = streams.stream("bootstrap", group, name)
                ranked = spearman_of_groups(values, gain, _column(chosen, "world").astype(np.int64), rng=rng)
                cells.append((group, words, *ranked.cells()))
    title = "Spearman correlation with the true gain (95% bootstrap interval over simulations)"
    columns = ("group", "quantity", "correlation", "low", "high")
    return (LabTable(title=title, columns=columns, rows=cells), _within_worlds(rows), _contradictions(rows))


def _within_worlds(rows: list[dict[str, object]]) -> LabTable:
    """The correlations within each simulation, averaged, as for a user with one task."""
    numbers = sorted({int(str(row["world"])) for row in rows})
    cells: list[tuple[str, float, float]] = []
    for name, words in QUANTITIES.items():
        parts = [[row for row in rows if row["world"] == w] for w in numbers]
        values = np.array([spearman(_column(part, name), _column(part, "gain")) for part in parts])
        values = values[np.isfinite(values)]
        if len(values):
            cells.append((words, float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))))
    return LabTable(
        title="The same within one simulation: mean over simulations",
        columns=("quantity", "correlation", "error"),
        rows=cells,
    )


def _contradictions(rows: list[dict[str, object]]) -> LabTable:
    """Fraction of pairs in one simulation where a higher quantity has a lower gain."""
    cells: list[tuple[str, float]] = []
    for name, words in QUANTITIES.items():
        wrong = total = 0
        for world in {int(str(row["world"])) for row in rows}:
            part = [row for row in rows if row["world"] == world]
            value, gain = _column(part, name), _column(part, "gain")
            signs = _signs(value) * _signs(gain)
            wrong += int(np.sum(signs < 0))
            total += int(np.sum(signs != 0))
        cells.append((words, wrong / max(total, 1)))
    return LabTable(
        title="Pairs within one simulation where a higher value comes with a lower gain",
        columns=("quantity", "fraction of pairs"),
        rows=cells,
    )


def _signs(values: Floats) -> Ints:
    """Sign of each pair's difference; infinities compare as numbers do."""
    return (values[:, None] > values).astype(np.int64) - (values[:, None] < values)


def _panels(rows: list[dict[str, object]], protocol: TemperatureProtocol) -> tuple[Panel, ...]:
    plain = [row for row in rows if row["prompts"] == "all topics" and row["curation"] == "none"]
    names = {
        "information_gain": "information gain",
        "prompt_information": "prompt information",
        "tv": "TV(truth, kept)",
        "gain": "true gain",
    }
    panels = []
    for name, words in names.items():
        table = _column(plain, name).reshape(protocol.worlds, len(protocol.temperatures))
        mean, low, high = mean_interval(table.T)
        curve = LabCurve(name=words, x=protocol.temperatures, y=mean, lower=low, upper=high)
        unit = "share" if name == "tv" else "nats per text"
        panels.append(
            Panel(title=words, x_name="temperature", y_name=unit, curves=(curve,), x_log=True, zero=name == "gain")
        )
    for name in ("information_gain", "minus_tv"):
        curves = tuple(
            LabCurve(
                name=curation,
                x=_column([row for row in rows if row["curation"] == curation], name),
                y=_column([row for row in rows if row["curation"] == curation], "gain"),
                style="points",
            )
            for curation in CURATIONS[:2]
        )
        title = f"True gain against {QUANTITIES[name]}"
        panels.append(Panel(title=title, x_name=QUANTITIES[name], y_name="true gain", curves=curves, zero=True))
    return tuple(panels)


def _estimators(worlds: list[LanguageWorld], protocol: TemperatureProtocol, streams: Streams) -> tuple[LabCheck, ...]:
    """Estimates from sampled outputs with exact values and Bonferroni limits."""
    found: list[tuple[str, Estimate, float]] = []
    for w, world in enumerate(worlds):
        for degree in (0.7, 1.0, 1.5):
            exact = account(world, world.said(degree), PROMPTS["all topics"], np.ones(len(world.texts)))
            rng = streams.stream("outputs", str(w), str(degree))
            name = f"simulation {w + 1}, temperature {degree}"
            found += _estimated(world, degree, protocol.outputs, exact, name, rng)
    limit = float(stats.norm.isf(0.025 / len(found)))
    return tuple(
        LabCheck(name=name, value=estimate.value, expected=exact, error=_error(estimate), limit=limit)
        for name, estimate, exact in found
    )


def _estimated(
    world: LanguageWorld, degree: float, outputs: int, exact: Accounting, name: str, rng: np.random.Generator
) -> list[tuple[str, Estimate, float]]:
    """Information gain (plain and combined) and prompt information of these topics.

    From ``outputs`` each; combined uses step entropies. The topics are fixed, so the errors are those of outputs within
    topics.
    """
    samples = [world.generator.sample(outputs, rng=rng, label=topic, temperature=degree) for topic in TOPICS]
    logs = np.array(
        [
            [world.generator.log_probability(out.text, other, temperature=degree) for other in TOPICS]
            for own in samples
            for out in own
        ]
    )
    design = ClusteredPrompts.balanced(len(TOPICS), outputs)
    plain = np.array([out.log_probability for own in samples for out in own])
    excess = -plain - np.array([math.fsum(out.entropies) for own in samples for out in own])
    return [
        (f"{name}: information gain, plain", information_gain.plain(plain, design, "these"), exact.information_gain),
        (
            f"{name}: information gain, combined",
            information_gain.combined(plain, excess, design, "these"),
            exact.information_gain,
        ),
        (f"{name}: prompt information", these_prompts(logs, design), exact.prompt_information),
    ]


def _error(estimate: Estimate) -> float:
    """The standard error behind the 95% interval.

    Its Student quantile is close to normal at these sizes.
    """
    low, high = estimate.interval(0.95)
    return (high - low) / 2 / 1.96
