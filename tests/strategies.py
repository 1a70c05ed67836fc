"""Hypothesis strategies for rows and files, shared by the tests of the input layer."""

from __future__ import annotations

import gzip
import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

COMMON = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}


def thorough(examples):
    """Settings of a test that must give the same answer every time it runs."""
    return settings(max_examples=examples, **COMMON)


names = st.text(st.characters(categories=("Ll", "Lu", "Nd")), min_size=1, max_size=8)
flat_text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
unspaced_text = st.text(
    st.sampled_from("กน้ำใឆក្មែរ។မြန်မာင်္ဂါ၊ຂ້ལྷ日本ガﾞ、「ー𠀀 aé'_1\u0308\u200d\u1039\n\ud800"), max_size=30
)
any_text = st.one_of(st.text(st.characters(), max_size=30), unspaced_text)  # lone surrogates included
unicode_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), any_text)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(any_text, inner, max_size=3)),
    max_leaves=8,
)
json_records = st.dictionaries(any_text, values, max_size=5)

ROLE_NAMES = (
    "text",
    "sentence",
    "messages",
    "conversations",
    "prompt",
    "completion",
    "chosen",
    "instruction",
    "input",
    "output",
    "instances",
    "question",
    "answer",
    "solution",
    "label",
    "class",
    "source",
    "seed",
    "model",
    "id",
    "split",
    "x",
)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", 1]), "content": scalars}), max_size=4
)
role_records = st.dictionaries(
    st.sampled_from(ROLE_NAMES), st.one_of(values, messages, st.text(max_size=5)), max_size=6
)
role_rows = st.lists(role_records, max_size=5)


def csv_tables(min_rows=1):
    """Rows that CSV can express: the same flat text columns in all of them."""
    return st.lists(names, min_size=1, max_size=4, unique=True).flatmap(
        lambda header: st.lists(st.fixed_dictionaries(dict.fromkeys(header, flat_text)), min_size=min_rows, max_size=6)
    )


def arrow_tables():
    """Rows that Parquet and Arrow can express: one type per column, nulls and nesting allowed."""
    column = st.sampled_from(
        [
            st.one_of(st.none(), unicode_text),
            st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
            st.one_of(st.none(), st.floats(allow_nan=False)),
            st.one_of(st.none(), st.lists(unicode_text, max_size=3)),
            st.one_of(st.none(), st.fixed_dictionaries({"a": unicode_text, "b": st.none() | st.integers(0, 9)})),
            st.booleans(),
        ]
    )
    return st.dictionaries(unicode_text.filter(bool), column, min_size=1, max_size=4).flatmap(
        lambda columns: st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=5)
    )


VALID_ROWS = [
    {"text": f"row {i} says café ☕", "label": i % 2, "source": f"anchor {i}", "extra": {"a": [i, None]}}
    for i in range(6)
]
VALID_PAIRS = [
    {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": "a"}]} for i in range(4)
]


def as_lines(rows):
    """Rows as JSON lines."""
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


VALID_FILES = {
    "rows.jsonl": as_lines(VALID_ROWS),
    "pairs.jsonl": as_lines(VALID_PAIRS),
    "rows.json": json.dumps(VALID_ROWS, indent=1).encode(),
    "rows.csv": b"text,label\n" + b"".join(f'"a, {i}\nb",{i % 2}\r\n'.encode() for i in range(5)),
    "rows.tsv": b"x\ty\tlabel\n" + b"".join(f"{i}.5\t{i}\tc\n".encode() for i in range(5)),
    "rows.jsonl.gz": gzip.compress(as_lines(VALID_ROWS), mtime=0),
}

SPICE = [b"\0", b"\xff", b'"', b"\n", b"\r", b"[", b"{", b"}", b"]", b",", b"\\ud800", b"9" * 5000, b"\x1f\x8b", b"NaN"]


@st.composite
def mutations(draw, data: bytes) -> bytes:
    """A valid file with some bytes changed, removed, repeated or cut off."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(changed) - 1)))
        what = draw(st.integers(0, 4))
        if what == 0:
            changed[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif what == 1:
            del changed[at : at + draw(st.integers(1, 20))]
        elif what == 2:
            changed[at:at] = draw(st.sampled_from(SPICE))
        elif what == 3:
            changed[at:at] = changed[at : at + draw(st.integers(1, 50))]
        else:
            del changed[at:]
    return bytes(changed)
