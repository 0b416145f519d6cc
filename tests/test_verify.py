"""The proofs: every gate holds for the bundled rules, and every question refutes a defect planted for it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

pytest.importorskip("pysat", reason="python-sat is not installed for this interpreter")

from calf_triage import Acuity, Assessment, Escalation, RuleSet, RuleSetError, SelfCare, load_rules
from calf_triage._criteria import Criterion
from calf_triage._triage import resolve
from calf_triage.cli import main
from calf_triage.readings.plain import plain
from calf_triage.readings.sat import Circuit
from calf_triage.verify import QUESTIONS, NotReplayedError, Refutation, VerifyError, prover, questions, verify
from calf_triage.verify.resolution import RUNGS, Resolution
from tests._rules import MINI, MINI_FOLDER, RULES

NAMES = [question.name for question in QUESTIONS]


def test_every_gate_is_proved_for_the_bundled_rules() -> None:
    """Every gate is proved for the rules that come with the library; what is waived has its reason in their folder."""
    proof = verify(RULES)
    assert proof.complete
    assert [verdict.question for verdict in proof.verdicts] == NAMES
    assert {v.question: v.refutations for v in proof.verdicts if v.refutations} == {}
    assert {v.question: v.verdict for v in proof.verdicts if v.verdict != "proved"} == {}
    assert {v.question: v.waived for v in proof.verdicts if v.waived} == {"REACHABLE": 19}
    assert all(verdict.cases for verdict in proof.verdicts[3:])


# -- planted defects ---------------------------------------------------------------------------------------------------

Files = dict[str, Callable[[str], str]]
Expected = list[dict[str, Any] | int]


def folder(tmp_path: Path, files: Files) -> Path:
    """The small set, all of whose gates are proved, with some files changed."""
    made = tmp_path / "rules"
    shutil.copytree(MINI_FOLDER, made)
    # In the small set itself this rule says nothing that is not said anyhow.
    pain = made / "routine/pain.toml"
    pain.write_text(pain.read_text().replace("causes = []", 'causes = ["disuse"]'))
    for name, change in files.items():
        path = made / name
        path.write_text(change(path.read_text() if path.exists() else ""))
    return made


def instead(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def and_(more: str) -> Callable[[str], str]:
    return lambda text: text + more


def rule(when: str, fires: str, misses: str, causes: str = "[]") -> Callable[[str], str]:
    """A SOON rule in a file of its own."""
    return lambda _: (
        f"""
title = "Planted"
causes = {causes}
why = "Planted for a test."
status = "draft"
[when]
{when}
[then]
see = ["doctor"]
within_hours = 72
look_again_days = 14
seek_help_if = ["worse"]
[[source]]
cites = "design decision"
says = "Planted."
[[example]]
name = "fires"
given = {fires}
fires = true
[[example]]
name = "does not"
given = {misses}
fires = false
"""
    )


FLAG = 'kind = "symptom"\nred_flag = true\nfloor = "routine"\n[finding.pain_worst'
SIDE = """
[finding.{0}_side]
heading = "about_you"
asks = "On the {0}"
kind = "sign"
mirror = "{1}_side"
"""
IDLE = '\n[finding.idle]\nheading = "about_you"\nasks = "Idle"\nkind = "symptom"\n'

IN_A_FOLDER: dict[str, tuple[Files, str, Expected]] = {
    "SATISFIABLE": (
        {"soon/never.toml": rule('all = ["activity is active", "activity is sitting"]', "{}", "{}")},
        "soon/never.toml: fires for nobody",
        [],
    ),
    "EFFECTIVE": (
        {"routine/pain.toml": instead('causes = ["disuse"]', "causes = []")},
        "routine/pain.toml: nothing changes without it",
        [],
    ),
    "NECESSARY": (
        {"criteria.toml": instead('"bed_days >= 3"', '"bed_days >= 3", "bed_days >= 5"')},
        "criteria.toml: [clot_factor] any: nothing changes without 'bed_days >= 5'",
        [],
    ),
    "NO_DUPLICATE": (
        {
            "soon/one.toml": rule('all = ["bed_days >= 3"]', "{ bed_days = 3 }", "{ bed_days = 2 }"),
            "soon/two.toml": rule('any = ["bed_days >= 3", "bed_days >= 9"]', "{ bed_days = 3 }", "{ bed_days = 2 }"),
        },
        "soon/one.toml: fires for the same people as soon/two.toml",
        [],
    ),
    "NO_SUBSUMPTION": (
        {
            "soon/one.toml": rule('all = ["bed_days >= 3"]', "{ bed_days = 3 }", "{ bed_days = 2 }"),
            "soon/two.toml": rule('all = ["bed_days >= 9"]', "{ bed_days = 9 }", "{ bed_days = 8 }"),
        },
        "soon/two.toml: wherever it fires, soon/one.toml says the same",
        [],
    ),
    "MONOTONE": (
        {"findings/start.toml": instead('kind = "symptom"\n[finding.pain_worst', FLAG)},
        "leg_weakness: from no to yes lowers the answer",
        [{"activity": "sitting"}, {"leg_weakness": True}],
    ),
    "RED_FLOOR": (
        {"findings/start.toml": instead('floor = "same_day"', 'floor = "emergency"')},
        "one_leg_swollen: yes ends below emergency",
        [{"one_leg_swollen": True}],
    ),
    "CLINICAL_FLOORS": (
        {"laws.toml": instead("same_day", "emergency")},
        "laws.toml: [swelling_is_seen]: the answer is below emergency",
        [{"one_leg_swollen": True}],
    ),
    "REACHABLE": (
        {"findings/start.toml": and_(IDLE)},
        "findings/: [finding.idle]: no answer to it changes anything",
        [],
    ),
    "ASK_RELEVANT": (
        {
            "findings/start.toml": and_(IDLE),
            "soon/never.toml": rule('all = ["activity is active", "activity is sitting", "idle"]', "{}", "{}"),
        },
        "idle: asked at once, and changes nothing",
        [],
    ),
    "MIRROR": (
        {
            "findings/start.toml": and_(SIDE.format("left", "right") + SIDE.format("right", "left")),
            "soon/left.toml": rule('all = ["left_side"]', "{ left_side = true }", "{ left_side = false }"),
        },
        "left and right change places, and the answer changes",
        [1, 2],
    ),
}


YES_OR_UNSURE = (True, "unsure")


def shows(refutation: Refutation, expected: Expected) -> None:
    """The reports tell the expected answers and no other: those named, one of several, or so many."""
    assert len(refutation.reports) == len(expected)
    for report, answers in zip(refutation.reports, expected, strict=True):
        told = {name: report.given.get(name) for name, _, _ in report.answers}
        if isinstance(answers, int):
            assert len(told) == answers
        else:
            assert told.keys() == answers.keys()
            assert all(
                told[name] in (answer if isinstance(answer, tuple) else [answer]) for name, answer in answers.items()
            )


def refuted(rules: RuleSet, question: str, **options: Any) -> dict[str, Refutation]:
    proof = verify(rules, only=question, **options)
    assert not proof.passed
    assert proof.verdicts[0].verdict == "refuted"
    return {refutation.about: refutation for refutation in proof.verdicts[0].refutations}


def test_all_gates_are_proved_for_the_sound_folder(tmp_path: Path) -> None:
    """The folder in which defects are planted has none of its own, so each refutation is that of its defect."""
    proof = verify(load_rules(folder(tmp_path, {})))
    assert proof.passed
    assert not [verdict for verdict in proof.verdicts if verdict.refutations]


@pytest.mark.parametrize("question", IN_A_FOLDER)
def test_a_defect_in_a_folder_is_refuted(tmp_path: Path, question: str) -> None:
    """Each question refutes the defect planted in a folder of rules for it, with the expected answers."""
    files, about, expected = IN_A_FOLDER[question]
    rules = load_rules(folder(tmp_path, files))
    found = refuted(rules, question)
    assert about in found
    shows(found[about], expected)


@pytest.mark.parametrize(
    ("question", "files", "said"),
    [
        ("TYPED", {"routine/pain.toml": instead("pain_worst_of_10 >= 4", "pain_wurst_of_10 >= 4")}, "unknown finding"),
        (
            "CITED",
            {
                "routine/pain.toml": lambda text: (
                    text.split("[[source]]")[0] + "[[example]]" + text.split("[[example]]", 1)[1]
                )
            },
            "source",
        ),
        ("STRATIFIED", {"criteria.toml": instead('"cancer",', '"cancer", "clot_factor",')}, "circle"),
    ],
)
def test_what_loading_answers_is_refused_at_load(tmp_path: Path, question: str, files: Files, said: str) -> None:
    """What the loader has to prove, it refuses."""
    with pytest.raises(RuleSetError, match=said):
        load_rules(folder(tmp_path, files))
    assert next(asked for asked in QUESTIONS if asked.name == question).must == "load"


# -- defects of the resolution, planted in the encoder and in the library alike ----------------------------------------

Resolve = Callable[..., Assessment]
ON_CANCER: Files = {"advice/all.toml": instead('"pain_worst_of_10 >= 4"', '"cancer"')}
SITTING = {"leg_weakness": True, "activity": "sitting"}


def level(answer: Assessment) -> Acuity:
    return max([answer.established, *(unsure.acuity.one_lower() for unsure in answer.unsure_of)])


class WithoutItems(Resolution):
    def self_care(self) -> int:
        fired = [s.fired for s in self.standing if s.rule.acuity is Acuity.SELF_CARE]
        return self.circuit.all((-self.not_excluded[Acuity.ROUTINE], self.of_age, self.circuit.any(fired)))

    def _settled(self) -> int:
        return Circuit.TRUE


def without_items(rules: RuleSet, values: dict[str, Any]) -> Assessment:
    answer = resolve(rules, values)
    care = SelfCare(advice=(), withheld=(), look_again_days=14, seek_help_if=())
    return evolve(answer, acuity=care.acuity, disposition=care) if answer.reason == "no_item" else answer


class Hasty(Resolution):
    def published(self) -> dict[Acuity, int]:
        above = {rung: self.circuit.all((-self.care, self.level[rung])) for rung in RUNGS}
        return above | {Acuity.ROUTINE: -self.care}


def hasty(rules: RuleSet, values: dict[str, Any]) -> Assessment:
    answer = resolve(rules, values)
    if answer.acuity is Acuity.SELF_CARE:
        return answer
    acuity = max(level(answer), Acuity.ROUTINE)
    to = Escalation(acuity, tuple(rules.services.values()), within_hours=24)
    return evolve(answer, acuity=acuity, disposition=to)


class Careless(Resolution):
    def self_care(self) -> int:
        items = [self.circuit.all((fired, self.allowed(item))) for fired, item in self._offered(self.fired)]
        return self.circuit.all((-self.established[Acuity.ROUTINE], self.of_age, self.circuit.any(items)))


def careless(rules: RuleSet, values: dict[str, Any]) -> Assessment:
    answer, reader, reading = resolve(rules, values), plain(rules), plain(rules).read(values)
    offered = [rules.advice[id] for rule in answer.because for id in rules[rule.id].do]
    given = [item for item in offered if all(reader.is_refuted(c, reading) for c in item.contraindicated_by)]
    age = values.get("age_years")
    if answer.established or not given or not isinstance(age, int) or age < rules.lowest_age:
        return answer
    care = SelfCare(advice=(), withheld=(), look_again_days=14, seek_help_if=())
    return evolve(answer, acuity=care.acuity, disposition=care)


class SureOfItself(Resolution):
    def _settled(self) -> int:
        return Circuit.TRUE


def sure_of_itself(rules: RuleSet, values: dict[str, Any]) -> Assessment:
    return evolve(resolve(rules, values), settled=True)


class Narrow(Resolution):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.not_excluded = self.level


def narrow(rules: RuleSet, values: dict[str, Any]) -> Assessment:
    answer = resolve(rules, values)
    return evolve(answer, not_excluded=level(answer))


class Reckless(SureOfItself):
    def allowed(self, item: object) -> int:
        return Circuit.TRUE


def reckless(rules: RuleSet, values: dict[str, Any]) -> Assessment:
    free = {id: evolve(item, contraindicated_by=()) for id, item in rules.advice.items()}
    return evolve(resolve(evolve(rules, advice=free), values), settled=True)


IN_THE_RESOLUTION: dict[str, tuple[Files, type[Resolution], Resolve, str, Expected]] = {
    "COVER": (
        ON_CANCER,
        WithoutItems,
        without_items,
        "the answer is self-care without an item",
        [{**SITTING, "cancer": YES_OR_UNSURE}],
    ),
    "COVER_PARTIAL": (
        {},
        Hasty,
        hasty,
        "emergency is open on absent answers, and the answer is milder than same_day",
        [{}],
    ),
    "SELF_CARE_SAFE": ({}, Careless, careless, "self-care is lost by saying more", [3, 1]),
    "SETTLED": ({}, SureOfItself, sure_of_itself, "a settled answer is changed by saying more", [{}, 8]),
    "NO_CONTRAINDICATION": (
        ON_CANCER,
        Reckless,
        reckless,
        "advice/: [calf_raise]: advised in spite of 'cancer'",
        [{**SITTING, "cancer": None}],
    ),
    "BRACKET": (
        {},
        Narrow,
        narrow,
        "saying more takes `established` above `not_excluded`",
        [{}, 1],
    ),
    "REFINE": ({}, Narrow, narrow, "saying more raises `not_excluded`", [{}, 1]),
}


@pytest.mark.parametrize("question", IN_THE_RESOLUTION)
def test_a_defect_in_the_resolution_is_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    """Where no rule can plant the defect, a resolution that has it is refuted, with the expected answers."""
    files, resolution, library, about, expected = IN_THE_RESOLUTION[question]
    rules = load_rules(folder(tmp_path, files))
    monkeypatch.setattr(prover, "Resolution", resolution)
    monkeypatch.setattr(prover, "resolve", library)
    monkeypatch.setattr(questions, "resolve", library)
    found = refuted(rules, question)
    shows(found[about], expected)


def test_a_defect_that_no_folder_can_hold_is_refuted() -> None:
    """An exercise among the first aid, which the loader refuses, is found."""
    rules = [evolve(rule, meanwhile=("calf_raise",)) if rule.acuity is Acuity.EMERGENCY else rule for rule in MINI]
    made = evolve(MINI, rules=tuple(rules))
    found = refuted(made, "NO_EXERCISE_WHEN_ESCALATED")
    assert set(found) == {"advice/: [calf_raise]: given in an escalation"}
    shows(found["advice/: [calf_raise]: given in an escalation"], [{"breathless": True}])


def test_an_explanation_that_says_too_little_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no answers were cited, EXPLAIN_SUFFICIENT would find the person whom that leaves unexplained."""
    monkeypatch.setattr(questions, "_leaves", lambda *_: ())
    found = refuted(MINI, "EXPLAIN_SUFFICIENT")
    shows(found["the answers cited for emergency do not suffice for it"], [{"breathless": True}, 1])


def test_every_question_has_a_planted_defect() -> None:
    """No question stands here that was never seen to refute anything."""
    elsewhere = {"TYPED", "CITED", "STRATIFIED", "NO_EXERCISE_WHEN_ESCALATED", "EXPLAIN_SUFFICIENT"}
    assert {*IN_A_FOLDER, *IN_THE_RESOLUTION, *elsewhere} == {*NAMES}


# -- no vacuous, no unconfirmed and no unfinished proof ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "files", "about"),
    [
        (
            "CLINICAL_FLOORS",
            {"laws.toml": instead('["one_leg_swollen"]', '["activity is active", "activity is sitting"]')},
            "laws.toml: [swelling_is_seen]: the answer is below same_day: never comes up",
        ),
        (
            "NO_CONTRAINDICATION",
            {"advice/all.toml": instead('"one_leg_swollen", ', '"activity is sitting", ')},
            "advice/: [calf_raise]: advised in spite of 'activity is sitting': never comes up",
        ),
    ],
)
def test_a_premise_that_never_comes_up_is_refuted(tmp_path: Path, question: str, files: Files, about: str) -> None:
    """A law about nobody proves nothing, and is told as such."""
    assert about in refuted(load_rules(folder(tmp_path, files)), question)


def test_what_the_library_does_not_confirm_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An encoder that errs alone is caught by the replay: no verdict, and exit code 3."""
    monkeypatch.setattr(prover, "Resolution", Hasty)
    with pytest.raises(NotReplayedError, match="the library answers otherwise"):
        verify(MINI, only="COVER_PARTIAL")
    assert main(["verify", str(MINI_FOLDER), "--only", "COVER_PARTIAL"]) == 3
    assert capsys.readouterr().out == ""


def test_out_of_time_is_undecided_and_fails(tmp_path: Path) -> None:
    """A question without time is undecided, and that is not proved."""
    proof = verify(load_rules(folder(tmp_path, {})), seconds=-1)
    assert {verdict.verdict for verdict in proof.verdicts if verdict.cases} == {"undecided"}
    assert not proof.passed


def test_a_gate_with_nothing_to_prove_is_not_counted_as_proved(tmp_path: Path) -> None:
    """A folder without laws proves no law, and says so."""
    rules = evolve(MINI, laws=())
    proof = verify(rules)
    (floors,) = (verdict for verdict in proof.verdicts if verdict.question == "CLINICAL_FLOORS")
    assert (floors.nothing, floors.passed) == (True, True)
    text = str([part for section in proof.sections() for part in section.body])
    assert "nothing of the kind here to prove: " in text
    assert "CLINICAL_FLOORS" in text.rpartition("to prove: ")[2]
    gates = sum(verdict.gate and not verdict.nothing for verdict in proof.verdicts)
    assert f"of {gates} gates proved" in text
    assert not any(verdict.nothing for verdict in proof.verdicts if verdict.question in ("TYPED", "COVER"))


# -- waivers, options and the command ----------------------------------------------------------------------------------


def test_a_waiver_accepts_what_is_refuted_and_nothing_else(tmp_path: Path) -> None:
    """What is waived is counted and no refutation; a waiver for what is proved is one; only two questions have them."""
    files, about, _ = IN_A_FOLDER["NECESSARY"]
    rules = load_rules(folder(tmp_path, files))
    why = {"NECESSARY": {about: "printed so in the source"}}
    verdict = verify(evolve(rules, waivers=why), only="NECESSARY").verdicts[0]
    assert (verdict.verdict, verdict.waived) == ("proved", 1)
    verdict = verify(evolve(MINI, waivers=why), only="NECESSARY").verdicts[0]
    assert [refutation.about for refutation in verdict.refutations] == [f"waived, and yet proved: {about}"]
    with pytest.raises(VerifyError, match=r"waivers.toml: \[MONOTONE\] cannot be waived; only NECESSARY and REACHABLE"):
        verify(evolve(MINI, waivers={"MONOTONE": {about: "no"}}))


def test_an_item_that_no_number_of_its_score_needs_is_refuted() -> None:
    """NECESSARY asks it of scores too: one point never tells where only pairs of points are compared with."""
    wells = MINI.scores["wells"]
    item = wells.items[0]
    others = [evolve(each, points=2) for each in wells.items]
    extra = evolve(item, criterion=Criterion("leg_weakness", "yes", "leg_weakness"), points=1)
    rules = evolve(MINI, scores={**MINI.scores, "wells": evolve(wells, items=(*others, extra))})
    verdict = verify(rules, only="NECESSARY").verdicts[0]
    about = "scores.toml: [wells] points: nothing changes without 'leg_weakness'"
    assert about in [refutation.about for refutation in verdict.refutations]
    assert about.replace("leg_weakness", item.criterion.text) not in [r.about for r in verdict.refutations]
    assert verify(MINI, only="NECESSARY").verdicts[0].verdict == "proved"


def test_the_command_proves_refutes_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 with all gates proved, 1 otherwise; the counterexample stands there in words; the same as JSON."""
    sound, flawed = folder(tmp_path / "a", {}), folder(tmp_path / "b", IN_A_FOLDER["CLINICAL_FLOORS"][0])
    assert main(["verify", str(sound)]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in NAMES)
    assert "19 of 19 gates proved; nothing of the kind here to prove: MIRROR." in out
    assert main(["verify", str(flawed)]) == 1
    out = capsys.readouterr().out
    assert "not proved: CLINICAL_FLOORS" in out
    assert "One leg is bigger: yes" in out
    assert main(["verify", str(flawed), "--json"]) == 1
    proof = json.loads(capsys.readouterr().out)
    assert proof["passed"] is False
    (refutation,) = next(v for v in proof["verdicts"] if v["question"] == "CLINICAL_FLOORS")["refutations"]
    assert refutation["reports"][0]["acuity"] == "same_day"


def test_one_question_alone_proves_no_rule_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is left out is not proved, so the exit code is 1, and the output says why."""
    assert main(["verify", str(folder(tmp_path, {})), "--only", "MONOTONE"]) == 1
    assert "no proof of the rule set" in capsys.readouterr().out


def test_what_cannot_be_asked_is_said_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option is told with what would be right."""
    assert main(["verify", str(MINI_FOLDER), "--only", "monotne"]) == 2
    assert "did you mean 'MONOTONE'" in capsys.readouterr().err


def test_without_python_sat_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One plain sentence and exit code 2, whatever else is installed."""
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    assert main(["verify", str(MINI_FOLDER)]) == 2
    assert 'pip install "calf-triage[verify]"' in capsys.readouterr().err
