"""Files of many rows: each is answered as `triage` answers it or set aside whole, and no interruption shows."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calf_triage import FindingError, RuleSet, load_rules, triage
from calf_triage._files import UnreadableError, json_answers
from calf_triage._findings import UNSURE, Answer
from calf_triage.check import with_benign_rest
from calf_triage.cli import main
from tests._rules import MINI, MINI_FOLDER, RULES
from tests.test_batch import outputs

pl = pytest.importorskip("polars")
pytest.importorskip("pyarrow")

from calf_triage.batch import files, reading, writing  # noqa: E402
from calf_triage.batch.files import Tally, triage_file  # noqa: E402
from calf_triage.batch.reading import MOST_PROBLEMS_A_ROW, Format, Source  # noqa: E402

FORMATS: tuple[Format, ...] = ("csv", "jsonl", "parquet")
PEOPLE: list[dict[str, Answer]] = [
    {"calf_pain": True, "breathless": True, "age_years": 52},
    {"leg_weakness": True, "activity": "sitting", "age_years": 40, "calf_pain": False, "breathless": False},
    {"calf_pain": True, "breathless": UNSURE, "pain_worst_of_10": 7},
    {"one_leg_swollen": True, "girth_difference_cm": 3.5, "age_years": UNSURE},
    {"calf_pain": True, "cancer": True, "one_leg_swollen": False, "breathless": False},
    {"cancer": False},
    dict(MINI.benign()),
]


def cell(value: Answer | None) -> str:
    return "" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def written(folder: Path, format: Format, people: Sequence[Mapping[str, Answer]], rules: RuleSet) -> Path:
    """A file of these people with an id each: p0, p1 …"""
    path = folder / f"in.{format}"
    names = [name for name in rules.findings.by_id if any(name in person for person in people)]
    if format == "jsonl":
        lines = [json.dumps({"id": f"p{number}", **person}) for number, person in enumerate(people)]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path
    cells = [[f"p{number}", *(cell(person.get(name)) for name in names)] for number, person in enumerate(people)]
    if format == "csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["id", *names], *cells])
        return path
    columns: dict[str, list[Any]] = {"id": [row[0] for row in cells]}
    for place, name in enumerate(names, 1):
        said = [row[place] or None for row in cells]
        if rules.findings.by_id[name].type != "measurement":
            columns[name] = said
            continue
        columns[name] = [None if value in (None, UNSURE) else float(value) for value in said]
        columns[f"{name}__unsure"] = [value == UNSURE for value in said]
    pl.DataFrame(columns).write_parquet(path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """What stands in a file that was written, lists as lists and numbers as numbers."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".parquet":
        return list(pl.read_parquet(path).iter_rows(named=True))
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lists = {"rules", "causes", "see", "exercises"}
    numbers = {"row", "line", "within_hours", "look_again_days"}

    def value(name: str, text: str) -> Any:
        if name in lists:
            return text.split(";") if text else []
        if text == "":
            return None
        return int(text) if name in numbers else {"true": True, "false": False}.get(text, text)

    return [{name: value(name, text) for name, text in row.items()} for row in rows]


def expected(person: Mapping[str, Answer], rules: RuleSet) -> dict[str, Any]:
    """What `triage` says to one person, by the names of the columns."""
    return outputs(triage(person, rules=rules, engine="plain"))


def command(*words: object) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of `calf-triage batch`."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["batch", *(str(word) for word in words)])
    return code, out.getvalue(), err.getvalue()


def csv_file(folder: Path, content: bytes, name: str = "in.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def run(path: Path, to: Path, **how: Any) -> Tally:
    how.setdefault("rules", MINI)
    how.setdefault("keep", ["id"])
    return triage_file(str(path), str(to), **how)


# -- each row as triage answers it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_each_row_of_a_file_is_answered_as_triage_answers_it(tmp_path: Path, format: Format) -> None:
    """Every column, for people on every rung, of the small rules and of the bundled ones, in each format."""
    bundled = [with_benign_rest(RULES, rule.examples[0].given) for rule in RULES if rule.examples[0].fires][::4]
    for rules, people in (
        (MINI, PEOPLE),
        (RULES, [*bundled, *({**person, "age_years": UNSURE} for person in bundled[:5])]),
    ):
        to = tmp_path / f"{rules.name}.{format}"
        tally = run(written(tmp_path, format, people, rules), to, rules=rules)
        rows = read(to)
        assert [row.pop("row") for row in rows] == list(range(1, len(people) + 1))
        assert [row.pop("id") for row in rows] == [f"p{number}" for number in range(len(people))]
        assert rows == [expected(person, rules) for person in people]
        assert (tally.rows, tally.aside) == (len(people), 0)
        assert {word for word, count in tally.rungs.items() if count} == {row["acuity"] for row in rows}
        assert len(tally.rungs) >= 4
        assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(rules.name)) == [to.name]


def test_what_is_written_may_be_another_format_and_fewer_columns(tmp_path: Path) -> None:
    """--to and --columns choose what OUT is; ids of a CSV cell are divided by a semicolon."""
    path = written(tmp_path, "jsonl", [{"one_leg_swollen": True, "breathless": True}], MINI)
    columns = "rules,acuity"
    code, out, err = command(path, tmp_path / "out.csv", "--rules", MINI_FOLDER, "--keep", "id", "--columns", columns)
    assert (code, err) == (0, "")
    assert "1 row" in out
    assert (tmp_path / "out.csv").read_bytes() == (
        b"row,id,acuity,rules\n1,p0,emergency,suspected_embolism;suspected_clot\n"
    )
    code, _, _ = command(path, tmp_path / "out", "--to", "parquet", "--rules", MINI_FOLDER, "--keep", "id")
    assert code == 0
    assert pl.read_parquet(tmp_path / "out")["id"].to_list() == ["p0"]


CELLS: dict[str, tuple[bytes, dict[str, Answer], int]] = {
    "a byte order mark": (b"\xef\xbb\xbfid,calf_pain\nx,yes\n", {"calf_pain": True}, 2),
    "lines that end in CRLF": (b"id,calf_pain\r\nx,yes\r\n", {"calf_pain": True}, 2),
    "no end of the last line": (b"id,calf_pain\nx,no", {"calf_pain": False}, 2),
    "truth as in JSON": (b"id,calf_pain,cancer\nx,true,false\n", {"calf_pain": True, "cancer": False}, 2),
    "not sure": (b"id,calf_pain,bed_days\nx,unsure,unsure\n", {"calf_pain": UNSURE, "bed_days": UNSURE}, 2),
    "empty is absent": (b'id,calf_pain,bed_days,cancer\nx,,,""\n', {}, 2),
    "cells in quotes": (b'"id","calf_pain","age_years"\n"x","yes","40"\n', {"calf_pain": True, "age_years": 40}, 2),
    "an end of line in quotes": (b'id,calf_pain\n"x\r\ny",yes\n', {"calf_pain": True}, 2),
    "empty lines": (b"id,calf_pain\n\n\r\nx,yes\n\n", {"calf_pain": True}, 4),
    "a decimal": (
        b"id,girth_difference_cm,one_leg_swollen\nx,3.50,yes\n",
        {"one_leg_swollen": True, "girth_difference_cm": 3.5},
        2,
    ),
    "quotes of quotes": (b'id,calf_pain\n"x ""y"", z",yes\n', {"calf_pain": True}, 2),
}


@pytest.mark.parametrize("name", CELLS)
def test_what_a_cell_of_csv_may_be(tmp_path: Path, name: str) -> None:
    """Each way to write a cell is the answer that it stands for, and the row is told by its first line."""
    content, person, line = CELLS[name]
    tally = run(csv_file(tmp_path, content), tmp_path / "out.jsonl")
    (row,) = read(tmp_path / "out.jsonl")
    assert {key: row[key] for key in expected(person, MINI)} == expected(person, MINI)
    assert row["id"].startswith("x")
    assert (tally.rows, tally.aside) == (1, 0)
    pieces = list(Source(str(tmp_path / "in.csv"), "csv", MINI.findings.by_id, ("id",)).pieces())
    assert [list(piece.lines or ()) for piece in pieces] == [[], [line]]


# -- rows that cannot be read ------------------------------------------------------------------------------------------

WRONG = {
    "too many cells": (b"x,yes,no,1", None, "has 4 cells; the first line has 3"),
    "too few cells": (b"x,yes", None, "has 2 cells; the first line has 3"),
    "one for yes": (b"x,1,", "calf_pain", 'not one of its answers; expected yes, no or "unsure"'),
    "a word": (b"x,Yes,", "calf_pain", 'not one of its answers; expected yes, no or "unsure"'),
    "a word for a number": (
        b"x,,forty",
        "age_years",
        "a text is not an answer here; expected a whole number from 0 to 120",
    ),
    "a number with a comma": (b'x,,"4,5"', "age_years", "a text is not an answer here; expected a whole number"),
    "a number out of range": (b"x,,121", "age_years", "out of range; expected a whole number from 0 to 120"),
    "a number on no step": (b"x,,40.5", "age_years", "too many decimals; expected a whole number from 0 to 120"),
    "no number": (b"x,,nan", "age_years", "not a finite number; expected a whole number"),
    "no UTF-8": (b"x\xff,yes,40", None, "is not UTF-8 text"),
    "a quote within a cell": (b'x"y,yes,40', None, "has a quote where none can stand"),
    "a quote that is not closed": (b'"x,yes,40', None, "has a quote that is opened and not closed"),
    "text behind a quote": (b'"x"y,yes,40', None, "has a quote where none can stand"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_row_that_cannot_be_read_is_set_aside_whole(tmp_path: Path, name: str) -> None:
    """With its number, its line, the column, what would be right and the row itself; those beside it are answered."""
    line, column, reason = WRONG[name]
    content = b"id,calf_pain,age_years\na,yes,40\n\n" + line + b"\nb,no,41\n"
    tally = run(csv_file(tmp_path, content), tmp_path / "out.csv")
    assert [row["id"] for row in read(tmp_path / "out.csv")] == ["a", "b"]
    (aside,) = read(tmp_path / "out.set-aside.csv")
    assert (aside["row"], aside["line"], aside["column"]) == (2, 4, column)
    assert aside["reason"].startswith(reason)
    assert aside["original"] == line.decode("utf-8", "backslashreplace")
    assert (tally.rows, tally.aside, sum(tally.rungs.values())) == (3, 1, 2)


LINES = {
    "no JSON": (b'{"calf_pain":', None, "is not JSON: Expecting value (column 14)"),
    "no object": (b'["calf_pain"]', None, "is no JSON object"),
    "an unknown name": (b'{"calf_pian": true}', "calf_pian", "unknown finding; did you mean 'calf_pain'?"),
    "an unknown name without an answer": (b'{"x": null}', "x", "unknown finding"),
    "an answer within another": (b'{"calf_pain": {"yes": true}}', "calf_pain", "this type is not an answer"),
    "a name twice": (b'{"calf_pain": true, "calf_pain": false}', "calf_pain", "stands twice"),
    "a word": (b'{"calf_pain": "yes"}', "calf_pain", "a text is not an answer here"),
    "a number for yes": (b'{"calf_pain": 1}', "calf_pain", "a number is not an answer here"),
    "a word for a number": (b'{"age_years": "40"}', "age_years", "a text is not an answer here"),
    "yes for a number": (b'{"age_years": true}', "age_years", "yes and no are not answers here"),
    "an unknown choice": (b'{"activity": "flying"}', "activity", "not one of its choices"),
    "too large a number": (b'{"age_years": 1' + b"0" * 400 + b"}", "age_years", "not a finite number"),
    "no number": (b'{"age_years": NaN}', "age_years", "not a finite number"),
    "what cannot be kept": (b'{"id": [1]}', "id", "is kept, so it has to be a text or a number"),
    "no UTF-8": (b'{"id": "\xff"}', None, "is not UTF-8 text"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_json_is_read_as_run_reads_it(tmp_path: Path, name: str) -> None:
    """What `triage` refuses is set aside with its reason; empty lines are none."""
    line, column, reason = LINES[name]
    path = csv_file(tmp_path, b'{"id": "a", "calf_pain": true}\n \n' + line + b'\n{"id": 7}\n', "in.jsonl")
    tally = run(path, tmp_path / "out.jsonl")
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == ["a", "7"]
    (aside,) = read(tmp_path / "out.set-aside.jsonl")
    assert (aside["row"], aside["line"], aside["column"]) == (2, 3, column)
    assert aside["reason"].startswith(reason)
    assert aside["original"] == line.decode("utf-8", "backslashreplace")
    assert tally.aside == 1
    if column in MINI.findings.by_id and name != "a name twice":
        with pytest.raises(FindingError) as error:
            triage(json_answers(line.decode(), "line")[0], rules=MINI)
        assert error.value.problems[0].startswith(f"{column}: {reason}")


def test_a_bad_field_hides_no_emergency(tmp_path: Path) -> None:
    """What the other answers of a row set aside mean is told where it is same_day or emergency, and counted."""
    rows = b"calf_pain,breathless,age_years,one_leg_swollen\nx,yes,40,\n,,x,yes\n,no,400,no\n,unsure,40,no\n"
    path = csv_file(tmp_path, rows)
    code, out, _ = command(path, tmp_path / "out.csv", "--rules", MINI_FOLDER)
    assert code == 1
    aside = read(tmp_path / "out.set-aside.csv")
    assert [(row["row"], row["acuity_of_rest"]) for row in aside][:2] == [(1, "emergency"), (2, "same_day")]
    with pytest.raises(FindingError) as error:
        triage({"breathless": False, "age_years": 400, "one_leg_swollen": False}, rules=MINI)
    rest = error.value.assessment
    assert aside[2]["acuity_of_rest"] == (None if rest is None else rest.acuity.word)
    assert "By what could be read of them alone: 1 emergency, " in out
    for text in (out, (tmp_path / "out.csv").read_text("utf-8")):
        assert "400" not in text


def test_all_problems_of_a_row_are_told_but_a_flood_is_counted(tmp_path: Path) -> None:
    """Each problem is a line with the row; of very many the first are listed, and how many more there are."""
    few = {"calf_pain": 1, "age_years": "x", "cancer": "no", "both_calves": True}
    many = {f"x{number}": 1 for number in range(MOST_PROBLEMS_A_ROW)} | {"calf_pain": 1, "cancer": 2}
    lines = "\n".join(map(json.dumps, (few, many))).encode()
    run(csv_file(tmp_path, lines, "in.jsonl"), tmp_path / "out.csv", keep=())
    aside = read(tmp_path / "out.set-aside.csv")
    assert [row["column"] for row in aside if row["row"] == 1] == ["age_years", "calf_pain", "cancer"]
    second = [row for row in aside if row["row"] == 2]
    assert len(second) == MOST_PROBLEMS_A_ROW
    assert second[-1]["reason"].endswith("(and 2 more problems)")


def test_a_line_that_is_too_long_is_set_aside_and_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is held that is longer than the limit, and the next one begins where it ends."""
    monkeypatch.setattr(reading, "LONGEST_LINE", 64)
    path = csv_file(tmp_path, b"id,calf_pain\n" + b"x" * 64 + b",yes\na,yes\n" + b"y" * 70)
    tally = run(path, tmp_path / "out.csv")
    assert [(row["row"], row["id"]) for row in read(tmp_path / "out.csv")] == [(2, "a")]
    aside = read(tmp_path / "out.set-aside.csv")
    assert [(row["row"], row["line"]) for row in aside] == [(1, 2), (3, 4)]
    assert aside[0]["reason"] == "is longer than 0 KiB; only its beginning is kept here"
    assert tally.rows == 3


# -- files and columns that cannot be used -----------------------------------------------------------------------------


HEADS = {
    "an unknown column": (
        b"calf_pian,patient\n",
        ["'calf_pian': unknown finding; did you mean 'calf_pain'?", "'patient': unknown"],
    ),
    "a column twice": (b"calf_pain,calf_pain\n", ["'calf_pain': stands twice"]),
    "a column without a name": (b",calf_pain\n", ["column 1 has no name"]),
    "nothing": (b"", ["is empty"]),
    "an empty first line": (b"\ncalf_pain\n", ["its first line is empty"]),
    "semicolons": (b"id;calf_pain\n1;yes\n", ["expected commas between the columns"]),
    "other letters": ("calf_pain\n".encode("utf-16"), ["is not UTF-8 text"]),
    "lines that end in CR": (b"calf_pain\ryes\r", ["carriage return"]),
    "no cells": (b'"calf_pain\n', ["quote that is opened"]),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_header_that_cannot_be_used_is_refused_with_all_that_is_wrong(tmp_path: Path, name: str) -> None:
    """A misspelt column would be an answer that nobody hears. Nothing is written, and the exit code is 2."""
    content, told = HEADS[name]
    code, out, err = command(csv_file(tmp_path, content), tmp_path / "out.csv", "--rules", MINI_FOLDER)
    assert (code, out) == (2, "")
    for words in told:
        assert words in err
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_without_rows_gives_one_without_rows(tmp_path: Path, format: Format) -> None:
    """With its columns, and no other files."""
    path = tmp_path / f"in.{format}"
    if format == "parquet":
        pl.DataFrame(schema={"id": pl.String, "calf_pain": pl.Boolean}).write_parquet(path)
    else:
        path.write_bytes(b"id,calf_pain\n" if format == "csv" else b"\n")
    tally = run(path, tmp_path / "out.csv")
    assert tally.rows == 0
    assert (tmp_path / "out.csv").read_text("utf-8").startswith("row,id,acuity,")
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([path.name, "out.csv"])


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """IN has to be a file, OUT a new one, and no two of them the same; nothing is touched."""
    path = csv_file(tmp_path, b"id,calf_pain\na,yes\n")
    (tmp_path / "old.csv").write_bytes(b"kept")
    (tmp_path / "link.csv").symlink_to(path)
    (tmp_path / "not.parquet").write_bytes(b"PAR1 no")
    os.mkfifo(tmp_path / "pipe.csv")
    pl.DataFrame({"id": [[1]], "calf_pain": [True]}).write_parquet(tmp_path / "list.parquet")
    for words, told in (
        ([tmp_path / "list.parquet", tmp_path / "x.csv"], "'id' is to be kept, so it has to hold texts"),
        ([tmp_path / "none.csv", tmp_path / "x.csv"], "no such file"),
        ([tmp_path, tmp_path / "x.csv"], "the name does not tell its format"),
        ([tmp_path, tmp_path / "x.csv", "--format", "csv"], "is a folder"),
        ([tmp_path / "pipe.csv", tmp_path / "x.csv"], "is not a file"),
        ([tmp_path / "not.parquet", tmp_path / "x.csv"], "is no Parquet file"),
        (["-", tmp_path / "x.csv", "--format", "parquet"], "it has to be a file"),
        ([path, tmp_path / "old.csv"], "is there already"),
        ([path, path, "--overwrite"], "have to be different files"),
        ([tmp_path / "link.csv", path, "--overwrite"], "have to be different files"),
        ([path, tmp_path / "x.csv", "--set-aside", tmp_path / "x.csv"], "have to be different files"),
        ([path, tmp_path / "none" / "x.csv"], "no such folder"),
        ([path, "/dev/full"], "is no file"),
        ([path, tmp_path / "x.csv", "--columns", "acuty"], "did you mean 'acuity'?"),
        ([path, tmp_path / "x.csv", "--keep", "acuity"], "is the name of a column of the answers"),
        ([path, tmp_path / "x.csv", "--resume"], "no earlier run"),
        ([path, "-"], "say with --set-aside"),
    ):
        before = sorted(one.name for one in tmp_path.iterdir())
        code, out, err = command(*words, "--rules", MINI_FOLDER, "--keep", "id")
        assert (code, out) == (2, ""), words
        assert told in err, (words, err)
        assert sorted(one.name for one in tmp_path.iterdir()) == before
    assert (tmp_path / "old.csv").read_bytes() == b"kept"
    assert command(path, tmp_path / "old.csv", "--overwrite", "--rules", MINI_FOLDER, "--keep", "id")[0] == 0
    assert (tmp_path / "old.csv").read_bytes().startswith(b"row,id,acuity,")


def test_strict_stops_at_the_first_row_that_cannot_be_read(tmp_path: Path) -> None:
    """It names the line and the column, never what stands there, writes nothing, and exits with 2."""
    path = csv_file(tmp_path, b"calf_pain,cancer\nyes,no\nsecret,1\nyes,maybe\n")
    code, out, err = command(path, tmp_path / "out.csv", "--rules", MINI_FOLDER, "--strict")
    assert (code, out) == (2, "")
    assert "line 3 (row 2) cannot be read" in err
    assert "'calf_pain': not one of its answers" in err
    assert "'cancer': not one of its answers" in err
    assert "secret" not in err
    assert [one.name for one in tmp_path.iterdir()] == ["in.csv"]


# -- whatever the bytes ------------------------------------------------------------------------------------------------

SNIPPETS = st.sampled_from([b"a", b"yes", b"no", b",", b'"', b"\n", b"\r\n", b"\r", b"\xff", b" ", b"7", b"x,yes,40\n"])


@given(st.lists(SNIPPETS, max_size=60).map(b"".join), st.integers(1, 4), st.integers(24, 50))
@settings(max_examples=60, deadline=None)
def test_every_row_is_in_a_frame_or_set_aside_whatever_the_bytes(
    tmp_path_factory: Any, body: bytes, most: int, longest: int
) -> None:
    """No bytes stop the reading; rows are numbered without a gap; and where a piece ends, reading can go on."""
    path = csv_file(tmp_path_factory.getbasetemp(), b"id,calf_pain,age_years\n" + body, "any.csv")
    before = reading.MOST_ROWS, reading.LONGEST_LINE
    reading.MOST_ROWS, reading.LONGEST_LINE = most, longest  # type: ignore[misc]
    try:
        pieces = list(Source(str(path), "csv", MINI.findings.by_id, ("id",)).pieces())
        numbers = [{*piece.numbers, *(bad.row for bad in piece.bad)} for piece in pieces]
        assert [row for rows in numbers for row in sorted(rows)] == list(range(1, pieces[-1].end.row + 1))
        for place, piece in enumerate(pieces):
            assert piece.frame.height == piece.kept.height == len(piece.numbers) <= most
            rest = list(Source(str(path), "csv", MINI.findings.by_id, ("id",)).pieces(piece.end))[1:]
            assert [list(one.numbers) for one in rest] == [list(one.numbers) for one in pieces[place + 1 :]]
            assert [one.bad for one in rest] == [one.bad for one in pieces[place + 1 :]]
            assert [one.kept.rows() for one in rest] == [one.kept.rows() for one in pieces[place + 1 :]]
    finally:
        reading.MOST_ROWS, reading.LONGEST_LINE = before  # type: ignore[misc]


@given(st.lists(st.lists(st.text('a,"\n\r é;', max_size=5), min_size=2, max_size=2), max_size=6))
@settings(max_examples=50, deadline=None)
def test_csv_that_a_csv_writer_wrote_is_read_as_it_was_meant(tmp_path_factory: Any, rows: list[list[str]]) -> None:
    """Texts with quotes, commas and ends of lines come back as they were, where they are UTF-8."""
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    pieces = list(Source(str(path), "csv", MINI.findings.by_id, ("a", "b")).pieces())
    found = [list(row) for piece in pieces for row in piece.kept.rows()]
    assert [bad for piece in pieces for bad in piece.bad] == []
    assert found == [[text or None for text in row] for row in rows]


# -- interrupted, and gone on with -------------------------------------------------------------------------------------


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of two rows and parts of four, so that a few rows are many."""
    monkeypatch.setattr(reading, "MOST_ROWS", 2)
    monkeypatch.setattr(files, "ROWS_A_PART", 4)


def many(folder: Path, format: Format) -> Path:
    """Twenty-one rows, one in seven of which cannot be read."""
    people = [dict(PEOPLE[number % len(PEOPLE)]) for number in range(21)]
    for person in people[3::7]:
        person["age_years"] = 300
    return written(folder, format, people, MINI)


def stopped_after(pieces: int, error: BaseException) -> Callable[[int, float | None, float], None]:
    """Ends a run when so many pieces were read."""
    left = iter(range(pieces))

    def progress(*_: object) -> None:
        if next(left, None) is None:
            raise error

    return progress


def results(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {path.name: read(path) for path in folder.iterdir() if path.name.startswith("out")}


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("format", FORMATS)
def test_a_run_that_was_interrupted_ends_as_if_it_had_not_been(tmp_path: Path, format: Format) -> None:
    """Stopped after any piece, again after the next, then resumed: the same files, the same counts, nothing left."""
    path = many(tmp_path, format)
    whole = tmp_path / "whole"
    whole.mkdir()
    told = run(path, whole / f"out.{format}")
    for pieces in (0, 1, 3, 6, 9):
        folder = tmp_path / str(pieces)
        folder.mkdir()
        to = folder / f"out.{format}"
        resume = False
        for more in (pieces, 2):
            with pytest.raises(KeyboardInterrupt) as stopped:
                run(path, to, progress=stopped_after(more, KeyboardInterrupt()), resume=resume)
            assert not to.exists()
            assert [one.name for one in folder.iterdir()] in ([], [f"{to.name}.parts"])
            resume = (folder / f"{to.name}.parts").exists()
            assert resume == any("--resume goes on there" in note for note in getattr(stopped.value, "__notes__", ()))
        tally = run(path, to, resume=resume)
        assert results(folder) == results(whole)
        assert sorted(one.name for one in folder.iterdir()) == sorted(one.name for one in whole.iterdir())
        assert tally.resumed <= 21
        assert (tally.rows, tally.aside, tally.rungs, tally.urgent_aside) == (21, 3, told.rungs, told.urgent_aside)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("hurt", ["cut", "changed", "gone", "not_named", "half_named"])
def test_a_part_that_is_not_whole_is_never_taken_for_one(tmp_path: Path, hurt: str) -> None:
    """Cut off, changed, missing or not yet declared: it is made again, and what follows it too."""
    path = many(tmp_path, "csv")
    run(path, tmp_path / "out.csv")
    meant = results(tmp_path)
    for name in meant:
        (tmp_path / name).unlink()
    with pytest.raises(KeyboardInterrupt):
        run(path, tmp_path / "out.csv", progress=stopped_after(9, KeyboardInterrupt()))
    folder = tmp_path / "out.csv.parts"
    part = folder / "000002.answers"
    content = part.read_bytes()
    match hurt:
        case "cut":
            part.write_bytes(content[:-9])
        case "changed":
            part.write_bytes(content[:40] + b"?" + content[41:])
        case "gone":
            part.unlink()
        case "not_named":
            (folder / "000002.json").unlink()
        case "half_named":
            (folder / "000002.json").write_bytes((folder / "000002.json").read_bytes()[:30])
    tally = run(path, tmp_path / "out.csv", resume=True)
    assert tally.resumed == 4
    assert results(tmp_path) == meant
    assert not folder.exists()


@pytest.mark.usefixtures("small_parts")
def test_a_result_never_mixes_two_inputs_rule_sets_or_wishes(tmp_path: Path) -> None:
    """--resume is refused, with the reason, unless everything is as it was begun; what is done stays."""
    path = many(tmp_path, "csv")
    before = path.read_bytes()
    to = tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        run(path, to, progress=stopped_after(9, KeyboardInterrupt()))
    for how, told in (
        ({"rules": RULES}, "the rules"),
        ({"before": MINI}, "the rules of --rules-before"),
        ({"keep": ["id", "age_years"]}, "keep"),
        ({"outputs": ["acuity"]}, "columns"),
    ):
        with pytest.raises(UnreadableError, match=told):
            run(path, to, resume=True, **how)
    path.write_bytes(before.replace(b"p1,", b"q1,"))
    with pytest.raises(UnreadableError, match="the content of IN"):
        run(path, to, resume=True)
    with pytest.raises(UnreadableError, match="an earlier run was interrupted; go on with --resume"):
        run(path, to)
    path.write_bytes(before)
    assert run(path, to, resume=True).resumed == 16
    path.write_bytes(before.replace(b"p1,", b"q1,"))
    with pytest.raises(KeyboardInterrupt):
        run(path, to, overwrite=True, progress=stopped_after(9, KeyboardInterrupt()))
    assert read(to)[1]["id"] == "p1"
    assert run(path, to, overwrite=True).resumed == 0
    assert read(to)[1]["id"] == "q1"


@pytest.mark.usefixtures("small_parts")
def test_an_input_that_changes_while_it_is_read_gives_no_result(tmp_path: Path) -> None:
    """Some rows would be of one file and some of another."""
    path = many(tmp_path, "csv")

    def progress(*_: object) -> None:
        with path.open("ab") as file:
            file.write(b"\n")

    with pytest.raises(UnreadableError, match="was changed while it was read"):
        run(path, tmp_path / "out.csv", progress=progress)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.usefixtures("small_parts")
def test_two_runs_never_write_one_file(tmp_path: Path) -> None:
    """While one writes, another is refused, with and without --resume; a file that comes meanwhile is not replaced."""
    path = many(tmp_path, "csv")
    to = tmp_path / "out.csv"
    refused = []

    def progress(rows: int, *_: object) -> None:
        for how in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(UnreadableError, match="another run is writing there"):
                run(path, to, **how)
            refused.append(how)
        if rows == 21:
            to.write_bytes(b"of somebody else")

    with pytest.raises(UnreadableError, match="is there already"):
        run(path, to, progress=progress)
    assert len(refused) > 9
    assert to.read_bytes() == b"of somebody else"
    to.unlink()
    assert run(path, to, resume=True).resumed == 21
    foreign = tmp_path / "other.csv.parts"
    foreign.mkdir()
    (foreign / "thesis.txt").write_bytes(b"kept")
    with pytest.raises(UnreadableError, match="holds something else"):
        run(path, tmp_path / "other.csv", overwrite=True)
    assert [one.name for one in foreign.iterdir()] == ["thesis.txt"]


@pytest.mark.usefixtures("small_parts")
def test_a_full_disk_leaves_nothing_under_the_final_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, with exit code 3 and how to go on; once there is room, --resume ends as if nothing had been."""
    path = many(tmp_path, "csv")
    put, left = writing.put, iter(range(7))

    def full(to: Path, content: bytes) -> dict[str, object]:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return put(to, content)

    words = (path, tmp_path / "out.csv", "--rules", MINI_FOLDER, "--keep", "id")
    with monkeypatch.context() as patched:
        patched.setattr(writing, "put", full)
        code, out, err = command(*words)
    assert (code, out) == (3, "")
    assert "no space left on device" in err
    assert "8 rows are done and kept; the same command with --resume goes on there" in err
    assert not (tmp_path / "out.csv").exists()
    assert command(*words, "--resume")[0] == 1
    assert len(read(tmp_path / "out.csv")) == 18


@pytest.mark.usefixtures("small_parts")
def test_ctrl_c_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With exit code 130, and nothing under OUT's name."""
    path = many(tmp_path, "jsonl")
    judged, left = files._Judge.judged, iter(range(6))

    def stopped(self: Any, piece: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return judged(self, piece)

    words = (path, tmp_path / "out.jsonl", "--rules", MINI_FOLDER, "--keep", "id")
    with monkeypatch.context() as patched:
        patched.setattr(files._Judge, "judged", stopped)
        code, out, err = command(*words)
    assert (code, out) == (130, "")
    assert "stopped; nothing stands under the name of OUT" in err
    assert "8 rows are done and kept; the same command with --resume goes on there" in err
    assert not (tmp_path / "out.jsonl").exists()
    code, out, _ = command(*words, "--resume")
    assert code == 1
    assert "21 rows, 8 of them by an earlier run" in out


def test_a_run_that_is_killed_can_be_gone_on_with(tmp_path: Path) -> None:
    """kill -9 in the middle: no final name, whole parts, and the result of an uninterrupted run."""
    path = many(tmp_path, "csv")
    program = f"""
import os, signal
from calf_triage import load_rules
from calf_triage.batch import files, reading
reading.MOST_ROWS, files.ROWS_A_PART = 2, 4
def progress(rows, *_):
    if rows > 14:
        os.kill(os.getpid(), signal.SIGKILL)
rules = load_rules({str(MINI_FOLDER)!r})
files.triage_file({str(path)!r}, {str(tmp_path / "out.csv")!r}, rules=rules, keep=["id"], progress=progress)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -9
    assert not (tmp_path / "out.csv").exists()
    assert run(path, tmp_path / "out.csv", resume=True).resumed == 12
    found = results(tmp_path)
    run(path, tmp_path / "out.csv", overwrite=True)
    assert results(tmp_path) == found


# -- pipes -------------------------------------------------------------------------------------------------------------


def piped(text: bytes, *words: object, stdout: Any = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "calf_triage", "batch", *(str(word) for word in words)]
    return subprocess.run(command, input=text, stdout=stdout, stderr=subprocess.PIPE, check=False)


def test_pipes_carry_rows_and_nothing_else(tmp_path: Path) -> None:
    """Rows on standard output, the summary on standard error, and rows set aside in their file."""
    text = b"id,calf_pain\na,yes\nb,1\n"
    aside = tmp_path / "aside.csv"
    words = ("-", "-", "--format", "csv", "--keep", "id", "--columns", "acuity", "--rules", MINI_FOLDER)
    done = piped(text, *words, "--set-aside", aside)
    assert (done.returncode, done.stdout) == (1, b"row,id,acuity\n1,a,same_day\n")
    assert b"Set aside: 1" in done.stderr
    assert [row["row"] for row in read(aside)] == [2]
    assert [one.name for one in tmp_path.iterdir()] == ["aside.csv"]
    with Path("/dev/full").open("wb") as full:
        done = piped(text, *words, "--set-aside", tmp_path / "other.csv", stdout=full)
    assert done.returncode == 3
    assert b"the answer could not be written" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["aside.csv"]


def test_what_comes_by_a_pipe_may_go_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input cannot be gone on with, so nothing is kept of it if it is interrupted."""

    class Stdin:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdin", Stdin)
    monkeypatch.setattr(reading, "MOST_ROWS", 1)
    monkeypatch.setattr(files, "ROWS_A_PART", 1)
    for stop, names in ((2, []), (99, ["out.jsonl"])):
        Stdin.buffer = io.BytesIO(b"id,calf_pain\na,yes\nb,no\nc,\n")
        stopped = KeyboardInterrupt()
        with suppress(KeyboardInterrupt):
            run(Path("-"), tmp_path / "out.jsonl", format="csv", progress=stopped_after(stop, stopped))
        assert not hasattr(stopped, "__notes__")
        assert [one.name for one in tmp_path.iterdir()] == names
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == ["a", "b", "c"]
    with pytest.raises(UnreadableError, match="cannot be read from where it ended"):
        run(Path("-"), tmp_path / "out.jsonl", format="csv", resume=True)


# -- what a change of rules would have changed -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def milder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small rules with an embolism a rung lower, more hours for a factor, and more pain for a look."""
    folder = tmp_path_factory.mktemp("rules") / "milder"
    shutil.copytree(MINI_FOLDER, folder)
    shutil.move(folder / "emergency" / "suspected_embolism.toml", folder / "same_day" / "suspected_embolism.toml")
    for name, old, new in (
        ("soon/calf_pain_with_factor.toml", "within_hours = 48", "within_hours = 336"),
        ("routine/pain.toml", "pain_worst_of_10 >= 4", "pain_worst_of_10 >= 5"),
    ):
        path = folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
    return folder


VARIED: list[dict[str, Answer]] = [
    *PEOPLE,
    {**MINI.benign(), "calf_pain": True, "cancer": True},
    {**MINI.benign(), "calf_pain": True, "pain_worst_of_10": 4},
    {**MINI.benign(), "calf_pain": True, "pain_worst_of_10": 5},
]


def change(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What the two answers make of it, in the words of the library."""
    rungs = ["self_care", "routine", "soon", "same_day", "emergency"]
    before, after = ((rungs.index(said["acuity"]), -(said["within_hours"] or 0)) for said in (then, now))
    if before != after:
        return "lowered" if after < before else "raised"
    return "same" if then["rules"] == now["rules"] else "other_rules"


@pytest.mark.parametrize("format", FORMATS)
def test_what_a_change_of_rules_would_have_changed_is_told_row_by_row(
    tmp_path: Path, milder: Path, format: Format
) -> None:
    """Rung before, and whether lowered, raised, by other rules, or the same; exit code 5 if anybody is lowered."""
    mild = load_rules(milder)
    path = written(tmp_path, format, VARIED, MINI)
    seen = set()
    for number, (old, new, code) in enumerate(((MINI_FOLDER, milder, 5), (milder, MINI_FOLDER, 1))):
        to = tmp_path / f"out{number}.{format}"
        words = (path, to, "--rules", new, "--rules-before", old, "--keep", "id")
        found, out, _ = command(*words, "--json")
        assert found == code
        told = json.loads(out)
        then, now = ([expected(person, rules) for person in VARIED] for rules in ((MINI, mild)[:: 1 - 2 * number]))
        rows = read(to)
        changes = [change(*pair) for pair in zip(then, now, strict=True)]
        assert [row["change"] for row in rows] == changes
        assert [row["acuity_before"] for row in rows] == [said["acuity"] for said in then]
        assert [row["acuity"] for row in rows] == [said["acuity"] for said in now]
        assert told["lowered"] is ("lowered" in changes)
        assert {name: count for name, count in told["changes"].items() if count} == dict(Counter(changes))
        assert sum(move["rows"] for move in told["moves"]) == len(VARIED)
        assert told["moves"][0]["before"] == ("emergency" if number == 0 else told["moves"][0]["now"])
        seen |= set(changes)
    assert seen == {"lowered", "raised", "other_rules", "same"}


def test_the_summary_shows_the_lowered_first(tmp_path: Path, milder: Path) -> None:
    """A table from rung to rung, and how many of each kind."""
    path = written(tmp_path, "csv", VARIED, MINI)
    words = (path, tmp_path / "out.csv", "--keep", "id", "--rules", milder, "--rules-before", MINI_FOLDER)
    _, out, _ = command(*words)
    table = out[out.index("From rung to rung") :].splitlines()
    assert "emergency → same_day" in table[3]
    assert "lowered" in table[3]
    assert "lowered: less urgent, or within more hours" in out


def test_rules_that_are_the_same_change_nothing(tmp_path: Path) -> None:
    """Exit code 0: every row is answered, and as before."""
    path = written(tmp_path, "csv", PEOPLE, MINI)
    words = (path, tmp_path / "out.csv", "--keep", "id", "--rules", MINI_FOLDER, "--rules-before", MINI_FOLDER)
    code, _, _ = command(*words)
    assert code == 0
    assert {row["change"] for row in read(tmp_path / "out.csv")} == {"same"}


def test_what_only_one_of_the_two_asks_is_told(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A column of the other rules is heard by them alone; a row that the earlier ones cannot read is not compared."""
    folder = tmp_path / "narrow"
    shutil.copytree(MINI_FOLDER, folder)
    asks = folder / "findings" / "start.toml"
    text = asks.read_text("utf-8")
    assert "range = [0, 120]" in text
    asks.write_text(text.replace("range = [0, 120]", "range = [0, 90]").replace("both_calves", "both_legs"), "utf-8")
    for path in folder.rglob("*.toml"):
        path.write_text(path.read_text("utf-8").replace("both_calves", "both_legs"), "utf-8")
    people: list[dict[str, Answer]] = [{"calf_pain": True, "both_calves": True}, {"calf_pain": True, "age_years": 95}]
    path = written(tmp_path, "jsonl", [*people, {"calf_pain": True, "both_legs": True}], MINI)
    words = (path, tmp_path / "out.csv", "--keep", "id", "--rules", MINI_FOLDER, "--rules-before", folder, "--json")
    code, out, _ = command(*words)
    told = json.loads(out)
    assert code == 1
    assert [row["change"] for row in read(tmp_path / "out.csv")] == ["same", "not_compared", "same"]
    assert told["columns"] == {"only_now": ["both_calves"], "only_before": ["both_legs"]}
    assert told["lowered"] is False


# -- what is told meanwhile


@pytest.mark.usefixtures("small_parts")
def test_progress_is_told_on_standard_error_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe nothing, with --progress lines with the rate and the time left; standard output has the summary."""
    monkeypatch.setattr("calf_triage.cli._SECONDS_A_LINE", 0)
    path = many(tmp_path, "csv")
    words = (path, tmp_path / "out.csv", "--rules", MINI_FOLDER, "--keep", "id", "--overwrite")
    assert command(*words)[2] == ""
    _, out, err = command(*words, "--progress")
    assert "rows" not in err.splitlines()[0].replace("rows", "", 1)
    assert re.search(r"calf-triage: 2 rows, [\d,]+ a second, about \d+ s left", err)
    assert "21 rows" in err.splitlines()[-1]
    assert out.startswith("21 rows")


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and the command that brings it."""
    path = csv_file(tmp_path, b"calf_pain\nyes\n")
    for name in [name for name in sys.modules if name.startswith("calf_triage.batch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "polars", None)
    code, out, err = command(path, tmp_path / "out.csv")
    assert (code, out) == (2, "")
    assert 'polars is not installed; get it with: pip install "calf-triage[batch]"' in err
