"""The laws of the architecture as functions: each looks through a `View` at answers, and raises AssertionError.

They need no hypothesis, so that any interpreter can run them, and no `assert`, so that `python -O` leaves them in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from random import Random
from typing import Final

from attrs import evolve, frozen

from calf_triage._advice import SELF_CARE_KINDS
from calf_triage._assessment import Assessment, Escalation, SelfCare
from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Acuity, Answer, Finding, Value
from calf_triage._rules import RuleSet
from calf_triage._triage import triage
from calf_triage.readings import durable
from calf_triage.readings.plain import every_criterion, plain

Answers = dict[str, Answer]
Triage = Callable[[Mapping[str, Answer], RuleSet], Assessment]
Told = Callable[[Criterion | When], bool | None]
"""True where something is met, False where it is refuted, None where it is neither."""
Truth = Callable[[RuleSet, Mapping[str, Value]], Told]
Law = Callable[["View", RuleSet, Answers], None]


def by_plain(answers: Mapping[str, Answer], rules: RuleSet) -> Assessment:
    """The answer of the plain reading."""
    return triage(answers, rules=rules, engine="plain")


def plain_truth(rules: RuleSet, values: Mapping[str, Value]) -> Told:
    """What the plain reading finds."""
    reader = plain(rules)
    reading = reader.read(values)

    def told(said: Criterion | When) -> bool | None:
        if not isinstance(said, When):
            return True if reader.is_met(said, reading) else False if reader.is_refuted(said, reading) else None
        refuted = any(reader.is_refuted(criterion, reading) for criterion in said.all)
        refuted |= any(reader.is_met(criterion, reading) for criterion in said.none)
        refuted |= bool(said.any) and all(reader.is_refuted(criterion, reading) for criterion in said.any)
        return True if reader.holds(said, reading) else False if refuted else None

    return told


@frozen
class View:
    """What the laws look through: what triages, and what says whether a criterion is met.

    Whoever tests the library, not a rule set, brings a truth of their own, so that no fault of its reading can hide.
    """

    run: Triage = by_plain
    truth: Truth = plain_truth


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


# -- answers that say more ---------------------------------------------------------------------------------------------


def applies(rules: RuleSet, answers: Mapping[str, Answer], name: str) -> bool:
    """Whether nothing that a finding hangs from is answered no."""
    above = rules.findings.by_id[name].only_if
    while above is not None:
        if answers.get(above) is False:
            return False
        above = rules.findings.by_id[above].only_if
    return True


def checked(rules: RuleSet, answers: Mapping[str, Answer]) -> dict[str, Value]:
    """The answers as the readings take them."""
    values, problems = rules.findings.check(answers)
    _must(not problems, "these answers cannot be read")
    return values


@lru_cache(maxsize=64)
def telling(rules: RuleSet) -> dict[str, list[Answer]]:
    """For each finding every answer that a criterion can tell apart from another, and the ends of its range."""
    numbers: dict[str, set[int]] = {}
    for criterion in every_criterion(rules):
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
    """The answer of somebody whom nothing ails."""
    return finding.shown(finding.benign)


def completions(rules: RuleSet, answers: Answers, whole: bool = False) -> Iterator[Answers]:
    """Some of the answer sets that say more: the mildest, the worst, unsure of the rest, and random ones.

    whole: leave nothing absent in any of them.
    """
    of = telling(rules)
    yield complete(rules, answers, benignly)
    yield complete(rules, answers, lambda finding: True if finding.type == "yes_no" else of[finding.id][-2])
    yield complete(rules, answers, lambda _: UNSURE)
    random = Random(repr(sorted(answers.items())))  # noqa: S311 - it keeps no secret
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


def one_disposition(view: View, rules: RuleSet, answers: Answers) -> None:
    """Every set of answers, the empty one included, ends in exactly one of self-care and an escalation."""
    try:
        found = view.run(answers, rules)
    except Exception as error:
        raise AssertionError("these answers have no disposition") from error
    _must(isinstance(found, Assessment), "the answer is no assessment")
    _must(type(found.disposition) in (SelfCare, Escalation), "the disposition is neither self-care nor an escalation")
    _must(found.acuity is found.disposition.acuity, "the disposition is of another rung than the answer")
    is_self_care = isinstance(found.disposition, SelfCare)
    _must((found.acuity is Acuity.SELF_CARE) == is_self_care, "self-care and its rung do not go together")
    _must(found.established <= found.acuity, "the answer is milder than a rule that fires")
    _must(found.established <= found.not_excluded, "a rule that fires counts as excluded")
    if isinstance(found.disposition, Escalation):
        _must(bool(found.disposition.see), "nobody is told where to go")
    _must(found.reason != "unfinished" or not found.settled, "unfinished, and yet settled")
    _must(found.settled or bool(found.unanswered), "not settled, and nothing is asked")
    for question in found.unanswered:
        _must(question.id not in answers, f"{question.id} is asked again")
        _must(applies(rules, answers, question.id), f"{question.id} is asked, though it does not apply")


def readings_agree(view: View, rules: RuleSet, answers: Answers) -> None:
    """Every reading fires exactly the same rules."""
    values = checked(rules, answers)
    reading, told = plain(rules).read(values), view.truth(rules, values)
    truths = [told(rule.when) for rule in rules]
    fired = [number for number, found in enumerate(truths) if found is True]
    _must(list(reading.fired) == fired, "the plain reading fires other rules")
    excluded = [number for number, found in enumerate(truths) if found is False]
    _must(sorted(reading.excluded) == excluded, "the plain reading excludes other rules")
    _must(reading.could_fire.isdisjoint(reading.excluded), "a rule that is excluded could fire")
    if durable.AVAILABLE:
        _must(set(durable.fired(rules, values)) == set(reading.fired), "durable-rules fires other rules")


def refines(view: View, rules: RuleSet, answers: Answers) -> None:
    """Learning more never un-fires a rule and never widens what is established and not excluded."""
    less = view.run(answers, rules)
    fired = {rule.id for rule in less.because}
    for further in completions(rules, answers):
        more = view.run(further, rules)
        _must(fired <= {rule.id for rule in more.because}, "learning more un-fired a rule")
        _must(less.established <= more.established, "learning more lowered what is established")
        _must(more.not_excluded <= less.not_excluded, "learning more raised what is not excluded")


def monotone(view: View, rules: RuleSet, answers: Answers) -> None:
    """A red flag only raises: yes is at or above its floor, unsure at most one rung below, and neither lowers."""
    found = view.run(answers, rules)
    for name, finding in rules.findings.by_id.items():
        if finding.floor is not None and applies(rules, answers, name):
            for answer, word, floor in (
                (True, "yes", finding.floor),
                (UNSURE, "unsure", finding.floor.one_lower()),
            ):
                if answers.get(name) == answer:
                    so = f"{name} is answered {word}, and the answer is {found.acuity.word}"
                    _must(found.acuity >= floor, f"{so}; expected at least {floor.word}")
    whole = complete(rules, answers, benignly)
    before = view.run(whole, rules)
    _must(before.settled, "everything is answered, and yet not settled")
    flags = [name for name in rising(rules) if whole.get(name) is False and applies(rules, whole, name)]
    random = Random(repr(sorted(answers.items())))  # noqa: S311 - it keeps no secret
    for name in random.sample(flags, min(5, len(flags))):
        worse: Answer
        for worse in (True, UNSURE):
            raised = {**whole, name: worse}
            for choose in (benignly, lambda finding: random.choice(telling(rules)[finding.id])):
                after = view.run(complete(rules, raised, choose), rules)
                # A symptom that is no red flag may explain what nothing explained before, and end in self-care.
                explained = rules.findings.by_id[name].floor is None and before.acuity is Acuity.ROUTINE
                so = f"{name} from no to {'unsure' if worse == UNSURE else 'yes'}"
                lowers = f"{so} lowers {before.acuity.word} to {after.acuity.word}"
                _must(explained or after.acuity >= before.acuity, lowers)


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


def settled_stays(view: View, rules: RuleSet, answers: Answers) -> None:
    """Settled answers, self-care among them, survive every completion; unfinished ones are careful."""
    before = view.run(answers, rules)
    if not before.settled:
        _must(isinstance(before.disposition, Escalation), "unfinished, and yet self-care")
    for further in completions(rules, answers, whole=True):
        after = view.run(further, rules)
        _must(after.settled, "nothing is absent, and yet not settled")
        if before.settled:
            _must(after.acuity is before.acuity, "a settled answer changed")
        # Unfinished answers are careful ones: what is still to come is at most this, or is SAME_DAY already.
        _must(before.acuity >= min(after.acuity, Acuity.SAME_DAY), "an unfinished answer was too mild")
    values = checked(rules, answers)
    if UNSURE in values.values():
        return
    told = view.truth(rules, values)
    for rule in rules:
        # What absent answers alone keep open counts in full, up to SAME_DAY.
        if told(rule.when) is None:
            _must(before.acuity >= min(rule.acuity, Acuity.SAME_DAY), f"{rule.id} may still fire")


def clinical_floors_hold(view: View, rules: RuleSet, answers: Answers) -> None:
    """Every clinical floor of laws.toml holds."""
    told = view.truth(rules, checked(rules, answers))
    for law in rules.laws:
        if told(law.when) is True:
            acuity = view.run(answers, rules).acuity
            so = f"[{law.id}] {law.says} The answer is {acuity.word}; expected at least {law.at_least.word}"
            _must(acuity >= law.at_least, so)


def advice_is_safe(view: View, rules: RuleSet, answers: Answers) -> None:
    """No item whose contraindication is not refuted; no exercise outside self-care; nobody under the lowest age."""
    found, told = view.run(answers, rules), view.truth(rules, checked(rules, answers))
    to = found.disposition
    if isinstance(to, Escalation):
        for note in (*to.meanwhile, *to.avoid, *to.seek_help_if):
            _must(rules.advice[note.id].kind not in SELF_CARE_KINDS, f"{note.id} is advised outside self-care")
        return
    _must(bool(to.advice), "self-care without advice")
    for given in to.advice:
        item = rules.advice[given.id]
        for criterion in item.contraindicated_by:
            _must(told(criterion) is False, f"{item.id} is advised in spite of {criterion.text!r}")
        for change in item.modified_by:
            if told(change.criterion) is not False:
                _must(change.say in given.changes, f"{item.id} is advised without {change.say!r}")
    if rules.lowest_age:
        age = answers.get("age_years")
        _must(isinstance(age, int | float), "self-care at an unknown age")
        _must(isinstance(age, int | float) and age >= rules.lowest_age, "self-care below the lowest age")


def order_means_nothing(view: View, rules: RuleSet, answers: Answers) -> None:
    """The order of answers and of rules changes nothing; swapping left and right mirrors the answer."""
    found = view.run(answers, rules)
    text = found.to_json()
    for names in (sorted(answers), sorted(answers, reverse=True)):
        again = view.run({name: answers[name] for name in names}, rules)
        _must(again.to_json() == text and str(again) == str(found), "another order of the answers gives another answer")
    turned = view.run(answers, reversed_rules(rules))
    for name in ("acuity", "established", "not_excluded", "settled", "reason"):
        _must(getattr(turned, name) == getattr(found, name), f"another order of the rules gives another {name}")
    for name in ("because", "differential", "unanswered"):
        ids = [{each.id for each in getattr(one, name)} for one in (turned, found)]
        _must(ids[0] == ids[1], f"another order of the rules gives another {name}")
    if isinstance(found.disposition, Escalation):
        _must(
            isinstance(turned.disposition, Escalation)
            and turned.disposition.see == found.disposition.see
            and turned.disposition.within_hours == found.disposition.within_hours,
            "another order of the rules sends elsewhere, or later",
        )
    by_id = rules.findings.by_id
    mirrored = {by_id[name].mirror or name: answer for name, answer in answers.items()}
    swapped = view.run(mirrored, rules)
    for name in ("acuity", "not_excluded", "settled"):
        _must(getattr(swapped, name) == getattr(found, name), f"the other side gives another {name}")


@lru_cache(maxsize=64)
def reversed_rules(rules: RuleSet) -> RuleSet:
    """The same rules in the reverse order."""
    return evolve(rules, rules=rules.rules[::-1])


LAWS: Final[tuple[Law, ...]] = (
    one_disposition,
    readings_agree,
    refines,
    monotone,
    settled_stays,
    clinical_floors_hold,
    advice_is_safe,
    order_means_nothing,
)
