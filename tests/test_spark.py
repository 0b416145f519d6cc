"""Beyond one machine: Apache Spark carries the same function, and every row is answered as `triage` answers it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from calf_triage import Acuity, Escalation, FindingError, triage
from calf_triage._findings import Answer
from tests._rules import MINI_FOLDER, RULES

pytest.importorskip("pyspark", reason='pyspark is not installed; it comes with pip install "calf-triage[spark]"')
pytest.importorskip("pandas", reason="Spark's mapInArrow asks for pandas")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java, and there is none", allow_module_level=True)

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from calf_triage.batch import Output, triage_arrow
from calf_triage.batch._decode import COMPANION
from tests.benchmarks.population import population

PEOPLE = 400
OUTPUTS: tuple[Output, ...] = ("acuity", "settled", "rules", "within_hours")
SCHEMA = (
    "patient long, acuity string, settled boolean, rules array<string>, within_hours int, problem string, "
    "acuity_of_rest string"
)


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """A small Spark on this machine: two workers, batches of few rows."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").appName("calf_triage")
    for name, value in {
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "64",
        # With columns by the hundred, making code for them takes longer than running it.
        "spark.sql.codegen.wholeStage": "false",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def answered(table: pa.Table, session: SparkSession, triaged: Any) -> list[dict[str, Any]]:
    """The rows that Spark gives back, by patient."""
    frame: DataFrame = session.createDataFrame(table).repartition(3)
    rows = frame.mapInArrow(triaged, SCHEMA).toArrow().to_pylist()
    return sorted(rows, key=lambda row: row["patient"])


def expected(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """What `triage` says to one row of the population."""
    answers: dict[str, Answer | None] = {}
    for name, value in row.items():
        if name.endswith(COMPANION):
            if value:
                answers[name.removesuffix(COMPANION)] = "unsure"
        elif name != "patient" and value is not None:
            answers[name] = {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value
    try:
        said = triage(answers, engine="plain")
    except FindingError as error:
        rest = error.assessment.acuity.word if error.assessment is not None else None
        nothing: dict[str, Any] = dict.fromkeys(OUTPUTS)
        return {"patient": number, **nothing, "problem": "\n".join(sorted(error.problems)), "acuity_of_rest": rest}
    return {
        "patient": number,
        "acuity": said.acuity.word,
        "settled": said.settled,
        "rules": [rule.id for rule in said.because],
        "within_hours": said.disposition.within_hours if isinstance(said.disposition, Escalation) else None,
        "problem": None,
        "acuity_of_rest": None,
    }


def test_spark_answers_every_row_as_triage_answers_it(spark: SparkSession) -> None:
    """In whatever order the partitions come: the rung, the rules, the hours, and what is wrong with a row."""
    people = population(RULES, PEOPLE, form="words")
    rows = [dict(row) for row in people.iter_rows(named=True)]
    for row in rows[::50]:
        row["age_years"], row[f"age_years{COMPANION}"] = 300, False

    def triaged(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return triage_arrow(batches, keep=["patient"], outputs=OUTPUTS)

    found = answered(pa.Table.from_pylist(rows, people.to_arrow().schema), spark, triaged)
    for row in found:
        if row["problem"] is not None:
            row["problem"] = "\n".join(sorted(row["problem"].split("\n")))
    assert found == [expected(number, row) for number, row in enumerate(rows)]
    assert {row["acuity"] for row in found} == {None, *(acuity.word for acuity in Acuity)}


def test_spark_takes_rules_of_ones_own(spark: SparkSession) -> None:
    """A folder is loaded where the rows are; a rule set need not travel."""
    folder = str(MINI_FOLDER)

    def triaged(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from calf_triage import load_rules

        return triage_arrow(batches, rules=load_rules(folder), keep=["patient"], outputs=OUTPUTS)

    table = pa.table({"patient": [0, 1], "calf_pain": ["yes", None], "breathless": [None, "yes"]})
    found = answered(table, spark, triaged)
    assert [(row["acuity"], row["rules"]) for row in found] == [
        ("same_day", []),
        ("emergency", ["suspected_embolism"]),
    ]
