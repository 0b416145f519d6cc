"""The whole cases in tests/vignettes: told in plain words, each with the rung its source asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calf_triage import Acuity
from calf_triage.vignettes import Outcome, load_vignettes, run
from tests._rules import RULES

FOLDER = Path(__file__).parent / "vignettes"
CASES = load_vignettes(FOLDER, RULES)
REPORT = run(CASES, RULES)
OUTCOMES = {outcome.case.id: outcome for outcome in REPORT.outcomes}
TOLD = [outcome for outcome in OUTCOMES.values() if not outcome.case.group.startswith("open_cases")]
PUBLISHED = [outcome for outcome in OUTCOMES.values() if outcome.case.group.startswith("open_cases")]


def test_every_case_can_be_run() -> None:
    """No case is left out because its answers cannot be read."""
    assert REPORT.not_run == ()


@pytest.mark.parametrize("outcome", TOLD, ids=lambda outcome: outcome.case.id)
def test_a_told_case_ends_on_its_rung(outcome: Outcome) -> None:
    """The answer is one that the case's source accepts; rules fire, and items are given, as the case says."""
    assert outcome.answered in outcome.case.acceptable, f"{outcome.case.text} {list(outcome.fired)}"
    assert outcome.unexpected == ()


def test_every_rule_has_a_case_of_its_own() -> None:
    """Beside its own examples each rule has a whole case in which it fires."""
    assert {rule.id for rule in RULES} <= {outcome.case.rule for outcome in TOLD}


def test_every_emergency_and_same_day_rule_has_a_lower_look_alike() -> None:
    """For each there is a person who is easily taken for it, and needs care less soon."""
    acute = {rule.id: rule.acuity for rule in RULES if rule.acuity >= Acuity.SAME_DAY}
    alike = {o.case.not_rule for o in TOLD if o.case.not_rule in acute and o.case.gold < acute[o.case.not_rule]}
    assert alike == set(acute)


def test_no_published_emergency_falls_below_the_same_day() -> None:
    """A gold emergency that would wait till tomorrow is a defect."""
    emergencies = [outcome for outcome in PUBLISHED if outcome.case.gold is Acuity.EMERGENCY]
    assert len(emergencies) >= 14
    assert [o.case.id for o in emergencies if o.answered < Acuity.SAME_DAY] == []


def test_all_published_cases_are_coded_with_their_source() -> None:
    """Seventy-five published histories, each with its source and its gold rung."""
    assert len(PUBLISHED) == 75
    assert all(outcome.case.link for outcome in PUBLISHED)


def test_each_published_case_below_gold_says_why() -> None:
    """A case that ends below its gold rung says by which guideline."""
    assert [o.case.id for o in PUBLISHED if o.answered < o.case.gold and not o.case.below] == []


def test_as_coded_the_gold_rung_is_not_excluded() -> None:
    """From the published text alone, with everything else open, no gold rung has been ruled out."""
    assert [o.case.id for o in PUBLISHED if o.not_excluded < o.case.gold] == []


def test_the_changelog_prints_the_figures_of_the_published_cases() -> None:
    """The exact count and the tolerant count of today stand in the changelog."""
    text = (Path(__file__).parent.parent / "CHANGELOG.md").read_text("utf-8")
    exact = sum(o.answered is o.case.gold for o in PUBLISHED)
    tolerant = sum(o.answered in o.case.acceptable for o in PUBLISHED)
    assert f"{exact} of 75" in text
    assert f"{tolerant} of 75" in text


def test_the_report_is_json_too() -> None:
    """The figures can be read by a program."""
    assert json.loads(REPORT.to_json())
