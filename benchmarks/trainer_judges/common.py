"""The template of the judges, and conversations that were rendered with it."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

TEMPLATE = (
    "{% if tools %}<tools>{{ tools | tojson }}</tools>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}{% generation %}"
    "{% if message['reasoning_content'] %}<think>\n{{ message['reasoning_content'] }}\n</think>\n\n{% endif %}"
    "{{ message['content'] or '' }}"
    "{% for c in message['tool_calls'] or [] %}<call>{{ c['function']['name'] }} "
    "ARGUMENTS</call>{% endfor %}<|im_end|>\n{% endgeneration %}"
    "{% else %}{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for p in message['content'] or [] %}"
    "{{ p['text'] if p['type'] == 'text' else '<' ~ p['type'] ~ '>' }}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ENCODED = "{{ c['function']['arguments'] | tojson }}"
STRICT = TEMPLATE.replace("ARGUMENTS", ENCODED)  # as Qwen2.5 and Llama 3.1: text is encoded once more
LENIENT = TEMPLATE.replace(  # as Qwen3: text stays as it is
    "ARGUMENTS",
    "{% if c['function']['arguments'] is string %}{{ c['function']['arguments'] }}{% else %}" + ENCODED + "{% endif %}",
)
TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n?", re.DOTALL)
CALL = re.compile(r"<call>(\S+) (.*?)</call>", re.DOTALL)
TOOLS = re.compile(r"^<tools>(.*)</tools>$", re.MULTILINE)


def rows_of(file: str) -> list[dict]:
    """The rows as ``datasets`` gives them: fields that a row lacks are None."""
    rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


def loaded(file: str):
    """The rows as a ``datasets`` dataset, read by its loader for JSON lines."""
    from datasets import load_dataset

    found = load_dataset("json", data_files=file, split="train", cache_dir=str(Path(file).parent / ".cache"))
    return found.remove_columns([name for name in ("images",) if name in found.column_names])


@cache
def tokenizer_of(path: str, template: str = STRICT):
    """The tokenizer with the template of the judges."""
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(path)
    found.chat_template = template
    return found


@cache
def network_of(path: str, copy: int = 0):
    """A network of a few weights, which trainers want before they read a row."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tokenizer_of(path)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id}
    return LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes, **ends))


def rendered_turns(text: str, trained: list[bool] | None = None) -> list[dict]:
    """The turns of a rendered conversation."""
    found = []
    for place, (role, content) in enumerate(TURN.findall(text)):
        calls = [[name, given] for name, given in CALL.findall(content)]
        turn = {"role": role, "text": CALL.sub("", content), "calls": calls}
        found.append({**turn, "trained": trained[place] if trained else None})
    return found


def masked(tokenizer, ids, mask) -> list[dict]:
    """Turns; each is trained where the tokens of its text are in the mask.

    Raises:
        ValueError: a turn is in the mask with a part of its text.
    """
    pieces, flags, inside = [], [], []
    for token, kept in zip(ids, mask, strict=True):
        word = tokenizer.decode([token])
        if word == "<|im_start|>":
            inside.append([])
        elif inside:
            inside[-1].append((word, bool(kept)))
        pieces.append(token)
    for turn in inside:
        first = next(i for i, (word, _) in enumerate(turn) if "\n" in word) + 1  # behind the role
        end = next((i for i, (word, _) in enumerate(turn) if word == "<|im_end|>"), len(turn) - 1)
        body = [kept for _, kept in turn[first : end + 1]]
        flags.append(all(body))
        if any(body) and not flags[-1]:
            raise ValueError(f"a part of a turn is trained: {turn}")
    return rendered_turns(tokenizer.decode(pieces), flags)


def tools_in(text: str) -> str:
    """The tools of a rendered conversation, as JSON."""
    found = TOOLS.search(text)
    return found.group(1) if found else ""


def refused(error: Exception) -> dict:
    """The answer of a trainer that stopped."""
    return {"refused": f"{type(error).__name__}: {error}"[:200]}


def each(rows, read) -> list[dict]:
    """Readings of a whole file; where one row stops the trainer, of each row by itself."""
    try:
        return read(rows)
    except Exception as error:  # noqa: BLE001  (whatever stops the trainer is its answer)
        if len(rows) == 1:
            return [refused(error)]
        alone = [each(rows.select([place]), read)[0] for place in range(len(rows))]
        return alone if any("refused" in one for one in alone) else [refused(error)] * len(rows)
