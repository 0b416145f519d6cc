"""The plain reading: the definition of what a rule set says about a set of answers.

Each criterion has two independent truths, met and refuted. For a finding f:

    answer                        f met   f refuted   `f is unsure` met   refuted
    yes                             x                                       x
    no, or its only_if is no                  x                             x
    unsure                                                  x
    absent

A measured value or a choice meets or refutes a comparison; unsure or absent does neither. `all` is met when all are
met and refuted when one is refuted; `any` the reverse; `none` is met when all its criteria are refuted, refuted when
one is met. A score is met by the points met, and refuted when the points not refuted cannot reach it. A rule is fired
(met), excluded (refuted) or open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import field, frozen

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Value
from calf_triage._rules import RuleSet

Truths = list[bool]
_Key = tuple[str, str, int | str | None]
_Rules = Callable[[Truths, Truths], tuple[list[int], list[int]]]


@frozen
class Reading:
    """What the plain reading finds. Rules are numbers into `rules.rules`.

    met and refuted hold the truths of all criteria; may_be_met and may_be_refuted what they might yet become, were
    every absent finding to suit.
    """

    fired: tuple[int, ...]
    excluded: frozenset[int]
    could_fire: frozenset[int]
    """Rules that some answers to the absent findings might fire. May name one too many, never one too few."""
    could_be_excluded: frozenset[int]
    met: Truths = field(repr=False)
    refuted: Truths = field(repr=False)
    may_be_met: Truths = field(repr=False)
    may_be_refuted: Truths = field(repr=False)


class Plain:
    """A rule set compiled into one function of the truths of the criteria on findings."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._numbers: dict[_Key, int] = {}
        self._of: dict[str, list[tuple[int, Criterion]]] = {}
        self._effects: dict[tuple[str, Value], tuple[tuple[int, ...], tuple[int, ...]]] = {}
        names: list[Criterion] = []
        for criterion in every_criterion(rules):
            if criterion.form in ("score", "named"):
                names.append(criterion)
            elif _key(criterion) not in self._numbers:
                number = self._numbers[_key(criterion)] = len(self._numbers)
                self._of.setdefault(criterion.name, []).append((number, criterion))
        self._leaves = len(self._numbers)
        self._read = self._compile(names)

    def read(self, values: Mapping[str, Value]) -> Reading:
        """What the rules say about checked answers."""
        met, refuted = [False] * self._leaves, [False] * self._leaves
        known = self.rules.findings.not_applicable(values)
        for name in known:
            for leaf, _ in self._of.get(name, ()):
                refuted[leaf] = True
        for name, value in values.items():
            if name not in known:
                yes, no = self._effect(name, value)
                for leaf in yes:
                    met[leaf] = True
                for leaf in no:
                    refuted[leaf] = True
        known.update(values)
        absent = [leaf for name, leaves in self._of.items() if name not in known for leaf, _ in leaves]
        may_be_met, may_be_refuted = met, refuted
        if absent:
            may_be_met, may_be_refuted = met.copy(), refuted.copy()
            for leaf in absent:
                may_be_met[leaf] = may_be_refuted[leaf] = True
        fired, excluded = self._read(met, refuted)
        could_fire, could_be_excluded = self._read(may_be_met, may_be_refuted) if absent else (fired, excluded)
        return Reading(
            fired=tuple(fired),
            excluded=frozenset(excluded),
            could_fire=frozenset(could_fire),
            could_be_excluded=frozenset(could_be_excluded),
            met=met,
            refuted=refuted,
            may_be_met=may_be_met,
            may_be_refuted=may_be_refuted,
        )

    def is_met(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion of the rule set is met."""
        return reading.met[self._numbers[_key(criterion)]]

    def is_refuted(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion of the rule set is refuted."""
        return reading.refuted[self._numbers[_key(criterion)]]

    def may_be_met(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion is met, or might be, were the absent findings to suit."""
        return reading.may_be_met[self._numbers[_key(criterion)]]

    def may_be_refuted(self, criterion: Criterion, reading: Reading) -> bool:
        """Whether a criterion is refuted, or might be, were the absent findings to suit."""
        return reading.may_be_refuted[self._numbers[_key(criterion)]]

    def holds(self, when: When, reading: Reading) -> bool:
        """Whether a `when` of the rule set, a law's say, is met."""
        return (
            all(self.is_met(criterion, reading) for criterion in when.all)
            and (not when.any or any(self.is_met(criterion, reading) for criterion in when.any))
            and all(self.is_refuted(criterion, reading) for criterion in when.none)
        )

    def undecided(self, criteria: Iterable[Criterion], reading: Reading, known: dict[_Key, set[str]]) -> set[str]:
        """The findings on which it still depends whether these criteria are met or refuted.

        known: what was found before on the same reading, so that shared pictures are taken apart once.
        """
        found: set[str] = set()
        for criterion in criteria:
            key = _key(criterion)
            number = self._numbers[key]
            if reading.met[number] or reading.refuted[number]:
                continue
            if criterion.form == "named":
                if key not in known:
                    known[key] = self.undecided_in(self.rules.criteria[criterion.name].when, reading, known)
                found |= known[key]
            elif criterion.form == "score":
                if key not in known:
                    items = self.rules.scores[criterion.name].items
                    known[key] = self.undecided((item.criterion for item in items), reading, known)
                found |= known[key]
            else:
                found.add(criterion.name)
        return found

    def undecided_in(self, when: When, reading: Reading, known: dict[_Key, set[str]]) -> set[str]:
        """The findings on which it still depends whether a `when` is met or refuted."""
        one_met = any(self.is_met(criterion, reading) for criterion in when.any)
        return self.undecided((*when.all, *(() if one_met else when.any), *when.none), reading, known)

    # -- compiling ---------------------------------------------------------------------------------------------------

    def _effect(self, name: str, value: Value) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The criteria that an answer meets, and those it refutes."""
        found = self._effects.get((name, value))
        if found is None:
            truths = [(leaf, leaf_truth(criterion, value)) for leaf, criterion in self._of.get(name, ())]
            found = (
                tuple(leaf for leaf, truth in truths if truth is True),
                tuple(leaf for leaf, truth in truths if truth is False),
            )
            if self.rules.findings.by_id[name].type != "measurement":
                # Measurements have too many values to keep; what is kept is bounded by the rule set alone.
                self._effects[name, value] = found
        return found

    def _compile(self, names: Iterable[Criterion]) -> _Rules:
        """A function that completes the truths of the criteria on findings by those of named criteria and scores, and
        gives the numbers of the rules met, and of those refuted.

        Its source holds numbers that this module made, and nothing that a file said.
        """
        body: list[str] = []

        def truth(criterion: Criterion, met: bool) -> str:
            return f"{'m' if met else 'r'}[{number(criterion)}]"

        def number(criterion: Criterion) -> int:
            key = _key(criterion)
            if key not in self._numbers:
                both = [of(criterion, met) for met in (True, False)]
                self._numbers[key] = len(self._numbers)
                body.extend(f" {side}.append({part})" for side, part in zip("mr", both, strict=True))
            return self._numbers[key]

        def of(criterion: Criterion, met: bool) -> str:
            if criterion.form == "named":
                return when_of(self.rules.criteria[criterion.name].when, met)
            score = self.rules.scores[criterion.name]
            points = " + ".join(f"{item.points} * {truth(item.criterion, met)}" for item in score.items)
            needed = int(criterion.value or 0)
            return f"{points} >= {needed}" if met else f"{score.most} - ({points}) < {needed}"

        def when_of(when: When, met: bool) -> str:
            outer, inner = (" and ", " or ") if met else (" or ", " and ")
            parts = [truth(criterion, met) for criterion in when.all]
            parts += [truth(criterion, not met) for criterion in when.none]
            if when.any:
                parts.append(f"({inner.join(truth(criterion, met) for criterion in when.any)})")
            return outer.join(parts)

        for criterion in names:
            number(criterion)
        for place, rule in enumerate(self.rules.rules):
            body.append(f" if {when_of(rule.when, True)}: fired.append({place})")
            body.append(f" if {when_of(rule.when, False)}: excluded.append({place})")
        source = "\n".join(["def read(m, r):", " fired = []", " excluded = []", *body, " return fired, excluded"])
        scope: dict[str, _Rules] = {}
        exec(compile(source, "<rules>", "exec"), {"__builtins__": {}}, scope)  # noqa: S102
        return scope["read"]


def _key(criterion: Criterion) -> _Key:
    return criterion.form, criterion.name, criterion.value


def leaf_truth(criterion: Criterion, value: Value) -> bool | None:
    """Met (True), refuted (False) or neither (None), for one answered finding that applies."""
    if criterion.form == "unsure":
        return value == UNSURE
    if value == UNSURE:
        return None
    if criterion.form == "yes":
        return value is True
    if criterion.form == "choice":
        return value == criterion.value
    at_least = int(value) >= int(criterion.value or 0)
    return at_least if criterion.form == "at_least" else not at_least


def every_criterion(rules: RuleSet) -> Iterable[Criterion]:
    """All criteria, wherever they stand."""
    parts: tuple[Iterable[Criterion], ...] = (
        *(rule.when for rule in rules.rules),
        *(named.when for named in rules.criteria.values()),
        *(law.when for law in rules.laws),
        *((item.criterion for item in score.items) for score in rules.scores.values()),
        *(cause.against for cause in rules.causes.values()),
        *(item.contraindicated_by for item in rules.advice.values()),
        *((change.criterion for change in item.modified_by) for item in rules.advice.values()),
        () if rules.plan is None else rules.plan.criteria(),
    )
    for part in parts:
        yield from part


def plain(rules: RuleSet) -> Plain:
    """The rule set's plain reading, compiled once and kept with the rule set."""
    found = rules.readings.get("plain")
    if not isinstance(found, Plain):
        found = rules.readings["plain"] = Plain(rules)
    return found
