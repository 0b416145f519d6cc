"""The benchmark compares like with like: whoever is timed fires the same rules. Nothing here looks at a clock."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import pytest

from calf_triage.readings import durable
from tests.benchmarks import peers, speed
from tests.benchmarks.peers import CONTENDERS, HOST, PlainReading

SMALLEST = str(min(peers.FINDINGS))


@pytest.mark.parametrize("name", CONTENDERS)
def test_who_is_timed_fires_the_same_rules(name: str) -> None:
    """On the smallest made-up set, everybody who can be had here agrees with the plain reading on all its people."""
    rules = peers.rule_set(SMALLEST)
    try:
        contender = CONTENDERS[name](rules)
    except peers.MissingError as error:
        pytest.skip(str(error))
    people = [*peers.sheets(rules, 8), *peers.strangers(rules, 30)]
    peers.agree(rules, contender, people)
    assert sum(bool([*contender.fired(contender.given(values))]) for values in people) > 10


@pytest.mark.skipif(not durable.AVAILABLE, reason=durable.WHY_NOT)
def test_host_is_timed_in_a_process_of_its_own() -> None:
    """It fires the same rules there, timed in turns with the compiled function; or it is said what became of it."""
    found = peers.of_its_own(SMALLEST, 3, 2)
    if isinstance(found, str):
        pytest.skip(f"{HOST}: {found}")
    assert {name: len(seconds) for name, seconds in found.items()} == {peers.COMPILED: 6, HOST: 6}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import os; os.abort()", "died of signal 6"),
        ("import time; time.sleep(60)", "gave no answer in 1 s"),
        ("raise SystemExit('no')", "failed: no"),
    ],
)
def test_what_becomes_of_host_is_said(body: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A process that dies, waits or fails ends nothing here, and is told as what it was."""
    (tmp_path / "python").write_text(f"#!{sys.executable}\n{body}\n", "utf-8")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert peers.of_its_own(SMALLEST, 1, 1, seconds=1) == said


def test_who_fires_another_rule_is_not_timed() -> None:
    """Equality is asserted: one rule too many ends it."""

    class OneMore(PlainReading):
        def fired(self, given: peers.Values) -> Iterable[int]:
            return {*super().fired(given), 3}

    rules = peers.rule_set(SMALLEST)
    with pytest.raises(AssertionError, match=r"differs in \[3\]"):
        peers.agree(rules, OneMore(rules), [{}])


def test_the_tables_show_everybody_and_why_somebody_is_missing() -> None:
    """Each contender has a row; one that cannot be had has its reason there."""
    measured: speed.Measured = {
        peers.COMPILED: speed.Taken(2.0, 3.0, 1.0),
        peers.PLAIN: speed.Taken(8.0, 9.0, 4.0),
        peers.TRIAGE: speed.Taken(20.0, 30.0, 10.0),
        peers.TRIAGE_JSON: speed.Taken(30.0, 40.0, 15.0),
        peers.ZEN_TABLE: speed.Taken(60.0, 70.0, 30.0),
        HOST: "died of signal 11",
    }
    rows = {row[0]: row[1:] for row in speed.shown(measured).rows}
    assert rows[peers.PLAIN][:3] == ("8", "9", "4.0")
    assert rows[HOST] == ("-", "-", "-", "died of signal 11")
    assert next(iter(rows)) == peers.COMPILED
    said = "\n".join(speed.targets(measured))
    assert "per truth: 2.0 times" in said
    assert "triage() is faster than zen-engine's decision table alone, times (meant: 3): 3.0" in said
    assert speed.grown({"10": measured, "80": measured}).rows[-1] == (HOST, "-", "-")
