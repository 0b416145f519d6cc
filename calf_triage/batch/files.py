"""Triage of a whole file: piece by piece, so that no size matters, and in parts, so that nothing done is lost.

While a run lasts, what is done stands beside OUT in the folder OUT.parts: a part is a Parquet file of answers, one of
rows set aside if there are any, and a JSON file that names both with their hashes and says where reading goes on. A
part counts only if that file is there and the hashes hold. OUT itself is made from whole parts alone, and gets its name
when it is complete.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

import polars as pl
from attrs import asdict, define, evolve, field, frozen

import calf_triage
from calf_triage._assessment import RuleSetId
from calf_triage._errors import did_you_mean, shown
from calf_triage._files import STDIN, UnreadableError
from calf_triage._findings import Acuity
from calf_triage._folder import printable
from calf_triage._rules import RuleSet
from calf_triage._text import Section, Table
from calf_triage._triage import bundled_rules
from calf_triage.batch import OUTPUTS, Output, triage_frame, writing
from calf_triage.batch._decode import COMPANION
from calf_triage.batch.reading import MOST_PROBLEMS_A_ROW, SUFFIXES, Format, Piece, Position, Source, regular
from calf_triage.batch.writing import Sink, is_whole, publish, whole

try:
    import fcntl
except ImportError:  # On Windows a folder is not locked.
    fcntl = None  # type: ignore[assignment]

Change = Literal["lowered", "raised", "other_rules", "same", "not_compared"]
"""How an answer differs from that of earlier rules: less urgent, or within more hours; more urgent, or within fewer;
the same, but other rules fired; the same; or the earlier rules could not read the row.
"""

Progress = Callable[[int, float | None, float], None]
"""Told the rows so far, the share of the input that is done (None: not known), and the seconds of this run."""

ROW: Final = "row"
BEFORE: Final = ("acuity_before", "change")
ROWS_A_PART: Final = 262_144
SECONDS_A_PART: Final = 10

_MANY: Final = 1_000
_BYTES_A_PART: Final = 64 * 1024 * 1024
_ALWAYS: Final[tuple[Output, ...]] = ("acuity", "rules", "within_hours")
_RUNGS: Final = [acuity.word for acuity in sorted(Acuity, reverse=True)]
_RANK: Final = {acuity.word: int(acuity) for acuity in Acuity}


@define
class Tally:
    """What became of a file.

    rows: all that were read. rungs: how many were answered with each. aside: rows set aside; urgent_aside: of those,
    by what their other answers say. moves: with earlier rules, how many went from one rung to another; changes: how
    many of each `Change`. Only one of the two rule sets knows the columns of only_now and only_before. seconds: of this
    run, without those before it; resumed: rows that an earlier run had done. set_aside: where rows were set aside.
    """

    rules: RuleSetId
    rows: int = 0
    aside: int = 0
    rungs: Counter[str] = field(factory=Counter)
    urgent_aside: Counter[str] = field(factory=Counter)
    before: RuleSetId | None = None
    moves: Counter[tuple[str, str]] = field(factory=Counter)
    changes: Counter[str] = field(factory=Counter)
    only_now: set[str] = field(factory=set)
    only_before: set[str] = field(factory=set)
    seconds: float = 0.0
    resumed: int = 0
    set_aside: str | None = None

    @property
    def lowered(self) -> bool:
        """Whether anybody is answered lower than with the earlier rules."""
        return self.changes["lowered"] > 0

    @property
    def differs(self) -> bool:
        """Whether anybody is answered otherwise, or could not be compared."""
        return any(self.changes[name] for name in ("lowered", "raised", "other_rules", "not_compared"))

    def data(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        found: dict[str, Any] = {
            "rule_set": asdict(self.rules),
            "rows": self.rows,
            "rungs": {word: self.rungs[word] for word in _RUNGS},
            "set_aside": {"rows": self.aside, "file": self.set_aside, "acuity_of_rest": dict(self.urgent_aside)},
            "seconds": round(self.seconds, 3),
            "rows_of_an_earlier_run": self.resumed,
        }
        if self.before is not None:
            found["rule_set_before"] = asdict(self.before)
            found["changes"] = {name: self.changes[name] for name in get_args(Change)}
            found["moves"] = [
                {"before": then, "now": now, "rows": self.moves[then, now]} for then, now in self._sorted_moves()
            ]
            found["lowered"] = self.lowered
            found["columns"] = {"only_now": sorted(self.only_now), "only_before": sorted(self.only_before)}
        return found

    def _sorted_moves(self) -> list[tuple[str, str]]:
        """From which rung to which, the lowered furthest first."""
        return sorted(self.moves, key=lambda move: (_RANK[move[1]] - _RANK[move[0]], -_RANK[move[0]]))

    def sections(self) -> Iterator[Section]:
        """For the terminal: the rungs, what was set aside, and what differs from earlier rules, the lowered first."""
        answered = self.rows - self.aside
        rungs = [(word, f"{self.rungs[word]:,}", _share(self.rungs[word], answered)) for word in _RUNGS]
        done = self.rows - self.resumed
        rate = f"{done / self.seconds:,.0f} rows a second" if self.seconds > 0 and done >= _MANY else ""
        earlier = f"{self.resumed:,} of them by an earlier run" if self.resumed else ""
        said = ", ".join(filter(None, (f"{self.rows:,} {'row' if self.rows == 1 else 'rows'}", earlier, rate)))
        yield Section(said, (Table(("rung", "rows", "share"), tuple(rungs)),))
        if self.aside:
            urgent = [f"{self.urgent_aside[word]:,} {word}" for word in _RUNGS if self.urgent_aside[word]]
            lines = [f"{_share(self.aside, self.rows)} of all rows: they have no answer until they are mended."]
            if urgent:
                lines.append(f"By what could be read of them alone: {', '.join(urgent)}. See to these first.")
            if self.set_aside is not None:
                lines.append(f"They stand in {printable(self.set_aside)}, each with what is wrong.")
            yield Section(f"Set aside: {self.aside:,}", tuple(lines), Acuity.SAME_DAY if urgent else None)
        if self.before is not None:
            yield from self._changes(self.before)

    def _changes(self, before: RuleSetId) -> Iterator[Section]:
        rows = tuple(
            (f"{then} → {now}", f"{self.moves[then, now]:,}", _direction(_RANK[now] - _RANK[then]))
            for then, now in self._sorted_moves()
        )
        then, now = (f"{each.version} ({each.sha256[:12]})" for each in (before, self.rules))
        title = f"From {before.name} {then} to {now}"
        told = {
            "lowered": "lowered: less urgent, or within more hours",
            "raised": "raised: more urgent, or within fewer hours",
            "other_rules": "as urgent, but other rules fired",
            "same": "the same",
            "not_compared": "not compared: the earlier rules cannot read the row",
        }
        counts = tuple((said, f"{self.changes[name]:,}") for name, said in told.items())
        yield Section(title, (Table((), counts),))
        yield Section(
            "From rung to rung", (Table(("before → now", "rows", "change"), rows),) if rows else ("No rows.",)
        )
        notes = [
            f"Only {who} ask: {', '.join(sorted(columns)[:8])}{' …' if len(columns) > 8 else ''}"
            for who, columns in (("the earlier rules", self.only_before), ("these rules", self.only_now))
            if columns
        ]
        if notes:
            yield Section("Columns that only one of the two hears of", tuple(notes))


def _direction(steps: int) -> str:
    return "lowered" if steps < 0 else "raised" if steps > 0 else ""


def _share(part: int, of: int) -> str:
    return f"{100 * part / of:.2f} %" if of else ""


# -- one piece ---------------------------------------------------------------------------------------------------------


@frozen
class _Judged:
    """What became of a piece: a row for each that was answered, and one for each problem of a row set aside."""

    answers: pl.DataFrame
    aside: pl.DataFrame


@frozen
class _Judge:
    """What triages a piece."""

    rules: RuleSet
    before: RuleSet | None
    outputs: tuple[Output, ...]

    def judged(self, piece: Piece) -> _Judged:
        """Its answers, and what is set aside of it."""
        wanted = [name for name in OUTPUTS if name in self.outputs or name in _ALWAYS]
        batch = triage_frame(_known(self.rules, piece.frame), rules=self.rules, outputs=wanted)
        found = pl.DataFrame([pl.Series(ROW, piece.numbers, pl.Int64), *piece.kept, *batch.assessments])
        if self.before is not None:
            earlier = triage_frame(_known(self.before, piece.frame), rules=self.before, outputs=_ALWAYS)
            found = found.hstack(_compared(batch.assessments, earlier.assessments))
        if not piece.bad and not batch.set_aside.height:
            return _Judged(found, pl.DataFrame(schema=_ASIDE))
        aside = _aside(piece, batch.set_aside, batch.assessments["acuity"].to_list())
        return _Judged(found.join(aside, on=ROW, how="anti", maintain_order="left"), aside)

    @property
    def columns(self) -> list[str]:
        """The columns of an answer behind those kept."""
        return [*(name for name in OUTPUTS if name in self.outputs), *(BEFORE if self.before is not None else ())]


def _known(rules: RuleSet, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns that these rules hear of."""
    by_id = rules.findings.by_id
    known = [name for name in frame.columns if name in by_id or name.removesuffix(COMPANION) in by_id]
    # Without any column the rows are still rows.
    return (
        frame.select(known)
        if known
        else pl.DataFrame({next(iter(by_id)): pl.Series([None] * frame.height, dtype=pl.String)})
    )


def _compared(now: pl.DataFrame, then: pl.DataFrame) -> pl.DataFrame:
    """What the earlier rules said, and the `Change`."""
    rungs = pl.Enum([acuity.word for acuity in Acuity])
    both = pl.DataFrame(
        {
            "now": now["acuity"].cast(rungs).to_physical().cast(pl.Int32),
            "then": then["acuity"].cast(rungs).to_physical().cast(pl.Int32),
            "hours": now["within_hours"].fill_null(0) - then["within_hours"].fill_null(0),
            "rules": now["rules"].cast(pl.List(pl.String)).list.join(" "),
            "rules_then": then["rules"].cast(pl.List(pl.String)).list.join(" "),
        }
    )
    change = (
        pl.when(pl.col("then").is_null())
        .then(pl.lit("not_compared"))
        .when((pl.col("now") < pl.col("then")) | ((pl.col("now") == pl.col("then")) & (pl.col("hours") > 0)))
        .then(pl.lit("lowered"))
        .when((pl.col("now") > pl.col("then")) | (pl.col("hours") < 0))
        .then(pl.lit("raised"))
        .when(pl.col("rules") != pl.col("rules_then"))
        .then(pl.lit("other_rules"))
        .otherwise(pl.lit("same"))
        .cast(pl.Enum(get_args(Change)))
    )
    return pl.DataFrame([then["acuity"].alias("acuity_before"), both.select(change.alias("change")).to_series()])


_ASIDE: Final = {
    ROW: pl.Int64,
    "line": pl.Int64,
    "column": pl.String,
    "reason": pl.String,
    "acuity_of_rest": pl.String,
    "original": pl.String,
}


def _aside(piece: Piece, theirs: pl.DataFrame, acuities: Sequence[str | None]) -> pl.DataFrame:
    """The problems by row, with the rows as they were written."""
    numbers = pl.Series(ROW, piece.numbers, pl.Int64)
    told = pl.DataFrame(
        [(one.row, one.column, one.reason) for one in piece.bad],
        schema={name: _ASIDE[name] for name in (ROW, "column", "reason")},
        orient="row",
    )
    told = pl.concat([told, theirs.select(numbers.gather(theirs["row"]), "column", "reason")])
    told = told.sort(ROW, maintain_order=True).with_columns(
        place=pl.int_range(pl.len()).over(ROW), of=pl.len().over(ROW).cast(pl.Int64)
    )
    more = pl.format("{} (and {} more problems)", "reason", pl.col("of") - MOST_PROBLEMS_A_ROW)
    last = (pl.col("place") == MOST_PROBLEMS_A_ROW - 1) & (pl.col("of") > MOST_PROBLEMS_A_ROW)
    told = told.filter(pl.col("place") < MOST_PROBLEMS_A_ROW).with_columns(
        reason=pl.when(last).then(more).otherwise("reason")
    )
    rest = dict(theirs.select("row", pl.col("acuity_of_rest").cast(pl.String)).iter_rows())
    whole_rows = {one.row: (one.row, one.line, None, one.original) for one in piece.bad if one.column is None}
    facts: list[tuple[int, int | None, str | None, str]] = []
    rows = told[ROW].unique(maintain_order=True)
    for row, place in zip(rows.to_list(), numbers.search_sorted(rows).to_list(), strict=True):
        if row in whole_rows:
            facts.append(whole_rows[row])
            continue
        acuity = rest[place] if place in rest else acuities[place]
        urgent = acuity if acuity in ("same_day", "emergency") else None
        line = None if piece.lines is None else piece.lines[place]
        facts.append((row, line, urgent, piece.original(place)))
    names = (ROW, "line", "acuity_of_rest", "original")
    found = pl.DataFrame(facts, schema={name: _ASIDE[name] for name in names}, orient="row")
    return told.join(found, on=ROW, how="left", maintain_order="left").select(list(_ASIDE))


def _count(tally: Tally, judge: _Judge, piece: Piece, judged: _Judged) -> None:
    """Adds a piece to what is counted."""
    tally.rows = piece.end.row
    tally.rungs.update(judged.answers["acuity"].cast(pl.String).to_list())
    if judged.aside.height:
        each = judged.aside.unique(ROW)
        tally.aside += each.height
        tally.urgent_aside.update(each["acuity_of_rest"].drop_nulls().to_list())
    if judge.before is not None:
        asked = {name.removesuffix(COMPANION) for name in piece.frame.columns}
        tally.only_now |= asked - judge.before.findings.by_id.keys()
        tally.only_before |= asked - judge.rules.findings.by_id.keys()
        moved = judged.answers.filter(pl.col("acuity_before").is_not_null())
        tally.moves.update(moved.select(pl.col("acuity_before", "acuity").cast(pl.String)).iter_rows())
        tally.changes.update(judged.answers["change"].cast(pl.String).to_list())


# -- a whole file ------------------------------------------------------------------------------------------------------


def triage_file(
    source: str,
    target: str,
    *,
    rules: RuleSet | None = None,
    before: RuleSet | None = None,
    format: Format | None = None,
    target_format: Format | None = None,
    keep: Collection[str] = (),
    outputs: Collection[Output] = OUTPUTS,
    set_aside: str | None = None,
    strict: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Tally:
    """Triages each row of a file, writes the answers to another, and says what became of them.

    source: CSV, JSON Lines or Parquet; "-" is standard input. target: the file to write; "-" is standard output.
    rules: those that decide; the bundled ones if none are given. before: earlier rules, to say what changes.
    format, target_format: where the suffix does not tell; what is written is by itself in the format that is read.
    keep: columns to carry along. outputs: what to write of each answer.
    set_aside: where rows go that cannot be read; by itself the target's name with .set-aside in it.
    strict: stop at the first such row. resume: go on with a run that was interrupted. overwrite: replace the target,
        and what an interrupted run has left.
    progress: told how far it is.

    Raises UnreadableError, a ValueError, for a file, a column or a name that cannot be used, and if strict for a row;
    nothing stands under the target's name then. OSError where nothing can be written.
    """
    chosen = bundled_rules() if rules is None else rules
    reads = _format(source, format)
    wanted = _checked(outputs, keep)
    findings = {**(before.findings.by_id if before is not None else {}), **chosen.findings.by_id}
    what = Source(source, reads, findings, tuple(dict.fromkeys(keep)))
    writes = target_format or SUFFIXES.get(Path(target).suffix.lower(), reads)
    run = _Run(what, _Judge(chosen, before, wanted), writes, strict, progress or (lambda *_: None))
    if target == STDIN:
        if resume:
            raise UnreadableError("--resume: what went to standard output cannot be gone on with")
        return _streamed(run, set_aside, overwrite)
    return _in_parts(run, _Names.of(what, target, set_aside), resume=resume, overwrite=overwrite)


def _format(name: str, format: Format | None) -> Format:
    found = format or SUFFIXES.get(Path(name).suffix.lower())
    if found is None:
        where = "standard input" if name == STDIN else printable(name)
        raise UnreadableError(f"{where}: the name does not tell its format; say --format csv, jsonl or parquet")
    return found


def _checked(outputs: Collection[str], keep: Collection[str]) -> tuple[Output, ...]:
    problems = [
        f"--columns: unknown {shown(name)}{did_you_mean(name, OUTPUTS)}; there are {', '.join(OUTPUTS)}"
        for name in outputs
        if name not in OUTPUTS
    ]
    taken = (ROW, *OUTPUTS, *BEFORE)
    problems += [
        f"--keep: {shown(name)} is the name of a column of the answers; rename it" for name in keep if name in taken
    ]
    if problems:
        raise UnreadableError("\n  ".join(problems))
    return tuple(name for name in OUTPUTS if name in outputs)


@frozen
class _Names:
    """The files that a run writes. own: that for rows set aside was named, so it is written even if there are none."""

    target: Path
    aside: Path
    own: bool

    @property
    def folder(self) -> Path:
        """Where the parts stand until all is done."""
        return self.target.with_name(f"{self.target.name}.parts")

    @classmethod
    def of(cls, source: Source, target: str, set_aside: str | None) -> _Names:
        """Those of a target; UnreadableError where one cannot be, or is another."""
        to = _place(target)
        aside = to.with_name(f"{to.stem}.set-aside{to.suffix}") if set_aside is None else _place(set_aside)
        same = [to, aside, *([] if source.name == STDIN else [Path(os.path.realpath(source.name))])]
        if len(set(same)) < len(same):
            raise UnreadableError("IN, OUT and the file for rows set aside have to be different files")
        return cls(to, aside, set_aside is not None)

    def refuse(self) -> None:
        """UnreadableError if one of them is there already."""
        for path in (self.target, self.aside):
            if os.path.lexists(path):
                raise UnreadableError(
                    f"{printable(str(path))}: is there already; choose another name, or say --overwrite"
                )


def _place(name: str) -> Path:
    """A name for a file, its links followed."""
    try:
        path = Path(os.path.realpath(name))
        if not path.parent.is_dir():
            raise UnreadableError(f"{printable(name)}: there is no such folder")
        if path.exists() and not path.is_file():
            raise UnreadableError(f"{printable(name)}: is no file; for standard output say -")
    except (OSError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"{printable(name)}: is no name of a file") from None
    return path


class _FinalError(UnreadableError):
    """What no second run can go on from."""


@frozen
class _Run:
    """What is read, by what it is triaged, and how it is written."""

    source: Source
    judge: _Judge
    writes: Format
    strict: bool
    progress: Progress

    def tally(self) -> Tally:
        """Nothing counted yet."""
        rules, before = self.judge.rules, self.judge.before
        return Tally(_id(rules), before=None if before is None else _id(before))

    def pieces(self, tally: Tally, start: Position | None = None) -> Iterator[tuple[Piece, _Judged]]:
        """The pieces with what became of them, counted; the first has no row, and all columns."""
        began = time.monotonic()
        for piece in self.source.pieces(start):
            judged = self.judge.judged(piece)
            if self.strict and judged.aside.height:
                raise _FinalError(self._first(judged.aside))
            _count(tally, self.judge, piece, judged)
            tally.seconds = time.monotonic() - began
            self.progress(tally.rows, piece.done, tally.seconds)
            yield piece, judged

    def _first(self, aside: pl.DataFrame) -> str:
        first = aside.filter(pl.col(ROW) == aside[ROW][0])
        row, line = first.row(0)[:2]
        place = f"row {row}" if line is None else f"line {line} (row {row})"
        told = [
            f"{shown(column)}: {reason}" if column else reason
            for column, reason in first.select("column", "reason").iter_rows()
        ]
        return "\n  ".join([f"{self.source.where}: {place} cannot be read, and no row may be set aside:", *told])

    def shown(self, answers: pl.DataFrame) -> pl.DataFrame:
        """The columns that are written."""
        return answers.select(ROW, *self.source.keep, *self.judge.columns)


def _id(rules: RuleSet) -> RuleSetId:
    return RuleSetId(rules.name, rules.version, rules.sha256)


def _streamed(run: _Run, set_aside: str | None, overwrite: bool) -> Tally:
    """To standard output, piece by piece."""
    if set_aside is None and not run.strict:
        raise UnreadableError("OUT is -: say with --set-aside FILE where rows go that cannot be read, or --strict")
    tally, out = run.tally(), Sink(run.writes, sys.stdout.buffer)
    if set_aside is None:
        for _, judged in run.pieces(tally):
            out.write(run.shown(judged.answers))
            sys.stdout.buffer.flush()
        out.close()
        return tally
    to = _place(set_aside)
    if not overwrite and os.path.lexists(to):
        raise UnreadableError(f"{printable(str(to))}: is there already; choose another name, or say --overwrite")
    temporary = to.with_name(f".{to.name}.{os.getpid()}")
    with whole(temporary) as file:
        aside = Sink(SUFFIXES.get(to.suffix.lower(), run.writes), file)
        for _, judged in run.pieces(tally):
            out.write(run.shown(judged.answers))
            sys.stdout.buffer.flush()
            aside.write(judged.aside)
        out.close()
        aside.close()
    publish(temporary, to, replace=overwrite)
    tally.set_aside = str(to)
    return tally


# -- in parts ----------------------------------------------------------------------------------------------------------


def _in_parts(run: _Run, names: _Names, *, resume: bool, overwrite: bool) -> Tally:
    piped = run.source.name == STDIN
    if resume and piped:
        raise UnreadableError("--resume: standard input cannot be read from where it ended")
    # If it was stopped while it gave the files their names, they may be its own.
    replace = overwrite or (resume and (names.folder / _PUBLISHING).exists())
    if not replace:
        names.refuse()
    seen, job = _seen(run.source), _job(run)
    with _locked(names.folder) as folder:
        parts = _Parts(folder, run)
        tally = parts.begun(job, resume=resume, overwrite=overwrite)
        try:
            parts.fill(tally)
            if _seen(run.source) != seen:
                raise _FinalError(
                    f"{run.source.where}: was changed while it was read, so nothing is written; run it again"
                )
            parts.publish(names, tally, replace=replace)
        except BaseException as error:
            if piped or isinstance(error, _FinalError) or not parts.count:
                parts.clear()
            else:
                error.add_note(f"{parts.rows:,} rows are done and kept; the same command with --resume goes on there")
            raise
        parts.clear()
    return tally


def _seen(source: Source) -> tuple[int, int] | None:
    """What tells that a file was not written to meanwhile."""
    if source.name == STDIN:
        return None
    with regular(source.name) as file:
        found = os.fstat(file.fileno())
        return found.st_size, found.st_mtime_ns


def _job(run: _Run) -> dict[str, Any]:
    """All that the answers depend on."""
    digest = None
    if run.source.name != STDIN:
        with regular(run.source.name) as file:
            digest = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
    before = run.judge.before
    return {
        "library": calf_triage.__version__,
        "rules": run.judge.rules.sha256,
        "rules-before": None if before is None else before.sha256,
        "input": digest,
        "format": run.source.format,
        "keep": list(run.source.keep),
        "columns": list(run.judge.outputs),
    }


_JOB, _LOCK, _PUBLISHING = "run.json", "lock", "publishing"
_OURS: Final = re.compile(r"run\.json|lock|publishing|whole|whole-aside|\d{6}\.(?:json|answers|aside)|.*\.new")


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """A folder that no other run writes in as long as this holds, made if it is not there."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    where = printable(str(folder))
    if not folder.is_dir() or not all(_OURS.fullmatch(path.name) for path in folder.iterdir()):
        raise UnreadableError(f"{where}: is needed for what is not finished yet, but holds something else")
    busy = f"{where}: another run is writing there; wait for it, or choose another name"
    with (folder / _LOCK).open("ab") as lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UnreadableError(busy) from None
        if not (folder / _LOCK).exists():
            raise UnreadableError(busy)
        yield folder


class _Parts:
    """The parts in a folder. count: how many are whole; rows: how many rows they make."""

    def __init__(self, folder: Path, run: _Run) -> None:
        self.folder, self.run = folder, run
        self.count = self.rows = 0
        self._end: Position | None = None
        self._template = (pl.DataFrame(), pl.DataFrame())

    def begun(self, job: dict[str, Any], *, resume: bool, overwrite: bool) -> Tally:
        """Makes the folder one for this job, and gives what earlier runs have counted."""
        known = self._json(_JOB)
        if not resume:
            if known is not None and not overwrite and self._json("000001.json") is not None:
                raise UnreadableError(
                    f"{printable(str(self.folder))}: an earlier run was interrupted; go on with --resume, or begin "
                    "anew with --overwrite"
                )
            self.clear(folder=False)
            writing.put(self.folder / _JOB, json.dumps(job).encode())
            return self.run.tally()
        if known is None:
            self.clear()
            raise UnreadableError("--resume: no earlier run has left anything to go on with; run it without")
        others = [name for name in job if known.get(name) != job[name]]
        if others:
            names = {"input": "the content of IN", "rules": "the rules", "rules-before": "the rules of --rules-before"}
            told = ", ".join(names.get(name, name) for name in others)
            raise UnreadableError(
                f"--resume: not what it was begun with: {told}; mend that, or begin anew with --overwrite"
            )
        tally = self.run.tally()
        while (part := self._json(f"{self.count + 1:06}.json")) is not None and all(
            is_whole(self.folder / name, known) for name, known in part["files"].items()
        ):
            self.count += 1
            self._end = Position(**part["end"])
            tally = _restored(tally, part["tally"])
        self.rows = tally.resumed = tally.rows
        return tally

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return None

    def fill(self, tally: Tally) -> None:
        """Makes the parts that are missing."""
        answers: list[pl.DataFrame] = []
        aside: list[pl.DataFrame] = []
        began = time.monotonic()
        end = self._end
        for number, (piece, judged) in enumerate(self.run.pieces(tally, end)):
            if number == 0:
                # It has no row, but every column.
                self._template = self.run.shown(judged.answers), judged.aside
            answers.append(self.run.shown(judged.answers))
            aside.append(judged.aside)
            end = piece.end
            late = time.monotonic() - began > SECONDS_A_PART
            large = sum(frame.estimated_size() for frame in aside) > _BYTES_A_PART
            if late or large or tally.rows - self.rows >= ROWS_A_PART:
                self._add(pl.concat(answers), pl.concat(aside), tally, end)
                answers, aside, began = [], [], time.monotonic()
        if tally.rows > self.rows and end is not None:
            self._add(pl.concat(answers), pl.concat(aside), tally, end)

    def _add(self, answers: pl.DataFrame, aside: pl.DataFrame, tally: Tally, end: Position) -> None:
        number = f"{self.count + 1:06}"
        files = {f"{number}.answers": answers, **({f"{number}.aside": aside} if aside.height else {})}
        written = {name: writing.put(self.folder / name, _parquet_bytes(frame)) for name, frame in files.items()}
        part = {"files": written, "end": asdict(end), "tally": _kept(tally)}
        writing.put(self.folder / f"{number}.json", json.dumps(part).encode())
        self.count += 1
        self.rows = tally.rows

    def publish(self, names: _Names, tally: Tally, *, replace: bool) -> None:
        """Makes the files of the parts, and gives them their names."""
        answers, aside = self._template
        out, beside = self.folder / "whole", self.folder / "whole-aside"
        self._join(out, self.run.writes, answers, "answers")
        wanted = names.own or tally.aside > 0
        if wanted:
            suffix = names.aside.suffix.lower() if names.own else ""
            self._join(beside, SUFFIXES.get(suffix, self.run.writes), aside, "aside")
        writing.put(self.folder / _PUBLISHING, b"")
        published = False
        try:
            if wanted:
                publish(beside, names.aside, replace=replace)
                published = True
                tally.set_aside = str(names.aside)
            elif replace:
                # What was set aside for the answers that are replaced belongs to nothing any more.
                names.aside.unlink(missing_ok=True)
            publish(out, names.target, replace=replace)
        except FileExistsError:
            if published:
                names.aside.unlink()
            (self.folder / _PUBLISHING).unlink()
            names.refuse()
            raise

    def _join(self, to: Path, format: Format, empty: pl.DataFrame, kind: str) -> None:
        to.unlink(missing_ok=True)
        with whole(to) as file:
            sink = Sink(format, file)
            sink.write(empty)
            for number in range(1, self.count + 1):
                path = self.folder / f"{number:06}.{kind}"
                if path.exists():
                    sink.write(pl.read_parquet(path.read_bytes()))
            sink.close()

    def clear(self, *, folder: bool = True) -> None:
        """Removes what is not finished, and the folder."""
        for path in self.folder.iterdir():
            if path.name != _LOCK:
                path.unlink()
        self.count = 0
        if folder:
            (self.folder / _LOCK).unlink()
            self.folder.rmdir()


def _parquet_bytes(frame: pl.DataFrame) -> bytes:
    held = io.BytesIO()
    frame.write_parquet(held)
    return held.getvalue()


def _kept(tally: Tally) -> dict[str, Any]:
    """What is counted, as JSON has it."""
    return {
        "rows": tally.rows,
        "aside": tally.aside,
        "rungs": tally.rungs,
        "urgent_aside": tally.urgent_aside,
        "changes": tally.changes,
        "moves": [[*move, count] for move, count in tally.moves.items()],
        "only_now": sorted(tally.only_now),
        "only_before": sorted(tally.only_before),
    }


def _restored(tally: Tally, kept: dict[str, Any]) -> Tally:
    return evolve(
        tally,
        rows=kept["rows"],
        aside=kept["aside"],
        rungs=Counter(kept["rungs"]),
        urgent_aside=Counter(kept["urgent_aside"]),
        changes=Counter(kept["changes"]),
        moves=Counter({(then, now): count for then, now, count in kept["moves"]}),
        only_now=set(kept["only_now"]),
        only_before=set(kept["only_before"]),
    )
