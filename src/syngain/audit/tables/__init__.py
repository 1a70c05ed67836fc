"""Checks of tables: rules among columns, single columns, tails."""
