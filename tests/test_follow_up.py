"""The follow-up: what has become of each answer, and that nothing falls in silence."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calf_triage import UNSURE, Acuity, Assessment, Escalation, FindingError, SelfCare, triage
from calf_triage._findings import Answer, Kind
from calf_triage.follow_up import WORDS, FollowUp, known, retriage
from calf_triage.interview import Interview
from calf_triage.strategies import answers, quiet_answers, red_flag_answers
from tests._rules import MINI, RULES

Answers = dict[str, Answer]
PULL: Answers = {"age_years": 35, "calf_pain": True, "pain_side": "one_leg", "pain_began": "felt_pull"}
WEAK: Answers = {"age_years": 40, "leg_weakness": True, "weakness_onset": "months", "activity_level": "inactive"}
MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def whole(given: Answers) -> Answers:
    return RULES.benign(given=given)


def first(given: Answers) -> Assessment:
    return triage(whole(given), rules=RULES, engine="plain")


def words(found: FollowUp) -> dict[str, str]:
    return {change.id: change.word for change in found.changes}


# -- nothing falls in silence ----------------------------------------------------------------------------------------


@MANY
@given(answers(RULES), answers(RULES), st.sampled_from([None, 0, 2, 42, 400]), st.sampled_from([None, False, True]))
def test_it_never_says_less_than_the_rules(then: Answers, now: Answers, days: int | None, seen: bool | None) -> None:
    """What holds is at least what `triage` says to the answers of now, the age being known, and one disposition."""
    previous = triage(then, rules=RULES, engine="plain")
    found = retriage(previous, now, days=days, seen=seen, rules=RULES, engine="plain")
    aged = {name: answer for name, answer in then.items() if name == "age_years" and days} | now
    assert found.acuity >= min(triage(aged, rules=RULES, engine="plain").acuity, Acuity.SAME_DAY)
    assert found.acuity >= found.assessment.established
    assert found.acuity is found.disposition.acuity
    assert isinstance(found.disposition, SelfCare) == (found.acuity is Acuity.SELF_CARE)
    assert (found.look_again_days is None) == (found.acuity >= Acuity.SAME_DAY)
    assert found.look_again_days is None or found.look_again_days > 0
    text = found.to_json()
    again = FollowUp.from_json(text)
    assert (again, again.to_json(), str(again)) == (found, text, str(found))


@MANY
@given(red_flag_answers(RULES), quiet_answers(RULES))
def test_what_nobody_looked_at_falls_by_one_rung_at_most(then: Answers, now: Answers) -> None:
    """Where a rule asked to be seen and nobody has looked, one rung below it is the least."""
    previous = triage(then, rules=RULES, engine="plain")
    found = retriage(previous, now, days=3, rules=RULES, engine="plain")
    if previous.established >= Acuity.SOON:
        assert found.acuity >= previous.established.one_lower()
        if found.assessment.reason == "unseen":
            assert found.acuity is found.held
            assert found.acuity is Acuity.EMERGENCY or "Unless someone has looked" in str(found)


@MANY
@given(red_flag_answers(RULES), st.data())
def test_an_open_red_flag_is_not_passed(then: Answers, data: st.DataObject) -> None:
    """A red flag that was yes or unsure and is not asked again counts as before: its floor holds."""
    previous = triage(then, rules=RULES, engine="plain")
    by_id = RULES.findings.by_id
    flags = [name for name, answer in previous.answers.items() if by_id[name].red_flag and answer in (True, UNSURE)]
    left_out = data.draw(st.sets(st.sampled_from(flags), min_size=1))
    now = {name: answer for name, answer in previous.answers.items() if name not in left_out}
    found = retriage(previous, now, seen=True, rules=RULES, engine="plain")
    assert found.assessment.answers == previous.answers
    assert found.acuity is previous.acuity
    assert {change.id for change in found.changes if change.kept} >= left_out


@MANY
@given(answers(RULES))
def test_the_same_answers_are_the_same(then: Answers) -> None:
    """Nothing is new, worse or better, and the acuity stays."""
    previous = triage(then, rules=RULES, engine="plain")
    found = retriage(previous, then, rules=RULES, engine="plain")
    assert found.acuity is previous.acuity
    assert set(words(found).values()) <= {"same"}


def test_a_no_is_never_kept() -> None:
    """Nothing told is nothing ruled out, whatever was no last time."""
    found = retriage(first(WEAK), {}, rules=RULES)
    assert found.assessment.answers == {}
    assert (found.acuity, found.assessment.settled) == (Acuity.SAME_DAY, False)


def test_what_has_happened_stays_unless_it_was_seen() -> None:
    """A pop in the heel is not undone by an answer two days later; a clinician who looked may have cleared it."""
    previous = first({**PULL, "pop_or_kick": True})
    assert previous.acuity is Acuity.SAME_DAY
    unseen = retriage(previous, whole(PULL), days=2, rules=RULES)
    assert unseen.assessment.answers["pop_or_kick"] is True
    assert unseen.acuity is Acuity.SAME_DAY
    assert "Still counted as last time" in str(unseen)
    assert retriage(previous, whole(PULL), days=2, seen=True, rules=RULES).acuity is Acuity.SELF_CARE


def test_what_was_asked_for_holds_through_a_row_of_follow_ups() -> None:
    """Unseen, it falls one rung a time, and the second look knows what the first did."""
    severe = first({**PULL, "pain_worst_24h_of_10": 8})
    one = retriage(severe, whole(PULL), days=1, rules=RULES)
    two = retriage(one, whole(PULL), days=1, rules=RULES)
    three = retriage(two, whole(PULL), days=1, rules=RULES)
    rungs = [found.acuity for found in (severe, one, two, three)]
    assert rungs == [Acuity.SAME_DAY, Acuity.SOON, Acuity.ROUTINE, Acuity.SELF_CARE]
    assert [found.day for found in (one, two, three)] == [1, 2, 3]
    assert isinstance(one.disposition, Escalation)
    assert one.disposition.within_hours == 48


@pytest.mark.parametrize("days", [None, 0])
def test_nothing_falls_on_the_same_day(days: int | None) -> None:
    """However often it is asked, and whatever stands between: unsure, unfinished, or nothing."""
    stroke = first({**PULL, "face_droop": True})
    rows: list[list[Answers]] = [[], [whole({**PULL, "face_droop": UNSURE})], [{"face_droop": False}]]
    for between in rows:
        found: Assessment | FollowUp = stroke
        for now in between:
            found = retriage(found, now, days=days, rules=RULES)
        for _ in range(3):
            found = retriage(found, whole(PULL), days=days, rules=RULES)
            assert found.acuity is Acuity.EMERGENCY
        assert retriage(found, whole(PULL), days=1, seen=True, rules=RULES).acuity is Acuity.SELF_CARE


def test_an_unsure_emergency_is_not_forgotten_by_a_no() -> None:
    """Told to be seen today for an unsure answer, unseen: the next day it is seen within 48 hours."""
    unsure = first({**PULL, "face_droop": UNSURE})
    assert unsure.acuity is Acuity.SAME_DAY
    assert retriage(unsure, whole(PULL), days=1, rules=RULES).acuity is Acuity.SOON


def test_what_has_happened_is_not_undone_by_not_sure_either() -> None:
    """Not sure never lowers more than no."""
    previous = first({**PULL, "pop_or_kick": True})
    for now in (False, UNSURE):
        found = retriage(previous, whole({**PULL, "pop_or_kick": now}), days=1, rules=RULES)
        assert (found.acuity, found.assessment.answers["pop_or_kick"]) == (Acuity.SAME_DAY, True)


def test_what_to_avoid_is_kept_while_it_is_unseen() -> None:
    """No massage of a leg that was bigger, though it no longer is."""
    previous = first({**PULL, "one_leg_bigger": True})
    assert isinstance(previous.disposition, Escalation)
    found = retriage(previous, whole(PULL), days=1, rules=RULES)
    assert isinstance(found.disposition, Escalation)
    assert found.disposition.avoid == previous.disposition.avoid != ()
    assert found.assessment.not_excluded >= found.acuity


@pytest.mark.parametrize(
    ("age", "days", "kept"), [(40, 364, True), (40, 365, False), (40, None, False), (64, 2, False)]
)
def test_an_age_is_kept_while_it_means_the_same(age: int, days: int | None, kept: bool) -> None:
    """Not for a year, not for an unknown time, and not where a rule draws a line at the next birthday."""
    found = retriage(first({**PULL, "age_years": age}), {}, days=days, rules=RULES)
    assert ("age_years" in found.assessment.answers) == kept


# -- finding by finding ----------------------------------------------------------------------------------------------


def test_each_finding_is_better_same_worse_or_new() -> None:
    """Statements, numbers and choices, those to look at first."""
    then = whole({**PULL, "pain_worst_24h_of_10": 3, "light_headed": True})
    now = whole({**PULL, "pain_worst_24h_of_10": 5, "one_leg_warm": True, "pain_place": "thigh"})
    del now["pain_course"]
    found = retriage(triage(then, rules=RULES), now, days=1, rules=RULES)
    told = words(found)
    assert (told["one_leg_warm"], told["pain_worst_24h_of_10"], told["light_headed"]) == ("new", "worse", "better")
    assert (told["pain_place"], told["calf_pain"], told["pain_course"]) == ("changed", "same", "not asked")
    assert "limping" not in told
    order = [WORDS.index(change.word) for change in found.changes]
    assert order == sorted(order)
    assert "Then: 3. Now: 5." in str(found)


@pytest.mark.parametrize(
    ("name", "then", "now", "word"),
    [
        ("light_headed", False, UNSURE, "not sure"),
        ("light_headed", UNSURE, UNSURE, "same"),
        ("light_headed", UNSURE, True, "new"),
        ("light_headed", UNSURE, False, "better"),
        ("light_headed", True, UNSURE, "not sure"),
        ("wants_stronger_calves", False, True, "changed"),
        ("pain_worst_24h_of_10", 4, 0, "better"),
        ("pain_worst_24h_of_10", 0, 4, "worse"),
        ("pain_worst_24h_of_10", UNSURE, 2, "changed"),
    ],
)
def test_the_word_for_a_change(name: str, then: Answer, now: Answer, word: str) -> None:
    """Not sure is neither better nor worse; what brings the person is neither, too."""
    previous = first({**PULL, name: then})
    found = retriage(previous, whole({**PULL, name: now}), rules=RULES)
    assert words(found)[name] == word


def test_what_hangs_from_a_symptom_that_has_gone_is_gone_with_it() -> None:
    """No pain any more: a pain that was felt at night is better, and where it was worst is not asked."""
    previous = first({**PULL, "bone_pain_at_rest": True})
    now = whole({"age_years": 35, "calf_pain": False})
    told = words(retriage(previous, now, seen=True, rules=RULES))
    assert (told["calf_pain"], told["bone_pain_at_rest"]) == ("better", "better")
    assert "pain_place" not in told


# -- dates -----------------------------------------------------------------------------------------------------------


def test_a_strain_is_looked_at_after_two_days_and_again_after_fourteen() -> None:
    """KB 4.6 and decision 5."""
    previous = first(PULL)
    assert isinstance(previous.disposition, SelfCare)
    assert previous.disposition.look_again_days == 2
    one = retriage(previous, whole(PULL), days=2, rules=RULES)
    assert (one.overdue_days, one.look_again_days) == (0, 12)
    two = retriage(one, whole(PULL), days=12, rules=RULES)
    assert (two.day, two.overdue_days) == (14, 0)
    assert retriage(previous, whole(PULL), days=1, rules=RULES).overdue_days == -1
    assert retriage(previous, whole(PULL), days=9, rules=RULES).overdue_days == 7
    assert retriage(previous, whole(PULL), rules=RULES).overdue_days is None


@pytest.mark.parametrize(
    ("story", "days"),
    [
        (WEAK, 42),
        ({"age_years": 40, "calf_pain": True, "pain_place": "tendon_middle", "pain_duration": "weeks_2_to_6"}, 84),
    ],
)
def test_weakness_is_looked_at_after_six_weeks_and_a_tendon_after_twelve(story: Answers, days: int) -> None:
    """KB 4.6, from the rules' own dates."""
    to = first(story).disposition
    assert isinstance(to, SelfCare)
    assert to.look_again_days == days


def test_weak_in_spite_of_training_is_seen() -> None:
    """The seed: still weak despite consistent training, have it assessed. Better, or not trained, is another matter."""
    previous = first(WEAK)
    for trained, days, acuity in (
        (True, 42, Acuity.ROUTINE),
        (True, 41, Acuity.SELF_CARE),
        (None, 42, Acuity.SELF_CARE),
    ):
        found = retriage(previous, whole(WEAK), days=days, trained=trained, rules=RULES)
        assert found.acuity is acuity
        assert found.no_gain == (acuity is Acuity.ROUTINE)
    assert "weak_despite_training" in {rule.id for rule in retriage(
        previous, whole(WEAK), days=42, trained=True, rules=RULES
    ).assessment.because}  # fmt: skip
    counted: Answers = {**WEAK, "heel_raises_counted": True, "heel_raises_left_count": 12}
    more: Answers = {**counted, "heel_raises_left_count": 20}
    better = retriage(first(counted), whole(more), days=42, trained=True, rules=RULES)
    assert (better.no_gain, words(better)["heel_raises_left_count"]) == (False, "better")


def test_an_interview_of_now_begins_with_what_is_known() -> None:
    """The age and the risk factors that were yes are not asked again; what may have changed is."""
    previous = first({**PULL, "surgery_12_weeks": True})
    assert known(previous, RULES) == {"surgery_12_weeks": True}
    begin = known(previous, RULES, days=14)
    assert begin == {"age_years": 35, "surgery_12_weeks": True}
    interview = Interview(RULES, answers=begin)
    assert interview.screen is not None
    asked = {question.id for question in interview.screen.questions}
    assert "age_years" not in asked
    assert "calf_pain" in asked
    assert all(RULES.findings.by_id[name].kind in (Kind.RISK_FACTOR, Kind.MEASUREMENT) for name in begin)


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [-1, 1.5, True, "2", 10_000, float("nan")])
def test_days_that_are_none_are_refused(days: object) -> None:
    """Whole days, and not before last time."""
    with pytest.raises(ValueError, match="days: expected whole days"):
        retriage(first(PULL), {}, days=days, rules=RULES)  # type: ignore[arg-type]


def test_one_wrong_field_hides_no_emergency() -> None:
    """The error carries the assessment of the rest, with what still counts from last time."""
    previous = first({**PULL, "breathless": True})
    with pytest.raises(FindingError, match="age_years") as error:
        retriage(previous, {"age_years": "xyzzy"}, rules=RULES)
    assert error.value.assessment is not None
    assert error.value.assessment.acuity is Acuity.EMERGENCY
    assert "xyzzy" not in str(error.value)


def test_an_assessment_by_other_rules_is_refused_unless_it_is_to_be_read_again() -> None:
    """What these rules cannot read is told, and what they asked to be seen for still holds."""
    previous = first({**PULL, "breathless": True})
    with pytest.raises(ValueError, match="other rules"):
        retriage(previous, {}, rules=MINI)
    found = retriage(previous, MINI.benign(), days=1, rules=MINI, recheck=True)
    assert found.acuity is Acuity.SAME_DAY
    assert any("sex_at_birth" in line for line in found.problems)


def test_an_answer_that_cannot_be_read_stands_in_no_error() -> None:
    """A tampered value of last time is told by its name alone."""
    document = json.loads(first(PULL).to_json())
    document["answers"]["pain_worst_24h_of_10"] = "SECRETsevere"
    document["rule_set"]["sha256"] = "0" * 64
    found = retriage(Assessment.from_json(json.dumps(document)), whole(PULL), recheck=True, rules=RULES)
    assert found.problems
    assert "SECRET" not in repr(found) + str(found) + " ".join(found.problems)


def test_an_assessment_that_says_less_than_its_answers_is_refused() -> None:
    """A tampered rung is not believed."""
    document = json.loads(first(PULL).to_json())
    document["answers"]["breathless"] = True
    with pytest.raises(ValueError, match="triage them again"):
        retriage(Assessment.from_json(json.dumps(document)), whole(PULL), days=2, rules=RULES)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: retriage("x", {}, rules=RULES),  # type: ignore[arg-type]
        lambda: retriage(first(PULL), {}, rules="x"),  # type: ignore[arg-type]
        lambda: known(None),  # type: ignore[arg-type]
    ],
)
def test_other_types_are_refused(wrong: Callable[[], object]) -> None:
    """TypeError, as triage gives."""
    with pytest.raises(TypeError, match="expected a"):
        wrong()


@pytest.mark.parametrize("change", [{"day": "x"}, {"previous": {}}, {"extra": 1}, {"changes": {}}])
def test_a_tampered_save_is_refused(change: dict[str, object]) -> None:
    """ValueError, without any answer in it."""
    sound = json.loads(retriage(first(PULL), whole(PULL), rules=RULES).to_json())
    with pytest.raises(ValueError, match="not a follow-up"):
        FollowUp.from_json(json.dumps({**sound, **change}))


def test_nothing_in_a_repr_tells_an_answer() -> None:
    """A follow-up may be logged; its answers may not."""
    found = retriage(first(PULL), whole({**PULL, "pain_worst_24h_of_10": 3}), days=2, rules=RULES)
    assert repr(found) == "<FollowUp from SELF_CARE to SELF_CARE>"
    assert repr(found.changes[0]).startswith("<Change of ")
