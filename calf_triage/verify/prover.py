"""A solver that holds a rule set, and what it finds told as answers that the library itself confirms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from attrs import field, frozen

from calf_triage._cached import cached_property
from calf_triage._findings import UNSURE, Acuity, Answer, Finding, Value
from calf_triage._rules import RuleSet
from calf_triage._triage import resolve
from calf_triage.readings import durable
from calf_triage.readings.plain import Reading, plain
from calf_triage.readings.sat import ABSENT, Circuit, Person, cells
from calf_triage.verify.resolution import RUNGS, Resolution

Values = dict[str, Value]

_CONFLICTS_AT_A_TIME: Final = 2_000
_MOST_COUNTED: Final = 10
"""Of so many answers at most it is proved that no fewer would do."""


class NotReplayedError(Exception):
    """The library does not confirm a solution: a fault of the proof or of a reading, never of the rules."""


class OutOfTimeError(Exception):
    """A question is not decided in its time."""


@frozen
class Report:
    """One set of answers in plain words, and where it ends.

    answers: finding, what it asks, and what is answered; of a second report only what the first did not say. rest: how
    all else is answered. given: all that is answered, by finding.
    """

    answers: tuple[tuple[str, str, str], ...]
    rest: str
    acuity: Acuity
    given: dict[str, Answer] = field(repr=False)


@frozen
class Refutation:
    """What is not so. reports: the smallest answers that show it; empty where no answers at all would do."""

    about: str
    reports: tuple[Report, ...] = ()


@frozen
class Case:
    """One part of a question. sought: what must never, or must somewhere, be true of these runs. premise: what must be
    possible for "never" to mean anything. replays: whether the library itself says so of a solution's answers.
    """

    about: str
    sought: int
    runs: tuple[Resolution, ...]
    replays: Callable[..., bool] = lambda *_: True
    premise: int = Circuit.TRUE


class Prover:
    """A rule set as clauses in a solver, grown as questions need it."""

    def __init__(self, rules: RuleSet) -> None:
        from pysat.solvers import Solver

        self.rules, self.circuit = rules, Circuit()
        self.deadline = 0.0
        """On the monotonic clock."""
        self._cells = cells(rules)
        self._findings = rules.findings.by_id
        self._solver, self._fed = Solver(name="glucose4"), 0
        self._model: list[int] = []
        self._values: dict[int, Values] = {}
        self._read: tuple[Values, Reading] | None = None
        self._replayed: set[tuple[object, ...]] = set()

    @cached_property
    def whole(self) -> Resolution:
        """A person of whom nothing is absent."""
        return self.run(self.person(whole=True))

    @cached_property
    def part(self) -> Resolution:
        """A person of whom anything may be absent."""
        return self.run(self.person(whole=False))

    def person(self, *, whole: bool, like: Person | None = None, apart: Iterable[str] = ()) -> Person:
        """Another person."""
        return Person(self.circuit, self._findings, self._cells, whole=whole, like=like, apart=frozenset(apart))

    def run(self, person: Person, like: Resolution | None = None, rules: RuleSet | None = None) -> Resolution:
        """What the rules make of a person."""
        return Resolution(self.circuit, rules or self.rules, person, like=like)

    def changed(self, name: str) -> Resolution:
        """A person who differs from the whole one in the answer to one finding, and in what hangs from it."""
        apart = (name, *self.rules.findings.below.get(name, ()))
        return self.run(self.person(whole=True, like=self.whole.person, apart=apart), like=self.whole)

    def completed(self) -> Resolution:
        """A person who says more than the partial one, or as much."""
        found = self.run(self.person(whole=False))
        found.person.completes(self.part.person)
        return found

    def ask(self, *literals: int) -> bool:
        """Whether all of these can be true at once. Raises OutOfTimeError past the deadline."""
        if self._fed < len(self.circuit.clauses):
            self._solver.append_formula(self.circuit.clauses[self._fed :])
            self._fed = len(self.circuit.clauses)
        answer = None
        while answer is None:
            if time.monotonic() > self.deadline:
                raise OutOfTimeError
            self._solver.conf_budget(_CONFLICTS_AT_A_TIME)
            answer = self._solver.solve_limited(assumptions=[*literals])
        if answer:
            self._model = self._solver.get_model() or []
            self._values = {}
        return bool(answer)

    def true(self, literal: int) -> bool:
        """Whether a literal is true in the last solution."""
        place = abs(literal) - 1
        return (place < len(self._model) and self._model[place] > 0) is (literal > 0)

    def values(self, person: Person) -> Values:
        """The last solution's answers."""
        if id(person) not in self._values:
            self._values[id(person)] = person.values(self.true)
        return self._values[id(person)]

    def reading(self, values: Values) -> Reading:
        """The plain reading of answers; that of the last ones is kept."""
        if self._read is None or self._read[0] is not values:
            self._read = values, plain(self.rules).read(values)
        return self._read[1]

    def replay(self, case: Case) -> list[Values]:
        """The last solution's answers to a case. Raises NotReplayedError where the library does not confirm them."""
        found = [self.values(run.person) for run in case.runs]
        for run, values in zip(case.runs, found, strict=True):
            self.confirm(run, values, case.about)
        if not case.replays(*found):
            raise NotReplayedError(f"{case.about}: the library does not confirm it")
        return found

    def confirm(self, run: Resolution, values: Values, about: str) -> None:
        """Raises NotReplayedError where the library does not say of these answers what the last solution does."""
        key = (id(run.rules), *values.items())
        if key in self._replayed:
            return
        self._replayed.add(key)
        by_plain, answer = set(plain(run.rules).read(values).fired), resolve(run.rules, values)
        rung = max((rung for rung in RUNGS if self.true(run.at_least[rung])), default=Acuity.SELF_CARE)
        if (rung, self.true(run.settled)) != (answer.acuity, answer.settled):
            raise NotReplayedError(f"{about}: the library answers otherwise")
        if by_plain != {number for number, fired in enumerate(run.fired) if self.true(fired)}:
            raise NotReplayedError(f"{about}: the plain reading fires other rules")
        if durable.AVAILABLE and by_plain != set(durable.fired(run.rules, values)):
            raise NotReplayedError(f"{about}: durable-rules fires other rules")

    def smallest(self, case: Case) -> None:
        """Leaves a solution of a case that is told in the fewest words.

        First as few answers as may be that are neither absent nor benign; then nothing else answered or, where that
        will not do, as little as may be left out; then as few differences of the other runs as may be.
        """
        first, *others = (run.person for run in case.runs)
        either = [self.circuit.any((self._quiet(p, name), p.same(first, name))) for p in others for name in p.states]
        self.least_said(case.sought, [(first, name) for name in first.states], either)
        told = [literal for states in first.states.values() for literal in states.values() if self.true(literal)]
        self._fewest([case.sought, *told], [person.same(first, name) for person in others for name in person.states])

    def least_said(self, sought: int, asked: Sequence[tuple[Person, str]], wished: Sequence[int] = ()) -> None:
        """Leaves a solution with as few answers as may be that are neither absent nor benign; then with nothing else
        answered or, where that will not do, with as little as may be left out; then with as few as may be "not sure".
        """
        quiet = [self._quiet(person, name) for person, name in asked]
        self._fewest([sought], [*quiet, *wished])
        kept = [sought, *(literal for literal in quiet if self.true(literal))]
        absent = [person.is_(name, ABSENT) for person, name in asked]
        if any(literal != Circuit.FALSE for literal in absent):
            silent = [person.silent(name) for person, name in asked]
            unsaid = [
                self.circuit.any((one, two, -three)) for one, two, three in zip(absent, silent, quiet, strict=True)
            ]
            if not self.ask(*kept, *unsaid):
                self._fewest(kept, [-literal for literal in absent])
        kept += [literal for literal in absent if self.true(literal)]
        loud = [place for place, literal in enumerate(quiet) if not self.true(literal)]
        self._fewest(kept, [-person.is_(name, UNSURE) for person, name in (asked[p] for p in loud)])

    def _fewest(self, kept: Sequence[int], wished: Iterable[int]) -> None:
        """Leaves a solution in which all of some literals are true, and of others as many as can be."""
        wishes = [literal for literal in dict.fromkeys(wished) if literal != Circuit.TRUE]
        given_up: set[int] = set()
        while not self.ask(*kept, *(literal for literal in wishes if literal not in given_up)):
            more = given_up.union(self._solver.get_core() or ()).intersection(wishes)
            if more == given_up:
                raise NotReplayedError("a solution was there, and is no more")
            given_up = more
        held = [literal for literal in wishes if self.true(literal)]
        for literal in sorted(given_up, key=wishes.index):
            if literal not in held and self.ask(*kept, *held, literal):
                held = [literal for literal in wishes if self.true(literal)]
        while 1 < (number := sum(not self.true(literal) for literal in wishes)) <= _MOST_COUNTED:
            fewer = -self.circuit.at_least(number, [(1, -literal) for literal in wishes])
            if not self.ask(*kept, fewer):
                break

    def _quiet(self, person: Person, name: str) -> int:
        """Whether an answer goes without saying: it is benign or absent."""
        return self.circuit.any((person.is_(name, ABSENT), person.benign(name)))

    def reports(self, runs: tuple[Resolution, ...]) -> tuple[Report, ...]:
        """The last solution in plain words."""
        found, findings, first = [], self._findings, runs[0].person
        for number, run in enumerate(runs):
            person, given, before = run.person, self.values(run.person), self.values(first)
            benign = {name for name in given if self.true(person.benign(name))}
            if number == 0:
                silent = {name for name in findings if self.true(person.silent(name))}
                rest = "benign" if benign else "not answered"
                names = [name for name in findings if name not in benign | silent] if benign else [*given]
            else:
                names, rest = [name for name in findings if given.get(name) != before.get(name)], "as before"
                filled = benign.difference(before)
                if len(filled) > _MOST_COUNTED and filled.issuperset(set(names).difference(before)):
                    names, rest = [name for name in names if name in before], "as before, or else benign"
            answers = tuple((name, findings[name].asks, in_words(findings[name], given.get(name))) for name in names)
            as_given = {name: findings[name].shown(value) for name, value in given.items()}
            found.append(Report(answers, rest, resolve(run.rules, given).acuity, as_given))
        return tuple(found)


def in_words(finding: Finding, value: Value | None) -> str:
    """An answer as a report tells it."""
    if value is None:
        return "not answered"
    if value == UNSURE:
        return "not sure"
    if finding.type == "yes_no":
        return "yes" if value else "no"
    if finding.type == "choice":
        return next(choice.label for choice in finding.choices if choice.id == value)
    return f"{finding.number(value)} {finding.unit.replace('_', ' ')}"
