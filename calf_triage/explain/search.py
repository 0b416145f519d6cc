"""The smallest sets of answers that reach a goal: exact, over the cells in which no rule can tell two answers apart.

A goal says what has to be true of the rules. Where it is not reached, `missing` gives changes of which every way to
reach it needs at least one; the search tries each of them, and no other, by rising number of changes. So nothing is
left out: a set that reaches the goal holds one of those changes, and step by step all of itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, Literal

from attrs import field, frozen

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Acuity, Finding, Kind, Value
from calf_triage._rules import Rule, RuleSet
from calf_triage.readings.plain import Plain, Reading, every_criterion, leaf_truth, plain

Change = tuple[str, Value]
"""A finding and its new answer, checked."""
Changes = frozenset[Change]

Side = Literal["met", "refuted"]

_IMPOSSIBLE: Final = 1_000_000


# -- goals -------------------------------------------------------------------------------------------------------------


@frozen
class Truth:
    """One truth of a criterion or of a `when`: met or refuted; may: or might yet be; wanted: so, or not so."""

    of: Criterion | When
    side: Side
    wanted: bool = True
    may: bool = False


@frozen
class Age:
    """Whether the lowest age is reached. may: or might be, because it is not given."""

    at_least: int
    wanted: bool = True
    may: bool = False


@frozen
class Every:
    """All of these."""

    goals: tuple[Goal, ...]


@frozen
class Either:
    """At least one of these."""

    goals: tuple[Goal, ...]


Goal = Truth | Age | Every | Either


def negated(goal: Goal) -> Goal:
    """The goal that is reached exactly where this one is not."""
    match goal:
        case Truth(of, side, wanted, may):
            return Truth(of, side, not wanted, may)
        case Age(at_least, wanted, may):
            return Age(at_least, not wanted, may)
        case Every(goals):
            return Either(tuple(negated(part) for part in goals))
        case Either(goals):
            return Every(tuple(negated(part) for part in goals))


def self_care(rules: RuleSet, may: bool = False) -> Every:
    """Self-care is the answer; may: some answers to the absent findings might still make it so."""
    parts: list[Goal] = [Truth(rule.when, "refuted", may=may) for rule in rules if rule.acuity > Acuity.SELF_CARE]
    if rules.lowest_age:
        scale = 10 ** rules.findings.by_id["age_years"].decimals
        parts.append(Age(rules.lowest_age * scale, may=may))
    ways = []
    for rule in rules:
        if rule.acuity is Acuity.SELF_CARE:
            items = [
                Every(tuple(Truth(criterion, "refuted", may=may) for criterion in rules.advice[id].contraindicated_by))
                for id in rule.do
            ]
            ways.append(Every((Truth(rule.when, "met", may=may), Either(tuple(items)))))
    return Every((*parts, Either(tuple(ways))))


def above(rules: RuleSet, rung: Acuity) -> Either:
    """The answer is more acute than a rung. It is, exactly where one of these goals is reached."""
    if rung is Acuity.SELF_CARE:
        return _no_longer(self_care(rules))
    return Either(tuple(_raises(rule, rung) for rule in rules if rule.acuity > rung))


def never_self_care(rules: RuleSet) -> Either:
    """No answers to the absent findings lead to self-care."""
    return _no_longer(self_care(rules, may=True))


def _no_longer(goal: Every) -> Either:
    return Either(tuple(negated(part) for part in goal.goals))


def _raises(rule: Rule, rung: Acuity) -> Truth:
    # An unsure answer leaves a rule one rung lower, and an absent one leaves it at the same day at most.
    if rule.acuity.one_lower() > rung:
        return Truth(rule.when, "refuted", wanted=False)
    return Truth(rule.when, "met", may=rung < Acuity.SAME_DAY)


# -- answers that may be changed ---------------------------------------------------------------------------------------


@frozen
class Space:
    """Where the search may go. base: the answers it starts from; options: the new answers that each finding may get.

    asked_in_order: a new answer needs every finding that it hangs from to be answered, and not with no, as where the
    questions are asked.
    """

    rules: RuleSet
    base: Mapping[str, Value] = field(repr=False)
    options: Mapping[str, tuple[Value, ...]] = field(repr=False)
    asked_in_order: bool = True


@frozen
class Cell:
    """Neighbouring values of a measurement that no criterion of the rule set tells apart, both ends included."""

    low: int
    high: int


def cells(rules: RuleSet) -> dict[str, tuple[Cell, ...]]:
    """The cells of each measurement, the lowest first."""
    cuts: dict[str, set[int]] = {}
    for criterion in every_criterion(rules):
        if criterion.form in ("at_least", "below"):
            cuts.setdefault(criterion.name, set()).add(int(criterion.value or 0))
    if rules.lowest_age:
        cuts.setdefault("age_years", set()).add(rules.lowest_age * 10 ** rules.findings.by_id["age_years"].decimals)
    found = {}
    for finding in rules.findings.by_id.values():
        if finding.type == "measurement":
            inner = {cut for cut in cuts.get(finding.id, ()) if finding.low < cut <= finding.high}
            found[finding.id] = tuple(
                Cell(low, after - 1) for low, after in pairwise(sorted({finding.low, *inner, finding.high + 1}))
            )
    return found


def answers_to(finding: Finding, of: Mapping[str, tuple[Cell, ...]], now: Value | None) -> tuple[Value, ...]:
    """Every other answer that a rule can tell from the present one; of a cell, the value nearest to that.

    Where there is none, it is the value nearest to the benign one.
    """
    if finding.type == "yes_no":
        return tuple(value for value in (True, False) if value is not now)
    if finding.type == "choice":
        return tuple(choice.id for choice in finding.choices if choice.id != now)
    near = int(finding.benign if now is None or now == UNSURE else now)
    values = [min(max(near, cell.low), cell.high) for cell in of[finding.id]]
    return tuple(value for value in values if value != now)


def can_become(finding: Finding, now: Value | None, to: Value) -> bool:
    """Whether an answer can become another in life, or is not known yet: absent or unsure.

    Symptoms, signs and what is measured change; who someone is, and what the past has brought, do not. What is `fixed`
    can newly happen, and not be undone. Nothing that counts years is waited for.
    """
    if now is None or now == UNSURE:
        return True
    if finding.kind not in (Kind.SYMPTOM, Kind.SIGN, Kind.MEASUREMENT) or finding.unit == "years":
        return False
    return not finding.fixed or (finding.type == "yes_no" and now is False and to is True)


def applied(rules: RuleSet, base: Mapping[str, Value], changes: Iterable[Change]) -> dict[str, Value]:
    """The answers with the changes, and without what then no longer applies."""
    values = {**base, **dict(changes)}
    hidden = rules.findings.not_applicable(values)
    return {name: value for name, value in values.items() if name not in hidden}


class State:
    """The answers after some changes, and what the rules say about them."""

    def __init__(self, space: Space, changes: Changes) -> None:
        self.space, self.changes = space, changes
        self.changed = dict(changes)
        self.rules = space.rules
        self.values = applied(space.rules, space.base, changes)
        self.hidden = space.rules.findings.not_applicable(self.values)
        self.reader: Plain = plain(space.rules)
        self.reading: Reading = self.reader.read(self.values)
        self._known: dict[tuple[str, Side, bool, bool], tuple[set[Change], int]] = {}
        """What is missing for named criteria: pictures that many rules share are taken apart once."""

    # -- what is missing -----------------------------------------------------------------------------------------------

    def reached(self, goal: Goal) -> bool:
        """Whether a goal is reached."""
        match goal:
            case Every(goals):
                return all(self.reached(part) for part in goals)
            case Either(goals):
                return any(self.reached(part) for part in goals)
            case Age(at_least, wanted, may):
                age = self.values.get("age_years")
                return (may if age is None else _is_old_enough(age, at_least)) is wanted
            case Truth(of, side, wanted, may):
                if isinstance(of, When):
                    return self.reached(_parts(goal, of))
                told = {
                    ("met", False): self.reader.is_met,
                    ("met", True): self.reader.may_be_met,
                    ("refuted", False): self.reader.is_refuted,
                    ("refuted", True): self.reader.may_be_refuted,
                }[side, may]
                return told(of, self.reading) is wanted

    def missing(self, goal: Goal) -> tuple[set[Change], int]:
        """For a goal that is not reached: changes of which every way to reach it needs at least one, and how many
        changes it needs at the least. No changes: no way leads there from here.
        """
        match goal:
            case Every(goals):
                return self._every(goals)
            case Either(goals):
                every = [self.missing(part) for part in goals]
                changes = {change for part, _ in every for change in part}
                return changes, min((least for part, least in every if part), default=_IMPOSSIBLE)
            case Age(at_least, wanted, _):
                values = [value for value in self._options("age_years") if _is_old_enough(value, at_least) is wanted]
                return {("age_years", value) for value in values}, 1
            case Truth(of, side, wanted, may):
                if isinstance(of, When):
                    return self.missing(_parts(goal, of))
                if of.form == "named":
                    key = of.name, side, wanted, may
                    if key not in self._known:
                        self._known[key] = self.missing(Truth(self.rules.criteria[of.name].when, side, wanted, may))
                    return self._known[key]
                if of.form == "score":
                    # Its points rise, or fall, only by an item whose own truth changes.
                    items = (Truth(item.criterion, side, wanted, may) for item in self.rules.scores[of.name].items)
                    changes = {change for item in items if not self.reached(item) for change in self.missing(item)[0]}
                else:
                    changes = self._on_finding(of, side, wanted, may)
                return changes, 1 if changes else _IMPOSSIBLE

    def _every(self, goals: Iterable[Goal]) -> tuple[set[Change], int]:
        parts = [self.missing(part) for part in goals if not self.reached(part)]
        parts.sort(key=lambda part: len(part[0]))
        smallest, _ = parts[0]
        if not smallest:
            return set(), _IMPOSSIBLE
        # Parts that have no change in common need one each.
        taken: set[Change] = set()
        apart = 0
        for changes, _ in parts:
            if taken.isdisjoint(changes):
                taken |= changes
                apart += 1
        return smallest, max(apart, max(least for _, least in parts))

    def _on_finding(self, criterion: Criterion, side: Side, wanted: bool, may: bool) -> set[Change]:
        name = criterion.name
        wants_refuted = (side == "refuted") is wanted
        if name in self.hidden and not wants_refuted and (side == "refuted") is not may:
            # It counts as no because of a no above it, and being absent is enough: so that no has to go, in any case.
            first = next(other for other in self._above(name) if self.values.get(other) is False)
            return {(first, True)} if True in self._options(first) else set()
        truth = side == "met"
        changes: set[Change] = {
            (name, value) for value in self._options(name) if (leaf_truth(criterion, value) is truth) is wanted
        }
        if wants_refuted:
            changes |= {(other, False) for other in self._above(name) if False in self._options(other)}
        return changes

    def _options(self, name: str) -> tuple[Value, ...]:
        # What this search has set stays: another answer to it is another set of changes.
        return () if name in self.changed else self.space.options.get(name, ())

    def _above(self, name: str) -> Iterator[str]:
        above = self.rules.findings.by_id[name].only_if
        while above is not None:
            yield above
            above = self.rules.findings.by_id[above].only_if

    def with_change(self, change: Change) -> Changes | None:
        """The changes with one more, and the yeses above it that it needs; None where they contradict each other."""
        name, value = change
        more = {change}
        if value is False and any(other in self.changed for other in self.rules.findings.below.get(name, ())):
            return None
        for other in self._above(name):
            if self.changed.get(other) is False:
                return None
            if other in self.values and self.values[other] is not False:
                continue
            if self.space.asked_in_order and (name not in self.values or self.values.get(other) is False):
                if True not in self._options(other):
                    return None
                more.add((other, True))
        return self.changes | more


def _is_old_enough(age: Value, at_least: int) -> bool:
    return age != UNSURE and int(age) >= at_least


def _parts(goal: Truth, when: When) -> Goal:
    """What the goal for a `when` says about its criteria."""
    side, may = goal.side, goal.may
    other: Side = "refuted" if side == "met" else "met"
    every = [Truth(criterion, side, may=may) for criterion in when.all]
    every += [Truth(criterion, other, may=may) for criterion in when.none]
    either = tuple(Truth(criterion, side, may=may) for criterion in when.any)
    if side == "met":
        whole: Goal = Every((*every, *((Either(either),) if either else ())))
    else:
        whole = Either((*every, *((Every(either),) if either else ())))
    return whole if goal.wanted else negated(whole)


# -- the search --------------------------------------------------------------------------------------------------------

Stopped = Literal["", "size", "time"]


@frozen
class Found:
    """What a search found: sets of which none holds another. stopped: "" if there are no others, or what stopped it."""

    sets: tuple[Changes, ...] = field(repr=False)
    stopped: Stopped


def smallest(
    space: Space,
    goals: Iterable[Goal],
    reaches: Callable[[State], bool],
    *,
    most: int,
    seconds: float = math.inf,
    most_states: int | None = None,
    first: bool = False,
) -> Found:
    """All the sets of at most so many changes that reach one of the goals, and of which no part does.

    reaches: the last word on whether a set does. first: stop at the first, which is one of the smallest. most_states:
    stop after so many sets were looked at, which ends the same way on every machine.
    """
    end = time.monotonic() + seconds
    found: list[Changes] = []
    stopped: Stopped = ""
    looked_at = 0
    waiting: list[dict[tuple[int, Changes], Goal]] = [{} for _ in range(most + 1)]
    waiting[0] = {(number, frozenset()): goal for number, goal in enumerate(goals)}
    states: dict[Changes, State] = {}
    for size in range(most + 1):
        states.clear()
        for (number, changes), goal in waiting[size].items():
            looked_at += 1
            if time.monotonic() >= end or (most_states is not None and looked_at > most_states):
                return Found(tuple(found), "time")
            # Of every set that is still to be found no part reaches the goal, so nothing lies behind this one.
            if any(smaller <= changes for smaller in found):
                continue
            state = states.get(changes)
            if state is None:
                state = states[changes] = State(space, changes)
            if state.reached(goal):
                if reaches(state):
                    found.append(changes)
                    if first:
                        return Found(tuple(found), "")
                else:
                    stopped = "size"
                continue
            next_changes, least = state.missing(goal)
            if size + least > most:
                # An empty set of changes is a proof that there is no way; too large a number is none.
                stopped = "size" if next_changes else stopped
                continue
            for change in next_changes:
                more = state.with_change(change)
                if more is None:
                    continue
                if len(more) <= most:
                    waiting[len(more)][number, more] = goal
                elif not any(smaller <= more for smaller in found):
                    stopped = "size"
        waiting[size] = {}
    return Found(tuple(found), stopped)
