"""How an explanation is worked out: what holds the acuity, what would change it, and how each criterion stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from calf_triage._assessment import Assessment
from calf_triage._cached import cached_property
from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Acuity, Finding, Value
from calf_triage._rules import Rule, RuleSet
from calf_triage._triage import resolve
from calf_triage.explain.search import (
    Cell,
    Change,
    Changes,
    Found,
    Goal,
    Space,
    State,
    Truth,
    answers_to,
    can_become,
    cells,
    smallest,
)
from calf_triage.explain.values import Changed, Part, RuleState, RuleTree, Said, Standing, Way, Ways

_MOST_STATES: Final = 2_000
"""How many sets of answers are looked at for the fewest that suffice, before some that suffice are told instead."""
GROUPS: Final = {"all": "all of", "any": "at least one of", "none": "none of"}


FROM_BEFORE: Final = (
    "These answers alone would be less urgent. What was said last time holds it, until someone has looked."
)


class Working:
    """What one assessment's answers do to the rules it was made with. Each part is worked out once, when asked for."""

    def __init__(
        self, assessment: Assessment, rules: RuleSet, values: dict[str, Value], acuity_of_answers: Acuity
    ) -> None:
        self.assessment, self.rules, self.values = assessment, rules, values
        self.held_from_before = acuity_of_answers < assessment.acuity
        """Whether these answers alone would be less acute, so that what was said last time holds it."""

    @cached_property
    def state(self) -> State:
        """The answers as they are, and what the rules say about them."""
        return State(Space(self.rules, self.values, {}), frozenset())

    @cached_property
    def cells(self) -> dict[str, tuple[Cell, ...]]:
        """The cells of each measurement."""
        return cells(self.rules)

    @cached_property
    def why(self) -> tuple[RuleTree, ...]:
        """Each rule that fired, and then each that only unsure answers keep open, with its criteria as a tree."""
        answer = self.assessment
        ids = [rule.id for rule in answer.because] + [rule.id for rule in answer.unsure_of]
        return tuple(self.tree(self.rules[id]) for id in ids)

    def fired(self, rule: Rule) -> bool:
        """Whether the assessment says that this rule fired."""
        return any(fired.id == rule.id for fired in self.assessment.because)

    def holding(self) -> list[Rule]:
        """The rules that hold the acuity: those fired on its rung, and unsure ones that count as much."""
        answer = self.assessment
        fired = [self.rules[rule.id] for rule in answer.because]
        unsure = [self.rules[rule.id] for rule in answer.unsure_of]
        holding = [rule for rule in fired if rule.acuity is answer.acuity]
        return holding + [rule for rule in unsure if rule.acuity.one_lower() >= answer.acuity]

    def holds(self, rule: Rule) -> Goal:
        """What the answers do to a rule that holds the acuity: fire it, or keep it from being ruled out."""
        if self.fired(rule):
            return Truth(rule.when, "met")
        return Truth(rule.when, "refuted", wanted=False, may=True)

    @cached_property
    def _own(self) -> Space:
        """From no answers at all, to those that were given."""
        return Space(self.rules, {}, {name: (value,) for name, value in self.values.items()}, asked_in_order=False)

    def fewest(self, goals: Iterable[Goal]) -> tuple[Changes, bool] | None:
        """The fewest of the answers that reach one of the goals, and True; None where all of them reach none.

        Where they are not found soon: answers of which none can be left out, and False.
        """
        whole = State(self._own, frozenset(self.values.items()))
        goals = [goal for goal in goals if whole.reached(goal)]
        if not goals:
            return None
        most = len(self.values)
        found = smallest(self._own, goals, lambda _: True, most=most, most_states=_MOST_STATES, first=True)
        if found.sets:
            return found.sets[0], True
        return self.none_to_spare(lambda state: any(state.reached(goal) for goal in goals)), False

    def none_to_spare(self, keeps: Callable[[State], bool]) -> Changes:
        """Answers that keep something so, and of which none can be left out; those asked earlier are kept rather."""
        kept = dict(self.values)
        for name in reversed(self.values):
            fewer = frozenset((other, value) for other, value in kept.items() if other != name)
            if keeps(State(self._own, fewer)):
                del kept[name]
        return frozenset(kept.items())

    def ways(self, goals: Iterable[Goal], wanted: Callable[[Acuity], bool], seconds: float, most: int) -> Ways:
        """The smallest changes that reach one of the goals, and an acuity that is wanted."""
        options = {
            name: tuple(
                to
                for to in answers_to(finding, self.cells, self.values.get(name))
                if can_become(finding, self.values.get(name), to)
            )
            for name, finding in self.rules.findings.by_id.items()
        }
        after: dict[Changes, Assessment] = {}

        def reaches(state: State) -> bool:
            # The library's own word on the answers, and not the search's.
            after[state.changes] = resolve(self.rules, state.values)
            return wanted(after[state.changes].acuity)

        found = smallest(Space(self.rules, self.values, options), goals, reaches, most=most, seconds=seconds)
        ways = [Way(self._changes(changes), after[changes].acuity, after[changes].settled) for changes in found.sets]
        order = {name: finding.order for name, finding in self.rules.findings.by_id.items()}
        now = self.assessment.acuity
        ways.sort(
            key=lambda way: (
                len(way.changes),
                -abs(way.acuity - now),
                [(order[change.finding], change.word) for change in way.changes],
            )
        )
        return Ways(tuple(ways), not found.stopped, _ended(found, most, seconds))

    @cached_property
    def firing(self) -> dict[int, list[Change]]:
        """For each rule that does not fire, the single answers that fire it; changes in life or not."""
        by_id = self.rules.findings.by_id
        options = {name: answers_to(one, self.cells, self.values.get(name)) for name, one in by_id.items()}
        space = Space(self.rules, self.values, options)
        fired, start = set(self.state.reading.fired), State(space, frozenset())
        found: dict[int, list[Change]] = {}
        for name, values in options.items():
            for value in values:
                changes = start.with_change((name, value))
                if changes is None or len(changes) > 1:
                    continue
                for number in State(space, changes).reading.fired:
                    if number not in fired:
                        found.setdefault(number, []).append((name, value))
        return found

    def tree(self, rule: Rule) -> RuleTree:
        """How a rule stands, and each of its criteria."""
        number = self.rules.rules.index(rule)
        reading = self.state.reading
        state: RuleState = "excluded" if number in reading.excluded else "open"
        if number in reading.fired or self.fired(rule):
            state = "fired"
        parts = self._groups(rule.when)
        return RuleTree(
            id=rule.id,
            acuity=rule.acuity,
            title=rule.title,
            why=rule.why,
            state=state,
            parts=parts,
            missing=() if state == "fired" else _missing(parts),
            would_fire=tuple(self.changed(change) for change in self.firing.get(number, ())),
            sources=rule.sources,
        )

    def _groups(self, when: When) -> tuple[Part, ...]:
        found = []
        for key, says in GROUPS.items():
            parts = tuple(self._part(criterion) for criterion in getattr(when, key))
            if parts:
                found.append(Part(says, _standing(key, parts), parts=parts))
        return tuple(found)

    def _part(self, criterion: Criterion, points: int | None = None) -> Part:
        reader, reading = self.state.reader, self.state.reading
        standing: Standing = "unknown"
        if reader.is_met(criterion, reading):
            standing = "met"
        elif reader.is_refuted(criterion, reading):
            standing = "not_met"
        if criterion.form == "named":
            named = self.rules.criteria[criterion.name]
            return Part(named.means, standing, criterion.text, points=points, parts=self._groups(named.when))
        if criterion.form == "score":
            score = self.rules.scores[criterion.name]
            parts = tuple(self._part(item.criterion, item.points) for item in score.items)
            return Part(score.title, standing, criterion.text, points=points, parts=parts)
        finding = self.rules.findings.by_id[criterion.name]
        if finding.id in self.state.hidden:
            told = "does not apply"
        elif finding.id not in self.values:
            told = "not answered"
        else:
            told = self.word(finding, self.values[finding.id])
        return Part(finding.asks, standing, criterion.text, finding.id, told, points)

    # -- words ---------------------------------------------------------------------------------------------------------

    def word(self, finding: Finding, value: Value) -> str:
        """An answer in the finding's words."""
        if value == UNSURE:
            return "not sure"
        if finding.type == "yes_no":
            return "yes" if value is True else "no"
        if finding.type == "choice":
            return next(choice.label for choice in finding.choices if choice.id == value)
        return f"{finding.number(value)}{_unit(finding)}"

    def said(self, answers: Changes) -> tuple[Said, ...]:
        """These answers in the findings' words, in question order."""
        found = []
        for name, value in self.values.items():
            if (name, value) in answers:
                finding = self.rules.findings.by_id[name]
                found.append(Said(name, finding.asks, finding.shown(value), self.word(finding, value)))
        return tuple(found)

    def _changes(self, changes: Changes) -> tuple[Changed, ...]:
        by_id = self.rules.findings.by_id
        return tuple(self.changed(change) for change in sorted(changes, key=lambda change: by_id[change[0]].order))

    def changed(self, change: Change) -> Changed:
        """A new answer in the finding's words."""
        name, to = change
        finding, was = self.rules.findings.by_id[name], self.values.get(name)
        word = self.word(finding, to)
        if finding.type == "measurement":
            word = in_words(finding, self.cell(name, to))
        return Changed(name, finding.asks, None if was is None else finding.shown(was), finding.shown(to), word)

    def cell(self, name: str, value: Value) -> Cell:
        """The cell of a measurement in which a checked value lies."""
        return next(cell for cell in self.cells[name] if cell.low <= int(value) <= cell.high)

    @cached_property
    def weights(self) -> dict[str, tuple[int, bool]]:
        """For each finding answered: its weight, the rung of the most acute rule that it holds or else its floor; and
        whether it holds one.
        """
        found = {name: (int(self.rules.findings.by_id[name].floor or 0), False) for name in self.values}
        for tree in reversed(self.why):
            for name in _met(tree.parts):
                found[name] = (max(int(tree.acuity), found[name][0]), True)
        return found

    @cached_property
    def of_the_causes(self) -> set[str]:
        """The findings that are read by rules which name a cause that is possible, or not ruled out."""
        causes = {cause for tree in self.why for cause in self.rules[tree.id].causes}
        return {
            name
            for rule in self.rules
            if causes.intersection(rule.causes)
            for name in _findings(self._groups(rule.when))
        }


# -- helpers -----------------------------------------------------------------------------------------------------------


def _standing(key: str, parts: tuple[Part, ...]) -> Standing:
    """How a group stands, by how its parts stand."""
    found = {part.standing for part in parts}
    every: Standing = "not_met" if key == "none" else "met"
    if key == "any":
        return "met" if "met" in found else "not_met" if found == {"not_met"} else "unknown"
    if found == {every}:
        return "met"
    return "not_met" if ("met" if key == "none" else "not_met") in found else "unknown"


def _missing(groups: tuple[Part, ...]) -> tuple[Part, ...]:
    found: list[Part] = []
    for group in groups:
        if group.standing != "met":
            wrong = ("met", "unknown") if group.says == GROUPS["none"] else ("not_met", "unknown")
            found += [part for part in group.parts if part.standing in wrong]
    return tuple(found)


def _findings(parts: Iterable[Part]) -> Iterator[str]:
    """The findings that these read."""
    for part in parts:
        if part.finding is not None:
            yield part.finding
        yield from _findings(part.parts)


def _met(parts: Iterable[Part]) -> Iterator[str]:
    """The findings whose answers meet these."""
    for part in parts:
        if part.standing == "met" and part.says != GROUPS["none"]:
            if part.finding is not None:
                yield part.finding
            yield from _met(part.parts)


def _unit(finding: Finding) -> str:
    return "" if finding.unit == "count" else f" {finding.unit.replace('_', ' ')}"


def in_words(finding: Finding, cell: Cell) -> str:
    """A range of a measurement, with its unit."""
    low, high, unit = finding.number(cell.low), finding.number(cell.high), _unit(finding)
    if cell.low == cell.high:
        return f"{low}{unit}"
    if cell.high == finding.high:
        return f"{low}{unit} or more"
    return f"{high}{unit} or less" if cell.low == finding.low else f"{low} to {high}{unit}"


def questions_are(number: int) -> str:
    """So many questions, with their verb."""
    return "1 question is" if number == 1 else f"{number} questions are"


def _ended(found: Found, most: int, seconds: float) -> str:
    if found.stopped == "time":
        second = "second" if seconds == 1 else "seconds"
        return f"There may be more; the search stopped after {seconds:g} {second}."
    if found.stopped == "size":
        of = f"up to {most} answers" if most != 1 else "1 answer"
        if not found.sets:
            return f"No set of {of} would; larger ones were not looked for."
        return f"There may be more: only sets of {of} were looked for."
    return "There is no other way." if found.sets else "Nothing that can change, or is still to be given, would."
