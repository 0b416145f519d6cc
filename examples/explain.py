"""Explain: one leg swollen since yesterday. Why it is not left to wait, and what would change that."""

from calf_triage import load_rules, triage

rules = load_rules()
answers = rules.benign(given={"age_years": 52, "leg_swelling": True, "one_leg_bigger": True})
explanation = triage(answers, region="GB", rules=rules).explain(rules)

print(explanation)  # what the person reads
print()

# What a program can use. The search is exact; given ample time, it ends by itself.
print("Held by:", ", ".join(said.finding for said in explanation.sufficient.answers))
found = explanation.what_would_lower(seconds=60)
for way in found.ways:
    told = " and ".join(f"{change.finding} = {change.word}" for change in way.changes)
    print(f"Lower, {way.acuity.name}: {told}")
print(found.why)
print("Near misses:", len(explanation.near_misses))

not_this = explanation.why_not("suspected_dvt_wells")
print(f"{not_this.id} is {not_this.state}; missing: {', '.join(part.text for part in not_this.missing)}")
