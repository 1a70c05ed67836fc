"""Preference rows: what is wrong with their chosen and rejected responses."""
