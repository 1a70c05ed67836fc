"""The demonstration finds what was planted in it."""

import pytest

from syngain.workflows.research.demo import demo_run


@pytest.mark.parametrize("seed", [2, 5, 7, 14, 19])
def test_the_report_finds_what_was_planted(seed):
    run = demo_run(seed=seed)
    assert run.planted
    assert not run.missed
