"""What a comparison of two rule sets tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, get_args

from attrs import field, frozen

from calf_triage._assessment import Assessment, RuleSetId, SelfCare
from calf_triage._findings import Acuity, Answer
from calf_triage._text import Section
from calf_triage.diff.changes import Change

Verdict = Literal["equivalent", "different", "undecided"]
Kind = Literal[
    "lowered",
    "later",
    "no longer withheld",
    "cause lost",
    "note lost",
    "change lost",
    "asked again later",
    "place lost",
    "item lost",
    "raised",
    "sooner",
    "now withheld",
    "cause gained",
    "note gained",
    "change gained",
    "asked again sooner",
    "place gained",
    "item gained",
]
KINDS: Final[dict[Kind, str]] = {
    "lowered": "Seen less urgently",
    "later": "Seen within more hours",
    "no longer withheld": "Given an item that was withheld",
    "cause lost": "No longer told of a possible cause",
    "note lost": "No longer told what to do, to avoid or not to wait with",
    "change lost": "No longer told how an item is done differently",
    "asked again later": "Asked to answer again later",
    "place lost": "No longer sent to a place",
    "item lost": "No longer offered an item",
    "raised": "Seen more urgently",
    "sooner": "Seen within fewer hours",
    "now withheld": "An item is now withheld",
    "cause gained": "Told of another possible cause",
    "note gained": "Told more of what to do, to avoid or not to wait with",
    "change gained": "Told how an item is done differently",
    "asked again sooner": "Asked to answer again sooner",
    "place gained": "Sent to another place",
    "item gained": "Offered another item",
}
"""In the order in which they are told: what could harm comes first."""
LOWER: Final = (
    *("lowered", "later", "no longer withheld"),
    *("cause lost", "note lost", "change lost", "asked again later"),
)
_IN_NO_ANSWER: Final = ("plan.toml", "ruleset.toml", "advice/", "laws.toml")
"""What is rewritten here may ask for less caution without any answer that differs."""


@frozen
class Answered:
    """What one rule set answers. changes: how the items given are changed; notes: what is said beside them."""

    acuity: Acuity
    within_hours: int | None
    places: tuple[str, ...]
    causes: tuple[str, ...]
    items: tuple[str, ...]
    withheld: tuple[str, ...]
    changes: tuple[str, ...]
    notes: tuple[str, ...]
    look_again_days: int | None
    fired: tuple[str, ...]


@frozen
class Difference:
    """People who are answered differently, as the smallest answers of one of them.

    about: what differs, as "same_day → soon". because: where what makes it so was rewritten; empty where it takes
    several places together. answers: finding, what it asks, and what is answered; rest: how all else is answered,
    "benign" or "not answered". given: all answers, by finding. old, new: what the two rule sets answer to them.
    """

    kind: Kind
    about: str
    because: tuple[str, ...]
    answers: tuple[tuple[str, str, str], ...]
    rest: Literal["benign", "not answered"]
    old: Answered
    new: Answered
    given: dict[str, Answer] = field(repr=False)


CaseWord = Literal["lowered below acceptable", "lowered", "later", "cannot be run", "raised", "other"]
CASE_WORDS: Final[tuple[CaseWord, ...]] = get_args(CaseWord)
LOWER_CASES: Final = ("lowered below acceptable", "lowered", "later")


@frozen
class CaseChange:
    """A whole case, finished, that is answered differently. old, new: None where its answers cannot be read.

    problems: why they cannot.
    """

    id: str
    what: CaseWord
    gold: Acuity
    acceptable: tuple[Acuity, ...]
    old: Answered | None
    new: Answered | None
    problems: tuple[str, ...] = ()


@frozen
class Diff:
    """What differs between two rule sets.

    verdict: "equivalent" only where it is proved that nobody is answered differently. bounded: why not everything that
    differs is told; None where it is. not_compared: answers that only one of the two takes. cases: None where none were
    asked about.
    """

    old: RuleSetId
    new: RuleSetId
    changes: tuple[Change, ...]
    verdict: Verdict
    differences: tuple[Difference, ...]
    bounded: str | None
    not_compared: tuple[str, ...]
    cases: tuple[CaseChange, ...] | None = None

    @property
    def nothing(self) -> bool:
        """Whether nothing was rewritten, and it is proved that nobody is answered differently."""
        return self.verdict == "equivalent" and not self.changes and not self.cases

    @property
    def lowered(self) -> bool:
        """Whether anything was lowered, or may have been: a rule or a law; somebody, or a case, is seen less urgently
        or later, given what was withheld, or told less; a dose, a plan or a safety net was rewritten, which stand in
        no answer that could be compared. Also where not everything that differs is told.
        """
        rules = any(
            change.what == "lowered"
            or (change.what in ("changed", "retired") and change.place.startswith(_IN_NO_ANSWER))
            for change in self.changes
        )
        people = any(difference.kind in LOWER for difference in self.differences)
        return rules or people or self.bounded is not None or any(case.what in LOWER_CASES for case in self.cases or ())

    def sections(self) -> Iterator[Section]:
        """The differences as the command line shows them."""
        # Here, because only what is printed needs its pages.
        from calf_triage.diff.pages import sections

        yield from sections(self)


def answered(answer: Assessment) -> Answered:
    """An assessment, as far as two are compared."""
    to, care = answer.disposition, isinstance(answer.disposition, SelfCare)
    notes = (*to.seek_help_if, *(() if isinstance(to, SelfCare) else (*to.meanwhile, *to.avoid)))
    items = to.advice if isinstance(to, SelfCare) else ()
    return Answered(
        acuity=answer.acuity,
        within_hours=None if isinstance(to, SelfCare) else to.within_hours,
        places=() if isinstance(to, SelfCare) else tuple(service.id for service in to.see),
        causes=tuple(sorted(cause.id for cause in answer.differential)),
        items=tuple(sorted(item.id for item in items)),
        withheld=tuple(sorted(item.id for item in to.withheld)) if isinstance(to, SelfCare) and care else (),
        changes=tuple(sorted({f"{item.id}: {say}" for item in items for say in item.changes})),
        notes=tuple(sorted({note.id for note in notes})),
        look_again_days=to.look_again_days,
        fired=tuple(sorted(rule.id for rule in answer.because)),
    )
