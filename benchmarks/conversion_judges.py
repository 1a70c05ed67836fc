"""Read converted rows with a trainer's own code; runs in an environment of that trainer.

    python benchmarks/conversion_judges.py TRAINER TOKENIZER < jobs.json > readings.json

A job is ``{"file", "stage"}``. A reading is, per row, the turns that the trainer made of it, each as role, text, calls
(name and arguments as they are rendered) and whether it is trained (null where this code does not decide it), with the
rejected answer and the label; or ``{"refused": why}``.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] or '' }}"
    "{% for c in m.get('tool_calls') or [] %}<call>{{ c['function']['name'] }} "
    "{{ c['function']['arguments'] | tojson }}</call>{% endfor %}<|im_end|>\n{% endgeneration %}"
    "{% else %}{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for p in m['content'] or [] %}{{ p['text'] if p['type'] == 'text' else '<' ~ p['type'] ~ '>' }}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n?", re.DOTALL)
CALL = re.compile(r"<call>(\S+) (.*?)</call>", re.DOTALL)


def main() -> None:
    """Read the jobs, write the readings."""
    trainer, tokenizer = sys.argv[1:3]
    jobs = json.load(sys.stdin)
    judge = {"trl": trl, "llama_factory": llama_factory, "axolotl": axolotl, "oumi": oumi}[trainer]
    package = {"llama_factory": "llamafactory"}.get(trainer, trainer)
    readings = [judge(job, tokenizer) for job in jobs]
    sys.stdout.write(json.dumps({"version": version(package), "readings": readings}, default=str))


def rows_of(file: str) -> list[dict]:
    """The rows as ``datasets`` gives them: fields that a row lacks are None."""
    rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


def spoken(text: str, trained: list[bool] | None = None) -> list[dict]:
    """The turns of a rendered conversation."""
    found = []
    for place, (role, content) in enumerate(TURN.findall(text)):
        calls = [[name, given] for name, given in CALL.findall(content)]
        turn = {"role": role, "text": CALL.sub("", content), "calls": calls}
        found.append({**turn, "trained": trained[place] if trained else None})
    return found


def tokenizer_of(path: str):
    """The tokenizer with the template of this judge."""
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(path)
    found.chat_template = TEMPLATE
    return found


def trl(job: dict, path: str) -> list[dict]:
    """``apply_chat_template`` of TRL, which its trainers use; the mask of SFT as SFTTrainer makes it."""
    from trl.data_utils import apply_chat_template

    tokenizer, out = tokenizer_of(path), []
    keys = ("messages", "prompt", "chosen", "rejected", "completion", "label")
    for row in rows_of(job["file"]):
        try:
            example = {key: row[key] for key in keys if row.get(key) is not None}
            if "text" in row:
                out.append({"text": row["text"]})
                continue
            if job["stage"] == "sft" and "messages" in example:
                made = tokenizer.apply_chat_template(
                    example["messages"], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
                )
                out.append({"turns": _masked(tokenizer, made["input_ids"], made["assistant_masks"])})
                continue
            made = apply_chat_template(example, tokenizer)
            answer = made.get("completion", made.get("chosen", ""))
            turns = spoken(made["prompt"] + answer)
            asked = len(spoken(made["prompt"]))
            for place, turn in enumerate(turns):
                turn["trained"] = place >= asked and turn["role"] != "tool"
            reading = {"turns": turns, "liked": example.get("label")}
            if "rejected" in made:
                reading["rejected"] = spoken("<|im_start|>assistant\n" + made["rejected"])
            out.append(reading)
        except Exception as error:  # noqa: BLE001  (whatever stops the trainer is its answer)
            out.append({"refused": f"{type(error).__name__}: {error}"[:200]})
    return out


def _masked(tokenizer, ids, mask) -> list[dict]:
    """Turns, each trained where all of its tokens but the role are in the mask."""
    pieces, flags, inside = [], [], False
    for token, kept in zip(ids, mask, strict=True):
        word = tokenizer.decode([token])
        if word == "<|im_start|>":
            flags.append(False)
            inside = True
        if inside and kept:
            flags[-1] = True
        pieces.append(token)
    return spoken(tokenizer.decode(pieces), flags)


def llama_factory(job: dict, path: str) -> list[dict]:
    """The converter that ``dataset_info.json`` names, and the formatter of calls."""
    from llamafactory.data.converter import get_dataset_converter
    from llamafactory.data.formatter import FunctionFormatter
    from llamafactory.data.parser import get_dataset_list

    file = Path(job["file"])
    (attributes,) = get_dataset_list([file.name.removesuffix(".jsonl")], str(file.parent))
    convert = get_dataset_converter(attributes.formatting, attributes, SimpleNamespace(media_dir=str(file.parent)))
    formatter = FunctionFormatter(slots=["{{content}}"], tool_format="default")
    seen: list = []
    formatter.tool_utils = SimpleNamespace(function_formatter=lambda calls: seen.append(calls) or "<calls>")
    words = {"thought_words": ("<think>", "</think>"), "tool_call_words": ("<tool_call>", "</tool_call>")}

    def turn(message: dict) -> list[dict]:
        if message["role"] == "function":
            seen.clear()
            text = formatter.apply(content=message["content"], **words)[0].replace("<calls>", "")
            calls = [[call.name, call.arguments] for call in seen[0]]
            return [{"role": "assistant", "text": text, "calls": calls, "trained": True}]
        if message["role"] == "observation":
            parts = message["content"].split("\n</tool_response>\n<tool_response>\n")
            return [{"role": "tool", "text": part, "calls": [], "trained": False} for part in parts]
        return [
            {
                "role": message["role"],
                "text": message["content"],
                "calls": [],
                "trained": message["role"] == "assistant",
            }
        ]

    out = []
    for row in rows_of(job["file"]):
        try:
            made = convert(row)
            if job["stage"] == "text":
                out.append({"text": made["_prompt"][0]["content"]})
                continue
            expected = 1 if job["stage"] == "sft" else 2
            if len(made["_prompt"]) % 2 != 1 or len(made["_response"]) < expected:
                out.append({"refused": "dropped as an invalid example"})
                continue
            system = (
                [{"role": "system", "text": made["_system"], "calls": [], "trained": False}] if made["_system"] else []
            )
            before = [one for message in made["_prompt"] for one in turn(message)]
            answers = [turn(message) for message in made["_response"]]
            reading: dict = {"turns": system + before + answers[0]}
            if job["stage"] == "kto":
                liked = made["_response"][0]["content"] != ""
                reading = {"turns": system + before + answers[0 if liked else 1], "liked": liked}
            if job["stage"] == "preference":
                reading["rejected"] = answers[1]
            if job["stage"] != "sft":
                for one in before:
                    one["trained"] = False
            reading["tools"] = made["_tools"] or ""
            reading["media"] = [*(made["_images"] or []), *(made["_videos"] or []), *(made["_audios"] or [])]
            out.append(reading)
        except Exception as error:  # noqa: BLE001
            out.append({"refused": f"{type(error).__name__}: {error}"[:200]})
    return out


def axolotl(job: dict, path: str) -> list[dict]:
    """``ChatTemplateStrategy``, and the strategies of DPO and KTO that the documentation names."""
    from axolotl.prompt_strategies.chat_template import ChatTemplatePrompter, ChatTemplateStrategy

    tokenizer, out = tokenizer_of(path), []
    prompter = ChatTemplatePrompter(tokenizer, TEMPLATE, message_field_training="training", max_length=1 << 20)
    strategy = ChatTemplateStrategy(
        prompter,
        tokenizer,
        train_on_inputs=False,
        sequence_len=1 << 20,
        roles_to_train=["assistant"],
        train_on_eos="turn",
    )
    for row in rows_of(job["file"]):
        try:
            if job["stage"] == "text":
                out.append({"text": row["text"]})
            elif job["stage"] == "kto":
                from axolotl.prompt_strategies.kto.chatml import argilla_chat

                made = argilla_chat({})(dict(row))
                turns = spoken(made["prompt"] + made["completion"])
                for place, turn in enumerate(turns):
                    turn["trained"] = place == len(turns) - 1
                out.append({"turns": turns, "liked": made["label"]})
            elif job["stage"] == "preference":
                from axolotl.prompt_strategies.dpo.chat_template import default
                from axolotl.utils.dict import DictDefault

                config = DictDefault({"chat_template": "jinja", "chat_template_jinja": TEMPLATE, "datasets": [{}]})
                made = default(config)[0](dict(row), tokenizer=tokenizer)
                turns = spoken(made["prompt"] + made["chosen"])
                for place, turn in enumerate(turns):
                    turn["trained"] = place == len(turns) - 1
                out.append({"turns": turns, "rejected": spoken("<|im_start|>assistant\n" + made["rejected"])})
            else:
                made = strategy.tokenize_prompt(dict(row))
                mask = [int(label != -100) for label in made["labels"]]
                out.append({"turns": _masked(tokenizer, made["input_ids"], mask)})
        except Exception as error:  # noqa: BLE001
            out.append({"refused": f"{type(error).__name__}: {error}"[:200]})
    return out


def oumi(job: dict, path: str) -> list[dict]:
    """The class ``Conversation``."""
    from oumi.core.types.conversation import Conversation

    out = []
    for line in Path(job["file"]).read_text(encoding="utf-8").splitlines():
        try:
            read = Conversation.model_validate(json.loads(line))
        except Exception as error:  # noqa: BLE001
            out.append({"refused": f"{type(error).__name__}: {error}"[:200]})
            continue
        turns = []
        for message in read.messages:
            text = "".join((item.content or "") if item.is_text() else "" for item in message.content_items)
            calls = [[call.function.name, call.function.arguments] for call in message.tool_calls or []]
            role = message.role.value
            turns.append({"role": role, "text": text, "calls": calls, "trained": role == "assistant"})
        out.append({"turns": turns})
    return out


if __name__ == "__main__":
    main()
