"""How many screens and questions an interview takes, on all whole cases. Run: python -m tests.benchmarks.interview.

Each case is told in full (what it does not state is benign), and asked as `calf_triage.interview` asks: until the
acuity is settled, and until nothing more can change. Beside it is what a form would ask: every question that applies.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from calf_triage import Acuity, RuleSet, load_rules
from calf_triage._findings import Answer
from calf_triage.interview import Interview
from calf_triage.vignettes import Vignette, load_vignettes

CASES = Path(__file__).parent.parent / "vignettes"
HEADER = """\
| answer | cases | screens until settled | questions until settled | screens in all | questions in all | a form asks |
|---|---|---|---|---|---|---|"""


@frozen
class Taken:
    """What one interview took: screens and questions until settled and in all, and the questions of a form."""

    acuity: Acuity
    settled: tuple[int, int]
    whole: tuple[int, int]
    form: int


def taken(rules: RuleSet, answers: dict[str, Answer]) -> Taken:
    """Leads one interview to its end."""
    interview = Interview(rules, engine="plain")
    screens = questions = 0
    settled = None
    while (screen := interview.screen) is not None:
        if screen.optional and settled is None:
            settled = screens, questions
        screens, questions = screens + 1, questions + len(screen.questions)
        interview.answer({question.id: answers[question.id] for question in screen.questions})
    end = screens, questions
    return Taken(interview.assessment.acuity, settled or end, end, len(answers))


def table(rules: RuleSet, cases: Iterable[Vignette]) -> Iterator[str]:
    """The table as Markdown: median, and the most in brackets."""
    every = [taken(rules, rules.benign(given=case.given)) for case in cases]
    yield from HEADER.splitlines()
    for acuity in reversed(Acuity):
        of = [each for each in every if each.acuity is acuity]
        if not of:
            continue
        columns = [
            [each.settled[0] for each in of],
            [each.settled[1] for each in of],
            [each.whole[0] for each in of],
            [each.whole[1] for each in of],
            [each.form for each in of],
        ]
        shown = (f"{statistics.median_low(column)} ({max(column)})" for column in columns)
        yield f"| {acuity.word} | {len(of)} | " + " | ".join(shown) + " |"


def main() -> None:
    """Prints the table."""
    rules = load_rules()
    print("\n".join(table(rules, load_vignettes(CASES, rules))))


if __name__ == "__main__":
    main()
