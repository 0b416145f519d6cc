"""What a rule set says twice, says in vain, or says so that it is hard to read; each a line with its place.

Every function gives the lines of one kind: "file: place: what is wrong, and what would be right".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from calf_triage._advice import Source
from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Acuity, Finding, Value
from calf_triage._rules import RuleSet
from calf_triage.readings.plain import every_criterion, leaf_truth

HIGHEST_GRADE: Final = 8.0
"""The highest Flesch-Kincaid grade of a patient text: what somebody of 13 can read."""
FEWEST_WORDS: Final = 8
"""A text of fewer words is not held to a grade: there one long word makes all the difference."""
MOST_DIFFERING: Final = 3
"""The most answers in which the nearest near miss may differ from what fires; in the bundled rules, 0 to 3."""

_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_IN_FILE: Final = (
    rf"(?:\[{{1,2}}[^\]]*\]{{1,2}}(?: \d+)?|[a-z_]+)(?: (?:[a-z_.]+|\[\[heading\]\]|{_QUOTED}))?|{_QUOTED}"
)
_LINE: Final = re.compile(rf"(?P<file>[^:]+): (?:(?P<place>{_IN_FILE}): )?(?P<message>.*)", re.DOTALL)


@frozen
class Problem:
    """Something to mend in a rule set; a note if it only may be. place: where in the file, "" for the file as a whole.

    kind: what sort of thing is wrong, one word that stays the same between versions.
    """

    kind: str
    file: str
    place: str
    message: str
    note: bool = False

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.place, self.message) if part)


def problem(kind: str, line: str, note: bool = False) -> Problem:
    """The parts of a line as the loader and the lints write it."""
    found = _LINE.fullmatch(line)
    if found is None:
        return Problem(kind, "", "", line, note)
    return Problem(kind, found["file"], found["place"] or "", found["message"], note)


# -- what is said in vain ----------------------------------------------------------------------------------------------

_Cells = dict[str, frozenset[Value | None]]
"""For each finding the answers that can be told apart by a criterion; None where it does not apply."""


def in_vain(rules: RuleSet) -> Iterator[str]:
    """Criteria that can never be met together, and those that say nothing beside the others."""
    cells = _cells(rules)
    adults = _adults(rules, cells)
    for rule in rules:
        among = adults if rule.acuity is Acuity.SELF_CARE else cells
        yield from _said_in_vain(rules, f"{rule.acuity.word}/{rule.id}.toml: [when]", rule.when, among)
    for named in rules.criteria.values():
        yield from _said_in_vain(rules, f"criteria.toml: [{named.id}]", named.when, cells)
    for law in rules.laws:
        yield from _said_in_vain(rules, f"laws.toml: [{law.id}]", law.when, cells)
    for item in rules.advice.values():
        against = item.contraindicated_by
        place = f"advice/: [{item.id}]"
        for one, other in _covered(against, cells):
            yield f"{place}: contraindicated_by {one.text!r} says nothing beside {other.text!r}; leave it out"
        for change in item.modified_by:
            if any(_same(change.criterion, criterion) for criterion in against):
                text = change.criterion.text
                yield f"{place}: modified_by {text!r} is never said, because it contraindicates the item; keep one"


def _cells(rules: RuleSet) -> _Cells:
    numbers: dict[str, set[int]] = {}
    for criterion in every_criterion(rules):
        if criterion.form in ("at_least", "below"):
            numbers.setdefault(criterion.name, set()).add(int(criterion.value or 0))
    numbers.setdefault("age_years", set()).add(rules.lowest_age)
    found: _Cells = {}
    for finding in rules.findings.by_id.values():
        values: set[Value | None] = {UNSURE}
        if finding.type == "yes_no":
            values |= {True, False}
        elif finding.type == "choice":
            values |= {choice.id for choice in finding.choices}
        else:
            steps = {finding.low, finding.high}
            steps |= {number + step for number in numbers.get(finding.id, ()) for step in (-1, 0)}
            values |= {step for step in steps if finding.low <= step <= finding.high}
        found[finding.id] = frozenset(values | ({None} if finding.only_if else set()))
    return found


def _adults(rules: RuleSet, cells: _Cells) -> _Cells:
    """The answers of those who can be given self-care."""
    if not rules.lowest_age or "age_years" not in cells:
        return cells
    lowest = rules.lowest_age * 10 ** rules.findings.by_id["age_years"].decimals
    return {**cells, "age_years": frozenset(age for age in cells["age_years"] if type(age) is int and age >= lowest)}


def _truth(criterion: Criterion, value: Value | None) -> bool | None:
    return False if value is None else leaf_truth(criterion, value)


def _leaves(rules: RuleSet, criterion: Criterion, met: bool) -> Iterator[tuple[Criterion, bool]]:
    """The criteria on findings that must be met, or refuted, for this one to be so; as far as there is no choice."""
    if criterion.form == "named":
        when = rules.criteria[criterion.name].when
        if met:
            yield from _leaves_of(rules, when)
        elif len([*when]) == 1:
            yield from _leaves(rules, next(iter(when)), bool(when.none))
    elif criterion.form == "score":
        score = rules.scores[criterion.name]
        needed = int(criterion.value or 0)
        for item in score.items:
            # Met: whatever the score cannot do without. Refuted: whatever alone would reach it.
            if (met and score.most - item.points < needed) or (not met and item.points >= needed):
                yield from _leaves(rules, item.criterion, met)
    else:
        yield criterion, met


def _leaves_of(rules: RuleSet, when: When) -> Iterator[tuple[Criterion, bool]]:
    for criterion in (*when.all, *(when.any if len(when.any) == 1 else ())):
        yield from _leaves(rules, criterion, True)
    for criterion in when.none:
        yield from _leaves(rules, criterion, False)


def _left(rules: RuleSet, cells: _Cells, leaves: Iterable[tuple[Criterion, bool]]) -> _Cells | str:
    """The answers that remain; or the finding that has none left."""
    left = dict(cells)
    for criterion, met in leaves:
        name = criterion.name
        left[name] = frozenset(value for value in left[name] if _truth(criterion, value) is met)
    # What hangs from a no does not apply; and what applies hangs from no no. Questions come after what they hang from.
    for finding in rules.findings.by_id.values():
        if finding.only_if is not None and left[finding.only_if] <= {False, None}:
            left[finding.id] = left[finding.id] & {None}
    for finding in reversed(rules.findings.by_id.values()):
        if finding.only_if is not None and None not in left[finding.id]:
            left[finding.only_if] = left[finding.only_if] - {False, None}
    return next((name for name, values in left.items() if not values), left)


def _said_in_vain(rules: RuleSet, place: str, when: When, cells: _Cells) -> Iterator[str]:
    every = [*_leaves_of(rules, When(when.all, (), when.none))]
    left = _left(rules, cells, every)
    if isinstance(left, str):
        about = {left, *rules.findings.below.get(left, ())}
        told = {f"{c.text!r} be {'met' if met else 'refuted'}": None for c, met in every if c.name in about}
        yield f"{place}: can never be met: no answer to {left} lets {', '.join(told)}"
        return
    for key in ("all", "none"):
        for criterion in getattr(when, key):
            others = (
                [other for other in when.all if other is not criterion],
                [o for o in when.none if o is not criterion],
            )
            rest = _left(rules, cells, _leaves_of(rules, When(tuple(others[0]), (), tuple(others[1]))))
            if not isinstance(rest, str) and _always(criterion, rest, key == "all"):
                yield f"{place}: {key} {criterion.text!r} says nothing beside the others; leave it out"
    for criterion in when.any if len(when.any) > 1 else ():
        if isinstance(_left(rules, cells, [*every, *_leaves(rules, criterion, True)]), str):
            yield f"{place}: any {criterion.text!r} can never be met beside all and none; leave it out"
        elif _always(criterion, left, True):
            yield f"{place}: any says nothing: {criterion.text!r} is always met beside all and none"
    for one, other in _covered(when.any, left):
        yield f"{place}: any {one.text!r} says nothing beside {other.text!r}; leave it out"


def _always(criterion: Criterion, cells: _Cells, met: bool) -> bool:
    if criterion.form in ("named", "score"):
        return False
    return all(_truth(criterion, value) is met for value in cells[criterion.name])


def _covered(criteria: tuple[Criterion, ...], cells: _Cells) -> Iterator[tuple[Criterion, Criterion]]:
    """Each criterion with another of the same finding that is met wherever it is."""
    met = {
        criterion: {value for value in cells[criterion.name] if _truth(criterion, value) is True}
        for criterion in criteria
        if criterion.form not in ("named", "score")
    }
    for one, values in met.items():
        for other, more in met.items():
            if one is not other and one.name == other.name and values and values <= more:
                yield one, other
                break


def _same(one: Criterion, other: Criterion) -> bool:
    return (one.form, one.name, one.value) == (other.form, other.name, other.value)


def one_alone(rules: RuleSet) -> Iterator[str]:
    """A list in `any` with one entry, and a name for one criterion: neither says more than that entry."""
    for place, when in _whens(rules):
        if len(when.any) == 1:
            yield f"{place}: any has one entry, {when.any[0].text!r}; it says the same in all"
    for named in rules.criteria.values():
        if len([*named.when]) == 1 and not named.when.none:
            text = next(iter(named.when)).text
            yield f"criteria.toml: [{named.id}]: is another name for {text!r}; use that"


def _whens(rules: RuleSet) -> Iterator[tuple[str, When]]:
    for rule in rules:
        yield f"{rule.acuity.word}/{rule.id}.toml: [when]", rule.when
    for named in rules.criteria.values():
        yield f"criteria.toml: [{named.id}]", named.when
    for law in rules.laws:
        yield f"laws.toml: [{law.id}]", law.when


def never_read(rules: RuleSet, files: Mapping[str, str]) -> Iterator[str]:
    """Choices that no criterion reads: whoever ticks one is answered as if nothing of it mattered."""
    read = {(c.name, c.value) for c in every_criterion(rules) if c.form == "choice"}
    for finding in rules.findings.by_id.values():
        names = [choice.id for choice in finding.choices if (finding.id, choice.id) not in read]
        # One that is left over is what the others are not.
        if len(names) > 1:
            texts = ", ".join(map(repr, names))
            yield f"{files[finding.id]}: [finding.{finding.id}]: nothing reads its choices {texts}; could they be one?"


# -- what is said twice ------------------------------------------------------------------------------------------------


def _again(said: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    """The place of whatever was said before, with the place where."""
    first: dict[object, str] = {}
    for place, what in said:
        if what in first:
            yield place, first[what]
        else:
            first[what] = place


def said_twice(rules: RuleSet, files: Mapping[str, str]) -> Iterator[str]:
    """Examples of a rule that are one and the same, and questions or choices that a patient cannot tell apart."""
    for rule in rules:
        place = f"{rule.acuity.word}/{rule.id}.toml: [[example]]"
        named = ((repr(example.name), example.name) for example in rule.examples)
        yield from (f"{place} {name}: another example has this name" for name, _ in _again(named))
        told = (
            (repr(example.name), (frozenset(example.given.items()), example.otherwise_no)) for example in rule.examples
        )
        for name, before in _again(told):
            if name != before:
                yield f"{place} {name}: is the same person as {before}; show another, or leave it out"
        sources = ((number, source) for number, source in enumerate(rule.sources, 1))
        for number, before in _again((str(number), source) for number, source in sources):
            yield f"{rule.acuity.word}/{rule.id}.toml: [[source]] {number}: is the same as the source {before}"
    titles = ((f"{rule.acuity.word}/{rule.id}.toml", rule.title.casefold()) for rule in rules)
    yield from (
        f"{place}: title: is that of {before} too; a reader cannot tell them apart" for place, before in _again(titles)
    )
    asked = (
        (f"{files[finding.id]}: [finding.{finding.id}]", (finding.heading, finding.asks.casefold()))
        for finding in rules.findings.by_id.values()
    )
    for place, before in _again(asked):
        yield f"{place}: asks the same as {before.partition(': ')[2]} under the same heading"
    for finding in rules.findings.by_id.values():
        labels = ((choice.id, choice.label.casefold()) for choice in finding.choices)
        for name, before in _again(labels):
            yield f"{files[finding.id]}: [finding.{finding.id}]: its choices {before!r} and {name!r} have one label"
    senses = (
        (f"criteria.toml: [{named.id}]", tuple(frozenset((c.form, c.name, c.value) for c in part) for part in parts))
        for named in rules.criteria.values()
        for parts in [(named.when.all, named.when.any, named.when.none)]
    )
    for place, before in _again(senses):
        yield f"{place}: says the same as {before.partition(': ')[2]}; keep one"


def said_alike(rules: RuleSet) -> Iterator[str]:
    """Reasons, and names of causes and of advice, that are word for word the same."""
    whys = ((f"{rule.acuity.word}/{rule.id}.toml", rule.why.casefold()) for rule in rules)
    yield from (f"{place}: why: is word for word that of {before}" for place, before in _again(whys))
    causes = ((f"causes.toml: [{cause.id}]", cause.name.casefold()) for cause in rules.causes.values())
    items = ((f"advice/: [{item.id}]", item.name.casefold()) for item in rules.advice.values())
    for place, before in (*_again(causes), *_again(items)):
        yield f"{place}: has the same name as {before.partition(': ')[2]}"


# -- sources -----------------------------------------------------------------------------------------------------------


def _sources(rules: RuleSet) -> Iterator[tuple[str, Source]]:
    for rule in rules:
        yield from ((f"{rule.acuity.word}/{rule.id}.toml", source) for source in rule.sources)
    for cause in rules.causes.values():
        yield from ((f"causes.toml: [{cause.id}]", source) for source in cause.sources)
    for law in rules.laws:
        yield from ((f"laws.toml: [{law.id}]", source) for source in law.sources)
    for item in rules.advice.values():
        yield from ((f"advice/: [{item.id}]", source) for source in item.sources)
    for name, sources in (rules.plan.sources if rules.plan is not None else {}).items():
        yield from ((f"plan.toml: [{name}]", source) for source in sources)


def links(rules: RuleSet) -> Iterator[str]:
    """Links that lead nowhere, or are written in two ways."""
    written: dict[str, str] = {}
    for place, source in _sources(rules):
        if source.link is None:
            continue
        parts = urlsplit(source.link)
        if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?", parts.netloc) or source.link.count("://") > 1:
            yield f"{place}: [[source]]: {source.link!r} names no place of the web"
        elif re.search(r"[.,;:)\]}]$", source.link) and not re.search(r"\([^)]*\)$", source.link):
            yield f"{place}: [[source]]: {source.link!r} ends in a mark that belongs to the sentence around it"
        bare = f"{parts.netloc.lower().removeprefix('www.')}{parts.path.rstrip('/')}?{parts.query}#{parts.fragment}"
        before = written.setdefault(bare, source.link)
        if before != source.link:
            yield f"{place}: [[source]]: {source.link!r} is elsewhere written {before!r}; write it in one way"


def unread(rules: RuleSet) -> Iterator[str]:
    """How many sources nobody is on record to have read, in one line."""
    cited = {
        (source.cites, source.says): source
        for _, source in _sources(rules)
        if source.cites.casefold() != "design decision"
    }
    if missing := sum(source.checked is None for source in cited.values()):
        yield (
            f"ruleset.toml: of {len(cited)} statements cited, design decisions apart, {missing} have no `checked`: "
            f"nobody is on record to have read them"
        )


def reviewed_too_soon(rules: RuleSet) -> Iterator[str]:
    """Rules signed off before one of their sources was read."""
    for rule in rules:
        read = max((source.checked for source in rule.sources if source.checked), default=None)
        if rule.reviewed_on is not None and read is not None and rule.reviewed_on < read:
            place = f"{rule.acuity.word}/{rule.id}.toml: reviewed_on"
            yield f"{place}: {rule.reviewed_on} is before {read}, when a source of it was read; review it again"


# -- what could be missed ----------------------------------------------------------------------------------------------


def missed_causes(rules: RuleSet) -> Iterator[str]:
    """Causes that must not be missed, and that no rule looks at soon."""
    for cause in rules.causes.values():
        rungs = [rule.acuity for rule in rules if cause.id in rule.causes]
        if cause.must_not_miss and rungs and max(rungs) < Acuity.SOON:
            yield f"causes.toml: [{cause.id}]: must not be missed, but no rule above {max(rungs).word}/ names it"


def far_misses(rules: RuleSet) -> Iterator[str]:
    """Examples that do not fire, and are far from every one that does: they show no edge of the rule."""
    for rule in rules:
        firing = [example.given for example in rule.examples if example.fires]
        misses = [example for example in rule.examples if not example.fires]
        apart = {
            example.name: min((_differing(example.given, given) for given in firing), default=0) for example in misses
        }
        # One that is near is enough: the others may show somebody quite different.
        if apart and min(apart.values()) > MOST_DIFFERING:
            name, least = min(apart.items(), key=lambda each: each[1])
            yield (
                f"{rule.acuity.word}/{rule.id}.toml: [[example]] {name!r}: differs in {least} answers from the nearest "
                f"example that fires; a near miss differs in few"
            )


def _differing(one: Mapping[str, object], other: Mapping[str, object]) -> int:
    """In how many answers two people differ: those that both gave, and the yeses of which the other says nothing."""
    return sum(
        one[name] != other[name] if name in one and name in other else (one.get(name, other.get(name)) is True)
        for name in {*one, *other}
    )


MOST_DAYS_APART: Final = 4
"""The most days of a week, Monday to Sunday, of which no two are neighbours."""


def loose_plan(rules: RuleSet, reaches: Callable[[Iterable[Criterion]], Iterable[Criterion]]) -> Iterator[str]:
    """Strengthening on neighbouring days, and a pain that no rule looks at."""
    if rules.plan is None:
        return
    for key, days in (("a_week", rules.plan.days_a_week[1]), ("trained", rules.plan.days_trained)):
        if days > MOST_DAYS_APART:
            yield (
                f"plan.toml: [days] {key}: on {days} days of a week some are neighbours, and strengthening never is on "
                f"two days running; at most {MOST_DAYS_APART}"
            )
    read = {criterion.name for criterion in reaches(criterion for rule in rules for criterion in rule.when)}
    if rules.plan.pain_finding not in read:
        yield f"plan.toml: [pain] finding: no rule reads {rules.plan.pain_finding!r}; name the pain that rules look at"


def no_laws(rules: RuleSet) -> Iterator[str]:
    """A rule set whose own clinical floors are nowhere said a second time."""
    if not rules.laws:
        yield "laws.toml: there is none; say there which pictures are never below which rung, and verify proves it"


# -- words -------------------------------------------------------------------------------------------------------------

PLAIN_TERMS: Final = {"achilles", "emergency"}
"""Terms that have no plainer word; each counts as one syllable."""
_UNIT_WORDS: Final = {
    "celsius": r"celsius|°c",
    "cm": r"centimet|\bcm\b",
    "count": r"how many|number|count",
    "days": r"\bdays?\b",
    "hours": r"\bhours?\b",
    "kg": r"kilo|\bkg\b",
    "m": r"\bmet(er|re)s?\b|\bm\b",
    "minutes": r"\bminutes?\b",
    "mm": r"millimet|\bmm\b",
    "months": r"\bmonths?\b",
    "of_10": r"\b10\b",
    "seconds": r"\bseconds?\b",
    "sessions": r"how often|how many|times|sessions",
    "weeks": r"\bweeks?\b",
    "years": r"\byears?\b|how old",
}


def _syllables(word: str) -> int:
    """Groups of vowels, less a silent e, at least one."""
    if word in PLAIN_TERMS:
        return 1
    groups = len(re.findall(r"[aeiouy]+", word))
    if re.search(r"[^aeiouyl]es?$|[^aeiouydt]ed$", word) and groups > 1:
        groups -= 1
    return max(groups, 1)


def grade(text: str) -> float:
    """The Flesch-Kincaid grade of a text, all of its sentences pooled (Kincaid 1975)."""
    sentences = [part for part in re.split(r"[.!?;:]+\s|\n|[.!?:]$", text) if re.search(r"\w", part)]
    words = re.findall(r"[a-z']+", re.sub(r"\([^)]*\)", " ", text.lower()))
    if not words:
        return 0.0
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59


def graded_texts(rules: RuleSet) -> Iterator[tuple[str, str]]:
    """The texts long enough to be graded, with their place: reasons, steps, and headings with their questions."""
    for rule in rules:
        yield f"{rule.acuity.word}/{rule.id}.toml: why", rule.why
    for item in rules.advice.values():
        yield f"advice/: [{item.id}]", "\n".join([*item.steps, *(change.say for change in item.modified_by)])
    for screen in rules.findings.screens:
        for heading in screen.headings:
            asked = [rules.findings.by_id[name] for name in heading.findings]
            labels = [choice.label for finding in asked for choice in finding.choices]
            text = "\n".join([heading.asks, *(finding.asks for finding in asked), *labels])
            yield f"findings/{screen.id}.toml: [[heading]] {heading.id!r}", text


def hard_to_read(rules: RuleSet) -> Iterator[str]:
    """Patient texts above the grade of HIGHEST_GRADE."""
    for place, text in graded_texts(rules):
        if len(text.split()) >= FEWEST_WORDS and (found := grade(text)) > HIGHEST_GRADE:
            yield f"{place}: reads at school grade {found:.1f}, above {HIGHEST_GRADE:.0f}; shorten words and sentences"


def unit_unsaid(rules: RuleSet, files: Mapping[str, str]) -> Iterator[str]:
    """Measurements that do not say in which unit they are asked."""

    def says(finding: Finding) -> bool:
        return re.search(_UNIT_WORDS[finding.unit], finding.asks, re.IGNORECASE) is not None

    for finding in rules.findings.by_id.values():
        if finding.type == "measurement" and not says(finding):
            unit = finding.unit.replace("_", " ")
            yield f"{files[finding.id]}: [finding.{finding.id}]: asks for a number without its unit, {unit}"


def numbers_elsewhere(rules: RuleSet, reaches: Callable[[Iterable[Criterion]], Iterable[Criterion]]) -> Iterator[str]:
    """Numbers of advice, causes and laws on which, or one step below, no example of any rule stands."""
    given: dict[str, set[Value]] = {}
    for rule in rules:
        for example in rule.examples:
            for name, value in rules.findings.check(example.given)[0].items():
                given.setdefault(name, set()).add(value)
    seen: set[tuple[str, int]] = set()
    parts = [
        (f"advice/: [{item.id}]", (*item.contraindicated_by, *(change.criterion for change in item.modified_by)))
        for item in rules.advice.values()
    ]
    parts += [(f"causes.toml: [{cause.id}]", cause.against) for cause in rules.causes.values()]
    parts += [(f"laws.toml: [{law.id}]", tuple(law.when)) for law in rules.laws]
    for place, criteria in parts:
        for criterion in reaches(criteria):
            if criterion.form in ("at_least", "below"):
                on = int(criterion.value or 0)
                finding = rules.findings.by_id[criterion.name]
                missing = [
                    str(finding.number(step)) for step in (on, on - 1) if step not in given.get(criterion.name, ())
                ]
                if missing and (criterion.name, on) not in seen:
                    seen.add((criterion.name, on))
                    yield f"{place}: {criterion.text!r}: no example of any rule stands on {' or on '.join(missing)}"
