"""Every example program runs and prints what is kept beside these tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

from calf_triage import Acuity, triage

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
TESTS = sorted(path.name for path in EXAMPLES.glob("test_*.py"))
PROGRAMS = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.name not in TESTS and path.stem != "host_app")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_example_prints_what_is_kept(name: str) -> None:
    """Its output is the file of its name in tests/examples; a change of it is looked at, and kept on purpose."""
    if name == "spark_population":
        pytest.importorskip("pyspark", reason='it comes with pip install "calf-triage[spark]"')
        if shutil.which("java") is None:
            pytest.skip("Spark needs Java, and there is none")
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 0, done.stderr
    kept = ROOT / "tests" / "examples" / f"{name}.txt"
    assert done.stdout == kept.read_text("utf-8")


@pytest.mark.parametrize("name", TESTS)
def test_an_example_of_downstream_tests_passes(name: str) -> None:
    """With its plain command, in a process of its own, as in the app that it stands for."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(EXAMPLES / name)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stdout


def test_the_five_symptoms_end_on_five_rungs() -> None:
    """Between them the examples show the whole ladder."""
    rungs = ["SELF_CARE", "ROUTINE", "SOON", "SAME_DAY", "EMERGENCY"]
    for rung, name in zip(rungs, ["weakness", "fatigue", "imbalance", "pain", "swelling"], strict=True):
        shown = (ROOT / "tests" / "examples" / f"{name}.txt").read_text("utf-8")
        assert rung in shown or rung.lower() in shown or rung == "SELF_CARE", name
    assert "Standing calf raise" in (ROOT / "tests" / "examples" / "weakness.txt").read_text("utf-8")


def test_the_host_app_asks_triages_and_shows_the_page() -> None:
    """A form, an emergency, a field to mend, and nothing on its log."""
    with subprocess.Popen(
        [sys.executable, EXAMPLES / "host_app.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as app:
        try:
            assert app.stdout is not None
            address = app.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address), address
            with urllib.request.urlopen(address) as page:
                form = page.read().decode()
            assert form.index("In the last two weeks") < form.index("Short of breath")
            answers = {"calf_pain": "yes", "breathless": "yes", "age_years": "fifty"}
            with urllib.request.urlopen(address, urlencode(answers).encode()) as page:
                shown = page.read().decode()
            assert "Call 999 now" in shown
            assert "age_years" in shown
            assert "fifty" not in shown
            answers = {"calf_girth_measured": "yes", "calf_girth_difference_cm": "3.5"}
            with urllib.request.urlopen(address, urlencode(answers).encode()) as page:
                assert "Please mend" not in page.read().decode()
        finally:
            app.terminate()
        assert app.stderr is not None
        assert app.stderr.read() == ""


def test_the_whole_answer_sheet_answers_every_question_that_applies() -> None:
    """The shipped sheet is settled, ends in self-care, and leaves nothing to ask."""
    answers = tomllib.loads((EXAMPLES / "sore_calves.toml").read_text("utf-8"))
    assessment = triage(answers)
    assert assessment.acuity is Acuity.SELF_CARE
    assert (assessment.settled, assessment.unanswered) == (True, ())
