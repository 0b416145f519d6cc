"""Finds what is inconsistent in a rule set, as far as its own examples and the benign answers can show it.

>>> from calf_triage import load_rules
>>> check(load_rules())
()
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import evolve, frozen

from calf_triage._assessment import MOST_EMERGENCY_WORDS, Assessment, Escalation, Note, SelfCare
from calf_triage._criteria import Criterion, Score, When
from calf_triage._errors import RuleSetError
from calf_triage._findings import UNSURE, Acuity, Answer, Value
from calf_triage._load import example_values
from calf_triage._rules import Example, Rule, RuleSet
from calf_triage._triage import resolve
from calf_triage.check import lints
from calf_triage.check.lints import Problem, problem
from calf_triage.readings.plain import Reading, plain

_NO_CLAIM: Final = "this library names possible causes and promises nothing"
_FORBIDDEN: Final = {
    r"\bdiagnos\w*": _NO_CLAIM,
    r"\b(?:cure[sd]?|curing|curable)\b": _NO_CLAIM,
    r"\b(?:safe|cleared|fit) (?:to|for) exercis\w*": _NO_CLAIM,
    r"\b(?:falls?|falling)[ -]risk\b|\brisk of (?:a fall|falls|falling) score\b": "no score of falls risk is given",
    r"\b(?:nothing|not|no need|don't) to worry\b|\bnothing serious\b|\bguarantee\w*": _NO_CLAIM,
    r"\bextra time on (?:tight|sore|tender)\b": "a sore spot may be a clot",
}
_BANNED: Final = {r"\bconditions?\b": "a disease to one reader, an if to the other"}


def check(rules: RuleSet) -> tuple[str, ...]:
    """Every inconsistency that needs no solver, each as "same_day/x.toml: what is wrong"; empty if there is none."""
    return tuple(str(found) for found in lint(rules) if not found.note)


def lint(rules: RuleSet) -> tuple[Problem, ...]:
    """What `check` finds, each in its parts; then the notes: what may be meant so, and is worth a look."""
    found = [problem(kind, line) for kind, lines in _problems(rules) for line in lines]
    found += [problem(kind, line, note=True) for kind, lines in _notes(rules) for line in lines]
    return tuple(dict.fromkeys(found))


def not_loaded(error: RuleSetError) -> tuple[Problem, ...]:
    """What keeps a folder from being loaded, each in its parts."""
    return tuple(problem("load", line) for line in error.problems)


def _problems(rules: RuleSet) -> Iterator[tuple[str, Iterable[str]]]:
    cases = [_case(rules, number, example) for number, rule in enumerate(rules.rules) for example in rule.examples]
    of: dict[int, list[_Case]] = {number: [] for number in range(len(rules.rules))}
    for case in cases:
        of[case.number].append(case)
    files = _files_of_findings(rules)
    yield "benign", _benign_rest(rules)
    for number, rule in enumerate(rules.rules):
        place = f"{rule.acuity.word}/{rule.id}.toml"
        for kind, lines in (
            ("example", _fires_as_said(rules, of[number])),
            ("never_leads", _leads_once(rules, rule, of[number])),
            ("changes_nothing", _matters(rules, number, of[number])),
            ("number", _numbers_shown(rules, rule, of[number])),
            ("self_care", _self_care_reached(rules, rule, of[number])),
            ("emergency_page", _emergency_page(rules, rule, of[number])),
        ):
            yield kind, (f"{place}: {line}" for line in lines)
    yield "red_flag", _red_flags(rules)
    yield "clinical_floor", _floors(rules, cases)
    yield "stop_sign", _stop_signs(rules, cases)
    yield "loose_plan", lints.loose_plan(rules, lambda criteria: with_all_below(rules, criteria))
    yield "unused", _unused(rules)
    yield "in_vain", lints.in_vain(rules)
    yield "said_twice", lints.said_twice(rules, files)
    yield "missed_cause", lints.missed_causes(rules)
    yield "review", lints.reviewed_too_soon(rules)
    yield "link", lints.links(rules)
    yield "words", _words(rules)
    yield "reading_level", lints.hard_to_read(rules)


def _notes(rules: RuleSet) -> Iterator[tuple[str, Iterable[str]]]:
    files = _files_of_findings(rules)
    yield "one_alone", lints.one_alone(rules)
    yield "never_read", lints.never_read(rules, files)
    yield "said_alike", lints.said_alike(rules)
    yield "far_miss", lints.far_misses(rules)
    yield "number_elsewhere", lints.numbers_elsewhere(rules, lambda criteria: with_all_below(rules, criteria))
    yield "withheld", _always_withheld(rules)
    yield "no_laws", lints.no_laws(rules)
    yield "unit", lints.unit_unsaid(rules, files)
    yield "source_unread", lints.unread(rules)


@frozen
class _Case:
    """A rule's example, and what the rule set makes of it; finished: with the benign rest."""

    number: int
    example: Example
    values: dict[str, Value]
    reading: Reading
    assessment: Assessment
    finished: dict[str, Value]
    finished_assessment: Assessment

    @property
    def both(self) -> tuple[tuple[dict[str, Value], Assessment], ...]:
        """The answers as they stand, and with the benign rest."""
        return (self.values, self.assessment), (self.finished, self.finished_assessment)

    @property
    def fires(self) -> bool:
        return self.number in self.reading.fired


def _case(rules: RuleSet, number: int, example: Example) -> _Case:
    values, _ = example_values(rules, example)
    finished, _ = rules.findings.check(with_benign_rest(rules, example.given))
    reading, assessment = plain(rules).read(values), resolve(rules, values)
    after = assessment if finished == values else resolve(rules, finished)
    return _Case(number, example, values, reading, assessment, finished, after)


def with_benign_rest(rules: RuleSet, given: Mapping[str, Answer]) -> dict[str, Answer]:
    """The given answers, yes to what they hang from, and the benign answer to everything else that applies."""
    answers = dict(given)
    for name, answer in given.items():
        above = rules.findings.by_id[name].only_if
        while above is not None and answer is not False:
            answers.setdefault(above, True)
            above = rules.findings.by_id[above].only_if
    return rules.benign(given=answers)


def _benign_rest(rules: RuleSet) -> Iterator[str]:
    values, _ = rules.findings.check(rules.benign())
    reading = plain(rules).read(values)
    if fired := _above_self_care(rules, reading.fired):
        yield f"findings/: with nothing but benign answers, {_ids(fired)} fires"
    if still_open := _still_open(rules, reading):
        yield f"findings/: with nothing but benign answers, {_ids(still_open)} stays open"


# -- examples --------------------------------------------------------------------------------------------------------


def _fires_as_said(rules: RuleSet, cases: Iterable[_Case]) -> Iterator[str]:
    for case in cases:
        rule = rules.rules[case.number]
        place = f"[[example]] {case.example.name!r}"
        if case.example.fires and not case.fires:
            fired = [rules.rules[number] for number in case.reading.fired]
            yield f"{place}: should fire, but {_missing(rules, rule.when, case.reading)}; fired instead: {_ids(fired)}"
        elif case.fires and not case.example.fires:
            met = [c.text for c in (*rule.when.all, *rule.when.any) if plain(rules).is_met(c, case.reading)]
            yield f"{place}: should not fire, but does; met: {_quoted(met)}"


def _missing(rules: RuleSet, when: When, reading: Reading) -> str:
    reader = plain(rules)

    def state(criterion: Criterion) -> str:
        if reader.is_met(criterion, reading):
            return f"{criterion.text!r} is met"
        return f"{criterion.text!r} is {'refuted' if reader.is_refuted(criterion, reading) else 'open'}"

    missing = [state(criterion) for criterion in when.all if not reader.is_met(criterion, reading)]
    if when.any and not any(reader.is_met(criterion, reading) for criterion in when.any):
        missing.append(f"nothing of any is met: {_quoted(criterion.text for criterion in when.any)}")
    missing += [state(criterion) for criterion in when.none if not reader.is_refuted(criterion, reading)]
    return ", ".join(missing)


def _leads_once(rules: RuleSet, rule: Rule, cases: Iterable[_Case]) -> Iterator[str]:
    """Law 8, first half: the rule is among the most acute that fire in one of its own examples."""
    firing = [case for case in cases if case.example.fires and case.fires]
    if firing and not any(case.assessment.established is rule.acuity for case in firing):
        above = {
            other.id: other
            for case in firing
            for other in (rules.rules[number] for number in case.reading.fired)
            if other.acuity > rule.acuity
        }
        yield f"is never among the most acute rules of its own examples; above it fires {_ids(above.values())}"


def _matters(rules: RuleSet, number: int, cases: Iterable[_Case]) -> Iterator[str]:
    """Law 8, second half: without the rule one of its own examples, with or without the benign rest, ends otherwise."""
    for case in cases:
        for values, assessment in case.both:
            if _outcome(assessment) != _outcome(resolve(rules, values, without=number)):
                return
    yield (
        "without it nothing changes in its own examples (acuity, hours, causes, see); other rules say as much already; "
        "give it another rung, cause or place, show a person only it is for, or leave it out"
    )


def _outcome(assessment: Assessment) -> tuple[object, ...]:
    to = assessment.disposition
    hours, see = (None, ()) if isinstance(to, SelfCare) else (to.within_hours, to.see)
    return assessment.acuity, hours, frozenset(cause.id for cause in assessment.differential), see


def _self_care_reached(rules: RuleSet, rule: Rule, cases: Iterable[_Case]) -> Iterator[str]:
    if rule.acuity is not Acuity.SELF_CARE:
        return
    for case in cases:
        if not (case.example.fires and case.fires) or isinstance(case.assessment.disposition, SelfCare):
            continue
        if above := _above_self_care(rules, case.reading.fired):
            why = f"{_ids(above)} fires"
        elif above := _still_open(rules, case.reading):
            why = f"{_ids(above)} is open"
        else:
            why = case.assessment.reason
        yield f"[[example]] {case.example.name!r}: ends in {case.assessment.acuity.word}, not in self_care: {why}"


def _always_withheld(rules: RuleSet) -> Iterator[str]:
    """Items of a self-care rule that none of its own examples is given."""
    for rule in rules:
        if rule.acuity is not Acuity.SELF_CARE:
            continue
        shown = [resolve(rules, example_values(rules, example)[0]) for example in rule.examples if example.fires]
        given = [
            item.id for found in shown if isinstance(found.disposition, SelfCare) for item in found.disposition.advice
        ]
        for name in rule.do if given else ():
            if name not in given:
                yield f"self_care/{rule.id}.toml: [then] do: {name!r} is given in no example of it; show who gets it"


# -- numbers ---------------------------------------------------------------------------------------------------------


def _numbers_shown(rules: RuleSet, rule: Rule, cases: list[_Case]) -> Iterator[str]:
    """Each number of a rule, through its named criteria and scores too, has an example on it and one just below."""
    for criterion in _numbers(rules, rule.when):
        needed = int(criterion.value or 0)
        if criterion.form == "score":
            score = rules.scores[criterion.name]
            may_be = reachable(score)
            on, below = min(n for n in may_be if n >= needed), max(n for n in may_be if n < needed)
            shown: list[tuple[int | None, bool]]
            shown = [(points(rules, score, case.reading), case.example.fires) for case in cases]
            words = str(on), str(below)
        else:
            finding = rules.findings.by_id[criterion.name]
            on, below = needed, needed - 1
            shown = [(_whole(case.values.get(criterion.name)), case.example.fires) for case in cases]
            words = str(finding.number(on)), str(finding.number(below))
        fires_on, fires_below = ({fires for value, fires in shown if value == where} for where in (on, below))
        for fires, word, where in ((fires_on, words[0], "exactly on"), (fires_below, words[1], "one step below, on")):
            if not fires:
                yield f"{criterion.text!r}: no example {where} {word} of {criterion.name}"
        if len(fires_on | fires_below) == 1 and fires_on == fires_below:
            yield f"{criterion.text!r}: the examples on {words[0]} and on {words[1]} do not differ in fires"


def _whole(value: Value | None) -> int | None:
    return None if isinstance(value, bool | str) else value


def _numbers(rules: RuleSet, criteria: Iterable[Criterion]) -> list[Criterion]:
    found: dict[tuple[str, object], Criterion] = {}
    for criterion in with_all_below(rules, criteria):
        if criterion.form in ("at_least", "below", "score"):
            found.setdefault((criterion.name, criterion.value), criterion)
    return list(found.values())


def with_all_below(rules: RuleSet, criteria: Iterable[Criterion]) -> Iterator[Criterion]:
    """The criteria, and those of the named criteria and scores among them, at any depth; each once."""
    seen: set[tuple[str, str, object]] = set()
    left = [*criteria][::-1]
    while left:
        criterion = left.pop()
        key = (criterion.form, criterion.name, criterion.value)
        if key in seen:
            continue
        seen.add(key)
        yield criterion
        if criterion.form == "named":
            left += [*rules.criteria[criterion.name].when][::-1]
        elif criterion.form == "score":
            left += [item.criterion for item in rules.scores[criterion.name].items][::-1]


def reachable(score: Score) -> set[int]:
    """The points that a score may come to."""
    found = {0}
    for item in score.items:
        found |= {before + item.points for before in found}
    return found


def points(rules: RuleSet, score: Score, reading: Reading) -> int:
    """The points of a score that are met."""
    return sum(item.points for item in score.items if plain(rules).is_met(item.criterion, reading))


# -- the emergency page ----------------------------------------------------------------------------------------------


def _emergency_page(rules: RuleSet, rule: Rule, cases: Iterable[_Case]) -> Iterator[str]:
    if rule.acuity is not Acuity.EMERGENCY:
        return
    firing = next((case for case in cases if case.fires), None)
    if firing is None:
        return
    own = {*rule.meanwhile, *rule.avoid}
    for name in sorted(own):
        for other in rules.advice[name].conflicts_with:
            if other in own:
                yield f"[then] {name!r} and {other!r} conflict, so neither is said"
    meanwhile, avoid = (
        tuple(Note(name, rules.advice[name].steps[0]) for name in ids[:1]) for ids in (rule.meanwhile, rule.avoid)
    )
    see = tuple(sorted((rules.services[name] for name in rule.see), key=lambda service: service.rank))
    alone = evolve(firing.assessment, acuity=rule.acuity, disposition=Escalation(rule.acuity, see, 0, meanwhile, avoid))
    for region in rules.regions.values():
        page = str(evolve(alone, region=region))
        if (words := len(page.split())) > MOST_EMERGENCY_WORDS:
            yield f"its page in {region.id} has {words} words; {MOST_EMERGENCY_WORDS} are the most"
            return
        for note in (*meanwhile, *avoid):
            if note.say not in page:
                yield f"[then] {note.id!r} finds no room in the {MOST_EMERGENCY_WORDS} words of its page in {region.id}"
                return


# -- red flags and clinical floors -----------------------------------------------------------------------------------


def _red_flags(rules: RuleSet) -> Iterator[str]:
    files = _files_of_findings(rules)
    for finding in rules.findings.by_id.values():
        if finding.floor is None:
            continue
        for answer, floor in ((True, finding.floor), (UNSURE, finding.floor.one_lower())):
            values, _ = rules.findings.check(with_benign_rest(rules, {**_above(rules, finding.id), finding.id: answer}))
            assessment = resolve(rules, values)
            if assessment.acuity < floor:
                word = "yes" if answer is True else "unsure"
                yield (
                    f"{files[finding.id]}: [finding.{finding.id}]: {word} alone ends in {assessment.acuity.word}; its "
                    f"floor of {finding.floor.word} asks for at least {floor.word}"
                )


def _above(rules: RuleSet, name: str) -> dict[str, Answer]:
    """Yes to everything that a finding hangs from."""
    answers: dict[str, Answer] = {}
    above = rules.findings.by_id[name].only_if
    while above is not None:
        answers[above] = True
        above = rules.findings.by_id[above].only_if
    return answers


def _floors(rules: RuleSet, cases: Iterable[_Case]) -> Iterator[str]:
    if not rules.laws:
        return
    for case in cases:
        for values, assessment in case.both:
            reading = plain(rules).read(values)
            for law in rules.laws:
                if assessment.acuity < law.at_least and plain(rules).holds(law.when, reading):
                    rest = "" if values is case.values else ", its rest benign,"
                    yield (
                        f"laws.toml: [{law.id}]: at least {law.at_least.word}, but the example {case.example.name!r} "
                        f"of {rules.rules[case.number].id}{rest} ends in {assessment.acuity.word}"
                    )


# -- what ends a plan ------------------------------------------------------------------------------------------------


def _stop_signs(rules: RuleSet, cases: Iterable[_Case]) -> Iterator[str]:
    """Each stop sign alone, on top of whatever ends in self-care, is seen today at the latest."""
    if rules.plan is None:
        return
    calm = [case.finished for case in cases if isinstance(case.finished_assessment.disposition, SelfCare)]
    for sign in rules.plan.stop_signs.values():
        for values in calm:
            rest = {name: value for name, value in values.items() if name not in sign.ask_again}
            yes = {above for name in sign.yes for above in (name, *_above(rules, name))}
            assessment = resolve(rules, {**rest, **dict.fromkeys(yes, True)})
            if assessment.acuity < Acuity.SAME_DAY:
                yield f"plan.toml: [stop.{sign.id}]: ends in {assessment.acuity.word}; it asks for at least same_day"
                break


# -- what nobody uses ------------------------------------------------------------------------------------------------


def _unused(rules: RuleSet) -> Iterator[str]:
    """Law 9. A clinical floor, or a plan, is a use of a picture, but not of a finding: neither makes a rule fire."""
    advice = {name for rule in rules for name in (*rule.do, *rule.meanwhile, *rule.avoid, *rule.seek_help_if)}
    advice |= set(rules.safety_net)
    causes = {name for rule in rules for name in rule.causes}
    services = {name for rule in rules for name in rule.see} | {
        name for see in rules.default_see.values() for name in see
    }
    hazards = {name for rule in rules for name in rule.hazards} | {name for name, h in rules.hazards.items() if h.tests}
    roots = [criterion for rule in rules for criterion in rule.when]
    roots += [criterion for name in causes for criterion in rules.causes[name].against]
    for name in sorted(advice):
        roots += [
            *rules.advice[name].contraindicated_by,
            *(change.criterion for change in rules.advice[name].modified_by),
        ]
    used = {criterion.name for criterion in with_all_below(rules, roots)}
    elsewhere = [
        *(c for law in rules.laws for c in law.when),
        *(rules.plan.criteria() if rules.plan is not None else ()),
    ]
    used_elsewhere = {c.name for c in with_all_below(rules, elsewhere)}
    findings = {name for name in used if name in rules.findings.by_id}
    findings |= {screen.opens_with for screen in rules.findings.screens if screen.opens_with}
    findings |= {above for name in findings for above in _above(rules, name)}
    if rules.lowest_age:
        findings.add("age_years")
    files = _files_of_findings(rules)
    yield from (
        f"{files[name]}: [finding.{name}]: no rule, cause or advice uses it"
        for name in rules.findings.by_id
        if name not in findings
    )
    for file, declared, is_used, users in (
        ("criteria.toml", rules.criteria, used | used_elsewhere, "rule, cause, advice, law or plan"),
        ("scores.toml", rules.scores, used | used_elsewhere, "rule, cause, advice, law or plan"),
        ("causes.toml", rules.causes, causes, "rule"),
        ("advice/", rules.advice, advice, "rule"),
        ("services.toml", rules.services, services, "rule"),
        ("hazards.toml", rules.hazards, hazards, "rule or test"),
    ):
        yield from (f"{file}: [{name}]: no {users} uses it" for name in declared if name not in is_used)
    waits = {criterion.text for name in advice for criterion in rules.advice[name].contraindicated_by}
    for gate in rules.plan.gates if rules.plan is not None else ():
        if gate.criterion.text not in waits:
            yield f"plan.toml: [gate.{gate.id}]: no item is contraindicated by {gate.criterion.text!r}"


def _files_of_findings(rules: RuleSet) -> dict[str, str]:
    return {
        name: f"findings/{screen.id}.toml"
        for screen in rules.findings.screens
        for heading in screen.headings
        for name in heading.findings
    }


# -- words -----------------------------------------------------------------------------------------------------------


def _words(rules: RuleSet) -> Iterator[str]:
    for texts, forbidden in ((_patient_texts(rules), {**_FORBIDDEN, **_BANNED}), (_other_texts(rules), _BANNED)):
        for place, text in texts:
            for pattern, why in forbidden.items():
                if found := re.search(pattern, text, re.IGNORECASE):
                    yield f"{place}: says {found[0]!r}; {why}"


def _patient_texts(rules: RuleSet) -> Iterator[tuple[str, str]]:
    """Everything that a page can show to a patient, with its place."""
    for screen in rules.findings.screens:
        yield f"findings/{screen.id}.toml: title", screen.title
        for heading in screen.headings:
            yield f"findings/{screen.id}.toml: [[heading]] {heading.id!r}", heading.title
            yield f"findings/{screen.id}.toml: [[heading]] {heading.id!r}", heading.asks
    files = _files_of_findings(rules)
    for finding in rules.findings.by_id.values():
        place = f"{files.get(finding.id, 'findings/')}: [finding.{finding.id}]"
        yield place, finding.asks
        for choice in finding.choices:
            yield f"{place} {choice.id}", choice.label
    for rule in rules:
        place = f"{rule.acuity.word}/{rule.id}.toml"
        yield f"{place}: title", rule.title
        yield f"{place}: why", rule.why
    for cause in rules.causes.values():
        yield f"causes.toml: [{cause.id}]", cause.name
    for item in rules.advice.values():
        for text in (item.name, *item.steps, *item.equipment, *(change.say for change in item.modified_by)):
            yield f"advice/: [{item.id}]", text
    for service in rules.services.values():
        yield f"services.toml: [{service.id}]", service.name
    if rules.plan is not None:
        yield "plan.toml", rules.plan.little_say
        yield "plan.toml", rules.plan.first_days_say
        yield from ((f"plan.toml: [stop.{sign.id}]", sign.asks) for sign in rules.plan.stop_signs.values())
        yield from ((f"plan.toml: [pain.limit.{limit.id}]", limit.say) for limit in rules.plan.pain_limits)
        yield from ((f"plan.toml: [gate.{gate.id}]", gate.opens) for gate in rules.plan.gates)
        yield from ((f"plan.toml: [ladder.{ladder.id}]", ladder.say) for ladder in rules.plan.ladders)


def _other_texts(rules: RuleSet) -> Iterator[tuple[str, str]]:
    """What only those read who work on the rules; but no title of a source, which is not ours to word."""
    for named in rules.criteria.values():
        yield f"criteria.toml: [{named.id}]", named.means
    for law in rules.laws:
        yield f"laws.toml: [{law.id}]", law.says
    for hazard in rules.hazards.values():
        for text in (hazard.title, hazard.harm, hazard.cause, hazard.control):
            yield f"hazards.toml: [{hazard.id}]", text
    for rule in rules:
        place = f"{rule.acuity.word}/{rule.id}.toml"
        for text in (rule.misuse or "", *(example.name for example in rule.examples)):
            yield place, text
        for source in rule.sources:
            yield f"{place}: [[source]]", source.says


# -- small helps -----------------------------------------------------------------------------------------------------


def _above_self_care(rules: RuleSet, numbers: Iterable[int]) -> list[Rule]:
    return [rules.rules[number] for number in numbers if rules.rules[number].acuity > Acuity.SELF_CARE]


def _still_open(rules: RuleSet, reading: Reading) -> list[Rule]:
    decided = reading.excluded.union(reading.fired)
    return _above_self_care(rules, (number for number in range(len(rules.rules)) if number not in decided))


def _ids(rules: Iterable[Rule]) -> str:
    ids = [f"{rule.acuity.word}/{rule.id}" for rule in rules]
    return ", ".join([*ids[:5], *([f"{len(ids) - 5} more"] if len(ids) > 5 else [])]) or "nothing"


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(repr(text) for text in texts) or "nothing"
