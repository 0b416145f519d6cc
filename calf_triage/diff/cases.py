"""Whole cases that two rule sets answer differently."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from calf_triage._rules import RuleSet
from calf_triage._triage import triage
from calf_triage.diff.values import CASE_WORDS, Answered, CaseChange, CaseWord, answered
from calf_triage.vignettes import Vignette, run


def cases_that_change(old: RuleSet, new: RuleSet, cases: Sequence[Vignette]) -> list[CaseChange]:
    """The cases that change, or cannot be run, those first that are now seen too late."""
    found = []
    for case in cases:
        (before, wrong), (now, also_wrong) = (
            _finished(case, rules, other) for rules, other in ((old, new), (new, old))
        )
        if before is None or now is None or before != now:
            what = _case_word(case, before, now)
            problems = tuple(dict.fromkeys((*wrong, *also_wrong)))
            found.append(CaseChange(case.id, what, case.gold, case.acceptable, before, now, problems))
    return sorted(found, key=lambda change: (CASE_WORDS.index(change.what), -change.gold))


def _finished(case: Vignette, rules: RuleSet, other: RuleSet) -> tuple[Answered | None, tuple[str, ...]]:
    """What a case is answered, finished; a question that the other rules alone ask is left out."""
    alone = other.findings.by_id.keys() - rules.findings.by_id.keys()
    heard = evolve(case, given={name: answer for name, answer in case.given.items() if name not in alone})
    report = run([heard], rules, engine="plain")
    if report.not_run:
        return None, report.not_run[0].problems
    answer = triage(rules.benign(given=heard.given), region=case.region, rules=rules, engine="plain")
    return answered(answer), ()


def _case_word(case: Vignette, before: Answered | None, now: Answered | None) -> CaseWord:
    if before is None or now is None:
        return "cannot be run"
    if now.acuity < before.acuity:
        return "lowered below acceptable" if now.acuity < case.acceptable[0] else "lowered"
    if now.acuity > before.acuity:
        return "raised"
    return "later" if (now.within_hours or 0) > (before.within_hours or 0) else "other"
