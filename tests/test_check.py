"""What `check` finds in a rule set that loads, and the strategies that reach every rung."""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calf_triage import Acuity, Assessment, RuleSet, load_rules, strategies, triage
from calf_triage.check import check
from tests import _laws as laws
from tests import generated
from tests._laws import Answers
from tests._rules import MINI, MINI_FOLDER, RULES

KNOWN = set(check(MINI))
"""The small rule set is not without fault; what is planted below comes on top."""


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., list[str]]:
    """What check finds in the small rule set once texts of its files are replaced, or added at their ends."""

    def change(file: str, *pairs: tuple[str, str], **added: str) -> list[str]:
        folder = tmp_path / "rules"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(MINI_FOLDER, folder)
        text = (folder / file).read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        (folder / file).write_text(text, encoding="utf-8")
        for path, more in added.items():
            with (folder / path).open("a", encoding="utf-8") as opened:
                opened.write(more)
        return [line for line in check(load_rules(folder)) if line not in KNOWN]

    return change


Changed = Callable[..., list[str]]
WITHOUT_EFFECT = (
    "without it nothing changes in its own examples (acuity, hours, causes, see); other rules say as much already; "
    "give it another rung, cause or place, show a person only it is for, or leave it out"
)


def test_the_bundled_rules_are_consistent() -> None:
    """Nothing is found in the rules that come with the library."""
    assert check(RULES) == ()


def test_what_the_small_rule_set_lacks() -> None:
    """Numbers of a score need examples too, and a rule that says nothing of its own changes nothing."""
    clot = "same_day/suspected_clot.toml:"
    assert sorted(KNOWN) == [
        f"routine/pain.toml: {WITHOUT_EFFECT}",
        f"{clot} 'girth_difference_cm >= 3': no example exactly on 3.0 of girth_difference_cm",
        f"{clot} 'girth_difference_cm >= 3': no example one step below, on 2.9 of girth_difference_cm",
        f"{clot} 'wells >= 2': no example exactly on 2 of wells",
        f"{clot} 'wells >= 2': no example one step below, on 1 of wells",
    ]


def test_an_example_that_does_not_fire_says_what_is_missing(changed: Changed) -> None:
    """And what fired instead."""
    file = "soon/calf_pain_with_factor.toml"
    place = f"{file}: [[example]] 'two days in bed'"
    near_miss, fires = (
        '"two days in bed"\ngiven = { calf_pain = true, cancer = false, bed_days = 2 }\nfires = ' + w
        for w in ("false", "true")
    )
    shown = fires.replace("cancer = false", "one_leg_swollen = true") + "\n[[example]]\nname = " + near_miss
    assert changed("soon/calf_pain_with_factor.toml", (near_miss, shown)) == [
        f"{place}: should fire, but 'clot_factor' is open; fired instead: same_day/suspected_clot"
    ]


def test_an_example_that_fires_against_its_word_says_what_is_met(changed: Changed) -> None:
    """A near miss that is none."""
    assert changed("emergency/suspected_embolism.toml", ("{ breathless = false }", "{ breathless = true }")) == [
        "emergency/suspected_embolism.toml: [[example]] 'not breathless': should not fire, but does; met: 'breathless'"
    ]


def test_a_rule_that_never_leads_is_found(changed: Changed) -> None:
    """Law 8, first half."""
    found = changed("routine/pain.toml", ("pain_worst_of_10 = 4 }", "pain_worst_of_10 = 4, breathless = true }"))
    assert (
        "routine/pain.toml: is never among the most acute rules of its own examples; above it fires "
        "emergency/suspected_embolism"
    ) in found


def test_a_rule_that_changes_nothing_is_found(changed: Changed) -> None:
    """Law 8, second half."""
    rule = (MINI_FOLDER / "soon" / "calf_pain_with_factor.toml").read_text(encoding="utf-8")
    rule = rule.replace('all = ["calf_pain", "clot_factor"]', 'all = ["calf_pain", "clot_factor", "leg_weakness"]')
    rule = rule.replace("calf_pain = true", "calf_pain = true, leg_weakness = true")
    assert changed("ruleset.toml", **{"soon/again.toml": rule}) == [f"soon/again.toml: {WITHOUT_EFFECT}"]


def test_a_number_without_its_examples_is_found(changed: Changed) -> None:
    """Also through a named criterion."""
    assert changed("routine/pain.toml", ("pain_worst_of_10 >= 4", "pain_worst_of_10 >= 3")) == [
        "routine/pain.toml: [[example]] '3 of 10': should not fire, but does; met: 'pain_worst_of_10 >= 3'",
        "routine/pain.toml: 'pain_worst_of_10 >= 3': no example one step below, on 2 of pain_worst_of_10",
    ]
    assert changed("soon/calf_pain_with_factor.toml", ("bed_days = 3 }", "bed_days = 4 }")) == [
        "soon/calf_pain_with_factor.toml: 'bed_days >= 3': no example exactly on 3 of bed_days"
    ]


def test_examples_on_both_sides_of_a_number_differ(changed: Changed) -> None:
    """Where both fire, the number is shown by neither."""
    near_miss = "given = { calf_pain = true, cancer = false, bed_days = 2 }\nfires = false"
    other = "given = { calf_pain = true, cancer = true, bed_days = 2 }\nfires = true"
    shown = f'{other}\n[[example]]\nname = "no pain"\ngiven = {{ calf_pain = false }}\nfires = false'
    assert changed("soon/calf_pain_with_factor.toml", (near_miss, shown)) == [
        "soon/calf_pain_with_factor.toml: 'bed_days >= 3': the examples on 3 and on 2 do not differ in fires"
    ]


def test_self_care_that_is_not_reached_is_found(changed: Changed) -> None:
    """A self-care rule's own examples end in self-care, or what keeps them from it is told."""
    place = "self_care/disuse.toml: [[example]] 'sits a lot': ends in"
    given = 'given = { leg_weakness = true, activity = "sitting" }\notherwise = "no"\nfires = true'
    for new, line in (
        (
            given.replace(" }", ", breathless = true }"),
            "emergency, not in self_care: emergency/suspected_embolism fires",
        ),
        (given.replace('otherwise = "no"', ""), "same_day, not in self_care: emergency/suspected_embolism, "),
        (given.replace(" }", ", age_years = 15 }"), "routine, not in self_care: under_age"),
        (given.replace(" }", ', age_years = "unsure" }'), "routine, not in self_care: age_unsure"),
    ):
        found = changed(
            "self_care/disuse.toml", (given, new.replace("given = { ", "given = { one_leg_swollen = false, "))
        )
        assert [one for one in found if one.startswith(f"{place} {line}")]


def test_an_emergency_page_without_room_is_found() -> None:
    """The loader bounds each part; should the parts together be too long in some region, that is found."""
    rule = MINI["suspected_embolism"]
    place = "emergency/suspected_embolism.toml: "
    number = {"generic": evolve(MINI.regions["generic"], emergency_number=" ".join(["one"] * 25))}
    assert f"{place}[then] 'no_massage' finds no room in the 40 words of its page in generic" in check(
        evolve(MINI, regions=number)
    )
    number = {"generic": evolve(MINI.regions["generic"], emergency_number=" ".join(["one"] * 30))}
    assert f"{place}its page in generic has 45 words; 40 are the most" in check(evolve(MINI, regions=number))
    rub = evolve(MINI.advice["no_massage"], id="rub", conflicts_with=("no_massage",))
    both = tuple(evolve(one, meanwhile=("rub",)) if one == rule else one for one in MINI)
    found = check(evolve(MINI, advice={**MINI.advice, "rub": rub}, rules=both))
    assert f"{place}[then] 'rub' and 'no_massage' conflict, so neither is said" in found


def test_forbidden_words_are_found_in_what_patients_read(changed: Changed) -> None:
    """No claim is made, and one word is used for nothing."""
    promises = "this library names possible causes and promises nothing"
    why = "It should be looked at."
    for text, said, reason in (
        ("This diagnoses it.", "diagnoses", promises),
        ("Rest cures it.", "cures", promises),
        ("You are safe to exercise.", "safe to exercise", promises),
        ("Your falls risk is low.", "falls risk", "no score of falls risk is given"),
        ("It is nothing serious.", "nothing serious", promises),
        ("Your Condition is known.", "Condition", "a disease to one reader, an if to the other"),
    ):
        assert changed("routine/pain.toml", (why, text)) == [f"routine/pain.toml: why: says {said!r}; {reason}"]
    assert changed("routine/pain.toml", (why, "Keep it secure, unconditionally.")) == []
    assert changed("hazards.toml", ("death", "a condition")) == [
        "hazards.toml: [H1]: says 'condition'; a disease to one reader, an if to the other"
    ]


def test_a_red_flag_below_its_floor_is_found(changed: Changed) -> None:
    """Yes alone reaches the floor; unsure alone at most one rung less."""
    place = "findings/start.toml: [finding.one_leg_swollen]:"
    assert changed("findings/start.toml", ('floor = "same_day"', 'floor = "emergency"')) == [
        f"{place} yes alone ends in same_day; its floor of emergency asks for at least emergency",
        f"{place} unsure alone ends in soon; its floor of emergency asks for at least same_day",
    ]


def test_a_broken_clinical_floor_is_found(changed: Changed) -> None:
    """By any example, with or without its benign rest."""
    place = "laws.toml: [swelling_is_seen]"
    found = changed("laws.toml", ('at_least = "same_day"', 'at_least = "emergency"'))
    assert found == [
        f"{place}: at least emergency, but the example 'swollen' of suspected_clot{rest} ends in same_day"
        for rest in ("", ", its rest benign,")
    ]


def test_benign_answers_that_fire_are_found(changed: Changed) -> None:
    """Someone whose answers are all benign needs nobody."""
    found = changed(
        "findings/start.toml",
        (
            'kind = "measurement"\nrange = [0, 30]\ndecimals = 0\nbenign = 0',
            'kind = "measurement"\nrange = [0, 30]\ndecimals = 0\nbenign = 9',
        ),
        ('asks = "Pain in the calf"\n', 'asks = "Pain in the calf"\nbenign = true\n'),
    )
    assert "findings/: with nothing but benign answers, soon/calf_pain_with_factor fires" in found


def test_check_is_quick() -> None:
    """Far below two seconds for the bundled rules; the bound is wide for slow machines."""
    began = time.process_time()
    check(RULES)
    assert time.process_time() - began < 10


# -- strategies --------------------------------------------------------------------------------------------------------


def found_by(strategy: st.SearchStrategy[Answers], rules: RuleSet) -> list[tuple[Answers, Assessment]]:
    """A hundred answer sets of a strategy, with what they come to."""
    found: list[tuple[Answers, Assessment]] = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(answers: Answers) -> None:
        found.append((answers, triage(answers, rules=rules, engine="plain")))

    collect()
    return found


def test_quiet_answers_reach_every_rung_often() -> None:
    """Self-care too, which plain random answers reach in one of a thousand cases."""
    rungs = Counter(assessment.acuity for _, assessment in found_by(strategies.quiet_answers(RULES), RULES))
    assert all(rungs[rung] >= 4 for rung in Acuity), rungs


def test_answers_are_of_every_sort() -> None:
    """Empty and whole ones, settled and not, of every rung."""
    found = found_by(strategies.answers(RULES), RULES)
    assert {assessment.acuity for _, assessment in found} == set(Acuity)
    assert Counter(assessment.settled for _, assessment in found).keys() == {True, False}
    assert any(not answers for answers, _ in found)


def test_red_flag_answers_raise_a_red_flag() -> None:
    """Each has a red flag that is answered yes or unsure."""
    flags = {name for name, finding in RULES.findings.by_id.items() if finding.red_flag}
    for answers, assessment in found_by(strategies.red_flag_answers(RULES), RULES):
        assert any(answers.get(name) in (True, "unsure") for name in flags)
        assert assessment.acuity >= Acuity.ROUTINE


def test_strategies_answer_only_what_applies() -> None:
    """Nothing that hangs from a no is answered, so nothing they give is refused."""
    for strategy in (strategies.answers, strategies.quiet_answers, strategies.red_flag_answers):
        for answers, _ in found_by(strategy(MINI), MINI):
            assert all(laws.applies(MINI, answers, name) for name in answers)


@settings(max_examples=30, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(generated.rule_sets(), st.data())
def test_strategies_work_without_examples_and_red_flags(rules: RuleSet, data: st.DataObject) -> None:
    """A rule set that has neither still gets answers."""
    for strategy in (strategies.answers, strategies.quiet_answers, strategies.red_flag_answers):
        triage(data.draw(strategy(rules)), rules=rules, engine="plain")


def test_every_line_names_its_place() -> None:
    """A line begins with a file or a folder, a colon and a blank."""
    assert all(re.match(r"[a-z_/]+(\.toml)?: ", line) for line in KNOWN)
