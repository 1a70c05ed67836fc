"""Pieces of results to draw: estimates, clusters of rows on a map, distributions, rows to drop."""

from __future__ import annotations

import math

from syngain.core.estimate import Estimate
from syngain.core.result import Distribution, Dropped, MapPoint, MapRegion

INTENTS = """
activate my card, age limit, apple pay or google pay, atm support, automatic top up, balance not updated after
bank transfer, balance not updated after cheque or cash deposit, beneficiary not allowed, cancel transfer, card
about to expire, card acceptance, card arrival, card delivery estimate, card linking, card not working, card
payment fee charged, card payment not recognised, card payment wrong exchange rate, card swallowed, cash
withdrawal charge, cash withdrawal not recognised, change pin, compromised card, contactless not working,
country support, declined card payment, declined cash withdrawal, declined transfer, direct debit payment not
recognised, disposable card limits, edit personal details, exchange charge, exchange rate, exchange via app,
extra charge on statement, failed transfer, fiat currency support, get disposable virtual card, get physical
card, getting spare card, getting virtual card, lost or stolen card, lost or stolen phone, order physical card,
passcode forgotten, pending card payment, pending cash withdrawal, pending top up, pending transfer, pin
blocked, receiving money, refund not showing up, request refund, reverted card payment, supported cards and
currencies, terminate account, top up by bank transfer charge, top up by card charge, top up by cash or cheque,
top up failed, top up limits, top up reverted, topping up by card, transaction charged twice, transfer fee
charged, transfer into account, transfer not received by recipient, transfer timing, unable to verify identity,
verify my identity, verify source of funds, verify top up, virtual card not working, visa or mastercard, why
verify identity, wrong amount of cash received, wrong exchange rate for cash withdrawal
"""
LABELS = tuple("_".join(intent.split()) for intent in INTENTS.split(","))
OPENINGS = ("I would like to know", "Could you please tell me", "My question is about", "Hi, quick question:", "Help!")


def estimate(value, low, high, *, unit="share", null=None, p=None, adjusted=None, inner=True, **more):
    intervals = {0.95: (low, high)}
    if inner:
        intervals[0.90] = (value - (value - low) * 0.84, value + (high - value) * 0.84)
    defaults = {
        "method": "cross-fitted, five folds grouped by anchor",
        "estimand": "the synthetic set as it is",
        "n": 3000,
        "clusters": 412,
    }
    return Estimate(
        value=value, unit=unit, intervals=intervals, null=null, p=p, adjusted_p=adjusted, **(defaults | more)
    )


def sentence(rng, label):
    why, how = rng.choice(("since", "because", "and")), rng.choice(("urgent", "new to me", "unclear", "the third time"))
    return f"{rng.choice(OPENINGS)} {label.replace('_', ' ')}, {why} it is {how}?"


def clusters(rng, real=400, synthetic=2600):
    centers = [(rng.uniform(-10, 10), rng.uniform(-8, 8)) for _ in LABELS]
    points = []
    for group, total in (("real", real), ("synthetic", synthetic)):
        for place in range(total):
            kind = rng.randrange(len(LABELS) if group == "real" else len(LABELS) - 9)
            x, y = centers[kind]
            dropped = group == "synthetic" and rng.random() < 0.15
            points.append(
                MapPoint(
                    x=x + rng.gauss(0, 0.6),
                    y=y + rng.gauss(0, 0.6),
                    group="dropped" if dropped else group,
                    id=f"{group}.jsonl:{place + 1}",
                    text=sentence(rng, LABELS[kind]),
                    label=LABELS[kind],
                )
            )
    regions = tuple(
        MapRegion(
            x=centers[kind][0],
            y=centers[kind][1],
            name=LABELS[kind].replace("_", " "),
            real=rng.randrange(4, 14),
            synthetic=0 if kind > 73 else rng.randrange(20, 60),
            expected=rng.uniform(20, 50),
            missing=kind > 73,
            examples=(sentence(rng, LABELS[kind]), sentence(rng, LABELS[kind])),
        )
        for kind in range(50, len(LABELS))
    )
    return tuple(points), regions


def distributions(rng):
    bins = tuple(f"{low} to {low + 19}" for low in range(0, 240, 20))
    shares = [math.exp(-((place - 3) ** 2) / 6) for place in range(len(bins))]
    narrow = [math.exp(-((place - 4) ** 2) / 2) for place in range(len(bins))]
    real = [rng.uniform(0.5, 1.5) for _ in LABELS]
    synthetic = [rng.uniform(0.1, 3) if place < 70 else 0.0 for place, _ in enumerate(LABELS)]
    return (
        Distribution(
            title="Length in characters",
            categories=bins,
            real=tuple(share / sum(shares) for share in shares),
            synthetic=tuple(share / sum(narrow) for share in narrow),
        ),
        Distribution(
            title="Most common openings",
            categories=OPENINGS,
            real=(0.03, 0.02, 0.01, 0.005, 0.004),
            synthetic=(0.11, 0.09, 0.06, 0.03, 0.02),
        ),
        Distribution(
            title="Labels",
            categories=LABELS,
            real=tuple(share / sum(real) for share in real),
            synthetic=tuple(share / sum(synthetic) for share in synthetic),
        ),
    )


def dropped_rows(rng, total=500):
    reasons = (("exact_duplicate",), ("near_duplicate",), ("label_leak",), ("label_noise", "near_duplicate"))
    return tuple(
        Dropped(
            row=row,
            id=f"synthetic.jsonl:{row + 1}",
            text=sentence(rng, LABELS[row % 77]),
            label=LABELS[row % 77],
            reasons=reasons[rng.choices(range(4), (5, 3, 2, 1))[0]],
            score=rng.random(),
        )
        for row in range(0, total * 3, 3)
    )
