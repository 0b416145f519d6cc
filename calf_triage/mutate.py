"""Changes a rule set in many small ways, each as an author might by mistake, and tells which of them nothing notices.

A mutant is the rule set with one such change. It is killed by the rules' own examples, by whole cases or by a proof. A
mutant that gives everybody the answer of the original, which a solver decides, is equivalent: part of the rule set is
then said twice. What is left has survived, and is shown with the smallest answers that would tell it from the original.
Floors, clinical laws and the plan are not changed: they are second statements, against which the first is held.

Needs python-sat: `pip install "calf-triage[verify]"`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from random import Random
from typing import Final, Literal

from attrs import evolve, field, frozen

from calf_triage._assessment import RuleSetId, SelfCare
from calf_triage._criteria import Criterion, Item, When
from calf_triage._errors import did_you_mean, shown
from calf_triage._findings import UNSURE, Acuity, Answer, Value
from calf_triage._load import example_values
from calf_triage._rules import Example, Rule, RuleSet
from calf_triage._text import Node, Section, Table
from calf_triage._triage import resolve
from calf_triage.check import with_all_below
from calf_triage.readings.plain import plain
from calf_triage.readings.sat import ABSENT, NOT_APPLICABLE, Circuit, Person, State, cells
from calf_triage.verify import MUTANTS, VerifyError, need_solver, verify
from calf_triage.verify.prover import Case, NotReplayedError, OutOfTimeError, Prover
from calf_triage.verify.questions import QUESTIONS
from calf_triage.verify.resolution import OUTCOME, RUNGS, Resolution
from calf_triage.vignettes import Vignette, unexpected

__all__ = [
    "OPERATORS",
    "Fate",
    "KillingReport",
    "Mutant",
    "Mutation",
    "NotReplayedError",
    "Suite",
    "Told",
    "VerifyError",
    "mutants",
    "mutate",
]

OPERATORS: Final = {
    "delete_rule": "a rule is gone",
    "drop_criterion": "a criterion is gone",
    "any_all": "`any` is read as `all`, or `all` as `any`",
    "threshold": "a number is one step of its grid higher or lower",
    "choice": "another choice, the next or the one before",
    "points": "a point more or less",
    "rung": "a rule is one rung higher or lower",
    "drop_contraindication": "a contraindication is gone",
    "unsure_to_no": "who is not sure counts as one who says no",
}
"""What each operator does, by name."""

Suite = Literal["examples", "cases", "proofs"]
Outcome = Literal["killed", "equivalent", "survived", "undecided"]

SECONDS_A_MUTANT: Final = 60.0
"""For the question whether a mutant is equivalent, and for each gate."""

_GATES: Final = ("CLINICAL_FLOORS", "RED_FLOOR", "SATISFIABLE", "EFFECTIVE", "NECESSARY", "MIRROR")
"""The gates that are asked of a mutant. REACHABLE is asked where a finding is left unread. MONOTONE would take too
long; the others hold of any rules, by how answers are made."""

_PARTS: Final = (*OUTCOME, "advice")


@frozen
class Mutant:
    """A rule set with one change. change: the file, the place, and what is other there."""

    operator: str
    change: str
    rules: RuleSet = field(repr=False)


# -- the operators -----------------------------------------------------------------------------------------------------


def mutants(rules: RuleSet, operator: str | None = None) -> Iterator[Mutant]:
    """Every mutant of a rule set, in a fixed order; those of one operator, if it is named."""
    for name, change, mutated in (*_of_rules(rules), *_of_criteria(rules), *_of_scores(rules), *_of_advice(rules)):
        if operator in (None, name):
            yield Mutant(name, change, mutated)


_Change = tuple[str, str, RuleSet]


def _of_rules(rules: RuleSet) -> Iterator[_Change]:
    for number, rule in enumerate(rules):
        file, before, after = f"{rule.acuity.word}/{rule.id}.toml", rules.rules[:number], rules.rules[number + 1 :]
        yield "delete_rule", f"{file}: deleted", evolve(rules, rules=(*before, *after))
        for rung in (rule.acuity + 1, rule.acuity - 1):
            if rung in [*Acuity]:
                moved = _moved(rule, Acuity(rung))
                word = moved.acuity.word
                yield "rung", f"{file}: moved to {word}/", evolve(rules, rules=(*before, moved, *after))
        for operator, change, when in _of_when(rules, rule.when):
            mutated = evolve(rules, rules=(*before, evolve(rule, when=when), *after))
            yield operator, f"{file}: [when] {change}", mutated
    for age in (rules.lowest_age + 1, rules.lowest_age - 1):
        if rules.lowest_age and age:
            change = f"ruleset.toml: lowest_age: {rules.lowest_age} -> {age}"
            yield "threshold", change, evolve(rules, lowest_age=age)


def _moved(rule: Rule, rung: Acuity) -> Rule:
    """A rule on another rung, without what that rung does not know."""
    lower = rung < Acuity.SAME_DAY
    return evolve(
        rule,
        acuity=rung,
        within_hours=rule.within_hours if lower else None,
        look_again_days=rule.look_again_days if lower else (),
        seek_help_if=rule.seek_help_if if lower else (),
        do=rule.do if rung is Acuity.SELF_CARE else (),
    )


def _of_criteria(rules: RuleSet) -> Iterator[_Change]:
    for id, named in rules.criteria.items():
        for operator, change, when in _of_when(rules, named.when):
            mutated = evolve(rules, criteria={**rules.criteria, id: evolve(named, when=when)})
            yield operator, f"criteria.toml: [{id}] {change}", mutated


def _of_scores(rules: RuleSet) -> Iterator[_Change]:
    for id, score in rules.scores.items():
        for number, item in enumerate(score.items):
            before, after = score.items[:number], score.items[number + 1 :]
            text, place = item.criterion.text, f"scores.toml: [{id}] points"
            others: list[tuple[str, str, tuple[Item, ...]]] = [
                (operator, f"{text!r} -> {other.text!r}", (evolve(item, criterion=other),))
                for operator, other in _neighbours(rules, item.criterion)
            ]
            others += [
                ("points", f"{text!r} {item.points} -> {points}", (evolve(item, points=points),))
                for points in (item.points + 1, item.points - 1)
                if points
            ]
            if len(score.items) > 1:
                unsure = item.criterion.form == "unsure"
                others.append(("unsure_to_no" if unsure else "drop_criterion", f"without {text!r}", ()))
            for operator, change, instead in others:
                mutated = evolve(score, items=(*before, *instead, *after))
                yield operator, f"{place}: {change}", evolve(rules, scores={**rules.scores, id: mutated})


def _of_advice(rules: RuleSet) -> Iterator[_Change]:
    for id, item in rules.advice.items():
        stands = item.contraindicated_by
        for number, criterion in enumerate(stands):
            before, after, text = stands[:number], stands[number + 1 :], criterion.text
            others: list[tuple[str, str, tuple[Criterion, ...]]] = [
                (operator, f"{text!r} -> {other.text!r}", (other,))
                for operator, other in _neighbours(rules, criterion)
                if other.text not in {each.text for each in stands}
            ]
            unsure = criterion.form == "unsure"
            others.append(("unsure_to_no" if unsure else "drop_contraindication", f"without {text!r}", ()))
            for operator, change, instead in others:
                mutated = evolve(item, contraindicated_by=(*before, *instead, *after))
                about = f"advice/: [{id}] contraindicated_by: {change}"
                yield operator, about, evolve(rules, advice={**rules.advice, id: mutated})


_LISTS: Final = ("all", "any", "none")


def _of_when(rules: RuleSet, when: When) -> Iterator[tuple[str, str, When]]:
    """The mutants of a `when`, each other than those before, and none of them empty."""
    seen = {_meaning(when)}
    for operator, change, other in _written(rules, when):
        meaning = _meaning(other)
        if meaning not in seen and [*other]:
            seen.add(meaning)
            yield operator, change, other


def _written(rules: RuleSet, when: When) -> Iterator[tuple[str, str, When]]:
    for key in _LISTS:
        stands: tuple[Criterion, ...] = getattr(when, key)
        for number, criterion in enumerate(stands):
            before, after, text = stands[:number], stands[number + 1 :], criterion.text
            dropped = evolve(when, **{key: (*before, *after)})
            if criterion.form != "unsure":
                yield "drop_criterion", f"{key}: without {text!r}", dropped
            elif key == "all":
                # Neither who is not sure nor who is sure meets it: the way to write "never" in this grammar.
                yield "drop_criterion", f"{key}: without {text!r}", dropped
                yield "unsure_to_no", f"{key}: {text!r} never", evolve(when, none=(*when.none, criterion))
            else:
                yield "unsure_to_no", f"{key}: without {text!r}", dropped
            for operator, other in _neighbours(rules, criterion):
                changed = evolve(when, **{key: (*before, other, *after)})
                yield operator, f"{key}: {text!r} -> {other.text!r}", changed
    if when.any:
        yield "any_all", "any -> all", evolve(when, all=(*when.all, *when.any), any=())
    if when.all:
        yield "any_all", "all -> any", evolve(when, all=(), any=(*when.all, *when.any))


def _meaning(when: When) -> tuple[frozenset[str], ...]:
    """What a `when` says, whatever the order; a single criterion of `any` is one of `all`."""
    every, either, none = ({criterion.text for criterion in getattr(when, key)} for key in _LISTS)
    if len(either) == 1:
        every, either = every | either, set()
    return frozenset(every), frozenset(either), frozenset(none)


def _neighbours(rules: RuleSet, criterion: Criterion) -> Iterator[tuple[str, Criterion]]:
    """The criterion with the number, or the choice, beside its own."""
    name, value = criterion.name, criterion.value
    if criterion.form == "choice":
        ids = [choice.id for choice in rules.findings.by_id[name].choices]
        place = ids.index(str(value))
        for other in (place + 1, place - 1):
            if 0 <= other < len(ids):
                yield "choice", evolve(criterion, text=f"{name} is {ids[other]}", value=ids[other])
    elif criterion.form in ("at_least", "below", "score"):
        of_score = criterion.form == "score"
        low, high = (1, rules.scores[name].most) if of_score else _cuts(rules, name)
        for step in (int(value or 0) + 1, int(value or 0) - 1):
            if low <= step <= high:
                number = step if of_score else rules.findings.by_id[name].number(step)
                sign = "<" if criterion.form == "below" else ">="
                yield "threshold", evolve(criterion, text=f"{name} {sign} {number}", value=step)


def _cuts(rules: RuleSet, name: str) -> tuple[int, int]:
    """The numbers with which a measurement can be compared, so that something is on both sides."""
    finding = rules.findings.by_id[name]
    return finding.low + 1, finding.high


# -- all recorded answers at once --------------------------------------------------------------------------------------


class _Recorder(Circuit):
    """A circuit that also tells, of each literal, for which of the recorded answers it is true: one bit for each."""

    def __init__(self, answers: Sequence[Mapping[str, Value]], rules: RuleSet) -> None:
        super().__init__()
        self.every = (1 << len(answers)) - 1
        self._masks = {self.TRUE: self.every}
        values: dict[str, set[int]] = {}
        for given in answers:
            for name, value in given.items():
                if rules.findings.by_id[name].type == "measurement" and isinstance(value, int):
                    values.setdefault(name, set()).add(value)
        by_id = rules.findings.by_id
        # Each recorded value is a cell of its own, so any number may be compared with.
        cells = {name: tuple(sorted(values.get(name, {f.low}))) for name, f in by_id.items() if f.type == "measurement"}
        self.person = Person(self, by_id, cells, whole=False)
        for states in self.person.states.values():
            self._masks.update(dict.fromkeys(states.values(), 0))
        for number, given in enumerate(answers):
            hidden = rules.findings.not_applicable(given)
            for name in by_id:
                state: State = NOT_APPLICABLE if name in hidden else given.get(name, ABSENT)
                self._masks[self.person.states[name][state]] |= 1 << number
        self._settled = 0
        self._marked = (0, 0, 0)

    def mask(self, literal: int) -> int:
        """For which recorded answers a literal is true."""
        new = len(self._gates) - self._settled
        for parts, gate in [*islice(reversed(self._gates.items()), new)][::-1]:
            found = self.every
            for part in parts:
                found &= self._masks[part] if part > 0 else self.every ^ self._masks[-part]
            self._masks[gate] = found
        self._settled += new
        return self._masks[literal] if literal > 0 else self.every ^ self._masks[-literal]

    def mark(self) -> None:
        """Remembers what there is."""
        self._marked = (len(self._gates), len(self.clauses), self.top)

    def back(self) -> None:
        """Forgets what was built since."""
        gates, clauses, self.top = self._marked
        while len(self._gates) > gates:
            self._masks.pop(self._gates.popitem()[1], None)
        del self.clauses[clauses:]
        self._settled = min(self._settled, gates)


# -- what becomes of a mutant ------------------------------------------------------------------------------------------


@frozen
class Told:
    """What one of two rule sets tells somebody; fires: only the rules that fire by this one and not by the other."""

    acuity: Acuity
    within_hours: int | None
    see: tuple[str, ...]
    causes: tuple[str, ...]
    items: tuple[str, ...]
    fires: tuple[str, ...]


@frozen
class KillingReport:
    """The smallest answers that tell a mutant from the original: an example or a case of them would kill it.

    answers: finding, what it asks, and what is answered; rest: how all else is answered; given: all that is answered.
    """

    answers: tuple[tuple[str, str, str], ...]
    rest: str
    original: Told
    mutant: Told
    given: dict[str, Answer] = field(repr=False)


@frozen
class Fate:
    """What became of a mutant. by: what killed it, by suite; report: of one that survived."""

    operator: str
    change: str
    outcome: Outcome
    by: dict[Suite, str]
    report: KillingReport | None = None


@frozen
class _Example:
    rule: str
    example: Example
    values: dict[str, Value]


@frozen
class _WholeCase:
    case: Vignette
    values: dict[str, Value]


class _Judge:
    """Decides what becomes of a mutant of one rule set."""

    def __init__(self, rules: RuleSet, cases: Sequence[Vignette], seconds: float) -> None:
        self.rules, self.seconds = rules, seconds
        self.examples = [
            _Example(rule.id, example, example_values(rules, example)[0]) for rule in rules for example in rule.examples
        ]
        self.cases = [_WholeCase(case, rules.findings.check(rules.benign(given=case.given))[0]) for case in cases]
        answers = [each.values for each in self.examples] + [each.values for each in self.cases]
        answers.append(rules.findings.check(rules.benign())[0])
        self.recorder = _Recorder(answers, rules)
        self.proved: dict[str, bool] = {}
        self._expect()
        self.before = Resolution(self.recorder, rules, self.recorder.person)
        # What fails already is no news of a mutant.
        self.failing = self._failing(self.before)
        self.problems = frozenset(self._problems(self.before))
        self.recorder.mark()

    def _expect(self) -> None:
        """For which recorded answers a rule must, or must not, fire; an item of self-care be given or not, and with a
        change or without one; and the rung be, or not be, at or above one.
        """
        self.fires: dict[str, int] = {}
        self.fires_not: dict[str, int] = {}
        self.gives: dict[str, int] = {}
        self.withholds: dict[str, int] = {}
        self.changes: dict[str, int] = {}
        self.keeps: dict[str, int] = {}
        self.reaches, self.reaches_not = dict.fromkeys(RUNGS, 0), dict.fromkeys(RUNGS, 0)
        for number, each in enumerate(self.examples):
            expected = self.fires if each.example.fires else self.fires_not
            expected[each.rule] = expected.get(each.rule, 0) | 1 << number
        for number, whole in enumerate(self.cases, len(self.examples)):
            case, bit = whole.case, 1 << number
            for names, wanted in (
                ((case.rule,), self.fires),
                ((case.not_rule,), self.fires_not),
                (case.gives, self.gives),
                (case.withholds, self.withholds),
                (case.changes, self.changes),
                (case.keeps, self.keeps),
            ):
                for name in names:
                    if name is not None:
                        wanted[name] = wanted.get(name, 0) | bit
            for rung in RUNGS:
                if case.acceptable[0] >= rung:
                    self.reaches[rung] |= bit
                if case.acceptable[-1] < rung:
                    self.reaches_not[rung] |= bit

    def _failing(self, run: Resolution) -> int:
        """The recorded answers to which an expectation is not met."""
        mask, found = self.recorder.mask, 0
        for rung in RUNGS:
            reached = mask(run.at_least[rung])
            found |= self.reaches[rung] & ~reached | self.reaches_not[rung] & reached
        left = {**self.fires}
        for standing in run.standing:
            fired = mask(standing.fired)
            found |= left.pop(standing.rule.id, 0) & ~fired | self.fires_not.get(standing.rule.id, 0) & fired
        for never in left.values():
            found |= never
        for id in {*self.gives, *self.withholds}:
            given = mask(run.advised.get(id, Circuit.FALSE))
            found |= self.gives.get(id, 0) & ~given | self.withholds.get(id, 0) & given
        for id in {*self.changes, *self.keeps}:
            given = mask(run.advised.get(id, Circuit.FALSE))
            changed = mask(self.recorder.any(run.changed(id) if id in run.advised else ()))
            found |= self.changes.get(id, 0) & ~changed | self.keeps.get(id, 0) & ~(given & ~changed)
        return found

    def fate(self, mutant: Mutant) -> Fate:
        """What becomes of a mutant."""
        try:
            by = self._by_what_is_recorded(mutant)
            outcome: Outcome = "killed"
            report = None
            if not by:
                prover = _MutantProver(self.rules, mutant.rules)
                prover.deadline = time.monotonic() + self.seconds
                report = self._difference(prover, mutant)
                outcome = "survived" if report else "equivalent"
                if report:
                    by = self._by_proofs(prover, mutant)
                if by:
                    outcome, report = "killed", None
        except OutOfTimeError:
            outcome, by, report = "undecided", {}, None
        finally:
            # What was compiled for it would else stay for as long as the mutant.
            mutant.rules.readings.clear()
        return Fate(mutant.operator, mutant.change, outcome, by, report)

    # -- killed ------------------------------------------------------------------------------------------------------

    def _by_what_is_recorded(self, mutant: Mutant) -> dict[Suite, str]:
        run = self._run(mutant.rules)
        failing = self._failing(run) & ~self.failing
        problems = [problem for problem in self._problems(run) if problem not in self.problems]
        self.recorder.back()
        count, by = len(self.examples), dict[Suite, str]()
        if first := failing & ((1 << count) - 1):
            example = self.examples[_lowest(first)]
            fired = example.rule in _fired(mutant.rules, example.values)
            if fired is example.example.fires:
                raise NotReplayedError(f"{mutant.change}: the library meets the example {example.example.name!r}")
            by["examples"] = f"{example.rule}: {example.example.name}"
        elif problems:
            by["examples"] = f"check: {problems[0]}"
        if later := failing >> count:
            whole = self.cases[_lowest(later)]
            if _holds(whole.case, mutant.rules, whole.values):
                raise NotReplayedError(f"{mutant.change}: the library answers {whole.case.id} as it should")
            by["cases"] = whole.case.id
        return by

    def _run(self, rules: RuleSet) -> Resolution:
        """What a mutant makes of all recorded answers; rules that read nothing of what is changed stand as before."""
        if len(rules) != len(self.rules):
            return Resolution(self.recorder, rules, self.recorder.person)
        whens = [when for holder in _changed(self.rules, rules) for when in holder]
        person = copy(self.recorder.person)
        person.apart = self.before.truths.reads(criterion for when in whens for criterion in when)
        return Resolution(self.recorder, rules, person, like=self.before)

    def _problems(self, run: Resolution) -> Iterator[str]:
        """What `check` says of rules by their own examples, and of somebody with nothing but benign answers."""
        mask, benign = self.recorder.mask, 1 << (len(self.examples) + len(self.cases))
        mine = benign.bit_length() - 1 - len(self.cases)
        for standing in run.standing:
            rule, fired = standing.rule, mask(standing.fired)
            place, firing = f"{rule.acuity.word}/{rule.id}.toml", self.fires.get(rule.id, 0) & fired & ((1 << mine) - 1)
            if rule.acuity is Acuity.SELF_CARE:
                if firing & ~mask(run.care):
                    yield f"{place}: an example of it does not end in self_care"
                continue
            if benign & ~mask(standing.excluded):
                yield f"{place}: fires or stays open with nothing but benign answers"
            above = mask(run.established[Acuity(rule.acuity + 1)]) if rule.acuity < Acuity.EMERGENCY else 0
            if firing and not firing & ~above:
                yield f"{place}: is never among the most acute rules of its own examples"

    def _by_proofs(self, prover: Prover, mutant: Mutant) -> dict[Suite, str]:
        """The gates that are soon asked of a mutant, of those places alone that may have come to stand otherwise."""
        concerned = tuple(self._concerned(mutant.rules))
        for question in (question for question in QUESTIONS if question.name in _GATES):
            if question.must == "ever" and not concerned:
                continue
            name, cases = question.name, [*question.cases(prover)]
            found: Case | None = None
            if question.must == "never" and prover.ask(prover.circuit.any(case.sought for case in cases)):
                found = next(case for case in cases if prover.true(case.sought))
                prover.replay(found)
            elif question.must == "ever":
                waived = self.rules.waivers.get(name, {})
                of = (case for case in cases if case.about.startswith(concerned) and case.about not in waived)
                found = next((case for case in of if not prover.ask(case.sought)), None)
            if found and self._is_proved(name):
                return {"proofs": f"{name}: {found.about}"}
        if _read(self.rules) - _read(mutant.rules) and self._is_proved("REACHABLE"):
            refuted = self._refuted(mutant.rules, "REACHABLE")
            return {"proofs": f"REACHABLE: {refuted}"} if refuted else {}
        return {}

    def _concerned(self, rules: RuleSet) -> Iterator[str]:
        """Where the rules, criteria and scores stand that read something changed, as questions name these places."""
        changed = {
            *(("named", id) for id, named in rules.criteria.items() if named is not self.rules.criteria[id]),
            *(("score", id) for id, score in rules.scores.items() if score is not self.rules.scores[id]),
        }
        as_before = {id(rule) for rule in self.rules}

        def reads(when: When) -> bool:
            return any((criterion.form, criterion.name) in changed for criterion in with_all_below(rules, when))

        for rule in rules:
            if id(rule) not in as_before or reads(rule.when):
                yield f"{rule.acuity.word}/{rule.id}.toml: "
        for name, named in rules.criteria.items():
            if ("named", name) in changed or reads(named.when):
                yield f"criteria.toml: [{name}] "
        for name, score in rules.scores.items():
            if ("score", name) in changed or reads(When(any=tuple(item.criterion for item in score.items))):
                yield f"scores.toml: [{name}] "

    def _is_proved(self, name: str) -> bool:
        """Whether a gate is proved for the original."""
        if name not in self.proved:
            self.proved[name] = self._refuted(self.rules, name) is None
        return self.proved[name]

    def _refuted(self, rules: RuleSet, gate: str) -> str | None:
        """What refutes a gate, None where it is proved."""
        waivers = {name: why for name, why in self.rules.waivers.items() if name == gate}
        verdict = verify(evolve(rules, waivers=waivers), only=gate, seconds=self.seconds).verdicts[0]
        if verdict.verdict == "undecided":
            raise OutOfTimeError
        return verdict.refutations[0].about if verdict.refutations else None

    # -- equivalent or not -------------------------------------------------------------------------------------------

    def _difference(self, prover: Prover, mutant: Mutant) -> KillingReport | None:
        """The smallest answers on which a mutant differs, the rung before all else; None where there are none."""
        for after in (prover.whole, prover.part):
            person = after.person
            before = prover.run(person, rules=self.rules)
            for part in _PARTS:
                sought = before.differs(after, [part])
                if prover.ask(sought):
                    # Who is sure of everything is easier to imagine, where somebody like that will do.
                    sure = prover.circuit.all((sought, *(-person.is_(name, UNSURE) for name in person.states)))
                    sought = sure if prover.ask(sure) else sought
                    prover.smallest(Case(mutant.change, sought, (before, after)))
                    values = prover.values(person)
                    told = _told(self.rules, values), _told(mutant.rules, values)
                    fired = [set(one.fires) for one in told]
                    first, second = (
                        evolve(one, fires=tuple(id for id in one.fires if id not in other))
                        for one, other in zip(told, reversed(fired), strict=True)
                    )
                    if evolve(first, fires=()) == evolve(second, fires=()):
                        raise NotReplayedError(f"{mutant.change}: the library answers both alike")
                    report = prover.reports((before,))[0]
                    return KillingReport(report.answers, report.rest, first, second, report.given)
        return None


class _MutantProver(Prover):
    """A prover of a mutant, whose persons are told apart as finely as the original does."""

    def __init__(self, original: RuleSet, mutant: RuleSet) -> None:
        super().__init__(mutant)
        self._fine = cells(original, mutant)

    def person(self, *, whole: bool, like: Person | None = None, apart: Iterable[str] = ()) -> Person:
        of = self.rules.findings.by_id
        return Person(self.circuit, of, self._fine, whole=whole, like=like, apart=frozenset(apart))


def _changed(original: RuleSet, mutant: RuleSet) -> Iterator[tuple[When, When]]:
    """What was and is read where two rule sets of the same rules differ."""
    for was, now in zip(original, mutant, strict=True):
        if was is not now:
            yield was.when, now.when
    for id, named in mutant.criteria.items():
        if named is not original.criteria[id]:
            yield original.criteria[id].when, named.when
    for id, score in mutant.scores.items():
        if score is not original.scores[id]:
            was_items, items = (tuple(i.criterion for i in s.items) for s in (original.scores[id], score))
            yield When(any=was_items), When(any=items)


def _lowest(mask: int) -> int:
    """The place of the first bit that is set."""
    return (mask & -mask).bit_length() - 1


def _fired(rules: RuleSet, values: Mapping[str, Value]) -> set[str]:
    return {rules.rules[number].id for number in plain(rules).read(values).fired}


def _holds(case: Vignette, rules: RuleSet, values: Mapping[str, Value]) -> bool:
    """Whether a case, finished, ends as it should."""
    answer = resolve(rules, values)
    return answer.acuity in case.acceptable and not unexpected(case, answer)


def _read(rules: RuleSet) -> set[str]:
    """The findings that a rule, a reason against a cause or an item of advice reads."""
    criteria = [criterion for rule in rules for criterion in rule.when]
    criteria += [criterion for cause in rules.causes.values() for criterion in cause.against]
    for item in rules.advice.values():
        criteria += [*item.contraindicated_by, *(change.criterion for change in item.modified_by)]
    return {criterion.name for criterion in with_all_below(rules, criteria) if criterion.name in rules.findings.by_id}


def _told(rules: RuleSet, values: Mapping[str, Value]) -> Told:
    answer = resolve(rules, values)
    causes = tuple(sorted(cause.id for cause in answer.differential))
    fires = tuple(rule.id for rule in answer.because)
    to = answer.disposition
    if isinstance(to, SelfCare):
        items = tuple(sorted(": ".join((item.id, *item.changes)) for item in to.advice))
        return Told(answer.acuity, None, (), causes, items, fires)
    return Told(answer.acuity, to.within_hours, tuple(service.id for service in to.see), causes, (), fires)


# -- all mutants -------------------------------------------------------------------------------------------------------


@frozen
class Mutation:
    """What became of the mutants of a rule set.

    complete: whether these are all there are. waived: the equivalent ones that the folder's waivers.toml accepts, each
    with its reason; stale: waivers of what is no equivalent mutant, told only where all were tried.
    """

    rule_set: RuleSetId
    cases: int
    fates: tuple[Fate, ...]
    complete: bool
    waived: dict[str, str]
    stale: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every mutant is killed, or is equivalent and waived; and no waiver is without use."""
        return not self.stale and all(
            fate.outcome == "killed" or (fate.outcome == "equivalent" and fate.change in self.waived)
            for fate in self.fates
        )

    def sections(self) -> list[Section]:
        """The score by operator, then what is equivalent or undecided, then the survivors by file."""
        name = f"{self.rule_set.name} {self.rule_set.version}: {len(self.fates)} mutants"
        about = f"{name}, {self.cases} whole cases" + ("" if self.complete else "; a part of all mutants")
        found = [Section(about, (self._scores(),))]
        of: dict[Outcome, list[Fate]] = {"equivalent": [], "undecided": [], "survived": [], "killed": []}
        for fate in self.fates:
            of[fate.outcome].append(fate)
        bare = [fate for fate in of["equivalent"] if fate.change not in self.waived]
        for title, fates in (("Equivalent, and not waived", bare), ("Not decided in time", of["undecided"])):
            if fates:
                nodes = tuple(Node(f"{fate.operator}: {fate.change}") for fate in fates)
                found.append(Section(f"{title}: {len(fates)}", nodes))
        if self.stale:
            nodes = tuple(Node(about) for about in self.stale)
            found.append(Section(f"Waived, and yet no equivalent mutant: {len(nodes)}", nodes))
        files: dict[str, list[Fate]] = {}
        for fate in of["survived"]:
            files.setdefault(fate.change.partition(":")[0], []).append(fate)
        for file, fates in files.items():
            found.append(Section(f"Survived in {file}: {len(fates)}", tuple(_node(fate) for fate in fates)))
        live = len(self.fates) - len(of["equivalent"])
        killed = len(of["killed"])
        share = f" ({100 * killed / live:.1f} %)" if live else ""
        end = f"{killed} of {live} live mutants killed{share}; {len(of['equivalent'])} equivalent"
        return [*found, Section("", (f"{end}, {len(of['equivalent']) - len(bare)} of them waived.",))]

    def _scores(self) -> Table:
        rows = []
        for operator in (*OPERATORS, "all"):
            fates = [fate for fate in self.fates if operator in (fate.operator, "all")]
            if not fates:
                continue
            by = [sum(suite in fate.by for fate in fates) for suite in ("examples", "cases", "proofs")]
            of = [sum(fate.outcome == outcome for fate in fates) for outcome in ("killed", "equivalent", "survived")]
            live = len(fates) - of[1]
            score = f"{100 * of[0] / live:.1f} %" if live else "-"
            rows.append((operator, *map(str, (len(fates), *by, *of)), score))
        columns = ("operator", "mutants", "examples", "cases", "proofs", "killed", "equivalent", "survived", "score")
        return Table(columns, tuple(rows), fixed=len(columns))


def _node(fate: Fate) -> Node:
    report, below = fate.report, list[Node]()
    if report is not None:
        lines = tuple(Node(f"{asked}: {answered}") for _, asked, answered in report.answers)
        below.append(Node(f"with these answers and the rest {report.rest}", lines))
        for name, told in (("original", report.original), ("mutant", report.mutant)):
            below.append(Node(f"{name}: {_in_words(told)}"))
    return Node(f"{fate.operator}: {fate.change}", tuple(below), loud=True)


def _in_words(told: Told) -> str:
    parts = [told.acuity.word + (f" within {told.within_hours} hours" if told.within_hours else "")]
    named = (("see", told.see), ("causes", told.causes), ("advice", told.items), ("alone fires", told.fires))
    return "; ".join([*parts, *(f"{key} {', '.join(ids)}" for key, ids in named if ids)])


def mutate(
    rules: RuleSet,
    cases: Iterable[Vignette] = (),
    *,
    operator: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    processes: int | None = None,
    seconds: float = SECONDS_A_MUTANT,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Mutation:
    """What becomes of every mutant of a rule set, or of some of them.

    cases: whole cases, each finished with the benign rest. operator: only mutants of this one. sample: so many of them,
        chosen by seed. processes: how many work on it; None is one for each core that may be used. seconds: for each
        question to the solver; past that a mutant is undecided. progress: is told how many are done, and of how many.

    Raises VerifyError for an unknown operator or where python-sat is not installed, RuleSetError never;
    NotReplayedError where the library does not confirm a solution.
    """
    if operator is not None and operator not in OPERATORS:
        raise VerifyError(f"no operator {shown(operator)}{did_you_mean(operator, OPERATORS)}; there are {_OPERATORS}")
    need_solver()
    chosen = [number for number, mutant in enumerate(mutants(rules)) if operator in (None, mutant.operator)]
    complete = operator is None
    if sample is not None and sample < len(chosen):
        chosen, complete = sorted(Random(seed).sample(chosen, sample)), False  # noqa: S311 - it keeps no secret
    start = rules, tuple(cases), seconds
    count = min(processes or _cores(), len(chosen))
    progress(0, len(chosen))
    fates: dict[int, Fate] = {}
    found = _in_this_process(start, chosen) if count < 2 else _in_processes(count, start, chosen)
    for number, fate in found:
        fates[number] = fate
        progress(len(fates), len(chosen))
    ordered = tuple(fates[number] for number in chosen)
    waivers = rules.waivers.get(MUTANTS, {})
    equivalent = [fate.change for fate in ordered if fate.outcome == "equivalent"]
    # As of a proof: a waiver names one mutant as it is printed, or a criterion, and then all of those that quote it.
    of = {name: [change for change in equivalent if name == change or f" {name!r}" in change] for name in waivers}
    return Mutation(
        rule_set=RuleSetId(rules.name, rules.version, rules.sha256),
        cases=len(start[1]),
        fates=ordered,
        complete=complete,
        waived={change: waivers[name] for name, changes in of.items() for change in changes},
        stale=tuple(name for name, changes in of.items() if complete and not changes),
    )


_OPERATORS: Final = ", ".join(OPERATORS)
_Start = tuple[RuleSet, tuple[Vignette, ...], float]


def _in_this_process(start: _Start, chosen: Sequence[int]) -> Iterator[tuple[int, Fate]]:
    _begin(start)
    yield from map(_decide, chosen)


def _in_processes(count: int, start: _Start, chosen: Sequence[int]) -> Iterator[tuple[int, Fate]]:
    context = multiprocessing.get_context("spawn")
    # Ctrl-C is this process's alone to answer; the others, which inherit what is set here, would print their traces.
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        pool = context.Pool(count, _begin, (start,))
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    with pool:
        yield from pool.imap_unordered(_decide, chosen, chunksize=4)


_here: list[tuple[_Judge, list[Mutant]]] = []
"""The judge of this process, and the mutants that it is asked about by their numbers."""


def _begin(start: _Start) -> None:
    _here[:] = [(_Judge(*start), [*mutants(start[0])])]


def _decide(number: int) -> tuple[int, Fate]:
    judge, every = _here[0]
    return number, judge.fate(every[number])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
