"""Invented rows that trainers misread: calls, media, weights, roles in the wrong place, several forms in a file."""

from __future__ import annotations

import json

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
OTHER = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}


def user(text):
    """A request."""
    return {"role": "user", "content": text}


def says(text, **more):
    """An answer."""
    return {"role": "assistant", "content": text, **more}


def call(name, arguments, number=0):
    """A call with its arguments as given."""
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def result(text, number=0):
    """The result of a call."""
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": text}


ROME, OSLO = call("weather", '{"city": "Rome"}'), call("weather", '{"city": "Oslo"}', 1)
PARALLEL = [user("Rome, Oslo?"), says(None, tool_calls=[ROME, OSLO]), result("20"), result("5", 1), says("20 and 5.")]
SWAPPED = [PARALLEL[0], PARALLEL[1], PARALLEL[3], PARALLEL[2], PARALLEL[4]]
IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}
HARD = {
    "tools_as_text": [
        {"messages": PARALLEL, "tools": [TOOL]},
        {"messages": [*PARALLEL[:1], says("No.")], "tools": [TOOL]},
    ],
    "tools_as_objects": [
        {
            "messages": [
                user("Rome?"),
                says("", tool_calls=[call("weather", {"city": "Rome"})]),
                result("20"),
                says("20."),
            ],
            "tools": json.dumps([TOOL]),
        },
        {
            "messages": [user("1+1?"), says("", tool_calls=[call("add", {"n": 2})]), result("2"), says("2.")],
            "tools": json.dumps([OTHER]),
        },
    ],
    "results_out_of_order": [{"messages": SWAPPED, "tools": [TOOL]}],
    "text_before_call": [
        {"messages": [user("Rome?"), says("Let me see.", tool_calls=[ROME]), result("20"), says("20.")]}
    ],
    "call_last": [{"messages": [user("Rome?"), says(None, tool_calls=[ROME])], "tools": [TOOL]}],
    "former_function_call": [
        {
            "messages": [
                user("Rome?"),
                says(None, function_call={"name": "weather", "arguments": '{"city": "Rome"}'}),
                {"role": "function", "name": "weather", "content": "20"},
                says("20."),
            ]
        }
    ],
    "completion_with_tools": [{"prompt": PARALLEL[:1], "completion": PARALLEL[1:], "tools": [TOOL]}],
    "untrained_history": [{"prompt": [user("q"), says("r"), user("s")], "completion": [says("t")]}],
    "weights": [{"messages": [user("q"), says("r", weight=0), user("s"), says("t", weight=1)]}],
    "one_and_many_turns": [
        {"messages": [user("q"), says("r")]},
        {"messages": [user("q"), says("r"), user("s"), says("t")]},
    ],
    "image_parts": [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "What? "}, IMAGE]}, says("A cat.")]}
    ],
    "image_column": [
        {
            "conversations": [{"from": "human", "value": "<image>What?"}, {"from": "gpt", "value": "A cat."}],
            "images": ["x.png"],
        }
    ],
    "marks_in_text": [
        {"messages": [user("Where does the tag <image> stand?"), says("In the head.")]},
        {"messages": [user("How is a sound written?"), says("As <audio>.")]},
        {"messages": [user([{"type": "text", "text": "The tag <image> of:"}, IMAGE]), says("A cat.")]},
        {"messages": [user("Which tags are there?"), says("<img> and <Video>.")]},
    ],
    "marks_in_preferences": [
        {"prompt": [user("a")], "chosen": [says("The tag is <video>.")], "rejected": [says("None.")]},
        {"prompt": [user("What is <video>?")], "chosen": [says("A tag.")], "rejected": [says("A film.")]},
        {"prompt": [user("And b?")], "chosen": [says("A letter.")], "rejected": [says("A tag.")]},
    ],
    "image_source": [
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                        {"type": "text", "text": "What?"},
                    ],
                },
                says("A cat."),
            ]
        }
    ],
    "sound_parts": [
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
                        {"type": "text", "text": "What?"},
                    ],
                },
                says("A bird."),
            ]
        }
    ],
    "reasoning": [{"messages": [user("2+2?"), says("4", reasoning_content="Two and two.")]}],
    "two_systems": [
        {
            "system": "outer",
            "conversations": [
                {"from": "system", "value": "inner"},
                {"from": "human", "value": "q"},
                {"from": "gpt", "value": "r"},
            ],
        }
    ]
    * 2,
    "wrong_roles": [
        {"messages": [user("q"), user("s"), says("t")]},
        {"messages": [says("Hi"), user("q"), says("r")]},
        {"messages": [user("q"), says("r"), user("thanks")]},
        {"messages": [user("q"), says("r")]},
    ],
    "developer": [{"messages": [{"role": "developer", "content": "Short."}, user("q"), says("r")]}],
    "no_prompt": [{"prompt": [], "chosen": [says("a")], "rejected": [says("b")]}] * 2,
    "preference_with_tools": [
        {
            "prompt": [user("Rome?")],
            "chosen": [says(None, tool_calls=[ROME])],
            "rejected": [says("I cannot.")],
            "tools": [TOOL],
        }
    ],
    "context_column": [{"context": "The sea.", "question": "What?", "answer": "Water."}],
    "system_column": [{"system_prompt": "Short.", "messages": [user("q"), says("r")]}],
    "types_of_xlam": [
        {
            "query": "Rome?",
            "tools": json.dumps(
                [{"name": "weather", "description": "d", "parameters": {"city": {"type": "str", "description": "c"}}}]
            ),
            "answers": json.dumps([{"name": "weather", "arguments": {"city": "Rome"}}]),
        }
    ],
    "columns_with_other_senses": [{"messages": [user("q"), says("r")], "prompt": "q", "labels": [1], "images": None}],
    "broken_arguments": [
        {"messages": [user("Rome?"), says(None, tool_calls=[call("weather", '{"city": ')]), result("20"), says("20.")]}
    ],
}
