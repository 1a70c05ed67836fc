"""Defects of whole rows, planted in rows of any language: shared openings, near duplicates, exact duplicates, copies.

python benchmarks/defects_scripts.py [--languages zh ja th km lo my] [--rates 0 .2 .5] [--runs 2] [--out FILE]

Every run draws 200 real and 500 synthetic rows of one language, plants one kind at one rate, and runs the whole audit.
``PLANTS``: kind to (plant, right ids); a plant takes ``(rng, item)`` and returns the item with the defect.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from defects_rows import ROWS, clean

import syngain
from syngain.data.dataset import Dataset
from syngain.data.text.words import joined, pieces

UNSPACED = ("zh", "ja", "th", "km", "lo", "my")
# a few words before the answer; a language without one begins with its own first answer
OPENINGS = {
    "en": "As an expert with many years of practice, here is what I can say: ",
    "de": "Als erfahrener Fachmann beantworte ich diese Frage sehr gern: ",
    "fr": "En tant qu'expert du domaine, je réponds volontiers : ",
    "ar": "بصفتي خبيرا في هذا المجال يسعدني أن أجيب: ",
    "zh": "作为一名经验丰富的专家，我很乐意回答这个问题，",
    "ja": "経験豊富な専門家として、喜んでお答えします。",
    "th": "ในฐานะผู้เชี่ยวชาญที่มีประสบการณ์ ",
    "km": "ក្នុងនាមជាអ្នកជំនាញដែលមានបទពិសោធន៍ ",
    "lo": "ໃນຖານະຜູ້ຊ່ຽວຊານທີ່ມີປະສົບການ ",
    "my": "အတွေ့အကြုံရှိသော ကျွမ်းကျင်သူတစ်ဦးအနေဖြင့် ",
}


@dataclass(frozen=True)
class Item:
    """A row, and what a plant may take from other rows: earlier synthetic ones (prompt, answer), and real ones."""

    prompt: str
    answer: str
    language: str
    earlier: list[tuple[str, str]] = field(default_factory=list)
    real: list[tuple[str, str]] = field(default_factory=list)


def _first_words(text):
    """The topic and the first sentence of an answer."""
    ends = [text.find(mark, 25) for mark in ".!?。।؟" if text.find(mark, 25) > 0]
    return text[: min(ends, default=len(text)) + 1]


def opening(rng, item):
    before = OPENINGS.get(item.language) or f"{_first_words(clean(item.language, 1, np.random.default_rng(0))[0][1])} "
    return replace(item, answer=before + item.answer)


def again(rng, item):
    """An earlier row, as it is."""
    prompt, answer = item.earlier[int(rng.integers(len(item.earlier)))]
    return replace(item, prompt=prompt, answer=answer)


def edited(rng, item):
    """One of the longer earlier rows, with one word or character of the answer changed for one of another row."""
    longest = sorted(item.earlier, key=lambda row: -len(row[1]))[: max(1, len(item.earlier) // 2)]
    prompt, answer = longest[int(rng.integers(len(longest)))]
    parts, others = pieces(answer), pieces(item.answer)
    parts[int(rng.integers(len(parts)))] = others[int(rng.integers(len(others)))]
    return replace(item, prompt=prompt, answer=joined(parts))


def copied(rng, item):
    """A real row, as it is."""
    prompt, answer = item.real[int(rng.integers(len(item.real)))]
    return replace(item, prompt=prompt, answer=answer)


PLANTS = {
    "shared opening": (opening, {"template_collapse"}),
    "exact duplicates": (again, {"duplicates"}),
    "near duplicates": (edited, {"duplicates"}),
    "copies of real rows": (copied, {"memorized_anchors"}),
}


def one_run(kind, rate, language, seed):
    rng = np.random.default_rng([seed, list(PLANTS).index(kind), int(1000 * rate), *language.encode()])
    pairs = clean(language, 700, rng)
    real, good = pairs[:200], pairs[200:]
    bad = rng.random(500) < rate
    bad[:20] = False
    sound = [pair for pair, wrong in zip(good, bad, strict=True) if not wrong]
    made = []
    for pair, wrong in zip(good, bad, strict=True):
        item = Item(*pair, language, earlier=sound, real=real)
        item = PLANTS[kind][0](rng, item) if wrong else item
        made.append({"prompt": item.prompt, "response": item.answer})
    rows = Dataset.from_rows([{"prompt": a, "response": b} for a, b in real], "real")
    result = syngain.audit(rows, Dataset.from_rows(made, "synthetic", like=rows), gain=False)
    found = {finding.id: finding for finding in result.findings}
    right = [found[name] for name in PLANTS[kind][1] if name in found]
    return {
        "key": [kind, rate, language, seed], "planted": int(bad.sum()),
        "found": [[one.severity, one.rows, one.message] for one in right],
        "others": {name: one.severity for name, one in found.items() if name not in PLANTS[kind][1]},
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--languages", nargs="+", default=list(UNSPACED), choices=ROWS)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.0, 0.2, 0.5])
    parser.add_argument("--kinds", nargs="+", default=list(PLANTS), choices=PLANTS)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("defects_scripts.jsonl"))
    options = parser.parse_args()
    with options.out.open("a") as file:
        for seed in range(options.runs):
            for kind in options.kinds:
                for rate in options.rates:
                    for language in options.languages:
                        line = one_run(kind, rate, language, seed)
                        file.write(json.dumps(line, ensure_ascii=False) + "\n")
                        file.flush()
                        print(*line["key"], line["planted"], line["found"], line["others"])


if __name__ == "__main__":
    main()
