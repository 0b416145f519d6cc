"""Advice: exercises and the rest of self-care, first aid, and where to be seen."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from calf_triage._criteria import Criterion


class AdviceKind(Enum):
    """What sort of advice an item is. The first eight stand only in self-care."""

    EXERCISE = "exercise"
    STRETCH = "stretch"
    BALANCE = "balance"
    SELF_TEST = "self_test"
    ACTIVITY = "activity"
    FOOTWEAR = "footwear"
    RECOVERY = "recovery"
    PROGRESSION = "progression"
    FIRST_AID = "first_aid"
    AVOID = "avoid"
    SAFETY_NET = "safety_net"


SELF_CARE_KINDS = frozenset(AdviceKind) - {AdviceKind.FIRST_AID, AdviceKind.AVOID, AdviceKind.SAFETY_NET}

Span = tuple[int, int]
"""From and to, both included; the same number twice where the source gives one."""


@frozen
class Source:
    """Where a statement comes from. says: one sentence, own words. checked: the day the text was read, ISO 8601."""

    cites: str
    says: str
    link: str | None = None
    checked: str | None = None


@frozen
class Dose:
    """How much and how often; each is a span, None where the source gives none."""

    sets: Span | None = None
    repetitions: Span | None = None
    seconds: Span | None = None
    minutes: Span | None = None
    rounds: Span | None = None
    rest_seconds: Span | None = None
    sessions_per_day: Span | None = None
    sessions_per_week: Span | None = None
    weeks: Span | None = None

    def __str__(self) -> str:
        """The dose in words: "3 sets of 12-15 repetitions, 2-3 times a week"."""
        amount = ""
        if self.repetitions:
            amount = f"{span(self.repetitions)} repetitions"
        if self.seconds:
            amount += f"{', ' if amount else ''}{span(self.seconds)} seconds"
        if self.minutes:
            amount += f"{', ' if amount else ''}{span(self.minutes)} minutes"
        times = self.sets or self.rounds
        word = "set" if self.sets else "round"
        if times:
            plural = "" if times == (1, 1) else "s"
            amount = f"{span(times)} {word}{plural}" + (f" of {amount}" if amount else "")
        parts = [amount] if amount else []
        if self.rest_seconds:
            parts.append(f"{span(self.rest_seconds)} seconds rest between")
        if self.sessions_per_day:
            parts.append(_often(self.sessions_per_day, "day"))
        if self.sessions_per_week:
            parts.append(_often(self.sessions_per_week, "week"))
        if self.weeks:
            parts.append(f"for {span(self.weeks)} weeks")
        return ", ".join(parts)


def span(numbers: Span) -> str:
    """12-15, or 3 where both ends are the same."""
    return str(numbers[0]) if numbers[0] == numbers[1] else f"{numbers[0]}-{numbers[1]}"


def _often(numbers: Span, period: str) -> str:
    return f"once a {period}" if numbers == (1, 1) else f"{span(numbers)} times a {period}"


@frozen
class Modification:
    """How an item changes while a criterion is not refuted. dose: what a plan starts with, where `say` changes it."""

    criterion: Criterion
    say: str
    dose: Dose | None = None


@frozen
class Advice:
    """One item. It is given only where every contraindication is refuted; every modification not refuted is applied."""

    id: str
    kind: AdviceKind
    name: str
    steps: tuple[str, ...]
    sources: tuple[Source, ...]
    dose: Dose | None = None
    equipment: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    contraindicated_by: tuple[Criterion, ...] = ()
    modified_by: tuple[Modification, ...] = ()
    conflicts_with: tuple[str, ...] = ()


@frozen
class Service:
    """Where to be seen. rank: 0 is the most capable."""

    id: str
    name: str
    rank: int


@frozen
class Region:
    """A country's numbers. advice_number: for urgent advice that is no emergency, None where there is none."""

    id: str
    name: str
    emergency_number: str
    advice_number: str | None = None
