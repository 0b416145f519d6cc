"""The explanation of an assessment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from attrs import evolve, frozen

from calf_triage import _json
from calf_triage._assessment import Assessment, RuleSetId
from calf_triage._cached import cached_property
from calf_triage._errors import listed, shown
from calf_triage._findings import Acuity
from calf_triage._rules import RuleSet
from calf_triage._text import Section, plain
from calf_triage._triage import bundled_rules, resolve
from calf_triage.explain import pages
from calf_triage.explain.search import Goal, above, negated, never_self_care
from calf_triage.explain.values import MOST_CHANGES, SECONDS, NearMiss, RuleTree, Rung, Sufficient, Ways
from calf_triage.explain.working import FROM_BEFORE, Working, questions_are

_MOST_EVER: Final = 100


@frozen
class Document:
    """What `to_json` writes."""

    acuity: Acuity
    reason: str
    settled: bool
    established: Acuity
    not_excluded: Acuity
    ladder: tuple[Rung, ...]
    why: tuple[RuleTree, ...]
    sufficient: Sufficient
    near_misses: tuple[NearMiss, ...]
    would_raise: Ways
    would_lower: Ways
    rule_set: RuleSetId
    intended_use: str


@frozen
class _RuleDocument:
    """What `to_json` writes of one rule. page: what the answer's page says first, so that no rule stands without it."""

    acuity: Acuity
    page: tuple[str, ...]
    rule: RuleTree
    rule_set: RuleSetId
    intended_use: str


def explain(assessment: Assessment, rules: RuleSet | None = None) -> Explanation:
    """An explanation of an assessment. rules: those it was made with; the bundled ones if none are given.

    TypeError for what is no assessment, or no rule set. ValueError where these are other rules, where they cannot read
    the assessment's answers, or where the assessment says less than they do of these answers.
    """
    if not isinstance(assessment, Assessment):
        raise TypeError("assessment: expected an Assessment, as triage gives it")
    if rules is not None and not isinstance(rules, RuleSet):
        raise TypeError("rules: expected a RuleSet, as load_rules(folder) gives it")
    using = bundled_rules() if rules is None else rules
    made = assessment.rule_set
    if using.sha256 != made.sha256:
        # An assessment that was read from a file may name them as it likes.
        raise ValueError(
            f"this assessment was made with other rules ({shown(made.name)} {shown(made.version)}, sha256 "
            f"{shown(made.sha256[:12])}…) than those given to explain it ({shown(using.name)} {shown(using.version)}, "
            f"sha256 {using.sha256[:12]}…); give the rules it was made with"
        )
    values, problems = using.findings.check(assessment.answers)
    if problems:
        raise ValueError("the answers of this assessment cannot be read:\n" + listed(tuple(problems)))
    alone = resolve(using, values)
    if problems := [*_untrue(assessment, alone, using)]:
        raise ValueError("this assessment is not what its answers say; triage them again:\n" + listed(tuple(problems)))
    return Explanation(assessment, using, Working(assessment, using, values, alone.acuity))


def _untrue(assessment: Assessment, alone: Assessment, rules: RuleSet) -> Iterator[str]:
    """Where an assessment says less than the rules do of its answers alone.

    It may say more: a follow-up holds what was said last time, and where two readings disagree both count.
    """
    if assessment.disposition.acuity is not assessment.acuity:
        yield "its disposition is on another rung than its acuity"
    if assessment.acuity < alone.acuity:
        yield f"it says {assessment.acuity.name}, and its answers are {alone.acuity.name}"
    fired = {rule.id for rule in assessment.because}
    named = fired | {rule.id for rule in assessment.unsure_of}
    if not named <= {rule.id for rule in rules}:
        yield "it names rules that there are not"
    if not {rule.id for rule in alone.because} <= fired or not {rule.id for rule in alone.unsure_of} <= named:
        yield "it leaves out rules that fire, or that unsure answers do not rule out"
    if assessment.established < alone.established or assessment.not_excluded < alone.not_excluded:
        yield "it leaves out how acute it is, or still might be"
    if assessment.settled and not alone.settled and fired == {rule.id for rule in alone.because}:
        yield "it is called settled, and is not"


def _check_search(seconds: float, most: int = MOST_CHANGES) -> None:
    if type(seconds) not in (int, float) or type(most) is not int:
        raise TypeError(f"seconds: expected a number, 0 or more; most: a whole number from 1 to {_MOST_EVER}")
    if not 0 <= seconds <= sys.float_info.max:
        raise ValueError("seconds: expected a finite number, 0 or more")
    if not 1 <= most <= _MOST_EVER:
        raise ValueError(f"most: expected a whole number from 1 to {_MOST_EVER}")


@frozen(eq=False, repr=False, slots=False)
class Explanation:
    """What `Assessment.explain` gives. Its parts are worked out when they are first asked for."""

    assessment: Assessment
    rules: RuleSet
    _working: Working

    def __repr__(self) -> str:
        """The outcome without any answer, so that it may be logged."""
        return f"<Explanation of {self.assessment!r}>"

    def __str__(self) -> str:
        """The person's version, as plain text."""
        return plain(self.sections(), None)

    # -- the parts -----------------------------------------------------------------------------------------------------

    @cached_property
    def why(self) -> tuple[RuleTree, ...]:
        """Each rule that fired, and then each that only unsure answers keep open, with its criteria as a tree."""
        return self._working.why

    def why_not(self, rule_id: str) -> RuleTree:
        """Any rule of the rule set: how it stands, and what is missing for it to fire.

        KeyError where there is none of that id, with a near word if there is one; a retired rule names its successor.
        TypeError for an id that is no text.
        """
        if not isinstance(rule_id, str):
            raise TypeError("rule_id: expected the id of a rule, as a text")
        for retired in self.rules.retired:
            if retired.id == rule_id:
                raise KeyError(f"{rule_id} is retired; it is replaced by {retired.replaced_by}")
        return self._working.tree(self.rules[rule_id])

    @cached_property
    def near_misses(self) -> tuple[NearMiss, ...]:
        """The rules that do not fire, and would with one other or further answer; the most acute first."""
        return tuple(
            NearMiss(
                rule.id,
                rule.acuity,
                rule.title,
                tuple(self._working.changed(change) for change in self._working.firing[number]),
            )
            for number, rule in enumerate(self.rules)
            if number in self._working.firing
        )

    def what_would_raise(self, *, seconds: float = SECONDS, most: int = MOST_CHANGES) -> Ways:
        """The smallest sets of answers that would make the answer more acute.

        Only answers that are not given yet, or that can change in life. seconds: after which the search ends; most:
        how many answers may change at once.

        TypeError and ValueError for a time or a number that is none.
        """
        _check_search(seconds, most)
        now = self.assessment.acuity
        if now is Acuity.EMERGENCY:
            return Ways((), True, "Nothing is more acute than an emergency.")
        return self._working.ways(above(self.rules, now).goals, lambda acuity: acuity > now, seconds, most)

    def what_would_lower(self, *, seconds: float = SECONDS, most: int = MOST_CHANGES) -> Ways:
        """The smallest sets of answers that would make the answer less acute; as `what_would_raise`."""
        _check_search(seconds, most)
        now = self.assessment.acuity
        if now is Acuity.SELF_CARE:
            return Ways((), True, "Nothing is less acute than self-care.")
        if self._working.held_from_before:
            return Ways((), True, FROM_BEFORE)
        goal = negated(above(self.rules, Acuity(now - 1)))
        found = self._working.ways((goal,), lambda acuity: acuity < now, seconds, most)
        if found.ways or found.complete or self.assessment.settled:
            return found
        # Too many for a search: but whether answers to them all could lower it, the mildest ones show.
        values, _ = self.rules.findings.check(self.rules.benign(given=dict(self.assessment.answers)))
        mildest = resolve(self.rules, values).acuity
        number = len(self.assessment.unanswered)
        if mildest >= now:
            return found
        open_now = f"{questions_are(number)} still open"
        why = f"{open_now}; with the mildest answer to each it would be {mildest.name}. {found.why}"
        return evolve(found, why=why, open_questions=number)

    @cached_property
    def sufficient(self) -> Sufficient:
        """The fewest of the answers that alone keep at least this acuity; for self-care, the answers that keep it."""
        now = self.assessment.acuity
        rung = now.name
        at_least = rung if now is Acuity.EMERGENCY else f"{rung} or above"
        if now is Acuity.SELF_CARE:
            # Self-care is settled wherever it is given, so that no answers to the rest take it away.
            kept = self._working.none_to_spare(lambda state: resolve(self.rules, state.values).acuity is now)
            these = f"These {len(kept)} answers alone keep it at SELF_CARE, whatever the others are."
            return Sufficient(self._working.said(kept), False, f"{these} None of them could be left out.")
        if self._working.held_from_before:
            return Sufficient((), True, FROM_BEFORE)
        goals: list[Goal] = [self._working.holds(rule) for rule in self._working.holding()]
        if not goals and now is Acuity.ROUTINE:
            # No rule holds it; what does is that no answers to the rest could lead to self-care.
            goals = list(never_self_care(self.rules).goals)
        found = self._working.fewest(goals)
        if found is None:
            return Sufficient((), fewest=True, says=f"No answer holds it at {rung}: the open questions do.")
        kept, fewest = found
        if not kept:
            return Sufficient((), fewest, f"By these rules it is {at_least}, whatever the answers are.")
        these = "This answer alone keeps" if len(kept) == 1 else f"These {len(kept)} answers alone keep"
        least = "No fewer do." if fewest else "None of them could be left out."
        return Sufficient(
            self._working.said(kept), fewest, f"{these} it at {at_least}, whatever the others are. {least}"
        )

    @cached_property
    def rungs(self) -> tuple[Rung, ...]:
        """The five rungs, from the most acute."""
        answer, state = self.assessment, self._working.state
        quiet = {*state.reading.fired, *state.reading.excluded}
        not_ruled_out = {rule.acuity for number, rule in enumerate(self.rules) if number not in quiet}
        # A settled answer does not fall to a rung below it, whatever is open there.
        above_this = answer.acuity if answer.settled else answer.established
        return tuple(
            Rung(
                rung,
                here=rung is answer.acuity,
                still_open=rung > above_this and rung is not answer.acuity and rung in not_ruled_out,
            )
            for rung in reversed(Acuity)
        )

    def ladder(self) -> str:
        """The ladder as a picture in text: the rung marked, and those that are still open dotted."""
        return pages.ladder(self.rungs)

    # -- the versions --------------------------------------------------------------------------------------------------

    def clinician(self, *, seconds: float = SECONDS) -> str:
        """The clinician's version, with ids, as plain text."""
        return plain(self.sections(clinician=True, seconds=seconds), None)

    def sections(
        self, *, clinician: bool = False, rule: str | None = None, seconds: float = SECONDS
    ) -> tuple[Section, ...]:
        """Either version in parts, to be wrapped and coloured.

        rule: only why, or why not, this rule fires; from SAME_DAY up, after what the page says first.
        """
        _check_search(seconds)
        if rule is not None:
            first = pages.the_answer(self.assessment) if self.assessment.acuity >= Acuity.SAME_DAY else ()
            return (*first, pages.rule_section(self.why_not(rule), clinician))
        to = pages.to_clinician if clinician else pages.to_person
        return tuple(to(self, self._working, seconds))

    def summary(self) -> str:
        """What a clinician wants first, in a few lines: pertinent yes and no, the weightiest first, and who decided."""
        return pages.summary(self.assessment, self._working)

    def to_json(self, *, rule: str | None = None, seconds: float = SECONDS) -> str:
        """All parts as JSON text; rule: the acuity, and only why, or why not, this rule fires."""
        _check_search(seconds)
        answer = self.assessment
        # The name and version of the rules that were checked, and not of what may come from a file.
        rule_set = RuleSetId(self.rules.name, self.rules.version, self.rules.sha256)
        if rule is not None:
            tree, first = self.why_not(rule), answer.page()[0].lines
            return _json.written(_RuleDocument(answer.acuity, first, tree, rule_set, answer.intended_use))
        return _json.written(
            Document(
                acuity=answer.acuity,
                reason=answer.reason,
                settled=answer.settled,
                established=answer.established,
                not_excluded=answer.not_excluded,
                ladder=self.rungs,
                why=self.why,
                sufficient=self.sufficient,
                near_misses=self.near_misses,
                would_raise=self.what_would_raise(seconds=seconds),
                would_lower=self.what_would_lower(seconds=seconds),
                rule_set=rule_set,
                intended_use=answer.intended_use,
            )
        )

    def _repr_html_(self) -> str:
        """The person's version as HTML, for notebooks, with the ladder as a picture; colour never stands alone."""
        return pages.as_html(self.sections(), self.rungs)
