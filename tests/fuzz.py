"""Whatever is read, nothing crashes and nothing hangs: an answer comes, or an error of the library's own.

Run: python -m tests.fuzz [--seconds N] [--only TARGET] [--save FOLDER] [--seed N]

Each target takes bytes, and knows which errors it may raise. The bytes begin as something that can be read (a rule
folder, a saved plan), and are changed as somebody hostile or careless would. With atheris installed, what is changed
next is what reached new lines of the library; without it, it is chosen at random. test_fuzz.py runs the same briefly.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import hashlib
import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, Final

from attrs import field, frozen

from calf_triage import (
    Acuity,
    Assessment,
    Escalation,
    FindingError,
    RuleSet,
    RuleSetError,
    SelfCare,
    load_rules,
    triage,
)
from calf_triage.cli import main
from calf_triage.follow_up import FollowUp, known, retriage
from calf_triage.interview import Interview
from calf_triage.plan import Plan, PlanError, logged_from, make_plan
from calf_triage.vignettes import load_vignettes, run
from tests._rules import MINI, MINI_FOLDER, RULES

ROOT: Final = Path(__file__).parent.parent
LONGEST_INPUT: Final = 5 * 1024 * 1024
HANGS_AFTER_SECONDS: Final = 20
TODAY: Final = date(2026, 3, 2)


class HangError(BaseException):
    """It took so long that somebody would take it for dead. No handler of the library may catch this."""


@frozen
class Target:
    """Something that reads. seeds: inputs to begin with; tries: one input, in an empty folder of its own.

    What `tries` raises is a finding.
    """

    name: str
    seeds: Callable[[], Sequence[bytes]] = field(repr=False)
    tries: Callable[[bytes, Path], None] = field(repr=False)


@contextlib.contextmanager
def bounded(seconds: int = HANGS_AFTER_SECONDS) -> Iterator[None]:
    """Raises HangError where what is inside takes longer."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def tried(target: Target, data: bytes, seconds: int = HANGS_AFTER_SECONDS) -> None:
    """Tries one input, in a folder that is then deleted; raises what it finds."""
    with tempfile.TemporaryDirectory(prefix="calf-triage-fuzz-") as folder, bounded(seconds), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            target.tries(data, Path(folder))
        finally:
            for path in Path(folder).rglob("*"):
                if not path.is_symlink():
                    path.chmod(0o700)


# -- what is tried -----------------------------------------------------------------------------------------------------


def text_of(data: bytes) -> str:
    """A text, with half surrogate pairs where the bytes say so; one character a byte where they are no UTF-8."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


class LyingText(str):
    """A text that equals everything."""

    __slots__ = ()

    def __eq__(self, _other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("calf_pain")

    def __format__(self, _spec: str) -> str:
        raise RuntimeError("formatted")


class LyingNumber(float):
    """A number that is in every range."""

    def __le__(self, _other: object) -> bool:
        return True

    __lt__ = __ge__ = __gt__ = __le__
    __hash__ = float.__hash__


class Unkind:
    """What can be asked nothing."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__dict__"):
            return object.__getattribute__(self, name)
        raise RuntimeError(name)

    def __eq__(self, _other: object) -> bool:
        raise RuntimeError("compared")

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise RuntimeError("asked whether it is true")

    def __repr__(self) -> str:
        raise RuntimeError("shown")


class Restless(Mapping[str, Any]):
    """Answers that are others each time they are read."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers, self._reads = dict(answers), 0

    def __getitem__(self, name: str) -> Any:
        self._reads += 1
        return self._answers[name] if self._reads % 3 else "unsure"

    def __iter__(self) -> Iterator[str]:
        self._reads += 1
        names = list(self._answers)
        return iter(names[self._reads % 2 :])

    def __len__(self) -> int:
        return len(self._answers) + 1


OTHERS: Final[tuple[Any, ...]] = (
    *(math.nan, math.inf, -0.0, 10**400, Decimal("3.5"), Decimal("NaN"), Fraction(7, 2), 1j, b"true", bytearray(b"x")),
    *(LyingText("sudden"), LyingNumber(1e9), Unkind(), [], {}, (), {1}, object(), TODAY, Acuity.EMERGENCY, ...),
    *("\ud800", "\u202etrue", "\0", "x" * 100_000, iter(()), lambda: True, int, 2**63, -(2**63) - 1, 1e308, 5e-324),
)
"""What no JSON can say; "$3" among an input's answers stands for the fourth of them."""


def unmarked(value: Any) -> Any:
    """An input's value, with what its marks stand for."""
    if isinstance(value, str) and re.fullmatch(r"\$[0-9]{1,2}", value, re.ASCII):
        return OTHERS[int(value[1:]) % len(OTHERS)]
    return value


def answers_of(data: bytes) -> Any:
    """Answers as a caller might give them, from JSON with marks; JSON that is no object stands for itself."""
    try:
        found = json.loads(text_of(data))
    except (ValueError, RecursionError):
        return text_of(data)
    if not isinstance(found, dict):
        return found
    try:
        answers = {unmarked(name): unmarked(value) for name, value in found.items()}
    except (TypeError, RuntimeError):
        answers = {name: unmarked(value) for name, value in found.items()}
    return Restless(answers) if "$restless" in found else answers


def by(data: bytes, of: int) -> int:
    """One of so many things to do with an input: always the same of the same input, so that it can be done again."""
    return hashlib.sha256(data).digest()[0] % of


def sound(assessment: Assessment) -> None:
    """What every answer is, whatever was asked: one disposition that can be shown, and goes out and back."""
    assert isinstance(assessment.disposition, Escalation | SelfCare)
    assert assessment.acuity is assessment.disposition.acuity
    assert isinstance(assessment.disposition, SelfCare) == (assessment.acuity is Acuity.SELF_CARE)
    assert str(assessment)
    assert Assessment.from_json(assessment.to_json()) == assessment


def try_answers(data: bytes, _: Path) -> None:
    """`triage`, a new interview, and a look again: an answer, or one FindingError."""
    given = answers_of(data)
    calls: tuple[Callable[[], Assessment], ...] = (
        lambda: triage(given, rules=RULES if by(data, 8) == 0 else MINI),
        lambda: triage(given, rules=MINI, engine="plain"),
        lambda: Interview(MINI, answers=given).assessment,
        lambda: retriage(triage({"calf_pain": True}, rules=MINI), given, rules=MINI, days=3).assessment,
    )
    for call in calls:
        try:
            sound(call())
        except FindingError as error:
            if error.assessment is not None:
                sound(error.assessment)
    interview = Interview(MINI)
    for rest in ("none", "unsure"):
        with contextlib.suppress(FindingError):
            if interview.screen is not None:
                interview.answer(given, rest=rest)
    sound(interview.assessment)


def try_assessment(data: bytes, _: Path) -> None:
    """`Assessment.from_json`, and all that an app would do with one that was kept elsewhere."""
    try:
        found = Assessment.from_json(text_of(data))
    except ValueError:
        return
    sound(found)
    assert found._repr_html_()
    rules = small().rules
    for use in (
        lambda: retriage(found, {"calf_pain": True}, days=1, recheck=True, rules=rules),
        lambda: known(found, rules, days=3),
        lambda: make_plan(found, start=TODAY, rules=rules),
        lambda: found.explain(rules).clinician(),
    ):
        with contextlib.suppress(ValueError):
            use()


def try_follow_up(data: bytes, _: Path) -> None:
    """`FollowUp.from_json`, and a look again after it."""
    try:
        found = FollowUp.from_json(text_of(data))
    except ValueError:
        return
    assert str(found)
    assert FollowUp.from_json(found.to_json()) == found
    with contextlib.suppress(ValueError):
        retriage(found, {"calf_pain": True}, days=1, recheck=True, rules=small().rules)


def try_plan(data: bytes, _: Path) -> None:
    """`Plan.from_json`, and what is done with a plan that was kept elsewhere."""
    try:
        found = Plan.from_json(text_of(data), small().rules)
    except ValueError:
        return
    assert Plan.from_json(found.to_json()) == found
    try:
        assert str(found.checked(small().rules))
    except PlanError as error:
        if error.assessment is not None:
            sound(error.assessment)


def try_log(data: bytes, folder: Path) -> None:
    """A log of the days of a plan: by the library, and by the command."""
    with contextlib.suppress(ValueError, RecursionError):
        try:
            plan, _ = logged_from(a_plan(), json.loads(text_of(data)), small().rules)
            assert str(plan)
        except PlanError as error:
            if error.assessment is not None:
                sound(error.assessment)
    (folder / "plan.json").write_text(a_plan().to_json(), encoding="utf-8")
    log = folder / ("log.toml", "log.json")[by(data, 2)]
    log.write_bytes(data)
    ends("plan", str(folder / "plan.json"), "--log", str(log), "--rules", small().folder)


def try_interview(data: bytes, folder: Path) -> None:
    """A saved interview: by the library, and by the command that goes on with it."""
    for recheck in (False, True):
        with contextlib.suppress(ValueError):
            found = Interview.from_json(text_of(data), MINI, recheck=recheck, on=TODAY)
            sound(found.assessment)
            assert Interview.from_json(found.to_json(on=TODAY), MINI, on=TODAY).answers == found.answers
    if by(data, 4) == 0:
        (folder / "saved.json").write_bytes(data)
        words = ("--plain", "--resume", str(folder / "saved.json"), "--recheck", "--no-save", "--rules", small().folder)
        ends("ask", *words, typed="?\n-\nx\n\n")


def try_file(data: bytes, folder: Path) -> None:
    """A file of answers, whatever its name says that it is."""
    path = folder / ("answers.toml", "answers.json", "answers")[by(data, 3)]
    path.write_bytes(data)
    command = (("run", "--json"), ("run", "--engine", "plain"), ("plan",), ("explain", "--seconds", "0"))[by(data, 4)]
    ends(*command, str(path), "--rules", small().folder)


def try_folder(data: bytes, folder: Path) -> None:
    """A rule folder, as files, links, pipes and folders on a disk."""
    where = folder / "rules"
    laid_out(data, where)
    try:
        rules = load_rules(where)
    except RuleSetError as error:
        problems = error.problems
        if not problems or len({*problems}) < len(problems) or not all(map(str.isprintable, problems)):
            raise
        return
    usable(rules)


def usable(rules: RuleSet) -> None:
    """What was let through can be asked: nothing, all benign, all unsure, and each example of each rule."""
    everything: list[dict[str, Any]] = [{}, rules.benign(), dict.fromkeys(rules.findings.by_id, "unsure")]
    everything += [dict(example.given) for rule in rules for example in rule.examples]
    for answers in everything:
        durably, plainly = triage(answers, rules=rules), triage(answers, rules=rules, engine="plain")
        assert durably == plainly
        sound(durably)


def try_zip(data: bytes, folder: Path) -> None:
    """A zip of a rule folder, damaged in any way."""
    path = folder / "rules.zip"
    path.write_bytes(data)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # noqa: BLE001 - what Python itself cannot open is opened by nobody here
        names = []
    for inner in {"", *(name.removesuffix("ruleset.toml") for name in names if name.endswith("ruleset.toml"))}:
        with contextlib.suppress(RuleSetError):
            try:
                root = zipfile.Path(path, at=inner)
            except Exception:  # noqa: BLE001 - as above
                continue
            usable(load_rules(root))
    if by(data, 16) == 0:
        ends("diff", str(path), str(path))


def try_vignettes(data: bytes, folder: Path) -> None:
    """A file of whole cases."""
    path = folder / "cases.toml"
    path.write_bytes(data)
    with contextlib.suppress(RuleSetError):
        report = run(load_vignettes(path, MINI), MINI)
        assert report.to_json()
    if by(data, 4) == 0:
        ends("vignettes", str(path), "--rules", str(MINI_FOLDER))


def try_map(data: bytes, folder: Path) -> None:
    """A map for `rules --coverage`."""
    path = folder / "map.toml"
    path.write_bytes(data)
    ends("rules", "--coverage", "--map", str(path), "--rules", str(MINI_FOLDER))


def ends(*arguments: str, typed: str = "") -> int:
    """Runs a command; it ends by a code of its own, without a traceback, and not as a fault inside."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict") for _ in range(2))
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
            out.flush()
            err.flush()
    finally:
        sys.stdin = before
    told = err.buffer.getvalue().decode()
    assert code in (0, 1, 2, 4), (code, told[-300:])
    assert "Traceback" not in told
    return code


# -- folders -----------------------------------------------------------------------------------------------------------

HEAD: Final = b"=== "
SORTS: Final = ("file", "folder", "pipe", "link", "closed", "socket")


def packed(files: Mapping[str, bytes]) -> bytes:
    """A folder as one input: before each file a line with its path, which may say that it is no file."""
    return b"".join(HEAD + name.encode() + b"\n" + content + b"\n" for name, content in sorted(files.items()))


def laid_out(data: bytes, where: Path) -> None:
    """Lays an input out as files, and as what is none: "=== pipe soon/x.toml"."""
    where.mkdir()
    for part in re.split(rb"(?m)^=== ", data)[1:60]:
        head, _, content = part.partition(b"\n")
        sort, _, name = text_of(head).rpartition(" ")
        path = where / name.replace("..", "_").lstrip("/")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if sort == "pipe":
                os.mkfifo(path)
            elif sort == "folder":
                path.mkdir()
            elif sort == "link":
                path.symlink_to(text_of(content).strip()[:200] or ".")
            elif path.is_symlink() or (path.exists() and not path.is_file()):
                continue
            else:
                path.write_bytes(content)
                if sort == "closed":
                    path.chmod(0)
        except (OSError, ValueError):
            continue


def folder_of(root: Path) -> dict[str, bytes]:
    """The TOML files of a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.toml"))}


# -- what is begun with ------------------------------------------------------------------------------------------------

STORY: Final[dict[str, Any]] = {"age_years": 40, "leg_weakness": True, "activity": "sitting"}


@frozen
class Small:
    """A rule set that is small, so that much can be tried, and its folder."""

    folder: str
    rules: RuleSet


@lru_cache
def small() -> Small:
    """The small rule folder of the tests with what steers a plan, laid out until the process ends."""
    made = Path(tempfile.mkdtemp(prefix="calf-triage-fuzz-rules-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    shutil.copytree(MINI_FOLDER, made, dirs_exist_ok=True)
    shutil.copy(MINI_FOLDER.parent / "plan" / "plan.toml", made)
    return Small(str(made), load_rules(made))


@lru_cache
def a_plan() -> Plan:
    """A plan of that rule set."""
    rules = small().rules
    return make_plan(triage(rules.benign(given=STORY), rules=rules), start=TODAY, rules=rules)


def as_json(value: object) -> bytes:
    """As JSON, as a program would write it."""
    return json.dumps(value, default=str).encode()


def as_toml(answers: Mapping[str, object]) -> bytes:
    """As TOML, as a person would write it."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in answers.items()).encode()


@lru_cache
def people() -> list[dict[str, Any]]:
    """Answers: nothing, an emergency, self-care, one example of each rung, and what only Python can say."""
    found: list[dict[str, Any]] = [{}, {"calf_pain": True, "breathless": True}, small().rules.benign(given=STORY)]
    by_rung = {rule.acuity: rule.examples[0].given for rule in small().rules}
    odd = {"girth_difference_cm": 3.0, "one_leg_swollen": True, "cancer": None, "calf_pain": "$3", "breathless": "$10"}
    return [*found, *map(dict, by_rung.values()), odd]


@lru_cache
def answered() -> list[Assessment]:
    """Those people's assessments; one of the bundled rules."""
    found = [triage(answers, rules=small().rules) for answers in people()[:-1]]
    return [*found, triage({"calf_pain": True, "pain_began": "felt_pull", "age_years": 40})]


@lru_cache
def saved_interviews() -> list[bytes]:
    """Interviews after no and one screen."""
    interview = Interview(MINI, region="GB")
    found = [interview.to_json(on=TODAY)]
    assert interview.screen is not None
    told: dict[str, Any] = {
        "age_years": 52,
        "calf_pain": True,
        "breathless": "unsure",
        "activity": "sitting",
        "bed_days": None,
    }
    asked = {question.id for question in interview.screen.questions}
    interview.answer({name: told[name] for name in told if name in asked}, rest="not_said")
    return [text.encode() for text in (*found, interview.to_json(on=TODAY))]


LOGS: Final = (
    {"day": "2026-03-02", "done": True, "pain_during": 1, "pain_next_morning": 0, "stop_signs": []},
    {"day": "2026-03-04", "done": {"calf_raise": 8}, "pain_before": None, "soreness_hours": 20},
    {"day": "2026-03-06", "done": False, "pain_during": 9, "stop_signs": ["breathless"], "replace": True},
)
LOG_TOML: Final = (
    b"[[log]]\nday = 2026-03-02\ndone = true\npain_during = 1\nstop_signs = []\n\n[[log]]\nday = 2026-03-04\n"
)


@lru_cache
def folders() -> list[bytes]:
    """The small rule folder, with and without what steers a plan, and with waivers."""
    mini = folder_of(MINI_FOLDER)
    plan = (Path(__file__).parent / "folders" / "plan" / "plan.toml").read_bytes()
    waivers = (ROOT / "rules" / "waivers.toml").read_bytes()
    full = {**mini, "plan.toml": plan, "waivers.toml": waivers}
    return [packed(mini), packed(full)]


@lru_cache
def steering() -> list[bytes]:
    """As above, with little but what steers a plan and what is waived, so that most changes are there."""
    return [*folders(), (ROOT / "rules" / "plan.toml").read_bytes(), (ROOT / "rules" / "waivers.toml").read_bytes()]


def try_steering(data: bytes, folder: Path) -> None:
    """plan.toml and waivers.toml beside rules that are sound."""
    name = "waivers.toml" if re.search(rb"(?m)^\s*\[[A-Z_]{3,}\]", data) else "plan.toml"
    try_folder(packed({**folder_of(MINI_FOLDER), name: data}), folder)


def zips() -> list[bytes]:
    """A zip of the small folder, stored and deflated."""
    found = []
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", how) as archive:
            for name, content in folder_of(MINI_FOLDER).items():
                archive.writestr(f"my rules/{name}", content)
        found.append(out.getvalue())
    return found


def cases() -> list[bytes]:
    """A few whole cases for the small folder."""
    one = (
        '[[vignette]]\nid = "a"\ntext = "Somebody."\ncites = "design decision"\ngold = "emergency"\n'
        'acceptable = ["same_day", "emergency"]\nreason = "So."\ngiven = { calf_pain = true, breathless = true }\n'
    )
    more = 'rule = "suspected_pulmonary_embolism"\nnot_rule = "calf_strain"\nregion = "GB"\npolicy = 3\nbelow = "x"\n'
    return [one.encode(), (one + more + one.replace('"a"', '"b"')).encode()]


COVERAGE: Final = (
    b'[Q1]\nwhat = "x"\nrules = ["suspected_pulmonary_embolism"]\nfindings = ["breathless"]\n\n[Q2]\nleft_out = "x"\n'
)

TARGETS: Final = {
    target.name: target
    for target in (
        Target("answers", lambda: [as_json(one) for one in people()], try_answers),
        Target("file", lambda: [as_json(one) for one in people()] + [as_toml(one) for one in people()], try_file),
        Target("assessment", lambda: [one.to_json().encode() for one in answered()], try_assessment),
        Target(
            "follow_up",
            lambda: [
                retriage(one, answers, days=2, rules=small().rules).to_json().encode()
                for one in answered()[:-1]
                for answers in people()[:2]
            ],
            try_follow_up,
        ),
        Target("plan", lambda: [a_plan().to_json().encode()], try_plan),
        Target("log", lambda: [as_json(LOGS), as_json({"log": LOGS[:1]}), LOG_TOML], try_log),
        Target("interview", saved_interviews, try_interview),
        Target("folder", folders, try_folder),
        Target("plan_and_waivers", lambda: steering()[2:], try_steering),
        Target("zip", zips, try_zip),
        Target("vignettes", cases, try_vignettes),
        Target("map", lambda: [COVERAGE], try_map),
    )
}


@lru_cache
def seeds_of(target: Target) -> tuple[bytes, ...]:
    """What a target begins with, made once."""
    return tuple(target.seeds())


# -- how it is changed -------------------------------------------------------------------------------------------------

TOKEN: Final = re.compile(rb'"[^"\n]*"|[A-Za-z_][A-Za-z0-9_]*|-?\d+(?:\.\d+)?|[\[\]{}=:,\n]')
WORDS: Final = (
    *(b"true", b"false", b"null", b"nan", b"-inf", b"1e999", b"-1", b"0.1", b"1e308", b"9" * 400, b"9" * 5000, b"0x7f"),
    *(b'"unsure"', b'""', b'"x"', b'"\\ud800"', b'"\\u0000"', b'"\\u202e"', b"[]", b"{}", b'{"a": 1}', b"2026-02-30"),
    *(b"2026-03-02", b"23:59:60", b"0001-01-01", b'"SELF_CARE"', b'"emergency"', b'"type"', b'"$3"', b'"$11"', b"\n"),
    *(b"[when]\n", b"[[source]]\n", b"=== ", b"=== pipe soon/x.toml\n", b"=== link routine/y.toml\n/dev/zero\n"),
    *(
        b'all = ["calf_pain", "calf_pain >= 1"]\n',
        b"a." * 150 + b"b = 1\n",
        b"'''",
        b'"""',
        b"\\",
        b"\r\n",
        b"\0",
        b"\t",
    ),
    *(
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xff",
        b"\xe2\x80\xae",
        "Ü".encode(),
        b"#",
        b'"$restless"',
        b"=== folder x\n",
    ),
)


NOT_POSSIBLE: Final = (ValueError, RecursionError, TypeError, OverflowError, IndexError)
"""What a change raises where there is nothing of its kind to change."""


def changed(data: bytes, random: Random, seeds: Sequence[bytes] = ()) -> bytes:
    """An input, changed one to four times."""
    for _ in range(random.randint(1, 4)):
        change = random.choice(CHANGES)
        with contextlib.suppress(*NOT_POSSIBLE):
            data = change(data, random, seeds)
    return data[:LONGEST_INPUT]


def _lines(data: bytes, random: Random, seeds: Sequence[bytes]) -> bytes:
    """Lines deleted, doubled, moved, or taken from another input."""
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    until = min(len(lines), at + random.choice((1, 1, 1, 3, 12)))
    from_ = random.choice([data, *seeds]).split(b"\n")
    other = random.choice(from_)
    lines[at:until] = random.choice(([], [*lines[at:until], *lines[at:until]], [other], [lines[at], other]))
    return b"\n".join(lines)


def _tokens(data: bytes, random: Random, seeds: Sequence[bytes]) -> bytes:
    """One word, number, text or sign replaced, deleted or doubled."""
    found = [*TOKEN.finditer(data)]
    one = random.choice(found)
    others = [match.group() for match in TOKEN.finditer(random.choice([data, *seeds]))]
    new = random.choice((random.choice(WORDS), random.choice(others), b"", one.group() * 2))
    return data[: one.start()] + new + data[one.end() :]


def _inserted(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.choice(WORDS) + data[at:]


def _bytes(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([random.randrange(256)]) + data[at + random.choice((0, 1, 1, 5)) :]


def _cut(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    one, other = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    return random.choice((data[:one], data[one:], data[:one] + data[other:]))


def _spliced(data: bytes, random: Random, seeds: Sequence[bytes]) -> bytes:
    other = random.choice([data, *seeds])
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


def _dressed(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    """The same text as another program would write it."""
    return random.choice(
        (
            b"\xef\xbb\xbf" + data,
            data.replace(b"\n", b"\r\n"),
            data.replace(b"\n", b"\r"),
            data.replace(b" ", b"\xc2\xa0"),
            text_of(data).encode("utf-16", "surrogatepass"),
            data + b"\n" * 10_000,
        )
    )


def _large(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    """Something deep, long or many."""
    at = random.choice([*TOKEN.finditer(data)])
    many = random.choice((100, 1_000, 60_000))
    new = random.choice(
        (
            b"[" * many + b"]" * many,
            b'{"a":' * many + b"1" + b"}" * many,
            b"{a=" * many + b"1" + b"}" * many,
            b'"' + b"x" * many + b'"',
            b"[" + b"1," * many + b"1]",
            b"9" * many,
            b"1e" + b"9" * min(many, 1_000),
            at.group()[:100] * many,
        )
    )
    return data[: at.start()] + new + data[at.end() :]


def _tree(data: bytes, random: Random, seeds: Sequence[bytes]) -> bytes:
    """JSON, with one value, key or entry changed for one of another kind."""
    tree = json.loads(data)
    places: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        one = stack.pop()
        inner = list(one) if isinstance(one, dict) else list(range(len(one))) if isinstance(one, list) else []
        places += [(one, key) for key in inner]
        stack += [one[key] for key in inner]
    holder, key = random.choice(places)
    values = [holder[key] for holder, key in places]
    how = random.randrange(6)
    if how == 0:
        del holder[key]
    elif how == 1:
        holder[key] = random.choice(values)
    elif how == 2 and isinstance(holder, dict):
        holder[random.choice([other for _, other in places if isinstance(other, str)])] = holder.pop(key)
    elif how == 3 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif how == 4:
        holder[key] = [holder[key]] if random.random() < 0.5 else {"type": holder[key]}
    else:
        holder[key] = random.choice(
            (
                None,
                True,
                0,
                -1,
                10**9,
                10**400,
                0.5,
                1e308,
                "",
                "x",
                "unsure",
                "\ud800",
                "\0",
                [],
                {},
                "$7",
                "x" * 5_000,
            )
        )
    return json.dumps(tree).encode()


CHANGES: Final = (_lines, _lines, _tokens, _tokens, _tokens, _inserted, _bytes, _cut, _spliced, _dressed, _large)


def made(target: Target, random: Random) -> bytes:
    """An input for a target: one of its seeds, changed."""
    seeds = seeds_of(target)
    data = random.choice(seeds)
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        if data[:1] in (b"{", b"["):
            with contextlib.suppress(*NOT_POSSIBLE):
                data = _tree(data, random, seeds)
    return changed(data, random, seeds) if random.random() < 0.7 else data


# -- the command -------------------------------------------------------------------------------------------------------


class Findings:
    """What was found: one of each kind, by where it was raised. save: a folder for the inputs, or None."""

    def __init__(self, target: Target, save: Path | None) -> None:
        self.target, self.save = target, save
        self.tried = 0
        self.found: dict[str, str] = {}

    def try_one(self, data: bytes) -> None:
        """Tries one input, and keeps it where it finds something new."""
        self.tried += 1
        try:
            tried(self.target, data)
        except (Exception, HangError) as error:  # noqa: BLE001 - that is what is looked for
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
            if place not in self.found:
                self.found[place] = self._kept(data)
                print(f"{self.target.name}: {place} by {self.found[place]}", file=sys.stderr, flush=True)
                traceback.print_exception(error)

    def _kept(self, data: bytes) -> str:
        name = f"{self.target.name}-{hashlib.sha256(data).hexdigest()[:12]}"
        if self.save is None:
            return f"an input of {len(data)} bytes (--save FOLDER keeps it)"
        self.save.mkdir(parents=True, exist_ok=True)
        (self.save / name).write_bytes(data)
        return str(self.save / name)


def at_random(target: Target, seconds: float, seed: int, save: Path | None) -> tuple[int, int]:
    """Changes that are chosen at random, for so long; how many inputs were tried, and kinds of faults found."""
    found, random = Findings(target, save), Random(seed)
    for data in seeds_of(target):
        found.try_one(data)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found.try_one(made(target, random))
    return found.tried, len(found.found)


def guided(name: str, seconds: int, seed: int, save: str, corpus: str) -> None:
    """Changes that are led by what they reach; in a process of its own, which it ends."""
    import atheris

    target = TARGETS[name]
    found = Findings(target, Path(save) if save else None)
    seeds = seeds_of(target)

    def change(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        if random.random() < 0.02:
            data = random.choice(seeds)
        if data[:1] in (b"{", b"[") and random.random() < 0.5:
            with contextlib.suppress(*NOT_POSSIBLE):
                return _tree(data, random, seeds)[:most]
        return changed(data, random, seeds)[:most]

    def one(data: bytes) -> None:
        found.try_one(data)
        (Path(corpus).parent / "counts").write_text(f"{found.tried} {len(found.found)}")

    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={256 * 1024}", "-rss_limit_mb=4096"]
    options += ["-verbosity=0", "-timeout=60", "-detect_leaks=0", f"-artifact_prefix={Path(corpus).parent}/whole-"]
    atheris.Setup([sys.argv[0], *options, corpus], one, custom_mutator=change)
    atheris.Fuzz()


_GUIDED: Final = """
import sys
import atheris
with atheris.instrument_imports(include=["calf_triage"]):
    import tests.fuzz as fuzz
fuzz.guided(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
"""


def in_a_child(target: Target, seconds: int, seed: int, save: Path | None) -> tuple[int, int]:
    """As `at_random`, led by what is reached. A crash of the whole process is a fault like any other."""
    with tempfile.TemporaryDirectory(prefix="calf-triage-corpus-") as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, data in enumerate(seeds_of(target)):
            (corpus / str(number)).write_bytes(data)
        words = [target.name, str(seconds), str(seed), str(save or ""), str(corpus)]
        log = Path(folder) / "log"
        with log.open("w") as out:
            code = subprocess.run(
                [sys.executable, "-c", _GUIDED, *words],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        if save:
            save.mkdir(parents=True, exist_ok=True)
            for crashing in Path(folder).glob("whole-*"):
                shutil.copy(crashing, save / f"{target.name}-{crashing.name}")
        counts = Path(folder) / "counts"
        count, kinds = map(int, counts.read_text().split()) if counts.exists() else (0, 0)
        if code or kinds:
            print(log.read_text(errors="replace")[-6_000:], file=sys.stderr)
        return count, kinds + (code != 0)


def run_it(arguments: Sequence[str] | None = None) -> int:
    """Fuzzes each target for its share of the time; 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="for all targets together; default: 120")
    parser.add_argument("--only", choices=sorted(TARGETS), help="one target")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="where inputs that find something are kept")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--at-random", action="store_true", help="without atheris, even where it is installed")
    chosen = parser.parse_args(arguments)
    targets = [TARGETS[chosen.only]] if chosen.only else [*TARGETS.values()]
    is_guided = find_spec("atheris") is not None and not chosen.at_random
    share = max(1, chosen.seconds // len(targets))
    print(f"{'led by coverage (atheris)' if is_guided else 'at random'}, seed {chosen.seed}, {share} s a target")
    faults = 0
    save = chosen.save.resolve() if chosen.save else None
    for target in targets:
        tries = in_a_child if is_guided else at_random
        count, kinds = tries(target, share, chosen.seed, save)
        faults += kinds + (count == 0)
        print(f"{target.name:<18}{count:>9} inputs{kinds:>5} kinds of faults", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(run_it())
