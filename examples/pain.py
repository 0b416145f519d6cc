"""Pain: a snap in the calf at tennis, able to walk. What an app does with the two kinds of disposition."""

from calf_triage import Escalation, SelfCare, triage

assessment = triage({"calf_pain": True, "pop_or_kick": True}, region="US")

match assessment.disposition:
    case Escalation(acuity=acuity, see=see, avoid=avoid):
        print("Be seen:", acuity.name, "at", see[0].name)
        print("Until then:", *(note.say for note in avoid))
    case SelfCare(advice=advice):
        print("Exercises:", ", ".join(item.name for item in advice))

print("Settled:", assessment.settled, "- the most acute rung not ruled out is", assessment.not_excluded.name)
print("Ask next:", assessment.unanswered[0].asks)
