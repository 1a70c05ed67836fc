"""LLaMA-Factory: the converter that ``dataset_info.json`` names, and the formatter of calls."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from trainer_judges.common import refused, rows_of


def readings(job: dict, path: str) -> list[dict]:
    """The converter that ``dataset_info.json`` names, and the formatter of calls."""
    from llamafactory.data.converter import get_dataset_converter
    from llamafactory.data.formatter import FunctionFormatter
    from llamafactory.data.mm_plugin import get_mm_plugin
    from llamafactory.data.parser import get_dataset_list

    file = Path(job["file"])
    (attributes,) = get_dataset_list([file.name.removesuffix(".jsonl")], str(file.parent))
    convert = get_dataset_converter(attributes.formatting, attributes, SimpleNamespace(media_dir=str(file.parent)))
    formatter = FunctionFormatter(slots=["{{content}}"], tool_format="default")
    plugin = get_mm_plugin("qwen2_omni", "<i>", "<v>", "<a>")
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
            check_marks(made, job["stage"], plugin)
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
            out.append(refused(error))
    return out


def check_marks(made: dict, stage: str, plugin) -> None:
    """Stop where a multimodal template does: its plugin counts the media of the prompt with each answer."""
    media = [made[name] or [] for name in ("_images", "_videos", "_audios")]
    answers = [one for one in made["_response"] if one["content"]] if stage in {"kto", "preference"} else [None]
    if stage == "text":
        return
    for answer in answers:
        behind = made["_response"] if answer is None else [answer]
        plugin._validate_messages([*made["_prompt"], *behind], *media)
    if stage == "kto":  # the answer of another row
        plugin._validate_messages(made["_prompt"], *media)
