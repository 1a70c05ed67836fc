"""Each part of a mixture is described to LLaMA-Factory as the file that is there."""

import json

import pytest

from syngain.selection.recipes import recipes

PARTS = {
    "sharegpt": ({"conversations": [{"from": "human", "value": "q"}]}, "sharegpt", {"messages": "conversations"}),
    "chat": ({"conversations": [{"role": "user", "content": "q"}]}, "sharegpt", {"messages": "conversations"}),
    "messages": ({"messages": [{"role": "user", "content": "q"}]}, "openai", {"messages": "messages"}),
    "pairs": ({"prompt": "q", "completion": "a"}, "alpaca", {"prompt": "prompt", "response": "completion"}),
    "preference": (
        {"prompt": "q", "chosen": "a", "rejected": "b"},
        "alpaca",
        {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_described_as_its_file_is(name):
    row, formatting, columns = PARTS[name]
    info = json.loads(recipes({name: 1.0}, {name: "/data/a.jsonl"}, {name: row})["dataset_info.json"])[name]
    assert info["file_name"] == "/data/a.jsonl"
    assert (info["formatting"], info["columns"], info.get("ranking", False)) == (formatting, columns, "chosen" in row)
    role = "role" if name in {"chat", "messages"} else "from"
    assert info.get("tags", {"role_tag": "from"})["role_tag"] == role
