"""Balance: rows for the rare classes of a table, by several variants, and which of them helps."""
