"""Folders of TOML files from anywhere: data only, all sizes bounded; nothing is opened that could wait or lead out."""

from __future__ import annotations

import os
import stat
import tomllib
import unicodedata
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from calf_triage._errors import RuleSetError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

MOST_FILES: Final = 5_000
MOST_BYTES_A_FILE: Final = 256 * 1024
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_NESTING: Final = 8
# tomllib takes a dotted key apart in quadratic time: one such line of 256 KiB would take it minutes.
MOST_DOTS_A_LINE: Final = 100
LARGEST_NUMBER: Final = 10**9

_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


@define
class Folder:
    """The TOML files of a folder by path, and why others were refused. The path of a refused folder ends in "/"."""

    contents: dict[str, bytes] = field(factory=dict)
    refused: dict[str, str] = field(factory=dict)


def read_folder(root: Traversable) -> Folder:
    """Reads the TOML files of a rule folder. What is hidden, as __pycache__ too, and what is no TOML is left alone."""
    found = Folder()
    real: str | None = None
    folders: list[tuple[str, Traversable]] = [("", root)]
    count = total = 0
    for prefix, folder in folders:
        try:
            if not folder.is_dir():
                raise RuleSetError([f"{printable(str(root))}: no such folder"])
            if real is None and isinstance(root, Path):
                real = os.path.realpath(root)
            entries = sorted(islice(folder.iterdir(), MOST_FILES + 1), key=lambda entry: entry.name)
        except RuleSetError:
            raise
        except Exception as error:  # noqa: BLE001 - a damaged zip raises errors of many kinds
            if not prefix:
                raise RuleSetError([f"the folder {_unreadable(error)}"]) from None
            found.refused[prefix] = _unreadable(error)
            continue
        count += len(entries)
        if count > MOST_FILES:
            raise RuleSetError([f"more than {MOST_FILES} files"])
        for entry in entries:
            is_toml = entry.name.lower().endswith(".toml")
            if entry.name.startswith(".") or (entry.name.startswith("__") and not is_toml):
                continue
            path = f"{prefix}{entry.name}" if is_toml else f"{prefix}{entry.name}/"
            try:
                if refused := _refused(entry, real):
                    found.refused[path] = refused
                elif entry.is_dir():
                    if prefix:
                        found.refused[path] = "a folder in a folder is not read"
                    else:
                        folders.append((path, entry))
                elif is_toml:
                    with entry.open("rb") as file:
                        content = file.read(MOST_BYTES_A_FILE + 1)
                    if len(content) > MOST_BYTES_A_FILE:
                        found.refused[path] = f"larger than {MOST_BYTES_A_FILE // 1024} KiB"
                    else:
                        total += len(content)
                        found.contents[path] = content
            except Exception as error:  # noqa: BLE001 - as above
                found.refused[path] = _unreadable(error)
            if total > MOST_BYTES:
                raise RuleSetError([f"more than {MOST_BYTES // 1024**2} MiB of files"])
    return found


def _refused(entry: Traversable, root: str | None) -> str | None:
    """Why something in a folder on disk is not even opened. Opening a pipe could wait for ever."""
    if not isinstance(entry, Path) or root is None:
        return None
    if not Path(os.path.realpath(entry)).is_relative_to(root):
        return "a link that leads out of the folder is refused"
    if entry.is_symlink():
        if not entry.exists():
            return "a link in a circle, or to nothing, is refused"
        if entry.is_dir():
            return "a link to a folder is refused"
    mode = entry.stat().st_mode
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "neither a file nor a folder"


def _unreadable(error: Exception) -> str:
    return f"cannot be read: {printable(getattr(error, 'strerror', None) or str(error) or type(error).__name__)}"


def printable(text: str) -> str:
    """A text of unknown origin as it may be printed."""
    return "".join(char if char.isprintable() else "?" for char in text[:200])


def parsed(content: bytes) -> dict[str, Any] | str:
    """The table in a file, or why it cannot be used."""
    try:
        text = content.decode("utf-8-sig")
        if any(line.count(".") > MOST_DOTS_A_LINE for line in text.split("\n")):
            return f"more than {MOST_DOTS_A_LINE} dots in a line"
        table = tomllib.loads(text)
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        return f"is not TOML: {printable(str(error))}"
    except (RecursionError, ValueError, OverflowError):
        # tomllib recurses into nested lists, and Python refuses to read a number of thousands of digits.
        return "nested too deeply, or a number that is too large"
    stack: list[tuple[dict[str, Any] | list[Any], int]] = [(table, 1)]
    while stack:
        value, depth = stack.pop()
        for part in value.values() if isinstance(value, dict) else value:
            if depth == MOST_NESTING:
                return f"nested more than {MOST_NESTING} deep"
            if isinstance(part, dict | list):
                stack.append((part, depth + 1))
            elif isinstance(part, int) and abs(part) > LARGEST_NUMBER:
                return f"a number larger than {LARGEST_NUMBER}"
    return table


def has_unseen(text: str) -> bool:
    """Whether a text holds characters that change how the text around them reads, as those that turn its direction."""
    return not text.isprintable() and any(unicodedata.category(char) in _UNSEEN and char != "\n" for char in text)
