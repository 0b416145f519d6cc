"""One person before two rule sets: the questions of both, and the answers that both take."""

from __future__ import annotations

from attrs import evolve

from calf_triage._findings import UNSURE, Finding
from calf_triage._rules import RuleSet
from calf_triage.readings.sat import ABSENT, NOT_APPLICABLE, Circuit, Person, State, cells
from calf_triage.verify.prover import Prover, Values


class Pair:
    """The questions of two rule sets, and what of their answers both take."""

    def __init__(self, old: RuleSet, new: RuleSet) -> None:
        self.old, self.new = old, new
        self.not_compared: list[str] = []
        both = [name for name in new.findings.by_id if name in old.findings.by_id]
        pairs = {name: (old.findings.by_id[name], new.findings.by_id[name]) for name in both}
        differing = [name for name, pair in pairs.items() if taken(pair[0]) != taken(pair[1])]
        self.apart = {below for name in differing for below in self._with_below(name)}
        self._found = {"old": dict(old.findings.by_id), "new": dict(new.findings.by_id)}
        fine = cells(old, new)
        self._cells = {"old": dict(fine), "new": dict(fine)}
        self.said: set[str] = set()
        """Findings whose benign answer is not taken by both, so that no answer to them goes without saying."""
        for name in differing:
            self._join(name, *pairs[name])

    def _with_below(self, name: str) -> list[str]:
        return [name, *self.old.findings.below.get(name, ()), *self.new.findings.below.get(name, ())]

    def _join(self, name: str, old: Finding, new: Finding) -> None:
        alone = self.not_compared.append
        if old.only_if != new.only_if:
            alone(f"{name}: answers where only one of the two asks for them")
        if old.type != new.type:
            alone(f"{name}: all answers but 'unsure', since it is another type of question")
        elif old.type == "choice":
            ids = [{choice.id for choice in finding.choices} for finding in (old, new)]
            if ids[0] != ids[1]:
                alone(f"{name}: the choices {', '.join(sorted(ids[0] ^ ids[1]))}")
            if new.benign not in ids[0]:
                self.said.add(name)
        elif old.type == "measurement":
            self._join_numbers(name, old, new)

    def _join_numbers(self, name: str, old: Finding, new: Finding) -> None:
        """Both count in their own steps; compared is on the grid of the coarser one, where both ranges are."""
        decimals = min(old.decimals, new.decimals)
        scales = {"old": 10 ** (old.decimals - decimals), "new": 10 ** (new.decimals - decimals)}
        starts: set[int] = set()
        for side, rules in (("old", self.old), ("new", self.new)):
            # The first number on the coarser grid stands for the cell; a cell without one is in nobody's answers.
            starts |= {-(-start // scales[side]) for start in cells(rules)[name]}
        low = max(-(-old.low // scales["old"]), -(-new.low // scales["new"]))
        high = min(old.high // scales["old"], new.high // scales["new"])
        kept = sorted({max(start, low) for start in starts if start <= high}) if low <= high else []
        for side, finding in (("old", old), ("new", new)):
            self._cells[side][name] = tuple(start * scales[side] for start in kept)
            benign = int(finding.benign)
            if not low * scales[side] <= benign <= high * scales[side] or benign % scales[side]:
                self._found[side][name] = evolve(finding, benign=UNSURE)
                self.said |= {name} if side == "new" else set()
        if (old.low, old.high, old.decimals) != (new.low, new.high, new.decimals):
            self.not_compared.append(f"{name}: answers other than {old.expected()} and also {new.expected()}")

    def people(self, circuit: Circuit, *, whole: bool) -> tuple[Person, Person]:
        """One person as the older and as the newer rules hear of them."""
        findings, starts = self._found, self._cells
        new = Person(circuit, findings["new"], starts["new"], whole=whole)
        apart = self.apart.union(findings["old"].keys() - findings["new"].keys())
        old = Person(circuit, findings["old"], starts["old"], whole=whole, like=new, apart=apart)
        for name in sorted(self.apart):
            if name in old.states and name in new.states:
                self._same(circuit, name, old, new)
        return old, new

    def _same(self, circuit: Circuit, name: str, old: Person, new: Person) -> None:
        """Demands that both hear the same answer to a question that they ask differently."""
        alike = old.findings[name].type == new.findings[name].type
        numbers = dict(zip(old.cells.get(name, ()), new.cells.get(name, ()), strict=False))
        for mine, its, across in (
            (old.states[name], new.states[name], numbers),
            (new.states[name], old.states[name], {there: here for here, there in numbers.items()}),
        ):
            for state, literal in mine.items():
                fits: list[State] = [across.get(state, state) if type(state) is int else state]
                if not alike and state not in (UNSURE, ABSENT, NOT_APPLICABLE):
                    fits = []
                if state is False or state == ABSENT:
                    fits.append(NOT_APPLICABLE)
                elif state == NOT_APPLICABLE:
                    fits += [ABSENT, *([False] if alike and old.findings[name].type == "yes_no" else [])]
                circuit.require(-literal, *(its[fit] for fit in fits if fit in its))

    def values(self, prover: Prover, old: Person, new: Person) -> tuple[Values, Values]:
        """The last solution's answers, as each of the two takes them."""
        here, there = prover.values(new), {**prover.values(old)}
        for name in there:
            finding = self.old.findings.by_id[name]
            if finding.type == "measurement" and type(here.get(name)) is int:
                steps = int(here[name]) * 10**finding.decimals
                there[name] = steps // 10 ** self.new.findings.by_id[name].decimals
        return there, here


def taken(finding: Finding) -> tuple[object, ...]:
    """What answers a question takes."""
    choices = frozenset(choice.id for choice in finding.choices)
    return finding.type, finding.low, finding.high, finding.decimals, finding.only_if, choices
