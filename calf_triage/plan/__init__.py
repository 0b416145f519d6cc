"""A dated programme from self-care: what to do on which day, how it grows, and what ends it.

>>> from datetime import date
>>> from calf_triage import load_rules, triage
>>> from calf_triage.plan import make_plan
>>> rules = load_rules()
>>> story = {"age_years": 40, "leg_weakness": True, "weakness_onset": "months", "activity_level": "inactive"}
>>> plan = make_plan(triage(rules.benign(given=story)), start=date(2026, 3, 2))
>>> [f"{entry.name}: {entry.amount}" for entry in plan.weeks[0].sessions[0].entries][:2]
['Standing calf raise: 1 set of 8', 'Seated calf raise: 1 set of 8']
>>> plan.end
datetime.date(2026, 4, 13)

All numbers come from `rules/plan.toml` and from the doses of the items, each with its source. A plan is made from the
answers and a log alone: week by week the log decides whether the next goes up, stays, or goes back, and a stop sign
ends the plan with a new triage. Weeks that are not reached are a forecast.
"""

from calf_triage.plan.maker import make_plan
from calf_triage.plan.resume import logged_from
from calf_triage.plan.values import (
    USUAL_DAYS,
    WEEKDAYS,
    Done,
    Entry,
    Later,
    LeftOut,
    Logged,
    Plan,
    PlanError,
    Session,
    State,
    Step,
    StopRule,
    Week,
)

__all__ = [
    "USUAL_DAYS",
    "WEEKDAYS",
    "Done",
    "Entry",
    "Later",
    "LeftOut",
    "Logged",
    "Plan",
    "PlanError",
    "Session",
    "State",
    "Step",
    "StopRule",
    "Week",
    "logged_from",
    "make_plan",
]
