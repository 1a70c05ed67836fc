"""Findings of an audit: rules from estimates to defects, rows to drop, and the verdict."""
