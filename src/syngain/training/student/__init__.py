"""The student: measured gain of a synthetic set for a causal language model, by a plan that keeps to the minutes."""

from syngain.training.student.run import StudentGain, language_gain
from syngain.training.student.time_budget import Limits, Plan

__all__ = ["Limits", "Plan", "StudentGain", "language_gain"]
