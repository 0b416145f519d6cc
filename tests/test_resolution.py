"""The resolution, told a second time as plainly as can be, and compared with the library's, field by field.

It shares no code with the library but the values: truths are looked up in a table of their own, nothing is compiled,
nothing is kept. What a rule set may say is made up at random, so that no fault can hide behind today's rules.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product
from random import Random
from typing import Any

import pytest
from attrs import evolve

from calf_triage import (
    UNSURE,
    Acuity,
    Assessment,
    Escalation,
    FindingError,
    RuleSet,
    SelfCare,
    _triage,
    load_rules,
    triage,
)
from calf_triage._advice import SELF_CARE_KINDS, Advice, AdviceKind, Dose, Modification, Region, Service
from calf_triage._assessment import (
    FiredRule,
    Item,
    Matters,
    Note,
    PossibleCause,
    Question,
    Reason,
    RuleSetId,
    UnsureRule,
    Withheld,
)
from calf_triage._criteria import Criterion, NamedCriterion, Score, When
from calf_triage._criteria import Item as Items
from calf_triage._findings import Finding, Findings, Kind, Value
from calf_triage._rules import Cause, Rule
from calf_triage._triage import resolve, triage_and_ask
from calf_triage.readings import durable
from calf_triage.readings import plain as readings_plain
from calf_triage.readings.plain import Plain, plain
from tests import _laws as laws
from tests import generated
from tests._rules import MINI, RULES
from tests.test_loader import PLANNED, InMemory

Truth = tuple[bool, bool]
"""Met, and refuted."""


# -- the second telling ------------------------------------------------------------------------------------------------


class Told:
    """What the rules say of one person's checked answers."""

    def __init__(self, rules: RuleSet, values: Mapping[str, Value]) -> None:
        self.rules, self.values = rules, values
        self.by_id = rules.findings.by_id
        self.fired = [rule for rule in rules if self.when(rule.when)[0]]
        above = [rule for rule in rules if rule.acuity > Acuity.SELF_CARE]
        self.open = [rule for rule in above if self.when(rule.when) == (False, False)]
        self.waiting = [rule for rule in self.open if self.when(rule.when, hoping=True)[0]]
        self.unsure = [rule for rule in self.open if rule not in self.waiting]
        self.kept = [rule for rule in self.open if not self.when(rule.when, hoping=True)[1]]
        self.established = highest(rule.acuity for rule in self.fired)
        self.not_excluded = highest(rule.acuity for rule in (*self.fired, *self.open))
        self.level = highest((self.established, *map(one_lower, self.unsure)))
        self.certain = highest((self.established, *map(one_lower, self.kept)))
        self.potential = highest(rule.acuity for rule in self.waiting)

    # -- truths ------------------------------------------------------------------------------------------------------

    def applies(self, name: str) -> bool:
        above = self.by_id[name].only_if
        return above is None or (self.values.get(above) is not False and self.applies(above))

    def truth(self, criterion: Criterion, hoping: bool = False) -> Truth:
        """Whether it is met, and whether it is refuted. hoping: an absent answer may be whatever suits."""
        if criterion.form == "named":
            return self.when(self.rules.criteria[criterion.name].when, hoping)
        if criterion.form == "score":
            items = [
                (item.points, self.truth(item.criterion, hoping)) for item in self.rules.scores[criterion.name].items
            ]
            reached = sum(points for points, (met, _) in items if met)
            possible = sum(points for points, (_, refuted) in items if not refuted)
            assert isinstance(criterion.value, int)
            return reached >= criterion.value, possible < criterion.value
        if not self.applies(criterion.name):
            return False, True
        value = self.values.get(criterion.name)
        if value is None:
            return hoping, hoping
        if criterion.form == "unsure":
            return value == UNSURE, value != UNSURE
        if value == UNSURE:
            return False, False
        if criterion.form == "yes":
            met = value is True
        elif criterion.form == "choice":
            met = value == criterion.value
        else:
            assert isinstance(value, int)
            assert isinstance(criterion.value, int)
            met = value >= criterion.value if criterion.form == "at_least" else value < criterion.value
        return met, not met

    def when(self, when: When, hoping: bool = False) -> Truth:
        parts = [self.truth(criterion, hoping) for criterion in when.all]
        parts += [self.truth(criterion, hoping)[::-1] for criterion in when.none]
        if when.any:
            either = [self.truth(criterion, hoping) for criterion in when.any]
            parts.append((any(met for met, _ in either), all(refuted for _, refuted in either)))
        return all(met for met, _ in parts), any(refuted for _, refuted in parts)

    def met(self, criterion: Criterion) -> bool:
        return self.truth(criterion)[0]

    def refuted(self, criterion: Criterion) -> bool:
        return self.truth(criterion)[1]

    # -- the answer --------------------------------------------------------------------------------------------------

    def assessment(self, region: str = "generic") -> Assessment:
        care = self.self_care() if self.not_excluded is Acuity.SELF_CARE else None
        settled = self.lowest() == self.most_acute(care)
        urged = max(self.level, min(self.potential, Acuity.SAME_DAY)) if self.potential > self.level else self.level
        rung = Acuity.SELF_CARE if care else max(urged, Acuity.ROUTINE)
        reason: Reason = "rules" if care else self.reason(settled)
        return Assessment(
            acuity=rung,
            disposition=care or self.escalation(rung),
            reason=reason,
            established=self.established,
            not_excluded=self.not_excluded,
            settled=settled,
            because=tuple(map(self.because, self.fired)),
            unsure_of=tuple(UnsureRule(rule.id, rule.acuity, rule.title) for rule in self.unsure),
            differential=self.differential(),
            unanswered=() if rung is Acuity.EMERGENCY else self.questions(),
            answers={name: self.by_id[name].shown(value) for name, value in self.values.items()},
            region=self.rules.regions[region],
            rule_set=RuleSetId(self.rules.name, self.rules.version, self.rules.sha256),
        )

    def lowest(self) -> Acuity:
        """No answers to the absent findings lead below this."""
        if self.certain is Acuity.SELF_CARE and not self.self_care_is_possible():
            return Acuity.ROUTINE
        return self.certain

    def most_acute(self, care: SelfCare | None) -> Acuity:
        """No answers to the absent findings lead above this."""
        return highest((self.level, self.potential, Acuity.SELF_CARE if care else Acuity.ROUTINE))

    def reason(self, settled: bool) -> Reason:
        nothing_yet = self.level is Acuity.SELF_CARE
        if not settled and (nothing_yet or self.potential > self.level):
            return "unfinished"
        if not nothing_yet:
            return "rules" if self.established is self.level else "unsure"
        if self.old_enough() is False:
            return "under_age"
        suffers = [
            self.by_id[name].kind in (Kind.SYMPTOM, Kind.SIGN) and value != self.by_id[name].benign
            for name, value in self.values.items()
        ]
        if not self.fired:
            return "unexplained" if any(suffers) else "no_symptom"
        return "age_unsure" if self.old_enough() is None else "no_item"

    def because(self, rule: Rule) -> FiredRule:
        met = tuple(criterion.text for criterion in (*rule.when.all, *rule.when.any) if self.met(criterion))
        return FiredRule(rule.id, rule.acuity, rule.title, rule.why, met, rule.sources)

    def differential(self) -> tuple[PossibleCause, ...]:
        found = []
        for id in dict.fromkeys(id for rule in self.fired for id in rule.causes):
            cause, naming = self.rules.causes[id], [rule for rule in self.fired if id in rule.causes]
            texts = dict.fromkeys(text for rule in naming for text in self.because(rule).met)
            against = tuple(criterion.text for criterion in cause.against if self.met(criterion))
            ids = tuple(rule.id for rule in naming)
            found.append(PossibleCause(id, cause.name, cause.must_not_miss, ids, tuple(texts), against, cause.evidence))
        return (*(one for one in found if one.must_not_miss), *(one for one in found if not one.must_not_miss))

    # -- self-care ---------------------------------------------------------------------------------------------------

    def old_enough(self) -> bool | None:
        if self.rules.lowest_age == 0:
            return True
        age = self.values.get("age_years", UNSURE)
        return None if age == UNSURE else bool(self.by_id["age_years"].number(age) >= self.rules.lowest_age)

    def self_care(self) -> SelfCare | None:
        given: dict[str, Advice] = {}
        withheld: dict[str, Advice] = {}
        counting = []
        for rule in self.fired:
            allowed = [id for id in rule.do if all(map(self.refuted, self.rules.advice[id].contraindicated_by))]
            counting += [rule] if allowed else []
            for id in rule.do:
                (given if id in allowed else withheld).setdefault(id, self.rules.advice[id])
        if not given or self.old_enough() is not True:
            return None
        return SelfCare(
            tuple(map(self.item, given.values())),
            tuple(
                Withheld(one.id, one.name, tuple(c.text for c in one.contraindicated_by if not self.refuted(c)))
                for one in withheld.values()
            ),
            min(rule.look_again_days[0] if rule.look_again_days else self.rules.look_again_days for rule in counting),
            self.help(counting),
        )

    def item(self, one: Advice) -> Item:
        changes = tuple(change.say for change in one.modified_by if not self.refuted(change.criterion))
        dose = "" if one.dose is None else str(one.dose)
        return Item(one.id, one.kind.value, one.name, one.steps, dose, changes, one.equipment, one.sources)

    def care_rules(self) -> list[Rule]:
        """Self-care rules that fire, or might."""
        care = [rule for rule in self.rules if rule.acuity is Acuity.SELF_CARE]
        return [rule for rule in care if self.when(rule.when)[0] or self.when(rule.when, hoping=True)[0]]

    def self_care_is_possible(self) -> bool:
        if self.old_enough() is False or (self.rules.lowest_age and self.values.get("age_years") == UNSURE):
            return False
        items = [self.rules.advice[id] for rule in self.care_rules() for id in rule.do]
        return any(all(self.truth(c, hoping=True)[1] for c in item.contraindicated_by) for item in items)

    # -- escalation --------------------------------------------------------------------------------------------------

    def escalation(self, rung: Acuity) -> Escalation:
        of_it = [rule for rule in self.fired if rule.acuity is rung]
        lowered = [rule for rule in self.unsure if one_lower(rule) is rung]
        counting = [*of_it, *lowered]
        # A routine rule that unsure answers leave open stays routine.
        own = [rule for rule in counting if rule.acuity is rung]
        places = {id for rule in own for id in rule.see}
        if not places or len(own) < len(counting):
            places |= {*self.rules.default_see[rung]}
        meanwhile = [id for rule in own for id in rule.meanwhile]
        avoid = [id for rule in counting for id in rule.avoid]
        at_odds = {
            id
            for id in (*meanwhile, *avoid)
            for other in (*meanwhile, *avoid)
            if other in self.rules.advice[id].conflicts_with or id in self.rules.advice[other].conflicts_with
        }
        days = [rule.look_again_days[0] for rule in counting if rule.look_again_days]
        below = rung < Acuity.SAME_DAY
        return Escalation(
            rung,
            tuple(service for service in sorted(self.rules.services.values(), key=rank) if service.id in places),
            self.hours(rung, counting),
            self.notes(id for id in meanwhile if id not in at_odds),
            self.notes(id for id in avoid if id not in at_odds),
            (min(days) if days else self.rules.look_again_days) if below else None,
            self.help(counting) if below else (),
        )

    def hours(self, rung: Acuity, counting: list[Rule]) -> int | None:
        if rung is not Acuity.SOON:
            return {Acuity.EMERGENCY: 0, Acuity.SAME_DAY: 24, Acuity.ROUTINE: None}[rung]
        within = [48 if rule.acuity is Acuity.SAME_DAY else rule.within_hours for rule in counting]
        return min([336, *filter(None, (*within, *(rule.within_hours for rule in self.waiting)))])

    def notes(self, ids: Iterable[str]) -> tuple[Note, ...]:
        return tuple(Note(id, self.rules.advice[id].steps[0]) for id in dict.fromkeys(ids))

    def help(self, counting: list[Rule]) -> tuple[Note, ...]:
        return self.notes((*self.rules.safety_net, *(id for rule in counting for id in rule.seek_help_if)))

    # -- questions ---------------------------------------------------------------------------------------------------

    def waits_for(self, criteria: Iterable[Criterion]) -> set[str]:
        """The findings on which criteria wait that are neither met nor refuted."""
        found: set[str] = set()
        for criterion in criteria:
            if self.truth(criterion) == (False, False):
                if criterion.form == "named":
                    found |= self.when_waits_for(self.rules.criteria[criterion.name].when)
                elif criterion.form == "score":
                    found |= self.waits_for(item.criterion for item in self.rules.scores[criterion.name].items)
                else:
                    found.add(criterion.name)
        return found

    def when_waits_for(self, when: When) -> set[str]:
        either = () if any(map(self.met, when.any)) else when.any
        return self.waits_for((*when.all, *when.none, *either))

    def undecided(self) -> list[tuple[str, Acuity, Matters]]:
        found: list[tuple[str, Acuity, Matters]] = []
        named = {id for rule in self.fired for id in rule.causes}
        for rule in self.open:
            if rule in self.kept and rule not in self.waiting:
                continue  # No absent answer decides it.
            raises = rule.acuity > self.certain or rule.acuity is self.certain is Acuity.SOON
            if raises or {*rule.causes} - named:
                found += [(id, rule.acuity, "acuity" if raises else "cause") for id in self.when_waits_for(rule.when)]
        if self.certain is Acuity.SELF_CARE:
            explained: Matters = "cause" if any(rule.acuity is Acuity.SELF_CARE for rule in self.fired) else "acuity"
            for rule in self.care_rules():
                found += [(id, Acuity.SELF_CARE, explained) for id in self.when_waits_for(rule.when)]
                for item in map(self.rules.advice.__getitem__, rule.do):
                    telling = (*item.contraindicated_by, *(change.criterion for change in item.modified_by))
                    found += [(id, Acuity.SELF_CARE, "advice") for id in self.waits_for(telling)]
            if self.rules.lowest_age:
                found.append(("age_years", Acuity.SELF_CARE, "acuity"))
        return [one for one in found if one[0] not in self.values and self.applies(one[0])]

    def absent_above(self, name: str) -> list[str]:
        above = self.by_id[name].only_if
        if above is None:
            return []
        return [*self.absent_above(above), *([] if above in self.values else [above])]

    def questions(self) -> tuple[Question, ...]:
        asked: dict[str, tuple[Acuity, Matters]] = {}
        order: list[Matters] = ["acuity", "cause", "advice"]
        for name, rung, matters in self.undecided():
            first = (*self.absent_above(name), name)[0]
            other_rung, other = asked.get(first, (rung, matters))
            asked[first] = max(rung, other_rung), min(matters, other, key=order.index)
        names = sorted(sorted(asked, key=[*self.by_id].index), key=lambda name: asked[name][0], reverse=True)
        return tuple(Question(name, self.by_id[name].asks, *asked[name]) for name in names)

    def may_be_asked(self) -> dict[str, tuple[str, ...]]:
        found = {}
        for name, _, _ in self.undecided():
            row = (*self.absent_above(name), name)
            found.update({each: row[:place] for place, each in enumerate(row)})
        return found


def highest(rungs: Iterable[Acuity]) -> Acuity:
    return max((Acuity.SELF_CARE, *rungs))


def one_lower(rule: Rule) -> Acuity:
    """What a rule counts that unsure answers leave open."""
    return {
        Acuity.EMERGENCY: Acuity.SAME_DAY,
        Acuity.SAME_DAY: Acuity.SOON,
        Acuity.SOON: Acuity.ROUTINE,
        Acuity.ROUTINE: Acuity.ROUTINE,
    }[rule.acuity]


def rank(service: Service) -> int:
    return service.rank


# -- made-up rule sets in which everything is said ---------------------------------------------------------------------


def rich(random: Random) -> RuleSet:
    """A made-up rule set whose rules differ in places, hours, days, notes, causes and items."""
    rules = generated.rule_set(random, random.randint(2, 8), random.randint(1, 8))
    own = generated.every_criterion(rules)
    on_findings = [criterion for criterion in own if criterion.form not in ("named", "score")]

    def some(of: Iterable[Any], most: int = 2, least: int = 0) -> tuple[Any, ...]:
        kept = list(of)
        return tuple(random.sample(kept, min(len(kept), random.randint(least, most))))

    advice: dict[str, Advice] = {}
    for number, kind in enumerate((*some(SELF_CARE_KINDS, 4, 2), *[AdviceKind.FIRST_AID] * 3, *[AdviceKind.AVOID] * 3)):
        id = f"{kind.value}_{number}"
        self_care = kind in SELF_CARE_KINDS
        changes = [Modification(criterion, f"Change {criterion.text}.") for criterion in some(own if self_care else ())]
        advice[id] = Advice(
            id,
            kind,
            f"Item {number}",
            (f"First {number}.", f"Then {number}."),
            (generated.SOURCE,),
            random.choice((None, Dose(sets=(number + 1, number + 2), weeks=(4, 4)))) if self_care else None,
            some(("a chair", "a step"), 1),
            contraindicated_by=some(random.choice((own, on_findings, ()))) if self_care else (),
            modified_by=tuple(changes),
        )
    aid = [id for id, item in advice.items() if item.kind not in SELF_CARE_KINDS]
    for id in aid:
        others = some([other for other in aid if other != id], 1) if random.random() < 0.4 else ()
        advice[id] = evolve(advice[id], conflicts_with=others)
    nets = [f"net_{number}" for number in range(3)]
    advice |= {id: Advice(id, AdviceKind.SAFETY_NET, id, (f"Say {id}.",), (generated.SOURCE,)) for id in nets}
    of_kind = {kind: [id for id, item in advice.items() if item.kind is kind] for kind in AdviceKind}
    causes = [f"cause_{number}" for number in range(4)]
    places = [Service(f"place_{number}", f"Place {number}", number) for number in range(4)]

    def said(rule: Rule) -> Rule:
        care, below = rule.acuity is Acuity.SELF_CARE, rule.acuity < Acuity.SAME_DAY
        days = sorted(random.sample(range(1, 60), random.randint(0, 2))) if below else []
        return evolve(
            rule,
            causes=some(causes),
            see=() if care else some([place.id for place in places]),
            within_hours=random.choice((48, 72, 336, None)) if rule.acuity is Acuity.SOON else None,
            look_again_days=tuple(days),
            seek_help_if=some(nets) if below else (),
            meanwhile=() if care else some(of_kind[AdviceKind.FIRST_AID]),
            avoid=() if care else some(of_kind[AdviceKind.AVOID]),
            do=some([id for id, item in advice.items() if item.kind in SELF_CARE_KINDS], 3, 1) if care else (),
        )

    made = [said(rule) for rule in rules]
    if random.random() < 0.7:
        # Most made-up answers fire something; so half of the rule sets have nothing, or little, above self-care.
        calm = [
            evolve(rule, acuity=Acuity.SELF_CARE, id=f"calm_{rule.id}") for rule in made if rule.within_hours is None
        ]
        acute = [rule for rule in made if rule.acuity > Acuity.SELF_CARE][: random.randint(0, 1)]
        made = [*acute, *map(said, calm)]
    by_id = {name: kinds(random, finding) for name, finding in rules.findings.by_id.items()}
    if random.random() < 0.3:
        age = by_id["age_years"]
        by_id["age_years"] = evolve(age, decimals=1, high=age.high * 10)
    return evolve(
        rules,
        findings=Findings(by_id, rules.findings.screens),
        rules=tuple(sorted(made, key=lambda rule: -rule.acuity)),
        advice=advice,
        causes={
            id: Cause(id, id.upper(), random.random() < 0.5, some(own), random.choice((None, "It is said.")))
            for id in causes
        },
        services={place.id: place for place in random.sample(places, 4)},
        regions={
            "generic": Region("generic", "elsewhere", "your local emergency number"),
            "GB": Region("GB", "United Kingdom", "999", "111"),
        },
        default_see={rung: some([place.id for place in places], 2, 1) for rung in Acuity if rung},
        safety_net=some(nets, 2, 1),
        lowest_age=random.choice((0, 16, 16)),
        look_again_days=random.randint(1, 60),
    )


def kinds(random: Random, finding: Finding) -> Finding:
    """The finding as another sort of thing, and with another answer that says nothing."""
    if finding.id == "age_years":
        return finding
    benign = random.random() < 0.2 if finding.type == "yes_no" else finding.benign
    return evolve(finding, kind=random.choice(list(Kind)), benign=benign)


def people(random: Random, rules: RuleSet) -> list[dict[str, Value]]:
    """Nothing; and some who told more or less, their age often with it, often right at the lowest age."""
    found: list[dict[str, Value]] = [{}]
    high = rules.findings.by_id["age_years"].high
    lowest = rules.lowest_age * 10 ** rules.findings.by_id["age_years"].decimals
    for answered in (0.2, 0.5, 0.8, 0.9, 1, 1):
        values = generated.random_answers(random, rules, answered)
        if random.random() < 0.6:
            values["age_years"] = random.choice((lowest, max(0, lowest - 1), high, UNSURE, UNSURE))
        found.append({name: values[name] for name in rules.findings.by_id if name in values})
    return found


def shown(rules: RuleSet, values: Mapping[str, Value]) -> dict[str, Any]:
    """Checked answers as they were given."""
    return {name: rules.findings.by_id[name].shown(value) for name, value in values.items()}


# -- the laws ----------------------------------------------------------------------------------------------------------

REASONS = ["rules", "unsure", "unfinished", "no_symptom", "unexplained", "under_age", "age_unsure", "no_item"]


def test_the_library_resolves_as_it_is_told_here() -> None:
    """On made-up rules and answers every field of the answer, and what may still be asked, is as it is told here."""
    random, reached = Random(1), Counter[str]()
    for _ in range(120):
        rules = rich(random)
        for values in people(random, rules):
            told = Told(rules, values)
            found, may_be_asked = triage_and_ask(shown(rules, values), rules=rules, engine="plain")
            expected = told.assessment()
            assert found == expected
            assert list(found.answers) == list(expected.answers)
            assert may_be_asked() == told.may_be_asked()
            reached.update((found.acuity.name, found.reason, "settled" if found.settled else "not settled"))
    rungs = [rung.name for rung in Acuity]
    assert all(reached[one] >= 8 for one in (*rungs, *REASONS, "settled", "not settled")), reached


def test_the_library_resolves_the_small_set_as_it_is_told_here() -> None:
    """So it is on all that can be told apart about the small rule set, and on the bundled rules' own examples."""
    for answers in laws.probes(MINI)[::6]:
        assert triage(answers, rules=MINI, engine="plain") == Told(MINI, laws.checked(MINI, answers)).assessment()
    for rule in [*RULES][::40]:
        answers = dict(rule.examples[0].given)
        assert triage(answers, engine="plain") == Told(RULES, laws.checked(RULES, answers)).assessment()


def test_what_is_open_in_a_picture_is_asked_and_what_is_decided_is_not() -> None:
    """Through named criteria and scores, one in the other, only what they still wait for is asked."""
    findings = {name: generated.yes_no(name, order) for order, name in enumerate("abcde")}
    a, b, c, d, e = (Criterion(name, "yes", name) for name in findings)
    inner = Criterion("inner", "named", "inner")
    some = [Criterion(f"sum >= {n}", "score", "sum", n) for n in (1, 2, 3)]
    criteria = {
        "inner": NamedCriterion("inner", "Made up", When(all=(c,), any=(a, b))),
        "outer": NamedCriterion("outer", "Made up", When(any=(inner, d), none=(e,))),
    }
    scores = {"sum": Score("sum", "Made up", tuple(Items(one, points) for one, points in ((a, 1), (inner, 2))))}
    for when in (
        When(all=(inner,)),
        When(all=(Criterion("outer", "named", "outer"),)),
        *(When(all=(one,), any=(d, inner)) for one in some),
        When(any=(inner, d), none=(e,)),
    ):
        made = [generated.rule("one", Acuity.ROUTINE, when), generated.rule("two", Acuity.ROUTINE, When(any=(a, e)))]
        rules = evolve(generated.finished(findings, made, criteria, scores), lowest_age=0)
        for told in product(*[(None, True, False)] * 5):
            values = {name: answer for name, answer in zip(findings, told, strict=True) if answer is not None}
            found, may_be_asked = triage_and_ask(values, rules=rules, engine="plain")
            expected = Told(rules, values)
            assert found == expected.assessment()
            assert may_be_asked() == expected.may_be_asked()


def test_a_rule_is_taken_away_as_if_it_were_not_there() -> None:
    """`resolve` without a rule answers as the rule set without it does, but that the rule is still among the rules."""
    random = Random(2)
    fired = 0
    for _ in range(40):
        rules = rich(random)
        for values in people(random, rules)[2:]:
            assert resolve(rules, values) == Told(rules, values).assessment()
            for number, rule in enumerate(rules):
                rest = evolve(rules, rules=tuple(other for other in rules if other is not rule))
                assert resolve(rules, values, without=number) == Told(rest, values).assessment()
                fired += number in plain(rules).read(values).fired
    assert fired > 100


def test_resolve_says_that_the_plain_reading_decided() -> None:
    """It asks no engine, and gives the wording for a country that is not known."""
    found = resolve(MINI, {})
    assert found.decided_by == "plain"
    assert found.region == MINI.regions["generic"]


NO_COUNTRIES: list[object] = ["XX", "GBR", "G", "", None, 44, b"GB", ["G", "B"]]
COUNTRIES: list[tuple[object, str]] = [
    *((name, "GB") for name in ("GB", "gb", "Gb")),
    *((name, "generic") for name in NO_COUNTRIES),
]


def test_a_child_of_a_process_reads_the_bundled_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever held the lock when the process was forked, the child does not wait for it."""
    held = threading.Lock()
    held.acquire()
    monkeypatch.setattr(_triage, "_loading", held)
    _triage._after_fork_in_child()
    assert _triage.bundled_rules() is RULES


@pytest.mark.parametrize(("region", "known"), COUNTRIES)
def test_a_country_is_two_letters_and_anything_else_is_none(region: Any, known: str) -> None:
    """Two letters, large or small, of a country that the rules know give its numbers; anything else general wording."""
    assert triage({}, rules=MINI, region=region).region == MINI.regions[known]


def test_a_region_of_another_length_is_not_looked_up() -> None:
    """Only two letters name a country, even where the rules have a longer name for one."""
    rules = evolve(MINI, regions={**MINI.regions, "GBR": Region("GBR", "nowhere", "0")})
    assert triage({}, rules=rules, region="GBR").region == rules.regions["generic"]


def test_what_is_wrong_with_the_arguments_is_said_in_words() -> None:
    """An engine that is none, and rules that are none, are told with what would be right."""
    with pytest.raises(ValueError, match=r'^engine: expected "durable", "plain" or None$'):
        triage({}, rules=MINI, engine="fast")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^rules: expected a RuleSet, as load_rules\(folder\) gives it$"):
        triage({}, rules="rules")  # type: ignore[arg-type]


def test_a_problem_hides_nothing_from_the_same_day_up() -> None:
    """The triage of the readable answers comes with the error just where it is SAME_DAY or above."""
    random, seen = Random(3), Counter[Acuity]()
    for _ in range(30):
        rules = rich(random)
        for values in people(random, rules):
            with pytest.raises(FindingError) as raised:
                triage({**shown(rules, values), "nonsense": True}, rules=rules, engine="plain")
            expected = Told(rules, values).assessment()
            assert raised.value.assessment == (expected if expected.acuity >= Acuity.SAME_DAY else None)
            assert raised.value.problems == ("'nonsense': unknown finding",)
            seen[expected.acuity] += 1
    assert all(seen[rung] for rung in Acuity)


class Kept(logging.Handler):
    """What was logged, in words."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")


def test_who_decided_is_told_word_for_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both readings alike, one alone, or both at odds: `decided_by` and the log say which, rules by their ids."""
    answers = {"one_leg_swollen": True, "breathless": True}
    kept = Kept()
    monkeypatch.setattr(logging.getLogger("calf_triage"), "handlers", [kept])
    given = {"breathless": True, "one_leg_swollen": True}
    monkeypatch.setattr(durable, "fired", lambda rules, values: (0, 1) if rules is MINI and values == given else ())
    assert triage(answers, rules=MINI).decided_by == "durable-rules"
    assert triage(answers, rules=MINI, engine="durable").decided_by == "durable-rules"
    assert triage(answers, rules=MINI, engine="plain").decided_by == "plain"
    assert kept.lines == []
    monkeypatch.setattr(durable, "fired", lambda *_: (1, 3, 4))
    found = triage(answers, rules=MINI)
    assert {rule.id for rule in found.because} == {"suspected_embolism", "suspected_clot", "pain", "disuse"}
    assert found.decided_by == "durable-rules and plain (they disagree on suspected_embolism, pain, disuse)"
    (line,) = kept.lines
    disagree = "durable-rules and the plain reading disagree on: suspected_embolism, pain, disuse"
    assert line == f"ERROR {disagree}; both are taken to fire"


# -- the plain reading -------------------------------------------------------------------------------------------------


def test_the_plain_reading_finds_what_is_told_here() -> None:
    """Every criterion is met or refuted, or might yet be, as the table says, wherever it stands; so is every `when`."""
    random = Random(4)
    for _ in range(60):
        rules = rich(random)
        reader, criteria = plain(rules), every_one(rules)
        for values in people(random, rules):
            reading, told = reader.read(values), Told(rules, values)
            for criterion in criteria:
                assert (reader.is_met(criterion, reading), reader.is_refuted(criterion, reading)) == told.truth(
                    criterion
                )
                may_be = (reader.may_be_met(criterion, reading), reader.may_be_refuted(criterion, reading))
                assert may_be == told.truth(criterion, hoping=True)
            stands = [told.when(rule.when) for rule in rules]
            might = [told.when(rule.when, hoping=True) for rule in rules]
            assert reading.fired == tuple(number for number, (met, _) in enumerate(stands) if met)
            assert reading.excluded == {number for number, (_, refuted) in enumerate(stands) if refuted}
            assert reading.could_fire == {number for number, (met, _) in enumerate(might) if met}
            assert reading.could_be_excluded == {number for number, (_, refuted) in enumerate(might) if refuted}
            assert [reader.holds(rule.when, reading) for rule in rules] == [met for met, _ in stands]


def every_one(rules: RuleSet) -> list[Criterion]:
    """All criteria of a rule set, wherever they stand."""
    found = generated.every_criterion(rules)
    found += [criterion for cause in rules.causes.values() for criterion in cause.against]
    for item in rules.advice.values():
        found += [*item.contraindicated_by, *(change.criterion for change in item.modified_by)]
    return found


def test_a_law_and_a_plan_are_read_like_rules() -> None:
    """The criteria of laws, and of what steers a plan, stand as the table says, also where no rule reads them."""
    random = Random(5)
    folder: Any = InMemory(PLANNED)
    for rules in (load_rules(folder), RULES):
        assert rules.laws
        assert rules.plan is not None
        reader = plain(rules)
        criteria = [*(criterion for law in rules.laws for criterion in law.when), *rules.plan.criteria()]
        for values in ({}, *(generated.random_answers(random, rules, answered) for answered in (0.5, 0.9))):
            reading, told = reader.read(values), Told(rules, values)
            for criterion in criteria:
                assert (reader.is_met(criterion, reading), reader.is_refuted(criterion, reading)) == told.truth(
                    criterion
                )
            for law in rules.laws:
                assert reader.holds(law.when, reading) == told.when(law.when)[0]


def test_a_number_parts_the_answers_where_it_stands() -> None:
    """On each side of a number in a rule, zero too, a comparison is met and refuted as the table says."""
    size = generated.measurement("size_cm", 0, -5, 5)
    for cuts in ((0,), (1,), (-1,), (0, 3), (-3, 0, 1)):
        criteria = [Criterion(f"size_cm >= {cut}", "at_least", "size_cm", cut) for cut in cuts]
        criteria += [Criterion(f"size_cm < {cut}", "below", "size_cm", cut) for cut in cuts]
        made = [generated.rule(f"rule_{n:02}", Acuity.ROUTINE, When(all=(one,))) for n, one in enumerate(criteria)]
        rules = generated.finished({"size_cm": size}, made)
        told_sizes: list[Value] = [UNSURE, *range(-5, 6)]
        answers: list[dict[str, Value]] = [{}, *({"size_cm": one} for one in told_sizes)]
        for values in answers:
            reading, told = plain(rules).read(values), Told(rules, values)
            for one in criteria:
                stands = plain(rules).is_met(one, reading), plain(rules).is_refuted(one, reading)
                assert stands == told.truth(one), (one.text, values)


def test_the_table_of_opposites_is_what_makes_it() -> None:
    """The opposite of each standing is kept in a table; those of met and refuted are each other."""
    table = readings_plain._OPPOSITE
    assert [readings_plain._opposite(standing) for standing in range(len(table))] == [*table]
    for standing in (readings_plain._IS_MET, readings_plain._IS_REFUTED):
        assert table[table[standing]] == standing
    assert table[readings_plain._IS_MET] == readings_plain._IS_REFUTED


def test_a_rule_set_is_read_in_once() -> None:
    """The plain reading is kept with the rule set; what is no reading in its place is replaced."""
    rules = evolve(MINI)
    first = plain(rules)
    assert plain(rules) is first
    rules.readings["plain"] = "nothing"
    assert isinstance(plain(rules), Plain)
    assert plain(rules) is rules.readings["plain"]
    assert _triage.bundled_rules() is RULES
