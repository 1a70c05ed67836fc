"""What a set is: divergence, faithfulness, diversity, novelty, labels, uniformity, relations."""
