"""What each of two rule sets answers, as literals, and where what speaks for it was rewritten."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import frozen

from calf_triage._assessment import LONGEST_SOON_HOURS, UNSURE_SAME_DAY_HOURS
from calf_triage._cached import cached_property
from calf_triage._criteria import Criterion
from calf_triage._findings import Acuity
from calf_triage._rules import Rule, RuleSet
from calf_triage._triage import resolve
from calf_triage.diff.changes import place_of, same_value
from calf_triage.diff.people import taken
from calf_triage.diff.values import Answered, answered
from calf_triage.readings.sat import Circuit, Person
from calf_triage.verify.prover import NotReplayedError, Prover, Values
from calf_triage.verify.resolution import Resolution, Standing


class Roots:
    """Where what a rule of one of the rule sets says was rewritten: its own file, or a picture or score it reads."""

    def __init__(self, mine: RuleSet, other: RuleSet, newer: RuleSet) -> None:
        self._mine, self._other = mine, other
        self._rules, self._newer = {rule.id: rule for rule in other}, {rule.id: rule for rule in newer}
        self._known: dict[tuple[str, ...], frozenset[str]] = {}
        self.age = frozenset(["ruleset.toml: lowest_age"] if mine.lowest_age != other.lowest_age else [])
        self.places = frozenset(["ruleset.toml: default_see"] if mine.default_see != other.default_see else [])

    def of(self, rule: Rule, *names: str) -> frozenset[str]:
        """The places for when a rule fires, its rung, and these attributes; none where it says what it said."""
        key = (rule.id, *names)
        if key not in self._known:
            twin = self._rules.get(rule.id)
            same = twin is not None and same_value(rule, twin, ("when", "acuity", *names))
            own = [] if same else [place_of(self._newer.get(rule.id, rule))]
            self._known[key] = frozenset(own).union(self._read(rule.when))
        return self._known[key]

    def of_item(self, id: str) -> frozenset[str]:
        """The places for an item of advice."""
        item, twin = self._mine.advice[id], self._other.advice.get(id)
        read = self._read((*item.contraindicated_by, *(change.criterion for change in item.modified_by)))
        same = twin is not None and same_value(item, twin)
        return read if same else read | {f"advice/: [{id}]"}

    def _read(self, criteria: Iterable[Criterion]) -> frozenset[str]:
        found: set[str] = set()
        for criterion in criteria:
            name = criterion.name
            if criterion.form == "named":
                mine, other = self._mine.criteria[name], self._other.criteria.get(name)
                # A new name is not the cause: the rule that uses it is.
                if other is not None and not same_value(mine, other):
                    found.add(f"criteria.toml: [{name}]")
                found |= self._read(mine.when)
            elif criterion.form == "score":
                score, before = self._mine.scores[name], self._other.scores.get(name)
                if before is not None and not same_value(score, before):
                    found.add(f"scores.toml: [{name}]")
                found |= self._read(item.criterion for item in score.items)
            elif name in self._other.findings.by_id:
                pair = self._mine.findings.by_id[name], self._other.findings.by_id[name]
                if taken(pair[0]) != taken(pair[1]):
                    found.add(f"findings/: [{name}]")
        return frozenset(found)


@frozen
class Support:
    """A rule that speaks for a part of the answer where a literal is true, and whence it was rewritten."""

    roots: frozenset[str]
    literal: int


@frozen
class Part:
    """A part of the answer: whether it is there, and what speaks for it."""

    there: int
    supports: tuple[Support, ...] = ()


NEVER: Final = Part(Circuit.FALSE)


class Side:
    """What one of the rule sets makes of a person."""

    def __init__(self, circuit: Circuit, rules: RuleSet, person: Person, roots: Roots) -> None:
        self.circuit, self.rules, self.roots = circuit, rules, roots
        self.run = Resolution(circuit, rules, person)
        self.care = [standing for standing in self.run.standing if standing.rule.acuity is Acuity.SELF_CARE]
        # Before anything is asked, since a solution knows only what was there when it was sought.
        names = ("places", "causes", "items", "withheld", "changes", "notes")
        self._told: dict[str, dict[str, Part]] = {name: getattr(self, name) for name in names}
        self._hours = {hours: self.within(hours).there for hours in self.hours}
        self._days = {days: self.again(days).there for days in self.days}

    def counting(self, rung: Acuity) -> list[tuple[Rule, int]]:
        """The rules that set a rung where it is the answer."""
        found = [(standing.rule, standing.fired) for standing in self.run.above if standing.rule.acuity is rung]
        unsure = [(s.rule, s.unsure) for s in self.run.above if self.run.when_unsure(s.rule) is rung]
        return found + unsure

    def supports(self, pairs: Iterable[tuple[Rule, int]], *names: str) -> tuple[Support, ...]:
        """Rules with the literals where they speak for something, by these of their attributes."""
        said = [(rule, literal) for rule, literal in pairs if literal != Circuit.FALSE]
        return tuple(Support(self.roots.of(rule, *names), literal) for rule, literal in said)

    def least(self, rung: Acuity) -> Part:
        """The answer is on this rung or above."""
        pairs = []
        for standing in self.run.above:
            pairs += [(standing.rule, standing.fired)] if standing.rule.acuity >= rung else []
            pairs += [(standing.rule, standing.unsure)] if self.run.when_unsure(standing.rule) >= rung else []
            if min(standing.rule.acuity, Acuity.SAME_DAY) >= rung:
                pairs.append((standing.rule, standing.waiting))
        return Part(self.run.at_least[rung], self.supports(pairs))

    def giving(self, standing: Standing) -> int:
        """Whether a self-care rule fires and gives something."""
        items = [self.run.allowed(self.rules.advice[id]) for id in standing.rule.do]
        return self.circuit.all((self.run.care, standing.fired, self.circuit.any(items)))

    @cached_property
    def self_care(self) -> dict[str, Support]:
        """By the id of each self-care rule, where it gives something."""
        return {
            standing.rule.id: Support(
                self.roots.of(standing.rule, "do").union(*map(self.roots.of_item, standing.rule.do), self.roots.age),
                self.giving(standing),
            )
            for standing in self.care
        }

    def within(self, hours: int) -> Part:
        """SOON, within at most so many hours."""
        pairs = [
            (rule, literal)
            for rule, literal in self.counting(Acuity.SOON)
            if ((rule.within_hours if rule.acuity is Acuity.SOON else UNSURE_SAME_DAY_HOURS) or hours + 1) <= hours
        ]
        pairs += [(s.rule, s.waiting) for s in self.run.above if s.rule.within_hours and s.rule.within_hours <= hours]
        return Part(self.run.within(hours), self.supports(pairs, "within_hours"))

    @property
    def hours(self) -> set[int]:
        """The hours within which one can be told to be seen soon."""
        return {UNSURE_SAME_DAY_HOURS, LONGEST_SOON_HOURS, *(r.within_hours for r in self.rules if r.within_hours)}

    @property
    def days(self) -> set[int]:
        """The days after which one can be told to answer again."""
        return {self.rules.look_again_days, *(rule.look_again_days[0] for rule in self.rules if rule.look_again_days)}

    def again(self, days: int) -> Part:
        """To answer again after at most so many days."""
        both, either, default, found = self.circuit.all, self.circuit.any, self.rules.look_again_days, []
        pairs: list[tuple[Rule, int]] = []
        for rung in (Acuity.ROUTINE, Acuity.SOON):
            told = [(rule, literal) for rule, literal in self.counting(rung) if rule.look_again_days]
            soon = [(rule, both((self.run.on(rung), lit))) for rule, lit in told if rule.look_again_days[0] <= days]
            none = -either(literal for _, literal in told) if default <= days else Circuit.FALSE
            found += [*(literal for _, literal in soon), both((self.run.on(rung), none))]
            pairs += soon
        for standing in self.care:
            if (*standing.rule.look_again_days, default)[0] <= days:
                pairs.append((standing.rule, self.giving(standing)))
                found.append(self.giving(standing))
        return Part(either(found), self.supports(pairs, "look_again_days"))

    @cached_property
    def causes(self) -> dict[str, Part]:
        """The possible causes."""
        by_id = {id: [(s.rule, s.fired) for s in self.run.standing if id in s.rule.causes] for id in self.run.causes}
        return {id: Part(literal, self.supports(by_id[id], "causes")) for id, literal in self.run.causes.items()}

    @cached_property
    def places(self) -> dict[str, Part]:
        """Where to be seen."""
        pairs = {id: [(s.rule, s.fired) for s in self.run.above if id in s.rule.see] for id in self.run.see}
        defaults = {id for ids in self.rules.default_see.values() for id in ids}
        for standing in self.run.above:
            # A rule that only unsure answers keep open sends to where its lower rung is seen.
            for id in self.rules.default_see[self.run.when_unsure(standing.rule)]:
                pairs[id].append((standing.rule, standing.unsure))
        return {
            id: Part(
                literal,
                self.supports(pairs[id], "see")
                + ((Support(self.roots.places, literal),) if id in defaults and self.roots.places else ()),
            )
            for id, literal in self.run.see.items()
        }

    def by_item(self, id: str, literal: int) -> tuple[Support, ...]:
        """The item itself, where it was rewritten."""
        return (Support(self.roots.of_item(id), literal),) if id in self.rules.advice else ()

    def _offering(self, id: str) -> list[tuple[Rule, int]]:
        return [(s.rule, s.fired) for s in self.care if id in s.rule.do]

    @cached_property
    def items(self) -> dict[str, Part]:
        """The items of self-care that are given."""
        return {id: Part(literal, self.supports(self._offering(id), "do")) for id, literal in self.run.advised.items()}

    @cached_property
    def withheld(self) -> dict[str, Part]:
        """The items of self-care that are withheld."""
        found = {}
        for id in self.run.advised:
            offered = self.circuit.any(literal for _, literal in self._offering(id))
            literal = self.circuit.all((self.run.care, offered, -self.run.allowed(self.rules.advice[id])))
            found[id] = Part(literal, self.supports(self._offering(id), "do"))
        return found

    @cached_property
    def changes(self) -> dict[str, Part]:
        """How the items that are given are changed."""
        found: dict[str, list[int]] = {}
        for id in self.run.advised:
            for change, literal in zip(self.rules.advice[id].modified_by, self.run.changed(id), strict=True):
                found.setdefault(f"{id}: {change.say}", []).append(literal)
        made = {}
        for key, literals in found.items():
            literal = self.circuit.any(literals)
            made[key] = Part(literal, self.by_item(key.partition(":")[0], literal))
        return made

    @cached_property
    def notes(self) -> dict[str, Part]:
        """First aid, what to avoid, and what not to wait with."""
        whose: dict[str, list[Rule]] = {id: [] for id in self.rules.safety_net}
        for rule in self.rules:
            for id in (*rule.meanwhile, *rule.avoid, *rule.seek_help_if):
                whose.setdefault(id, []).append(rule)
        standing = dict(zip((rule.id for rule in self.rules), self.run.standing, strict=True))
        found = {}
        for id, rules in whose.items():
            own = [self.giving(standing[rule.id]) for rule in rules if rule.acuity is Acuity.SELF_CARE]
            care = [self.run.care] if id in self.rules.safety_net else own
            said = self.circuit.any((self.run.said(id), *care))
            speak = [(r, self.circuit.any((standing[r.id].fired, standing[r.id].unsure))) for r in rules]
            found[id] = Part(said, self.supports(speak, "meanwhile", "avoid", "seek_help_if") + self.by_item(id, said))
        return found

    def confirm(self, prover: Prover, values: Values, about: str) -> Answered:
        """The library's answer. Raises NotReplayedError where it is another one than the solution's."""
        prover.confirm(self.run, values, about)
        answer = answered(resolve(self.rules, values))
        for name, parts in self._told.items():
            if set(getattr(answer, name)) != {id for id, part in parts.items() if prover.true(part.there)}:
                raise NotReplayedError(f"{about}: the library tells other {name}")
        if answer.acuity is Acuity.SOON:
            hours = min(h for h, literal in self._hours.items() if prover.true(literal) or h == LONGEST_SOON_HOURS)
            if hours != answer.within_hours:
                raise NotReplayedError(f"{about}: the library tells other hours")
        days = min((day for day, literal in self._days.items() if prover.true(literal)), default=None)
        if days != answer.look_again_days:
            raise NotReplayedError(f"{about}: the library asks again on another day")
        return answer
