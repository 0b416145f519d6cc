"""Files of many reports, read in pieces: what cannot be read is set aside as it stands, and nothing else is touched.

Every piece knows where it ends, so that reading can go on there; no more than one piece is in memory.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO, Final, Literal

import polars as pl
import pyarrow as pa
from attrs import field, frozen
from pyarrow.parquet import ParquetFile

from calf_triage._errors import did_you_mean, shown
from calf_triage._files import STDIN, UnreadableError, json_answers
from calf_triage._findings import UNSURE, Finding, Findings
from calf_triage._folder import printable
from calf_triage.batch._decode import COMPANION

Format = Literal["csv", "jsonl", "parquet"]

SUFFIXES: Final[Mapping[str, Format]] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
MOST_ROWS: Final = 32_768
LONGEST_LINE: Final = 1024 * 1024
MOST_COLUMNS: Final = 4_096
MOST_LINES_A_RECORD: Final = 1_000
MOST_PROBLEMS_A_ROW: Final = 20

_BLOCK: Final = 4 * 1024 * 1024
_MOST_BYTES: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_IN_QUOTES: Final = rb'(?:[^"]++|"")*+'
_CELL: Final = rb'(?:"' + _IN_QUOTES + rb'"|[^",]*+)'
_CELLS: Final = re.compile(rb"(?:" + _CELL + rb",)*+" + _CELL)
_OPENED: Final = re.compile(rb"(?:" + _CELL + rb',)*+"' + _IN_QUOTES)
_CLOSED: Final = re.compile(_IN_QUOTES + rb'"(?:,' + _CELL + rb")*+")
_STILL_OPEN: Final = re.compile(_IN_QUOTES + rb'(?:",(?:' + _CELL + rb',)*+"' + _IN_QUOTES + rb")?+")
_ONE_CELL: Final = re.compile(_CELL + rb"(?:,|\Z)")


@frozen
class Position:
    """Where reading goes on: bytes (for Parquet none), lines and rows that were read before."""

    byte: int = 0
    line: int = 0
    row: int = 0


@frozen
class BadRow:
    """What could not be read of a row.

    row: its number, from 1. line: where it begins. column: None where it is the whole row; then the row is in no frame,
    and original is how it was written.
    """

    row: int
    line: int
    column: str | None
    reason: str
    original: str = field(default="", repr=False)


@frozen
class Piece:
    """Some rows.

    frame: the answers, a row for each that could be told apart. kept: beside them the columns that are carried along.
    numbers, lines: of each row of the frame; no lines for Parquet. original: a row of the frame as it was written. bad:
    what could not be read. Of a row of the frame the other answers stand in it, so that a bad one hides no emergency.
    end: where the next piece begins. done: the share of the input that lies before that, None where it is not known.
    """

    frame: pl.DataFrame = field(repr=False)
    kept: pl.DataFrame = field(repr=False)
    numbers: Sequence[int] = field(repr=False)
    lines: Sequence[int] | None = field(repr=False)
    original: Callable[[int], str] = field(repr=False)
    bad: tuple[BadRow, ...] = field(repr=False)
    end: Position
    done: float | None


@frozen
class Source:
    """A file to read.

    name: a path, or "-" for standard input. findings: what may be answered. keep: columns to carry along,
    answers or not.
    """

    name: str
    format: Format
    findings: Mapping[str, Finding] = field(repr=False)
    keep: tuple[str, ...] = ()
    _unknown: dict[str, str] = field(factory=dict, init=False, repr=False)

    @property
    def where(self) -> str:
        """What it is called in a message."""
        return "standard input" if self.name == STDIN else printable(self.name)

    def answers(self, column: str) -> bool:
        """Whether a column holds answers, or says where they are unsure; JSON says that itself."""
        return column in self.findings or (self.format != "jsonl" and column.removesuffix(COMPANION) in self.findings)

    def pieces(self, start: Position | None = None) -> Iterator[Piece]:
        """Its pieces, one after another, from the start or from where a piece has ended. UnreadableError where nothing
        can be read, or not on.
        """
        begin = start if start is not None else Position()
        return {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[self.format](self, begin)

    def unknown(self, name: str) -> str:
        """What is said of a name that is neither a finding nor kept."""
        told = self._unknown.get(name)
        if told is None:
            # To look for near words takes long, and one word is often wrong in every line.
            few = len(self._unknown) < MOST_COLUMNS
            near = did_you_mean(name, (*self.findings, *self.keep)) if few else ""
            told = f"{shown(name)}: unknown finding{near or '; --keep carries it along'}"
            if few:
                self._unknown[name] = told
        return told

    def check_columns(self, names: Sequence[str]) -> None:
        """UnreadableError, with all that is wrong, unless every column is a finding or to be kept, and stands once."""
        if len(names) > MOST_COLUMNS:
            raise UnreadableError(f"{self.where}: has more than {MOST_COLUMNS} columns")
        problems = []
        for number, name in enumerate(names, 1):
            if not name:
                problems.append(f"column {number} has no name")
            elif name in names[: number - 1]:
                problems.append(f"{shown(name)}: stands twice")
            elif not self.answers(name) and name not in self.keep:
                problems.append(self.unknown(name))
        problems += [
            f"{shown(name)}: to be kept, but no column has this name" for name in self.keep if name not in names
        ]
        if problems:
            raise UnreadableError("\n  ".join((f"{self.where}: these columns cannot be used:", *problems)))


# -- lines -------------------------------------------------------------------------------------------------------------


@frozen
class _Line:
    """A line without its end. number: from 1. after: where the next one begins. wrong: why it cannot be read, or "".
    returns: it ended in CR LF.
    """

    text: bytes
    number: int
    after: int
    wrong: str = ""
    returns: bool = False


def _lines(stream: BinaryIO, start: Position) -> Iterator[_Line]:
    """The lines of a stream, none longer than may be held."""
    number, after = start.line, start.byte
    while text := stream.readline(LONGEST_LINE + 1):
        number += 1
        after += len(text)
        if text.endswith(b"\n") or len(text) <= LONGEST_LINE:
            ended = text.removesuffix(b"\n")
            whole = ended.removesuffix(b"\r")
            yield _Line(whole, number, after, returns=len(whole) < len(ended))
            continue
        while more := stream.readline(_BLOCK):
            after += len(more)
            if more.endswith(b"\n"):
                break
        yield _Line(text, number, after, f"is longer than {LONGEST_LINE // 1024} KiB; only its beginning is kept here")


@contextmanager
def _opened(source: Source) -> Iterator[tuple[BinaryIO, int | None]]:
    """The bytes of a source, and how many there are."""
    if source.name == STDIN:
        stream = getattr(sys.stdin, "buffer", None)
        if stream is None:
            raise UnreadableError("standard input: is closed")
        yield stream, None
        return
    with regular(source.name) as file:
        yield file, os.fstat(file.fileno()).st_size


@contextmanager
def regular(name: str) -> Iterator[BinaryIO]:
    """A regular file, to read; UnreadableError for anything else. Never waits for another program."""
    where = printable(name)
    try:
        number = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise UnreadableError(f"{where}: {(error.strerror or 'cannot be read').lower()}") from None
    except ValueError:
        raise UnreadableError(f"{where}: is no name of a file") from None
    mode = os.fstat(number).st_mode
    if not stat.S_ISREG(mode):
        os.close(number)
        if stat.S_ISDIR(mode):
            raise UnreadableError(f"{where}: is a folder, not a file")
        raise UnreadableError(f"{where}: is not a file; give what a program writes as standard input, with -")
    with os.fdopen(number, "rb", buffering=_BLOCK) as file:
        yield file


@contextmanager
def _readable(source: Source) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreadableError(f"{source.where}: {(error.strerror or 'cannot be read').lower()}") from None


def _as_text(line: bytes) -> str:
    """A line of unknown origin, with nothing lost: a byte that is no UTF-8 is written as its number."""
    return line.decode("utf-8", "backslashreplace")


_NOT_UTF8: Final = "is not UTF-8 text; what is none is written here as \\xNN"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@frozen
class _Read:
    """Records that were read, and where it ends."""

    texts: list[bytes]
    numbers: list[int]
    lines: list[int]
    bad: list[BadRow]
    end: Position

    def only(self, places: Sequence[int]) -> _Read:
        """Of its records only these."""
        return _Read(
            [self.texts[place] for place in places],
            [self.numbers[place] for place in places],
            [self.lines[place] for place in places],
            self.bad,
            self.end,
        )


def _bad(read: _Read, place: int, problem: str) -> BadRow:
    """What a problem, which begins with the name of a column, says about a record."""
    name, _, reason = problem.partition(": ")
    return BadRow(read.numbers[place], read.lines[place], name.strip("'"), reason)


def _piece(frame: pl.DataFrame, kept: pl.DataFrame, read: _Read, size: int | None) -> Piece:
    bad = tuple(sorted(read.bad, key=lambda one: one.row))
    done = None if size is None else min(read.end.byte / size, 1.0) if size else 1.0
    return Piece(frame, kept, read.numbers, read.lines, lambda place: _as_text(read.texts[place]), bad, read.end, done)


def _columns(source: Source, made: Sequence[pl.Series], rows: int) -> pl.DataFrame:
    """A frame of these columns; if there are none, of a finding that nobody was asked: the rows are still rows."""
    return pl.DataFrame(made or [pl.Series(next(iter(source.findings)), [None] * rows, pl.String)])


def _gathered(records: Iterator[_Line], start: Position, blank: Callable[[bytes], bool]) -> Iterator[_Read]:
    """The records in portions of bounded size."""
    row, end = start.row, start
    texts: list[bytes] = []
    numbers: list[int] = []
    lines: list[int] = []
    bad: list[BadRow] = []
    held = 0
    for record in records:
        number = record.number
        if not record.wrong and blank(record.text):
            end = Position(record.after, number, row)
            continue
        row += 1
        wrong = record.wrong or ("" if _is_utf8(record.text) else _NOT_UTF8)
        if wrong:
            bad.append(BadRow(row, number, None, wrong, _as_text(record.text)))
        else:
            texts.append(record.text)
            numbers.append(row)
            lines.append(number)
        held += len(record.text)
        # A record may hold ends of lines of its own.
        end = Position(record.after, number + record.text.count(b"\n"), row)
        if held >= _MOST_BYTES or len(texts) + len(bad) >= MOST_ROWS:
            yield _Read(texts, numbers, lines, bad, end)
            texts, numbers, lines, bad, held = [], [], [], [], 0
    if texts or bad:
        yield _Read(texts, numbers, lines, bad, end)


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _csv(source: Source, start: Position) -> Iterator[Piece]:
    with _readable(source), _opened(source) as (stream, size):
        header = next(_records(_lines(stream, Position()), None), None)
        if header is None:
            raise UnreadableError(f"{source.where}: is empty; its first line names the columns")
        names = _names(source, header)
        if start.byte:
            stream.seek(start.byte)
        else:
            start = Position(header.after, header.number + header.text.count(b"\n"), 0)
        records = _records(_lines(stream, start), len(names))
        for read in chain([_Read([], [], [], [], start)], _gathered(records, start, lambda text: not text)):
            texts = _csv_frame(read.texts, names)
            frame = _columns(source, _answers(source, texts, read), texts.height)
            yield _piece(frame, texts.select(source.keep), read, size)


def _names(source: Source, header: _Line) -> list[str]:
    """The names of the columns; UnreadableError unless they can be used."""
    text = header.text.removeprefix(_BOM)
    if header.wrong:
        raise UnreadableError(f"{source.where}: line {header.number} {header.wrong.partition(';')[0]}")
    if not text:
        raise UnreadableError(f"{source.where}: its first line is empty; it names the columns")
    if not _is_utf8(text) or b"\0" in text:
        raise UnreadableError(f"{source.where}: is not UTF-8 text")
    if b"\r" in text:
        raise UnreadableError(f"{source.where}: its lines end in a carriage return alone; expected LF or CRLF")
    names = [_uncovered(cell) for cell in _cells(text)]
    if len(names) == 1 and any(sign in text for sign in b";\t"):
        raise UnreadableError(f"{source.where}: its first line has one cell; expected commas between the columns")
    source.check_columns(names)
    return names


def _cells(record: bytes) -> list[bytes]:
    if b'"' not in record:
        return record.split(b",")
    found = [cell.removesuffix(b",") for cell in _ONE_CELL.findall(record)]
    # After a last cell the expression matches once more, at the end of the text, unless a comma stands there.
    return found if record.endswith(b",") or len(found) == 1 else found[:-1] if not found[-1] else found


def _uncovered(cell: bytes) -> str:
    return (cell[1:-1].replace(b'""', b'"') if cell.startswith(b'"') else cell).decode()


def _records(lines: Iterator[_Line], width: int | None) -> Iterator[_Line]:
    """The records of a CSV file: a line each, or more where a cell in quotes holds ends of lines.

    width: how many cells are right. A quote that stands where none can, or is never closed, spoils its own line only.
    """
    waiting: deque[_Line] = deque()
    while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        if line.wrong:
            yield line
        elif b'"' not in line.text:
            yield _of_width(line, line.text.count(b",") + 1, width)
        elif _CELLS.fullmatch(line.text):
            yield _of_width(line, len(_cells(line.text)), width)
        elif _OPENED.fullmatch(line.text):
            more, closed = _until_closed(line, waiting, lines)
            if closed:
                before = b"".join(one.text + (b"\r\n" if one.returns else b"\n") for one in (line, *more[:-1]))
                text = before + more[-1].text
                whole = _Line(text, line.number, more[-1].after)
                yield _of_width(whole, len(_cells(text)), width)
            else:
                waiting.extendleft(reversed(more))
                yield _Line(line.text, line.number, line.after, "has a quote that is opened and not closed")
        else:
            yield _Line(line.text, line.number, line.after, 'has a quote where none can stand; within quotes write ""')


def _until_closed(first: _Line, waiting: deque[_Line], lines: Iterator[_Line]) -> tuple[list[_Line], bool]:
    """The lines that belong to a record whose quote is open at the end of its first, and whether they close it."""
    more: list[_Line] = []
    held = len(first.text)
    while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        more.append(line)
        held += len(line.text)
        if line.wrong or held > LONGEST_LINE or len(more) > MOST_LINES_A_RECORD:
            return more, False
        if b'"' not in line.text:
            continue
        if _CLOSED.fullmatch(line.text):
            return more, True
        if not _STILL_OPEN.fullmatch(line.text):
            return more, False
    return more, False


def _of_width(record: _Line, found: int, width: int | None) -> _Line:
    # An empty line is no row, so it has no width.
    if width is None or found == width or not record.text:
        return record
    return _Line(record.text, record.number, record.after, f"has {found} cells; the first line has {width}")


def _csv_frame(records: list[bytes], names: list[str]) -> pl.DataFrame:
    """The records as texts; what is empty is null."""
    schema = dict.fromkeys(names, pl.String)
    if not records:
        return pl.DataFrame(schema=schema)
    content = b"\n".join(records) + b"\n"
    frame = pl.read_csv(content, has_header=False, schema=schema, infer_schema=False)
    if frame.height != len(records):
        raise RuntimeError("a CSV record was read as more or less than one row")
    return frame.with_columns(pl.all().replace("", None)) if b'""' in content else frame


def _answers(source: Source, frame: pl.DataFrame, read: _Read) -> list[pl.Series]:
    """The answers, with numbers in place of their texts, and beside them where it is unsure. Notes what is neither."""
    made: dict[str, pl.Series] = {}
    columns = frame.columns
    for name in filter(source.answers, columns):
        finding, texts = source.findings.get(name), frame[name]
        if finding is None or finding.type != "measurement":
            made.setdefault(name, texts)
            continue
        made[name] = numbers = texts.cast(pl.Float64, strict=False)
        if numbers.null_count() > texts.null_count():
            unsure = (texts == UNSURE).fill_null(False)
            said = f"{name}{COMPANION}"
            beside = frame[said] if said in columns else pl.Series(said, [None] * frame.height, pl.String)
            made[said] = beside.set(unsure, "true")
            for place in (texts.is_not_null() & numbers.is_null() & ~unsure).arg_true():
                problem = f"{name}: a text is not an answer here; expected {finding.expected()}"
                read.bad.append(_bad(read, place, problem))
    return list(made.values())


# -- JSON Lines --------------------------------------------------------------------------------------------------------


def _jsonl(source: Source, start: Position) -> Iterator[Piece]:
    with _readable(source), _opened(source) as (stream, size):
        if start.byte:
            stream.seek(start.byte)
        for read in chain(
            [_Read([], [], [], [], start)], _gathered(_lines(stream, start), start, lambda text: not text.strip())
        ):
            rows: list[dict[str, Any]] = []
            places: list[int] = []
            for place, text in enumerate(read.texts):
                row, problems = _one_object(text.removeprefix(_BOM) if read.lines[place] == 1 else text)
                if row is not None:
                    rows.append(row)
                    places.append(place)
                    read.bad.extend(_bad(read, place, problem) for problem in problems)
                else:
                    read.bad.append(BadRow(read.numbers[place], read.lines[place], None, problems[0], _as_text(text)))
            answers, kept, wrong = _json_columns(source, rows)
            read.bad.extend(_bad(read, places[place], problem) for place, problem in wrong)
            yield _piece(_columns(source, answers, len(rows)), kept, read.only(places), size)


def _one_object(text: bytes) -> tuple[dict[str, Any] | None, list[str]]:
    """A line's answers, if there are any, and what is wrong with the line itself."""
    try:
        found, problems = json_answers(text.decode(), "line")
    except UnreadableError as error:
        # The line's number stands beside it; within it there is only one.
        return None, [str(error).removeprefix("line: ").replace("line 1, ", "")]
    if not isinstance(found, dict):
        return None, ["is no JSON object; expected {…} with the names of findings and their answers"]
    return found, problems


def _json_columns(
    source: Source, rows: Sequence[dict[str, Any]]
) -> tuple[list[pl.Series], pl.DataFrame, list[tuple[int, str]]]:
    """The columns of answers, those kept, and what is wrong in which row: an unknown name, or no answer of its kind.

    By columns, since in nearly all of them everything is right.
    """
    known: dict[str, Any] = dict.fromkeys((*source.findings, *source.keep))
    wrong: list[tuple[int, str]] = []
    lines = []
    for place, row in enumerate(rows):
        if not row.keys() <= known.keys():
            unknown = [name for name in row if name not in known]
            wrong += [(place, source.unknown(name)) for name in unknown[:MOST_PROBLEMS_A_ROW]]
            row = {name: value for name, value in row.items() if name in known}
        lines.append((known | row).values())
    columns = (
        {name: list(values) for name, values in zip(known, zip(*lines, strict=True), strict=True)} if lines else {}
    )
    answers: list[pl.Series] = []
    for name, values in columns.items():
        finding = source.findings.get(name)
        kinds = set(map(type, values))
        if kinds == {type(None)}:
            continue
        for place in _misplaced(finding, values, kinds):
            if finding is None:
                wrong.append((place, f"{name}: is kept, so it has to be a text or a number"))
            else:
                wrong += [(place, problem) for problem in Findings({name: finding}, ()).check({name: values[place]})[1]]
            values[place] = None
        if finding is not None:
            answers += _json_answers(finding, values)
    texts = {name: [_written(value) for value in columns.get(name, ())] for name in source.keep}
    return answers, pl.DataFrame(texts, dict.fromkeys(texts, pl.String)), wrong


def _json_answers(finding: Finding, values: list[Any]) -> Iterator[pl.Series]:
    """The column of a finding, and beside it where it is unsure."""
    if finding.type == "choice":
        yield pl.Series(finding.id, values, pl.String)
        return
    if UNSURE in values:
        yield pl.Series(f"{finding.id}{COMPANION}", [value == UNSURE for value in values], pl.Boolean)
        values = [None if value == UNSURE else value for value in values]
    if finding.type == "yes_no":
        yield pl.Series(finding.id, values, pl.Boolean)
    else:
        yield pl.Series(finding.id, [None if value is None else _float(value) for value in values], pl.Float64)


def _misplaced(finding: Finding | None, values: Sequence[Any], given: set[type]) -> list[int]:
    """Where a value is of no kind that can be an answer to the finding; without one, that can be kept."""
    nothing = type(None)
    kinds: set[type]
    texts: frozenset[str] = frozenset({UNSURE})
    if finding is None:
        kinds = {nothing, bool, int, float, str}
    elif finding.type == "choice":
        kinds, texts = {nothing}, frozenset({UNSURE, *(choice.id for choice in finding.choices)})
    else:
        kinds = {nothing, bool} if finding.type == "yes_no" else {nothing, int, float}
    if given <= kinds or (given <= kinds | {str} and {one for one in set(values) if type(one) is str} <= texts):
        return []
    return [
        place
        for place, value in enumerate(values)
        if type(value) not in kinds and not (type(value) is str and value in texts)
    ]


def _float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _written(value: Any) -> str | None:
    """A value as the text that stands for it in a column of texts."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


# -- Parquet -----------------------------------------------------------------------------------------------------------


def _parquet(source: Source, start: Position) -> Iterator[Piece]:
    if source.name == STDIN:
        raise UnreadableError("standard input: Parquet is read from its end, so it has to be a file")
    with _readable(source), regular(source.name) as stream:
        try:
            names = [name for name in ParquetFile(stream).schema_arrow.names if name not in source.keep]
            # As numbers of texts, which are a fraction of the texts themselves.
            file = ParquetFile(stream, read_dictionary=names, pre_buffer=False, buffer_size=_BLOCK)
            yield from _batches(source, start, file)
        except pa.ArrowException:
            raise UnreadableError(f"{source.where}: is no Parquet file, or is damaged") from None


def _batches(source: Source, start: Position, file: ParquetFile) -> Iterator[Piece]:
    schema = file.schema_arrow
    source.check_columns(schema.names)
    for name in source.keep:
        kind = schema.field(name).type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            raise UnreadableError(
                f"{source.where}: {shown(name)} is to be kept, so it has to hold texts, numbers or dates"
            )
    total, before = file.metadata.num_rows, 0
    yield _part(source, pl.DataFrame(file.schema_arrow.empty_table()), start.row, total)
    for group in range(file.num_row_groups):
        at, before = before, before + file.metadata.row_group(group).num_rows
        if before <= start.row:
            continue
        for batch in file.iter_batches(MOST_ROWS, row_groups=[group]):
            left = batch.slice(max(start.row - at, 0))
            at += batch.num_rows
            if left.num_rows:
                yield _part(source, pl.DataFrame(left), at, total)


def _part(source: Source, frame: pl.DataFrame, end: int, total: int) -> Piece:
    """The last rows before the end."""
    answers = [column for column in frame if source.answers(column.name)]
    return Piece(
        _columns(source, answers, frame.height),
        frame.select(source.keep),
        range(end - frame.height + 1, end + 1),
        None,
        lambda place: json.dumps(
            {name: value for name, value in frame.row(place, named=True).items() if value is not None},
            ensure_ascii=False,
            default=str,
        ),
        (),
        Position(row=end),
        end / total if total else 1.0,
    )
