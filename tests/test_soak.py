"""What goes on for hours: nothing waits for ever, nothing is answered wrongly, nothing grows."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from calf_triage import Acuity, _triage, triage
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
