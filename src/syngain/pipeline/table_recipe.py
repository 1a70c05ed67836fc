"""The recipe of a table: a YAML file whose generator is ``cells``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from syngain.pipeline.recipe import MOST_ROWS, Part, recipe_content
from syngain.pipeline.recipe_errors import wrong

KIND = "cells"
EXAMPLE = {"generator": "generator: {kind: cells, rows: 200, members: 5, label: COLUMN}"}


class CellsSpec(Part):
    """A cell model of the real rows.

    ``rows`` to draw, or ``balance``: of each class as many as it lacks to the largest; ``label`` of the class,
    ``given`` values of columns that are not drawn, ``temperature`` of the symbols, ``orders`` of the tables (0 to 3),
    ``trees`` per column, ``members``: models that rows are drawn from, ``check`` on halves of the real rows.
    """

    kind: Literal["cells"]
    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    balance: bool = False
    label: str | None = None
    given: dict[str, str | int | float] = Field(default_factory=dict)
    temperature: Annotated[float, Field(ge=0.05, le=20)] = 1.0
    orders: Annotated[int, Field(ge=0, le=3)] = 3
    trees: Annotated[int, Field(ge=0, le=500)] = 16
    members: Annotated[int, Field(ge=1, le=50)] = 1
    check: bool = True

    @model_validator(mode="after")
    def _how_many(self) -> CellsSpec:
        if self.balance == (self.rows is not None):
            raise ValueError("rows: give rows or balance: true, one of them")
        if self.balance and (self.label in {None, "none"} or self.given):
            raise ValueError("balance: needs a label, and no given values")
        if self.members > 1 and self.balance:
            raise ValueError("members: rows of one model where classes are balanced")
        if self.members > (self.rows or self.members):
            raise ValueError(f"members: {self.members} need at least one row each, not {self.rows} rows")
        return self


class TableRecipe(Part):
    """A complete recipe of a table."""

    generator: CellsSpec
    seed: Annotated[int, Field(ge=0)] = 0

    def yaml(self) -> str:
        """The recipe with all defaults."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def table_recipe(source: object) -> TableRecipe | None:
    """The recipe of a table; None where the recipe is one for texts.

    Raises:
        InputError: it cannot be read, or a field is unknown, missing or wrong.
    """
    if not isinstance(source, (str, Path, dict)):
        return None
    content = source if isinstance(source, dict) else recipe_content(Path(source))
    generator = content.get("generator") if isinstance(content, dict) else None
    if not isinstance(generator, dict) or generator.get("kind") != KIND:
        return None
    return checked_recipe(content, "the recipe" if isinstance(source, dict) else str(source))


def checked_recipe(content: object, name: str) -> TableRecipe:
    """A recipe of a table from its content; ``name`` is where it came from, for errors.

    Raises:
        InputError: a field is unknown, missing or wrong.
    """
    try:
        return TableRecipe.model_validate(content)
    except ValidationError as error:
        raise wrong(name, error, {"": TableRecipe, "generator": CellsSpec}, EXAMPLE) from error
