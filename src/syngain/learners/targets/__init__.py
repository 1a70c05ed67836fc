"""Learners of targets that are no classes: numbers, ordinal scores, label sets, token tags, candidates."""
