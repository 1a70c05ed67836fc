"""Report pages of the simulation lab."""
