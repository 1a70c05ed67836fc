"""How long SmolLM2's steps take on this CPU, and how far they lie from float32: plain and fused attention over a bf16
base, the adapter's products in float32 and in bf16, passes as full as can be and balanced ones. The last way is the
product's.

Steps of eight rows, half human instructions, half Alpaca rows, as `syngain train` takes them; then surprisal and slope
of single rows against the same model in float32. The ways alternate, so that a machine that becomes slower hits all.

    python benchmarks/student_steps.py [--steps 12] [--rows 24]
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from syngain.data import read
from syngain.learners import causal
from syngain.learners.causal import CausalModel, CausalProxy
from syngain.learners.completions import TokenizedRows, balanced, like_lengths

SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
WAYS = {
    "fused, adapter float32": ("sdpa", False, like_lengths),
    "plain, adapter float32": ("eager", False, like_lengths),
    "plain, adapter bf16": ("eager", True, like_lengths),
    "balanced": ("eager", True, balanced),
}
PRECISION = CausalModel.precision


def go(model, way):
    attention, half, causal.balanced = WAYS[way]
    model.network.get_base_model().set_attn_implementation(attention)
    for module in model.network.modules():
        if hasattr(module, "cast_input_dtype_enabled"):
            module.cast_input_dtype_enabled = not half
    CausalModel.precision = PRECISION if half else lambda _: nullcontext()


def timed(model, steps):
    model.reset(0)
    optimizer = model.optimizer()
    wall, spent = time.perf_counter(), time.process_time()
    for rows in steps:
        model.learn(rows, optimizer, 1e-3)
    return (time.perf_counter() - wall) / len(steps), (time.process_time() - spent) / len(steps)


def slopes(model, rows):
    """Surprisal per token of every row, and the slope of their sum as one vector."""
    model.reset(0)
    losses, whole = [], 0.0
    for row in rows:
        loss, found = model.slopes([row])
        losses.append(loss)
        whole = whole + torch.cat([slope.flatten() for slope in found if slope is not None]) * row.scored
    return np.array(losses), whole


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rows", type=int, default=24)
    options = parser.parse_args()
    model, exact = CausalProxy(dtype="bf16").open(), CausalProxy(dtype="float32").open()
    real = read(SHARED / "self_instruct_seed_tasks.jsonl.gz")
    synthetic = read(SHARED / "alpaca_random_9k.jsonl.gz", like=real)
    rng, reader = np.random.default_rng(0), model.reader(real.kind)
    sides = [TokenizedRows(reader, real), TokenizedRows(reader, synthetic)]

    def drawn(count):
        return [row for side in sides for row in side.take(rng.integers(len(side.rows), size=count // 2))]

    steps = [drawn(8) for _ in range(options.steps)]
    model.learn(steps[0], model.optimizer(), 0.0)
    for _ in range(2):
        for way in WAYS:
            go(model, way)
            wall, spent = timed(model, steps)
            print(f"{way:22s} {wall:.2f} s a step, {spent:.2f} CPU seconds, {spent / wall:.2f} cores used", flush=True)
    rows = drawn(options.rows)
    losses, whole = slopes(exact, rows)
    for way in WAYS:
        go(model, way)
        found, slope = slopes(model, rows)
        apart, far = found - losses, float((slope - whole).norm() / whole.norm())
        print(
            f"{way:22s} against float32, nats per token of a row: mean {apart.mean():+.4f}, root mean square "
            f"{np.sqrt(np.mean(apart**2)):.4f}; slope {far:.3f} of its length"
        )


if __name__ == "__main__":
    main()
