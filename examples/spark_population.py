"""Spark: a made-up population on all cores, or on a cluster. Needs Java and pip install "calf-triage[spark]"."""

import os
import random
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from calf_triage import load_rules
from calf_triage.batch import triage_arrow

PEOPLE = 400


def made_up(people: int) -> pa.Table:
    """Nobody here is a person: most have nothing, some are an example of a rule, and a few have left questions out."""
    rules, chance = load_rules(), random.Random(7)
    examples = [dict(example.given) for rule in rules for example in rule.examples if example.fires]
    rows = []
    for patient in range(people):
        given = chance.choice(examples) if chance.random() < 0.3 else {}
        answers = rules.benign(given=given)
        for name in chance.sample(sorted(answers), 5 if chance.random() < 0.2 else 0):
            del answers[name]
        row: dict[str, Any] = {"patient": patient}
        for name, answer in answers.items():
            if rules.findings.by_id[name].type != "measurement":
                row[name] = {"True": "yes", "False": "no"}.get(str(answer), answer)
            elif answer != "unsure":  # that would have a column of its own; here it is left out
                row[name] = float(answer)
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: [row.get(name) for row in rows] for name in names})


def triaged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs where the rows are. Each batch is answered by the same function that answers a table on one machine."""
    return triage_arrow(batches, keep=["patient"], outputs=["acuity", "rules"])


os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
spark = (
    SparkSession.builder.master("local[2]")  # on a cluster, its address, and the library on its machines
    .config("spark.driver.memory", "1g")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
answers = "patient long, acuity string, rules array<string>, problem string, acuity_of_rest string"
found = spark.createDataFrame(made_up(PEOPLE)).mapInArrow(triaged, answers).cache()

for rung in ("emergency", "same_day", "soon", "routine", "self_care"):
    print(f"{rung:<10}{found.filter(found.acuity == rung).count():>6}")
print(f"{'set aside':<10}{found.filter(found.problem.isNotNull()).count():>6}")
emergencies = found.filter(found.acuity == "emergency").orderBy("patient").limit(3).collect()
print("\n".join(f"patient {row.patient}: {row.rules[0]}" for row in emergencies))
spark.stop()
