"""The demonstration finds what was planted in it."""

import pytest

from syngain.workflows.research.demo import demo, missed, planted


@pytest.mark.parametrize("seed", [2, 5, 7, 14, 19])
def test_the_report_finds_what_was_planted(seed):
    result = demo(seed=seed)
    assert planted(seed)
    assert not missed(result, seed)
    assert {"real.jsonl", "synthetic.jsonl", "test.jsonl", "kept.jsonl"} <= set(result.files)
