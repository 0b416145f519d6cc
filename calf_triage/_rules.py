"""Rules, and the rule set that holds everything that was declared. Immutable values, read by every reading."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, fields, frozen

from calf_triage._advice import Advice, Region, Service, Source
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
    """One rule. id is its file's name and acuity its folder's."""

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
    look_again_days: int | None = None
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
class Retired:
    """A rule that is no longer used."""

    id: str
    title: str
    replaced_by: str


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
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(f"no rule {shown(rule_id)}{did_you_mean(rule_id, [rule.id for rule in self.rules])}")

    def none_of(self, heading: str) -> dict[str, Answer]:
        """The noes of a whole heading, as "none of these" gives them.

        A choice or a measurement is given its benign value. What hangs, within the heading, below a question that is
        thereby no is left out. KeyError if there is no such heading.
        """
        for screen in self.findings.screens:
            for found in screen.headings:
                if found.id == heading:
                    return self.benign(ids=found.findings)
        known = [found.id for screen in self.findings.screens for found in screen.headings]
        raise KeyError(f"no heading {shown(heading)}{did_you_mean(heading, known)}")

    def benign(
        self, *, given: dict[str, Answer] | None = None, ids: tuple[str, ...] | None = None
    ) -> dict[str, Answer]:
        """The given answers, and the benign answer of every other finding that applies (of `ids`, if given)."""
        answers: dict[str, Answer] = dict(given or {})
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
