"""Fatigue: legs that tire at the same distance each time, and recover at rest; the answer as JSON and back."""

import json

from calf_triage import Assessment, load_rules, triage

rules = load_rules()
answers = rules.benign(given={"age_years": 58, "leg_fatigue": True, "legs_tire_at_distance": True})
assessment = triage(answers, region="DE", rules=rules)

text = assessment.to_json()
assert Assessment.from_json(text) == assessment

document = json.loads(text)
print(document["acuity"], "- possible causes:", [cause["name"] for cause in document["differential"]])
print("look again in", document["disposition"]["look_again_days"], "days")
