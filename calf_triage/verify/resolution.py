"""The library's answer as literals: what `_triage` makes of the rules, step by step, for every person at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from attrs import frozen

from calf_triage._advice import Advice
from calf_triage._assessment import LONGEST_SOON_HOURS, UNSURE_SAME_DAY_HOURS
from calf_triage._cached import cached_property
from calf_triage._findings import UNSURE, Acuity
from calf_triage._rules import Rule, RuleSet
from calf_triage.readings.sat import Circuit, Person, Truths

RUNGS: Final = (Acuity.ROUTINE, Acuity.SOON, Acuity.SAME_DAY, Acuity.EMERGENCY)
OUTCOME: Final = ("rung", "hours", "causes", "places")
"""What makes two answers different ones; "advice" can be added."""


@frozen
class Standing:
    """How a rule stands: fired or excluded; waiting for absent answers; open by unsure ones alone; or, whichever of
    the two, kept open whatever the absent answers.
    """

    rule: Rule
    fired: int
    excluded: int
    waiting: int
    unsure: int
    kept: int
    could_fire: int


class Resolution:
    """What the rules make of one person: the same steps as the library's, as literals.

    at_least: for each rung above self-care whether the answer is on it or above. without: for some rules a literal
    that takes the rule away. like: the resolution of the person whom this one is like.
    """

    def __init__(
        self,
        circuit: Circuit,
        rules: RuleSet,
        person: Person,
        without: Mapping[int, int] | None = None,
        like: Resolution | None = None,
    ) -> None:
        self.circuit, self.rules, self.person = circuit, rules, person
        self.truths: Truths = Truths(circuit, rules, person, like=like.truths if like else None)
        self.may: Truths = self.truths
        if not person.whole:
            self.may = Truths(circuit, rules, person, may=True, like=like.may if like else None)
        self.standing: list[Standing] = [
            like.standing[number]
            if like and self.truths.reads(rule.when).isdisjoint(person.apart)
            else self._standing(rule, (without or {}).get(number, Circuit.FALSE))
            for number, rule in enumerate(rules.rules)
        ]
        self.fired = [standing.fired for standing in self.standing]
        self.above = [standing for standing in self.standing if standing.rule.acuity > Acuity.SELF_CARE]
        fired = [(standing.rule.acuity, standing.fired) for standing in self.above]
        waiting = [(standing.rule.acuity, standing.waiting) for standing in self.above]
        unsure = [(self.when_unsure(standing.rule), standing.unsure) for standing in self.above]
        self.established = self._rungs(fired)
        still = [(standing.rule.acuity, standing.unsure) for standing in self.above]
        self.not_excluded = self._rungs([*fired, *waiting, *still])
        self.level = self._rungs([*fired, *unsure])
        self.potential = self._rungs(waiting)
        self.care = self.self_care()
        self.at_least = self.published()
        self.settled = self._settled()

    def _standing(self, rule: Rule, gone: int) -> Standing:
        both = self.circuit.all
        fired = both((self.truths.when_met(rule.when), -gone))
        excluded = self.circuit.any((self.truths.when_refuted(rule.when), gone))
        could_fire = both((self.may.when_met(rule.when), -gone))
        return Standing(
            rule,
            fired,
            excluded,
            waiting=both((-fired, -excluded, could_fire)),
            unsure=both((-fired, -excluded, -could_fire)),
            kept=both((-fired, -excluded, -self.may.when_refuted(rule.when))),
            could_fire=could_fire,
        )

    def _settled(self) -> int:
        """Whether no absent answer can change the rung, as the library says it."""
        either = self.circuit.any
        kept = [(self.when_unsure(standing.rule), standing.kept) for standing in self.above]
        lowest = self._rungs([*((standing.rule.acuity, standing.fired) for standing in self.above), *kept])
        lowest[Acuity.ROUTINE] = either((lowest[Acuity.ROUTINE], -self._self_care_possible()))
        highest = {rung: either((self.level[rung], self.potential[rung])) for rung in RUNGS}
        highest[Acuity.ROUTINE] = either((highest[Acuity.ROUTINE], -self.care))
        return self.circuit.all(-self.circuit.differ(lowest[rung], highest[rung]) for rung in RUNGS)

    @cached_property
    def advised(self) -> dict[str, int]:
        """Whether an item of self-care is given."""
        of: dict[str, list[int]] = {}
        for fired, item in self._offered(self.fired):
            of.setdefault(item.id, []).append(fired)
        advice, both = self.rules.advice, self.circuit.all
        return {id: both((self.care, self.allowed(advice[id]), self.circuit.any(fired))) for id, fired in of.items()}

    @cached_property
    def causes(self) -> dict[str, int]:
        """Whether a cause is among the possible ones."""
        of: dict[str, list[int]] = {}
        for standing in self.standing:
            for id in standing.rule.causes:
                of.setdefault(id, []).append(standing.fired)
        return {id: self.circuit.any(fired) for id, fired in of.items()}

    def _rungs(self, pairs: Collection[tuple[Acuity, int]]) -> dict[Acuity, int]:
        return {rung: self.circuit.any(literal for acuity, literal in pairs if acuity >= rung) for rung in RUNGS}

    # -- the parts that a planted defect replaces --------------------------------------------------------------------

    def when_unsure(self, rule: Rule) -> Acuity:
        """What a rule counts that only unsure answers keep open."""
        return rule.acuity.one_lower()

    def self_care(self) -> int:
        """Whether self-care is the answer."""
        items = [self.circuit.all((fired, self.allowed(item))) for fired, item in self._offered(self.fired)]
        nothing_above = -self.not_excluded[Acuity.ROUTINE]
        return self.circuit.all((nothing_above, self.of_age, self.circuit.any(items)))

    def allowed(self, item: Advice) -> int:
        """Whether every contraindication of an item is refuted."""
        return self.circuit.all(self.truths.refuted(criterion) for criterion in item.contraindicated_by)

    def published(self) -> dict[Acuity, int]:
        """For each rung above self-care, whether the answer is on it or above."""
        both, either = self.circuit.all, self.circuit.any
        found = {Acuity.ROUTINE: -self.care}
        for rung in RUNGS[1:]:
            waiting = self.potential[rung] if rung <= Acuity.SAME_DAY else Circuit.FALSE
            found[rung] = both((-self.care, either((self.level[rung], waiting))))
        return found

    # -- self-care ---------------------------------------------------------------------------------------------------

    def _ages(self, of_age: bool) -> int:
        if not self.rules.lowest_age:
            return Circuit.TRUE if of_age else Circuit.FALSE
        if "age_years" not in self.person.findings:
            return Circuit.FALSE
        lowest = self.rules.lowest_age * 10 ** self.person.findings["age_years"].decimals
        states = self.person.states["age_years"].items()
        return self.circuit.any(
            literal for state, literal in states if isinstance(state, int) and (state >= lowest) is of_age
        )

    @property
    def of_age(self) -> int:
        """Whether the lowest age is known to be reached."""
        return self._ages(True)

    def _offered(self, literals: Sequence[int]) -> list[tuple[int, Advice]]:
        pairs = zip(self.rules.rules, literals, strict=True)
        care = [(rule, literal) for rule, literal in pairs if rule.acuity is Acuity.SELF_CARE]
        return [(literal, self.rules.advice[id]) for rule, literal in care for id in rule.do]

    def _self_care_possible(self) -> int:
        both, refuted = self.circuit.all, self.may.refuted
        unsure_age = Circuit.FALSE
        if self.rules.lowest_age and "age_years" in self.person.findings:
            unsure_age = self.person.is_("age_years", UNSURE)
        able = [self.circuit.any((standing.fired, standing.could_fire)) for standing in self.standing]
        items = [both((might, *map(refuted, item.contraindicated_by))) for might, item in self._offered(able)]
        return both((-self._ages(False), -unsure_age, self.circuit.any(items)))

    def changed(self, id: str) -> list[int]:
        """For each modification of an item, whether it is advised with it."""
        changes = self.rules.advice[id].modified_by
        return [self.circuit.all((self.advised[id], -self.truths.refuted(change.criterion))) for change in changes]

    # -- escalation --------------------------------------------------------------------------------------------------

    def on(self, rung: Acuity) -> int:
        """Whether the answer is on this rung."""
        above = self.at_least.get(Acuity(min(rung + 1, Acuity.EMERGENCY)), Circuit.FALSE)
        this = self.at_least[rung] if rung else Circuit.TRUE
        return self.circuit.all((this, -above if rung < Acuity.EMERGENCY else Circuit.TRUE))

    def _counting(self, rung: Acuity) -> list[tuple[Rule, int]]:
        """The rules that set this rung, where it is the answer: fired on it, or kept open by unsure answers above."""
        fired = [(standing.rule, standing.fired) for standing in self.above if standing.rule.acuity is rung]
        lowered = [standing for standing in self.above if self.when_unsure(standing.rule) is rung]
        return fired + [(standing.rule, standing.unsure) for standing in lowered]

    @cached_property
    def see(self) -> dict[str, int]:
        """Whether a service is one of the places to be seen."""
        both, either = self.circuit.all, self.circuit.any
        found: dict[str, list[int]] = {id: [] for id in self.rules.services}
        for rung in RUNGS:
            counting = self._counting(rung)
            named = [(rule, literal) for rule, literal in counting if rule.acuity is rung]
            none_named = -either(literal for rule, literal in named if rule.see)
            default = either((none_named, *(literal for rule, literal in counting if rule.acuity is not rung)))
            for id, parts in found.items():
                given = default if id in self.rules.default_see[rung] else Circuit.FALSE
                own = [literal for rule, literal in named if id in rule.see]
                parts.append(both((self.on(rung), either((*own, given)))))
        return {id: either(parts) for id, parts in found.items()}

    def within(self, hours: int) -> int:
        """Whether the answer is SOON within at most so many hours."""
        asked = [
            (rule.within_hours if rule.acuity is Acuity.SOON else UNSURE_SAME_DAY_HOURS, literal)
            for rule, literal in self._counting(Acuity.SOON)
        ]
        asked += [(standing.rule.within_hours, standing.waiting) for standing in self.above]
        sooner = self.circuit.any(literal for limit, literal in asked if limit and limit <= hours)
        return self.circuit.all((self.on(Acuity.SOON), sooner))

    def said(self, id: str) -> int:
        """Whether a note (first aid, what to avoid, when to seek help) is said in an escalation."""
        both, either = self.circuit.all, self.circuit.any
        found = []
        for rung in RUNGS:
            counting = self._counting(rung)
            offered = {
                other: either(
                    literal
                    for rule, literal in counting
                    if other in rule.avoid or (rule.acuity is rung and other in rule.meanwhile)
                )
                for other in (id, *self._conflicts(id))
            }
            free = [-literal for other, literal in offered.items() if other != id]
            help_: list[int] = []
            if rung < Acuity.SAME_DAY:
                help_ = [literal for rule, literal in counting if id in rule.seek_help_if]
                help_ += [Circuit.TRUE] if id in self.rules.safety_net else []
            found.append(both((self.on(rung), either((both((offered[id], *free)), *help_)))))
        return either(found)

    def _conflicts(self, id: str) -> list[str]:
        advice = self.rules.advice
        return [other for other in advice if other in advice[id].conflicts_with or id in advice[other].conflicts_with]

    # -- two answers -------------------------------------------------------------------------------------------------

    def lower_than(self, other: Resolution) -> int:
        """Whether this answer is on a lower rung than another."""
        return self.circuit.any(self.circuit.all((other.at_least[rung], -self.at_least[rung])) for rung in RUNGS)

    def differs(self, other: Resolution, parts: Collection[str] = OUTCOME) -> int:
        """Whether the answers differ in one of these parts."""
        limits = {UNSURE_SAME_DAY_HOURS, *(rule.within_hours or 0 for of in (self, other) for rule in of.rules.rules)}
        mine, theirs = (of._outcome(parts, limits - {0, LONGEST_SOON_HOURS}) for of in (self, other))
        pairs = [(mine.get(key, Circuit.FALSE), theirs.get(key, Circuit.FALSE)) for key in {**mine, **theirs}]
        return self.circuit.any(self.circuit.differ(one, two) for one, two in pairs)

    def _outcome(self, parts: Collection[str], limits: Collection[int]) -> dict[object, int]:
        found: dict[object, int] = {}
        if "rung" in parts:
            found |= {("rung", rung): literal for rung, literal in self.at_least.items()}
        if "hours" in parts:
            found |= {("hours", limit): self.within(limit) for limit in limits}
        if "causes" in parts:
            found |= {("cause", id): literal for id, literal in self.causes.items()}
        if "places" in parts:
            found |= {("place", id): literal for id, literal in self.see.items()}
        if "advice" in parts:
            found |= {("item", id): literal for id, literal in self.advised.items()}
            for id in self.advised:
                changes = zip(self.rules.advice[id].modified_by, self.changed(id), strict=True)
                found |= {(id, change.criterion.text, change.say): literal for change, literal in changes}
        return found
