"""Results to draw: a rich audit, instruction data, a comparison, hostile rows, and the largest page."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from report_pieces import clusters, distributions, dropped_rows, estimate
from syngain.core.result import (
    Distribution,
    Dropped,
    Finding,
    InputSummary,
    MapPoint,
    MapRegion,
    Result,
    Series,
    Verdict,
    Views,
)


def rich_estimates():
    return {
        "gain.log_loss": estimate(
            0.021, -0.034, 0.081, unit="nats", p=0.4, adjusted=1.0, direction="forecast", marks=("optimistic",), n=300
        ),
        "gain.accuracy": estimate(0.0312, -0.012, 0.071, p=0.12, adjusted=0.6, direction="forecast", n=300),
        "gain.accuracy.duplication": estimate(0.004, -0.01, 0.02, n=300),
        "gain.accuracy.synthetic_only": estimate(-0.143, -0.19, -0.1, n=300),
        "gain.rows_worth": estimate(104, -31, 266, unit="rows", n=300),
        "duplicates.exact_fraction": estimate(0.249, 0.231, 0.268, null=(0.0, 0.006), p=0.001, adjusted=0.019),
        "duplicates.near_fraction": estimate(0.371, 0.352, 0.391, null=(0.01, 0.03), p=0.001, adjusted=0.019),
        "size.effective": estimate(1893, 1830, 1960, unit="rows"),
        "divergence.tv_lower": estimate(
            0.612, 0.571, math.inf, null=(-0.05, 0.06), p=0.0005, adjusted=0.0095, direction="lower", inner=False
        ),
        "divergence.js_lower": estimate(
            0.281,
            0.24,
            math.inf,
            unit="nats",
            null=(-0.02, 0.02),
            p=0.0005,
            adjusted=0.0095,
            direction="lower",
            inner=False,
        ),
        "divergence.mmd2": estimate(
            0.0043, 0.003, 0.006, unit="ratio", null=(-0.0004, 0.0005), p=0.0005, adjusted=0.0095
        ),
        "fidelity.density": estimate(0.71, 0.62, 0.8, unit="ratio", null=(0.93, 1.07)),
        "fidelity.coverage": estimate(
            0.642, 0.601, 0.68, null=(0.91, 0.97), p=0.001, adjusted=0.019, references={"real": 0.94, "noise": 0.08}
        ),
        "diversity.vendi": estimate(
            88.2, 81.0, 95.1, unit="ratio", null=(141.0, 160.0), p=0.001, adjusted=0.019, n=500
        ),
        "novelty.copy_fraction": estimate(0.0033, 0.001, 0.007, null=(0.0, 0.01), p=0.5, adjusted=1.0),
        "novelty.distance_ratio": estimate(0.93, 0.88, 0.99, unit="ratio", null=(0.9, 1.1), p=0.2, adjusted=0.8),
        "contamination.test_fraction": estimate(0.0, 0.0, 0.004, null=(0.0, 0.005), p=1.0, adjusted=1.0),
        "labels.synthetic_agreement": estimate(
            0.71, 0.68, 0.74, null=(0.83, 0.9), p=0.002, adjusted=0.03, references={"real": 0.86, "shuffled": 0.013}
        ),
        "labels.real_recovery": estimate(0.54, 0.5, 0.58, null=(0.01, 0.02), p=0.001, adjusted=0.019),
        "labels.inner_signal": estimate(0.83, 0.81, 0.85, null=(0.01, 0.02), p=0.001, adjusted=0.019),
        "labels.leak_fraction": estimate(0.352, 0.33, 0.37, null=(0.02, 0.06), p=0.001, adjusted=0.019),
        "uniformity.opening_share": estimate(0.31, 0.29, 0.33, null=(0.05, 0.09), p=0.001, adjusted=0.019),
        "uniformity.template_entropy": estimate(4.1, 3.9, 4.3, unit="nats", null=(5.6, 6.1), p=0.001, adjusted=0.019),
        "uniformity.length_overlap": estimate(0.77, 0.74, 0.8, null=(0.93, 0.98)),
        "information.compression_gain": estimate(
            0.182, 0.17, 0.19, unit="bytes per byte", references={"fresh real": 0.31, "duplicates": 0.004}
        ),
    }


def rich_findings():
    return (
        Finding(
            id="label_leak",
            severity="high",
            message="35.2% of rows contain their own label in words; real rows: 2% to 6%.",
            consequence="A model learns to look for the label's words.",
            fix="drop 500 rows",
            evidence=tuple(f"synthetic.jsonl:{row}" for row in range(17, 900, 13)),
            examples=(
                "I would like to know about my card_arrival, when will the card arrive?",
                "My question is about change pin. How do I change the pin?",
                "Hi, quick question: exchange rate. What exchange rate do you use?",
            ),
            estimates=("labels.leak_fraction",),
            rows=1056,
        ),
        Finding(
            id="duplicates",
            severity="high",
            message="24.9% of rows repeat another row: 3,000 rows, 1,893 distinct.",
            evidence=("synthetic.jsonl:4", "synthetic.jsonl:88"),
            examples=("What is my balance?", "What is my balance?"),
            estimates=("duplicates.exact_fraction", "size.effective"),
            rows=747,
        ),
        Finding(
            id="missing_regions",
            severity="medium",
            message="3 kinds of real rows (37 of 300) have no synthetic row near them.",
            examples=("The ATM swallowed my card in Lisbon, who do I call?",),
            estimates=("fidelity.coverage",),
            rows=0,
        ),
        Finding(
            id="template_collapse",
            severity="low",
            message="31 % of the rows start with one of five openings; a real set of this size has 5 to 9 %.",
            examples=("I would like to know …",),
            estimates=("uniformity.opening_share", "uniformity.template_entropy"),
            explained_by=("duplicates",),
            rows=930,
        ),
    )


def audit_result(*, points=3000, drops=500):
    rng = random.Random(7)
    drawn, regions = clusters(rng, real=points * 2 // 15, synthetic=points - points * 2 // 15)
    return Result(
        command="audit",
        version="0.1.0",
        seed=0,
        inputs={
            "real": InputSummary(
                name="banking77_real.jsonl.gz::split=anchor",
                rows=300,
                fingerprint="sha256:9f2c4e11a0b37d5566aa01",
                roles="text from `text`, label from `label`",
            ),
            "synthetic": InputSummary(
                name="synthetic.jsonl",
                rows=3000,
                fingerprint="sha256:01aa6655d73b0a114ec2f9",
                roles="text from `text`, label from `label`, source from `source_text` (98.3 % matched)",
            ),
        },
        estimates=rich_estimates(),
        findings=rich_findings(),
        verdict=Verdict(
            decision="use_subset",
            sentence="Use 1,893 of the 3,000 rows: a quarter are duplicates, and on the rest a proxy gains +3.1 points "
            "of accuracy (95 %: \u22121.2 to +7.1), worth about 104 real rows.",
            rows_to_use=1893,
        ),
        series={
            "gain.log_loss": Series(
                x_name="synthetic rows",
                x=(0, 250, 500, 1000, 2000, 3000),
                value=(0, 0.011, 0.017, 0.022, 0.021, 0.021),
                lower=(0, -0.02, -0.022, -0.025, -0.03, -0.034),
                upper=(0, 0.04, 0.055, 0.066, 0.075, 0.081),
            )
        },
        dropped=dropped_rows(rng, drops),
        views=Views(
            map_points=drawn,
            map_regions=regions,
            map_note="TF-IDF of words and characters, then PCA of real and synthetic rows together.",
            distributions=distributions(rng),
            computed=(
                (
                    "Encoding",
                    (
                        "TF-IDF of words and characters (1 to 2 and 3 to 5 grams), 256 dimensions by "
                        "truncated SVD, fitted on pooled rows without labels."
                    ),
                ),
                (
                    "Comparison",
                    (
                        "Synthetic rows are compared with held-out real rows; folds keep anchors and their "
                        "synthetic rows together."
                    ),
                ),
                ("Multiple tests", "19 p-values adjusted by Holm's method."),
            ),
        ),
    )


def decided_result():
    """An audit whose verdict names its action, the gain that decides and the next command."""
    found = audit_result(points=60, drops=20)
    gain = estimate(0.011, -0.04, 0.06, unit="nats")
    third = Finding(id="contamination", severity="medium", message="m", rows=12, fix="drop 12 rows")
    verdict = Verdict(
        decision="cannot_tell",
        sentence="Drop 513 of 1,800 rows. After that, inconclusive: gain +0.011 nats, 90% CI [-0.040, +0.060].",
        action="Drop 513 of 1,800 rows; the gain of the rest is unclear.",
        estimate="gain.log_loss",
        next_command="syngain gain REAL kept.jsonl --test TEST",
        needs="about 30,000 more real rows",
    )
    return replace(
        found,
        verdict=verdict,
        estimates={**found.estimates, "gain.log_loss": gain},
        findings=(*found.findings, third),
    )


def instruction_result():
    rng = random.Random(3)
    base = {
        "duplicates.near_fraction": estimate(0.02, 0.015, 0.026, null=(0.01, 0.03), p=0.5, adjusted=1.0),
        "diversity.vendi": estimate(180.0, 170, 190, unit="ratio", null=(150, 200), p=0.6, adjusted=1.0),
        "uniformity.length_overlap": estimate(0.61, 0.58, 0.64, null=(0.93, 0.98)),
        "divergence.tv_lower": estimate(
            0.5, 0.47, math.inf, null=(-0.05, 0.05), p=0.001, adjusted=0.01, direction="lower", inner=False
        ),
    }
    parts = {f"{name}@{part}": item for name, item in base.items() for part in ("prompt", "response")}
    ours = {
        "information.gain": estimate(41.2, 39, 43.5, unit="nats"),
        "information.prompt_lower": estimate(4.4, 4.1, math.inf, unit="nats", direction="lower", inner=False),
        "information.prompt_upper": estimate(
            5.9, -math.inf, 6.3, unit="nats", direction="upper", inner=False, marks=("saturated",)
        ),
        "information.bits_per_byte@response": estimate(0.94, 0.92, 0.96, unit="bits per byte", null=(1.05, 1.2)),
        "something.brand_new@response": estimate(0.4, 0.3, 0.5, unit="widgets"),
        "divergence.mmd2": estimate(math.nan, -math.inf, math.inf, unit="ratio"),
    }
    text = "### Task\nWrite a polite reply to a customer whose parcel is late.\n\n\tKeep it short.\n→ Dear customer, …"
    points = tuple(
        MapPoint(
            x=rng.gauss(place % 3, 0.4),
            y=rng.gauss(place % 2, 0.4),
            group=("real", "synthetic")[place % 5 > 0],
            id=f"alpaca.jsonl:{place}",
            text=text,
            label=None,
        )
        for place in range(600)
    )
    return Result(
        command="audit",
        version="0.1.0",
        seed=1,
        inputs={
            "real": InputSummary(
                name="user252.jsonl",
                rows=252,
                fingerprint="sha256:aa",
                roles="prompt from `instruction` + `input`, response from `output`",
            ),
            "synthetic": InputSummary(
                name="alpaca.jsonl",
                rows=9000,
                fingerprint="sha256:bb",
                roles="prompt from `instruction` + `input`, response from `output`",
            ),
        },
        estimates=parts | ours,
        findings=(
            Finding(
                id="distribution_shift",
                severity="medium",
                message="Responses are shorter than real ones: median 182 against 412 characters.",
                examples=(text,),
                rows=9000,
            ),
        ),
        verdict=Verdict(
            decision="cannot_tell",
            sentence="Cannot tell: the interval of the gain (\u22120.02 to +0.05 nats per byte) includes both harm and "
            "a gain that matters; about 900 real rows would tell.",
        ),
        views=Views(map_points=points, computed=(("Sides", "Prompts and responses are measured apart."),)),
    )


def compare_result():
    shown = {
        "gain.accuracy": estimate(0.03, -0.01, 0.07).as_json(),
        "diversity.vendi": estimate(80, 75, 85, unit="ratio").as_json(),
    }
    return Result(
        command="compare",
        version="0.1.0",
        seed=0,
        inputs={"real": InputSummary(name="real.jsonl", rows=300, fingerprint="sha256:cc")},
        estimates={},
        findings=(),
        verdict=Verdict(decision="use", sentence="gpt4 is best: +3.0 points (95 %: \u22121.0 to +7.0)."),
        sets={
            "gpt4": {"estimates": shown, "findings": []},
            "llama": {"estimates": {"gain.accuracy": estimate(-0.1, -0.2, -0.05).as_json()}, "findings": []},
        },
    )


HOSTILE = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror='window.pwned=1;alert(1)'>",
    "</script><script>window.pwned=1;alert(2)</script>",
    "{{ 7*7 }} {% raw %} ${window.pwned=1} {# #}",
    "<b>bold</b><a href='javascript:window.pwned=1'>link</a><br>&lt;i&gt; %{x} $x^2$",
    "\x1b[31mred\x1b[0m \x07 \x00 \x9b2J \u202egnp.exe \u2028 next [bold red]markup[/] [link=http://x]l[/link]",
    "lone \ud800 surrogate <!-- comment --> ]]>",
    "long " + "x" * 100_000,
)


def hostile_result():
    bad = HOSTILE[2]
    points = tuple(
        MapPoint(
            x=float(place),
            y=float(place % 3),
            group="real" if place % 2 else "synthetic",
            id=f"{text[:90]}:{place}",
            text=text,
            label=text[:90],
        )
        for place, text in enumerate(HOSTILE)
    )
    everything = " ".join(HOSTILE[:7])
    return Result(
        command=bad,
        version=bad,
        seed=0,
        inputs={bad: InputSummary(name=everything, rows=8, fingerprint=bad, roles=everything)},
        estimates={
            f"{bad}@{bad}": estimate(
                0.5,
                0.4,
                0.6,
                unit=bad,
                method=everything,
                estimand=everything,
                marks=(everything,),
                references={bad: 0.45},
            ),
            HOSTILE[5]: estimate(math.nan, -math.inf, math.inf, null=(math.nan, 1.0)),
        },
        findings=(
            Finding(
                id=bad,
                severity="high",
                message=everything,
                evidence=HOSTILE,
                examples=HOSTILE,
                estimates=(bad,),
                explained_by=(bad,),
                rows=3,
            ),
        ),
        verdict=Verdict(decision="do_not_use", sentence=everything),
        series={bad: Series(x_name=bad, x=(0.0, 1.0), value=(0.0, math.nan), lower=(0.0, -math.inf), upper=(0.0, 1.0))},
        sets={bad: {"estimates": {bad: estimate(0.5, 0.4, 0.6).as_json()}}},
        dropped=tuple(
            Dropped(row=place, id=text, text=text, label=text, reasons=(text,), score=math.nan)
            for place, text in enumerate(HOSTILE)
        ),
        views=Views(
            map_points=points,
            map_regions=(
                MapRegion(x=1.0, y=1.0, name=bad, real=12, synthetic=0, expected=14.0, missing=True, examples=HOSTILE),
            ),
            map_note=everything,
            distributions=(
                Distribution(
                    title=bad, categories=tuple(text[:90] for text in HOSTILE), real=(0.1,) * 8, synthetic=(0.2,) * 8
                ),
            ),
            computed=((bad, everything),),
        ),
    )


def largest_result():
    """More points and rows than are drawn, with long texts in three bytes a character."""
    rng = random.Random(5)
    result = audit_result(points=6000, drops=2500)
    long = "合成データは本当に役に立つのか、" * 30
    points = tuple(replace(point, text=f"{place} {long}") for place, point in enumerate(result.views.map_points))
    dropped = tuple(replace(item, text=f"{rng.random()} {long}") for item in result.dropped)
    return replace(result, dropped=dropped, views=replace(result.views, map_points=points))
