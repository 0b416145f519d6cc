"""The strategies for downstream tests, and the one call that holds a rule set to the laws."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calf_triage import Acuity, Assessment, RuleSet, strategies, triage
from calf_triage._criteria import Criterion
from calf_triage._hypothesis import register
from calf_triage._load import example_values
from calf_triage._triage import _Resolution
from calf_triage.check.laws import plain_truth
from calf_triage.interview import Interview
from calf_triage.readings.plain import every_criterion
from calf_triage.strategies import assert_consistent, rule_sets
from tests import _laws as laws
from tests import generated
from tests._laws import LAWS, Answers, by_plain, seen
from tests._rules import MINI, RULES

ROOT = Path(__file__).parent.parent
quick = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


# -- answers -----------------------------------------------------------------------------------------------------------


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


# -- rule sets ---------------------------------------------------------------------------------------------------------


def test_made_up_rule_sets_have_everything_that_a_folder_can_declare() -> None:
    """All types of findings, chains of only_if, names, scores, rungs, contraindications, red flags and floors."""
    found: Counter[str] = Counter()

    @quick
    @given(rule_sets())
    def collect(rules: RuleSet) -> None:
        by_id = rules.findings.by_id
        found.update({finding.type for finding in by_id.values()})
        found.update({rule.acuity.word for rule in rules})
        found.update({criterion.form for criterion in every_criterion(rules)})
        chains = any(finding.only_if and by_id[finding.only_if].only_if for finding in by_id.values())
        for name, so in (
            ("a finding below one that hangs itself", chains),
            ("a second screen", len(rules.findings.screens) > 1),
            ("a named criterion", rules.criteria),
            ("a score", rules.scores),
            ("none", any(rule.when.none for rule in rules)),
            ("a red flag", any(finding.red_flag for finding in by_id.values())),
            ("a clinical floor", rules.laws),
            ("a contraindication", any(item.contraindicated_by for item in rules.advice.values())),
            ("a modification", any(item.modified_by for item in rules.advice.values())),
        ):
            found[name] += bool(so)

    collect()
    expected = {"yes_no", "choice", "measurement", *(acuity.word for acuity in Acuity)}
    expected |= {"yes", "at_least", "below", "unsure", "score", "named"}
    assert expected <= found.keys()
    assert all(number > 1 for number in found.values()), found


@quick
@given(rule_sets())
def test_a_made_up_rules_examples_fire_as_they_say(rules: RuleSet) -> None:
    """So strategies for answers, which begin with examples, reach its rules."""
    for rule in rules:
        for example in rule.examples:
            values, problems = example_values(rules, example)
            assert not problems
            assert (laws.when_truth(rules, values, rule.when) is True) == example.fires


def test_made_up_rule_sets_hold_the_laws() -> None:
    """Their red flags and clinical floors too; every rung is reached."""
    reached: Counter[Acuity] = Counter()

    @quick
    @given(rule_sets(), st.data())
    def hold(rules: RuleSet, data: st.DataObject) -> None:
        answers = data.draw(strategies.answers(rules))
        for law in LAWS:
            law(seen(), rules, answers)
        reached[by_plain(answers, rules).acuity] += 1

    hold()
    assert all(reached[rung] > 1 for rung in Acuity), reached


def test_what_fails_on_made_up_rules_becomes_small() -> None:
    """The smallest rule set with a score has few findings and rules."""

    @settings(quick, report_multiple_bugs=False)
    @given(rule_sets())
    def has_no_score(rules: RuleSet) -> None:
        assert not rules.scores, f"{len(rules.findings.by_id)} {len(rules)}"

    with pytest.raises(AssertionError) as found:
        has_no_score()
    findings, rules = map(int, str(found.value).split("\n")[0].split())
    assert findings <= 5
    assert rules <= 3


def test_hypothesis_knows_rule_sets_without_being_asked() -> None:
    """The entry point names what registers them; registering imports no strategies until one is drawn."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["hypothesis"]
    for entry in declared.values():
        module, _, name = entry.partition(":")
        assert getattr(importlib.import_module(module), name) is register
    code = (
        "import sys; from calf_triage import RuleSet; from calf_triage._hypothesis import register; register(); "
        "from hypothesis import strategies as st; print('calf_triage.strategies' in sys.modules, "
        "st.from_type(RuleSet).filter(lambda rules: rules.name == 'made_up').wrapped_strategy is not None, "
        "'calf_triage.strategies' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.split() == ["False", "True", "True"]


@quick
@given(rule_sets(), st.data())
def test_the_laws_read_a_rule_set_as_the_truth_table_does(rules: RuleSet, data: st.DataObject) -> None:
    """What downstream is told by, the plain reading, agrees with the truth table as it is read once more here."""
    values = laws.checked(rules, data.draw(strategies.answers(rules)))
    told = plain_truth(rules, values)
    for criterion in every_criterion(rules):
        assert told(criterion) is laws.truth(rules, values, criterion)
    for when in (*(rule.when for rule in rules), *(law.when for law in rules.laws)):
        assert told(when) is laws.when_truth(rules, values, when)


# -- the one call ------------------------------------------------------------------------------------------------------


def faults(rules: RuleSet, **more: Any) -> str:
    """What assert_consistent raises."""
    with pytest.raises(AssertionError) as found:
        assert_consistent(rules, **more)
    return str(found.value)


def test_the_bundled_rules_are_consistent() -> None:
    """As any app may hold them to it."""
    assert_consistent(RULES, max_examples=5)


def test_every_line_of_the_check_is_a_fault() -> None:
    """And it says where."""
    assert "check: routine/pain.toml: without it nothing changes" in faults(MINI, max_examples=1)


def test_it_says_the_same_each_time_and_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that passes once and fails the next time is worse than none."""
    monkeypatch.chdir(tmp_path)
    broken = without(MINI, "suspected_clot")
    assert faults(broken) == faults(broken)
    assert list(tmp_path.iterdir()) == []


def without(rules: RuleSet, *ids: str) -> RuleSet:
    """The rule set without some of its rules."""
    return evolve(rules, rules=tuple(rule for rule in rules if rule.id not in ids))


def test_every_violated_law_is_told_with_its_smallest_patient() -> None:
    """In plain words: what was asked, and what was answered."""
    told = faults(without(MINI, "suspected_clot"))
    assert "[swelling_is_seen] A new swelling is seen the same day. The answer is " in told
    patient = "\n  the smallest patient:\n    One leg is bigger (one_leg_swollen): yes"
    assert told.count(patient) == 2
    laws_told = [line for line in told.split("\n") if line.startswith(("monotone", "clinical_floors_hold"))]
    assert [line.partition(":")[0] for line in laws_told] == ["monotone", "clinical_floors_hold"]
    assert laws_told[1] == "clinical_floors_hold: Every clinical floor of laws.toml holds."


def test_a_patient_who_is_well_but_for_a_few_things_is_told_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a fault shows only once all is answered, the benign answers are told in one line."""
    cancer = Criterion("cancer", "yes", "cancer")
    raises = evolve(MINI.advice["calf_raise"], contraindicated_by=(cancer,))
    rules = evolve(MINI, advice={**MINI.advice, "calf_raise": raises})
    monkeypatch.setattr(_Resolution, "_allowed", lambda self, item: True)
    told = faults(rules, max_examples=200)
    assert (
        "nobody under the lowest age.\n  calf_raise is advised in spite of 'cancer'\n  the smallest patient:\n"
        "    A weak calf (leg_weakness): yes\n    Cancer now (cancer): "
    ) in told
    assert "    How active are you? (activity): Mostly sitting\n" in told
    assert told.endswith("    to everything else that applies, the benign answer")


def test_an_error_instead_of_an_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest patient may have answered nothing."""

    def refuses(self: Any) -> Assessment:
        raise LookupError

    monkeypatch.setattr(_Resolution, "assessment", refuses)
    monkeypatch.setattr(strategies, "check", lambda rules: ())
    told = faults(MINI)
    assert "one_disposition: Every set of answers, the empty one included" in told
    assert "these answers have no disposition\n  the smallest patient:\n    nothing is answered" in told


def test_a_fault_of_the_interview_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's laws are among those of the one call."""
    resumed = Interview.from_json.__func__  # type: ignore[attr-defined]

    def forgets(kind: type[Interview], text: str, *args: Any, **more: Any) -> Interview:
        found: Interview = resumed(kind, text, *args, **more)
        return found if not found.answers else Interview(found.rules, engine="plain")

    monkeypatch.setattr(Interview, "from_json", classmethod(forgets))
    told = faults(MINI)
    assert "\ninterview: an interview on any path keeps to what `triage` says\n  a save does not come back" in told


def test_python_without_asserts_is_refused() -> None:
    """The machine's laws are asserts; without them nothing would be tested, and all would pass."""
    code = (
        "from calf_triage import load_rules; from calf_triage.strategies import assert_consistent; import sys\n"
        "try: assert_consistent(load_rules('tests/folders/mini'))\n"
        "except AssertionError as error: sys.exit(str(error))"
    )
    ran = subprocess.run([sys.executable, "-O", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "run without -O" in ran.stderr
