"""A comparison as it is read: what was rewritten, then people, then cases; what could harm comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from calf_triage._text import Node, Section
from calf_triage.diff.changes import WORDS
from calf_triage.diff.values import CASE_WORDS, KINDS, LOWER, LOWER_CASES, Answered, CaseChange, Diff, Difference

MOST_ALIKE: Final = 6

_TITLES: Final = {
    "lowered": "Lowered: seen later, or fewer people, or with less caution",
    "retired": "Retired",
    "changed": "Changed",
    "raised": "Raised: seen sooner, or more people, or with more caution",
    "added": "Added",
    "reworded": "Reworded: no answer changes by it",
    "cited": "Sources, status, examples: no answer changes by it",
}
_CASE_TITLES: Final = {
    "lowered below acceptable": "Cases that are now seen too late",
    "lowered": "Cases that are seen less urgently, and still acceptably",
    "later": "Cases that are seen within more hours",
    "cannot be run": "Cases whose answers one of the two cannot read",
    "raised": "Cases that are seen more urgently",
    "other": "Cases that are answered differently in another way",
}


def sections(found: Diff) -> Iterator[Section]:
    """The comparison as the command line shows it."""
    names = [f"{rules.name} {rules.version} ({rules.sha256[:12]})" for rules in (found.old, found.new)]
    yield Section(f"From {names[0]} to {names[1]}", () if found.changes else ("Nothing was rewritten.",))
    for what in WORDS:
        alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for change in found.changes:
            if change.what == what:
                file, _, entry = change.place.partition(": ")
                alike.setdefault((f"{file}: " if entry else "", change.says), []).append(entry or file)
        if alike:
            nodes = tuple(_change(file, entries, says) for (file, says), entries in alike.items())
            yield Section(_TITLES[what], nodes)
    for kind, title in KINDS.items():
        people = [difference for difference in found.differences if difference.kind == kind]
        if people:
            yield Section(f"{title}: {len(people)}", tuple(map(_person, people)))
    for word in CASE_WORDS if found.cases is not None else ():
        cases = [case for case in found.cases or () if case.what == word]
        if cases:
            yield Section(f"{_CASE_TITLES[word]}: {len(cases)}", tuple(_cases(cases)))
    if found.not_compared:
        yield Section("Not compared, because one of the two does not take them", tuple(map(Node, found.not_compared)))
    yield Section("", tuple(_verdict(found)))


def _verdict(found: Diff) -> Iterator[str]:
    if found.verdict == "equivalent":
        same = found.old.sha256 == found.new.sha256
        limits = ", of those whose answers both take" if found.not_compared else ""
        how = (
            "Both are the same rules" if same else f"Equivalent: it is proved that everybody{limits} is answered alike"
        )
        yield f"{how}."
    elif found.verdict == "undecided":
        yield "Undecided: nobody was found who is answered differently, and it is not proved that there is nobody."
    else:
        lowered = sum(difference.kind in ("lowered", "later") for difference in found.differences)
        ways = len(found.differences)
        told = f"{ways} {'way' if ways == 1 else 'ways'} to be answered differently"
        yield f"Different: {told}, {lowered or 'none'} of them less urgently."
    if found.bounded:
        yield found.bounded
    if found.cases is not None:
        cases = "1 case is" if len(found.cases) == 1 else f"{len(found.cases) or 'No'} cases are"
        yield f"{cases} answered differently, or cannot be run."


def _change(file: str, entries: Sequence[str], says: Sequence[str]) -> Node:
    return Node(f"{file}{_named(entries)}", tuple(map(Node, says)))


def _person(difference: Difference) -> Node:
    by = f" ({', '.join(difference.because)})" if difference.because else ""
    lines = [Node(f"{asked}: {said}") for _, asked, said in difference.answers]
    lines.append(Node(f"the rest {difference.rest}" if lines else f"everything {difference.rest}"))
    lines.append(Node("so:", tuple(Node(line) for line in _told_apart(difference.old, difference.new))))
    return Node(f"{difference.about}{by}", tuple(lines), loud=difference.kind in LOWER)


def _cases(cases: Sequence[CaseChange]) -> Iterator[Node]:
    """A line for each; one line for those of which the same is said, where none of them is seen later."""
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for case in cases:
        if case.old is None or case.new is None:
            yield Node(case.id, tuple(map(Node, case.problems)), loud=True)
            continue
        moved = case.new.acuity.word
        moved = moved if case.old.acuity is case.new.acuity else f"{case.old.acuity.word} → {moved}"
        text, lines = f"{moved}, gold {case.gold.word}", tuple(_told_apart(case.old, case.new))
        if case.what in LOWER_CASES:
            yield Node(f"{case.id}: {text}", tuple(map(Node, lines)), loud=True)
        else:
            alike.setdefault((text, lines), []).append(case.id)
    for (text, lines), ids in alike.items():
        yield Node(f"{_named(ids)}: {text}", tuple(map(Node, lines)))


def _named(names: Sequence[str]) -> str:
    """The first of several names, and how many more there are."""
    more = len(names) - MOST_ALIKE
    return ", ".join(names[:MOST_ALIKE]) + (f" and {more} more" if more > 0 else "")


def _told_apart(old: Answered, new: Answered) -> Iterator[str]:
    """What differs between two answers, a line for each part."""
    if old.acuity is not new.acuity:
        yield f"{old.acuity.word} → {new.acuity.word}"
    if old.within_hours != new.within_hours:
        hours = [f"within {each.within_hours} hours" if each.within_hours else "no hours" for each in (old, new)]
        yield " → ".join(
            "at once" if each.within_hours == 0 else said for each, said in zip((old, new), hours, strict=True)
        )
    if old.look_again_days != new.look_again_days and old.acuity is new.acuity:
        yield f"answers again after {old.look_again_days} → {new.look_again_days} days"
    names = ["fired", "causes", "places", "items", "withheld", "changes", "notes"]
    # What is given on another rung is told by the rung; the JSON has it all.
    for name in names if old.acuity is new.acuity else names[:3]:
        before, now = getattr(old, name), getattr(new, name)
        parts = [f"− {each}" for each in before if each not in now] + [
            f"+ {each}" for each in now if each not in before
        ]
        if parts:
            yield f"{name}: {', '.join(parts)}"
