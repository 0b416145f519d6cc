"""From answers to one disposition: what fired, what is still open, and what follows from it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Final, Literal

from attrs import evolve, frozen

from calf_triage._advice import Advice, Region
from calf_triage._assessment import (
    MATTERS,
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
from calf_triage._criteria import Criterion
from calf_triage._errors import FindingError
from calf_triage._findings import UNSURE, Acuity, Answer, Kind, Value
from calf_triage._load import load_rules
from calf_triage._rules import Rule, RuleSet
from calf_triage.readings import durable
from calf_triage.readings.plain import Plain, Reading, plain

Engine = Literal["durable", "plain"]

log: Final = logging.getLogger("calf_triage")

_HOURS: Final = {Acuity.EMERGENCY: 0, Acuity.SAME_DAY: 24}
_UNSURE_SAME_DAY_HOURS: Final = 48
_LONGEST_SOON_HOURS: Final = 336

_bundled: list[RuleSet] = []
_loading: Final = threading.Lock()


def bundled_rules() -> RuleSet:
    """The rule set that comes with the library, read once for the life of the process."""
    with _loading:
        if not _bundled:
            _bundled.append(load_rules())
    return _bundled[0]


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
    reader = plain(using)
    reading = reader.read(values)
    fired, decided_by = _fired(using, values, reading, engine)
    resolution = _Resolution(using, reader, reading, fired, values, _region(using, region), decided_by)
    assessment = resolution.assessment()
    if problems:
        raise FindingError(problems, assessment if assessment.acuity >= Acuity.SAME_DAY else None)
    return assessment, resolution.may_be_asked


def resolve(rules: RuleSet, values: Mapping[str, Value], without: int | None = None) -> Assessment:
    """The plain reading's answer to checked answers; as if one rule, given by its number, were not there."""
    reader = plain(rules)
    reading = reader.read(values)
    if without is not None:
        reading = evolve(
            reading,
            fired=tuple(number for number in reading.fired if number != without),
            excluded=reading.excluded | {without},
            could_fire=reading.could_fire - {without},
        )
    return _Resolution(rules, reader, reading, reading.fired, values, _region(rules, None), "plain").assessment()


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
        log.error("durable-rules and the plain reading disagree on: %s; both are taken to fire", different)
        return fired | by_engine, f"durable-rules and plain (they disagree on {different})"
    return fired, "durable-rules"


def _region(rules: RuleSet, region: object) -> Region:
    known = region.upper() if isinstance(region, str) and len(region) == 2 else "generic"
    return rules.regions.get(known, rules.regions["generic"])


@frozen
class _Open:
    """A rule that is neither fired nor excluded."""

    number: int
    rule: Rule
    could_fire: bool
    could_be_excluded: bool

    @property
    def unsure(self) -> Acuity:
        """What it counts while unsure answers keep it open."""
        return self.rule.acuity.one_lower()

    @property
    def by_unsure_alone(self) -> bool:
        """Whether no absent answer can make it fire."""
        return not self.could_fire


class _Resolution:
    """The rules' word on one person's answers. Order means nothing: every step takes the most acute there is."""

    def __init__(
        self,
        rules: RuleSet,
        reader: Plain,
        reading: Reading,
        fired: Iterable[int],
        values: Mapping[str, Value],
        region: Region,
        decided_by: str,
    ) -> None:
        self.rules, self.reader, self.reading, self.values = rules, reader, reading, values
        self.region, self.decided_by = region, decided_by
        self.numbers = set(fired)
        self.fired = [rules.rules[number] for number in sorted(self.numbers)]
        self.open = [
            _Open(number, rule, number in reading.could_fire, number in reading.could_be_excluded)
            for number, rule in enumerate(rules.rules)
            if number not in self.numbers and number not in reading.excluded and rule.acuity > Acuity.SELF_CARE
        ]
        self.not_applicable = rules.findings.not_applicable(values)
        self.because = tuple(self._because(rule) for rule in self.fired)
        self.established = _top(rule.acuity for rule in self.fired)
        self.level = max(self.established, _top(entry.unsure for entry in self.open if entry.by_unsure_alone))
        self.certain = max(self.established, _top(entry.unsure for entry in self.open if not entry.could_be_excluded))
        """The rung below which no answers to the absent findings lead."""

    def assessment(self) -> Assessment:
        established, level = self.established, self.level
        not_excluded = max(established, _top(entry.rule.acuity for entry in self.open))
        potential = _top(entry.rule.acuity for entry in self.open if entry.could_fire)
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
            unsure_of=tuple(
                UnsureRule(entry.rule.id, entry.rule.acuity, entry.rule.title)
                for entry in self.open
                if entry.by_unsure_alone
            ),
            differential=self._differential(),
            unanswered=self._unanswered(disposition.acuity),
            answers={name: self.rules.findings.by_id[name].shown(value) for name, value in self.values.items()},
            region=self.region,
            rule_set=RuleSetId(self.rules.name, self.rules.version, self.rules.sha256),
            decided_by=self.decided_by,
        )

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
            for rule in self._self_care_rules()
            for item in map(self.rules.advice.__getitem__, rule.do)
        )

    def _self_care_rules(self) -> list[Rule]:
        """The self-care rules that fire, or might."""
        numbers = self.numbers | self.reading.could_fire
        return [
            rule
            for number, rule in enumerate(self.rules.rules)
            if rule.acuity is Acuity.SELF_CARE and number in numbers
        ]

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
        if not self._symptoms() and not self.fired:
            return "no_symptom"
        if self.fired and self._age() is None:
            return "age_unsure"
        return "no_item" if self.fired else "unexplained"

    def _symptoms(self) -> bool:
        return any(
            finding.kind in (Kind.SYMPTOM, Kind.SIGN) and value != finding.benign
            for finding, value in ((self.rules.findings.by_id[name], value) for name, value in self.values.items())
        )

    def _escalation(self, acuity: Acuity) -> Escalation:
        counting = [rule for rule in self.fired if rule.acuity is acuity]
        counting += [entry.rule for entry in self.open if entry.by_unsure_alone and entry.unsure is acuity]
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
            return _HOURS.get(acuity)
        hours = [rule.within_hours if rule.acuity is Acuity.SOON else _UNSURE_SAME_DAY_HOURS for rule in counting]
        hours += [entry.rule.within_hours for entry in self.open if entry.could_fire]
        return min((number for number in hours if number), default=_LONGEST_SOON_HOURS)

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

    def _because(self, rule: Rule) -> FiredRule:
        met = [c.text for c in (*rule.when.all, *rule.when.any) if self.reader.is_met(c, self.reading)]
        return FiredRule(rule.id, rule.acuity, rule.title, rule.why, tuple(met), rule.sources)

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
        if acuity is Acuity.EMERGENCY:
            return ()
        asked: dict[str, tuple[Acuity, Matters]] = {}
        for name, rung, matters in self.undecided:
            # In place of a finding whose `only_if` is absent, that.
            first = (*self._absent_above(name), name)[0]
            before_rung, before_matters = asked.get(first, (rung, matters))
            asked[first] = max(rung, before_rung), min(matters, before_matters, key=MATTERS.index)
        by_id = self.rules.findings.by_id
        first_asked = sorted(asked, key=lambda name: (-asked[name][0], by_id[name].order))
        return tuple(Question(name, by_id[name].asks, *asked[name]) for name in first_asked)

    def may_be_asked(self) -> MayBeAsked:
        """See `MayBeAsked`."""
        found: dict[str, tuple[str, ...]] = {}
        for name, _, _ in self.undecided:
            above = self._absent_above(name)
            for number, each in enumerate((*above, name)):
                found[each] = tuple(above[:number])
        return found

    @cached_property
    def undecided(self) -> tuple[tuple[str, Acuity, Matters], ...]:
        """The absent findings on which it depends which rules fire that could raise what is certain or add a cause, and
        which advice is given; each with the rung of such a rule. With every answer they only become fewer.
        """
        named = {id for rule in self.fired for id in rule.causes}
        known: dict[tuple[str, str, int | str | None], set[str]] = {}
        by_rung: dict[tuple[Acuity, Matters], set[str]] = {}
        for entry in self.open:
            if not (entry.could_fire or entry.could_be_excluded):
                continue
            sooner = entry.rule.acuity is Acuity.SOON and self.certain is Acuity.SOON
            raises = entry.rule.acuity > self.certain or sooner
            if raises or not named.issuperset(entry.rule.causes):
                names = self.reader.undecided_in(entry.rule.when, self.reading, known)
                by_rung.setdefault((entry.rule.acuity, "acuity" if raises else "cause"), set()).update(names)
        if self.certain is Acuity.SELF_CARE:
            explained = any(rule.acuity is Acuity.SELF_CARE for rule in self.fired)
            for rule in self._self_care_rules():
                names = self.reader.undecided_in(rule.when, self.reading, known)
                by_rung.setdefault((rule.acuity, "cause" if explained else "acuity"), set()).update(names)
                names = self.reader.undecided(self._advice_criteria(rule), self.reading, known)
                by_rung.setdefault((rule.acuity, "advice"), set()).update(names)
            if self.rules.lowest_age:
                by_rung.setdefault((Acuity.SELF_CARE, "acuity"), set()).add("age_years")
        return tuple(
            (name, rung, matters)
            for (rung, matters), names in by_rung.items()
            for name in names
            if name not in self.values and name not in self.not_applicable
        )

    def _advice_criteria(self, rule: Rule) -> list[Criterion]:
        """What forbids or changes the items of a self-care rule."""
        items = [self.rules.advice[id] for id in rule.do]
        return [
            criterion
            for item in items
            for criterion in (*item.contraindicated_by, *(change.criterion for change in item.modified_by))
        ]

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
