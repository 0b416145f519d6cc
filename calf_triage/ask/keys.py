"""The interview on a whole terminal, by keys: a page at a time. Needs prompt_toolkit.

Only Enter answers, and only on a line that was chosen: no letter, no held key and no typed word answers a page that
nobody has read.
"""

from __future__ import annotations

import re
import signal
import textwrap
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from calf_triage._findings import UNSURE, Answer
from calf_triage.ask.lines import UnclearError, number
from calf_triage.ask.saving import SignalledError, Signals
from calf_triage.ask.session import MARKS, Answers, End, Page, Session
from calf_triage.interview import Ask

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

HELD_SECONDS: Final = 0.7
"""For how long after a page was turned the same key is taken for one that is still held down. Keyboards begin to repeat
a held key after up to about 0.66 seconds."""

LONGEST_NUMBER: Final = 12
NO_ROW: Final = -1


@frozen
class _Row:
    """A line that the cursor can stand on. key: the letter that leads there; does: what Enter does there."""

    text: str = field(repr=False)
    does: Callable[[], None] = field(repr=False)
    key: str = ""


def by_keys(session: Session, signals: Signals) -> End:
    """Asks page after page. Needs a real terminal."""
    return Keys(session, signals).run()


class Keys:
    """The pages of a session as a full-screen application. Bold and reversed at most: no state is told by colour."""

    def __init__(self, session: Session, signals: Signals, clock: Callable[[], float] = time.monotonic) -> None:
        self._session, self._signals, self._clock = session, signals, clock
        self._page = Page("begin")
        self._cursor, self._scroll = NO_ROW, 0
        self._typed = self._message = self._turned_by = ""
        # What began it, or came back to it from the answer, and may still be held down.
        self._last = "enter"
        self._turned_at = 0.0
        self._follow = self._shown_again = True
        self._in_word = False
        self._point = (0, 0)
        self._application = self._made()
        self._turn_page()

    def run(self) -> End:
        """Runs until all is answered or stopped. EOFError when the terminal goes away, SignalledError for a signal."""
        if self._session.page is None:
            return "done"
        with self._signals.passed_on(self._on_signal):
            # Its own handlers would show a traceback, which could hold an answer.
            return self._application.run(
                pre_run=self._look_for_signals, handle_sigint=False, set_exception_handler=False
            )

    def _look_for_signals(self) -> None:
        if self._signals.pending is not None:
            self._end(SignalledError(self._signals.pending))

    def _on_signal(self, number: int) -> None:
        loop = self._application.loop
        if loop is not None:
            loop.call_soon_threadsafe(self._end, SignalledError(number))

    def _end(self, by: End | BaseException) -> None:
        if self._application.is_running and not self._application.is_done:
            if isinstance(by, BaseException):
                self._application.exit(exception=by)
            else:
                self._application.exit(result=by)

    def _made(self) -> Application[End]:
        from prompt_toolkit.application import Application
        from prompt_toolkit.data_structures import Point
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.keys import Keys
        from prompt_toolkit.layout import Layout, Window
        from prompt_toolkit.layout.controls import FormattedTextControl

        bindings = KeyBindings()

        @bindings.add(Keys.Any)
        def _(event: KeyPressEvent) -> None:
            self._guarded(event.key_sequence[0].data)

        named = {
            "up": ("up", "c-p", "s-tab"),
            "down": ("down", "c-n", "tab"),
            "page up": ("pageup",),
            "page down": ("pagedown",),
            "home": ("home",),
            "end": ("end",),
            "enter": ("enter",),
            "left": ("left",),
            "backspace": ("backspace", "delete"),
            "ctrl-c": ("c-c", "<sigint>"),
            "ctrl-d": ("c-d",),
        }
        for name, keys in named.items():
            for key in keys:
                bindings.add(key)(lambda _event, name=name: self._guarded(name))
        for ignored in (Keys.BracketedPaste, Keys.Escape):
            bindings.add(ignored)(lambda _event: None)

        control = FormattedTextControl(
            self._shown, focusable=True, get_cursor_position=lambda: Point(self._point[0], self._point[1])
        )
        return Application(
            layout=Layout(Window(control, wrap_lines=False, always_hide_cursor=False)),
            key_bindings=bindings,
            full_screen=True,
            mouse_support=False,
        )

    # -- what the keys do ----------------------------------------------------------------------------------------------

    def _guarded(self, key: str) -> None:
        try:
            self._press(key)
        except Exception as error:  # noqa: BLE001 - would be lost in the event loop, and the page would stand still
            self._end(error)

    def _press(self, key: str) -> None:
        if key == self._turned_by and self._clock() - self._turned_at < HELD_SECONDS:
            return
        self._turned_by = ""
        self._message, last, self._last = "", self._last, key
        self._follow = True
        rows = self._rows()
        if len(key) > 1 and key != "enter":
            self._in_word = False
        match key:
            case "ctrl-c":
                self._end(SignalledError(signal.SIGINT))
            case "ctrl-d":
                self._end(EOFError())
            case "up" if self._cursor <= 0:
                self._scroll, self._follow = max(self._scroll - 1, 0), False
            case "up":
                self._cursor -= 1
            case "down":
                self._cursor = min(self._cursor + 1, len(rows) - 1)
            case "home" | "page up":
                self._cursor = self._scroll = 0
            case "end" | "page down":
                self._cursor = len(rows) - 1
            case "left":
                self._back()
            case "enter" if self._in_word or self._cursor == NO_ROW:
                self._in_word, self._cursor = False, NO_ROW
                self._message = "Nothing is chosen yet. Choose a line first: with the arrow keys, its number or letter."
            case "enter":
                rows[self._cursor].does()
            case " ":
                # Never Enter: it stands between typed words, too.
                if self._page.kind == "statements" and 0 <= self._cursor < self._count():
                    self._change(self._page.questions[self._cursor])
            case "backspace" if self._page.kind == "number":
                self._cursor, self._typed, self._shown_again = 0, self._typed[:-1], False
            case _ if self._page.kind == "number" and len(key) == 1 and key in "0123456789.,":
                self._cursor, self._typed = 0, (key if self._shown_again else self._typed + key)[:LONGEST_NUMBER]
                self._shown_again = False
            case _ if re.fullmatch("[0-9]", key):
                self._digit(key, last)
            case _:
                self._letter(key, rows)

    def _letter(self, key: str, rows: list[_Row]) -> None:
        """Moves to the line of a letter. Another one begins a word: no letter of it chooses anything, until Enter."""
        key = {"?": "u", "-": "r"}.get(key, key.lower())
        places = [place for place, row in enumerate(rows) if row.key == key]
        if places and not self._in_word:
            self._cursor = places[0]
            return
        self._cursor = NO_ROW
        self._message = self._no_such_key(key)

    def _digit(self, key: str, last: str) -> None:
        """Moves to a line, and where no two digits are needed, changes the mark of a statement."""
        count = self._count()
        place = int(key)
        if count > 9 and re.fullmatch("[0-9]", last) and 9 < int(last + key) <= count:
            place, self._last = int(last + key), ""
        if not 1 <= place <= count:
            self._message = f"There are lines 1 to {count}." if count else ""
            return
        self._cursor = place - 1
        if self._page.kind == "statements" and count <= 9:
            self._change(self._page.questions[place - 1])

    def _count(self) -> int:
        if self._page.kind == "statements":
            return len(self._page.questions)
        return len(self._page.options) if self._page.kind == "choice" else 0

    def _no_such_key(self, key: str) -> str:
        marked = any(mark in (True, UNSURE) for mark in self._marks.values())
        if self._page.kind == "statements" and key == "n" and marked:
            return "Some lines are marked. Choose c to go on, or take the marks away first."
        if self._page.kind == "statements" and key == "c" and not marked:
            return "No line is marked. Choose n if none of these is true."
        self._in_word = True
        return "Words are no answer here. Press Enter, then choose a line: with the arrow keys, its number or letter."

    @property
    def _marks(self) -> Answers:
        """The marks of the page. The session holds those that changed, so that none is lost however it ends."""
        return {**self._page.given, **self._session.marked}

    def _change(self, question: Ask) -> None:
        after: dict[Answer | None, Answer] = {True: UNSURE, UNSURE: False}
        self._session.marked[question.id] = after.get(self._marks.get(question.id), True)

    def _mark(self, question: Ask) -> None:
        """Marks a line. A second Enter changes nothing: held down, it must not turn a yes into something else."""
        if self._marks.get(question.id) in (True, UNSURE):
            self._message = "This line is marked already; space changes it. To go on, press c and then Enter."
        else:
            self._session.marked[question.id] = True

    def _back(self) -> None:
        if self._session.back():
            self._turn_page()
        else:
            self._message = "This is the first step; there is none to go back to."

    def _answer(self, answers: Answers) -> None:
        self._session.answer(answers)
        self._turn_page()

    def _go_on(self) -> None:
        self._session.go_on()
        self._turn_page()

    def _rest(self, rest: Answer | None) -> None:
        """The marks of the page, and for the other lines this."""
        kept = {name: mark for name, mark in self._marks.items() if mark in (True, UNSURE)}
        self._answer({**self._page.all(rest), **kept})

    def _enter_number(self) -> None:
        try:
            self._answer({self._page.finding.id: number(self._page, self._typed)})
        except UnclearError as problem:
            self._message = str(problem)

    def _turn_page(self) -> None:
        page = self._session.page
        if page is None:
            self._end("done")
            return
        # Where nothing is asked, Enter may go on at once; its first words are to be seen, not its last.
        asks = page.kind not in ("begin", "settled")
        self._page, self._cursor, self._scroll, self._follow = page, NO_ROW if asks else 0, 0, asks
        self._turned_by, self._turned_at = self._last, self._clock()
        self._typed = self._message = self._last = ""
        self._shown_again, self._in_word = True, False
        if page.kind == "number":
            given = page.given.get(page.finding.id)
            self._typed = "" if given in (None, UNSURE) else str(given)

    def _rows(self) -> list[_Row]:
        page = self._page
        rows: list[_Row] = []

        def row(text: str, does: Callable[..., None], *words: Any, key: str = "") -> None:
            rows.append(_Row(f"{key}  {text}" if key else text, lambda: does(*words), key))

        if page.kind in ("begin", "settled"):
            row("Begin" if page.kind == "begin" else "Go on", self._go_on, key="c")
        elif page.kind == "statements":
            for place, question in enumerate(page.questions, 1):
                row(f"{place} {MARKS[self._marks.get(question.id, False)]} {question.asks}", self._mark, question)
            if any(mark in (True, UNSURE) for mark in self._marks.values()):
                row("Continue: the other lines are no", self._rest, False, key="c")
                row("Not sure about the other lines", self._rest, UNSURE, key="u")
                row("Rather not say about the other lines", self._rest, None, key="r")
            else:
                row("None of these", self._rest, False, key="n")
                row("Not sure about any of these", self._rest, UNSURE, key="u")
                row("Rather not say", self._rest, None, key="r")
        else:
            if page.kind == "number":
                row(f"Your answer: {self._typed}_", self._enter_number)
            else:
                for place, (value, label) in enumerate(page.options, 1):
                    row(f"{place} {label}", self._answer, {page.finding.id: value})
            row("Not sure", self._answer, {page.finding.id: UNSURE}, key="u")
            row("Rather not say", self._answer, {page.finding.id: None}, key="r")
        if page.answered and not self._session.marked:
            row("As before", self._answer, page.given, key="a")
        if page.optional:
            row("Finish now", self._end, "done", key="f")
        if page.kind != "begin":
            row("Back", self._back, key="b")
        row("Stop and save" if self._session.saving else "Stop", self._end, "stop", key="q")
        return rows

    # -- what is drawn -------------------------------------------------------------------------------------------------

    def _shown(self) -> StyleAndTextTuples:
        """The page, exactly as high as the terminal; scrolled so that the line of the cursor can be seen."""
        size = self._application.output.get_size()
        width, height = max(size.columns - 1, 20), max(size.rows, 4)
        above, place = self._above(width), self._cursor
        body = [(style, line) for style, text in above for line in _wrapped(text, width)]
        first = last = 0
        rows = self._rows()
        for at, row in enumerate(rows):
            if at and row.key and not rows[at - 1].key:
                body.append(("", ""))
            start = len(body)
            sign = "> " if at == place else "  "
            hang = re.match(r"(\d+ \[.\] |\d+ |\w  )?", row.text)
            lines = _wrapped(row.text, width, sign, " " * (2 + len(hang[0] if hang else "")))
            body += [("reverse" if at == place else "", line) for line in lines]
            if at == place:
                first, last = start, len(body) - 1
        below = [("bold", line) for line in _wrapped(self._message, width)]
        below += [("", line) for line in _wrapped(self._help(), width)]
        below = below[: max(height // 3, 1)]
        room = height - len(below) - 1
        if self._follow:
            if place <= 0 and last < room:
                self._scroll = 0
            self._scroll = min(max(self._scroll, last - room + 1), first)
        self._scroll = max(min(self._scroll, len(body) - room), 0)
        shown = body[self._scroll : self._scroll + room]
        shown += [("", "")] * (room - len(shown))
        hidden = len(body) - self._scroll - room
        more = "-- more below --" if hidden > 0 else "-- more above --" if self._scroll else ""
        shown += [("bold", more), *below]
        line = min(max(first - self._scroll, 0), height - 1)
        column = len(shown[line][1]) - 1 if self._page.kind == "number" and place == 0 else 0
        self._point = (max(column, 0), line)
        found: StyleAndTextTuples = []
        for at, (style, text) in enumerate(shown):
            found += [(style, text), ("", "\n" if at < len(shown) - 1 else "")]
        return found

    def _above(self, width: int) -> list[tuple[str, str]]:
        page = self._page
        lines: list[tuple[str, str]] = []
        if page.progress:
            room = width - len(page.progress) - 4
            lines.append(("", f"{page.progress}  [{page.bar}]" if len(page.bar) <= room else page.progress))
            lines += [("bold", page.title), ("", page.why), ("", " ")]
        lines += [("bold", page.heading)] if page.heading else []
        shown = [*page.lines, *([f"Before, you answered: {page.before}"] if page.before else [])]
        for at, line in enumerate(shown):
            loud = page.kind in ("begin", "settled") and at == 0
            lines += [("bold" if loud else "", line), *([("", " ")] if page.kind == "begin" else [])]
        return lines if page.kind == "begin" else [*lines, ("", " ")]

    def _help(self) -> str:
        if self._page.kind == "statements":
            count = self._count()
            fast = f" or 1 to {count}" if 1 < count <= 9 else ""
            marks = "[x] yes, [?] not sure, [ ] no"
            return f"Arrow keys move. Space{fast} changes a mark: {marks}. A letter, then Enter, goes on."
        if self._page.kind == "choice":
            return "Arrow keys, a number or a letter choose a line. Enter takes it."
        if self._page.kind == "number":
            return f"Type {self._page.range}, then Enter. Arrow keys move to the other lines."
        return f"Enter: {'begin' if self._page.kind == 'begin' else 'go on'}. Arrow keys move to the other lines."


def _wrapped(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    if not text:
        return []
    if text == " ":
        return [""]
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
