"""Documents from outside, JSON and YAML, read within bounds."""
