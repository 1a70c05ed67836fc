"""Commands that set up and demonstrate."""
