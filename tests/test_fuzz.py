"""The targets of tests/fuzz.py, for a moment each; and that they would see a fault."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import fuzz


@pytest.mark.parametrize("name", sorted(fuzz.TARGETS))
def test_what_is_begun_with_can_be_read(name: str) -> None:
    """No target finds anything in what it begins with."""
    target = fuzz.TARGETS[name]
    for data in fuzz.seeds_of(target):
        fuzz.tried(target, data)


@pytest.mark.parametrize("name", sorted(fuzz.TARGETS))
def test_whatever_is_read_an_answer_or_an_error_of_its_own_comes(name: str) -> None:
    """However an input is changed, nothing crashes, hangs, warns or shows a traceback."""
    target = fuzz.TARGETS[name]

    @settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def holds(random: Random) -> None:
        fuzz.tried(target, fuzz.made(target, random))

    holds()


@pytest.mark.parametrize("name", sorted(fuzz.TARGETS))
def test_inputs_are_changed_and_some_can_still_be_read(name: str) -> None:
    """Of the inputs that are made most differ from all that is begun with; the same chance makes the same input."""
    target = fuzz.TARGETS[name]
    made = [fuzz.made(target, Random(number)) for number in range(40)]
    assert made[:5] == [fuzz.made(target, Random(number)) for number in range(5)]
    assert len({*made} - {*fuzz.seeds_of(target)}) > 25


def test_a_fault_is_found_told_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A planted crash and a planted hang are each counted, and their inputs kept."""

    def crashes(data: bytes, _: Path) -> None:
        if b"x" in data:
            raise KeyError("planted")

    planted = fuzz.Target("planted", lambda: [b"calf_pain = true\n"], crashes)
    count, kinds = fuzz.at_random(planted, 1.0, 1, tmp_path)
    assert count > 10
    assert kinds == 1
    (kept,) = tmp_path.iterdir()
    assert b"x" in kept.read_bytes()
    assert "KeyError" in capsys.readouterr().err


def test_what_takes_too_long_is_a_fault() -> None:
    """A call that does not come back is ended, and no handler of the library can swallow that."""

    def hangs(_data: bytes, _folder: Path) -> None:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.1)

    with pytest.raises(fuzz.HangError):
        fuzz.tried(fuzz.Target("planted", lambda: [b""], hangs), b"", seconds=1)


def test_the_command_counts_and_fails_where_something_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints how many inputs each target was given; its exit code is 0 only where none found anything."""
    assert fuzz.run_it(["--seconds", "1", "--only", "map", "--at-random"]) == 0
    assert "inputs    0 kinds of faults" in capsys.readouterr().out

    def crashes(*_: Any) -> None:
        raise ValueError

    monkeypatch.setitem(fuzz.TARGETS, "map", fuzz.Target("map", lambda: [b""], crashes))
    assert fuzz.run_it(["--seconds", "1", "--only", "map", "--at-random"]) == 1
