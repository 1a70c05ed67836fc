"""Do transformers and llama.cpp say the same of the same tokens, and what does bf16 cost? Real prompts and outputs.

python benchmarks/logprob_agreement.py --data FOLDER [--prompts 24] [--tokens 40] [--bf16] [--expanded]

FOLDER holds self_instruct_seed_tasks.jsonl.gz; the model is added by `syngain models add smollm2`. Outputs are the
answers of people and, for every prompt, one that llama.cpp says itself at temperature 1. Both libraries read the same
GGUF file: transformers computes in float32 with weights that are expanded once, llama.cpp with the four-bit weights as
they are, activations rounded to eight bits and keys and values to half precision. With --expanded it also reads a copy
of the file whose weights are expanded to float32: what then is left of the difference does not come from rounding them.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads wait for each other on a busy machine

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import stats

import syngain
from syngain.generators.llamacpp import LlamaCppGenerator, LlamaCppSettings
from syngain.generators.local import LocalGenerator
from syngain.generators.protocol import Call, Sampling
from syngain.models.checkpoints import gguf_file

THREADS = int(os.environ["OMP_NUM_THREADS"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--bf16", action="store_true", help="also transformers in bf16 against float32")
    parser.add_argument("--expanded", action="store_true", help="also llama.cpp with weights expanded to float32")
    given = parser.parse_args()
    seeds = syngain.read(given.data / "self_instruct_seed_tasks.jsonl.gz")
    chosen = np.random.default_rng(0).choice(len(seeds), size=given.prompts, replace=False)
    asked = [(("user", seeds.sides["prompt"][int(i)]),) for i in chosen]
    people = [" ".join(seeds.sides["response"][int(i)].split(" ")[: given.tokens // 2]) for i in chosen]
    llama = LlamaCppGenerator.load(given.model, LlamaCppSettings(mode="raw", threads=THREADS))
    sampling = Sampling(max_tokens=given.tokens)
    calls = [Call(key="", messages=messages, sampling=sampling, seed=i) for i, messages in enumerate(asked)]
    said = [reply.text for reply in asyncio.run(llama.generate(calls))]
    texts = list(zip(people, said, strict=True))
    theirs = timed("llama.cpp", llama, asked, texts)
    full = timed("transformers float32", LocalGenerator.load(given.model, dtype="float32", device="cpu"), asked, texts)
    report("llama.cpp minus transformers float32", theirs, full)
    if given.expanded:
        with tempfile.TemporaryDirectory() as folder:
            wide = LlamaCppGenerator.load(
                str(expanded(gguf_file(given.model), Path(folder))),
                LlamaCppSettings(mode="raw", batch=2, threads=THREADS),
            )
            again = timed("llama.cpp, weights expanded to float32", wide, asked, texts)
            asyncio.run(wide.close())
        report("llama.cpp with float32 weights minus transformers float32", again, full)
    if given.bf16:
        half = timed("transformers bf16", LocalGenerator.load(given.model, dtype="bf16", device="cpu"), asked, texts)
        report("transformers bf16 minus float32", half, full)


def expanded(path, folder):
    """A copy of a GGUF file with all weights in float32."""
    import gguf

    reader, target = gguf.GGUFReader(path), folder / "expanded.gguf"
    kept = {name: field for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    writer = gguf.GGUFWriter(target, kept.pop("general.architecture").contents())
    for name, field in kept.items():
        value = 0 if name == "general.file_type" else field.contents()  # 0: all float32
        writer.add_key_value(name, value, field.types[0], field.types[-1] if len(field.types) > 1 else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def timed(name, generator, asked, texts):
    """Scores of the outputs of every prompt."""
    started = time.perf_counter()
    found = [asyncio.run(generator.score(messages, pair)) for messages, pair in zip(asked, texts, strict=True)]
    tokens = sum(len(item.logprobs) for pair in found for item in pair)
    print(f"{name}: {tokens} tokens scored in {time.perf_counter() - started:.0f} s")
    return found


def report(name, ours, theirs):
    """Differences per token and per row; the prompt is the unit that is resampled, by Student's t."""
    print(name)
    for place, kind in enumerate(("people's answers", "own outputs")):
        pairs = [(a[place].logprobs, b[place].logprobs) for a, b in zip(ours, theirs, strict=True)]
        same = [(a, b) for a, b in pairs if len(a) == len(b)]
        tokens = np.concatenate([a - b for a, b in same])
        print(f"  {kind}: {len(same)} of {len(pairs)} rows in the same tokens, {len(tokens)} tokens")
        line("signed, nats per token", [np.mean(a - b) for a, b in same])
        line("absolute, nats per token", [np.mean(np.abs(a - b)) for a, b in same])
        line("signed, nats per row", [np.sum(a - b) for a, b in same])
        print(f"    absolute, quantiles .5 .9 .99 1 of tokens: {np.quantile(np.abs(tokens), [0.5, 0.9, 0.99, 1])}")


def line(name, values):
    half = stats.t.isf(0.025, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    print(f"    {name}: {np.mean(values):+.4f} [{np.mean(values) - half:+.4f}, {np.mean(values) + half:+.4f}]")


if __name__ == "__main__":
    main()
