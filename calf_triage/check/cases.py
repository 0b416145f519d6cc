"""How much of a rule set some whole cases reach, in whole numbers: rules, criteria, and both sides of every number."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from calf_triage._criteria import Criterion
from calf_triage._findings import Value
from calf_triage._rules import RuleSet
from calf_triage._text import Node, Section, Table
from calf_triage.check import points, reachable, with_all_below
from calf_triage.readings.plain import Reading, plain
from calf_triage.vignettes import NotRun, Vignette, run

MOST_SHOWN = 10


@frozen
class Reached:
    """How many of all, and which not."""

    count: int
    of: int
    missing: tuple[str, ...]


@frozen
class CaseCoverage:
    """What some cases reach when they are finished, as `vignettes.run` finishes them.

    rules: fired by a case. met, refuted: the criteria that rules read, through their names and scores too. on, below:
    the numbers that they read on which a case stands, and those that a case is just below (one step of the grid; of a
    score, the most points that do not suffice). not_run: cases whose answers cannot be read, which reach nothing.
    """

    cases: int
    rules: Reached
    met: Reached
    refuted: Reached
    on: Reached
    below: Reached
    not_run: tuple[NotRun, ...]

    def sections(self) -> Iterable[Section]:
        """The counts, then what is missing."""
        named = {
            "rules that fire": self.rules,
            "criteria met": self.met,
            "criteria refuted": self.refuted,
            "numbers a case stands on": self.on,
            "numbers a case is just below": self.below,
        }
        rows = tuple((name, str(found.count), str(found.of)) for name, found in named.items())
        yield Section(
            f"Reached by {self.cases} case{'' if self.cases == 1 else 's'}", (Table(("", "reached", "of"), rows),)
        )
        for name, found in named.items():
            if found.missing:
                more = len(found.missing) - MOST_SHOWN
                shown = [*found.missing[:MOST_SHOWN], *([f"… and {more} more; --json lists all"] if more > 0 else [])]
                yield Section(f"Not among the {name}", tuple(map(Node, shown)))
        if self.not_run:
            wrong = tuple(Node(case.id, tuple(map(Node, case.problems))) for case in self.not_run)
            yield Section("Cases that cannot be read", wrong)


def case_coverage(rules: RuleSet, cases: tuple[Vignette, ...]) -> CaseCoverage:
    """What the cases reach in a rule set."""
    report = run(cases, rules, engine="plain")
    reader = plain(rules)
    finished = [rules.findings.check({**o.case.given, **o.assumed})[0] for o in report.outcomes]
    read = [(values, reader.read(values)) for values in finished]
    fired = {name for outcome in report.outcomes for name in outcome.fired}
    criteria = [*with_all_below(rules, (criterion for rule in rules for criterion in rule.when))]
    numbers = [criterion for criterion in criteria if criterion.form in ("at_least", "below", "score")]
    sides = {criterion.text: _sides(rules, criterion, read) for criterion in numbers}
    return CaseCoverage(
        cases=len(report.outcomes),
        rules=_reached((f"{rule.acuity.word}/{rule.id}", rule.id in fired) for rule in rules),
        met=_reached((c.text, any(reader.is_met(c, reading) for _, reading in read)) for c in criteria),
        refuted=_reached((c.text, any(reader.is_refuted(c, reading) for _, reading in read)) for c in criteria),
        on=_reached((text, on) for text, (on, _) in sides.items()),
        below=_reached((text, below) for text, (_, below) in sides.items()),
        not_run=report.not_run,
    )


def _sides(rules: RuleSet, criterion: Criterion, read: list[tuple[dict[str, Value], Reading]]) -> tuple[bool, bool]:
    """Whether a case stands on a criterion's number, and whether one is just below it."""
    needed = int(criterion.value or 0)
    if criterion.form == "score":
        score = rules.scores[criterion.name]
        may_be = reachable(score)
        found = {points(rules, score, reading) for _, reading in read}
        return min(n for n in may_be if n >= needed) in found, max(n for n in may_be if n < needed) in found
    stands = {values[criterion.name] for values, _ in read if criterion.name in values}
    return needed in stands, needed - 1 in stands


def _reached(found: Iterable[tuple[str, bool]]) -> Reached:
    each = dict(found)
    return Reached(sum(each.values()), len(each), tuple(name for name, reached in each.items() if not reached))
