"""Build a wheel and try it alone: an empty environment, the core only, every public module.

.venv/bin/python tools/try_wheel.py [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPTIONAL = "torch transformers safetensors tokenizers gguf peft accelerate trl datasets xllamacpp".split()
WALK = """
import importlib, pkgutil, sys
import syngain

assert "site-packages" in syngain.__file__, syngain.__file__
for name in syngain.__all__:
    getattr(syngain, name)
optional = set(sys.argv[1].split(","))
seen, skipped = 0, []
for found in pkgutil.walk_packages(syngain.__path__, "syngain."):
    if found.name == "syngain.__main__":
        continue
    try:
        importlib.import_module(found.name)
        seen += 1
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in optional:
            raise
        skipped.append(f"{found.name} ({error.name})")
loaded = sorted(optional & set(sys.modules))
assert not loaded, loaded
print(f"{len(syngain.__all__)} public names, {seen} modules imported, {len(skipped)} need an optional part", *skipped)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", type=Path, help="make the environment here and leave it")
    keep = options.parse_args().keep
    dist = ROOT / "dist"
    wheel = built(dist)
    print(f"built {wheel.relative_to(ROOT)} ({wheel.stat().st_size:,} bytes)", flush=True)
    with tempfile.TemporaryDirectory() as name:
        tried(wheel, keep or Path(name) / "venv", Path(name))


def built(dist: Path) -> Path:
    """The wheel of this tree, made from its source distribution."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(
            [sys.executable, "-m", "build", "--outdir", name, str(ROOT)], check=True, stdout=subprocess.DEVNULL
        )
        dist.mkdir(exist_ok=True)
        for old in dist.glob("syngain-*"):
            old.unlink()
        for new in Path(name).iterdir():
            (dist / new.name).write_bytes(new.read_bytes())
    return next(dist.glob("syngain-*.whl"))


def tried(wheel: Path, place: Path, elsewhere: Path) -> None:
    """Install the wheel alone, import everything, and audit nothing but the program's own help."""
    venv.create(place, with_pip=True, clear=True)
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    python = str(scripts / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, str(wheel)], check=True, cwd=elsewhere)
    subprocess.run([python, "-I", "-c", WALK, ",".join(sorted(OPTIONAL))], check=True, cwd=elsewhere)
    subprocess.run([str(scripts / "syngain"), "--version"], check=True, cwd=elsewhere)
    subprocess.run([str(scripts / "syngain"), "audit", "--help"], check=True, cwd=elsewhere, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
