"""From flags to what a verb takes, one function per command; wrong values are errors before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from syngain.cli.common import encoder_named, names
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syngain.core.progress import Progress
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.information.cross_scoring import Scorer
    from syngain.information.outputs import Outputs
    from syngain.workflows.generate.generate import Limits

    Options = Mapping[str, Any]
    Arguments = dict[str, Any]

APIS = ("chat", "completions")
PROXIES = ("auto", "frozen")
TRAINERS = ("trl", "plain")


def audit(options: Options) -> Arguments:
    """Sample sizes, encoder, benchmarks, rules of columns, other tables."""
    from syngain.audit.measure import Settings

    settings = Settings(
        sample=options["sample"],
        encoder=encoder_named(options["encoder"]),
        proxy=proxy_named(options),
        model=options["model"],
        minutes=options["minutes"],
    )
    chosen: Arguments = {"settings": settings, "gain": not options["no_gain"]}
    if options["rules"] is not None:
        from syngain.tables.rules.stated import read_rules

        chosen["rules"] = read_rules(options["rules"])
    if options["table"]:
        from syngain.tables.rules.others import read_tables

        chosen["tables"] = read_tables(names(options["table"], least=1))
    if options["benchmarks"] is None:
        return chosen
    from syngain.data.benchmarks import read_benchmarks

    return {**chosen, "benchmarks": read_benchmarks(options["benchmarks"])}


def gain(options: Options) -> Arguments:
    """Metric, smallest gain that matters, proxy."""
    from syngain.workflows.evaluate.gain import GainSettings

    if options["min_gain"] <= 0:
        raise UsageError(f"--min-gain {options['min_gain']}", expected="a gain above 0", todo="the default is 0.01")
    settings = GainSettings(
        metric=options["metric"],
        min_gain=options["min_gain"],
        test_rows=options["test_rows"],
        prior=class_fractions(options["prior"]),
        encoder=encoder_named(options["encoder"]),
        slices=tuple(part.strip() for part in (options["slice"] or "").split(",") if part.strip()),
        proxy="lm" if options["proxy"] == "lm" else proxy_named(options, *PROXIES, "lm"),
        model=options["model"],
        minutes=options["minutes"],
    )
    return {"settings": settings}


def proxy_named(options: Options, *known: str) -> Literal["auto", "frozen"]:
    """The proxy by its name.

    Raises:
        UsageError: an unknown one.
    """
    found = {"auto": "auto", "frozen": "frozen"}.get(options["proxy"])
    if found is None:
        raise UsageError(
            f"--proxy {options['proxy']}", expected=f"one of {', '.join(known or PROXIES)}", todo="use --proxy auto"
        )
    return cast("Literal['auto', 'frozen']", found)


def class_fractions(given: str | None) -> dict[str, float] | None:
    """Class shares from ``a=.2,b=.8``."""
    if given is None:
        return None
    todo = "for example --prior spam=.2,ham=.8"
    try:
        parts = dict(part.rsplit("=", 1) for part in given.split(","))
        shares = {name.strip(): float(share) for name, share in parts.items()}
    except ValueError:
        raise UsageError(f"--prior {given}", expected="class=fraction, separated by commas", todo=todo) from None
    if min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-3:
        raise UsageError(f"--prior {given}", expected="fractions of at least 0 that sum to 1", todo=todo)
    return shares


def compare(options: Options) -> Arguments:
    """Metric, class weights, draws."""
    from syngain.selection.matched_sets import Contest
    from syngain.workflows.evaluate.compare import CompareSettings

    settings = CompareSettings(
        metric=options["metric"],
        class_weights=options["class_weights"],
        measures=not options["no_measures"],
        encoder=encoder_named(options["encoder"]),
        contest=Contest(draws=options["n_repeats"], lengths=options["lengths"]),
        proxy=proxy_named(options),
        model=options["model"],
        minutes=options["minutes"],
    )
    return {"settings": settings}


def select(options: Options) -> Arguments:
    """Method, how many rows to keep, folds."""
    from syngain.selection.methods import method_named
    from syngain.selection.nested_choice import SelectionTrial
    from syngain.workflows.evaluate.select import SelectSettings

    if options["synthetic"] is None:
        raise UsageError(
            "no REAL and SYNTHETIC",
            expected="syngain select REAL SYNTHETIC, or --again RUN --rows N",
            todo="give both files",
        )
    if options["near_duplicates"] not in {"last", "keep"}:
        raise UsageError(
            f"--near-duplicates {options['near_duplicates']}",
            expected="last or keep",
            todo="use --near-duplicates last",
        )
    if options["rows"] is not None and options["share"] is not None:
        raise UsageError("--rows and --share", expected="one of them", todo="omit --share")
    method_named(options["method"], model=options["model"])
    settings = SelectSettings(
        rows=options["rows"],
        share=0.5 if options["share"] is None else options["share"],
        repeats_last=options["near_duplicates"] == "last",
        metric=options["metric"],
        logprob=options["logprob"],
        model=options["model"],
        encoder=encoder_named(options["encoder"]),
        trial=SelectionTrial(folds=options["folds"]),
        proxy=proxy_named(options),
        reader=options["model"] or "smollm2",
        minutes=options["minutes"],
    )
    return {"settings": settings, "method": options["method"]}


def clean(options: Options) -> Arguments:
    """Method, repeats of a profile, folds."""
    from syngain.gain.cleaning.methods import cleaning_method
    from syngain.gain.cleaning.nested_cleaning import CleaningTrial
    from syngain.workflows.evaluate.clean import CleanSettings

    cleaning_method(options["method"])
    settings = CleanSettings(
        members=options["members"],
        encoder=encoder_named(options["encoder"]),
        trial=CleaningTrial(folds=options["folds"], most=options["rows"]),
    )
    return {"settings": settings, "method": options["method"]}


def mix(options: Options) -> Arguments:
    """Rows of a proxy run, encoder, and where trainers find the parts."""
    from syngain.data.read import absolute_location
    from syngain.selection.response_surface import SurfaceDesign
    from syngain.workflows.evaluate.mix import MixSettings

    given = {"anchors": options["real"], **names(options["sets"] or [], least=1)}
    files = {name: absolute_location(path) for name, path in given.items()}  # trainers start in another folder
    design = SurfaceDesign(most=options["rows"])
    encoder, kept = encoder_named(options["encoder"]), bool(options["with_defects"])
    return {"settings": MixSettings(encoder=encoder, design=design, files=files, with_defects=kept)}


def generate(options: Options) -> Arguments:
    """The recipe, with another seed when one is given, and when to stop."""
    from syngain.pipeline.recipe import read_recipe
    from syngain.pipeline.table_recipe import table_recipe

    if options["recipe"] is None:
        return {"recipe": _table_recipe(options), "stop_when": None}
    table = table_recipe(options["recipe"])
    recipe = (read_recipe(options["recipe"]) if table is None else table).model_dump()
    if options["seed"] is not None:
        recipe |= {"seed": int(options["seed"])}
    if options["real"] is None:
        raise UsageError("no real rows", expected="your real rows", todo="give them with --real FILE")
    return {"recipe": recipe, "stop_when": options["stop_when"]}


def _table_recipe(options: Options) -> dict[str, Any]:
    """The recipe that the flags of a table make.

    Raises:
        UsageError: flags are missing or wrong.
    """
    if options["generator"] != "cells":
        raise UsageError(
            f"--generator {options['generator']}", expected="cells; other generators need a RECIPE", todo="use cells"
        )
    if options["real"] is None:
        raise UsageError("no real rows", expected="a table of real rows", todo="give them with --real FILE")
    if (options["rows"] is None) != bool(options["balance"]):
        came = "--rows and --balance" if options["balance"] else "--generator cells without --rows"
        raise UsageError(came, expected="how many rows to draw: one of both", todo="add --rows N, or --balance")
    if options["balance"] and (options["label"] in {None, "none"} or options["given"]):
        came = "--balance and --given" if options["given"] else "--balance without --label"
        raise UsageError(came, expected="the column of classes, no given values", todo="add --label COLUMN")
    given = [item.partition("=") for item in options["given"] or ()]
    wrong = next((name for name, equals, _ in given if not equals or not name), None)
    if wrong is not None:
        raise UsageError(f"--given {wrong}", expected="COLUMN=VALUE", todo="for example --given region=west")
    generator = {
        "kind": "cells",
        "rows": options["rows"],
        "balance": bool(options["balance"]),
        "label": options["label"],
        "given": {name: value for name, _, value in given},
        "temperature": float(options["temperature"]),
        "members": options["members"],
        "check": bool(options["check"]),
    }
    from syngain.pipeline.table_recipe import checked_recipe

    return checked_recipe({"generator": generator, "seed": int(options["seed"] or 0)}, "the flags").model_dump()


def stress(options: Options) -> Arguments:
    """The label, and how a classifier is tested."""
    from syngain.tables.stress.settings import StressSettings

    if options["label"] is None:
        raise UsageError("no label", expected="the column that a classifier predicts", todo="add --label COLUMN")
    settings = StressSettings(
        rows=options["rows"], tail=options["tail"], conditions=options["conditions"], splits=options["splits"]
    )
    return {"settings": settings, "label": options["label"]}


def limits(options: Options) -> Limits:
    """Ceilings of tokens and dollars."""
    from syngain.workflows.generate.generate import Limits

    tokens, usd = options["max_tokens"], options["max_usd"]
    return Limits(
        max_tokens=None if tokens is None else int(tokens),
        max_usd=None if usd is None else float(usd),
        prices=None if options["prices"] is None else Path(options["prices"]),
        distrust_usage=bool(options["distrust_usage"]),
    )


def information(options: Options) -> Arguments:
    """Meanings, sizes, and whether the gain is measured as well."""
    from syngain.workflows.generate.information import InformationSettings

    settings = InformationSettings(
        meaning=options["meaning"],
        encoder=_meanings(options),
        vocabulary=options["vocabulary"],
        prompts=options["prompts"],
        samples=options["samples"],
        gain=options["gain"],
    )
    return {"settings": settings}


def _meanings(options: Options) -> TextEncoder | None:
    """The encoder that places meanings; None where nobody asked for one."""
    if options["encoder"] is None:
        return None
    if options["meaning"] is not None:
        raise UsageError(
            "--meaning and --encoder", expected="one of them: both define the meaning of a row", todo="omit --encoder"
        )
    if options["real"] is None:
        raise UsageError(
            "--encoder without --real",
            expected="real rows: the map of meanings must be fixed before the rows are seen",
            todo="add --real, or name a column with --meaning",
        )
    from syngain.data.encoders.vectors import HashedNgrams

    return encoder_named(options["encoder"]) or HashedNgrams()


def scorer(options: Options, anchors: Dataset | None, progress: Progress) -> Callable[[Outputs], Scorer] | None:
    """What makes the scorer when the temperature of the outputs is known; None where nobody is named."""
    if options["generator"] is None:
        return None
    if options["api"] not in APIS:
        raise UsageError(f"--api {options['api']}", expected=f"one of {', '.join(APIS)}", todo="use --api chat")
    from syngain.workflows.generate.scorers import scorer_of

    return scorer_of(
        str(options["generator"]),
        anchors,
        model=options["model"],
        key_env=str(options["key_env"]),
        api="chat" if options["api"] == "chat" else "completions",
        progress=progress,
    )


def train(options: Options) -> Arguments:
    """The student, how it learns, and for how long."""
    from syngain.learners.causal import CausalProxy
    from syngain.workflows.train.train import TrainSettings

    if options["trainer"] not in TRAINERS:
        raise UsageError(
            f"--trainer {options['trainer']}", expected=f"one of {', '.join(TRAINERS)}", todo="use --trainer trl"
        )
    try:
        rates = tuple(float(rate) for rate in str(options["rates"]).split(","))
    except ValueError:
        raise UsageError(
            f"--rates {options['rates']}", expected="numbers separated by commas", todo="for example --rates 1e-3,5e-4"
        ) from None
    student = CausalProxy(
        model=options["model"],
        rank=options["rank"],
        rates=rates,
        batch=options["batch"],
        max_tokens=options["max_tokens"],
        dtype=options["dtype"],
        device=options["device"],
        chat=options["chat"],
        loss=options["loss"],
    )
    settings = TrainSettings(
        student=student,
        steps=options["steps"],
        seeds=options["n_repeats"],
        minutes=options["minutes"],
        selected=options["selected"],
        method=options["method"],
        min_gain=options["min_gain"],
        forecast=options["forecast"],
        trainer=options["trainer"],
    )
    if not options["repair"]:
        return {"settings": settings}
    from syngain.workflows.train.repair import RepairSettings

    repair = RepairSettings(
        model=student, steps=settings.steps, repair_steps=options["repair_steps"], seeds=settings.seeds
    )
    return {"settings": repair}


def ggmi(options: Options) -> Arguments:
    """Supersamples, masks, the learner."""
    from syngain.gain.generalization import Masks
    from syngain.learners.causal import CausalProxy
    from syngain.workflows.research.ggmi import GgmiSettings

    settings = GgmiSettings(
        masks=Masks(pairs=options["pairs"], masks=options["masks"], draws=options["n_repeats"]),
        gain=options["gain"],
        student=None if options["model"] is None else CausalProxy(model=options["model"], loss=options["loss"]),
        steps=options["steps"],
        encoder=encoder_named(options["encoder"]),
    )
    return {"settings": settings}


def loop(options: Options) -> Arguments:
    """Generations, fractions of real rows, repetitions."""
    from syngain.lab.text_loop import Loop
    from syngain.workflows.research.loop import LoopSettings

    try:
        shares = tuple(float(part) for part in str(options["real_share"]).split(","))
    except ValueError:
        raise UsageError(
            f"--real-share {options['real_share']}",
            expected="fractions separated by commas",
            todo="for example --real-share 0,0.2,0.5",
        ) from None
    loop = Loop(generations=options["generations"], shares=shares, rows=options["rows"])
    return {"settings": LoopSettings(loop=loop, seeds=options["n_repeats"])}
