"""Dates and times: their format, and their parts as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chisquare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints

DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y%m%d", "%d %b %Y", "%b %d, %Y")
UNPADDED = ("%-m/%-d/%Y", "%-d/%-m/%Y", "%-d.%-m.%Y")
TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f")
FORMATS = (
    *DAYS,
    *(f"{day}{between}{time}" for day in DAYS[:6] for between in ("T", " ") for time in TIMES),
    *(f"{day}T{time}{zone}" for day in DAYS[:1] for time in TIMES for zone in ("Z", "%z")),
    *UNPADDED,
    *(f"{day} {time}" for day in UNPADDED for time in (*TIMES[:2], "%-H:%M")),
    *TIMES,
)
FIRST = 50  # cells that formats are tried on first
FEWEST = 10  # dates from which their parts are looked at
UNEVEN = 1e-3  # chance of weekdays as uneven as these, below which they are a part
FEW_DAYS = 4  # days of the month that are a part: 1, 15, 30, 31
DAY = 86_400
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (dates of a table have no zone of their own)


def format_of(texts: Sequence[str]) -> str | None:
    """The format in which all texts are dates or times; None where there is none."""
    if not texts or (not any(letter in texts[0] for letter in "-/.:, ") and len(texts[0]) != 8):
        return None
    for layout in FORMATS:
        if all(_read(text, layout) is not None for text in texts[:FIRST]):
            if layout == "%Y%m%d" and not all(text[:2] in {"19", "20"} for text in texts):
                continue
            if all(_read(text, layout) is not None for text in texts):
                return layout
    return None


def _read(text: str, layout: str) -> datetime | None:
    try:
        found = datetime.strptime(text, layout.replace("%-", "%"))  # noqa: DTZ007  (with a zone where there is one)
    except ValueError:
        return None
    return found if found.strftime(layout) == _comparable(text, layout) else None


def _comparable(text: str, layout: str) -> str:
    """A text as strftime would write it: zones without a colon, microseconds in full."""
    if layout.endswith("%z"):
        head, colon, tail = text.rpartition(":")
        text = head + tail if colon and len(tail) == 2 and head[-3:-2] in {"+", "-"} else text
        text = text.replace("Z", "+0000")
    if "%f" in layout:
        head, point, digits = text.partition(".")
        zone = "".join(letter for letter in digits if not letter.isdigit())
        number = digits[: len(digits) - len(zone)] if not layout.endswith("%z") else digits.partition("+")[0]
        text = head + point + number.ljust(6, "0") + digits[len(number) :]
    return text


@dataclass(frozen=True)
class DateParts:
    """Dates and times of one format as whole numbers.

    Attributes:
        layout: the format of strptime. split: ``""`` (days), ``weekday`` (weeks and weekdays) or ``month`` (months and
            days), of the dates. step: seconds between times; 0 where there are none. zone: of the texts, as written.
    """

    layout: str
    split: str
    step: int
    digits: int
    zone: str

    @classmethod
    def of(cls, layout: str, texts: Sequence[str]) -> DateParts:
        """The parts that dates in a format have."""
        found = [_stamp(text, layout) for text in texts]
        micro = np.array(found, dtype=np.int64)
        times = micro % (DAY * 1_000_000)
        step = 0 if not ("%H" in layout or "%-H" in layout) else int(np.gcd.reduce(times)) or DAY * 1_000_000
        days = micro // (DAY * 1_000_000)
        split = "" if layout in TIMES else _split(np.unique(days) if len(set(days.tolist())) < FEWEST else days)
        last = texts[-1]
        digits = len(last.partition(".")[2].rstrip("Z").partition("+")[0]) if "%f" in layout else 0
        zone = last[-6:] if layout.endswith("%z") and last[-3:-2] == ":" else last[-5:] if layout.endswith("%z") else ""
        return cls(layout, split, step, digits, "Z" if last.endswith("Z") and zone else zone)

    def reads(self, text: str) -> bool:
        """Whether a text is a date of this format."""
        return _read(text, self.layout) is not None

    @property
    def sentence(self) -> str:
        """What the column is, in words."""
        if self.layout in TIMES:
            return "times"
        split = {"": "", "weekday": ", as weeks and weekdays", "month": ", as months and days"}[self.split]
        return ("dates and times" if self.step else "dates") + split

    @property
    def titles(self) -> tuple[str, ...]:
        """What is appended to the name of the column for each part."""
        dated = {"": ("",), "weekday": (" (week)", " (weekday)"), "month": (" (month)", " (day)")}[self.split]
        return ("",) if self.layout in TIMES else (*dated, " (time)") if self.step else dated

    @property
    def units(self) -> tuple[float, ...]:
        """The unit of each part."""
        return (1.0,) * len(self.titles)

    def grids(self, texts: Sequence[str]) -> list[Ints]:
        """The parts of texts."""
        micro = np.array([_stamp(text, self.layout) for text in texts], dtype=np.int64)
        days, times = np.divmod(micro, DAY * 1_000_000)
        out = [] if self.layout in TIMES else [days]
        if self.split == "weekday":
            out = list(np.divmod(days + 3, 7))
        elif self.split == "month":
            months = days.astype("datetime64[D]").astype("datetime64[M]")
            out = [
                months.astype(np.int64),
                (days.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64),
            ]
        return [*out, times // self.step] if self.step else out

    def written(self, grids: Sequence[Ints]) -> list[str]:
        """Texts for parts; a day that a month lacks is its last one."""
        zeros = np.zeros(len(grids[0]), dtype=np.int64)
        days = zeros if self.layout in TIMES else grids[0]
        if self.split == "weekday":
            days = 7 * grids[0] + np.clip(grids[1], 0, 6) - 3
        elif self.split == "month":
            months = grids[0].astype("datetime64[M]")
            lengths = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
            days = months.astype("datetime64[D]").astype(np.int64) + np.clip(grids[1], 0, lengths - 1)
        times = np.clip(grids[-1] * self.step, 0, DAY * 1_000_000 - 1) if self.step else zeros
        return [self._text(day, time) for day, time in zip(days.tolist(), times.tolist(), strict=True)]

    def _text(self, day: int, time: int) -> str:
        moment = EPOCH + timedelta(days=day, microseconds=time)
        text = moment.strftime(self.layout.replace("%z", ""))
        if self.digits:
            head, _, digits = text.partition(".")
            text = f"{head}.{digits[: self.digits]}"
        return text + self.zone


def _stamp(text: str, layout: str) -> int:
    """Microseconds since 1970 on the clock of the text; of a time, since midnight."""
    found = datetime.strptime(text, layout.replace("%-", "%")).replace(tzinfo=None)  # noqa: DTZ007
    base = datetime(1900, 1, 1) if layout in TIMES else EPOCH  # noqa: DTZ001
    return (found - base) // timedelta(microseconds=1)


def _split(days: Ints) -> str:
    """Which parts dates have: few days of the month, or uneven weekdays."""
    if days.size < FEWEST:
        return ""
    dates = days.astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
    if np.unique(of_month).size <= FEW_DAYS and np.unique(dates.astype("datetime64[M]")).size > 1:
        return "month"
    counts = np.bincount((days + 3) % 7, minlength=7)
    return "weekday" if float(chisquare(counts).pvalue) < UNEVEN else ""
