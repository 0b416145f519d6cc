"""What the loader refuses, in which words, and that nothing in a folder makes it do anything but load or refuse."""

from __future__ import annotations

import ast
import copy
import hashlib
import multiprocessing
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from calf_triage import Acuity, RuleSet, RuleSetError, _folder, _load, load_rules, triage
from calf_triage.readings import durable

T = TypeVar("T")

FOLDERS = Path(__file__).parent / "folders"
MINI = FOLDERS / "mini"
BROKEN = FOLDERS / "broken"
KINDS = sorted(folder.name for folder in BROKEN.iterdir())
PACKAGE = Path(_load.__file__).parent
SECONDS = 20
"""How long any folder may take, however slow and busy the machine."""


def copied(tmp_path: Path) -> Path:
    """The mini folder, to be changed."""
    return Path(shutil.copytree(MINI, tmp_path / "rules"))


def broken(kind: str, tmp_path: Path) -> Path:
    """The mini folder with the changes of one kind laid over it."""
    folder = copied(tmp_path)
    shutil.copytree(BROKEN / kind, folder, dirs_exist_ok=True)
    (folder / "expected.txt").unlink()
    removed = folder / "removed.txt"
    if removed.exists():
        for name in removed.read_text().split():
            (folder / name).unlink()
        removed.unlink()
    return folder


def expected(kind: str) -> tuple[str, ...]:
    return tuple((BROKEN / kind / "expected.txt").read_text(encoding="utf-8").splitlines())


def problems(folder: Path | Traversable) -> tuple[str, ...]:
    """What is wrong with a folder; () if nothing is. In bounded time."""
    started = time.monotonic()
    try:
        load_rules(folder)
    except RuleSetError as error:
        return error.problems
    finally:
        assert time.monotonic() - started < SECONDS
    return ()


def write(folder: Path, name: str, text: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    write(folder, name, text.replace(old, new, 1))


# -- every kind of problem -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_problem_is_told_in_its_exact_words(kind: str, tmp_path: Path) -> None:
    """A broken folder is refused with exactly the lines of its expected.txt: no problem hidden, none made up."""
    found = problems(broken(kind, tmp_path))
    assert found
    assert found == expected(kind)


def test_no_problem_that_the_loader_can_tell_is_untested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call that tells a problem is reached by a broken folder, and so its words stand in an expected.txt."""
    reached: set[int] = set()
    for class_ in (_load._Table, _load._Loader):
        monkeypatch.setattr(class_, "problem", recording(class_.problem, reached))
    for kind in KINDS:
        problems(broken(kind, tmp_path / kind))
    tree = ast.parse(Path(_load.__file__).read_text(encoding="utf-8"))
    calls = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "problem"
    }
    assert len(calls) > 60
    # One call is how a table hands its problem on.
    handing_on = {line for line in calls if "printable(self.file)" in _load_line(line)}
    assert len(handing_on) == 1
    assert calls - handing_on <= reached


def recording(problem: Callable[..., None], reached: set[int]) -> Callable[..., None]:
    def recorded(*args: Any, **kwargs: Any) -> None:
        reached.add(sys._getframe(1).f_lineno)
        problem(*args, **kwargs)

    return recorded


def _load_line(number: int) -> str:
    return Path(_load.__file__).read_text(encoding="utf-8").splitlines()[number - 1]


def test_every_reason_to_refuse_a_file_is_tested() -> None:
    """Each text of the functions that read files, and of what is raised at once, stands in a test or a fixture."""
    source = Path(__file__).read_text(encoding="utf-8") + "".join("\n".join(expected(kind)) for kind in KINDS)
    modules = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in (_folder, _load)]
    tree = ast.parse("\n".join(text.replace("from __future__ import annotations", "") for text in modules))
    readers = {"read_folder", "_refused", "_unreadable", "parsed"}
    places: list[ast.AST] = [
        statement
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name in readers
        for statement in ast.walk(node)
        if isinstance(statement, ast.Return | ast.Assign)
    ]
    places += [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    texts = {
        part.value.strip()
        for place in places
        for part in ast.walk(place)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip()
    }
    assert len(texts) > 12
    assert [text for text in sorted(texts) if text not in source] == []


def test_a_wrong_file_hides_no_problem_of_another(tmp_path: Path) -> None:
    """All broken files of several kinds at once give the problems of each."""
    kinds = ["not_toml", "only_if_unknown", "version_shape", "within_hours_missing", "retired_without_successor"]
    folder = copied(tmp_path)
    for kind in kinds:
        shutil.copytree(BROKEN / kind, folder, dirs_exist_ok=True)
    (folder / "expected.txt").unlink()
    assert set(problems(folder)) == {line for kind in kinds for line in expected(kind)}


def test_a_suggestion_is_made_only_for_a_near_word(tmp_path: Path) -> None:
    """A name at a similarity of 0.8 or more is suggested, and no other."""
    folder = copied(tmp_path)
    edit(folder, "routine/pain.toml", '["pain_worst_of_10 >= 4"]', '["calf_pain", "one_leg_swelling", "leg_weaknes"]')
    assert problems(folder) == (
        "routine/pain.toml: [when] all: unknown finding 'one_leg_swelling'; did you mean 'one_leg_swollen'?",
        "routine/pain.toml: [when] all: unknown finding 'leg_weaknes'; did you mean 'leg_weakness'?",
    )
    edit(folder, "routine/pain.toml", '"one_leg_swelling", "leg_weaknes"', '"one_leg_red"')
    assert problems(folder) == ("routine/pain.toml: [when] all: unknown finding 'one_leg_red'",)


def test_a_problem_with_the_engine_refuses_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's limits are checked when a folder is loaded, not when someone is triaged."""
    monkeypatch.setattr(durable, "limit_problems", lambda rules, keep=False: ["soon/x.toml: [when]: too many"])
    assert problems(MINI) == ("soon/x.toml: [when]: too many",)


def test_a_sound_folder_loads() -> None:
    """The mini folder has no problem, and keeps what it says."""
    rules = load_rules(MINI)
    assert [rule.id for rule in rules] == [
        "suspected_embolism",
        "suspected_clot",
        "calf_pain_with_factor",
        "pain",
        "disuse",
    ]
    assert rules["calf_pain_with_factor"].within_hours == 48
    assert rules.findings.by_id["girth_difference_cm"].high == 150
    assert rules.regions["GB"].emergency_number == "999"
    assert load_rules(str(MINI)).sha256 == rules.sha256


def test_rules_come_in_order_of_acuity_then_time_then_questions(tmp_path: Path) -> None:
    """Most acute first, then sooner, then what is asked first; the id only decides between equals."""
    folder = copied(tmp_path)
    later = (folder / "routine/pain.toml").read_text().replace("pain_worst_of_10 >= 4", "bed_days >= 7")
    write(folder, "routine/a_later.toml", later)
    sooner = (folder / "soon/calf_pain_with_factor.toml").read_text()
    sooner = sooner.replace("within_hours = 48", "within_hours = 336").replace('"clot_factor"', '"both_calves"')
    write(folder, "soon/a_slower.toml", sooner)
    assert [rule.id for rule in load_rules(folder)] == [
        "suspected_embolism",
        "suspected_clot",
        "calf_pain_with_factor",
        "a_slower",
        "pain",
        "a_later",
        "disuse",
    ]


# -- hostile folders -------------------------------------------------------------------------------------------------


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Neither a file nor a folder elsewhere is read through a link."""
    folder = copied(tmp_path)
    (folder / "causes.toml").rename(tmp_path / "secret.toml")
    (folder / "causes.toml").symlink_to(tmp_path / "secret.toml")
    (folder / "advice").rename(tmp_path / "advice")
    (folder / "advice").symlink_to(tmp_path / "advice")
    (folder / "README.md").symlink_to("/etc/passwd")
    why = "a link that leads out of the folder is refused"
    assert sorted(problems(folder)) == [f"README.md: {why}", f"advice: {why}", f"causes.toml: {why}"]


def test_a_link_within_the_folder_is_read_unless_it_leads_to_a_folder(tmp_path: Path) -> None:
    """A link to a file is as good as the file. A link to a folder could lead round in a circle."""
    folder = copied(tmp_path)
    (folder / "causes.toml").rename(folder / "causes.txt")
    (folder / "causes.toml").symlink_to("causes.txt")
    assert problems(folder) == ()
    (folder / "retired").symlink_to("routine")
    assert problems(folder) == ("retired: a link to a folder is refused",)


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    """A link to itself, to nothing, or to the folder it stands in ends the reading of nothing but itself."""
    folder = copied(tmp_path)
    (folder / "laws.toml").unlink()
    (folder / "laws.toml").symlink_to("laws.toml")
    (folder / "retired").symlink_to("gone")
    (folder / "routine/round").symlink_to(folder)
    assert problems(folder) == (
        "laws.toml: a link in a circle, or to nothing, is refused",
        "retired: a link in a circle, or to nothing, is refused",
        "routine/round: a link to a folder is refused",
    )


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    """Who names a link means what it leads to."""
    (tmp_path / "link").symlink_to(copied(tmp_path))
    assert problems(tmp_path / "link") == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes in the file system")
def test_pipes_and_sockets_are_refused_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a pipe into which nobody writes would wait for ever."""
    folder = copied(tmp_path)
    (folder / "laws.toml").unlink()
    os.mkfifo(folder / "laws.toml")
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.toml")
        found = problems(folder)
    assert found == (
        "laws.toml: neither a file nor a folder",
        "pipe: neither a file nor a folder",
        "socket.toml: neither a file nor a folder",
    )


def test_a_device_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that never ends is not begun."""
    folder = copied(tmp_path)
    device = folder / "laws.toml"
    device.unlink()
    try:
        os.mknod(device, 0o600 | 0o020000, os.makedev(1, 5))
    except (AttributeError, OSError):
        device.symlink_to("/dev/zero")
        assert problems(folder) == ("laws.toml: a link that leads out of the folder is refused",)
    else:
        assert problems(folder) == ("laws.toml: neither a file nor a folder",)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """Of a file of 10 MB no more than the limit comes into memory."""
    folder = copied(tmp_path)
    write(folder, "causes.toml", b"# " + b"x" * 10_000_000)
    assert problems(folder) == ("causes.toml: larger than 256 KiB",)


def test_many_files_are_refused(tmp_path: Path) -> None:
    """6,000 files are refused whatever is in them."""
    folder = copied(tmp_path)
    (folder / "retired").mkdir()
    for number in range(6_000):
        (folder / f"retired/old_{number}.toml").touch()
    assert problems(folder) == ("more than 5000 files",)


def test_many_bytes_are_refused(tmp_path: Path) -> None:
    """Files that are each small enough may be too much together."""
    folder = copied(tmp_path)
    for number in range(20):
        write(folder, f"retired/old_{number}.toml", b"#" + b"x" * (250 * 1024))
    assert problems(folder) == ("more than 4 MiB of files",)


def test_deep_folders_are_not_walked(tmp_path: Path) -> None:
    """A chain of folders is refused at its second, one chain of each unknown name too."""
    folder = copied(tmp_path)
    deep = folder / "routine"
    for _ in range(200):
        deep /= "deep"
    deep.mkdir(parents=True)
    write(deep, "rule.toml", "title = 1")
    (folder / "notes" / "more").mkdir(parents=True)
    assert problems(folder) == (
        "notes/more: a folder in a folder is not read",
        "routine/deep: a folder in a folder is not read",
    )


def test_what_is_no_rule_is_left_alone(tmp_path: Path) -> None:
    """Notes, hidden files and what editors and systems leave behind are no part of a rule set."""
    folder = copied(tmp_path)
    sha256 = load_rules(folder).sha256
    for name in (
        "README.md",
        ".hidden.toml",
        ".git/config.toml",
        "__MACOSX/x.toml",
        "routine/pain.toml.orig",
        "n/a.md",
    ):
        write(folder, name, b"\xff not TOML")
    (folder / ".#lock.toml").symlink_to("nobody@nowhere")
    assert load_rules(folder).sha256 == sha256


@pytest.mark.parametrize("name", ["nowhere", "routine/pain.toml", "nul\0byte", "new\nline", "x" * 5_000])
def test_a_folder_that_is_none_is_told(name: str) -> None:
    """What is no folder is refused with its name, printed on one line."""
    (line,) = problems(MINI / name)
    assert re.fullmatch(r"[ -~]*(: no such folder|the folder cannot be read: .*)", line)


class Unreadable:
    """A folder, or a file in it, that another system fails to read."""

    def __init__(self, name: str, error: Exception, inner: tuple[Unreadable, ...] = ()) -> None:
        self.name, self.error, self.inner = name, error, inner

    def is_dir(self) -> bool:
        return bool(self.inner) or not self.name.endswith(".toml")

    def is_file(self) -> bool:
        return not self.is_dir()

    def iterdir(self) -> Iterator[Unreadable]:
        if not self.inner:
            raise self.error
        return iter(self.inner)

    def open(self, *_: str) -> None:
        raise self.error


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """An error of the system is a problem of the file that it struck."""
    broken_folder = Unreadable("retired", PermissionError(13, "Permission denied"))
    broken_file = Unreadable("laws.toml", zipfile.BadZipFile("Bad CRC-32\n"))
    root: Any = Unreadable("", ValueError(), (broken_folder, broken_file))
    found = problems(root)
    assert "retired: cannot be read: Permission denied" in found
    assert "laws.toml: cannot be read: Bad CRC-32?" in found
    nothing: Any = Unreadable("", NotImplementedError())
    assert problems(nothing) == ("the folder cannot be read: NotImplementedError",)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("routine/new\nline.toml", "routine/new?line.toml"),
        ("routine/__class__.toml", "routine/__class__.toml"),
        ("routine/..toml", None),
        ("routine/_pain.toml", "routine/_pain.toml"),
        ("routine/\u202epain.toml", "routine/?pain.toml"),
        ("routine/päin.toml", "routine/päin.toml"),
        ("routine/" + "p" * 200 + ".toml", "routine/" + "p" * 192),
        (os.fsdecode(b"routine/p\xff.toml"), "routine/p?.toml"),
    ],
)
def test_a_files_name_plays_no_tricks(name: str, printed: str | None, tmp_path: Path) -> None:
    """A name that is no id is told, on one line; a hidden one is left alone."""
    folder = copied(tmp_path)
    try:
        shutil.copy(folder / "routine/pain.toml", folder / name)
    except OSError:
        pytest.skip("the file system refuses this name")
    found = problems(folder)
    if printed is None:
        assert found == ()
    else:
        assert found[0] == f"{printed}: the name is no id; expected {_load._ID_IN_WORDS}"
        assert all(line.isprintable() for line in found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = " + "[" * 100_000, "nested too deeply, or a number that is too large"),
        ("a = " + "[" * 20 + "]" * 20, "nested more than 8 deep"),
        ("a = " + "{b = " * 100 + "1" + "}" * 100, "nested more than 8 deep"),
        ("a = " + "{b = " * 20_000 + "1" + "}" * 20_000, "nested too deeply, or a number that is too large"),
        (".".join("a" * 100_000) + " = 1", "more than 100 dots in a line"),
        ("[" + ".".join("a" * 100_000) + "]", "more than 100 dots in a line"),
        ("a = " + "9" * 200_000, "nested too deeply, or a number that is too large"),
        ("a = 0x" + "f" * 200_000, "a number larger than 1000000000"),
        ("a = -1_000_000_001", "a number larger than 1000000000"),
        (
            "a = 99999-99-99",
            "is not TOML: Expected newline or end of document after a statement (at line 1, column 10)",
        ),
        ('a = "\x00"', "is not TOML: Illegal character '\\x00' (at line 1, column 6)"),
        ('a = "\\ud800"', "is not TOML: Escaped character is not a Unicode scalar value (at line 1, column 12)"),
        (b'a = "\xff"', "is not UTF-8 text"),
        (b"\xff\xfea\x00", "is not UTF-8 text"),
    ],
)
def test_hostile_toml_is_refused(text: str | bytes, why: str, tmp_path: Path) -> None:
    """Nesting, numbers and bytes that would take long, or take down what reads them, are refused in words."""
    folder = copied(tmp_path)
    write(folder, "retired/hostile.toml", text)
    assert problems(folder) == (f"retired/hostile.toml: {why}",)


def test_the_mark_that_some_editors_write_first_is_read_over(tmp_path: Path) -> None:
    """UTF-8 with a byte order mark is UTF-8."""
    folder = copied(tmp_path)
    write(folder, "causes.toml", b"\xef\xbb\xbf" + (folder / "causes.toml").read_bytes())
    assert load_rules(folder).sha256 == load_rules(MINI).sha256


@pytest.mark.parametrize(
    "char", ["\0", "\t", "\x1b", "\x85", "\u200b", "\u2028", "\u202e", "\u2066", "\ufeff", "\ue000"]
)
def test_characters_that_cannot_be_seen_are_refused(char: str, tmp_path: Path) -> None:
    """No text can turn, hide or overwrite the text around it on a page or in a terminal."""
    folder = copied(tmp_path)
    edit(folder, "routine/pain.toml", "Marked calf pain", f"Marked\\U{ord(char):08x} calf pain")
    assert problems(folder) == ("routine/pain.toml: title: holds a character that cannot be seen",)


@pytest.mark.parametrize("text", ["3\u202f°C", "naïve café", "Fuß", "小腿", "🦵🏽", "two\\nlines", "no\u00a0break"])
def test_texts_of_other_scripts_are_kept(text: str, tmp_path: Path) -> None:
    """Whatever can be read may be written."""
    folder = copied(tmp_path)
    edit(folder, "routine/pain.toml", "Marked calf pain", text)
    assert load_rules(folder)["pain"].title == text.replace("\\n", "\n")


@pytest.mark.parametrize(
    "name", ["__class__", "__init__", "x" * 100_000, "", "self.loader", "a\\nb", "{0.__class__}", "é"]
)
def test_hostile_names_are_told_and_not_used(name: str, tmp_path: Path) -> None:
    """A name that is no id stays a text, shortened and on one line, wherever it stands."""
    folder = copied(tmp_path)
    table = f'\n["{name}"]\ntitle = "T"\nharm = "h"\ncause = "c"\ncontrol = "c"\n'
    for file in ("causes.toml", "hazards.toml", "services.toml", "regions.toml", "laws.toml", "criteria.toml"):
        write(folder, file, (folder / file).read_text() + table)
    for file in ("scores.toml", "advice/all.toml"):
        write(folder, file, (folder / file).read_text() + table)
    write(folder, "findings/start.toml", (folder / "findings/start.toml").read_text() + f'\n[finding."{name}"]\n')
    edit(folder, "ruleset.toml", 'name = "mini"', f'"{name}" = 1\nname = "mini"')
    edit(folder, "routine/pain.toml", "{ calf_pain = true,", f'{{ "{name}" = true, calf_pain = true,')
    edit(folder, "soon/calf_pain_with_factor.toml", '["calf_pain",', f'["calf_pain", "{name}",')
    found = problems(folder)
    # As a key of each of ten tables, and in a list of criteria. In the example, it names the finding that is refused.
    assert len(found) == 11
    assert all(line.isprintable() and len(line) < 300 for line in found)


def test_five_thousand_unknown_names_are_told_in_bounded_time(tmp_path: Path) -> None:
    """A search for a near word is made for the first problems only, and a thousand problems are enough."""
    folder = copied(tmp_path)
    rule = (folder / "routine/pain.toml").read_text()
    for number in range(100):
        names = ", ".join(f'"one_leg_swoln_{number}_{other}"' for other in range(50))
        write(folder, f"routine/pain_{number}.toml", rule.replace('"pain_worst_of_10 >= 4"', names))
    finding = "\n[finding.one_leg_{0}]\nheading = 'about_you'\nasks = 'Leg'\nkind = 'sign'\n"
    more = "".join(finding.format(f"swollen_in_{number}") for number in range(900))
    write(folder, "findings/start.toml", (folder / "findings/start.toml").read_text() + more)
    found = problems(folder)
    assert len(found) == 1_001
    assert found[-1] == "more than 1000 problems; the rest was not read"


def test_thousands_of_names_are_refused(tmp_path: Path) -> None:
    """The number of findings, named criteria and scores together is bounded."""
    folder = copied(tmp_path)
    table = "[n_{0}]\nmeans = 'N'\nall = ['cancer']\n"
    write(folder, "criteria.toml", "".join(table.format(number) for number in range(5_000)))
    assert problems(folder) == ("more than 1000 findings, named criteria and scores",)


def test_a_chain_of_a_hundred_names_is_refused(tmp_path: Path) -> None:
    """What rests on a hundred names, one on the other, nobody can read, and no reading should have to."""
    folder = copied(tmp_path)
    chain = "".join(f"[n_{number}]\nmeans = 'N'\nall = ['n_{number + 1}']\n" for number in range(100))
    chain += "[n_100]\nmeans = 'N'\nall = ['cancer']\n"
    write(folder, "criteria.toml", (folder / "criteria.toml").read_text() + chain)
    assert problems(folder)[0] == "criteria.toml: [n_83]: rests on more than 16 names in a row"


def test_names_that_stand_for_billions_are_refused(tmp_path: Path) -> None:
    """Names that each stand for all names of the level before are never written out, and are refused."""
    folder = copied(tmp_path)
    levels = ["[n_0_0]\nmeans = 'N'\nall = ['cancer']\n[n_0_1]\nmeans = 'N'\nall = ['calf_pain']\n"]
    for level in range(1, 15):
        before = ", ".join(f"'n_{level - 1}_{number}'" for number in range(2 if level == 1 else 40))
        for number in range(40):
            lists = f"all = [{before}]\nany = ['cancer', 'bed_days >= {1 + number % 30}']\n"
            levels.append(f"[n_{level}_{number}]\nmeans = 'N'\n{lists}")
    write(folder, "criteria.toml", (folder / "criteria.toml").read_text() + "".join(levels))
    found = problems(folder)
    assert found
    assert all(
        re.fullmatch(r"criteria.toml: \[n_\d+_\d+\]: stands for more than 1000 criteria", line) for line in found
    )


def test_a_large_circle_is_printed_and_cut(tmp_path: Path) -> None:
    """A circle of 900 names is one problem, of bounded length; many circles are a bounded number of problems."""
    folder = copied(tmp_path)
    circle = [f"[n_{number:03}]\nmeans = 'N'\nall = ['n_{(number + 1) % 900:03}']\n" for number in range(900)]
    write(folder, "criteria.toml", (folder / "criteria.toml").read_text() + "".join(circle))
    found = [line for line in problems(folder) if "circle" in line]
    assert len(found) == 1
    assert found[0].startswith("criteria.toml: [n_000]: a circle: n_000 → n_001 → n_002")
    assert found[0].endswith("n_059 → …")
    pairs = [f"[n_{number:03}]\nmeans = 'N'\nall = ['n_{number ^ 1:03}']\n" for number in range(900)]
    write(folder, "criteria.toml", (MINI / "criteria.toml").read_text() + "".join(pairs))
    assert len(problems(folder)) == _load.MOST_CIRCLES


def test_a_folder_full_of_everything_loads_in_bounded_time(tmp_path: Path) -> None:
    """As many files, findings and examples as the limits allow take seconds, not hours."""
    folder = copied(tmp_path)
    finding = "\n[finding.sign_{0}]\nheading = 'about_you'\nasks = 'Sign'\nkind = 'sign'\n"
    more = "".join(finding.format(number) for number in range(900))
    write(folder, "findings/start.toml", (folder / "findings/start.toml").read_text() + more)
    rule = (folder / "routine/pain.toml").read_text().split("[[example]]")[0]
    for number in range(900):
        text = rule.replace("pain_worst_of_10 >= 4", f"sign_{number}")
        for fires in ("true", "false"):
            text += (
                f"[[example]]\nname = 'x'\ngiven = {{ sign_{number} = {fires} }}\notherwise = 'no'\nfires = {fires}\n"
            )
        write(folder, f"routine/rule_{number}.toml", text)
    assert problems(folder) == ()


# -- whatever the text -----------------------------------------------------------------------------------------------

FILES = {str(path.relative_to(MINI)): path.read_text(encoding="utf-8") for path in sorted(MINI.rglob("*.toml"))}
TOKEN = re.compile(r'"[^"\n]*"|[A-Za-z_][A-Za-z0-9_]*|\d+|\n|[\[\]{}=,.]')
VALUES = [
    *("true", "3", "-1", "0.5", "nan", "inf", "1e400", "0xffffffffff", '""', '"x"', '"unsure"', '"calf_pain"'),
    *("[]", "{}", '["x"]', "[1, 2]", "[[1]]", "2026-11-22", "12:00:00", '"wells >= 1"', "\n", "[[then]]\n", "[when]\n"),
]


class InMemory:
    """A rule folder that is written nowhere."""

    def __init__(self, files: dict[str, str], prefix: str = "") -> None:
        self.files, self.prefix = files, prefix
        self.name = prefix.rstrip("/").rpartition("/")[2]

    def is_dir(self) -> bool:
        return not self.prefix or self.prefix.endswith("/")

    def iterdir(self) -> Iterator[InMemory]:
        inner = (path.removeprefix(self.prefix) for path in self.files if path.startswith(self.prefix))
        names = dict.fromkeys(name[: name.index("/") + 1] if "/" in name else name for name in inner)
        return (InMemory(self.files, self.prefix + name) for name in names)

    def open(self, *_: str) -> Any:
        import io

        return io.BytesIO(self.files[self.prefix].encode("utf-8", "surrogateescape"))


PLANNED = {**FILES, "plan.toml": (FOLDERS / "plan" / "plan.toml").read_text(encoding="utf-8")}
"""The mini folder with what steers a plan."""
LINES = sorted({line for text in PLANNED.values() for line in text.splitlines()})
Change = tuple[str, float, float]


def mutated(text: str, changes: Iterable[Change]) -> str:
    """A text with lines or words deleted, doubled, moved in from elsewhere, or given other values."""
    for how, place, other in changes:
        lines = text.splitlines()
        number, line = at(place, list(enumerate(lines)) or [(0, "")])
        key, _, value = line.partition(" = ")
        words = list(TOKEN.finditer(line))
        lines[number : number + 1] = {
            "delete the line": [],
            "double the line": [line, line],
            "insert a line": [line, at(other, LINES)],
            "replace the value": [f"{key} = {at(other, VALUES)}" if value else line],
            "swap the value": [f"{key} = {at(other, LINES).partition(' = ')[2] or value}" if value else line],
            "rename the key": [f"{at(other, LINES).partition(' = ')[0]} = {value}" if value else line],
            "swap a word": [swapped(line, other)],
            "delete a word": [line[: words[-1].start()] + line[words[-1].end() :] if words else line],
        }[how]
        text = "\n".join(lines)
    return text


def swapped(line: str, other: float) -> str:
    """The line with one of its texts replaced by one from anywhere."""
    found = [word for word in TOKEN.finditer(line) if word.group().startswith('"')]
    if not found:
        return line
    word = at(other, found)
    return line[: word.start()] + at(1 - other, STRINGS) + line[word.end() :]


def at(fraction: float, things: list[T]) -> T:
    return things[int(fraction * (len(things) - 1))]


STRINGS: list[str] = sorted({word for line in LINES for word in TOKEN.findall(line) if word.startswith('"')})
HOW = [
    *("delete the line", "double the line", "insert a line", "replace the value"),
    *("swap the value", "rename the key", "swap a word", "delete a word"),
]
fractions = st.floats(0, 1, allow_nan=False)
change = st.tuples(st.sampled_from(HOW), fractions, fractions)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from(sorted(PLANNED)), st.lists(change, min_size=1, max_size=3), min_size=1, max_size=3)
)
def test_a_changed_folder_loads_or_is_refused(changes: dict[str, list[Change]]) -> None:
    """Whatever is deleted, doubled or replaced, the loader gives a rule set or a RuleSetError, and nothing else."""
    loads_or_refuses({name: mutated(text, changes.get(name, ())) for name, text in PLANNED.items()})


any_value = st.recursive(
    st.sampled_from([value for value in VALUES if "\n" not in value]),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([*sorted(PLANNED), *["plan.toml"] * 6]), fractions, any_value)
def test_a_value_of_another_type_loads_or_is_refused(name: str, place: float, value: str) -> None:
    """Any value in the place of any other gives a rule set or a RuleSetError, and nothing else."""
    lines = PLANNED[name].splitlines()
    keyed = [number for number, line in enumerate(lines) if " = " in line]
    assume(keyed)
    number = keyed[int(place * (len(keyed) - 1))]
    lines[number] = f"{lines[number].partition(' = ')[0]} = {value}"
    text = "\n".join(lines)
    tomllib.loads(text)
    loads_or_refuses({**PLANNED, name: text})


def loads_or_refuses(files: dict[str, str]) -> None:
    folder: Any = InMemory(files)
    found = problems(folder)
    assert all(line.isprintable() for line in found)
    assert len(set(found)) == len(found)
    if not found:
        # What was let through can be used.
        assert triage({}, rules=load_rules(folder), engine="plain").acuity >= Acuity.ROUTINE


# -- the same folder, the same rule set ------------------------------------------------------------------------------


def test_loading_twice_gives_the_same_rule_set() -> None:
    """The SHA-256 is of the content alone, and 64 digits."""
    assert load_rules(MINI).sha256 == load_rules(MINI).sha256
    assert re.fullmatch(r"[0-9a-f]{64}", load_rules(MINI).sha256)


def shuffled(text: str, keep: bool) -> str:
    """The same TOML with its tables, and the keys in each, the other way round."""
    blocks = re.split(r"(?m)^(?=\[)", text)
    groups: dict[str, list[str]] = {}
    for block in blocks[1:]:
        header = block.partition("\n")[0].strip("[]")
        groups.setdefault(header.partition(".")[0] if not block.startswith("[[") else header, []).append(block)
    first, *rest = blocks[0].splitlines(keepends=True)[::-1] or [""]
    order = list(groups.values()) if keep else list(groups.values())[::-1]
    turned = [
        "".join([lines[0], *lines[:0:-1]])
        for group in order
        for lines in (block.splitlines(keepends=True) for block in group)
    ]
    return "".join([first, *rest, *turned])


def test_the_order_of_files_keys_and_tables_changes_nothing(tmp_path: Path) -> None:
    """Except that findings stand in question order, and services with the most capable first, nothing has an order."""
    rules = load_rules(MINI)
    files = {
        name: text if name.startswith("findings/") else shuffled(text, keep=name == "services.toml")
        for name, text in reversed(FILES.items())
    }
    assert sum(files[name] != text for name, text in FILES.items()) > 10
    assert all(tomllib.loads(files[name]) == tomllib.loads(text) for name, text in FILES.items())
    folder: Any = InMemory(files)
    other = load_rules(folder)
    assert other.sha256 == rules.sha256
    assert {**other.__getstate__(), "findings": None} == {**rules.__getstate__(), "findings": None}
    assert list(other.advice) == list(rules.advice)
    assert str(triage({"calf_pain": True}, rules=other)) == str(triage({"calf_pain": True}, rules=rules))


def test_the_order_of_what_steers_a_plan_changes_nothing() -> None:
    """Nor does the order of its tables; and without the file there is nothing that steers one."""
    assert load_rules(MINI).plan is None
    rules = bundled_with_plan(lambda text: text)
    turned = bundled_with_plan(tables_turned)
    assert rules.plan is not None
    assert rules.sha256 == turned.sha256
    assert rules.plan == turned.plan
    assert list(rules.plan.stop_signs) == list(turned.plan.stop_signs if turned.plan else ())


def tables_turned(text: str) -> str:
    """The same tables the other way round; those of one name keep their order."""
    groups: dict[str, list[str]] = {}
    for block in re.split(r"(?m)^(?=\[)", text)[1:]:
        name = ".".join(block.partition("]")[0].strip("[").split(".")[:2])
        groups.setdefault(name, []).append(block if block.endswith("\n") else f"{block}\n")
    return "".join(block for group in reversed(groups.values()) for block in group)


def bundled_with_plan(change: Callable[[str], str]) -> RuleSet:
    root = PACKAGE.parent / "rules"
    files = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.glob("**/*.toml")}
    folder: Any = InMemory({**files, "plan.toml": change(files["plan.toml"])})
    return load_rules(folder)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("services.toml", "[emergency_department]", "[doctor]"),
        ("findings/start.toml", "[finding.cancer]", "[finding.bed_days]"),
        ("findings/start.toml", "active = ", "sitting = "),
    ],
)
def test_an_order_that_means_something_is_part_of_the_content(name: str, one: str, other: str) -> None:
    """Which service is the most capable, what is asked first and which choice stands first change the SHA-256."""
    blocks = re.split(r"(?m)^(?=\[|active|sitting)", FILES[name])
    first = next(number for number, block in enumerate(blocks) if block.startswith(one))
    second = next(number for number, block in enumerate(blocks) if block.startswith(other))
    blocks[first], blocks[second] = blocks[second], blocks[first]
    folder: Any = InMemory({**FILES, name: "".join(blocks)})
    assert load_rules(folder).sha256 != load_rules(MINI).sha256


def test_a_change_of_any_text_changes_the_sha256() -> None:
    """Every text of every file counts; comments and blank lines do not."""
    same = load_rules(MINI).sha256
    seen = {same}
    for name, text in FILES.items():
        folder: Any = InMemory({**FILES, name: f"# A comment\n\n{text}"})
        assert load_rules(folder).sha256 == same
        for found in re.finditer(r'(?m)^(?:name|why|says|asks|title|means|harm|control|scope) = "[^"]*', text):
            changed = f"{text[: found.end()]}!{text[found.end() :]}"
            folder = InMemory({**FILES, name: changed})
            sha256 = load_rules(folder).sha256
            assert sha256 not in seen
            seen.add(sha256)
    assert len(seen) > 50


def answers_and_page(rules: RuleSet) -> str:
    found = triage({"calf_pain": True, "bed_days": 3, "cancer": "unsure"}, region="GB", rules=rules)
    return found.to_json() + str(found)


def in_another_process(pickled: bytes) -> str:
    rules = pickle.loads(pickled)
    assert isinstance(rules, RuleSet)
    return answers_and_page(rules)


def test_a_rule_set_goes_to_another_process() -> None:
    """A pickled rule set triages there as it does here."""
    rules = load_rules(MINI)
    here = answers_and_page(rules)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(in_another_process, (pickle.dumps(rules),)) == here


@pytest.mark.parametrize("copied_by", [copy.copy, copy.deepcopy, lambda rules: pickle.loads(pickle.dumps(rules))])
def test_a_copy_triages_the_same(copied_by: Callable[[RuleSet], RuleSet]) -> None:
    """A copy is equal in all it says, and holds nothing that was compiled for the other."""
    rules = load_rules(MINI)
    here = answers_and_page(rules)
    other = copied_by(rules)
    assert other.readings == {}
    assert other.__getstate__() == rules.__getstate__()
    assert answers_and_page(other) == here


def test_an_error_goes_to_another_process_too() -> None:
    """A RuleSetError keeps its problems when it is pickled."""
    error = RuleSetError(["a: b"])
    assert pickle.loads(pickle.dumps(error)).problems == ("a: b",)


def zipped(folder: Path, path: Path, prefix: str) -> Path:
    with zipfile.ZipFile(path, "a") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, f"{prefix}{file.relative_to(folder).as_posix()}")
    return path


def test_a_folder_in_a_zip_loads(tmp_path: Path) -> None:
    """Rules are read from a zip without being unpacked."""
    archive = zipped(MINI, tmp_path / "rules.zip", "some/rules/")
    assert load_rules(zipfile.Path(archive, "some/rules/")).sha256 == load_rules(MINI).sha256
    (line,) = problems(zipfile.Path(archive, "some/other"))
    assert line.endswith("some/other: no such folder")


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    """A file whose bytes do not fit its checksum is told by its name."""
    archive = zipped(MINI, tmp_path / "rules.zip", "")
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b'name = "Too little exercise"', b'name = "Too much exercise!!"'))
    found = problems(zipfile.Path(archive))
    assert found == ("causes.toml: cannot be read: Bad CRC-32 for file 'causes.toml'",)


@pytest.mark.parametrize("inner", ["", "checkout/"])
def test_the_bundled_rules_are_found_in_a_zip_of_a_checkout(inner: str, tmp_path: Path) -> None:
    """With a zip on sys.path, at its root or in a folder of it, the rules beside the package are the bundled ones."""
    archive = zipped(PACKAGE, tmp_path / "all.zip", f"{inner}calf_triage/")
    zipped(MINI, archive, f"{inner}rules/")
    program = "import calf_triage; print(calf_triage.__file__, calf_triage.load_rules().sha256)"
    path = f"{archive}/{inner}".rstrip("/")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == [f"{path}/calf_triage/__init__.py", load_rules(MINI).sha256]


def test_nothing_in_a_folder_is_written(tmp_path: Path) -> None:
    """Loading leaves a folder as it was."""
    folder = copied(tmp_path)

    def state() -> str:
        files = sorted(folder.rglob("*"))
        return hashlib.sha256(repr([(file, file.stat().st_mtime_ns) for file in files]).encode()).hexdigest()

    before = state()
    load_rules(folder)
    assert state() == before
