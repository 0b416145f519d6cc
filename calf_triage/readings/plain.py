"""The plain reading: the definition of what a rule set says about a set of answers.

Each criterion has two independent truths, met and refuted. For a finding f:

    answer                        f met   f refuted   `f is unsure` met   refuted
    yes                             x                                       x
    no, or its only_if is no                  x                             x
    unsure                                                  x
    absent

A measured value or a choice meets or refutes a comparison; unsure or absent does neither. `all` is met when all are
met and refuted when one is refuted; `any` the reverse; `none` is met when all its criteria are refuted, refuted when
one is met. A score is met by the points met, and refuted when the points not refuted cannot reach it. A rule is fired
(met), excluded (refuted) or open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import compress
from operator import or_

from attrs import field, frozen

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Value
from calf_triage._rules import RuleSet

Truths = list[bool]
_Key = tuple[str, str, int | str | None]
_Both = tuple[list[bool], list[bool]]
"""Met, and refuted."""
_Read = Callable[[Truths, Truths], _Both]


@frozen
class Parts:
    """The numbers of the criteria that a `when` or a score is made of, and the bits of the findings that they read.

    either: those of which one is enough.
    """

    every: tuple[int, ...]
    either: tuple[int, ...]
    reads: int


@frozen
class Reading:
    """What the plain reading finds. Rules are numbers into `rules.rules`.

    met and refuted hold the truths of all criteria; may_be_met and may_be_refuted what they might yet become, were
    every absent finding to suit.
    """

    fired: tuple[int, ...]
    excluded: frozenset[int]
    could_fire: frozenset[int]
    """Rules that some answers to the absent findings might fire. May name one too many, never one too few."""
    could_be_excluded: frozenset[int]
    met: Truths = field(repr=False)
    refuted: Truths = field(repr=False)
    may_be_met: Truths = field(repr=False)
    may_be_refuted: Truths = field(repr=False)


class Plain:
    """A rule set compiled into one function of the truths of the criteria on findings."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.bits = {name: 1 << place for place, name in enumerate(rules.findings.by_id)}
        """Each finding's bit, in question order: sets of findings are whole numbers here."""
        self._leaves: dict[str, dict[_Key, Criterion]] = {name: {} for name in self.bits}
        names: list[Criterion] = []
        for criterion in every_criterion(rules):
            if criterion.form in ("score", "named"):
                names.append(criterion)
            else:
                self._leaves[criterion.name].setdefault(_key(criterion), criterion)
        self._numbers: dict[_Key, int] = {}
        self._reads: list[int] = []
        self._parts: dict[int, Parts] = {}
        self._places: dict[str, slice] = {}
        for name, leaves in self._leaves.items():
            self._places[name] = slice(2 * len(self._reads), 2 * (len(self._reads) + len(leaves)))
            for key in leaves:
                self._numbers[key] = len(self._numbers)
                self._reads.append(self.bits[name])
        self._nothing = [False] * (2 * len(self._numbers))
        self._told = {name: self._answers(name) for name in self.bits}
        self._anything = {name: [True] * (2 * len(leaves)) for name, leaves in self._leaves.items()}
        self._read = self._compile(names)
        self._rules = range(len(rules.rules))

    def read(self, values: Mapping[str, Value]) -> Reading:
        """What the rules say about checked answers."""
        told = {**values, **dict.fromkeys(self.rules.findings.not_applicable(values))}
        truths = self._nothing.copy()
        for name, value in told.items():
            truths[self._places[name]] = self._told[name].get(value) or self._truths(name, value)
        met, refuted = may_be_met, may_be_refuted = truths[::2], truths[1::2]
        fired, excluded = could_fire, could_be_excluded = self._read(met, refuted)
        if len(told) < len(self.bits):
            for name in self.bits.keys() - told.keys():
                truths[self._places[name]] = self._anything[name]
            may_be_met, may_be_refuted = truths[::2], truths[1::2]
            could_fire, could_be_excluded = self._read(may_be_met, may_be_refuted)
        return Reading(
            tuple(compress(self._rules, fired)),
            frozenset(compress(self._rules, excluded)),
            frozenset(compress(self._rules, could_fire)),
            frozenset(compress(self._rules, could_be_excluded)),
            met,
            refuted,
            may_be_met,
            may_be_refuted,
        )

    def number(self, criterion: Criterion) -> int:
        """Where the truths of a criterion of the rule set stand in a reading's lists."""
        return self._numbers[_key(criterion)]

    def is_met(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion of the rule set is met."""
        return reading.met[self._numbers[_key(criterion)]]

    def is_refuted(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion of the rule set is refuted."""
        return reading.refuted[self._numbers[_key(criterion)]]

    def may_be_met(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion is met, or might be, were the absent findings to suit."""
        return reading.may_be_met[self._numbers[_key(criterion)]]

    def may_be_refuted(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion is refuted, or might be, were the absent findings to suit."""
        return reading.may_be_refuted[self._numbers[_key(criterion)]]

    def holds(self, when: When, reading: Reading) -> bool:
        """Whether a `when` of the rule set, a law's say, is met."""
        return (
            all(self.is_met(criterion, reading) for criterion in when.all)
            and (not when.any or any(self.is_met(criterion, reading) for criterion in when.any))
            and all(self.is_refuted(criterion, reading) for criterion in when.none)
        )

    def parts(self, when: When) -> Parts:
        """What a `when` made of criteria of the rule set consists of."""
        every, either = (tuple(map(self.number, part)) for part in ((*when.all, *when.none), when.any))
        return Parts(every, either, reduce(or_, (self._reads[number] for number in every + either), 0))

    def undecided(self, parts: Parts, reading: Reading, absent: int, known: dict[int, int]) -> int:
        """Those of the absent findings on which it still depends whether this is met or refuted; both as bits.

        known: what was found before on the same reading, so that shared pictures are taken apart once.
        """
        if parts.reads & absent == parts.reads:
            # Nothing was answered of what it reads, so nothing is decided.
            return parts.reads
        found = 0
        one_met = any(map(reading.met.__getitem__, parts.either))
        for number in parts.every if one_met else parts.every + parts.either:
            if reading.met[number] or reading.refuted[number]:
                continue
            if number not in self._parts:
                found |= self._reads[number]
            else:
                if number not in known:
                    known[number] = self.undecided(self._parts[number], reading, absent, known)
                found |= known[number]
        return found & absent

    def names(self, bits: int) -> list[str]:
        """The findings of a set of bits, in question order."""
        return [name for name, bit in zip(self.bits, f"{bits:b}"[::-1], strict=False) if bit == "1"]

    # -- compiling ---------------------------------------------------------------------------------------------------

    def _answers(self, name: str) -> dict[Value | None, list[bool]]:
        """What each answer to a finding does; None is that it does not apply.

        Numbers are not among them: a measurement has too many values to keep.
        """
        finding = self.rules.findings.by_id[name]
        answers: list[Value | None] = [None, UNSURE, *(choice.id for choice in finding.choices)]
        answers += [True, False] if finding.type == "yes_no" else []
        return {value: self._truths(name, value) for value in answers}

    def _truths(self, name: str, value: Value | None) -> list[bool]:
        """Of each criterion on a finding whether it is met, and whether it is refuted."""
        found: list[bool] = []
        for criterion in self._leaves[name].values():
            truth = False if value is None else leaf_truth(criterion, value)
            found += truth is True, truth is False
        return found

    def _compile(self, names: Iterable[Criterion]) -> _Read:
        """A function that completes the truths of the criteria on findings by those of named criteria and scores, and
        gives for each rule whether it is met, and whether it is refuted.

        Its source holds numbers that this module made, and nothing that a file said.
        """
        leaves = len(self._numbers)
        body: list[str] = []

        def truth(criterion: Criterion, met: bool) -> str:
            return f"{'m' if met else 'r'}{number(criterion)}"

        def number(criterion: Criterion) -> int:
            key = _key(criterion)
            if key not in self._numbers:
                both = [of(criterion, met) for met in (True, False)]
                found = self._numbers[key] = len(self._numbers)
                body.extend(f" {side}{found} = {part}" for side, part in zip("mr", both, strict=True))
                self._parts[found] = self.parts(self._inner(criterion))
                self._reads.append(self._parts[found].reads)
            return self._numbers[key]

        def of(criterion: Criterion, met: bool) -> str:
            if criterion.form == "named":
                return when_of(self.rules.criteria[criterion.name].when, met)
            score = self.rules.scores[criterion.name]
            points = " + ".join(f"{item.points} * {truth(item.criterion, met)}" for item in score.items)
            needed = int(criterion.value or 0)
            return f"{points} >= {needed}" if met else f"{score.most} - ({points}) < {needed}"

        def when_of(when: When, met: bool) -> str:
            outer, inner = (" and ", " or ") if met else (" or ", " and ")
            parts = [truth(criterion, met) for criterion in when.all]
            parts += [truth(criterion, not met) for criterion in when.none]
            if when.any:
                parts.append(f"({inner.join(truth(criterion, met) for criterion in when.any)})")
            return outer.join(parts)

        for criterion in names:
            number(criterion)
        fired, excluded = (", ".join(when_of(rule.when, met) for rule in self.rules.rules) for met in (True, False))
        lines = ["def read(m, r):"]
        lines += [f" [{', '.join(f'{side}{leaf}' for leaf in range(leaves))}] = {side}" for side in "mr"]
        lines += body
        for side in "mr":
            lines.append(f" {side} += [{', '.join(f'{side}{other}' for other in range(leaves, len(self._numbers)))}]")
        lines.append(f" return [{fired}], [{excluded}]")
        scope: dict[str, _Read] = {}
        exec(compile("\n".join(lines), "<rules>", "exec"), {"__builtins__": {}}, scope)  # noqa: S102
        return scope["read"]

    def _inner(self, criterion: Criterion) -> When:
        """The criteria that a named criterion or a score is made of."""
        if criterion.form == "named":
            return self.rules.criteria[criterion.name].when
        return When(tuple(item.criterion for item in self.rules.scores[criterion.name].items))


def _key(criterion: Criterion) -> _Key:
    return criterion.form, criterion.name, criterion.value


def leaf_truth(criterion: Criterion, value: Value) -> bool | None:
    """Met (True), refuted (False) or neither (None), for one answered finding that applies."""
    if criterion.form == "unsure":
        return value == UNSURE
    if value == UNSURE:
        return None
    if criterion.form == "yes":
        return value is True
    if criterion.form == "choice":
        return value == criterion.value
    at_least = int(value) >= int(criterion.value or 0)
    return at_least if criterion.form == "at_least" else not at_least


def every_criterion(rules: RuleSet) -> Iterable[Criterion]:
    """All criteria, wherever they stand."""
    parts: tuple[Iterable[Criterion], ...] = (
        *(rule.when for rule in rules.rules),
        *(named.when for named in rules.criteria.values()),
        *(law.when for law in rules.laws),
        *((item.criterion for item in score.items) for score in rules.scores.values()),
        *(cause.against for cause in rules.causes.values()),
        *(item.contraindicated_by for item in rules.advice.values()),
        *((change.criterion for change in item.modified_by) for item in rules.advice.values()),
        () if rules.plan is None else rules.plan.criteria(),
    )
    for part in parts:
        yield from part


def plain(rules: RuleSet) -> Plain:
    """The rule set's plain reading, compiled once and kept with the rule set."""
    found = rules.readings.get("plain")
    if not isinstance(found, Plain):
        found = rules.readings["plain"] = Plain(rules)
    return found
