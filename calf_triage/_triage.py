"""From answers to one disposition: what fired, what is still open, and what follows from it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Set
from functools import reduce
from operator import ne, or_
from typing import Literal

from attrs import evolve

from calf_triage._advice import Advice, Region
from calf_triage._assessment import (
    HOURS,
    LONGEST_SOON_HOURS,
    MATTERS,
    UNSURE_SAME_DAY_HOURS,
    Assessment,
    Disposition,
    Escalation,
    FiredRule,
    Item,
    Matters,
    Note,
    PossibleCause,
    Question,
    Reason,
    RuleSetId,
    SelfCare,
    UnsureRule,
    Withheld,
)
from calf_triage._cached import cached_property
from calf_triage._criteria import When
from calf_triage._errors import FindingError
from calf_triage._findings import UNSURE, Acuity, Answer, Kind, Value
from calf_triage._load import load_rules
from calf_triage._rules import Rule, RuleSet
from calf_triage.readings import durable
from calf_triage.readings.plain import MET, Parts, Reading, plain

Engine = Literal["durable", "plain"]

_bundled: list[RuleSet] = []
_loading = threading.Lock()


def bundled_rules() -> RuleSet:
    """The rule set that comes with the library, read once for the life of the process."""
    with _loading:
        if not _bundled:
            _bundled.append(load_rules())
    return _bundled[0]


def _after_fork_in_child() -> None:
    """The thread that was reading the rules is not here, and never lets go of its lock."""
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def triage(
    answers: Mapping[str, Answer | None],
    *,
    region: str | None = None,
    rules: RuleSet | None = None,
    engine: Engine | None = None,
) -> Assessment:
    """One safe disposition for a person's answers.

    answers: finding names to answers: True, False, "unsure", a choice's id or a number in the finding's unit. None, or
        no entry, means not asked or not said; it is never taken as no.
    region: two letters of a country, for its emergency number; any other word gives general wording.
    rules: a rule set of `load_rules`; the bundled one if none is given.
    engine: None or "durable": durable-rules decides which rules fire, and the plain reading is compared with it on
        every call; where durable-rules cannot be used, the plain reading decides. "plain": no C code is used.

    Raises FindingError for answers that cannot be read: all of them at once, with the triage of the others in
    `.assessment` where that is SAME_DAY or above. ValueError for an unknown engine, TypeError for rules that are none.
    """
    return triage_and_ask(answers, region=region, rules=rules, engine=engine)[0]


MayBeAsked = Mapping[str, tuple[str, ...]]
"""Every absent finding that may still be asked, whatever the answers to come, each with the absent findings that it
hangs from, the uppermost first.
"""


def triage_and_ask(
    answers: Mapping[str, Answer | None],
    *,
    region: str | None = None,
    rules: RuleSet | None = None,
    engine: Engine | None = None,
) -> tuple[Assessment, Callable[[], MayBeAsked]]:
    """What `triage` gives, and how to find what may still be asked."""
    if engine not in (None, "durable", "plain"):
        raise ValueError('engine: expected "durable", "plain" or None')
    if rules is not None and not isinstance(rules, RuleSet):
        raise TypeError("rules: expected a RuleSet, as load_rules(folder) gives it")
    using = bundled_rules() if rules is None else rules
    values, problems = using.findings.check(answers)
    reading = plain(using).read(values)
    fired, decided_by = _fired(using, values, reading, engine)
    resolution = _Resolution(using, reading, fired, values, _region(using, region), decided_by)
    assessment = resolution.assessment()
    if problems:
        raise FindingError(problems, assessment if assessment.acuity >= Acuity.SAME_DAY else None)
    return assessment, resolution.may_be_asked


def resolve(rules: RuleSet, values: Mapping[str, Value], without: int | None = None) -> Assessment:
    """The plain reading's answer to checked answers; as if one rule, given by its number, were not there."""
    reading = plain(rules).read(values)
    if without is not None:
        reading = evolve(
            reading,
            fired=tuple(number for number in reading.fired if number != without),
            excluded=reading.excluded | {without},
            could_fire=reading.could_fire - {without},
        )
    return _Resolution(rules, reading, reading.fired, values, _region(rules, None), "plain").assessment()


def _fired(
    rules: RuleSet, values: Mapping[str, Value], reading: Reading, engine: Engine | None
) -> tuple[set[int], str]:
    """The rules that fire by both readings together, and who decided."""
    fired = set(reading.fired)
    if engine == "plain":
        return fired, "plain"
    try:
        by_engine = set(durable.fired(rules, values))
    except durable.EngineError as error:
        return fired, f"plain (durable-rules: {error})"
    if by_engine != fired:
        different = ", ".join(rules.rules[number].id for number in sorted(by_engine ^ fired))
        # Here, because it takes time to import, and this should never be.
        import logging

        logging.getLogger("calf_triage").error(
            "durable-rules and the plain reading disagree on: %s; both are taken to fire", different
        )
        return fired | by_engine, f"durable-rules and plain (they disagree on {different})"
    return fired, "durable-rules"


def _region(rules: RuleSet, region: object) -> Region:
    known = region.upper() if isinstance(region, str) and len(region) == 2 else "generic"
    return rules.regions.get(known, rules.regions["generic"])


class _Steady:
    """What is the same for everybody: worked out once for a rule set, and kept with it."""

    def __init__(self, rules: RuleSet) -> None:
        self.id = RuleSetId(rules.name, rules.version, rules.sha256)
        self.reader = reader = plain(rules)
        self.acuity = [rule.acuity for rule in rules.rules]
        self.lower = [rule.acuity.one_lower() for rule in rules.rules]
        """What each rule counts while unsure answers keep it open."""
        self.rungs = {
            rung: frozenset(number for number, acuity in enumerate(self.acuity) if acuity is rung)
            for rung in reversed(Acuity)
            if rung > Acuity.SELF_CARE
        }
        """The rules of each rung above self-care, the most acute first."""
        self.raising = frozenset[int]().union(*self.rungs.values())
        self.self_care = frozenset(range(len(rules))) - self.raising
        self.parts = [reader.parts(rule.when) for rule in rules.rules]
        self.shown = [
            [(reader.number(criterion), criterion.text) for criterion in (*rule.when.all, *rule.when.any)]
            for rule in rules.rules
        ]
        """Of each rule the criteria that are told when they are met."""
        self.advice_parts = {number: reader.parts(_advice_criteria(rules, number)) for number in self.self_care}
        self.unsure = [UnsureRule(rule.id, rule.acuity, rule.title) for rule in rules.rules]
        by_id = rules.findings.by_id
        self.quiet = {name: one.benign for name, one in by_id.items() if one.kind in (Kind.SYMPTOM, Kind.SIGN)}
        """The benign answers of all symptoms and signs."""
        self.measurements = [finding for finding in by_id.values() if finding.type == "measurement"]
        self.below = {
            name: reduce(or_, map(reader.bits.__getitem__, rules.findings.below[name]))
            for name in by_id
            if name in rules.findings.below
        }
        """For each finding that others hang from, the bits of those, in question order."""
        self.questions = {rung: {matters: _Questions(rules, rung, matters) for matters in MATTERS} for rung in Acuity}


class _Questions(dict[str, Question]):
    """Questions by their findings, each made when it is asked for the first time."""

    def __init__(self, rules: RuleSet, rung: Acuity, matters: Matters) -> None:
        super().__init__()
        self._findings, self._rung, self._matters = rules.findings.by_id, rung, matters

    def __missing__(self, name: str) -> Question:
        found = self[name] = Question(name, self._findings[name].asks, self._rung, self._matters)
        return found


def _steady(rules: RuleSet) -> _Steady:
    found = rules.readings.get("steady")
    if not isinstance(found, _Steady):
        found = rules.readings["steady"] = _Steady(rules)
    return found


def _advice_criteria(rules: RuleSet, number: int) -> When:
    """What forbids or changes the items of a self-care rule."""
    items = [rules.advice[id] for id in rules.rules[number].do]
    return When(
        tuple(
            criterion
            for item in items
            for criterion in (*item.contraindicated_by, *(change.criterion for change in item.modified_by))
        )
    )


class _Resolution:
    """The rules' word on one person's answers. Order means nothing: every step takes the most acute there is.

    Rules are told by their numbers in `rules.rules`.
    """

    def __init__(
        self,
        rules: RuleSet,
        reading: Reading,
        fired: Iterable[int],
        values: Mapping[str, Value],
        region: Region,
        decided_by: str,
    ) -> None:
        self.rules, self.reading, self.values = rules, reading, values
        self.region, self.decided_by = region, decided_by
        self.steady = steady = _steady(rules)
        self.reader = steady.reader
        self.numbers = frozenset(fired)
        self.fired = [rules.rules[number] for number in sorted(self.numbers)]
        self.open = steady.raising - self.numbers - reading.excluded
        """Rules above self-care that are neither fired nor excluded."""
        self.could_fire = self.open & reading.could_fire
        self.by_unsure_alone = sorted(self.open - reading.could_fire)
        """Those that no absent answer can make fire."""
        self.because = tuple(map(self._because, sorted(self.numbers)))
        self.established = _top(rule.acuity for rule in self.fired)
        self.level = max(self.established, _top(steady.lower[number] for number in self.by_unsure_alone))
        staying = self.open - reading.could_be_excluded
        self.certain = max(self.established, _top(steady.lower[number] for number in staying))
        """The rung below which no answers to the absent findings lead."""

    def assessment(self) -> Assessment:
        established, level = self.established, self.level
        not_excluded = max(established, _top(map(self.steady.acuity.__getitem__, self.open)))
        potential = _top(map(self.steady.acuity.__getitem__, self.could_fire))
        care = self._self_care() if not_excluded is Acuity.SELF_CARE else None

        lowest = self.certain
        if lowest is Acuity.SELF_CARE and not self._self_care_possible():
            lowest = Acuity.ROUTINE
        highest = max(level, potential)
        if highest is Acuity.SELF_CARE and care is None:
            highest = Acuity.ROUTINE
        settled = lowest == highest

        reason: Reason
        disposition: Disposition
        if care is not None:
            disposition, reason = care, "rules"
        else:
            acuity = level
            if potential > level:
                acuity = max(level, min(potential, Acuity.SAME_DAY))
            acuity = max(acuity, Acuity.ROUTINE)
            reason = self._reason(established, level, settled, potential)
            disposition = self._escalation(acuity)
        return Assessment(
            acuity=disposition.acuity,
            disposition=disposition,
            reason=reason,
            established=established,
            not_excluded=not_excluded,
            settled=settled,
            because=self.because,
            unsure_of=tuple(self.steady.unsure[number] for number in self.by_unsure_alone),
            differential=self._differential(),
            unanswered=self._unanswered(disposition.acuity),
            answers=self._answers(),
            region=self.region,
            rule_set=self.steady.id,
            decided_by=self.decided_by,
        )

    def _answers(self) -> dict[str, Answer]:
        answers: dict[str, Answer] = {**self.values}
        for finding in self.steady.measurements:
            if finding.id in answers:
                answers[finding.id] = finding.shown(self.values[finding.id])
        return answers

    # -- self-care ---------------------------------------------------------------------------------------------------

    def _age(self) -> bool | None:
        """Whether the lowest age is reached; None where that is not known."""
        if not self.rules.lowest_age:
            return True
        age = self.values.get("age_years")
        if age is None or age == UNSURE:
            return None
        scale: int = 10 ** self.rules.findings.by_id["age_years"].decimals
        return int(age) >= self.rules.lowest_age * scale

    def _self_care(self) -> SelfCare | None:
        if self._age() is not True:
            return None
        given: dict[str, Item] = {}
        withheld: dict[str, Withheld] = {}
        counting: list[Rule] = []
        for rule in self.fired:
            items = [self.rules.advice[id] for id in rule.do]
            allowed = [item for item in items if self._allowed(item)]
            if allowed:
                counting.append(rule)
                given.update((item.id, self._item(item)) for item in allowed if item.id not in given)
            withheld.update((item.id, self._withheld(item)) for item in items if item not in allowed)
        if not counting:
            return None
        return SelfCare(
            advice=tuple(given.values()),
            withheld=tuple(withheld.values()),
            look_again_days=min((*rule.look_again_days, self.rules.look_again_days)[0] for rule in counting),
            seek_help_if=self._notes([*self.rules.safety_net, *(id for rule in counting for id in rule.seek_help_if)]),
        )

    def _allowed(self, item: Advice) -> bool:
        return all(self.reader.is_refuted(criterion, self.reading) for criterion in item.contraindicated_by)

    def _self_care_possible(self) -> bool:
        """Whether some answers to the absent findings might still give self-care. May say so once too often, never
        once too seldom.
        """
        if self._age() is False or ("age_years" in self.values and self._age() is None):
            return False
        return any(
            all(self.reader.may_be_refuted(criterion, self.reading) for criterion in item.contraindicated_by)
            for number in self._self_care_rules()
            for item in map(self.rules.advice.__getitem__, self.rules.rules[number].do)
        )

    def _self_care_rules(self) -> list[int]:
        """The self-care rules that fire, or might."""
        return sorted(self.steady.self_care & (self.numbers | self.reading.could_fire))

    def _item(self, item: Advice) -> Item:
        return Item(
            id=item.id,
            kind=item.kind.value,
            name=item.name,
            steps=item.steps,
            dose=str(item.dose) if item.dose else "",
            changes=tuple(
                change.say for change in item.modified_by if not self.reader.is_refuted(change.criterion, self.reading)
            ),
            equipment=item.equipment,
            sources=item.sources,
        )

    def _withheld(self, item: Advice) -> Withheld:
        because = [c.text for c in item.contraindicated_by if not self.reader.is_refuted(c, self.reading)]
        return Withheld(item.id, item.name, tuple(because))

    # -- escalation --------------------------------------------------------------------------------------------------

    def _reason(self, established: Acuity, level: Acuity, settled: bool, potential: Acuity) -> Reason:
        if not settled and (potential > level or level is Acuity.SELF_CARE):
            return "unfinished"
        if established is level and established > Acuity.SELF_CARE:
            return "rules"
        if level > Acuity.SELF_CARE:
            return "unsure"
        if self._age() is False:
            return "under_age"
        if not self.fired and not self._symptoms():
            return "no_symptom"
        if self.fired and self._age() is None:
            return "age_unsure"
        return "no_item" if self.fired else "unexplained"

    def _symptoms(self) -> bool:
        quiet = self.steady.quiet
        return any(map(ne, map(self.values.get, quiet, quiet.values()), quiet.values()))

    def _escalation(self, acuity: Acuity) -> Escalation:
        counting = [rule for rule in self.fired if rule.acuity is acuity]
        counting += [self.rules.rules[number] for number in self.by_unsure_alone if self.steady.lower[number] is acuity]
        see = {id for rule in counting if rule.acuity is acuity for id in rule.see}
        if not see or any(rule.acuity is not acuity for rule in counting):
            see.update(self.rules.default_see[acuity])
        meanwhile, avoid = self._first_aid(acuity, counting)
        lower = acuity < Acuity.SAME_DAY
        return Escalation(
            acuity=acuity,
            see=tuple(sorted((self.rules.services[id] for id in see), key=lambda service: service.rank)),
            within_hours=self._hours(acuity, counting),
            meanwhile=meanwhile,
            avoid=avoid,
            look_again_days=self._days(counting) if lower else None,
            seek_help_if=(
                self._notes([*self.rules.safety_net, *(id for rule in counting for id in rule.seek_help_if)])
                if lower
                else ()
            ),
        )

    def _days(self, counting: Iterable[Rule]) -> int:
        return min(
            (rule.look_again_days[0] for rule in counting if rule.look_again_days), default=self.rules.look_again_days
        )

    def _hours(self, acuity: Acuity, counting: Iterable[Rule]) -> int | None:
        """The hours of the rung; of SOON, the shortest that a rule asks for, or might yet ask for."""
        if acuity is not Acuity.SOON:
            return HOURS.get(acuity)
        hours = [rule.within_hours if rule.acuity is Acuity.SOON else UNSURE_SAME_DAY_HOURS for rule in counting]
        hours += [self.rules.rules[number].within_hours for number in self.could_fire]
        return min((number for number in hours if number), default=LONGEST_SOON_HOURS)

    def _first_aid(self, acuity: Acuity, counting: Iterable[Rule]) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
        """What to do and what to avoid meanwhile, without whatever conflicts with another item of either."""
        # "Wait for help" is said where help is called, not where an unsure answer leaves a rule one rung lower.
        meanwhile = [id for rule in counting if rule.acuity is acuity for id in rule.meanwhile]
        avoid = [id for rule in counting for id in rule.avoid]
        every = {*meanwhile, *avoid}
        pairs = [(id, other) for id in every for other in self.rules.advice[id].conflicts_with if other in every]
        conflicting = {id for pair in pairs for id in pair}
        kept = [[id for id in ids if id not in conflicting] for ids in (meanwhile, avoid)]
        return self._notes(kept[0]), self._notes(kept[1])

    def _notes(self, ids: Iterable[str]) -> tuple[Note, ...]:
        return tuple(Note(id, self.rules.advice[id].steps[0]) for id in dict.fromkeys(ids))

    # -- reasons and questions ---------------------------------------------------------------------------------------

    def _because(self, number: int) -> FiredRule:
        rule = self.rules.rules[number]
        met = tuple(text for of, text in self.steady.shown[number] if self.reading.standings[of] & MET)
        return FiredRule(rule.id, rule.acuity, rule.title, rule.why, met, rule.sources)

    def _differential(self) -> tuple[PossibleCause, ...]:
        by_cause: dict[str, list[FiredRule]] = {}
        for rule, because in zip(self.fired, self.because, strict=True):
            for id in rule.causes:
                by_cause.setdefault(id, []).append(because)
        found = []
        for id, rules in by_cause.items():
            cause = self.rules.causes[id]
            met = dict.fromkeys(text for rule in rules for text in rule.met)
            against = [c.text for c in cause.against if self.reader.is_met(c, self.reading)]
            found.append(
                PossibleCause(
                    id,
                    cause.name,
                    cause.must_not_miss,
                    tuple(rule.id for rule in rules),
                    tuple(met),
                    tuple(against),
                    cause.evidence,
                )
            )
        return tuple(sorted(found, key=lambda cause: not cause.must_not_miss))

    def _unanswered(self, acuity: Acuity) -> tuple[Question, ...]:
        if acuity is Acuity.EMERGENCY or not self.absent:
            return ()
        rungs: dict[Acuity, int] = {}
        most: dict[str, Matters] = {}
        for matters in reversed(MATTERS):
            every = 0
            for rung, bits in self.undecided[matters].items():
                # In place of a finding whose `only_if` is absent, that.
                first = self._uppermost(bits)
                rungs[rung] = rungs.get(rung, 0) | first
                every |= first
            most.update(dict.fromkeys(self.reader.names(every), matters))
        found: list[Question] = []
        asked = 0
        for rung in sorted(rungs, reverse=True):
            questions = self.steady.questions[rung]
            found += [questions[most[name]][name] for name in self.reader.names(rungs[rung] & ~asked)]
            asked |= rungs[rung]
        return tuple(found)

    def may_be_asked(self) -> MayBeAsked:
        """See `MayBeAsked`."""
        found: dict[str, tuple[str, ...]] = {}
        every = (bits for of in self.undecided.values() for bits in of.values())
        for name in self.reader.names(reduce(or_, every, 0)):
            above = self._absent_above(name)
            for number, each in enumerate((*above, name)):
                found[each] = tuple(above[:number])
        return found

    @cached_property
    def absent(self) -> int:
        """The findings that apply and are not answered, as bits."""
        bits = self.reader.bits
        known = self.values.keys() | self.rules.findings.not_applicable(self.values)
        if len(known) == len(bits):
            return 0
        return (1 << len(bits)) - 1 - sum(map(bits.__getitem__, known))

    @cached_property
    def undecided(self) -> dict[Matters, dict[Acuity, int]]:
        """The absent findings, as bits, on which it depends which rules fire that could raise what is certain or add a
        cause, and which advice is given; by the most that they can change and the highest rung of such a rule. With
        every answer they only become fewer.
        """
        found: dict[Matters, dict[Acuity, int]] = {matters: {} for matters in MATTERS}
        left = absent = self.absent
        named = {id for rule in self.fired for id in rule.causes}
        known: dict[int, int] = {}

        def add(matters: Matters, rung: Acuity, parts: Iterable[Parts]) -> None:
            nonlocal left
            bits = self.reader.undecided(parts, self.reading, absent, left, known)
            found[matters][rung] = found[matters].get(rung, 0) | bits
            left &= ~bits

        undecided = self.could_fire | self.open & self.reading.could_be_excluded
        for rung, rules in self.steady.rungs.items():
            raises = rung > self.certain or rung is self.certain is Acuity.SOON
            numbers: Set[int] = undecided & rules
            if not raises:
                numbers = {number for number in numbers if not named.issuperset(self.rules.rules[number].causes)}
            if numbers:
                add("acuity" if raises else "cause", rung, map(self.steady.parts.__getitem__, numbers))
        if self.certain is Acuity.SELF_CARE:
            explained = any(rule.acuity is Acuity.SELF_CARE for rule in self.fired)
            caring = self._self_care_rules()
            add("cause" if explained else "acuity", Acuity.SELF_CARE, map(self.steady.parts.__getitem__, caring))
            add("advice", Acuity.SELF_CARE, map(self.steady.advice_parts.__getitem__, caring))
            if self.rules.lowest_age:
                age = self.reader.bits["age_years"] & absent
                found["acuity"][Acuity.SELF_CARE] = found["acuity"].get(Acuity.SELF_CARE, 0) | age
        return found

    def _uppermost(self, bits: int) -> int:
        """Findings, as bits; in place of those that hang from an absent one, that one."""
        for name, below in self.steady.below.items():
            if bits & below and name not in self.values:
                bits = bits & ~below | self.reader.bits[name]
        return bits

    def _absent_above(self, name: str) -> list[str]:
        """The absent findings that one hangs from, the uppermost first."""
        by_id = self.rules.findings.by_id
        found: list[str] = []
        above = by_id[name].only_if
        while above is not None:
            if above not in self.values:
                found.insert(0, above)
            above = by_id[above].only_if
        return found


def _top(rungs: Iterable[Acuity]) -> Acuity:
    return max(rungs, default=Acuity.SELF_CARE)
