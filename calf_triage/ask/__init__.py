"""The interview in a terminal: by arrow keys where it has them, by lines anywhere else.

Both ways show the pages of one `Session`, which gathers a screen's answers, gives them to the `Interview` in one step,
and stops as soon as they mean an emergency. What was answered is never lost: whatever ends it early, it is saved first.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from calf_triage._assessment import Assessment
from calf_triage._files import MOST_BYTES, UnreadableError, read_file
from calf_triage._folder import printable
from calf_triage._rules import RuleSet
from calf_triage.ask.ending import offer, tell_stopped
from calf_triage.ask.lines import Terminal, by_lines
from calf_triage.ask.saving import Keeper, SignalledError, Signals
from calf_triage.ask.session import MOST_PROBLEMS, Session, Way
from calf_triage.interview import Interview

__all__ = ["ask"]

FINISHED: Final = 0
STOPPED_EARLY: Final = 4
BY_SIGNAL: Final = 128
"""Added to a signal's number, as shells do: 130 is Ctrl-C."""

FEWEST_COLUMNS: Final = 40
FEWEST_ROWS: Final = 14


def ask(chosen: Namespace, rules: RuleSet, show: Callable[[Assessment], None]) -> int:
    """Runs the interview of the command line, and gives the exit code. show: prints the page of an answer.

    Raises UnreadableError for a file that cannot be used, and where there is nothing to ask on.
    """
    content = _resumed(chosen)
    keeper = _keeper(chosen, content)
    interview = _interview(chosen, rules, content)
    session = Session(interview, engine=chosen.engine, saving=keeper.wanted)
    if chosen.save is not None:
        session.after_each_screen = lambda: keeper.keep(session)
    signals = Signals()
    terminal = Terminal(signals)
    way = _way(chosen, signals, terminal)
    if session.page is None and interview.problems:
        print("About what you saved:", *interview.problems[:MOST_PROBLEMS], sep="\n  ")
    with signals.caught():
        try:
            return _to_the_end(session, way, terminal, keeper, show)
        except EOFError:
            code = STOPPED_EARLY
        except SignalledError as ended:
            code = BY_SIGNAL + ended.number
        except Exception:
            keeper.keep(session)
            raise
        tell_stopped(session, terminal, keeper, chosen, show)
        return code


def _to_the_end(
    session: Session, way: Way, terminal: Terminal, keeper: Keeper, show: Callable[[Assessment], None]
) -> int:
    while True:
        if way(session) == "stop":
            raise EOFError
        # Finished in the middle of a screen, what was answered of it counts.
        session.after_each_screen()
        print()
        show(session.assessment)
        print()
        try:
            again = offer(session, terminal, keeper)
        except EOFError:
            return FINISHED
        except SignalledError as ended:
            return BY_SIGNAL + ended.number
        if not again:
            return FINISHED
        if session.page is None and not session.back():
            terminal.say(
                "What was saved on another day or with other rules is not asked again; to change it, begin anew."
            )


def _way(chosen: Namespace, signals: Signals, terminal: Terminal) -> Way:
    if not has_keys(chosen):
        return lambda session: by_lines(session, terminal)
    # Here, because nothing else needs prompt_toolkit.
    from calf_triage.ask.keys import by_keys

    return lambda session: by_keys(session, signals)


def has_keys(chosen: Namespace) -> bool:
    """Whether the arrow keys can be used: on a large enough terminal that can move its cursor, with prompt_toolkit."""
    if chosen.plain or sys.stdin is None or sys.stdout is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    if os.name != "nt" and os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return False
    columns, rows = os.get_terminal_size(sys.stdout.fileno())
    # 0 is a terminal that does not know its size.
    if 0 < columns < FEWEST_COLUMNS or 0 < rows < FEWEST_ROWS:
        return False
    return find_spec("prompt_toolkit") is not None


def _resumed(chosen: Namespace) -> bytes | None:
    """What the interview to go on with was saved as; None for a new one."""
    if chosen.resume is None:
        if chosen.recheck:
            raise UnreadableError("ask: --recheck belongs to --resume")
        return None
    if chosen.region is not None:
        raise UnreadableError("ask: --region cannot be changed with --resume; the saved interview has its own")
    return read_file(chosen.resume, MOST_BYTES)


def _keeper(chosen: Namespace, content: bytes | None) -> Keeper:
    if chosen.save is None:
        # With other rules some answers may have been left out: the old file keeps them.
        own = None if chosen.recheck else content
        return Keeper(chosen.resume if own is not None else None, known=own, wanted=not chosen.no_save)
    named, where = chosen.save, printable(chosen.save)
    try:
        there = bool(named) and os.path.lexists(named)
        writable = Path(named).parent.is_dir() and os.access(Path(named).parent, os.W_OK)
    except (OSError, ValueError):
        there = writable = False
    if not named or "\0" in named:
        raise UnreadableError(f"--save: {where or 'nothing'} is no name of a file")
    if there and named != chosen.resume:
        raise UnreadableError(f"--save: {where} is there already; give another name, or go on with it by --resume")
    if not writable:
        raise UnreadableError(f"--save: {where}: its folder is not there, or cannot be written to")
    return Keeper(named, known=content if there else None, wanted=True)


def _interview(chosen: Namespace, rules: RuleSet, content: bytes | None) -> Interview:
    if content is None:
        return Interview(rules, region=chosen.region, engine=chosen.engine)
    where = printable(chosen.resume)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError(f"{where}: is not UTF-8 text") from None
    try:
        return Interview.from_json(text, rules, recheck=chosen.recheck, engine=chosen.engine)
    except (ValueError, RecursionError):
        pass
    try:
        Interview.from_json(text, rules, recheck=True, engine=chosen.engine)
    except (ValueError, RecursionError):
        # What stands in the file is not told: it may be answers.
        raise UnreadableError(f"{where}: is not an interview that was saved here, or it was damaged") from None
    raise UnreadableError(
        f"{where}: was saved with other rules than these ({rules.name} {rules.version}); with --recheck too, "
        "its answers are read by these, and you are asked what is missing"
    )
