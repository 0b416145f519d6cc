"""How the command line shows things: lines, tables and trees; plain, or in colour where rich is installed."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TextIO

from attrs import asdict, frozen

from calf_triage._findings import Acuity

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

_STYLES: Final = {
    "emergency": "bold red",
    "same_day": "dark_orange",
    "soon": "yellow",
    "routine": "bright_blue",
    "self_care": "green",
}
_NARROWEST: Final = 12
_GAP: Final = 2


@frozen
class Table:
    """Rows of cells. columns: their headings, () for none. fixed: how many first columns are kept in one piece."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    fixed: int = 1


@frozen
class Node:
    """A line with what belongs to it. loud: it matters more than the lines beside it."""

    text: str
    children: tuple[Node, ...] = ()
    loud: bool = False


@frozen
class Section:
    """A part of what is shown: a title, "" for none, and its body. rung: what the title's colour stands for."""

    title: str
    body: tuple[str | Table | Node, ...]
    rung: Acuity | None = None


def plain(sections: Iterable[Section], width: int | None = 80) -> str:
    """The sections as plain text; width None wraps nothing, so that every row is one line."""
    parts = []
    for section in sections:
        lines = _wrapped(section.title, width)
        for part in section.body:
            if isinstance(part, Table):
                lines += _plain_table(part, width)
            elif isinstance(part, Node):
                lines += _plain_tree(part, width, "  ")
            else:
                lines += _wrapped(part, width)
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _wrapped(text: str, width: int | None, first: str = "", later: str = "") -> list[str]:
    if not text:
        return []
    if width is None:
        return [f"{first}{text}"]
    return textwrap.wrap(
        text, max(width, 24), initial_indent=first, subsequent_indent=later or first, break_on_hyphens=False
    )


def _plain_tree(node: Node, width: int | None, indent: str) -> list[str]:
    lines = _wrapped(node.text, width, f"{indent}- ", f"{indent}  ")
    for child in node.children:
        lines += _plain_tree(child, width, f"{indent}  ")
    return lines


def _plain_table(table: Table, width: int | None) -> list[str]:
    rows = [table.columns, *table.rows] if table.columns else list(table.rows)
    if not rows:
        return []
    widths = [max(len(line) for row in rows for line in row[column].split("\n")) for column in range(len(rows[0]))]
    if width is not None:
        _narrow(widths, table.fixed, width - 2 - _GAP * (len(widths) - 1))
    lines = []
    for number, row in enumerate(rows):
        cells = [_cell(cell, size) for cell, size in zip(row, widths, strict=True)]
        for line in range(max(len(cell) for cell in cells)):
            shown = (
                (cell[line] if line < len(cell) else "").ljust(size) for cell, size in zip(cells, widths, strict=True)
            )
            lines.append(("  " + (" " * _GAP).join(shown)).rstrip())
        if number == 0 and table.columns:
            lines.append("  " + (" " * _GAP).join("-" * size for size in widths))
    return lines


def _cell(text: str, size: int) -> list[str]:
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, size, break_on_hyphens=False)]
    return lines or [""]


def _narrow(widths: list[int], fixed: int, room: int) -> None:
    """Takes from the widest column until all fit; from the fixed ones only when the others can give no more."""
    while sum(widths) > room:
        giving = [column for column in range(fixed, len(widths)) if widths[column] > _NARROWEST]
        giving = giving or [column for column in range(len(widths)) if widths[column] > _NARROWEST]
        if not giving:
            return
        widths[max(giving, key=lambda column: widths[column])] -= 1


class Screen:
    """Where a command's output goes: in colour on a terminal with rich, plain text anywhere else.

    Plain also with NO_COLOR or TERM=dumb. What is piped is not wrapped, so that other programs can read it by lines.
    console: the one of rich, None where the text is plain.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stdout
        self.terminal = bool(self._stream and self._stream.isatty())
        self.width = shutil.get_terminal_size().columns if self.terminal else None
        self.console = self._rich() if self.terminal else None

    def _rich(self) -> Console | None:
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return None
        try:
            from rich.console import Console
        except ImportError:
            return None
        return Console(file=self._stream, highlight=False, markup=False, emoji=False)

    def show(self, sections: Iterable[Section]) -> None:
        """Prints the sections."""
        if self.console is None:
            print(plain(sections, self.width), file=self._stream)
            return
        for number, section in enumerate(sections):
            if number:
                self.console.print()
            if section.title:
                style = _STYLES[section.rung.word] if section.rung is not None else "bold"
                self.console.print(section.title, style=style)
            for part in section.body:
                if isinstance(part, str):
                    self.console.print(part)
                else:
                    self.console.print(_rich_table(part) if isinstance(part, Table) else _rich_tree(part))


def _rich_table(table: Table) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable

    found = RichTable(
        box=box.SIMPLE_HEAD if table.columns else None,
        show_header=bool(table.columns),
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for column in range(len(table.rows[0]) if table.rows else len(table.columns)):
        heading = table.columns[column] if table.columns else ""
        found.add_column(heading, no_wrap=column < table.fixed, overflow="fold")
    for row in table.rows:
        found.add_row(*(_coloured(cell) for cell in row))
    return found


def _rich_tree(node: Node) -> RichTable:
    from rich.table import Table as RichTable
    from rich.tree import Tree

    tree = Tree(_coloured(node.text, loud=node.loud), guide_style="dim")
    stack = [(tree, child) for child in reversed(node.children)]
    while stack:
        above, child = stack.pop()
        branch = above.add(_coloured(child.text, loud=child.loud))
        stack.extend((branch, inner) for inner in reversed(child.children))
    bullet = RichTable.grid(padding=(0, 1))
    bullet.add_row(" -", tree)
    return bullet


def _coloured(text: str, loud: bool = False) -> Text:
    from rich.text import Text

    return Text(text, style=_STYLES.get(text, "bold" if loud else ""))


def data(value: Any) -> Any:
    """An attrs value as plain dicts, lists and scalars, ready for JSON; rungs and kinds by their word."""

    def word(_instance: object, _attribute: object, found: Any) -> Any:
        if isinstance(found, Acuity):
            return found.word
        return found.value if isinstance(found, Enum) else found

    return asdict(value, value_serializer=word)
