"""Explanations: exact, against every set of answers tried one by one; safe to read; and honest about where they end."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations, pairwise
from random import Random
from typing import Any, cast

import pytest
from attrs import evolve, fields, has
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calf_triage import UNSURE, Acuity, Assessment, RuleSet, strategies, triage
from calf_triage._assessment import RuleSetId
from calf_triage._findings import Finding, Kind, Value
from calf_triage._rules import Retired
from calf_triage._text import Node, Table
from calf_triage.check.laws import completions
from calf_triage.explain import Changed, Explanation, Part, Way, explain
from calf_triage.explain.search import Changes, Space, State, above, applied, cells
from tests import _laws as laws
from tests import generated
from tests._laws import Answers, by_plain
from tests._rules import MINI, RULES

AMPLE = 300.0
"""Seconds that no search here needs, however slow the machine."""
MINI_CASES: list[Answers] = [
    {},
    {"calf_pain": True, "pain_worst_of_10": 6},
    {"one_leg_swollen": True, "breathless": False},
    {"breathless": UNSURE, "one_leg_swollen": False, "cancer": False},
    {"calf_pain": True, "cancer": True, "bed_days": 1, "one_leg_swollen": False, "breathless": False},
    MINI.benign(given={"age_years": 40, "leg_weakness": True, "activity": "sitting"}),
    MINI.benign(given={"age_years": 40, "calf_pain": True, "pain_worst_of_10": 6}),
    MINI.benign(given={"age_years": 12, "leg_weakness": True, "activity": "sitting"}),
    MINI.benign(given={"age_years": 40, "one_leg_swollen": True, "girth_difference_cm": 3.5, "cancer": True}),
    MINI.benign(given={"age_years": 40, "calf_pain": True, "cancer": UNSURE}),
]
quick = settings(
    max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def explained(answers: Answers, rules: RuleSet = RULES) -> Explanation:
    return by_plain(answers, rules).explain(rules)


@st.composite
def small(draw: st.DrawFn) -> tuple[RuleSet, Answers]:
    """A small made-up rule set with answers to it, half of them whole; now and then one of its findings is fixed."""
    rules = draw(generated.rule_sets(most_findings=5, most_rules=4))
    values = draw(generated.answers(rules))
    answers = {name: rules.findings.by_id[name].shown(value) for name, value in values.items()}
    if draw(st.booleans()):
        answers = laws.complete(rules, answers, laws.benignly)
    by_id = {name: evolve(one, fixed=draw(st.integers(0, 4)) == 0) for name, one in rules.findings.by_id.items()}
    return evolve(rules, findings=evolve(rules.findings, by_id=by_id)), answers


# -- every set of answers, tried one by one ----------------------------------------------------------------------------


def may_change(finding: Finding, was: Value | None, to: Value) -> bool:
    """What the search may propose, told once more."""
    if to in (UNSURE, was):
        return False
    if was is None or was == UNSURE:
        return True
    if finding.kind in (Kind.RISK_FACTOR, Kind.CONTEXT) or finding.unit == "years":
        return False
    return not finding.fixed or (was is False and to is True)


def every_change(rules: RuleSet, values: dict[str, Value]) -> list[tuple[str, Value]]:
    found: list[tuple[str, Value]] = []
    for name, answers in laws.telling(rules).items():
        finding = rules.findings.by_id[name]
        for answer in answers:
            to = laws.checked(rules, {name: answer})[name]
            if may_change(finding, values.get(name), to):
                found.append((name, to))
    return found


def can_be_given(rules: RuleSet, values: dict[str, Value], changes: Changes) -> bool:
    """Whether all that is new is asked: below a question only once it is answered, and not with no."""
    after = applied(rules, values, changes)
    for name, to in changes:
        if after.get(name) != to:
            return False
        above_it = rules.findings.by_id[name].only_if
        while above_it is not None:
            if name not in values and above_it not in after:
                return False
            above_it = rules.findings.by_id[above_it].only_if
    return True


def in_cells(rules: RuleSet, changes: Iterable[tuple[str, Value]]) -> frozenset[tuple[str, object]]:
    """The changes, with the cell of a number in its place."""
    of = cells(rules)
    return frozenset(
        (name, next(cell for cell in of[name] if cell.low <= int(to) <= cell.high) if name in of else to)
        for name, to in changes
    )


def by_brute_force(rules: RuleSet, answers: Answers, sooner: bool, most: int) -> set[frozenset[tuple[str, object]]]:
    """The smallest sets of changes, by triage of them all."""
    values = laws.checked(rules, answers)
    now = by_plain(answers, rules).acuity
    every = every_change(rules, values)
    found: set[frozenset[tuple[str, object]]] = set()
    for size in range(1, most + 1):
        more: set[frozenset[tuple[str, object]]] = set()
        for chosen in combinations(every, size):
            changes = frozenset(chosen)
            if len(dict(chosen)) < size or not can_be_given(rules, values, changes):
                continue
            told = in_cells(rules, changes)
            if any(smaller <= told for smaller in found):
                continue
            acuity = by_plain(shown(rules, applied(rules, values, changes)), rules).acuity
            if acuity > now if sooner else acuity < now:
                more.add(told)
        found |= more
    return found


def shown(rules: RuleSet, values: dict[str, Value]) -> Answers:
    return {name: rules.findings.by_id[name].shown(value) for name, value in values.items()}


def changes_of(rules: RuleSet, way: Way) -> Changes:
    return frozenset(laws.checked(rules, {change.finding: change.to}).popitem() for change in way.changes)


def found_by_search(rules: RuleSet, answers: Answers, sooner: bool, most: int) -> set[frozenset[tuple[str, object]]]:
    explanation = explained(answers, rules)
    ask = explanation.what_would_raise if sooner else explanation.what_would_lower
    ways = ask(seconds=AMPLE, most=most).ways
    found = [in_cells(rules, changes_of(rules, way)) for way in ways]
    assert len(set(found)) == len(found), "the same set twice"
    return set(found)


@pytest.mark.parametrize("number", range(len(MINI_CASES)))
def test_on_the_small_set_the_search_finds_just_what_trying_every_set_finds(number: int) -> None:
    """Raising and lowering, one answer to three: neither more nor less than brute force."""
    answers = MINI_CASES[number]
    for sooner in (True, False):
        assert found_by_search(MINI, answers, sooner, 3) == by_brute_force(MINI, answers, sooner, 3)


def test_on_made_up_rules_the_search_finds_just_what_trying_every_set_finds() -> None:
    """Raising and lowering, one answer and two: neither more nor less than brute force."""
    sizes: set[int] = set()

    @quick
    @given(small())
    def holds(made: tuple[RuleSet, Answers]) -> None:
        rules, answers = made
        for sooner in (True, False):
            found = found_by_search(rules, answers, sooner, 2)
            assert found == by_brute_force(rules, answers, sooner, 2)
            sizes.update(len(one) for one in found)

    holds()
    assert sizes == {1, 2}


WHOLE: list[Answers] = [
    {"calf_pain": True, "pop_or_kick": True},
    RULES.benign(given={"age_years": 40, "leg_weakness": True, "activity_level": "inactive"}),
    RULES.benign(given={"age_years": 50, "one_leg_bigger": True, "calf_pain": True}),
    RULES.benign(given={"age_years": 50, "calf_pain": True, "pain_side": "one_leg", "pain_began": "shoes"}),
    RULES.benign(given={"age_years": 50, "breathless": UNSURE}),
    RULES.benign(given={"age_years": 70, "feet_tingling": True, "falls_12_months": True}),
]
CALM = WHOLE[1]
EVERY_RUNG: list[Answers] = [*WHOLE, {}, {"breathless": True}, RULES.benign(given={"age_years": 50})]


@pytest.mark.parametrize("number", range(len(WHOLE)))
def test_on_the_bundled_rules_the_search_finds_just_the_single_answers_that_trying_them_all_finds(number: int) -> None:
    """Of all single answers, those that raise and those that lower; brute force finds no other."""
    for sooner in (True, False):
        assert found_by_search(RULES, WHOLE[number], sooner, 1) == by_brute_force(RULES, WHOLE[number], sooner, 1)


def test_the_goals_of_the_search_say_what_the_resolution_says() -> None:
    """Above each rung: the search's goals are reached just where the library's own answer is more acute than it."""
    reached = set()

    def agrees(rules: RuleSet, answers: Answers) -> None:
        acuity = by_plain(answers, rules).acuity
        state = State(Space(rules, laws.checked(rules, answers), {}), frozenset())
        for rung in list(Acuity)[:-1]:
            assert state.reached(above(rules, rung)) == (acuity > rung)
        reached.add(acuity)

    @settings(quick, max_examples=70)
    @given(st.one_of(strategies.quiet_answers(RULES), strategies.answers(RULES)))
    def on_the_rules(answers: Answers) -> None:
        agrees(RULES, answers)

    @settings(quick, max_examples=70)
    @given(small())
    def on_made_up_rules(made: tuple[RuleSet, Answers]) -> None:
        agrees(*made)

    on_the_rules()
    assert reached == set(Acuity)
    on_made_up_rules()


def test_larger_ways_hold_what_they_promise_and_nothing_to_spare() -> None:
    """Each way leads where it says, by `triage`; no part of it that can be given does; shortest first."""
    larger = 0
    for answers in WHOLE:
        explanation = explained(answers)
        values, now = laws.checked(RULES, answers), explanation.assessment.acuity
        for sooner, found in (
            (True, explanation.what_would_raise(seconds=AMPLE)),
            (False, explanation.what_would_lower(seconds=AMPLE)),
        ):
            assert [len(way.changes) for way in found.ways] == sorted(len(way.changes) for way in found.ways)
            for way in Random(1).sample(found.ways, min(40, len(found.ways))):
                changes = changes_of(RULES, way)
                after = by_plain(shown(RULES, applied(RULES, values, changes)), RULES)
                assert (after.acuity, after.settled) == (way.acuity, way.settled)
                assert after.acuity > now if sooner else after.acuity < now
                for change in changes:
                    part = changes - {change}
                    if part and can_be_given(RULES, values, part):
                        less = by_plain(shown(RULES, applied(RULES, values, part)), RULES).acuity
                        assert less <= now if sooner else less >= now
                larger += len(changes) > 1
    assert larger > 10


def test_only_what_can_change_or_is_not_known_is_proposed() -> None:
    """No answer becomes unsure; age, risk factors and context stay; what has happened is not undone."""

    @settings(quick, max_examples=20)
    @given(strategies.answers(RULES))
    def holds(answers: Answers) -> None:
        explanation = explained(answers)
        values = laws.checked(RULES, answers)
        for found in (explanation.what_would_raise(seconds=AMPLE, most=1), explanation.what_would_lower(seconds=AMPLE)):
            for way in found.ways:
                for name, to in changes_of(RULES, way):
                    assert may_change(RULES.findings.by_id[name], values.get(name), to), name

    holds()


def test_a_pop_stays_a_pop_and_can_still_happen() -> None:
    """A fixed yes is never lowered by a no; a fixed no may become a yes."""
    popped = explained(RULES.benign(given={"age_years": 40, "calf_pain": True, "pop_or_kick": True}))
    lowered = popped.what_would_lower(seconds=AMPLE)
    assert (lowered.ways, lowered.complete) == ((), True)
    calm = explained(RULES.benign(given={"age_years": 40, "calf_pain": True}))
    assert "pop_or_kick" in {way.changes[0].finding for way in calm.what_would_raise(seconds=AMPLE, most=1).ways}


def test_histories_are_fixed_and_nothing_else_that_never_changes_needs_to_be() -> None:
    """How and when something began is fixed; risk factors and context need no such word."""
    by_id = RULES.findings.by_id
    for name in ("pain_began", "pain_duration", "swelling_time", "weakness_onset", "fatigue_began", "imbalance_onset"):
        assert by_id[name].fixed, name
    for name in ("fainted", "pop_or_kick", "falls_12_months", "bone_crack_heard", "face_droop"):
        assert by_id[name].fixed, name
    for name in ("breathless", "pain_worst_24h_of_10", "pain_side", "one_leg_bigger", "calf_girth_difference_cm"):
        assert not by_id[name].fixed, name
    assert not any(one.fixed for one in by_id.values() if one.kind in (Kind.RISK_FACTOR, Kind.CONTEXT))


def test_cells_hold_what_no_rule_can_tell_apart() -> None:
    """Numbers of one cell, both its ends among them, end alike; the cells of a finding cover its range."""
    for rules, base in ((MINI, MINI_CASES[5]), (MINI, MINI_CASES[4]), (RULES, WHOLE[1]), (RULES, WHOLE[3])):
        for name, parts in cells(rules).items():
            finding = rules.findings.by_id[name]
            assert (parts[0].low, parts[-1].high) == (finding.low, finding.high)
            for before, after in pairwise(parts):
                assert before.high + 1 == after.low
            for cell in parts:
                seen = set()
                for value in {cell.low, (cell.low + cell.high) // 2, cell.high}:
                    above_it = {up: True for up, below in rules.findings.below.items() if name in below}
                    answers = laws.complete(rules, {**base, **above_it, name: finding.number(value)}, laws.benignly)
                    found = by_plain(answers, rules)
                    seen.add((found.acuity, tuple(rule.id for rule in found.because)))
                assert len(seen) == 1, name


# -- where a search ends -----------------------------------------------------------------------------------------------


def test_a_search_that_is_cut_short_says_so() -> None:
    """No time: nothing is claimed to be all. A bound on the size: said too. Otherwise complete."""
    explanation = explained(WHOLE[2])
    none = explanation.what_would_lower(seconds=0)
    assert (none.ways, none.complete) == ((), False)
    assert none.why == "There may be more; the search stopped after 0 seconds."
    one = explanation.what_would_raise(seconds=AMPLE, most=1)
    assert not one.complete
    assert one.why == "There may be more: only sets of 1 answer were looked for."
    every = explanation.what_would_lower(seconds=AMPLE)
    assert every.complete
    assert every.why == "There is no other way."


def test_what_is_called_complete_is_complete() -> None:
    """Where the search with fewer answers says there is no other way, one with more finds none."""
    complete = 0
    for answers in WHOLE:
        explanation = explained(answers)
        for ask in (explanation.what_would_raise, explanation.what_would_lower):
            for most in (1, 3):
                found = ask(seconds=AMPLE, most=most)
                if found.complete:
                    complete += 1
                    assert ask(seconds=AMPLE, most=most + 2).ways == found.ways
    assert complete > 3


def test_the_ends_of_the_ladder_have_nothing_beyond_them() -> None:
    """An emergency is not raised, and self-care not lowered; both are told as complete."""
    assert explained({"breathless": True}).what_would_raise().complete
    calm = explained(WHOLE[1])
    assert calm.assessment.acuity is Acuity.SELF_CARE
    assert (calm.what_would_lower().ways, calm.what_would_lower().complete) == ((), True)


def test_an_unfinished_answer_names_the_open_questions() -> None:
    """Few open questions are given as answers that lower; many are counted."""
    nothing = explained({})
    lowered = nothing.what_would_lower(seconds=AMPLE)
    assert lowered.ways == ()
    assert lowered.open_questions == len(nothing.assessment.unanswered) > 50
    assert str(lowered.open_questions) in lowered.why
    almost = {name: answer for name, answer in WHOLE[1].items() if name not in ("saddle_numb", "foot_colder")}
    (way,) = explained(almost).what_would_lower(seconds=AMPLE).ways
    assert {(change.finding, change.was, change.to) for change in way.changes} == {
        ("saddle_numb", None, False),
        ("foot_colder", None, False),
    }
    assert (way.acuity, way.settled) == (Acuity.SELF_CARE, True)


# -- sufficient reasons ------------------------------------------------------------------------------------------------


def keeps(rules: RuleSet, answers: Answers, acuity: Acuity) -> bool:
    """Whether these answers alone keep the acuity: on themselves, and on answer sets that say more."""
    every = [answers, *completions(rules, answers)]
    for rule in rules:
        if rule.acuity is Acuity.SELF_CARE:
            # Nothing else leads there often.
            for example in rule.examples[:1]:
                told = laws.complete(rules, {**example.given, **answers}, laws.benignly)
                every.append({name: one for name, one in told.items() if laws.applies(rules, told, name)})
    if acuity is Acuity.SELF_CARE:
        return all(by_plain(more, rules).acuity is acuity for more in every)
    return all(by_plain(more, rules).acuity >= acuity for more in every)


def suffice(explanation: Explanation) -> Answers:
    answers = explanation.assessment.answers
    kept = {said.finding: said.answer for said in explanation.sufficient.answers}
    assert kept.items() <= answers.items(), "not the person's own answers"
    return kept


def test_sufficient_answers_alone_keep_the_acuity() -> None:
    """Every completion of the cited answers alone keeps at least this acuity; for self-care, just this."""
    held: set[Acuity] = set()

    def holds(answers: Answers) -> None:
        explanation = explained(answers)
        acuity = explanation.assessment.acuity
        kept = suffice(explanation)
        if not kept:
            assert not explanation.assessment.settled
            return
        assert keeps(RULES, kept, acuity)
        held.add(acuity)
        if acuity is Acuity.SELF_CARE and answers in EVERY_RUNG:
            for name in kept:
                fewer = {other: answer for other, answer in kept.items() if other != name}
                assert by_plain(fewer, RULES).acuity is not Acuity.SELF_CARE, f"{name} could be left out"

    @settings(quick, max_examples=80)
    @given(small())
    def on_made_up_rules(made: tuple[RuleSet, Answers]) -> None:
        rules, answers = made
        explanation = explained(answers, rules)
        kept = suffice(explanation)
        if kept:
            assert keeps(rules, kept, explanation.assessment.acuity)
        else:
            # It is held by what is still open, or by rules that never lead to less.
            assert not explanation.assessment.settled or keeps(rules, {}, explanation.assessment.acuity)

    for answers in EVERY_RUNG:
        holds(answers)
    assert set(held) == set(Acuity), "a rung is not reached"
    settings(quick, max_examples=25)(given(strategies.answers(RULES))(holds))()
    on_made_up_rules()


@pytest.mark.parametrize("number", range(len(MINI_CASES)))
def test_no_fewer_answers_suffice_on_the_small_set(number: int) -> None:
    """Where they are called the fewest: every smaller set of the answers falls below on some set that says more."""
    explanation = explained(MINI_CASES[number], MINI)
    answers, acuity = explanation.assessment.answers, explanation.assessment.acuity
    kept = suffice(explanation)
    if acuity is Acuity.SELF_CARE:
        assert not explanation.sufficient.fewest
        return
    assert explanation.sufficient.fewest
    if not kept:
        assert not keeps(MINI, answers, acuity)
    for size in range(len(kept)):
        for names in combinations(answers, size):
            assert not keeps(MINI, {name: answers[name] for name in names}, acuity), names


def test_an_unsure_answer_is_what_holds_a_rung_below_its_rule() -> None:
    """Where only unsure answers hold the acuity, the unsure answer is the reason."""
    assert suffice(explained(WHOLE[4])) == {"breathless": UNSURE}


# -- why, and why not --------------------------------------------------------------------------------------------------


def leaves(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        if part.finding:
            yield part
        yield from leaves(part.parts)


def test_each_tree_says_what_the_truth_table_says() -> None:
    """For every rule: met, not met or unknown, as the tests' own reading has it; and the value that was read."""
    words = {True: "met", False: "not_met", None: "unknown"}
    for rules, answers in [(MINI, case) for case in MINI_CASES] + [(RULES, WHOLE[0]), (RULES, WHOLE[5])]:
        explanation = explained(answers, rules)
        values = laws.checked(rules, answers)
        for rule in rules:
            tree = explanation.why_not(rule.id)
            whole = laws.when_truth(rules, values, rule.when)
            assert tree.state == {True: "fired", False: "excluded", None: "open"}[whole]
            criteria = [criterion for key in ("all", "any", "none") for criterion in getattr(rule.when, key)]
            shown_parts = [part for group in tree.parts for part in group.parts]
            assert [part.text for part in shown_parts] == [criterion.text for criterion in criteria]
            for part, criterion in zip(shown_parts, criteria, strict=True):
                assert part.standing == words[laws.truth(rules, values, criterion)]
            for part in leaves(tree.parts):
                assert part.finding is not None
                if not laws.applies(rules, answers, part.finding):
                    assert part.shown == "does not apply"
                elif part.finding not in answers:
                    assert part.shown == "not answered"
                elif answers[part.finding] == UNSURE:
                    assert part.shown == "not sure"
            assert bool(tree.missing) == (tree.state != "fired")


def test_why_has_one_tree_for_each_rule_that_fired_or_is_kept_open_by_unsure_answers() -> None:
    """In the assessment's order, each with its sources."""
    for answers in (*MINI_CASES, WHOLE[4]):
        rules = RULES if answers is WHOLE[4] else MINI
        explanation = explained(answers, rules)
        assessment = explanation.assessment
        ids = [rule.id for rule in assessment.because] + [rule.id for rule in assessment.unsure_of]
        assert [tree.id for tree in explanation.why] == ids
        assert all(tree.sources for tree in explanation.why)


@pytest.mark.parametrize("number", range(len(MINI_CASES)))
def test_near_misses_are_just_the_rules_one_answer_away(number: int) -> None:
    """Each single other answer, tried in turn, fires just the rules that are listed with it."""
    answers = MINI_CASES[number]
    explanation = explained(answers, MINI)
    values, fired = laws.checked(MINI, answers), {rule.id for rule in explanation.assessment.because}
    expected = set()
    for name, every in laws.telling(MINI).items():
        for answer in every:
            change = laws.checked(MINI, {name: answer}).popitem()
            if answer != UNSURE and values.get(name) != change[1]:
                changes = frozenset([change])
                if can_be_given(MINI, values, changes):
                    after = by_plain(shown(MINI, applied(MINI, values, changes)), MINI)
                    told = in_cells(MINI, changes)
                    expected |= {(rule.id, told) for rule in after.because if rule.id not in fired}
    found = {
        (miss.id, in_cells(MINI, [laws.checked(MINI, {change.finding: change.to}).popitem()]))
        for miss in explanation.near_misses
        for change in miss.changes
    }
    assert found == expected
    rungs = [miss.acuity for miss in explanation.near_misses]
    assert rungs == sorted(rungs, reverse=True)
    for miss in explanation.near_misses:
        assert explanation.why_not(miss.id).would_fire == miss.changes


def test_an_unknown_rule_gets_a_near_word_and_a_retired_one_its_successor() -> None:
    """Errors are for people."""
    explanation = explained({}, MINI)
    with pytest.raises(KeyError, match="did you mean 'suspected_clot'"):
        explanation.why_not("suspected_clott")
    retired = evolve(MINI, retired=(Retired("old_clot", "Old", "suspected_clot"),))
    with pytest.raises(KeyError, match="old_clot is retired; it is replaced by suspected_clot"):
        by_plain({}, retired).explain(retired).why_not("old_clot")


def test_an_assessment_is_explained_only_with_its_own_rules() -> None:
    """Other rules are refused in plain words; the bundled ones need not be named."""
    with pytest.raises(ValueError, match="was made with other rules"):
        by_plain({}, MINI).explain()
    with pytest.raises(ValueError, match="was made with other rules"):
        by_plain({}, RULES).explain(MINI)
    assert by_plain({"breathless": True}, RULES).explain().why


def test_the_names_of_other_rules_are_shown_short_and_escaped() -> None:
    """They may come from a file: no control character and no flood reaches a terminal."""
    found = by_plain({}, MINI)
    for name in ("\x1b[2J\nCall nobody", "x" * 100_000):
        other = evolve(found, rule_set=RuleSetId(name, name, name))
        with pytest.raises(ValueError, match="was made with other rules") as error:
            other.explain(MINI)
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 500
        same = evolve(found, rule_set=evolve(found.rule_set, name=name, version=name)).explain(MINI)
        for text in (same.summary(), same.clinician(seconds=0), same.to_json(seconds=0)):
            assert name not in text
            assert MINI.name in text
    odd = evolve(found, answers={f"{number}\x1b": True for number in range(500)})
    with pytest.raises(ValueError, match="cannot be read") as error:
        odd.explain(MINI)
    assert len(str(error.value)) < 5_000
    assert "\x1b" not in str(error.value)


EMERGENCY: Answers = {"breathless": True, "calf_pain": True}


def tampered() -> dict[str, Assessment]:
    """Assessments that say less than their answers do, as a changed file could."""
    true, calm = by_plain(EMERGENCY, RULES), by_plain(CALM, RULES)
    unsure = by_plain(WHOLE[4], RULES)
    nothing = by_plain({}, RULES)
    return {
        "its rung": evolve(calm, answers=true.answers),
        "its rung alone": evolve(true, acuity=Acuity.SELF_CARE),
        "its disposition": evolve(true, disposition=calm.disposition),
        "a rule left out": evolve(true, because=true.because[1:]),
        "an unsure rule left out": evolve(unsure, unsure_of=()),
        "a rule that is none": evolve(true, because=(*true.because, evolve(true.because[0], id="none_such"))),
        "an unsure rule that is none": evolve(unsure, unsure_of=(evolve(unsure.unsure_of[0], id="none_such"),)),
        "what is established": evolve(true, established=Acuity.ROUTINE),
        "what is not excluded": evolve(nothing, not_excluded=Acuity.ROUTINE),
        "settled": evolve(nothing, settled=True),
    }


@pytest.mark.parametrize("what", tampered())
def test_an_assessment_that_says_less_than_its_answers_is_not_explained(what: str) -> None:
    """Whatever of it was changed: plain words, at once, and no answer in them."""
    with pytest.raises(ValueError, match="is not what its answers say; triage them again") as error:
        tampered()[what].explain()
    assert "breathless" not in str(error.value)


def test_an_assessment_of_any_answers_is_explained() -> None:
    """What triage gives is never taken for a changed one, by whichever reading, and through JSON."""

    @settings(quick, max_examples=40)
    @given(strategies.answers(RULES))
    def holds(answers: Answers) -> None:
        found = triage(answers, rules=RULES)
        Assessment.from_json(found.to_json()).explain()
        # Where two readings disagree, both count, and that may be more than the plain one says.
        more = by_plain({**answers, "breathless": True}, RULES)
        if found.because and found.acuity is Acuity.EMERGENCY:
            evolve(found, because=tuple(dict.fromkeys((*more.because, *found.because)))).explain()

    holds()


WRONG_TIME: list[object] = ["x", None, True, [2.0]]
NO_TIME = [float("nan"), float("inf"), float("-inf"), -1, -0.5]


def test_what_is_no_time_and_no_number_is_refused_in_plain_words() -> None:
    """Everywhere a search can be limited, also where nothing would be searched; a nan never means no limit."""
    for answers in (EMERGENCY, CALM, WHOLE[2]):
        explanation = explained(answers)
        takes: list[Callable[..., object]] = [
            explanation.what_would_raise,
            explanation.what_would_lower,
            explanation.clinician,
            explanation.sections,
            partial(explanation.sections, rule="suspected_dvt_wells"),
            explanation.to_json,
        ]
        for take in takes:
            for wrong in WRONG_TIME:
                with pytest.raises(TypeError, match="seconds: expected a number, 0 or more"):
                    take(seconds=wrong)
            for none in NO_TIME:
                with pytest.raises(ValueError, match="seconds: expected a finite number, 0 or more"):
                    take(seconds=none)
        for ask in (explanation.what_would_raise, explanation.what_would_lower):
            for size in (-1, 0, 101, 10**30):
                with pytest.raises(ValueError, match="most: expected a whole number from 1 to 100"):
                    ask(most=size)
            for odd in (1.5, "2", None, True):
                with pytest.raises(TypeError, match="most: a whole number from 1 to 100"):
                    ask(most=cast(Any, odd))


def test_what_is_no_rule_set_no_assessment_and_no_id_is_refused_in_plain_words() -> None:
    """A TypeError that says what was expected; never one from inside."""
    found = by_plain({}, RULES)
    none: list[object] = ["x", 3, {}, found]
    for wrong in none:
        with pytest.raises(TypeError, match="rules: expected a RuleSet"):
            found.explain(cast(Any, wrong))
        if wrong is not found:
            with pytest.raises(TypeError, match="assessment: expected an Assessment"):
                explain(cast(Any, wrong))
    for odd in (3, True, ["suspected_dvt_wells"]):
        with pytest.raises(TypeError, match="rule_id: expected the id of a rule, as a text"):
            found.explain().why_not(cast(Any, odd))


def test_an_acuity_held_from_last_time_is_not_explained_by_these_answers() -> None:
    """Where an answer is more acute than its answers alone, that is said, and nothing is promised to lower it."""
    found, before = by_plain(WHOLE[1], RULES), by_plain(WHOLE[3], RULES)
    held = evolve(found, acuity=before.acuity, disposition=before.disposition)
    explanation = held.explain()
    assert explanation.sufficient.answers == ()
    lowered = explanation.what_would_lower(seconds=AMPLE)
    assert (lowered.ways, lowered.complete) == ((), True)
    assert explanation.sufficient.says == lowered.why
    assert lowered.why in str(explanation)
    assert all(way.changes and way.acuity > held.acuity for way in explanation.what_would_raise(seconds=AMPLE).ways)


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_person_reads_the_emergency_line_first_and_little_after_it() -> None:
    """In an emergency: call, then at most three reasons; nothing about what would make it less urgent."""
    told: list[Answers] = [{"breathless": True}, {"calf_pain": True, "breathless": True, "face_droop": True}]
    for answers in told:
        explanation = explained(answers)
        text = str(explanation)
        assert text.startswith(str(explanation.assessment))
        assert "urgent" not in text
        assert len(text.splitlines()) <= 7


PULLED: Answers = {"age_years": 40, "calf_pain": True, "pain_side": "one_leg", "pain_began": "felt_pull"}
HELD: Answers = RULES.benign(given={**PULLED, "pain_worst_24h_of_10": 5})


def part_of(explanation: Explanation, title: str) -> tuple[str | Table | Node, ...]:
    """A part of the person's version; empty where there is no such part."""
    return next((one.body for one in explanation.sections(seconds=AMPLE) if one.title == title), ())


def told_after(explanation: Explanation, title: str) -> list[str]:
    """The same as lines."""
    return [part.text if isinstance(part, Node) else str(part) for part in part_of(explanation, title)]


def groups(explanation: Explanation) -> dict[str, list[str]]:
    """What would make it more urgent: the lines by what they would lead to."""
    found: dict[str, list[str]] = {}
    lead = ""
    for part in part_of(explanation, "What would make it more urgent"):
        if isinstance(part, Node):
            found[lead].append(part.text)
        elif str(part).endswith("becomes so:"):
            lead = str(part).removesuffix(" if any of these is so, or becomes so:")
            found[lead] = []
    return found


def counted(lines: Iterable[str]) -> int:
    """How many answers lines stand for: those in quotes, and those in "or N more"."""
    found = 0
    for line in lines:
        more = re.search(r"or (\d+) more(?: of the questions)?$", line)
        asked = line.split(": ", 1)[1] if ": " in line else ""
        found += len(re.findall(r'(?:^| or )"', asked)) + (int(more[1]) if more else 0)
    return found


CALLS, TODAY = "Call the emergency number", "Be seen today"
AGAIN = "Answer again at once; until you have, count it as be seen today,"


def test_all_that_means_be_seen_today_is_told_right_after_what_means_an_emergency() -> None:
    """Of single answers none is left out: each is told or counted under the rung that it leads to."""
    for answers in (CALM, WHOLE[3], WHOLE[5]):
        explanation = explained(answers)
        number = explanation.assessment.region.emergency_number
        single = [
            way
            for way in explanation.what_would_raise(seconds=AMPLE, most=1).ways
            if any(one.to != RULES.findings.by_id[one.finding].benign for one in way.changes)
        ]
        found = groups(explanation)
        assert list(found)[:2] == [f"Call {number}", TODAY]
        expected = {
            f"Call {number}": [way for way in single if way.acuity is Acuity.EMERGENCY],
            TODAY: [way for way in single if way.acuity is Acuity.SAME_DAY and way.settled],
            AGAIN: [way for way in single if way.acuity is Acuity.SAME_DAY and not way.settled],
        }
        for lead, ways in expected.items():
            findings = {way.changes[0].finding for way in ways}
            # Two ranges of one number are one line; two choices of a question are two.
            least, most = len(findings), len(ways)
            assert least <= counted(found.get(lead, [])) <= most, lead
            headings = {RULES.findings.by_id[name].heading for name in findings}
            lines = [line for line in found.get(lead, []) if "more of the questions" not in line]
            assert len(lines) == min(12, len(headings))
    text = str(explained(CALM))
    for said in (
        "A pop, a snap or",
        "Cannot take four steps",
        "thigh that is warmer",
        "A black toe",
        "The foot slaps down",
    ):
        assert said in text.split(TODAY + " if any")[1].split(AGAIN)[0], said


def test_a_little_more_urgent_is_never_said_of_be_seen_today() -> None:
    """Where single answers lead to nothing but SAME_DAY and above, nothing is called a little more urgent."""
    little = "Some other answers would make it a little more urgent."
    for answers in (CALM, WHOLE[3]):
        explanation = explained(answers)
        lower = [
            way for way in explanation.what_would_raise(seconds=AMPLE, most=2).ways if way.acuity < Acuity.SAME_DAY
        ]
        if not lower:
            assert little not in str(explained(answers))
    assert little in told_after(explained(CALM), "What would make it more urgent")


def test_where_to_go_and_what_not_to_wait_with_stand_before_any_reason() -> None:
    """Nobody has to have the page at hand: its first line, Where and Do not wait come first, word for word."""
    for answers in EVERY_RUNG:
        explanation = explained(answers)
        page = {block.heading: block.lines for block in explanation.assessment.page()}
        parts = {section.title: section.body for section in explanation.sections(seconds=0)}
        titles = list(parts)
        assert titles[0] == explanation.assessment.page()[0].lines[0]
        reason = next(number for number, title in enumerate(titles) if title.startswith(("What made", "What keeps")))
        for heading in ("Where", "Do not wait"):
            if heading in page:
                assert parts[heading] == tuple(map(Node, page[heading]))
                assert titles.index(heading) < reason
    same_day = str(explained(WHOLE[2]))
    assert same_day.index("\nWhere\n") < same_day.index("\nDo not wait\n") < same_day.index("What made it so")


LESS = "What would make it less urgent"


def test_nobody_reads_what_would_make_a_cause_that_must_not_be_missed_less_urgent() -> None:
    """Where a rule that holds the acuity names one, a person reads no such part; a clinician and a program do."""
    shown_it, hid_it = 0, 0
    for rule in RULES.rules[::3]:
        answers = RULES.benign(given=next(one.given for one in rule.examples if one.fires))
        if rule.acuity in (Acuity.EMERGENCY, Acuity.SELF_CARE) or RULES.findings.check(answers)[1]:
            continue
        explanation = by_plain(answers, RULES).explain()
        assessment = explanation.assessment
        if assessment.acuity in (Acuity.EMERGENCY, Acuity.SELF_CARE):
            continue
        fired = {one.id for one in assessment.because if one.acuity is assessment.acuity}
        dangerous = any(cause.must_not_miss and fired & {*cause.rules} for cause in assessment.differential)
        if dangerous:
            hid_it += 1
            assert LESS not in {section.title for section in explanation.sections(seconds=0)}
        elif assessment.reason == "rules" and not assessment.unsure_of:
            shown_it += 1
            assert LESS in {section.title for section in explanation.sections(seconds=0)}
    assert min(shown_it, hid_it) > 5
    held = explained(WHOLE[2])
    assert "What would lower it" in held.clinician(seconds=1)
    assert json.loads(held.to_json(seconds=1))["would_lower"]["ways"]


def test_a_person_is_never_invited_to_wait_or_to_answer_otherwise() -> None:
    """It stands after "be seen" and "do not wait", names what it hangs on and never the answer that would do."""
    explanation = explained(HELD)
    assert explanation.assessment.acuity is Acuity.ROUTINE
    first, *others, last = told_after(explanation, LESS)
    assert first.startswith("Be seen as it says above. Do not wait to see whether it gets less urgent.")
    assert last == (
        "If you ticked something by mistake, answer again. An answer that is not true makes nothing less urgent."
    )
    ways = explanation.what_would_lower(seconds=AMPLE, most=2).ways
    assert others
    assert ways
    for change in (change for way in ways for change in way.changes):
        if change.finding not in cells(RULES):
            assert f'"{change.asks}": {change.word}' not in "\n".join(others)
    text = str(explanation)
    assert text.index("more urgent") < text.index("less urgent")


def test_neighbouring_numbers_are_told_as_one_range() -> None:
    """Two cells side by side that do the same read as one: "4 of 10 or less"."""
    explanation = explained(HELD)
    ways = explanation.what_would_lower(seconds=AMPLE, most=2).ways
    numbers = {change.word for way in ways for change in way.changes if change.finding == "pain_worst_24h_of_10"}
    assert len(numbers) > 1, "nothing to join"
    joined = [line for line in told_after(explanation, LESS) if "of 10" in line]
    assert len(joined) == 1
    assert joined[0].endswith(": 4 of 10 or less")


def test_while_questions_are_open_only_their_answers_can_make_it_less_urgent() -> None:
    """And how many they are is said."""
    explanation = explained({"wants_stronger_calves": True})
    (only,) = told_after(explanation, LESS)
    number = len(explanation.assessment.unanswered)
    assert only == (
        f"Be seen as it says above. {number} questions are still open; "
        "it could be less urgent only once they are answered."
    )


def test_a_person_reads_no_ids_and_no_possible_causes() -> None:
    """No names of findings, rules or choices, and no words of the trade."""
    ids = {*RULES.findings.by_id, *(rule.id for rule in RULES), *(cause.name for cause in RULES.causes.values())}
    for answers in EVERY_RUNG:
        text = str(explained(answers))
        assert not re.search(r"[a-z]_[a-z]", text)
        assert not [name for name in ids if "_" in name and name in text]
        for word in ("criterion", "acuity", "refuted", "escalation", "diagnosis"):
            assert word not in text


def test_self_care_is_told_as_the_noes_that_keep_it() -> None:
    """By heading, and a heading of which all is no in three words."""
    text = str(explained(WHOLE[1]))
    assert "  - Chest and breath: none of these.\n" in text
    assert "less urgent" not in text


def test_the_ladder_marks_one_rung_and_shades_the_open_ones() -> None:
    """Five rungs, most acute first; the words stand there without any colour, in plain ASCII."""
    for answers in EVERY_RUNG:
        explanation = explained(answers)
        lines = explanation.ladder().splitlines()
        assert [line.split("|")[0].strip() for line in lines] == [
            "Emergency",
            "Same day",
            "Soon",
            "Routine",
            "Self-care",
        ]
        here = [number for number, line in enumerate(lines) if "you are here" in line]
        assert here == [4 - explanation.assessment.acuity]
        assert explanation.ladder().isascii()
        for rung, line in zip(explanation.rungs, lines, strict=True):
            assert ("still open" in line) == rung.still_open
    assert [rung.acuity for rung in explained({}).rungs if rung.still_open] == [
        Acuity.EMERGENCY,
        Acuity.SOON,
        Acuity.ROUTINE,
    ]
    assert not any(rung.still_open for rung in explained(WHOLE[2]).rungs)
    # Unsure of an emergency, and all else answered: that rung alone is open, for nothing lower can follow.
    assert [rung.acuity for rung in explained(WHOLE[4]).rungs if rung.still_open] == [Acuity.EMERGENCY]
    unsure = explained({"breathless": UNSURE}, MINI)
    assert unsure.assessment.settled
    assert [rung.acuity for rung in unsure.rungs if rung.still_open] == [Acuity.EMERGENCY]


def test_html_holds_the_words_and_nothing_that_runs() -> None:
    """What a rule set says is escaped; the picture's words stand in it; text and background are both set."""
    by_id = {name: evolve(one, asks=f"<script>{one.asks}</script>") for name, one in MINI.findings.by_id.items()}
    rules = evolve(MINI, findings=evolve(MINI.findings, by_id=by_id))
    shown_html = by_plain({"calf_pain": True, "cancer": True}, rules).explain(rules)._repr_html_()
    assert "<script>" not in shown_html
    assert "&lt;script&gt;" in shown_html
    assert "you are here" in shown_html
    assert "still open" in shown_html
    for style in re.findall(r'style="([^"]*)"', shown_html):
        assert ("color:#" in style.replace("background:#", "")) <= ("background:" in style)


def test_a_clinician_reads_ids_criteria_sources_and_the_rules() -> None:
    """The acuity, each criterion with its value, what the source says, its link, and which rules decided."""
    explanation = explained(WHOLE[2])
    text = explanation.clinician(seconds=AMPLE)
    (rule,) = [rule for rule in explanation.assessment.because if rule.acuity is Acuity.SAME_DAY]
    assert f"same_day/{rule.id} fires" in text
    assert "[met] one_leg_bigger" in text
    for source in rule.sources:
        assert source.says in text
        assert source.link is None or source.link in text
    assert RULES.sha256 in text
    assert "self_care  one_leg_bigger = no" in text


def test_the_summary_is_short_and_names_yes_no_and_unsure() -> None:
    """Seven lines: the outcome, the weightiest yes first, no, unsure, what is not answered, the rules, the rule set."""
    explanation = explained({**WHOLE[2], "breathless_lying_flat": UNSURE})
    lines = explanation.summary().splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == [
        "Yes",
        "No",
        "Not sure",
        "Not answered",
        "Rules",
        "Rule set",
    ]
    assert lines[0].startswith("SAME_DAY, settled")
    assert lines[1].startswith("Yes: one_leg_bigger; ")
    assert lines[3] == "Not sure: breathless_lying_flat"
    assert lines[4].startswith("Not answered: 0 of ")
    assert lines[6].endswith(RULES.sha256)
    none = explained({"heel_raises_counted": True, "heel_raises_left_count": 0})
    assert "heel_raises_left_count = 0" in none.summary(), "nought is an answer"
    soon = explained(WHOLE[3])
    assert soon.summary().startswith("SOON, within 48 hours, settled; reason: rules")


def test_the_summary_s_noes_are_those_that_speak_about_the_possible_causes() -> None:
    """A back that may hold a tumour: that bladder, bowel, saddle and legs are well comes before all other noes."""
    told: Answers = {"age_years": 63, "back_or_neck_pain_new": True, "cancer_ever": True}
    whole = explained(RULES.benign(given=told)).summary().splitlines()
    assert whole[2].startswith("No: saddle_numb, bladder_change, bowel_change, ")
    part = explained(told)
    total = sum(name not in part.assessment.answers for name in RULES.findings.by_id)
    number, of = map(int, re.findall(r"\d+", part.summary().splitlines()[4])[:2])
    assert (of - number, number <= total) == (3, True)
    assert f"to ask next: {part.assessment.unanswered[0].id}, " in part.summary()
    assert all(len(explained(answers).summary().splitlines()) == 7 for answers in EVERY_RUNG)


def test_json_is_the_same_twice_and_has_every_part() -> None:
    """The same bytes each time; the rungs by their word; the ways with their answers."""
    explanation = explained(WHOLE[2])
    text = explanation.to_json(seconds=AMPLE)
    assert explained(WHOLE[2]).to_json(seconds=AMPLE) == text
    found = json.loads(text)
    assert found["acuity"] == "same_day"
    assert found["ladder"][0] == {"acuity": "emergency", "here": False, "still_open": False}
    assert found["would_lower"]["ways"][0]["changes"][0]["finding"] == "one_leg_bigger"
    assert found["sufficient"]["answers"][0]["answer"] is True
    assert found["rule_set"]["sha256"] == RULES.sha256


@pytest.mark.parametrize("clinician", [False, True])
def test_one_rule_never_stands_without_what_has_to_be_done(clinician: bool) -> None:
    """From SAME_DAY up a rule's part comes after the answer's own first lines; its JSON carries the acuity."""
    for answers in EVERY_RUNG:
        explanation = explained(answers)
        first, *others = explanation.sections(clinician=clinician, rule="suspected_dvt_wells")
        found = json.loads(explanation.to_json(rule="suspected_dvt_wells"))
        page = explanation.assessment.page()[0].lines
        assert (found["acuity"], found["page"]) == (explanation.assessment.acuity.word, [*page])
        assert found["rule"]["id"] == "suspected_dvt_wells"
        assert found["rule_set"]["sha256"] == RULES.sha256
        if explanation.assessment.acuity >= Acuity.SAME_DAY:
            assert (first.title, *first.body) == page
            assert others
        else:
            assert not others


def reprs(value: object) -> Iterator[str]:
    """What each value of an explanation would show on a log, however deep it stands."""
    if isinstance(value, tuple):
        for one in value:
            yield from reprs(one)
    elif has(kind := type(value)):
        yield repr(value)
        for one in fields(cast(Any, kind)):
            yield from reprs(getattr(value, one.name))


def test_no_answer_stands_in_a_repr_or_on_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """What may be logged, an explanation and each of its values, is the same for a yes, a no, unsure or a number.

    So it holds no value, and does not tell which findings were yes; only Part names the finding that it is about.
    """
    answers: Answers = {
        "calf_pain": True,
        "pain_worst_24h_of_10": 9,
        "pain_side": "one_more",
        "breathless_lying_flat": UNSURE,
    }
    with caplog.at_level(logging.DEBUG):
        explanation = explained(answers)
        values = (
            *explanation.why,
            explanation.why_not("suspected_dvt_wells"),
            explanation.sufficient,
            explanation.what_would_raise(seconds=AMPLE, most=1),
            explanation.what_would_lower(seconds=AMPLE, most=2),
            *explanation.near_misses,
            *explanation.rungs,
        )
        assert repr(explanation) == f"<Explanation of {explanation.assessment!r}>"
        told = [*reprs(values)]
    assert len(told) > 100
    # A title may hold a word that is a name too, and a rule may be named as a finding is.
    names = [name for name in RULES.findings.by_id if "_" in name and all(rule.id != name for rule in RULES)]
    for text in told:
        assert "standing" not in text
        assert "state" not in text
        if not text.startswith("Part("):
            assert not [name for name in names if re.search(rf"\b{name}\b", text)], text
        if not text.startswith(("Part(", "NearMiss(", "RuleTree(")):
            # A rule's title may be worded as a question is.
            assert not [one.asks for one in RULES.findings.by_id.values() if one.asks in text], text
        assert "one_more" not in re.sub(r"[a-z_]+ is one_more", "", text)
    # A part is told alike however it stands.
    for other in (True, False, UNSURE):
        again = explained({**answers, "breathless_lying_flat": other}).why_not("suspected_pulmonary_embolism")
        assert [*reprs(again.parts)] == [*reprs(explanation.why_not("suspected_pulmonary_embolism").parts)]
        assert repr(again) == repr(explanation.why_not("suspected_pulmonary_embolism"))
    assert caplog.text == ""


def test_a_changed_number_tells_the_whole_range_that_does_the_same() -> None:
    """The nearest number, and in words all that do the same."""
    found = explained(MINI_CASES[6], MINI).what_would_lower(seconds=AMPLE).ways
    changed: list[Changed] = [change for way in found for change in way.changes if change.finding == "pain_worst_of_10"]
    assert {(change.was, change.to, change.word) for change in changed} <= {(6, 3, "3 of 10 or less")}
