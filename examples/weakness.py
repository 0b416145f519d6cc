"""Weakness: calves weak from sitting, no warning sign. Self-care is earned: every safety question answered no."""

from calf_triage import SelfCare, load_rules, triage

rules = load_rules()
answers = rules.benign(
    given={"age_years": 40, "leg_weakness": True, "activity_level": "inactive", "weakness_onset": "months"}
)
assessment = triage(answers, region="GB", rules=rules)

assert isinstance(assessment.disposition, SelfCare)
for item in assessment.disposition.advice:
    print(f"{item.kind:<12}{item.name}" + (f": {item.dose}" if item.dose else ""))
print("Look again in", assessment.disposition.look_again_days, "days")

# One answer left out, and there is no self-care: not asked is never no.
del answers["saddle_numb"]
print("Not asked:", triage(answers, rules=rules).unanswered[0].asks)
