"""That nothing answered is lost: files that are written whole or not at all, and signals that wait their turn."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

from calf_triage._files import MOST_BYTES, read_file
from calf_triage.ask.session import Session

INTERVIEW_FILE: Final = "calf-triage-interview.json"
MOST_SAME_NAMES: Final = 1_000


# -- files -----------------------------------------------------------------------------------------------------------


def write(path: Path, content: bytes, *, new: bool) -> None:
    """Writes a file whole or not at all, readable by its owner alone. new: FileExistsError if there is one already."""
    if new:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    temporary = None
    try:
        number, temporary = tempfile.mkstemp(prefix=".calf-triage-", dir=path.parent)
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(number)
        Path(temporary).replace(path)
    except BaseException:
        for leftover in (temporary, path if new else None):
            if leftover is not None:
                with suppress(OSError):
                    Path(leftover).unlink()
        raise


def free(path: Path) -> Iterator[Path]:
    """A path, and the next ones, as name-2."""
    yield path
    for number in range(2, MOST_SAME_NAMES):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def why_not(error: OSError | ValueError) -> str:
    """Why a file cannot be written, in a few words."""
    return (error.strerror or "it cannot be written").lower() if isinstance(error, OSError) else "it is no file name"


def shown(path: Path) -> str:
    """A path as it may be printed."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def absolute(name: str, *, followed: bool = False) -> Path:
    """A path that stays the same, its links followed or not; as it is, where the folder in use is gone."""
    try:
        return Path(os.path.realpath(name)) if followed else Path(name).absolute()
    except OSError:
        return Path(name)


class Keeper:
    """Where the interview is saved: in the file that was named, or under the first free name.

    named: a file, or None. known: what stands in it, if it is to be replaced; None for a new one. wanted: False saves
    nowhere.
    """

    def __init__(self, named: str | None, *, known: bytes | None, wanted: bool) -> None:
        self.wanted = wanted
        self._first = absolute(named or INTERVIEW_FILE, followed=known is not None)
        self._last_resort = absolute(INTERVIEW_FILE)
        self._known = known
        self._path = None if known is None else self._first
        self._kept = False
        self._problem = self._note = ""

    def keep(self, session: Session) -> None:
        """Saves what was answered. Where that cannot be done the interview goes on, and `told` says so."""
        if not self.wanted or not session.anything:
            return
        self._kept, self._problem = False, ""
        content = session.to_json().encode()
        refused: set[Path] = set()
        for path, new in self._places():
            if path.parent in refused:
                continue
            try:
                write(path, content, new=new)
            except FileExistsError:
                continue
            except (OSError, ValueError) as error:
                self._problem = self._problem or why_not(error)
                refused |= {path.parent} if new else set()
                continue
            if self._problem:
                self._note = f"{shown(self._path or self._first)} could not be written to: {self._problem}."
            self._kept, self._problem, self._known, self._path = True, "", content, path
            return
        self._problem = self._problem or "there are too many saved interviews here"

    def _places(self) -> Iterator[tuple[Path, bool]]:
        """Where to save, one after another until it is done, and whether it has to be a new file."""
        if self._path is not None and self._is_as_known(self._path):
            yield self._path, False
        elif self._path is not None and os.path.lexists(self._path):
            # It may hold a yes that this interview has not.
            self._note = f"{shown(self._path)} was changed by something else, and was left as it is."
        for first in dict.fromkeys((self._first, self._last_resort)):
            yield from ((path, True) for path in free(first) if not os.path.lexists(path))

    def _is_as_known(self, path: Path) -> bool:
        try:
            return read_file(path, MOST_BYTES) == self._known
        except ValueError:
            return False

    @property
    def file(self) -> Path | None:
        """Where all that was answered is saved; None if it is not."""
        return self._path if self._kept else None

    def told(self) -> list[str]:
        """What to say about it."""
        if self._kept and self._path is not None:
            note = [self._note] if self._note else []
            return [*note, f"Your answers are saved in {shown(self._path)}", "Only you can read that file."]
        earlier = "" if self._path is None else f"What was saved earlier is still in {shown(self._path)}"
        if not self._problem:
            return [earlier] if earlier else []
        lost = f"Your answers could not be saved in this folder ({self._problem}). Write down the result above."
        return [lost, f"{earlier}, without your last answers."] if earlier else [lost]


# -- signals ---------------------------------------------------------------------------------------------------------


class SignalledError(Exception):
    """A signal that ends it. number: which."""

    def __init__(self, number: int) -> None:
        super().__init__("ended by a signal")
        self.number = number


class Signals:
    """Lets Ctrl-C and the signals that end a program take effect only while it waits for a person.

    So nothing is half done when it ends, and nothing ends while what was answered is being saved.
    """

    def __init__(self) -> None:
        self.pending: int | None = None
        """The last signal that came, if any did."""
        self._pass_on: Callable[[int], None] | None = None

    @contextmanager
    def caught(self) -> Iterator[None]:
        """While this holds, signals are caught. In other threads than the first Python catches none."""
        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                # What was told to be ignored, as by nohup, stays ignored.
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    before[number] = signal.signal(number, self._caught)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Here a signal may end it, by SignalledError."""

        def end(number: int) -> None:
            self._pass_on = None
            raise SignalledError(number)

        with self.passed_on(end):
            yield

    @contextmanager
    def passed_on(self, to: Callable[[int], None]) -> Iterator[None]:
        """Here a signal is passed on; one that came before, as soon as it begins."""
        if self.pending is not None:
            raise SignalledError(self.pending)
        self._pass_on = to
        try:
            yield
        finally:
            self._pass_on = None

    def _caught(self, number: int, _frame: FrameType | None) -> None:
        self.pending = number
        if self._pass_on is not None:
            self._pass_on(number)
