"""unsloth: ``standardize_data_formats`` and ``train_on_responses_only`` of unsloth_zoo for ``conversations``; its
``sft_prepare_dataset`` in TRL's SFTTrainer for ``messages``; TRL's DPO and KTO, which it does not change.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path

from trainer_judges import trl
from trainer_judges.common import each, loaded, masked, tokenizer_of

JOINED = True  # files are read together


def readings(job: dict, path: str) -> list[dict]:
    """What unsloth reads."""
    tools = utils()
    if job["stage"] != "sft":
        return trl.readings(job, path)
    rows = loaded(job["file"])
    if "conversations" in rows.column_names:
        return each(rows, lambda some: answers(some, path, tools))
    from trl import SFTTrainer

    usual, SFTTrainer._prepare_dataset = SFTTrainer._prepare_dataset, tools.sft_prepare_dataset
    try:
        return trl.readings(job, path)
    finally:
        SFTTrainer._prepare_dataset = usual


def answers(rows, path: str, tools) -> list[dict]:
    """Rows of ``conversations``."""
    tokenizer = tokenizer_of(path)
    marks = {"instruction_part": "<|im_start|>user\n", "response_part": "<|im_start|>assistant\n"}
    mask = tools.train_on_responses_only(None, tokenizer=tokenizer, return_function=True, **marks)
    out = []
    for row in tools.standardize_data_formats(rows, num_proc=1):
        ids = tokenizer.apply_chat_template(row["conversations"], return_dict=True)["input_ids"]
        (labels,) = mask({"input_ids": [ids]})["labels"]
        out.append({"turns": masked(tokenizer, ids, [label != -100 for label in labels]), "tools": ""})
    return out


def utils():
    """``unsloth_zoo.dataset_utils`` without the package around it, which wants a GPU."""
    name = "unsloth_zoo"
    if name not in sys.modules:
        folder = next(Path(place) / name for place in sys.path if (Path(place) / name / "dataset_utils.py").is_file())
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
        os.environ["TQDM_DISABLE"] = "1"
    return importlib.import_module(f"{name}.dataset_utils")
