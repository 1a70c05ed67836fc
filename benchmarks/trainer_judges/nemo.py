"""NeMo Automodel: ``ChatDataset``."""

from __future__ import annotations

from trainer_judges.common import LENIENT, masked, refused, tokenizer_of, tools_in


def readings(job: dict, path: str) -> list[dict]:
    """What ``ChatDataset`` reads. NeMo makes arguments text, so that the template is one that takes text."""
    from nemo_automodel.components.datasets.llm.chat_dataset import ChatDataset

    tokenizer = tokenizer_of(path, LENIENT)
    rows, out = ChatDataset(job["file"], tokenizer, unshifted=True), []
    for place in range(len(rows)):
        try:
            row = rows[place]
            turns = masked(tokenizer, row["input_ids"], [bool(kept) for kept in row["loss_mask"]])
            out.append({"turns": turns, "tools": tools_in(tokenizer.decode(row["input_ids"]))})
        except Exception as error:  # noqa: BLE001  (whatever stops the trainer is its answer)
            out.append(refused(error))
    return out
