"""A made-up population: nobody in it is a person. Most have little or nothing; a few have what a rule is about.

Each begins as an example of a rule, or as benign; then some answers are changed, some are unsure, some are missing, and
some people stop half-way, as people do. Sub-questions of what was answered no are not asked. The same seed gives the
same people.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from calf_triage import Acuity, RuleSet
from calf_triage._findings import UNSURE, Answer, Finding
from calf_triage.batch._decode import COMPANION
from calf_triage.check import with_benign_rest

Form = Literal["truths", "words", "enums"]
"""How yes/no columns are typed: Boolean (unsure is missing), String, or Enum as `input_schema` has it."""

BEGIN: Final = {
    Acuity.SELF_CARE: 0.40,
    Acuity.ROUTINE: 0.12,
    Acuity.SOON: 0.05,
    Acuity.SAME_DAY: 0.03,
    Acuity.EMERGENCY: 0.01,
}
"""How many begin as an example of a rule of each rung; the rest is benign."""
CHANGED, NOT_SURE, HASTY, MISSING, STOPS = 0.0005, 0.0005, 0.2, 0.02, 0.05
"""Of all answers those changed and unsure; of people the hasty ones, of their answers those missing, and who stops."""


def population(rules: RuleSet, people: int, seed: int = 1, form: Form = "enums") -> pl.DataFrame:
    """A table of so many people, a column for each finding, and `patient`, a number."""
    random = np.random.default_rng(seed)
    templates: list[dict[str, Answer]] = [rules.benign()]
    of_rung: dict[Acuity, list[int]] = {}
    for rule in rules:
        for example in rule.examples:
            if example.fires:
                of_rung.setdefault(rule.acuity, []).append(len(templates))
                templates.append(with_benign_rest(rules, example.given))
    begin = np.zeros(people, np.intp)
    drawn = random.random(people)
    for rung, share in BEGIN.items():
        here = (drawn >= 0) & (drawn < share)
        drawn -= share
        if rung in of_rung:
            begin[here] = random.choice(of_rung[rung], int(here.sum()))
    hasty = random.random(people) < HASTY
    count = len(rules.findings.by_id)
    stops_at = np.where(random.random(people) < STOPS, random.integers(0, count, people), count)
    columns = [pl.Series("patient", np.arange(people))]
    no: dict[str, NDArray[np.bool_]] = {}
    for place, (name, finding) in enumerate(rules.findings.by_id.items()):
        choices = _choices(finding)
        known: dict[Answer | None, int] = {answer: code for code, answer in enumerate(choices)}
        codes = np.array([known.setdefault(template.get(name), len(known)) for template in templates])[begin]
        states: list[Answer | None] = [*known]
        changed = random.random(people) < CHANGED
        codes[changed] = random.integers(0, len(choices), int(changed.sum()))
        codes[random.random(people) < NOT_SURE] = known[UNSURE]
        missing = (hasty & (random.random(people) < MISSING)) | (stops_at <= place)
        above = finding.only_if
        if above is not None:
            missing |= no[above]
        missing |= codes == known.get(None, -1)
        no[name] = (codes == known[False]) & ~missing if finding.type == "yes_no" else np.zeros(people, np.bool_)
        if above is not None:
            no[name] |= no[above]
        columns += _series(finding, form, states, codes, missing)
    return pl.DataFrame(columns)


def _choices(finding: Finding) -> list[Answer]:
    if finding.type == "yes_no":
        return [False, True, UNSURE]
    if finding.type == "choice":
        return [*(choice.id for choice in finding.choices), UNSURE]
    steps = np.linspace(finding.low, finding.high, 40).astype(int).tolist()
    return [*(finding.number(step) for step in dict.fromkeys(steps)), UNSURE]


def _series(
    finding: Finding, form: Form, states: list[Answer | None], codes: NDArray[np.intp], missing: NDArray[np.bool_]
) -> list[pl.Series]:
    """The column of a finding, and of a measurement its companion."""
    unsure = codes == states.index(UNSURE)
    if finding.type == "measurement":
        numbers = np.array([np.nan if state is None or state == UNSURE else state for state in states], np.float64)
        kind = pl.Float64 if finding.decimals else pl.Int64
        found = pl.Series(finding.id, np.where(missing | unsure, np.nan, numbers[codes])).fill_nan(None).cast(kind)
        return [found, pl.Series(finding.id + COMPANION, unsure & ~missing)]
    absent = pl.Series(missing)
    if finding.type == "yes_no" and form == "truths":
        found = pl.Series(finding.id, codes == states.index(True))
        absent = pl.Series(missing | unsure)
    else:
        said = {True: "yes", False: "no"}
        words = [said[state] if isinstance(state, bool) else str(state) for state in states if state is not None]
        found = pl.Series(finding.id, words, pl.Enum(words)).gather(np.minimum(codes, len(words) - 1))
        if form == "words":
            found = found.cast(pl.String)
    return [pl.select(pl.when(~absent).then(found).alias(finding.id)).to_series()]
