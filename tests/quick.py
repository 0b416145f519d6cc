"""Tests as few and as fast as can be, for `python -m tests.mutation`; pytest does not collect them.

Most call tests of the files beside this one, with some of their parameters, or fewer of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import product
from random import Random
from typing import Any

import pytest

from calf_triage import RuleSetError, _folder, _load, load_rules
from calf_triage.readings import durable
from tests import generated, test_api, test_durable, test_loaded, test_loader, test_resolution, test_sat
from tests._rules import MINI
from tests.test_loader import BROKEN, FILES, KINDS, PLANNED, InMemory, expected

Told = dict[str, set[str]]

_parsed = cache(_folder.parsed)
"""What a file holds. Files are not what is changed here; `test_loader` reads them anew."""


def folder(kind: str) -> Any:
    """The mini folder with the changes of one kind laid over it, in memory."""
    files = dict(FILES)
    for path in sorted((BROKEN / kind).rglob("*")):
        if path.is_file() and path.name not in ("expected.txt", "removed.txt"):
            files[path.relative_to(BROKEN / kind).as_posix()] = path.read_bytes().decode("utf-8", "surrogateescape")
    removed = BROKEN / kind / "removed.txt"
    for name in removed.read_text().split() if removed.exists() else ():
        del files[name]
    return InMemory(files)


ALL: list[tuple[str, Any, tuple[str, ...]]] = [(kind, folder(kind), expected(kind)) for kind in KINDS]


def problems(kind: Any) -> tuple[str, ...]:
    try:
        load_rules(kind)
    except RuleSetError as error:
        return error.problems
    return ()


def told_by() -> Told:
    """For each folder, the functions that tell its problems, by the names that mutmut gives them."""
    found: Told = {}

    def recording(problem: Any, names: set[str]) -> Any:
        def recorded(*args: Any, **kwargs: Any) -> None:
            frame: Any = sys._getframe(1)
            while frame is not None and len(names) < 1_000:
                names.add(frame.f_code.co_name.partition("__mutmut_")[0])
                frame = frame.f_back
            problem(*args, **kwargs)

        return recorded

    for kind, where, _ in ALL:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_load, "parsed", _parsed)
            names = found[kind] = set()
            for class_ in (_load._Table, _load._Loader):
                patch.setattr(class_, "problem", recording(class_.problem, names))
            problems(where)
    return found


# Before anything is changed; the processes that try the changed code have it from here.
TOLD_BY = told_by()
PLANNED_FOLDER: Any = InMemory(PLANNED)


def every_kind_of_problem() -> None:
    """`test_loader`: every broken folder is refused in its exact words; those nearest to what is changed come first."""
    changed = os.environ.get("MUTANT_UNDER_TEST", "").rpartition(".")[2].partition("__mutmut_")[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_load, "parsed", _parsed)
        assert problems(PLANNED_FOLDER) == ()
        for _, where, lines in sorted(ALL, key=lambda one: changed not in TOLD_BY[one[0]]):
            assert problems(where) == lines


def loaded() -> None:
    """`test_loaded`: what sound folders say, and what is just right and just wrong."""
    test_loaded.test_the_full_folder_says_what_is_loaded()
    for folders in (test_loaded.SMALL, test_loaded.BUNDLED):
        test_loaded.says_what_is_loaded(test_loaded.texts(folders))
    for case in test_loaded.LARGEST:
        test_loaded.test_what_is_just_right_is_taken_and_what_is_just_wrong_is_told(*case)
    test_loaded.test_names_rest_on_sixteen_others_at_most()
    test_loaded.test_findings_hang_below_sixteen_others_at_most()
    test_loaded.test_names_stand_for_a_thousand_criteria_at_most()


def elsewhere() -> None:
    """`test_loaded`: what no_gain, examples, ages, names and circles may be, and where the bundled rules are."""
    for test in (
        test_durable.test_what_was_worked_out_when_the_rules_were_loaded_is_kept,
        test_loaded.test_a_folder_is_given_by_its_name_too,
        test_loaded.test_the_rules_in_the_package_come_before_those_beside_it,
        test_loaded.test_an_example_says_what_it_hangs_from_only_where_the_rest_is_no,
        test_loaded.test_an_examples_answers_are_those_given_and_the_benign_rest_where_it_says_so,
        test_loaded.test_what_would_be_right_is_listed_up_to_twelve_words,
        test_loaded.test_what_is_wrong_in_a_plan_is_told_word_for_word,
        test_loaded.test_what_is_missing_of_a_measurement_is_told,
        test_loaded.test_a_none_is_found_through_every_name,
        test_loaded.test_laws_and_scores_rest_on_sixteen_names_at_most_too,
        test_loaded.test_all_of_two_and_any_of_two_are_two_rules,
        test_loaded.test_a_plan_without_what_may_be_left_out_says_the_rest,
        test_loaded.test_training_without_gain_is_about_findings_answered_yes_or_no,
        test_loaded.test_the_lowest_age_lies_within_the_ages_that_can_be_answered,
        test_loaded.test_as_many_names_as_there_may_be_are_taken,
        test_loaded.test_a_circle_is_printed_whole_up_to_sixty_names,
        test_loaded.test_fifty_suggestions_are_made_and_a_thousand_problems_told,
    ):
        test()
    with pytest.MonkeyPatch.context() as patch:
        test_loader.test_a_problem_with_the_engine_refuses_the_folder(patch)


READ_BY = {
    "plan.toml": ("_plan", "_pain", "_stop_sign", "_gate", "_ladder", "_named", "_items_in", "_of_type"),
    "ruleset.toml": ("_settings", "_no_gain", "_lowest_age"),
    "findings/": (
        "_read_screen",
        "_read_findings",
        "_finding",
        "_measurement",
        "_choice",
        "_worse",
        "_only_if",
        "_opens",
    ),
    "advice/": ("_read_advice", "_item", "_dose", "_modifications"),
    "routine/": ("_rule", "_then", "_examples", "_look_again", "_given"),
}
"""Of some of the loader's functions, which files they read."""


def near(name: str) -> bool:
    """Whether a file is read by the function that is changed, as far as that is known."""
    changed = os.environ.get("MUTANT_UNDER_TEST", "").partition("__mutmut_")[0].rpartition("ǁ")[2]
    files = [file for file, functions in READ_BY.items() if any(changed.startswith(one) for one in functions)]
    return not files or name.startswith(tuple(files))


def in_parts() -> None:
    """`test_loaded`: each part of a folder taken away, or at its limit."""
    test_loaded.limits_hold(one for one in test_loaded.WHOLE if near(one[0]))
    test_loaded.told_where_missing(one for one in test_loaded.EVERY if near(one[0]))


def in_other_sorts() -> None:
    """`test_loaded`: each part of a folder replaced."""
    test_loaded.told_where_wrong(one for one in test_loaded.EVERY if near(one[0]))


def arguments() -> None:
    """`test_resolution`, `test_api`: what may be given, and who decided."""
    for region, known in test_resolution.COUNTRIES:
        test_resolution.test_a_country_is_two_letters_and_anything_else_is_none(region, known)
    for word in ("c", "", 0, ["plain"]):
        test_api.test_an_unknown_engine_is_refused(word)
    tests: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
        test_resolution.test_who_decided_is_told_word_for_word,
        test_resolution.test_a_child_of_a_process_reads_the_bundled_rules,
        test_api.test_the_bundled_rules_are_read_once,
    )
    for test in tests:
        with pytest.MonkeyPatch.context() as patch:
            test(patch)
    test_resolution.test_the_table_of_opposites_is_what_makes_it()
    test_resolution.test_a_number_parts_the_answers_where_it_stands()


def constructors() -> None:
    """`test_sat`: every constructor is encoded right."""
    for number in (1, 2, 3):
        test_sat.test_every_constructor_is_encoded_right_over_all_answers(number)


def resolution_in_clauses() -> None:
    """`test_sat`: the resolution is encoded as the library resolves, on all but the bundled rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_sat, "RULES", MINI)
        test_sat.test_the_resolution_is_encoded_as_the_library_resolves()


def small_set_in_clauses() -> None:
    """`test_sat`: both encoders prove what holds of the small set."""
    for question in ("RED_FLOOR", "CLINICAL_FLOORS", "MONOTONE"):
        test_sat.test_both_encoders_agree_on_the_small_set(question)


def cells() -> None:
    """`test_sat`: answers in one cell are one to every rule."""
    for finding in test_sat.measurements()[::2]:
        test_sat.test_answers_in_one_cell_are_one_to_every_rule(finding)


def persons() -> None:
    """`test_sat`: one person and another."""
    for test in (
        test_sat.test_a_number_of_a_rule_begins_a_cell_on_both_sides,
        test_sat.test_the_lowest_age_begins_a_cell,
        test_sat.test_what_is_asked_of_one_answer_is_so,
        test_sat.test_who_completes_another_says_all_that_the_other_said,
        test_sat.test_a_mirrored_person_has_left_and_right_the_other_way_round,
        test_sat.test_a_solution_is_told_by_the_benign_answer_where_it_may_be,
        test_sat.test_a_person_like_another_shares_all_but_what_is_apart,
        test_sat.test_nothing_is_absent_of_a_whole_person,
        test_sat.test_what_a_criterion_reads_is_told_through_names_and_scores,
        test_sat.test_gates_of_opposites_are_false_and_are_written_once,
    ):
        test()


def agreement() -> None:
    """`test_durable`: both readings fire the same rules of made-up rule sets."""
    random = Random(2)
    for _ in range(120):
        rules = generated.rule_set(random, random.randint(1, 16), random.randint(1, 16))
        for answered in (0, 0.3, 0.8, 1):
            values = generated.random_answers(random, rules, answered, contradicting=random.random() < 0.2)
            plainly, durably = test_durable.both(rules, values)
            assert plainly == durably
    clean()


def engine() -> None:
    """`test_durable`: all that needs no other process and little time."""
    for form, part, steps in product(("at_least", "below"), ("all", "any", "none"), (-(10**15), 0, 35, 10**15)):
        test_durable.test_a_number_is_compared_exactly_on_its_grid(form, part, steps)
    for test in (
        test_durable.test_what_hangs_below_a_no_counts_as_no_however_deep,
        test_durable.test_unsure_is_neither_yes_nor_no,
        test_durable.test_one_finding_twice_in_a_score_counts_twice,
        test_durable.test_sixty_ways_of_being_met_at_once_are_all_drained,
        test_durable.test_as_many_properties_as_are_let_through_are_read,
        test_durable.test_names_are_hashed_as_the_engine_hashes_them,
        test_durable.test_a_rule_beyond_the_engine_is_refused_by_its_file,
        test_durable.test_no_network_is_larger_than_the_engine_holds,
        test_durable.test_named_criteria_are_settled_before_what_uses_them,
        test_durable.test_a_rule_set_goes_when_nobody_needs_it,
        test_durable.test_every_reach_of_a_score_is_read_alike,
        test_durable.test_what_hangs_below_several_noes_counts_as_no,
        test_durable.test_a_network_with_nothing_to_say_does_not_silence_the_next,
        test_durable.test_a_rule_set_is_planned_once,
        test_durable.test_a_lock_held_at_the_fork_is_free_in_the_child,
        test_durable.test_a_network_holds_as_many_properties_as_a_fact_may_have_and_no_more,
        test_durable.test_a_network_whose_rules_are_half_met_does_not_silence_the_next,
        test_durable.test_a_measurement_below_a_no_counts_as_no_through_a_name,
        test_durable.test_what_was_worked_out_when_the_rules_were_loaded_is_kept,
        partial(test_durable.test_numbers_are_compared_alike_through_a_name, (0,)),
        partial(test_durable.test_numbers_are_compared_alike_through_a_name, (1,)),
        partial(test_durable.test_numbers_are_compared_alike_through_a_name, (-3, 0, 1)),
    ):
        test()
        clean()


def engine_in_trouble() -> None:
    """`test_durable`: limits, failures and what is busy."""
    tests: list[Callable[[pytest.MonkeyPatch], None]] = [
        test_durable.test_names_that_the_engine_cannot_tell_apart_are_refused,
        test_durable.test_without_the_engine_it_says_so,
        test_durable.test_beyond_the_networks_there_may_be_it_is_busy,
        test_durable.test_an_interrupted_call_throws_its_network_away,
        test_durable.test_an_engine_that_keeps_failing_is_given_up,
        test_durable.test_a_call_within_a_call_is_right,
        test_durable.test_an_engine_that_never_stops_firing_is_an_error,
        test_durable.test_what_is_released_is_the_session_and_then_the_network,
        test_durable.test_what_was_lost_counts_among_the_networks_there_may_be,
        test_durable.test_a_name_that_cannot_be_told_apart_is_told_by_its_place,
        test_durable.test_a_number_that_cannot_be_told_apart_is_told_by_its_place,
    ]
    tests += [
        partial(test_durable.test_a_failure_of_one_call_is_one_word, name=name, instead=instead)
        for name, instead in test_durable.FAILURES
    ]
    tests += [
        partial(test_durable.test_a_network_that_cannot_be_built_is_one_word, name=name, instead=instead)
        for name, instead in test_durable.FAILURES_OF_BUILDING
    ]
    tests += [
        partial(failing, name=name, instead=instead, after=after)
        for (name, instead), after in product(test_durable.FAILURES, (0, 1))
    ]
    for test in tests:
        with pytest.MonkeyPatch.context() as patch:
            test(patch)
        clean()


def failing(patch: pytest.MonkeyPatch, name: str, instead: object, after: int) -> None:
    test_durable.test_a_network_that_failed_is_thrown_away_and_the_next_call_is_right(patch, name, instead, after)


def clean() -> None:
    """No networks are left, as after each of the tests."""
    for network in durable._idle:
        network.release()
    for kept in (durable._idle, durable._in_use, durable._lost):
        kept.clear()
