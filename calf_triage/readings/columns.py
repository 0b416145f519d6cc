"""The columns reading: the same declarations, read for thousands of reports at once, a bit for each.

A bitmap holds one truth of every row: bit k of byte j is row 8 j + k, packed in words of 64. What is the same in all
rows is no bitmap but True or False, so a column that is not there costs nothing.

Of every criterion there are four bounds, each a bitmap. For a finding f:

    answer                        met   not refuted   may be met   cannot be refuted
    yes                            x         x            x                x
    no, or its only_if is no
    unsure                                   x                             x
    absent                                   x            x

They rise and fall together: `all` is the bitwise and, `any` the or, and `none` the complement of the opposite bound
(met of not refuted, may be met of cannot be refuted). A score is reached by the points of the same bound of its items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Final

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Finding
from calf_triage._rules import RuleSet

Words = NDArray[np.uint64]
Bits = Words | bool
"""A truth of every row; True or False where it is the same in all."""

_Key = tuple[str, str, int | str | None]


class Bound(IntEnum):
    """Which truth of a criterion."""

    MET = 0
    NOT_REFUTED = 1
    MAY_BE_MET = 2
    CANNOT_BE_REFUTED = 3


_OPPOSITE: Final = {
    Bound.MET: Bound.NOT_REFUTED,
    Bound.NOT_REFUTED: Bound.MET,
    Bound.MAY_BE_MET: Bound.CANNOT_BE_REFUTED,
    Bound.CANNOT_BE_REFUTED: Bound.MAY_BE_MET,
}
# What a bound is where no answer is absent.
_WHERE_TOLD: Final = {Bound.MAY_BE_MET: Bound.MET, Bound.CANNOT_BE_REFUTED: Bound.NOT_REFUTED}


@define
class Given:
    """The answers to one finding, in all rows; in each row at most one of these is true.

    hits: by the answer, True or a choice's id. number: where there is a number; steps: the numbers, in grid steps.
    told: where there is any answer; it is the or of the others.
    """

    hits: dict[bool | str, Bits] = field(factory=dict)
    no: Bits = False
    unsure: Bits = False
    number: Bits = False
    steps: NDArray[np.int64] | None = None
    told: Bits = False

    def absent(self) -> Bits:
        """Where there is none."""
        return not_(self.told)


@frozen(eq=False)
class Node:
    """A criterion or the `when` of a rule: its parts, and the findings on which it depends."""

    number: int
    reads: frozenset[str]
    leaf: Criterion | None = None
    all: tuple[Node, ...] = ()
    any: tuple[Node, ...] = ()
    none: tuple[Node, ...] = ()
    needed: int = 0
    points: tuple[tuple[int, Node], ...] = ()


class Columns:
    """A rule set as a graph of nodes. rules: the nodes of the rules, in their order."""

    def __init__(self, rules: RuleSet) -> None:
        self.rule_set = rules
        self._nodes: dict[_Key, Node] = {}
        self._count = 0
        self.rules = tuple(self._of_when(rule.when) for rule in rules.rules)

    def read(self, given: Mapping[str, Given], rows: int) -> Reading:
        """What the rules say about the answers in these rows; findings without a column are left out."""
        return Reading(self, given, rows)

    def node(self, criterion: Criterion) -> Node:
        """A criterion's node."""
        key = (criterion.form, criterion.name, criterion.value)
        found = self._nodes.get(key)
        if found is None:
            if criterion.form == "named":
                found = self._of_when(self.rule_set.criteria[criterion.name].when)
            elif criterion.form == "score":
                items = self.rule_set.scores[criterion.name].items
                points = tuple((item.points, self.node(item.criterion)) for item in items)
                reads = _reads(node for _, node in points)
                found = Node(self._number(), reads, needed=int(criterion.value or 0), points=points)
            else:
                found = Node(self._number(), frozenset({criterion.name}), leaf=criterion)
            self._nodes[key] = found
        return found

    def _of_when(self, when: When) -> Node:
        every, one, none = (tuple(map(self.node, criteria)) for criteria in (when.all, when.any, when.none))
        return Node(self._number(), _reads((*every, *one, *none)), all=every, any=one, none=none)

    def _number(self) -> int:
        self._count += 1
        return self._count


def _reads(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset().union(*(node.reads for node in nodes))


class Reading:
    """The bounds of every node in these rows, each worked out once and only when it is asked for."""

    def __init__(self, columns: Columns, given: Mapping[str, Given], rows: int) -> None:
        self.columns, self.given, self.rows = columns, given, rows
        self._known: dict[tuple[int, Bound], Bits] = {}
        self._silent: dict[str, Bits] = {}
        self._absent = {name: self._is_absent(name) for name in columns.rule_set.findings.by_id}
        self._some_absent = frozenset(name for name, bits in self._absent.items() if bits is not False)
        self._some_open = self._some_absent | {name for name, each in given.items() if each.unsure is not False}

    def _is_absent(self, name: str) -> Bits:
        """Whether a finding applies, as far as is known, and has no answer."""
        given = self.given.get(name)
        return both(given.absent() if given is not None else True, not_(self.silent(name)))

    def silent(self, name: str) -> Bits:
        """Whether a finding stands below a question that is answered no."""
        if name not in self._silent:
            above = self.columns.rule_set.findings.by_id[name].only_if
            found: Bits = False
            if above is not None:
                found = self.silent(above)
                if above in self.given:
                    found = either(found, self.given[above].no)
            self._silent[name] = found
        return self._silent[name]

    def of(self, node: Node, bound: Bound) -> Bits:
        """A bound of a node."""
        # Without absent answers, or without unsure ones, some bounds are one and the same.
        if bound in _WHERE_TOLD and node.reads.isdisjoint(self._some_absent):
            bound = _WHERE_TOLD[bound]
        if bound is Bound.NOT_REFUTED and node.reads.isdisjoint(self._some_open):
            bound = Bound.MET
        key = (node.number, bound)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._worked_out(node, bound)
        return found

    def _worked_out(self, node: Node, bound: Bound) -> Bits:
        if node.leaf is not None:
            return self._leaf(node.leaf, bound)
        if node.points:
            return _at_least(node.needed, [(number, self.of(item, bound)) for number, item in node.points])
        parts = [self.of(part, bound) for part in node.all]
        if node.any:
            parts.append(any_([self.of(part, bound) for part in node.any]))
        if node.none:
            opposite = _OPPOSITE[bound]
            parts.append(not_(any_([self.of(part, opposite) for part in node.none])))
        return all_(parts)

    def _leaf(self, criterion: Criterion, bound: Bound) -> Bits:
        given = self.given.get(criterion.name)
        hit: Bits = False
        unsure: Bits = False
        if given is not None:
            if criterion.form == "unsure":
                hit = given.unsure
            else:
                unsure = given.unsure
                if criterion.form == "yes":
                    hit = given.hits.get(True, False)
                elif criterion.form == "choice":
                    hit = given.hits.get(str(criterion.value), False)
                elif given.steps is not None:
                    limit = int(criterion.value or 0)
                    met = given.steps >= limit if criterion.form == "at_least" else given.steps < limit
                    hit = both(packed(met), given.number)
        parts = [hit]
        if bound in (Bound.NOT_REFUTED, Bound.CANNOT_BE_REFUTED):
            parts.append(unsure)
        if bound in (Bound.NOT_REFUTED, Bound.MAY_BE_MET):
            parts.append(self._absent[criterion.name])
        return any_(parts)


def columns(rules: RuleSet) -> Columns:
    """The rule set's columns reading, kept with the rule set."""
    found = rules.readings.get("columns")
    if not isinstance(found, Columns):
        found = rules.readings["columns"] = Columns(rules)
    return found


# -- bitmaps -----------------------------------------------------------------------------------------------------------


def words(rows: int) -> int:
    """How many words hold so many rows."""
    return -(-rows // 64)


def packed(truths: NDArray[np.bool_]) -> Words:
    """A bitmap of one truth a row."""
    found = np.zeros(words(len(truths)) * 8, np.uint8)
    found[: -(-len(truths) // 8)] = np.packbits(truths, bitorder="little")
    return found.view(np.uint64)


def unpacked(bits: Bits, rows: int) -> NDArray[np.bool_]:
    """One truth a row."""
    if isinstance(bits, bool):
        return np.full(rows, bits)
    return np.unpackbits(bits.view(np.uint8), count=rows, bitorder="little").view(np.bool_)


def indices(bits: Bits, rows: int) -> NDArray[np.intp]:
    """The rows in which it is true, ascending."""
    if bits is False:
        return np.empty(0, np.intp)
    return np.flatnonzero(unpacked(bits, rows))


def some(bits: Bits) -> bool:
    """Whether it is true in any row; of a bitmap that is empty behind the last row."""
    return bits if isinstance(bits, bool) else bool(bits.any())


def both(one: Bits, other: Bits) -> Bits:
    """One and the other."""
    if isinstance(one, bool):
        return other if one else False
    if isinstance(other, bool):
        return one if other else False
    return one if one is other else one & other


def either(one: Bits, other: Bits) -> Bits:
    """One or the other."""
    if isinstance(one, bool):
        return True if one else other
    if isinstance(other, bool):
        return True if other else one
    return one if one is other else one | other


def not_(bits: Bits) -> Bits:
    """The opposite. Behind the last row it may be anything."""
    return not bits if isinstance(bits, bool) else ~bits


def differ(one: Bits, other: Bits) -> Bits:
    """Exactly one of the two."""
    if isinstance(one, bool):
        return not_(other) if one else other
    if isinstance(other, bool):
        return not_(one) if other else one
    return False if one is other else one ^ other


def all_(parts: Iterable[Bits]) -> Bits:
    """All of them; True if there are none."""
    return _folded(parts, True)


def any_(parts: Iterable[Bits]) -> Bits:
    """One of them; False if there are none."""
    return _folded(parts, False)


def _folded(parts: Iterable[Bits], neutral: bool) -> Bits:
    first: Words | None = None
    own: Words | None = None
    for part in parts:
        if isinstance(part, bool):
            if part is not neutral:
                return part
        elif first is None:
            first = part
        elif own is None:
            if part is not first:
                own = first & part if neutral else first | part
        elif neutral:
            np.bitwise_and(own, part, out=own)
        else:
            np.bitwise_or(own, part, out=own)
    if own is not None:
        return own
    return neutral if first is None else first


def _at_least(needed: int, points: Sequence[tuple[int, Bits]]) -> Bits:
    """Whether the points of the true ones reach what is needed."""
    if needed <= 0:
        return True
    reached: list[Bits] = [True, *([False] * needed)]
    for number, bits in points:
        if bits is False:
            continue
        for sum_ in range(needed, 0, -1):
            reached[sum_] = either(reached[sum_], both(bits, reached[max(sum_ - number, 0)]))
    return reached[needed]


def is_benign(finding: Finding, given: Given) -> Bits:
    """Where the answer is the benign one."""
    if finding.benign is False:
        return given.no
    if finding.benign == UNSURE:
        return given.unsure
    if finding.type != "measurement":
        return given.hits.get(str(finding.benign) if finding.type == "choice" else True, False)
    return both(packed(given.steps == int(finding.benign)), given.number) if given.steps is not None else False
