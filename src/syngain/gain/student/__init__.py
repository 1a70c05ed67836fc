"""The student: measured gain of a synthetic set for a causal language model, by a plan that keeps to the minutes."""

from syngain.gain.student.plan import Limits, Plan
from syngain.gain.student.run import StudentGain, language_gain

__all__ = ["Limits", "Plan", "StudentGain", "language_gain"]
