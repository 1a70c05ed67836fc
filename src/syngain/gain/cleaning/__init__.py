"""Which labeled rows to drop: profiles of rows, label noise, and the gain of dropping, measured."""
