"""Folders of runs: who writes them, what belongs to them, what is finished in them."""
