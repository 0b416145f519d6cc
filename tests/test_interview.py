"""The interview: its laws along any path, its saves, and what it costs the person who answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random

import pytest
from attrs import evolve
from hypothesis import HealthCheck, settings

from calf_triage import UNSURE, Acuity, FindingError, RuleSet, SelfCare, load_rules, triage
from calf_triage._findings import Answer
from calf_triage.check import with_all_below
from calf_triage.interview import Ask, Interview
from calf_triage.strategies import interview_machine
from calf_triage.vignettes import load_vignettes
from tests._laws import telling, when_truth
from tests._rules import MINI, MINI_FOLDER, RULES
from tests.benchmarks.interview import CASES, table

Choose = Callable[[Ask], Answer | None]


def interviewed(rules: RuleSet, choose: Choose) -> list[Interview]:
    """The interview after each of its screens, the first before any."""
    interview = Interview(rules, engine="plain")
    states = [Interview.from_json(interview.to_json(), rules, engine="plain")]
    while interview.screen is not None:
        interview.answer(told(interview, choose))
        states.append(Interview.from_json(interview.to_json(), rules, engine="plain"))
    return states


def told(interview: Interview, choose: Choose) -> dict[str, Answer | None]:
    """One answer to each question of the screen; those of age, and to what brings the person, as for self-care."""
    assert interview.screen is not None
    return {question.id: choose(question) for question in interview.screen.questions}


def at_random(random: Random, rules: RuleSet, mild: float) -> Choose:
    def choose(question: Ask) -> Answer | None:
        if random.random() < mild:
            return question.finding.shown(question.finding.benign)
        return random.choice([*telling(rules)[question.id], None])

    return choose


def weak(question: Ask) -> Answer | None:
    """Forty, calves weak from sitting, and nothing else."""
    story: dict[str, Answer] = {"age_years": 40, "leg_weakness": True, "activity_level": "inactive"}
    return story.get(question.id, question.finding.shown(question.finding.benign))


PATHS = [
    *((MINI, at_random(Random(seed), MINI, mild)) for seed in range(20) for mild in (0.3, 0.9)),
    *((RULES, at_random(Random(seed), RULES, mild)) for seed, mild in ((1, 0.9), (2, 0.97), (3, 0.99), (4, 1.0))),
    (RULES, weak),
]


@pytest.mark.parametrize(("rules", "choose"), PATHS)
def test_it_asks_only_about_open_rules_and_ends_as_one_call_would(rules: RuleSet, choose: Choose) -> None:
    """Each question is read by a rule that is neither fired nor excluded, or by advice that may yet be given."""
    for state in interviewed(rules, choose):
        assessment = state.assessment
        assert assessment == triage(state.answers, rules=rules, engine="plain")
        values, _ = rules.findings.check(state.answers)
        open_ = [rule for rule in rules if when_truth(rules, values, rule.when) is None]
        advice = [
            rules.advice[id] for rule in rules if when_truth(rules, values, rule.when) is not False for id in rule.do
        ]
        criteria = [criterion for rule in open_ for criterion in rule.when]
        criteria += [criterion for item in advice for criterion in item.contraindicated_by]
        criteria += [change.criterion for item in advice for change in item.modified_by]
        read = {criterion.name for criterion in with_all_below(rules, criteria)} | {"age_years"}
        read |= {above for name in list(read) if name in rules.findings.by_id for above in _above(rules, name)}
        if state.screen is not None:
            assert assessment.acuity is not Acuity.EMERGENCY
            assert {question.id for question in state.screen.questions} <= read
        if isinstance(assessment.disposition, SelfCare):
            assert all(rule.acuity is Acuity.SELF_CARE for rule in open_), "self-care with an open red flag"


def _above(rules: RuleSet, name: str) -> list[str]:
    above = rules.findings.by_id[name].only_if
    return [] if above is None else [above, *_above(rules, above)]


@pytest.mark.parametrize(("rules", "choose"), PATHS)
def test_it_ends_within_the_screens_that_it_promised(rules: RuleSet, choose: Choose) -> None:
    """At each screen, no more follow than `more_at_most` says; so it always ends."""
    states = interviewed(rules, choose)
    for number, state in enumerate(states[:-1]):
        assert state.screen is not None
        assert len(states) - 2 - number <= state.screen.more_at_most
        assert state.screen.number == number + 1
    assert states[-1].screen is None


TestMini = interview_machine(MINI).TestCase
TestMini.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
TestBundled = interview_machine().TestCase
TestBundled.settings = settings(
    max_examples=6, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_the_most_dangerous_questions_come_first() -> None:
    """No screen could still mean a more acute rung than the one before it; the safety pages follow the first."""
    states = interviewed(RULES, weak)
    screens = [state.screen for state in states if state.screen is not None]
    tops = [max(question.rung for question in screen.questions) for screen in screens]
    assert tops == sorted(tops, reverse=True)
    pages = [screen.id for screen in screens]
    assert pages[:5] == ["start", "red_flags_1", "red_flags_2", "red_flags_3", "red_flags_4"]
    assert isinstance(states[-1].assessment.disposition, SelfCare)


def test_it_stops_at_once_on_an_emergency() -> None:
    """After the screen with the sign nothing more is asked."""
    interview = Interview()
    interview.answer({"age_years": 70, "sex_at_birth": "male", "calf_pain": True}, rest="none")
    interview.answer({"chest_pain": True}, rest="none")
    assert interview.assessment.acuity is Acuity.EMERGENCY
    assert interview.screen is None
    with pytest.raises(ValueError, match="nothing left to answer"):
        interview.answer({})


@pytest.mark.parametrize("name", [name for name, finding in RULES.findings.by_id.items() if finding.red_flag])
def test_rather_not_say_to_a_red_flag_is_never_self_care(name: str) -> None:
    """Told or not: one red flag that is not said, the rest as mild as can be, and somebody has to look."""
    story: dict[str, Answer] = {"age_years": 40, "leg_weakness": True, "activity_level": "inactive"}
    answers = RULES.benign(given=story)
    if name in answers:
        assert triage(answers, rules=RULES, engine="plain").acuity is Acuity.SELF_CARE
        del answers[name]
        below = RULES.findings.below.get(name, ())
        assert (
            triage(
                {id: answer for id, answer in answers.items() if id not in below}, rules=RULES, engine="plain"
            ).acuity
            > Acuity.SELF_CARE
        )


def test_what_is_declined_is_not_asked_again_and_not_a_no() -> None:
    """Declined on its screen, absent in the answers, and the answer stays unfinished."""

    def choose(question: Ask) -> Answer | None:
        return None if question.id == "sexual_feeling_lost" else weak(question)

    *_, last = interviewed(RULES, choose)
    assert last.not_said == ("sexual_feeling_lost",)
    assert "sexual_feeling_lost" not in last.answers
    assert (last.screen, last.assessment.acuity, last.assessment.settled) == (None, Acuity.SAME_DAY, False)


def test_every_question_says_why_it_is_asked() -> None:
    """For a rung, a cause or an exercise, in words; and once nothing more can raise the answer, the screen says so."""
    seen = set()
    for state in interviewed(RULES, at_random(Random(3), RULES, 0.99)):
        if state.screen is not None:
            assert state.screen.why in {question.why for question in state.screen.questions}
            assert state.screen.optional <= state.assessment.settled
            seen |= {question.why for question in state.screen.questions}
    assert {"The answer could mean calling for help now.", "The answer could mean being seen today."} <= seen


# -- what is answered ------------------------------------------------------------------------------------------------


def test_each_question_has_an_answer_or_the_screen_is_not_taken() -> None:
    """All that is missing or wrong is told at once, and nothing is taken."""
    interview = Interview(RULES)
    with pytest.raises(FindingError) as error:
        interview.answer({"age_years": "old", "calf_pian": True, "saddle_numb": True, "leg_weakness": True})
    text = str(error.value)
    assert "age_years: a text is not an answer here" in text
    assert "'calf_pian': not asked on this screen; did you mean 'calf_pain'?" in text
    assert "'saddle_numb': not asked on this screen" in text
    assert "calf_pain: not answered; expected true, false" in text
    assert "old" not in text.replace("told", "")
    assert interview.answers == {}
    assert interview.screen is not None
    assert interview.screen.number == 1


def test_none_of_these_is_for_statements_only() -> None:
    """A choice or a number is never guessed."""
    with pytest.raises(FindingError) as error:
        Interview(RULES).answer({}, rest="none")
    assert [line.partition(":")[0] for line in error.value.problems] == ["age_years", "sex_at_birth"]


def test_not_sure_and_rather_not_say_are_for_everything() -> None:
    """Both end the interview of anybody, far from self-care."""
    for rest in ("unsure", "not_said"):
        interview = Interview(RULES, engine="plain")
        while interview.screen is not None:
            interview.answer({}, rest=rest)
        assert interview.assessment.acuity >= Acuity.SAME_DAY
        assert bool(interview.not_said) == (rest == "not_said")
        assert set(interview.answers.values()) == (set() if rest == "not_said" else {UNSURE})


def test_one_wrong_field_hides_no_emergency() -> None:
    """The screen is not taken, and the error carries what the rest of it means."""
    interview = Interview(RULES)
    interview.answer({"age_years": 52, "sex_at_birth": UNSURE}, rest="none")
    with pytest.raises(FindingError) as error:
        interview.answer({"breathless": True, "chest_pain": 3}, rest="none")
    assert error.value.assessment is not None
    assert error.value.assessment.acuity is Acuity.EMERGENCY
    assert interview.screen is not None


@pytest.mark.parametrize("rest", ["all", "", True])
def test_an_unknown_rest_is_refused(rest: object) -> None:
    """The three words are the only ones."""
    with pytest.raises(ValueError, match='expected "none", "unsure", "not_said" or None'):
        Interview(MINI).answer({}, rest=rest)  # type: ignore[arg-type]


def test_answers_that_are_no_mapping_are_refused() -> None:
    """As in triage."""
    with pytest.raises(FindingError, match="expected a mapping"):
        Interview(MINI).answer([True])  # type: ignore[arg-type]


def test_back_shows_the_screen_again_with_what_was_said() -> None:
    """The answers are taken back, and stand beside their questions."""
    interview = Interview(RULES)
    first = interview.screen
    interview.answer({"age_years": 52, "sex_at_birth": None, "calf_pain": True}, rest="none")
    interview.back()
    assert interview.answers == {}
    assert interview.not_said == ()
    assert interview.screen is not None
    assert first is not None
    assert [question.id for question in interview.screen.questions] == [question.id for question in first.questions]
    assert {question.id: question.before for question in interview.screen.questions}["age_years"] == 52
    with pytest.raises(ValueError, match="first screen"):
        interview.back()


def test_back_leads_out_of_an_emergency() -> None:
    """A slip of the finger can be mended."""
    interview = Interview(RULES)
    interview.answer({"age_years": 52, "sex_at_birth": None}, rest="none")
    interview.answer({"breathless": True}, rest="none")
    assert interview.screen is None
    interview.back()
    assert interview.screen is not None
    interview.answer({}, rest="none")
    assert interview.assessment.established is Acuity.SELF_CARE


def test_what_is_known_already_is_not_asked() -> None:
    """An app that knows the age does not ask for it, and `back` does not lose it."""
    interview = Interview(RULES, answers={"age_years": 40, "sex_at_birth": None})
    assert interview.screen is not None
    assert "age_years" not in {question.id for question in interview.screen.questions}
    assert "sex_at_birth" in {question.id for question in interview.screen.questions}
    with pytest.raises(ValueError, match="first screen"):
        interview.back()
    with pytest.raises(FindingError):
        Interview(RULES, answers={"age_years": True})


# -- saves -----------------------------------------------------------------------------------------------------------


def half_way() -> Interview:
    interview = Interview(RULES, region="GB", answers={"age_years": 52})
    interview.answer({"sex_at_birth": None, "calf_pain": True}, rest="none")
    interview.answer({"light_headed": UNSURE}, rest="none")
    return interview


def test_a_save_goes_on_where_it_was() -> None:
    """Answers, what was not said, the region and the way back all return."""
    interview = half_way()
    again = Interview.from_json(interview.to_json())
    assert again.to_json() == interview.to_json()
    assert (again.answers, again.not_said, again.screen) == (interview.answers, interview.not_said, interview.screen)
    assert again.assessment == interview.assessment
    assert again.assessment.region.id == "GB"
    again.back()
    interview.back()
    assert again.answers == interview.answers


def test_a_save_of_other_rules_is_refused_unless_it_is_to_be_read_again() -> None:
    """The message says which rules; read again, what these rules cannot read is told and left out."""
    text = half_way().to_json()
    with pytest.raises(ValueError, match="saved with the rules 'calf_triage'") as error:
        Interview.from_json(text, MINI)
    assert "recheck=True" in str(error.value)
    again = Interview.from_json(text, MINI, recheck=True)
    assert again.answers.items() <= half_way().answers.items()
    assert {"age_years", "calf_pain"} <= again.answers.keys()
    assert any("light_headed" in line for line in again.problems)
    assert Interview.from_json(text).problems == ()


def test_a_no_of_another_day_is_asked_again() -> None:
    """Of an old save yes, not sure and the age are kept; what was no, or chosen, or not said, is asked again."""
    *_, done = interviewed(RULES, weak)
    text = done.to_json(on=date(2026, 3, 1))
    for day in (date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)):
        same = Interview.from_json(text, on=day)
        assert (same.answers, same.screen, same.problems) == (done.answers, None, ())
    for day in (date(2026, 3, 3), date(2020, 1, 1)):
        old = Interview.from_json(text, on=day)
        assert old.answers == {"age_years": 40, "leg_weakness": True}
        assert old.problems == (
            "These answers are of 2026-03-01: a yes, a not sure and the age are kept; the rest is asked again.",
        )
        assert old.assessment.acuity is Acuity.SAME_DAY
        assert old.screen is not None
    assert Interview.from_json(half_way().to_json(on=date(2026, 3, 1)), on=date(2026, 4, 1)).not_said == ()


def test_a_no_does_not_beat_a_yes_in_a_save_that_is_read_again() -> None:
    """Answered twice in a tampered save, the more careful counts, and it is told."""
    document = json.loads(half_way().to_json())
    document["rule_set"]["sha256"] = "0" * 64
    document["steps"] += [
        {"screen": "red_flags_1", "answers": {"breathless": True}, "not_said": []},
        {"screen": "red_flags_1", "answers": {"breathless": False, "light_headed": False}, "not_said": []},
    ]
    found = Interview.from_json(json.dumps(document), recheck=True)
    assert (found.answers["breathless"], found.answers["light_headed"]) == (True, UNSURE)
    assert any("'breathless': stands twice" in line for line in found.problems)


@pytest.mark.parametrize("region", [44, "\udcff\udcfe", "G", "england", "1B", None, ["GB"]])
def test_an_odd_region_is_general_wording_and_does_no_harm(region: object) -> None:
    """As in triage; and the save comes back."""
    interview = Interview(MINI, region=region)  # type: ignore[arg-type]
    assert interview.assessment.region.id == "generic"
    assert Interview.from_json(interview.to_json(), MINI).to_json() == interview.to_json()


def test_other_types_are_refused() -> None:
    """As triage refuses them."""
    with pytest.raises(TypeError, match="expected a RuleSet"):
        Interview("x")  # type: ignore[arg-type]
    with pytest.raises(FindingError, match="expected a mapping"):
        Interview(answers=[1])  # type: ignore[arg-type]


def test_the_name_of_other_rules_is_shown_bounded_and_escaped() -> None:
    """A file of unknown origin says no more in an error than fits one."""
    document = json.loads(half_way().to_json())
    document["rule_set"] = {"name": "X\x1b]0;owned\x07" + "A" * 100_000, "version": "1", "sha256": "0" * 64}
    with pytest.raises(ValueError, match="saved with the rules") as error:
        Interview.from_json(json.dumps(document))
    assert len(str(error.value)) < 500
    assert str(error.value).isprintable()


def changed(**what: object) -> str:
    return json.dumps({**json.loads(half_way().to_json()), **what})


HOSTILE = {
    "nothing": "",
    "no text": None,
    "a list": "[]",
    "an assessment": triage({}, rules=MINI).to_json(),
    "deep": "[" * 100_000,
    "huge": " " * (5 * 1024 * 1024),
    "an unknown field": changed(more=1),
    "steps that are none": changed(steps={}),
    "a wrong answer": changed(steps=[{"screen": "start", "answers": {"age_years": "xyzzy"}, "not_said": []}]),
    "an unknown finding": changed(steps=[{"screen": "start", "answers": {"xyzzy": True}, "not_said": []}]),
    "an unknown screen": changed(steps=[{"screen": "xyzzy", "answers": {}, "not_said": []}]),
    "a step without a screen": changed(steps=[{"screen": "", "answers": {}, "not_said": []}] * 2),
    "answered twice": changed(steps=[{"screen": "start", "answers": {"calf_pain": True}, "not_said": ["calf_pain"]}]),
    "an unknown name not said": changed(steps=[{"screen": "start", "answers": {}, "not_said": ["xyzzy"]}]),
    "too many steps": changed(steps=[{"screen": "start", "answers": {}, "not_said": []}] * 2_000),
    "infinity": '{"rule_set": 1e999}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_save_gives_a_short_value_error(text: object) -> None:
    """ValueError and nothing else, bounded."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - each message is told elsewhere
        Interview.from_json(text)  # type: ignore[arg-type]
    assert len(str(error.value)) < 10_000


def test_no_answer_stands_in_the_error_of_a_save_or_in_the_repr() -> None:
    """An answer never reaches a log."""
    with pytest.raises(ValueError, match="not a saved interview") as error:
        Interview.from_json(HOSTILE["a wrong answer"])  # type: ignore[arg-type]
    assert "xyzzy" not in str(error.value)
    assert "52" not in repr(half_way())
    assert "calf_pain" not in repr(half_way())
    assert all("52" not in repr(question) for question in back(half_way()))


def back(interview: Interview) -> tuple[Ask, ...]:
    interview.back()
    assert interview.screen is not None
    return interview.screen.questions


def test_other_rules_with_the_same_version_are_other_rules() -> None:
    """The rule set is told by its content, not by its version."""
    rules = evolve(load_rules(MINI_FOLDER), sha256="0" * 64)
    with pytest.raises(ValueError, match="saved with the rules"):
        Interview.from_json(Interview(MINI).to_json(), rules)


def test_the_readme_says_what_an_interview_costs() -> None:
    """The table of the README is what the whole cases give today: `python -m tests.benchmarks.interview` prints it."""
    readme = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    shown = readme.partition("<!-- interview -->\n")[2].partition("\n<!-- /interview -->")[0]
    assert shown.splitlines() == list(table(RULES, load_vignettes(CASES, RULES)))
