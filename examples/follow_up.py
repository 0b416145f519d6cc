"""Follow-up: a pulled calf after two days and after two weeks, and weak calves that training does not help."""

from calf_triage import Escalation, load_rules, triage
from calf_triage.follow_up import FollowUp, retriage

PULL = {"pain_side": "one_leg", "pain_began": "felt_pull"}
rules = load_rules()


def pulled(**now: bool | int | str) -> dict[str, bool | int | float | str]:
    return rules.benign(given={"age_years": 35, "calf_pain": True, **PULL, **now})


def show(found: FollowUp) -> None:
    print(f"day {found.day}: {found.previous.acuity.name} -> {found.acuity.name}, look again: {found.look_again_days}")
    for change in found.changes:
        if change.word in ("new", "worse", "better"):
            print(f"  {change.word}: {change.says}")


first = triage(pulled(pain_worst_24h_of_10=4), rules=rules)
second = retriage(first, pulled(pain_worst_24h_of_10=2), days=2, rules=rules)
show(second)
third = retriage(second, pulled(one_leg_bigger=True, pain_worst_24h_of_10=3), days=12, rules=rules)
show(third)

# Nobody has looked at the swelling, so that its going away is not the end of it.
fourth = retriage(third, pulled(), days=1, rules=rules)
show(fourth)
print(str(fourth).splitlines()[1])

weak = rules.benign(given={"age_years": 40, "leg_weakness": True, "activity_level": "inactive"})
after = retriage(triage(weak, rules=rules), weak, days=42, trained=True, rules=rules)
assert isinstance(after.disposition, Escalation)
print("Weak after six weeks of training:", after.acuity.name, "at", after.disposition.see[0].name)
