"""Commands that generate and convert."""
