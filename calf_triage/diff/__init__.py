"""What differs between two rule sets: what was rewritten, and everybody who is answered differently by it.

Needs python-sat: `pip install "calf-triage[verify]"`. Compared are all people whose answers both rule sets take, first
those of whom nothing is absent, then those of whom something is. A question that only one of the two asks is answered
by everybody, and the other rule set hears nothing of it. An answer that only one takes (a new choice, a wider range,
an answer to a question that the other does not ask of that person) is compared with nothing, and named.

An answer here is how soon, within how many hours, where, the possible causes, the items of self-care given or
withheld, how they are changed, what to do meanwhile, to avoid and not to wait with, and when to answer again. What a
text says, and the dose of an item, is in no such answer: that stands among what was rewritten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from calf_triage._assessment import RuleSetId
from calf_triage._rules import RuleSet
from calf_triage.diff.cases import cases_that_change
from calf_triage.diff.changes import Change, changes
from calf_triage.diff.search import Search
from calf_triage.diff.values import KINDS, Answered, CaseChange, Diff, Difference
from calf_triage.verify import VerifyError, need_solver
from calf_triage.verify.prover import NotReplayedError
from calf_triage.vignettes import Vignette

__all__ = ["KINDS", "Answered", "CaseChange", "Change", "Diff", "Difference", "NotReplayedError", "VerifyError", "diff"]

SECONDS_IN_ALL: Final = 300.0


def diff(
    old: RuleSet,
    new: RuleSet,
    *,
    cases: Sequence[Vignette] | None = None,
    seconds: float = SECONDS_IN_ALL,
    progress: Callable[[str], None] = lambda _: None,
) -> Diff:
    """What was rewritten from one rule set to another, and how answers differ.

    cases: whole cases; those whose answer changes are listed. seconds: for the search of people who are answered
    differently; past it the rest is not told, and nothing is called equivalent. progress: is told what is looked at.

    Raises VerifyError where python-sat is not installed; NotReplayedError where the library does not confirm what was
    found.
    """
    need_solver()
    found = Search(old, new, time.monotonic() + seconds, progress)
    found.look()
    return Diff(
        old=RuleSetId(old.name, old.version, old.sha256),
        new=RuleSetId(new.name, new.version, new.sha256),
        changes=changes(old, new, found.fires),
        verdict=found.verdict,
        differences=tuple(sorted(found.told, key=order)),
        bounded=found.bounded,
        not_compared=tuple(found.pair.not_compared),
        cases=None if cases is None else tuple(cases_that_change(old, new, cases)),
    )


_ORDER: Final = [*KINDS]


def order(difference: Difference) -> tuple[int, int, int]:
    drop = abs(difference.old.acuity - difference.new.acuity)
    return _ORDER.index(difference.kind), -drop, -max(difference.old.acuity, difference.new.acuity)
