"""The laws of the architecture as functions: each takes what triages, a rule set and answers, and asserts.

They read the rules through a reading of their own (`truth`), so that a fault in the library's cannot hide itself. They
need no hypothesis, so that any interpreter can run them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from random import Random

from attrs import evolve

from calf_triage import UNSURE, Acuity, Assessment, Escalation, RuleSet, SelfCare, triage
from calf_triage._advice import SELF_CARE_KINDS
from calf_triage._criteria import Criterion, When
from calf_triage._findings import Answer, Finding, Value
from calf_triage.readings import durable
from calf_triage.readings.plain import plain

Answers = dict[str, Answer]
Triage = Callable[[Mapping[str, Answer], RuleSet], Assessment]
Law = Callable[[Triage, RuleSet, Answers], None]


def by_plain(answers: Mapping[str, Answer], rules: RuleSet) -> Assessment:
    return triage(answers, rules=rules, engine="plain")


# -- a reading of its own: yes, no or neither --------------------------------------------------------------------------


def truth(rules: RuleSet, values: Mapping[str, Value], criterion: Criterion) -> bool | None:
    """True where a criterion is met, False where it is refuted, None where it is neither."""
    if criterion.form == "named":
        return when_truth(rules, values, rules.criteria[criterion.name].when)
    if criterion.form == "score":
        items = rules.scores[criterion.name].items
        truths = [truth(rules, values, item.criterion) for item in items]
        least = sum(item.points for item, found in zip(items, truths, strict=True) if found is True)
        most = sum(item.points for item, found in zip(items, truths, strict=True) if found is not False)
        needed = criterion.value
        assert isinstance(needed, int)
        return True if least >= needed else False if most < needed else None
    if not applies(rules, values, criterion.name):
        return False
    if criterion.name not in values:
        return None
    value = values[criterion.name]
    if criterion.form == "unsure":
        return value == UNSURE
    if value == UNSURE:
        return None
    if criterion.form == "yes":
        return value is True
    if criterion.form == "choice":
        return value == criterion.value
    assert isinstance(value, int)
    assert isinstance(criterion.value, int)
    return value >= criterion.value if criterion.form == "at_least" else value < criterion.value


def when_truth(rules: RuleSet, values: Mapping[str, Value], when: When) -> bool | None:
    parts = [truth(rules, values, criterion) for criterion in when.all]
    parts += [None if (found := truth(rules, values, criterion)) is None else not found for criterion in when.none]
    if when.any:
        either = [truth(rules, values, criterion) for criterion in when.any]
        parts.append(True if True in either else None if None in either else False)
    return False if False in parts else None if None in parts else True


def applies(rules: RuleSet, answers: Mapping[str, Answer], name: str) -> bool:
    above = rules.findings.by_id[name].only_if
    while above is not None:
        if answers.get(above) is False:
            return False
        above = rules.findings.by_id[above].only_if
    return True


def checked(rules: RuleSet, answers: Mapping[str, Answer]) -> dict[str, Value]:
    values, problems = rules.findings.check(answers)
    assert not problems
    return values


# -- answers that say more ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def telling(rules: RuleSet) -> dict[str, list[Answer]]:
    """For each finding every answer that a rule can tell apart from another, and the ends of its range."""
    whens = [rule.when for rule in rules] + [named.when for named in rules.criteria.values()]
    criteria = [criterion for when in whens for criterion in when]
    criteria += [item.criterion for score in rules.scores.values() for item in score.items]
    criteria += [criterion for item in rules.advice.values() for criterion in item.contraindicated_by]
    numbers: dict[str, set[int]] = {}
    for criterion in criteria:
        if isinstance(criterion.value, int) and criterion.form in ("at_least", "below"):
            numbers.setdefault(criterion.name, set()).update((criterion.value - 1, criterion.value))
    found: dict[str, list[Answer]] = {}
    for finding in rules.findings.by_id.values():
        if finding.type == "yes_no":
            found[finding.id] = [False, True, UNSURE]
        elif finding.type == "choice":
            found[finding.id] = [*(choice.id for choice in finding.choices), UNSURE]
        else:
            steps = {finding.low, finding.high, *numbers.get(finding.id, ())}
            within = sorted(step for step in steps if finding.low <= step <= finding.high)
            found[finding.id] = [*(finding.number(step) for step in within), UNSURE]
    return found


def complete(rules: RuleSet, answers: Answers, choose: Callable[[Finding], Answer | None]) -> Answers:
    """The answers and, for each absent finding that applies, what is chosen; None leaves it absent."""
    found = dict(answers)
    needed: set[str] = set()
    for name, answer in answers.items():
        above = rules.findings.by_id[name].only_if
        while above is not None and answer is not False:
            needed.add(above)
            above = rules.findings.by_id[above].only_if
    for name, finding in rules.findings.by_id.items():
        if name not in found and applies(rules, found, name):
            chosen = choose(finding)
            if chosen is not None:
                found[name] = True if chosen is False and name in needed else chosen
    return found


def benignly(finding: Finding) -> Answer:
    return finding.shown(finding.benign)


def completions(rules: RuleSet, answers: Answers, whole: bool = False) -> Iterator[Answers]:
    """Some of the answer sets that say more: the mildest, the worst, unsure of the rest, and random ones.

    whole: leave nothing absent in any of them.
    """
    of = telling(rules)
    yield complete(rules, answers, benignly)
    yield complete(rules, answers, lambda finding: True if finding.type == "yes_no" else of[finding.id][-2])
    yield complete(rules, answers, lambda _: UNSURE)
    random = Random(repr(sorted(answers.items())))
    absent = [name for name in rules.findings.by_id if name not in answers]
    for number in range(4):
        one = random.choice(absent) if absent else None

        def choose(finding: Finding, number: int = number, one: str | None = one) -> Answer | None:
            if number == 0:
                return True if finding.type == "yes_no" and finding.id == one else benignly(finding)
            if number == 1 and not whole:
                return random.choice(of[finding.id]) if finding.id == one else None
            if number == 2 and not whole and random.random() < 0.5:
                return None
            return random.choice(of[finding.id])

        yield complete(rules, answers, choose)


# -- the laws ----------------------------------------------------------------------------------------------------------


def one_disposition(run: Triage, rules: RuleSet, answers: Answers) -> None:
    try:
        found = run(answers, rules)
    except Exception as error:
        raise AssertionError("these answers have no disposition") from error
    assert isinstance(found, Assessment)
    assert type(found.disposition) in (SelfCare, Escalation)
    assert found.acuity is found.disposition.acuity
    assert (found.acuity is Acuity.SELF_CARE) == isinstance(found.disposition, SelfCare)
    assert found.established <= found.acuity
    assert found.established <= found.not_excluded
    if isinstance(found.disposition, Escalation):
        assert found.disposition.see, "nobody is told where to go"
    if found.reason == "unfinished":
        assert not found.settled
    if not found.settled:
        assert found.unanswered, "not settled, and nothing is asked"
    for question in found.unanswered:
        assert question.id not in answers, "asked again"
        assert applies(rules, answers, question.id), "asked, though it does not apply"


def readings_agree(run: Triage, rules: RuleSet, answers: Answers) -> None:
    values = checked(rules, answers)
    reading = plain(rules).read(values)
    truths = [when_truth(rules, values, rule.when) for rule in rules]
    assert list(reading.fired) == [number for number, found in enumerate(truths) if found is True]
    assert sorted(reading.excluded) == [number for number, found in enumerate(truths) if found is False]
    assert reading.could_fire.isdisjoint(reading.excluded)
    if durable.AVAILABLE:
        assert set(durable.fired(rules, values)) == set(reading.fired)


def refines(run: Triage, rules: RuleSet, answers: Answers) -> None:
    less = run(answers, rules)
    fired = {rule.id for rule in less.because}
    for further in completions(rules, answers):
        more = run(further, rules)
        assert fired <= {rule.id for rule in more.because}, "learning more un-fired a rule"
        assert less.established <= more.established
        assert more.not_excluded <= less.not_excluded


def monotone(run: Triage, rules: RuleSet, answers: Answers) -> None:
    found = run(answers, rules)
    for name, finding in rules.findings.by_id.items():
        if finding.floor is not None and applies(rules, answers, name):
            if answers.get(name) is True:
                assert found.acuity >= finding.floor, f"{name} is answered yes"
            elif answers.get(name) == UNSURE:
                assert found.acuity >= finding.floor.one_lower(), f"{name} is answered unsure"
    whole = complete(rules, answers, benignly)
    before = run(whole, rules)
    assert before.settled
    flags = [name for name in rising(rules) if whole.get(name) is False and applies(rules, whole, name)]
    random = Random(repr(sorted(answers.items())))
    for name in random.sample(flags, min(5, len(flags))):
        worse: Answer
        for worse in (True, UNSURE):
            raised = {**whole, name: worse}
            for choose in (benignly, lambda finding: random.choice(telling(rules)[finding.id])):
                after = run(complete(rules, raised, choose), rules)
                # A symptom that is no red flag may explain what nothing explained before, and end in self-care.
                explained = rules.findings.by_id[name].floor is None and before.acuity is Acuity.ROUTINE
                assert explained or after.acuity >= before.acuity, f"{name}: from no to {worse} lowers"


@lru_cache(maxsize=64)
def rising(rules: RuleSet) -> tuple[str, ...]:
    """The red flags; where there is none and no rule says `none`, every yes/no finding, for then all only raise."""
    by_id = rules.findings.by_id
    if flags := tuple(name for name, finding in by_id.items() if finding.red_flag):
        return flags
    whens = [rule.when for rule in rules] + [named.when for named in rules.criteria.values()]
    if any(when.none for when in whens):
        return ()
    return tuple(name for name, finding in by_id.items() if finding.type == "yes_no")


def settled_stays(run: Triage, rules: RuleSet, answers: Answers) -> None:
    before = run(answers, rules)
    if not before.settled:
        assert isinstance(before.disposition, Escalation), "unfinished, and yet self-care"
    for further in completions(rules, answers, whole=True):
        after = run(further, rules)
        assert after.settled, "nothing is absent, and yet not settled"
        if before.settled:
            assert after.acuity is before.acuity, "a settled answer changed"
        # Unfinished answers are careful ones: what is still to come is at most this, or is SAME_DAY already.
        assert before.acuity >= min(after.acuity, Acuity.SAME_DAY), "an unfinished answer was too mild"
    values = checked(rules, answers)
    for rule in rules:
        # What absent answers alone keep open counts in full, up to SAME_DAY.
        if when_truth(rules, {**values}, rule.when) is None and _only_absent(rules, values, rule.when):
            assert before.acuity >= min(rule.acuity, Acuity.SAME_DAY), f"{rule.id} may still fire"


def _only_absent(rules: RuleSet, values: Mapping[str, Value], when: When) -> bool:
    """Whether no answer was unsure, so that absent answers alone keep a rule open."""
    return UNSURE not in values.values()


def clinical_floors_hold(run: Triage, rules: RuleSet, answers: Answers) -> None:
    values = checked(rules, answers)
    for law in rules.laws:
        if when_truth(rules, values, law.when) is True:
            assert run(answers, rules).acuity >= law.at_least, law.says


def advice_is_safe(run: Triage, rules: RuleSet, answers: Answers) -> None:
    found = run(answers, rules)
    values = checked(rules, answers)
    to = found.disposition
    if isinstance(to, Escalation):
        for note in (*to.meanwhile, *to.avoid, *to.seek_help_if):
            assert rules.advice[note.id].kind not in SELF_CARE_KINDS, "an exercise outside self-care"
        return
    assert to.advice, "self-care without advice"
    for given in to.advice:
        item = rules.advice[given.id]
        for criterion in item.contraindicated_by:
            assert truth(rules, values, criterion) is False, f"{item.id} in spite of {criterion.text}"
        for change in item.modified_by:
            if truth(rules, values, change.criterion) is not False:
                assert change.say in given.changes, f"{item.id} without {change.say!r}"
    if rules.lowest_age:
        age = answers.get("age_years")
        assert isinstance(age, int | float), "self-care at an unknown age"
        assert age >= rules.lowest_age, "self-care below the lowest age"


def order_means_nothing(run: Triage, rules: RuleSet, answers: Answers) -> None:
    found = run(answers, rules)
    text = found.to_json()
    for names in (sorted(answers), sorted(answers, reverse=True)):
        again = run({name: answers[name] for name in names}, rules)
        assert again.to_json() == text
        assert str(again) == str(found)
    turned = run(answers, reversed_rules(rules))
    for name in ("acuity", "established", "not_excluded", "settled", "reason"):
        assert getattr(turned, name) == getattr(found, name), name
    assert {rule.id for rule in turned.because} == {rule.id for rule in found.because}
    assert {cause.id for cause in turned.differential} == {cause.id for cause in found.differential}
    assert {question.id for question in turned.unanswered} == {question.id for question in found.unanswered}
    if isinstance(found.disposition, Escalation):
        assert isinstance(turned.disposition, Escalation)
        assert turned.disposition.see == found.disposition.see
        assert turned.disposition.within_hours == found.disposition.within_hours
    by_id = rules.findings.by_id
    mirrored = {by_id[name].mirror or name: answer for name, answer in answers.items()}
    swapped = run(mirrored, rules)
    assert (swapped.acuity, swapped.not_excluded, swapped.settled) == (found.acuity, found.not_excluded, found.settled)


@lru_cache(maxsize=64)
def reversed_rules(rules: RuleSet) -> RuleSet:
    return evolve(rules, rules=rules.rules[::-1])


# -- cases to try them on ----------------------------------------------------------------------------------------------


def probes(rules: RuleSet) -> list[Answers]:
    """Nothing; every answer alone; every example, and every example with the benign rest and one answer changed."""
    found: list[Answers] = [{}]
    of = telling(rules)
    found += [{name: answer} for name, answers in of.items() for answer in answers]
    for rule in rules:
        for example in rule.examples:
            found.append(dict(example.given))
            whole = complete(rules, dict(example.given), benignly)
            if example.fires:
                found += [{**whole, name: answer} for name, answers in of.items() for answer in answers]
            found += [{other: whole[other] for other in whole if other != name} for name in whole]
    if not rules.rules[0].examples:
        found += [complete(rules, answers, benignly) for answers in found]
    applying = [{name: answer for name, answer in one.items() if applies(rules, one, name)} for one in found]
    return list({repr(sorted(one.items())): one for one in applying if not rules.findings.check(one)[1]}.values())
