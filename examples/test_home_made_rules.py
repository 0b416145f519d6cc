"""Tests of an app that has rules of its own: `python -m pytest examples/test_home_made_rules.py`.

The folder beside this file has a fault planted in it, and the first test shows what finding it looks like. In an app of
yours all there is to write is `assert_consistent(load_rules("my_rules"))`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calf_triage import Acuity, SelfCare, load_rules, triage
from calf_triage.strategies import assert_consistent, quiet_answers

FOLDER = Path(__file__).parent / "home_made_rules"
AS_THEY_STAND = load_rules(FOLDER)

FOUND = """\
home_made 0.1.0 is not consistent: 1 fault

monotone: A red flag only raises: yes is at or above its floor, unsure at most one rung below, and neither lowers.
  leg_swollen is answered yes, and the answer is routine; expected at least same_day
  the smallest patient:
    One leg is bigger than the other (leg_swollen): yes
    Since when? (swollen_since): Months"""


def test_the_planted_fault_is_found() -> None:
    """A leg that has been swollen for months falls below the floor of its own red flag."""
    with pytest.raises(AssertionError) as found:
        assert_consistent(AS_THEY_STAND)
    assert str(found.value) == FOUND


def test_the_mended_rules_are_consistent(tmp_path: Path) -> None:
    """Every swollen leg is seen the same day; that it is an old one only speaks against a clot, and lowers nothing."""
    mended = tmp_path / "rules"
    shutil.copytree(FOLDER, mended)
    (mended / "routine" / "long_swollen_leg.toml").unlink()
    replace(mended / "same_day" / "swollen_leg.toml", 'any = ["swollen_since is days", "swollen_since is weeks"]\n', "")
    replace(mended / "causes.toml", "[clot]", '[clot]\nagainst = ["swollen_since is months"]')
    assert_consistent(load_rules(mended))


def replace(file: Path, old: str, new: str) -> None:
    """Changes a text that must stand in a file."""
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


@settings(derandomize=True, database=None, deadline=None)
@given(st.data())
def test_nobody_is_sent_home_with_a_swollen_leg(data: st.DataObject) -> None:
    """A property of one's own, on patients of whom many have little to tell."""
    assessment = triage(data.draw(quiet_answers(AS_THEY_STAND)), rules=AS_THEY_STAND)
    if assessment.answers.get("leg_swollen") is True:
        assert not isinstance(assessment.disposition, SelfCare)
        assert assessment.acuity > Acuity.SELF_CARE
