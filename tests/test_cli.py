"""The command line: what it prints, where, and with which exit code, whatever it is given."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from calf_triage import INTENDED_USE, Assessment, RuleSet, __version__, cli, load_rules, triage
from calf_triage._text import Node, Screen, Section, Table, plain
from calf_triage.check.lints import Problem
from calf_triage.cli import main
from calf_triage.plan import Plan, make_plan
from tests._rules import RULES

ROOT = Path(__file__).parent.parent
MINI = ROOT / "tests" / "folders" / "mini"
ON_MINI = ["--rules", str(MINI)]
RULES_FOLDER = ROOT / "rules"
SELF_CARE: dict[str, Any] = {"leg_weakness": True, "activity": "sitting"}
SECRET = "fond-of-marmalade"


@pytest.fixture(scope="module")
def mini() -> RuleSet:
    return load_rules(MINI)


@pytest.fixture
def bundled(mini: RuleSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands without --rules read the small set."""
    monkeypatch.setattr(cli, "bundled_rules", lambda: mini)


def written(tmp_path: Path, content: str | bytes, name: str = "answers.json") -> str:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def answers(tmp_path: Path, given: object) -> str:
    return written(tmp_path, json.dumps(given))


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> str:
    """What a command prints on a terminal of 80 columns that knows colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"COLUMNS": "80", "TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    main(arguments)
    return terminal.getvalue()


# -- run -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"calf_pain": True}, {"breathless": True}, {"one_leg_swollen": "unsure"}])
def test_run_prints_the_page_of_the_library(
    tmp_path: Path, mini: RuleSet, capsys: pytest.CaptureFixture[str], given: dict[str, Any]
) -> None:
    """The command line says neither more nor less than `str` of the assessment."""
    assert main(["run", answers(tmp_path, given), "--region", "gb", *ON_MINI]) == 0
    assert capsys.readouterr().out == f"{triage(given, region='GB', rules=mini)}\n"


def test_run_prints_json_that_the_library_reads_back(
    tmp_path: Path, mini: RuleSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json, standard output holds one assessment and nothing else."""
    given = mini.benign(given=SELF_CARE)
    assert main(["run", answers(tmp_path, given), "--json", "--engine", "plain", *ON_MINI]) == 0
    assert Assessment.from_json(capsys.readouterr().out) == triage(given, rules=mini)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{"breathless": true}'),
        ("a.toml", b"breathless = true"),
        ("a.JSON", b'{"breathless": true}'),
        ("json", b' \n {"breathless": true}'),
        ("toml", b"# today\nbreathless = true"),
        ("marked.json", b'\xef\xbb\xbf{"breathless": true}'),
        ("a.txt", b"\xef\xbb\xbfbreathless = true\r\n"),
    ],
)
def test_answers_are_read_by_suffix_or_by_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    """JSON and TOML, from a file and from standard input, with or without the mark of some editors."""
    assert main(["run", written(tmp_path, content, name), *ON_MINI]) == 0
    stdin(monkeypatch, content)
    assert main(["run", "-", *ON_MINI]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert first.startswith("Call your local emergency number now")


UNREADABLE = {
    "empty": (b"", "a.json", "is empty"),
    "blank": (b" \n\t", "a.toml", "is empty"),
    "not UTF-8": (b'{"calf_pain": "\xff"}', "a.json", "is not UTF-8 text"),
    "UTF-16": ('{"calf_pain": true}'.encode("utf-16"), "a.json", "is not UTF-8 text"),
    "not JSON": (b'{"calf_pain": fond-of-marmalade}', "a.json", "is not JSON: Expecting value (line 1, column 15)"),
    "not TOML": (b"calf_pain = fond-of-marmalade", "a.toml", "is not TOML"),
    "neither": (b"[1, 2, 3]", "a", "does not begin with a brace, so it is no JSON object: is not TOML"),
    "TOML twice": (b"calf_pain = true\ncalf_pain = false", "a.toml", "is not TOML"),
    "deep JSON": (b'{"calf_pain": ' + b"[" * 200_000, "a.json", "is nested too deeply"),
    "deep TOML": (b"calf_pain = " + b"[" * 200_000, "a.toml", "is nested too deeply"),
    "long key": (b".".join([b"a"] * 200_000) + b" = 1", "a.toml", "more than 100 dots"),
    "long number": (b"bed_days = " + b"9" * 200_000, "a.toml", "a number that is too long"),
    "large": (b" " * (1024 * 1024) + b"{}", "a.json", "is larger than 1024 KiB"),
}


@pytest.mark.parametrize(("content", "name", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_input_that_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, name: str, problem: str
) -> None:
    """Exit code 2, what is wrong and where on standard error, nothing of what was given, nothing on standard output."""
    assert main(["run", written(tmp_path, content, name), *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("calf-triage: ")
    assert problem in err
    assert len(err.splitlines()) == 1
    assert SECRET not in err


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, a folder, a device, a pipe that nobody writes to, and a name that can be none."""
    os.mkfifo(tmp_path / "pipe")
    for path, problem in (
        (tmp_path / "missing.json", "no such file or directory"),
        (tmp_path, "is a folder, not a file"),
        (tmp_path / "pipe", "is not a file"),
        (Path("/dev/zero"), "is not a file"),
        ("nul\0", "is no name of a file"),
        ("x" * 5_000, "file name too long"),
    ):
        assert main(["run", str(path), *ON_MINI]) == 2
        out, err = capsys.readouterr()
        assert (out, problem in err) == ("", True)


def test_standard_input_is_bounded_and_may_be_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that writes for ever is cut off; one that never was is told."""
    stdin(monkeypatch, b" " * (1024 * 1024 + 1))
    assert main(["run", "-", *ON_MINI]) == 2
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["run", "-", *ON_MINI]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "calf-triage: standard input: is larger than 1024 KiB",
        "calf-triage: standard input: is closed",
    ]


def test_one_bad_field_hides_no_emergency(tmp_path: Path, mini: RuleSet, capsys: pytest.CaptureFixture[str]) -> None:
    """All problems on standard error, the page of the other answers on standard output, exit code 2."""
    path = answers(tmp_path, {"breathless": True, "bed_days": SECRET, "calf_pian": True})
    assert main(["run", path, "--region", "GB", *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert out == f"{triage({'breathless': True}, region='GB', rules=mini)}\n"
    assert "bed_days: a text is not an answer here" in err
    assert "did you mean 'calf_pain'?" in err
    assert main(["run", path, "--json", *ON_MINI]) == 2
    assert Assessment.from_json(capsys.readouterr().out).acuity.word == "emergency"


def test_a_bad_field_without_urgency_gives_no_answer(
    tmp_path: Path, mini: RuleSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below SAME_DAY nothing is answered on half of what was said."""
    path = answers(tmp_path, mini.benign(given=SELF_CARE) | {"bedd_days": 3})
    assert main(["run", path, *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "there is no result" in err


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000])
def test_what_is_no_number_is_refused_and_hides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    """Numbers that JSON, or the library, does not know are wrong answers like any other."""
    path = written(tmp_path, f'{{"breathless": true, "bed_days": {number}}}')
    assert main(["run", path, *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("Call your local emergency number")
    assert "bed_days: not a finite number" in err


@pytest.mark.parametrize("pair", ["true false", "false true", "true true", "null true", '"unsure" true'])
def test_a_yes_that_stands_beside_another_answer_is_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pair: str
) -> None:
    """A name that stands twice is refused, and the second answer silences no red flag."""
    first, second = pair.split()
    path = written(tmp_path, f'{{"breathless": {first}, "breathless": {second}}}')
    assert main(["run", path, *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("Call your local emergency number")
    assert "'breathless': stands twice" in err


def test_a_name_that_stands_twice_is_refused_also_where_all_else_is_well(
    tmp_path: Path, mini: RuleSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also with the same answer twice: who wrote it meant something else."""
    text = json.dumps(mini.benign(given=SELF_CARE))
    assert main(["run", written(tmp_path, f'{text[:-1]}, "leg_weakness": true}}'), *ON_MINI]) == 2
    assert capsys.readouterr().out == ""


HOSTILE: list[Any] = [SECRET, [SECRET], {SECRET: SECRET}, {"calf_pain": [[SECRET]]}, None, 7.25]


@pytest.mark.parametrize("given", [*HOSTILE, *({"calf_pain": value} for value in HOSTILE if value is not None)])
def test_no_answer_stands_in_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], given: object) -> None:
    """Errors end in logs, and answers are health data."""
    assert main(["run", answers(tmp_path, given), *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert "7.25" not in err
    assert err.replace(f"'{SECRET}': unknown finding", "").count(SECRET) == 0
    assert "Traceback" not in out + err


# -- explain ---------------------------------------------------------------------------------------------------------


def test_explain_prints_the_person_s_version(tmp_path: Path, mini: RuleSet, capsys: pytest.CaptureFixture[str]) -> None:
    """What `str(explanation)` is, with the number of the region."""
    given = {"calf_pain": True, "cancer": True, "breathless": False, "one_leg_swollen": False}
    assert main(["explain", answers(tmp_path, given), "--region", "gb", *ON_MINI]) == 0
    assert capsys.readouterr().out == f"{triage(given, region='GB', rules=mini).explain(mini)}\n"
    assert main(["explain", answers(tmp_path, {"breathless": True}), "--region", "GB", *ON_MINI]) == 0
    assert capsys.readouterr().out.startswith("Call 999 now")


def test_explain_prints_the_clinician_s_version_and_json(
    tmp_path: Path, mini: RuleSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --clinician ids and the rule set; with --json what the library writes."""
    given = {"one_leg_swollen": True, "breathless": False}
    file = answers(tmp_path, given)
    assert main(["explain", file, "--clinician", "--seconds", "300", *ON_MINI]) == 0
    out = capsys.readouterr().out
    assert "same_day/suspected_clot fires" in out
    assert mini.sha256 in out
    assert main(["explain", file, "--json", "--seconds", "300", *ON_MINI]) == 0
    explanation = triage(given, rules=mini).explain(mini)
    assert capsys.readouterr().out == f"{explanation.to_json(seconds=300)}\n"


def test_explain_tells_why_one_rule_does_not_fire(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In plain words, for a clinician, and as JSON; an unknown rule gets a near word."""
    file = answers(tmp_path, {"calf_pain": True, "cancer": False})
    assert main(["explain", file, "--rule", "calf_pain_with_factor", *ON_MINI]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Not finished: answer ")
    assert "\nCalf pain with a clot factor: this is not known yet\n" in out
    assert '"Days in bed" = not answered' in out
    assert main(["explain", file, "--rule", "calf_pain_with_factor", "--clinician", *ON_MINI]) == 0
    assert "[not met] cancer" in capsys.readouterr().out
    assert main(["explain", file, "--rule", "calf_pain_with_factor", "--json", *ON_MINI]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["finding"] for one in found["rule"]["would_fire"]] == ["cancer", "bed_days"]
    assert found["acuity"] == "same_day"
    assert main(["explain", file, "--rule", "calf_pain_with_factors", *ON_MINI]) == 2
    assert "did you mean 'calf_pain_with_factor'" in capsys.readouterr().err


def test_explain_of_one_rule_hides_no_emergency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever rule is asked about, the call for help comes first."""
    file = answers(tmp_path, {"breathless": True, "calf_pain": True})
    for more in ([], ["--clinician"]):
        assert main(["explain", file, "--rule", "calf_pain_with_factor", "--region", "GB", *more, *ON_MINI]) == 0
        assert capsys.readouterr().out.startswith("Call 999 now")
    assert main(["explain", file, "--rule", "calf_pain_with_factor", "--region", "GB", "--json", *ON_MINI]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["acuity"] == "emergency"
    assert found["page"][0].startswith("Call 999 now")


def test_explain_treats_bad_answers_as_run_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One bad field hides no emergency; without urgency there is no result; the exit code is 2 either way."""
    assert main(["explain", answers(tmp_path, {"breathless": True, "cancer": SECRET}), *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("Call your local emergency number now")
    assert "cancer: a text is not an answer here" in err
    assert main(["explain", answers(tmp_path, {"cancer": SECRET}), *ON_MINI]) == 2
    assert SECRET not in "".join(capsys.readouterr())
    assert main(["explain", str(tmp_path / "nothing.toml"), *ON_MINI]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["-1", "nan", "601", "soon"])
def test_explain_refuses_a_time_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: str) -> None:
    """A search ends."""
    assert main(["explain", answers(tmp_path, {}), "--seconds", seconds, *ON_MINI]) == 2
    assert "--seconds" in capsys.readouterr().err


# -- rules -----------------------------------------------------------------------------------------------------------


def test_rules_shows_the_ladder_with_one_rule_a_line(mini: RuleSet, capsys: pytest.CaptureFixture[str]) -> None:
    """Rung, id, title and causes; most acute first; piped, each rule is one line for other programs."""
    assert main(["rules", *ON_MINI]) == 0
    lines = capsys.readouterr().out.splitlines()[3:]
    assert [line.split()[:2] for line in lines] == [[rule.acuity.word, rule.id] for rule in mini]
    for line, rule in zip(lines, mini, strict=True):
        assert rule.title in line
        assert all(cause in line for cause in rule.causes)


def test_rules_show_shows_every_part_of_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """Also what its scores and named criteria are made of, so that nobody has to look in a second file."""
    assert main(["rules", "show", "suspected_clot", *ON_MINI]) == 0
    out = capsys.readouterr().out
    for part in (
        "Suspected clot (same_day/suspected_clot)",
        "A swollen leg can be a clot.",
        "clot: A clot, not to be missed",
        '- one_leg_swollen: "One leg is bigger"',
        "- wells >= 2: A score\n      - 1 for cancer",
        "emergency_department: an emergency department",
        "no_massage: No massage",
        "A swollen leg is seen.",
        "H1: Missed clot",
        "does not fire: not swollen",
    ):
        assert part in out
    assert main(["rules", "show", "calf_pain_with_factor", *ON_MINI]) == 0
    assert "- at least one of\n        - cancer" in capsys.readouterr().out


def test_an_unknown_rule_is_answered_with_a_near_word(capsys: pytest.CaptureFixture[str]) -> None:
    """As everywhere in the library."""
    assert main(["rules", "show", "suspected_clott", *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "no rule 'suspected_clott'; did you mean 'suspected_clot'?" in err


def test_a_retired_rule_names_its_successor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody may hold an old printout."""
    shutil.copytree(MINI, tmp_path / "rules")
    (tmp_path / "rules" / "retired").mkdir()
    text = 'title = "An old rule"\nreplaced_by = "suspected_clot"\n'
    (tmp_path / "rules" / "retired" / "swollen_leg.toml").write_text(text, "utf-8")
    assert main(["rules", "show", "swollen_leg", "--rules", str(tmp_path / "rules")]) == 2
    assert "is retired; it is replaced by suspected_clot" in capsys.readouterr().err


def test_rules_findings_shows_all_that_may_be_answered(mini: RuleSet, capsys: pytest.CaptureFixture[str]) -> None:
    """Every finding with its question, type, range or choices, only_if and red flag."""
    assert main(["rules", "findings", *ON_MINI]) == 0
    out = capsys.readouterr().out
    for finding in mini.findings.by_id.values():
        assert finding.id in out
        assert finding.asks in out
    for part in (
        "Short of breath [yes or no; RED FLAG: at least emergency]",
        "[a whole number from 0 to 10 (of 10); only if calf_pain]",
        "[one of 'active', 'sitting']",
    ):
        assert part in out


@pytest.mark.parametrize("what", [[], ["findings"], ["show", "pain"]])
def test_rules_come_as_json_too(capsys: pytest.CaptureFixture[str], what: list[str]) -> None:
    """Rungs as words."""
    assert main(["rules", *what, "--json", *ON_MINI]) == 0
    found = json.loads(capsys.readouterr().out)
    if what == ["show", "pain"]:
        assert (found["id"], found["acuity"]) == ("pain", "routine")
    else:
        assert len(found) > 4


@pytest.mark.parametrize("what", [["show"], ["shown"], ["show", "a", "b"], ["findings", "x"]])
def test_rules_refuses_what_it_does_not_know(capsys: pytest.CaptureFixture[str], what: list[str]) -> None:
    """With what it does."""
    assert main(["rules", *what, *ON_MINI]) == 2
    assert "`show` and the id of a rule, or `findings`" in capsys.readouterr().err


# -- follow-up -------------------------------------------------------------------------------------------------------


def looked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str], before: object, now: object, *more: str) -> str:
    """The path of what `run --json`, or `follow-up --json`, wrote of these answers."""
    first = answers(tmp_path, before)
    assert main(["run", first, *ON_MINI, "--json"]) == 0
    kept = written(tmp_path, capsys.readouterr().out, "before.json")
    assert main(["follow-up", kept, written(tmp_path, json.dumps(now), "now.json"), *ON_MINI, "--json", *more]) == 0
    return written(tmp_path, capsys.readouterr().out, "followed.json")


def test_a_follow_up_sets_today_beside_last_time_again_and_again(
    mini: RuleSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it prints as JSON is what the next one starts from, and what was not asked again still counts."""
    kept = looked_again(tmp_path, capsys, {"breathless": True}, {"calf_pain": True}, "--days", "1")
    assert json.loads(Path(kept).read_text())["assessment"]["acuity"] == "emergency"
    calm = written(tmp_path, json.dumps(mini.benign()), "calm.json")
    assert main(["follow-up", kept, calm, *ON_MINI, "--days", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["assessment"]["acuity"] == "same_day"
    assert main(["follow-up", kept, calm, *ON_MINI, "--days", "1"]) == 0
    assert "Less urgent than last time." in capsys.readouterr().out


@pytest.mark.parametrize("more", [["--days", "-1"], ["--days", "3651"], ["--rules", str(RULES_FOLDER)]])
def test_a_follow_up_that_cannot_be_made_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    """Days that are none, and other rules, are refused with exit code 2."""
    kept = looked_again(tmp_path, capsys, {"calf_pain": True}, {"calf_pain": True})
    assert main(["follow-up", kept, answers(tmp_path, {}), *ON_MINI, *more]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "--days" in told.err or "--recheck" in told.err


@pytest.mark.parametrize("document", [{"calf_pain": True}, [], {"previous": {}}])
def test_what_is_no_assessment_is_no_last_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], document: object
) -> None:
    """Answers are not taken for what they were answered."""
    before = written(tmp_path, json.dumps(document), "before.json")
    assert main(["follow-up", before, answers(tmp_path, {}), *ON_MINI]) == 2
    assert "not a" in capsys.readouterr().err


def test_an_unreadable_answer_of_today_hides_no_emergency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page of the others stands on standard output, and the exit code is 2."""
    before = looked_again(tmp_path, capsys, {"calf_pain": True}, {"calf_pain": True})
    now = answers(tmp_path, {"breathless": True, "cancer": SECRET})
    assert main(["follow-up", before, now, *ON_MINI]) == 2
    told = capsys.readouterr()
    assert "emergency" in told.out.lower()
    assert "cancer" in told.err
    assert SECRET not in told.err + told.out


# -- check, vignettes, schema, version, help -------------------------------------------------------------------------


def test_check_passes_a_sound_folder(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And says what it holds."""
    note = Problem("unit", "findings/x.toml", "[finding.y]", "asks for a number", note=True)
    monkeypatch.setattr("calf_triage.check.lint", lambda _: (note,) * 7)
    assert main(["check", str(MINI)]) == 0
    out = capsys.readouterr().out
    assert "mini 0.1.0: no problems" in out
    assert "7 notes\n" in out
    assert out.count("findings/x.toml: [finding.y]: asks for a number") == 5
    assert "… and 2 more of this kind; --json lists all" in out


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_check_tells_all_problems_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: list[str]
) -> None:
    """Problems of the loader and of the check alike, on standard output: they are the answer here."""
    assert main(["check", str(MINI), *as_json]) == 1
    assert "no example one step below, on 1 of wells" in capsys.readouterr().out
    assert main(["check", str(tmp_path), *as_json]) == 1
    assert "ruleset.toml" in capsys.readouterr().out


def test_check_tells_other_programs_each_part_of_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stable keys, problems and notes apart; also where the folder does not load, with a near word."""
    assert main(["check", str(MINI), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["rule_set", "problems", "notes", "cases"]
    assert found["rule_set"]["name"] == "mini"
    assert found["cases"] is None
    assert all(list(each) == ["kind", "file", "place", "message"] for each in (*found["problems"], *found["notes"]))
    assert {
        "kind": "number",
        "file": "same_day/suspected_clot.toml",
        "place": "'wells >= 2'",
        "message": "no example exactly on 2 of wells",
    } in found["problems"]
    assert {each["kind"] for each in found["notes"]} == {"one_alone", "number_elsewhere", "unit", "source_unread"}
    rules = tmp_path / "rules"
    shutil.copytree(MINI, rules)
    file = rules / "routine" / "pain.toml"
    file.write_text(file.read_text("utf-8").replace('["pain_worst_of_10 >= 4"]', '["pain_worts_of_10 >= 4"]'), "utf-8")
    assert main(["check", str(rules), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "rule_set": None,
        "problems": [
            {
                "kind": "load",
                "file": "routine/pain.toml",
                "place": "[when] all",
                "message": "unknown finding 'pain_worts_of_10'; did you mean 'pain_worst_of_10'?",
            }
        ],
        "notes": [],
        "cases": None,
    }


TWO_CASES = """
[[vignette]]
id = "swollen"
text = "A swollen leg, 3.0 cm bigger, in a woman with cancer."
cites = "design decision"
gold = "same_day"
reason = "made up"
given = { one_leg_swollen = true, girth_difference_cm = 3.0, cancer = true }
[[vignette]]
id = "bed"
text = "Pain after two days in bed."
cites = "design decision"
gold = "routine"
reason = "made up"
given = { calf_pain = true, bed_days = 2, pain_worst_of_10 = 4 }
"""


def test_check_counts_what_cases_reach(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In whole numbers, finished as `vignettes` finishes them; what is missing is named."""
    cases = tmp_path / "cases.toml"
    cases.write_text(TWO_CASES, "utf-8")
    main(["check", str(MINI), "--cases", str(cases), "--json"])
    found = json.loads(capsys.readouterr().out)["cases"]
    missing_rules = ["emergency/suspected_embolism", "soon/calf_pain_with_factor", "self_care/disuse"]
    assert (found["cases"], found["not_run"]) == (2, [])
    assert found["rules"] == {"count": 2, "of": 5, "missing": missing_rules}
    # Of the score, 2 points are reached and 1 is not; of the girth 3.0 and not 2.9; of the pain 4 and not 3.
    assert found["on"] == {"count": 3, "of": 4, "missing": ["bed_days >= 3"]}
    below = {"count": 1, "of": 4, "missing": ["wells >= 2", "girth_difference_cm >= 3", "pain_worst_of_10 >= 4"]}
    assert found["below"] == below
    assert found["met"]["of"] == found["refuted"]["of"] == 12
    assert found["met"]["missing"] == [
        "breathless",
        "cancer is unsure",
        "bed_days >= 3",
        "leg_weakness",
        "activity is sitting",
    ]
    assert found["refuted"]["missing"] == []
    assert main(["check", str(MINI), "--cases", str(cases)]) == 1
    out = capsys.readouterr().out
    assert "Reached by 2 cases" in out
    assert re.search(r"rules that fire +2 +5\n", out)
    assert "Not among the rules that fire\n  - emergency/suspected_embolism" in out
    assert "%" not in out


def test_cases_that_cannot_be_read_fail_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case whose answers are wrong reaches nothing, and is told without its answer; no file is no case."""
    monkeypatch.setattr("calf_triage.check.lint", lambda _: ())
    cases = tmp_path / "cases.toml"
    cases.write_text(TWO_CASES, "utf-8")
    assert main(["check", str(MINI), "--cases", str(cases)]) == 0
    cases.write_text(TWO_CASES.replace("girth_difference_cm = 3.0", "girth_difference_cm = 77"), "utf-8")
    capsys.readouterr()
    assert main(["check", str(MINI), "--cases", str(cases)]) == 1
    out = capsys.readouterr().out
    assert "Reached by 1 case\n" in out
    assert "girth_difference_cm: out of range" in out
    assert "77" not in out
    cases.write_text(TWO_CASES.replace("bed_days", "bed_dayz"), "utf-8")
    assert main(["check", str(MINI), "--cases", str(cases)]) == 2
    assert "unknown finding 'bed_dayz'; did you mean 'bed_days'?" in capsys.readouterr().err
    assert main(["check", str(MINI), "--cases", str(tmp_path / "none.toml")]) == 2


def test_a_folder_that_is_not_there_cannot_be_checked_or_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is not a problem of its rules."""
    missing = str(tmp_path / "missing")
    for arguments in (["check", missing], ["rules", "--rules", missing], ["vignettes", missing, *ON_MINI]):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "missing: no such f" in err


CASE = 'id = "a"\ntext = "x"\ncites = "x"\nreason = "x"\ngiven = { breathless = true }\n'


@pytest.mark.parametrize("gold", ["emergency", "soon"])
def test_vignettes_prints_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str], gold: str) -> None:
    """Over-triage is told, and does not fail."""
    path = written(tmp_path, f'[[vignette]]\ngold = "{gold}"\n{CASE}', "a.toml")
    assert main(["vignettes", path, *ON_MINI]) == 0
    out = capsys.readouterr().out
    assert out.index("Below their gold rung") < out.index("Finished runs") < out.index("Gold (rows)")
    assert main(["vignettes", path, "--assumptions", *ON_MINI]) == 0
    assert "age_years: 40" in capsys.readouterr().out
    assert main(["vignettes", path, "--json", *ON_MINI]) == 0
    assert json.loads(capsys.readouterr().out)["outcomes"][0]["answered"] == "emergency"


def test_vignettes_fails_on_under_triage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a build stops there."""
    case = CASE.replace("breathless", "calf_pain")
    path = written(tmp_path, f'[[vignette]]\ngold = "soon"\n{case}', "a.toml")
    assert main(["vignettes", path, *ON_MINI]) == 1
    assert "UNDER-TRIAGE" in capsys.readouterr().out


def test_broken_cases_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 with every problem: that is no result."""
    path = written(tmp_path, f'[[vignette]]\ngold = "now"\nx = 1\n{CASE}', "a.toml")
    assert main(["vignettes", path, *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "a.toml: a: gold: unknown rung 'now'" in err
    assert "a.toml: a: unknown key 'x'" in err


@pytest.mark.parametrize(
    ("what", "title"),
    [
        ([], "Answers for mini"),
        (["assessment"], "Assessment"),
        (["explanation"], "Explanation"),
        (["follow-up"], "FollowUp"),
        (["plan"], "Plan"),
    ],
)
def test_schema_prints_a_schema(capsys: pytest.CaptureFixture[str], what: list[str], title: str) -> None:
    """Of the answers, unless asked for the other."""
    assert main(["schema", *what, *ON_MINI]) == 0
    assert json.loads(capsys.readouterr().out)["title"].startswith(title)


@pytest.mark.usefixtures("bundled")
def test_version_names_library_and_rules(mini: RuleSet, capsys: pytest.CaptureFixture[str]) -> None:
    """An answer can only be traced with both."""
    assert main(["--version"]) == 0
    told = [f"calf-triage {__version__}", f"rules mini 0.1.0, sha256 {mini.sha256}"]
    assert capsys.readouterr().out.splitlines() == told


@pytest.mark.parametrize("command", [[], ["run"], ["explain"], ["rules"], ["check"], ["vignettes"], ["schema"]])
def test_help_fits_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """80 columns; the first page says what this is for and what it is not."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()) <= 80
    if not command:
        assert INTENDED_USE in " ".join(out.split())
        assert "examples:" in out
        assert "exit codes:" in out


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["run", "a", "--engine", "warp"], ["--fast"]])
def test_a_command_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Exit code 2 and the usage."""
    assert main(arguments) == 2
    assert "usage: calf-triage" in capsys.readouterr().err


# -- terminals -------------------------------------------------------------------------------------------------------


COMMANDS = (["rules"], ["rules", "show", "suspected_clot"], ["rules", "findings"])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_with_rich_gets_colour(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    """And never more columns than it has."""
    out = on_terminal(monkeypatch, *command, *ON_MINI)
    assert "\x1b[" in out


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("why", ["NO_COLOR", "dumb", "no rich"])
def test_plain_text_where_colour_is_not_wanted_or_cannot_be(
    monkeypatch: pytest.MonkeyPatch, command: list[str], why: str
) -> None:
    """NO_COLOR, TERM=dumb, and an environment without the extra; wrapped to the terminal's width."""
    environment = {"NO_COLOR": {"NO_COLOR": "1"}, "dumb": {"TERM": "dumb"}, "no rich": {}}[why]
    if why == "no rich":
        monkeypatch.setitem(sys.modules, "rich.console", None)
    out = on_terminal(monkeypatch, *command, *ON_MINI, **environment)
    assert "\x1b" not in out
    assert "suspected_clot" in out or "one_leg_swollen" in out
    assert max(len(line) for line in out.splitlines()) <= 80


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
@pytest.mark.parametrize("given", [{"breathless": True}, {"calf_pain": True}])
def test_a_page_on_a_terminal_has_the_words_of_the_piped_one(
    tmp_path: Path, mini: RuleSet, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], given: dict[str, Any]
) -> None:
    """Colour and wrapping change no word of an answer."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shown = on_terminal(monkeypatch, "run", answers(tmp_path, given), *ON_MINI, **environment)
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[38;5;208m"):
        shown = shown.replace(code, "")
    assert [word for word in shown.split() if word != "-"] == [
        word for word in str(triage(given, rules=mini)).split() if word != "-"
    ]


def test_square_brackets_are_text_and_no_markup() -> None:
    """rich would eat them, or take them for a style."""
    terminal = Terminal()
    screen = Screen(terminal)
    screen.show([Section("[bold]a[/bold]", ("[red]b", Node("[/]c"), Table((), (("[x]", "[y]"),))))])
    for part in ("[bold]a[/bold]", "[red]b", "[/]c", "[x]", "[y]"):
        assert part in terminal.getvalue()


def test_a_table_too_wide_gives_way_in_its_last_columns_first() -> None:
    """Ids stay in one piece while the sentences beside them are wrapped."""
    table = Table(("rung", "rule", "title"), (("same_day", "suspected_" + "x" * 30, "word " * 30),), fixed=2)
    lines = plain([Section("", (table,))], 70).splitlines()
    assert max(len(line) for line in lines) <= 70
    assert any("suspected_" + "x" * 30 in line for line in lines)


# -- when things go wrong --------------------------------------------------------------------------------------------


def test_an_interrupted_run_ends_quietly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 130, as shells expect."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "triage", interrupted)
    assert main(["run", answers(tmp_path, {}), *ON_MINI]) == 130


def test_a_fault_inside_shows_neither_traceback_nor_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, and a sentence that says this is no answer."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(cli, "triage", broken)
    assert main(["run", answers(tmp_path, {}), *ON_MINI]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "this is no answer" in err
    assert SECRET not in err


def called(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "calf_triage", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, **options)


def test_the_module_runs_as_a_program() -> None:
    """`python -m calf_triage` is the same command."""
    done = called("run", "-", "--region", "GB", *ON_MINI, input='{"breathless": true}')
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Call 999 now")
    assert len(done.stdout.split()) <= 40


def test_a_reader_that_goes_away_is_no_fault() -> None:
    """`calf-triage rules | head -1` prints no error."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "calf_triage", "rules", "findings", *ON_MINI]
    with subprocess.Popen(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True) as process:
        os.close(write)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_an_answer_that_cannot_be_written_is_told() -> None:
    """A full disk must not look like an answer."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "calf_triage", "rules", *ON_MINI]
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 3
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_that_knows_only_ascii_still_shows_an_answer() -> None:
    """Characters that it lacks become question marks; nothing is lost to an error."""
    done = called("run", "-", *ON_MINI, input='{"zärtlich": true}', env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Not finished" in done.stdout


def test_the_hint_about_what_is_still_unanswered_is_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names to add to the file, on a terminal alone, so that programs get no noise."""
    path = answers(tmp_path, {"calf_pain": True})
    assert main(["run", path, *ON_MINI]) == 0
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=lambda _: 0, flush=lambda: None, isatty=lambda: False))
    assert main(["run", path, *ON_MINI]) == 0
    assert "still unanswered: breathless" in terminal.getvalue()


# -- plan ------------------------------------------------------------------------------------------------------------

WEAK: dict[str, Any] = {"leg_weakness": True, "weakness_onset": "months", "activity_level": "inactive"}
FROM_MONDAY = ["--start", "2026-03-02"]
CHEST = (
    '[{"day":"2026-03-02","done":[],"pain_before":null,"pain_during":null,"pain_next_morning":null,'
    '"soreness_hours":null,"stop_signs":["chest_pain"]}]'
)


@pytest.fixture
def in_march(monkeypatch: pytest.MonkeyPatch) -> None:
    """Today is the Monday on which the plans begin."""
    monkeypatch.setattr("calf_triage.cli._today", lambda: date(2026, 3, 2))


@pytest.fixture
def weak(tmp_path: Path, in_march: None) -> str:
    return answers(tmp_path, RULES.benign(given=WEAK))


def test_plan_prints_the_plan_of_the_library(weak: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As its sections say, unwrapped; with --all every week by day."""
    made = make_plan(triage(RULES.benign(given=WEAK)), start=date(2026, 3, 2), days=["tue", "fri"])
    for more in ([], ["--all"]):
        assert main(["plan", weak, *FROM_MONDAY, "--days", "tue,fri", *more]) == 0
        assert capsys.readouterr().out == f"{plain(made.sections(bool(more)), None)}\n"


def test_plan_of_an_escalation_prints_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And exits with 1: nothing is silently no plan."""
    given = {"calf_pain": True, "breathless": True}
    assert main(["plan", answers(tmp_path, given), "--region", "GB"]) == 1
    shown = capsys.readouterr()
    assert shown.out == f"{triage(given, region='GB')}\n"
    assert "no plan is made" in shown.err
    assert main(["plan", answers(tmp_path, given), "--json"]) == 1
    assert Assessment.from_json(capsys.readouterr().out).acuity.name == "EMERGENCY"


def test_a_saved_plan_goes_on_with_a_log(weak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON or TOML; the log is in it, and a stop sign ends it with its page and exit code 1."""
    assert main(["plan", weak, *FROM_MONDAY, "--json"]) == 0
    saved = written(tmp_path, capsys.readouterr().out, "plan.json")
    day = "[[log]]\nday = 2026-03-02\ndone = true\npain_during = 1\npain_next_morning = 0\n"
    assert main(["plan", saved, "--log", written(tmp_path, day, "log.toml"), "--json"]) == 0
    first = Plan.from_json(capsys.readouterr().out)
    log = written(
        tmp_path, '[{"day": "2026-03-02", "done": true, "pain_during": 1, "pain_next_morning": 0}]', "log.json"
    )
    assert main(["plan", saved, "--log", log, "--json"]) == 0
    assert Plan.from_json(capsys.readouterr().out) == first
    assert [entry.pain_during for entry in first.logged] == [1]
    sign = written(tmp_path, day.replace("true", "true\nstop_signs = ['chest_pain']"), "sign.toml")
    assert main(["plan", saved, "--log", sign]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("Call your local emergency number now")
    assert "Your plan has stopped" in shown


@pytest.mark.parametrize(
    "wrong",
    [
        ["--days", "mnday"],
        ["--equipment", "stepp"],
        ["--start", "soon"],
        ["--heel-raises", "3"],
        ["--programme", "none"],
        ["--log", "no-such-file"],
    ],
)
def test_plan_tells_what_is_wrong_with_a_wish(wrong: list[str], weak: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2 and nothing on standard output."""
    assert main(["plan", weak, *FROM_MONDAY, *wrong]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("calf-triage: ")
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("start", ["2026-02-15", "2026-03-17", "0001-01-01", "9999-12-31"])
def test_plan_starts_near_today(start: str, weak: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The answers are of today, so no plan begins more than 14 days from it."""
    assert main(["plan", weak, "--start", start]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "--start: more than 14 days from today" in shown.err
    for near in ("2026-02-16", "2026-03-16"):
        assert main(["plan", weak, "--start", near]) == 0


def test_a_plan_that_is_over_is_not_shown(
    weak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers are too old; but a stop sign told of it is still weighed."""
    assert main(["plan", weak, *FROM_MONDAY, "--json"]) == 0
    saved = written(tmp_path, capsys.readouterr().out, "plan.json")
    monkeypatch.setattr("calf_triage.cli._today", lambda: date(2026, 4, 13))
    assert main(["plan", saved]) == 1
    assert capsys.readouterr().out == "This plan ended on Mon 13 Apr 2026. Answer the questions again.\n"
    sign = "[[log]]\nday = 2026-03-02\ndone = false\nstop_signs = ['chest_pain']\n"
    assert main(["plan", saved, "--log", written(tmp_path, sign, "sign.toml")]) == 1
    assert capsys.readouterr().out.startswith("Call your local emergency number now")


def test_a_saved_plan_that_was_changed_is_not_shown(
    weak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2; what its answers, its log or the log beside it mean today is shown instead."""
    assert main(["plan", weak, *FROM_MONDAY, "--json"]) == 0
    text = capsys.readouterr().out
    for old, new, acute in (
        ('"pain_at_most":3', '"pain_at_most":10', False),
        ('"breathless":false', '"breathless":true', True),
        ('"logged":[]', '"logged":' + CHEST, True),
    ):
        assert old in text
        changed = written(tmp_path, text.replace(old, new), "changed.json")
        assert main(["plan", changed]) == 2
        shown = capsys.readouterr()
        assert shown.out.startswith("Call your local emergency number now") == acute
        assert bool(shown.out) == acute
        assert "this saved plan cannot be used:" in shown.err
    changed = written(tmp_path, text.replace('"pain_at_most":3', '"pain_at_most":10'), "changed.json")
    sign = "[[log]]\nday = 2026-03-02\ndone = false\nstop_sign = 'chest pain'\n"
    assert main(["plan", changed, "--log", written(tmp_path, sign, "sign.toml")]) == 2
    assert capsys.readouterr().out.startswith("Call your local emergency number now")


def test_plan_reads_broken_input_without_its_values(
    weak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed plan, a log that is none, answers that are none; a sign in a broken log still shows its page."""
    assert main(["plan", weak, *FROM_MONDAY, "--json"]) == 0
    text = capsys.readouterr().out
    saved = written(tmp_path, text, "plan.json")
    for content in (text.replace('"now"', f'"{SECRET}"'), text.replace('"start":', '"start":1,"start":'), "{}"):
        assert main(["plan", written(tmp_path, content, "x.json")]) in (1, 2)
        shown = capsys.readouterr()
        assert SECRET not in shown.out + shown.err
    assert main(["plan", saved, "--days", "mon"]) == 2
    assert "--days: a saved plan keeps" in capsys.readouterr().err
    broken = f'[{{"day": "2026-03-02", "done": "{SECRET}", "stop_signs": ["breathless"]}}]'
    assert main(["plan", saved, "--log", written(tmp_path, broken, "b.json")]) == 2
    shown = capsys.readouterr()
    assert "Call your local emergency number now" in shown.out
    assert "entry 1: done" in shown.err
    assert SECRET not in shown.err
    assert "the log cannot be read, so the plan was not changed; mend this and run again:" in shown.err
    for wrong in ("3", "[1]", '{"log": 3}', "[["):
        assert main(["plan", saved, "--log", written(tmp_path, wrong, "b.json")]) == 2
    bad = {**RULES.benign(given=WEAK), "age_years": SECRET}
    assert main(["plan", answers(tmp_path, bad)]) == 2
    assert SECRET not in capsys.readouterr().err
