"""Which rows to keep and in which proportions: method objects, measured next to a random choice of the same size."""
