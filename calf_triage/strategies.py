"""Hypothesis strategies for answers, for your own tests. Needs hypothesis; `import calf_triage` does not import this.

>>> from hypothesis import given, settings
>>> from calf_triage import Acuity, SelfCare, triage
>>> @settings(max_examples=10, database=None)
... @given(answers())
... def exercises_stand_only_in_self_care(given):
...     assessment = triage(given)
...     assert isinstance(assessment.disposition, SelfCare) == (assessment.acuity is Acuity.SELF_CARE)
>>> exercises_stand_only_in_self_care()
"""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from calf_triage._findings import UNSURE, Acuity, Answer, Finding
from calf_triage._rules import Example, Rule, RuleSet
from calf_triage._triage import bundled_rules
from calf_triage.check import with_benign_rest

Answers = dict[str, Answer]
MOST_CHANGES = 3


def answers(rules: RuleSet | None = None) -> st.SearchStrategy[Answers]:
    """Answers of every sort, each rung reached often: whole cases, half-told ones, red flags, and nothing at all."""
    using = bundled_rules() if rules is None else rules
    return st.one_of(
        quiet_answers(using),
        _from_examples(using, list(using), half_told=True),
        red_flag_answers(using),
        _told_in_part(using),
    )


def quiet_answers(rules: RuleSet | None = None) -> st.SearchStrategy[Answers]:
    """Whole cases with little to tell: an example of a rule, its rest benign, and up to three answers changed.

    Rungs, not rules, are taken equally often, so that self-care is about as frequent as an emergency.
    """
    using = bundled_rules() if rules is None else rules
    # Most changes lead away from self-care, and few towards it, so it is where twice as many begin.
    begin = (Acuity.SELF_CARE, *Acuity)
    rungs = [[rule for rule in using if rule.acuity is acuity and _firing(rule)] for acuity in begin]
    return st.sampled_from([rung for rung in rungs if rung] or [[]]).flatmap(lambda rung: _from_examples(using, rung))


def red_flag_answers(rules: RuleSet | None = None) -> st.SearchStrategy[Answers]:
    """Whole cases in which at least one red flag is answered yes or unsure; benign ones, if there is no red flag."""
    using = bundled_rules() if rules is None else rules
    flags = [name for name, finding in using.findings.by_id.items() if finding.red_flag]
    if not flags:
        return quiet_answers(using)

    @st.composite
    def compose(draw: st.DrawFn) -> Answers:
        raised = draw(st.lists(st.sampled_from(flags), min_size=1, max_size=2, unique=True))
        yes_or_unsure: list[Answer] = [True, UNSURE]
        given = {name: draw(st.sampled_from(yes_or_unsure)) for name in raised}
        # A flag may hang from another: what hangs from it would fall away if the upper one were answered no.
        return _changed(draw, using, with_benign_rest(using, given), keep=set(given))

    return compose()


def answer(finding: Finding, rules: RuleSet) -> st.SearchStrategy[Answer]:
    """One right answer to a finding; of a measurement, often a number that a rule names or one step beside it."""
    if finding.type == "yes_no":
        return st.sampled_from([True, False, UNSURE])
    if finding.type == "choice":
        return st.sampled_from([*(choice.id for choice in finding.choices), UNSURE])
    near = {finding.low, finding.high, int(finding.benign)}
    near |= {number + step for number in _numbers(rules, finding.id) for step in (-1, 0, 1)}
    steps = st.sampled_from(sorted(number for number in near if finding.low <= number <= finding.high))
    return st.one_of(steps, st.integers(finding.low, finding.high), st.just(UNSURE)).map(finding.shown)


def applicable(rules: RuleSet, given: Mapping[str, Answer]) -> Answers:
    """The answers without those that do not apply, in question order."""
    silent = {name for above, names in rules.findings.below.items() if given.get(above) is False for name in names}
    return {name: given[name] for name in rules.findings.by_id if name in given and name not in silent}


def _told_in_part(rules: RuleSet) -> st.SearchStrategy[Answers]:
    """A few answers to any findings, the rest absent; nothing at all among them."""
    by_id = rules.findings.by_id
    names = st.lists(st.sampled_from(list(by_id)), max_size=12, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({name: answer(by_id[name], rules) for name in chosen})
    ).map(lambda given: applicable(rules, given))


def _from_examples(rules: RuleSet, using: list[Rule], half_told: bool = False) -> st.SearchStrategy[Answers]:
    examples: list[Example] = [example for rule in using for example in (rule.examples if half_told else _firing(rule))]

    @st.composite
    def compose(draw: st.DrawFn) -> Answers:
        given = dict(draw(st.sampled_from(examples)).given) if examples else {}
        if not (half_told and draw(st.booleans())):
            given = with_benign_rest(rules, given)
        return _changed(draw, rules, given)

    return compose()


def _firing(rule: Rule) -> list[Example]:
    return [example for example in rule.examples if example.fires]


def _changed(draw: st.DrawFn, rules: RuleSet, given: Answers, keep: set[str] | frozenset[str] = frozenset()) -> Answers:
    """The answers with up to three of them changed or taken away; those to keep stay, and stay applicable."""
    changed = dict(given)
    kept = keep | {above for name in keep for above in _all_above(rules, name)}
    free = [name for name in rules.findings.by_id if name not in kept]
    number = min(draw(st.sampled_from([0, 0, *range(MOST_CHANGES + 1)])), len(free))
    names = draw(st.lists(st.sampled_from(free), min_size=number, max_size=number, unique=True)) if number else []
    for name in names:
        if draw(st.integers(0, 3)):
            changed[name] = draw(answer(rules.findings.by_id[name], rules))
        else:
            changed.pop(name, None)
    return applicable(rules, changed)


def _all_above(rules: RuleSet, name: str) -> list[str]:
    found: list[str] = []
    above = rules.findings.by_id[name].only_if
    while above is not None:
        found.append(above)
        above = rules.findings.by_id[above].only_if
    return found


def _numbers(rules: RuleSet, name: str) -> set[int]:
    whens = [rule.when for rule in rules] + [named.when for named in rules.criteria.values()]
    criteria = [criterion for when in whens for criterion in when]
    criteria += [item.criterion for score in rules.scores.values() for item in score.items]
    return {
        int(criterion.value or 0)
        for criterion in criteria
        if criterion.name == name and criterion.form in ("at_least", "below")
    }
