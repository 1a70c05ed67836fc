"""Datasets with planted defects."""
