"""Findings: what may be asked, what counts as an answer, and how soon care is needed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Final, Literal, cast

from attrs import field, frozen

from calf_triage._errors import did_you_mean, shown

UNSURE: Final = "unsure"
UNITS: Final = [
    "celsius",
    "cm",
    "count",
    "days",
    "hours",
    "kg",
    "m",
    "minutes",
    "mm",
    "months",
    "of_10",
    "seconds",
    "sessions",
    "weeks",
    "years",
]
LONGEST_TEXT_ANSWER: Final = 100
MOST_PROBLEMS: Final = 1_000
MOST_SUGGESTIONS: Final = 50

Answer = bool | int | float | str
"""yes (True), no (False), "unsure", a choice's id, or a measured number. None, or no entry, is absent."""

Value = bool | int | str
"""A checked answer: measurements are whole numbers of grid steps (3.5 cm at one decimal is 35)."""


class Acuity(IntEnum):
    """How soon care is needed, from the least to the most acute. Compare with < and >."""

    SELF_CARE = 0
    ROUTINE = 1
    SOON = 2
    SAME_DAY = 3
    EMERGENCY = 4

    @property
    def word(self) -> str:
        """The name of the folder of rules: "same_day"."""
        return self.name.lower()

    def one_lower(self) -> Acuity:
        """What an unsure answer leaves of this rung: one lower, never below ROUTINE."""
        return Acuity(max(self - 1, Acuity.ROUTINE))


class Kind(Enum):
    """What sort of thing a finding is."""

    SYMPTOM = "symptom"
    SIGN = "sign"
    RISK_FACTOR = "risk_factor"
    MEASUREMENT = "measurement"
    CONTEXT = "context"


@frozen
class Choice:
    """One of a closed choice's options."""

    id: str
    label: str


@frozen
class Finding:
    """A question with its closed set of answers.

    type is "yes_no", "choice" or "measurement". A measurement has a range in its unit, ends included, and a fixed
    number of decimals; choices has two or more options for a choice and is empty otherwise. fixed: it tells how
    something began or what has happened: a yes, a choice or a number given once stays; a no may become a yes. worse: of
    two numbers which is the worse ("higher" or "lower"), of two choices ("later" or "earlier" in the list); None where
    that cannot be said.
    """

    id: str
    asks: str
    heading: str
    kind: Kind
    type: Literal["yes_no", "choice", "measurement"]
    order: int
    benign: Value
    choices: tuple[Choice, ...] = ()
    low: int = 0
    high: int = 0
    decimals: int = 0
    unit: str = ""
    only_if: str | None = None
    floor: Acuity | None = None
    mirror: str | None = None
    fixed: bool = False
    worse: Literal["higher", "lower", "later", "earlier"] | None = None

    @property
    def red_flag(self) -> bool:
        """Whether a yes to this alone forbids every rung below `floor`."""
        return self.floor is not None

    def number(self, value: Value) -> float | int:
        """A measured value in its unit again."""
        return int(value) if not self.decimals else int(value) / 10**self.decimals

    def shown(self, value: Value) -> Answer:
        """A checked value as the answer a person would give."""
        if self.type == "measurement" and value != UNSURE:
            return self.number(value)
        return value

    def expected(self) -> str:
        """What would be a right answer, in words."""
        if self.type == "yes_no":
            return 'true, false or "unsure"'
        if self.type == "choice":
            return f'one of {", ".join(repr(choice.id) for choice in self.choices)} or "unsure"'
        plural = "" if self.decimals == 1 else "s"
        step = "a whole number" if not self.decimals else f"a number with at most {self.decimals} decimal{plural}"
        low, high = self.number(self.low), self.number(self.high)
        return f'{step} from {low} to {high} {self.unit.replace("of_10", "(of 10)")} or "unsure"'


@frozen
class Heading:
    """A group of findings that can be answered "none of these" or "not sure" together."""

    id: str
    title: str
    asks: str
    findings: tuple[str, ...]


@frozen
class Screen:
    """A page of questions. opens_with: the yes/no finding that opens it, None if it is always asked."""

    id: str
    title: str
    position: int
    headings: tuple[Heading, ...]
    opens_with: str | None = None


@frozen
class Findings:
    """All findings by id, in question order, with what follows from their `only_if`."""

    by_id: dict[str, Finding] = field(repr=False)
    screens: tuple[Screen, ...] = field(repr=False)
    below: dict[str, tuple[str, ...]] = field(init=False, repr=False)
    """For each yes/no finding, all findings that do not apply when it is answered no, at any depth."""
    yes_no: dict[str, str] = field(init=False, repr=False)
    """The ids of the yes/no findings."""
    place: dict[str, int] = field(init=False, repr=False)
    """Where each finding stands in question order."""

    @place.default
    def _place(self) -> dict[str, int]:
        return {id: place for place, id in enumerate(self.by_id)}

    @yes_no.default
    def _yes_no(self) -> dict[str, str]:
        return {id: id for id, finding in self.by_id.items() if finding.type == "yes_no"}

    @below.default
    def _below(self) -> dict[str, tuple[str, ...]]:
        below: dict[str, list[str]] = {}
        for finding in self.by_id.values():
            above, seen = finding.only_if, {finding.id}
            while above is not None and above not in seen:
                seen.add(above)
                below.setdefault(above, []).append(finding.id)
                above = self.by_id[above].only_if if above in self.by_id else None
        return {above: tuple(ids) for above, ids in below.items()}

    def not_applicable(self, values: Mapping[str, Answer]) -> set[str]:
        """The findings below one that is answered no: they count as no."""
        return set[str]().union(*(ids for above, ids in self.below.items() if values.get(above) is False))

    def check(self, answers: object) -> tuple[dict[str, Value], list[str]]:
        """The answers that can be read, in question order, and a line for each that cannot."""
        if not isinstance(answers, Mapping):
            return {}, ["answers: expected a mapping of finding names to answers"]
        values: dict[str, Value] = {}
        problems: list[str] = []
        yes_no = self.yes_no.get
        for key, answer in answers.items():
            # Most answers are such, and need no closer look.
            if (answer is True or answer is False) and type(key) is str and (found := yes_no(key)):
                values[found] = answer
                continue
            name = _exact(key)
            finding = self.by_id.get(name) if isinstance(name, str) else None
            if finding is not None:
                if answer is None:
                    continue
                value = _value(finding, _exact(answer))
                if not isinstance(value, _Wrong):
                    values[finding.id] = value
                    continue
            # Past the limit nothing more is listed, but all is read: no flood of wrong names hides a right answer.
            if len(problems) > MOST_PROBLEMS:
                continue
            if len(problems) == MOST_PROBLEMS:
                problems.append(f"answers: more than {MOST_PROBLEMS} problems; the rest is not listed")
            elif not isinstance(name, str):
                problems.append("answers: every finding is named by a text")
            elif finding is None:
                # Each suggestion is a search through all names: a flood of wrong ones must not cost seconds.
                near = did_you_mean(name, self.by_id) if len(problems) < MOST_SUGGESTIONS else ""
                problems.append(f"{shown(name)}: unknown finding{near}")
            elif isinstance(value, _Wrong):
                problems.append(f"{name}: {value.why}; expected {finding.expected()}")
        for name in self._contradictions(values, problems):
            del values[name]
        return {name: values[name] for name in sorted(values, key=self.place.__getitem__)}, problems

    def _contradictions(self, values: Mapping[str, Value], problems: list[str]) -> set[str]:
        """The noes above a finding that is answered all the same, with a problem for each pair.

        The finding below may be a red flag, so its answer is kept, and the no that would silence it is not.
        """
        silenced: set[str] = set()
        if self.not_applicable(values).isdisjoint(values):
            return silenced
        for name, finding in self.by_id.items():
            if name not in values or values[name] is False:
                continue
            above = finding.only_if
            while above is not None:
                if values.get(above) is False:
                    silenced.add(above)
                    problems.append(
                        f"{name}: answered, but it applies only with {above}, which is answered no; mend one of the two"
                    )
                above = self.by_id[above].only_if
        return silenced


@frozen
class _Wrong:
    why: str


def _exact(value: object) -> object:
    """The str, int or float in a value whose own class may lie about what it equals; anything else as it is."""
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return value
    if issubclass(kind, str):
        return str.__str__(cast(str, value))
    if issubclass(kind, float):
        return float.__float__(cast(float, value))
    if issubclass(kind, int) and kind is not bool:
        return int.__int__(cast(int, value))
    return value


def _value(finding: Finding, answer: object) -> Value | _Wrong:
    kind = type(answer)
    if kind is str:
        text = cast(str, answer)
        if text == UNSURE:
            return UNSURE
        if finding.type != "choice":
            return _Wrong("a text is not an answer here")
        if len(text) > LONGEST_TEXT_ANSWER:
            return _Wrong("the text is too long to be a choice")
        return text if any(text == choice.id for choice in finding.choices) else _Wrong("not one of its choices")
    if kind is bool:
        return cast(bool, answer) if finding.type == "yes_no" else _Wrong("yes and no are not answers here")
    if kind is int or kind is float:
        if finding.type != "measurement":
            return _Wrong("a number is not an answer here")
        return _measured(finding, cast(float, answer))
    return _Wrong("this type is not an answer")


def _measured(finding: Finding, answer: int | float) -> int | _Wrong:
    if isinstance(answer, float) and not math.isfinite(answer):
        return _Wrong("not a finite number")
    scale = 10**finding.decimals
    # Compared in the unit, not in steps: 1.1 * 100 is more than 110.
    if not finding.low / scale <= answer <= finding.high / scale:
        return _Wrong("out of range")
    steps = round(answer * scale)
    # 0.1 * 3 is not 0.3: a float is on the grid when it is the very float that the grid's step prints as.
    return steps if steps / scale == answer else _Wrong("too many decimals")
