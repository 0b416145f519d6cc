"""From the bounds of the rules to one disposition a row: the steps of `triage`, for thousands of rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calf_triage._assessment import HOURS, LONGEST_SOON_HOURS, UNSURE_SAME_DAY_HOURS, Reason
from calf_triage._findings import Acuity, Kind
from calf_triage._rules import Rule, RuleSet
from calf_triage.readings.columns import (
    Bits,
    Bound,
    Columns,
    Node,
    Planes,
    Reading,
    all_,
    any_,
    both,
    columns,
    differ,
    either,
    indices,
    is_benign,
    not_,
    packed,
    some,
    unpacked,
)

RUNGS: Final = (Acuity.ROUTINE, Acuity.SOON, Acuity.SAME_DAY, Acuity.EMERGENCY)
REASONS: Final[tuple[Reason, ...]] = (
    "rules", "unsure", "unfinished", "no_symptom", "unexplained", "under_age", "age_unsure", "no_item",
)  # fmt: skip
NO_NUMBER: Final = -1

Lists = tuple[NDArray[np.int32], NDArray[np.uint16]]
"""Of each row a list: where it starts (and the last one ends), and what stands in the lists, one after the other."""

_Rungs = dict[Acuity, Bits]
"""For each rung above self-care whether it is on it or above."""


class Prepared:
    """What can be said of a rule set before any answer is known."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.columns: Columns = columns(rules)
        self.pairs: list[tuple[Rule, Node]] = list(zip(rules.rules, self.columns.rules, strict=True))
        self.above = [(rule, node) for rule, node in self.pairs if rule.acuity > Acuity.SELF_CARE]
        self.at_home = [(rule, node) for rule, node in self.pairs if rule.acuity is Acuity.SELF_CARE]
        self.contraindications: dict[str, tuple[Node, ...]] = {
            id: tuple(map(self.columns.node, rules.advice[id].contraindicated_by))
            for rule, _ in self.at_home
            for id in rule.do
        }
        self.causes = list(rules.causes)
        self.items = list(self.contraindications)
        self.services = sorted(rules.services, key=lambda id: rules.services[id].rank)
        # In the order in which `triage` gives them: the dangerous first, then as the rules that fire name them.
        self.named = sorted(
            ((node, id) for rule, node in self.pairs for id in rule.causes),
            key=lambda pair: not rules.causes[pair[1]].must_not_miss,
        )


def prepared(rules: RuleSet) -> Prepared:
    """What is prepared of a rule set, kept with it."""
    found = rules.readings.get("batch")
    if not isinstance(found, Prepared):
        found = rules.readings["batch"] = Prepared(rules)
    return found


class Resolution:
    """The rules' word on these rows. Nothing is worked out before it is asked for."""

    def __init__(self, of: Prepared, reading: Reading) -> None:
        self.of, self.rules, self.reading, self.rows = of, of.rules, reading, reading.rows
        self._may_have: dict[tuple[str, Bound], Bits] = {}

    # -- the rungs ---------------------------------------------------------------------------------------------------

    @cached_property
    def _above(self) -> dict[Acuity, Planes]:
        """The bounds of the rules of each rung, together."""
        on: dict[Acuity, list[Planes]] = {rung: [] for rung in RUNGS}
        for rule, node in self.of.above:
            on[rule.acuity].append(self.reading.of(node))
        return {rung: any_(parts) for rung, parts in on.items()}

    def _rungs(self, bound: Bound, one_lower: bool = False) -> _Rungs:
        """From a bound of the rules of each rung."""
        on = ((rung, bits if isinstance(bits, bool) else bits[bound % len(bits)]) for rung, bits in self._above.items())
        return _from((rung.one_lower() if one_lower else rung, bits) for rung, bits in on)

    @cached_property
    def established(self) -> _Rungs:
        """Of the rules that fired."""
        return self._rungs(Bound.MET)

    @cached_property
    def not_excluded(self) -> _Rungs:
        """Of the rules that fired or are still open."""
        return self._rungs(Bound.NOT_REFUTED)

    @cached_property
    def level(self) -> _Rungs:
        """Of the rules that fired, and, one rung lower, those that only unsure answers keep open."""
        unsure = _from((rule.acuity.one_lower(), self._by_unsure(node)) for rule, node in self.of.above)
        return {rung: either(self.established[rung], unsure[rung]) for rung in RUNGS}

    @cached_property
    def highest(self) -> _Rungs:
        """What absent answers may still raise the level to."""
        could_fire = self._rungs(Bound.MAY_BE_MET)
        return {rung: either(self.level[rung], could_fire[rung]) for rung in RUNGS}

    @cached_property
    def certain(self) -> _Rungs:
        """Below which no answers to the absent findings lead."""
        kept = self._rungs(Bound.CANNOT_BE_REFUTED, one_lower=True)
        return {rung: either(self.established[rung], kept[rung]) for rung in RUNGS}

    @cached_property
    def acuity(self) -> _Rungs:
        """The answer: the level; where absent answers may raise it, as far as SAME_DAY."""
        return {
            Acuity.ROUTINE: not_(self.self_care),
            Acuity.SOON: self.highest[Acuity.SOON],
            Acuity.SAME_DAY: self.highest[Acuity.SAME_DAY],
            Acuity.EMERGENCY: self.level[Acuity.EMERGENCY],
        }

    @cached_property
    def settled(self) -> Bits:
        """Whether no absent answer can change the acuity."""
        lowest, highest = dict(self.certain), dict(self.highest)
        lowest[Acuity.ROUTINE] = either(lowest[Acuity.ROUTINE], not_(self._self_care_possible()))
        highest[Acuity.ROUTINE] = either(highest[Acuity.ROUTINE], not_(self.self_care))
        return not_(any_([differ(lowest[rung], highest[rung]) for rung in RUNGS]))

    def _met(self, node: Node) -> Bits:
        return self.reading.bound(node, Bound.MET)

    def _by_unsure(self, node: Node) -> Bits:
        """Open, and no absent answer can make it fire."""
        found = self.reading.of(node)
        if isinstance(found, bool) or len(found) == 1:
            return False
        return both(self.reading.bound(node, Bound.NOT_REFUTED), not_(self.reading.bound(node, Bound.MAY_BE_MET)))

    def _waiting(self, node: Node) -> Bits:
        """Open, and some absent answers might make it fire."""
        return both(self.reading.bound(node, Bound.MAY_BE_MET), not_(self._met(node)))

    def _on(self, rung: Acuity) -> Bits:
        """Whether the answer is on this rung."""
        if rung is Acuity.EMERGENCY:
            return self.acuity[rung]
        above = self.acuity[Acuity(rung + 1)]
        return both(self.acuity[rung] if rung else True, not_(above))

    # -- self-care ---------------------------------------------------------------------------------------------------

    @cached_property
    def _age(self) -> tuple[Bits, Bits, Bits]:
        """Where the lowest age is reached, where it is not, and where the age is unsure."""
        if not self.rules.lowest_age:
            return True, False, False
        given = self.reading.given.get("age_years")
        if given is None:
            return False, False, False
        reached: Bits = False
        if given.steps is not None:
            lowest = self.rules.lowest_age * 10 ** self.rules.findings.by_id["age_years"].decimals
            reached = both(packed(given.steps >= lowest), given.number)
        return reached, both(given.number, not_(reached)), given.unsure

    @cached_property
    def self_care(self) -> Bits:
        """Whether the answer is self-care."""
        able = both(self._age[0], not_(self.not_excluded[Acuity.ROUTINE]))
        if not some(able):
            return False
        offered = [both(self._met(node), any_([self._allowed(id) for id in rule.do])) for rule, node in self.of.at_home]
        return both(able, any_(offered))

    def _allowed(self, item: str, bound: Bound = Bound.NOT_REFUTED) -> Bits:
        """Whether every contraindication is refuted, or, by the other bound, might be."""
        found = self._may_have.get((item, bound))
        if found is None:
            found = not_(any_([self.reading.bound(node, bound) for node in self.of.contraindications[item]]))
            self._may_have[item, bound] = found
        return found

    def _self_care_possible(self) -> Bits:
        """Whether some answers to the absent findings might still give self-care. May say so once too often, never
        once too seldom.
        """
        _, too_young, unsure = self._age
        offered: list[Bits] = []
        for rule, node in self.of.at_home:
            may_be_allowed = any_([self._allowed(id, Bound.CANNOT_BE_REFUTED) for id in rule.do])
            offered.append(both(self.reading.bound(node, Bound.MAY_BE_MET), may_be_allowed))
        return both(any_(offered), not_(either(too_young, unsure)))

    # -- numbers and words -------------------------------------------------------------------------------------------

    def codes(self, rungs: _Rungs) -> NDArray[np.uint8]:
        """Of each row the number of its rung."""
        found = np.zeros(self.rows, np.uint8)
        for rung in RUNGS:
            found += unpacked(rungs[rung], self.rows)
        return found

    def reasons(self) -> NDArray[np.uint8]:
        """Of each row the number of its reason."""
        level, above = self.level[Acuity.ROUTINE], self.established[Acuity.ROUTINE]
        raised = any_([both(self.highest[rung], not_(self.level[rung])) for rung in RUNGS])
        lower = any_([both(self.level[rung], not_(self.established[rung])) for rung in RUNGS])
        reached, too_young, _ = self._age
        fired = any_([self._met(node) for _, node in self.of.pairs])
        order: list[tuple[Reason, Bits]] = [
            ("rules", self.self_care),
            ("unfinished", both(not_(self.settled), either(raised, not_(level)))),
            ("rules", both(above, not_(lower))),
            ("unsure", level),
            ("under_age", too_young),
            ("no_symptom", not_(either(self._symptoms(), fired))),
            ("age_unsure", both(fired, not_(reached))),
            ("no_item", fired),
            ("unexplained", True),
        ]
        found = np.zeros(self.rows, np.uint8)
        left: Bits = True
        for reason, bits in order:
            found[indices(both(bits, left), self.rows)] = REASONS.index(reason)
            left = both(left, not_(bits))
        return found

    def _symptoms(self) -> Bits:
        by_id = self.rules.findings.by_id
        return any_(
            both(given.told, not_(is_benign(by_id[name], given)))
            for name, given in self.reading.given.items()
            if by_id[name].kind in (Kind.SYMPTOM, Kind.SIGN)
        )

    def within_hours(self) -> NDArray[np.int32]:
        """Of each row the hours within which to be seen, NO_NUMBER where none are said."""
        found = np.full(self.rows, NO_NUMBER, np.int32)
        for rung, hours in HOURS.items():
            found[indices(self._on(rung), self.rows)] = hours
        asked: dict[int, list[Bits]] = {}
        for rule, node in self.of.above:
            if rule.acuity.one_lower() is Acuity.SOON:
                asked.setdefault(UNSURE_SAME_DAY_HOURS, []).append(self._by_unsure(node))
            if rule.within_hours:
                fired = [self._met(node)] if rule.acuity is Acuity.SOON else []
                asked.setdefault(rule.within_hours, []).extend((*fired, self._waiting(node)))
        soon = self._on(Acuity.SOON)
        self._least(found, soon, asked, LONGEST_SOON_HOURS)
        return found

    def look_again_days(self) -> NDArray[np.int32]:
        """Of each row the days after which to answer again, NO_NUMBER from SAME_DAY up."""
        found = np.full(self.rows, NO_NUMBER, np.int32)
        default = self.rules.look_again_days
        asked: dict[int, list[Bits]] = {}
        for rule, node in self.of.at_home:
            days = (*rule.look_again_days, default)[0]
            counts = both(self._met(node), any_([self._allowed(id) for id in rule.do]))
            asked.setdefault(days, []).append(counts)
        self._least(found, self.self_care, asked, default)
        for rung in (Acuity.ROUTINE, Acuity.SOON):
            asked = {}
            for rule, bits in self._counting(rung):
                if rule.look_again_days:
                    asked.setdefault(rule.look_again_days[0], []).append(bits)
            self._least(found, self._on(rung), asked, default)
        return found

    def _least(self, found: NDArray[np.int32], where: Bits, asked: dict[int, list[Bits]], default: int) -> None:
        """Writes the least of the numbers that are asked for in a row, or the default."""
        for number in sorted(asked):
            these = both(where, any_(asked[number]))
            found[indices(these, self.rows)] = number
            where = both(where, not_(these))
        found[indices(where, self.rows)] = default

    def _counting(self, rung: Acuity) -> Iterator[tuple[Rule, Bits]]:
        """The rules that set this rung where it is the answer: fired on it, or kept open by unsure answers above."""
        for rule, node in self.of.above:
            if rule.acuity is rung:
                yield rule, self._met(node)
            if rule.acuity.one_lower() is rung:
                yield rule, self._by_unsure(node)

    # -- lists -------------------------------------------------------------------------------------------------------

    def fired(self, within: Bits) -> Lists:
        """Of each row the numbers of the rules that fired, the most acute first."""
        return self._lists((number, both(self._met(node), within)) for number, (_, node) in enumerate(self.of.pairs))

    def causes(self, within: Bits) -> Lists:
        """Of each row the numbers of the possible causes, those that must not be missed first."""
        return self._lists(self._once(((id, self._met(node)) for node, id in self.of.named), self.of.causes, within))

    def advised(self, within: Bits) -> Lists:
        """Of each row the numbers of the items of self-care that are given."""
        care = both(self.self_care, within)
        given = (
            (id, both(self._met(node), self._allowed(id)))
            for rule, node in (self.of.at_home if some(care) else ())
            for id in rule.do
        )
        return self._lists(self._once(given, self.of.items, care))

    def see(self, within: Bits) -> Lists:
        """Of each row the numbers of the services, the most capable first."""
        where: dict[str, list[Bits]] = {id: [] for id in self.of.services}
        for rung in RUNGS:
            on = both(self._on(rung), within)
            own: dict[str, list[Bits]] = {}
            named, lowered = [], []
            for rule, bits in self._counting(rung):
                if rule.acuity is not rung:
                    lowered.append(bits)
                elif rule.see:
                    named.append(bits)
                    for id in rule.see:
                        own.setdefault(id, []).append(bits)
            default = either(any_(lowered), not_(any_(named)))
            for id in self.of.services:
                parts = [*own.get(id, ()), *([default] if id in self.rules.default_see[rung] else [])]
                where[id].append(both(on, any_(parts)))
        return self._lists((number, any_(where[id])) for number, id in enumerate(self.of.services))

    def _once(self, given: Iterable[tuple[str, Bits]], ids: list[str], within: Bits) -> Iterator[tuple[int, Bits]]:
        """Each id in a row once, where it comes first."""
        numbers = {id: number for number, id in enumerate(ids)}
        before: dict[str, Bits] = {}
        for id, bits in given:
            yield numbers[id], all_((bits, within, not_(before.get(id, False))))
            before[id] = either(before.get(id, False), bits)

    def _lists(self, parts: Iterable[tuple[int, Bits]]) -> Lists:
        found = [(number, indices(bits, self.rows)) for number, bits in parts if some(bits)]
        starts = np.zeros(self.rows + 1, np.int32)
        for _, rows in found:
            starts[rows + 1] += 1
        np.cumsum(starts, out=starts)
        numbers = np.empty(starts[-1], np.uint16)
        # Every row's list is filled in the order of the parts; each part names a row once.
        free = starts[:-1].copy()
        for number, rows in found:
            places = free[rows]
            numbers[places] = number
            free[rows] = places + 1
        return starts, numbers


def _from(parts: Iterable[tuple[Acuity, Bits]]) -> _Rungs:
    on: dict[Acuity, list[Bits]] = {rung: [] for rung in RUNGS}
    for rung, bits in parts:
        on[rung].append(bits)
    found: _Rungs = {}
    above: Bits = False
    for rung in reversed(RUNGS):
        above = found[rung] = any_((above, *on[rung]))
    return found
