"""Targets that are no classes: how label columns, tokens and triplets are read, and how a reading is overridden."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.core import InputError, UsageError
from syngain.data import read
from syngain.data.columns.targets import Target, Targets
from syngain.data.dataset import Dataset, RoleOptions
from syngain.data.study import Study


def of(rows, like=None, **roles):
    return Dataset.from_rows(rows, roles=RoleOptions(**roles), like=like)


def table(values, name="y"):
    return [{"a": float(place % 7), name: value} for place, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([place * 1.5 for place in range(60)], Target.NUMBER),
        ([25 + 3 * place for place in range(60)], Target.NUMBER),
        ([place + 1 for place in range(60)], Target.NUMBER),  # every row another integer
        ([place % 30 for place in range(200)], Target.CLASS),  # codes of classes
        ([place % 2 for place in range(60)], Target.CLASS),
        ([1 + place % 5 for place in range(60)], Target.CLASS),
        (["a", "b"] * 30, Target.CLASS),
    ],
)
def test_a_label_column_of_many_numbers_is_a_number(values, kind):
    found = of(table(values), label="y")
    assert found.roles.target is kind
    assert (found.targets is None) == (kind is Target.CLASS)
    assert (found.labels is None) == (kind is not Target.CLASS)


def test_scores_are_ordinal_by_the_name_of_their_column_and_the_kind_can_be_named():
    rows = table([1 + place % 5 for place in range(60)], "stars")
    assert of(rows, label="stars").roles.target is Target.ORDINAL
    assert "--target class" in of(rows, label="stars").roles.hint
    assert of(rows, label="stars", target="class").labels[:2] == ["1", "2"]
    assert list(of(rows, label="stars", target="number").targets.numbers[:2]) == [1, 2]


def test_the_synthetic_rows_have_the_kind_of_the_real_ones():
    real = of(table([place * 1.5 for place in range(60)]), label="y")
    few = of(table([1, 2, 1, 2]), like=real, label="y")
    assert few.targets.kind is Target.NUMBER
    with pytest.raises(InputError, match='the label in `y` is "high"'):
        of(table([1.5, "high"]), like=real, label="y")
    with pytest.raises(InputError, match="is missing"):
        of(table([1.5, None]), like=real, label="y")


def test_label_lists_ids_vectors_and_json_text_are_label_sets():
    assert of([{"text": "x", "labels": ["b", "a", "a"]}, {"text": "y", "labels": []}]).targets.values == [
        ("a", "b"),
        (),
    ]
    assert of([{"text": "x", "labels": [3, 1]}, {"text": "y", "labels": [2]}]).targets.values == [("1", "3"), ("2",)]
    vectors = of([{"text": "x", "labels": [0, 1, 1]}, {"text": "y", "labels": [1, 0, 0]}])
    assert vectors.targets.values == [("1", "2"), ("0",)]
    assert of([{"text": "x", "labels": '["a", "b"]'}] * 2).targets.values[0] == ("a", "b")


@pytest.mark.parametrize("tags", ["ner_tags", "tags"])
@pytest.mark.parametrize("values", [["B-PER", "O"], [1, 0]])
def test_tokens_and_tags(tags, values):
    found = of([{"tokens": ["Ada", "went"], tags: values}] * 3)
    assert found.targets.kind is Target.TAGS
    assert found.sides["text"][0] == "Ada went"
    assert found.targets.values[0] == (("Ada", "went"), tuple(map(str, values)))
    with pytest.raises(InputError, match="1 tags for 2 tokens"):
        of([{"tokens": ["Ada", "went"], tags: values}, {"tokens": ["a", "b"], tags: values[:1]}])


def test_text_next_to_tokens_of_another_kind_stays_text():
    found = of([{"text": "a b", "tokens": [1, 2, 3], "label": "x"}] * 3)
    assert found.targets is None
    assert found.labels is not None


@pytest.mark.parametrize(
    "row",
    [
        {"query": "q", "pos": ["p"], "neg": ["n", "m"]},
        {"anchor": "q", "positive": "p", "negative_1": "n", "negative_2": "m"},
        {"query": "q", "positives": ["p"], "negatives": ["n", "m"]},
        {"question": "q", "positive_ctxs": [{"text": "p"}], "negative_ctxs": [{"text": "n"}, {"text": "m"}]},
    ],
)
def test_triplets(row):
    found = of([row, row])
    assert found.targets.kind is Target.TRIPLETS
    assert found.targets.values[0] == (("p",), ("n", "m"))
    assert (found.sides["prompt"][0], found.sides["response"][0]) == ("q", "p")
    assert "negatives from" in found.roles.sentence()


def test_a_row_without_candidates_and_an_unknown_kind_are_named():
    with pytest.raises(InputError, match="no negative candidate"):
        of([{"query": "q", "pos": ["p"], "neg": ["n"]}, {"query": "q", "pos": ["p"], "neg": []}])
    with pytest.raises(UsageError, match="unknown target `numbr`"):
        of(table([1, 2]), label="y", target="numbr")
    with pytest.raises(UsageError, match="no such fields"):
        of(table([1, 2]), label="y", target="tags")


@thorough(60)
@given(st.lists(st.lists(st.text("abcde", min_size=1, max_size=3), max_size=4), min_size=2, max_size=20))
def test_label_sets_survive_a_file_and_keep_their_rows(tmp_path_factory, sets):
    sets = [["a"], *sets]
    path = tmp_path_factory.mktemp("sets") / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": f"t{n}", "labels": own}) + "\n" for n, own in enumerate(sets)))
    found = read(path)
    assert list(found.targets.values) == [tuple(sorted(set(own))) for own in sets]
    rows = [len(sets) - 1, 0, 0]
    assert list(found.take(rows).targets.values) == [found.targets.values[row] for row in rows]
    joined = Targets.joined([found.targets, found.take(rows).targets])
    assert len(joined.values) == len(sets) + 3
    assert found.take(rows).fingerprint != found.fingerprint


def test_rows_without_a_number_are_left_out_and_counted(tmp_path):
    lines = [f"{i},{i % 7},{'' if i % 5 == 0 else i * 1.5 + 0.25}" for i in range(100)]
    (tmp_path / "prices.csv").write_text("a,b,price\n" + "\n".join(lines) + "\n")
    found = read(tmp_path / "prices.csv", roles=RoleOptions(label="price"))
    assert found.targets.kind is Target.NUMBER
    assert len(found) == len(found.targets.numbers) == 80
    assert "20 of 100 rows left out: the label is missing" in " ".join(found.notes)


def test_scores_beside_texts_are_named_as_labels_that_are_not_used(tmp_path):
    rows = [{"review": f"number {i} of many reviews", "stars": i % 5 + 1, "count": i % 5} for i in range(60)]
    (tmp_path / "stars.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read(tmp_path / "stars.jsonl").roles.label_like == ("stars",)


def test_the_likely_encoding_is_named(tmp_path):
    for content, encoding in ((b"text;label\ncosts 5 \x80;a\n", "cp1252"), (b"text;label\ncaf\xe9;a\n", "latin-1")):
        (tmp_path / "prices.csv").write_bytes(content)
        with pytest.raises(InputError, match=f"--encoding {encoding}"):
            read(tmp_path / "prices.csv")


TAGGED = {"tokens": ["a", "b"], "ner_tags": ["O", "B-X"]}
BAD_TARGETS = [
    ({"query": "q", "positive": "p", "negative": "n"}, {"negative": 7}, "`negative` is a number"),
    ({"query": "q", "pos": ["p"], "neg": ["n"]}, {"neg": []}, "`neg` holds no negative candidate"),
    ({"query": "q", "pos": ["p"], "neg": ["n"]}, {"pos": [{"id": 3}]}, "`pos` is an object"),
    (
        {"tokens": ["a", "b"], "ner_tags": ["O", "B-X"]},
        {"ner_tags": ["O"]},
        "`ner_tags` has not one tag for each token",
    ),
    (
        {"tokens": ["a", "b"], "ner_tags": ["O", "B-X"]},
        {"ner_tags": ["O", None]},
        "`ner_tags` holds a value that is no word",
    ),
    (TAGGED, {"ner_tags": None}, "`ner_tags` is null"),
    ({"text": "t", "labels": ["a"]}, {"labels": "one"}, "`labels` is text"),
    ({"text": "t", "labels": ["a"]}, {"labels": None}, "`labels` is null"),
]


@pytest.mark.parametrize(("good", "change", "reason"), BAD_TARGETS)
def test_a_row_with_a_bad_target_is_left_out_with_its_reason(good, change, reason):
    rows = [{**good, **(change if i == 4 else {})} for i in range(9)]
    found = of(rows)
    assert len(found) == len(found.targets.values) == 8
    assert [one for one in found.notes if f"1 of 9 rows left out: {reason}" in one], found.notes
    assert f"row 5: {reason.partition(' has not')[0]}" in " ".join(found.notes)


@pytest.mark.parametrize(("good", "change", "reason"), BAD_TARGETS)
def test_half_of_the_rows_with_bad_targets_are_an_error(good, change, reason):
    with pytest.raises(InputError, match="5 of 10 rows cannot be read"):
        of([{**good, **(change if i % 2 else {})} for i in range(10)])


def test_tags_as_ids_on_one_side_and_as_names_on_the_other_are_an_error():
    real = of([TAGGED] * 4)
    ids = Dataset.from_rows([{"tokens": ["a", "b"], "ner_tags": [0, 3]}] * 4, "synthetic", like=real)
    with pytest.raises(InputError, match="synthetic: its tags `0`, `3` are none of the tags of rows"):
        Study.of(real, ids)
    assert Study.of(real, of([{"tokens": ["c"], "ner_tags": ["O"]}] * 4)).real is not None


def test_label_sets_as_python_writes_them_and_several_labels_in_a_cell(tmp_path):
    names, rows = ["billing", "travel", "home", "music"], 60
    sets = [tuple(name for place, name in enumerate(names) if (i + 1) >> place & 1) or ("home",) for i in range(rows)]

    def table(name, written):
        lines = [f'"text {i} of words","{written(list(one))}"' for i, one in enumerate(sets)]
        (tmp_path / name).write_text("text,labels\n" + "\n".join(lines) + "\n")
        return tmp_path / name

    as_lists = read(table("python.csv", str))
    assert as_lists.roles.target is Target.LABELS
    assert as_lists.targets.values[4] == ("billing", "home")
    path = table("semicolon.csv", ";".join)
    found = read(path)
    assert found.roles.target is Target.CLASS
    assert "--target labels" in found.roles.hint
    split = read(path, roles=RoleOptions(label="labels", target=Target.LABELS))
    assert split.targets.values == as_lists.targets.values
    single = read(table("single.csv", lambda one: one[0]))
    assert not single.roles.hint
