"""Let LLaMA-Factory's own parser and converters read what ``syngain mix`` writes into ``dataset_info.json``.

    python benchmarks/mix_recipes.py --trainers FOLDER

FOLDER is that of ``benchmarks/conversions.py``. One part per layout; the exit code is 1 where a part is not read as its
request and answer (or its two answers).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from conversion_rows import says, user
from syngain.selection.recipes import recipes

PARTS = {
    "sharegpt": {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
    "chat": {"conversations": [user("q"), says("a")]},
    "messages": {"messages": [user("q"), says("a")]},
    "instructions": {"instruction": "q", "input": "", "output": "a"},
    "pairs": {"prompt": "q", "completion": "a"},
    "questions": {"question": "q", "answer": "a"},
    "preferences": {"prompt": "q", "chosen": "a", "rejected": "b"},
    "texts": {"text": "q"},
}


def main() -> int:
    """Print what each part is read as."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trainers", type=Path, required=True)
    options = parser.parse_args()
    sys.path[:0] = [str(options.trainers / "llamafactory"), str(options.trainers / "stubs")]
    with tempfile.TemporaryDirectory() as place:
        folder, wrong = Path(place), 0
        files = {name: str(folder / f"{name}.jsonl") for name in PARTS}
        for name, row in PARTS.items():
            Path(files[name]).write_text(json.dumps(row) + "\n", encoding="utf-8")
        (folder / "run").mkdir()
        made = recipes(dict.fromkeys(PARTS, 1 / len(PARTS)), files, PARTS)
        (folder / "run" / "dataset_info.json").write_text(made["dataset_info.json"], encoding="utf-8")
        for name, found in read(list(PARTS), folder / "run").items():
            meant = ["q"] + ["a"] * (name != "texts") + ["b"] * (name == "preferences")
            wrong += found != meant
            print(f"{name:14s} {found} {'' if found == meant else f'NOT {meant}'}")
    return int(wrong > 0)


def read(names: list[str], folder: Path) -> dict[str, list[str]]:
    """The texts that the converter of each part finds in its first row."""
    from llamafactory.data.converter import get_dataset_converter
    from llamafactory.data.parser import get_dataset_list

    out = {}
    for name, attributes in zip(names, get_dataset_list(names, str(folder)), strict=True):
        file = folder / attributes.dataset_name  # as LLaMA-Factory's loader joins them
        row = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
        convert = get_dataset_converter(attributes.formatting, attributes, SimpleNamespace(media_dir=str(folder)))
        made = convert(row)
        out[name] = [turn["content"] for turn in [*made["_prompt"], *made["_response"]]]
    return out


if __name__ == "__main__":
    sys.exit(main())
