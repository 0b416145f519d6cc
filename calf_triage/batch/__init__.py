"""Triage of a whole table: a column for each finding in, one answer for each row out.

>>> import polars as pl
>>> from calf_triage.batch import triage_frame
>>> people = pl.DataFrame({"patient": ["a", "b"], "calf_pain": [True, True], "breathless": ["yes", None]})
>>> done = triage_frame(people, keep=["patient"], outputs=["acuity", "settled"])
>>> done.assessments.rows()
[('a', 'emergency', True), ('b', 'same_day', False)]

Needs the extra `batch` (polars, pyarrow and numpy); `import calf_triage` does not import this. Each row gets what
`triage` says to its answers, and nothing is ever sent, kept or logged.

A column is named after a finding. Null is absent, which is never taken as no. `input_schema` gives the columns of a
rule set with a type for each that can hold every answer; these types will do as well:

- yes/no: Boolean, or a text, Categorical or Enum of "yes", "no" and "unsure" ("true" and "false" are read too)
- choice: a text, Categorical or Enum of the choices' ids and "unsure"
- measurement: any integer, float or decimal, in the finding's unit and with no more decimals than it has

A Boolean or a number cannot say unsure: a Boolean column `<name>__unsure` says it for the column `<name>`. A column
that is not there is absent in every row, and costs nothing.

**A row that cannot be read** (an unknown text, a number out of range, an answer to what does not apply: whatever
`triage` refuses) is set aside: it has no rung, neither a low one nor a high one. It keeps its place in `assessments`,
with null in every column but those kept; `Batch.set_aside` says what is wrong in which column. Mend it and triage it
again. Until then nothing is known of that person, who may be the most urgent of all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal, cast, get_args

import polars as pl
import pyarrow as pa
from attrs import field, frozen

from calf_triage._assessment import RuleSetId
from calf_triage._errors import FindingError, did_you_mean, shown
from calf_triage._findings import MOST_PROBLEMS, UNSURE, Acuity
from calf_triage._rules import RuleSet
from calf_triage._triage import bundled_rules
from calf_triage.batch import _columns_out
from calf_triage.batch._columns_out import Answered
from calf_triage.batch._decode import COMPANION, decoded
from calf_triage.batch._resolve import prepared

Output = Literal[
    "acuity",
    "disposition",
    "reason",
    "established",
    "not_excluded",
    "settled",
    "rules",
    "causes",
    "see",
    "within_hours",
    "look_again_days",
    "exercises",
    "version",
]
OUTPUTS: Final[tuple[Output, ...]] = get_args(Output)
"""All that can be asked for, in the order in which it is given. See `output_schema`."""

ROWS_AT_ONCE: Final = 1 << 17
"""So many rows each thread works on at a time, with about 100 MB; fewer would cost more of Python's own time."""
_WIDEST: Final = 10_000

_RUNG: Final = pl.Enum([acuity.word for acuity in Acuity])
_ASIDE: Final = pl.Schema({"row": pl.Int64(), "column": pl.String(), "reason": pl.String(), "acuity_of_rest": _RUNG})


@frozen(eq=False)
class Batch:
    """What became of a table.

    assessments: a row for each row of the table, in its order: the columns kept, then the outputs; null where the row
        was set aside.
    set_aside: a row for each problem of a row that cannot be read: `row` (counted from 0), `column`, `reason` (what is
        wrong and what would be right, never the answer), and `acuity_of_rest`: what `triage` says to the row's other
        answers where that is same_day or emergency, so that one bad field hides no emergency; it is not the row's
        answer.
    rule_set: which rules decided.
    """

    assessments: pl.DataFrame = field(repr=False)
    set_aside: pl.DataFrame = field(repr=False)
    rule_set: RuleSetId

    def __repr__(self) -> str:
        """How many rows there are, and no answer of any."""
        aside = self.set_aside["row"].n_unique()
        return f"<Batch of {self.assessments.height} rows, {aside} set aside, by {self.rule_set.name}>"


def triage_frame(
    frame: object,
    *,
    rules: RuleSet | None = None,
    keep: Collection[str] = (),
    outputs: Collection[Output] = OUTPUTS,
    strict: bool = False,
    threads: int = 1,
) -> Batch:
    """What `triage` says to each row of a table.

    frame: a polars DataFrame, or whatever gives Arrow data (`__arrow_c_stream__`): a pyarrow Table or RecordBatch, a
        pandas or DuckDB table.
    rules: a rule set of `load_rules`; the bundled one if none is given.
    keep: columns that are no findings and are carried through: who it is, when it was.
    outputs: what to work out, of OUTPUTS. "acuity" and "rules" alone are the fastest.
    strict: raise for the first rows that cannot be read, instead of setting them aside.
    threads: how many to use at most; one if not given, since only columns of texts gain from more.

    Raises FindingError for columns that are neither findings nor kept, all of them at once, and, if strict, for rows;
    ValueError for an unknown output, TypeError for what is no table.
    """
    using = _rules(rules)
    table = _frame(frame)
    wanted = _wanted(outputs)
    kept = _kept(keep)
    _check_columns(using, table.columns, kept)
    names = [name for name in table.columns if _is_ours(using, name)]
    of = prepared(using)
    template = _polars_template(using, wanted)

    def done(start: int) -> tuple[pa.RecordBatch, pl.DataFrame]:
        part = table.slice(start, ROWS_AT_ONCE)
        columns = [part.get_column(name) for name in names]
        arrays = {series.name: _array(series) for series in columns if series.null_count() < part.height}
        answers = _columns_out.answered(of, decoded(using.findings, arrays, part.height), wanted)
        return _columns_out.record_batch(of, answers, template), _set_aside(answers, start)

    starts = range(0, table.height, ROWS_AT_ONCE)
    workers = min(threads, len(starts))
    if workers > 1:
        # numpy lets other threads run while it works on a bitmap.
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(done, starts))
    else:
        parts = [done(start) for start in starts]
    found = cast(pl.DataFrame, pl.from_arrow(pa.Table.from_batches([batch for batch, _ in parts], template)))
    aside = pl.concat([pl.DataFrame(schema=_ASIDE), *(frame for _, frame in parts)])
    if strict and aside.height:
        raise FindingError(_lines(aside))
    assessments = table.select(kept).hstack(found.get_columns()) if kept else found
    return Batch(assessments, aside, _rule_set(using))


def triage_arrow(
    batches: Iterable[pa.RecordBatch],
    *,
    rules: RuleSet | None = None,
    keep: Collection[str] = (),
    outputs: Collection[Output] = OUTPUTS,
) -> Iterator[pa.RecordBatch]:
    """What `triage` says to each row of Arrow record batches, one batch after the other.

    Each batch in gives one batch out, with a row for each row: the columns kept, then `arrow_schema(outputs)`. It is
    made for what maps record batches: Spark's `mapInArrow`, Ray, Dask. A row that cannot be read has null in every
    output and says in `problem` what is wrong in it, a line for each column, and never the answer.

    Raises what `triage_frame` raises for columns and outputs.
    """
    using = _rules(rules)
    wanted = _wanted(outputs)
    kept = _kept(keep)
    schema = arrow_schema(outputs)
    of = prepared(using)
    for batch in batches:
        _check_columns(using, batch.schema.names, kept)
        names = [name for name in batch.schema.names if _is_ours(using, name)]
        parts = []
        for start in range(0, batch.num_rows, ROWS_AT_ONCE):
            part = batch.slice(start, ROWS_AT_ONCE)
            arrays = {name: part.column(name) for name in names}
            answers = _columns_out.answered(of, decoded(using.findings, arrays, part.num_rows), wanted)
            parts.append(_columns_out.record_batch(of, answers, schema))
        table = pa.Table.from_batches(parts, schema).combine_chunks()
        found = table.to_batches()[0] if parts else pa.RecordBatch.from_pylist([], schema)
        fields = [batch.schema.field(name) for name in kept]
        columns = [batch.column(name) for name in kept]
        yield pa.RecordBatch.from_arrays([*columns, *found.columns], schema=pa.schema([*fields, *schema]))


def input_schema(rules: RuleSet | None = None) -> pl.Schema:
    """The columns that a rule set can read, each with a type that can hold every answer.

    `pl.DataFrame(schema=input_schema())` is an empty table to fill. No column has to be there.
    """
    found: dict[str, pl.DataType] = {}
    for name, finding in _rules(rules).findings.by_id.items():
        if finding.type == "yes_no":
            found[name] = pl.Enum(["no", "yes", UNSURE])
        elif finding.type == "choice":
            found[name] = pl.Enum([*(choice.id for choice in finding.choices), UNSURE])
        else:
            found[name] = pl.Float64() if finding.decimals else pl.Int64()
            found[name + COMPANION] = pl.Boolean()
    return pl.Schema(found)


def output_schema(rules: RuleSet | None = None, outputs: Collection[Output] = OUTPUTS) -> pl.Schema:
    """The outputs of `triage_frame`, each with its type.

    acuity: how soon to be seen, "self_care" < "routine" < "soon" < "same_day" < "emergency". disposition: "self_care"
    or "escalation". reason, established, not_excluded, settled: as in `Assessment`. rules: ids of those that fired, the
    most acute first. causes: ids of the possible causes, those that must not be missed first. see: ids of where to be
    seen, the most capable first. within_hours: 0 for an emergency, null for a routine appointment and for self-care.
    look_again_days: null from same_day up. exercises: ids of the items of self-care that are given, exercises and all
    else. version: of the rules.
    """
    kinds = _columns_out.kinds(prepared(_rules(rules)))
    found: dict[str, pl.DataType] = {}
    for name in _wanted(outputs):
        kind = kinds[name]
        if isinstance(kind, _columns_out.Ids):
            found[name] = pl.List(pl.Enum(kind.ids)) if kind.many else pl.Enum(kind.ids)
        else:
            found[name] = {bool: pl.Boolean(), int: pl.Int32(), str: pl.String()}[kind]
    return pl.Schema(found)


def arrow_schema(outputs: Collection[Output] = OUTPUTS) -> pa.Schema:
    """The outputs of `triage_arrow` with plain Arrow types: texts, lists of texts, truths and whole numbers.

    After the outputs stand `problem` and `acuity_of_rest`, null where the row could be read (see `Batch.set_aside`).
    """
    many = {"rules", "causes", "see", "exercises"}
    plain = {"settled": pa.bool_(), "within_hours": pa.int32(), "look_again_days": pa.int32()}
    fields = [
        pa.field(name, pa.list_(pa.string()) if name in many else plain.get(name, pa.string()))
        for name in (*_wanted(outputs), "problem", "acuity_of_rest")
    ]
    return pa.schema(fields)


# -- what comes in -----------------------------------------------------------------------------------------------------


def _rules(rules: RuleSet | None) -> RuleSet:
    if rules is not None and not isinstance(rules, RuleSet):
        raise TypeError("rules: expected a RuleSet, as load_rules(folder) gives it")
    return bundled_rules() if rules is None else rules


def _rule_set(rules: RuleSet) -> RuleSetId:
    return RuleSetId(rules.name, rules.version, rules.sha256)


def _wanted(outputs: Collection[str]) -> tuple[Output, ...]:
    asked = [outputs] if isinstance(outputs, str) else list(outputs)
    unknown = [
        f"outputs: unknown {shown(str(name))}{did_you_mean(str(name), OUTPUTS)}"
        for name in asked
        if name not in OUTPUTS
    ]
    if unknown:
        raise ValueError("\n".join(unknown))
    return tuple(name for name in OUTPUTS if name in asked)


def _kept(keep: Collection[str]) -> list[str]:
    if isinstance(keep, str):
        raise TypeError("keep: expected a list of columns, not one text")
    return list(dict.fromkeys(keep))


def _frame(frame: object) -> pl.DataFrame:
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        raise TypeError("frame: a LazyFrame has no rows yet; expected a table, as its collect() gives it")
    if not hasattr(frame, "__arrow_c_stream__"):
        raise TypeError("frame: expected a polars DataFrame, or a table that gives Arrow data (__arrow_c_stream__)")
    # Not by way of polars alone, which takes the NaN of pandas, where nothing was said, for a number.
    return cast(pl.DataFrame, pl.from_arrow(pa.RecordBatchReader.from_stream(frame).read_all()))


def _is_ours(rules: RuleSet, name: str) -> bool:
    by_id = rules.findings.by_id
    return name in by_id or (name.endswith(COMPANION) and name.removesuffix(COMPANION) in by_id)


def _check_columns(rules: RuleSet, names: Sequence[str], keep: Sequence[str]) -> None:
    """Raises FindingError for all columns that nobody knows."""
    if len(names) > _WIDEST:
        raise FindingError([f"more than {_WIDEST} columns; expected one for each finding, and those to keep"])
    known = [*rules.findings.by_id]
    problems = [f"keep: no column {shown(name)}{did_you_mean(name, names)}" for name in keep if name not in names]
    problems += [f"keep: {shown(name)} is the name of an output; rename it" for name in keep if name in OUTPUTS]
    problems += [f"{shown(name)}: this column stands twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    for name in names:
        if name not in keep and not _is_ours(rules, name):
            near = did_you_mean(name, known) or did_you_mean(name, [each + COMPANION for each in known])
            problems.append(f"column {shown(name)}: unknown finding{near or '; name it in keep if it is to be kept'}")
    if problems:
        raise FindingError(problems)


def _array(series: pl.Series) -> pa.Array:
    if series.dtype == pl.Object:
        # Nothing is known of what it holds, save that it is something.
        return pa.array([[] if there else None for there in series.is_not_null()], pa.list_(pa.null()))
    return series.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())


# -- what goes out -----------------------------------------------------------------------------------------------------


def _polars_template(rules: RuleSet, outputs: tuple[Output, ...]) -> pa.Schema:
    """The outputs as polars itself writes its types in Arrow, so that it reads them without copying."""
    schema = pl.DataFrame(schema=output_schema(rules, outputs)).to_arrow(compat_level=pl.CompatLevel.newest()).schema
    # Some versions of polars crash on a view of texts that is not their own.
    return pa.schema(
        [field.with_type(pa.large_string()) if pa.types.is_string_view(field.type) else field for field in schema]
    )


def _set_aside(part: Answered, start: int) -> pl.DataFrame:
    """The problems by row, then in the order of the columns."""
    rows, numbers, rest = part.problems()
    told = [[problem.column for problem in part.told], [problem.why for problem in part.told]]
    texts = [pl.Series(each, dtype=pl.String).gather(numbers) for each in told]
    urgent = pl.Series([acuity.word if acuity >= Acuity.SAME_DAY else None for acuity in Acuity], dtype=_RUNG)
    columns = [pl.Series(rows + start), *texts, urgent.gather(rest)]
    return pl.DataFrame(dict(zip(_ASIDE, columns, strict=True)), schema=_ASIDE)


def _lines(aside: pl.DataFrame) -> list[str]:
    first = aside.head(MOST_PROBLEMS)
    lines = [f"row {row}: {column}: {reason}" for row, column, reason, _ in first.iter_rows()]
    more = aside.height - first.height
    return [*lines, *([f"and {more} more problems"] if more else [])]
