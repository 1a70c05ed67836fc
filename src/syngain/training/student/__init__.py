"""The student: measured gain of a synthetic set for a causal language model, by a plan that keeps to the minutes."""

from syngain.training.student.run import StudentGain, StudentSettings, language_gain
from syngain.training.student.time_budget import StudentLimits, TimeBudget

__all__ = ["StudentGain", "StudentLimits", "StudentSettings", "TimeBudget", "language_gain"]
