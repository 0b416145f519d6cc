"""How many reports a second `calf_triage.batch` answers. Measures and prints. Run: python -m tests.benchmarks.batch.

The people are made up (see `tests.benchmarks.population`). Each figure is the best of some runs; beside the clock
stands the processor's own time, which other programs on the machine do not change as much.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
from time import perf_counter, process_time

import numpy as np
import polars as pl
import pyarrow as pa

from calf_triage import load_rules
from calf_triage.batch import OUTPUTS, Output, triage_frame
from tests.benchmarks.population import Form, population

RUNS = 3
FORMS: dict[Form, str] = {"truths": "Boolean", "enums": "Enum", "words": "text"}
CHOICES: dict[str, tuple[Output, ...]] = {"acuity and rules": ("acuity", "rules"), "the whole answer": OUTPUTS}


def table(frame: pl.DataFrame, form: Form, threads: list[int]) -> None:
    """The rows of one form of columns."""
    for name, outputs in CHOICES.items():
        for count in threads:
            taken = []
            for _ in range(RUNS):
                clock, own = perf_counter(), process_time()
                triage_frame(frame, keep=["patient"], outputs=outputs, threads=count)
                taken.append((perf_counter() - clock, process_time() - own))
            by_clock, by_processor = (frame.height / min(each) for each in zip(*taken, strict=True))
            print(f"| {FORMS[form]} | {name} | {count} | {by_clock:,.0f} | {by_processor:,.0f} |")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--forms", choices=list(FORMS), nargs="+", default=list(FORMS))
    told = parser.parse_args()
    rules = load_rules()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, polars {pl.__version__}, "
        f"pyarrow {pa.__version__}, numpy {np.__version__}; {len(rules)} rules, {len(rules.findings.by_id)} findings, "
        f"{told.people:,} made-up people"
    )
    print("| yes/no columns | what | threads | rows a second | rows a second of one processor |\n|---|---|---|---|---|")
    for form in told.forms:
        # A large population is a small one, many times over: to make one takes longer than to answer it.
        few = population(rules, min(told.people, 100_000), form=form)
        frame = pl.concat([few] * -(-told.people // few.height), rechunk=True).head(told.people)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table(frame, form, told.threads)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{FORMS[form]}: the table is {frame.estimated_size('mb'):.0f} MB; beside it at most {most - before:.0f} MB"
        )


if __name__ == "__main__":
    main()
