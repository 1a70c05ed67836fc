"""Boosted trees, grown round by round."""
