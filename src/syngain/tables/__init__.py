"""Tables: models of their rows, and what holds among their columns."""
