"""The C engine on folders that go to every limit of the loader: nothing crashes, and nothing is answered wrongly."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest

from calf_triage import load_rules, triage
from calf_triage.readings import durable
from calf_triage.readings.plain import plain
from tests import crash

needs_engine = pytest.mark.skipif(not durable.AVAILABLE, reason=durable.WHY_NOT or "available")


@pytest.mark.parametrize("name", ["widest", "many", "far", "deep"])
def test_what_the_loader_takes_at_its_limits_is_read_alike(name: str, tmp_path: Path) -> None:
    """As many and as long as the loader allows: both readings agree on nothing, all, both ends, and each alone."""
    rules = load_rules(crash.folders(tmp_path)[name])
    found = crash.answers(Random(5), rules)
    fired: set[int] = set()
    for _ in range(60):
        values = next(found)
        expected = plain(rules).read(values).fired
        if durable.AVAILABLE:
            assert durable.fired(rules, values) == expected
        fired.update(expected)
    assert fired
    shown = {key: rules.findings.by_id[key].shown(value) for key, value in values.items()}
    assert str(
        triage({key: shown[key] for key in shown if key not in rules.findings.not_applicable(shown)}, rules=rules)
    )


@needs_engine
def test_calls_on_a_poisoned_heap_crash_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """As `python -m tests.crash` does two million times: no crash, no wrong answer."""
    assert crash.main(["--calls", "6000", "--few"]) == 0
    told = capfd.readouterr().out
    assert "6000 calls on 2 rule sets" in told
    assert "0 wrong, 0 without an answer" in told
    assert "no crash" in told


@needs_engine
def test_a_crash_would_be_told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A process that dies of a signal is told as a crash, and is no success."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: type("Ended", (), {"returncode": -11}))
    assert crash.main(["--calls", "1"]) == 1
    assert "CRASHED by signal 11" in capfd.readouterr().out
