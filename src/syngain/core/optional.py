"""Optional dependencies: imported on use, or an error with the install command."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from syngain.core.errors import MissingDependencyError

PARTS = {
    "encoder": ("torch", "transformers", "safetensors", "tokenizers"),
    "local": ("torch", "transformers", "safetensors", "tokenizers", "gguf", "peft", "accelerate"),
    "train": ("trl", "datasets"),
    "llamacpp": ("xllamacpp",),
    "sheets": ("python-calamine",),
}
"""The optional parts with their packages; ``train`` includes ``local``. A test compares pyproject."""


def found(part: str) -> dict[str, str | None]:
    """Versions of the packages of an optional part, None where missing.

    Nothing is imported.
    """
    return {name: _version(name) for name in PARTS[part]}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def require(module: str, *, extra: str, purpose: str) -> Any:  # noqa: ANN401  (a module has no narrower type)
    """Import ``module``, or raise an error with the pip command.

    Raises:
        MissingDependencyError: when the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name.split(".")[0]):
            raise
        raise MissingDependencyError(
            f"{purpose} needs {module.split('.', maxsplit=1)[0]}, which is not installed",
            expected=f"the optional part '{extra}'",
            todo=f"pip install 'syngain[{extra}]'",
        ) from error
