"""What is told and offered when the questions are over."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Final

from attrs import evolve

from calf_triage._assessment import Assessment
from calf_triage._findings import Acuity
from calf_triage.ask.lines import Terminal
from calf_triage.ask.saving import Keeper, absolute, free, shown, why_not, write
from calf_triage.ask.session import Session

ANSWER_FILE: Final = "calf-triage-answer.json"
SUMMARY_FILE: Final = "calf-triage-summary.txt"

NOTHING: Final = ("q", "n", "no", "0", "-")
"""What means "save nothing", as only Enter does where no name is offered."""


def tell_stopped(
    session: Session, terminal: Terminal, keeper: Keeper, chosen: Namespace, show: Callable[[Assessment], None]
) -> None:
    """Saves, and then says what the answers so far mean, so that nobody takes an unfinished interview for an answer."""
    found = session.assessment
    if not session.anything:
        print("\nStopped. Nothing was answered, so there is no result, and nothing was saved.")
        print(f"If it may be an emergency, call {found.region.emergency_number} now.")
        return
    keeper.keep(session)
    print()
    if found.acuity is Acuity.EMERGENCY:
        show(found)
        print("\nYou need do nothing more here.\n")
    else:
        terminal.say(_stopped(found))
        print()
        show(found)
        print()
        _in_short(_stopped(found), terminal)
    if not keeper.wanted:
        print("Nothing was saved.")
        return
    for line in keeper.told():
        terminal.say(line)
    if keeper.file is not None:
        print("Delete it when you need it no more. To go on:")
        print(f"  {_to_go_on(chosen, keeper.file)}")


def _stopped(found: Assessment) -> str:
    """The first thing to know after an early end."""
    if found.settled:
        return "You stopped early. No answer that is missing can change how soon you should be seen."
    if found.reason != "unfinished":
        return "You stopped before the end. This is only what your answers so far mean."
    # As its page would begin if it were finished: without a number of open questions, which would only frighten.
    when = evolve(found, reason="rules").page()[0].lines[0].rstrip(".")
    if found.established >= found.acuity:
        return f"You stopped before the end. {when} in any case; it could be more urgent."
    return f"You stopped before the end. {when}, unless you go on and finish the questions."


def _to_go_on(chosen: Namespace, file: Path) -> str:
    words = ["calf-triage", "ask", "--resume", str(file)]
    words += ["--rules", str(absolute(chosen.rules))] if chosen.rules is not None else []
    words += ["--engine", chosen.engine] if chosen.engine is not None else []
    words += ["--plain"] if chosen.plain else []
    return " ".join(shlex.quote(word) if word.isprintable() else ascii(word) for word in words)


def _in_short(text: str, terminal: Terminal) -> None:
    """Repeats what matters most below a page that may have left the top of the terminal."""
    if sys.stdout.isatty():
        terminal.say(f"In short: {text}")
        print()


def offer(session: Session, terminal: Terminal, keeper: Keeper) -> bool:
    """Offers to save the answer; True to go back to the questions. EOFError at the end of input."""
    answer = session.assessment
    if answer.acuity is Acuity.EMERGENCY:
        try:
            typed = _closed(terminal)
        except EOFError:
            typed = ""
        if typed != "s":
            for line in keeper.told() if typed != "b" else ():
                terminal.say(line)
            return typed == "b"
    else:
        _in_short(answer.page()[0].lines[0], terminal)
    for line in keeper.told():
        terminal.say(line)
    prompt = (
        "Save it? 1 = the answer as JSON, 2 = a summary for a clinician, 3 = both",
        "(Enter = save nothing, b = back to the questions)",
    )
    while (typed := terminal.read(*prompt).lower()) not in ("", "1", "2", "3", "b", *NOTHING):
        terminal.say("Please type 1, 2, 3 or b, or only Enter to save nothing.")
    if typed in ("1", "3"):
        _save_as(terminal, "the answer", ANSWER_FILE, f"{answer.to_json()}\n")
    if typed in ("2", "3"):
        summary: str = answer.explain(session.interview.rules).summary()
        _save_as(terminal, "the summary", SUMMARY_FILE, f"{summary.rstrip()}\n")
    return typed == "b"


def _closed(terminal: Terminal) -> str:
    """What is wanted below an emergency, where nothing else may stand: nothing, "s" to save or "b" to go back."""
    typed = terminal.read("You need do nothing more here. Press Enter to close, or s to save.").lower()
    while typed not in ("", "s", "b", *NOTHING):
        typed = terminal.read("Press Enter to close, s to save, or b to go back to the questions.").lower()
    return typed


def _save_as(terminal: Terminal, what: str, default: str, text: str) -> None:
    """Asks for a file name until it is written, or the person gives up. Nothing is overwritten without asking."""
    offered = str(next((path for path in free(Path(default)) if not os.path.lexists(path)), default))
    while True:
        name = terminal.read(f"File name for {what}? Enter = {offered}, q = save nothing") or offered
        if name.lower() in (*NOTHING, "b"):
            terminal.say("Nothing was saved.")
            return
        path = Path(os.path.expanduser(name))  # noqa: PTH111 - where there is no home, the name stays
        try:
            if not _written(terminal, path, text.encode()):
                continue
        except (OSError, ValueError) as error:
            terminal.say(f"That could not be written: {why_not(error)}.")
            continue
        terminal.say(f"Saved {what} in {shown(path.absolute())}")
        return


def _written(terminal: Terminal, path: Path, content: bytes) -> bool:
    """Whether it was written; False to keep what is there."""
    try:
        write(path, content, new=True)
    except FileExistsError:
        # A link stays, and leads to what is written.
        target = Path(os.path.realpath(path))
        if not target.is_file():
            raise OSError(0, "there is something by that name that is no ordinary file") from None
        sure = terminal.read("There is such a file already. Type y to overwrite it, or only Enter to keep it:")
        if sure.lower() not in ("y", "yes"):
            return False
        write(target, content, new=False)
    return True
