"""The columns reading: the same declarations, read for thousands of reports at once, a bit for each.

A bitmap holds one truth of every row: bit k of byte j is row 8 j + k, packed in words of 64. What is the same in all
rows is no bitmap but True or False, so a column that is not there costs nothing.

Of every criterion there are four bounds, each a bitmap. For a finding f:

    answer                        met   may be met   cannot be refuted   not refuted
    yes                            x         x               x                x
    no, or its only_if is no
    unsure                                                   x                x
    absent                                   x                                x

They rise and fall together: `all` is the bitwise and of all four, `any` the or, and `none` the complement of the or in
the opposite order (met of not refuted, may be met of cannot be refuted). A score is reached by the points of the same
bound of its items. So the four are kept as the planes of one array; where no answer is unsure or absent they are the
same, and there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Finding
from calf_triage._rules import RuleSet

Bits = NDArray[np.uint64] | bool
"""A truth of every row; True or False where it is the same in all. Behind the last row it may be anything."""
Planes = NDArray[np.uint64] | bool
"""The four bounds, or the one that all of them are, one below the other; True or False where all are."""

_Key = tuple[str, str, int | str | None]


class Bound(IntEnum):
    """Which truth of a criterion. The opposite of a bound stands in the opposite place."""

    MET = 0
    MAY_BE_MET = 1
    CANNOT_BE_REFUTED = 2
    NOT_REFUTED = 3


@define(eq=False)
class Given:
    """The answers to one finding in all rows.

    told: where there is one. said: where it is a certain one (yes, "unsure" or a choice's id), or how to find that, if
    anybody asks; what is told and stands nowhere is a no, or a number. steps: the numbers, in grid steps.
    """

    told: Bits = False
    said: dict[bool | str, Bits | Callable[[], Bits]] = field(factory=dict)
    steps: NDArray[np.int64] | None = None
    _forgot: bool = False

    def hit(self, answer: bool | str) -> Bits:
        """Where the answer is yes (True), "unsure" or a choice's id."""
        found = self.said.get(answer, False)
        if callable(found):
            found = self.said[answer] = found()
        return both(found, self.told) if self._forgot else found

    @property
    def unsure(self) -> Bits:
        """Where it is unsure."""
        return self.hit(UNSURE)

    @property
    def no(self) -> Bits:
        """Where the answer to a yes/no finding is no."""
        return both(self.told, not_(either(self.hit(True), self.unsure)))

    @property
    def number(self) -> Bits:
        """Where the answer to a measurement is a number."""
        return both(self.told, not_(self.unsure))

    def forget(self, rows: Bits) -> None:
        """Makes the answers in these rows absent."""
        self.told = both(self.told, not_(rows))
        self._forgot = True


@frozen(eq=False)
class Node:
    """A criterion, or the `when` of a rule: what it is made of."""

    number: int
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
                found = Node(self._number(), needed=int(criterion.value or 0), points=points)
            else:
                found = Node(self._number(), criterion)
            self._nodes[key] = found
        return found

    def _of_when(self, when: When) -> Node:
        every, one, none = (tuple(map(self.node, criteria)) for criteria in (when.all, when.any, when.none))
        return Node(self._number(), all=every, any=one, none=none)

    def _number(self) -> int:
        self._count += 1
        return self._count


class Reading:
    """The bounds of every node in these rows, each worked out once and only when it is asked for."""

    def __init__(self, columns: Columns, given: Mapping[str, Given], rows: int) -> None:
        self.columns, self.given, self.rows = columns, given, rows
        self._known: dict[int, Planes] = {}
        self._silent: dict[str, Bits] = {}
        self._no_answer: dict[str, Bits] = {}

    def silent(self, name: str) -> Bits:
        """Where a finding stands below a question that is answered no."""
        found = self._silent.get(name)
        if found is None:
            above = self.columns.rule_set.findings.by_id[name].only_if
            found = False
            if above is not None:
                found = self.silent(above)
                if above in self.given:
                    found = either(found, self.given[above].no)
            self._silent[name] = found
        return found

    def bound(self, node: Node, bound: Bound) -> Bits:
        """One bound of a node."""
        found = self.of(node)
        return found if isinstance(found, bool) else found[bound if len(found) > 1 else 0]

    def of(self, node: Node) -> Planes:
        """The bounds of a node."""
        found = self._known.get(node.number)
        if found is None:
            found = self._known[node.number] = self._worked_out(node)
        return found

    def _worked_out(self, node: Node) -> Planes:
        if node.leaf is not None:
            return self._leaf(node.leaf)
        if node.points:
            return _at_least(node.needed, [(number, self.of(item)) for number, item in node.points])
        parts = [self.of(part) for part in node.all]
        if node.any:
            parts.append(any_([self.of(part) for part in node.any]))
        if node.none:
            found = any_([self.of(part) for part in node.none])
            parts.append(not_(found if isinstance(found, bool) else found[::-1]))
        return all_(parts)

    def _absent(self, name: str) -> Bits:
        """Where a finding applies, as far as is known, and has no answer."""
        found = self._no_answer.get(name)
        if found is None:
            given = self.given.get(name)
            found = both(not_(self.silent(name)), not_(given.told) if given is not None else True)
            self._no_answer[name] = found
        return found

    def _leaf(self, criterion: Criterion) -> Planes:
        given, absent = self.given.get(criterion.name), self._absent(criterion.name)
        hit: Bits = False
        unsure: Bits = False
        if given is not None:
            if criterion.form == "unsure":
                hit = given.unsure
            else:
                unsure = given.unsure
                if criterion.form == "yes":
                    hit = given.hit(True)
                elif criterion.form == "choice":
                    hit = given.hit(str(criterion.value))
                elif given.steps is not None:
                    limit = int(criterion.value or 0)
                    met = given.steps >= limit if criterion.form == "at_least" else given.steps < limit
                    hit = both(packed(met), given.number)
        if unsure is False and isinstance(absent, bool):
            if isinstance(hit, bool) and (hit or not absent):
                return hit
            if not absent and not isinstance(hit, bool):
                return hit[np.newaxis]
        found = np.empty((len(Bound), words(self.rows)), np.uint64)
        found[Bound.MET] = _plain(hit)
        np.bitwise_or(found[Bound.MET], _plain(absent), out=found[Bound.MAY_BE_MET])
        np.bitwise_or(found[Bound.MET], _plain(unsure), out=found[Bound.CANNOT_BE_REFUTED])
        np.bitwise_or(found[Bound.CANNOT_BE_REFUTED], _plain(absent), out=found[Bound.NOT_REFUTED])
        return found


def _plain(bits: Bits) -> NDArray[np.uint64] | np.uint64:
    return np.uint64(2**64 - 1 if bits else 0) if isinstance(bits, bool) else bits


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


def packed(truths: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """A bitmap of one truth a row, with nothing behind the last."""
    found = np.packbits(truths, bitorder="little")
    if len(found) % 8:
        found = np.concatenate((found, np.zeros(-len(found) % 8, np.uint8)))
    return found.view(np.uint64)


def unpacked(bits: Bits, rows: int) -> NDArray[np.bool_]:
    """One truth a row."""
    if isinstance(bits, bool):
        return np.full(rows, bits)
    return np.unpackbits(bits.view(np.uint8), count=rows, bitorder="little").view(np.bool_)


def indices(bits: Bits, rows: int) -> NDArray[np.intp]:
    """The rows in which it is true, ascending."""
    if isinstance(bits, bool):
        return np.arange(rows if bits else 0)
    there = np.flatnonzero(bits)
    if len(there) * 4 > len(bits):
        return np.flatnonzero(unpacked(bits, rows))
    # Most words hold nothing: only the others are taken apart.
    found = np.flatnonzero(unpacked(bits[there], 64 * len(there)))
    rows_found: NDArray[np.intp] = (there[found >> 6] << 6) + (found & 63)
    return rows_found[: int(np.searchsorted(rows_found, rows))]


def some(bits: Bits) -> bool:
    """Whether it is true in any row, or behind the last."""
    return bits if isinstance(bits, bool) else bool(bits.any())


def both(one: Bits, other: Bits) -> Bits:
    """One and the other."""
    if isinstance(one, bool):
        return other if one else False
    if isinstance(other, bool):
        return one if other else False
    return one & other


def either(one: Bits, other: Bits) -> Bits:
    """One or the other."""
    if isinstance(one, bool):
        return True if one else other
    if isinstance(other, bool):
        return True if other else one
    return one | other


def not_(bits: Bits) -> Bits:
    """The opposite."""
    return not bits if isinstance(bits, bool) else ~bits


def differ(one: Bits, other: Bits) -> Bits:
    """Exactly one of the two."""
    if isinstance(one, bool):
        return not_(other) if one else other
    if isinstance(other, bool):
        return not_(one) if other else one
    return one ^ other


def all_(parts: Iterable[Bits]) -> Bits:
    """All of them; True if there are none."""
    return _folded(parts, True)


def any_(parts: Iterable[Bits]) -> Bits:
    """One of them; False if there are none."""
    return _folded(parts, False)


def _folded(parts: Iterable[Bits], every: bool) -> Bits:
    """The and, if every one counts, or else the or."""
    fold = np.bitwise_and if every else np.bitwise_or
    found: NDArray[np.uint64] | None = None
    own = False
    for part in parts:
        if isinstance(part, bool):
            if part is not every:
                return part
        elif found is None:
            found = part
        elif own and len(found) >= len(part):
            fold(found, part, out=found)
        else:
            found, own = fold(found, part), True
    return every if found is None else found


def _at_least(needed: int, points: Sequence[tuple[int, Planes]]) -> Planes:
    """Where the points of the true ones reach what is needed."""
    if needed <= 0:
        return True
    reached: list[Planes] = [True, *([False] * needed)]
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
    if finding.type != "measurement" or finding.benign == UNSURE:
        return given.hit(finding.benign if isinstance(finding.benign, bool) else str(finding.benign))
    return both(packed(given.steps == int(finding.benign)), given.number) if given.steps is not None else False
