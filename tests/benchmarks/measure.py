"""Measures and prints; asserts nothing. Run: python -m tests.benchmarks.measure."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter

from calf_triage import load_rules, triage
from calf_triage._findings import Value
from calf_triage._load import example_values
from calf_triage.readings import durable
from calf_triage.readings.plain import Plain, plain

CALLS = 2_000


def microseconds(call: Callable[[], object], calls: int = CALLS) -> tuple[float, float]:
    """Median and 99th percentile of one call."""
    taken = []
    for _ in range(calls):
        start = perf_counter()
        call()
        taken.append((perf_counter() - start) * 1e6)
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def cold(code: str) -> float:
    """Milliseconds that a new process needs for some code, less what an empty one needs; median of five."""
    times: dict[str, list[float]] = {"pass": [], code: []}
    for _ in range(5):
        for run, taken in times.items():
            start = perf_counter()
            subprocess.run([sys.executable, "-c", run], check=True)
            taken.append((perf_counter() - start) * 1e3)
    return statistics.median(times[code]) - statistics.median(times["pass"])


def row(name: str, text: str) -> None:
    print(f"{name:<52}{text:>24}")


def main() -> None:
    """Prints the table."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = perf_counter()
    rules = load_rules()
    row(f"load {len(rules)} rules, {len(rules.findings.by_id)} findings", f"{(perf_counter() - start) * 1e3:.0f} ms")
    start = perf_counter()
    Plain(rules)
    row("compile the plain reading", f"{(perf_counter() - start) * 1e3:.0f} ms")
    reports: dict[str, dict[str, Value]] = {}
    for wanted, rule in {rule.acuity: rule for rule in rules}.items():
        example = next(example for example in rule.examples if example.fires)
        reports[f"{wanted.word}, as its rule's example gives it"] = example_values(rules, example)[0]
    reports["nothing answered"] = {}
    reports["everything answered no"] = rules.findings.check(rules.benign())[0]
    for name, values in reports.items():
        answers = {id: rules.findings.by_id[id].shown(value) for id, value in values.items()}
        print(f"\n{name} ({len(values)} answers)")
        reader = plain(rules)
        base, _ = microseconds(lambda: reader.read(values))  # noqa: B023
        timed: dict[str, Callable[[], object]] = {
            "  plain reading": lambda: reader.read(values),  # noqa: B023
            "  triage(), engine=plain": lambda: triage(answers, rules=rules, engine="plain"),  # noqa: B023
        }
        if durable.AVAILABLE:
            timed["  durable-rules reading"] = lambda: durable.fired(rules, values)  # noqa: B023
            timed["  triage(), both readings"] = lambda: triage(answers, rules=rules)  # noqa: B023
        for label, call in timed.items():
            call()
            median, high = microseconds(call)
            row(label, f"{median:7.0f} µs  p99 {high:6.0f}  {median / base:4.1f}x")
    print()
    row("import calf_triage, new process", f"{cold('import calf_triage'):.0f} ms")
    row("import and first triage, new process", f"{cold('import calf_triage as c; c.triage({})'):.0f} ms")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    row("memory that all of this took", f"{grown / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
