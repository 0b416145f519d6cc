"""Swelling: one leg swollen since yesterday, and short of breath today."""

from calf_triage import triage

assessment = triage({"leg_swelling": True, "one_leg_bigger": True, "breathless": True}, region="GB")

print(assessment)
print()
print("Acuity:", assessment.acuity.name)
print("Because:", ", ".join(rule.id for rule in assessment.because))
