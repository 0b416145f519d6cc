"""Rules, and the rule set that holds everything that was declared. Immutable values, read by every reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field, fields, frozen

from calf_triage._advice import Advice, Region, Service, Source, Span
from calf_triage._criteria import Criterion, NamedCriterion, Score, When
from calf_triage._errors import did_you_mean, shown
from calf_triage._findings import Acuity, Answer, Finding, Findings


@frozen
class Example:
    """A person on whom a rule fires, or does not. otherwise_no: all that is not given has its benign answer."""

    name: str
    given: dict[str, Answer] = field(repr=False)
    fires: bool
    otherwise_no: bool = False


@frozen
class Rule:
    """One rule. id is its file's name and acuity its folder's.

    look_again_days: when to answer the questions again, rising; the last is where a plan ends. Empty from SAME_DAY up.
    """

    id: str
    acuity: Acuity
    title: str
    why: str
    when: When
    causes: tuple[str, ...]
    sources: tuple[Source, ...]
    examples: tuple[Example, ...]
    status: str
    hazards: tuple[str, ...] = ()
    misuse: str | None = None
    reviewed_by: str | None = None
    reviewed_on: str | None = None
    see: tuple[str, ...] = ()
    within_hours: int | None = None
    look_again_days: tuple[int, ...] = ()
    seek_help_if: tuple[str, ...] = ()
    meanwhile: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    do: tuple[str, ...] = ()


@frozen
class Cause:
    """A possible cause. against: what speaks against it; shown, and never lowers anything."""

    id: str
    name: str
    must_not_miss: bool
    against: tuple[Criterion, ...] = ()
    evidence: str | None = None
    sources: tuple[Source, ...] = ()


@frozen
class Hazard:
    """A way in which this could harm someone, and what controls it."""

    id: str
    title: str
    harm: str
    cause: str
    control: str
    tests: tuple[str, ...] = ()


@frozen
class Law:
    """A clinical floor: whenever `when` is met, the answer is at least `at_least`."""

    id: str
    says: str
    when: When
    at_least: Acuity
    sources: tuple[Source, ...]


@frozen
class NoGain:
    """What training that does not help is: the finding that says so, of which symptoms, and after how many days."""

    finding: str
    symptoms: tuple[str, ...]
    after_days: int


@frozen
class Retired:
    """A rule that is no longer used."""

    id: str
    title: str
    replaced_by: str


@frozen
class StopSign:
    """What ends a plan at once. yes: the findings that it answers yes; ask_again: what has to be asked anew."""

    id: str
    asks: str
    yes: tuple[str, ...]
    ask_again: tuple[str, ...]
    sources: tuple[Source, ...]


@frozen
class PainLimit:
    """How much pain, from 0 to 10, training may bring. for_whom: one of these; for everybody else where it is empty.

    by_morning: the pain has to be back by the next morning to where it was. no_rise: nor may it rise week by week.
    """

    id: str
    at_most: int
    say: str
    sources: tuple[Source, ...]
    for_whom: tuple[Criterion, ...] = ()
    by_morning: bool = False
    no_rise: bool = False


@frozen
class Gate:
    """A contraindication that training may lift. never_if: for whom it does not open."""

    id: str
    criterion: Criterion
    opens: str
    sources: tuple[Source, ...]
    never_if: tuple[Criterion, ...] = ()


@frozen
class Ladder:
    """Items of which one stands in a plan at a time, the next in place of the one before.

    for_whom: one of these; everybody where it is empty. The next comes after a week that went well; where at_seconds is
    given, only once that many seconds of the one before were logged.
    """

    id: str
    items: tuple[str, ...]
    say: str
    sources: tuple[Source, ...]
    for_whom: tuple[Criterion, ...] = ()
    at_seconds: int | None = None


@frozen
class PlanRules:
    """What steers a plan: `plan.toml`, whose comments say what each is. Amounts a week and a session are in percent."""

    percent_a_week: int
    session_percent: int
    session_days: int
    back_percent: int
    back_after_hours: int
    progress_advice: str
    many_percent: int
    back_after_weeks: int
    days_a_week: Span
    days_trained: int
    trained_if: Criterion
    days_between: dict[str, int]
    most_exercises: int
    most_balance: int
    warm_up: str | None
    rest_day: tuple[str, ...]
    each_side: tuple[str, ...]
    little_if: tuple[Criterion, ...]
    little_say: str
    household: tuple[str, ...]
    loads: tuple[str, ...]
    load_on: tuple[str, ...]
    can_do_without: dict[str, tuple[str, ...]]
    programmes: tuple[str, ...]
    own_steps: tuple[str, ...]
    first_days: int
    first_days_if: tuple[Criterion, ...]
    first_days_say: str
    ability_percent: int
    ability_differs_percent: int
    ability_test: str | None
    ability_counted: str | None
    ability_sides: tuple[str, ...]
    ability_on: tuple[str, ...]
    pain_finding: str
    stop_above_pain: int
    pain_limits: tuple[PainLimit, ...]
    stop_signs: dict[str, StopSign]
    gates: tuple[Gate, ...]
    ladders: tuple[Ladder, ...]
    sources: dict[str, tuple[Source, ...]]
    """By the table of the file that they stand in."""

    def criteria(self) -> Iterator[Criterion]:
        """All criteria that steer a plan."""
        yield from (self.trained_if, *self.little_if, *self.first_days_if)
        for limit in self.pain_limits:
            yield from limit.for_whom
        for ladder in self.ladders:
            yield from ladder.for_whom
        for gate in self.gates:
            yield from (gate.criterion, *gate.never_if)


@frozen(eq=False)
class RuleSet:
    """Everything a rule folder declares. Immutable; two rule sets are compared by `sha256`.

    sha256: of the canonical content of all files; it changes with any change that could change an answer or a text.
    Iterating gives the rules: most acute first, then sooner, then in the order of what they ask first, then by id.
    """

    name: str
    version: str
    scope: str
    lowest_age: int
    sha256: str
    findings: Findings = field(repr=False)
    criteria: dict[str, NamedCriterion] = field(repr=False)
    scores: dict[str, Score] = field(repr=False)
    rules: tuple[Rule, ...] = field(repr=False)
    causes: dict[str, Cause] = field(repr=False)
    advice: dict[str, Advice] = field(repr=False)
    services: dict[str, Service] = field(repr=False)
    regions: dict[str, Region] = field(repr=False)
    hazards: dict[str, Hazard] = field(repr=False)
    laws: tuple[Law, ...] = field(repr=False)
    retired: tuple[Retired, ...] = field(repr=False)
    default_see: dict[Acuity, tuple[str, ...]] = field(repr=False)
    safety_net: tuple[str, ...] = field(repr=False)
    look_again_days: int = field(repr=False)
    no_gain: NoGain | None = field(default=None, repr=False)
    """When weakness in spite of training is looked at; None where the folder does not say."""
    plan: PlanRules | None = field(default=None, repr=False)
    """What steers a plan; None where the folder has no plan.toml."""
    waivers: dict[str, dict[str, str]] = field(factory=dict, repr=False)
    """What `verify` may refute, by question, each with its reason."""
    readings: dict[str, object] = field(init=False, factory=dict, repr=False)
    """What a reading compiled from this rule set; it goes when the rule set goes, so that nothing is ever stale."""

    def __getstate__(self) -> dict[str, object]:
        return {
            name: getattr(self, name)
            for name in (attribute.name for attribute in fields(RuleSet))
            if name != "readings"
        }

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in {**state, "readings": {}}.items():
            object.__setattr__(self, name, value)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def __getitem__(self, rule_id: str) -> Rule:
        """The rule of that id; KeyError, with a near word if there is one, if there is none."""
        if not isinstance(rule_id, str):
            raise KeyError("a rule is named by a text, its id")
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(f"no rule {shown(rule_id)}{did_you_mean(rule_id, [rule.id for rule in self.rules])}")

    def none_of(self, heading: str) -> dict[str, Answer]:
        """The noes of a whole heading, as "none of these" gives them.

        A choice or a measurement is given its benign value. What hangs, within the heading, below a question that is
        thereby no is left out. KeyError if there is no such heading.
        """
        if not isinstance(heading, str):
            raise KeyError("a heading is named by a text, its id")
        for screen in self.findings.screens:
            for found in screen.headings:
                if found.id == heading:
                    return self.benign(ids=found.findings)
        known = [found.id for screen in self.findings.screens for found in screen.headings]
        raise KeyError(f"no heading {shown(heading)}{did_you_mean(heading, known)}")

    def benign(
        self, *, given: Mapping[str, Answer] | None = None, ids: tuple[str, ...] | None = None
    ) -> dict[str, Answer]:
        """The given answers, and the benign answer of every other finding that applies (of `ids`, if given)."""
        if given is not None and not isinstance(given, Mapping):
            raise TypeError("given: expected a mapping of finding names to answers")
        answers: dict[str, Answer] = {} if given is None else dict(given)
        for id in self.findings.by_id if ids is None else ids:
            finding = self.findings.by_id[id]
            if id not in answers and self._may_apply(finding, answers):
                answers[id] = finding.shown(finding.benign)
        return {id: answers[id] for id in self.findings.by_id if id in answers} | answers

    def _may_apply(self, finding: Finding, answers: dict[str, Answer]) -> bool:
        above = finding.only_if
        while above is not None:
            if answers.get(above) is False:
                return False
            above = self.findings.by_id[above].only_if
        return True
