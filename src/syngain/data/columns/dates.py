"""Dates and times written as text: read as days, with their parts (weekday, day, month, hour)."""

from __future__ import annotations

import math
import re
from array import array
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.columns.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats

MOSTLY = 0.95  # of the values that are dates, from which a column holds dates
LOOKED_AT = 200  # different values by which the format is chosen
ISO = "year-month-day"
CLOCK = "hour:minute"
DATED = re.compile(r"(?=.*\d)[\w:./,+ -]{4,40}")
FORMATS: Mapping[str, tuple[str, ...]] = {  # the first that reads most values is chosen
    "year/month/day": ("%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"),
    "day.month.year": ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"),
    "month/day/year": ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p"),
    "day/month/year": ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"),
    "day-month-year": ("%d-%m-%Y", "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S"),
    "day month year": ("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y"),
    "month day, year": ("%b %d, %Y", "%B %d, %Y"),
    "year-month": ("%Y-%m",),
    CLOCK: ("%H:%M", "%H:%M:%S"),
}
EPOCH = date(1970, 1, 1).toordinal()
PARTS = ("weekday", "day", "month", "hour")


@dataclass(frozen=True, slots=True)
class DateFormat:
    """How a column writes its dates; ``name``: the order of the parts, such as ``year-month-day``."""

    name: str

    def days(self, values: Sequence[object]) -> Floats:
        """Days since 1970 with the time of day as a fraction (n,); NaN where a value is no date."""
        known: dict[object, float] = {}
        for value in set(values):
            known[value] = _days(value, self.name) if isinstance(value, str) else math.nan
        return np.array([known[value] for value in values], dtype=np.float64)


def date_format(values: Sequence[object]) -> DateFormat | None:
    """The format of a column of dates; None for other columns."""
    if isinstance(values, array):
        return None
    different = list(dict.fromkeys(value for value in values if not is_missing(value)))
    some = different[:: max(1, len(different) // LOOKED_AT)][:LOOKED_AT]
    if not some or not all(isinstance(value, str) and DATED.fullmatch(value) for value in some[:5]):
        return None
    likely = [name for name in (ISO, *FORMATS) if _read(some[:5], name)]
    best, name = max(((_read(some, name), name) for name in likely), key=lambda found: found[0], default=(0.0, ""))
    return DateFormat(name) if best >= MOSTLY else None


def dated(values: Sequence[object]) -> Floats | None:
    """A column of dates as days since 1970 (n,), NaN where there is none; None for other columns."""
    form = date_format(values)
    return None if form is None else form.days(values)


def parts(days: Floats) -> dict[str, Floats]:
    """Weekday (0 is Monday), day of the month, month and hour of each date (n,); NaN where there is none."""
    known = np.isfinite(days)
    whole = np.floor(np.where(known, days, 0.0))
    months = whole.astype("datetime64[D]").astype("datetime64[M]")
    found = {
        "weekday": (whole + 3) % 7,  # 1970 began on a Thursday
        "day": (whole.astype("datetime64[D]") - months).astype(np.float64) + 1,
        "month": months.astype(np.int64) % 12 + 1.0,
        "hour": np.floor((np.where(known, days, 0.0) - whole) * 24 + 1e-6),
    }
    return {name: np.where(known, values, np.nan) for name, values in found.items()}


def written(days: float) -> str:
    """A date as text, with the time where it has one."""
    moment = datetime.fromtimestamp(round(days * 86_400), UTC)
    if moment.year == 1900:  # what a time without a date is read as
        return f"{moment:%H:%M}"
    return f"{moment:%Y-%m-%d}" if days == math.floor(days) else f"{moment:%Y-%m-%d %H:%M}"


def _read(values: Sequence[object], name: str) -> float:
    return sum(not math.isnan(_days(str(value), name)) for value in values) / len(values)


def _days(text: str, name: str) -> float:
    """One date as days since 1970; NaN where it is written otherwise."""
    trimmed = text.strip()
    if name == ISO:
        if len(trimmed) < 10 or trimmed[4] != "-":
            return math.nan
        try:
            return _number(datetime.fromisoformat(trimmed))
        except ValueError:
            return math.nan
    for pattern in FORMATS[name]:
        try:
            return _number(datetime.strptime(trimmed, pattern))  # noqa: DTZ007  (dates without a zone have none)
        except ValueError:
            continue
    return math.nan


def _number(moment: datetime) -> float:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    return moment.date().toordinal() - EPOCH + seconds / 86_400
