"""What the schemas accept is what the library reads and writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from calf_triage import Acuity, Assessment, FindingError, RuleSet, load_rules, triage
from calf_triage.follow_up import retriage
from calf_triage.plan import make_plan
from calf_triage.schema import answers_schema, assessment_schema, document_schema
from tests._rules import RULES

MINI = Path(__file__).parent / "folders" / "mini"


@pytest.fixture(scope="module")
def mini() -> RuleSet:
    return load_rules(MINI)


def accepts(schema: Mapping[str, Any], document: object) -> bool:
    return bool(Draft202012Validator(schema).is_valid(document))


def people(mini: RuleSet) -> list[Assessment]:
    """Someone on every rung, and two who did not finish."""
    answers: list[dict[str, Any]] = [
        {},
        {"calf_pain": True},
        {"breathless": True},
        mini.benign(given={"one_leg_swollen": True, "girth_difference_cm": 0.3}),
        mini.benign(given={"calf_pain": True, "cancer": "unsure"}),
        mini.benign(given={"calf_pain": True, "pain_worst_of_10": 4}),
        mini.benign(given={"leg_weakness": True, "activity": "sitting", "age_years": 70}),
        mini.benign(given={"leg_weakness": True, "activity": "sitting", "age_years": "unsure"}),
    ]
    return [triage(given, rules=mini, region=region) for given in answers for region in ("GB", None)]


def test_both_schemas_are_valid_schemas(mini: RuleSet) -> None:
    """A schema that is itself wrong checks nothing."""
    Draft202012Validator.check_schema(answers_schema(mini))
    for what in ("assessment", "explanation", "follow-up", "plan"):
        Draft202012Validator.check_schema(document_schema(what))


def test_every_assessment_fits_its_schema_on_every_rung(mini: RuleSet) -> None:
    """What `to_json` writes is what `assessment_schema` describes."""
    found = people(mini)
    assert {assessment.acuity for assessment in found} == set(Acuity)
    for assessment in found:
        Draft202012Validator(assessment_schema()).validate(json.loads(assessment.to_json()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("acuity",), "urgent"),
        (("acuity",), None),
        (("settled",), "yes"),
        (("because", 0, "met"), "breathless"),
        (("disposition", "type"), "Cure"),
        (("disposition", "advice"), []),
        (("answers", "breathless"), ["yes"]),
        (("diagnosis",), "a clot"),
    ],
)
def test_an_assessment_changed_by_hand_does_not_fit(mini: RuleSet, path: tuple[str | int, ...], value: object) -> None:
    """The schema is strict: unknown fields, wrong types and mixed dispositions are refused."""
    document = json.loads(triage({"breathless": True}, rules=mini).to_json())
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not accepts(assessment_schema(), document)


def test_no_field_of_an_assessment_may_be_left_out(mini: RuleSet) -> None:
    """`from_json` and the schema agree that every field stands in every answer."""
    whole = json.loads(triage({}, rules=mini).to_json())
    for name in whole:
        assert not accepts(assessment_schema(), {key: value for key, value in whole.items() if key != name})


def test_the_notes_for_developers_are_not_in_the_schema() -> None:
    """`decided_by` is no part of the JSON."""
    assert "decided_by" not in assessment_schema()["properties"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"calf_pain": True, "breathless": False, "cancer": "unsure", "both_calves": None},
        {"bed_days": 30, "age_years": 0, "pain_worst_of_10": "unsure", "calf_pain": True},
        {"activity": "sitting"},
        {"activity": "unsure"},
        {"activity": None},
    ],
)
def test_answers_that_the_library_reads_fit_the_schema(mini: RuleSet, given: dict[str, Any]) -> None:
    """The schema refuses no answers that `triage` reads."""
    triage(given, rules=mini)
    assert accepts(answers_schema(mini), given)


def test_every_step_of_a_measurement_fits_the_schema(mini: RuleSet) -> None:
    """Also the tenths that a validator reckoning in binary takes for no multiples of 0.1."""
    for tenths in range(151):
        assert accepts(answers_schema(mini), {"girth_difference_cm": tenths / 10})


@pytest.mark.parametrize(
    "given",
    [
        {"calf_pian": True},
        {"calf_pain": 1},
        {"calf_pain": "yes"},
        {"calf_pain": [True]},
        {"bed_days": 31},
        {"bed_days": -1},
        {"bed_days": 2.5},
        {"bed_days": True},
        {"bed_days": "3"},
        {"activity": "lying"},
        {"activity": True},
    ],
)
def test_answers_that_the_library_refuses_do_not_fit_the_schema(mini: RuleSet, given: dict[str, Any]) -> None:
    """Unknown names, wrong types and values out of range are refused by both."""
    with pytest.raises(FindingError):
        triage(given, rules=mini)
    assert not accepts(answers_schema(mini), given)


def test_a_description_names_red_flag_and_what_a_finding_hangs_on(mini: RuleSet) -> None:
    """What the schema cannot enforce it says in words."""
    properties = answers_schema(mini)["properties"]
    assert "at least emergency" in properties["breathless"]["description"]
    assert "only if one_leg_swollen" in properties["girth_difference_cm"]["description"]
    assert "Mostly sitting" in properties["activity"]["description"]


def test_explanations_follow_ups_and_plans_fit_their_schemas(mini: RuleSet) -> None:
    """What each of them writes is what its schema describes, and no field of it may be left out."""
    pull: dict[str, Any] = {"age_years": 35, "calf_pain": True, "pain_side": "one_leg", "pain_began": "felt_pull"}
    strain = triage(RULES.benign(given={**pull, "pain_worst_24h_of_10": 2}))
    assert strain.acuity is Acuity.SELF_CARE
    documents = [("plan", make_plan(strain, start=date(2026, 3, 2)).to_json())]
    for answer in people(mini):
        documents.append(("explanation", answer.explain(mini).to_json(seconds=0)))
        documents.append(("follow-up", retriage(answer, {"calf_pain": True}, days=1, rules=mini).to_json()))
    validators = {what: Draft202012Validator(document_schema(what)) for what, _ in documents}
    for what, text in documents:
        document = json.loads(text)
        validators[what].validate(document)
        for name in document:
            assert not validators[what].is_valid({key: value for key, value in document.items() if key != name})
