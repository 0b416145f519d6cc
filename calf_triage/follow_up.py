"""Looks again: the answers of today beside those of last time, and an answer that does not fall in silence.

>>> from calf_triage import load_rules, triage
>>> from calf_triage.follow_up import retriage
>>> rules = load_rules()
>>> pull = {"age_years": 35, "calf_pain": True, "pain_side": "one_leg", "pain_began": "felt_pull"}
>>> first = triage(rules.benign(given={**pull, "pain_worst_24h_of_10": 4}))
>>> now = retriage(first, rules.benign(given={**pull, "pain_worst_24h_of_10": 2}), days=2)
>>> now.acuity.name, [(change.id, change.word) for change in now.changes if change.word != "same"]
('SELF_CARE', [('pain_worst_24h_of_10', 'better')])
>>> now.overdue_days, now.look_again_days
(0, 12)

Whatever may have changed is asked again: `known` gives the few answers that an interview need not repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from attrs import evolve, frozen

from calf_triage import _json
from calf_triage._assessment import HOURS, Assessment, Block, Disposition, Escalation, SelfCare, as_text
from calf_triage._errors import FindingError
from calf_triage._findings import UNSURE, Acuity, Answer, Finding, Kind
from calf_triage._rules import RuleSet
from calf_triage._triage import Engine, bundled_rules, resolve, triage
from calf_triage.readings.plain import every_criterion

Word = Literal["new", "worse", "not sure", "changed", "same", "better", "not asked"]
"""What became of an answer. "changed": neither is the worse; "not sure": it is not known whether it is there now."""

WORDS: Final[tuple[Word, ...]] = ("new", "worse", "not sure", "changed", "same", "better", "not asked")
MOST_DAYS: Final = 3_650
_SOON_HOURS: Final = 48
_YEAR_DAYS: Final = 365
_MOST_SHOWN: Final = 12
_CAPTIONS: Final = {
    "new": "New",
    "worse": "Worse",
    "not sure": "Not sure now",
    "changed": "Changed",
    "better": "Better or gone",
}


@frozen(repr=False)
class Change:
    """A finding of last time or of now, and what became of it, as a word and in words (`says`).

    before, now: the answers, None where it was not answered. kept: the answer of last time still counts, because it was
    not asked again or because it cannot be undone.
    """

    id: str
    says: str
    word: Word
    before: Answer | None
    now: Answer | None
    red_flag: bool
    kept: bool

    def __repr__(self) -> str:
        """Without any answer, so that it may be logged."""
        return f"<Change of {self.id}>"


@frozen(repr=False)
class FollowUp:
    """What `retriage` answers.

    previous: the assessment of last time. assessment: that of now, which holds. Its reason is "unseen" where the rules
    alone would say less, but a rule of last time asked for a look that nobody has taken.
    changes: finding by finding, what is new or worse first.
    day: days since the first of a row of follow-ups, None if not told. overdue_days: days since the date on which last
    time said to look again, below 0 before it; None without a date or a day. no_gain: weak in spite of training.
    held: the rung of a look that was asked for and not taken, SELF_CARE if there is none: what is to come may fall to
    one below it. problems: answers of last time that these rules cannot read.
    """

    previous: Assessment
    assessment: Assessment
    changes: tuple[Change, ...]
    day: int | None
    overdue_days: int | None
    no_gain: bool
    held: Acuity
    problems: tuple[str, ...]

    @property
    def acuity(self) -> Acuity:
        """How soon care is needed now."""
        return self.assessment.acuity

    @property
    def disposition(self) -> Disposition:
        """What to do now."""
        return self.assessment.disposition

    @property
    def look_again_days(self) -> int | None:
        """In how many days from now to look again; None from SAME_DAY up."""
        return self.disposition.look_again_days

    def __repr__(self) -> str:
        """The outcome without any answer, so that it may be logged."""
        return f"<FollowUp from {self.previous.acuity.name} to {self.acuity.name}>"

    def __str__(self) -> str:
        """The page that a person reads, as plain text."""
        return as_text(self.page())

    def page(self) -> tuple[Block, ...]:
        """The page in parts: the assessment's, with what has changed; in an emergency, the assessment's alone."""
        first, *rest = self.assessment.page()
        if self.acuity is Acuity.EMERGENCY:
            return (first, *rest)
        rows = [f"{_CAPTIONS[change.word]}: {change.says}" for change in self.changes if change.word in _CAPTIONS]
        since = [self._course(), *rows[:_MOST_SHOWN]]
        since += [f"… and {len(rows) - _MOST_SHOWN} more"] if len(rows) > _MOST_SHOWN else []
        kept = tuple(change.says for change in self.changes if change.kept and change.red_flag)
        told = (Block("Since last time", tuple(since)), Block("Still counted as last time", kept))
        return (first, *(block for block in told if block.lines), *rest)

    def _course(self) -> str:
        if self.acuity > self.previous.acuity:
            return "More urgent than last time."
        if self.acuity < self.previous.acuity:
            return "Less urgent than last time."
        words = {change.word for change in self.changes}
        worse, better = not words.isdisjoint(("new", "worse")), "better" in words
        if worse and better:
            return "Some of it is better, some of it worse; as urgent as last time."
        if worse:
            return "Worse, but as urgent as last time."
        return "Better, and as urgent as last time." if better else "As urgent as last time."

    def to_json(self) -> str:
        """As JSON text. The same follow-up gives the same bytes, and `from_json` gives it back."""
        return _json.written(self)

    @classmethod
    def from_json(cls, text: str) -> FollowUp:
        """A follow-up that `to_json` wrote. ValueError, with every problem, for anything else."""
        found = _json.read(text, cls, "a follow-up")
        for assessment in (found.previous, found.assessment):
            if assessment.disposition.acuity is not assessment.acuity:
                raise ValueError("not a follow-up:\na disposition is on another rung than its acuity")
        return found


def retriage(
    previous: Assessment | FollowUp,
    answers: Mapping[str, Answer | None],
    *,
    days: int | None = None,
    seen: bool | None = None,
    trained: bool | None = None,
    recheck: bool = False,
    region: str | None = None,
    rules: RuleSet | None = None,
    engine: Engine | None = None,
) -> FollowUp:
    """Triages the answers of now, and says what has become of each answer of last time.

    previous: what `triage` or `retriage` said last time. answers: those of now, as `triage` takes them; what is left
    out was not asked. days: whole days since last time, from 0 to 3650. seen: whether a clinician has looked at it
    since; trained: whether the person trained steadily all the time, as a plan's log may show. None is not told, and
    counts as not seen, and as not trained. recheck: accept what was said by other rules; `problems` has what these
    cannot read. region: as in `triage`; that of last time if none is given.

    Nothing falls in silence:
    - A red flag or a risk factor that was yes or unsure, and is not asked again, still counts. A no is never kept.
    - What has happened cannot be undone: a yes to a pop in the heel (a finding that is `fixed`) stays, unless seen.
    - Where a rule asked to be seen (SOON or above), for a yes or for an unsure answer, and nobody has looked, the
      acuity stays; with each later day on which the answers say less, it falls by one rung at most (design decision:
      what has gone unseen counts as what one is not sure of).
    - Weak at the start and still weak, nothing better, after the days that the rule set names, in spite of training:
      that is answered yes to the rule set's own question, so that somebody looks (Seed article).

    Raises FindingError as `triage` does; ValueError for days that are none, for other rules without `recheck`, and for
    an assessment that says less than its rules say to its answers; TypeError for what is no assessment.
    """
    using = bundled_rules() if rules is None else rules
    was = _assessment(previous)
    if not isinstance(using, RuleSet):
        raise TypeError("rules: expected a RuleSet, as load_rules(folder) gives it")
    _check_days(days)
    if was.rule_set.sha256 != using.sha256 and not recheck:
        raise ValueError("last time was by other rules than these; with recheck=True its answers are read by these")
    before, unread = _readable(using, was.answers)
    asked = _asked_for(using, previous, was)
    values, problems = using.findings.check(answers)
    by_id = using.findings.by_id
    told = {name: by_id[name].shown(value) for name, value in values.items()}
    kept = _kept(using, before, told, days, seen is True)
    now = {**told, **kept}
    day = days if not isinstance(previous, FollowUp) or days is None or previous.day is None else previous.day + days
    changes = _changes(using, before, told, kept)
    no_gain = trained is True and _no_gain(using, was, now, day, changes)
    if no_gain and using.no_gain is not None:
        now[using.no_gain.finding] = True
    found = triage(now, region=was.region.id if region is None else region, rules=using, engine=engine)
    if found.acuity < Acuity.SAME_DAY:
        found = evolve(found, disposition=_looked_at_again(using, was, found, day))
    held = Acuity.SELF_CARE
    if asked >= Acuity.SOON and seen is not True:
        held = asked.one_lower() if days else asked
        found = _at_least(using, was, found, held)
    if problems:
        raise FindingError(problems, found if found.acuity >= Acuity.SAME_DAY else None)
    date = was.disposition.look_again_days
    return FollowUp(
        previous=was,
        assessment=found,
        changes=changes,
        day=day,
        overdue_days=None if date is None or days is None else days - date,
        no_gain=no_gain,
        held=held,
        problems=unread,
    )


def known(
    previous: Assessment | FollowUp, rules: RuleSet | None = None, *, days: int | None = None
) -> dict[str, Answer]:
    """The answers of last time that an interview of now need not ask again.

    These are the risk factors that were yes; and the age, if days is told, is under a year, and no rule draws a line
    where the person may have come meanwhile. Give them to `Interview(rules, answers=known(previous, days=14))`.
    ValueError for days that are none, TypeError for what is no assessment.
    """
    using = bundled_rules() if rules is None else rules
    _check_days(days)
    before, _ = _readable(using, _assessment(previous).answers)
    by_id = using.findings.by_id
    return {
        name: answer
        for name, answer in before.items()
        if (by_id[name].kind is Kind.RISK_FACTOR and answer is True) or _same_age(using, name, answer, days)
    }


def _check_days(days: object) -> None:
    if days is not None and (type(days) is not int or not 0 <= days <= MOST_DAYS):
        raise ValueError(f"days: expected whole days since last time, from 0 to {MOST_DAYS}, or None")


def _assessment(previous: object) -> Assessment:
    found = previous.assessment if isinstance(previous, FollowUp) else previous
    if not isinstance(found, Assessment):
        raise TypeError("previous: expected an Assessment or a FollowUp")
    return found


def _readable(rules: RuleSet, answers: Mapping[str, Answer]) -> tuple[dict[str, Answer], tuple[str, ...]]:
    values, problems = rules.findings.check(answers)
    return {name: rules.findings.by_id[name].shown(value) for name, value in values.items()}, tuple(problems)


def _asked_for(rules: RuleSet, previous: Assessment | FollowUp, was: Assessment) -> Acuity:
    """The most acute look that a rule has asked for so far, for a yes or for an unsure answer."""
    unsure = (rule.acuity.one_lower() for rule in was.unsure_of)
    asked = max(was.established, *unsure, previous.held if isinstance(previous, FollowUp) else Acuity.SELF_CARE)
    if was.rule_set.sha256 == rules.sha256:
        values, _ = rules.findings.check(was.answers)
        again = resolve(rules, values)
        if again.acuity > was.acuity:
            raise ValueError("previous: it says less than the rules say to its answers; triage them again")
        asked = max(asked, again.established)
    return asked


def _same_age(rules: RuleSet, name: str, answer: Answer, days: int | None) -> bool:
    """Whether it is an age that still counts."""
    if name != "age_years" or days is None or days >= _YEAR_DAYS or type(answer) is not int:
        return False
    lines = {criterion.value for criterion in every_criterion(rules) if criterion.name == name}
    return (answer + 1) * 10 ** rules.findings.by_id[name].decimals not in {*lines, rules.lowest_age}


def _kept(
    rules: RuleSet, before: Mapping[str, Answer], told: Mapping[str, Answer], days: int | None, seen: bool
) -> dict[str, Answer]:
    """The answers of last time that still count."""
    silent = rules.findings.not_applicable(told)
    kept: dict[str, Answer] = {}
    for name, answer in before.items():
        finding = rules.findings.by_id[name]
        if name not in told:
            flagged = finding.red_flag or finding.kind is Kind.RISK_FACTOR
            if name not in silent and ((flagged and answer in (True, UNSURE)) or _same_age(rules, name, answer, days)):
                kept[name] = answer
        elif finding.fixed and answer is True and told[name] is not True and not seen:
            kept[name] = True
    return kept


def _changes(
    rules: RuleSet, before: Mapping[str, Answer], told: Mapping[str, Answer], kept: Mapping[str, Answer]
) -> tuple[Change, ...]:
    silent = rules.findings.not_applicable(told)
    found = []
    for name, finding in rules.findings.by_id.items():
        old, new = before.get(name), told.get(name)
        if new is None and name in silent and finding.type == "yes_no":
            new = False
        if name in silent and finding.type != "yes_no":
            continue
        if word := _word(finding, old, new):
            found.append(Change(name, _says(finding, old, new), word, old, new, finding.red_flag, name in kept))
    return tuple(sorted(found, key=lambda change: WORDS.index(change.word)))


def _says(finding: Finding, old: Answer | None, new: Answer | None) -> str:
    if finding.type == "yes_no":
        return finding.asks
    labels = {choice.id: choice.label for choice in finding.choices} | {UNSURE: "not sure"}
    then, now = ("not asked" if answer is None else labels.get(str(answer), str(answer)) for answer in (old, new))
    return f"{finding.asks} Then: {then}. Now: {now}."


def _word(finding: Finding, old: Answer | None, new: Answer | None) -> Word | None:
    """What became of an answer; None where there is nothing to say: it was no and is, or it cannot change."""
    if finding.id == "age_years" or (old in (None, False) and new in (None, False)):
        return None
    if new is None:
        return "not asked"
    if new == UNSURE:
        return "same" if old == UNSURE else "not sure"
    if finding.type == "yes_no":
        if finding.kind is Kind.CONTEXT:
            return None if old is None else "same" if old == new else "changed"
        return "better" if new is False else "same" if old is True else "new"
    if old is None:
        return None
    if old == new:
        return "same"
    if finding.worse is None or old == UNSURE:
        return "changed"
    order = [choice.id for choice in finding.choices]
    rises = order.index(str(new)) > order.index(str(old)) if order else float(new) > float(old)
    return "worse" if rises == (finding.worse in ("higher", "later")) else "better"


def _no_gain(
    rules: RuleSet, was: Assessment, now: Mapping[str, Answer], day: int | None, changes: tuple[Change, ...]
) -> bool:
    """Whether training did not help: weak then and now, for so many days, and nothing better."""
    what = rules.no_gain
    if what is None or day is None or day < what.after_days or not isinstance(was.disposition, SelfCare):
        return False
    weak = any(was.answers.get(name) is True and now.get(name) is True for name in what.symptoms)
    return weak and all(change.word != "better" for change in changes)


def _at_least(rules: RuleSet, was: Assessment, found: Assessment, lowest: Acuity) -> Assessment:
    """The assessment, or where it says less, a look on this rung."""
    if found.acuity >= lowest:
        return found
    to, earlier = found.disposition, was.disposition
    lower = lowest < Acuity.SAME_DAY
    hours = {**HOURS, Acuity.SOON: _SOON_HOURS}
    same = earlier if isinstance(earlier, Escalation) and earlier.acuity is lowest else None
    services = [rules.services[id] for id in rules.default_see[lowest]]
    disposition = Escalation(
        acuity=lowest,
        see=same.see if same else tuple(sorted(services, key=lambda service: service.rank)),
        within_hours=same.within_hours if same else hours.get(lowest),
        meanwhile=same.meanwhile if same else (),
        avoid=earlier.avoid if isinstance(earlier, Escalation) else (),
        look_again_days=(_SOON_HOURS // 24 if lowest is Acuity.SOON else rules.look_again_days) if lower else None,
        seek_help_if=to.seek_help_if if lower else (),
    )
    not_excluded = max(found.not_excluded, lowest)
    return evolve(found, acuity=lowest, disposition=disposition, not_excluded=not_excluded, reason="unseen")


def _looked_at_again(rules: RuleSet, was: Assessment, found: Assessment, day: int | None) -> Disposition:
    """The disposition with the next date of its rules: for a rule that fired last time, the next after this day."""
    fired_before = {rule.id for rule in was.because}
    dates = []
    for fired in found.because:
        days = rules[fired.id].look_again_days
        if fired.acuity is found.established and days:
            left = [each - day for each in days if each > day] if day is not None and fired.id in fired_before else []
            dates.append(left[0] if left else days[-1] if fired.id in fired_before and day is not None else days[0])
    date = min(dates, default=found.disposition.look_again_days or rules.look_again_days)
    return evolve(found.disposition, look_again_days=date)
