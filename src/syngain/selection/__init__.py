"""Which rows to keep and in which proportions, compared with a random choice of the same size."""
