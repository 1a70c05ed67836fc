"""The slow twin of what cross-fitting adds to a variance: every pair of rows in one matrix."""

from __future__ import annotations

import numpy as np


def swap_variances(swaps, weight, slopes):
    """For each set of terms the sum of g(i; j) g(j; i) over pairs of kin in different folds."""
    X, label = swaps.X, swaps.label
    names = np.unique(label)
    means = {name: X[label == name].mean(axis=0) for name in names}
    residual = X - np.array([means[name] for name in label])
    covariance = residual.T @ residual / max(label.size - names.size, 1)
    sphere = max(np.trace(covariance) / X.shape[1], 1e-12)
    covariance = (1 - swaps.shrinkage) * covariance + swaps.shrinkage * sphere * np.eye(X.shape[1])
    inverse = np.linalg.inv(covariance)
    effect = np.zeros((label.size, label.size))
    for i in range(label.size):
        for j in range(label.size):
            taught = label[j]
            trained = np.sum((label == taught) & (swaps.fold != swaps.fold[i]))
            sign = float(label[i] == taught) - float(swaps.rival[i] == taught)
            effect[i, j] = sign * (X[i] - means[taught]) @ inverse @ residual[j] / max(trained, 1)
    out = []
    for slope in slopes:
        g = effect * slope[:, None]
        for name in names:
            g[label == name] -= g[label == name].mean(axis=0)
        g *= weight[:, None]
        g[swaps.fold[:, None] == swaps.fold[None, :]] = 0.0
        kin = np.unique(swaps.kin)
        by_kin = np.array([[g[np.ix_(swaps.kin == a, swaps.kin == b)].sum() for b in kin] for a in kin])
        out.append(float((by_kin * by_kin.T).sum()))
    return out
