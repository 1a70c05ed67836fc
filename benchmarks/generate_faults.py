"""Generation against a server with faults, and under SIGKILL: what is lost, what is paid twice, what comes out.

Three runs of the same recipe against a local server that is a function of the request: undisturbed; with eleven faults;
killed at random moments and resumed. Their exports must be the same bytes.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/generate_faults.py [--rows 10000] [--kills 50]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from fake_server import FAULTS, FakeServer  # noqa: E402
from generating import anchors, server_recipe  # noqa: E402


def start(recipe: Path, real: Path, folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "syngain", "generate", recipe, "--anchor", real, "-o", folder, "--resume"]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def digest(folder: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256((folder / f"{name}.jsonl").read_bytes()).hexdigest()[:12]
        for name in ("rows", "kept", "dropped")
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--share", type=float, default=0.02, help="Of each fault.")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        real = folder / "real.jsonl"
        real.write_text("".join(json.dumps(row) + "\n" for row in anchors(300)))
        calm = undisturbed(arguments, real, folder)
        same = [faulty(arguments, real, folder) == calm, killed(arguments, real, folder) == calm]
    print("exports byte-identical to the undisturbed run: with faults", same[0], "- with kills", same[1])
    sys.exit(0 if all(same) else 1)


def recipe_file(server: FakeServer, rows: int, folder: Path, name: str, **engine: object) -> Path:
    recipe = server_recipe(server, rows)
    recipe["generator"]["timeout"] = 3.0 if engine.pop("short", False) else 60.0
    recipe["engine"] |= engine
    path = folder / f"{name}.json"
    path.write_text(json.dumps(recipe))
    return path


def undisturbed(arguments: argparse.Namespace, real: Path, folder: Path) -> dict[str, str]:
    with FakeServer() as server:
        begin, cpu = time.time(), children()
        process = start(recipe_file(server, arguments.rows, folder, "calm"), real, folder / "calm")
        _, err = process.communicate()
        check(process.returncode == 0, err)
        print(f"undisturbed: {server.requests:,} requests, {time.time() - begin:.0f} s, {children() - cpu:.0f} CPU s")
    return digest(folder / "calm")


def faulty(arguments: argparse.Namespace, real: Path, folder: Path) -> dict[str, str]:
    with FakeServer(faults=dict.fromkeys(FAULTS, arguments.share), hang=8.0) as server:
        begin, cpu = time.time(), children()
        process = start(recipe_file(server, arguments.rows, folder, "faulty", short=True), real, folder / "faulty")
        _, err = process.communicate()
        check(process.returncode == 0, err)
        twice = sum(count > 1 for count in server.served.values())
        print(
            f"faults: {server.requests:,} requests, {sum(server.injected.values()):,} faults {dict(server.injected)}, "
            f"whole answers {sum(server.served.values()):,}, given twice {twice}, "
            f"{time.time() - begin:.0f} s, {children() - cpu:.0f} CPU s"
        )
        print("  " + "\n  ".join(line for line in err.splitlines() if not line.startswith("[")))
    return digest(folder / "faulty")


def killed(arguments: argparse.Namespace, real: Path, folder: Path) -> dict[str, str]:
    """Half of the kills after a random number of answers, half at a random time after the start."""
    rng = np.random.default_rng(arguments.seed)
    flying, kills, begin, cpu = 0, 0, time.time(), children()
    with FakeServer(delay=0.005) as server:
        recipe = recipe_file(server, arguments.rows, folder, "killed")
        done = False
        while not done:
            process = start(recipe, real, folder / "killed")
            wait(process, server, rng, arguments, kills)
            if process.poll() is None and kills < arguments.kills:
                process.send_signal(signal.SIGKILL)
                kills += 1
            _, err = process.communicate()
            flying += sum(
                int(line.split("resumed; ")[1].split()[0]) for line in err.splitlines() if "resumed; " in line
            )
            check(process.returncode in {0, -signal.SIGKILL}, err)
            done = process.returncode == 0
        extra = server.requests - arguments.rows - 1
        print(
            f"kills: {kills}, requests beyond the {arguments.rows:,} and one probe: {extra}, "
            f"printed as in flight: {flying}, {time.time() - begin:.0f} s, {children() - cpu:.0f} CPU s"
        )
        check(extra <= flying, "more was asked again than was in flight")
    return digest(folder / "killed")


def wait(process: subprocess.Popen, server: FakeServer, rng: np.random.Generator, arguments, kills: int) -> None:
    if kills >= arguments.kills:
        process.wait()
        return
    if kills % 2:
        until = time.time() + float(rng.uniform(0.2, 3.0))
        while process.poll() is None and time.time() < until:
            time.sleep(0.005)
        return
    target = server.requests + int(rng.integers(1, max(2 * arguments.rows // (arguments.kills + 1), 3)))
    while process.poll() is None and server.requests < target:
        time.sleep(0.001)
    time.sleep(float(rng.uniform(0, 0.05)))


def check(claim: object, words: str) -> None:
    if not claim:
        sys.exit(words)


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT / "src"))
    main()
