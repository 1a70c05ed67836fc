"""The audit on real data: what is known about these files must come out."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

import syngain
from syngain.audit.audit import audit_study
from syngain.core.rng import Streams
from syngain.data import Dataset, read
from syngain.data.study import Study

KNOWN = {"hypo-l": 0.249, "questionintimacy": 0.230, "crowdflower": 0.421}


def severities(result):
    return {finding.id: finding.severity for finding in result.findings}


@pytest.mark.parametrize("name", KNOWN)
def test_llama_rows_repeat_themselves_and_gpt4_rows_do_not(shared_data, name):
    path = shared_data / f"parrot_{name}.jsonl.gz"
    llama = syngain.audit(f"{path}::split=anchor", f"{path}::split=syn_llama-2-70b")
    assert llama.estimates["duplicates.exact_fraction"].value == pytest.approx(KNOWN[name], abs=0.01)
    assert severities(llama)["duplicates"] in {"high", "medium"}
    gpt4 = syngain.audit(f"{path}::split=anchor", f"{path}::split=syn_gpt-4")
    assert gpt4.estimates["duplicates.exact_fraction"].value < 0.01
    assert "duplicates" not in severities(gpt4)
    if name == "hypo-l":
        assert severities(llama)["label_leak"] == "high"
        assert "label_leak" not in severities(gpt4)


def test_alpaca_rows_differ_from_human_instructions_and_the_report_says_in_what(shared_data):
    result = syngain.audit(
        shared_data / "self_instruct_seed_tasks.jsonl.gz", shared_data / "alpaca_claude_t45.jsonl.gz"
    )
    assert {"divergence.tv_lower@prompt", "divergence.tv_lower@response"} <= set(result.estimates)
    assert any(finding.id == "distribution_shift" for finding in result.findings)


@pytest.fixture(scope="module")
def cancer():
    data = load_breast_cancer()
    names = [str(name) for name in data.feature_names]
    pairs = zip(data.data.tolist(), data.target.tolist(), strict=True)
    rows = [{**dict(zip(names, x, strict=True)), "class": y} for x, y in pairs]
    order = np.random.default_rng(0).permutation(len(rows))
    return [rows[i] for i in order[:280]], [rows[i] for i in order[280:]]


def test_a_table_with_permuted_columns_has_labels_that_depend_on_nothing(cancer):
    real, held = cancer
    rng = np.random.default_rng(1)
    columns = {name: rng.permutation([row[name] for row in held]) for name in held[0] if name != "class"}
    permuted = [{**{n: float(v[i]) for n, v in columns.items()}, "class": row["class"]} for i, row in enumerate(held)]
    result = syngain.audit(Dataset.from_rows(real, name="real"), Dataset.from_rows(permuted, name="permuted"))
    assert severities(result)["label_independent"] == "high"
    resampled = [held[i] for i in rng.integers(len(held), size=280)]
    result = syngain.audit(Dataset.from_rows(real, name="real"), Dataset.from_rows(resampled, name="resampled"))
    assert "label_independent" not in severities(result)


def test_two_halves_of_real_data_show_no_high_finding(shared_data):
    rows = read(shared_data / "banking77_real.jsonl.gz", where={"split": "real_pool"})
    order = np.random.default_rng(5).permutation(len(rows))
    halves = rows.take(order[:800].tolist()), rows.take(order[800:1600].tolist())
    audited = audit_study(Study.of(*halves), streams=Streams(0))
    assert not [finding for finding in audited.findings if finding.severity == "high"]


def test_every_estimate_carries_its_doubt(shared_data):
    path = shared_data / "parrot_questionintimacy.jsonl.gz"
    result = syngain.audit(f"{path}::split=anchor", f"{path}::split=syn_gpt-4", test=f"{path}::split=real_test")
    for name, item in result.estimates.items():
        low, high = item.interval(0.95)
        assert low <= item.value <= high, name
        assert item.estimand, name
        assert item.method, name
        assert item.n > 0, name
        assert item.p is None or 0 <= item.p <= item.adjusted_p <= 1, name
