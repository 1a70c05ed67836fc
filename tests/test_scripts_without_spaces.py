"""Scripts without spaces: words are characters, everywhere; right-to-left text; fractions within 0 and 1."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import syngain
from strategies import any_text, thorough, unspaced_text
from syngain.audit.frame import Frame
from syngain.audit.measures.labels import label_stems, leaking
from syngain.audit.measures.relations import Relations
from syngain.audit.measures.uniformity import opening, shared_opening, template
from syngain.core.estimate import Estimate
from syngain.core.phrases import isolate, isolated
from syngain.data.dataset import Dataset
from syngain.data.study import Study
from syngain.data.text import near_duplicates, symbols
from syngain.data.text.words import (
    first_words,
    joined,
    length,
    length_unit,
    mention,
    pattern,
    phrase,
    pieces,
    spaced_pieces,
    terms,
    unspaced,
    words,
)
from syngain.generators.toy import MarkovText
from syngain.lab.text_loop import Loop, grams
from syngain.learners.compact import symbols as symbols_of
from syngain.learners.ngram import NgramModel
from syngain.workflows.research.loop import LoopSettings

OLD_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
COMMA = "\uff0c"
OPENING = f"作为一名经验丰富的专家{COMMA}我很乐意回答这个问题{COMMA}"
spaced_text = any_text.filter(lambda text: not unspaced(text.lower()) and not unspaced(text))


@thorough(200)
@given(spaced_text)
def test_text_in_scripts_with_spaces_is_split_as_before(text):
    assert words(text) == OLD_WORD.findall(text.lower())
    assert first_words(text, 5) == words(text)[:5]
    assert phrase(words(text)) == " ".join(words(text))
    assert pieces(text) == text.split()
    assert joined(pieces(text)) == " ".join(text.split())
    assert spaced_pieces(text) == re.findall(r"\S+\s*", text)
    assert length(text) == len(text.split())


@thorough(200)
@given(any_text)
def test_pieces_and_words_lose_nothing(text):
    assert joined(pieces(text)) == " ".join(text.split())
    assert "".join(spaced_pieces(text)) == text.lstrip()
    assert pieces(joined(pieces(text))) == pieces(text)


@thorough(200)
@given(unspaced_text)
def test_symbols_are_the_characters_of_the_pattern(text):
    found = symbols.of_text(f" {text} ")
    assert int((found >= symbols.CHARACTER).sum()) == len(pattern("character").findall(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"作为AI助手{COMMA}我", ["作", "为", "ai", "助", "手", "我"]),
        ("น้ำขึ้น", ["น้ำ", "ขึ้", "น"]),
        ("ខ្មែរ", ["ខ្មែ", "រ"]),
        ("အင်္ဂါ", ["အ", "င်္ဂါ"]),
        ("ນ້ຳ", ["ນ້ຳ"]),
        ("ガイド", ["ガ", "イ", "ド"]),
        ("བོད་སྐད", ["བོ", "ད", "སྐ", "ད"]),
        ("it's 好", ["it's", "好"]),
    ],
)
def test_characters_keep_their_marks(text, expected):
    assert words(text) == expected


def test_lengths_say_what_they_count():
    assert length_unit(["一二三四五六"] * 3) == "characters"
    assert length_unit(["three short words"] * 20 + ["好"]) == "words"
    assert length_unit(["three short words here", "一二"]) == "words and characters"
    assert length("天气 AI。") == 3


def test_openings_are_as_long_as_five_words_and_shown_whole():
    assert opening("Sure, here is the answer you want") == "sure here is the answer"
    assert opening(OPENING) == "作为一名经验丰富"
    texts = [OPENING + tail for tail in ("天气会改变结果。", "练习更重要。", "费用常被忽略。")]
    assert shared_opening(texts, opening(OPENING)) == "作为一名经验丰富的专家我很乐意回答这个问题"
    assert template("关于天气", frozenset("关于")) == "关 于 _"


def test_label_words_stand_anywhere_in_scripts_without_spaces():
    assert label_stems("体育新闻") == ["体育新闻"]
    assert label_stems("其他") == []
    assert label_stems("กีฬา") == ["กีฬา"]
    assert label_stems("not hyperbole") == ["hyperbo"]
    assert leaking(["这是一条体育新闻。", "今天下雨。"], ["体育新闻", "体育新闻"]).tolist() == [True, False]
    assert re.search(mention("体育"), "写一条体育新闻")
    assert not re.search(mention("art"), "a party")


def test_relations_are_pairs_of_neighboring_characters():
    assert terms("天气好, sun") == ["sun", "天气", "气好"]
    assert Relations().pairs(["天气变化", "天气变化", "费用"]).sum() > 0


def test_one_changed_character_is_a_near_duplicate_and_other_short_answers_are_none():
    long = "许多人忽略了维护的费用。一次检查大约需要十分钟。不同地区的结果并不相同。小的误差会逐渐累积。"
    changed = long.replace("地区", "地方")
    thai = "คนมักลืมค่าใช้จ่าย การตรวจใช้เวลาราว 20 นาที ผลลัพธ์ต่างกันในแต่ละพื้นที่ อากาศเปลี่ยนผลลัพธ์"
    rows = [
        long,
        changed,
        thai,
        thai.replace("อากาศ", "อากาส"),
        "天气会改变结果。",
        "天气会改变成本。",
        "好的。",
        "好吧。",
    ]
    assert near_duplicates.clusters(rows).tolist() == [0, 0, 1, 1, 2, 3, 4, 5]


def test_the_toy_generator_and_the_loop_read_characters():
    texts = ["ฉันชอบแมว", "ฉันชอบหมา", "แมวชอบฉัน AI"]
    chain = MarkovText.fit(texts)
    assert chain.sample(1, rng=np.random.default_rng(0))[0].text
    assert np.isfinite(chain.log_probability(texts[0]))
    assert grams(texts)


def test_the_shared_opening_of_the_case_is_the_cause(shared_data):
    case = shared_data.parent / "cases" / "zh_opening"
    if not case.exists():
        pytest.skip("the cases are not here")
    result = syngain.audit(case / "real.jsonl", case / "syn.jsonl", gain=False)
    first = result.findings[0]
    assert first.id == "template_collapse"
    assert first.rows == 135
    assert "50%" in first.message
    assert "作为一名经验丰富的专家" in first.message
    assert "characters" in first.message
    assert all(finding.severity != "high" for finding in result.findings if finding.id == "distribution_shift")


def test_the_thai_case_of_the_loop_runs(shared_data):
    case = shared_data.parent / "cases" / "commands" / "22-loop-thai" / "th_real.jsonl"
    if not case.exists():
        pytest.skip("the cases are not here")
    settings = LoopSettings(loop=Loop(generations=2, shares=(0.0,), rows=60), seeds=2)
    assert syngain.loop(case, settings=settings).estimates


LETTERS = st.sampled_from(["天气好", "费用高。", "a b", "yes", "", "นาที ค่า", "שלום", "x"])


@thorough(12)
@given(st.lists(st.tuples(LETTERS, LETTERS), min_size=20, max_size=32), st.integers(0, 9))
def test_no_fraction_of_an_audit_leaves_0_to_1(pairs, seed):
    rows = [{"text": f"{a} {b} {i % 7}", "label": "yn"[i % 2]} for i, (a, b) in enumerate(pairs)]
    order = np.random.default_rng(seed).permutation(len(rows))
    real = Dataset.from_rows(rows, "real")
    result = syngain.audit(real, Dataset.from_rows([rows[i] for i in order], "synthetic", like=real), gain=False)
    for name, item in result.estimates.items():
        if item.unit == "share":
            ends = [end for pair in item.intervals.values() for end in pair]
            for value in [item.value, *ends, *(item.null or ()), *item.references.values()]:
                assert 0 <= value <= 1, (name, value)


def test_within_keeps_what_is_inside():
    item = Estimate(value=0.5, unit="share", method="", estimand="", intervals={0.9: (-0.2, 0.7)}, null=(-1.0, 2.0))
    inside = item.within(0, 1)
    assert (inside.value, inside.interval(0.9), inside.null) == (0.5, (0, 0.7), (0, 1))


def test_right_to_left_parts_are_isolated():
    assert isolated("plain text, 50%") == "plain text, 50%"
    assert isolated("label שלם, 5 rows") == "label \u2068שלם\u2069, 5 rows"
    assert isolated("begin with 'Python تعلم now'; 5%") == "begin with '\u2068Python تعلم now\u2069'; 5%"
    assert isolate("تعلم Python") == "\u2068تعلم Python\u2069"
    assert isolate("Python") == "Python"


def test_an_opening_of_characters_is_removed_whole():
    rows = [{"prompt": f"问题{i}", "response": OPENING + f"天气{i}"} for i in range(3)]
    data = Dataset.from_rows(rows, "rows")
    frame = Frame.of(Study.of(data, Dataset.from_rows(rows, "others", like=data)))
    found = frame.without_opening("response", phrase(words(OPENING)))
    assert list(found.synthetic.texts["response"]) == ["天气0", "天气1", "天气2"]


@thorough(100)
@given(any_text)
def test_the_compact_code_of_the_language_model_can_be_decoded(text):
    assert decoded(symbols_of(text, compact=True)) == text.encode("utf-8", "surrogatepass")
    assert symbols_of(text, compact=False).encode("latin-1") == text.encode("utf-8", "surrogatepass")


def decoded(code):
    """The bytes of a code, read from the left."""
    out, script, place = b"", None, 0
    while place < len(code):
        symbol = ord(code[place])
        place += 1
        if symbol < 256:
            out += bytes([symbol])
        elif symbol >= 508:
            script = (0x0E00, 0x0E80, 0x1000, 0x1780)[symbol - 508]
        elif symbol >= 380:
            out += chr(script + symbol - 380).encode()
        else:
            page = [*range(0x2E, 0xA0), 0xF9, 0xFA, 0xFF][symbol - 257]
            out += chr((page << 8) + ord(code[place])).encode()
            place += 1
    return out


def test_the_language_model_reads_characters_and_stays_a_distribution():
    texts = ["ฉันชอบแมวมากกว่าหมา", "天气会明显改变结果。", "plain words"] * 4
    fitted = NgramModel().fit(texts)
    assert fitted.grams.alphabet == 512
    assert np.exp(
        fitted.log_probabilities([ord(one) for one in symbols_of("ฉันช", compact=True)])
    ).sum() == pytest.approx(1)
    assert NgramModel().fit(["plain words"] * 12).grams.alphabet == 257
