"""What goes wrong, told to the person who can mend it: every problem at once, never an answer's value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calf_triage._assessment import Assessment

LONGEST_NAME = 48


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A suggestion to append to "unknown …", empty unless a known word is near (similarity 0.8 or more)."""
    if len(name) > 2 * LONGEST_NAME:
        return ""
    # Here, because right names need none of it.
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.8)
    return f"; did you mean {near[0]!r}?" if near else ""


def shown(name: str) -> str:
    """A name as it may be printed: quoted, control characters escaped, cut after 60 characters."""
    quoted = ascii(name) if not name.isprintable() else repr(name)
    return quoted if len(quoted) <= 64 else f"{quoted[:60]}…'"


def listed(problems: tuple[str, ...]) -> str:
    """The problems as lines; at most 50, with the number of those left out."""
    more = len(problems) - 50
    return "\n".join((*problems[:50], *([f"… and {more} more"] if more > 0 else [])))


class FindingError(ValueError):
    """Answers that cannot be read, all of them at once.

    problems: one line for each, naming the finding and what would be right, never the value that was given.
    assessment: the triage of the answers that could be read, where that is SAME_DAY or above; else None. One bad field
    hides no emergency.
    """

    def __init__(self, problems: Iterable[str], assessment: Assessment | None = None) -> None:
        self.problems = tuple(problems)
        self.assessment = assessment
        super().__init__(listed(self.problems))

    def __reduce__(self) -> tuple[object, ...]:
        return (FindingError, (self.problems, self.assessment))


class RuleSetError(ValueError):
    """A rule folder that cannot be used. problems: every problem of every file, each "file: place: what is wrong"."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(listed(self.problems))

    def __reduce__(self) -> tuple[object, ...]:
        return (RuleSetError, (self.problems,))
