"""What goes in, what comes out, and what never does: bad input, JSON, pages, engines, processes."""

from __future__ import annotations

import copy
import json
import logging
import math
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections import UserDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import calf_triage
from calf_triage import (
    INTENDED_USE,
    UNSURE,
    Acuity,
    Assessment,
    Escalation,
    FindingError,
    RuleSetError,
    SelfCare,
    _triage,
    load_rules,
    triage,
)
from calf_triage._findings import Choice, Finding, Kind, Value
from calf_triage.readings import durable
from tests import _laws as laws
from tests._rules import MINI, MINI_FOLDER, RULES

ROOT = Path(__file__).parent.parent
EMERGENCY: dict[str, Any] = {"breathless": True}
SELF_CARE: dict[str, Any] = MINI.benign(given={"leg_weakness": True, "activity": "sitting"})


def problems_of(answers: object, rules: calf_triage.RuleSet = MINI) -> tuple[str, ...]:
    with pytest.raises(FindingError) as raised:
        triage(answers, rules=rules)  # type: ignore[arg-type]
    return raised.value.problems


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_a_near_name_is_suggested_and_a_far_one_is_not() -> None:
    """An unknown name comes with a suggestion only where one is near."""
    assert problems_of({"breathles": True}) == ("'breathles': unknown finding; did you mean 'breathless'?",)
    assert problems_of({"headache": True}) == ("'headache': unknown finding",)


class Text(str):
    """A text that claims to be any other."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


class Number(float):
    """A number that claims to be within every range."""

    def __le__(self, other: object) -> bool:
        return True

    def __ge__(self, other: object) -> bool:
        return True


class Disguised:
    """Something that passes itself off as a text."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return str

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError


class Zero:
    """A number of a numeric library, as an array of no dimensions would be."""

    dtype = "int64"

    def __int__(self) -> int:
        return 0

    def __index__(self) -> int:
        return 0

    def __float__(self) -> float:
        return 0.0


TEXT = "a text is not an answer here"
TYPE = "this type is not an answer"
WRONG: list[tuple[str, object, str]] = [
    ("breathless", "yes", TEXT),
    ("breathless", "true", TEXT),
    ("breathless", "", TEXT),
    ("breathless", "Unsure", TEXT),
    ("breathless", Text("yes"), TEXT),
    ("breathless", 1, "a number is not an answer here"),
    ("breathless", 0.0, "a number is not an answer here"),
    ("breathless", b"yes", TYPE),
    ("breathless", [True], TYPE),
    ("breathless", {}, TYPE),
    ("breathless", object(), TYPE),
    ("breathless", Disguised(), TYPE),
    ("bed_days", True, "yes and no are not answers here"),
    ("bed_days", "3", TEXT),
    ("bed_days", math.nan, "not a finite number"),
    ("bed_days", math.inf, "not a finite number"),
    ("bed_days", -math.inf, "not a finite number"),
    ("bed_days", Decimal(3), TYPE),
    ("bed_days", Fraction(3, 1), TYPE),
    ("bed_days", 3 + 0j, TYPE),
    ("bed_days", Zero(), TYPE),
    ("bed_days", bytearray(b"3"), TYPE),
    ("bed_days", -1, "out of range"),
    ("bed_days", 31, "out of range"),
    ("bed_days", 30.000001, "out of range"),
    ("bed_days", 10**400, "out of range"),
    ("bed_days", 1e308, "out of range"),
    ("bed_days", 5e-324, "too many decimals"),
    ("bed_days", 2.9999999, "too many decimals"),
    ("bed_days", Number(1e9), "out of range"),
    ("girth_difference_cm", 3.05, "too many decimals"),
    ("girth_difference_cm", 0.1 + 0.2, "too many decimals"),
    ("girth_difference_cm", 15.1, "out of range"),
    ("activity", "running", "not one of its choices"),
    ("activity", "Sitting", "not one of its choices"),
    ("activity", "sitting\x00", "not one of its choices"),
    ("activity", "\ud800", "not one of its choices"),
    ("activity", Text("running"), "not one of its choices"),
    ("activity", "x" * 10_000_000, "the text is too long to be a choice"),
    ("activity", True, "yes and no are not answers here"),
    ("activity", 0, "a number is not an answer here"),
]


@pytest.mark.parametrize(("name", "answer", "why"), WRONG, ids=[f"{n} {w} {i}" for i, (n, _, w) in enumerate(WRONG)])
def test_a_wrong_answer_is_refused_and_what_is_right_is_said(name: str, answer: object, why: str) -> None:
    """Never clamped, never guessed: bool is not int, NaN and infinity are refused."""
    assert problems_of({name: answer}) == (f"{name}: {why}; expected {MINI.findings.by_id[name].expected()}",)


@pytest.mark.parametrize("answer", [3, 3.0, Number(3.0)])
def test_a_whole_number_may_be_written_as_a_decimal(answer: float) -> None:
    """3.0 days are 3 days."""
    assert triage({"bed_days": answer}, rules=MINI).answers == {"bed_days": 3}


class Word(str, Enum):  # noqa: UP042 - how it was written before StrEnum
    """Answers as an enumeration, as an app may hold them."""

    SITTING = "sitting"


def test_plain_values_in_other_clothes_are_taken_for_what_they_are() -> None:
    """A subclass of str or float counts as its plain value, and the assessment holds that plain value."""
    found = triage({"activity": Word.SITTING, "bed_days": Number(2.0)}, rules=MINI).answers
    assert found == {"bed_days": 2, "activity": "sitting"}
    assert {type(value) for value in found.values()} == {int, str}


def test_none_is_absent() -> None:
    """None is the same as no entry."""
    assert triage({"breathless": None}, rules=MINI) == triage({}, rules=MINI)


@pytest.mark.parametrize("decimals", [0, 1, 2, 3])
def test_every_number_on_the_grid_is_read_exactly(decimals: int) -> None:
    """1.1 on two decimals is 110 steps, although 1.1 * 100 is more than 110; also at the ends of the range."""
    finding = evolve(MINI.findings.by_id["bed_days"], low=-200, high=1_100, decimals=decimals)
    rules = evolve(MINI, findings=evolve_findings(finding))
    for steps in range(-200, 1_101):
        assert rules.findings.check({"bed_days": finding.number(steps)}) == ({"bed_days": steps}, [])


def evolve_findings(finding: Finding) -> calf_triage._findings.Findings:
    by_id = {**MINI.findings.by_id, finding.id: finding}
    return calf_triage._findings.Findings(by_id, MINI.findings.screens)


@pytest.mark.parametrize("name", ["bed_days", "age_years"])
@pytest.mark.parametrize("above", [True, UNSURE])
def test_an_answer_below_a_no_is_impossible(name: str, above: object) -> None:
    """What applies only with something answered no cannot be answered; zero and unsure are answers too."""
    zero = {"calf_pain": False, "pain_worst_of_10": 0, name: UNSURE}
    line = "pain_worst_of_10: answered, but it applies only with calf_pain, which is answered no; mend one of the two"
    assert problems_of(zero) == (line,)
    assert problems_of({**zero, "pain_worst_of_10": UNSURE}) == (line,)
    assert triage({"calf_pain": False, "both_calves": False}, rules=MINI)
    assert triage({"calf_pain": above, "pain_worst_of_10": 0}, rules=MINI)  # type: ignore[dict-item]


def test_the_no_that_would_silence_an_answer_is_what_is_left_out() -> None:
    """The answer below may be a red flag, so it counts, and the no above it does not."""
    flag = Finding("cold_foot", "Cold foot", "about_you", Kind.SIGN, "yes_no", 99, False, only_if="calf_pain")
    values, problems = evolve_findings(flag).check({"calf_pain": False, "cold_foot": True, "both_calves": True})
    assert values == {"both_calves": True, "cold_foot": True}
    assert [problem.partition(":")[0] for problem in problems] == ["both_calves", "cold_foot"]


def test_problems_do_not_depend_on_the_order_of_answers() -> None:
    """The same pairs are told, whichever answer comes first."""
    chain = Finding("deeper", "Deeper", "about_you", Kind.SIGN, "yes_no", 99, False, only_if="both_calves")
    answers: dict[str, object] = {"calf_pain": False, "both_calves": True, "deeper": True}
    findings = evolve_findings(chain)
    turned = dict(reversed(answers.items()))
    assert findings.check(answers) == findings.check(turned)
    assert len(findings.check(answers)[1]) == 2


def test_all_problems_come_at_once() -> None:
    """Every wrong answer is told in one error, in the order of the answers."""
    wrong = {"breathles": True, "bed_days": "x", "activity": 1, 7: True, "calf_pain": False, "both_calves": True}
    found = [problem.partition(":")[0] for problem in problems_of(wrong)]
    assert found == ["'breathles'", "bed_days", "activity", "answers", "both_calves"]


@pytest.mark.parametrize("answers", [None, [], "breathless", b"", 7, [("breathless", True)], {"breathless"}, object()])
def test_answers_are_a_mapping(answers: object) -> None:
    """Anything but a mapping is refused as a whole."""
    assert problems_of(answers) == ("answers: expected a mapping of finding names to answers",)


def test_any_mapping_will_do() -> None:
    """Answers need not be a dict."""
    assert triage(UserDict(EMERGENCY), rules=MINI) == triage(EMERGENCY, rules=MINI)


@pytest.mark.parametrize("name", [None, 1, 1.5, b"breathless", ("breathless",), Acuity.SOON, frozenset()])
def test_findings_are_named_by_texts(name: object) -> None:
    """A key that is no text is refused without being shown."""
    assert problems_of({name: True}) == ("answers: every finding is named by a text",)


@pytest.mark.parametrize(
    "name", ["", " ", "breathless ", "Breathless", "\x1b[31m", "\ud800", "＿", "a\nb", "x" * 10_000_000]
)
def test_a_name_is_printed_safely(name: str) -> None:
    """Unknown names are shown quoted, without control characters, and cut."""
    (problem,) = problems_of({name: True})
    assert len(problem) < 140
    assert problem.isprintable()
    problem.encode()


def test_a_flood_of_unknown_names_is_bounded_and_hides_no_emergency() -> None:
    """100,000 unknown names give about 1,000 problems, 50 of them in the text; the answer after them is still read."""
    with pytest.raises(FindingError) as raised:
        triage({**{f"unknown_{number}": True for number in range(100_000)}, **EMERGENCY}, rules=MINI)
    assert len(raised.value.problems) == 1_001
    assert len(str(raised.value).splitlines()) < 60
    assert raised.value.assessment is not None
    assert raised.value.assessment.acuity is Acuity.EMERGENCY


SECRETS: dict[str, Any] = {
    "activity": "sentinel_value",
    "bed_days": 1234567,
    "age_years": 4321.5,
    "breathless": "sentinel_value",
}


def test_no_value_stands_in_an_error_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """Messages name findings and never what was answered; nothing is logged."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(FindingError) as raised:
        triage({**SECRETS, "one_leg_swollen": True, "cancer": True}, rules=MINI)
    said = "\n".join((str(raised.value), repr(raised.value), repr(raised.value.assessment), caplog.text))
    for secret in ("sentinel", "1234567", "4321"):
        assert secret not in said
    assert "one_leg_swollen" not in said
    assert not caplog.records


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(
    st.dictionaries(
        st.one_of(st.sampled_from(list(MINI.findings.by_id)), st.text(), st.integers(), st.none(), st.binary()),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.decimals()),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        ),
        max_size=8,
    )
)
def test_any_answers_give_an_assessment_or_one_finding_error(answers: dict[object, object]) -> None:
    """Whatever is answered, there is an assessment or a FindingError, and nothing else."""
    try:
        found: object = triage(answers, rules=MINI)  # type: ignore[arg-type]
    except FindingError as error:
        found = error.assessment
    assert found is None or isinstance(found, Assessment)


def test_one_bad_field_hides_no_emergency() -> None:
    """A FindingError carries the triage of the other answers where that is SAME_DAY or above, and else none."""
    for answers, acuity in (
        (EMERGENCY, Acuity.EMERGENCY),
        ({"one_leg_swollen": True}, Acuity.SAME_DAY),
        ({}, Acuity.SAME_DAY),
    ):
        with pytest.raises(FindingError) as raised:
            triage({**answers, "nonsense": 1}, rules=MINI)
        assert raised.value.assessment is not None
        assert raised.value.assessment.acuity is acuity
    with pytest.raises(FindingError) as mild:
        triage({**SELF_CARE, "nonsense": 1}, rules=MINI)
    assert mild.value.assessment is None


@pytest.mark.parametrize("engine", ["c", "", 0, True, b"plain", ["plain"]])
def test_an_unknown_engine_is_refused(engine: object) -> None:
    """There are two engines and no third."""
    with pytest.raises(ValueError, match="engine: expected"):
        triage({}, rules=MINI, engine=engine)  # type: ignore[arg-type]


def test_errors_are_value_errors() -> None:
    """Whoever catches ValueError catches both."""
    assert issubclass(FindingError, ValueError)
    assert issubclass(RuleSetError, ValueError)


# -- what comes out ----------------------------------------------------------------------------------------------------


def every_sort() -> list[Assessment]:
    """Assessments of all rungs, settled and not."""
    found = [triage(answers, rules=MINI, region="GB") for answers in laws.probes(MINI)[::3]]
    found += [triage(answers, rules=MINI) for answers in ({}, EMERGENCY, SELF_CARE)]
    assert {assessment.acuity for assessment in found} == set(Acuity)
    assert {assessment.settled for assessment in found} == {True, False}
    return found


def test_json_goes_out_and_back_to_the_same_bytes() -> None:
    """What to_json writes, from_json reads to an equal assessment that writes the same bytes."""
    for assessment in every_sort():
        text = assessment.to_json()
        again = Assessment.from_json(text)
        assert again == assessment
        assert again.to_json() == text
        assert str(again) == str(assessment)


def test_every_json_says_what_it_is_for() -> None:
    """INTENDED_USE, the version and the hash of the rules stand in every JSON answer, and who decided does not."""
    for assessment in every_sort():
        found = json.loads(assessment.to_json())
        assert found["intended_use"] == INTENDED_USE
        assert found["rule_set"] == {"name": "mini", "version": MINI.version, "sha256": MINI.sha256}
        assert "decided_by" not in found
        assert found["acuity"] == assessment.acuity.word


SOUND = triage(SELF_CARE, rules=MINI).to_json()
ESCALATION = triage(EMERGENCY, rules=MINI).to_json()
HOSTILE: list[object] = [
    "",
    "null",
    "[]",
    "{}",
    "7",
    '"text"',
    "nonsense",
    "9" * 5_000,
    "[" * 100_000,
    '{"a":' * 100_000,
    "\x00",
    "\ud800",
    None,
    7,
    {},
    SOUND.encode(),
    SOUND[:-1],
    SOUND + " x",
    SOUND.replace("{", '{"acuity":"self_care",', 1),
    SOUND.replace("{", '{"extra":1,', 1),
    SOUND.replace('"acuity":"self_care"', '"acuity":"emergency"', 1),
    SOUND.replace('"acuity":"self_care"', '"acuity":0', 1),
    SOUND.replace('"acuity":"self_care"', '"acuity":"soon"'),
    SOUND.replace('"type":"SelfCare"', '"type":"Escalation"'),
    SOUND.replace('"type":"SelfCare"', '"type":"SelfHarm"'),
    SOUND.replace('"type":"SelfCare"', '"type":["SelfCare"]'),
    SOUND.replace('"settled":true', '"settled":1'),
    SOUND.replace('"settled":true', '"settled":"yes"'),
    SOUND.replace('"leg_weakness":true', '"leg_weakness":NaN'),
    SOUND.replace('"leg_weakness":true', '"leg_weakness":1e999'),
    SOUND.replace('"leg_weakness":true', '"leg_weakness":null'),
    SOUND.replace('"leg_weakness":true', '"leg_weakness":[true]'),
    SOUND.replace('"leg_weakness":true', '"leg_weakness":"\\ud800"'),
    SOUND.replace('"leg_weakness":true', '"leg_weakness":true,"leg_weakness":false'),
    SOUND.replace('"look_again_days":42', '"look_again_days":42.0'),
    SOUND.replace('"look_again_days":42', '"look_again_days":true'),
    SOUND.replace('"reason":"rules"', '"reason":"because"'),
    SOUND.replace('"unanswered":[]', '"unanswered":{}'),
    SOUND.replace('"unanswered":[]', '"unanswered":""'),
    SOUND.replace('"intended_use":', '"decided_by":"plain","intended_use":'),
    ESCALATION.replace('"acuity":"emergency"', '"acuity":"self_care"'),
    ESCALATION.replace('"within_hours":0', '"within_hours":"0"'),
    " " * 5_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_json_gives_a_short_value_error(text: object) -> None:
    """from_json raises ValueError and nothing else, and its message is bounded and holds no answer."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - any message will do, if it is short
        Assessment.from_json(text)  # type: ignore[arg-type]
    assert len(str(raised.value)) < 1_000


def test_a_wrong_answer_in_json_is_not_shown() -> None:
    """The message says where, and not what."""
    text = SOUND.replace('"leg_weakness":true', '"leg_weakness":["sentinel_value"]')
    with pytest.raises(ValueError, match="leg_weakness") as raised:
        Assessment.from_json(text)
    assert "sentinel" not in str(raised.value)


def test_what_is_both_cannot_be_built() -> None:
    """No escalation on the rung of self-care, and no self-care on another."""
    with pytest.raises(ValueError, match="acuity"):
        Escalation(Acuity.SELF_CARE, (), None)
    with pytest.raises(ValueError, match="acuity"):
        SelfCare((), (), 14, (), Acuity.SOON)  # type: ignore[arg-type]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_assessments_and_errors_can_be_copied_and_pickled(again: Callable[[Any], Any]) -> None:
    """They go through a process pool unchanged."""
    for assessment in every_sort():
        assert again(assessment).to_json() == assessment.to_json()
    for answers in ({"breathles": True, **EMERGENCY}, {**SELF_CARE, "nonsense": 1}):
        with pytest.raises(FindingError) as raised:
            triage(answers, rules=MINI)
        copied = again(raised.value)
        assert type(copied) is FindingError
        assert copied.problems == raised.value.problems
        assert copied.assessment == raised.value.assessment
        assert str(copied) == str(raised.value)
    error = RuleSetError(["a", "b"])
    assert again(error).problems == error.problems


def test_a_rule_set_can_be_pickled() -> None:
    """A rule set goes to another process without what was compiled from it."""
    triage({}, rules=MINI)
    again = pickle.loads(pickle.dumps(MINI))
    assert again.sha256 == MINI.sha256
    assert triage(SELF_CARE, rules=again) == triage(SELF_CARE, rules=MINI)


def test_repr_tells_the_outcome_and_no_answer() -> None:
    """An assessment that ends up in a log says nothing about the person."""
    for assessment in every_sort():
        assert len(repr(assessment)) < 100
        for name in assessment.answers:
            assert name not in repr(assessment)


# -- the page ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [MINI, RULES], ids=["mini", "bundled"])
def test_an_emergency_page_has_at_most_40_words_in_every_region(rules: calf_triage.RuleSet) -> None:
    """Number, place, at most one first aid and one thing to avoid; no cause, no exercise, no question."""
    emergencies = [rule for rule in rules if rule.acuity is Acuity.EMERGENCY]
    assert emergencies
    everything: dict[str, Any] = {
        name: True for name, one in rules.findings.by_id.items() if one.type == "yes_no" and one.red_flag
    }
    everything |= {above: True for name in everything for above in _above(rules, name)}
    cases = [dict(example.given) for rule in emergencies for example in rule.examples if example.fires]
    for answers in (everything, *cases):
        for region in (*rules.regions, "??"):
            assessment = triage(answers, rules=rules, region=region, engine="plain")
            page = str(assessment)
            assert assessment.acuity is Acuity.EMERGENCY
            assert len(page.split()) <= 40, page
            assert assessment.region.emergency_number in page
            assert "Do not drive yourself" in page
            assert assessment.unanswered == ()


def _above(rules: calf_triage.RuleSet, name: str) -> list[str]:
    above = rules.findings.by_id[name].only_if
    return [] if above is None else [above, *_above(rules, above)]


def test_an_unfinished_page_says_so_first_and_asks() -> None:
    """Not finished, how many questions, and what to do if one cannot answer them: never a bare number of weeks."""
    for assessment in every_sort():
        first = str(assessment).splitlines()[0]
        if assessment.reason == "unfinished":
            assert first.startswith("Not finished: answer ")
            assert assessment.unanswered
            assert assessment.unanswered[0].asks in str(assessment)
            assert not assessment.settled
        else:
            assert "Not finished" not in str(assessment)
    assert "be seen today" in str(triage({}, rules=MINI)).splitlines()[0]


def test_a_page_says_its_rung_first_and_holds_no_claim() -> None:
    """The first line is the answer, and nothing in it promises anything."""
    firsts = {
        Acuity.SELF_CARE: "You can look after this yourself",
        Acuity.ROUTINE: "Book a routine appointment",
        Acuity.SOON: "Be seen within",
        Acuity.SAME_DAY: "Be seen today",
        Acuity.EMERGENCY: "Call ",
    }
    for assessment in every_sort():
        if assessment.reason != "unfinished":
            assert str(assessment).startswith(firsts[assessment.acuity])
        for word in ("safe to exercise", "cure", "condition"):
            assert word not in str(assessment)


def test_soon_is_told_in_hours() -> None:
    """48 hours are 48 hours, not two days or weeks."""
    given = MINI.benign(given={"calf_pain": True, "cancer": True, "pain_worst_of_10": 1, "both_calves": False})
    found = triage(given, rules=MINI)
    assert isinstance(found.disposition, Escalation)
    assert (found.acuity, found.disposition.within_hours, found.settled) == (Acuity.SOON, 48, True)
    assert str(found).startswith("Be seen within 48 hours (weekends count).")


@pytest.mark.parametrize(
    "region", ["ZZ", "", "G", "GBR", "united kingdom", "ß1", None, 7, b"GB", ["GB"], "x" * 1_000_000]
)
def test_an_unknown_region_is_told_in_general_words(region: Any) -> None:
    """An unknown region is no error: it gets the wording for anywhere."""
    found = triage(EMERGENCY, rules=MINI, region=region)
    assert found.region.id == "generic"
    assert "your local emergency number" in str(found)


@pytest.mark.parametrize("region", ["GB", "gb", "Gb"])
def test_a_known_region_gives_its_number(region: str) -> None:
    """Two letters, in either case."""
    assert str(triage(EMERGENCY, rules=MINI, region=region)).startswith("Call 999 now")


def test_the_page_as_html_is_escaped() -> None:
    """No text of a rule set is taken for markup, and no rung is told by colour alone."""
    rules = evolve(MINI, rules=tuple(evolve(rule, title="<script>x</script>", why="a & b") for rule in MINI))
    for assessment in (triage(answers, rules=rules) for answers in laws.probes(MINI)[::9]):
        page = assessment._repr_html_()
        assert "<script" not in page
        assert page.count("<div") == page.count("</div>") == 1
        # Where a self-care rule fired and no self-care is given, the page tells why that is instead.
        told = assessment.established > Acuity.SELF_CARE or assessment.acuity is Acuity.SELF_CARE
        if assessment.acuity is not Acuity.EMERGENCY and assessment.because and told:
            assert "a &amp; b" in page
    assert "Call 999 now" in triage(EMERGENCY, rules=MINI, region="GB")._repr_html_()


# -- engines -----------------------------------------------------------------------------------------------------------


def forbidden(*_: object) -> tuple[int, ...]:
    raise AssertionError("this engine was not asked for")


def test_the_plain_engine_touches_no_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """engine="plain" asks durable-rules nothing."""
    monkeypatch.setattr(durable, "fired", forbidden)
    assert triage(EMERGENCY, rules=MINI, engine="plain").decided_by == "plain"


@pytest.mark.skipif(not durable.AVAILABLE, reason="durable-rules cannot be used here")
@pytest.mark.parametrize("engine", [None, "durable"])
def test_durable_rules_decides_where_it_can(engine: Any) -> None:
    """Where it can be imported, it is the engine, and repr says so; the bytes are the same."""
    for answers in laws.probes(MINI)[::5]:
        found = triage(answers, rules=MINI, engine=engine)
        assert found.decided_by == "durable-rules"
        assert "durable-rules" in repr(found)
        assert found == triage(answers, rules=MINI, engine="plain")


@pytest.mark.parametrize("by_engine", [(), tuple(range(len(MINI)))], ids=["too few", "too many"])
def test_when_the_readings_disagree_both_count(
    by_engine: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The union counts, the assessment says so, and an error is logged with rule ids and never with answers."""

    def fired(rules: calf_triage.RuleSet, values: dict[str, Value]) -> tuple[int, ...]:
        return by_engine

    monkeypatch.setattr(durable, "fired", fired)
    found = triage({"one_leg_swollen": True, "cancer": True}, rules=MINI)
    expected = {"suspected_clot", *(MINI.rules[number].id for number in by_engine)}
    assert {rule.id for rule in found.because} == expected
    assert "disagree" in found.decided_by
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.name == "calf_triage"
    differing = {rule.id for rule in MINI} - {"suspected_clot"} if by_engine else {"suspected_clot"}
    assert all(name in record.getMessage() for name in differing)
    for name in ("one_leg_swollen", "cancer"):
        assert name not in record.getMessage()


def test_an_error_of_the_engine_is_answered_by_plain_and_marked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where durable-rules returns an error, the plain reading decides and says so."""

    def fails(rules: calf_triage.RuleSet, values: dict[str, Value]) -> tuple[int, ...]:
        raise durable.EngineError("error 302")

    monkeypatch.setattr(durable, "fired", fails)
    found = triage(EMERGENCY, rules=MINI)
    assert found.acuity is Acuity.EMERGENCY
    assert found.decided_by == "plain (durable-rules: error 302)"
    assert "plain" in repr(found)
    assert found == triage(EMERGENCY, rules=MINI, engine="plain")


# -- threads, processes, imports ---------------------------------------------------------------------------------------


def test_threads_may_share_a_rule_set() -> None:
    """Eight threads on one fresh rule set answer as one thread does."""
    rules = load_rules(MINI_FOLDER)
    cases = laws.probes(MINI)[::2]
    alone = [triage(answers, rules=MINI).to_json() for answers in cases]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(3):
                together = list(pool.map(lambda answers: triage(answers, rules=rules).to_json(), cases))
                assert together == alone
    finally:
        sys.setswitchinterval(before)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_forked_process_answers_too() -> None:
    """A rule set that was used before a fork can be used after it, in parent and child."""
    expected = triage(SELF_CARE, rules=MINI).to_json()
    child = os.fork()
    if child == 0:
        same = False
        try:
            same = all(triage(SELF_CARE, rules=MINI).to_json() == expected for _ in range(20))
        finally:
            os._exit(0 if same else 1)
    assert triage(SELF_CARE, rules=MINI).to_json() == expected
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def run_python(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout.strip()


def test_importing_the_library_imports_nothing_slow() -> None:
    """`import calf_triage`, and a first triage, bring neither hypothesis nor cattrs nor rich nor a network."""
    code = (
        "import sys; from calf_triage import load_rules, triage; triage({}, rules=load_rules(sys.argv[1]))\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    ).replace("sys.argv[1]", repr(str(MINI_FOLDER)))
    brought = set(run_python(code).split())
    assert "calf_triage" in brought
    assert brought.isdisjoint({"hypothesis", "cattrs", "rich", "jsonschema", "asyncio", "http", "socket", "ssl"})


def test_the_bundled_rules_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rules=, the bundled set is loaded at the first call, and once."""
    loaded: list[None] = []

    def load() -> calf_triage.RuleSet:
        loaded.append(None)
        return MINI

    monkeypatch.setattr(_triage, "_bundled", [])
    monkeypatch.setattr(_triage, "load_rules", load)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: triage(EMERGENCY), range(8)))
    assert len(loaded) == 1
    assert {assessment.rule_set.name for assessment in found} == {"mini"}


def test_the_public_names() -> None:
    """About 14 names, each there, documented, and from nowhere else."""
    assert 12 <= len(calf_triage.__all__) <= 16
    assert calf_triage.__all__ == sorted(
        calf_triage.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )
    for name in calf_triage.__all__:
        assert isinstance(getattr(calf_triage, name), str) or getattr(calf_triage, name).__doc__
    assert UNSURE == "unsure"


def test_what_a_choice_is_called_is_what_is_answered() -> None:
    """A choice is answered by its id, and the assessment gives that id back."""
    assert MINI.findings.by_id["activity"].choices[0] == Choice("active", "Active")
    assert triage({"activity": "active"}, rules=MINI).answers == {"activity": "active"}


def test_rules_that_are_none_are_refused_in_words() -> None:
    """A folder's name in place of its rules is a TypeError that says what to call."""
    with pytest.raises(TypeError, match=r"load_rules\(folder\)"):
        triage({}, rules="rules")  # type: ignore[arg-type]


def test_benign_answers_cannot_swallow_a_yes() -> None:
    """A person's answers are given by name, so that they cannot be taken for a list of questions to answer no."""
    with pytest.raises(TypeError):
        RULES.benign({"calf_pain": True})  # type: ignore[call-arg]
    assert RULES.benign(given={"calf_pain": True})["calf_pain"] is True


def test_nobody_is_sent_where_they_could_not_be_reached() -> None:
    """Without a number to call, the page does not send a person who cannot reach a place to that same place."""
    page = str(triage(RULES.benign(given={"pop_or_kick": True}), rules=RULES))
    assert page.count("emergency department") == 1


def test_an_unsure_answer_is_explained_by_what_it_leaves_open() -> None:
    """The page of an unsure answer names what is not ruled out, not the wish that self-care would have met."""
    page = str(triage(RULES.benign(given={"wants_stronger_calves": True, "foot_colder": "unsure"}), rules=RULES))
    assert page.startswith("Be seen today.")
    assert "Suspected blocked leg artery." in page
    assert "stronger" not in page
    assert "wait for help" not in page


def test_first_aid_that_an_unsure_answer_forbids_is_not_given() -> None:
    """An item of a fired rule that conflicts with one of a rule left open by an unsure answer is left out, and no two
    items on a page conflict.
    """
    raising = next(
        r for r in RULES if r.acuity is Acuity.SAME_DAY and {"lie_down_leg_up", "raise_leg"} & {*r.meanwhile}
    )
    given = next(example.given for example in raising.examples if example.fires)
    sure = triage(RULES.benign(given=given), rules=RULES).disposition
    unsure = triage(RULES.benign(given={**given, "foot_colder": "unsure"}), rules=RULES).disposition
    assert isinstance(sure, Escalation)
    assert isinstance(unsure, Escalation)
    assert any("leg up" in note.say.lower() or "raise" in note.say.lower() for note in sure.meanwhile)
    ids = [note.id for note in (*unsure.meanwhile, *unsure.avoid)]
    assert not {"lie_down_leg_up", "raise_leg"} & {*ids}
    assert not any(other in ids for id in ids for other in RULES.advice[id].conflicts_with)


def test_what_an_unsure_answer_leaves_open_is_named_on_every_rung() -> None:
    """A routine answer that unsure answers set names the rule that they leave open too."""
    answer = triage(RULES.benign(given={"wants_stronger_calves": True, "brown_itchy_skin": "unsure"}), rules=RULES)
    assert (answer.acuity, answer.reason) == (Acuity.ROUTINE, "unsure")
    assert "Not ruled out, because you were not sure" in str(answer)
