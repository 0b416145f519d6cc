"""Imbalance: numb feet and unsteady in the dark for months; every other question answered no."""

from calf_triage import Escalation, load_rules, triage

rules = load_rules()
answers = rules.benign(
    given={
        "age_years": 55,
        "imbalance": True,
        "imbalance_kind": "feet_unsure",
        "imbalance_onset": "months",
        "unsteady_in_dark": True,
        "feet_tingling": True,
        "b12_risk": True,
    }
)
assessment = triage(answers, rules=rules)

assert isinstance(assessment.disposition, Escalation)
print(assessment.acuity.name, "within", assessment.disposition.within_hours, "hours")
for cause in assessment.differential:
    print("-", cause.name, "| for:", ", ".join(cause.findings_for))
