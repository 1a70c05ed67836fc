"""Figures of the report: data for the page's script, and inline SVG."""
