"""Commands that evaluate datasets."""
