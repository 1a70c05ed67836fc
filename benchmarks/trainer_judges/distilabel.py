"""distilabel: its formatting steps for SFT and DPO."""

from __future__ import annotations

from trainer_judges.common import refused, rows_of


def readings(job: dict, path: str) -> list[dict]:
    """What the formatting step of the form writes."""
    from distilabel.steps.formatting.dpo import FormatTextGenerationDPO
    from distilabel.steps.formatting.sft import FormatChatGenerationSFT, FormatTextGenerationSFT

    out = []
    for row in rows_of(job["file"]):
        if job["stage"] == "preference":
            step = FormatTextGenerationDPO(name="step")
        else:
            step = (FormatChatGenerationSFT if row.get("messages") else FormatTextGenerationSFT)(name="step")
        try:
            step.load()
            (made,) = next(step.process([{name: value for name, value in row.items() if value is not None}]))
        except Exception as error:  # noqa: BLE001  (whatever stops the trainer is its answer)
            out.append(refused(error))
            continue
        turns = [turn(one) for one in made["chosen" if job["stage"] == "preference" else "messages"]]
        reading: dict = {"turns": turns, "tools": ""}
        if job["stage"] == "preference":
            for one in turns[:-1]:
                one["trained"] = False
            reading["rejected"] = [turn(made["rejected"][-1])]
        out.append(reading)
    return out


def turn(message: dict) -> dict:
    """A message that the step wrote; those that use its rows train every answer."""
    return {
        "role": message["role"],
        "text": message["content"],
        "calls": [],
        "trained": message["role"] == "assistant",
    }
