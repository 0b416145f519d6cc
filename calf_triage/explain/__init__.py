"""Why an answer is what it is, why not another, and what would change it: exact, in words for a person or a clinician.

>>> from calf_triage import triage
>>> explanation = triage({"calf_pain": True, "breathless": True}, region="GB").explain()
>>> [(rule.id, rule.state) for rule in explanation.why]
[('suspected_pulmonary_embolism', 'fired')]
>>> [said.finding for said in explanation.sufficient.answers]
['breathless']
>>> explanation.what_would_lower().ways[0].changes[0].says
'"Short of breath": no'

What is found is exact: every cell of the rules is looked at, none is sampled. Nothing here is a diagnosis, and nobody
has to read any of it before calling for help.
"""

from calf_triage.explain.explanation import Explanation, explain
from calf_triage.explain.values import (
    MOST_CHANGES,
    SECONDS,
    Changed,
    NearMiss,
    Part,
    RuleState,
    RuleTree,
    Rung,
    Said,
    Standing,
    Sufficient,
    Way,
    Ways,
)

__all__ = [
    "MOST_CHANGES",
    "SECONDS",
    "Changed",
    "Explanation",
    "NearMiss",
    "Part",
    "RuleState",
    "RuleTree",
    "Rung",
    "Said",
    "Standing",
    "Sufficient",
    "Way",
    "Ways",
    "explain",
]
