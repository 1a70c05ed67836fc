"""Bad responses: every kind in several languages, what is no defect, and the whole way to the verdict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import syngain
from strategies import any_text, thorough
from syngain.audit.audit import audit_study
from syngain.audit.findings.responses import kinds_found, response_reasons
from syngain.audit.frame import Frame
from syngain.audit.measure import Settings, measured
from syngain.audit.responses import kinds
from syngain.audit.responses.health import response_health
from syngain.audit.responses.kinds import KINDS, flagged
from syngain.audit.responses.languages import language
from syngain.audit.responses.loops import loops
from syngain.audit.responses.prompt_response import Response, Responses
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.data.study import Study
from syngain.data.text.words import words as tokens

TOPICS = "tides bread bridges bees maps chess brakes rivers steel glass cotton rubber copper wool paper".split()
REMARKS = (
    "the cost is often overlooked",
    "a check takes about {} minutes",
    "results differ between regions",
    "small errors add up over {} years",
    "the simplest tool is enough",
    "the weather changes the outcome",
    "it is worth reading {} examples",
)


def rows(number, seed=0):
    """Clean rows in English with different prompts and answers."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(number):
        first, second = rng.choice(TOPICS, 2, replace=False)
        chosen = rng.choice(len(REMARKS), int(rng.integers(2, 5)), replace=False)
        remarks = "; ".join(REMARKS[j].format(int(rng.integers(2, 99))) for j in chosen)
        out.append(
            (f"Explain how {first} and {second} differ, case {seed}-{i}.", f"For {first} and {second}, {remarks}.")
        )
    return out


REAL = rows(150, 1)


def dataset(pairs, name="synthetic"):
    return Dataset.from_rows([{"prompt": p, "completion": a} for p, a in pairs], name)


def health(pairs, real=REAL):
    return response_health(Frame.of(Study.of(dataset(real, "real"), dataset(pairs))))


def kind_of(prompt, answer, real=REAL):
    """The kinds of one row among clean ones."""
    pairs = Responses(*zip(*[*rows(20, 5), (prompt, answer)], strict=True))
    found = flagged(pairs, Responses(*zip(*real, strict=True)))
    return {name for name, flags in found.items() if flags[-1]}


ASKED = "Explain how tides and bridges differ, with one example."


@pytest.mark.parametrize(
    "answer",
    ["", "  \n", "N/A", "n/a.", "TODO", "...", "…", "-", "[insert answer here]", "<answer>", "Lorem ipsum dolor sit amet.",
     "null", "{response}", "[Your response]", "<RESPONSE>", "[ここに回答]", "（请填写答案）", "___", "\u200b"],
)  # fmt: skip
def test_placeholders_are_empty(answer):
    assert kind_of(ASKED, answer) == {"empty"}


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("What does this print?\nprint(None)", "None"), ("Which sign is a percentage?", "%"), ("Give an emoji.", "😀"),
     ("Convert to JSON: name John, age 25", '{"name": "John", "age": 25}'), ("How many?", "7"), ("True?", "No")],
)  # fmt: skip
def test_short_answers_are_not_empty(prompt, answer):
    assert "empty" not in kind_of(prompt, answer)


@pytest.mark.parametrize(
    "answer",
    ["I'm sorry, but I can't help with that.", "I am not able to assist with this.", "As an AI language model, I cannot answer that.",
     "Sorry, this request cannot be completed by me.", "As an assistant I must decline to answer that.",
     "Es tut mir leid, aber dabei kann ich nicht helfen.", "Je suis désolé, je ne peux pas vous aider.",
     "Lo siento, no puedo ayudarte con eso.", "Mi dispiace, non posso rispondere a questa richiesta.",
     "Desculpe, não posso ajudar com isso.", "Het spijt me, daar kan ik niet bij helpen.",
     "Przykro mi, nie mogę pomóc w tej sprawie.", "К сожалению, я не могу ответить на этот вопрос.",
     "抱歉，我无法回答这个问题。", "申し訳ありませんが、お答えできません。", "죄송하지만 도와드릴 수 없습니다.",
     "عذرا، لا أستطيع مساعدتك في هذا.", "क्षमा करें, मैं इसमें मदद नहीं कर सकता।", "Üzgünüm, bu konuda yardımcı olamam."],
)  # fmt: skip
def test_refusals_in_many_languages(answer):
    assert kind_of(ASKED, answer) == {"refusal"}


@pytest.mark.parametrize(
    "answer",
    ["I am like a moth to a flame; I can't help but be drawn to her.", "Bridges cannot carry more than their limit.",
     "Unfortunately, tides rise twice a day, and that is hard to see from a bridge.",
     "Tides do not help ships that are late.", "If we don't reach our goals, it won't be complete."],
)  # fmt: skip
def test_sentences_with_a_negation_are_no_refusals(answer):
    assert "refusal" not in kind_of(ASKED, answer)


# Swahili and Greek have no pattern
@pytest.mark.parametrize(
    "answer", ["Samahani, siwezi kukusaidia na ombi hili kwa sasa.", "Λυπάμαι, δεν γίνεται να βοηθήσω με αυτό εδώ."]
)
def test_one_answer_to_many_prompts_is_a_refusal_without_a_pattern(answer):
    pairs = [(p, answer if i % 3 == 0 else a) for i, (p, a) in enumerate(rows(300, 2))]
    found = health(pairs)
    assert found.estimates["responses.refusal"].value == pytest.approx(1 / 3, abs=0.01)
    assert kinds_found(found)["refusal"] == "high"


def test_one_opening_that_is_most_of_the_answer_is_a_refusal_without_a_pattern():
    words = "Pole sana rafiki yangu lakini siwezi kujibu swali lako kuhusu"
    pairs = [(p, f"{words} {p.split()[2]}." if i % 4 == 0 else a) for i, (p, a) in enumerate(rows(300, 2))]
    assert kinds_found(health(pairs))["refusal"] == "high"


def test_labels_and_numbers_may_repeat():
    real = [(p, "yes" if i % 2 else "no") for i, (p, _) in enumerate(rows(150, 3))]
    pairs = [(p, "yes" if i % 3 else "no") for i, (p, _) in enumerate(rows(300, 4))]
    assert kinds_found(health(pairs, real)) == {}


def test_short_answers_repeat_where_real_ones_do_not():
    pairs = [(p, "It depends." if i % 4 == 0 else a) for i, (p, a) in enumerate(rows(300, 4))]
    assert kinds_found(health(pairs))["repeated"] == "high"


def test_long_answers_repeat():
    bank = [" ".join(a for _, a in rows(8, 50 + i)) for i in range(5)]
    pairs = [(p, bank[i % 5] if i % 2 else a) for i, (p, a) in enumerate(rows(400, 4))]
    found = health(pairs)
    assert found.estimates["responses.repeated"].value == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "answer",
    ["For tides and bridges, the cost is often", "The main points are the cost, the weather,", "The tides rise and",
     "Here is the code.\n```python\nfor x in y:\n    print(x", "The bridge (see the second picture", 'He said: "the tides are',
     '{"name": "tides", "values": [1, 2, 3', "潮汐和桥梁的区别在于，", "Los puentes, las mareas y"],
)  # fmt: skip
def test_cut_answers(answer):
    assert "cut" in kind_of(answer=answer, prompt=ASKED)


@pytest.mark.parametrize(
    "answer",
    ["The tides rise twice a day.", "潮汐每天上升两次。", "क्या यह सही है।", "Is it right?", "It is right :)", "He said: \"yes.\"",
     "Steps:\n- measure\n- compare\n- write", "```python\nprint(1)\n```", "See https://example.org/page", "x = 4 + 3",
     "The cost is 5' 11\" tall.", "أليس كذلك؟"],
)  # fmt: skip
def test_whole_answers_are_not_cut(answer):
    assert "cut" not in kind_of(answer=answer, prompt=ASKED)


def test_no_end_mark_is_no_cut_where_real_rows_have_none():
    real, pairs = ([(p, a.rstrip(".")) for p, a in rows(number, seed)] for number, seed in ((150, 1), (300, 2)))
    assert "cut" not in kinds_found(health(pairs, real))


@pytest.mark.parametrize(
    "answer",
    ["The answer is the tide " * 12, "ha" * 40, "水的作用很大。" * 9, "น้ำขึ้นน้ำลง" * 9, "First. " + "It goes on and on. " * 9,
     "Η απάντηση είναι εδώ " * 10, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "no, no, it is not so, no, " * 8],
)  # fmt: skip
def test_loops(answer):
    assert loops(Response.of(ASKED, answer))


@pytest.mark.parametrize(
    "answer",
    ["Row, row, row your boat, gently down the stream.", "----------------------------------------", "1000000000000000000000000",
     "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", "The tide rises. The tide falls. The bridge stays.",
     "".join(f"{i}. Step number {i} is about item {i * 7}.\n" for i in range(20))],
)  # fmt: skip
def test_layout_and_lists_are_no_loops(answer):
    assert not loops(Response.of(ASKED, answer))


@pytest.mark.parametrize(
    "prompt",
    [ASKED, "请向孩子说明潮汐和桥梁之间有什么区别。", "Объясни ребёнку, чем приливы отличаются от больших мостов."],
)
def test_echoes(prompt):
    assert kind_of(prompt, prompt) == {"echo"}
    assert "echo" not in kind_of(prompt, f"{prompt} {' '.join(a for _, a in rows(3))}")


def test_a_corrected_sentence_is_no_echo():
    assert "echo" not in kind_of(
        "Correct the grammar: he go to the old bridge every day", "He goes to the old bridge every day."
    )


@pytest.mark.parametrize(
    ("answer", "leaks"),
    [("Fine.\n### Human: and now?", True), ("Fine.<|im_end|>\n<|im_start|>user", True), ("Fine. [INST] more [/INST]", True),
     ("Fine.\n\nUser: what else?\nAssistant: nothing.", True), ("Gut.\n\nBenutzer: und jetzt?", True), ("好的。\n用户：然后呢？", True),
     ("### Summary\nThe tide rises.", False), ("The user: a person.", False), ("List[int] is a type.", False)],
)  # fmt: skip
def test_role_leaks(answer, leaks):
    assert ("role_leak" in kind_of(ASKED, answer)) is leaks


def test_a_dialog_that_was_asked_for_leaks_no_role():
    assert "role_leak" not in kind_of("Write a dialogue of a user and a shop.", "User: hello.\nAssistant: good day.")


@pytest.mark.parametrize(
    ("answer", "fails"),
    [("<think>One two three.</think> Four.", False), ("<think>One two three. Four.", True), ("<thinking>One.</thinking>", True),
     ("Only the end </think> is here.", False), ("[THINK]One two three.", True), ("<reasoning>One two.", True),
     ("<html><body>Hi</body></html>", False), ("<p>The tide rises twice a day, and nobody in the town minds it at all.", False)],
)  # fmt: skip
def test_thoughts(answer, fails):
    assert ("thought" in kind_of(ASKED, answer)) is fails


@pytest.mark.parametrize(
    ("code", "fails"),
    [("def f(x):\n    return x", False), ("def f(x:\n    return x", True), (">>> f(1)\n1", False), ("    x = 1\n    y = 2", False),
     ("%pip install x", False), ("for i in range(3)\n    print(i)", True)],
)  # fmt: skip
def test_python_blocks(code, fails):
    assert ("code" in kind_of(ASKED, f"Here it is.\n```python\n{code}\n```")) is fails


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The cost of the bridge is often more than people think, and it is not the only one.", "English"),
     ("Die Kosten der Brücke sind oft höher, als man denkt, und das ist nicht alles.", "German"),
     ("Le coût du pont est souvent plus élevé que ce que les gens pensent.", "French"),
     ("El coste del puente es a menudo mayor de lo que la gente piensa.", "Spanish"),
     ("O custo da ponte é muitas vezes maior do que as pessoas pensam, mas não sempre.", "Portuguese"),
     ("Стоимость моста часто больше, чем люди думают, и это не всё.", "Russian"),
     ("桥梁的成本往往比人们想象的要高得多。", "Chinese"), ("橋の費用は思ったより高いことが多いです。", "Japanese"),
     ("다리의 비용은 생각보다 많이 듭니다.", "Korean"), ("ราคาของสะพานมักจะสูงกว่าที่คิด", "Thai"), ("კარგი დღე ყველას აქ", "Georgian"),
     ("12345", ""), ("qwrt zxcv plkm bnvc hgfd", "Latin script")],
)  # fmt: skip
def test_languages(text, expected):
    assert language(text, tokens(text), least=2, letters=8) == expected


def test_a_wrong_language_is_named_with_that_of_the_prompt():
    other = "Die Kosten der Brücke {} sind oft höher, als man denkt, und das ist nicht alles."
    pairs = [(p, other.format(i) if i % 4 == 0 else a) for i, (p, a) in enumerate(rows(300, 2))]
    found = health(pairs)
    assert kinds_found(found)["language"] == "high"
    assert found.languages == ("English", "German", 75)


def test_translations_of_the_real_rows_are_no_wrong_language():
    def made(number, seed):
        return [
            (p, f"Die Kosten der Brücke {i} sind oft höher, als man denkt, und das ist nicht alles.")
            for i, (p, _) in enumerate(rows(number, seed))
        ]

    assert "language" not in kinds_found(health(made(300, 2), made(150, 1)))


def test_translations_that_a_prompt_asks_for_are_no_wrong_language():
    given = "Die Kosten der Brücke sind oft höher, als man denkt, und das ist nicht alles."
    assert "language" not in kind_of(
        "Translate into German: The cost of the bridge is often more than you think.", given
    )
    assert "language" in kind_of("Translate into Spanish: The cost of the bridge is often more than you think.", given)


def test_lengths_are_a_note():
    pairs = [
        (p, " ".join([a] * 1) if i % 2 else "\n".join(x for _, x in rows(60, i)))
        for i, (p, a) in enumerate(rows(200, 2))
    ]
    assert kinds_found(health(pairs)) == {"length": "low"}
    assert response_reasons(health(pairs)) == {}


def test_the_last_line_of_all_real_rows_is_expected():
    real, pairs = (
        [(p, f"{a}\n#### {i}") for i, (p, a) in enumerate(rows(number, seed))] for number, seed in ((150, 1), (300, 2))
    )
    assert kinds_found(health(pairs, real)) == {}
    short = [(p, a.rpartition("\n")[0] if i % 5 == 0 else a) for i, (p, a) in enumerate(pairs)]
    assert kinds_found(health(short, real))["cut"] == "high"


@given(st.lists(st.tuples(any_text, any_text), min_size=1, max_size=12))
@thorough(60)
def test_any_text_is_judged_and_the_order_of_rows_does_not_matter(pairs):
    real = Responses(*zip(*REAL, strict=True))
    found = flagged(Responses(*zip(*pairs, strict=True)), real)
    back = flagged(Responses(*zip(*pairs[::-1], strict=True)), real)
    for name, flags in found.items():
        assert flags.tolist() == back[name][::-1].tolist()
    assert found.keys() == KINDS.keys()


def test_flags_do_not_depend_on_blocks(monkeypatch):
    from syngain.data import blocks

    pairs = [(p, "TODO" if i % 7 == 0 else a) for i, (p, a) in enumerate(rows(50, 3))]
    real = Responses(*zip(*REAL, strict=True))
    whole = flagged(Responses(*zip(*pairs, strict=True)), real)
    monkeypatch.setattr(blocks, "ROWS", 8)
    monkeypatch.setattr(blocks.blocks, "__defaults__", (8,))
    parts = flagged(Responses(*zip(*pairs, strict=True)), Responses(*zip(*REAL, strict=True)))
    assert all(whole[name].tolist() == parts[name].tolist() for name in whole)


def test_a_kind_is_one_entry(monkeypatch):
    more = {**KINDS, "shout": kinds.ResponseKind("shout", "shouts", of_row=lambda one: one.text.isupper())}
    monkeypatch.setattr(kinds, "KINDS", more)
    found = flagged(Responses(["a", "b"], ["LOUD WORDS HERE.", "quiet words."]), Responses(*zip(*REAL, strict=True)))
    assert found["shout"].tolist() == [True, False]


def test_other_numbers_of_the_report_do_not_change():
    frame = Frame.of(Study.of(dataset(REAL, "real"), dataset(rows(200, 2))))
    with_family, without = (measured(frame, Streams(0), Settings(), responses=on) for on in (True, False))
    mine = {name: item for name, item in with_family.estimates.items() if name.startswith("responses.")}
    assert {name: with_family.estimates[name] for name in without.estimates} == dict(without.estimates)
    assert all(item.adjusted_p is not None and item.adjusted_p >= item.p for item in mine.values())


PLANTED = {
    "empty": lambda p, a, i: ("", "N/A", "[insert answer]")[i % 3],
    "refusal": lambda p, a, i: (
        "I can't help with that.",
        "Sorry, I am unable to answer this.",
        "I must decline to answer.",
    )[i % 3],
    "role_leak": lambda p, a, i: f"{a}\n### Human: {p}",
    "loop": lambda p, a, i: a + " and again it is so" * 12,
    "echo": lambda p, a, i: p,
    "repeated": lambda p, a, i: " ".join(x for _, x in rows(9, 70 + i % 4)),
    "language": lambda p, a, i: f"Die Kosten {i} sind oft höher, als man denkt, und das ist nicht alles.",
    "thought": lambda p, a, i: f"<think>{a}",
    "cut": lambda p, a, i: a[: 20 + i % 30].rstrip(" .;,"),
    "code": lambda p, a, i: f"{a}\n```python\ndef f(x:\n    return {i}\n```",
}


@pytest.mark.parametrize("rate", [0, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("kind", PLANTED)
def test_planted_rows_are_found_and_named(kind, rate):
    bad = np.random.default_rng(3).random(400) < rate
    pairs = [(p, PLANTED[kind](p, a, i) if bad[i] else a) for i, (p, a) in enumerate(rows(400, 2))]
    found = health(pairs)
    named = np.any([np.zeros(400, dtype=bool), *response_reasons(found).values()], axis=0)
    if rate == 0:
        assert not named.any()
        return
    assert kind in kinds_found(found)
    assert (named & bad).sum() >= 0.9 * bad.sum()
    assert (named & bad).sum() >= 0.9 * named.sum()
    if rate >= 0.2:
        assert kinds_found(found)[kind] == "high"


@pytest.mark.parametrize("rate", [0.2, 0.6])
def test_a_verdict_on_refusals_is_never_use(rate, tmp_path):
    bad = np.random.default_rng(3).random(240) < rate
    pairs = [(p, "I can't help with that." if bad[i] else a) for i, (p, a) in enumerate(rows(240, 2))]
    result = syngain.audit(dataset(REAL, "real"), dataset(pairs), gain=rate < 0.5)
    (finding,) = [one for one in result.findings if one.id == "bad_responses"]
    assert (finding.severity, finding.rows, finding.explained_by) == ("high", bad.sum(), ())
    assert "of responses are refusals or one answer to many prompts, expected 0%" in finding.message
    assert all(example.startswith("[refusal] ") for example in finding.examples)
    assert result.verdict.decision != "use"
    if rate > 0.5:
        assert result.verdict.decision == "do_not_use"
        assert "most responses are bad" in result.verdict.sentence
    reasons = {reason for row in result.dropped for reason in row.reasons}
    assert "bad_responses: refusal" in reasons
    assert {row.row for row in result.dropped} >= set(np.flatnonzero(bad).tolist())


def test_halves_of_real_files_are_quiet(shared_data):
    for name in ("alpaca_cherry_5pct", "gsm8k_model_solutions_even"):
        read = syngain.read(shared_data / f"{name}.jsonl.gz")
        order = np.random.default_rng(0).permutation(len(read)).tolist()
        half = len(read) // 2
        frame = Frame.of(Study.of(read.take(order[:half]), read.take(order[half:])))
        assert "high" not in kinds_found(response_health(frame)).values()


CASES = {
    "refusals": ("refusal", 150),
    "cut_answers": ("cut", 75),
    "unclosed_thought": ("thought", 100),
    "wrong_language": ("language", 135),
}


@pytest.mark.parametrize("case", CASES)
def test_the_cases_of_the_shared_folder(case, shared_data):
    folder = shared_data.parent / "cases" / case
    if not folder.exists():
        pytest.skip(f"no cases in {folder.parent}")
    kind, number = CASES[case]
    study = Study.of(syngain.read(folder / "real.jsonl"), syngain.read(folder / "syn.jsonl"))
    audited = audit_study(study, streams=Streams(0))
    (finding,) = [one for one in audited.findings if one.id == "bad_responses"]
    assert (finding.severity, finding.rows) == ("high", number)
    assert audited.why[f"bad_responses: {kind}"].sum() == number
    if case == "wrong_language":
        assert "Chinese prompt, English response" in finding.message


def test_large_datasets_are_looked_at_in_a_sample_first(monkeypatch):
    """Kinds that may be more frequent than in the real rows are looked for in all rows; the others in the sample."""
    from syngain.audit.responses import health as room

    monkeypatch.setattr(room, "SAMPLE", 3_000)
    made = [(f"{prompt} {i}", "" if i % 10 == 3 else f"{text} {i}.") for i, (prompt, text) in enumerate(REAL * 48)]
    data = [Dataset.from_rows([{"prompt": p, "response": r} for p, r in rows]) for rows in (REAL, made)]
    found = response_health(Frame.of(Study.of(*data)))
    monkeypatch.setattr(room, "SAMPLE", 10**9)
    whole = response_health(Frame.of(Study.of(*data)))
    assert found.estimates["responses.empty"] == whole.estimates["responses.empty"]
    assert (found.flags["empty"] == whole.flags["empty"]).all()
    assert found.flags["empty"].sum() == sum(not text for _, text in made)
    assert found.estimates["responses.secret"].n == 3_000
    assert whole.estimates["responses.secret"].n == len(made)
    assert kinds_found(found) == kinds_found(whole)


def test_empty_prompts_are_found_beyond_the_real_rate():
    made = [("", answer) if i % 5 == 0 else (prompt, answer) for i, (prompt, answer) in enumerate(rows(300, 8))]
    assert kinds_found(health(made)) == {"prompt": "high"}
    habit = [("", answer) if i % 5 == 0 else (prompt, answer) for i, (prompt, answer) in enumerate(REAL)]
    assert "prompt" not in kinds_found(health(made, habit))
