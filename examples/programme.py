"""A programme: three dated weeks for weak calves, a log that steps up, and a stop sign that ends it."""

from datetime import date

from calf_triage import load_rules, triage
from calf_triage.plan import Plan, make_plan

rules = load_rules()
answers = rules.benign(
    given={"age_years": 61, "leg_weakness": True, "weakness_onset": "months", "activity_level": "inactive"}
)
assessment = triage(answers, region="GB")

plan = make_plan(assessment, start=date(2026, 3, 2), days=["mon", "thu"], equipment=["dumbbell"])
print(plan)

print("\n-- after a week that went well --\n")
for session in plan.weeks[0].sessions:
    plan = plan.log(session.day, done=True, pain_during=1, pain_next_morning=0, soreness_hours=0)
plan = Plan.from_json(plan.to_json())  # kept by the app between two visits
for week in plan.weeks[:2]:
    print(f"Week {week.number}: {week.step}. {week.because}")
for entry in plan.weeks[1].sessions[0].entries:
    print(f"  {entry.name}: {entry.amount}")

print("\n-- and then a new swelling --\n")
plan = plan.log(date(2026, 3, 9), done=False, stop_signs=["new_swelling"])
print(plan)
