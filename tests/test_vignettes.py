"""Whole cases: read strictly, run twice, compared with gold."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path

import pytest

from calf_triage import Acuity, RuleSet, RuleSetError, load_rules
from calf_triage.vignettes import Report, load_vignettes, rate, run
from tests._rules import RULES

MINI = Path(__file__).parent / "folders" / "mini"


@pytest.fixture(scope="module")
def mini() -> RuleSet:
    return load_rules(MINI)


def case(id: str = "case-1", gold: str = "routine", given: str = "calf_pain = true", more: str = "") -> str:
    return f"""
[[vignette]]
id = "{id}"
text = "Someone."
cites = "nobody"
gold = "{gold}"
reason = "Because."
given = {{ {given} }}
{more}
"""


def reported(tmp_path: Path, mini: RuleSet, *cases: str) -> Report:
    (tmp_path / "cases.toml").write_text("".join(cases), "utf-8")
    return run(load_vignettes(tmp_path, mini), mini)


def problems(tmp_path: Path, mini: RuleSet, text: str) -> tuple[str, ...]:
    (tmp_path / "cases.toml").write_text(text, "utf-8")
    with pytest.raises(RuleSetError) as error:
        load_vignettes(tmp_path, mini)
    return error.value.problems


# -- reading ---------------------------------------------------------------------------------------------------------


def test_cases_are_read_from_all_files_by_name(tmp_path: Path, mini: RuleSet) -> None:
    """Files are sorted by name; a case's group is its file's name unless it says otherwise."""
    (tmp_path / "b.toml").write_text(case("two") + case("three", more='group = "odd"'), "utf-8")
    (tmp_path / "a.toml").write_text(case("one"), "utf-8")
    found = load_vignettes(tmp_path, mini)
    assert [(vignette.id, vignette.group) for vignette in found] == [("one", "a"), ("two", "b"), ("three", "odd")]
    assert load_vignettes(tmp_path / "a.toml", mini) == found[:1]


def test_a_case_without_acceptable_rungs_accepts_gold_alone(tmp_path: Path, mini: RuleSet) -> None:
    """acceptable is [gold] by default, and is kept from low to high."""
    (tmp_path / "a.toml").write_text(
        case("one", "soon") + case("two", "soon", more='acceptable = ["same_day", "soon"]'), "utf-8"
    )
    one, two = load_vignettes(tmp_path, mini)
    assert one.acceptable == (Acuity.SOON,)
    assert two.acceptable == (Acuity.SOON, Acuity.SAME_DAY)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (case(more="golden = 1"), "cases.toml: case-1: unknown key 'golden'; did you mean 'gold'?"),
        (case(gold="urgent"), "cases.toml: case-1: gold: unknown rung 'urgent'"),
        (case(gold="same_dy"), "cases.toml: case-1: gold: unknown rung 'same_dy'; did you mean 'same_day'?"),
        (
            case(given="calf_pian = true"),
            "cases.toml: case-1: given: unknown finding 'calf_pian'; did you mean 'calf_pain'?",
        ),
        (case(more='rule = "pian"'), "cases.toml: case-1: rule: unknown rule 'pian'"),
        (
            case(more='not_rule = "suspected_clott"'),
            "cases.toml: case-1: not_rule: unknown rule 'suspected_clott'; did you mean 'suspected_clot'?",
        ),
        (
            case(more='gives = ["calf_rise"]'),
            "cases.toml: case-1: gives: unknown item of self-care 'calf_rise'; did you mean 'calf_raise'?",
        ),
        (
            case(more='withholds = ["no_massage"]'),
            "cases.toml: case-1: withholds: unknown item of self-care 'no_massage'",
        ),
        (case(more='gives = "calf_raise"'), "cases.toml: case-1: gives: expected a list of items of self-care"),
        (case(more="withholds = [3]"), "cases.toml: case-1: withholds: expected texts"),
        (
            case(more='gives = ["calf_raise"]\nwithholds = ["calf_raise"]'),
            "cases.toml: case-1: withholds: calf_raise stands in gives too",
        ),
        (
            case(more='keeps = ["calf_rise"]'),
            (
                "cases.toml: case-1: keeps: unknown item of self-care with modified_by 'calf_rise'; "
                "did you mean 'calf_raise'?"
            ),
        ),
        (case(more='keeps = "calf_raise"'), "cases.toml: case-1: keeps: expected a list of items of self-care"),
        (case(more='keep = ["calf_raise"]'), "cases.toml: case-1: unknown key 'keep'; did you mean 'keeps'?"),
        (
            case(more='changes = ["calf_raise"]\nwithholds = ["calf_raise"]'),
            "cases.toml: case-1: withholds: calf_raise stands in changes too",
        ),
        (
            case(more='keeps = ["calf_raise"]\nwithholds = ["calf_raise"]'),
            "cases.toml: case-1: withholds: calf_raise stands in keeps too",
        ),
        (
            case(more='changes = ["calf_raise"]\nkeeps = ["calf_raise"]'),
            "cases.toml: case-1: keeps: calf_raise stands in changes too",
        ),
        (case(more='acceptable = ["soon"]'), "cases.toml: case-1: acceptable: leaves out the gold rung"),
        (
            case(more='acceptable = ["routine", "same_day"]'),
            "cases.toml: case-1: acceptable: leaves out a rung between two others",
        ),
        (case(more='policy = "22"'), "cases.toml: case-1: policy: expected the number of a decision"),
        (case(more="below = true"), "cases.toml: case-1: below: expected a text"),
        (case("one") + case("one"), "cases.toml: one: this id stands already in cases.toml"),
        (case().replace('cites = "nobody"', ""), "cases.toml: case-1: cites is missing"),
        (case().replace('id = "case-1"', ""), "cases.toml: [[vignette]] 1: id is missing"),
        (
            case().replace("given = { calf_pain = true }", "given = 3"),
            "cases.toml: case-1: given: expected a table of answers",
        ),
        (case().replace('"Someone."', f'"{"x" * 4001}"'), "cases.toml: case-1: text: longer than 4000 characters"),
        ("[[case]]", "cases.toml: expected one or more tables, each headed [[vignette]]"),
        ("vignette = 3", "cases.toml: expected one or more tables, each headed [[vignette]]"),
        ("vignette = [3]", "cases.toml: expected one or more tables, each headed [[vignette]]"),
        (case() + "[other]\n", "cases.toml: unknown key 'other'; expected [[vignette]] tables"),
    ],
)
def test_a_broken_case_is_told_by_file_and_case(tmp_path: Path, mini: RuleSet, text: str, problem: str) -> None:
    """Each problem names the file, the case, the key, and what would be right."""
    assert problem in problems(tmp_path, mini, text)


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path, mini: RuleSet) -> None:
    """Nobody mends one problem to be told the next."""
    (tmp_path / "a.toml").write_text(case("one", "urgent", "nothing = 1"), "utf-8")
    (tmp_path / "b.toml").write_text("not toml", "utf-8")
    found = problems(tmp_path, mini, case("two", more="x = 1\ny = 2"))
    assert len(found) == 5
    assert {problem.split(":")[0] for problem in found} == {"a.toml", "b.toml", "cases.toml"}


def test_a_folder_without_cases_or_a_missing_file_is_refused(tmp_path: Path, mini: RuleSet) -> None:
    """No cases is a mistake in the path, not a perfect score."""
    for path in (tmp_path, tmp_path / "missing.toml"):
        with pytest.raises(RuleSetError):
            load_vignettes(path, mini)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RuleSetError):
        load_vignettes(tmp_path / "pipe", mini)


# -- running ---------------------------------------------------------------------------------------------------------


def test_a_finished_run_lists_every_answer_that_nobody_stated(tmp_path: Path, mini: RuleSet) -> None:
    """Noes, benign values and the age of 40 are assumed; what does not apply stays out; what is stated stays."""
    (outcome,) = reported(
        tmp_path, mini, case(gold="self_care", given='leg_weakness = true, activity = "sitting"')
    ).outcomes
    assert outcome.assumed == {
        "age_years": 40,
        "breathless": False,
        "calf_pain": False,
        "one_leg_swollen": False,
        "cancer": False,
        "bed_days": 0,
    }
    assert (outcome.answered, outcome.verdict, outcome.fired) == (Acuity.SELF_CARE, "exact", ("disuse",))


def test_as_coded_gold_lies_between_established_and_not_excluded(tmp_path: Path, mini: RuleSet) -> None:
    """What nobody stated is open there, so that gold must not be excluded by what was stated."""
    report = reported(
        tmp_path,
        mini,
        case("open", "emergency"),
        case("too-high", "routine", "one_leg_swollen = true"),
        case("too-low", "emergency", "breathless = false, calf_pain = true"),
    )
    assert [outcome.gold_within for outcome in report.outcomes] == [True, False, False]
    assert (report.within.count, report.within.of) == (1, 3)


@pytest.mark.parametrize(
    ("gold", "acceptable", "verdict"),
    [
        ("same_day", "", "exact"),
        ("routine", "", "over"),
        ("emergency", "", "under"),
        ("emergency", 'acceptable = ["same_day", "emergency"]', "acceptable"),
        ("soon", 'acceptable = ["soon", "same_day"]', "acceptable"),
    ],
)
def test_an_answer_is_judged_by_the_acceptable_rungs(
    tmp_path: Path, mini: RuleSet, gold: str, acceptable: str, verdict: str
) -> None:
    """Under-triage is below the lowest acceptable rung, over-triage above the highest."""
    report = reported(tmp_path, mini, case(gold=gold, given="one_leg_swollen = true", more=acceptable))
    assert report.outcomes[0].verdict == verdict
    assert report.failed is (verdict == "under")


def mixed(tmp_path: Path, mini: RuleSet) -> Report:
    """Two exact, one over, one under, one that no rule explains and one that cannot be run."""
    return reported(
        tmp_path,
        mini,
        case("exact-1", "emergency", "breathless = true"),
        case("exact-2", "same_day", "one_leg_swollen = true", 'rule = "suspected_clot"\nnot_rule = "pain"'),
        case("above", "routine", "one_leg_swollen = true", "policy = 2"),
        case("below", "emergency", "calf_pain = true", 'below = "The guideline is silent."'),
        case("broken", "routine", 'cancer = "maybe", bed_days = 99'),
    )


def test_the_figures_count_what_they_say(tmp_path: Path, mini: RuleSet) -> None:
    """Each figure with its count; the inclination counts only answers that are too high or too low."""
    figures = mixed(tmp_path, mini).figures
    assert (figures.exact.count, figures.exact.of) == (2, 4)
    assert (figures.tolerant.count, figures.tolerant.of) == (2, 4)
    assert (figures.safety.count, figures.safety.of) == (3, 4)
    assert (figures.over_triage.count, figures.over_triage.of) == (1, 4)
    assert (figures.inclination_to_over_triage.count, figures.inclination_to_over_triage.of) == (1, 2)
    assert (figures.comprehensiveness.count, figures.comprehensiveness.of) == (3, 4)


def test_the_confusion_matrix_holds_every_case_once(tmp_path: Path, mini: RuleSet) -> None:
    """Gold by answer; its sum is the number of cases that were run."""
    confusion = mixed(tmp_path, mini).confusion
    assert confusion["emergency"]["emergency"] == confusion["emergency"]["routine"] == 1
    assert confusion["same_day"]["same_day"] == confusion["routine"]["same_day"] == 1
    assert sum(sum(row.values()) for row in confusion.values()) == 4


def test_figures_by_gold_rung_and_by_group_add_up(tmp_path: Path, mini: RuleSet) -> None:
    """The parts are the whole."""
    report = mixed(tmp_path, mini)
    for parts in (report.by_gold, report.by_group):
        assert sum(figures.exact.of for figures in parts.values()) == report.figures.exact.of
        assert sum(figures.exact.count for figures in parts.values()) == report.figures.exact.count
    assert list(report.by_gold) == ["emergency", "same_day", "routine"]


def test_a_case_that_cannot_be_read_is_reported_and_counted_nowhere(tmp_path: Path, mini: RuleSet) -> None:
    """Its problems name findings, never values; the report fails."""
    report = mixed(tmp_path, mini)
    (broken,) = report.not_run
    assert broken.id == "broken"
    assert len(broken.problems) == 2
    assert "maybe" not in str(broken)
    assert "99" not in str(broken)
    assert report.failed


def test_an_answer_stated_below_a_question_that_is_not_stated_is_reported(tmp_path: Path, mini: RuleSet) -> None:
    """Finishing would take it back in silence."""
    (broken,) = reported(tmp_path, mini, case(given="pain_worst_of_10 = 5")).not_run
    assert broken.problems == (
        "pain_worst_of_10: stated, but calf_pain, without which it does not apply, is not; state that too",
    )


@pytest.mark.parametrize(
    ("more", "unexpected"),
    [
        ('rule = "pain"', ("pain did not fire",)),
        ('not_rule = "suspected_clot"', ("suspected_clot fired",)),
        ('rule = "suspected_clot"', ()),
    ],
)
def test_a_case_may_say_which_rule_fires_or_must_not(
    tmp_path: Path, mini: RuleSet, more: str, unexpected: tuple[str, ...]
) -> None:
    """The right rung for the wrong reason is found out."""
    report = reported(tmp_path, mini, case(gold="same_day", given="one_leg_swollen = true", more=more))
    assert report.outcomes[0].unexpected == unexpected
    assert report.failed is bool(unexpected)


SITS = 'leg_weakness = true, activity = "sitting"'


@pytest.fixture(scope="module")
def two_items(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """The small set with a second item, which is withheld from who had cancer and never changed."""
    made = tmp_path_factory.mktemp("two") / "rules"
    shutil.copytree(MINI, made)
    advice, care = made / "advice" / "all.toml", made / "self_care" / "disuse.toml"
    text = advice.read_text("utf-8")
    start = text.index("[calf_raise]")
    second = text[start:].replace("calf_raise", "hop").replace('"one_leg_swollen"', '"cancer"')
    second = "\n".join(line for line in second.splitlines() if not line.startswith("modified_by"))
    advice.write_text(text + "\n" + second, "utf-8")
    care.write_text(care.read_text("utf-8").replace('"calf_raise"', '"calf_raise", "hop"'), "utf-8")
    return load_rules(made)


@pytest.mark.parametrize(
    ("given", "more", "unexpected"),
    [
        (SITS, 'gives = ["calf_raise", "hop"]', ()),
        (SITS, 'withholds = ["hop"]', ("hop is given",)),
        (f"{SITS}, cancer = true", 'gives = ["calf_raise"]\nwithholds = ["hop"]', ()),
        (f"{SITS}, cancer = true", 'gives = ["hop", "calf_raise"]', ("hop is not given",)),
        (f'{SITS}, cancer = "unsure"', 'withholds = ["calf_raise", "hop"]', ("calf_raise is given",)),
        ("one_leg_swollen = true", 'withholds = ["calf_raise"]', ()),
        ("one_leg_swollen = true", 'gives = ["calf_raise"]', ("calf_raise is not given",)),
    ],
)
def test_a_case_may_say_what_is_given_and_what_is_withheld(
    tmp_path: Path, two_items: RuleSet, given: str, more: str, unexpected: tuple[str, ...]
) -> None:
    """The right rung with the wrong exercise is found out; what another rung does not give counts as withheld."""
    gold = "same_day" if given.startswith("one_leg") else "self_care"
    report = reported(tmp_path, two_items, case(gold=gold, given=given, more=more))
    assert report.outcomes[0].verdict == "exact"
    assert report.outcomes[0].unexpected == unexpected
    assert report.failed is bool(unexpected)
    told = json.loads(report.to_json())["outcomes"][0]
    assert told["unexpected"] == [*unexpected]
    assert all(f'"{name}"' in more for key in ("gives", "withholds") for name in told["case"][key])
    assert all(f"case-1: {what}" in str(report) for what in unexpected)


@pytest.mark.parametrize(
    ("age", "more", "unexpected"),
    [
        ("65", 'changes = ["calf_raise"]', ()),
        ("65", 'keeps = ["calf_raise"]', ("calf_raise is given with a change",)),
        ("64", 'changes = ["calf_raise"]', ("calf_raise is given without a change",)),
        ("64", 'keeps = ["calf_raise"]', ()),
        ("64, one_leg_swollen = true", 'changes = ["calf_raise"]', ("calf_raise is not given",)),
        ("64, one_leg_swollen = true", 'gives = ["calf_raise"]\nkeeps = ["calf_raise"]', ("calf_raise is not given",)),
    ],
)
def test_a_case_may_say_what_is_given_with_a_change(
    tmp_path: Path, two_items: RuleSet, age: str, more: str, unexpected: tuple[str, ...]
) -> None:
    """The right exercise without the change that it needs is found out, and a change that nobody asked for too."""
    gold = "same_day" if "swollen" in age else "self_care"
    report = reported(tmp_path, two_items, case(gold=gold, given=f"{SITS}, age_years = {age}", more=more))
    assert report.outcomes[0].unexpected == unexpected
    assert report.failed is bool(unexpected)
    told = json.loads(report.to_json())["outcomes"][0]
    assert all(told["case"][key] == (["calf_raise"] if key in more else []) for key in ("changes", "keeps"))


def test_an_item_that_is_never_changed_is_named_in_vain(tmp_path: Path, two_items: RuleSet) -> None:
    """What has no `modified_by` is given as it is or not at all: a case cannot ask more of it."""
    for key in ("changes", "keeps"):
        said = f"cases.toml: case-1: {key}: unknown item of self-care with modified_by 'hop'"
        assert problems(tmp_path, two_items, case(more=f'{key} = ["hop"]')) == (said,)


def test_what_the_matrix_withholds_is_withheld() -> None:
    """Each told person gets, and is spared, what the row of the contraindication matrix says."""
    report = run(load_vignettes(Path(__file__).parent / "vignettes" / "items.toml", RULES), RULES, engine="plain")
    assert {outcome.case.id: outcome.unexpected for outcome in report.outcomes if outcome.unexpected} == {}
    assert not report.failed


def test_an_emergency_below_the_same_day_fails_though_it_be_acceptable(tmp_path: Path, mini: RuleSet) -> None:
    """No list of acceptable rungs lets an emergency wait."""
    every = 'acceptable = ["routine", "soon", "same_day", "emergency"]'
    report = reported(tmp_path, mini, case(gold="emergency", more=every))
    assert report.outcomes[0].verdict == "acceptable"
    assert report.outcomes[0].missed_emergency
    assert report.failed


# -- the report ------------------------------------------------------------------------------------------------------


def test_the_report_tells_the_cases_below_gold_first(tmp_path: Path, mini: RuleSet) -> None:
    """Below before above, with the fired rules, the reason for gold, and why the answer is what it is."""
    text = str(mixed(tmp_path, mini))
    assert text.index("below: routine, gold emergency: UNDER-TRIAGE") < text.index("above: same_day, gold routine")
    for told in ("The guideline is silent.", "by decision 2", "fired: suspected_clot", "gold because: Because."):
        assert told in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_report_as_json_holds_every_case_and_assumption(tmp_path: Path, mini: RuleSet) -> None:
    """Rungs are words there, as everywhere in JSON."""
    report = mixed(tmp_path, mini)
    document = json.loads(report.to_json())
    assert [outcome["case"]["id"] for outcome in document["outcomes"]] == ["exact-1", "exact-2", "above", "below"]
    assert document["outcomes"][0]["answered"] == "emergency"
    assert document["outcomes"][0]["assumed"]["age_years"] == 40
    assert document["confusion"]["emergency"]["routine"] == 1
    assert document["figures"]["exact"]["count"] == 2


def test_a_report_of_no_case_that_could_be_run_is_still_a_report(tmp_path: Path, mini: RuleSet) -> None:
    """Nothing divides by zero."""
    report = reported(tmp_path, mini, case(given='cancer = "maybe"'))
    assert report.figures.exact.share is None
    assert "Could not be run" in str(report)


def test_every_assumption_can_be_listed(tmp_path: Path, mini: RuleSet) -> None:
    """With its case, noes and values apart."""
    report = reported(tmp_path, mini, case())
    (section,) = [section for section in report.sections(assumptions=True) if section.title.startswith("Assumed")]
    assert "activity" in str(section)
    assert "age_years: 40" in str(section)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (1, 3, 0.0615, 0.7923), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_wilsons(count: int, of: int, low: float, high: float) -> None:
    """Against values worked out elsewhere (Newcombe 1998, method 3)."""
    found = rate(count, of)
    assert math.isclose(found.low, low, abs_tol=5e-5)
    assert math.isclose(found.high, high, abs_tol=5e-5)


def test_a_case_that_says_why_it_is_below_does_not_fail_the_run(tmp_path: Path, mini: RuleSet) -> None:
    """Under-triage fails a run unless the case says by which guideline; an emergency below the same day always does."""
    plain = case("low", "same_day", "calf_pain = false")
    told = case("low", "same_day", "calf_pain = false", 'below = "The guideline is silent."')
    worse = case("low", "emergency", "calf_pain = false", 'below = "The guideline is silent."')
    for text, failed in ((plain, True), (told, False), (worse, True)):
        assert reported(tmp_path, mini, text).failed is failed
