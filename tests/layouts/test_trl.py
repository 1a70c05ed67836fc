"""A file exported for TRL trains one step in TRL."""

import json

import pytest

import syngain

trl = pytest.importorskip("trl", reason="trl is absent: pip install 'syngain[train]'")


@pytest.mark.filterwarnings("ignore")  # of TRL's own configuration and loaders
@pytest.mark.slow
def test_a_file_exported_for_trl_trains_one_step(tmp_path):
    from datasets import load_dataset

    from tiny_causal import CHAT, make

    rows = [{"instruction": f"say {word}", "input": "", "output": word} for word in ("red", "blue", "green", "pink")]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    syngain.convert(tmp_path / "in.jsonl", tmp_path / "out.jsonl", to="trl")
    folder = make(tmp_path / "model", template=CHAT)
    data = load_dataset(
        "json", data_files=str(tmp_path / "out.jsonl"), split="train", cache_dir=str(tmp_path / "cache")
    )
    config = trl.SFTConfig(
        output_dir=str(tmp_path / "trained"),
        max_steps=1,
        per_device_train_batch_size=2,
        learning_rate=1e-3,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
    )
    trainer = trl.SFTTrainer(model=str(folder), args=config, train_dataset=data)
    done = trainer.train()
    assert done.global_step == 1
    assert done.training_loss > 0
