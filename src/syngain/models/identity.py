"""Identity of a model, for resumed runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

from syngain.core.fingerprint import fingerprint
from syngain.models.catalog import CATALOG

READ = 1 << 20
"""Bytes read at both ends of a large file; the file size represents the rest."""


def model_identity(name: str) -> str:
    """Checksum of a catalog model, fingerprint of a local path, else the name."""
    if name in CATALOG:
        return CATALOG[name].files[0].sha256[:16]
    place = Path(name)
    try:
        files = sorted(place.iterdir()) if place.is_dir() else [place] if place.is_file() else []
        return fingerprint([[file.name, _content(file)] for file in files if file.is_file()]) if files else name
    except OSError:  # loading the model raises the error
        return name


def _content(file: Path) -> str:
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as stream:
        digest.update(stream.read(READ))
        if size > READ:
            stream.seek(max(READ, size - READ))
            digest.update(stream.read(READ))
    return digest.hexdigest()
