"""How fast one call is, beside other engines on the same rules. Run: python -m tests.benchmarks.speed.

Compared are, on the bundled rules and on made-up sets of 10, 80, 500 and 2,000: the plain reading, durable-rules as it
is used here, the whole of `triage` with and without its JSON, one Python function as written by hand, durable-rules by
its documented `Host`, zen-engine (a decision table, an expression), business-rules and CLIPS. Before anything is timed,
each must fire the same rules as the plain reading on every person, or the run ends. Install: pip install -e ".[bench]".

Everybody is timed in turns in one process, so read the ratios. The median is of processor time, all threads together,
for that hardly depends on what else the machine does; the 99th percentile is by the clock on the wall, and does. "x" is
how many times the compiled function's median a contender takes. That function works out one truth of every rule,
whether it is met. The plain reading works out two, met and refuted (and what both may yet become): "per truth" is half
its time. zen-engine, business-rules, CLIPS, Host and "its networks" get their facts worked out before, uncounted; the
compiled function, the readings and `triage` start from the answers. Each call has a person of its own: everything
answered, most of it with no.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import frozen

from calf_triage import RuleSet
from calf_triage._text import Screen, Section, Table
from tests.benchmarks.peers import (
    BUNDLED,
    COMPILED,
    CONTENDERS,
    DURABLE,
    FINDINGS,
    HOST,
    NETWORKS,
    PLAIN,
    TRIAGE,
    TRIAGE_JSON,
    ZEN_TABLE,
    Contender,
    MissingError,
    Seconds,
    Values,
    agree,
    of_its_own,
    rule_set,
    sheets,
    strangers,
    timed,
)

PEOPLE: Final = 8
FEWER: Final = {"500": 2, "2000": 8}
"""How many times fewer rounds a large rule set takes."""
ANSWERED: Final = (0, 10, 50, None)
"""How many findings are answered; None for all."""
GROWING: Final = (COMPILED, PLAIN, DURABLE, TRIAGE, TRIAGE_JSON)
COLD: Final = {
    "import calf_triage": "import calf_triage",
    "and load the rules": "from calf_triage._triage import bundled_rules as b; b()",
    "and the first triage": "import calf_triage as c; c.triage({})",
    "and its JSON": "import calf_triage as c; c.triage({}).to_json()",
}


@frozen
class Taken:
    """Of one contender, in microseconds: median of a call's processor time, and 99th percentile of it on the wall.

    ratio: how many times the compiled function's median it is.
    """

    median: float
    p99: float
    ratio: float


Measured = dict[str, Taken | str]
"""By contender; a text where there is nothing to measure says why."""


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def seats(rules: RuleSet) -> tuple[dict[str, Contender], dict[str, str]]:
    """The contenders that can be had here, all of one mind with the plain reading; and why the others cannot."""
    found: dict[str, Contender] = {}
    missing: dict[str, str] = {}
    for name, contender in CONTENDERS.items():
        try:
            found[name] = contender(rules)
        except MissingError as error:
            missing[name] = str(error)
            continue
        agree(rules, found[name], [*sheets(rules, PEOPLE), *strangers(rules, PEOPLE)])
    return found, missing


def compared(taken: Mapping[str, list[Seconds]]) -> dict[str, Taken]:
    """Medians, high ends and ratios of what was timed in turns."""
    medians = {name: statistics.median(used for used, _ in seconds) for name, seconds in taken.items()}
    return {
        name: Taken(
            medians[name] * 1e6,
            statistics.quantiles([passed for _, passed in seconds], n=100)[98] * 1e6,
            medians[name] / medians[COMPILED],
        )
        for name, seconds in taken.items()
    }


def measure(name: str, rounds: int) -> Measured:
    """All contenders on one rule set."""
    rules = rule_set(name)
    say(f"{name} rules: does everybody fire the same?")
    found, missing = seats(rules)
    say(f"{name} rules: {rounds} rounds of {len(found)} contenders and {PEOPLE} people")
    measured: Measured = {**compared(timed(found, sheets(rules, PEOPLE), rounds)), **missing}
    say(f"{name} rules: Host, in a process of its own")
    host = of_its_own(name, PEOPLE, rounds)
    measured[HOST] = host if isinstance(host, str) else compared(host)[HOST]
    return measured


def by_answers(rounds: int) -> dict[str, Measured]:
    """The bundled rules, with more and more answered."""
    rules = rule_set(BUNDLED)
    names = (*GROWING, ZEN_TABLE)
    found = {name: contender for name, contender in seats(rules)[0].items() if name in names}
    measured: dict[str, Measured] = {}
    for answered in ANSWERED:
        say(f"bundled rules, {'all' if answered is None else answered} answered")
        measured["all" if answered is None else str(answered)] = dict(
            compared(timed(found, people_of(rules, answered), rounds))
        )
    return measured


def people_of(rules: RuleSet, answered: int | None) -> list[Values]:
    """People who answered only so many questions."""
    random = Random(1)
    people = sheets(rules, PEOPLE)
    if answered is None:
        return people
    # Only what hangs from nothing, so that no answer stands without the one above it.
    return [
        {
            name: values[name]
            for name in random.sample([n for n in values if not rules.findings.by_id[n].only_if], answered)
        }
        for values in people
    ]


def cold(times: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of processor time that a new process needs, with byte code and without, less an empty one's."""
    found: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        nowhere = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": folder}
        empty = [_processor("pass", settings, times) for settings in ({}, nowhere)]
        for name, code in COLD.items():
            say(f"a new process: {name}")
            taken = [_processor(code, settings, times) for settings in ({}, nowhere)]
            found[name] = (taken[0] - empty[0], taken[1] - empty[1])
    return found


def _processor(code: str, settings: Mapping[str, str], times: int) -> float:
    """The least of some runs: what else the machine does only adds to it."""
    taken: list[float] = []
    for _ in range(times):
        process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **settings})
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{code}: ended with {process.returncode}")
        taken.append(float(used.ru_utime + used.ru_stime) * 1e3)
    return min(taken)


# -- what is shown -----------------------------------------------------------------------------------------------------


def shown(measured: Measured) -> Table:
    """One rule set's contenders, the fastest first, with bars that grow by tenfolds."""
    taken = {name: found for name, found in measured.items() if isinstance(found, Taken)}
    rows = [
        (name, f"{of.median:.0f}", f"{of.p99:.0f}", f"{of.ratio:.1f}", "#" * round(1 + 8 * _tenfolds(of.ratio)))
        for name, of in sorted(taken.items(), key=lambda found: found[1].ratio)
    ]
    rows += [(name, "-", "-", "-", found) for name, found in measured.items() if isinstance(found, str)]
    return Table(("contender", "median µs", "p99 µs", "x", ""), tuple(rows))


def _tenfolds(ratio: float) -> float:
    return max(0.0, math.log10(ratio))


def grown(measured: Mapping[str, Measured]) -> Table:
    """Medians by contender (rows) and what grows (columns)."""
    names = dict.fromkeys(name for of in measured.values() for name in of)
    rows = [
        (
            name,
            *(f"{of.median:.0f}" if isinstance(of := found.get(name), Taken) else "-" for found in measured.values()),
        )
        for name in names
    ]
    return Table(("median µs", *measured), tuple(rows))


def targets(measured: Measured) -> Iterator[str]:
    """What the library is meant to reach on a rule set, with what it reaches."""
    taken = {name: of for name, of in measured.items() if isinstance(of, Taken)}
    yield f"plain reading, per truth: {taken[PLAIN].ratio / 2:.1f} times the compiled function (meant: at most 2.5)"
    own = (COMPILED, PLAIN, DURABLE, NETWORKS, TRIAGE, TRIAGE_JSON)
    for name in (DURABLE, NETWORKS):
        if name in taken:
            others = (f"{other} {of.ratio / taken[name].ratio:.1f}" for other, of in taken.items() if other not in own)
            yield f"{name} is faster, times (meant: more than 1): {', '.join(others)}"
    for name in (TRIAGE, TRIAGE_JSON):
        if ZEN_TABLE in taken:
            times = taken[ZEN_TABLE].ratio / taken[name].ratio
            yield f"{name} is faster than zen-engine's decision table alone, times (meant: 3): {times:.1f}"


def plot(path: Path, by_rules: Mapping[str, Measured], by_number: Mapping[str, Measured]) -> None:
    """Growth with rules and with answers, as an SVG file."""
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(1, 2, figsize=(14, 5), layout="constrained")
    names = dict.fromkeys(name for measured in (by_rules, by_number) for of in measured.values() for name in of)
    colours = dict(zip(names, matplotlib.colormaps["tab20"].colors, strict=False))
    for axis, measured, what in ((axes[0], by_rules, "rules"), (axes[1], by_number, "answers, bundled rules")):
        for name in dict.fromkeys(name for of in measured.values() for name in of):
            points = [
                (place, of.median) for place, found in measured.items() if isinstance(of := found.get(name), Taken)
            ]
            axis.plot(*zip(*points, strict=True), marker="o", color=colours[name], label=name)
        axis.set(yscale="log", xlabel=what, ylabel="median of a call, µs")
        axis.grid(visible=True, alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    figure.savefig(path, format="svg")


def load_average() -> str:
    """The machine's load, where it tells."""
    return ", ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and shows the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.speed", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=60, help="rounds of the bundled rules; larger sets take fewer")
    parser.add_argument("--rules", choices=[BUNDLED, *map(str, FINDINGS)], nargs="*", help="only these rule sets")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the growth as an SVG file")
    given = parser.parse_args(arguments)
    screen = Screen()
    began = load_average()
    names = given.rules if given.rules is not None else [BUNDLED, *map(str, FINDINGS)]
    every: dict[str, Measured] = {}
    for name in names:
        every[name] = measure(name, max(5, given.rounds // FEWER.get(name, 1)))
        title = "The bundled rules" if name == BUNDLED else f"{name} rules, made up"
        screen.show([Section(title, (shown(every[name]), *targets(every[name])))])
        print(flush=True)
    by_rules = {name: every[name] for name in map(str, FINDINGS) if name in every}
    by_number = by_answers(given.rounds)
    if by_rules:
        screen.show([Section("By the number of rules, made up", (grown(by_rules),))])
        print()
    screen.show([Section("The bundled rules, by the number of answers", (grown(by_number),))])
    rows = tuple((name, *(f"{taken:.0f}" for taken in both)) for name, both in cold(5).items())
    print()
    columns = ("processor ms of a new process", "with byte code", "without")
    screen.show([Section("Cold", (Table(columns, rows),))])
    day = datetime.now().astimezone().date().isoformat()
    print(f"\nPython {sys.version.split()[0]}, {day}; load average before {began}, after {load_average()}")
    if given.plot:
        plot(given.plot, by_rules, by_number)


if __name__ == "__main__":
    main()
