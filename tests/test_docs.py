"""The documentation runs: every block of the README, and every example in a docstring."""

from __future__ import annotations

import doctest
import importlib
import io
import pkgutil
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import calf_triage
from calf_triage.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
MODULES = [name for _, name, _ in pkgutil.walk_packages(calf_triage.__path__, "calf_triage.") if "__main__" not in name]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", ["calf_triage", *MODULES])
def test_the_examples_in_docstrings_run(name: str) -> None:
    """What a docstring shows is what happens."""
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert not failed


def test_the_readme_s_python_prints_what_it_says() -> None:
    """The README's Python, read as one session, with its real output."""
    test = doctest.DocTestParser().get_doctest("\n".join(blocks("pycon")), {}, "README", "README.md", 0)
    assert len(test.examples) > 8
    assert not doctest.DocTestRunner().run(test).failed


@pytest.mark.parametrize("block", blocks("console"))
def test_the_readme_s_commands_print_what_it_says(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `$ calf-triage …` of the README, with its real output."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    command, _, shown = block.partition("\n")
    words = shlex.split(command.removeprefix("$ "))
    assert words[0] == "calf-triage"
    out = io.StringIO()
    with redirect_stdout(out):
        main(words[1:])
    assert [line.rstrip() for line in out.getvalue().strip().splitlines()] == shown.strip().splitlines()


def test_the_readme_s_first_screen_shows_the_two_commands_an_example_and_what_this_is_not() -> None:
    """In the first 60 lines: set up and try, test, ten lines of Python, and the box."""
    first = "\n".join(README.splitlines()[:60])
    for shown in ("calf-triage run", "-m pytest", "What this is not", ">>> "):
        assert shown in first


def test_ci_calls_the_readme_s_test_command() -> None:
    """One command, written once: CI reads it from the README."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (block,) = re.findall(r"^<!-- tests -->\n```sh\n(.*?)\n```$", README, re.DOTALL | re.MULTILINE)
    assert block.startswith("python3 -m venv")
    assert block.count("\n") == 0
    assert "<!-- tests -->" in script
