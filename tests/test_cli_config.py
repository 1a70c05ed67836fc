"""A configuration file takes every flag of every command, with the value that the flag itself would have."""

import json

import pytest
import typer

from syngain.cli.app import app
from syngain.cli.common import configured
from syngain.core.errors import UsageError

GROUP = typer.main.get_command(app)
VALUES = {"int": [7, "7"], "float": [0.25, "0.25"], "bool": [True, ""], "path": ["a/b.yaml", "a/b.yaml"]}
ODD = {"encoding": "utf-8", "prior": "a=.2,b=.8"}


def flags(command):
    found = []
    for parameter in command.params:
        longest = max(parameter.opts, key=len)
        if longest.startswith("--") and longest not in {"--config", "--help"}:
            found.append((parameter, longest))
    return found


def commands():
    return {name: one for name, one in GROUP.commands.items() if any("--config" in p.opts for p in one.params)}


CASES = [
    pytest.param(name, parameter, longest, id=f"{name} {longest}")
    for name, command in commands().items()
    for parameter, longest in flags(command)
]


def kind(parameter):
    """The type of a flag; versions of typer differ in where they keep it."""
    own = getattr(parameter, "type_descriptor", None)
    name = getattr(own.annotation, "__name__", "text") if own is not None else parameter.type.name
    return next((one for one in VALUES if name.casefold().startswith(one)), "text")


def least(parameter):
    holder = parameter if hasattr(parameter, "min") else getattr(parameter, "type", None)
    return getattr(holder, "min", None)


def context(command, name, *arguments):
    places = [p for p in command.params if p.param_type_name == "argument" and p.required]
    words = [word for place in places for word in ["x.jsonl"] * max(place.nargs, 1)]
    return command.make_context(name, [*words, *arguments], resilient_parsing=False)


def test_every_command_that_writes_a_run_takes_a_configuration_file():
    without = set(GROUP.commands) - set(commands())
    assert without == {"probe", "demo", "explain", "models", "lab", "review"}


@pytest.mark.parametrize(("name", "parameter", "longest"), CASES)
def test_a_key_gives_what_its_flag_gives(name, parameter, longest, tmp_path):
    command = commands()[name]
    key = longest.lstrip("-").replace("-", "_")
    value, word = VALUES.get(kind(parameter), [ODD.get(key, "word")] * 2)
    low = least(parameter)
    if kind(parameter) in {"int", "float"} and low is not None and low > value:
        value, word = type(value)(low), str(type(value)(low))
    (tmp_path / "c.yaml").write_text(json.dumps({key: value}), encoding="utf-8")
    by_flag = context(command, name, *([longest, word] if word else [longest]))
    by_file = configured(context(command, name), tmp_path / "c.yaml")
    wanted = by_flag.params[parameter.name]
    assert by_file[parameter.name] == (list(wanted) if parameter.multiple else wanted)
    assert type(by_file[parameter.name]) is type(list(wanted) if parameter.multiple else wanted)


@pytest.mark.parametrize("name", commands())
def test_a_wrong_key_and_a_wrong_value_are_errors_of_three_parts(name, tmp_path):
    command = commands()[name]
    wrong = [{"no_such_flag": 1}]
    wrong += [{longest.lstrip("-").replace("-", "_"): {"a": 1}} for _, longest in flags(command)]
    for content in wrong:
        (tmp_path / "c.yaml").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(UsageError) as error:
            configured(context(command, name), tmp_path / "c.yaml")
        assert all((error.value.came, error.value.expected, error.value.todo))


def test_a_file_beats_a_default_and_a_flag_beats_a_file(tmp_path):
    (tmp_path / "c.yaml").write_text("seed: 5", encoding="utf-8")
    command = commands()["gain"]
    assert configured(context(command, "gain"), tmp_path / "c.yaml")["seed"] == 5
    assert configured(context(command, "gain", "--seed", "6"), tmp_path / "c.yaml")["seed"] == 6
