"""Answers from files of unknown origin: all sizes bounded; what is wrong is told without what was given."""

from __future__ import annotations

import json
import math
import os
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any, BinaryIO, Final

from calf_triage._errors import shown
from calf_triage._findings import UNSURE
from calf_triage._folder import MOST_DOTS_A_LINE, printable

MOST_BYTES: Final = 1024 * 1024
STDIN: Final = "-"

_LONGEST_NUMBER: Final = 300


class UnreadableError(ValueError):
    """Input that cannot be read at all. Its message names the input and the place, never what stands there."""


def read_answers(name: str) -> tuple[Any, list[str]]:
    """What a JSON or TOML file holds, or standard input if name is "-", and a line for each name that stands twice.

    Whether it is answers is for `triage` to judge. JSON or TOML is told by the suffix, and without one of the two by
    the content: only JSON begins with a brace. Raises UnreadableError where nothing can be read.
    """
    content = _read_stdin() if name == STDIN else read_file(name, MOST_BYTES)
    where = "standard input" if name == STDIN else printable(name)
    text = _decoded(content, where)
    if not text.strip():
        raise UnreadableError(f"{where}: is empty; no answers at all are written {{}}")
    suffix = Path(name).suffix.lower()
    if suffix == ".json" or (suffix != ".toml" and text.lstrip().startswith("{")):
        return json_answers(text, where)
    if suffix != ".toml":
        where = f"{where}: does not begin with a brace, so it is no JSON object"
    return _toml(text, where), []


def json_answers(text: str, where: str) -> tuple[Any, list[str]]:
    """The same of a JSON text."""
    found = _json(text, where)
    return _once(found) if isinstance(found, _Pairs) else (found, [])


def read_toml(name: str) -> dict[str, Any]:
    """What a TOML file holds; UnreadableError where it cannot be read."""
    where = printable(name)
    return _toml(_decoded(read_file(name, MOST_BYTES), where), where)


def read_file(name: str | os.PathLike[str], most: int) -> bytes:
    """The bytes of a regular file, at most so many; UnreadableError for the rest. Never waits for another program."""
    where = printable(os.fspath(name))
    try:
        # Without O_NONBLOCK, opening a pipe into which nobody writes would wait for ever.
        number = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            mode = os.fstat(number).st_mode
            if stat.S_ISDIR(mode):
                raise UnreadableError(f"{where}: is a folder, not a file")
            if not stat.S_ISREG(mode):
                raise UnreadableError(f"{where}: is not a file; give what a program writes as standard input, with -")
            with open(number, "rb", closefd=False) as file:
                return _bounded(file, where, most)
        finally:
            os.close(number)
    except OSError as error:
        raise UnreadableError(f"{where}: {(error.strerror or 'cannot be read').lower()}") from None
    except ValueError as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"{where}: is no name of a file") from None


def _read_stdin() -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise UnreadableError("standard input: is closed")
    if sys.stdin.isatty():
        print("Type the answers as JSON or TOML, then end with Ctrl-D.", file=sys.stderr)
    try:
        return _bounded(stream, "standard input", MOST_BYTES)
    except (OSError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError("standard input: cannot be read") from None


def _bounded(stream: BinaryIO, where: str, most: int) -> bytes:
    content = stream.read(most + 1)
    if len(content) > most:
        raise UnreadableError(f"{where}: is larger than {most // 1024} KiB")
    return content


def _decoded(content: bytes, where: str) -> str:
    """UTF-8 text, with or without the mark that some editors put before it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError(f"{where}: is not UTF-8 text") from None


def _toml(text: str, where: str) -> dict[str, Any]:
    if any(line.count(".") > MOST_DOTS_A_LINE for line in text.split("\n")):
        raise UnreadableError(f"{where}: has a line with more than {MOST_DOTS_A_LINE} dots")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(f"{where}: is not TOML: {printable(str(error))}") from None
    except (RecursionError, ValueError, OverflowError):
        raise UnreadableError(f"{where}: is nested too deeply, or has a number that is too long") from None


def _json(text: str, where: str) -> object:
    """A JSON document whose top, if it is an object, keeps all its pairs."""
    try:
        # A number that is too long, or none, is a wrong answer like any other, and must not hide the right ones.
        return json.loads(text, object_pairs_hook=_Pairs, parse_int=_whole)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UnreadableError(f"{where}: is not JSON: {printable(error.msg)} ({place})") from None
    except RecursionError:
        raise UnreadableError(f"{where}: is nested too deeply") from None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


def as_values(found: object, where: str) -> Any:
    """What `read_answers` gave, with every JSON object in it as a dict; UnreadableError where a key stands twice."""
    if isinstance(found, _Pairs):
        if len({key for key, _ in found}) < len(found):
            raise UnreadableError(f"{where}: a key stands twice")
        return {key: as_values(value, where) for key, value in found}
    if isinstance(found, dict):
        return {key: as_values(value, where) for key, value in found.items()}
    return [as_values(value, where) for value in found] if isinstance(found, list) else found


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written, so that a name that stands twice is not lost."""


def _once(pairs: _Pairs) -> tuple[dict[str, Any], list[str]]:
    """The answers, and a line for each finding that is answered twice. A yes, or else an unsure, is kept of the two: it
    may be a red flag, and the other would silence it.
    """
    if len(alone := dict(pairs)) == len(pairs):
        return alone, []
    every: dict[str, list[Any]] = {}
    for name, value in pairs:
        every.setdefault(name, []).append(value)
    answers: dict[str, Any] = {}
    problems = []
    for name, values in every.items():
        if len(values) > 1:
            problems.append(f"{shown(name)}: stands twice; each finding has one answer")
        if any(value is True for value in values):
            answers[name] = True
        elif len(values) == 1:
            answers[name] = values[0]
        elif UNSURE in values:
            answers[name] = UNSURE
    return answers, problems
