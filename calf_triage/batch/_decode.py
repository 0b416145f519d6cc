"""From Arrow arrays to the bitmaps of answers, and a reason for every answer that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from attrs import field, frozen
from numpy.typing import NDArray

from calf_triage._findings import LONGEST_TEXT_ANSWER, UNSURE, Answer, Finding, Findings, Kind
from calf_triage.readings.columns import (
    Bits,
    Given,
    any_,
    both,
    either,
    not_,
    packed,
    some,
    unpacked,
    words,
)

COMPANION: Final = "__unsure"
"""What a column's name ends in that says where the answer of another is unsure."""

_WORDS: Final[dict[str, bool | str]] = {"no": False, "yes": True, "unsure": UNSURE, "false": False, "true": True}
_TEXTS_ONE_BY_ONE: Final = 16
_LARGE_DICTIONARY: Final = 1_000


@frozen
class Problem:
    """What cannot be read: in which column, why, and in which rows."""

    column: str
    why: str
    rows: Bits = field(repr=False)


@frozen
class Decoded:
    """The answers in some rows, and what cannot be read of them: those answers count as absent."""

    given: dict[str, Given] = field(repr=False)
    problems: tuple[Problem, ...]
    rows: int

    @property
    def bad(self) -> Bits:
        """The rows that have a problem."""
        return any_([problem.rows for problem in self.problems])


def decoded(findings: Findings, columns: Mapping[str, pa.Array], rows: int) -> Decoded:
    """The answers in Arrow arrays that are named after findings and companions."""
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    for name, array in columns.items():
        finding = findings.by_id.get(name)
        if finding is not None and array.null_count < rows:
            column = _Column(finding, array)
            given[name] = column.given
            problems += column.problems
    for name, array in columns.items():
        if name not in findings.by_id and array.null_count < rows:
            problems += _companion(name, array, given)
    problems += _contradictions(findings, given)
    return Decoded({name: each for name, each in given.items() if each.told is not False}, tuple(problems), rows)


def _companion(column: str, array: pa.Array, given: dict[str, Given]) -> Iterator[Problem]:
    """Takes in where a companion says unsure."""
    said = _Column(_SAYS_UNSURE, array, column, "true or false")
    said.wrong("not one of its answers", said.given.unsure)
    yield from said.problems
    unsure = said.given.hits.get(True, False)
    if not some(unsure):
        return
    name = column.removesuffix(COMPANION)
    own = given.setdefault(name, Given())
    twice = both(unsure, both(own.told, not_(own.unsure)))
    if some(twice):
        yield Problem(name, f"answered, and said to be unsure in {column}; mend one of the two", twice)
        _forget(own, twice)
        unsure = both(unsure, not_(twice))
    own.unsure = either(own.unsure, unsure)
    own.told = either(own.told, unsure)


def _contradictions(findings: Findings, given: dict[str, Given]) -> Iterator[Problem]:
    """A problem for each finding that is answered although what it hangs from is answered no.

    The finding below may be a red flag, so its answer is kept, and the no that would silence it is not.
    """
    silenced: dict[str, Bits] = {}
    for name, finding in findings.by_id.items():
        own = given.get(name)
        above = finding.only_if
        while above is not None and own is not None:
            upper = given.get(above)
            if upper is not None and upper.no is not False:
                rows = both(upper.no, both(own.told, not_(own.no)))
                if some(rows):
                    silenced[above] = either(silenced.get(above, False), rows)
                    why = f"answered, but it applies only with {above}, which is answered no; mend one of the two"
                    yield Problem(name, why, rows)
            above = findings.by_id[above].only_if
    for name, rows in silenced.items():
        _forget(given[name], rows)


def _forget(given: Given, rows: Bits) -> None:
    """Makes the answers in these rows absent."""
    kept = not_(rows)
    given.hits = {answer: both(bits, kept) for answer, bits in given.hits.items()}
    given.no, given.unsure = both(given.no, kept), both(given.unsure, kept)
    given.number, given.told = both(given.number, kept), both(given.told, kept)


_SAYS_UNSURE: Final = Finding("unsure", "Unsure?", "", Kind.CONTEXT, "yes_no", 0, benign=False)


class _Column:
    """One column of answers to one finding."""

    def __init__(self, finding: Finding, array: pa.Array, name: str = "", expected: str = "") -> None:
        self.finding = finding
        self.name = name or finding.id
        self.expected = expected or finding.expected()
        if finding.type == "yes_no":
            self.expected = expected or 'yes, no or "unsure"'
        self.rows = len(array)
        self.given = Given()
        self.problems: list[Problem] = []
        self._whole = array.null_count == 0
        self._read(array)
        given = self.given
        # True, not a bitmap of ones, so that nothing is worked out for absent answers where there are none.
        whole = self._whole and not self.problems
        given.told = whole or any_([*given.hits.values(), given.no, given.unsure, given.number])

    def wrong(self, why: str, rows: Bits) -> None:
        """Notes a problem, if there are any rows that have it."""
        if some(rows):
            self.problems.append(Problem(self.name, f"{why}; expected {self.expected}", rows))

    def _read(self, array: pa.Array) -> None:
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        kind, of = array.type, self.finding.type
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        if pa.types.is_dictionary(kind):
            self._dictionary(array)
        elif _is_text(kind) and of == "yes_no":
            self._text(array)
        elif _is_text(kind):
            self._dictionary(pc.dictionary_encode(array))
        elif pa.types.is_boolean(kind) and of == "yes_no":
            self._boolean(array)
        elif pa.types.is_boolean(kind):
            self.wrong("yes and no are not answers here", _valid(array))
        elif number and of != "measurement":
            self.wrong("a number is not an answer here", _valid(array))
        elif pa.types.is_integer(kind):
            self._integers(array)
        elif pa.types.is_float64(kind):
            self._floats(array)
        elif number:
            self._other_numbers(array)
        else:
            self.wrong("this type is not an answer", _valid(array))

    # -- texts and truths --------------------------------------------------------------------------------------------

    def _boolean(self, array: pa.Array) -> None:
        valid = _valid(array)
        yes = _bitmap(array.buffers()[1], array.offset, self.rows)
        self.given.hits[True] = both(yes, valid)
        self.given.no = both(not_(yes), valid)

    def _text(self, array: pa.Array) -> None:
        """Yes, no and unsure, told by the two words in which Arrow keeps the length and the letters of a short text."""
        if not pa.types.is_string_view(array.type):
            array = array.cast(pa.string_view())
        left = _valid(array)
        views = np.frombuffer(array.buffers()[1], np.uint64, 2 * self.rows, 16 * array.offset).reshape(-1, 2)
        first, second = np.ascontiguousarray(views[:, 0]), views[:, 1]
        for word, answer in _WORDS.items():
            if not some(left):
                return
            start, end = np.frombuffer(len(word).to_bytes(4, "little") + word.encode().ljust(12, b"\0"), np.uint64)
            # Up to four letters stand in the first word, and nothing in the second.
            found = first == start if len(word) <= 4 else (first == start) & (second == end)
            rows = both(packed(found), left)
            self._add(answer, rows)
            left = both(left, not_(rows))
        self.wrong("not one of its answers", left)

    def _dictionary(self, array: pa.Array) -> None:
        if not _is_text(array.dictionary.type):
            self._read(array.dictionary_decode())
            return
        valid = _valid(array)
        texts, codes = _used(array, valid)
        self._whole &= None not in texts
        # The texts that mean the same, or are wrong for the same reason.
        alike: dict[tuple[bool | str, str], list[int]] = {}
        for code, text in enumerate(texts):
            if text is not None:
                alike.setdefault(self._meaning(text), []).append(code)
        table = None
        if len(texts) > _TEXTS_ONE_BY_ONE:
            table = np.zeros(len(texts), np.intp)
        for number, ((answer, why), those) in enumerate(alike.items(), 1):
            if table is not None:
                table[those] = number
                continue
            found = any_([packed(codes == code) for code in those])
            self._take(answer, why, both(found, valid))
        if table is not None:
            meanings = table[codes]
            for number, (answer, why) in enumerate(alike, 1):
                self._take(answer, why, both(packed(meanings == number), valid))

    def _take(self, answer: bool | str, why: str, rows: Bits) -> None:
        if why:
            self.wrong(why, rows)
        else:
            self._add(answer, rows)

    def _meaning(self, text: str) -> tuple[bool | str, str]:
        """The answer that a text is, or why it is none."""
        if self.finding.type == "yes_no":
            return (_WORDS[text], "") if text in _WORDS else ("", "not one of its answers")
        if text == UNSURE:
            return UNSURE, ""
        if self.finding.type == "measurement":
            return "", "a text is not an answer here"
        if len(text) > LONGEST_TEXT_ANSWER:
            return "", "the text is too long to be a choice"
        known = any(text == choice.id for choice in self.finding.choices)
        return (text, "") if known else ("", "not one of its choices")

    def _add(self, answer: bool | str, rows: Bits) -> None:
        if not some(rows):
            return
        if answer is False:
            self.given.no = either(self.given.no, rows)
        elif answer == UNSURE:
            self.given.unsure = either(self.given.unsure, rows)
        else:
            self.given.hits[answer] = either(self.given.hits.get(answer, False), rows)

    # -- numbers -----------------------------------------------------------------------------------------------------

    def _integers(self, array: pa.Array) -> None:
        scale, valid, numbers = 10**self.finding.decimals, _valid(array), _numbers(array)
        # In whole units, and before anything is multiplied, so that nothing wraps round.
        inside = (numbers >= -(-self.finding.low // scale)) & (numbers <= self.finding.high // scale)
        self.wrong("out of range", both(packed(~inside), valid))
        self._measured(np.where(inside, numbers, 0).astype(np.int64) * scale, both(packed(inside), valid))

    def _floats(self, array: pa.Array) -> None:
        scale, valid, numbers = 10**self.finding.decimals, _valid(array), _numbers(array)
        finite = np.isfinite(numbers)
        inside = (numbers >= self.finding.low / scale) & (numbers <= self.finding.high / scale)
        steps = np.rint(np.where(inside, numbers, 0) * scale)
        # The same as for one answer: it is on the grid when it is the very float that the grid's step prints as.
        on_grid = steps / scale == numbers
        self.wrong("not a finite number", both(packed(~finite), valid))
        self.wrong("out of range", both(packed(finite & ~inside), valid))
        self.wrong("too many decimals", both(packed(inside & ~on_grid), valid))
        self._measured(steps.astype(np.int64), both(packed(inside & on_grid), valid))

    def _other_numbers(self, array: pa.Array) -> None:
        """Decimals, and floats of fewer bits, which mean the number that they print as: each different one once."""
        floating = pa.types.is_floating(array.type)
        # So many decimal digits each such float keeps.
        digits = 3 if array.type == pa.float16() else 6
        valid = _valid(array)
        if floating and max(abs(self.finding.low), abs(self.finding.high)) >= 10**digits:
            self.wrong("this type is not exact enough for its range", valid)
            return
        numbers: Sequence[Any]
        if floating:
            different, codes = np.unique(_numbers(array), return_inverse=True)
            numbers = [float(str(number)) for number in different]
        else:
            encoded = pc.dictionary_encode(array)
            numbers, codes = _used(encoded, valid)
        alone = Findings({self.finding.id: self.finding}, ())
        steps = np.zeros(len(numbers), np.int64)
        wrong: dict[str, NDArray[np.bool_]] = {}
        right = np.ones(len(numbers), np.bool_)
        for code, number in enumerate(numbers):
            answer: Answer = number if floating else _exact(number or Decimal(0))
            values, problems = alone.check({self.finding.id: answer})
            why = "".join(problems).removeprefix(f"{self.finding.id}: ").removesuffix(f"; expected {self.expected}")
            if not why and isinstance(number, Decimal) and number * 10**self.finding.decimals % 1 != 0:
                why = "too many decimals"
            if why:
                right[code] = False
                wrong.setdefault(why, np.zeros(len(numbers), np.bool_))[code] = True
            else:
                steps[code] = values[self.finding.id]
        for why, those in wrong.items():
            self.wrong(why, both(packed(those[codes]), valid))
        self._measured(steps[codes], both(packed(right[codes]), valid))

    def _measured(self, steps: NDArray[np.int64], rows: Bits) -> None:
        if some(rows):
            self.given.steps, self.given.number = steps, rows


def _exact(number: Decimal) -> int | float:
    return int(number) if number % 1 == 0 else float(number)


# -- Arrow's buffers ---------------------------------------------------------------------------------------------------


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _valid(array: pa.Array) -> Bits:
    """Where there is no null. Behind the last row there is nothing."""
    buffer = array.buffers()[0]
    if array.null_count == 0 or buffer is None:
        return packed(np.ones(len(array), np.bool_))
    return _bitmap(buffer, array.offset, len(array))


def _bitmap(buffer: pa.Buffer, offset: int, rows: int) -> Bits:
    found = np.zeros(words(rows) * 8, np.uint8)
    first, shift = divmod(offset, 8)
    count = -(-rows // 8)
    given = np.frombuffer(buffer, np.uint8)[first : first + -(-(shift + rows) // 8)]
    found[:count] = given[:count] >> np.uint8(shift)
    if shift:
        after = given[1 : count + 1]
        found[: len(after)] |= after << np.uint8(8 - shift)
    if rows % 8:
        found[count - 1] &= np.uint8((1 << rows % 8) - 1)
    return found.view(np.uint64)


def _numbers(array: pa.Array) -> NDArray[Any]:
    kind = np.dtype(array.type.to_pandas_dtype())
    return np.frombuffer(array.buffers()[1], kind, len(array), array.offset * kind.itemsize)


def _used(array: pa.Array, valid: Bits) -> tuple[list[Any], NDArray[Any]]:
    """The values of a dictionary array, and of each row the number of its value; of a large dictionary those in use."""
    codes = _numbers(array.indices)
    if valid is not True and array.null_count:
        # What stands in place of a null may be anything.
        codes = np.where(unpacked(valid, len(array)), codes, 0)
    if len(array.dictionary) <= _LARGE_DICTIONARY:
        return array.dictionary.to_pylist(), codes
    different, codes = np.unique(codes, return_inverse=True)
    return array.dictionary.take(pa.array(different)).to_pylist(), codes
