"""``syngain generate --recover DIR``: rows and ledger of a run whose store is damaged or missing."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.core.folders.lock import locked
from syngain.data import write_records
from syngain.data.generated_row import GENERATOR, REQUEST, to_record
from syngain.pipeline.export import STORE, row_of
from syngain.pipeline.prompts.content import candidates
from syngain.pipeline.store.damage import damage_of
from syngain.pipeline.store.salvage import Salvaged, ledger_lines, salvage
from syngain.pipeline.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.pipeline.store.spending import Spent

Record = dict[str, object]
EXPORTED = ("rows.jsonl", "kept.jsonl")
ANSWERS = "answers.jsonl"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was saved of a run.

    Attributes:
        folder: where it was written. rows: in ``rows.jsonl``. exported: those of them that only an earlier export had.
        answers: in ``answers.jsonl``: answers whose requests are not readable.
        found: what the store gave. spent: what its ledger adds up to.
        damage: what is missing or damaged in the store; empty where nothing is.
    """

    folder: Path
    rows: int
    exported: int
    answers: int
    found: Salvaged
    spent: Spent
    damage: str

    def sentences(self) -> list[str]:
        """What was saved and what is lost, for the terminal."""
        found, spent = self.found, self.spent
        earlier = f", {self.exported:,} of them from an earlier export" if self.exported else ""
        billed = f"billed at least {spent.least[0]:,}, at most {spent.most[0]:,} tokens"
        if not found.entries:
            billed = "what was billed is not known; look it up at the server's provider"
        elif self.damage:
            billed = f"billed at least {spent.least[0]:,} tokens; how much more is not known"
        lines = [
            f"{self.rows:,} rows in {self.folder / 'rows.jsonl'}{earlier}",
            f"{found.entries:,} entries in {self.folder / 'ledger.jsonl'}: {billed}",
        ]
        if self.answers:
            lines.append(f"{self.answers:,} answers without their requests in {self.folder / ANSWERS}")
        lost = f"{found.lost:,} answers are not readable" if found.lost else "no answer is lost"
        if self.damage:
            lost = f"{self.damage}: " + (f"at least {lost}" if found.lost else "whether answers are lost is not known")
        broken = f"; {found.broken:,} pieces of the store are damaged" if found.broken else ""
        return [*lines, lost + broken]


def recover(run: str | Path, folder: str | Path | None = None) -> Recovered:
    """Save all readable rows and the ledger of a run whose store is damaged or missing; nothing of it is changed.

    Args:
        run: the run folder, or the folder of its unfinished work.
        folder: a new folder for ``rows.jsonl``, ``ledger.jsonl`` and, where requests are lost, ``answers.jsonl``;
            None: next to the run, with the ending ``.recovered``.

    Raises:
        InputError: there is neither a store nor rows. UsageError: the folder exists, or a process uses the run.
    """
    from syngain.report import check_folder

    source = _source(Path(run))
    target = source.with_name(f"{source.name}.recovered") if folder is None else Path(folder)
    with locked(source), locked(target):
        check_folder(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".syngain-", dir=target.parent) as place:
            made = Path(place) / "rows"
            made.mkdir()
            (copy := Path(place) / "copy").mkdir()
            damage = damage_of(source / STORE, copy)
            with Store.opened(Path(place) / STORE) as store:
                found = _written(source, store, made, damage)
            made.rename(target)
        return replace(found, folder=target)


def _source(run: Path) -> Path:
    """The folder that has a store or rows: the one named, or that of its unfinished work."""
    places = (run.with_name(f"{run.name}.work"), run)
    for place in places:
        if any((place / name).is_file() for name in (STORE, f"{STORE}-wal", *EXPORTED)):
            return place
    raise InputError(
        f"neither {places[0]} nor {run} holds {STORE} or {EXPORTED[0]}",
        expected="the folder of a run of `syngain generate`",
        todo="name the folder that -o named",
    )


def _written(source: Path, store: Store, target: Path, damage: str) -> Recovered:
    try:
        found = salvage(source / STORE, store)
    except OSError as error:
        raise InputError(
            f"{source / STORE} cannot be read ({error.strerror or error})",
            expected="a file with read permission",
            todo="change its permissions",
        ) from error
    exported = dict(_exported(source))
    generator = next((str(row[GENERATOR]) for row in exported.values() if GENERATOR in row), "")
    held = [row_of(one, generator, top=True) for one in candidates(store) if one.content]
    for row in held:
        exported.pop(row.request, None)
    write_records(target / "rows.jsonl", [*map(to_record, held), *exported.values()])
    write_records(target / "ledger.jsonl", ledger_lines(store))
    answers = _unassigned(store, {row.request for row in held} | exported.keys())
    if answers:
        write_records(target / ANSWERS, answers)
    return Recovered(target, len(held) + len(exported), len(exported), len(answers), found, store.spent(), damage)


def _exported(source: Path) -> Iterator[tuple[str, Record]]:
    """Rows of earlier exports that are whole lines, by the key of their request."""
    for name in reversed(EXPORTED):  # the first holds more of each row
        place = source / name
        for number, line in enumerate(place.read_bytes().splitlines() if place.is_file() else ()):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):  # a line that damage cut
                continue
            if isinstance(row, dict):
                yield str(row.get(REQUEST) or f"{name}:{number}"), row


def _unassigned(store: Store, own: set[str]) -> list[Record]:
    """Answers whose requests are not readable, with their keys."""
    rows = store.connection.execute(
        "SELECT key FROM responses WHERE length(key) = 32 AND key NOT IN (SELECT key FROM requests) ORDER BY key"
    ).fetchall()
    found = [(bytes(key).hex(), store.reply(key)) for (key,) in rows]
    return [{"request": key, "text": reply.text} for key, reply in found if reply is not None and key not in own]
