"""The search for everybody whom two rule sets answer differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from attrs import frozen

from calf_triage._assessment import LONGEST_SOON_HOURS
from calf_triage._findings import Acuity
from calf_triage._rules import RuleSet
from calf_triage.diff.changes import Line
from calf_triage.diff.people import Pair
from calf_triage.diff.sides import NEVER, Roots, Side, Support
from calf_triage.diff.values import KINDS, Difference, Kind, Verdict
from calf_triage.readings.sat import ABSENT, Circuit, Person
from calf_triage.verify.prover import NotReplayedError, OutOfTimeError, Prover, in_words

MOST_REPORTS: Final = 100
MOST_OF_A_KIND: Final = 20
"""People told of one way to be answered differently, so that no way is crowded out by another one."""
_BOUNDED: Final = (
    f"At most {MOST_OF_A_KIND} people are told for one way to be answered differently, and {MOST_REPORTS} in all; "
    "there are others."
)


@frozen
class _Class:
    """One way to be answered differently."""

    kind: Kind
    about: str
    sought: int
    supports: tuple[Support, ...]


class Search:
    """Looks for everybody who is answered differently."""

    def __init__(self, old: RuleSet, new: RuleSet, deadline: float, progress: Callable[[str], None]) -> None:
        self.old, self.new, self.pair, self.progress = old, new, Pair(old, new), progress
        self._deadline, self._different = deadline, False
        self._roots = Roots(old, new, new), Roots(new, old, new)
        self._shown: set[tuple[str, str, frozenset[str]]] = set()
        self.told: list[Difference] = []
        self.fires: dict[str, Line] = {}
        self.bounded: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What is known of the answers."""
        if self.told or self._different:
            return "different"
        return "undecided" if self.bounded else "equivalent"

    def look(self) -> None:
        """Leaves what was found in `told`, `fires` and `bounded`."""
        if self.old.sha256 == self.new.sha256:
            return
        try:
            for whole in (True, False):
                self._look(whole=whole)
        except OutOfTimeError:
            self.bounded = "The search ran out of its time, so there may be other differences than those told here."
        except _EnoughError:
            self.bounded = _BOUNDED

    def _look(self, *, whole: bool) -> None:
        prover = Prover(self.new)
        prover.deadline = self._deadline
        people = self.pair.people(prover.circuit, whole=whole)
        sides = [
            Side(prover.circuit, rules, person, roots)
            for rules, person, roots in zip((self.old, self.new), people, self._roots, strict=True)
        ]
        rest = "everything is answered" if whole else "something is not answered"
        self.progress(f"rules, where {rest}")
        if whole:
            self._firing(prover, *sides)
        ways = [(each, self._groups(prover.circuit, each)) for each in _classes(prover.circuit, *sides)]
        self.progress(f"answers, where {rest}")
        if not prover.ask(prover.circuit.any(each.sought for each, _ in ways)):
            return
        self._different = True
        for each, by in ways:
            self.progress(f"{KINDS[each.kind].lower()}, where {rest}")
            for number, sought in enumerate(self._sought(prover, each, by)):
                if number == MOST_OF_A_KIND:
                    self.bounded = _BOUNDED
                    break
                told = self._told(prover, people, sides, each, by, sought)
                self.told.append(told)
                # What else this person shows needs no other person.
                self._shown |= {
                    (other.kind, other.about, roots)
                    for other, of in ways
                    if prover.true(other.sought)
                    for roots, literal in of.items()
                    if prover.true(literal)
                }
        if not self._shown:
            raise NotReplayedError("a difference that is none of those looked for")

    def _groups(self, circuit: Circuit, each: _Class) -> dict[frozenset[str], int]:
        """What speaks for a class, by where it was rewritten; under no place, where nothing rewritten speaks for it."""
        groups: dict[frozenset[str], list[int]] = {}
        for support in each.supports:
            groups.setdefault(support.roots, []).append(support.literal)
        by = {roots: circuit.any(groups[roots]) for roots in sorted(groups, key=sorted) if roots}
        return {**by, _NOWHERE: circuit.all((each.sought, *(-literal for literal in by.values())))}

    def _sought(self, prover: Prover, each: _Class, by: Mapping[frozenset[str], int]) -> Iterator[int]:
        """What makes up a class and is not shown yet, each where it alone does so if there is such a person."""
        if each.sought == Circuit.FALSE:
            return
        for roots, literal in by.items():
            if (each.kind, each.about, roots) in self._shown:
                continue
            others = [-other for key, other in by.items() if key not in (roots, _NOWHERE)]
            if prover.ask(each.sought, literal, *others):
                yield prover.circuit.all((each.sought, literal, *others))
            elif prover.ask(each.sought, literal):
                yield prover.circuit.all((each.sought, literal))

    def _firing(self, prover: Prover, old: Side, new: Side) -> None:
        """For whom each rule fires that both have."""
        now = dict(zip((rule.id for rule in self.new), new.run.fired, strict=True))
        for rule, fired in zip(self.old, old.run.fired, strict=True):
            if rule.id not in now or now[rule.id] == fired:
                continue
            fewer, more = prover.ask(fired, -now[rule.id]), prover.ask(-fired, now[rule.id])
            if not (fewer or more):
                continue
            said = "fires for fewer people than before" if fewer else "fires for more people than before"
            if fewer and more:
                said = "fires no more for some people, and now for others"
            # Self-care for fewer people is more care; whoever loses a rule, however many others gain it, has less.
            lowered = more if rule.acuity is Acuity.SELF_CARE else fewer
            self.fires[rule.id] = ("lowered" if lowered else "raised", said)

    def _told(
        self,
        prover: Prover,
        people: tuple[Person, Person],
        sides: list[Side],
        each: _Class,
        by: Mapping[frozenset[str], int],
        sought: int,
    ) -> Difference:
        """The smallest answers to something sought, as the library answers them."""
        if len(self.told) >= MOST_REPORTS:
            raise _EnoughError
        old, new = people
        asked = [(new, name) for name in new.states]
        asked += [(old, name) for name in old.states if name not in new.states]
        prover.least_said(sought, asked)
        values = self.pair.values(prover, old, new)
        before, now = (side.confirm(prover, its, each.about) for side, its in zip(sides, values, strict=True))
        if before == now:
            raise NotReplayedError(f"{each.about}: the library answers the same to both")
        given = {**values[0], **values[1]}
        findings = {**self.old.findings.by_id, **self.new.findings.by_id}
        benign = {name for person, name in asked if name in given and prover.true(person.benign(name))}
        rest: Literal["benign", "not answered"] = "benign" if benign else "not answered"
        # Where all else is benign, what is left out has to be said.
        absent = {name for person, name in asked if benign and prover.true(person.is_(name, ABSENT))}
        told = (given.keys() - benign) | absent | self.pair.said.intersection(given)
        names = [name for name in findings if name in told]
        return Difference(
            kind=each.kind,
            about=each.about,
            because=tuple(sorted({place for key, lit in by.items() if prover.true(lit) for place in key}))
            or self._standing(prover, sides),
            answers=tuple((name, findings[name].asks, in_words(findings[name], given.get(name))) for name in names),
            rest=rest,
            old=before,
            new=now,
            given={name: findings[name].shown(given[name]) for name in findings if name in given},
        )

    def _standing(self, prover: Prover, sides: list[Side]) -> tuple[str, ...]:
        """Where those rules were rewritten that fire in the last solution, or that unsure answers alone keep open."""
        found: set[str] = set()
        for side in sides:
            for standing in side.run.standing:
                if prover.true(standing.fired) or prover.true(standing.unsure):
                    found |= side.roots.of(standing.rule, "see", "do", "meanwhile", "avoid", "seek_help_if")
        return tuple(sorted(found))


_NOWHERE: Final[frozenset[str]] = frozenset()


class _EnoughError(Exception):
    """So many differences are told that no more are."""


def _classes(circuit: Circuit, old: Side, new: Side) -> Iterator[_Class]:
    """Every way in which two answers can differ. Together they are all of them."""
    both, rungs = circuit.all, [*Acuity]
    pairs = [(one, other) for one in rungs for other in rungs if one is not other]
    for one, other in sorted(pairs, key=lambda pair: (pair[1] - pair[0], -pair[0])):
        supports = old.least(one).supports if other < one else new.least(other).supports
        if {one, other} == {Acuity.ROUTINE, Acuity.SELF_CARE}:
            # No rule above self-care need have changed for this.
            supports += tuple(_given_by_one(circuit, *((old, new) if other else (new, old))))
        sought = both((old.run.on(one), new.run.on(other)))
        yield _Class("lowered" if other < one else "raised", f"{one.word} → {other.word}", sought, supports)
    same = circuit.any(both((old.run.on(rung), new.run.on(rung))) for rung in rungs)
    yield from _steps(circuit, both((old.run.on(Acuity.SOON), new.run.on(Acuity.SOON))), old, new)
    yield from _items(circuit, old, new)
    for name, lost, gained, where in (
        ("causes", "cause lost", "cause gained", Circuit.TRUE),
        ("notes", "note lost", "note gained", same),
        ("places", "place lost", "place gained", same),
    ):
        before, now = getattr(old, name), getattr(new, name)
        for id in dict.fromkeys((*before, *now)):
            had, has = before.get(id, NEVER), now.get(id, NEVER)
            yield _Class(lost, id, both((where, had.there, -has.there)), had.supports)  # type: ignore[arg-type]
            yield _Class(gained, id, both((where, has.there, -had.there)), has.supports)  # type: ignore[arg-type]
    yield from _days(circuit, same, old, new)


def _items(circuit: Circuit, old: Side, new: Side) -> Iterator[_Class]:
    """Self-care in both, with other items, or with the same ones and other words on how to do them."""
    both, care = circuit.all, circuit.all((old.run.care, new.run.care))
    for id in dict.fromkeys((*old.items, *new.items)):
        had, has = old.items.get(id, NEVER), new.items.get(id, NEVER)
        kept, keeps = old.withheld.get(id, NEVER), new.withheld.get(id, NEVER)
        freed, stopped = both((kept.there, has.there)), both((had.there, keeps.there))
        yield _Class("no longer withheld", id, freed, old.by_item(id, freed) + new.by_item(id, freed))
        yield _Class("now withheld", id, stopped, old.by_item(id, stopped) + new.by_item(id, stopped))
        for mine in (had, kept):
            yield _Class("item lost", id, both((care, mine.there, -has.there, -keeps.there)), mine.supports)
        for mine in (has, keeps):
            yield _Class("item gained", id, both((care, mine.there, -had.there, -kept.there)), mine.supports)
    for key in dict.fromkeys((*old.changes, *new.changes)):
        id = key.partition(":")[0]
        given = both((old.items.get(id, NEVER).there, new.items.get(id, NEVER).there))
        before, now = old.changes.get(key, NEVER), new.changes.get(key, NEVER)
        yield _Class("change lost", key, both((given, before.there, -now.there)), before.supports)
        yield _Class("change gained", key, both((given, now.there, -before.there)), now.supports)


def _given_by_one(circuit: Circuit, this: Side, other: Side) -> Iterator[Support]:
    """The self-care rules that give something on this side, and nothing on the other."""
    for id, support in this.self_care.items():
        there = other.self_care[id].literal if id in other.self_care else Circuit.FALSE
        yield Support(support.roots, circuit.all((support.literal, -there)))


def _steps(circuit: Circuit, soon: int, old: Side, new: Side) -> Iterator[_Class]:
    """SOON in both, within other hours."""
    limits = sorted(old.hours | new.hours)

    def exactly(side: Side, hours: int) -> int:
        shorter = [side.within(limit).there for limit in limits if limit < hours]
        here = Circuit.TRUE if hours == LONGEST_SOON_HOURS else side.within(hours).there
        return circuit.all((here, *(-literal for literal in shorter)))

    for before in limits:
        for now in limits:
            if before != now:
                later = now > before
                supports = old.within(before).supports if later else new.within(now).supports
                sought = circuit.all((soon, exactly(old, before), exactly(new, now)))
                yield _Class("later" if later else "sooner", f"within {before} → {now} hours", sought, supports)


def _days(circuit: Circuit, same: int, old: Side, new: Side) -> Iterator[_Class]:
    """The same rung in both, and to answer again on another day."""
    limits = sorted(old.days | new.days)
    for place, before in enumerate(limits):
        for now in limits[place + 1 :]:
            for kind, one, other in (("asked again later", old, new), ("asked again sooner", new, old)):
                early = [one.again(before), *(one.again(limit) for limit in limits if limit < before)]
                late = [other.again(now), *(other.again(limit) for limit in limits if limit < now)]
                exact = [circuit.all((p[0].there, *(-each.there for each in p[1:]))) for p in (early, late)]
                about = f"after {before} → {now} days" if one is old else f"after {now} → {before} days"
                supports = early[0].supports + late[0].supports
                yield _Class(kind, about, circuit.all((same, *exact)), supports)  # type: ignore[arg-type]
