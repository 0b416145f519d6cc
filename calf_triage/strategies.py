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
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from calf_triage._assessment import SelfCare
from calf_triage._findings import UNSURE, Acuity, Answer, Finding
from calf_triage._rules import Example, Rule, RuleSet
from calf_triage._triage import bundled_rules, triage
from calf_triage.check import with_benign_rest
from calf_triage.interview import RESTS, Interview

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


def interview_machine(rules: RuleSet | None = None) -> type[RuleBasedStateMachine]:
    """A state machine that leads an interview along any path, and holds it to its laws at every step.

    `TestInterview = interview_machine(rules).TestCase` is a test of your own rule set. Its laws: the assessment is what
    `triage` says to all the answers; what was declined is not asked again; self-care is never reached past a rule
    that is not ruled out; the screens that may follow become fewer with each one answered; a save comes back the same.
    """
    using = bundled_rules() if rules is None else rules

    class InterviewMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.interview = Interview(using, engine="plain")

        @precondition(lambda self: self.interview.screen is not None)
        @rule(data=st.data())
        def answer(self, data: st.DataObject) -> None:
            """Some questions answered at random, the rest as a whole."""
            screen = self.interview.screen
            assert screen is not None
            rest = data.draw(st.sampled_from(RESTS))
            told: dict[str, Answer | None] = {}
            for question in screen.questions:
                if rest == "none" and question.finding.type != "yes_no":
                    told[question.id] = question.finding.shown(question.finding.benign)
            odd = st.lists(st.sampled_from(screen.questions), max_size=2, unique_by=lambda question: question.id)
            for question in data.draw(odd):
                told[question.id] = data.draw(st.none() | answer(question.finding, using))
            before = screen.more_at_most
            self.interview.answer(told, rest=rest)
            after = self.interview.screen
            assert after is None or after.more_at_most < before, "more screens than were promised"

        @precondition(lambda self: self.interview.screen is None or self.interview.screen.number > 1)
        @rule()
        def go_back(self) -> None:
            """The last screen's answers are taken back, and it is shown again."""
            before = self.interview.answers
            if not before and not self.interview.not_said:
                return
            self.interview.back()
            assert self.interview.answers.items() <= before.items()
            assert self.interview.screen is not None

        @rule()
        def save_and_resume(self) -> None:
            """What is saved goes on where it was."""
            text = self.interview.to_json()
            resumed = Interview.from_json(text, using, engine="plain")
            assert resumed.to_json() == text
            assert resumed.screen == self.interview.screen or resumed.screen is not None
            self.interview = resumed

        @invariant()
        def is_what_triage_says(self) -> None:
            """One call with all the answers says the same."""
            found = self.interview.assessment
            assert found == triage(self.interview.answers, rules=using, engine="plain")
            if isinstance(found.disposition, SelfCare):
                assert found.not_excluded is Acuity.SELF_CARE
            if found.acuity is Acuity.EMERGENCY:
                assert self.interview.screen is None, "asks on in an emergency"

        @invariant()
        def asks_nothing_again(self) -> None:
            """Neither what was answered nor what was declined."""
            screen = self.interview.screen
            asked = {question.id for question in screen.questions} if screen is not None else set()
            assert asked.isdisjoint(self.interview.answers)
            assert asked.isdisjoint(self.interview.not_said)

    return InterviewMachine


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
