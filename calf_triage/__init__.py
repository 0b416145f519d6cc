"""Rules for calf and lower-leg symptoms that a clinician can read, an app can import and a prover can check.

>>> from calf_triage import Escalation, SelfCare, triage
>>> match triage({"calf_pain": True, "breathless": True}, region="GB").disposition:
...     case Escalation(acuity=acuity):
...         print(acuity.name)
...     case SelfCare(advice=advice):
...         print(len(advice))
EMERGENCY

Not a diagnosis, and not for emergencies: see `INTENDED_USE`.
"""

from calf_triage._assessment import (
    INTENDED_USE,
    Assessment,
    Escalation,
    FiredRule,
    Item,
    PossibleCause,
    SelfCare,
)
from calf_triage._errors import FindingError, RuleSetError
from calf_triage._findings import UNSURE, Acuity
from calf_triage._load import load_rules
from calf_triage._rules import RuleSet
from calf_triage._triage import triage

__all__ = [
    "INTENDED_USE",
    "UNSURE",
    "Acuity",
    "Assessment",
    "Escalation",
    "FindingError",
    "FiredRule",
    "Item",
    "PossibleCause",
    "RuleSet",
    "RuleSetError",
    "SelfCare",
    "load_rules",
    "triage",
]
__version__ = "0.3.0"
