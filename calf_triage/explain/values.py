"""What an explanation is made of. What is shown of a value where it may be logged tells no answer."""

from __future__ import annotations

from typing import Final, Literal

from attrs import field, frozen

from calf_triage._advice import Source
from calf_triage._findings import Acuity, Answer

SECONDS: Final = 2.0
MOST_CHANGES: Final = 4
"""How many answers may change at once; a change of more of them is hardly an explanation."""

Standing = Literal["met", "not_met", "unknown"]
"""How a criterion stands. Unknown: not answered, or not sure."""

RuleState = Literal["fired", "excluded", "open"]


@frozen
class Part:
    """A criterion of a rule, or a group of them, and how it stands.

    says: what it means, in words. text: as written in its file, "" for a group. shown: the answer that was read, in the
    finding's words, "" where none is read. points: what it counts in a score.
    """

    says: str
    standing: Standing = field(repr=False)
    text: str = ""
    finding: str | None = None
    shown: str = field(default="", repr=False)
    points: int | None = None
    parts: tuple[Part, ...] = field(default=(), repr=False)


@frozen
class RuleTree:
    """A rule, how it stands, and each of its criteria. sources: what they say, and their links.

    missing: those of its criteria that keep it from firing; empty where it fires.
    would_fire: single answers of which any would fire it; empty where it fires, or where it takes more than one.
    """

    id: str
    acuity: Acuity
    title: str
    why: str
    state: RuleState = field(repr=False)
    parts: tuple[Part, ...] = field(repr=False)
    missing: tuple[Part, ...] = field(repr=False)
    would_fire: tuple[Changed, ...] = field(repr=False)
    sources: tuple[Source, ...]


@frozen
class Changed:
    """A new answer to a finding. was: None where it was not answered. to: the nearest value that tells the rules apart.

    word: the new answer in the finding's words; for a number, the whole range that does the same.
    """

    finding: str = field(repr=False)
    asks: str = field(repr=False)
    was: Answer | None = field(repr=False)
    to: Answer = field(repr=False)
    word: str = field(repr=False)

    @property
    def says(self) -> str:
        """The question and the new answer."""
        return f'"{self.asks}": {self.word}'


@frozen
class Way:
    """Answers that together would change the acuity, none of which can be left out. settled: as of an assessment."""

    changes: tuple[Changed, ...] = field(repr=False)
    acuity: Acuity
    settled: bool


@frozen
class Ways:
    """What would change the acuity, the fewest answers first.

    complete: there are no other ways, however many answers change. why: in words, why the search ended.
    open_questions: where only answers to many open questions could lower it, how many are open; else 0.
    """

    ways: tuple[Way, ...]
    complete: bool
    why: str
    open_questions: int = 0


@frozen
class NearMiss:
    """A rule that does not fire, and would with any one of these answers."""

    id: str
    acuity: Acuity
    title: str
    changes: tuple[Changed, ...] = field(repr=False)


@frozen
class Said:
    """An answer that was given. word: in the finding's words."""

    finding: str = field(repr=False)
    asks: str = field(repr=False)
    answer: Answer = field(repr=False)
    word: str = field(repr=False)

    @property
    def says(self) -> str:
        """The question and the answer."""
        return f'"{self.asks}": {self.word}'


@frozen
class Sufficient:
    """Answers that alone keep the acuity at least this acuity, whatever the others are; for self-care: keep self-care.

    fewest: no fewer answers make any one rule hold it. Where it is False, none of these could be left out.
    says: what holds the acuity, in words; where open questions hold it, there are no answers.
    """

    answers: tuple[Said, ...] = field(repr=False)
    fewest: bool
    says: str


@frozen
class Rung:
    """A rung of the ladder. here: the acuity is this.

    still_open: another rung to which open or unsure answers may lead; a rule of it is neither fired nor ruled out.
    """

    acuity: Acuity
    here: bool
    still_open: bool
