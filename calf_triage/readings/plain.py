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

How it is worked out: a criterion's standing is four bits, each of them a truth,

    MET             it is met
    NOT_REFUTED     it is not refuted
    MAY_BE_MET      it is met, or would be, were every absent finding to suit
    MUST_BE_MET     it is not refuted, and would not be, were every absent finding to suit

so that of standings `all` is &, `any` is |, and a criterion in `none` is taken for its opposite: met where it is
refuted, and so on. A score is reached, bit by bit, when the points of the criteria that have the bit reach it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import chain, compress
from operator import getitem, or_
from typing import Final

from attrs import field, frozen

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Finding, Value
from calf_triage._rules import RuleSet

MET: Final = 1
NOT_REFUTED: Final = 2
MAY_BE_MET: Final = 4
MUST_BE_MET: Final = 8

_IS_MET: Final = MET | NOT_REFUTED | MAY_BE_MET | MUST_BE_MET
_IS_REFUTED: Final = 0
_IS_NEITHER: Final = NOT_REFUTED | MUST_BE_MET
_IS_ABSENT: Final = NOT_REFUTED | MAY_BE_MET

_Key = tuple[str, str, int | str | None]
_Read = Callable[[list[int]], list[int]]


def _opposite(standing: int) -> int:
    """The standing of the opposite."""
    pairs = (MET, NOT_REFUTED), (NOT_REFUTED, MET), (MAY_BE_MET, MUST_BE_MET), (MUST_BE_MET, MAY_BE_MET)
    return sum(bit for bit, of in pairs if not standing & of)


_OPPOSITE: Final = tuple(map(_opposite, range(_IS_MET + 1)))
_WITH: Final = {bit: bytes(bool(standing & bit) for standing in range(256)) for bit in (MET, MAY_BE_MET)}
_WITHOUT: Final = {bit: bytes(not standing & bit for standing in range(256)) for bit in (NOT_REFUTED, MUST_BE_MET)}
"""For each standing, as a byte: whether it has a bit, or has it not."""
_AS_TRUTHS: Final = bytes.maketrans(b"01", bytes((0, 1)))


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
    """What the plain reading finds. Rules are numbers into `rules.rules`; standings are those of all criteria."""

    fired: tuple[int, ...]
    excluded: frozenset[int]
    could_fire: frozenset[int]
    """Rules that some answers to the absent findings might fire. May name one too many, never one too few."""
    could_be_excluded: frozenset[int]
    standings: list[int] = field(repr=False)


class _Answers(dict[Value | None, tuple[int, ...]]):
    """For each answer to a finding the standing of each criterion on it; None where it is absent."""

    NOT_APPLICABLE: Final = "does not apply"
    """No choice is named like this."""

    def __init__(self, finding: Finding, criteria: Iterable[Criterion]) -> None:
        self._criteria = tuple(criteria)
        count = len(self._criteria)
        super().__init__({None: (_IS_ABSENT,) * count, self.NOT_APPLICABLE: (_IS_REFUTED,) * count})
        yes_or_no: tuple[Value, ...] = (True, False) if finding.type == "yes_no" else ()
        for answer in (*yes_or_no, UNSURE, *(choice.id for choice in finding.choices)):
            self[answer] = self._standings(answer)
        # Between two neighbouring numbers of criteria no comparison changes.
        self._numbers = sorted({int(one.value or 0) for one in self._criteria if one.form in ("at_least", "below")})
        starts = [self._numbers[0] - 1, *self._numbers] if self._numbers else [0]
        self._between = [self._standings(start) for start in starts] if finding.type == "measurement" else []

    def _standings(self, value: Value) -> tuple[int, ...]:
        truths = (leaf_truth(criterion, value) for criterion in self._criteria)
        return tuple(_IS_NEITHER if truth is None else _IS_MET if truth else _IS_REFUTED for truth in truths)

    def __missing__(self, value: int) -> tuple[int, ...]:
        """Of a measured value, of which there are too many to keep them all."""
        return self._between[bisect_right(self._numbers, value)]


class Plain:
    """A rule set compiled into one function of the standings of the criteria on findings."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.bits = {name: 1 << place for place, name in enumerate(rules.findings.by_id)}
        """Each finding's bit, in question order: sets of findings are whole numbers here."""
        leaves: dict[str, dict[_Key, Criterion]] = {name: {} for name in self.bits}
        names: list[Criterion] = []
        for criterion in every_criterion(rules):
            if criterion.form in ("score", "named"):
                names.append(criterion)
            else:
                leaves[criterion.name].setdefault(_key(criterion), criterion)
        self._numbers: dict[_Key, int] = {}
        self._reads: list[int] = []
        self._parts: dict[int, Parts] = {}
        for name, of in leaves.items():
            for key in of:
                self._numbers[key] = len(self._numbers)
                self._reads.append(self.bits[name])
        self._answers = [_Answers(rules.findings.by_id[name], of.values()) for name, of in leaves.items()]
        self._read = self._compile(names)
        self._rules = range(len(rules.rules))

    def read(self, values: Mapping[str, Value]) -> Reading:
        """What the rules say about checked answers."""
        hidden = self.rules.findings.not_applicable(values)
        told = {**values, **dict.fromkeys(hidden, _Answers.NOT_APPLICABLE)} if hidden else values
        standings = list(chain.from_iterable(map(getitem, self._answers, map(told.get, self.bits))))
        rules = bytes(self._read(standings))
        return Reading(
            tuple(compress(self._rules, rules.translate(_WITH[MET]))),
            frozenset(compress(self._rules, rules.translate(_WITHOUT[NOT_REFUTED]))),
            frozenset(compress(self._rules, rules.translate(_WITH[MAY_BE_MET]))),
            frozenset(compress(self._rules, rules.translate(_WITHOUT[MUST_BE_MET]))),
            standings,
        )

    def number(self, criterion: Criterion) -> int:
        """Where the standing of a criterion of the rule set stands in a reading's list."""
        return self._numbers[_key(criterion)]

    def is_met(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion of the rule set is met."""
        return bool(reading.standings[self.number(criterion)] & MET)

    def is_refuted(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion of the rule set is refuted."""
        return not reading.standings[self.number(criterion)] & NOT_REFUTED

    def may_be_met(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion is met, or might be, were the absent findings to suit."""
        return bool(reading.standings[self.number(criterion)] & MAY_BE_MET)

    def may_be_refuted(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion is refuted, or might be, were the absent findings to suit."""
        return not reading.standings[self.number(criterion)] & MUST_BE_MET

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

    def undecided(
        self, every: Iterable[Parts], reading: Reading, absent: int, wanted: int, known: dict[int, int]
    ) -> int:
        """Those of the wanted findings on which it still depends whether these are met or refuted.

        Findings are bits. absent: all that are absent, the wanted ones among them. known: what was found before on the
        same reading, so that shared pictures are taken apart once.
        """
        left = wanted
        for parts in every:
            if parts.reads & left:
                left &= ~self._undecided(parts, reading.standings, absent, left, known)
        return wanted & ~left

    def _undecided(self, parts: Parts, standings: list[int], absent: int, wanted: int, known: dict[int, int]) -> int:
        """wanted: where none of these can be found, it need not be looked."""
        if parts.reads & absent == parts.reads:
            # Nothing was answered of what it reads, so nothing is decided.
            return parts.reads
        found = 0
        reads = self._reads
        one_met = parts.either and any(standings[number] & MET for number in parts.either)
        for number in parts.every if one_met else parts.every + parts.either:
            if reads[number] & wanted and _IS_REFUTED < standings[number] < _IS_MET:
                inner = self._parts.get(number)
                if inner is None:
                    found |= reads[number] & absent
                else:
                    if number not in known:
                        known[number] = self._undecided(inner, standings, absent, absent, known)
                    found |= known[number]
                wanted &= ~found
        return found

    def names(self, bits: int) -> list[str]:
        """The findings of a set of bits, in question order."""
        return list(compress(self.bits, f"{bits:b}"[::-1].encode().translate(_AS_TRUTHS)))

    def _compile(self, names: Iterable[Criterion]) -> _Read:
        """A function that completes the standings of the criteria on findings by those of named criteria and scores,
        and gives those of the rules.

        Its source holds numbers that this module made or the rules count points with, and nothing else a file said.
        """
        leaves = len(self._numbers)
        body: list[str] = []

        def standing(criterion: Criterion) -> str:
            key = _key(criterion)
            if key not in self._numbers:
                inner = self._inner(criterion)
                meaning = score(criterion) if criterion.form == "score" else when_of(inner)
                number = self._numbers[key] = len(self._numbers)
                body.append(f"s{number} = {meaning}")
                self._parts[number] = self.parts(inner)
                self._reads.append(self._parts[number].reads)
            return f"s{self._numbers[key]}"

        def score(criterion: Criterion) -> str:
            items, needed = self.rules.scores[criterion.name].items, int(criterion.value or 0)
            of = [(item.points, standing(item.criterion)) for item in items]
            bits = [
                f"{bit} * ({' + '.join(f'{points} * ({name} & {bit})' for points, name in of)} >= {needed * bit})"
                for bit in (MET, NOT_REFUTED, MAY_BE_MET, MUST_BE_MET)
            ]
            return " + ".join(bits)

        def when_of(when: When) -> str:
            parts = [standing(criterion) for criterion in when.all]
            parts += [f"opposite[{standing(criterion)}]" for criterion in when.none]
            if when.any:
                parts.append(f"({' | '.join(map(standing, when.any))})")
            return " & ".join(parts)

        for criterion in names:
            standing(criterion)
        rules = ", ".join(when_of(rule.when) for rule in self.rules.rules)
        given, found = (
            ", ".join(f"s{number}" for number in numbers)
            for numbers in (range(leaves), range(leaves, len(self._numbers)))
        )
        lines = [
            "def read(standings):",
            f"[{given}] = standings",
            *body,
            f"standings += [{found}]",
            f"return [{rules}]",
        ]
        scope: dict[str, _Read] = {}
        exec(compile("\n ".join(lines), "<rules>", "exec"), {"__builtins__": {}, "opposite": _OPPOSITE}, scope)  # noqa: S102
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
