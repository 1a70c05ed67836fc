"""Rules among the columns of a table, learned from real rows and checked in synthetic ones."""
