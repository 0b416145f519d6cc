"""Hypothesis strategies, and `assert_consistent` for the tests of your own rules.

Needs hypothesis; `import calf_triage` does not import this. `st.from_type(RuleSet)` gives `rule_sets()`.

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

from collections.abc import Iterable, Mapping
from random import Random
from typing import Final

from attrs import define
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from calf_triage._assessment import SelfCare
from calf_triage._findings import UNSURE, Acuity, Answer, Finding
from calf_triage._rules import Example, Rule, RuleSet
from calf_triage._triage import bundled_rules, triage
from calf_triage.check import check, with_benign_rest
from calf_triage.check.laws import LAWS, Law, View
from calf_triage.interview import RESTS, Interview
from calf_triage.readings.plain import every_criterion
from calf_triage.strategies.made_up import made_up

Answers = dict[str, Answer]
MOST_CHANGES = 3
MOST_TRIES: Final = 500
"""How often a patient is made smaller before what is left is shown."""


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


def rule_sets(most_findings: int = 12, most_rules: int = 12) -> st.SearchStrategy[RuleSet]:
    """Small made-up rule sets that the loader accepts, of few findings and rules first.

    They have findings of all three types, some hanging from others, named criteria and scores, rules of every rung,
    advice with contraindications, red flags and clinical floors; and they hold the laws.
    """
    # A seed, not a Random that hypothesis drives: that one takes minutes to make smaller what fails.
    return st.builds(
        lambda findings, rules, seed: made_up(Random(seed), findings, rules),  # noqa: S311 - it keeps no secret
        st.integers(1, most_findings),
        st.integers(0, most_rules),
        st.integers(0, 2**32),
    )


def assert_consistent(rules: RuleSet, *, max_examples: int = 40) -> None:
    """The one call that the tests of a rule set need: its lints, then the laws of triage on made-up patients.

    A test of yours is `assert_consistent(load_rules("my_rules"))`. It always tries the same patients, max_examples of
    them and as many of the rules' own examples, and keeps nothing between runs, so it never passes once and fails the
    next time. What it finds is a fault; that it finds none proves nothing: `calf-triage verify` does.
    Raises AssertionError with every line of `check`, and every violated law with the smallest patient who shows it.
    """
    if not __debug__:
        raise AssertionError("python -O takes the laws of the interview away; run without -O")
    found = [f"check: {line}" for line in check(rules)]
    broken = _broken_laws(rules, max_examples)
    found += [broken[law] for law in LAWS if law in broken]
    found += _broken_interview(rules, max_examples)
    if found:
        count = f"{len(found)} fault{'' if len(found) == 1 else 's'}"
        raise AssertionError("\n\n".join([f"{rules.name} {rules.version} is not consistent: {count}", *found]))


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
    silent = rules.findings.not_applicable(given)
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
            assert self.interview.answers.items() <= before.items(), "going back gave an answer"
            assert self.interview.screen is not None, "going back leads nowhere"

        @rule()
        def save_and_resume(self) -> None:
            """What is saved goes on where it was."""
            text = self.interview.to_json()
            resumed = Interview.from_json(text, using, engine="plain")
            assert resumed.to_json() == text, "a save does not come back the same"
            assert resumed.screen == self.interview.screen or resumed.screen is not None, "a save ends the interview"
            self.interview = resumed

        @invariant()
        def is_what_triage_says(self) -> None:
            """One call with all the answers says the same."""
            found = self.interview.assessment
            assert found == triage(self.interview.answers, rules=using, engine="plain"), "`triage` says something else"
            if isinstance(found.disposition, SelfCare):
                assert found.not_excluded is Acuity.SELF_CARE, "self-care past a rule that is not ruled out"
            if found.acuity is Acuity.EMERGENCY:
                assert self.interview.screen is None, "asks on in an emergency"

        @invariant()
        def asks_nothing_again(self) -> None:
            """Neither what was answered nor what was declined."""
            screen = self.interview.screen
            asked = {question.id for question in screen.questions} if screen is not None else set()
            assert asked.isdisjoint(self.interview.answers), "asks again what was answered"
            assert asked.isdisjoint(self.interview.not_said), "asks again what was declined"

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
    return {
        int(criterion.value or 0)
        for criterion in every_criterion(rules)
        if criterion.name == name and criterion.form in ("at_least", "below")
    }


# -- the laws on one rule set ------------------------------------------------------------------------------------------


def _settings(max_examples: int, *, shrink: bool) -> settings:
    """Deterministic, silent, and without a memory."""
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if shrink else [])]
    return settings(
        max_examples=max_examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=phases,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
    )


def _broken_laws(rules: RuleSet, max_examples: int) -> dict[Law, str]:
    """The laws that do not hold, each with what is wrong and the smallest patient."""
    broken: dict[Law, Answers] = {}

    @_settings(max_examples, shrink=False)
    @given(st.one_of(quiet_answers(rules), red_flag_answers(rules), answers(rules)))
    def collect(given: Answers) -> None:
        _note_violations(rules, given, broken)

    # Examples first: who wrote them had the rule in mind. Of many, some of each part of the ladder.
    shown = [with_benign_rest(rules, example.given) for each in rules for example in each.examples if example.fires]
    for example_given in shown[:: len(shown) // max_examples + 1]:
        _note_violations(rules, example_given, broken)
    collect()
    return {law: _told(law, rules, given) for law, given in broken.items()}


def _note_violations(rules: RuleSet, given: Answers, broken: dict[Law, Answers]) -> None:
    for law in LAWS:
        if law not in broken and _violation(law, rules, given) is not None:
            broken[law] = given


def _violation(law: Law, rules: RuleSet, given: Answers) -> str | None:
    """What a law finds wrong, None where it holds. An error on the way is wrong too."""
    try:
        law(View(), rules, given)
    except AssertionError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, no answer may raise it
        return f"{type(error).__name__} instead of an answer"
    return None


def _told(law: Law, rules: RuleSet, given: Answers) -> str:
    """A violated law in words: its name, what it says, what is wrong, and the smallest patient."""
    patient = _Patient(rules, given)
    patient.shrink(law)
    said = " ".join((law.__doc__ or "").split())
    return f"{law.__name__}: {said}\n  {_violation(law, rules, patient.answers)}\n{patient}"


@define
class _Patient:
    """Answers on which something is wrong. told: those that matter; rest_benign: all others have the benign answer."""

    rules: RuleSet
    told: Answers
    rest_benign: bool = False

    @property
    def answers(self) -> Answers:
        return with_benign_rest(self.rules, self.told) if self.rest_benign else self.told

    def shrink(self, law: Law) -> None:
        """Leaves out whatever can be left out, so that the law is still violated."""
        by_id = self.rules.findings.by_id
        odd = {name: said for name, said in self.told.items() if said != by_id[name].shown(by_id[name].benign)}
        # Few words tell a patient who is well but for a few things; often the rest need not even be told.
        for told, rest_benign in ((odd, False), (odd, True)):
            if _violation(law, self.rules, _Patient(self.rules, told, rest_benign).answers) is not None:
                self.told, self.rest_benign = told, rest_benign
                break
        tries = 0
        size = max(len(self.told) // 2, 1)
        while tries < MOST_TRIES and self.told:
            smaller = None
            names = list(self.told)
            for start in range(0, len(names), size):
                tries += 1
                left_out = set(names[start : start + size])
                fewer = {name: said for name, said in self.told.items() if name not in left_out}
                if _violation(law, self.rules, _Patient(self.rules, fewer, self.rest_benign).answers) is not None:
                    smaller = fewer
                    break
            if smaller is not None:
                self.told = smaller
                size = min(size, max(len(smaller) // 2, 1))
            elif size == 1:
                return
            else:
                size //= 2

    def __str__(self) -> str:
        lines = [f"    {line}" for line in _in_words(self.rules, self.told)] or ["    nothing is answered"]
        if self.rest_benign:
            lines = [*(lines if self.told else []), "    to everything else that applies, the benign answer"]
        return "\n".join(["  the smallest patient:", *lines])


def _in_words(rules: RuleSet, given: Answers) -> Iterable[str]:
    for name in applicable(rules, given):
        finding, said = rules.findings.by_id[name], given[name]
        labels = {choice.id: choice.label for choice in finding.choices}
        word = (
            {True: "yes", False: "no"}.get(said, str(said)) if isinstance(said, bool) else labels.get(str(said), said)
        )
        yield f"{finding.asks} ({name}): {word}"


def _broken_interview(rules: RuleSet, max_examples: int) -> list[str]:
    machine = interview_machine(rules)
    last: list[Interview] = []

    class Recorded(machine):  # type: ignore[misc, valid-type]
        def teardown(self) -> None:
            last[:] = [self.interview]

    try:
        # An interview has many steps, each of which costs as much as a patient of the laws.
        few = settings(_settings(max(max_examples // 10, 1), shrink=True), stateful_step_count=10)
        run_state_machine_as_test(Recorded, settings=few)
    except HypothesisException:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, no interview may raise it
        wrong = str(error) or f"{type(error).__name__} on the way"
        patient = _Patient(rules, dict(last[0].answers) if last else {})
        return [f"interview: an interview on any path keeps to what `triage` says\n  {wrong}\n{patient}"]
    return []
