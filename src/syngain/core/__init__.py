"""Estimates, results, errors, random streams, number formatting.

Imports no other room.
"""

from syngain.core.errors import InputError, MissingDependencyError, SyngainError, UnfinishedError, UsageError
from syngain.core.estimate import Estimate, holm
from syngain.core.result import Finding, Result, Verdict

__all__ = [
    "Estimate",
    "Finding",
    "InputError",
    "MissingDependencyError",
    "Result",
    "SyngainError",
    "UnfinishedError",
    "UsageError",
    "Verdict",
    "holm",
]
