"""Plans: laws on whatever is answered, wished and logged; and what a plan says to the person who follows it."""

from __future__ import annotations

import pickle
import shutil
from collections import Counter
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calf_triage import Acuity, Assessment, SelfCare, load_rules, strategies, triage
from calf_triage._findings import Answer
from calf_triage.check import check
from calf_triage.follow_up import retriage
from calf_triage.plan import WEEKDAYS, Entry, Plan, PlanError, Session, logged_from, make_plan
from tests._rules import MINI, RULES

assert RULES.plan is not None
STEER = RULES.plan
MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)
EQUIPMENT = sorted({word for item in RULES.advice.values() for word in item.equipment} | {*STEER.loads})
TRAINING = ("exercise", "balance")
BAD = "fond-of-marmalade"
quick = settings(max_examples=120, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck])


def assess(**given: Answer) -> Assessment:
    """The answers with the benign rest."""
    return triage(RULES.benign(given=given), engine="plain")


@lru_cache
def cared_for() -> dict[str, Assessment]:
    """A self-care assessment for every example that fires of every self-care rule, by rule and example."""
    found = {}
    for rule in RULES:
        if rule.acuity is Acuity.SELF_CARE:
            for example in rule.examples:
                if example.fires:
                    given = RULES.benign(given=example.given) if example.otherwise_no else example.given
                    found[f"{rule.id}: {example.name}"] = triage(given, engine="plain")
    return found


def of(rule: str) -> Assessment:
    return next(one for name, one in cared_for().items() if name.startswith(f"{rule}:"))


WEAK: dict[str, Answer] = {"leg_weakness": True, "weakness_onset": "months", "activity_level": "inactive"}
READY: dict[str, Answer] = {
    "wants_stronger_calves": True,
    "balance_check": "passed",
    "single_leg_raises_25": "both_sides",
    "activity_level": "trained",
}


# -- plans and logs to try -------------------------------------------------------------------------------------------


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    """Self-care, from the rules' own examples, with up to two more answers that keep it so."""
    if draw(st.booleans()):
        found = triage(draw(strategies.quiet_answers(RULES)), engine="plain")
        if isinstance(found.disposition, SelfCare):
            return found
    before = cared_for()[draw(st.sampled_from(sorted(cared_for())))]
    more: list[dict[str, Answer]] = [
        {},
        {"age_years": 70},
        {"activity_level": "trained"},
        {"activity_level": "inactive"},
        {"balance_check": "passed"},
        {"balance_check": "passed", "single_leg_raises_25": "both_sides", "activity_level": "trained"},
        {"diabetes": True},
        {"osteoporosis": True},
        {"heel_raises_counted": True, "heel_raises_left_count": 9, "heel_raises_right_count": 14},
    ]
    after = triage({**before.answers, **draw(st.sampled_from(more))}, engine="plain")
    return after if isinstance(after.disposition, SelfCare) else before


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "start": MONDAY + DAY * draw(st.integers(0, 400)),
        "days": draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True)),
        "equipment": draw(st.none() | st.lists(st.sampled_from(EQUIPMENT), unique=True) | st.just(EQUIPMENT)),
    }


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    return make_plan(draw(assessments()), **draw(wishes()))


@st.composite
def histories(draw: st.DrawFn, stops: bool = False) -> list[Plan]:
    """A plan and what follows from it, entry by entry; in moods from a model pupil to anything at all."""
    plan = draw(plans())
    found = [plan]
    mood = draw(st.sampled_from(["model", "model", "most", "any"]))
    chance = draw(st.randoms(use_true_random=False))
    for _ in range(draw(st.integers(0, 30))):
        logged = {entry.day for entry in plan.logged}
        open_days = [one for week in plan.weeks for one in week.sessions if one.day not in logged]
        if not open_days or plan.stopped is not None:
            break
        session = open_days[0] if mood == "model" or chance.random() < 0.8 else chance.choice(open_days)
        pains: list[int | None] = [0, 1, 2] if mood == "model" else [None, 0, 0, 1, 2, 3, 4, 5]
        if mood == "most" and chance.random() < 0.85:
            pains = [0, 1]
        done: Any = True
        if mood == "any" and chance.random() < 0.4:
            done = chance.choice([False, {}, {session_items(session)[0]: chance.choice([True, 1, 12, 30, 40])}])
        plan = plan.log(
            session.day,
            done=done,
            pain_before=chance.choice([None, 0, 2]),
            pain_during=chance.choice(pains),
            pain_next_morning=chance.choice(pains) if mood != "model" else 0,
            soreness_hours=(0 if mood == "model" else chance.choice([None, 0, 0, 0, 12]))
            if mood != "any"
            else chance.choice([None, 0, 24, 48]),
            stop_signs=[chance.choice(sorted(STEER.stop_signs))] if stops and chance.random() < 0.2 else (),
        )
        found.append(plan)
    return found


def session_items(session: Session) -> list[str]:
    return [entry.item for entry in (*session.entries, *session.stretches)]


def sessions(plan: Plan) -> list[Session]:
    return [session for week in plan.weeks for session in week.sessions]


def total(entry: Entry) -> int:
    return (entry.sets or 0) * (entry.repetitions or entry.seconds or entry.minutes or 0)


def daily(item: str) -> bool:
    dose = RULES.advice[item].dose
    if dose is None:
        return False
    return dose.sessions_per_week[0] >= 7 if dose.sessions_per_week else dose.sessions_per_day is not None


# -- the laws --------------------------------------------------------------------------------------------------------


def only_what_is_given(plan: Plan) -> None:
    care = plan.assessment.disposition
    assert isinstance(care, SelfCare)
    given = {item.id: item for item in care.advice}
    withheld = {item.id for item in care.withheld} - set(given)
    for session in sessions(plan):
        for name in session_items(session):
            assert name in given, name
            assert name not in withheld
            assert given[name].sources
            assert name not in {later.item for later in plan.later}
            assert name not in {left.item for left in plan.left_out}
    if plan.stopped is not None:
        return
    told = {*plan.advice, *(left.item for left in plan.left_out), *(later.item for later in plan.later)}
    assert {*given} <= told | {name for session in sessions(plan) for name in session_items(session)}


def rests_between(plan: Plan) -> None:
    trained = plan.assessment.answers.get("activity_level") == "trained"
    strengthening: set[date] = set()
    by_item: dict[str, list[date]] = {}
    for session in sessions(plan):
        for entry in session.entries:
            if not daily(entry.item):
                strengthening.add(session.day)
                by_item.setdefault(entry.item, []).append(session.day)
    assert not any(day + DAY in strengthening for day in strengthening), "two days running"
    assert all(WEEKDAYS[day.weekday()] in plan.days for day in strengthening)
    for item, days in by_item.items():
        dose = RULES.advice[item].dose
        most = dose.sessions_per_week[1] if dose and dose.sessions_per_week else 3
        most = 4 if trained and dose and dose.sessions_per_week == (2, 3) else most
        for day in days:
            assert sum(day <= other < day + 7 * DAY for other in days) <= most, item


def ends_on_its_day(plan: Plan) -> None:
    care = plan.assessment.disposition
    assert isinstance(care, SelfCare)
    assert plan.end == plan.start + care.look_again_days * DAY
    for session in sessions(plan):
        assert plan.start <= session.day < plan.end
        assert session.weekday == WEEKDAYS[session.day.weekday()]
        assert session.entries or session.stretches
    for week in plan.weeks:
        rest = set(week.rest_days)
        assert rest.isdisjoint(one.day for one in week.sessions if one.entries)


def grows_slowly(plan: Plan) -> None:
    """By at most a tenth a week from its start, in whole steps once they are earned; one variable at a time."""
    first: dict[str, int] = {}
    before: dict[str, Entry] = {}
    for week in plan.weeks:
        for entry in {entry.item: entry for session in week.sessions for entry in session.entries}.values():
            start = first.setdefault(entry.item, total(entry))
            assert total(entry) <= start * 1.1 ** (week.number - 1) + 1e-9, entry.item
            if old := before.get(entry.item):
                step = (old.sets or 0) * 1
                assert total(entry) <= max(total(old) * 1.1, total(old) + step) + 1e-9, entry.item
                assert entry.load <= old.load + 1
                assert not (entry.load > old.load and total(entry) > total(old)), "two variables at once"
            before[entry.item] = entry
            dose = RULES.advice[entry.item].dose
            for unit in ("repetitions", "seconds", "minutes"):
                if (amount := getattr(entry, unit)) is not None and dose is not None:
                    assert amount <= getattr(dose, unit)[1], "above the dose"
            if entry.load:
                assert {*(plan.equipment or ())} & {*STEER.loads}, "a load that is not at hand"


def no_session_far_above_the_largest(plan: Plan) -> None:
    """Every exercise counts 1 at its start, for repetitions and seconds cannot be added."""
    first: dict[str, int] = {}
    for session in sessions(plan):
        for entry in session.entries:
            first.setdefault(entry.item, total(entry))
    sizes = [
        (one.day, sum(total(entry) / first[entry.item] if first[entry.item] else 1.0 for entry in one.entries))
        for one in sessions(plan)
        if one.entries
    ]
    for day, size in sizes:
        if (day - plan.start).days >= 7:
            window = [other for earlier, other in sizes if day - 30 * DAY <= earlier < day]
            assert not window or size <= max(window) * 1.1 + 1e-9, day


def decides_with_care(plan: Plan) -> None:
    by_day = {entry.day: entry for entry in plan.logged}
    assert len({week.number for week in plan.weeks}) == len(plan.weeks) <= 60
    for before, week in pairwise(plan.weeks):
        assert week.because
        assert week.step in ("up", "hold", "back")
        if before.state != "past" or week.step != "up":
            continue
        for session in before.sessions:
            if session.entries:
                told = by_day[session.day]
                assert told.pain_during is not None, "pain was not told"
                assert told.pain_next_morning is not None, "pain was not told"
                assert max(told.pain_during, told.pain_next_morning, told.pain_before or 0) <= plan.pain_at_most
                assert {entry.item for entry in session.entries} <= {done.item for done in told.done}
        assert all(
            not (entry.soreness_hours or 0) >= 24 for entry in plan.logged if before.first <= entry.day <= before.last
        )
    states = [week.state for week in plan.weeks]
    assert states == sorted(states, key=["past", "now", "forecast"].index)
    assert states.count("now") <= 1


def stops_at_once(plan: Plan) -> None:
    stopped = [entry.day for entry in plan.logged if entry.stop_signs or worst(entry) > 5]
    assert bool(stopped) == (plan.stopped is not None)
    if plan.stopped is not None:
        assert plan.stopped.acuity >= Acuity.SAME_DAY
        assert all(session.day <= min(stopped) for session in sessions(plan))
        assert plan.week is None
        assert str(plan).startswith(" ".join(plan.stopped.page()[0].lines[0].split())[:40])


def worst(entry: Any) -> int:
    return max(entry.pain_before or 0, entry.pain_during or 0, entry.pain_next_morning or 0)


def survives_a_restart(plan: Plan) -> None:
    text = plan.to_json()
    again = Plan.from_json(text)
    assert again == plan
    assert again.to_json() == text
    assert str(again) == str(plan)


LAWS = (
    only_what_is_given,
    rests_between,
    ends_on_its_day,
    grows_slowly,
    no_session_far_above_the_largest,
    decides_with_care,
    stops_at_once,
)


def test_every_law_holds_for_every_plan_and_log() -> None:
    """Whatever is answered, wished and logged; and each step is reached often, so that no law is tested on nothing."""
    reached: Counter[str] = Counter()

    @quick
    @given(histories())
    def holds(history: list[Plan]) -> None:
        for plan in history:
            for law in LAWS:
                law(plan)
        reached.update(week.step for week in history[-1].weeks if week.state != "forecast")

    holds()
    assert all(reached[step] >= 8 for step in ("start", "up", "hold", "back")), reached


def test_every_law_holds_where_signs_stop_a_plan() -> None:
    """A stop sign ends the plan, with a triage of today or more acute, and nothing after it."""
    reached: Counter[bool] = Counter()

    @settings(quick, max_examples=30)
    @given(histories(stops=True))
    def holds(history: list[Plan]) -> None:
        for law in LAWS:
            law(history[-1])
        survives_a_restart(history[-1])
        reached[history[-1].stopped is not None] += 1

    holds()
    assert all(reached[stopped] >= 5 for stopped in (True, False)), reached


@pytest.mark.parametrize("name", sorted(cared_for()))
def test_every_example_of_self_care_has_a_plan(name: str) -> None:
    """An error for none: where no exercise is given, the plan is small and right. It reads well after a restart."""
    for equipment in (None, EQUIPMENT):
        plan = make_plan(cared_for()[name], start=MONDAY, equipment=equipment)
        for law in LAWS:
            law(plan)
        survives_a_restart(plan)
        text = str(plan)
        assert "Answer the questions again on" in text
        assert max(map(len, text.splitlines())) <= 80


def test_a_model_pupil_goes_up_every_week() -> None:
    """With all done and no pain; else every law above would hold of a plan that never moves."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    forecast = [week.sessions for week in plan.weeks]
    while plan.week is not None:
        for session in plan.week.sessions:
            plan = plan.log(session.day, done=True, pain_during=0, pain_next_morning=0)
    assert [week.step for week in plan.weeks] == ["start", *["up"] * 5]
    assert [week.sessions for week in plan.weeks] == forecast
    assert "There are no more sessions" in str(plan)


# -- what a plan starts with -----------------------------------------------------------------------------------------


def first(plan: Plan) -> dict[str, str]:
    """What stands in the first session, by item."""
    session = sessions(plan)[0]
    return {entry.item: entry.amount for entry in (*session.entries, *session.stretches)}


def test_a_plan_starts_with_the_smallest_dose_that_applies() -> None:
    """3 sets of 12 for most; one set of 8 for those who start low, by the typed dose beside its words."""
    strong = assess(leg_weakness=True, toe_standing_hard=True)
    assert first(make_plan(strong, start=MONDAY))["standing_calf_raise"] == "3 sets of 12"
    assert first(make_plan(assess(**WEAK), start=MONDAY))["standing_calf_raise"] == "1 set of 8"
    old = assess(wants_stronger_calves=True, age_years=70)
    assert first(make_plan(old, start=MONDAY))["single_leg_calf_raise"] == "1 set of 6 on each side"


def test_the_order_of_days_and_equipment_means_nothing() -> None:
    """Nor do capitals, or a word that stands twice."""
    one = make_plan(assess(**READY), start=MONDAY, days=["mon", "thu", "sun"], equipment=["step", "Bosu"])
    other = make_plan(assess(**READY), start=MONDAY, days=["SUN", "thu", "mon", "mon"], equipment=["bosu", "step"])
    assert one.to_json() == other.to_json()


def test_what_is_not_at_hand_is_left_out_and_said() -> None:
    """Without a step no heel drop; a standing raise needs none, for the flat floor will do."""
    strong = assess(leg_weakness=True, toe_standing_hard=True)
    without, with_step = (make_plan(strong, start=MONDAY, equipment=words) for words in (None, ["step"]))
    assert [(left.item, left.because) for left in without.left_out] == [("heel_drop", "Not at hand: step.")]
    assert "heel_drop" not in first(without)
    assert first(with_step)["heel_drop"] == "3 sets of 10"
    assert {"standing_calf_raise", "seated_calf_raise"} <= first(without).keys()


def test_heel_raises_shape_the_single_leg_raise() -> None:
    """It starts at half of what the weaker leg can do, and never above its dose."""
    told = assess(**READY)
    for sides, amount in (((8, 30), "2 sets of 4"), ((1, 1), "2 sets of 1"), ((30, 28), "2 sets of 10")):
        for both in (sides, sides[::-1]):
            plan = make_plan(told, start=MONDAY, heel_raises=both)
            assert first(plan)["single_leg_calf_raise"] == f"{amount} on each side"
            assert any("10 %" in note for note in plan.notes) == (sides == (8, 30))
    counted = {"heel_raises_counted": True, "heel_raises_left_count": 9, "heel_raises_right_count": 14}
    answered = assess(leg_weakness=True, weakness_side="one_slightly", weakness_onset="years", **counted)
    assert first(make_plan(answered, start=MONDAY))["single_leg_calf_raise"] == "2 sets of 4 on each side"


def test_exactly_one_tendon_programme_is_chosen() -> None:
    """The first that can be done, or the one that is wished; the others are left out, the seed's drop always."""
    tendon = of("mid_tendon_pain")
    programmes = {*STEER.programmes}
    for equipment, wish, chosen in (
        (None, None, "tendon_floor_raise"),
        (["step"], None, "tendon_heel_drop_programme"),
        (["step"], "tendon_step_by_step_programme", "tendon_step_by_step_programme"),
        (["gym weights"], "tendon_slow_heavy_programme", "tendon_slow_heavy_programme"),
    ):
        plan = make_plan(tendon, start=MONDAY, equipment=equipment, programme=wish)
        planned = {name for session in sessions(plan) for name in session_items(session)}
        assert planned & programmes == {chosen}
        assert programmes - {chosen} <= {left.item for left in plan.left_out}
        assert "heel_drop" not in planned
        assert plan.pain_at_most == 5
    assert (plan.end - plan.start).days == 84
    assert first(make_plan(tendon, start=MONDAY, equipment=["step"]))["tendon_heel_drop_programme"] == (
        "3 sets of 15, twice a day"
    )


def test_a_strain_rests_first_then_sits_then_stands() -> None:
    """No exercise in the first three days; a stage at a time, once it was looked at again."""
    strain = of("mild_calf_strain")
    assert sessions(make_plan(strain, start=MONDAY, days=WEEKDAYS)) == []
    plan = make_plan(retriage(strain, strain.answers, days=2).assessment, start=MONDAY, days=WEEKDAYS)
    assert (plan.end - MONDAY).days == 12
    assert sessions(plan)[0].day == MONDAY + 3 * DAY
    assert plan.pain_at_most == 2
    assert any("walking does not hurt" in note for note in plan.notes)
    assert {name for one in sessions(plan) for name in session_items(one)} == {"seated_calf_raise"}
    older = assess(calf_pain=True, pain_side="one_leg", pain_began="felt_pull", pain_duration="weeks_1_to_2")
    assert isinstance(older.disposition, SelfCare)
    assert make_plan(older, start=MONDAY).end == MONDAY + 2 * DAY
    plan = make_plan(retriage(older, older.answers, days=2).assessment, start=MONDAY)
    stages = [{entry.item for one in week.sessions for entry in one.entries} for week in plan.weeks]
    assert stages == [{"seated_calf_raise"}, {"standing_calf_raise"}]
    for session in plan.weeks[0].sessions:
        plan = plan.log(session.day, done=True, pain_during=3, pain_next_morning=0)
    assert {entry.item for one in plan.weeks[1].sessions for entry in one.entries} == {"seated_calf_raise"}


def test_a_person_without_exercises_still_has_a_plan() -> None:
    """Cramps: a stretch before sleep every night; soreness: a stretch, and the day to look again."""
    cramps = make_plan(of("night_cramps"), start=MONDAY)
    assert [one.day for one in cramps.weeks[0].sessions] == [MONDAY + DAY * number for number in range(7)]
    assert first(cramps)["nightly_cramp_stretch"] == "3 times 10 seconds on each side, 10 seconds rest between"
    sore = make_plan(of("sore_calves_after_exercise"), start=MONDAY)
    assert (sore.end - MONDAY).days == 2
    assert not any(session.entries for session in sessions(sore))


def test_a_gate_names_what_opens_it_and_is_never_planned() -> None:
    """Jumps and domes wait for the balance check and the raises; at 70 jumps do not come later either."""
    later = {one.item: one.opens for one in make_plan(assess(wants_stronger_calves=True), start=MONDAY).later}
    assert {"first_jumps", "bosu_calf_raise", "balance_board", "single_leg_deadlift"} <= later.keys()
    assert "25 raises" in later["first_jumps"]
    old = make_plan(assess(wants_stronger_calves=True, age_years=70), start=MONDAY)
    assert not {"first_jumps", "plyometric_calf_and_quad_raise"} & {one.item for one in old.later}


def test_a_dome_waits_for_thirty_seconds_on_one_leg() -> None:
    """Until they are logged it stands among what comes later; then it takes the place of the stand."""
    plan = make_plan(assess(**READY), start=MONDAY, equipment=["Bosu"])
    assert "bosu_calf_raise" in {one.item for one in plan.later}
    week = plan.weeks[0].sessions
    for session in week:
        done = {entry.item: True for entry in session.entries}
        told: dict[str, bool | int] = {**done, "single_leg_stand": 30}
        plan = plan.log(session.day, done=told, pain_during=0, pain_next_morning=0)
    items = {entry.item for one in plan.weeks[1].sessions for entry in one.entries}
    assert "bosu_calf_raise" in items
    assert "single_leg_stand" not in items


def test_a_load_is_added_at_the_top_only_and_only_without_pain() -> None:
    """At 3 sets of 15 the next step is weight, if it is at hand and nothing hurt."""
    for equipment, pain, load in ((["dumbbell"], 0, 1), (None, 0, 0), (["dumbbell"], 1, 0)):
        plan = make_plan(assess(leg_weakness=True, toe_standing_hard=True), start=MONDAY, equipment=equipment)
        for week in range(5):
            for session in plan.weeks[week].sessions:
                plan = plan.log(session.day, done=True, pain_during=pain, pain_next_morning=0, soreness_hours=0)
        entry = next(entry for entry in plan.weeks[4].sessions[0].entries if entry.item == "seated_calf_raise")
        assert (entry.repetitions, entry.load) == (15, load)
        assert ("added weight" in entry.amount) == bool(load)


# -- what the log decides --------------------------------------------------------------------------------------------


def logged_week(plan: Plan, **told: Any) -> Plan:
    """The plan after every session of its present week was told in the same words."""
    assert plan.week is not None
    for session in plan.week.sessions:
        plan = plan.log(
            session.day, **{"done": True, "pain_during": 0, "pain_next_morning": 0, "soreness_hours": 0, **told}
        )
    return plan


@pytest.mark.parametrize(
    ("told", "step", "word"),
    [
        ({}, "up", "All sessions were done"),
        ({"pain_during": 3}, "up", "All sessions were done"),
        ({"pain_during": 1, "soreness_hours": None}, "hold", "for how long it stayed worse"),
        ({"soreness_hours": None}, "up", "All sessions were done"),
        ({"pain_during": None}, "hold", "not told is not none"),
        ({"pain_next_morning": None}, "hold", "not told is not none"),
        ({"done": False}, "hold", "left out"),
        ({"done": {"standing_calf_raise": True}}, "hold", "Not every set"),
        ({"pain_during": 4}, "back", "Pain went above 3"),
        ({"pain_next_morning": 4}, "back", "Pain went above 3"),
        ({"soreness_hours": 24}, "back", "worse for a day"),
    ],
)
def test_a_week_goes_up_stays_or_goes_back_and_says_why(told: dict[str, Any], step: str, word: str) -> None:
    """By the stated rules alone; pain that was not told is not taken as none."""
    plan = logged_week(make_plan(assess(**WEAK), start=MONDAY), **told)
    assert plan.weeks[1].step == step
    assert word in plan.weeks[1].because
    assert plan.stopped is None


def test_what_hurt_is_not_done_again_the_same_week() -> None:
    """Pain of 4 on Monday: Wednesday is a quarter less already, and the week after stays there."""
    plan = make_plan(assess(leg_weakness=True, toe_standing_hard=True), start=MONDAY)
    plan = plan.log(MONDAY, done=True, pain_during=4, pain_next_morning=0)
    raises = [one.entries[0].amount for one in sessions(plan)[:4]]
    assert raises == ["3 sets of 12", "3 sets of 9", "3 sets of 9", "3 sets of 9"]
    assert "Lighter after Mon 2 Mar: pain went above 3 of 10" in plan.weeks[0].because
    assert plan.weeks[1].step == "back"
    assert "one calf hurts" not in plan.weeks[0].because.replace("You had named no pain: if one calf hurts", "")


def test_new_pain_the_next_morning_is_to_be_answered() -> None:
    """Who named no pain, and has some, is told to answer again; one calf that hurts is no training matter."""
    plan = logged_week(make_plan(assess(**WEAK), start=MONDAY), pain_next_morning=2)
    assert "if one calf hurts, answer the questions again today" in plan.weeks[1].because


def test_two_weeks_without_a_session_begin_lower() -> None:
    """One is repeated; after the second the load goes back, and nobody is blamed."""
    plan = make_plan(assess(leg_weakness=True, toe_standing_hard=True), start=MONDAY)
    plan = plan.log(MONDAY + 14 * DAY, done=True, pain_during=0, pain_next_morning=0)
    assert [week.step for week in plan.weeks[:3]] == ["start", "hold", "back"]
    assert "2 weeks" in plan.weeks[2].because


def test_tendon_pain_has_to_be_back_by_the_next_morning() -> None:
    """Up to 5 is allowed; what is not back goes back, what is not known stays, and a rise by the week goes back."""
    tendon = make_plan(of("mid_tendon_pain"), start=MONDAY, equipment=["step"])
    assert logged_week(tendon, pain_before=2, pain_during=5, pain_next_morning=2).weeks[1].step == "up"
    assert logged_week(tendon, pain_before=1, pain_during=2, pain_next_morning=2).weeks[1].step == "back"
    assert "before" in logged_week(tendon, pain_during=2, pain_next_morning=2).weeks[1].because
    rising = logged_week(logged_week(tendon, pain_during=2), pain_during=3)
    assert (rising.weeks[2].step, rising.weeks[2].because[:9]) == ("back", "Pain rose")


# -- stop signs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", sorted(STEER.stop_signs))
@pytest.mark.parametrize("name", ["weak_from_little_use", "mid_tendon_pain", "mild_calf_strain", "night_cramps"])
def test_a_stop_sign_is_a_new_triage_at_once(sign: str, name: str) -> None:
    """Of the plan's own answers with it: today at the latest. Its page comes first, and no session is left."""
    plan = make_plan(of(name), start=MONDAY)
    day = next((one.day for one in sessions(plan)), MONDAY + DAY)
    stopped = plan.log(day, done=False, stop_signs=[sign])
    assert stopped.stopped is not None
    assert stopped.stopped.acuity >= Acuity.SAME_DAY
    assert all(one.day <= day for one in sessions(stopped))
    assert str(stopped).startswith(str(stopped.stopped).partition(" ")[0])
    assert "Your plan has stopped" in str(stopped)
    with pytest.raises(PlanError, match="the plan has stopped"):
        stopped.log(MONDAY, done=False, replace=True)
    again = stopped.log(day, done=False, stop_signs=["chest_pain", sign], replace=True)
    assert again.stopped is not None
    assert again.stopped.acuity is Acuity.EMERGENCY


@pytest.mark.parametrize("pain", range(6, 11))
@pytest.mark.parametrize("when", ["pain_before", "pain_during", "pain_next_morning"])
def test_pain_above_five_stops_whatever_the_picture(pain: int, when: str) -> None:
    """The number that was told, or that the worst may be more: the more acute of the two."""
    for name in ("weak_from_little_use", "mid_tendon_pain", "sore_calves_after_exercise"):
        plan = make_plan(of(name), start=MONDAY)
        told: dict[str, Any] = {when: pain}
        stopped = plan.log(MONDAY, done=False, **told).stopped
        assert stopped is not None
        assert stopped.acuity >= Acuity.SAME_DAY


# -- what cannot be read ---------------------------------------------------------------------------------------------


def problems(**wishes: Any) -> tuple[str, ...]:
    with pytest.raises(PlanError) as caught:
        make_plan(**{"assessment": assess(**WEAK), "start": MONDAY, **wishes})
    return caught.value.problems


def test_an_escalation_has_no_programme() -> None:
    """It is followed as it stands."""
    assert problems(assessment=triage({"breathless": True})) == (
        "these answers end in an escalation, which has no programme: be seen as its page says",
    )


def test_all_that_is_wrong_with_a_wish_is_told_at_once() -> None:
    """With near words."""
    found = problems(
        start=datetime(2026, 3, 2),
        days=["mom", "monday"],
        equipment=["dumbell", 3],
        heel_raises=(0, 1.5),
        programme="x",
    )
    text = "\n".join(found)
    for told in ("start:", "'monday'", "'dumbbell'", "expected a list of words", "heel_raises:", "programme:"):
        assert told in text
    assert problems(days=[]) == ("days: expected one or more of mon, tue, wed, thu, fri, sat, sun",)
    assert problems(days="mon") == ("days: expected a list of words",)
    assert any("cannot rise at all" in line for line in problems(assessment=assess(**READY), heel_raises=(0, 12)))
    assert problems(heel_raises=(12, 12)) == (
        "heel_raises: the self-test is not for these answers, so no count is taken",
    )


def test_the_rules_have_to_be_those_of_the_assessment() -> None:
    """Others, or others' words, are refused; so are rules that say nothing of a plan."""
    sitting = triage(MINI.benign(given={"leg_weakness": True, "activity": "sitting"}), rules=MINI)
    assert "no plan.toml" in problems(assessment=sitting, rules=MINI)[0]
    assert "not the rules" in problems(assessment=sitting)[0]
    care = assess(**WEAK)
    assert isinstance(care.disposition, SelfCare)
    more = evolve(
        care, disposition=evolve(care.disposition, withheld=()), answers={**care.answers, "osteoporosis": True}
    )
    assert problems(assessment=more) == ("the rules do not say this of these answers; triage them again",)
    with pytest.raises(TypeError, match="RuleSet"):
        make_plan(care, start=MONDAY, rules={})  # type: ignore[arg-type]


def test_a_home_made_rule_set_steers_its_own_plan(tmp_path: Path) -> None:
    """And a stop sign that leads to self-care still ends the plan; check says that it does."""
    folder = tmp_path / "rules"
    shutil.copytree(Path(__file__).parent / "folders" / "mini", folder)
    text = (Path(__file__).parent / "folders" / "plan" / "plan.toml").read_text("utf-8")
    (folder / "plan.toml").write_text(text.replace('yes = ["breathless"]', 'yes = ["leg_weakness"]'), "utf-8")
    rules = load_rules(folder)
    care = triage(rules.benign(given={"leg_weakness": True, "activity": "sitting"}), rules=rules)
    plan = make_plan(care, start=MONDAY, rules=rules)
    assert first(plan) == {"calf_raise": "3 sets of 12 on each side"}
    stopped = plan.log(MONDAY, done=True, stop_signs=["breathless"], rules=rules)
    assert isinstance(stopped.stopped.disposition if stopped.stopped else None, SelfCare)
    assert stopped.week is None
    assert str(stopped).startswith("Your plan has stopped")
    assert "Do not wait" in str(stopped)
    assert "plan.toml: [stop.breathless]: ends in self_care; it asks for at least same_day" in check(rules)
    (folder / "plan.toml").write_text(text.replace("one_leg_swollen", "cancer"), "utf-8")
    assert "plan.toml: [gate.swelling]: no item is contraindicated by 'cancer'" in check(load_rules(folder))


def test_all_that_is_wrong_with_a_log_entry_is_told_and_no_value() -> None:
    """And a stop sign among it is triaged all the same."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    with pytest.raises(PlanError) as caught:
        plan.log(
            MONDAY + 100 * DAY,
            done={"standing_calf_rise": True, "heel_drop": 99_999},
            pain_during=77,
            pain_next_morning=True,
            soreness_hours=-1,
            stop_signs=["chest_pain", BAD],
        )
    text = str(caught.value)
    for told in ("day:", "'heel_drop'", "pain_during:", "pain_next_morning:", "soreness_hours:", "stop_signs:"):
        assert told in text
    assert "77" not in text
    assert "99" not in text
    assert caught.value.assessment is not None
    assert caught.value.assessment.acuity is Acuity.EMERGENCY
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.problems, again.assessment) == (caught.value.problems, caught.value.assessment)


def test_a_day_is_told_anew_only_on_purpose() -> None:
    """Without replace it is refused; with it the plan is that of the new words alone."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    once = plan.log(MONDAY, done=True, pain_during=4)
    with pytest.raises(PlanError, match="told before"):
        once.log(MONDAY, done=True)
    assert once.log(MONDAY, done=True, pain_during=0, replace=True) == plan.log(MONDAY, done=True, pain_during=0)
    assert plan.logged == ()
    with pytest.raises(PlanError, match="no session stands"):
        plan.log(MONDAY + DAY, done=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"item":"standing_calf_raise"', '"item":"first_jumps"'),
        ('"day":"2026-03-02"', '"day":"2026-05-02"'),
        ('"days":["mon"', '"days":["day"'),
        ('"end":"2026-04-13"', '"end":"2029-04-13"'),
        ('"stopped":null', '"stopped":3'),
        ('"state":"now"', f'"state":"{BAD}"'),
        ('"sets":1', '"sets":1.5'),
        ('{"assessment"', '{"more":1,"assessment"'),
    ],
)
def test_what_is_no_plan_is_refused_without_its_values(old: str, new: str) -> None:
    """Strictly, with every problem; above all a session with what the assessment did not give."""
    text = make_plan(assess(**WEAK), start=MONDAY).to_json()
    assert old in text
    with pytest.raises(ValueError, match="not a plan") as caught:
        Plan.from_json(text.replace(old, new, 1))
    assert BAD not in str(caught.value)


def test_a_saved_plan_that_was_changed_gives_nothing_that_is_withheld() -> None:
    """Its advice is weighed against its answers again, before anything is planned from it."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    changed = Plan.from_json(plan.to_json().replace('"osteoporosis":false', '"osteoporosis":true'))
    with pytest.raises(PlanError, match="triage them again"):
        changed.log(MONDAY, done=True)


def test_a_restart_changes_nothing() -> None:
    """What is logged after it gives the same plan as without it."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    again = Plan.from_json(plan.to_json())
    assert again.log(MONDAY, done=True, pain_during=1) == plan.log(MONDAY, done=True, pain_during=1)


def test_the_repr_of_a_plan_holds_no_answer() -> None:
    """So that it may be logged."""
    assert repr(make_plan(assess(**WEAK), start=MONDAY)) == "<Plan 2026-03-02 to 2026-04-13>"


def test_the_repr_of_a_plan_s_parts_tells_nothing_of_how_it_went() -> None:
    """Two days that went differently are shown alike, and so are the weeks that hold them."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    well = plan.log(MONDAY, done=True, pain_during=0, pain_next_morning=0)
    badly = plan.log(MONDAY, done={"standing_calf_raise": 3}, pain_before=1, pain_during=5, stop_signs=["chest_pain"])
    assert repr(well.logged) == repr(badly.logged)
    assert repr(well.logged[0].done[0]) == repr(badly.logged[0].done[0])
    sore = plan.log(MONDAY, done=True, pain_during=4)
    assert "4 of 10" not in repr(sore.weeks)
    assert "Pain" not in repr(sore.weeks)
    weeks = [week.because for week in sore.weeks]
    assert any("Pain" in because for because in weeks), "nothing to hide"


# -- a list of entries -----------------------------------------------------------------------------------------------


def test_a_list_of_entries_is_read_like_one_after_another() -> None:
    """Days as dates or as ISO texts; what comes after a stop without a sign is counted, and not read."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    entries = [{"day": "2026-03-02", "done": True, "pain_during": 1}, {"day": date(2026, 3, 4), "done": False}]
    one_by_one = plan.log(MONDAY, done=True, pain_during=1).log(MONDAY + 2 * DAY, done=False)
    assert logged_from(plan, entries) == logged_from(plan, {"log": entries}) == (one_by_one, 0)
    stop = {"day": "2026-03-03", "done": False, "stop_signs": ["faint"]}
    stopped, skipped = logged_from(plan, [stop, entries[1]])
    assert stopped.stopped is not None
    assert skipped == 1


def test_a_list_that_cannot_be_read_tells_all_and_hides_no_sign() -> None:
    """Every entry's problems, with its number; the most acute of the signs all the same."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    with pytest.raises(PlanError) as caught:
        logged_from(plan, [{"dai": 1, "done": 7}, {"day": "x", "done": True, "stop_signs": ["breathless"]}])
    assert [line for line in caught.value.problems if "entry 1" in line and "'dai'" in line]
    assert [line for line in caught.value.problems if "entry 2: day" in line]
    assert caught.value.assessment is not None
    assert caught.value.assessment.acuity is Acuity.EMERGENCY
    wrong: Any
    for wrong in (None, 3, "x", [1], {"logs": []}):
        with pytest.raises(PlanError, match="expected a list"):
            logged_from(plan, wrong)


def test_a_long_list_is_cut_and_said() -> None:
    """No plan has more days than a year and a little; what stands beyond is not read."""
    plan = make_plan(assess(**WEAK), start=MONDAY)
    with pytest.raises(PlanError, match="more than 400 entries"):
        logged_from(plan, [{"day": "2026-03-02", "done": False}] * 401)


def test_a_follow_up_s_day_is_the_end() -> None:
    """An assessment that names another day than its rules' first is planned to that day alone."""
    strain = of("mild_calf_strain")
    assert isinstance(strain.disposition, SelfCare)
    later = evolve(strain, disposition=evolve(strain.disposition, look_again_days=12))
    assert make_plan(later, start=MONDAY).end == MONDAY + 12 * DAY


def test_four_days_a_week_are_for_the_trained() -> None:
    """With every day to choose from: three in any seven for most, four for the trained, and never two running."""
    for level, most in (("some", 3), ("trained", 4)):
        care = assess(wants_stronger_calves=True, activity_level=level)
        days = [session.day for session in sessions(make_plan(care, start=MONDAY, days=WEEKDAYS))]
        assert max(sum(day <= other < day + 7 * DAY for other in days) for day in days) == most
        assert not any(day + DAY in days for day in days)


def test_an_exercise_that_was_changed_gets_no_load() -> None:
    """With diabetes the standing raise is done in shoes, so only the seated one, given unchanged, gets weight."""
    care = assess(leg_weakness=True, toe_standing_hard=True, diabetes=True)
    plan = make_plan(care, start=MONDAY, equipment=["dumbbell"])
    for week in range(5):
        for session in plan.weeks[week].sessions:
            plan = plan.log(session.day, done=True, pain_during=0, pain_next_morning=0)
    loads = {entry.item: entry.load for entry in plan.weeks[4].sessions[0].entries}
    assert (loads["seated_calf_raise"], loads["standing_calf_raise"]) == (1, 0)


def test_a_gate_that_never_opens_is_not_promised() -> None:
    """Were age the only reason, jumps would still not come later at 70; at 40 they would."""
    jumps = RULES.advice["first_jumps"]
    waits = tuple(one for one in jumps.contraindicated_by if one.text == "jumps_not_ready")
    rules = evolve(RULES, advice={**RULES.advice, "first_jumps": evolve(jumps, contraindicated_by=waits)})
    for age, promised in ((70, False), (40, True)):
        care = triage(rules.benign(given={"wants_stronger_calves": True, "age_years": age}), rules=rules)
        later = {one.item for one in make_plan(care, start=MONDAY, rules=rules).later}
        assert ("first_jumps" in later) == promised


def test_the_earliest_end_of_the_rules_that_gave_the_advice_is_the_end() -> None:
    """Cramps with effort are looked at after two weeks, cramps at night after six: together after two."""
    both = of("exercise_cramps")
    assert {rule.id for rule in both.because} == {"exercise_cramps", "night_cramps"}
    assert make_plan(both, start=MONDAY).end == MONDAY + 14 * DAY


def test_jumps_have_two_days_between_them() -> None:
    """48 to 72 hours, though the other exercises have one."""
    plan = make_plan(assess(**READY), start=MONDAY, days=WEEKDAYS, equipment=["bench"])
    jumps = [one.day for one in sessions(plan) if {"first_jumps", STEER.ladders[1].items[1]} & {*session_items(one)}]
    assert len(jumps) > 6
    assert all((later - before).days > 2 for before, later in pairwise(jumps))


# -- a plan that was kept, and was changed ---------------------------------------------------------------------------


def weak_plan(**wishes: Any) -> Plan:
    return make_plan(assess(**WEAK), start=MONDAY, **wishes)


@lru_cache
def tampered() -> dict[str, Plan]:
    """Plans that no answers and no log make, by what was changed."""
    plan = weak_plan()
    week = plan.weeks[0]
    session = week.sessions[0]
    huge = evolve(session.entries[0], sets=30, repetitions=200, amount="30 sets of 200")
    more = evolve(week, sessions=(evolve(session, entries=(huge,)), *week.sessions[1:]))
    care = plan.assessment
    return {
        "answers": evolve(plan, assessment=evolve(care, answers={**care.answers, "breathless": True})),
        "log": evolve(plan, logged=plan.log(MONDAY, done=False, stop_signs=["chest_pain"]).logged),
        "pain": evolve(plan, logged=plan.log(MONDAY, done=False, pain_during=9).logged),
        "stop rules": evolve(plan, stop_rules=()),
        "end": evolve(plan, end=plan.end - DAY, weeks=plan.weeks[:1]),
        "weeks": evolve(plan, weeks=()),
        "amount": evolve(plan, weeks=(more, *plan.weeks[1:])),
        "pain limit": evolve(plan, pain_at_most=10),
        "days": evolve(plan, days=("mon",) * 100_000),
        "order of days": evolve(plan, days=plan.days[::-1]),
        "number": evolve(plan, assessment=evolve(care, region=evolve(care.region, name="Nowhere"))),
        "heel raises": evolve(plan, heel_raises=(0, 0)),
        "sign": evolve(plan, logged=(evolve(plan.log(MONDAY, done=False).logged[0], stop_signs=(BAD,)),)),
    }


@pytest.mark.parametrize("what", sorted(tampered()))
def test_a_kept_plan_is_compared_with_what_it_was_made_from(what: str) -> None:
    """Whatever was changed in it, it is refused, and goes on with no log; an emergency in it is told all the same."""
    changed = tampered()[what]
    with pytest.raises(PlanError, match="the saved plan is not what these answers and this log make") as caught:
        changed.checked()
    acute = caught.value.assessment
    assert (acute is not None) == (what in ("answers", "log", "pain"))
    if acute is not None:
        assert acute.acuity >= (Acuity.SAME_DAY if what == "pain" else Acuity.EMERGENCY)
    for log in (lambda: changed.log(MONDAY + DAY, done=False), lambda: logged_from(changed, [])):
        with pytest.raises(PlanError, match="make it anew"):
            log()
    assert weak_plan().checked() == weak_plan()


def test_a_kept_plan_that_is_none_whatever_the_rules_is_not_read() -> None:
    """A sign without its stop, a day outside or twice, more than seven weekdays, days at the end of time."""
    plan = weak_plan()
    told = plan.log(MONDAY, done=False).logged[0]
    stop = evolve(told, stop_signs=("chest_pain",))
    for changed in (
        evolve(plan, logged=(stop,)),
        evolve(plan, logged=(told, told)),
        evolve(plan, logged=(evolve(told, day=plan.end),)),
        evolve(plan, logged=(evolve(told, pain_during=11),)),
        evolve(plan, days=("mon",) * 8),
        evolve(plan, start=date.max),
        evolve(plan, start=date.min),
    ):
        with pytest.raises(PlanError, match="not a plan") as caught:
            Plan.from_json(changed.to_json())
        acute = any(one.stop_signs or worst(one) > 5 for one in changed.logged)
        assert (caught.value.assessment is not None) == acute


def test_every_plan_and_log_is_what_it_was_made_from() -> None:
    """Kept and read, a plan of any answers, wishes and log is found sound; else people would lose theirs."""

    @settings(quick, max_examples=25)
    @given(histories(stops=True))
    def holds(history: list[Plan]) -> None:
        assert Plan.from_json(history[-1].to_json()).checked() == history[-1]

    holds()


@pytest.mark.parametrize("days", [-5, 0, 43, 3650, 10**6, 10**9, True])
def test_a_date_that_no_rule_gave_is_refused(days: int) -> None:
    """A follow-up gives at most the latest of its rules; neither a crash nor a plan for ten years."""
    care = assess(**WEAK)
    assert isinstance(care.disposition, SelfCare)
    found = problems(assessment=evolve(care, disposition=evolve(care.disposition, look_again_days=days)))
    assert found == ("look_again_days: expected a whole number from 1 to 42, as the rules of these answers say",)


@pytest.mark.parametrize("name", ["mild_calf_strain", "sore_calves_after_exercise"])
def test_no_session_stands_after_the_first_look(name: str) -> None:
    """A strain is looked at again after two days; what comes after is planned from the answers of that day."""
    before = of(name)
    plan = make_plan(before, start=MONDAY)
    assert plan.end == MONDAY + 2 * DAY
    assert not any("No strengthening on" in note for note in plan.notes), "the reason would be wrong"
    after = retriage(before, before.answers, days=2).assessment
    assert isinstance(after.disposition, SelfCare)
    again = make_plan(after, start=MONDAY + 2 * DAY)
    assert again.end == MONDAY + (2 + after.disposition.look_again_days) * DAY > MONDAY + 4 * DAY
    assert again.checked() == again


@pytest.mark.parametrize("start", [date.min, date.max])
def test_a_start_at_the_end_of_time_is_refused_in_words(start: date) -> None:
    """It is a date; what is wrong is where it lies."""
    assert problems(start=start) == ("start: expected a day from 0002-02-05 to 9998-11-26",)


# -- a stop is never taken back --------------------------------------------------------------------------------------


def test_a_sign_that_was_told_stays_told() -> None:
    """To tell the day of a stop anew adds signs and higher pain; it takes none away."""
    stopped = weak_plan().log(MONDAY, done=False, pain_during=7, stop_signs=["chest_pain"])
    again = stopped.log(MONDAY, done=False, pain_during=2, pain_next_morning=3, stop_signs=["pop"], replace=True)
    assert again.logged[0].stop_signs == ("chest_pain", "pop")
    assert (again.logged[0].pain_during, again.logged[0].pain_next_morning) == (7, 3)
    assert again.stopped is not None
    assert again.stopped.acuity is Acuity.EMERGENCY
    assert again.checked() == again


def test_pain_after_a_stop_is_weighed_too() -> None:
    """Pain above the limit, without any sign, is read after a stop, by day and in a list."""
    stopped = weak_plan().log(MONDAY, done=False, stop_signs=["pop"])
    assert len(stopped.log(MONDAY + DAY, done=False, pain_during=9).logged) == 2
    plan, skipped = logged_from(stopped, [{"day": "2026-03-03", "done": False, "pain_during": 9}])
    assert (len(plan.logged), skipped) == (2, 0)


SLIPS: list[dict[str, Any]] = [
    {"stop_signs": "chest_pain"},
    {"stop_signs": "Chest pain"},
    {"stop_signs": ["chest pain"]},
    {"stop_signs": ["chest-pain"]},
    {"stop_signs": ["chest_pian"]},
    {"stop_signs": {"chest_pain": True}, "done": 3},
    {"stop_signs": [None, "chest_pain"]},
    {"stop_signs": [["chest_pain"]]},
    {"stop_sign": ["chest_pain"]},
    {"stop sign": "chest pain"},
    {"chest_pain": True},
]


@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_a_slip_in_writing_a_sign_hides_no_emergency(slip: dict[str, Any]) -> None:
    """It is an error, for the plan takes no guess; the triage of what was evidently meant comes with it."""
    with pytest.raises(PlanError) as caught:
        logged_from(weak_plan(), [{"day": "2026-03-02", "done": False, **slip}])
    assert caught.value.assessment is not None
    assert caught.value.assessment.acuity is Acuity.EMERGENCY
    if slip.keys() <= {"stop_signs", "done"}:
        with pytest.raises(PlanError) as caught:
            weak_plan().log(MONDAY, **{"done": False, **slip})
        assert caught.value.assessment is not None


@pytest.mark.parametrize(
    "pain", [9.5, 9.0, "9", "9,5", "9/10", 11, 10**400, float("inf")], ids=lambda pain: repr(pain)[:6]
)
def test_a_slip_in_writing_severe_pain_hides_no_urgency(pain: Any) -> None:
    """Any number above the limit is above it, however it is written; one that is not, is none."""
    plan = weak_plan()
    with pytest.raises(PlanError, match="pain_during: expected a whole number") as caught:
        plan.log(MONDAY, done=False, pain_during=pain)
    assert caught.value.assessment is not None
    assert caught.value.assessment.acuity >= Acuity.SAME_DAY
    other: Any
    for other in (4.5, "4", "x", float("nan"), True, [9], -9):
        with pytest.raises(PlanError) as caught:
            plan.log(MONDAY, done=False, pain_during=other)
        assert caught.value.assessment is None


def test_a_sign_anywhere_in_a_broken_log_is_weighed() -> None:
    """In a day alone, beside what is no day, or beyond the last that is read."""
    day = {"day": "2026-03-02", "done": False}
    sign = {**day, "stop_signs": ["faint"]}
    wrong: Any
    for wrong in (
        sign,
        [3, sign],
        {"log": sign},
        "faint",
        ["a faint", "faint"],
        [*[day] * 400, sign],
    ):
        with pytest.raises(PlanError) as caught:
            logged_from(weak_plan(), wrong)
        assert caught.value.assessment is not None
        assert caught.value.assessment.acuity is Acuity.EMERGENCY


def test_what_is_no_yes_or_no_does_not_replace() -> None:
    """And a bare word is told what a list of signs looks like."""
    wrong: Any
    for wrong in (1, "yes", None):
        with pytest.raises(PlanError, match="replace: expected True or False"):
            weak_plan().log(MONDAY, done=False, replace=wrong)
    with pytest.raises(PlanError) as caught:
        weak_plan().log(MONDAY, done=False, stop_signs="pop")
    assert caught.value.problems == ('stop_signs: expected a list, as ["chest_pain"]',)


def test_a_long_list_of_wrong_words_is_told_in_short() -> None:
    """Twenty of them, and how many more."""
    found = problems(days=[f"day {number}" for number in range(100)])
    assert (len(found), found[-1]) == (21, "days: … and 80 more")
    with pytest.raises(PlanError) as caught:
        logged_from(weak_plan(), [{"day": "2026-03-02", "done": False, **{f"x{number}": 1 for number in range(100)}}])
    assert (len(caught.value.problems), caught.value.problems[-1]) == (21, "the log: entry 1: … and 80 more")


# -- texts -----------------------------------------------------------------------------------------------------------


def test_signs_to_stop_for_begin_with_emergencies() -> None:
    """Each is no more urgent than the one before, for somebody otherwise well."""
    plan = weak_plan()
    acuity = []
    for rule in plan.stop_rules:
        sign = STEER.stop_signs[rule.id]
        answers = {name: told for name, told in RULES.benign().items() if name not in sign.ask_again}
        for name in sign.yes:
            above: str | None = name
            while above is not None:
                answers[above] = True
                above = RULES.findings.by_id[above].only_if
        acuity.append(triage(answers, engine="plain").acuity)
    assert acuity == sorted(acuity, reverse=True)
    assert acuity[0] is Acuity.EMERGENCY > acuity[-1]
    assert {rule.id for rule in plan.stop_rules} == {*STEER.stop_signs}


def test_where_to_start_is_not_said_of_what_is_past_it() -> None:
    """From 11 repetitions on; what else a change says always stays."""
    plan = weak_plan()
    for session in sessions(plan):
        for entry in session.entries:
            if entry.item == "standing_calf_raise":
                begins = any("Start with one set" in note for note in entry.notes)
                assert begins == (entry.repetitions is not None and entry.repetitions <= 10)
    assert {entry.repetitions for one in sessions(plan) for entry in one.entries} >= {8, 11}


def test_a_bad_day_is_spoken_of_under_the_days() -> None:
    """Where the week stands, not in the head."""
    text = str(weak_plan())
    assert text.index("On a bad day a stretch or a walk") > text.index("Rest day.")
