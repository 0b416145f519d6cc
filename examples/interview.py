"""Interview: screen after screen as an app would show them, kept between two of them, until nothing more can change."""

from calf_triage.interview import Interview

# What this person would answer; whatever else is asked is "none of these", and one thing they would rather not say.
PERSON: dict[str, bool | int | str | None] = {
    "age_years": 61,
    "sex_at_birth": "male",
    "leg_fatigue": True,
    "legs_tire_at_distance": True,
    "fatigue_where": "calves_only",
    "fatigue_began": "no_reason",
    "fatigue_time": "months",
    "sexual_feeling_lost": None,
}

interview = Interview(region="GB")
while (screen := interview.screen) is not None:
    print(f"{screen.number:>2}  {screen.title}: {len(screen.questions)} questions, at most {screen.more_at_most} more")
    print(f"    {screen.why}")
    told = {question.id: PERSON[question.id] for question in screen.questions if question.id in PERSON}
    for question in screen.questions:
        if question.finding.type != "yes_no" and question.id not in PERSON:
            told[question.id] = "unsure"
    interview.answer(told, rest="none")
    # An app may put this away now, and go on tomorrow.
    interview = Interview.from_json(interview.to_json())

print()
print(str(interview.assessment).partition("\n\n")[0])
print("Not said:", *interview.not_said)
