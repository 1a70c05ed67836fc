"""Cell models: the probability of every cell of a table given the cells before it."""
