"""The columns reading and the batch on top of it: every row gets what `triage` says, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calf_triage import UNSURE, Acuity, Assessment, FindingError, RuleSet, SelfCare, strategies, triage
from calf_triage import batch as batch_module
from calf_triage._findings import Answer, Finding, Value
from calf_triage.batch import OUTPUTS, Batch, arrow_schema, input_schema, output_schema, triage_arrow, triage_frame
from calf_triage.batch._decode import COMPANION, decoded
from calf_triage.readings.columns import Bound, columns, unpacked
from calf_triage.readings.plain import plain
from calf_triage.vignettes import load_vignettes
from tests import generated
from tests._rules import MINI, RULES
from tests.benchmarks.population import population

quick = settings(
    max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
People = Sequence[Mapping[str, Answer]]
Typed = Callable[[Finding, list[Answer | None]], list[pl.Series]]


# -- tables ------------------------------------------------------------------------------------------------------------


def words(finding: Finding, answers: list[Answer | None]) -> list[pl.Series]:
    """Texts, and numbers with a companion."""
    if finding.type == "measurement":
        numbers = [None if answer == UNSURE else answer for answer in answers]
        kind = pl.Float64 if finding.decimals else pl.Int64
        unsure = pl.Series(finding.id + COMPANION, [answer == UNSURE for answer in answers])
        return [pl.Series(finding.id, numbers, kind), unsure]
    said = [("no", "yes")[answer] if isinstance(answer, bool) else answer for answer in answers]
    return [pl.Series(finding.id, said, pl.String)]


def enums(finding: Finding, answers: list[Answer | None]) -> list[pl.Series]:
    """As `input_schema` says."""
    first, *more = words(finding, answers)
    ids = ["no", "yes"] if finding.type == "yes_no" else [choice.id for choice in finding.choices]
    return [first, *more] if more else [first.cast(pl.Enum([*ids, UNSURE]))]


def categoricals(finding: Finding, answers: list[Answer | None]) -> list[pl.Series]:
    """Categoricals, and floats throughout."""
    first, *more = words(finding, answers)
    return [first.cast(pl.Float64), *more] if more else [first.cast(pl.Categorical)]


def truths(finding: Finding, answers: list[Answer | None]) -> list[pl.Series]:
    """Booleans, decimals and texts, each with a companion that says unsure."""
    unsure = pl.Series(finding.id + COMPANION, [True if answer == UNSURE else None for answer in answers], pl.Boolean)
    told = [None if answer == UNSURE else answer for answer in answers]
    if finding.type == "yes_no":
        return [pl.Series(finding.id, told, pl.Boolean), unsure]
    if finding.type == "choice":
        return [pl.Series(finding.id, told, pl.String), unsure]
    decimals = [None if number is None else Decimal(str(number)) for number in told]
    return [pl.Series(finding.id, decimals, pl.Decimal(38, finding.decimals + 1)), unsure]


FORMS: list[Typed] = [words, enums, categoricals, truths]


def table(rules: RuleSet, people: People, typed: Typed = words) -> pl.DataFrame:
    """The answers as columns; findings that nobody answered have none."""
    found = [pl.Series("who", range(len(people)), pl.Int64)]
    for name, finding in rules.findings.by_id.items():
        answers = [each.get(name) for each in people]
        if any(answer is not None for answer in answers):
            found += typed(finding, answers)
    return pl.DataFrame(found)


def outputs(found: Assessment) -> dict[str, object]:
    """The outputs, as the one-at-a-time answer says them."""
    to, care = found.disposition, isinstance(found.disposition, SelfCare)
    return {
        "acuity": found.acuity.word,
        "disposition": "self_care" if care else "escalation",
        "reason": found.reason,
        "established": found.established.word,
        "not_excluded": found.not_excluded.word,
        "settled": found.settled,
        "rules": [rule.id for rule in found.because],
        "causes": [cause.id for cause in found.differential],
        "see": [] if isinstance(to, SelfCare) else [service.id for service in to.see],
        "within_hours": None if isinstance(to, SelfCare) else to.within_hours,
        "look_again_days": to.look_again_days,
        "exercises": [item.id for item in to.advice] if isinstance(to, SelfCare) else [],
        "version": found.rule_set.version,
    }


def same_as_one_at_a_time(rules: RuleSet, people: People, done: Batch) -> set[str]:
    """Asserts it of every row, those that `triage` refuses included; gives the rungs that were reached."""
    aside: dict[int, list[dict[str, Any]]] = {}
    for problem in done.set_aside.iter_rows(named=True):
        aside.setdefault(problem["row"], []).append(problem)
    assert done.assessments.height == len(people)
    reached = set()
    for row, (answers, got) in enumerate(zip(people, done.assessments.iter_rows(named=True), strict=True)):
        got = {name: got[name] for name in OUTPUTS}
        if row in aside:
            with pytest.raises(FindingError) as refused:
                triage(answers, rules=rules, engine="plain")
            assert set(got.values()) == {None}, f"row {row} was set aside and has an answer"
            problems = aside.pop(row)
            told = [f"{each['column']}: {each['reason']}" for each in problems]
            assert sorted(told) == sorted(refused.value.problems)
            rest = refused.value.assessment
            assert {each["acuity_of_rest"] for each in problems} == {rest.acuity.word if rest else None}
            continue
        assert got == outputs(triage(answers, rules=rules, engine="plain")), f"row {row}"
        reached.add(found if isinstance(found := got["acuity"], str) else "")
    assert not aside
    return reached


def random_people(random: Random, rules: RuleSet, count: int) -> list[dict[str, Answer]]:
    """People of every sort, a few of whom contradict themselves."""
    found = []
    for _ in range(count):
        share = random.choice((0.0, 0.3, 0.7, 1.0))
        values = generated.random_answers(random, rules, share, contradicting=random.random() < 0.2)
        found.append({name: rules.findings.by_id[name].shown(value) for name, value in values.items()})
    return found


def from_examples(random: Random, rules: RuleSet) -> list[dict[str, Answer]]:
    """The rules' examples as they stand, with the rest benign, and with an answer taken away or made unsure."""
    found: list[dict[str, Answer]] = []
    for rule in rules:
        for example in rule.examples:
            whole = rules.benign(given=example.given)
            found += [dict(example.given), whole]
            for changed in (dict(whole), dict(whole)):
                name = random.choice(list(changed))
                if random.random() < 0.5:
                    changed[name] = UNSURE
                else:
                    del changed[name]
                found.append(changed)
    return found


# -- every row is what triage says -------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", FORMS)
@pytest.mark.parametrize("rules", [MINI, RULES], ids=["mini", "bundled"])
def test_every_row_is_what_triage_says(rules: RuleSet, typed: Typed) -> None:
    """Each row of a table is answered as `triage` answers it alone, whatever the types of its columns."""
    random = Random(f"{typed.__name__} {rules.name}")
    people = random_people(random, rules, 60) + from_examples(random, rules)
    if rules is RULES:
        people = random.sample(people, 500)
    reached = same_as_one_at_a_time(rules, people, triage_frame(table(rules, people, typed), rules=rules, keep=["who"]))
    assert reached == {acuity.word for acuity in Acuity}


@pytest.mark.parametrize("rules", [MINI, RULES], ids=["mini", "bundled"])
def test_any_patients_of_the_strategies_are_answered_as_triage_answers_them(rules: RuleSet) -> None:
    """The law on the patients that every other law is tried on, twenty to a table."""
    reached: set[str] = set()

    @quick
    @given(st.lists(st.one_of(strategies.answers(rules), strategies.red_flag_answers(rules)), min_size=1, max_size=20))
    def holds(people: list[dict[str, Answer]]) -> None:
        reached.update(
            same_as_one_at_a_time(rules, people, triage_frame(table(rules, people), rules=rules, keep=["who"]))
        )

    holds()
    assert reached == {acuity.word for acuity in Acuity}


def test_it_holds_on_made_up_rule_sets() -> None:
    """The law does not depend on today's rules: it holds on made-up ones, the loosest shape included."""
    made_up = st.one_of(strategies.rule_sets(), generated.rule_sets())

    @settings(quick, max_examples=60)
    @given(made_up, st.integers(0, 2**32), st.sampled_from(FORMS))
    def holds(rules: RuleSet, seed: int, typed: Typed) -> None:
        random = Random(seed)
        people = random_people(random, rules, random.choice((1, 7, 70)))
        same_as_one_at_a_time(rules, people, triage_frame(table(rules, people, typed), rules=rules, keep=["who"]))

    holds()


def test_whole_cases_are_answered_as_triage_answers_them() -> None:
    """Every published case, finished, and every fourth as coded."""
    cases = load_vignettes(Path(__file__).parent / "vignettes", RULES)
    # As coded, much is left to ask, which is what takes long one at a time.
    people = [case.given for case in cases[::4]] + [RULES.benign(given=case.given) for case in cases]
    done = triage_frame(table(RULES, people), keep=["who"])
    assert same_as_one_at_a_time(RULES, people, done) == {acuity.word for acuity in Acuity}
    assert done.set_aside.is_empty()


def test_every_age_is_answered_as_triage_answers_it() -> None:
    """Whoever self-care fits but for the age: unsure, not said, too young, and just old enough."""
    reasons: set[str] = set()
    # Without the rules above self-care, the age alone decides.
    alone = evolve(RULES, rules=tuple(rule for rule in RULES if rule.acuity is Acuity.SELF_CARE))
    for rules in (MINI, RULES, alone):
        people: list[dict[str, Answer]] = []
        for rule in rules:
            if rule.acuity is Acuity.SELF_CARE:
                whole = rules.benign(given=next(example.given for example in rule.examples if example.fires))
                ages: list[Answer] = [UNSURE, rules.lowest_age - 1, rules.lowest_age]
                people += [{**whole, "age_years": age} for age in ages]
                people.append({name: answer for name, answer in whole.items() if name != "age_years"})
        done = triage_frame(table(rules, people), rules=rules, keep=["who"])
        same_as_one_at_a_time(rules, people, done)
        reasons |= set(done.assessments["reason"])
    assert reasons >= {"age_unsure", "unfinished", "under_age", "rules", "unsure"}


def test_the_made_up_population_is_answered_as_triage_answers_it() -> None:
    """What the benchmark measures is right, too, and each form of its columns says the same of it."""
    frame = population(RULES, 300)
    people = [
        {
            name: {"yes": True, "no": False}.get(answer, answer)
            for name, answer in row.items()
            if answer is not None and name in RULES.findings.by_id
        }
        | {name.removesuffix(COMPANION): UNSURE for name in row if name.endswith(COMPANION) and row[name] is True}
        for row in frame.iter_rows(named=True)
    ]
    reached = same_as_one_at_a_time(RULES, people, triage_frame(frame, keep=["patient"]))
    assert reached == {acuity.word for acuity in Acuity}
    in_words = triage_frame(population(RULES, 300, form="words"), keep=["patient"])
    assert in_words.assessments.equals(triage_frame(frame, keep=["patient"]).assessments)


def test_the_columns_reading_finds_what_the_plain_one_finds() -> None:
    """Every bound of every rule and criterion is that of the plain reading: met, refuted, and what might be."""

    @settings(quick, max_examples=40)
    @given(generated.rule_sets(), st.integers(0, 2**32))
    def holds(rules: RuleSet, seed: int) -> None:
        random = Random(seed)
        values = [generated.random_answers(random, rules, random.choice((0.2, 0.7, 1.0))) for _ in range(9)]
        bounds_agree(rules, values)

    holds()
    bounds_agree(RULES, [RULES.findings.check(case)[0] for case in from_examples(Random(1), RULES)[:200]])


def bounds_agree(rules: RuleSet, people: Sequence[Mapping[str, Value]]) -> None:
    shown = [{name: rules.findings.by_id[name].shown(value) for name, value in each.items()} for each in people]
    arrays = {each.name: each.to_arrow() for each in table(rules, shown).get_columns()[1:]}
    reading = columns(rules).read(decoded(rules.findings, arrays, len(people)).given, len(people))

    def rows(node: Any, bound: Bound) -> list[bool]:
        return unpacked(reading.bound(node, bound), len(people)).tolist()  # type: ignore[no-any-return]

    found = [plain(rules).read(each) for each in people]
    for number, node in enumerate(columns(rules).rules):
        assert rows(node, Bound.MET) == [number in each.fired for each in found]
        assert rows(node, Bound.NOT_REFUTED) == [number not in each.excluded for each in found]
        assert rows(node, Bound.MAY_BE_MET) == [number in each.could_fire for each in found]
        assert rows(node, Bound.CANNOT_BE_REFUTED) == [number not in each.could_be_excluded for each in found]
    for criterion in {criterion for rule in rules for criterion in rule.when}:
        node = columns(rules).node(criterion)
        assert rows(node, Bound.MET) == [plain(rules).is_met(criterion, each) for each in found]
        assert rows(node, Bound.NOT_REFUTED) == [not plain(rules).is_refuted(criterion, each) for each in found]


# -- types -------------------------------------------------------------------------------------------------------------


def test_true_and_false_are_read_as_texts_too() -> None:
    """A yes/no column of texts may say true and false, as many programs write them; nothing but those exact words."""
    frame = pl.DataFrame({"calf_pain": ["true", "false", "yes", "no", "unsure", None]})
    done = triage_frame(frame, rules=MINI)
    assert done.set_aside.is_empty()
    assert done.assessments["acuity"][0] == done.assessments["acuity"][2]
    assert done.assessments.row(1) == done.assessments.row(3)
    for odd in ("True", "TRUE", "Yes", "y", "1", "", " yes", "yes\0", "yesyesyesyesyes", "unsung", "unsure ", "falsy"):
        done = triage_frame(pl.DataFrame({"calf_pain": [odd, "yes"]}), rules=MINI)
        assert done.set_aside["row"].to_list() == [0]
        assert done.assessments["acuity"].null_count() == 1


NUMBERS = [0, 1, 120, 121, -1, 34.5, 34.6, 34.55, 42.0, 42.1, 0.1 * 3, float("nan"), float("inf"), -float("inf"), 1e300]


@pytest.mark.parametrize("decimals", [0, 1, 2])
@pytest.mark.parametrize("kind", [pl.Float64, pl.Float32])
def test_a_number_is_read_as_triage_reads_it(kind: Any, decimals: int) -> None:
    """Range and grid are the same for a column as for one answer; a smaller float means the number it prints as."""
    rules = one_measurement(decimals)
    steps = np.arange(-10, 600) / 10**decimals
    column = pl.Series("size_cm", np.array([*NUMBERS, *steps, *(steps + 0.001)])).cast(kind)
    said = column.to_list() if kind == pl.Float64 else [float(str(number)) for number in column.to_numpy()]
    people = [{"size_cm": number} for number in said]
    done = triage_frame(pl.DataFrame([column]), rules=rules)
    same_as_one_at_a_time(rules, people, done)
    assert 0 < done.set_aside["row"].n_unique() < len(people)


@pytest.mark.parametrize("kind", [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64])
def test_every_whole_number_type_is_read(kind: Any) -> None:
    """Whole numbers of every width are answers, and one out of range is refused and never wraps round."""
    rules = one_measurement(1)
    info = {name: getattr(np.iinfo(str(kind).lower()), name) for name in ("min", "max")}
    numbers = sorted({0, 1, 5, 59, 60, 61, 100, info["min"], info["max"]})
    done = triage_frame(pl.DataFrame({"size_cm": pl.Series(numbers, dtype=kind)}), rules=rules)
    same_as_one_at_a_time(rules, [{"size_cm": number} for number in numbers], done)


@pytest.mark.parametrize("kind", [pa.decimal128(38, 17), pa.decimal256(50, 25)])
def test_a_decimal_is_read_to_its_last_digit(kind: pa.DataType) -> None:
    """A decimal that is off the grid by its last digit is refused, though a float could not tell."""
    told = ["3.5", "3.50000000000000001", "3.50", "0", "60", "60.1", "-0.1", "12345678901234567890.5"]
    numbers = pa.array([*map(Decimal, told), None], kind)
    [found] = triage_arrow([pa.record_batch({"size_cm": numbers})], rules=one_measurement(1))
    problems = found.column("problem").to_pylist()
    assert [None if problem is None else problem.split(";")[0] for problem in problems] == [
        None,
        "size_cm: too many decimals",
        None,
        None,
        None,
        *["size_cm: out of range"] * 3,
        None,
    ]


def test_a_type_that_is_not_exact_enough_is_refused() -> None:
    """A float of few bits that cannot hold every number of the range says so, in place of a number that is near."""
    rules = one_measurement(2, high=10**8)
    done = triage_frame(pl.DataFrame({"size_cm": pl.Series([1.0, None], dtype=pl.Float32)}), rules=rules)
    assert done.set_aside.rows() == [
        (0, "size_cm", f"this type is not exact enough for its range; expected {expected_of(rules)}", None),
    ]


def one_measurement(decimals: int, high: int = 0) -> RuleSet:
    size = generated.measurement("size_cm", 1, 0, high or 60 * 10**decimals, decimals)
    return generated.finished({"age_years": generated.measurement("age_years", 0, 0, 120), "size_cm": size}, [])


def expected_of(rules: RuleSet, name: str = "size_cm") -> str:
    return rules.findings.by_id[name].expected()


# -- what cannot be read -----------------------------------------------------------------------------------------------

SECRET = "Ada Lovelace has it"
WRONG: list[tuple[str, pl.Series, str]] = [
    ("calf_pain", pl.Series(["yes", SECRET]), 'not one of its answers; expected yes, no or "unsure"'),
    (
        "calf_pain",
        pl.Series(["yes", SECRET], dtype=pl.Categorical),
        'not one of its answers; expected yes, no or "unsure"',
    ),
    ("calf_pain", pl.Series([None, 1]), 'a number is not an answer here; expected yes, no or "unsure"'),
    ("calf_pain", pl.Series([None, 1.5]), 'a number is not an answer here; expected yes, no or "unsure"'),
    ("calf_pain", pl.Series([None, [True]]), 'this type is not an answer; expected yes, no or "unsure"'),
    ("calf_pain", pl.Series([None, b"yes"]), 'this type is not an answer; expected yes, no or "unsure"'),
    (
        "calf_pain",
        pl.Series([None, object()], dtype=pl.Object),
        'this type is not an answer; expected yes, no or "unsure"',
    ),
    ("pain_began", pl.Series([UNSURE, SECRET]), f"not one of its choices; expected {expected_of(RULES, 'pain_began')}"),
    (
        "pain_began",
        pl.Series([None, True]),
        f"yes and no are not answers here; expected {expected_of(RULES, 'pain_began')}",
    ),
    (
        "pain_began",
        pl.Series([None, "x" * 101]),
        f"the text is too long to be a choice; expected {expected_of(RULES, 'pain_began')}",
    ),
    (
        "age_years",
        pl.Series([UNSURE, "40"]),
        f"a text is not an answer here; expected {expected_of(RULES, 'age_years')}",
    ),
    ("age_years", pl.Series([40, 10**9]), f"out of range; expected {expected_of(RULES, 'age_years')}"),
    (
        "age_years",
        pl.Series([None, True]),
        f"yes and no are not answers here; expected {expected_of(RULES, 'age_years')}",
    ),
    ("age_years__unsure", pl.Series(["no", UNSURE]), "not one of its answers; expected true or false"),
    ("age_years__unsure", pl.Series([None, 1]), "a number is not an answer here; expected true or false"),
]


@pytest.mark.parametrize(("column", "series", "reason"), WRONG)
def test_a_row_that_cannot_be_read_is_set_aside_with_its_reason(column: str, series: pl.Series, reason: str) -> None:
    """It says which column and what would be right, never what was given; the row has no rung, others have theirs."""
    frame = pl.DataFrame([series.alias(column), pl.Series("who", [1, 2])])
    done = triage_frame(frame, keep=["who"])
    assert done.set_aside.rows() == [(1, column, reason, "same_day")]
    assert done.assessments.row(1) == (2, *[None] * len(OUTPUTS))
    alone = triage_frame(frame.head(1), keep=["who"])
    assert done.assessments.row(0) == alone.assessments.row(0)
    with pytest.raises(FindingError) as raised:
        triage_frame(frame, keep=["who"], strict=True)
    assert raised.value.problems == (f"row 1: {column}: {reason}",)
    assert SECRET not in str(raised.value)


def test_problems_in_several_rows_disturb_no_other() -> None:
    """Each row's problems are all told, by row, and every other row is answered as if those were not there."""
    random = Random(5)
    people = random_people(random, RULES, 200)
    frame = table(RULES, people)
    spoilt = frame.with_row_index("n").with_columns(
        calf_pain=pl.when(pl.col("n").is_in([0, 7, 199])).then(pl.lit("maybe")).otherwise("calf_pain"),
        age_years=pl.when(pl.col("n").is_in([7, 63, 64])).then(-5).otherwise("age_years"),
    )
    clean, done = (triage_frame(each, keep=["who"]) for each in (frame, spoilt.drop("n")))
    bad = {0, 7, 63, 64, 199}
    told = done.set_aside.filter(pl.col("reason").str.contains("^out of range|^not one of its answers"))
    assert set(told.select("row", "column").rows()) >= {
        (0, "calf_pain"), (7, "calf_pain"), (7, "age_years"), (63, "age_years"), (64, "age_years"), (199, "calf_pain"),
    }  # fmt: skip
    assert done.set_aside["row"].is_sorted()
    others = [row for row in range(200) if row not in bad]
    assert done.assessments[others].equals(clean.assessments[others])
    assert done.assessments[sorted(bad)]["acuity"].null_count() == len(bad)


def test_one_bad_field_hides_no_emergency() -> None:
    """A row that is set aside says what its other answers come to, where that is same_day or above; it has no rung."""
    frame = pl.DataFrame({"calf_pain": [True] * 3, "breathless": [True, None, None], "age_years": [999, 999, 40]})
    done = triage_frame(frame)
    with pytest.raises(FindingError) as raised:
        triage({"calf_pain": True, "breathless": True, "age_years": 999})
    assert raised.value.assessment is not None
    assert done.set_aside["acuity_of_rest"].to_list() == ["emergency", "same_day"]
    assert raised.value.assessment.acuity.word == "emergency"
    assert done.assessments["acuity"].to_list() == [None, None, "same_day"]


def test_an_answer_that_its_own_no_forbids_is_kept_and_told() -> None:
    """What hangs from a no and is answered all the same is a problem, and the no does not silence it."""
    name, above = next(
        (each.id, each.only_if) for each in RULES.findings.by_id.values() if each.only_if and each.red_flag
    )
    people: People = [{str(above): False, name: True}, {str(above): True, name: True}, {str(above): False, name: False}]
    done = triage_frame(table(RULES, people), keep=["who"])
    same_as_one_at_a_time(RULES, people, done)
    assert done.set_aside["row"].to_list() == [0]
    assert done.set_aside["acuity_of_rest"][0] in ("same_day", "emergency")


def test_said_twice_is_a_problem() -> None:
    """A number, or a yes, that is said to be unsure as well is neither; unsure said twice is unsure."""
    frame = pl.DataFrame(
        {
            "age_years": [40, None, 40, None],
            "age_years__unsure": [True, True, False, None],
            "calf_pain": ["unsure", "unsure", "no", "yes"],
            "calf_pain__unsure": [True, False, True, False],
        }
    )
    done = triage_frame(frame)
    assert done.set_aside.select("row", "column").rows() == [(0, "age_years"), (2, "calf_pain")]
    assert all(reason.endswith("__unsure; mend one of the two") for reason in done.set_aside["reason"])
    # Neither of the two counts.
    twice = pl.DataFrame({"breathless": [True], "breathless__unsure": [True], "calf_pain": [True]})
    assert triage_frame(twice).set_aside["acuity_of_rest"][0] == triage({"calf_pain": True}).acuity.word


# -- columns and options -----------------------------------------------------------------------------------------------


def test_an_unknown_column_is_an_error_for_the_whole_table() -> None:
    """All of them at once, each with a near word or with what to do; nothing is ever left out silently."""
    frame = pl.DataFrame({"calf_pian": [True], "calf_pain__unsur": [True], "patient": [1], "calf_pain": [True]})
    with pytest.raises(FindingError) as raised:
        triage_frame(frame, keep=["pateint"])
    assert raised.value.problems == (
        "keep: no column 'pateint'; did you mean 'patient'?",
        "column 'calf_pian': unknown finding; did you mean 'calf_pain'?",
        "column 'calf_pain__unsur': unknown finding; did you mean 'calf_pain__unsure'?",
        "column 'patient': unknown finding; name it in keep if it is to be kept",
    )
    with pytest.raises(FindingError, match="is the name of an output"):
        triage_frame(pl.DataFrame({"acuity": ["?"]}), keep=["acuity"])
    with pytest.raises(FindingError, match="stands twice"):
        list(triage_arrow([pa.record_batch([pa.array([True])] * 2, names=["calf_pain"] * 2)]))


def test_wrong_calls_are_refused_in_words() -> None:
    """What is no table, no rule set or no output is refused before anything is read."""
    frame = pl.DataFrame({"calf_pain": [True]})
    with pytest.raises(TypeError, match="LazyFrame"):
        triage_frame(frame.lazy())
    with pytest.raises(TypeError, match="expected a polars DataFrame"):
        triage_frame([{"calf_pain": True}])
    with pytest.raises(TypeError, match="load_rules"):
        triage_frame(frame, rules="rules")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="did you mean 'acuity'"):
        triage_frame(frame, outputs=["acuitty"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="not one text"):
        triage_frame(frame, keep="patient")


def test_small_tables_are_right() -> None:
    """No rows, no columns, one row, all null: nothing is invented; nothing told is what `triage` says to nothing."""
    nothing = outputs(triage({}))
    empty = triage_frame(pl.DataFrame())
    assert empty.assessments.schema == output_schema()
    assert empty.assessments.height == empty.set_aside.height == 0
    assert triage_frame(pl.DataFrame(schema=input_schema())).assessments.schema == output_schema()
    for frame in (
        pl.DataFrame({"calf_pain": [None]}),
        pl.DataFrame({"calf_pain": [None]}, schema={"calf_pain": pl.Boolean}),
        pl.DataFrame({name: [None] for name in input_schema()}),
        pl.DataFrame({name: [None] for name in input_schema()}, schema=input_schema()),
        pl.DataFrame({"patient": [1]}),
    ):
        done = triage_frame(frame, keep=[name for name in frame.columns if name == "patient"])
        assert done.assessments.select(OUTPUTS).to_dicts() == [nothing]
        assert done.set_aside.is_empty()


def test_outputs_are_those_asked_for_and_the_same_as_in_the_whole() -> None:
    """Any choice of outputs gives these, in their order, and each is what it is among all of them."""
    frame = population(RULES, 200).with_columns(calf_pain=pl.lit(None, pl.String))
    whole = triage_frame(frame, keep=["patient"])
    for name in OUTPUTS:
        alone = triage_frame(frame, keep=["patient"], outputs=[name])
        assert alone.assessments.equals(whole.assessments.select("patient", name))
    assert triage_frame(frame, keep=["patient"], outputs=["rules", "acuity"]).assessments.columns == [
        "patient", "acuity", "rules",
    ]  # fmt: skip
    assert whole.assessments.schema == pl.Schema({"patient": pl.Int64(), **output_schema()})
    assert whole.assessments["acuity"].max() == "emergency"


def test_where_the_slices_fall_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """However a table is cut, and on however many threads, each row has the same answer."""
    people = random_people(Random(3), MINI, 150)
    for typed in (words, truths):
        frame = table(MINI, people, typed)
        whole = triage_frame(frame, rules=MINI, keep=["who"], threads=1)
        for rows in (1, 37, 64, 100):
            monkeypatch.setattr(batch_module, "ROWS_AT_ONCE", rows)
            done = triage_frame(frame, rules=MINI, keep=["who"], threads=2)
            assert done.assessments.equals(whole.assessments)
            assert done.set_aside.equals(whole.set_aside)
            [in_arrow] = triage_arrow(frame.to_arrow().to_batches(), rules=MINI, keep=["who"], outputs=["rules"])
            rules = pl.DataFrame(in_arrow)["rules"]
            assert rules.equals(whole.assessments["rules"].cast(pl.List(pl.String)))
        monkeypatch.undo()
        parts = pl.concat([frame[:3], frame[3:70], frame[70:]], rechunk=False)
        assert triage_frame(parts, rules=MINI, keep=["who"]).assessments.equals(whole.assessments)
        for start in (1, 8, 63):
            after = triage_frame(frame[start:], rules=MINI, keep=["who"])
            assert after.assessments.equals(whole.assessments[start:])


# -- Arrow -------------------------------------------------------------------------------------------------------------


def arrow_forms(frame: pl.DataFrame) -> Iterable[pa.Table]:
    """The same table as different programs write it in Arrow."""
    newest, oldest = frame.to_arrow(compat_level=pl.CompatLevel.newest()), frame.to_arrow()
    yield newest
    yield oldest
    for kind in (pa.string(), pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int64(), pa.large_string())):
        fields = [field.with_type(kind) if pa.types.is_large_string(field.type) else field for field in oldest.schema]
        yield pa.table([oldest.column(field.name).cast(field.type) for field in fields], schema=pa.schema(fields))


def test_arrow_batches_are_answered_as_tables_are() -> None:
    """Batch by batch, in whatever Arrow types, with the same words; a bad row says what is wrong and has no answer."""
    people = random_people(Random(4), RULES, 130)
    frame = table(RULES, people)
    done = triage_frame(frame, keep=["who"])
    plain_types = {
        name: pl.List(pl.String) if isinstance(kind, pl.List) else pl.String
        for name, kind in output_schema().items()
        if isinstance(kind, pl.List | pl.Enum)
    }
    want = done.assessments.cast(plain_types)  # type: ignore[arg-type]
    bad = done.set_aside["row"].unique().to_list()
    assert bad
    for form in arrow_forms(frame):
        assert triage_frame(form, keep=["who"]).assessments.equals(done.assessments)
        one = form.combine_chunks().to_batches()[0]
        assert (
            triage_frame(one, keep=["who"], outputs=["acuity"]).assessments["acuity"].equals(done.assessments["acuity"])
        )
        found = list(triage_arrow(form.to_batches(max_chunksize=50), keep=["who"]))
        assert [each.num_rows for each in found] == [50, 50, 30]
        assert {each.schema for each in found} == {pa.schema([pa.field("who", pa.int64()), *arrow_schema()])}
        together = pl.DataFrame(pa.Table.from_batches(found))
        assert together.drop("problem", "acuity_of_rest").equals(want)
        assert together["problem"].is_not_null().arg_true().to_list() == bad
        first = done.set_aside.filter(row=bad[0])
        lines = [f"{column}: {reason}" for _, column, reason, _ in first.iter_rows()]
        assert together["problem"][bad[0]].split("\n") == lines
        assert together["acuity_of_rest"][bad[0]] == first["acuity_of_rest"][0]


def test_odd_arrow_arrays_are_read() -> None:
    """Nulls inside a dictionary, rubbish behind nulls, offsets, no rows, and types of others."""
    dictionary = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None, 1], pa.int32()), pa.array(["yes", None, "no"]))
    rubbish = pa.DictionaryArray.from_buffers(
        pa.dictionary(pa.int8(), pa.string()),
        5,
        [pa.py_buffer(b"\x15"), pa.py_buffer(bytes([0, 99, 1, 255, 2]))],
        pa.array(["no", "yes", "yes"]),
    )
    plain_ones = {"calf_pain": ["yes", None, "no", None, None], "breathless": ["no", None, "yes", None, "yes"]}
    batch = pa.record_batch({"calf_pain": dictionary, "breathless": rubbish})
    [found] = triage_arrow([batch])
    assert found.column("acuity").to_pylist() == triage_frame(pl.DataFrame(plain_ones)).assessments["acuity"].to_list()
    assert found.column("problem").null_count == 5
    told = decoded(RULES.findings, dict(zip(batch.schema.names, batch.columns, strict=True)), 5).given
    assert unpacked(told["calf_pain"].told, 5).tolist() == [True, False, True, False, False]
    assert unpacked(told["breathless"].told, 5).tolist() == [True, False, True, False, True]
    [part] = triage_arrow([batch.slice(2, 3)])
    assert part.equals(found.slice(2, 3))
    [none] = triage_arrow([batch.slice(0, 0)])
    assert none.schema == arrow_schema()
    assert none.num_rows == 0
    assert list(triage_arrow([])) == []
    days = pa.array([None, 3], pa.date32())
    [dated] = triage_arrow([pa.record_batch({"calf_pain": days, "age_years": pa.nulls(2)})])
    assert dated.column("problem").to_pylist() == [
        None,
        'calf_pain: this type is not an answer; expected yes, no or "unsure"',
    ]


def test_many_different_texts_are_read() -> None:
    """A Categorical that shares its dictionary with a large column is read by what is in use."""
    texts = [f"name {number}" for number in range(3_000)]
    column = pl.Series("pain_began", [*texts, "felt_pull", UNSURE, None], pl.Categorical)
    done = triage_frame(pl.DataFrame([column]))
    assert done.set_aside["row"].to_list() == list(range(3_000))
    assert done.set_aside["reason"].n_unique() == 1
    same_as_one_at_a_time(
        RULES, [{"pain_began": "felt_pull"}, {"pain_began": UNSURE}, {}], triage_frame(column[-3:].to_frame())
    )


# -- what it promises --------------------------------------------------------------------------------------------------


def test_the_input_schema_holds_every_answer() -> None:
    """Every column is read, and every answer of every finding stands in a column of its type."""
    for rules in (MINI, RULES):
        people: list[dict[str, Answer]] = []
        for name, finding in rules.findings.by_id.items():
            people += [{name: finding.shown(value)} for value in generated.telling_values(rules, name)]
        people = people if rules is MINI else Random(1).sample(people, 150)
        frame = table(rules, people, enums).drop("who")
        assert frame.schema == {name: kind for name, kind in input_schema(rules).items() if name in frame.columns}
        assert rules is RULES or set(frame.columns) == set(input_schema(rules))
        same_as_one_at_a_time(rules, people, triage_frame(frame, rules=rules))


def test_no_answer_stands_in_what_may_be_logged() -> None:
    """The batch's own words tell how many rows there are, and of no row what it says."""
    done = triage_frame(pl.DataFrame({"calf_pain": ["yes", SECRET], "patient": ["p1", "p2"]}), keep=["patient"])
    assert repr(done) == f"<Batch of 2 rows, 1 set aside, by {RULES.name}>"
    assert SECRET not in str(done.set_aside.rows())
    assert done.rule_set.sha256 == RULES.sha256


def test_importing_the_library_imports_no_table() -> None:
    """polars, pyarrow and numpy are loaded by `calf_triage.batch` alone."""
    code = "import sys, calf_triage, calf_triage.cli; print({'polars', 'pyarrow', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
