"""The interview in a terminal: what it asks, how it can be answered and ended, and that no answer is ever lost."""

from __future__ import annotations

import errno
import functools
import io
import itertools
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from fcntl import ioctl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import calf_triage.ask as asking
from calf_triage import INTENDED_USE, UNSURE, Acuity, Assessment, FindingError, RuleSet, cli, load_rules, triage
from calf_triage._findings import Answer, Finding
from calf_triage.ask import ending, saving
from calf_triage.ask import lines as by_line
from calf_triage.ask.keys import HELD_SECONDS, Keys
from calf_triage.ask.saving import Keeper, SignalledError, Signals
from calf_triage.ask.session import Page, Session
from calf_triage.cli import main
from calf_triage.interview import Ask, Interview
from tests._rules import MINI, MINI_FOLDER, RULES

ON_MINI = ["--rules", str(MINI_FOLDER), "--engine", "plain"]
ON_RULES = ["--engine", "plain"]
SAVED = "calf-triage-interview.json"
PROMPT = "> "

Person = Mapping[str, Answer | None]
"""What someone answers; everything else as the benign answer has it. None is "rather not say"."""

HEALTHY: Person = {"leg_weakness": True, "activity": "sitting", "age_years": 40}
SWOLLEN: Person = {"calf_pain": UNSURE, "one_leg_swollen": True, "bed_days": None}
BREATHLESS: Person = {"breathless": True}
SORE: Person = {"calf_pain": True, "pain_side": "both_legs", "pain_began": "with_activity"}
TIRED: Person = {"leg_fatigue": True, "age_years": 71, "statin": UNSURE, "sex_at_birth": None}


once = functools.cache(load_rules)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a folder of its own to save in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(cli, "load_rules", once)
    return tmp_path


def answer_of(finding: Finding, person: Person) -> Answer | None:
    return person[finding.id] if finding.id in person else finding.shown(finding.benign)


def line(page: Page, person: Person) -> str:
    """What a person types for a page."""
    if page.kind == "settled":
        return ""
    said = [answer_of(question.finding, person) for question in page.questions]
    if set(said) == {None}:
        return "-"
    if set(said) == {UNSURE}:
        return "?"
    if page.kind == "statements":
        marks = {True: "", UNSURE: "?"}
        assert None not in said, "one statement alone cannot be left unsaid"
        numbers = [f"{number}{marks[told]}" for number, told in enumerate(said, 1) if told in (True, UNSURE)]
        return " ".join(numbers) or "0"
    if page.kind == "choice":
        return str([value for value, _ in page.options].index(said[0] if said[0] is not None else "") + 1)
    return str(said[0])


def keys(page: Page, person: Person) -> str:
    """What a person presses for a page."""
    if page.kind in ("begin", "settled"):
        return "\r"
    said = [answer_of(question.finding, person) for question in page.questions]
    if set(said) == {None}:
        return "r\r"
    if set(said) == {UNSURE}:
        return "?\r"
    if page.kind == "statements":
        presses = {True: 1, UNSURE: 2}
        assert None not in said, "one statement alone cannot be left unsaid"
        marks = "".join(str(number) * presses[told] for number, told in enumerate(said, 1) if told in (True, UNSURE))
        return f"{marks}c\r" if marks else "n\r"
    if page.kind == "choice":
        return f"{[value for value, _ in page.options].index(said[0] if said[0] is not None else '') + 1}\r"
    return f"{said[0]}\r"


def script(
    rules: RuleSet, person: Person, by: Callable[[Page, Person], str] = line, region: str | None = None
) -> tuple[list[str], Interview]:
    """What a person enters from the first page to the last, and the interview it leads to."""
    session = Session(Interview(rules, engine="plain", region=region), engine="plain")
    entered: list[str] = []
    while (page := session.page) is not None:
        if page.kind != "begin" or by is keys:
            entered.append(by(page, person))
        if page.kind in ("begin", "settled"):
            session.go_on()
        else:
            session.answer({question.id: answer_of(question.finding, person) for question in page.questions})
    return entered, session.interview


def walked(rules: RuleSet, person: Person, region: str | None = None) -> Interview:
    """The same interview without a terminal, a whole screen at once."""
    interview = Interview(rules, engine="plain", region=region)
    while interview.screen is not None:
        interview.answer({asked.id: answer_of(asked.finding, person) for asked in interview.screen.questions})
    return interview


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str | None, *words: str
) -> tuple[int, str]:
    """The exit code and the output of `calf-triage ask` by lines; None for a closed standard input."""
    monkeypatch.setattr(sys, "stdin", None if typed is None else io.StringIO(typed))
    code = main(["ask", *words])
    out, err = capsys.readouterr()
    assert err == ""
    return code, out


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`ask(typed, *words)` on the small set."""
    return lambda typed, *words: run(monkeypatch, capsys, typed, *ON_MINI, *words)


def typed(*lines: str) -> str:
    return "".join(f"{each}\n" for each in lines)


def files() -> set[str]:
    return {path.name for path in Path.cwd().iterdir()}


# -- by lines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [HEALTHY, SWOLLEN])
def test_a_finished_interview_ends_with_the_page_of_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], person: Person
) -> None:
    """Exit code 0, the page that `run` prints for the same answers, and no file that nobody asked for."""
    lines, interview = script(MINI, person, region="GB")
    code, out = run(monkeypatch, capsys, typed(*lines), "--region", "gb", *ON_MINI)
    Path("answers.json").write_text(json.dumps(interview.answers))
    assert main(["run", "answers.json", "--region", "GB", *ON_MINI]) == 0
    page = capsys.readouterr().out
    assert code == 0
    assert interview.assessment == walked(MINI, person, region="GB").assessment
    assert out.partition(page)[2].startswith("\nSave it? ")
    assert files() == {"answers.json"}


@pytest.mark.parametrize("person", [SORE, TIRED])
def test_the_bundled_rules_are_asked_as_the_interview_asks_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], person: Person
) -> None:
    """One screen is one step, whatever its pages: the answers are those of an interview without a terminal."""
    lines, interview = script(RULES, person)
    assert interview.answers == walked(RULES, person).answers
    code, out = run(monkeypatch, capsys, typed(*lines), *ON_RULES)
    assert (code, f"\n{interview.assessment}\n" in out) == (0, True)


def test_the_first_words_say_what_to_do_in_an_emergency(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The number of the region first, then what this is for and how to stop."""
    _, out = run(monkeypatch, capsys, "", "--region", "GB", *ON_MINI)
    first, *others = out.splitlines()
    assert first == "If this may be an emergency, call 999 now. Do not go on here first."
    assert others[1] == INTENDED_USE
    assert "q stops at any step" in others[5]


def test_progress_and_the_reason_are_told(ask: Run) -> None:
    """Which page it is, how many may follow, what it is about; and why, where more is asked than who the person is."""
    _, out = ask(typed("40"))
    may = "Page 1. There may be up to 2 more; most people have fewer."
    assert f"{may}\nStart (part 1 of 4)\n\nAbout you\n" in out
    assert "\nStart (part 2 of 4)\nThe answer could mean calling for help now.\nAbout you\n" in out
    assert out.count("Page 1") == 1


def test_no_alarm_is_told_where_only_age_sex_and_complaint_are_asked() -> None:
    """The bundled rules first ask who the person is and what brings them; from the safety questions on it is told."""
    session = begun(RULES)
    session.go_on()
    alarms: list[str] = []
    while (page := session.page) is not None and len(alarms) < 5:
        alarms.append(page.why)
        session.answer({question.id: answer_of(question.finding, SORE) for question in page.questions})
    calm = alarms.index("The answer could mean calling for help now.")
    assert calm >= 3
    assert alarms[:calm] == [""] * calm


@pytest.mark.parametrize(
    ("said", "marks"),
    [
        ("1 3", [True, False, True]),
        (" 3,1 ; ", [True, False, True]),
        ("2?", [False, UNSURE, False]),
        ("1 1", [True, False, False]),
        ("0", [False] * 3),
        ("?", [UNSURE] * 3),
        ("-", [None] * 3),
    ],
)
def test_every_way_to_answer_statements(said: str, marks: list[Answer | None]) -> None:
    """Numbers are yes, with a question mark not sure, the others no; 0, ? and - are about all of them."""
    page = statements(3)
    assert list(by_line.answers(page, said).values()) == marks


NO_ANSWER = [
    "",
    "4",
    "0 1",
    "1 0",
    "1 ?",
    "1 -",
    "? -",
    "1-3",
    "13",
    "1 1?",
    "01",
    "yes",
    "n",
    "+1",
    "1.",
    "٣",
    "1\x00",
    "2??",
]


@pytest.mark.parametrize("said", NO_ANSWER)
def test_what_is_no_answer_to_statements_is_told_what_would_be_one(said: str) -> None:
    """It is asked again, never guessed at, and not repeated."""
    with pytest.raises(by_line.UnclearError) as told:
        by_line.answers(statements(3), said)
    assert "13" not in str(told.value)
    assert str(told.value).endswith(".")


def statements(count: int) -> Page:
    found = [finding for finding in RULES.findings.by_id.values() if finding.type == "yes_no"]
    return Page("statements", questions=tuple(Ask(one, Acuity.SOON, "acuity") for one in found[:count]))


def one(name: str) -> Page:
    finding = RULES.findings.by_id[name]
    kind: Any = "number" if finding.type == "measurement" else "choice"
    return Page(kind, questions=(Ask(finding, Acuity.SOON, "acuity"),))


@pytest.mark.parametrize(
    ("name", "said", "answer"),
    [
        ("age_years", "0", 0),
        ("age_years", "120", 120),
        ("calf_girth_difference_cm", "3,5", 3.5),
        ("calf_girth_difference_cm", "20.0", 20),
        ("pain_worst_24h_of_10", "10", 10),
        ("pain_worst_24h_of_10", "?", UNSURE),
        ("age_years", "-", None),
        ("pain_place", "10", "foot"),
        ("pain_place", "?", UNSURE),
        ("calf_pain", "1", True),
        ("calf_pain", "2", False),
        ("calf_pain", "yes", True),
        ("calf_pain", "n", False),
        ("calf_pain", "-", None),
    ],
)
def test_every_way_to_answer_one_question(name: str, said: str, answer: Answer | None) -> None:
    """A number in its range, with a point or a comma; the number of a choice; not sure and rather not say."""
    assert by_line.answers(one(name), said) == {name: answer}


@pytest.mark.parametrize(
    ("name", "said", "right"),
    [
        ("age_years", "121", "a whole number from 0 to 120 years"),
        ("age_years", "-1", "a whole number from 0 to 120 years"),
        ("age_years", "52.5", "a whole number from 0 to 120 years"),
        ("age_years", "52 years", "a whole number from 0 to 120 years"),
        ("age_years", "nan", "a whole number"),
        ("age_years", "1e1", "a whole number"),
        ("age_years", "٥٢", "a whole number"),
        ("age_years", "9" * 400, "a whole number"),
        ("age_years", "", "a whole number"),
        ("pain_worst_24h_of_10", "7/10", "a whole number from 0 to 10."),
        ("calf_girth_difference_cm", "3.55", "at most 1 decimal from 0"),
        ("calf_girth_difference_cm", "20.1", "to 20.0 cm"),
        ("pain_place", "11", "from 1 to 10"),
        ("pain_place", "1 2", "one number"),
        ("pain_place", "foot", "from 1 to 10"),
        ("pain_place", "yes", "from 1 to 10"),
        ("calf_pain", "3", "from 1 to 2"),
        ("calf_pain", "", "from 1 to 2"),
    ],
)
def test_what_is_no_answer_to_one_question_is_told_what_would_be_one(name: str, said: str, right: str) -> None:
    """Its range, or its numbers; nothing is clamped, and nothing is taken for something near it."""
    with pytest.raises(by_line.UnclearError, match=re.escape(right)):
        by_line.answers(one(name), said)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_is_typed_is_an_answer_or_is_refused(data: st.DataObject) -> None:
    """No text breaks a page, and what it takes is an answer that the rules can read."""
    pages = [statements(7), one("age_years"), one("calf_girth_difference_cm"), one("pain_place"), one("calf_pain")]
    page = data.draw(st.sampled_from(pages))
    said = data.draw(st.text(max_size=12) | st.text("0123456789 ?-.,yn", max_size=8))
    try:
        answers = by_line.answers(page, said.strip().lower())
    except by_line.UnclearError:
        return
    assert list(answers) == [question.id for question in page.questions]
    assert RULES.findings.check({name: value for name, value in answers.items() if value is not None})[1] == []


def test_bad_lines_are_asked_again(ask: Run) -> None:
    """Each gets one sentence and the prompt; the interview goes on as if they had not been typed."""
    lines, interview = script(MINI, SWOLLEN)
    noisy = [each for good in lines for each in ("what?", "x" * 5_000, good)]
    code, out = ask(typed(*noisy))
    assert code == 0
    assert f"{interview.assessment}\n" in out
    assert out.count("Please type") == 2 * len(lines)
    assert "what?" not in out


def test_bytes_that_are_no_text_are_no_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are refused like any other line."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n40\nq\n"), "utf-8"))
    assert main(["ask", *ON_MINI]) == 4
    assert "Please type a whole number" in capsys.readouterr().out
    assert Interview.from_json(Path(SAVED).read_text(), MINI).answers == {"age_years": 40}


# -- emergencies -----------------------------------------------------------------------------------------------------


def test_an_emergency_stops_the_questions_at_once(ask: Run) -> None:
    """Also in the middle of a screen: nothing more is asked, and the page stands alone before the offers."""
    code, out = ask(typed("40", "1"))
    assert code == 0
    assert "(part 2 of 4)" in out
    assert "(part 3 of 4)" not in out
    page = str(triage({"breathless": True}, rules=MINI))
    assert out.endswith(f"\n\n{page}\n\nYou need do nothing more here. Press Enter to close, or s to save.\n> \n")


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([""], set()),
        (["q"], set()),
        (["no"], set()),
        (["what?", ""], set()),
        (["s", "1", ""], {"calf-triage-answer.json"}),
    ],
)
def test_below_an_emergency_nothing_is_saved_unless_it_is_wanted(ask: Run, lines: list[str], names: set[str]) -> None:
    """Only `s` leads to the offers."""
    code, out = ask(typed("40", "1", *lines))
    assert (code, files()) == (0, names)
    assert ("Save it?" in out) == bool(names)
    assert ("or b to go back" in out) == ("what?" in lines)


def test_where_the_interview_is_saved_is_told_after_an_emergency_was_closed(ask: Run) -> None:
    """Not right under the call."""
    _, out = ask(typed("40", "1", ""), "--save", "mine.json")
    assert out.index("or s to save.") < out.index("Your answers are saved in")


def test_an_emergency_by_mistake_can_be_taken_back(ask: Run) -> None:
    """From the offers, `b` shows the last answers again."""
    lines, interview = script(MINI, HEALTHY)
    code, out = ask(typed("40", "1", "b", *lines[1:]))
    assert code == 0
    assert "  1 [x]  Short of breath" in out
    assert out.rstrip().count(str(interview.assessment)) == 1


@pytest.mark.parametrize("person", [{"face_droop": True}, {"calf_pain": True, "foot_colder": True, "foot_paler": True}])
def test_no_question_follows_an_answer_that_means_an_emergency(person: Person) -> None:
    """Whatever is answered, the last page that was shown is the one that made it an emergency, or there was none."""
    session = Session(Interview(RULES, engine="plain"), engine="plain")
    session.go_on()
    while (page := session.page) is not None:
        assert session.assessment.acuity < Acuity.EMERGENCY
        session.answer({question.id: answer_of(question.finding, person) for question in page.questions})
    assert session.interview.assessment.acuity is Acuity.EMERGENCY


# -- back ------------------------------------------------------------------------------------------------------------


def test_back_shows_what_was_answered_and_enter_keeps_it(ask: Run) -> None:
    """Within a screen, from a screen to the one before, and from the offers; nothing is lost by looking."""
    lines, interview = script(MINI, SWOLLEN)
    assert len(lines) > 3
    there_and_back = [lines[0]]
    for now in lines[1:]:
        there_and_back += ["b", "", now]
    code, out = ask(typed(*there_and_back, "b", "", "1", "answer.json"))
    assert code == 0
    assert "Before, you answered: 40" in out
    assert "  2 [?]  Pain in the calf" in out
    assert Assessment.from_json(Path("answer.json").read_text()) == interview.assessment


def test_back_on_the_first_page_says_so(ask: Run) -> None:
    """There is nothing before it, and it is asked again."""
    code, out = ask(typed("b", "q"))
    assert (code, files()) == (4, set())
    assert "This is the first step; there is none to go back to." in out


@settings(max_examples=5, deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.sampled_from([SORE, TIRED]))
def test_going_back_loses_nothing(moves: list[bool], person: Person) -> None:
    """After any walk back and forth, the interview ends as it would have ended without it."""
    session = Session(Interview(RULES, engine="plain"), engine="plain")
    for forth in [*moves, *[True] * 200]:
        page = session.page
        if page is None:
            break
        if page.kind in ("begin", "settled"):
            session.go_on()
        elif forth:
            said = {question.id: answer_of(question.finding, person) for question in page.questions}
            assert not page.given or page.given == said
            session.answer(said)
        else:
            session.back()
    assert session.interview.assessment == walked(RULES, person).assessment


# -- ending early ----------------------------------------------------------------------------------------------------


def test_input_may_end_at_every_character(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The saved file goes on to the same assessment as the interview that was never interrupted."""
    lines, interview = script(MINI, SWOLLEN)
    whole = typed(*lines)
    for cut in range(len(whole)):
        lines_taken = whole[:cut].count("\n")
        code, out = run(monkeypatch, capsys, whole[:cut], *ON_MINI)
        assert code == 4
        assert "\nStopped. " in out or "\nYou stopped " in out
        if not lines_taken:
            assert files() == set()
            continue
        resumed = typed(*lines[lines_taken:], "1", "answer.json")
        code, out = run(monkeypatch, capsys, resumed, "--resume", SAVED, *ON_MINI)
        assert code == 0
        assert Assessment.from_json(Path("answer.json").read_text()) == interview.assessment
        Path("answer.json").unlink()
        Path(SAVED).unlink()


def test_the_bundled_interview_may_end_after_every_page() -> None:
    """Saved after any page and read again, it asks the same pages from there on, to the same assessment."""
    session = Session(Interview(RULES, engine="plain"), engine="plain")
    session.go_on()
    while (page := session.page) is not None:
        again = Session(Interview.from_json(session.to_json(), RULES, engine="plain"), engine="plain")
        again.go_on()
        if page.kind == "settled":
            session.go_on()
            continue
        if again.page is not None and again.page.kind == "settled":
            again.go_on()
        assert (again.page, again.so_far) == (page, session.so_far)
        assert again.assessment == session.assessment
        session.answer({question.id: answer_of(question.finding, TIRED) for question in page.questions})
    finished = Session(Interview.from_json(session.to_json(), RULES, engine="plain"), engine="plain")
    assert finished.page is None
    assert finished.interview.assessment == walked(RULES, TIRED).assessment


def test_a_saved_interview_is_one_of_the_library(ask: Run) -> None:
    """`Interview.from_json` reads it, a half-answered screen included, and asks what is left."""
    lines, _ = script(MINI, HEALTHY)
    assert ask(typed(*lines[:2], "q"))[0] == 4
    interview = Interview.from_json(Path(SAVED).read_text(), MINI)
    assert interview.answers["leg_weakness"] is True
    assert interview.screen is not None
    assert "activity" in {question.id for question in interview.screen.questions}
    assert "age_years" not in {question.id for question in interview.screen.questions}


def test_an_early_end_says_where_it_is_saved_and_how_to_go_on(ask: Run, elsewhere: Path) -> None:
    """The file, for its owner alone, and a command that can be copied."""
    code, out = ask(typed("40", "q"))
    assert code == 4
    assert f"Your answers are saved in {elsewhere / SAVED}" in out
    assert f"  calf-triage ask --resume {elsewhere / SAVED} --rules {MINI_FOLDER} --engine plain\n" in out
    assert (elsewhere / SAVED).stat().st_mode & 0o777 == 0o600


def test_no_other_file_is_overwritten(ask: Run) -> None:
    """The next free name is taken; also where it is a link to nowhere."""
    Path(SAVED).write_text("mine")
    Path("calf-triage-interview-2.json").symlink_to("nowhere")
    ask(typed("40", "q"))
    assert Path(SAVED).read_text() == "mine"
    assert files() == {SAVED, "calf-triage-interview-2.json", "calf-triage-interview-3.json"}


@pytest.mark.parametrize(("lines", "words"), [([], []), (["q"], []), (["40", "2", "q"], ["--no-save"])])
def test_nothing_is_written_when_nothing_is_to_be(ask: Run, lines: list[str], words: list[str]) -> None:
    """Nothing was answered, or nothing is wanted."""
    code, out = ask(typed(*lines), *words)
    assert (code, files()) == (4, set())
    assert "nothing was saved" in out.lower()


def test_a_closed_standard_input_is_an_early_end(ask: Run) -> None:
    """A program that was started without one is told, not broken."""
    assert ask(None)[0] == 4


def test_an_early_end_is_no_all_clear(ask: Run) -> None:
    """What the answers so far mean is told, and that they are not all."""
    _, out = ask(typed("40", "q"))
    first = out.index("\nYou stopped before the end. Be seen today, unless you go on and finish the questions.\n")
    assert first < out.index("\nNot finished: ")
    lines, _ = script(MINI, SWOLLEN)
    _, out = ask(typed(*lines[:2], "q"))
    assert "You stopped early. No answer that is missing can change" in out
    assert "\nBe seen today.\n" in out


def test_an_early_end_is_told_without_a_flood_of_questions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It begins with what to do and no number; what is certain already is not put in doubt."""
    _, out = run(monkeypatch, capsys, typed("72", "q"), *ON_RULES)
    own = out[out.index("You stopped") : out.index("\nNot finished: ")]
    assert own.startswith("You stopped before the end. Be seen today, unless you go on")
    assert not re.search("[0-9]", own)
    certain = triage({"one_leg_swollen": True}, rules=MINI)
    assert (certain.reason, certain.established) == ("unfinished", Acuity.SAME_DAY)
    told = "You stopped before the end. Be seen today in any case; it could be more urgent."
    assert ending._stopped(certain) == told


def test_a_folder_that_cannot_be_written_to_is_told(ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the answers is printed instead."""

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, out = ask(typed("37", "0", "q"))
    assert code == 4
    lost = "Your answers could not be saved in this folder (no space left on device). Write down the result above."
    assert lost in out
    assert "37" not in out
    assert files() == set()


def test_a_failed_save_leaves_the_earlier_one(ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is written whole or not at all."""
    lines, _ = script(MINI, SWOLLEN)
    ask(typed(*lines[:1], "q"))
    before = Path(SAVED).read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    code, out = ask(typed(lines[1], "q"), "--resume", SAVED)
    assert "could not be saved in this folder (input/output error)" in out
    assert f"What was saved earlier is still in {Path(SAVED).absolute()}, without your last answers." in out
    assert (code, Path(SAVED).read_bytes(), files()) == (4, before, {SAVED})


def kept_in(folder: Path) -> list[dict[str, Answer]]:
    """The answers of all interviews that are saved in a folder."""
    return [Interview.from_json(path.read_text(), MINI).answers for path in sorted(folder.glob("*.json"))]


def test_a_folder_that_is_removed_in_between_is_told(
    ask: Run, monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> None:
    """What was answered since is saved where it can be, and what could not be written to is named."""
    (elsewhere / "gone").mkdir()
    lines, _ = script(MINI, SWOLLEN)
    when(monkeypatch, 3, lambda: shutil.rmtree(elsewhere / "gone"))
    code, out = ask(typed(*lines[:3], "q"), "--save", "gone/mine.json")
    assert code == 4
    assert f"{elsewhere / 'gone' / 'mine.json'} could not be written to: no such file or directory." in out
    assert f"Your answers are saved in {elsewhere / SAVED}" in out
    assert kept_in(elsewhere)[0]["one_leg_swollen"] is True


def when(monkeypatch: pytest.MonkeyPatch, count: int, happens: Callable[[], object]) -> None:
    """Lets something happen before the answer of this number."""
    real, numbers = Session.answer, itertools.count(1)

    def answer(self: Session, answers: Any) -> None:
        if next(numbers) == count:
            happens()
        real(self, answers)

    monkeypatch.setattr(Session, "answer", answer)


def test_a_disk_that_becomes_full_is_no_save(ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved once and then not again: it is not told as saved, and what stands in the file is told apart."""

    def fill() -> None:
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))

    lines, _ = script(MINI, SWOLLEN)
    ask(typed(*lines[:1], "q"))
    when(monkeypatch, 2, fill)
    code, out = ask(typed(*lines[1:3], "q"), "--resume", SAVED)
    assert code == 4
    assert "Your answers are saved in" not in out
    assert "--resume" not in out
    assert "could not be saved in this folder (no space left). Write down the result above." in out
    assert f"What was saved earlier is still in {Path(SAVED).absolute()}, without your last answers." in out
    assert kept_in(Path()) == [{"age_years": 40}]


def test_a_save_that_fails_after_one_that_did_not_is_no_save(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also within one interview; and once there is room again, all of it is saved in the same file."""
    session, keeper = begun(), Keeper("mine.json", known=None, wanted=True)
    session.go_on()
    session.answer({"age_years": 40})
    keeper.keep(session)
    assert (keeper.file, kept_in(Path())) == (Path("mine.json").absolute(), [{"age_years": 40}])
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        session.marked["one_leg_swollen"] = True
        keeper.keep(session)
    assert keeper.file is None
    assert [line.split(" (")[0] for line in keeper.told()] == [
        "Your answers could not be saved in this folder",
        f"What was saved earlier is still in {Path('mine.json').absolute()}, without your last answers.",
    ]
    keeper.keep(session)
    assert keeper.file == Path("mine.json").absolute()
    assert keeper.told()[0].startswith("Your answers are saved in")
    assert kept_in(Path()) == [{"age_years": 40, "one_leg_swollen": True}]


@pytest.mark.parametrize("words", [[], ["--save", SAVED]])
def test_two_who_go_on_with_one_save_lose_no_yes(ask: Run, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """The second to save finds the file changed: it is left as it is, and the next free name is taken and told."""
    ask(typed("40", "q"))
    mine = Path(SAVED).read_text()

    def other() -> None:
        other = Session(Interview.from_json(mine, MINI))
        other.go_on()
        assert other.page is not None
        other.answer({**other.page.all(False), "one_leg_swollen": True})
        Path(SAVED).write_text(other.to_json())

    when(monkeypatch, 1, other)
    code, out = ask(typed("0", "q"), "--resume", SAVED, *words)
    assert code == 4
    second = Path("calf-triage-interview-2.json").absolute()
    assert f"{Path(SAVED).absolute()} was changed by something else, and was left as it is." in out
    assert f"Your answers are saved in {second}" in out
    assert [answers["one_leg_swollen"] for answers in kept_in(Path())] == [False, True]


def test_a_link_that_is_resumed_stays_a_link(ask: Run) -> None:
    """What it leads to is written."""
    Path("folder").mkdir()
    ask(typed("40", "q"), "--save", "folder/real.json")
    Path("link.json").symlink_to("folder/real.json")
    ask(typed("2", "q"), "--resume", "link.json")
    assert Path("link.json").is_symlink()
    assert len(kept_in(Path("folder"))[0]) > 1


def test_something_wrong_inside_loses_no_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was answered is saved before the error is told, without its text."""

    def broken(self: Session, answers: object) -> None:
        raise RuntimeError("age is 37")

    monkeypatch.setattr(sys, "stdin", io.StringIO(typed("37", "0", "0")))
    real, count = Session.answer, [0]

    def sometimes(self: Session, answers: Any) -> None:
        count[0] += 1
        (broken if count[0] == 3 else real)(self, answers)

    monkeypatch.setattr(Session, "answer", sometimes)
    assert main(["ask", *ON_MINI]) == 3
    out, err = capsys.readouterr()
    assert "37" not in out + err
    assert Interview.from_json(Path(SAVED).read_text(), MINI).answers["age_years"] == 37


# -- saving and resuming ---------------------------------------------------------------------------------------------


def test_save_keeps_every_screen_as_it_is_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --save the file is there after the first screen, and is told of at the end."""
    seen: list[int] = []
    real = saving.write

    def watched(path: Path, content: bytes, *, new: bool) -> None:
        real(path, content, new=new)
        seen.append(len(Interview.from_json(path.read_text(), RULES).answers))

    monkeypatch.setattr(saving, "write", watched)
    lines, interview = script(RULES, TIRED)
    code, out = run(monkeypatch, capsys, typed(*lines), "--save", "mine.json", *ON_RULES)
    assert code == 0
    assert len(seen) > 5
    assert seen == sorted(seen)
    assert files() == {"mine.json"}
    assert f"Your answers are saved in {Path('mine.json').absolute()}" in out
    assert Interview.from_json(Path("mine.json").read_text()).assessment == interview.assessment
    code, out = run(monkeypatch, capsys, "", "--resume", "mine.json", *ON_RULES)
    assert (code, out.startswith(f"\n{interview.assessment}\n")) == (0, True)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("there.json", "is there already"),
        ("no/such/folder.json", "its folder is not there"),
        ("", "is no name of a file"),
        ("a\0b", "is no name of a file"),
        (".", "is there already"),
        ("/dev/null", "is there already"),
    ],
)
def test_a_file_that_cannot_be_saved_is_refused_before_the_first_question(
    capsys: pytest.CaptureFixture[str], name: str, problem: str
) -> None:
    """Nobody answers twelve screens for a file that cannot be written."""
    Path("there.json").write_text("mine")
    assert main(["ask", "--save", name, *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert (out, problem in err, len(err.splitlines())) == ("", True, 1)
    assert Path("there.json").read_text() == "mine"


def saved(**changes: Any) -> str:
    interview = Interview(MINI, engine="plain")
    session = Session(interview, engine="plain")
    session.go_on()
    session.answer({"age_years": 37})
    document = json.loads(session.to_json())
    return json.dumps({**document, **changes})


HOSTILE = {
    "empty": "",
    "no JSON": "{",
    "a number": "37",
    "a list": "[37]",
    "another thing": '{"age_years": 37}',
    "an assessment": triage({"age_years": 37}, rules=MINI).to_json(),
    "deep": "[" * 100_000,
    "long number": '{"steps": ' + "9" * 10_000 + "}",
    "no screen": saved(steps=[{"screen": "secret", "answers": {"age_years": 37}, "not_said": []}]),
    "no finding": saved(steps=[{"screen": "start", "answers": {"secret": 37}, "not_said": []}]),
    "no answer": saved(steps=[{"screen": "start", "answers": {"age_years": "secret"}, "not_said": []}]),
    "out of range": saved(steps=[{"screen": "start", "answers": {"age_years": 3_700}, "not_said": []}]),
    "twice": saved(steps=[{"screen": "start", "answers": {"age_years": 37}, "not_said": []}] * 2),
    "many": saved(steps=[{"screen": "start", "answers": {}, "not_said": []}] * 5_000),
    "escape": saved(region="\x1b[2J37secret" * 10_000, steps="\x1b[2Jsecret"),
    "half a letter": saved(region="\ud800"),
}


@pytest.mark.parametrize("more", [[], ["--recheck"]])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_saved_interview_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], name: str, more: list[str]
) -> None:
    """Exit code 2, the file's name and nothing of what stands in it; the file is left as it is."""
    Path("bad.json").write_text(HOSTILE[name], "utf-8", errors="surrogatepass")
    before = Path("bad.json").read_bytes()
    assert main(["ask", "--resume", "bad.json", *more, *ON_MINI]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith("calf-triage: bad.json: is not")
    assert not re.search(r"37|secret|\x1b|Traceback", err)
    assert Path("bad.json").read_bytes() == before


def test_what_is_no_file_cannot_be_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, a folder, bytes that are no text, one that is too large."""
    Path("bytes").write_bytes(b"\xff")
    Path("large").write_bytes(b" " * (1024 * 1024 + 1))
    for name, problem in (
        ("missing", "no such file"),
        (".", "is a folder"),
        ("bytes", "is not UTF-8"),
        ("large", "is larger than"),
    ):
        assert main(["ask", "--resume", name, *ON_MINI]) == 2
        assert problem in capsys.readouterr().err


def test_an_interview_of_other_rules_is_gone_on_with_only_if_wanted(
    ask: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 says how; with --recheck it is told what was left out, and the old file stays as it was."""
    other = {"name": "old", "version": "0.0.9", "sha256": "0" * 64}
    step = {"screen": "start", "answers": {"age_years": 37, "gone": True}, "not_said": []}
    Path("old.json").write_text(saved(rule_set=other, steps=[step]))
    before = Path("old.json").read_bytes()
    assert main(["ask", "--resume", "old.json", *ON_MINI]) == 2
    err = capsys.readouterr().err
    assert "was saved with other rules than these" in err
    assert "--recheck" in err
    code, out = ask(typed("0", "q"), "--resume", "old.json", "--recheck")
    assert code == 4
    assert "\n\nAbout what you saved:\n\n'gone'" in out
    assert Path("old.json").read_bytes() == before
    assert Interview.from_json(Path(SAVED).read_text(), MINI).answers["age_years"] == 37


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--recheck"], "--recheck belongs to --resume"),
        (["--resume", "x", "--region", "GB"], "--region cannot be changed"),
        (["--save", "x", "--no-save"], "not allowed with"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], problem: str
) -> None:
    """Exit code 2, and why."""
    assert main(["ask", *words, *ON_MINI]) == 2
    assert problem in capsys.readouterr().err


def test_a_resumed_interview_keeps_its_region(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The number on its last page is that of the region it was begun with."""
    run(monkeypatch, capsys, typed("40", "q"), "--region", "GB", *ON_MINI)
    _, out = run(monkeypatch, capsys, typed("1"), "--resume", SAVED, *ON_MINI)
    assert "Call 999 now" in out


def test_an_unknown_region_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a number, the interview still goes on."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["ask", "--region", "Atlantis", *ON_MINI]) == 4
    out, err = capsys.readouterr()
    assert "this region is not known" in err
    assert "call your local emergency number now" in out


@pytest.mark.parametrize("region", ["\udcff", "g\udcff", "\x1b[2J", "é", "x" * 10_000, "", "G\0"])
def test_a_region_that_is_no_region_is_told_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], region: str
) -> None:
    """It is not repeated, general wording is used, and the answers are saved."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed("40", "q")))
    assert main(["ask", "--region", region, *ON_MINI]) == 4
    out, err = capsys.readouterr()
    assert err.startswith("calf-triage: this region is not known")
    assert len(err.splitlines()) == 1
    assert "Your answers are saved in" in out
    assert kept_in(Path()) == [{"age_years": 40}]


def test_a_closed_standard_output_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing can be asked there; exit code 3, as of every command, in one line."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["ask", *ON_MINI]) == 3
    assert capsys.readouterr().err == "calf-triage: standard output is closed, so nothing was run\n"


def test_the_command_that_goes_on_works_from_any_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    """Its rules and its file are absolute."""
    shutil.copytree(MINI_FOLDER, "r")
    _, out = run(monkeypatch, capsys, typed("40", "q"), "--rules", "r")
    assert f"--resume {elsewhere / SAVED} --rules {elsewhere / 'r'}\n" in out


def test_of_an_old_save_it_is_told_what_is_asked_again(ask: Run) -> None:
    """A no of another day is asked again, a yes stays; and that it is so is told before the first question."""
    interview = Interview(MINI)
    asked = interview.screen
    assert asked is not None
    answers: dict[str, Answer] = {"age_years": 40, "activity": "sitting", "bed_days": 0, "calf_pain": UNSURE}
    interview.answer(
        {name: answers[name] for name in answers if name in {one.id for one in asked.questions}}, rest="none"
    )
    Path("old.json").write_text(interview.to_json(on=date.today() - timedelta(days=9)))
    code, out = ask(typed("q"), "--resume", "old.json")
    assert code == 4
    assert out.index("About what you saved:") < out.index("asked again") < out.index("\n> ")
    assert kept_in(Path()) == [{"age_years": 40, "calf_pain": UNSURE}]


def test_what_an_old_save_has_of_an_emergency_is_told_at_once(ask: Run) -> None:
    """With what was kept of it; and that there is no page to go back to."""
    interview = Interview(MINI, answers={"breathless": True, "cancer": False})
    Path("old.json").write_text(interview.to_json(on=date.today() - timedelta(days=9)))
    code, out = ask(typed("b", ""), "--resume", "old.json")
    assert code == 0
    assert out.startswith("About what you saved:\n  These answers are of ")
    assert out.count(f"\n{triage({'breathless': True}, rules=MINI)}\n") == 2
    assert "to change it, begin anew." in out


# -- once it is settled ----------------------------------------------------------------------------------------------


def settled(person: Person) -> tuple[list[str], Session]:
    """The lines of someone whose answer is settled before the last screen, and where they lead."""
    session = Session(Interview(RULES, engine="plain"), engine="plain")
    session.go_on()
    lines: list[str] = []
    while (page := session.page) is not None and page.kind != "settled":
        lines.append(line(page, person))
        session.answer({question.id: answer_of(question.finding, person) for question in page.questions})
    assert session.page is not None
    return lines, session


def test_a_settled_answer_may_be_finished_or_gone_on_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told what the answer is, and that the rest is only for causes and advice; `f` ends it at any later step."""
    lines, _ = settled(SORE)
    code, out = run(monkeypatch, capsys, typed(*lines, "maybe", "f"), *ON_RULES)
    assert code == 0
    assert "The answer is settled\nYou can look after this yourself for now.\nYou can stop here." in out
    assert "Press Enter to go on, or type f to finish." in out
    assert "f = finish" in out
    assert out.count("How active are you?") == 0
    code, out = run(monkeypatch, capsys, typed(*lines, "", "f"), *ON_RULES)
    assert code == 0
    assert out.count("How active are you?") == 1
    code, out = run(monkeypatch, capsys, typed(*lines, "q"), *ON_RULES)
    assert code == 4
    assert "No answer that is missing can change how soon you should be seen." in out


def test_what_was_answered_before_finishing_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`f` in the middle of a screen drops none of its answers, neither from the result nor from the saved interview."""
    person: Person = {"calf_pain": True, "pain_side": "one_leg", "pain_began": "cramp", "clot_earlier": UNSURE}
    lines, session = settled(person)
    session.go_on()
    lines.append("")
    while len(session._parts) < 2:
        assert session.page is not None
        lines.append(line(session.page, person))
        session.answer({question.id: answer_of(question.finding, person) for question in session.page.questions})
    assert session.page is not None
    asked = [question.id for question in session.page.questions]
    entered = typed(*lines, "?", "f", "1", "a.json")
    assert run(monkeypatch, capsys, entered, "--save", "mine.json", *ON_RULES)[0] == 0
    answer = Assessment.from_json(Path("a.json").read_text())
    assert Interview.from_json(Path("mine.json").read_text()).assessment == answer
    assert {answer.answers[name] for name in asked} == {UNSURE}


def test_f_is_no_answer_while_the_answer_is_open(ask: Run) -> None:
    """Nobody finishes an interview that could still mean an emergency."""
    code, out = ask(typed("40", "f"))
    assert code == 4
    assert "f = finish" not in out
    assert "Please type the numbers" in out


# -- the offers ------------------------------------------------------------------------------------------------------


def finished(*more: str) -> str:
    return typed(*script(MINI, HEALTHY)[0], *more)


@pytest.fixture
def summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A summary that says which rules it was made with."""

    def explain(_: Assessment, rules: RuleSet) -> Any:
        return SimpleNamespace(summary=lambda: f"summary by {rules.name} {rules.version}\n")

    monkeypatch.setattr(Assessment, "explain", explain)


@pytest.mark.usefixtures("summed_up")
@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([""], set()),
        ([], set()),
        (["1", ""], {"calf-triage-answer.json"}),
        (["2", ""], {"calf-triage-summary.txt"}),
        (["3", "", "for my doctor.txt"], {"calf-triage-answer.json", "for my doctor.txt"}),
        (["3", "-", "Q"], set()),
        *(([word], set()) for word in ("q", "n", "NO", "0")),
        *((["1", word], set()) for word in ("q", "N", "no", "0", "b")),
        (["4", "1", "a.json"], {"a.json"}),
        (["1", "no/folder.json", "b.json"], {"b.json"}),
        (["1", "a\0b", "b.json"], {"b.json"}),
        (["1", "x" * 5_000, "b.json"], {"b.json"}),
        (["1", "~/a.json"], {"a.json"}),
        (["1"], set()),
    ],
)
def test_the_answer_and_a_summary_are_offered(ask: Run, lines: list[str], names: set[str]) -> None:
    """JSON, summary, both or neither, under any name; for its owner alone; the end of input is no."""
    code, out = ask(finished(*lines))
    assert (code, files()) == (0, names)
    answer = script(MINI, HEALTHY)[1].assessment
    for name in names:
        path = Path(name)
        assert path.stat().st_mode & 0o777 == 0o600
        assert f"in {path.absolute()}" in out
        text = path.read_text()
        assert text == f"summary by {MINI.name} {MINI.version}\n" or Assessment.from_json(text) == answer


def test_the_summary_is_that_of_the_explanation(ask: Run) -> None:
    """The file holds what `explain` says to a clinician, with the version of the rules."""
    ask(finished("2", ""))
    answer = script(MINI, HEALTHY)[1].assessment
    text = Path("calf-triage-summary.txt").read_text()
    assert text.strip() == answer.explain(MINI).summary().strip()
    assert MINI.version in text


def test_a_saved_answer_overwrites_nothing_without_asking(ask: Run) -> None:
    """A file that is there is kept, unless y is said; Enter takes a free name."""
    Path("mine.json").write_text("mine")
    Path("calf-triage-answer.json").write_text("mine")
    _, out = ask(finished("1", "mine.json", "", "mine.json", "no", ""))
    assert "Type y to overwrite it" in out
    assert Path("mine.json").read_text() == "mine"
    assert Path("calf-triage-answer.json").read_text() == "mine"
    assert files() == {"mine.json", "calf-triage-answer.json", "calf-triage-answer-2.json"}
    ask(finished("1", "mine.json", "y"))
    assert Assessment.from_json(Path("mine.json").read_text()).settled


def test_only_an_ordinary_file_is_overwritten(ask: Run) -> None:
    """A link leads to what is written; a pipe, a device or a folder is refused, without being asked about."""
    Path("real.json").write_text("mine")
    Path("link.json").symlink_to("real.json")
    Path("nowhere.json").symlink_to("missing.json")
    Path("loop.json").symlink_to("loop.json")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    _, out = ask(finished("1", "pipe", "folder", "/dev/null", "nowhere.json", "loop.json", "link.json", "y"))
    assert out.count("that is no ordinary file") == 5
    assert out.count("Type y to overwrite it") == 1
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert Path("link.json").is_symlink()
    assert Assessment.from_json(Path("real.json").read_text()).settled
    assert files() == {"real.json", "link.json", "nowhere.json", "loop.json", "folder", "pipe"}


# -- signals, and other programs -------------------------------------------------------------------------------------


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "calf_triage", "ask", *ON_MINI, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )


def until(process: subprocess.Popen[str], count: int) -> None:
    """Reads until so many prompts were shown."""
    assert process.stdout is not None
    seen = ""
    while seen.count(f"\n{PROMPT}") < count:
        character = process.stdout.read(1)
        assert character, seen
        seen += character


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_loses_no_answer(number: signal.Signals, code: int) -> None:
    """Ctrl-C, a shutdown and a closed terminal save what was answered; the exit code says which it was."""
    process = started()
    assert process.stdin is not None
    process.stdin.write("37\n")
    process.stdin.flush()
    until(process, 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "")
    assert "Your answers are saved in" in out
    assert Interview.from_json(Path(SAVED).read_text(), MINI).answers == {"age_years": 37}


def test_a_reader_that_goes_away_loses_no_answer() -> None:
    """As `| head -1`: the answers are saved although nobody reads where."""
    process = started("--save", "mine.json")
    assert process.stdin is not None
    assert process.stdout is not None
    until(process, 1)
    process.stdout.close()
    lines, _ = script(MINI, HEALTHY)
    with suppress(BrokenPipeError):
        process.stdin.write(typed(*lines))
        process.stdin.close()
    assert process.wait(60) == 141


def test_signals_wait_until_nothing_is_half_done() -> None:
    """A signal that comes while an answer is taken ends it at the next question, and no handler stays behind."""
    before = signal.getsignal(signal.SIGTERM)
    signals = Signals()
    with signals.caught():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(SignalledError), signals.waiting():
            pytest.fail("it did not end")
    assert signal.getsignal(signal.SIGTERM) is before


# -- by keys ---------------------------------------------------------------------------------------------------------


class Screenful(DummyOutput):
    """A terminal of a size."""

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self.rows, self.columns = rows, columns

    def get_size(self) -> Size:
        return Size(self.rows, self.columns)


def pressed(session: Session, text: str, output: DummyOutput | None = None) -> str:
    """What becomes of a session when these keys are pressed."""
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=output or Screenful()):
        keyboard.send_text(text)
        # A terminal that goes away, so that no test waits for a key for ever.
        keyboard.close()
        return Keys(session, Signals(), clock=slowly()).run()


def slowly() -> Callable[[], float]:
    """The clock of someone who lets go of each key."""
    return itertools.count(step=2 * HELD_SECONDS).__next__


def begun(rules: RuleSet = MINI) -> Session:
    return Session(Interview(rules, engine="plain"), engine="plain")


UP, DOWN, LEFT, HOME, END, CTRL_C, CTRL_D, DEL = (
    "\x1b[A",
    "\x1b[B",
    "\x1b[D",
    "\x1b[H",
    "\x1b[F",
    "\x03",
    "\x04",
    "\x7f",
)


@pytest.mark.parametrize(
    ("rules", "person"),
    [
        (MINI, HEALTHY),
        (MINI, SWOLLEN),
        (MINI, BREATHLESS),
        (RULES, TIRED),
        (RULES, {"face_droop": True}),
    ],
)
def test_keys_and_lines_lead_to_the_same_answers(rules: RuleSet, person: Person) -> None:
    """The same person, by keys alone, ends with the same interview as by lines."""
    session = begun(rules)
    assert pressed(session, "".join(script(rules, person, keys)[0])) == "done"
    assert session.interview.to_json() == script(rules, person)[1].to_json()


@pytest.mark.parametrize(
    ("keystrokes", "marks"),
    [
        (f"{DOWN}{DOWN}\r{DOWN} c\r", [False, True, True, False, False]),
        (f"{DOWN}{DOWN}\r\r\rc\r", [False, True, False, False, False]),
        ("2\rc\r", [False, True, False, False, False]),
        ("22c\r", [False, UNSURE, False, False, False]),
        (f"{DOWN * 3}  c\r", [False, False, UNSURE, False, False]),
        ("555n\r", [False] * 5),
        ("4?\r", [UNSURE, UNSURE, UNSURE, True, UNSURE]),
        ("44r\r", [None, None, None, UNSURE, None]),
        (f"{DOWN * 30}{UP * 4}\r", [False] * 5),
        (f"{END}{UP * 3}\r", [UNSURE] * 5),
        (f"{END}{UP * 2}\r", [None] * 5),
        (f"\t\t\r{HOME}{DOWN}{DOWN} c\r", [False, True, True, False, False]),
        ("9x\r2n\rC\r", [False, True, False, False, False]),
    ],
)
def test_every_key_of_statements(keystrokes: str, marks: list[Answer | None]) -> None:
    """Arrows, space, Enter, numbers, tab and letters; what has no mark is what the last line says."""
    session = begun()
    names = ["breathless", "calf_pain", "leg_weakness", "one_leg_swollen", "cancer"]
    assert pressed(session, f"\r40\r{keystrokes}q\r") == "stop"
    assert [session.so_far[name] for name in names] == marks


def test_back_stop_and_numbers_by_keys() -> None:
    """Back shows the number again, where a digit begins anew; what is out of range is told and not taken."""
    session = begun()
    first = f"\rb\r4000\r{DEL}{DEL}\rn\r{LEFT}{LEFT}52\rn\r"
    assert pressed(session, f"{first}7{DEL}8,5\r{DEL}{DEL}\rq\r") == "stop"
    assert session.so_far["age_years"] == 52
    assert session.so_far["bed_days"] == 8
    assert session.page is not None
    assert session.page.finding.id == "activity"


@pytest.mark.parametrize(("key", "ends"), [(CTRL_C, SignalledError), (CTRL_D, EOFError)])
def test_ctrl_c_and_ctrl_d_stop_the_keys(key: str, ends: type[Exception]) -> None:
    """At any page; what was answered is still there to be saved."""
    session = begun()
    with pytest.raises(ends):
        pressed(session, f"\r40\r{key}")
    assert session.so_far == {"age_years": 40}


def test_a_choice_of_more_than_nine_is_reached_by_two_digits() -> None:
    """A digit moves, a second one completes the number, Enter chooses."""
    session = begun(RULES)
    person = {**SORE, "pain_place": "foot", "pain_began": "out_of_nowhere"}
    assert pressed(session, "".join(script(RULES, person, keys)[0])) == "done"
    assert session.interview.answers["pain_place"] == "foot"
    assert session.interview.answers["pain_began"] == "out_of_nowhere"


@pytest.mark.parametrize(
    "noise", ["not sure", "n" * 30, "u" * 30, "c r n ? -", "q" * 9, " " * 30, "no, nothing of this\r", "some pain\r"]
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_no_letter_and_no_word_answers_a_page(noise: str, place: int) -> None:
    """Letters only move; and the letters of a word not even that."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=Screenful()):
        session = Session(Interview(RULES, engine="plain"), engine="plain")
        session.go_on()
        for _ in range(place):
            assert session.page is not None
            session.answer({one.id: answer_of(one.finding, SORE) for one in session.page.questions})
        page, answered = session.page, session.so_far
        keyboard = Keys(session, Signals(), clock=slowly())
        for key in noise:
            keyboard._press({"\r": "enter"}.get(key, key))
        assert (session.page, session.so_far) == (page, answered)


@pytest.mark.parametrize("key", ["enter", " ", "n", "u", "r", "c", "b", "q", "1", "down", "left"])
def test_a_key_that_is_held_down_answers_nothing(key: str) -> None:
    """On any page, and from one page to the next: with a clock that stands still, and with one that goes on."""
    for clock in (lambda: 0.0, slowly()):
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=Screenful()):
            session = begun()
            for pages in range(2):
                page = session.page
                keyboard = Keys(session, Signals(), clock=clock)
                for _ in range(100):
                    keyboard._press(key)
                if pages == 0:
                    assert session.so_far == {}
                    session.go_on()
                    session.answer({"age_years": 40})
                elif key != "left":
                    assert session.page == page
                    assert session.so_far.keys() <= {"age_years", "breathless"}
                    session.marked = {}


def test_a_key_that_turned_a_page_is_ignored_while_it_may_be_held_down() -> None:
    """Until another key is pressed, or some time went by."""
    now = [0.0]
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=Screenful()):
        session = begun()
        keyboard = Keys(session, Signals(), clock=lambda: now[0])
        keyboard._press("enter")
        assert keyboard._page.title == ""
        for key in ("c", "enter", *"40", "enter", "n", "enter"):
            keyboard._press(key)
        seen = [keyboard._page.questions[0].id]
        for later in (0, 0, HELD_SECONDS):
            now[0] += later
            keyboard._press("left")
            seen.append(keyboard._page.questions[0].id)
        assert seen == ["bed_days", "breathless", "breathless", "age_years"]


@pytest.mark.parametrize("ends", ["q\r", CTRL_C, CTRL_D, "", f"b{LEFT}q\r"])
def test_ticks_that_were_not_confirmed_count_however_it_ends(ends: str) -> None:
    """Yes and not sure are told and saved; a line without a tick, or whose tick was taken away, is no no."""
    session = begun()
    with suppress(SignalledError, EOFError):
        pressed(session, f"\r40\r144222{ends}")
    ticked = {"age_years": 40, "breathless": True, "one_leg_swollen": UNSURE}
    assert session.so_far == ticked
    assert session.assessment.acuity is Acuity.EMERGENCY
    again = Session(Interview.from_json(session.to_json(), MINI, engine="plain"), engine="plain")
    assert again.interview.answers == ticked
    assert again.page is None


def test_a_half_ticked_page_is_asked_again_with_its_ticks() -> None:
    """By keys they stand; by lines they are shown, and it is said that what is typed replaces them."""
    session = begun()
    assert pressed(session, "\r40\r33q\r") == "stop"
    again = Session(Interview.from_json(session.to_json(), MINI, engine="plain"), engine="plain")
    again.go_on()
    assert again.page is not None
    assert again.page.given == {"leg_weakness": UNSURE}
    assert pressed(again, "c\rq\r") == "stop"
    assert again.so_far["leg_weakness"] == UNSURE
    assert again.so_far["breathless"] is False


def test_a_page_shown_again_can_be_left_as_before() -> None:
    """Also what was not said stays so."""
    session = begun()
    assert pressed(session, f"\r40\r2r\r{LEFT}a\rq\r") == "stop"
    assert session.so_far == {
        "age_years": 40,
        "breathless": None,
        "calf_pain": True,
        "leg_weakness": None,
        "one_leg_swollen": None,
        "cancer": None,
    }


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (14, 40), (8, 24)])
def test_the_call_is_the_first_thing_to_be_seen(rows: int, columns: int) -> None:
    """On the first page, whatever the terminal's size."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=Screenful(rows, columns)):
        session = Session(Interview(RULES, region="GB", engine="plain"), engine="plain")
        shown = " ".join(line.strip() for line in drawn(Keys(session, Signals())))
        assert shown.startswith("If this may be an emergency, call 999 now.")


def test_no_answer_stands_in_what_a_log_would_show() -> None:
    """The representation of a page and of its rows."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=Screenful()):
        session = begun()
        session.go_on()
        session.answer({"age_years": 87})
        session.back()
        keyboard = Keys(session, Signals())
        rows = keyboard._rows()
        assert "87" in rows[0].text
        assert "87" not in f"{session.page!r} {rows!r}"


def drawn(keyboard: Keys) -> list[str]:
    text = "".join(part[1] for part in keyboard._shown())
    return text.split("\n")


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (14, 40), (8, 24)])
def test_a_page_fits_every_terminal(rows: int, columns: int) -> None:
    """Never more lines or columns than there are, always with the line of the cursor, and all of it can be reached."""
    output = Screenful(rows, columns)
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=output):
        session = begun(RULES)
        session.go_on()
        while (page := session.page) is not None and page.kind != "settled":
            keyboard = Keys(session, Signals())
            seen = set()
            for _ in keyboard._rows():
                keyboard._press("down")
                lines = drawn(keyboard)
                assert len(lines) == rows
                assert all(len(each) <= columns for each in lines)
                assert sum(each.startswith("> ") for each in lines) == 1
                seen |= set(lines)
            told = " ".join(" ".join(each.split()) for each in seen)
            assert "Rather not say" in told
            if (rows, columns) == (24, 80):
                assert page.progress.split(".")[0] in told
                assert "q Stop and save" in told
            session.answer({question.id: answer_of(question.finding, SORE) for question in page.questions})


def test_marks_are_told_by_signs_and_not_by_colour() -> None:
    """[x] is yes, [?] not sure; no style is a colour."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=Screenful()):
        session = begun()
        session.go_on()
        session.answer({"age_years": 40})
        keyboard = Keys(session, Signals())
        keyboard._press("2")
        keyboard._press("3")
        keyboard._press("3")
        lines = drawn(keyboard)
        assert "  1 [ ] Short of breath" in lines
        assert "  2 [x] Pain in the calf" in lines
        assert "> 3 [?] A weak calf" in lines
        assert {part[0] for part in keyboard._shown()} <= {"", "bold", "reverse"}


def test_an_error_inside_a_key_ends_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not swallowed by the event loop, where the page would stand still."""
    session = begun()
    monkeypatch.setattr(session, "answer", lambda _: (_ for _ in ()).throw(FindingError(["x: wrong"])))
    with pytest.raises(FindingError):
        pressed(session, "\r40\r")


@pytest.mark.parametrize(
    ("words", "terminal", "term", "size", "keyed"),
    [
        ([], True, "xterm", (80, 24), True),
        ([], True, "xterm", (40, 14), True),
        ([], True, "xterm", (0, 0), True),
        ([], True, "xterm", (39, 24), False),
        ([], True, "xterm", (80, 13), False),
        (["--plain"], True, "xterm", (80, 24), False),
        ([], False, "xterm", (80, 24), False),
        ([], True, "dumb", (80, 24), False),
        ([], True, "", (80, 24), False),
    ],
)
def test_keys_are_used_where_the_terminal_has_them(
    monkeypatch: pytest.MonkeyPatch, words: list[str], terminal: bool, term: str, size: tuple[int, int], keyed: bool
) -> None:
    """A real terminal that is not too small, prompt_toolkit, and nobody who wants lines; else lines."""
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size(size))
    stream = SimpleNamespace(isatty=lambda: terminal, fileno=lambda: 1)
    monkeypatch.setattr(sys, "stdin", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    chosen = cli._parser().parse_args(["ask", *words])
    found = asking.has_keys(chosen)
    monkeypatch.setattr(asking, "find_spec", lambda _: None)
    without = asking.has_keys(chosen)
    monkeypatch.undo()
    assert (found, without) == (keyed, False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(f"0123456789?-nucrabxyz. ,\r\t{DEL}", max_size=60))
def test_whatever_keys_are_pressed_the_answers_can_be_read(noise: str) -> None:
    """No order of keys breaks a page or makes an answer that the rules refuse."""
    session = begun()
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=Screenful()):
        keyboard = Keys(session, Signals())
        for key in noise:
            if session.page is None:
                break
            keyboard._press({"\r": "enter", "\t": "down", DEL: "backspace"}.get(key, key))
            drawn(keyboard)
    assert session.assessment.acuity >= Acuity.SELF_CARE
    again = Session(Interview.from_json(session.to_json(), MINI, engine="plain"), engine="plain")
    assert again.assessment == session.assessment


# -- the real thing --------------------------------------------------------------------------------------------------


class Pty:
    """A process on a terminal of 80x24."""

    def __init__(self, *words: str, **environment: str) -> None:
        self.master, self.slave = pty.openpty()
        ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        root = str(Path(__file__).parent.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "calf_triage", "ask", *words],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": root, "TERM": "xterm", "NO_COLOR": "1", **environment},
        )
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Reads until the text was shown. Letters that stood there already are skipped, not sent."""
        end = time.monotonic() + 60
        letters = "".join(f"[{re.escape(letter)}\0]" for letter in text)
        wanted = re.compile(f"(?!\0{{{len(text)}}}){letters}")
        while not wanted.search(self._drawn()):
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.master, 65_536).decode(errors="replace")
                except OSError:
                    break
        assert wanted.search(self._drawn())

    def _drawn(self) -> str:
        skipped = re.sub(r"\x1b\[(\d*)C", lambda found: "\0" * int(found[1] or 1), self.seen)
        return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", skipped).split())

    def send(self, text: str) -> None:
        self.seen = ""
        os.write(self.master, text.encode())

    def end(self) -> int:
        code = self.process.wait(60)
        assert termios.tcgetattr(self.slave) == self.before
        os.close(self.slave)
        os.close(self.master)
        return code


def test_on_a_real_terminal_arrow_keys_answer_and_the_terminal_is_left_as_it_was() -> None:
    """It starts, is answered by keys, prints the page of an emergency, and gives the terminal back."""
    terminal = Pty("--region", "GB", *ON_MINI)
    terminal.wait_for("Begin")
    assert "\x1b[?1049h" in terminal.seen
    assert "\x1b]" not in terminal.seen
    terminal.send("c\r")
    terminal.wait_for("How old are you?")
    terminal.send("52\r")
    terminal.wait_for("Short of breath")
    terminal.send(f"{DOWN} ")
    terminal.wait_for("Continue")
    terminal.send("c\r")
    terminal.wait_for("Call 999 now")
    terminal.wait_for("or s to save.")
    assert "\x1b[?1049l" in terminal.seen
    terminal.send("\r")
    assert terminal.end() == 0
    assert files() == set()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals, code: int) -> None:
    """In the middle of a page: the terminal is given back, and what was answered is saved."""
    terminal = Pty(*ON_MINI)
    terminal.wait_for("Begin")
    terminal.send("c\r")
    terminal.wait_for("How old are you?")
    terminal.send("52\r")
    terminal.wait_for("Short of breath")
    terminal.process.send_signal(number)
    terminal.wait_for("To go on:")
    assert "\x1b[?1049l" in terminal.seen
    assert terminal.end() == code
    assert Interview.from_json(Path(SAVED).read_text(), MINI).answers == {"age_years": 52}


@pytest.mark.parametrize("words", [[], ["--plain"]])
def test_a_terminal_that_is_closed_loses_no_answer(words: list[str]) -> None:
    """By keys and by lines: what was answered or ticked is saved, although nothing can be told any more."""
    terminal = Pty(*ON_MINI, *words)
    terminal.wait_for("Begin" if not words else "How old are you?")
    terminal.send("c\r52\r" if not words else "52\n")
    terminal.wait_for("Short of breath")
    if not words:
        terminal.send("4")
        terminal.wait_for("Continue")
    os.close(terminal.slave)
    os.close(terminal.master)
    assert terminal.process.wait(60) != 0
    ticked: Person = {} if words else {"one_leg_swollen": True}
    assert Interview.from_json(Path(SAVED).read_text(), MINI).answers == {"age_years": 52, **ticked}


def test_a_signal_that_comes_before_the_first_page_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the application starts, nothing can be passed on to it yet; it is ended as soon as it has started."""
    session, signals = begun(), Signals()
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=Screenful()):
        way = Keys(session, signals)
        run = way._application.run

        def late(**options: Any) -> Any:
            signals._caught(signal.SIGTERM, None)
            return run(**options)

        monkeypatch.setattr(way._application, "run", late)
        keyboard.send_text("q")
        with pytest.raises(SignalledError):
            way.run()


def test_on_a_dumb_terminal_it_asks_by_lines() -> None:
    """No escape is sent; Ctrl-D ends it and saves."""
    terminal = Pty(*ON_MINI, TERM="dumb", LC_ALL="C")
    terminal.wait_for("q = stop")
    terminal.send("52\n")
    terminal.wait_for("Short of breath")
    terminal.send("\x04")
    terminal.wait_for("To go on:")
    assert "\x1b" not in terminal.seen
    assert terminal.end() == 4
    assert files() == {SAVED}
