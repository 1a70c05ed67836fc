"""Invented rows in the layouts that trainers and generators document, with the texts that must be read from them."""

from __future__ import annotations

import json

ROWS = 6
S, A, B = "You answer briefly.", "The moon pulls the sea, {}.", "Hard to say, {}."
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}]
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": "tides"}'}}


def u(i):
    """The request of row ``i``."""
    return f"Explain tides to reader {i}"


def a(i):
    """Its response."""
    return A.format(i)


def b(i):
    """A worse response."""
    return B.format(i)


def say(*turns, role="role", content="content"):
    """Messages from role and text, alternating."""
    return [{role: who, content: text} for who, text in zip(turns[::2], turns[1::2], strict=True)]


def shared(*turns):
    """The same in ShareGPT's spelling."""
    return say(*turns, role="from", content="value")


def parts(key, text):
    """A content of one text part and one image."""
    return [{"type": "text", key: text}, {"type": "image_url", "image_url": {"url": "a.png"}}]


def pair(i, system=False):
    """Prompt and response."""
    return {"prompt": f"{S}\n\n{u(i)}" if system else u(i), "response": a(i)}


def spoken(i):
    """Prompt and response of a conversation with a system message."""
    return {"prompt": f"system: {S}\nuser: {u(i)}", "response": a(i)}


def better(i, system=False):
    """A preference."""
    return {**pair(i, system), "rejected": b(i)}


def spoken_better(i):
    """A preference of conversations with a system message."""
    return {**spoken(i), "rejected": b(i)}


def labeled(i):
    """A pair with a label."""
    return {**pair(i), "label": "true" if i % 2 else "false"}


ASK = ("user", "q{}", "assistant", "r{}")


def earlier(i):
    """A conversation of two rounds."""
    return {"prompt": f"user: q\nassistant: r\nuser: {u(i)}", "response": a(i)}


def called(i):
    """A conversation with a tool call before its last turn."""
    return {"response": a(i)}


CHAT = {
    "openai_messages": (lambda i: {"messages": say("system", S, "user", u(i), "assistant", a(i))}, spoken),
    "openai_two_rounds": (
        lambda i: {"messages": say("user", "q", "assistant", "r", "user", u(i), "assistant", a(i))},
        earlier,
    ),
    "openai_weights": (
        lambda i: {"messages": [*say("user", u(i)), {"role": "assistant", "content": a(i), "weight": 1}]},
        pair,
    ),
    "openai_tool_calls": (
        lambda i: {
            "messages": [
                *say("user", u(i)),
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "found"},
                *say("assistant", a(i)),
            ],
            "tools": TOOLS,
            "parallel_tool_calls": False,
        },
        called,
    ),
    "openai_vision_parts": (
        lambda i: {"messages": [{"role": "user", "content": parts("text", u(i))}, *say("assistant", a(i))]},
        pair,
    ),
    "parts_value": (
        lambda i: {"messages": say("user", parts("value", u(i)), "assistant", [{"type": "text", "value": a(i)}])},
        pair,
    ),
    "parts_content": (
        lambda i: {"messages": say("user", parts("content", u(i)), "assistant", [{"type": "text", "content": a(i)}])},
        pair,
    ),
    "openai_reinforcement": (
        lambda i: {"messages": say("user", u(i)), "reference_answer": "4"},
        lambda i: {"text": u(i)},
    ),
    "sharegpt": (lambda i: {"conversations": shared("human", u(i), "gpt", a(i))}, pair),
    "sharegpt_system_column": (
        lambda i: {"conversations": shared("human", u(i), "gpt", a(i)), "system": S, "tools": "[]"},
        spoken,
    ),
    "sharegpt_function_call": (
        lambda i: {
            "conversations": shared(
                "human", u(i), "function_call", '{"name": "find", "arguments": {}}', "observation", "found", "gpt", a(i)
            ),
            "tools": json.dumps(TOOLS),
        },
        called,
    ),
    "slimorca_weight": (
        lambda i: {
            "conversations": [
                {"from": "system", "value": S, "weight": None},
                {"from": "human", "value": u(i), "weight": 0},
                {"from": "gpt", "value": a(i), "weight": 1},
            ]
        },
        spoken,
    ),
    "unsloth_conversations_role_content": (
        lambda i: {"conversations": say("user", u(i), "assistant", a(i))},
        pair,
    ),
    "axolotl_role_value": (
        lambda i: {"conversations": say("human", u(i), "gpt", a(i), role="role", content="value")},
        pair,
    ),
    "lmsys_chat_1m": (
        lambda i: {
            "conversation_id": f"c{i}",
            "model": "m",
            "conversation": say("user", u(i), "assistant", a(i)),
            "turn": 1,
            "language": "English",
            "openai_moderation": [{"flagged": False}],
            "redacted": False,
        },
        pair,
    ),
    "wildchat": (
        lambda i: {
            "conversation_hash": f"h{i}",
            "model": "m",
            "conversation": [{**t, "toxic": False, "redacted": False} for t in say("user", u(i), "assistant", a(i))],
            "turn": 1,
            "toxic": False,
            "redacted": False,
            "country": "CH",
        },
        pair,
    ),
    "distilabel_magpie_conversation": (
        lambda i: {"conversation": say("system", S, "user", u(i), "assistant", a(i)), "model_name": "m"},
        spoken,
    ),
    "trl_prompt_completion_conversational": (
        lambda i: {"prompt": say("system", S, "user", u(i)), "completion": say("assistant", a(i))},
        spoken,
    ),
    "messages_as_json_text": (
        lambda i: {"messages": json.dumps(say("user", u(i), "assistant", a(i))), "n": i},
        pair,
    ),
    "axolotl_input_output": (
        lambda i: {
            "segments": [{"label": False, "text": f"<s>User: {u(i)}\nBot: "}, {"label": True, "text": f"{a(i)}</s>"}]
        },
        lambda i: {"prompt": f"<s>User: {u(i)}\nBot: ", "response": f"{a(i)}</s>"},
    ),
}

PAIRS = {
    "alpaca": (lambda i: {"instruction": "Explain", "input": u(i), "output": a(i)}, lambda i: {"response": a(i)}),
    "alpaca_system_history": (
        lambda i: {
            "instruction": u(i),
            "input": "",
            "output": a(i),
            "system": S,
            "history": [["q1", "r1"], ["q2", "r2"]] if i else [],
        },
        lambda i: {
            "prompt": f"{S}\n\nuser: q1\nassistant: r1\nuser: q2\nassistant: r2\n\n{u(i)}" if i else f"{S}\n\n{u(i)}",
            "response": a(i),
        },
    ),
    "gpteacher": (lambda i: {"instruction": u(i), "input": "", "response": a(i)}, pair),
    "dolly": (
        lambda i: {"instruction": u(i), "context": "The sea." if i else "", "response": a(i), "category": "open_qa"},
        lambda i: {"prompt": f"{u(i)}\n\nThe sea." if i else u(i), "response": a(i), "label": "open_qa"},
    ),
    "openorca": (
        lambda i: {"id": f"flan.{i}", "system_prompt": S, "question": u(i), "response": a(i)},
        lambda i: pair(i, system=True),
    ),
    "orcamini": (
        lambda i: {"system": S, "instruction": u(i), "output": a(i)},
        lambda i: pair(i, system=True),
    ),
    "axolotl_qa": (lambda i: {"question": u(i), "answer": a(i)}, pair),
    "axolotl_context_qa": (
        lambda i: {"context": "The sea.", "question": u(i), "answer": a(i)},
        lambda i: {"prompt": f"The sea.\n\n{u(i)}", "response": a(i)},
    ),
    "axolotl_oasst": (lambda i: {"INSTRUCTION": u(i), "RESPONSE": a(i)}, pair),
    "axolotl_summarize": (lambda i: {"article": u(i), "summary": a(i)}, pair),
    "axolotl_metharme": (lambda i: {"prompt": u(i), "generation": a(i)}, pair),
    "openai_prompt_completion": (lambda i: {"prompt": u(i), "completion": a(i)}, pair),
    "input_output": (lambda i: {"input": u(i), "output": a(i)}, pair),
    "user_assistant": (lambda i: {"user": u(i), "assistant": a(i)}, pair),
    "problem_solution": (lambda i: {"problem": u(i), "solution": a(i), "source": "olympiads"}, pair),
    "distilabel_generation": (
        lambda i: {"instruction": u(i), "generation": a(i), "model_name": "m", "distilabel_metadata": {"raw": None}},
        pair,
    ),
    "distilabel_generations": (
        lambda i: {"instruction": u(i), "generations": [a(i), b(i)], "model_name": ["m", "n"]},
        pair,
    ),
    "xlam": (
        lambda i: {"id": i, "query": u(i), "answers": json.dumps([{"name": "find"}]), "tools": json.dumps(TOOLS)},
        lambda i: {"prompt": u(i), "response": json.dumps([{"name": "find"}])},
    ),
    "trl_stepwise_supervision": (
        lambda i: {"prompt": u(i), "completions": [a(i), "So there are two."], "labels": [True, False]},
        lambda i: {"prompt": u(i), "response": f"{a(i)}\nSo there are two."},
    ),
    "squad": (
        lambda i: {
            "id": f"s{i}",
            "title": "Sea",
            "context": "The sea.",
            "question": u(i),
            "answers": {"text": [a(i)], "answer_start": [3]},
        },
        lambda i: {"prompt": f"The sea.\n\n{u(i)}", "response": a(i)},
    ),
    "self_instruct": (
        lambda i: {"instruction": u(i), "instances": [{"input": "", "output": a(i)}]},
        pair,
    ),
}

UNPAIRED = {
    "trl_unpaired_preference": (lambda i: {"prompt": u(i), "completion": a(i), "label": bool(i % 2)}, labeled),
    "trl_unpaired_conversational": (
        lambda i: {"prompt": say("user", u(i)), "completion": say("assistant", a(i)), "label": bool(i % 2)},
        labeled,
    ),
    "llama_factory_kto_alpaca": (
        lambda i: {"instruction": u(i), "input": "", "output": a(i), "kto_tag": bool(i % 2)},
        labeled,
    ),
    "llama_factory_kto_sharegpt": (
        lambda i: {"conversations": shared("human", u(i), "gpt", a(i)), "kto_tag": bool(i % 2)},
        labeled,
    ),
    "llama_factory_kto_messages": (
        lambda i: {"messages": say("user", u(i), "assistant", a(i)), "label": bool(i % 2)},
        labeled,
    ),
    "axolotl_kto_argilla": (lambda i: {"instruction": u(i), "completion": a(i), "label": bool(i % 2)}, labeled),
    "axolotl_kto_intel": (
        lambda i: {"system": S, "question": u(i), "completion": a(i), "label": bool(i % 2)},
        lambda i: {**labeled(i), **pair(i, system=True)},
    ),
}

PREFERENCES = {
    "trl_explicit_preference": (lambda i: {"prompt": u(i), "chosen": a(i), "rejected": b(i)}, better),
    "trl_explicit_conversational": (
        lambda i: {
            "prompt": say("system", S, "user", u(i)),
            "chosen": say("assistant", a(i)),
            "rejected": say("assistant", b(i)),
        },
        spoken_better,
    ),
    "trl_implicit_conversational": (
        lambda i: {
            "chosen": say("user", u(i), "assistant", a(i)),
            "rejected": say("user", u(i), "assistant", b(i)),
        },
        better,
    ),
    "hh_rlhf": (
        lambda i: {
            "chosen": f"\n\nHuman: {u(i)}\n\nAssistant: {a(i)}",
            "rejected": f"\n\nHuman: {u(i)}\n\nAssistant: {b(i)}",
        },
        better,
    ),
    "sharegpt_preference": (
        lambda i: {
            "conversations": shared("human", u(i)),
            "chosen": shared("gpt", a(i))[0],
            "rejected": shared("gpt", b(i))[0],
        },
        better,
    ),
    "alpaca_preference": (
        lambda i: {"instruction": u(i), "input": "", "chosen": a(i), "rejected": b(i)},
        better,
    ),
    "openai_preference": (
        lambda i: {
            "input": {"messages": say("system", S, "user", u(i)), "tools": [], "parallel_tool_calls": True},
            "preferred_output": say("assistant", a(i)),
            "non_preferred_output": say("assistant", b(i)),
        },
        spoken_better,
    ),
    "messages_chosen_rejected": (
        lambda i: {
            "messages": say("user", u(i)),
            "chosen": say("assistant", a(i))[0],
            "rejected": say("assistant", b(i))[0],
        },
        better,
    ),
    "axolotl_chatml_intel": (
        lambda i: {"system": S, "question": u(i), "chosen": a(i), "rejected": b(i)},
        lambda i: better(i, system=True),
    ),
    "axolotl_chatml_icr": (
        lambda i: {"system": S, "input": u(i), "chosen": a(i), "rejected": b(i)},
        lambda i: better(i, system=True),
    ),
    "axolotl_ultra": (
        lambda i: {
            "system": S,
            "prompt": u(i),
            "chosen": say("user", u(i), "assistant", a(i)),
            "rejected": say("user", u(i), "assistant", b(i)),
        },
        lambda i: better(i, system=True),
    ),
    "axolotl_argilla_chat": (
        lambda i: {
            "chosen_response": say("user", u(i), "assistant", a(i)),
            "rejected_response": say("user", u(i), "assistant", b(i)),
        },
        better,
    ),
    "axolotl_argilla": (
        lambda i: {"system": S, "instruction": u(i), "chosen_response": a(i), "rejected_response": b(i)},
        lambda i: better(i, system=True),
    ),
    "ultrafeedback_binarized": (
        lambda i: {
            "prompt": u(i),
            "prompt_id": f"p{i}",
            "chosen": say("user", u(i), "assistant", a(i)),
            "rejected": say("user", u(i), "assistant", b(i)),
            "messages": say("user", u(i), "assistant", a(i)),
            "score_chosen": 8.0,
            "score_rejected": 2.0,
        },
        better,
    ),
    "ultrafeedback_completions": (
        lambda i: {
            "source": "sharegpt",
            "instruction": u(i),
            "models": ["m", "n"],
            "completions": [
                {"model": "n", "response": b(i), "overall_score": 3.0},
                {"model": "m", "response": a(i), "overall_score": 8.5},
            ],
        },
        better,
    ),
    "distilabel_ratings": (
        lambda i: {"instruction": u(i), "generations": [b(i), a(i), "Maybe."], "ratings": [1, 5, 3]},
        better,
    ),
    "nectar_ranks": (
        lambda i: {"prompt": u(i), "answers": [{"answer": b(i), "rank": 4.0}, {"answer": a(i), "rank": 1.0}]},
        better,
    ),
    "lmsys_arena": (
        lambda i: {
            "question_id": f"q{i}",
            "model_a": "m",
            "model_b": "n",
            "winner": "model_b" if i % 2 else "model_a",
            "conversation_a": say("user", u(i), "assistant", b(i) if i % 2 else a(i)),
            "conversation_b": say("user", u(i), "assistant", a(i) if i % 2 else b(i)),
            "turn": 1,
        },
        better,
    ),
    "lmarena_winner_columns": (
        lambda i: {
            "id": i,
            "prompt": u(i),
            "response_a": b(i) if i % 2 else a(i),
            "response_b": a(i) if i % 2 else b(i),
            "winner_model_a": 1 - i % 2,
            "winner_model_b": i % 2,
            "winner_tie": 0,
        },
        better,
    ),
    "pku_safe_rlhf": (
        lambda i: {
            "prompt": u(i),
            "response_0": b(i) if i % 2 else a(i),
            "response_1": a(i) if i % 2 else b(i),
            "is_response_0_safe": True,
            "better_response_id": i % 2,
            "safer_response_id": 0,
        },
        better,
    ),
    "shp": (
        lambda i: {
            "post_id": f"p{i}",
            "domain": "askscience",
            "history": u(i),
            "human_ref_A": a(i) if i % 2 else b(i),
            "human_ref_B": b(i) if i % 2 else a(i),
            "labels": i % 2,
            "score_A": 9,
            "score_B": 3,
        },
        better,
    ),
    "webgpt": (
        lambda i: {
            "question": {"dataset": "eli5", "full_text": u(i)},
            "answer_0": b(i),
            "answer_1": a(i),
            "score_0": -0.5,
            "score_1": 0.5,
            "tokens_0": {"prefix": [1]},
        },
        better,
    ),
    "preferred_dispreferred": (lambda i: {"prompt": u(i), "preferred": a(i), "dispreferred": b(i)}, better),
    "response_j_k": (lambda i: {"question": u(i), "response_j": a(i), "response_k": b(i)}, better),
}

TEXTS = {
    "trl_language_modeling": (lambda i: {"text": u(i)}, lambda i: {"text": u(i)}),
    "trl_prompt_only": (lambda i: {"prompt": u(i)}, lambda i: {"text": u(i)}),
    "trl_prompt_only_conversational": (
        lambda i: {"prompt": say("user", u(i))},
        lambda i: {"text": u(i)},
    ),
    "distilabel_instruction_only": (
        lambda i: {"instruction": u(i), "model_name": "m"},
        lambda i: {"text": u(i)},
    ),
    "labeled_sentences": (
        lambda i: {"sentence": u(i), "label": i % 2},
        lambda i: {"text": u(i), "label": str(i % 2)},
    ),
}

LAYOUTS = CHAT | PAIRS | UNPAIRED | PREFERENCES | TEXTS
