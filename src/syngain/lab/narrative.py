"""Notes of the presets: definitions and methods."""

from __future__ import annotations

HIGHDIM = (
    "Gap = divergence of the model fitted to real rows minus that fitted to synthetic rows; above 0 is a benefit.",
    "Covariances A A' / (2 d), A normal of d rows and 2 d columns; both fits shrink their covariances.",
    "KL: Kullback-Leibler divergence. TV: total variation.",
    "Quality q: means of the J components are shifted by (1 - q) standard deviations in every direction.",
)
BOUNDS = (
    "Published expressions are from memory, not quoted. A rate above 0 shows that a bound fails.",
    "All quantities by enumeration of the joint distribution; tolerance 1e-10.",
    "GGMI: generalization gain via mutual information.",
)
TEMPERATURE = (
    "All quantities are exact, by enumeration of 340 texts.",
    "Gain: decrease of the expected KL(truth || learner) when 100 synthetic rows are added to 20 real rows.",
    "KL: Kullback-Leibler divergence. JS: Jensen-Shannon divergence. TV: total variation.",
    "Information gain is maximal for noise: read it only together with a divergence and a measured gain.",
)

TABLES = (
    "Order k: back-off tables of a cell given up to k earlier cells. Order 0: marginals.",
    "Mixture: the model of `syngain generate --generator cells`.",
    "All models have the same bins and are scored on values of the decimal grid, so that log-probabilities compare.",
    "A third of the rows is held out in each split. Intervals: Student's t, widened as splits share training rows.",
    "F1: boosted trees trained on as many drawn rows as training rows.",
    "Separability: area under the curve of boosted trees, drawn rows against held-out rows.",
    "Models of the simulated tables are at most as good as the truth, on average.",
)


def loops(checks: int, threshold: float) -> tuple[str, ...]:
    """Number and threshold of the checks against closed forms."""
    return (
        f"Checks against closed forms: {checks}; Bonferroni limit {threshold:.2f} errors.",
        "TV: total variation.",
    )


def paper(*, uniform: bool, published: bool) -> tuple[str, ...]:
    """Notes on the published figure.

    ``uniform``: covariances; ``published``: whether its own estimator is included.
    """
    notes = [
        "Gap = divergence of the model fitted to real rows minus that fitted to synthetic rows; above 0 is a benefit.",
        "Covariances: A A' + 1e-6 I, entries of A uniform in [0, 1]; the published A B' is indefinite in most draws."
        if uniform
        else "Covariances: A A' / (2 d), A normal of d rows and 2 d columns.",
        "Exact densities; integrals by Monte Carlo on points common to all densities. Bands: 95% over replicates.",
        "KL: Kullback-Leibler divergence. TV: total variation. JS: Jensen-Shannon divergence.",
        "KL gaps have heavy tails, so plots show their medians, not their means.",
    ]
    if published:
        notes.append(
            "The published estimator bins each sample in its own range: not a divergence, shown for comparison."
        )
    return tuple(notes)
