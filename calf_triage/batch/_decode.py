"""From Arrow arrays to the bitmaps of answers, and a reason for every answer that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from attrs import evolve, field, frozen
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
    words,
)

COMPANION: Final = "__unsure"
"""What a column's name ends in that says where the answer of another is unsure."""

_WORDS: Final[dict[str, bool | str]] = {"no": False, "yes": True, "unsure": UNSURE, "false": False, "true": True}
_NOT_A_TEXT: Final = {
    "yes_no": "not one of its answers",
    "choice": "not one of its choices",
    "measurement": "a text is not an answer here",
}
_TOO_LONG: Final = "the text is too long to be a choice"
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
    problems += _contradictions(findings, given, rows)
    return Decoded({name: each for name, each in given.items() if each.told is not False}, tuple(problems), rows)


def _companion(column: str, array: pa.Array, given: dict[str, Given]) -> Iterator[Problem]:
    """Takes in where a companion says unsure."""
    said = _Column(_SAYS_UNSURE, array, column, "true or false")
    said.wrong("not one of its answers", said.given.unsure)
    yield from said.problems
    unsure = said.given.hit(True)
    if not some(unsure):
        return
    name = column.removesuffix(COMPANION)
    own = given.setdefault(name, Given())
    twice = both(unsure, both(own.told, not_(own.unsure)))
    if some(twice):
        yield Problem(name, f"answered, and said to be unsure in {column}; mend one of the two", twice)
        own.forget(twice)
        unsure = both(unsure, not_(twice))
    own.said[UNSURE] = either(own.unsure, unsure)
    own.told = either(own.told, unsure)


def _contradictions(findings: Findings, given: dict[str, Given], rows: int) -> Iterator[Problem]:
    """A problem for each finding that is answered although what it hangs from is answered no.

    The finding below may be a red flag, so its answer is kept, and the no that would silence it is not.
    """
    noes = {name: given[name].no for name in findings.below if name in given}
    silenced: dict[str, Bits] = {}
    for name, finding in findings.by_id.items():
        own = given.get(name)
        above = finding.only_if
        if own is None or above is None:
            continue
        answered = own.told if finding.type != "yes_no" else either(own.hit(True), own.unsure)
        while above is not None:
            if (against := both(noes.get(above, False), answered)) is not False:
                against = both(against, packed(np.ones(rows, np.bool_)))
                if some(against):
                    silenced[above] = either(silenced.get(above, False), against)
                    why = f"answered, but it applies only with {above}, which is answered no; mend one of the two"
                    yield Problem(name, why, against)
            above = findings.by_id[above].only_if
    for name, against in silenced.items():
        given[name].forget(against)


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
        # True, not a bitmap of ones, so that nothing is worked out for absent answers where there are none.
        self.valid: Bits = True
        self._read(array)
        wrong = any_([problem.rows for problem in self.problems])
        self.given.told = both(self.valid, not_(wrong))

    def wrong(self, why: str, rows: Bits) -> None:
        """Notes a problem, if there are any rows that have it."""
        if rows is True:
            rows = packed(np.ones(self.rows, np.bool_))
        if some(rows):
            self.problems.append(Problem(self.name, f"{why}; expected {self.expected}", rows))

    def _read(self, array: pa.Array) -> None:
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        kind, of = array.type, self.finding.type
        if pa.types.is_dictionary(kind) and not _is_text(kind.value_type):
            array = array.dictionary_decode()
            kind = array.type
        text, truth = _is_text(kind), pa.types.is_boolean(kind)
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        if text and of != "yes_no":
            array = pc.dictionary_encode(array)
        elif text and not pa.types.is_string_view(kind):
            array = array.cast(pa.string_view())
        if array.null_count:
            self.valid = _bitmap(array.buffers()[0], array.offset, self.rows)
        if pa.types.is_dictionary(array.type):
            self._dictionary(array)
        elif text:
            self._text(array)
        elif truth and of == "yes_no":
            self.given.said[True] = both(_bitmap(array.buffers()[1], array.offset, self.rows), self.valid)
        elif truth:
            self.wrong("yes and no are not answers here", self.valid)
        elif number and of != "measurement":
            self.wrong("a number is not an answer here", self.valid)
        elif pa.types.is_integer(kind):
            self._integers(array)
        elif pa.types.is_float64(kind):
            self._floats(array)
        elif number:
            self._other_numbers(array)
        else:
            self.wrong("this type is not an answer", self.valid)

    # -- texts -------------------------------------------------------------------------------------------------------

    def _text(self, array: pa.Array) -> None:
        """Yes, no and unsure, told by the two words in which Arrow keeps the length and the letters of a short text."""
        views = np.frombuffer(array.buffers()[1], np.uint64, 2 * self.rows, 16 * array.offset).reshape(-1, 2)
        first = np.ascontiguousarray(views[:, 0])
        left: Bits = self.valid if self.valid is not True else packed(np.ones(self.rows, np.bool_))
        for text, answer in _WORDS.items():
            if not some(left):
                break
            start, end = np.frombuffer(len(text).to_bytes(4, "little") + text.encode().ljust(12, b"\0"), np.uint64)
            found = first == start
            # Up to four letters stand in the first word, and nothing in the second.
            if len(text) > 4:
                rows = np.flatnonzero(found)
                found[rows[views[rows, 1] != end]] = False
            these = both(packed(found), left)
            if answer is not False and some(these):
                self.given.said[answer] = either(self.given.hit(answer), these)
            left = both(left, not_(these))
        self.wrong(_NOT_A_TEXT[self.finding.type], left)

    @property
    def _texts(self) -> Mapping[str, bool | str]:
        """The texts that are answers."""
        if self.finding.type == "yes_no":
            return _WORDS
        return {**{choice.id: choice.id for choice in self.finding.choices}, UNSURE: UNSURE}

    def _dictionary(self, array: pa.Array) -> None:
        texts, codes = _used(array)
        # The texts that mean the same, or are wrong for the same reason.
        alike: dict[tuple[bool | str | None, str], list[int]] = {}
        for code, text in enumerate(texts):
            alike.setdefault(self._meaning(text), []).append(code)
        meanings = codes
        if len(alike) < len(texts):
            table = np.zeros(len(texts), np.uint8 if len(alike) <= 256 else np.uint32)
            for number, those in enumerate(alike.values()):
                table[those] = number
            meanings = table[codes if self.valid is True else _inside(codes, len(texts))]
        for number, (answer, why) in enumerate(alike):
            if why:
                self.wrong(why, both(packed(meanings == number), self.valid))
            elif answer is None:
                # A null that stands in the dictionary is an absent answer all the same.
                self.valid = both(self.valid, not_(packed(meanings == number)))
        # What each answer's rows are is found when somebody asks for it.
        for number, (answer, why) in enumerate(alike):
            if answer is not None and answer is not False and not why:
                self.given.said[answer] = partial(_where, meanings, number, self.valid)

    def _meaning(self, text: str | None) -> tuple[bool | str | None, str]:
        """The answer that a text is, or why it is none."""
        if text is None:
            return None, ""
        texts = self._texts
        if text in texts:
            return texts[text], ""
        too_long = self.finding.type == "choice" and len(text) > LONGEST_TEXT_ANSWER
        return "", _TOO_LONG if too_long else _NOT_A_TEXT[self.finding.type]

    # -- numbers -----------------------------------------------------------------------------------------------------

    def _integers(self, array: pa.Array) -> None:
        scale, numbers = 10**self.finding.decimals, _numbers(array)
        # In whole units, and before anything is multiplied, so that nothing wraps round.
        inside = (numbers >= -(-self.finding.low // scale)) & (numbers <= self.finding.high // scale)
        self.wrong("out of range", both(packed(~inside), self.valid))
        self.given.steps = np.where(inside, numbers, 0).astype(np.int64) * scale

    def _floats(self, array: pa.Array) -> None:
        scale, numbers = 10**self.finding.decimals, _numbers(array)
        finite = np.isfinite(numbers)
        inside = (numbers >= self.finding.low / scale) & (numbers <= self.finding.high / scale)
        steps = np.rint(np.where(inside, numbers, 0) * scale)
        # The same as for one answer: it is on the grid when it is the very float that the grid's step prints as.
        on_grid = steps / scale == numbers
        self.wrong("not a finite number", both(packed(~finite), self.valid))
        self.wrong("out of range", both(packed(finite & ~inside), self.valid))
        self.wrong("too many decimals", both(packed(inside & ~on_grid), self.valid))
        self.given.steps = steps.astype(np.int64)

    def _other_numbers(self, array: pa.Array) -> None:
        """Decimals, and floats of fewer bits, which mean the number that they print as: each different one once."""
        floating = pa.types.is_floating(array.type)
        # So many decimal digits each such float keeps.
        digits = 3 if array.type == pa.float16() else 6
        if floating and max(abs(self.finding.low), abs(self.finding.high)) >= 10**digits:
            self.wrong("this type is not exact enough for its range", self.valid)
            return
        numbers: Sequence[Any]
        if floating:
            different, codes = np.unique(_numbers(array), return_inverse=True)
            numbers = [float(str(number)) for number in different]
        else:
            encoded = pc.dictionary_encode(array)
            numbers, codes = _used(encoded)
        alone = Findings({self.finding.id: evolve(self.finding, only_if=None)}, ())
        steps = np.zeros(len(numbers), np.int64)
        wrong: dict[str, NDArray[np.bool_]] = {}
        for code, number in enumerate(numbers):
            answer: Answer = number if floating else _exact(number)
            values, problems = alone.check({self.finding.id: answer})
            why = "".join(problems).removeprefix(f"{self.finding.id}: ").removesuffix(f"; expected {self.expected}")
            if not why and isinstance(number, Decimal) and number * 10**self.finding.decimals % 1 != 0:
                why = "too many decimals"
            if why:
                wrong.setdefault(why, np.zeros(len(numbers), np.bool_))[code] = True
            else:
                steps[code] = values[self.finding.id]
        codes = _inside(codes, len(numbers))
        for why, those in wrong.items():
            self.wrong(why, both(packed(those[codes]), self.valid))
        self.given.steps = steps[codes]


def _where(meanings: NDArray[Any], number: int, valid: Bits) -> Bits:
    return both(packed(meanings == number), valid)


def _exact(number: Decimal) -> int | float:
    return int(number) if number % 1 == 0 else float(number)


# -- Arrow's buffers ---------------------------------------------------------------------------------------------------


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _bitmap(buffer: pa.Buffer, offset: int, rows: int) -> Bits:
    """The bits of a buffer, from one of them on, with nothing behind the last row."""
    first, shift = divmod(offset, 8)
    given = np.frombuffer(buffer, np.uint8, -(-(shift + rows) // 8), first)
    if not shift and rows % 64 == 0:
        return given.view(np.uint64)
    found = np.zeros(words(rows) * 8, np.uint8)
    count = -(-rows // 8)
    found[:count] = given[:count] >> np.uint8(shift)
    if shift:
        after = given[1 : count + 1]
        found[: len(after)] |= after << np.uint8(8 - shift)
    if rows % 8:
        found[count - 1] &= np.uint8((1 << rows % 8) - 1)
    return found.view(np.uint64)


def _numbers(array: pa.Array) -> NDArray[Any]:
    # "halffloat", "float" and "double" are Arrow's own words; those of whole numbers are numpy's too.
    kind = np.dtype(f"f{array.type.bit_width // 8}" if pa.types.is_floating(array.type) else str(array.type))
    return np.frombuffer(array.buffers()[1], kind, len(array), array.offset * kind.itemsize)


def _used(array: pa.Array) -> tuple[list[Any], NDArray[Any]]:
    """The values of a dictionary array, and of each row the number of its value; of a large dictionary those in use."""
    codes = _numbers(array.indices)
    if len(array.dictionary) <= _LARGE_DICTIONARY:
        return array.dictionary.to_pylist(), codes
    different, codes = np.unique(_inside(codes, len(array.dictionary)), return_inverse=True)
    return [array.dictionary[int(code)].as_py() for code in different], codes


def _inside(codes: NDArray[Any], count: int) -> NDArray[Any]:
    """The same numbers; what stands in place of a null may be anything, and is made a right one."""
    unsigned: NDArray[Any] = codes.view(f"u{codes.itemsize}")
    return np.asarray(np.minimum(unsigned, min(count - 1, np.iinfo(unsigned.dtype).max)))
