"""The answers of some rows as Arrow columns."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from attrs import define, frozen
from numpy.typing import NDArray

from calf_triage._findings import Acuity
from calf_triage.batch._decode import Decoded, Problem
from calf_triage.batch._resolve import NO_NUMBER, REASONS, Lists, Prepared, Resolution
from calf_triage.readings.columns import Bits, indices, not_, unpacked

RUNG_WORDS: Final = [acuity.word for acuity in Acuity]
DISPOSITIONS: Final = ["self_care", "escalation"]


@frozen
class Ids:
    """A column of ids, one or many in a row."""

    ids: list[str]
    many: bool = False


def kinds(of: Prepared) -> dict[str, Ids | type]:
    """What each output holds: ids, truths or whole numbers."""
    return {
        "acuity": Ids(RUNG_WORDS),
        "disposition": Ids(DISPOSITIONS),
        "reason": Ids([*REASONS]),
        "established": Ids(RUNG_WORDS),
        "not_excluded": Ids(RUNG_WORDS),
        "settled": bool,
        "rules": Ids([rule.id for rule in of.rules.rules], many=True),
        "causes": Ids(of.causes, many=True),
        "see": Ids(of.services, many=True),
        "within_hours": int,
        "look_again_days": int,
        "exercises": Ids(of.items, many=True),
        "version": str,
    }


@define
class Answered:
    """The answers to some rows. Columns hold numbers of ids, truths or whole numbers."""

    rows: int
    columns: dict[str, NDArray[Any] | Lists]
    bad: Bits
    told: tuple[Problem, ...]
    rest: NDArray[np.uint8] | None

    def problems(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint8]]:
        """By row: the row, the number of its problem, and what the rest of the row says."""
        if self.rest is None:
            none = np.zeros(0, np.intp)
            return none, none, np.zeros(0, np.uint8)
        found = [indices(problem.rows, self.rows) for problem in self.told]
        rows = np.concatenate(found)
        numbers = np.repeat(np.arange(len(found)), [len(each) for each in found])
        order = np.argsort(rows, kind="stable")
        return rows[order], numbers[order], self.rest[rows[order]]


def answered(of: Prepared, decoded: Decoded, outputs: tuple[str, ...]) -> Answered:
    """What the rules say to these rows."""
    resolution = Resolution(of, of.columns.read(decoded.given, decoded.rows))
    bad = decoded.bad
    good = not_(bad)
    found: dict[str, NDArray[Any] | Lists] = {}
    acuity = resolution.codes(resolution.acuity) if "acuity" in outputs or bad is not False else None
    for name in outputs:
        if name == "acuity" and acuity is not None:
            found[name] = acuity
        elif name == "disposition":
            found[name] = unpacked(not_(resolution.self_care), decoded.rows).view(np.uint8)
        elif name == "reason":
            found[name] = resolution.reasons()
        elif name == "established":
            found[name] = resolution.codes(resolution.established)
        elif name == "not_excluded":
            found[name] = resolution.codes(resolution.not_excluded)
        elif name == "settled":
            found[name] = unpacked(resolution.settled, decoded.rows)
        elif name == "rules":
            found[name] = resolution.fired(good)
        elif name == "causes":
            found[name] = resolution.causes(good)
        elif name == "see":
            found[name] = resolution.see(good)
        elif name == "within_hours":
            found[name] = resolution.within_hours()
        elif name == "look_again_days":
            found[name] = resolution.look_again_days()
        elif name == "exercises":
            found[name] = resolution.advised(good)
    return Answered(decoded.rows, found, bad, decoded.problems, acuity if bad is not False else None)


def record_batch(of: Prepared, part: Answered, schema: pa.Schema) -> pa.RecordBatch:
    """The answers in the types of a schema; null where a row was set aside."""
    what = kinds(of)
    null = None if part.bad is False else unpacked(part.bad, part.rows)
    arrays = []
    for field in schema:
        if field.name == "problem":
            arrays.append(_problem(part))
        elif field.name == "acuity_of_rest":
            arrays.append(_rest(part))
        elif field.name == "version":
            arrays.append(_ids(np.zeros(part.rows, np.uint8), [of.rules.version], field.type, null))
        else:
            arrays.append(_array(part.columns[field.name], what[field.name], field.type, null))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(
    column: NDArray[Any] | Lists, kind: Ids | type, type: pa.DataType, null: NDArray[np.bool_] | None
) -> pa.Array:
    ids = kind.ids if isinstance(kind, Ids) else []
    if isinstance(column, tuple):
        starts, numbers = column
        values = _ids(numbers, ids, type.value_type, None)
        offsets = starts.astype(np.int64 if pa.types.is_large_list(type) else np.int32)
        valid = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
        return pa.Array.from_buffers(type, len(starts) - 1, [valid, pa.py_buffer(offsets)], children=[values])
    if ids:
        return _ids(column, ids, type, null)
    if kind is int:
        none: NDArray[np.bool_] = np.equal(column, NO_NUMBER)
        null = none if null is None else null | none
    return pa.array(column, type, mask=null)


def _ids(numbers: NDArray[Any], ids: list[str], type: pa.DataType, null: NDArray[np.bool_] | None) -> pa.Array:
    if not pa.types.is_dictionary(type):
        return pa.array(ids, type).take(pa.array(numbers, mask=null))
    codes = pa.array(numbers.astype(str(type.index_type), copy=False), mask=null)
    return pa.DictionaryArray.from_arrays(codes, pa.array(ids, type.value_type), ordered=type.ordered)


def _problem(part: Answered) -> pa.Array:
    """What is wrong in each row, a line for each column."""
    lines: dict[int, list[str]] = {}
    rows, numbers, _ = part.problems()
    for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
        lines.setdefault(row, []).append(f"{part.told[number].column}: {part.told[number].why}")
    return pa.array(["\n".join(lines[row]) if row in lines else None for row in range(part.rows)], pa.string())


def _rest(part: Answered) -> pa.Array:
    """What the other answers of a row that cannot be read say, where that is same_day or emergency."""
    if part.rest is None:
        return pa.nulls(part.rows, pa.string())
    null = ~unpacked(part.bad, part.rows) | (part.rest < Acuity.SAME_DAY)
    return pa.array(RUNG_WORDS, pa.string()).take(pa.array(part.rest, mask=null))
