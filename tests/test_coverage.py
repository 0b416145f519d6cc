"""Every row of the clinical pages has a home, and everything that the rules hold comes from a row."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pytest

from calf_triage import Acuity, RuleSet
from calf_triage._findings import Answer
from calf_triage._pages import coverage
from calf_triage._triage import resolve
from calf_triage.check import with_benign_rest
from calf_triage.cli import main
from calf_triage.vignettes import load_vignettes
from tests._rules import MINI, MINI_FOLDER, RULES

HERE: Final = Path(__file__).parent
MAP: Final = HERE / "coverage.toml"
ROWS: Final[dict[str, dict[str, object]]] = tomllib.loads(MAP.read_text("utf-8"))
SYMPTOMS: Final = ("calf_pain", "leg_swelling", "leg_weakness", "leg_fatigue", "imbalance")


def numbered(name: str, *spans: Iterable[int]) -> list[str]:
    return [f"{name}{number}" for span in spans for number in span]


def upto(last: int) -> range:
    return range(1, last + 1)


ALL_ROWS: Final = [
    *numbered("Q", upto(12)),
    *(f"RF{number:02}" for number in upto(35)), "GCA",
    *numbered("W", upto(10)), "W-CUT",
    *numbered("NL", upto(8)), "NL-CUT",
    "LR-DVT", *numbered("DVT", upto(9)),
    "RUTH1", "RUTH2A", "RUTH2B", "RUTH3",
    *numbered("OA", upto(3)), *numbered("OF", upto(3)), *numbered("OK", upto(5)),
    *numbered("OX", upto(8)), *numbered("OU", upto(2)),
    *numbered("ERON", upto(4)),
    *numbered("FA", upto(7)),
    *(f"C{n:02}" for span in (range(1, 23), range(30, 44), range(50, 58), range(60, 66)) for n in span),
    *numbered("CL", upto(5)), *numbered("ECQ", upto(6)), "KHAN",
    *numbered("S-EX", upto(7)), *numbered("S-ST", upto(3)), *numbered("S-BA", upto(4)), "S-TE1",
    *numbered("S-FW", upto(6)), "S-RE1", "S-PR1", "S-FQ1", "S-FQ2", "S-WU1", "S-AC1", "S-ES1", "S-ES2", "S-HC1",
    *numbered("SIGN", upto(7)), *numbered("CAUSE", upto(7)),
    *numbered("N", upto(8)), *numbered("GATE", upto(10)),
    *numbered("DOSE", upto(15)),
    *numbered("M", upto(25)),
    *numbered("FD", upto(3)),
    *numbered("PROG", upto(14)),
    *numbered("POP", upto(31)),
    *numbered("H", upto(21)),
    "F20",
    *numbered("DEC", upto(11), [13, 17], range(19, 25)),
    *(f"DEC2-{part}" for part in ("ONE", "MORE", "BREATH", "TODAY", "SOON", "OLD", "NEVER")),
    "DEC3-SORE", "DEC3-CRAMP", "DEC4-STIFF", "DEC5-WEAK", "DEC5-NONE", "DEC5-AGAIN", "DEC7-CRACK", "DEC7-PUSH",
    "DEC8-NEW", "DEC8-Q4", "DEC9-MASK", "DEC9-UNSURE", "DEC10-URINE", "DEC11-ALONE",
    *(f"DEC12-{part}" for part in ("HEAD", "SPINE", "DRINK", "AORTA", "HIP", "SNAKE", "HOURS")),
    "DEC14-GAS", "DEC14-CORD", "DEC14-FOOT", "DEC14-SALT",
    "DEC15-CHILD", "DEC15-ONE", "DEC15-BOTH", "DEC15-CRAMP", "DEC16-Q1", "DEC16-Q2", "DEC16-Q3", "DEC16-Q8",
    *(f"DEC18-{part}" for part in ("WEAK", "PAIN", "TIRED", "BALANCE", "STRONG")),
    *numbered("SR-A", upto(12)), *numbered("SR-B", upto(24)), *numbered("SR-C", upto(12)),
    *numbered("SR-D", upto(26)), *numbered("SR-E", upto(15)),
    "TIRED1", "TIRED7",
]  # fmt: skip
"""Written out, so that a row that is dropped from the map is missed."""

IMPLAUSIBLE: Final = {("leg_swelling", "self_care"): "swelling of any kind is never self-care (decision 2)"}


def functions_that_test() -> set[str]:
    return {
        f"{file.name}::{part.name}"
        for file in HERE.glob("test_*.py")
        for part in ast.parse(file.read_text("utf-8")).body
        if isinstance(part, ast.FunctionDef) and part.name.startswith("test_")
    }


def whole_cases(rules: RuleSet) -> set[str]:
    return {case.id for case in load_vignettes(HERE / "vignettes", rules)}


def known(rules: RuleSet) -> dict[str, set[str]]:
    """What each key of a row may name."""
    return {
        "rules": {rule.id for rule in rules},
        "findings": set(rules.findings.by_id),
        "criteria": set(rules.criteria),
        "scores": set(rules.scores),
        "advice": set(rules.advice),
        "hazards": set(rules.hazards),
        "tests": functions_that_test(),
        "vignettes": whole_cases(rules),
    }


def problems(rows: Mapping[str, Mapping[str, object]], names: Mapping[str, set[str]]) -> list[str]:
    """What is wrong with a map, row by row."""
    found = [f"{row}: is in no list of rows" for row in rows if row not in ALL_ROWS]
    found += [f"{row}: is missing" for row in ALL_ROWS if row not in rows]
    for row, entry in rows.items():
        what, reason = entry.get("what"), entry.get("left_out")
        if not isinstance(what, str) or not 0 < len(what.split()) <= 12:
            found.append(f"{row}: what is 1 to 12 words")
        if reason is not None and (not isinstance(reason, str) or len(reason.split()) < 5):
            found.append(f"{row}: left_out is a reason of at least five words")
        homes = {key: value for key, value in entry.items() if key not in ("what", "left_out")}
        if not homes and reason is None:
            found.append(f"{row}: nothing carries it, and no reason is given")
        for key, value in homes.items():
            if key not in names:
                found.append(f"{row}: {key} is no key")
            elif not isinstance(value, list) or not value:
                found.append(f"{row}: {key} is a list of at least one name")
            else:
                found += [f"{row}: {key}: there is no {name}" for name in value if name not in names[key]]
                found += [f"{row}: {key}: {name} stands twice" for name in set(value) if value.count(name) > 1]
    return found


def nowhere(rows: Mapping[str, Mapping[str, object]], names: Mapping[str, Iterable[str]]) -> list[str]:
    """The rules, advice items and hazards that no row names."""
    return [
        f"{key}: {name}"
        for key in ("rules", "advice", "hazards")
        for name in sorted(names[key])
        if not any(isinstance(named := entry.get(key), list) and name in named for entry in rows.values())
    ]


def test_every_row_of_the_clinical_pages_has_a_home_that_exists() -> None:
    """Rules, findings, criteria, scores, advice, hazards, tests or whole cases, or a reason why nothing carries it."""
    assert len(ALL_ROWS) == len(set(ALL_ROWS))
    assert problems(ROWS, known(RULES)) == []


def test_every_rule_every_advice_item_and_every_hazard_comes_from_a_row() -> None:
    """Nothing is in the rules that no clinical page asks for."""
    assert nowhere(ROWS, known(RULES)) == []


def test_a_hole_in_the_map_is_found() -> None:
    """A map that is whole in name only says nothing."""
    names = known(RULES)
    without = {row: entry for row, entry in ROWS.items() if row != "RF05"}
    assert "RF05: is missing" in problems(without, names)
    assert "RF99: is in no list of rows" in problems({**ROWS, "RF99": ROWS["RF05"]}, names)
    for entry, line in (
        ({"what": "Rupture"}, "RF05: nothing carries it, and no reason is given"),
        ({"what": "Rupture", "left_out": "no"}, "RF05: left_out is a reason of at least five words"),
        ({"what": "Rupture", "rules": ["suspected_nothing"]}, "RF05: rules: there is no suspected_nothing"),
        ({"what": "Rupture", "rule": ["severe_pain"]}, "RF05: rule is no key"),
        ({"what": "Rupture", "rules": []}, "RF05: rules is a list of at least one name"),
        ({"what": "Rupture", "rules": ["severe_pain"] * 2}, "RF05: rules: severe_pain stands twice"),
        ({"rules": ["severe_pain"]}, "RF05: what is 1 to 12 words"),
    ):
        assert problems({**ROWS, "RF05": entry}, names) == [line]
    lone = next(
        rule.id for rule in RULES if sum(rule.id in str(entry.get("rules", ())) for entry in ROWS.values()) == 1
    )
    kept = {row: entry for row, entry in ROWS.items() if lone not in str(entry.get("rules", ()))}
    assert f"rules: {lone}" in nowhere(kept, names)


def test_every_hazard_has_a_control_and_a_test_that_exists() -> None:
    """Tests are functions of this folder, "file::test", or whole cases."""
    there = functions_that_test() | whole_cases(RULES)
    for hazard in RULES.hazards.values():
        assert hazard.control
        assert hazard.tests
        assert set(hazard.tests) <= there


# -- law 10 ----------------------------------------------------------------------------------------------------------


def reached(rules: RuleSet, symptom: str, rung: Acuity) -> dict[str, Answer] | None:
    """Answers that name the symptom and end on the rung, by a rule that reads the symptom; the rest is benign."""
    reading = coverage(rules).symptoms[symptom][rung.word]
    for rule_id in reading:
        for example in rules[rule_id].examples:
            if not example.fires or example.given.get(symptom, True) is not True:
                continue
            answers = with_benign_rest(rules, {**example.given, symptom: True})
            values, wrong = rules.findings.check(answers)
            found = resolve(rules, values)
            fired = {fired.id for fired in found.because}
            if not wrong and found.acuity is rung and found.settled and rule_id in fired:
                return answers
    return None


@pytest.mark.parametrize("rung", list(reversed(Acuity)), ids=lambda rung: rung.word)
@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_law_10_no_plausible_cell_of_symptoms_and_rungs_is_empty(symptom: str, rung: Acuity) -> None:
    """Each of the five symptoms can end on each of the five rungs, by a rule that asks about it."""
    answers = reached(RULES, symptom, rung)
    if (symptom, rung.word) in IMPLAUSIBLE:
        assert answers is None
    else:
        assert answers is not None
        assert answers[symptom] is True


def test_the_dangerous_cause_comes_first() -> None:
    """Among possible causes, those that must not be missed stand before the others, in every example."""
    several = 0
    for rule in RULES:
        for example in rule.examples:
            values, _ = RULES.findings.check(with_benign_rest(RULES, dict(example.given)))
            not_missed = [cause.must_not_miss for cause in resolve(RULES, values).differential]
            assert not_missed == sorted(not_missed, reverse=True)
            several += True in not_missed and False in not_missed
    assert several


def test_the_core_set_is_twelve_headings_on_four_pages() -> None:
    """Q1 to Q12, three a page, for every complaint; cauda equina alone; one statement a tick."""
    pages = [[h for h in s.headings if h.id.startswith("q")] for s in RULES.findings.screens]
    pages = [page for page in pages if page]
    assert [[heading.id.split("_")[0] for heading in page] for page in pages] == [
        [f"q{number}" for number in range(first, first + 3)] for first in (1, 4, 7, 10)
    ]
    core = [heading for page in pages for heading in page]
    of = RULES.findings.by_id
    for heading in core:
        asked = [name for name in heading.findings if of[name].only_if is None]
        assert all(of[name].type == "yes_no" for name in asked)
        assert not any(of[name].only_if in SYMPTOMS for name in heading.findings)
    when = RULES["suspected_cauda_equina_syndrome"].when
    cauda_equina = {criterion.name for criterion in when if criterion.form == "yes"}
    assert set(core[2].findings) == cauda_equina


def said(rules: RuleSet) -> list[tuple[str, str]]:
    """Each sentence that advice or a rule tells a patient to act on, with the id it is from."""
    texts = [(item.id, text) for item in rules.advice.values() for text in (item.name, *item.steps)]
    texts += [(item.id, change.say) for item in rules.advice.values() for change in item.modified_by]
    texts += [(rule.id, text) for rule in rules for text in (rule.title, rule.why)]
    return [(name, sentence) for name, text in texts for sentence in re.split(r"(?<=[.!?:;]) ", text)]


def test_no_text_advises_compression() -> None:
    """Stockings, sleeves and wraps harm where an artery is narrowed; they are named only to leave them off."""
    worn = re.compile(
        r"\b(?:compression|stockings?|tubular|bandages?|wraps?|(?:wear|put on|use)\b.*\bsleeve)\b", re.IGNORECASE
    )
    off = re.compile(r"\b(?:no|not|never|loosen|too tight)\b", re.IGNORECASE)
    assert worn.search("Wear a stocking.")
    assert [
        (name, sentence) for name, sentence in said(RULES) if worn.search(sentence) and not off.search(sentence)
    ] == []


def test_no_medicine_but_one_is_stopped() -> None:
    """A fluoroquinolone, until the prescriber is asked that day, and on one rule's word alone."""
    stop = re.compile(
        r"\b(?:take no more|(?:stop|leave off|come off|skip|halve|pause)\b.*\b(?:medicines?|tablets?|pills?|statins?|"
        r"steroids?|thinners?|doses?|taking))\b",
        re.IGNORECASE,
    )
    assert stop.search("Stop the statin.")
    told = {name for name, sentence in said(RULES) if stop.search(sentence) and not re.search(r"\bnot\b", sentence)}
    assert told == {"stop_quinolone_until_asked"}
    assert [rule.id for rule in RULES if told & {*rule.meanwhile, *rule.avoid, *rule.do}] == [
        "suspected_quinolone_harm"
    ]


def test_no_text_claims_what_stretching_does_not_do() -> None:
    """It bends more; nothing shows that it speeds recovery, prevents injury or mends a posture."""
    claim = re.compile(r"\bstretch\w*\b.*\b(?:recover\w*|prevent\w*|posture|heal\w*|protect\w*)\b", re.IGNORECASE)
    assert claim.search("Stretching improves recovery.")
    assert [(name, sentence) for name, sentence in said(RULES) if claim.search(sentence)] == []


def test_every_rule_below_today_says_when_to_look_again_and_what_not_to_wait_with() -> None:
    """No advice to stay at home is without an end and a safety net."""
    below = [rule for rule in RULES if rule.acuity < Acuity.SAME_DAY]
    assert below
    assert [rule.id for rule in below if not (rule.look_again_days and rule.seek_help_if)] == []
    assert RULES.safety_net


# -- the command line ------------------------------------------------------------------------------------------------


def test_the_coverage_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Symptom × rung, hazards without a test, rules that nobody has read a source of, and row × rule."""
    folder = str(MINI_FOLDER)
    assert main(["rules", "--coverage", "--rules", folder]) == 0
    out = capsys.readouterr().out
    assert "Symptom × rung" in out
    assert "Hazards without a control or a test" in out
    assert "Row × rule" not in out
    assert main(["rules", "--coverage", "--map", str(MAP)]) == 0
    out = capsys.readouterr().out
    assert f"Row × rule: {len(ROWS)} rows" in out
    assert out.rstrip().endswith("Rules in no row\nNone.")


def test_the_coverage_comes_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    """With the ids behind the numbers."""
    assert main(["rules", "--coverage", "--json", "--map", str(MAP)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["symptoms"]) == set(SYMPTOMS)
    assert found["symptoms"]["leg_swelling"]["self_care"] == []
    assert found["rows"]["RF35"] == ["suspected_heat_illness"]
    assert (found["untested"], found["nowhere"]) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--map", "x.toml"], "--map belongs to --coverage"),
        (["findings", "--coverage"], "takes no other words"),
        (["--coverage", "--map", "no_such_file.toml"], "no_such_file.toml: no such file"),
    ],
)
def test_a_coverage_that_cannot_be_made_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line."""
    assert main(["rules", *arguments, "--rules", str(MINI_FOLDER)]) == 2
    assert says in capsys.readouterr().err


def test_a_rule_set_without_symptom_screens_says_so() -> None:
    """The small rule set asks everything on one screen."""
    assert coverage(MINI).symptoms == {}
