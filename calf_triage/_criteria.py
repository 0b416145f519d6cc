"""Criteria: what a rule may say about the answers. This is the whole grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from attrs import frozen

Form = Literal["yes", "at_least", "below", "choice", "unsure", "score", "named"]

_CRITERION: Final = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*)"
    r"(?: (?:(?P<comparison>>=|<) (?P<number>-?[0-9]{1,9}(?:\.[0-9]{1,6})?)|is (?P<choice>[a-z][a-z0-9_]*)))?"
)


@frozen
class Written:
    """A criterion as it stands in a file, its name not yet looked up."""

    name: str
    comparison: str | None = None
    number: str | None = None
    choice: str | None = None


def parse(text: str) -> Written | None:
    """`name`, `name >= 3`, `name < 3`, `name is choice` or `name is unsure`; None if it is none of these."""
    found = _CRITERION.fullmatch(text)
    return Written(**found.groupdict()) if found else None


@frozen
class Criterion:
    """One criterion: text as written; form; the finding, score or named criterion it reads; what it compares with.

    value is in grid steps for a measurement, in points for a score, a choice's id for a choice, None otherwise.
    """

    text: str
    form: Form
    name: str
    value: int | str | None = None


@frozen
class When:
    """Met when all of `all`, one of `any` and none of `none` are met, as far as each list is given."""

    all: tuple[Criterion, ...] = ()
    any: tuple[Criterion, ...] = ()
    none: tuple[Criterion, ...] = ()

    def __iter__(self) -> Iterator[Criterion]:
        return iter((*self.all, *self.any, *self.none))


@frozen
class NamedCriterion:
    """A picture that several rules share."""

    id: str
    means: str
    when: When


@frozen
class Item:
    """One line of a score."""

    criterion: Criterion
    points: int


@frozen
class Score:
    """A published score: positive whole points for criteria that are met."""

    id: str
    title: str
    items: tuple[Item, ...]

    @property
    def most(self) -> int:
        """The points when every item is met."""
        return sum(item.points for item in self.items)
