"""The rules as clauses, so that a solver can say what holds for every set of answers, and not only for those tried.

Numbers are compared with constants alone, so the answers to a measurement between two such constants (a cell) are one
and the same to every rule: a proof over cells is a proof over all values. A literal is a whole number other than 0;
minus it is its opposite. Everything here is a definition in both directions; what is asked of it stands in
`calf_triage.verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Finding, Value
from calf_triage._rules import RuleSet

ABSENT: Final = "absent"
NOT_APPLICABLE: Final = "not applicable"
"""Below a question that is answered no."""

_Key = tuple[str, str, int | str | None]

State = Value
"""What an answer can be: a value, with the lowest one of its cell for a measurement, UNSURE, or one of the above."""


class Circuit:
    """Gates, each written once as clauses. What is built of the same parts is the same literal."""

    TRUE: Final = 1
    FALSE: Final = -1

    def __init__(self) -> None:
        self.clauses: list[list[int]] = [[self.TRUE]]
        self.top = 1
        self._gates: dict[frozenset[int], int] = {}

    def new(self) -> int:
        """A literal of which nothing is known."""
        self.top += 1
        return self.top

    def require(self, *literals: int) -> None:
        """One of these must be true."""
        self.clauses.append([*literals])

    def all(self, literals: Iterable[int]) -> int:
        """True when all are."""
        parts = frozenset(literals) - {self.TRUE}
        if any(-literal in parts for literal in parts) or self.FALSE in parts:
            return self.FALSE
        if len(parts) < 2:
            return next(iter(parts), self.TRUE)
        if parts not in self._gates:
            gate = self._gates[parts] = self.new()
            self.clauses += [[-gate, literal] for literal in parts]
            self.clauses.append([gate, *(-literal for literal in parts)])
        return self._gates[parts]

    def any(self, literals: Iterable[int]) -> int:
        """True when one is."""
        return -self.all(-literal for literal in literals)

    def differ(self, one: int, other: int) -> int:
        """True when exactly one of two is."""
        return self.any((self.all((one, -other)), self.all((-one, other))))

    def at_least(self, needed: int, points: Sequence[tuple[int, int]]) -> int:
        """True when the points, positive whole numbers, of the true literals reach what is needed."""
        if needed <= 0:
            return self.TRUE
        missing = [{needed}]
        for number, _ in points:
            missing.append({rest for before in missing[-1] for rest in (before, before - number) if rest > 0})
        reached = dict.fromkeys(missing.pop(), self.FALSE)
        for number, literal in reversed(points):
            counted = {rest: self.all((literal, reached.get(rest - number, self.TRUE))) for rest in missing[-1]}
            reached = {rest: self.any((counted[rest], reached[rest])) for rest in missing.pop()}
        return reached[needed]


def cells(*rule_sets: RuleSet) -> dict[str, tuple[int, ...]]:
    """For each measurement the lowest value of every cell, in ascending order, fine enough for all the rule sets."""
    starts: dict[str, set[int]] = {}
    for rules in rule_sets:
        by_id = rules.findings.by_id
        for finding in by_id.values():
            if finding.type == "measurement":
                starts.setdefault(finding.id, set()).add(finding.low)
        numbers = {(c.name, int(c.value or 0)) for c in every_criterion(rules) if c.form in ("at_least", "below")}
        if rules.lowest_age and "age_years" in by_id:
            numbers.add(("age_years", rules.lowest_age * 10 ** by_id["age_years"].decimals))
        for name, number in numbers:
            # Left and right must be told apart alike, or one could not stand for the other.
            for other in {name, by_id[name].mirror or name}:
                if by_id[other].low < number <= by_id[other].high:
                    starts[other].add(number)
    return {name: tuple(sorted(found)) for name, found in starts.items()}


class Person:
    """Answers not yet known: for each finding a literal for each of its states, of which exactly one is true.

    whole: nothing is absent. like: the answers are those of that person, save to the findings in apart; whatever hangs
    from one of these must be among them.
    """

    def __init__(
        self,
        circuit: Circuit,
        findings: Mapping[str, Finding],
        cells: Mapping[str, tuple[int, ...]],
        *,
        whole: bool,
        like: Person | None = None,
        apart: Collection[str] = (),
    ) -> None:
        self.circuit, self.findings, self.cells, self.whole = circuit, findings, cells, whole
        self.apart = frozenset(apart)
        self.states: dict[str, dict[State, int]] = {}
        for name, finding in findings.items():
            shared = like is not None and name not in apart
            self.states[name] = like.states[name] if like and shared else self._fresh(finding)
        for name, finding in findings.items():
            if finding.only_if is not None and not (like and name not in apart):
                above = self.states[finding.only_if]
                silent = circuit.any((above[False], above.get(NOT_APPLICABLE, circuit.FALSE)))
                circuit.require(-circuit.differ(silent, self.states[name][NOT_APPLICABLE]))

    def _fresh(self, finding: Finding) -> dict[State, int]:
        answers: list[State] = [True, False]
        if finding.type == "choice":
            answers = [choice.id for choice in finding.choices]
        elif finding.type == "measurement":
            answers = [*self.cells[finding.id]]
        hidden = [NOT_APPLICABLE] if finding.only_if is not None else []
        missing = [] if self.whole else [ABSENT]
        states = {state: self.circuit.new() for state in (*answers, UNSURE, *hidden, *missing)}
        self.circuit.require(*states.values())
        literals = [*states.values()]
        for place, literal in enumerate(literals):
            for other in literals[place + 1 :]:
                self.circuit.require(-literal, -other)
        return states

    def mirrored(self) -> Person:
        """The same person with left and right swapped."""
        other = Person(self.circuit, self.findings, self.cells, whole=self.whole, like=self)
        other.states = {name: self.states[finding.mirror or name] for name, finding in self.findings.items()}
        return other

    def is_(self, name: str, state: State) -> int:
        """The literal of one state; false where the finding cannot be in it."""
        return self.states[name].get(state, self.circuit.FALSE)

    def benign(self, name: str) -> int:
        """Whether an answer is the benign one, or the finding does not apply."""
        return self.circuit.any((self.is_(name, self.state(name, self.findings[name].benign)), self.silent(name)))

    def silent(self, name: str) -> int:
        """Whether a finding does not apply."""
        return self.is_(name, NOT_APPLICABLE)

    def state(self, name: str, value: Value) -> State:
        """The state that a checked answer is."""
        if self.findings[name].type != "measurement" or value == UNSURE:
            return value
        return max(start for start in self.cells[name] if start <= int(value))

    def same(self, other: Person, name: str) -> int:
        """Whether two persons' answers to a finding are in the same state."""
        of = other.states[name]
        return self.circuit.any(
            self.circuit.all((literal, of[s])) for s, literal in self.states[name].items() if s in of
        )

    def completes(self, less: Person) -> None:
        """Demands that this person said all that another said, and perhaps more."""
        for name, states in less.states.items():
            for state, literal in states.items():
                if state != ABSENT:
                    self.circuit.require(-literal, self.is_(name, state))

    def values(self, true: Callable[[int], bool]) -> dict[str, Value]:
        """The checked answers of a solution; of a cell the benign answer if it is in it, else the lowest."""
        found: dict[str, Value] = {}
        for name, states in self.states.items():
            state = next(state for state, literal in states.items() if true(literal))
            if state not in (ABSENT, NOT_APPLICABLE):
                benign = self.findings[name].benign
                found[name] = benign if state == self.state(name, benign) else state
        return found


class Truths:
    """Met and refuted for every criterion, for one person; may: as they might become were absent answers to suit."""

    def __init__(
        self, circuit: Circuit, rules: RuleSet, person: Person, may: bool = False, like: Truths | None = None
    ) -> None:
        self.circuit, self.rules, self.person, self.may = circuit, rules, person, may
        self._reads: dict[_Key, frozenset[str]] = like._reads if like else {}
        self._known: dict[tuple[_Key, bool], int] = {}
        if like:
            known = like._known.items()
            self._known = {key: truth for key, truth in known if self._reads[key[0]].isdisjoint(person.apart)}

    def met(self, criterion: Criterion) -> int:
        """Whether it is met."""
        return self._truth(criterion, True)

    def refuted(self, criterion: Criterion) -> int:
        """Whether it is refuted."""
        return self._truth(criterion, False)

    def when_met(self, when: When) -> int:
        """Whether a `when` is met."""
        return self._when(when, True)

    def when_refuted(self, when: When) -> int:
        """Whether a `when` is refuted."""
        return self._when(when, False)

    def reads(self, criteria: Iterable[Criterion]) -> frozenset[str]:
        """The findings on which these criteria depend, through named criteria and scores too."""
        found: set[str] = set()
        for criterion in criteria:
            key = (criterion.form, criterion.name, criterion.value)
            if key not in self._reads:
                self._reads[key] = self.reads(self._inner(criterion)) or frozenset({criterion.name})
            found |= self._reads[key]
        return frozenset(found)

    def _inner(self, criterion: Criterion) -> Iterable[Criterion]:
        if criterion.form == "named":
            return self.rules.criteria[criterion.name].when
        return (i.criterion for i in self.rules.scores[criterion.name].items) if criterion.form == "score" else ()

    def _truth(self, criterion: Criterion, met: bool) -> int:
        key = ((criterion.form, criterion.name, criterion.value), met)
        if key not in self._known:
            self.reads([criterion])
            if criterion.form == "named":
                found = self._when(self.rules.criteria[criterion.name].when, met)
            elif criterion.form == "score":
                found = self._score(criterion, met)
            else:
                found = self._leaf(criterion, met)
            self._known[key] = found
        return self._known[key]

    def _when(self, when: When, met: bool) -> int:
        parts = [self._truth(criterion, met) for criterion in when.all]
        parts += [self._truth(criterion, not met) for criterion in when.none]
        either = [self._truth(criterion, met) for criterion in when.any]
        if met:
            return self.circuit.all([*parts, self.circuit.any(either)] if either else parts)
        return self.circuit.any([*parts, self.circuit.all(either)] if either else parts)

    def _score(self, criterion: Criterion, met: bool) -> int:
        score, needed = self.rules.scores[criterion.name], int(criterion.value or 0)
        points = [(item.points, self._truth(item.criterion, met)) for item in score.items]
        # Out of reach when the points that are refuted leave less than what is needed.
        return self.circuit.at_least(needed if met else score.most - needed + 1, points)

    def _leaf(self, criterion: Criterion, met: bool) -> int:
        literals = [
            literal
            for state, literal in self.person.states[criterion.name].items()
            if (self.may if state == ABSENT else _truth_of(criterion, state) is met)
        ]
        return self.circuit.any(literals)


def _truth_of(criterion: Criterion, state: State) -> bool | None:
    """What a state other than absent makes of a criterion on a finding: met (True), refuted (False) or neither."""
    if state == NOT_APPLICABLE:
        return False
    if criterion.form == "unsure":
        return state == UNSURE
    if state == UNSURE:
        return None
    if criterion.form == "yes":
        return state is True
    if criterion.form == "choice":
        return state == criterion.value
    return (int(state) >= int(criterion.value or 0)) is (criterion.form == "at_least")


def every_criterion(rules: RuleSet) -> Iterator[Criterion]:
    """All criteria, wherever they stand."""
    whens = [rule.when for rule in rules.rules] + [law.when for law in rules.laws]
    whens += [named.when for named in rules.criteria.values()]
    yield from (criterion for when in whens for criterion in when)
    yield from (item.criterion for score in rules.scores.values() for item in score.items)
    yield from (criterion for cause in rules.causes.values() for criterion in cause.against)
    for item in rules.advice.values():
        yield from (*item.contraindicated_by, *(change.criterion for change in item.modified_by))
