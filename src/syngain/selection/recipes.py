"""Mixture recipes for TRL, LLaMA-Factory and Oumi, and plain YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from syngain.data.files.write import TextFile
from syngain.data.layouts.trainers.llama_factory import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.data.dataset import Dataset


def recipe_files(
    shares: Mapping[str, float],
    places: Mapping[str, str],
    anchors: Dataset | None = None,
    named: Mapping[str, Dataset] | None = None,
) -> dict[str, TextFile]:
    """The recipes as files; none where no mixture is named.

    Args:
        shares: of the parts, with sum 1.
        places: the path of each part.
        anchors: the real rows, as read.
        named: the other parts, as read.
    """
    parts = ({"anchors": anchors} if anchors is not None else {}) | dict(named or {})
    samples = {name: data.records[0] for name, data in parts.items() if len(data)}
    return {name: TextFile(text) for name, text in recipes(shares, places, samples).items()} if shares else {}


def recipes(
    proportions: Mapping[str, float],
    files: Mapping[str, str],
    samples: Mapping[str, Mapping[str, object]] | None = None,
) -> dict[str, str]:
    """File name to text.

    ``mixture.yaml`` holds everything; ``trl.json`` the lists for ``datasets.interleave_datasets``;
    ``llamafactory.yaml`` the lines of a training configuration with ``dataset_info.json`` next to it; ``oumi.yaml`` the
    data section. Parts of proportion 0 are left out of all but the first.

    Args:
        proportions: of each part, with sum 1.
        files: the path of each part; an absolute one is found from every folder.
        samples: a row of each part, which says how LLaMA-Factory reads its file.
    """
    exact = _rounded(proportions)
    used = {name: share for name, share in exact.items() if share > 0}
    plain = {"mixture": {name: {"proportion": share, "file": files.get(name, "")} for name, share in exact.items()}}
    listed = {
        "datasets": [files.get(name, name) for name in used],
        "names": list(used),
        "probabilities": list(used.values()),
    }
    factory = {
        "dataset": ",".join(map(_slug, used)),
        "mix_strategy": "interleave_under",
        "interleave_probs": ",".join(f"{share:g}" for share in used.values()),
    }
    shown = samples or {}
    info = {
        _slug(name): described(files.get(name, name), shown[name], shown[name])
        if shown.get(name)
        else {"file_name": files.get(name, name)}
        for name in used
    }
    oumi = {
        "data": {
            "train": {
                "datasets": [
                    {
                        "dataset_name": "text_sft_jsonl",
                        "dataset_path": files.get(name, name),
                        "mixture_proportion": share,
                    }
                    for name, share in used.items()
                ],
                "mixture_strategy": "first_exhausted",
            }
        }
    }
    return {
        "mixture.yaml": _yaml(plain),
        "trl.json": json.dumps(listed, indent=2, ensure_ascii=False) + "\n",
        "llamafactory.yaml": _yaml(factory),
        "dataset_info.json": json.dumps(info, indent=2, ensure_ascii=False) + "\n",
        "oumi.yaml": _yaml(oumi),
    }


def _rounded(proportions: Mapping[str, float]) -> dict[str, float]:
    """Proportions rounded to four digits; the largest absorbs the rest."""
    out = {name: round(share, 4) for name, share in proportions.items()}
    largest = max(out, key=lambda name: out[name])
    out[largest] = round(1 - sum(share for name, share in out.items() if name != largest), 4)
    return out


def _slug(name: str) -> str:
    """A name without the separators of LLaMA-Factory."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def _yaml(content: object) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
