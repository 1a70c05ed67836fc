"""The page of the Python interface: every public name, from its docstring."""

from __future__ import annotations

from importlib import import_module

VERBS = (
    *("read", "audit", "gain", "compare", "select", "clean", "reselect", "mix", "mix_runs", "generate", "probe"),
    *("information", "train", "repair", "ggmi", "loop", "gate", "convert", "demo"),
)
REST = ("write_rows", "Result", "Verdict", "Finding", "Estimate", "Dataset", "Study", "GeneratedRow")
HEAD = """# Python

Every command is a function of the same name. Where a command takes a file, the function takes a path or a `Dataset`.
Importing `syngain` loads nothing heavy; names are resolved when they are first used.

```python
import syngain

result = syngain.audit("real.jsonl", "synthetic.jsonl", gain=False, seed=0)
print(result.verdict.decision, [finding.id for finding in result.findings])
print(result.estimates["duplicates.near_fraction"].value)
```
"""


def page() -> str:
    """Markdown with one directive per public name."""
    import syngain

    homes = syngain._HOMES  # noqa: SLF001  (the one list of public names)
    names = [*VERBS, *REST, *sorted(set(homes) - {*VERBS, *REST, "SyngainError", "check"})]
    parts = [HEAD, *(_entry(f"{homes[name]}.{name}", f"syngain.{name}") for name in names)]
    parts += [_entry(f"{module}.{name}", f"syngain.settings.{alias}") for alias, (module, name) in _settings().items()]
    parts.append(_entry("syngain.core.errors", "Errors", members=_classes("syngain.core.errors")))
    parts.append(_entry("syngain.report.folder.write", "syngain.report.write"))
    parts.append(_entry("syngain.report.folder.load", "syngain.report.load"))
    parts.append(_entry("syngain.lab.presets.presets.run", "syngain.lab.run"))
    return "\n".join(parts)


def _settings() -> dict[str, tuple[str, str]]:
    """The settings classes by their public name."""
    from syngain import settings

    return dict(settings._HOMES)  # noqa: SLF001  (the one list of settings)


def _classes(module: str) -> list[str]:
    """The public classes of a module, in their order."""
    found = vars(import_module(module)).values()
    return [kind.__name__ for kind in found if isinstance(kind, type) and kind.__module__ == module]


def _entry(path: str, heading: str, *, members: list[str] | None = None) -> str:
    lines = [f"::: {path}", "    options:", f"      heading: {heading}", f"      toc_label: {heading}"]
    return "\n".join([*lines, *([f"      members: [{', '.join(members)}]"] if members else []), ""])
