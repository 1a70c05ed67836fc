"""The student: measured gain for a causal language model within a time budget."""

from syngain.training.student.run import StudentGain, StudentSettings, language_gain
from syngain.training.student.time_budget import StudentLimits, TimeBudget

__all__ = ["StudentGain", "StudentLimits", "StudentSettings", "TimeBudget", "language_gain"]
