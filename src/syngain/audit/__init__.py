"""What a synthetic dataset is: divergence, fidelity, diversity, novelty, labels, uniformity, relations."""
