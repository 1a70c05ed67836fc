"""The neighbors' scores behind one protocol. Each package is optional; what is missing is said and left out.

Signs: every score is turned so that larger is predicted more useful, in the sense in which its authors use it.

| score | commonly read as | here |
|---|---|---|
| MAUVE [pillutla2021] | larger: closer to the real text | as it is |
| Vendi [friedman2023] | larger: more different rows | as it is |
| precision, density [naeem2020] | larger: more faithful | as it is |
| recall, coverage [naeem2020] | larger: more of the real rows reached | as it is |
| compression ratio, raw / zlib [shaib2024] | larger: more repetition | its inverse |
| perplexity under a model of the anchors | smaller: more like them | minus nats per byte |
| classifier two-sample test [lopezpaz2017] | larger accuracy: easier to tell apart | minus balanced accuracy |
"""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
import zlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.value.outcomes import spoken
from benchmarks.value.predictors import (
    Chance,
    PlainCrossValidation,
    Prediction,
    Predictor,
    Seen,
    Size,
    Syngain,
    TrainSynthetic,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from syngain.data.study import joined
from syngain.learners.ngram import NgramModel

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGES = {"mauve": "mauve-text faiss-cpu", "vendi_score": "vendi-score", "prdc": "prdc"}
NEAREST = 5  # neighbors of prdc, as its authors advise


def everyone(setting: str, say: Callable[[str], None]) -> list[Predictor]:
    """Ours, then all neighbors that are installed; ``say`` is told which are not."""
    here = {module for module in PACKAGES if _installed(module, say)}
    asked: list[Predictor] = [Syngain(setting), PlainCrossValidation(), TrainSynthetic()]
    if "mauve" in here:
        asked.append(Mauve())
    if "vendi_score" in here:
        asked.append(Vendi())
    if "prdc" in here:
        asked += [Prdc(part) for part in ("density", "coverage", "precision", "recall")]
    return [*asked, TwoSample(), AnchorPerplexity(), Compression(), Size(), Chance()]


def _installed(module: str, say: Callable[[str], None]) -> bool:
    try:
        importlib.import_module(module)
    except ImportError as error:
        say(f"{module} is left out: {error}. To ask it: pip install --no-deps {PACKAGES[module]}")
        return False
    return True


def versions() -> dict[str, str]:
    """Of the neighbors and what they compute with; "missing" where a package is not installed."""
    out = {}
    for name in (*" ".join(PACKAGES.values()).split(), "scikit-learn", "numpy", "scipy"):
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = "missing"
    return out


@dataclass(frozen=True)
class Mauve:
    """MAUVE of anchors against synthetic rows on our vectors, all other settings as the package has them."""

    name: str = "MAUVE"
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`benchmarks.value.predictors.Predictor`."""
        from mauve import compute_mauve

        real, made = (np.ascontiguousarray(side, dtype=np.float32) for side in seen.vectors)
        with _quiet():
            return Prediction(float(compute_mauve(p_features=real, q_features=made, verbose=False).mauve))


@dataclass(frozen=True)
class Vendi:
    """Vendi score of the synthetic rows on our vectors, by the path its users call: ``score_X``."""

    name: str = "Vendi"
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`benchmarks.value.predictors.Predictor`."""
        from vendi_score import vendi

        made = seen.vectors[1]
        with _quiet():
            return Prediction(float(vendi.score_X(made[np.linalg.norm(made, axis=1) > 0])))


@dataclass(frozen=True)
class Prdc:
    """One of the four numbers of prdc on our vectors."""

    name: str
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`benchmarks.value.predictors.Predictor`."""
        from prdc import compute_prdc

        with _quiet():
            return Prediction(float(compute_prdc(*seen.vectors, nearest_k=NEAREST)[self.name]))


@dataclass(frozen=True)
class TwoSample:
    """Minus the balanced accuracy with which logistic regression tells synthetic rows from anchors, five folds."""

    name: str = "two-sample test"
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`benchmarks.value.predictors.Predictor`."""
        real, made = seen.vectors
        side = np.repeat([0, 1], [len(real), len(made)])
        model = LogisticRegression(max_iter=1_000, class_weight="balanced")
        order = np.random.default_rng(seen.seed).permutation(side.size)
        X = np.vstack([real, made])[order]
        return Prediction(-float(cross_val_score(model, X, side[order], cv=5, scoring="balanced_accuracy").mean()))


@dataclass(frozen=True)
class AnchorPerplexity:
    """Minus the nats per byte of the synthetic rows under an n-gram model of the anchors."""

    name: str = "perplexity"
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`benchmarks.value.predictors.Predictor`."""
        nats, size = NgramModel().fit(spoken(seen.anchors)).surprisal(spoken(seen.synthetic))
        return Prediction(-float(nats.sum() / size.sum()))


@dataclass(frozen=True)
class Compression:
    """Bytes after zlib over bytes before: the inverse of the compression ratio."""

    name: str = "compression"
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`benchmarks.value.predictors.Predictor`."""
        text = "\n".join(joined(seen.synthetic)).encode()
        return Prediction(len(zlib.compress(text, 9)) / len(text))


@contextlib.contextmanager
def _quiet():
    """Packages that print: to nowhere. Their warnings about their own dependencies too."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield
