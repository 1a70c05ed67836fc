"""Measures of an audit: one module per family, arrays in, estimates out."""
