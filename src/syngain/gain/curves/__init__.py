"""Curves: gain against synthetic rows and against real rows."""
