"""What the library never does: run what it reads, reach for a network, write unasked, or tell an answer."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from calf_triage import Assessment, RuleSetError, cli, load_rules, triage
from calf_triage._files import MOST_BYTES, UnreadableError, read_answers, read_file, read_toml
from calf_triage._folder import MOST_BYTES_A_FILE
from calf_triage._json import MOST_JSON
from calf_triage.follow_up import FollowUp, known, retriage
from calf_triage.interview import Interview
from calf_triage.plan import Plan, logged_from, make_plan
from calf_triage.readings.plain import Plain
from calf_triage.vignettes import load_vignettes
from tests._rules import MINI, MINI_FOLDER
from tests.fuzz import STORY, TODAY, a_plan, answered, cases, small

ROOT = Path(__file__).parent.parent
AUDITED = """
import io, os, sys
seen = []
on = False
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
            "os.chown", "os.utime", "shutil.", "tempfile.")
STARTING = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "webbrowser.")
REACHING = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "nntplib.", "telnetlib.")
def hook(event, arguments):
    if not on:
        return
    if event == "open":
        path, mode, flags = arguments
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (mode is None and flags & WRITING):
            if path != os.devnull and not isinstance(path, int):
                seen.append(f"writes {path}")
    elif event.startswith(CHANGING):
        seen.append(f"{event} {arguments[0]}")
    elif event.startswith(STARTING) or event.startswith(REACHING):
        seen.append(event)
sys.addaudithook(hook)
"""
ENDED = "on = False\nprint(*(f'audit: {one}' for one in seen), sep=chr(10), file=sys.__stderr__)"


def audited(program: str, *arguments: str, cwd: Path) -> list[str]:
    """What a program writes, changes, starts or reaches for while `on` is true, in a Python of its own."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            sys.executable,
            "-B",
            "-c",
            f"{AUDITED}\n{program}\n{ENDED}",
            *arguments,
        ],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [line.removeprefix("audit: ") for line in done.stderr.splitlines() if line.startswith("audit: ")]


# -- rule folders are data ---------------------------------------------------------------------------------------------


def test_nothing_in_a_rule_folder_is_run_or_imported(tmp_path: Path) -> None:
    """Python beside the rules, under every name that Python or pytest would pick up, is neither opened nor run."""
    folder = tmp_path / "rules"
    shutil.copytree(MINI_FOLDER, folder)
    trap = f"open({str(tmp_path / 'run')!r}, 'w').close()\n"
    names = ("__init__.py", "conftest.py", "sitecustomize.py", "routine/__init__.py", "routine/pain.py", "tomllib.py")
    for name in names:
        (folder / name).write_text(trap, encoding="utf-8")
    (folder / "rules.pth").write_text(f"import os; {trap}", encoding="utf-8")
    opened = """
import sys
names = []
sys.addaudithook(lambda event, told: names.append(str(told[0])) if event == "open" else None)
from calf_triage import load_rules, triage
triage({"calf_pain": True}, rules=load_rules(sys.argv[1]))
print(*[name for name in names if name.startswith(sys.argv[1]) and not name.endswith(".toml")])
"""
    done = subprocess.run(
        [sys.executable, "-c", opened, str(folder)],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= {str(folder), *(str(path) for path in folder.iterdir() if path.is_dir())}
    assert not (tmp_path / "run").exists()


def test_what_is_compiled_holds_nothing_that_a_file_said(tmp_path: Path) -> None:
    """All that is compiled for a rule set is numbers and the library's own names; no id, text or choice of a file."""
    folder = tmp_path / "rules"
    shutil.copytree(MINI_FOLDER, folder)
    for path in folder.rglob("*.toml"):
        text = path.read_text(encoding="utf-8")
        for name in ("calf_pain", "clot_factor", "sitting", "Marked", "both_calves", "cancer"):
            text = text.replace(name, f"{name}_marmalade" if name != "Marked" else "marmalade")
        path.write_text(text, encoding="utf-8")
    rules = load_rules(folder)
    assert "marmalade" in repr(rules.criteria)
    program = """
import builtins, sys
from calf_triage import load_rules, triage
sources = []
sys.addaudithook(lambda event, told: sources.append(str(told[0])) if event == "compile" else None)
rules = load_rules(sys.argv[1])
triage({"calf_pain_marmalade": True, "cancer_marmalade": True}, rules=rules)
of_rules = [source for source in sources if "marmalade" in source]
print(len(of_rules), len(sources))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "0"
    # Nor does what is compiled see any of Python's own functions.
    compiled = [one for one in vars(Plain(rules)).values() if _compiled_as(one) == "<rules>"]
    assert compiled
    assert all(function.__globals__["__builtins__"] == {} for function in compiled)


def _compiled_as(thing: Any) -> str:
    return str(getattr(getattr(thing, "__code__", None), "co_filename", ""))


# -- no network, no file unasked ---------------------------------------------------------------------------------------

COMMANDS = """
from calf_triage import cli
from calf_triage.readings import durable, plain
where, kept = sys.argv[1], sys.argv[2]
rules = ["--rules", where]
commands = {
    "run": [["run", f"{kept}/answers.json", *rules], ["run", f"{kept}/answers.json", "--json", *rules]],
    "ask": [["ask", "--plain", "--no-save", *rules]],
    "plan": [["plan", f"{kept}/answers.json", *rules],
             ["plan", f"{kept}/plan.json", "--log", f"{kept}/log.json", *rules]],
    "explain": [["explain", f"{kept}/answers.json", "--clinician", "--seconds", "0", *rules]],
    "rules": [["rules", *rules], ["rules", "findings", *rules], ["rules", "--coverage", *rules]],
    "check": [["check", where, "--cases", f"{kept}/cases.toml"]],
    "verify": [["verify", where, "--only", "SATISFIABLE"]],
    "mutate": [["mutate", where, "--sample", "2", "--processes", "1"]],
    "diff": [["diff", where, where]],
    "vignettes": [["vignettes", f"{kept}/cases.toml", *rules]],
    "schema": [["schema", *rules], ["schema", "assessment"]],
    "batch": [["batch", f"{kept}/table.csv", "-", "--strict", *rules]],
    "follow-up": [["follow-up", f"{kept}/before.json", f"{kept}/answers.json", "--days", "2", *rules]],
}
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of each file that a command reads."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "answers.json").write_text(json.dumps(small().rules.benign(given=STORY)), encoding="utf-8")
    (folder / "plan.json").write_text(a_plan().to_json(), encoding="utf-8")
    (folder / "before.json").write_text(answered()[2].to_json(), encoding="utf-8")
    (folder / "log.json").write_text('[{"day": "2026-03-02", "done": true}]', encoding="utf-8")
    (folder / "cases.toml").write_bytes(cases()[0])
    (folder / "table.csv").write_text("calf_pain,breathless\ntrue,false\nfalse,\n", encoding="utf-8")
    return folder


def commands() -> Iterator[str]:
    """Every command that there is."""
    for action in cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices


def test_no_command_reaches_for_a_network_or_writes_a_file(kept: Path, tmp_path: Path) -> None:
    """Each command of the command line reads, and prints; it opens no file for writing, and nothing like a network."""
    known = json.dumps([*commands()])
    program = f"""{COMMANDS}
for name in {known}:
    assert name in commands, f"{{name}}: add how it is run"
    for words in commands[name]:
        sys.stdin = io.TextIOWrapper(io.BytesIO(b"?\\n" * 3))
        sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        on = True
        code = cli.main(words)
        on = False
        assert code in (0, 1, 2, 4), (words, code)
"""
    assert audited(program, small().folder, str(kept), cwd=tmp_path) == []
    assert [*tmp_path.iterdir()] == []


def test_ask_writes_the_file_that_it_is_told_and_no_other(tmp_path: Path) -> None:
    """With --save one file is written, by way of one beside it that is gone afterwards; only its owner can read it."""
    program = """
from calf_triage import cli
sys.stdin = io.TextIOWrapper(io.BytesIO(b"1\\nq\\n"))
sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
on = True
code = cli.main(["ask", "--plain", "--save", "mine.json", "--rules", sys.argv[1]])
assert code == 4, code
"""
    told = audited(program, small().folder, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]
    assert (tmp_path / "mine.json").stat().st_mode & 0o777 == 0o600
    for line in told:
        assert "mine.json" in line or ".calf-triage-" in line, line


def test_no_call_of_the_library_reaches_for_a_network_or_writes_a_file(tmp_path: Path) -> None:
    """Loading, both readings, explaining, planning, following up and interviewing touch nothing outside."""
    program = """
from datetime import date
import calf_triage.explain, calf_triage.plan, calf_triage.interview, calf_triage.follow_up, cattrs
from calf_triage import load_rules, triage
on = True
rules = load_rules(sys.argv[1])
story = {"age_years": 40, "leg_weakness": True, "activity": "sitting"}
for engine in (None, "plain"):
    found = triage(rules.benign(given=story), rules=rules, engine=engine)
assert type(found).from_json(found.to_json()) == found
str(found), repr(found), found._repr_html_(), found.explain(rules).clinician()
calf_triage.plan.make_plan(found, start=date(2026, 3, 2), rules=rules).to_json()
calf_triage.follow_up.retriage(found, story, days=3, rules=rules).to_json()
interview = calf_triage.interview.Interview(rules)
interview.answer({}, rest="not_said")
interview.to_json()
"""
    assert audited(program, small().folder, cwd=tmp_path) == []


def test_the_audit_sees_what_is_planted(tmp_path: Path) -> None:
    """A file that is written, one that is opened by its number, a name that is looked up, and a program are seen."""
    program = """
import socket, subprocess
on = True
open("a", "w").close()
os.close(os.open("b", os.O_CREAT | os.O_WRONLY))
try:
    socket.getaddrinfo("localhost", 1)
except OSError:
    pass
subprocess.run([sys.executable, "-c", ""])
"""
    told = "\n".join(audited(program, cwd=tmp_path))
    assert all(each in told for each in ("writes a", "writes b", "socket.getaddrinfo", "subprocess.Popen"))


# -- no answer is told -------------------------------------------------------------------------------------------------

CANARY = "zebra-crossing-7731"
NUMBER = 48.6317
TEXT = f'{{"{CANARY}": "{CANARY}", "answers": {{"calf_pain": "{CANARY}"}}}}'


def damaged(text: str) -> list[str]:
    """A saved value with the canary in the place of what it holds: of another kind, cut off, and twice."""
    tree = json.loads(text)
    found = [text[: len(text) // 2] + CANARY, f'{text[:-1]}, "x": "{CANARY}"}}', f'["{CANARY}"]', f'"{CANARY}"', TEXT]
    for name in tree:
        found.append(json.dumps({**tree, name: CANARY}))
        found.append(json.dumps({**tree, name: [CANARY, {CANARY: NUMBER}]}))
    return found


def asked() -> Iterator[tuple[str, Callable[[], object]]]:
    """Every public way to give something, with something wrong."""
    wrong: list[Any] = [CANARY, [CANARY], {CANARY}, NUMBER, CANARY.encode(), {"a": CANARY}, type(CANARY, (), {})()]
    rules = small().rules
    first = triage(rules.benign(given=STORY), rules=rules)
    for bad in wrong:
        for name in ("calf_pain", "activity", "pain_worst_of_10"):
            yield "triage", partial(triage, {name: bad}, rules=rules)
        yield "triage", partial(triage, bad, rules=rules)
        yield "triage", partial(triage, {"breathless": bad, "calf_pain": True}, rules=bad)
        yield "triage", partial(triage, {"calf_pain": bad}, engine=bad, rules=rules)
        yield "interview", partial(Interview, rules, answers=bad)
        yield "interview", partial(Interview, rules, answers={"calf_pain": bad})
        yield "interview", partial(Interview(rules).answer, {"calf_pain": bad}, rest=bad)
        yield "interview", partial(Interview(rules).answer, {"calf_pain": bad}, rest="none")
        yield "retriage", partial(retriage, first, {"calf_pain": bad}, rules=rules)
        yield "retriage", partial(retriage, bad, {"calf_pain": True}, rules=rules, days=bad)
        yield "known", partial(known, bad, rules)
        yield "plan", partial(make_plan, first, start=bad, rules=rules)
        yield "plan", partial(make_plan, first, start=TODAY, heel_raises=bad, rules=rules)
        yield "log", partial(a_plan().log, bad, done=bad, pain_during=bad, rules=rules)
        yield "log", partial(a_plan().log, TODAY, done={"calf_raise": bad}, stop_signs=[bad], rules=rules)
        yield "log", partial(logged_from, a_plan(), [{"day": bad, "done": bad, "pain_during": bad}], rules)
        yield "log", partial(logged_from, a_plan(), bad, rules)
        for kind in (Assessment, FollowUp, Plan, Interview):
            yield "json", partial(kind.from_json, bad)
    for text in damaged(first.to_json()):
        yield "json", partial(Assessment.from_json, text)
    for text in damaged(retriage(first, STORY, rules=rules).to_json()):
        yield "json", partial(FollowUp.from_json, text)
    for text in damaged(a_plan().to_json()):
        yield "json", partial(Plan.from_json, text, rules)
    for text in damaged(Interview(rules, answers=STORY).to_json()):
        yield "json", partial(Interview.from_json, text, rules)


def everything_told(error: BaseException) -> str:
    """All that a log or a report of an error could show: the whole chain, also what `from None` only hides."""
    parts = ["".join(traceback.format_exception(error))]
    chain: list[BaseException | None] = [error]
    while chain:
        one = chain.pop()
        if one is not None:
            own = {name: value for name, value in vars(one).items() if name != "assessment"}
            parts += [str(one), repr(one), repr(one.args), repr(own), repr(getattr(one, "doc", ""))]
            chain += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    # The source lines that a traceback quotes are this file's, and name the canary's variable alone.
    return "\n".join(parts)


def test_no_answer_stands_in_an_error_a_log_or_a_warning(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of what is given wrongly, no value stands in any error, however it is chained, nor in a log or a warning."""
    told, raised = [], 0
    before = {*Path(tempfile.gettempdir()).iterdir()}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for what, call in asked():
            try:
                call()
            except (ValueError, TypeError) as error:
                raised += 1
                # A sign that is not known is named, as a finding is: names are no answers.
                text = everything_told(error).replace(f"unknown sign '{CANARY}'", "")
                if CANARY in text or str(NUMBER) in text:
                    told.append((what, text[:2000]))
    assert not told, told[0]
    assert raised > 150
    assert CANARY not in caplog.text
    assert not [str(one.message) for one in warned if CANARY in str(one.message)]
    out, err = capfd.readouterr()
    assert CANARY not in out + err
    mine = [path for path in {*Path(tempfile.gettempdir()).iterdir()} - before if "calf" in path.name]
    assert not [path for path in mine if path.is_file() and CANARY in path.read_text(errors="replace")]


@pytest.mark.parametrize("suffix", ["json", "toml"])
@pytest.mark.parametrize("command", ["run", "plan", "explain"])
def test_no_answer_stands_in_what_a_command_says_is_wrong(
    command: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong with a file, standard error names the place and not what stands there."""
    contents = (
        (f'{{"calf_pain": "{CANARY}"}}', f'{{"calf_pain": "{CANARY}}}', f'{{"calf_pain": {CANARY}}}', TEXT)
        if suffix == "json"
        else (f'calf_pain = "{CANARY}"', f"calf_pain = {CANARY}", f'calf_pain = "{CANARY}', f"calf_pain = {NUMBER}")
    )
    for content in contents:
        path = tmp_path / f"answers.{suffix}"
        path.write_text(content, encoding="utf-8")
        assert cli.main([command, str(path), "--rules", small().folder]) == 2
        said = capsys.readouterr()
        told = (said.out + said.err).replace(f"'{CANARY}': unknown finding", "")
        assert CANARY not in told
        assert str(NUMBER) not in told


# -- bounds ------------------------------------------------------------------------------------------------------------


def _large(path: Path, most: int, text: str) -> Path:
    path.write_text(text + "#" * (most + 1 - len(text)), encoding="utf-8")
    return path


def test_every_reader_of_files_is_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One byte more than is read at most, and each reader says so; no more than that is ever held."""
    answers = _large(tmp_path / "answers.toml", MOST_BYTES, "calf_pain = true\n")
    for reads in (read_answers, read_toml, lambda name: read_file(name, MOST_BYTES)):
        with pytest.raises(UnreadableError, match="larger than 1024 KiB"):
            reads(str(answers))
    words: list[list[str]] = [["run", str(answers)], ["plan", str(answers)], ["explain", str(answers)]]
    words += [["ask", "--plain", "--resume", str(answers)], ["rules", "--coverage", "--map", str(answers)]]
    for command in words:
        assert cli.main([*command, "--rules", small().folder]) == 2
        assert "larger than 1024 KiB" in capsys.readouterr().err
    with pytest.raises(RuleSetError, match="larger than 256 KiB"):
        load_vignettes(_large(tmp_path / "cases.toml", MOST_BYTES_A_FILE, ""), MINI)
    folder = tmp_path / "rules"
    shutil.copytree(MINI_FOLDER, folder)
    _large(folder / "laws.toml", MOST_BYTES_A_FILE, "")
    with pytest.raises(RuleSetError, match="larger than 256 KiB"):
        load_rules(folder)


@pytest.mark.parametrize("kind", [Assessment, FollowUp, Plan, Interview])
def test_every_reader_of_json_is_bounded(kind: Any) -> None:
    """One character too many, a number of thousands of digits, and a hundred thousand lists in lists are refused."""
    with pytest.raises(ValueError, match=f"at most {MOST_JSON} characters"):
        kind.from_json(" " * (MOST_JSON + 1))
    for text in ("9" * 5_000, "[" * 100_000, '{"a":' * 100_000, f'{{"answers": {"9" * 5_000}}}', f"1e{'9' * 400}"):
        with pytest.raises(ValueError, match=r"^(not an?|the JSON|expected|a JSON number) ") as raised:
            kind.from_json(text)
        assert len(str(raised.value)) < 500


def test_a_flood_of_wrong_names_costs_no_flood_of_suggestions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many names are wrong, near ones are looked for fifty times at most, and problems end at a thousand."""
    from calf_triage import _findings, vignettes

    looked: list[str] = []

    def counted(name: str, _: object) -> str:
        looked.append(name)
        return ""

    monkeypatch.setattr(_findings, "did_you_mean", counted)
    monkeypatch.setattr(vignettes, "did_you_mean", counted)
    flood = {f"calf_pian_{number}": True for number in range(5_000)}
    with pytest.raises(ValueError, match="and 951 more"):
        triage(flood, rules=MINI)
    assert 0 < len(looked) <= 50
    looked.clear()
    given = ", ".join(f"{name} = true" for name in flood)
    (tmp_path / "cases.toml").write_text(f'[[vignette]]\nid = "a"\ngiven = {{ {given} }}\n', encoding="utf-8")
    with pytest.raises(RuleSetError, match="and 951 more") as raised:
        load_vignettes(tmp_path / "cases.toml", MINI)
    assert len(raised.value.problems) == 1_001
    assert 0 < len(looked) <= 50


# -- wrong types -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [3, None, b"x", ["x"], object()], ids=lambda wrong: type(wrong).__name__)
def test_what_is_named_by_no_text_is_told_in_words(wrong: Any) -> None:
    """A rule, a heading and given answers of another type are refused in words, and not by an error from inside."""
    with pytest.raises(KeyError, match="named by a text"):
        MINI[wrong]
    with pytest.raises(KeyError, match="named by a text"):
        MINI.none_of(wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match="expected a mapping"):
            MINI.benign(given=wrong)
        with pytest.raises(TypeError, match="expected a date"):
            Interview(MINI).to_json(on=wrong)
        with pytest.raises(TypeError, match="expected a date"):
            Interview.from_json(Interview(MINI).to_json(), MINI, on=wrong)
    if wrong != 3 and wrong is not None:
        with pytest.raises(ValueError, match="expected whole days"):
            known(triage({}, rules=MINI), MINI, days=wrong)


def test_days_before_last_time_are_refused() -> None:
    """`known` takes no negative number of days, as `retriage` takes none."""
    with pytest.raises(ValueError, match="expected whole days"):
        known(triage({}, rules=MINI), MINI, days=-1)


@pytest.mark.parametrize("path", ["x" * 5_000, "a\0b", b"cases", 3])
def test_a_path_of_cases_that_is_none_is_told(path: Any) -> None:
    """A name that no file can have is a problem of the cases like any other."""
    with pytest.raises(RuleSetError, match=r"expected the path|is no name of a file"):
        load_vignettes(path, MINI)


def test_a_closed_standard_output_is_no_answer() -> None:
    """Where nobody can see the answer, the exit code does not say that one was given."""
    program = "import sys; from calf_triage.cli import main; sys.exit(main(['rules', '--rules', sys.argv[1]]))"
    words = 'exec "$0" -c "$1" "$2" >&-'
    done = subprocess.run(
        ["/bin/sh", "-c", words, sys.executable, program, str(MINI_FOLDER)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == cli.BROKEN
    assert "standard output is closed" in done.stderr
