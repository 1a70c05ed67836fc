"""One SFT, DPO and KTO step of TRL with SmolLM2 on converted files: the loss, and the tokens that are in it.

    python benchmarks/trainer_steps.py [--results FILE] [--model FOLDER]

FILE takes one line per step; a step that has one is not run again. The exit code is 1 where a loss is not finite, or
the decoded tokens in the loss are not exactly the answers that were meant.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from trainer_judges.common import STRICT

import syngain

ASKED = [{"role": "user", "content": "Name a river in Poland."}]
ROUNDS = [*ASKED, {"role": "assistant", "content": "The Oder."}, {"role": "user", "content": "And another?"}]
CALL = {"id": "c", "type": "function", "function": {"name": "length", "arguments": '{"river": "Oder"}'}}
TOOL = {"type": "function", "function": {"name": "length", "parameters": {"type": "object", "properties": {}}}}
USES = [*ASKED, {"role": "assistant", "content": "", "tool_calls": [CALL]}]
USES += [{"role": "tool", "tool_call_id": "c", "content": "854 km"}, {"role": "assistant", "content": "854 km long."}]
END = "<|im_end|>\n"
PAIR = {"prompt": ASKED, "chosen": [{"role": "assistant", "content": "The Oder."}]}
PAIR |= {"rejected": [{"role": "assistant", "content": "The Rhine."}]}
STEPS = {
    "sft, one answer": ("sft", {"instruction": "Name a river.", "output": "The Oder."}, ["The Oder." + END]),
    "sft, two answers": (
        "sft",
        {"messages": [*ROUNDS, {"role": "assistant", "content": "The Vistula."}]},
        ["The Oder." + END + "The Vistula." + END],
    ),
    "sft, a call and its result": (
        "sft",
        {"messages": USES, "tools": [TOOL]},
        ['<call>length {"river": "Oder"}</call>' + END + "854 km long." + END],
    ),
    "dpo": ("dpo", PAIR, ["The Oder." + END, "The Rhine." + END]),
    "kto": ("kto", {"prompt": ASKED, "completion": PAIR["chosen"], "label": True}, ["The Oder." + END]),
}


def main() -> int:
    """Run the steps that have no result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", type=Path, default=Path("trainer_steps.jsonl"))
    parser.add_argument("--model", default="", help="a folder with SmolLM2 (default: the one of this machine)")
    options = parser.parse_args()
    known = options.results.read_text(encoding="utf-8").splitlines() if options.results.exists() else []
    done = {line["step"]: line for line in map(json.loads, known)}
    for name, (stage, row, meant) in STEPS.items():
        if name not in done:
            done[name] = {"step": name, **step(stage, row, meant, options.model or str(smollm2()))}
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[name]) + "\n")
        print(f"{name:28s} loss {done[name]['loss']:.4f}  in the loss: {done[name]['trained']}")
    return int(not all(one["exact"] and math.isfinite(one["loss"]) for one in done.values()))


def smollm2() -> Path:
    """The folder of SmolLM2's weights on this machine."""
    import transformers

    from syngain.models.checkpoints import converted, gguf_file

    return converted(transformers, gguf_file("smollm2"), "smollm2")


def step(stage: str, row: dict, meant: list[str], model: str) -> dict:
    """Convert two rows, take one step, and decode what was in the loss."""
    from datasets.utils.logging import disable_progress_bar

    logging.disable(logging.WARNING)
    disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        source, file = Path(folder) / "rows.jsonl", Path(folder) / "train.jsonl"
        rows = [row, {**row, "label": False}] if stage == "kto" else [row, row]
        source.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
        syngain.convert(source, file, to="trl")
        trainer = trainer_of(stage, str(file), model, folder)
        seen = trained_texts(trainer)
        loss = float(trainer.train().training_loss)
    both = [text for text in meant for _ in rows]
    versions = {name: version(name) for name in ("trl", "transformers", "torch", "datasets")}
    return {"loss": loss, "trained": meant if seen == both else seen, "exact": seen == both, "versions": versions}


def trainer_of(stage: str, file: str, model: str, folder: str):
    """TRL's trainer for a stage, for one step; its tokenizer has a template that marks the answers."""
    import trl
    from datasets import load_dataset
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.chat_template = STRICT
    config, kind = {
        "sft": (trl.SFTConfig, trl.SFTTrainer),
        "dpo": (trl.DPOConfig, trl.DPOTrainer),
        "kto": (trl.KTOConfig, trl.KTOTrainer),
    }[stage]
    more = {"assistant_only_loss": True} if stage == "sft" else {}
    quiet = {"report_to": "none", "use_cpu": True, "bf16": False, "disable_tqdm": True, "save_strategy": "no"}
    size = {"max_steps": 1, "per_device_train_batch_size": 2, "gradient_checkpointing": False}
    rows = load_dataset("json", data_files=file, split="train", cache_dir=folder)
    return kind(
        model, args=config(output_dir=folder, **quiet, **size, **more), train_dataset=rows, processing_class=tokenizer
    )


def trained_texts(trainer) -> list[str]:
    """The tokens of the first batch that are in the loss, decoded, by row."""
    batch = next(iter(trainer.get_train_dataloader()))
    tokenizer = trainer.processing_class
    if "labels" in batch:
        return [tokenizer.decode(row[row != -100]) for row in batch["labels"]]
    prefix = "" if "input_ids" in batch else "completion_"
    ids, mask = batch[f"{prefix}input_ids"], batch["completion_mask"]
    return [tokenizer.decode(row[kept.bool()]) for row, kept in zip(ids, mask, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
