"""The interview by numbered lines and one prompt: for pipes, simple terminals and screen readers."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from calf_triage._findings import UNSURE, Answer
from calf_triage.ask.saving import Signals
from calf_triage.ask.session import MARKS, YES_OR_NO, Answers, End, Page, Session

LONGEST_LINE: Final = 1_000
WIDEST: Final = 80
NARROWEST: Final = 24


class UnclearError(Exception):
    """What was typed is no answer. Its text says what would be one, and nothing of what was typed."""


class Terminal:
    """Standard output, wrapped to the terminal; and standard input by lines, without any history."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        with suppress(OSError):
            # Bytes that are no text are no answer either, and are told like any other.
            if hasattr(sys.stdin, "reconfigure"):
                sys.stdin.reconfigure(errors="replace")

    def say(self, text: str = "", first: str = "", later: str = "") -> None:
        """A paragraph; first, later: what its first and its other lines begin with."""
        # What is piped is not wrapped, so that other programs can read it by lines.
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        if width is None or not text:
            print(f"{first}{text}".rstrip())
            return
        lines = textwrap.wrap(
            text,
            max(min(width, WIDEST), NARROWEST),
            initial_indent=first,
            subsequent_indent=later or first,
            break_on_hyphens=False,
        )
        print("\n".join(lines))

    def read(self, *prompt: str) -> str:
        """A line that was typed; EOFError when there are no more. Raises what a signal means while it waits.

        A line without an end is none: of "1 3" the half is another answer.
        """
        for line in prompt:
            self.say(line)
        print("> ", end="", flush=True)
        with self._signals.waiting():
            line = "" if sys.stdin is None else self._line()
        if sys.stdin is None or not sys.stdin.isatty():
            # Nobody else ends the line.
            print()
        if not line.endswith("\n"):
            raise EOFError
        return line.strip()

    def _line(self) -> str:
        try:
            line = sys.stdin.readline(LONGEST_LINE)
            if len(line) == LONGEST_LINE:
                # Far too long for an answer: all of it is one that is none.
                while line and not line.endswith("\n"):
                    line = sys.stdin.readline(LONGEST_LINE)
                line = line and "\0\n"
        except (OSError, ValueError):
            return ""
        return line


def by_lines(session: Session, terminal: Terminal) -> End:
    """Asks page after page."""
    progress = why = ""
    while (page := session.page) is not None:
        if page.kind == "begin":
            for number, line in enumerate(page.lines):
                terminal.say(f"\n{line}" if number else line)
            session.go_on()
            continue
        print()
        if page.title:
            new = page.progress != progress
            if new:
                terminal.say(page.progress)
            terminal.say(page.title)
            if page.why and (new or page.why != why):
                terminal.say(page.why)
            if new:
                print()
            progress, why = page.progress, page.why or why
        for line in filter(None, (page.heading, *page.lines)):
            terminal.say(line)
        for mark, text in _numbered(page):
            terminal.say(text, f"  {mark}  ", " " * (len(mark) + 4))
        if page.before:
            terminal.say(f"Before, you answered: {page.before}")
        elif page.given and page.kind == "statements":
            terminal.say("The marks are what you answered before. What you type now replaces them.")
        turn = _turn(session, page, terminal)
        if turn is not None:
            return turn
    return "done"


def _turn(session: Session, page: Page, terminal: Terminal) -> End | None:
    """Asks until there is an answer, or a way to go; None to go on."""
    prompt = _prompt(page)
    while True:
        typed = terminal.read(*prompt)
        match typed.lower():
            case "q":
                return "stop"
            case "f" if page.optional:
                return "done"
            case "b":
                if session.back():
                    return None
                terminal.say("This is the first step; there is none to go back to.")
            case "" if page.kind == "settled":
                session.go_on()
                return None
            case word:
                try:
                    session.answer(answers(page, word))
                except UnclearError as problem:
                    terminal.say(str(problem))
                else:
                    return None


def _numbered(page: Page) -> Iterator[tuple[str, str]]:
    """The lines of a page with their numbers; and with their marks, if it is shown again."""
    if page.kind == "statements":
        for number, question in enumerate(page.questions, 1):
            mark = f" {MARKS[page.given[question.id]]}" if question.id in page.given else ""
            yield f"{number}{mark}", question.asks
    elif page.kind == "choice":
        for number, (_, label) in enumerate(page.options, 1):
            yield str(number), label


def _prompt(page: Page) -> tuple[str, str]:
    """What to type, and below it the other ways to answer and to go."""
    ways = ["? = not sure", "- = rather not say", "b = back", "q = stop"]
    if page.optional:
        ways.insert(2, "f = finish")
    match page.kind:
        case "statements":
            first = "Type the numbers that are true, for example 1 3. None: 0. Not sure: ?"
            ways[0] = "2? = not sure of line 2"
        case "choice":
            first = "Type one number."
        case "number":
            first = f"Type {page.range}."
        case _:
            first, ways = "Press Enter to go on.", ways[2:]
    if page.answered:
        ways.insert(0, "Enter = as before")
    return first, f"({', '.join(ways)})"


def answers(page: Page, typed: str) -> Answers:
    """What was typed, as answers to the page; never a guess. Raises UnclearError."""
    if not typed and page.answered:
        return page.given
    if typed == "?" and page.questions:
        return page.all(UNSURE)
    if typed == "-" and page.questions:
        return page.all(None)
    match page.kind:
        case "statements":
            return _ticked(page, typed)
        case "choice":
            return {page.finding.id: _chosen(page, typed)}
        case "number":
            return {page.finding.id: number(page, typed)}
    raise UnclearError("Press Enter to go on, or type f to finish.")


def _ticked(page: Page, typed: str) -> Answers:
    most = len(page.questions)
    words = [word for word in re.split(r"[\s,;]+", typed) if word]
    if words == ["0"]:
        return page.all(False)
    if "?" in words or "-" in words:
        raise UnclearError("A ? stands right behind its number, as 2?; alone, ? or - is for all the lines.")
    if "0" in words:
        raise UnclearError("0 stands alone: none of these.")
    found = page.all(False)
    seen: dict[str, Answer] = {}
    for word in words:
        line = re.fullmatch(r"([1-9][0-9]?)(\??)", word)
        if line is None or int(line[1]) > most:
            break
        mark: Answer = UNSURE if line[2] else True
        if seen.setdefault(line[1], mark) != mark:
            raise UnclearError("One line stands there twice, once as not sure. Type each number once.")
        found[page.questions[int(line[1]) - 1].id] = mark
    else:
        if words:
            return found
    raise UnclearError(f"Please type the numbers that are true, from 1 to {most}, for example 1 3. Or 0 if none is.")


def _chosen(page: Page, typed: str) -> Answer:
    options = page.options
    if options is YES_OR_NO and typed in ("y", "yes", "n", "no"):
        return typed.startswith("y")
    if re.fullmatch(r"[1-9][0-9]?", typed) and int(typed) <= len(options):
        return options[int(typed) - 1][0]
    raise UnclearError(f"Please type one number, from 1 to {len(options)}. Or ? if you are not sure.")


def number(page: Page, typed: str) -> Answer:
    """What was typed as a number in the range of the page's finding, on its grid. Raises UnclearError."""
    finding = page.finding
    if re.fullmatch(r"[0-9]{1,6}([.,][0-9]{1,6})?", typed):
        text = typed.replace(",", ".")
        value = float(text) if "." in text else int(text)
        if finding.number(finding.low) <= value <= finding.number(finding.high):
            steps = round(value * 10**finding.decimals)
            if finding.number(steps) == value:
                return value
    raise UnclearError(f"Please type {page.range}. Or ? if you are not sure.")
