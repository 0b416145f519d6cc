"""A second encoding, for z3, written from the truth table and the resolution of the design and from no other encoder.

It keeps whole numbers where the first has cells, sums where that has gates, and a maximum of rungs where that has one
literal for each; so that one mistake is hardly made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from calf_triage import UNSURE, Acuity, RuleSet
from calf_triage._criteria import Criterion, When
from calf_triage._findings import Finding

# Where one of the two solvers has no wheel, the tests that import this are skipped, and say so.
pytest.importorskip("pysat", reason="python-sat is not installed for this interpreter")
z3: Any = pytest.importorskip("z3", reason="z3-solver is not installed for this interpreter")

Formula = Any
"""A term of z3, which is untyped."""


class Person:
    """Answers to all findings as z3 variables: whether answered, whether unsure, and the value as a whole number."""

    def __init__(self, rules: RuleSet, tag: str, whole: bool) -> None:
        self.rules, self.by_id = rules, rules.findings.by_id
        self.answered = {name: z3.Bool(f"{tag}.{name}.answered") for name in self.by_id}
        self.unsure = {name: z3.Bool(f"{tag}.{name}.unsure") for name in self.by_id}
        self.value = {name: z3.Int(f"{tag}.{name}") for name in self.by_id}
        self.known: dict[tuple[object, ...], Formula] = {}
        self.axioms: list[Formula] = []
        for name, finding in self.by_id.items():
            low, high = {
                "yes_no": (0, 1),
                "choice": (0, len(finding.choices) - 1),
                "measurement": (finding.low, finding.high),
            }[finding.type]
            self.axioms += [self.value[name] >= low, self.value[name] <= high]
            self.axioms.append(z3.Implies(self.unsure[name], self.answered[name]))
            self.axioms.append(z3.Implies(self.answered[name], self.applies(name)))
            if whole:
                self.axioms.append(z3.Implies(self.applies(name), self.answered[name]))

    def is_no(self, name: str) -> Formula:
        return z3.And(self.answered[name], z3.Not(self.unsure[name]), self.value[name] == 0)

    def says(self, name: str, answer: bool | str) -> Formula:
        if answer == UNSURE:
            return self.unsure[name]
        return z3.And(self.answered[name], z3.Not(self.unsure[name]), self.value[name] == int(answer is True))

    def says_at_least(self, name: str, number: int) -> Formula:
        known = z3.And(self.answered[name], z3.Not(self.unsure[name]))
        return z3.And(known, self.value[name] >= number * 10 ** self.by_id[name].decimals)

    def applies(self, name: str) -> Formula:
        above = self.by_id[name].only_if
        return z3.BoolVal(True) if above is None else z3.And(self.applies(above), z3.Not(self.is_no(above)))

    # -- met and refuted; may: as they might become ------------------------------------------------------------------

    def truth(self, criterion: Criterion, met: bool, may: bool = False) -> Formula:
        key = (criterion.form, criterion.name, criterion.value, met, may)
        if key not in self.known:
            self.known[key] = self._truth(criterion, met, may)
        return self.known[key]

    def _truth(self, criterion: Criterion, met: bool, may: bool) -> Formula:
        name = criterion.name
        if criterion.form == "named":
            return self.when(self.rules.criteria[name].when, met, may)
        if criterion.form == "score":
            items = self.rules.scores[name].items
            least = z3.Sum([z3.If(self.truth(item.criterion, True, may), item.points, 0) for item in items])
            most = z3.Sum([z3.If(self.truth(item.criterion, False, may), 0, item.points) for item in items])
            return least >= criterion.value if met else most < criterion.value
        said = z3.And(self.answered[name], self.applies(name))
        absent = z3.And(z3.Not(self.answered[name]), self.applies(name))
        if criterion.form == "unsure":
            found = z3.And(said, self.unsure[name]) if met else z3.And(said, z3.Not(self.unsure[name]))
        else:
            holds = self.holds(criterion, self.by_id[name])
            found = z3.And(said, z3.Not(self.unsure[name]), holds if met else z3.Not(holds))
        if not met:
            found = z3.Or(found, z3.Not(self.applies(name)))
        return z3.Or(found, absent) if may else found

    def holds(self, criterion: Criterion, finding: Finding) -> Formula:
        value = self.value[finding.id]
        if criterion.form == "yes":
            return value == 1
        if criterion.form == "choice":
            return value == [choice.id for choice in finding.choices].index(str(criterion.value))
        return value >= criterion.value if criterion.form == "at_least" else value < criterion.value

    def when(self, when: When, met: bool, may: bool = False) -> Formula:
        parts = [self.truth(criterion, met, may) for criterion in when.all]
        parts += [self.truth(criterion, not met, may) for criterion in when.none]
        if when.any:
            either = [self.truth(criterion, met, may) for criterion in when.any]
            parts.append(z3.Or(either) if met else z3.And(either))
        return z3.And(parts) if met else z3.Or(parts)


class Answer:
    """What the rules make of a person, in the five steps of the design."""

    def __init__(self, rules: RuleSet, person: Person) -> None:
        self.person, self.rules = person, rules
        self.fired = [person.when(rule.when, True) for rule in rules]
        self.excluded = [person.when(rule.when, False) for rule in rules]
        able = [person.when(rule.when, True, may=True) for rule in rules]
        open_ = [z3.Not(z3.Or(pair)) for pair in zip(self.fired, self.excluded, strict=True)]
        rungs = [int(rule.acuity) for rule in rules]
        lower = [rung and max(rung - 1, 1) for rung in rungs]
        by_absent = [z3.And(pair) for pair in zip(open_, able, strict=True)]
        by_unsure = [z3.And(one, z3.Not(other)) for one, other in zip(open_, able, strict=True)]
        self.established = most_of(rungs, self.fired)
        self.not_excluded = most(self.established, most_of(rungs, open_))
        self.level = most(self.established, most_of(lower, by_unsure))
        potential = most_of(rungs, by_absent)
        age = person.says_at_least("age_years", rules.lowest_age) if rules.lowest_age else z3.BoolVal(True)
        self.items = {id: self._given(id) for rule in rules for id in rule.do}
        self.care = z3.And(self.not_excluded == 0, age, z3.Or(list(self.items.values())))
        raised = most(most(1, self.level), z3.If(potential > 3, 3, potential))
        self.acuity = z3.If(self.care, 0, raised)

    def _given(self, id: str) -> Formula:
        offered = [fired for rule, fired in zip(self.rules, self.fired, strict=True) if id in rule.do]
        contraindications = self.rules.advice[id].contraindicated_by
        return z3.And(z3.Or(offered), *(self.person.truth(criterion, False) for criterion in contraindications))


def most(one: Formula, other: Formula) -> Formula:
    return z3.If(one >= other, one, other)


def most_of(rungs: Iterable[int], holds: Iterable[Formula]) -> Formula:
    pairs = [*zip(rungs, holds, strict=True)]
    found: Formula = z3.IntVal(0)
    for rung in sorted({rung for rung, _ in pairs} - {0}):
        found = z3.If(z3.Or([formula for other, formula in pairs if other == rung]), rung, found)
    return found


# -- the questions -----------------------------------------------------------------------------------------------------

Parts = Iterator[tuple[str, Formula]]
"""What is asked, in the words of the first encoder, and what must be true of nobody (or, of EVER, of somebody)."""


def satisfiable(rules: RuleSet) -> Parts:
    answer = whole(rules)
    for rule, fired in zip(rules, answer.fired, strict=True):
        yield f"{rule.acuity.word}/{rule.id}.toml: fires for nobody", z3.And(fired, *answer.person.axioms)


def monotone(rules: RuleSet) -> Parts:
    before, after = whole(rules, "before"), whole(rules, "after")
    one, other = before.person, after.person
    for name in red_flags(rules):
        same = [alike(one, other, rest) for rest in rules.findings.by_id if not hangs_from(rules, rest, name)]
        for said, word in ((True, "yes"), (UNSURE, "not sure")):
            turned = z3.And(one.says(name, False), other.says(name, said), *same, *one.axioms, *other.axioms)
            yield f"{name}: from no to {word} lowers the answer", z3.And(turned, after.acuity < before.acuity)


def red_floor(rules: RuleSet) -> Parts:
    answer = partial(rules)
    for name in red_flags(rules):
        floor = rules.findings.by_id[name].floor
        assert floor is not None
        for said, word, least in ((True, "yes", floor), (UNSURE, "not sure", Acuity(max(floor - 1, 1)))):
            below = z3.And(answer.person.says(name, said), answer.acuity < int(least), *answer.person.axioms)
            yield f"{name}: {word} ends below {least.word}", below


def clinical_floors(rules: RuleSet) -> Parts:
    answer = partial(rules)
    for law in rules.laws:
        below = z3.And(answer.person.when(law.when, True), answer.acuity < int(law.at_least), *answer.person.axioms)
        yield f"laws.toml: [{law.id}]: the answer is below {law.at_least.word}", below


def self_care_safe(rules: RuleSet) -> Parts:
    less, more, known = said_and_more(rules)
    yield "self-care is lost by saying more", z3.And(less.acuity == 0, more.acuity > 0, *known)


def no_contraindication(rules: RuleSet) -> Parts:
    answer, person = (found := partial(rules)), found.person
    for id, given in answer.items.items():
        for criterion in rules.advice[id].contraindicated_by:
            spite = z3.And(answer.care, given, z3.Not(person.truth(criterion, False)), *person.axioms)
            yield f"advice/: [{id}]: advised in spite of {criterion.text!r}", spite


def bracket(rules: RuleSet) -> Parts:
    less, more, known = said_and_more(rules)
    yield "saying more lowers `established`", z3.And(more.established < less.established, *known)
    above = z3.And(more.established > less.not_excluded, *known)
    yield "saying more takes `established` above `not_excluded`", above


def refine(rules: RuleSet) -> Parts:
    less, more, known = said_and_more(rules)
    yield "saying more raises `not_excluded`", z3.And(more.not_excluded > less.not_excluded, *known)


QUESTIONS: dict[str, Callable[[RuleSet], Parts]] = {
    "SATISFIABLE": satisfiable,
    "MONOTONE": monotone,
    "RED_FLOOR": red_floor,
    "CLINICAL_FLOORS": clinical_floors,
    "SELF_CARE_SAFE": self_care_safe,
    "NO_CONTRAINDICATION": no_contraindication,
    "BRACKET": bracket,
    "REFINE": refine,
}
EVER = {"SATISFIABLE"}


def refuted(rules: RuleSet, question: str) -> set[str]:
    """The parts of a question that do not hold."""
    left = dict(QUESTIONS[question](rules))
    possible: set[str] = set()
    solver = z3.Solver()
    solver.add(z3.Or(list(left.values())))
    while (answer := solver.check()) == z3.sat:
        model = solver.model()
        shown = {about for about, formula in left.items() if z3.is_true(model.eval(formula, model_completion=True))}
        assert shown, "z3 says that there is one more, and shows none"
        possible |= shown
        left = {about: formula for about, formula in left.items() if about not in shown}
        solver.add(z3.Or(list(left.values())))
    assert answer == z3.unsat
    return set(left) if question in EVER else possible


def whole(rules: RuleSet, tag: str = "whole") -> Answer:
    return Answer(rules, Person(rules, tag, whole=True))


def partial(rules: RuleSet, tag: str = "partial") -> Answer:
    return Answer(rules, Person(rules, tag, whole=False))


def said_and_more(rules: RuleSet) -> tuple[Answer, Answer, list[Formula]]:
    less, more = partial(rules, "less"), partial(rules, "more")
    one, other = less.person, more.person
    kept = [z3.Implies(one.answered[name], alike(one, other, name)) for name in rules.findings.by_id]
    return less, more, [*one.axioms, *other.axioms, *kept]


def alike(one: Person, other: Person, name: str) -> Formula:
    pairs = [(people.answered[name], people.unsure[name], people.value[name]) for people in (one, other)]
    return z3.And([mine == its for mine, its in zip(*pairs, strict=True)])


def red_flags(rules: RuleSet) -> list[str]:
    return [name for name, finding in rules.findings.by_id.items() if finding.floor is not None]


def hangs_from(rules: RuleSet, name: str, other: str) -> bool:
    above: str | None = name
    while above is not None and above != other:
        above = rules.findings.by_id[above].only_if
    return above is not None
