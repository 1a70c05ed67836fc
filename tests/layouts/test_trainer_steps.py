"""Steps of TRL with SmolLM2 on converted files: the tokens in the loss are the answers that were meant."""

import importlib.util
import math
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["sft, two answers", "sft, a call and its result", "dpo", "kto"])
def test_a_step_of_trl_trains_the_answers_that_were_meant(monkeypatch, name):
    pytest.importorskip("trl", reason="trl is not installed (the extra `train`)")
    pytest.importorskip("transformers", reason="transformers is not installed (the extra `train`)")
    from syngain.core.errors import SyngainError

    monkeypatch.delenv("SYNGAIN_HOME", raising=False)  # the models of this machine
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("trainer_steps", BENCHMARKS / "trainer_steps.py")
    steps = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "trainer_steps", steps)
    spec.loader.exec_module(steps)
    try:
        model = str(steps.smollm2())
    except SyngainError as error:
        pytest.skip(f"SmolLM2 is not here: {error}")
    stage, row, meant = steps.STEPS[name]
    done = steps.step(stage, row, meant, model)
    assert done["trained"] == meant
    assert done["exact"]
    assert math.isfinite(done["loss"])
