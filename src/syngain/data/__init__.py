"""Rows, datasets and provenance: file formats, column roles, splits, encoders."""

from syngain.data.dataset import Dataset, Kind, RoleOptions, Roles
from syngain.data.files.write import write_records, write_rows
from syngain.data.match import match_sources
from syngain.data.read import read

__all__ = ["Dataset", "Kind", "RoleOptions", "Roles", "match_sources", "read", "write_records", "write_rows"]
