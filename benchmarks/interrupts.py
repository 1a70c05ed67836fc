"""Every long command under SIGINT, SIGTERM and SIGKILL at three moments; the resumed result next to an undisturbed one.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/interrupts.py [--commands gain mix ...] [--out FILE]

A command runs twice undisturbed; what is the same in both results must be the same after a signal and ``--resume``
(commands that have it; the others run again). Moments: at 20, 50 and 80% of the undisturbed time. Counted for each
signal: the exit code (130 and 143), seconds until the process ended, tracebacks, whether a half-written folder was
left, and what differs in the result. A line of FILE per command.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

SIGNALS = {"INT": (signal.SIGINT, 130), "TERM": (signal.SIGTERM, 143), "KILL": (signal.SIGKILL, -9)}
MOMENTS = (0.2, 0.5, 0.8)
TIMED = re.compile(rb"about [\d.]+ minutes \([^)]*\)")  # the estimate of the work still to do, from the measured speed
RECIPE = """
generator: {kind: toy}
strategies: [{kind: few_shot, rows: 500}]
sampling: {samples: 4}
"""
COMMANDS = {
    "audit": ["audit", "real.jsonl", "synthetic.jsonl"],
    "gain": ["gain", "real.jsonl", "synthetic.jsonl"],
    "select": ["select", "real.jsonl", "synthetic.jsonl"],
    "compare": ["compare", "real.jsonl", "a=synthetic.jsonl", "b=more.jsonl"],
    "mix": ["mix", "real.jsonl", "a=synthetic.jsonl", "b=more.jsonl"],
    "generate": ["generate", "recipe.yaml", "--real", "real.jsonl"],
    "loop": ["loop", "real.jsonl", "--text", "text"],
    "ggmi": ["ggmi", "real.jsonl", "synthetic.jsonl"],
    "train": ["train", "pairs.jsonl", "more_pairs.jsonl", "--model", "tiny", "--steps", "60", "--seeds", "2"],
    "convert": ["convert", "many.jsonl", "out/many.csv"],
    "lab": ["lab", "loops", "--quick"],
}
RESUMED = {"audit", "gain", "select", "compare", "mix", "generate", "loop", "ggmi", "train"}


def write_files(folder: Path) -> None:
    """Texts of two topics, pairs, many rows, a recipe and a tiny language model."""
    for name, rows in (("real", 150), ("synthetic", 400), ("more", 400), ("many", 200_000)):
        draw = random.Random(name)
        words = [f"{draw.choice('bcdfgklmnprst')}{draw.choice('aeiou')}{draw.choice('bdgklmnrst')}" for _ in range(400)]
        with (folder / f"{name}.jsonl").open("w") as file:
            for i in range(rows):
                text = " ".join(draw.choices(words[i % 2 * 130 : i % 2 * 130 + 150], k=20))
                file.write(json.dumps({"text": text, "label": "ab"[i % 2]}) + "\n")
    for name, rows in (("pairs", 60), ("more_pairs", 120)):
        draw = random.Random(name)
        with (folder / f"{name}.jsonl").open("w") as file:
            for i in range(rows):
                word = "".join(draw.choices("abcdef", k=4))
                file.write(json.dumps({"prompt": f"say {word} {i}", "response": f"{word} {word}."}) + "\n")
    (folder / "recipe.yaml").write_text(RECIPE)
    import tiny_causal

    tiny_causal.make(folder / "tiny", template=tiny_causal.CHAT)


def start(command: list[str], folder: Path, *more: str) -> subprocess.Popen[str]:
    call = [sys.executable, "-m", "syngain", *command, *([] if command[0] == "convert" else ["-o", "out"]), *more]
    (folder / "out").mkdir(exist_ok=True) if command[0] == "convert" else None
    return subprocess.Popen(call, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def leaves(value: object, path: str = "") -> dict[str, object]:
    """The values of a document by their path."""
    if isinstance(value, dict):
        return {name: one for key, item in value.items() for name, one in leaves(item, f"{path}/{key}").items()}
    if isinstance(value, list):
        return {name: one for i, item in enumerate(value) for name, one in leaves(item, f"{path}/{i}").items()}
    return {path: value}


def result(folder: Path) -> dict[str, object]:
    """Every file that a run wrote: digests, and values of JSON documents."""
    out: dict[str, object] = {}
    for path in sorted(path for path in (folder / "out").rglob("*") if path.is_file()):
        name = str(path.relative_to(folder / "out"))
        if name == "log.txt":
            continue
        if path.suffix == ".json":
            out |= {f"{name}:{key}": value for key, value in leaves(json.loads(path.read_text())).items()}
        else:
            said = path.read_bytes()
            if path.suffix == ".html":
                said = TIMED.sub(b"", said)
            out[name] = hashlib.sha256(said).hexdigest()
    return out


def cleared(folder: Path) -> None:
    for path in folder.glob("out*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def undisturbed(command: list[str], folder: Path) -> tuple[dict[str, object], float]:
    """The result, and the seconds of the run."""
    cleared(folder)
    begin = time.monotonic()
    child = start(command, folder)
    out, said = child.communicate()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: {said}{out}")
    return result(folder), time.monotonic() - begin


def disturbed(command: list[str], folder: Path, name: str, after: float) -> dict[str, object]:
    """One signal, and the result after the command has run again."""
    cleared(folder)
    number, code = SIGNALS[name]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job would hand on that it is ignored
    child = start(command, folder)
    time.sleep(after)
    child.send_signal(number)
    begin = time.monotonic()
    out, said = child.communicate()
    took = time.monotonic() - begin
    left = sorted(path.name for path in folder.glob("out*") if path.name != "out.work")
    done = child.returncode == 0
    before = result(folder) if "out" in left and command[0] != "convert" else {}
    whole = done
    again = ["--resume"] if command[0] in RESUMED and not done else []
    if not done:
        whole = not (folder / "out" / "many.csv").exists()  # written in place, or not at all
        second = start(command, folder, *again)
        more = second.communicate()
        said += "".join(more) if second.returncode else ""
    return {
        "code": child.returncode, "right": done or child.returncode == code, "took": round(took, 2), "whole": whole,
        "traceback": "Traceback" in said + out, "done": done, "result": result(folder), "before": before,
        "failed": said if "error:" in said else "",
    }  # fmt: skip


def of_command(name: str) -> dict[str, object]:
    """The counts of a command."""
    command = COMMANDS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_files(folder)
        (first, _), (second, seconds) = (undisturbed(command, folder) for _ in range(2))
        same = {key for key in first if first[key] == second.get(key)}
        lines = []
        for signal_name in SIGNALS:
            for moment in MOMENTS:
                one = disturbed(command, folder, signal_name, moment * seconds)
                found, before = one.pop("result"), one.pop("before")
                asked = "run.json:/arguments/resume"  # says that it was resumed, as log.txt does
                one["differs"] = sorted(key for key in same - {asked} if found.get(key) != first[key])[:5]
                one["whole"] &= not before or all(before.get(key) == first[key] for key in same - {asked})
                lines.append({"signal": signal_name, "moment": moment, **one})
    varies = sorted({key.rsplit("/", 1)[-1] for key in first if key not in same})
    return {"command": name, "seconds": round(seconds, 1), "varies": varies[:8], "same": len(same), "signals": lines}


def main() -> None:
    """Print a table; a line per command goes to the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    titles = ("command", "undisturbed", "right code", "slowest end", "tracebacks", "half-written", "same result after")
    print(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|", flush=True)
    for name in options.commands:
        found = of_command(name)
        lines = found["signals"]
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(found) + "\n")
        right, slow = sum(one["right"] for one in lines), max(one["took"] for one in lines)
        errors, half = sum(one["traceback"] for one in lines), sum(not one["whole"] for one in lines)
        equal = sum(not one["differs"] for one in lines)
        print(
            f"| {name} | {found['seconds']} s | {right} of {len(lines)} | {slow} s | {errors} | {half} | "
            f"{equal} of {len(lines)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
