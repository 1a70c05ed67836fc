"""Defects of texts, planted: a plant takes ``(rng, prompt, answer, language)`` and returns the bad answer.

``PLANTS``: name to (plant, its right kinds of `responses.*`); ``LAYOUTS``: a pair as a row, in nine layouts.
"""

from __future__ import annotations

import numpy as np
from defects_rows import REFUSALS, ROWS, clean

MARKS = ".!?。！？।؟ "


def turn(role, text, names=("role", "content")):
    return {names[0]: role, names[1]: text}


LAYOUTS = {
    "alpaca": lambda p, a: {"instruction": p, "input": "", "output": a},
    "completion": lambda p, a: {"prompt": p, "completion": a},
    "response": lambda p, a: {"prompt": p, "response": a},
    "qa": lambda p, a: {"question": p, "answer": a},
    "messages": lambda p, a: {"messages": [turn("user", p), turn("assistant", a)]},
    "system": lambda p, a: {"messages": [turn("system", "Be brief."), turn("user", p), turn("assistant", a)]},
    "sharegpt": lambda p, a: {
        "conversations": [turn("human", p, ("from", "value")), turn("gpt", a, ("from", "value"))]
    },
    "trl": lambda p, a: {"prompt": [turn("user", p)], "completion": [turn("assistant", a)]},
    "reasoning": lambda p, a: {"prompt": p, "completion": f"<think>{a[::2]}</think>\n{a}"},
}


# --- what is planted: (rng, prompt, answer, language) to the bad answer; its kind in the report ------------------------


def refusal(rng, prompt, answer, language):
    return str(rng.choice(REFUSALS[language]))


def one_refusal(rng, prompt, answer, language):
    return REFUSALS[language][0]


def empty(rng, prompt, answer, language):
    return str(
        rng.choice(
            ["", " ", "N/A", "TODO", "...", "[insert answer here]", "<answer>", "-", "null", "…", "{{response}}"]
        )
    )


def stop(rng, prompt, answer, language):
    """Cut in mid-sentence: after at least a third, before the last mark."""
    last = max(len(answer.rstrip(MARKS)) - 2, 3)
    return answer[: int(rng.integers(max(last // 3, 2), last))].rstrip(MARKS + ",;:、，；：")


def open_fence(rng, prompt, answer, language):
    return f"{answer}\n```python\nfor i in range(10):\n    total = total +"


def open_bracket(rng, prompt, answer, language):
    return f"{answer.rstrip(MARKS)} ({prompt.split()[0]}"


def comma(rng, prompt, answer, language):
    return answer.rstrip(MARKS) + ("，" if language in {"zh", "ja"} else "،" if language == "ar" else ",")


def loop(rng, prompt, answer, language):
    unit = answer[: int(rng.integers(12, 40))]
    return answer + (" " + unit.strip()) * int(rng.integers(8, 20))


def characters(rng, prompt, answer, language):
    return answer + next((c for c in answer if c.isalpha()), "a") * 60


def sentences(rng, prompt, answer, language):
    return "\n".join([answer.rstrip() if i % 3 else answer[: len(answer) // 2] for i in range(12)])


def echo(rng, prompt, answer, language):
    return prompt if rng.random() < 0.5 else prompt.rstrip(MARKS) + ":"


def language(rng, prompt, answer, language):
    others = [name for name in ROWS if name not in {language, "sw"}]
    return clean(str(rng.choice(others)), 1, rng)[0][1]


def english(rng, prompt, answer, language):
    if language == "en":
        return clean("de", 1, rng)[0][1]
    return f"The answer depends on the place: a check takes {int(rng.integers(90))} minutes, and there are other costs that most of us do not see."


def role_leak(rng, prompt, answer, language):
    more = [
        "<|im_end|>\n<|im_start|>user\n",
        "\n### Human: ",
        "\n\nUser: ",
        "[INST] ",
        "<|eot_id|>",
        "\nHuman: ",
        "</s>[INST]",
        "<end_of_turn>",
    ]
    return answer + str(rng.choice(more)) + prompt


def repeated(rng, prompt, answer, language):
    bank = (
        clean(language, 8, np.random.default_rng(3))
        if language in ROWS
        else [
            (
                "",
                f"It depends on {n} things that a careful reader will find in the second chapter of the handbook, together with several tables and figures that show how the numbers move."
                * 3,
            )
            for n in range(8)
        ]
    )
    return bank[int(rng.integers(8))][1] * 4


def thought(rng, prompt, answer, language):
    return f"<think>{answer} {answer}" if rng.random() < 0.6 else f"<think>{answer}</think>"


def code(rng, prompt, answer, language):
    return f"{answer}\n```python\ndef run(x:\n    return x +* 2\n```"


def short(rng, prompt, answer, language):
    return answer[:1] if answer else "1"


PLANTS = {
    "refusal": (refusal, {"refusal"}), "one refusal": (one_refusal, {"refusal"}), "empty": (empty, {"empty", "thought"}),
    "stop": (stop, {"cut"}), "open fence": (open_fence, {"cut"}), "open bracket": (open_bracket, {"cut"}),
    "comma": (comma, {"cut"}), "loop": (loop, {"loop"}), "characters": (characters, {"loop"}),
    "sentences": (sentences, {"loop"}), "echo": (echo, {"echo"}), "language": (language, {"language"}),
    "one language": (english, {"language"}), "role leak": (role_leak, {"role_leak"}),
    "repeated": (repeated, {"repeated", "refusal", "loop"}), "thought": (thought, {"thought"}), "code": (code, {"code"}),
}  # fmt: skip
