"""Mutants: each operator makes what it should, each suite kills what it should, and equivalent is what is so."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

pytest.importorskip("pysat", reason="python-sat is not installed for this interpreter")

from calf_triage import Acuity, RuleSet, SelfCare, load_rules
from calf_triage._findings import UNSURE, Answer, Value
from calf_triage._load import example_values
from calf_triage._triage import resolve
from calf_triage.cli import main
from calf_triage.mutate import OPERATORS, Mutant, Suite, VerifyError, mutants, mutate
from calf_triage.readings.plain import plain
from calf_triage.vignettes import Vignette, load_vignettes, run
from tests._rules import MINI, MINI_FOLDER, RULES

ALL: Final = [*mutants(MINI)]


def changes(operator: str) -> set[str]:
    return {mutant.change for mutant in ALL if mutant.operator == operator}


def case(id: str, gold: Acuity, **given: Answer) -> Vignette:
    return Vignette(id, "Somebody.", "a source", gold, (gold,), "It says so.", dict(given), "mutants")


# -- the operators -----------------------------------------------------------------------------------------------------


def test_each_operator_makes_the_mutants_it_should() -> None:
    """On the small set every operator makes exactly these changes, each once."""
    clot, pain, factor = "same_day/suspected_clot.toml", "routine/pain.toml", "soon/calf_pain_with_factor.toml"
    assert Counter(mutant.operator for mutant in ALL) == {
        "delete_rule": 5,
        "drop_criterion": 11,
        "any_all": 4,
        "threshold": 11,
        "choice": 1,
        "points": 2,
        "rung": 8,
        "drop_contraindication": 2,
        "unsure_to_no": 1,
    }
    assert {*OPERATORS} == {mutant.operator for mutant in ALL}
    assert len({mutant.change for mutant in ALL}) == len(ALL)
    assert f"{clot}: deleted" in changes("delete_rule")
    assert f"{factor}: [when] all: without 'clot_factor'" in changes("drop_criterion")
    assert changes("any_all") == {
        f"{clot}: [when] any -> all",
        f"{factor}: [when] all -> any",
        "self_care/disuse.toml: [when] all -> any",
        "criteria.toml: [clot_factor] any -> all",
    }
    assert changes("threshold") == {
        *(f"{pain}: [when] all: 'pain_worst_of_10 >= 4' -> 'pain_worst_of_10 >= {n}'" for n in (5, 3)),
        f"{clot}: [when] any: 'wells >= 2' -> 'wells >= 1'",
        "ruleset.toml: lowest_age: 16 -> 17",
        "ruleset.toml: lowest_age: 16 -> 15",
        *(f"criteria.toml: [clot_factor] any: 'bed_days >= 3' -> 'bed_days >= {n}'" for n in (4, 2)),
        *(
            f"scores.toml: [wells] points: 'girth_difference_cm >= 3' -> 'girth_difference_cm >= {n}'"
            for n in (3.1, 2.9)
        ),
        *(
            f"advice/: [calf_raise] contraindicated_by: 'pain_worst_of_10 >= 4' -> 'pain_worst_of_10 >= {n}'"
            for n in (5, 3)
        ),
    }
    assert changes("choice") == {"self_care/disuse.toml: [when] all: 'activity is sitting' -> 'activity is active'"}
    assert "scores.toml: [wells] points: 'cancer' 1 -> 2" in changes("points")
    assert {f"{pain}: moved to soon/", f"{pain}: moved to self_care/"} <= changes("rung")
    assert "advice/: [calf_raise] contraindicated_by: without 'one_leg_swollen'" in changes("drop_contraindication")
    assert changes("unsure_to_no") == {"criteria.toml: [clot_factor] any: without 'cancer is unsure'"}


def test_a_mutant_is_other_in_one_place_alone() -> None:
    """A mutant's rules, criteria, scores and advice are the original's own, but for one; all the rest is the same."""
    for mutant in ALL:
        other = mutant.rules
        rules = sum(rule not in MINI.rules for rule in other) + len(MINI) - len(other)
        tables = ((MINI.criteria, other.criteria), (MINI.scores, other.scores), (MINI.advice, other.advice))
        rest = sum(one[id] != two[id] for one, two in tables for id in one)
        assert rules + rest + (MINI.lowest_age != other.lowest_age) == 1, mutant.change
        assert (other.findings, other.laws, other.causes) == (MINI.findings, MINI.laws, MINI.causes)


def test_unsure_in_all_counts_as_no() -> None:
    """Where `is unsure` stands in `all`, who is not sure is as excluded as who says no."""
    rule = MINI["suspected_embolism"]
    unsure = evolve(rule.when.any[0], text="breathless is unsure", form="unsure")
    rules = evolve(MINI, rules=(evolve(rule, when=evolve(rule.when, any=(), all=(unsure,))),))
    found = next(mutant for mutant in mutants(rules) if mutant.operator == "unsure_to_no").rules
    for answer in (True, False, UNSURE):
        before, after = (plain(each).read({"breathless": answer}) for each in (rules, found))
        assert before.fired == ((0,) if answer == UNSURE else ())
        assert (after.fired, after.excluded) == ((), frozenset({0}))


def test_the_bundled_rules_have_mutants_of_every_kind() -> None:
    """No operator is idle on the rules that come with the library, and no change is told twice."""
    found = [(mutant.operator, mutant.change) for mutant in mutants(RULES)]
    assert {operator for operator, _ in found} == {*OPERATORS}
    assert len({change for _, change in found}) == len(found) > 2_000


def test_no_mutant_of_the_bundled_rules_survives() -> None:
    """A hundred of them, and others after each change of the rules; `calf-triage mutate` tries them all."""
    cases = load_vignettes(Path(__file__).parent / "vignettes", RULES)
    found = mutate(RULES, cases, sample=100, seed=int(RULES.sha256[:8], 16), processes=1)
    assert found.passed, [fate.change for fate in found.fates if fate.outcome not in ("killed", "equivalent")]


def test_every_waiver_of_the_bundled_rules_is_about_a_mutant() -> None:
    """A waiver of the rules that come with the library names a mutant of them, or what some mutant quotes."""
    changes = [mutant.change for mutant in mutants(RULES)]
    for name in RULES.waivers["MUTATE"]:
        assert any(name == change or f" {name!r}" in change for change in changes), name


# -- what kills --------------------------------------------------------------------------------------------------------

CASES: Final = (
    case("mild", Acuity.SELF_CARE, leg_weakness=True, activity="sitting"),
    case("unsure of cancer", Acuity.SOON, calf_pain=True, cancer=UNSURE),
    evolve(case("pain", Acuity.ROUTINE, calf_pain=True, pain_worst_of_10=4), rule="pain", not_rule="suspected_clot"),
    case("too young", Acuity.ROUTINE, age_years=15, leg_weakness=True, activity="sitting"),
    case("fails already", Acuity.EMERGENCY, calf_pain=True),
)


def brute_examples(mutant: Mutant) -> bool:
    """Whether an example of a rule is not met any more, by the plain reading."""
    for rule in MINI:
        for example in rule.examples:
            reading = plain(mutant.rules).read(example_values(MINI, example)[0])
            if (rule.id in {mutant.rules.rules[number].id for number in reading.fired}) is not example.fires:
                return True
    return False


def brute_cases(mutant: Mutant) -> bool:
    """Whether a whole case ends otherwise than it should, as they are run."""
    outcomes = run(CASES[:-1], mutant.rules, engine="plain").outcomes
    return any(outcome.unexpected or outcome.verdict in ("under", "over") for outcome in outcomes)


def test_what_is_killed_by_examples_and_cases_is_what_the_library_says() -> None:
    """For every mutant of the small set, trying every example and every case one by one comes to the same."""
    fates = mutate(MINI, CASES, processes=1).fates
    assert [fate.change for fate in fates] == [mutant.change for mutant in ALL]
    for fate, mutant in zip(fates, ALL, strict=True):
        told = fate.by.get("examples", "check:")
        assert brute_examples(mutant) is not told.startswith("check:"), fate.change
        assert brute_cases(mutant) is ("cases" in fate.by), fate.change
    assert len({(*fate.by,) for fate in fates}) > 3


def test_each_suite_kills_what_it_should() -> None:
    """An example, a whole case and a proof each kill the mutant that they are there for, and say which they are."""
    fates = {fate.change: fate for fate in mutate(MINI, CASES, processes=1).fates}

    def killed(change: str) -> dict[Suite, str]:
        assert fates[change].outcome == "killed"
        return fates[change].by

    pain = "routine/pain.toml: [when] all: 'pain_worst_of_10 >= 4' -> 'pain_worst_of_10 >= 5'"
    assert killed(pain) == {"examples": "pain: 4 of 10", "cases": "pain"}
    assert killed("ruleset.toml: lowest_age: 16 -> 15") == {"cases": "too young"}
    assert killed("criteria.toml: [clot_factor] any: without 'cancer is unsure'") == {"cases": "unsure of cancer"}
    lowered = killed("same_day/suspected_clot.toml: moved to soon/")
    assert {*lowered} == {"proofs"}
    assert lowered["proofs"].startswith("RED_FLOOR: one_leg_swollen: ")


def test_a_gate_that_is_refuted_already_kills_nothing() -> None:
    """What a proof does not hold of the original is no news of a mutant."""
    too_high = evolve(MINI, laws=tuple(evolve(law, at_least=Acuity.EMERGENCY) for law in MINI.laws))
    for fate in mutate(too_high, operator="rung", processes=1).fates:
        assert not fate.by.get("proofs", "").startswith("CLINICAL_FLOORS")


def test_a_survivor_is_shown_with_the_answers_that_kill_it() -> None:
    """The report of a survivor, made a case with the original's rung, kills it; both answers are the library's."""
    change = "ruleset.toml: lowest_age: 16 -> 17"
    fate = next(fate for fate in mutate(MINI, operator="threshold", processes=1).fates if fate.change == change)
    assert (fate.outcome, fate.by) == ("survived", {})
    assert fate.report is not None
    assert {name for name, _, _ in fate.report.answers} == {"age_years", "leg_weakness", "activity"}
    assert (fate.report.original.acuity, fate.report.mutant.acuity) == (Acuity.SELF_CARE, Acuity.ROUTINE)
    kills = case("sixteen", fate.report.original.acuity, **{n: fate.report.given[n] for n, _, _ in fate.report.answers})
    again = mutate(MINI, [kills], operator="threshold", processes=1)
    assert next(fate for fate in again.fates if fate.change == change).by["cases"] == "sixteen"


@pytest.fixture(scope="module")
def picky(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """The small set, where an item is given beside the first, and withheld from the old and the cancer patient."""
    made = tmp_path_factory.mktemp("picky") / "rules"
    shutil.copytree(MINI_FOLDER, made)
    advice, care = made / "advice/all.toml", made / "self_care/disuse.toml"
    text = advice.read_text("utf-8")
    hop = text[text.index("[calf_raise]") :].replace("calf_raise", "hop")
    hop = hop.replace('"one_leg_swollen", "pain_worst_of_10 >= 4"', '"cancer", "age_years >= 65"')
    advice.write_text(f"{text}\n{hop}", "utf-8")
    care.write_text(care.read_text("utf-8").replace('"calf_raise"', '"calf_raise", "hop"'), "utf-8")
    return load_rules(made)


def test_what_a_case_says_is_given_or_withheld_kills(picky: RuleSet) -> None:
    """Exactly the mutants of a contraindication under which an item is given, or is not, against a case are killed."""
    sits: dict[str, Answer] = {"leg_weakness": True, "activity": "sitting"}
    cases = (
        evolve(case("at 64", Acuity.SELF_CARE, **sits, age_years=64), gives=("hop", "calf_raise")),
        evolve(case("at 65", Acuity.SELF_CARE, **sits, age_years=65), gives=("calf_raise",), withholds=("hop",)),
        evolve(case("cancer", Acuity.SELF_CARE, **sits, cancer=True), withholds=("hop",)),
        evolve(case("fails already", Acuity.SELF_CARE, **sits), withholds=("hop",)),
    )
    every = [mutant for mutant in mutants(picky) if "[hop]" in mutant.change]
    fates = {fate.change: fate for fate in mutate(picky, cases, processes=1).fates}
    killed = {}
    for mutant in every:
        outcomes = run(cases[:-1], mutant.rules, engine="plain").outcomes
        killed[mutant.change] = [o.case.id for o in outcomes if o.unexpected or o.verdict in ("under", "over")]
        assert fates[mutant.change].by.get("cases") == next(iter(killed[mutant.change]), None), mutant.change
    assert killed == {
        "advice/: [hop] contraindicated_by: without 'cancer'": ["cancer"],
        "advice/: [hop] contraindicated_by: without 'age_years >= 65'": ["at 65"],
        "advice/: [hop] contraindicated_by: 'age_years >= 65' -> 'age_years >= 66'": ["at 65"],
        "advice/: [hop] contraindicated_by: 'age_years >= 65' -> 'age_years >= 64'": ["at 64"],
    }
    assert fates["self_care/disuse.toml: deleted"].by["cases"] == "at 64"
    without = [evolve(each, gives=(), withholds=()) for each in cases]
    for fate in mutate(picky, without, operator="drop_contraindication", processes=1).fates:
        assert "cases" not in fate.by


def test_what_a_case_says_is_changed_or_kept_kills(tmp_path: Path) -> None:
    """Exactly the mutants under which an item is given with a change, or without one, against a case are killed."""
    made = tmp_path / "rules"
    shutil.copytree(MINI_FOLDER, made)
    advice, criteria = made / "advice/all.toml", made / "criteria.toml"
    advice.write_text(advice.read_text("utf-8").replace('if = "age_years >= 65"', 'if = "starts_low"'), "utf-8")
    named = '[starts_low]\nmeans = "Starts with less"\nany = ["age_years >= 65", "cancer"]\n'
    criteria.write_text(f"{criteria.read_text('utf-8')}\n{named}", "utf-8")
    rules = load_rules(made)
    sits: dict[str, Answer] = {"leg_weakness": True, "activity": "sitting"}
    cases = (
        evolve(case("at 64", Acuity.SELF_CARE, **sits, age_years=64), keeps=("calf_raise",)),
        evolve(case("at 65", Acuity.SELF_CARE, **sits, age_years=65), changes=("calf_raise",)),
        evolve(case("cancer", Acuity.SELF_CARE, **sits, cancer=True), changes=("calf_raise",)),
        evolve(case("fails already", Acuity.SELF_CARE, **sits), changes=("calf_raise",)),
    )
    every = [mutant for mutant in mutants(rules) if "[starts_low]" in mutant.change]
    fates = {fate.change: fate for fate in mutate(rules, cases, processes=1).fates}
    killed = {}
    for mutant in every:
        outcomes = run(cases[:-1], mutant.rules, engine="plain").outcomes
        killed[mutant.change] = [o.case.id for o in outcomes if o.unexpected or o.verdict in ("under", "over")]
        assert fates[mutant.change].by.get("cases") == next(iter(killed[mutant.change]), None), mutant.change
    place = "criteria.toml: [starts_low] any"
    assert killed == {
        f"{place}: without 'age_years >= 65'": ["at 65"],
        f"{place}: without 'cancer'": ["cancer"],
        f"{place}: 'age_years >= 65' -> 'age_years >= 66'": ["at 65"],
        f"{place}: 'age_years >= 65' -> 'age_years >= 64'": ["at 64"],
        f"{place} -> all": ["at 65", "cancer"],
    }
    assert fates["self_care/disuse.toml: deleted"].by["cases"] == "at 64"


# -- equivalent --------------------------------------------------------------------------------------------------------

TINY_FILES: Final = {
    "findings/start.toml": re.compile(
        r"\[finding\.(leg_weakness|both_calves|one_leg_swollen|girth_difference_cm|cancer|bed_days)\].*?"
        r"(?=\[finding|\Z)",
        re.DOTALL,
    ),
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """So few questions that every set of answers to them can be tried."""
    made = tmp_path_factory.mktemp("tiny") / "rules"
    shutil.copytree(MINI_FOLDER, made)
    for name in ("same_day", "soon", "laws.toml", "scores.toml", "criteria.toml"):
        (shutil.rmtree if (made / name).is_dir() else Path.unlink)(made / name)
    for path, pattern in TINY_FILES.items():
        (made / path).write_text(pattern.sub("", (made / path).read_text()))
    (made / "causes.toml").write_text((made / "causes.toml").read_text().replace('against = ["both_calves"]\n', ""))
    advice = made / "advice/all.toml"
    advice.write_text(
        advice.read_text()
        .replace('"one_leg_swollen", "pain_worst_of_10 >= 4"', '"calf_pain is unsure", "pain_worst_of_10 >= 4"')
        .replace('modified_by = [{ if = "age_years >= 65", say = "Hold a rail." }]\n', "")
    )
    care = made / "self_care/disuse.toml"
    text = care.read_text().replace('none = ["one_leg_swollen"]\n', "")
    text = text.replace('all = ["leg_weakness", "activity is sitting"]', 'any = ["calf_pain", "activity is sitting"]')
    care.write_text(text.replace("leg_weakness = true, ", ""))
    return load_rules(made)


def every(rules: RuleSet) -> Iterator[dict[str, Value]]:
    """Every set of answers, one number for each cell that a mutant can tell from another."""
    for age, breathless, pain, worst, activity in product(
        (None, UNSURE, 14, 15, 16, 17),
        (None, UNSURE, False, True),
        (None, UNSURE, False, True),
        (None, UNSURE, 2, 3, 4, 5),
        (None, UNSURE, "active", "sitting"),
    ):
        if pain is False and worst is not None:
            continue
        given = {
            "age_years": age,
            "breathless": breathless,
            "calf_pain": pain,
            "pain_worst_of_10": worst,
            "activity": activity,
        }
        yield rules.findings.check(given)[0]


def published(rules: RuleSet, values: dict[str, Value]) -> tuple[object, ...]:
    answer = resolve(rules, values)
    to, causes = answer.disposition, {cause.id for cause in answer.differential}
    if isinstance(to, SelfCare):
        return answer.acuity, causes, {(item.id, item.changes) for item in to.advice}
    return answer.acuity, causes, to.within_hours, to.see


def test_equivalent_is_what_answers_everybody_alike(tiny: RuleSet) -> None:
    """On a set so small that all answers can be tried, a mutant is called equivalent exactly where none tells it."""
    fates = {fate.change: fate for fate in mutate(tiny, processes=1).fates}
    people = [*every(tiny)]
    before = [published(tiny, values) for values in people]
    told = Counter[bool]()
    for mutant in mutants(tiny):
        fate = fates[mutant.change]
        if fate.by and "proofs" not in fate.by:
            continue
        same = all(published(mutant.rules, values) == was for values, was in zip(people, before, strict=True))
        assert (fate.outcome == "equivalent") is same, mutant.change
        told[same] += 1
    assert min(told[True], told[False]) > 1


def test_an_equivalent_mutant_is_accepted_with_a_reason_and_no_other_is() -> None:
    """A waiver accepts an equivalent mutant; one for any other mutant, or for none, is told as stale and fails."""
    swollen = "advice/: [calf_raise] contraindicated_by: without 'one_leg_swollen'"
    pain = "advice/: [calf_raise] contraindicated_by: without 'pain_worst_of_10 >= 4'"
    found = mutate(MINI, operator="drop_contraindication", processes=1)
    assert [(fate.change, fate.outcome) for fate in found.fates] == [(swollen, "equivalent"), (pain, "equivalent")]
    assert not found.passed
    waived = evolve(MINI, waivers={"MUTATE": {swollen: "Kept whole.", pain: "Kept whole."}})
    found = mutate(waived, operator="drop_contraindication", processes=1)
    assert found.passed
    assert found.waived == {swollen: "Kept whole.", pain: "Kept whole."}
    by_criterion = evolve(MINI, waivers={"MUTATE": {"one_leg_swollen": "Kept.", "pain_worst_of_10 >= 4": "Kept."}})
    found = mutate(by_criterion, operator="drop_contraindication", processes=1)
    assert (found.passed, found.waived) == (True, {swollen: "Kept.", pain: "Kept."})
    stale = evolve(MINI, waivers={"MUTATE": {swollen: "Kept whole.", "routine/pain.toml: deleted": "No."}})
    found = mutate(stale, processes=1)
    assert found.stale == ("routine/pain.toml: deleted",)


def test_a_part_of_the_mutants_is_chosen_alike_every_time() -> None:
    """The same seed chooses the same mutants, in their order; another seed others; and it is no whole."""
    one, two, three = (mutate(MINI, sample=6, seed=seed, processes=1) for seed in (1, 1, 2))
    assert [fate.change for fate in one.fates] == [fate.change for fate in two.fates]
    assert {fate.change for fate in one.fates} != {fate.change for fate in three.fates}
    assert len(one.fates) == 6
    assert not one.complete


def test_many_processes_find_what_one_finds() -> None:
    """How many processes work on it changes nothing, and every mutant is counted once."""
    done: list[tuple[int, int]] = []
    both = [
        mutate(MINI, CASES, operator="threshold", processes=count, progress=lambda *now: done.append(now))
        for count in (1, 2)
    ]
    assert both[0] == both[1]
    assert done == 2 * [(number, 11) for number in range(12)]


def test_an_unknown_operator_is_told() -> None:
    """A name that is no operator is told, with a near one."""
    with pytest.raises(VerifyError, match="no operator 'treshold'; did you mean 'threshold'"):
        mutate(MINI, operator="treshold")


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_tells_the_score_and_the_survivors(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The command counts by operator, shows survivors with both answers, and exits with 1 while there are any."""
    arguments = ["mutate", str(MINI_FOLDER), "--processes", "1", "--operator"]
    assert main([*arguments, "rung"]) == 1
    told = capsys.readouterr().out
    assert "a part of all mutants" in told
    assert "Survived in routine/pain.toml: 1" in told
    assert "original: routine; see doctor" in told
    assert main([*arguments, "delete_rule"]) == 0
    assert "5 of 5 live mutants killed (100.0 %); 0 equivalent" in capsys.readouterr().out
    assert main([*arguments, "choice", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is True
    assert [fate["outcome"] for fate in found["fates"]] == ["killed"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--operator", "treshold"], "did you mean 'threshold'"),
        (["--sample", "0"], "--sample is a whole number from 1"),
        (["--processes", "-1"], "--processes is a whole number from 1"),
        (["--cases", "nowhere"], "nowhere"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    """What cannot be tried is told in a line, and nothing is tried."""
    assert main(["mutate", str(MINI_FOLDER), *more]) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert found.out == ""
