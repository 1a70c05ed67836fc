"""Repair of pattern overfitting: measure, repair, and prevent it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.folders import work
from syngain.core.progress import Progress, silent
from syngain.core.result import Result, Views
from syngain.training.repair.narrative import findings, paragraphs, repair_table, verdict
from syngain.training.repair.treatment import NAMES
from syngain.workflows.inputs import Source, dataset_of, of_kind, settings_json, study_of, study_summaries, summaries

if TYPE_CHECKING:
    from pathlib import Path

    from syngain.learners.causal import CausalProxy
    from syngain.training.repair.treatment import Treatment

__all__ = ["NAMES", "RepairSettings", "clear", "repair", "repair_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairSettings:
    """How a student is overfitted and repaired.

    Attributes:
        model: ``smollm2``, a local folder or a hub name, or a proxy with its settings; its first rate is used.
        steps: optimizer steps on the dataset. repair_steps: of each repair.
        seeds: how many adapters, orders of rows and draws.
        treatment: everything else; its steps and seeds are those here.
    """

    model: str | CausalProxy = "smollm2"
    steps: int = 40
    repair_steps: int = 20
    seeds: int = 3
    treatment: Treatment | None = None

    @property
    def proxy(self) -> CausalProxy:
        """The model and how it learns."""
        from syngain.learners.causal import CausalProxy

        return self.model if isinstance(self.model, CausalProxy) else CausalProxy(model=self.model)

    @property
    def plan(self) -> Treatment:
        """The treatment with these steps and seeds."""
        from syngain.training.repair.treatment import Treatment

        rest = self.treatment or Treatment()
        return replace(rest, steps=self.steps, repair_steps=self.repair_steps, seeds=self.seeds)


@carried
def repair(  # noqa: PLR0913  (the inputs and switches of the command)
    real: Source,
    synthetic: Source,
    *,
    folder: Path,
    test: Source | None = None,
    retain: Source | None = None,
    settings: RepairSettings | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: Progress = silent,
) -> Result:
    """Overfit a student on the synthetic rows; measure repairs and preventions.

    The variants are :func:`syngain.training.repair.treatment.variants`, each evaluated on real rows that none was
    trained on. With ``retain`` also on real rows of other kinds; the verdict then recommends a variant, chosen on one
    half of the rows and reported on the other.

    Args:
        real: the real rows, as a dataset or a path: pairs of prompt and response.
        synthetic: the synthetic rows.
        folder: where finished variants are kept, and about once a minute the one in training.
        test: real rows to evaluate on; else a quarter of the real rows in each seed.
        retain: real rows of other kinds, pairs of prompt and response, at least 12.
        settings: model, steps, seeds, losses.
        seed: of every random choice.
        resume: continue from what is in ``folder``.
        progress: called with the variant and the fraction done.

    Raises:
        InputError: rows or model cannot be used, found out before the first step. UsageError: a setting is wrong, or
            what is resumed was another job. UnfinishedError: not enough memory; finished parts are kept.
        MissingDependencyError: trl, datasets, torch, transformers or peft is not installed.
    """
    from syngain.training.repair.ablation import ablate
    from syngain.training.repair.design import AblationDesign

    chosen = of_kind(settings, RepairSettings)
    proxy, plan, study = chosen.proxy, chosen.plan, study_of(real, synthetic, test=test)
    others = None if retain is None else dataset_of(retain)
    design = AblationDesign.of(study, proxy, plan, retain=others, seed=seed, progress=progress)
    found = ablate(design, folder=folder, resume=resume, progress=progress)
    estimates = found.reported
    estimates |= {f"{name}@arm={arm}": item for arm in found.arms for name, item in found.of_arm(arm).items()}
    return Result(
        command="train",
        version=__version__,
        seed=seed,
        inputs=study_summaries(study) | ({} if others is None else summaries({"real": others, "retain": others})),
        estimates=dict(sorted(estimates.items())),
        findings=findings(found),
        verdict=verdict(found),
        sets={
            NAMES[arm]: {"estimates": {name: item.as_json() for name, item in found.arm(arm).items()}}
            | ({"recommended": True} if found.retention is not None and found.retention.chosen == arm else {})
            for arm in found.arms
        },
        views=Views(computed=paragraphs(found, plan, proxy)),
        settings=settings_json(chosen),
    )


def clear(folder: Path) -> None:
    """Remove the finished variants of a run whose result is written."""
    work.clear(folder / "work")
