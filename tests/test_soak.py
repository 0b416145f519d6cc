"""What goes on for hours: nothing waits for ever, nothing is answered wrongly, nothing grows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from calf_triage import Acuity, _triage, triage
from calf_triage.readings import durable
from calf_triage.readings.plain import Plain
from tests._rules import MINI

ROOT = Path(__file__).parent.parent
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
UNFINISHED = {"calf_pain": True}


def in_a_child(rules: Any, expected: Acuity) -> int:
    """How a forked child ends that triages: 0, or the alarm's number below 0 where it waits for ever."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)
        right = False
        try:
            right = triage(UNFINISHED, rules=rules, engine="plain").acuity is expected
        finally:
            os._exit(0 if right else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@needs_fork
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_forked_in_the_middle_of_another_threads_call_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever another thread was working out when a child was forked, the child answers."""
    expected = triage(UNFINISHED, rules=MINI, engine="plain").acuity
    within, go_on = threading.Event(), threading.Event()
    parent = os.getpid()
    undecided = Plain.undecided

    def slow(*arguments: Any) -> Any:
        if os.getpid() == parent and threading.current_thread() is thread:
            within.set()
            go_on.wait(30)
        return undecided(*arguments)

    monkeypatch.setattr(Plain, "undecided", slow)
    thread = threading.Thread(target=lambda: triage(UNFINISHED, rules=MINI, engine="plain"))
    thread.start()
    try:
        assert within.wait(30), "nothing was being worked out"
        assert in_a_child(MINI, expected) == 0
    finally:
        go_on.set()
        thread.join()


@needs_fork
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_forked_while_the_rules_are_being_read_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child forked while another thread reads the bundled rules reads them itself."""
    expected = triage(UNFINISHED, rules=MINI, engine="plain").acuity
    within, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def slow() -> Any:
        if os.getpid() == parent:
            within.set()
            go_on.wait(30)
        return MINI

    monkeypatch.setattr(_triage, "_bundled", [])
    monkeypatch.setattr(_triage, "load_rules", slow)
    thread = threading.Thread(target=lambda: triage(UNFINISHED, engine="plain"))
    thread.start()
    try:
        assert within.wait(30), "nothing was being read"
        assert in_a_child(None, expected) == 0
    finally:
        go_on.set()
        thread.join()


# -- a slice of the soak -----------------------------------------------------------------------------------------------


def printed(program: str, *arguments: str) -> tuple[int, str]:
    """How a program ends in a Python of its own, and what it prints."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *arguments, *(["-c", program] if program else [])],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr[-2000:]


def test_a_slice_of_hours_of_mixed_calls_has_no_wrong_answer_and_no_growth() -> None:
    """As `python -m tests.soak` does for a minute: threads, forks, asyncio, hostile values, rule sets that go."""
    code, told = printed("", "-m", "tests.soak", "--seconds", "4", "--seed", "11")
    assert code == 0, told
    assert "seed 11" in told
    assert "wrong answers: 0" in told
    if durable.AVAILABLE:
        assert "decided by: durable-rules " in told
        assert "faults of the engine in the middle of a call: 4," in told


PLANTED = """
import ctypes, itertools
from calf_triage import triage
from tests.soak import MINI, Soak
kept, calls = [], itertools.count()
def object_kept(answers, **more):
    kept.append(object())
    return triage(answers, **more)
def memory_lost(answers, **more):
    libc.malloc(24)
    return triage(answers, **more)
def now_and_then_another(answers, **more):
    # Rules that are made up, and come and go, may know no such finding.
    another = {} if more["rules"] is not MINI else {"breathless": True}
    return triage(another if next(calls) % 100 == 50 else answers, **more)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
print(Soak(3, FAULT, (MINI,)).run(0))
"""


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("object_kept", "stay behind"),
        ("memory_lost", "stay allocated"),
        ("now_and_then_another", "times: another answer"),
    ],
)
def test_the_soak_sees_what_is_planted(fault: str, told: str) -> None:
    """One object kept a call, 24 bytes of C's lost a call, and one wrong answer in a hundred, are each told."""
    if fault == "memory_lost" and not sys.platform.startswith("linux"):
        pytest.skip("what C's allocator has in use cannot be asked here")
    code, text = printed(PLANTED.replace("FAULT", fault))
    assert code == 0, text
    assert told in text
