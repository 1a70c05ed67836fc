"""What a synthetic dataset adds over your real rows, what is wrong with it, and how much of it to use.

>>> import syngain
>>> result = syngain.audit("real.jsonl", "synthetic.jsonl")  # doctest: +SKIP
>>> print(result.verdict.sentence)  # doctest: +SKIP

Names are resolved when they are first used, so that importing the package loads nothing heavy.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from syngain._version import __version__

if TYPE_CHECKING:
    from syngain import lab, report
    from syngain.core.errors import SyngainError
    from syngain.core.estimate import Estimate
    from syngain.core.result import Finding, Result, Verdict
    from syngain.data.dataset import Dataset
    from syngain.data.read import read
    from syngain.data.write import write_rows
    from syngain.workflows.audit import audit
    from syngain.workflows.check import check
    from syngain.workflows.compare import compare
    from syngain.workflows.convert import convert
    from syngain.workflows.demo import demo
    from syngain.workflows.gain import gain
    from syngain.workflows.gate import gate
    from syngain.workflows.generate import generate
    from syngain.workflows.ggmi import ggmi
    from syngain.workflows.information import information
    from syngain.workflows.loop import loop
    from syngain.workflows.mix import mix, mix_runs
    from syngain.workflows.select import select
    from syngain.workflows.train import train

__all__ = [
    "Dataset",
    "Estimate",
    "Finding",
    "Result",
    "SyngainError",
    "Verdict",
    "__version__",
    "audit",
    "check",
    "compare",
    "convert",
    "demo",
    "gain",
    "gate",
    "generate",
    "ggmi",
    "information",
    "lab",
    "loop",
    "mix",
    "mix_runs",
    "read",
    "report",
    "select",
    "train",
    "write_rows",
]

_HOMES = {
    "Dataset": "syngain.data.dataset",
    "Estimate": "syngain.core.estimate",
    "Finding": "syngain.core.result",
    "Result": "syngain.core.result",
    "SyngainError": "syngain.core.errors",
    "Verdict": "syngain.core.result",
    "audit": "syngain.workflows.audit",
    "compare": "syngain.workflows.compare",
    "convert": "syngain.workflows.convert",
    "demo": "syngain.workflows.demo",
    "gain": "syngain.workflows.gain",
    "information": "syngain.workflows.information",
    "gate": "syngain.workflows.gate",
    "loop": "syngain.workflows.loop",
    "mix": "syngain.workflows.mix",
    "mix_runs": "syngain.workflows.mix",
    "check": "syngain.workflows.check",
    "ggmi": "syngain.workflows.ggmi",
    "generate": "syngain.workflows.generate",
    "read": "syngain.data.read",
    "select": "syngain.workflows.select",
    "train": "syngain.workflows.train",
    "write_rows": "syngain.data.write",
}
_FOLDERS = frozenset({"lab", "report"})


def __getattr__(name: str) -> Any:  # noqa: ANN401  (PEP 562: any public name)
    """Import a public name when it is first used."""
    from importlib import import_module

    if name in _FOLDERS:
        return import_module(f"syngain.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'syngain' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Face(ModuleType):
    """The public face: ``syngain.audit`` is the verb, whatever was imported before.

    Importing ``syngain.audit.frame`` makes Python bind the folder ``audit`` to the same name; a verb wins over the
    folder, which stays reachable by ``from syngain.audit import ...`` (docs/decisions/0001).
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
