"""Do two checkouts of syngain give the same bytes, and in which CPU time?

    python tools/same_numbers.py OLD NEW [-o DIR] [--only NAME,...] [--repeat N] [--resume] [--models] [--values]

Runs every command of ``same_numbers_cases.py`` with both, side by side, and compares every file that they write. Exit
code 1 if anything differs that ``same_numbers_allowed.yaml`` does not list, 2 if a command does not end as it should.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from same_numbers_cases import CASES, Case
from same_numbers_compare import Allowed, allowed_differences, compared
from same_numbers_inputs import make
from same_numbers_values import compared_values

HERE = Path(__file__).resolve().parent
SIDES = ("old", "new")
SLOWER = 1.05


@dataclass(slots=True)
class Side:
    """What a checkout did in a case: CPU seconds (the best of the repeats) and how its commands ended."""

    fingerprint: str
    cpu: float
    codes: list[int]


@dataclass(slots=True)
class Outcome:
    """A case on both sides."""

    case: str
    lines: list[str]
    inputs: str
    old: Side
    new: Side
    files: int = 0
    differences: list[dict[str, str]] = field(default_factory=list)
    allowed: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    timed: bool = True

    @property
    def same(self) -> str:
        """The word of the table."""
        return "BROKEN" if self.broken else "DIFFERS" if self.differences else "allowed" if self.allowed else "same"


@dataclass(frozen=True, slots=True)
class Place:
    """Folders and settings of a comparison."""

    folder: Path
    fingerprints: dict[str, str]
    input_print: str
    allowed: list[Allowed]
    repeat: int
    bytes_only: bool
    resume: bool
    values: bool = False

    @property
    def inputs(self) -> Path:
        """Where the inputs are."""
        return self.folder / "inputs"

    def run(self, case: Case, side: str) -> Path:
        """Where a side works on a case."""
        return self.folder / "runs" / case.name / side

    def kept(self, case: Case) -> Path:
        """Where the outcome of a case is kept."""
        return self.folder / "results" / f"{case.name}.json"


def main() -> int:
    """Run, compare, print the table."""
    options = _options()
    folder = options.output.resolve()
    data = Path(os.environ.get("SYNGAIN_DATA", HERE.parent.parent / "shared" / "data"))
    make(folder / "inputs", data if data.is_dir() else None)
    cases = _chosen(options.only, data=data.is_dir(), models=options.models)
    if options.list:
        print("\n".join(f"{case.name}: {step.line}" for case in cases for step in case.steps))
        return 0
    if any(case.needs == "models" for case in cases):
        _tiny_model(folder / "inputs" / "model")
    prints = {side: _snapshot(folder, side, getattr(options, side)) for side in SIDES}
    allowed = allowed_differences(HERE / "same_numbers_allowed.yaml")
    place = Place(
        folder,
        prints,
        _fingerprint(folder / "inputs"),
        allowed,
        options.repeat,
        options.bytes,
        options.resume,
        options.values,
    )
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda case: _outcome(case, place), cases))
    return _table(outcomes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", type=Path, help="checkout before: a folder with src/")
    parser.add_argument("new", type=Path, help="checkout after")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/same-numbers"), help="working folder")
    parser.add_argument("--only", default="*", help="names of cases, patterns allowed, separated by commas")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each side; the best CPU time counts")
    parser.add_argument("--jobs", type=int, default=1, help="cases at a time; more than 1 blurs CPU times")
    parser.add_argument("--models", action="store_true", help="also train and ask a tiny random language model")
    parser.add_argument("--resume", action="store_true", help="keep outcomes of the same two sources")
    parser.add_argument("--bytes", action="store_true", help="keep what OLD wrote before; no comparison of CPU times")
    parser.add_argument(
        "--values", action="store_true", help="numbers and rows only: sentences were changed on purpose"
    )
    parser.add_argument("--list", action="store_true", help="print the commands and stop")
    return parser.parse_args()


def _chosen(only: str, *, data: bool, models: bool) -> list[Case]:
    patterns = only.split(",")
    there = {"": True, "data": data, "models": models}
    cases = [case for case in CASES if there[case.needs]]
    return [case for case in cases if any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns)]


def _tiny_model(folder: Path) -> None:
    """A random language model of letters, as the tests make it."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    import tiny_causal  # type: ignore[import-not-found]

    if not (folder / "config.json").exists():
        tiny_causal.make(folder)


def _snapshot(folder: Path, side: str, checkout: Path) -> str:
    """Copy the source of a checkout and compile it, so that nobody changes it meanwhile; its fingerprint."""
    source = checkout.resolve() / "src" / "syngain"
    if not source.is_dir():
        raise SystemExit(f"{checkout} has no src/syngain")
    target = folder / side / "src"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target / "syngain", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(target)], check=True)
    return _fingerprint(target)


def _fingerprint(folder: Path) -> str:
    """A digest of all files of a folder, apart from compiled ones."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _outcome(case: Case, place: Place) -> Outcome:
    """Run a case on both sides and compare, or take the outcome that is kept."""
    lines = [step.line for step in case.steps]
    before = _before(case, place, lines)
    if place.resume and before and {side: getattr(before, side).fingerprint for side in SIDES} == place.fingerprints:
        return _judged(before, case, place)
    reuse = place.bytes_only and before is not None and before.old.fingerprint == place.fingerprints["old"]
    sides: dict[str, Side] = {"old": before.old} if before and reuse else {}
    for turn in range(place.repeat):
        for side in SIDES if turn % 2 == 0 else SIDES[::-1]:
            if reuse and side == "old":
                continue
            cpu, codes = _run(case, place, side)
            best = min(cpu, sides[side].cpu) if turn else cpu
            sides[side] = Side(place.fingerprints[side], best, codes)
    out = Outcome(case.name, lines, place.input_print, sides["old"], sides["new"], timed=not place.bytes_only)
    return _judged(out, case, place)


def _before(case: Case, place: Place, lines: list[str]) -> Outcome | None:
    """The outcome that is kept of the same commands and inputs; a broken one is no outcome."""
    if not place.kept(case).exists():
        return None
    content = json.loads(place.kept(case).read_text(encoding="utf-8"))
    content.update(old=Side(**content["old"]), new=Side(**content["new"]))
    out = Outcome(**content)
    return out if (out.lines, out.inputs) == (lines, place.input_print) and not out.broken else None


def _judged(out: Outcome, case: Case, place: Place) -> Outcome:
    """Compare what the sides left behind; keep the outcome and say it on stderr."""
    old, new = (place.run(case, side) for side in SIDES)
    found = compared_values(old, new) if place.values else compared(case.name, old, new, place.allowed)
    out.files, out.allowed = found.files, found.allowed
    out.differences = [asdict(item) for item in found.differences]
    out.broken = [
        f"`{step.line}` ended with {code} on the {side} side, expected {step.code}"
        for side in SIDES
        for step, code in zip(case.steps, getattr(out, side).codes, strict=True)
        if code != step.code
    ]
    path = place.kept(case)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(out), indent=1, ensure_ascii=False), encoding="utf-8")
    print(f"{out.same:<8} {case.name} ({out.files} files)", file=sys.stderr, flush=True)
    for item in out.differences:
        print(f"  {item['file']}\n    " + item["text"].replace("\n", "\n    "), file=sys.stderr)
    return out


def _run(case: Case, place: Place, side: str) -> tuple[float, list[int]]:
    """Run the commands of a case with a side; CPU seconds, user and system, and exit codes."""
    work = place.run(case, side)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SYNGAIN", "OPENAI"))}
    environment |= threads | {"PYTHONPATH": str(place.folder / side / "src"), "COLUMNS": "500", "TERM": "dumb"}
    environment |= {"SYNGAIN_HOME": str(work / "home"), "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}
    places = {"IN": str(place.inputs), "MODEL": str(place.inputs / "model")}
    cpu, codes = 0.0, []
    for number, step in enumerate(case.steps, 1):
        command = [sys.executable, "-m", "syngain", *step.arguments(places)]
        streams = [work / f"{number}.{name}" for name in ("stdout", "stderr")]
        with streams[0].open("wb") as out, streams[1].open("wb") as err:
            child = subprocess.Popen(
                command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        cpu += usage.ru_utime + usage.ru_stime
        codes.append(child.returncode)
        said = [line for line in streams[1].read_text(encoding="utf-8").splitlines() if not line.startswith("[")]
        (work / f"{number}.messages").write_text("\n".join(said), encoding="utf-8")  # without the lines of progress
    return cpu, codes


def _table(outcomes: list[Outcome]) -> int:
    """Print the table, the allowed differences one by one and what is wrong; the exit code."""
    width = max((len(out.case) for out in outcomes), default=4)
    print(f"{'case':<{width}}  commands  files  bytes      CPU old  CPU new  ratio")
    for out in outcomes:
        ratio = out.new.cpu / out.old.cpu
        times = f"{out.old.cpu:7.1f}  {out.new.cpu:7.1f}  {ratio:5.2f}" if out.timed else f"{'':7}  {out.new.cpu:7.1f}"
        mark = "  slower" if out.timed and ratio > SLOWER else ""
        print(f"{out.case:<{width}}  {len(out.lines):8}  {out.files:5}  {out.same:<8}  {times}{mark}")
    old, new = (sum(getattr(out, side).cpu for out in outcomes) for side in SIDES)
    steps, files = sum(len(out.lines) for out in outcomes), sum(out.files for out in outcomes)
    ratio = new / old if old else 1.0
    print(f"{'all':<{width}}  {steps:8}  {files:5}  {'':8}  {old:7.1f}  {new:7.1f}  {ratio:5.2f}")
    for reason, places in _sums(outcomes).items():
        print(f"allowed, {places} places: {reason}")
    for text in [text for out in outcomes for text in out.broken]:
        print(text)
    differing = [out.case for out in outcomes if out.differences]
    if differing:
        print(f"different bytes: {', '.join(differing)}")
    return 2 if any(out.broken for out in outcomes) else 1 if differing else 0


def _sums(outcomes: list[Outcome]) -> dict[str, int]:
    total: dict[str, int] = {}
    for out in outcomes:
        for reason, places in out.allowed.items():
            total[reason] = total.get(reason, 0) + places
    return total


if __name__ == "__main__":
    sys.exit(main())
