"""The library's laws, looked at through a reading of their own (`truth`), and cases to try them on.

So a fault in the library's reading cannot hide itself. They need no hypothesis, so that any interpreter can run them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from calf_triage import UNSURE, RuleSet
from calf_triage._criteria import Criterion, When
from calf_triage._findings import Value
from calf_triage.check.laws import (
    LAWS,
    Answers,
    Law,
    Triage,
    View,
    advice_is_safe,
    applies,
    benignly,
    by_plain,
    checked,
    clinical_floors_hold,
    complete,
    monotone,
    one_disposition,
    order_means_nothing,
    readings_agree,
    refines,
    settled_stays,
    telling,
)

__all__ = [
    "LAWS",
    "Answers",
    "Law",
    "Triage",
    "advice_is_safe",
    "applies",
    "benignly",
    "by_plain",
    "checked",
    "clinical_floors_hold",
    "complete",
    "monotone",
    "one_disposition",
    "order_means_nothing",
    "probes",
    "readings_agree",
    "refines",
    "seen",
    "settled_stays",
    "telling",
    "truth",
    "when_truth",
]


# -- a reading of its own: yes, no or neither --------------------------------------------------------------------------


def truth(rules: RuleSet, values: Mapping[str, Value], criterion: Criterion | When) -> bool | None:
    """True where a criterion is met, False where it is refuted, None where it is neither."""
    if isinstance(criterion, When):
        return when_truth(rules, values, criterion)
    if criterion.form == "named":
        return when_truth(rules, values, rules.criteria[criterion.name].when)
    if criterion.form == "score":
        items = rules.scores[criterion.name].items
        truths = [truth(rules, values, item.criterion) for item in items]
        least = sum(item.points for item, found in zip(items, truths, strict=True) if found is True)
        most = sum(item.points for item, found in zip(items, truths, strict=True) if found is not False)
        needed = criterion.value
        assert isinstance(needed, int)
        return True if least >= needed else False if most < needed else None
    if not applies(rules, values, criterion.name):
        return False
    if criterion.name not in values:
        return None
    value = values[criterion.name]
    if criterion.form == "unsure":
        return value == UNSURE
    if value == UNSURE:
        return None
    if criterion.form == "yes":
        return value is True
    if criterion.form == "choice":
        return value == criterion.value
    assert isinstance(value, int)
    assert isinstance(criterion.value, int)
    return value >= criterion.value if criterion.form == "at_least" else value < criterion.value


def when_truth(rules: RuleSet, values: Mapping[str, Value], when: When) -> bool | None:
    parts = [truth(rules, values, criterion) for criterion in when.all]
    parts += [None if (found := truth(rules, values, criterion)) is None else not found for criterion in when.none]
    if when.any:
        either = [truth(rules, values, criterion) for criterion in when.any]
        parts.append(True if True in either else None if None in either else False)
    return False if False in parts else None if None in parts else True


def seen(run: Triage = by_plain) -> View:
    """What the laws look through here: what triages, and the reading above."""
    return View(run, lambda rules, values: partial(truth, rules, values))


# -- cases to try them on ----------------------------------------------------------------------------------------------


def probes(rules: RuleSet) -> list[Answers]:
    """Nothing; every answer alone; every example, and every example with the benign rest and one answer changed."""
    found: list[Answers] = [{}]
    of = telling(rules)
    found += [{name: answer} for name, answers in of.items() for answer in answers]
    for rule in rules:
        for example in rule.examples:
            found.append(dict(example.given))
            whole = complete(rules, dict(example.given), benignly)
            if example.fires:
                found += [{**whole, name: answer} for name, answers in of.items() for answer in answers]
            found += [{other: whole[other] for other in whole if other != name} for name in whole]
    if not rules.rules[0].examples:
        found += [complete(rules, answers, benignly) for answers in found]
    applying = [{name: answer for name, answer in one.items() if applies(rules, one, name)} for one in found]
    return list({repr(sorted(one.items())): one for one in applying if not rules.findings.check(one)[1]}.values())
