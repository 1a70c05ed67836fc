"""axolotl: ``ChatTemplateStrategy``, and the strategies of completion, DPO and KTO that its documentation names."""

from __future__ import annotations

from trainer_judges.common import STRICT, masked, refused, rendered_turns, rows_of, tokenizer_of, tools_in

CONFIG = {"chat_template": "jinja", "chat_template_jinja": STRICT, "datasets": [{}]}
CONFIG |= {"train_on_inputs": False, "sequence_len": 1 << 20}


def readings(job: dict, path: str) -> list[dict]:
    """What the strategy of the stage reads."""
    read = {"text": completed, "kto": judged, "preference": preferred, "sft": tuned}[job["stage"]](path)
    out = []
    for row in rows_of(job["file"]):
        try:
            out.append(read(dict(row)))
        except Exception as error:  # noqa: BLE001  (whatever stops the trainer is its answer)
            out.append(refused(error))
    return out


def tuned(path: str):
    """``type: chat_template`` with ``message_field_training: training``."""
    from axolotl.prompt_strategies.chat_template import ChatTemplatePrompter, ChatTemplateStrategy

    tokenizer, long = tokenizer_of(path), CONFIG["sequence_len"]
    prompter = ChatTemplatePrompter(tokenizer, STRICT, message_field_training="training", max_length=long)
    strategy = ChatTemplateStrategy(
        prompter,
        tokenizer,
        train_on_inputs=False,
        sequence_len=long,
        roles_to_train=["assistant"],
        train_on_eos="turn",
    )

    def read(row: dict) -> dict:
        made = strategy.tokenize_prompt(row)
        turns = masked(tokenizer, made["input_ids"], [label != -100 for label in made["labels"]])
        return {"turns": turns, "tools": tools_in(tokenizer.decode(made["input_ids"]))}

    return read


def completed(path: str):
    """``type: completion``."""
    from axolotl.prompt_strategies.completion import load
    from axolotl.utils.dict import DictDefault

    tokenizer = tokenizer_of(path)
    strategy = load(tokenizer, DictDefault(CONFIG), DictDefault({}))

    def read(row: dict) -> dict:
        made = strategy.tokenize_prompt({"text": [row["text"]]})
        (ids,), (labels,) = made["input_ids"], made["labels"]
        text = tokenizer.decode(ids).removesuffix(tokenizer.eos_token)
        return {"text": text if list(ids) == list(labels) else f"a part of {text}"}

    return read


def judged(path: str):
    """``type: chatml.argilla_chat`` of KTO."""
    from axolotl.prompt_strategies.kto.chatml import argilla_chat

    strategy = argilla_chat({})

    def read(row: dict) -> dict:
        made = strategy(row)
        return {"turns": last(rendered_turns(made["prompt"] + made["completion"])), "liked": made["label"]}

    return read


def preferred(path: str):
    """``type: chat_template.default`` of DPO."""
    from axolotl.prompt_strategies.dpo.chat_template import default
    from axolotl.utils.dict import DictDefault

    strategy, tokenizer = default(DictDefault(CONFIG))[0], tokenizer_of(path)

    def read(row: dict) -> dict:
        made = strategy(row, tokenizer=tokenizer)
        rejected = rendered_turns("<|im_start|>assistant\n" + made["rejected"])
        return {"turns": last(rendered_turns(made["prompt"] + made["chosen"])), "rejected": rejected}

    return read


def last(turns: list[dict]) -> list[dict]:
    """Turns, the last of which is the answer."""
    for place, turn in enumerate(turns):
        turn["trained"] = place == len(turns) - 1
    return turns
