"""Read converted rows with a trainer's own code; runs in an environment of that trainer.

    python benchmarks/conversion_judges.py TRAINER TOKENIZER < jobs.json > readings.json

A job is ``{"file", "stage", "only"}``: the stage of training, and the columns to read (none: all). A reading is, per
row, the turns that the trainer made of it, each as role, text, calls (name and arguments as they are rendered) and
whether it is trained (null where this code does not decide it), with the rejected answer, the label and the tools; or
``{"refused": why}``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

PACKAGES = {"llama_factory": "llamafactory", "nemo": "nemo_automodel", "unsloth": "unsloth_zoo"}


def main() -> None:
    """Read the jobs, write the readings."""
    trainer, tokenizer = sys.argv[1:3]
    judge = importlib.import_module(f"trainer_judges.{trainer}")
    jobs = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        readings = together(judge, jobs, tokenizer)
    given = {"version": version(PACKAGES.get(trainer, trainer)), "readings": readings}
    sys.stdout.write(json.dumps(given, default=str))


def together(judge, jobs: list[dict], tokenizer: str) -> list[list[dict]]:
    """The readings of each job; a judge that is slow to start reads files of one stage and the same fields as one."""
    groups: dict[tuple[object, ...], list[int]] = {}
    texts = [Path(job["file"]).read_text(encoding="utf-8") for job in jobs]
    for place, (job, text) in enumerate(zip(jobs, texts, strict=True)):
        fields = tuple(sorted({name for line in text.splitlines() for name in json.loads(line)}))
        groups.setdefault(
            (job["stage"], *job["only"], "", *fields) if hasattr(judge, "JOINED") else (place,), []
        ).append(place)
    out: list[list[dict]] = [[] for _ in jobs]
    with tempfile.TemporaryDirectory() as folder:
        for number, places in enumerate(groups.values()):
            job = jobs[places[0]]
            if hasattr(judge, "JOINED"):
                joined = Path(folder) / f"{number}.jsonl"
                joined.write_text("".join(texts[place] for place in places), encoding="utf-8")
                job = {**job, "file": str(joined)}
            found = iter(judge.readings(job, tokenizer))
            for place in places:
                out[place] = [next(found) for _ in texts[place].splitlines()]
    return out


if __name__ == "__main__":
    main()
