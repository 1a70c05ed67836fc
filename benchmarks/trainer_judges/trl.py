"""TRL: what SFTTrainer, DPOTrainer and KTOTrainer make of a file; SFT with ``assistant_only_loss``."""

from __future__ import annotations

import logging
import tempfile

from trainer_judges.common import each, loaded, masked, network_of, rendered_turns, tokenizer_of, tools_in

QUIET = {"report_to": "none", "use_cpu": True, "bf16": False, "max_length": None, "disable_tqdm": True}
JOINED = True  # files are read together
ANSWER = "<|im_start|>assistant\n"


def readings(job: dict, path: str) -> list[dict]:
    """What the trainer of the stage reads."""
    from datasets.utils.logging import disable_progress_bar

    disable_progress_bar()
    logging.disable(logging.WARNING)
    read = {"sft": tuned, "text": tuned, "preference": preferred, "kto": judged}[job["stage"]]
    rows = loaded(job["file"])
    if job.get("only"):
        rows = rows.select_columns([name for name in job["only"] if name in rows.column_names])
    return each(rows, lambda some: read(some, path))


def tuned(rows, path: str) -> list[dict]:
    """As SFTTrainer tokenizes and masks."""
    from trl import SFTConfig, SFTTrainer

    tokenizer, chats = tokenizer_of(path), "text" not in rows.column_names
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(output_dir=folder, assistant_only_loss=chats, **QUIET)
        trainer = SFTTrainer(network_of(path), config, train_dataset=rows, processing_class=tokenizer)
    out = []
    for row in trainer.train_dataset:
        text = tokenizer.decode(row["input_ids"])
        if not chats:
            whole = row["labels"] == row["input_ids"]
            out.append({"text": text.removesuffix(tokenizer.eos_token) if whole else f"a part of {text}"})
            continue
        kept = [label != -100 for label in row["labels"]]
        out.append({"turns": masked(tokenizer, row["input_ids"], kept), "tools": tools_in(text)})
    return out


def preferred(rows, path: str) -> list[dict]:
    """As DPOTrainer tokenizes; every token of both answers is compared."""
    from trl import DPOConfig, DPOTrainer

    tokenizer, out = tokenizer_of(path), []
    for row in compared(DPOTrainer, DPOConfig, rows, path):
        reading = answered(tokenizer.decode(row["prompt_ids"]), tokenizer.decode(row["chosen_ids"]))
        out.append({**reading, "rejected": rendered_turns(ANSWER + tokenizer.decode(row["rejected_ids"]))})
    return out


def judged(rows, path: str) -> list[dict]:
    """As KTOTrainer tokenizes."""
    from trl import KTOConfig, KTOTrainer

    tokenizer = tokenizer_of(path)
    return [
        {
            **answered(tokenizer.decode(row["prompt_ids"]), tokenizer.decode(row["completion_ids"])),
            "liked": row["label"],
        }
        for row in compared(KTOTrainer, KTOConfig, rows, path)
    ]


def compared(trainer_class, config_class, rows, path: str):
    """The rows as a trainer with a reference model tokenizes them."""
    with tempfile.TemporaryDirectory() as folder:
        config = config_class(output_dir=folder, **QUIET)
        models = network_of(path), network_of(path, 1)
        trainer = trainer_class(*models, args=config, train_dataset=rows, processing_class=tokenizer_of(path))
        return trainer.train_dataset


def answered(prompt: str, answer: str) -> dict:
    """The turns of a prompt and an answer, all of whose tokens count."""
    if not prompt.endswith(ANSWER):
        raise ValueError(f"the prompt ends with {prompt[-30:]!r}")
    asked = rendered_turns(prompt.removesuffix(ANSWER))
    turns = rendered_turns(prompt + answer)
    for place, turn in enumerate(turns):
        turn["trained"] = place >= len(asked)
    return {"turns": turns, "tools": tools_in(prompt)}
