"""Real files that nobody here wrote are read without a line written for them."""

from __future__ import annotations

import pytest

from syngain.core import InputError
from syngain.data import Kind, match_sources, read

SPLITS = {
    "parrot_hypo-l": {"anchor": 290, "real_pool": 2613, "real_test": 323, "syn_gpt-4": 2610, "syn_llama-2-70b": 2530},
    "parrot_questionintimacy": {
        "anchor": 202,
        "real_pool": 1820,
        "real_test": 225,
        "syn_gpt-4": 1818,
        "syn_llama-2-70b": 1746,
    },
    "parrot_crowdflower": {
        "anchor": 500,
        "real_pool": 4500,
        "real_test": 2022,
        "syn_gpt-4": 4500,
        "syn_llama-2-70b": 4476,
    },
    "supergen_sst2": {"real_test": 872, "syn_supergen": 6000},
    "banking77_real": {"real_pool": 10003, "real_test": 3080},
    "cad_imdb": {
        "anchor_or_real_train": 1707,
        "anchor_or_real_test": 488,
        "human_revised_train": 1707,
        "human_revised_test": 488,
    },
}
PAIRS = {
    "gsm8k_train": (7473, ("question", "answer")),
    "gsm8k_model_solutions_even": (2640, ("question", "solution")),
    "self_instruct_seed_tasks": (175, ("instruction", "instances")),
    "self_instruct_user252": (252, ("instruction", "instances")),
    "alpaca_random_9k": (9229, ("instruction", "input", "output")),
    "alpaca_claude_t45": (5305, ("instruction", "input", "output")),
    "alpaca_cherry_5pct": (3111, ("instruction", "input", "output")),
}


@pytest.mark.parametrize("name", SPLITS)
def test_each_split_of_a_classification_set_is_read(shared_data, name):
    for split, rows in SPLITS[name].items():
        dataset = read(f"{shared_data / name}.jsonl.gz::split={split}")
        assert (dataset.kind, len(dataset)) == (Kind.TEXT, rows)
        assert dataset.labels is not None
        assert len(set(dataset.labels)) > 1
        assert (dataset.sources is not None) == (split.startswith("syn_") and name.startswith("parrot"))
        assert {record["split"] for record in dataset.records[:50]} == {split}
        assert dataset.notes == ()


@pytest.mark.parametrize("name", PAIRS)
def test_each_instruction_set_is_read(shared_data, name):
    rows, fields = PAIRS[name]
    dataset = read(shared_data / f"{name}.jsonl.gz")
    assert (dataset.kind, len(dataset), dataset.roles.text) == (Kind.PAIR, rows, fields)
    assert all(dataset.sides["prompt"])


@pytest.mark.parametrize("name", [name for name in SPLITS if name.startswith("parrot")])
@pytest.mark.parametrize("generator", ["syn_gpt-4", "syn_llama-2-70b"])
def test_parrots_rows_find_their_anchors(shared_data, name, generator):
    path = shared_data / f"{name}.jsonl.gz"
    real = read(path, where={"split": "anchor"})
    made = read(path, where={"split": generator}, like=real)
    rows, share = match_sources(made, real)
    assert share > 0.99
    assert {real.sides["text"][row].strip() for row in set(rows[rows >= 0].tolist())} <= set(
        map(str.strip, made.sources)
    )


def test_supergens_sides_have_other_columns_and_the_same_labels(shared_data):
    path = shared_data / "supergen_sst2.jsonl.gz"
    real = read(path, where={"split": "real_test"})
    synthetic = read(path, where={"split": "syn_supergen"}, like=real)
    assert real.roles.sentence() == "text from `sentence`, label from `label`"
    assert synthetic.roles.sentence() == "text from `text`, label from `label`"
    assert set(real.labels) == set(synthetic.labels) == {"0", "1"}
    with pytest.raises(InputError, match=r"`text` \(6000 of 6872 rows.*`sentence` \(872 of 6872 rows"):
        read(path)


def test_generators_of_solutions_are_found(shared_data):
    dataset = read(shared_data / "gsm8k_model_solutions_even.jsonl.gz")
    assert len(set(dataset.generators)) == 4


def test_learning_curves_are_a_table(shared_data):
    if not (shared_data / "syn2real_curves.csv").exists():
        pytest.skip("no syn2real_curves.csv")
    dataset = read(shared_data / "syn2real_curves.csv")
    assert dataset.kind is Kind.TABLE
    assert {"n_synthetic", "score"} <= set(dataset.numeric)


def test_all_files_of_the_folder_are_known_here(shared_data):
    found = {path.name.removesuffix(".jsonl.gz") for path in shared_data.glob("*.jsonl.gz")}
    assert found == set(SPLITS) | set(PAIRS)
