"""The items that an assessment gave, and how each of them is done by this person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import Final

from attrs import define, evolve, field, frozen

from calf_triage._advice import Advice, Dose, Span
from calf_triage._assessment import Assessment, Escalation, Item, SelfCare
from calf_triage._criteria import Criterion
from calf_triage._errors import did_you_mean, shown
from calf_triage._rules import Ladder, RuleSet
from calf_triage._triage import bundled_rules, resolve
from calf_triage.plan.values import DAY, MOST_DAYS, WEEK, WEEKDAYS, PlanError
from calf_triage.readings.plain import plain as plain_reading

MOST_PROBLEMS: Final = 20
"""So many problems of one list are told."""
_UNITS: Final = ("repetitions", "seconds", "minutes")


@frozen
class Level:
    """How much of an item is done: sets of an amount, and a load. earned: the total that it may have grown to."""

    sets: int
    amount: int
    load: int
    start: int
    earned: Fraction

    @property
    def total(self) -> int:
        """Repetitions or seconds of all sets together."""
        return self.sets * self.amount

    @property
    def relative(self) -> Fraction:
        """What it weighs in a session: 1 at its start. Repetitions and seconds could not be added otherwise."""
        return Fraction(self.total, self.start) if self.start else Fraction(1)


@define
class Slot:
    """A place in the sessions: one item, or of a ladder the one that has been reached."""

    items: tuple[str, ...]
    levels: dict[str, Level]
    ladder: Ladder | None = None
    at: int = 0
    entered: int = 0
    days: list[date] = field(factory=list)

    @property
    def item(self) -> str:
        """The id of the item that has been reached."""
        return self.items[self.at]

    @property
    def level(self) -> Level:
        """How much of it is done."""
        return self.levels[self.item]


class Items:
    """What the rules and the answers say about each item."""

    def __init__(
        self,
        rules: RuleSet,
        assessment: Assessment,
        equipment: tuple[str, ...] | None,
        heel_raises: tuple[int, int] | None,
    ) -> None:
        problems = [*wrong_rules(rules, assessment)]
        care, steer = assessment.disposition, rules.plan
        if isinstance(care, Escalation):
            problems.append("these answers end in an escalation, which has no programme: be seen as its page says")
        if problems or steer is None or isinstance(care, Escalation):
            raise PlanError(problems)
        self.rules, self.steer, self.assessment, self.care = rules, steer, assessment, care
        self.equipment = equipment
        self.given = {item.id: item for item in self.care.advice}
        values, _ = rules.findings.check(assessment.answers)
        self.reader = plain_reading(rules)
        self.reading = self.reader.read(values)
        self.heel_raises = self._counted() if heel_raises is None else heel_raises

    def open(self, criteria: Iterable[Criterion]) -> bool:
        """Whether one of the criteria is not refuted."""
        return any(not self.reader.is_refuted(criterion, self.reading) for criterion in criteria)

    def _counted(self) -> tuple[int, int] | None:
        """The heel raises among the answers."""
        answers = self.assessment.answers
        if self.steer.ability_counted is None or answers.get(self.steer.ability_counted) is not True:
            return None
        sides = [answers.get(name) for name in self.steer.ability_sides]
        left, right = (*sides, None, None)[:2]
        return (left, right) if type(left) is int and type(right) is int and min(left, right) > 0 else None

    def lacks(self, item: Advice) -> list[str]:
        """What it needs and is not at hand."""
        at_hand = {*self.steer.household, *(self.equipment or ()), *self.steer.can_do_without.get(item.id, ())}
        return [word for word in item.equipment if word not in at_hand]

    def ladder(self, name: str) -> Ladder | None:
        """The ladder on which it stands for this person."""
        for ladder in self.steer.ladders:
            if name in ladder.items and (not ladder.for_whom or self.open(ladder.for_whom)):
                return ladder
        return None

    def _doses(self, item: Item) -> list[Dose]:
        """The dose of an item, and those that its changes ask for."""
        advice = self.rules.advice[item.id]
        changed = [change.dose for change in advice.modified_by if change.dose and change.say in item.changes]
        return [dose for dose in (advice.dose, *changed) if dose is not None]

    def unit(self, item: str) -> str | None:
        """What its dose counts; None where it moves on by its own steps."""
        dose = self.rules.advice[item].dose
        if dose is None or item in self.steer.own_steps:
            return None
        return next((unit for unit in _UNITS if getattr(dose, unit)), None)

    def start(self, item: Item) -> Level:
        """The smallest of all that its doses say; for what was tried before, less if the weaker leg can do little."""
        unit, doses = self.unit(item.id), self._doses(item)
        if unit is None:
            return Level(1, 0, 0, 0, Fraction(0))
        spans: list[Span] = [span for dose in doses if (span := getattr(dose, unit))]
        times: list[Span] = [span for dose in doses if (span := dose.sets or dose.rounds)]
        amount, sets = min(span[0] for span in spans), min((span[0] for span in times), default=1)
        if self.heel_raises and item.id in self.steer.ability_on:
            able = min(self.heel_raises) * self.steer.ability_percent // 100
            amount = max(1, min(able, min(span[1] for span in spans)))
        return Level(sets, amount, 0, sets * amount, Fraction(sets * amount))

    def most(self, item: str) -> tuple[int, int]:
        """The upper ends of sets and amount."""
        dose, unit = self.rules.advice[item].dose, self.unit(item)
        if dose is None or unit is None:
            return 1, 0
        times = dose.sets or dose.rounds
        return (times[1] if times else 1), getattr(dose, unit)[1]

    def daily(self, item: str) -> bool:
        """Whether its source has it every day; the cap on strengthening is not for these."""
        dose = self.rules.advice[item].dose
        if dose is None:
            return False
        return dose.sessions_per_week[0] >= 7 if dose.sessions_per_week else dose.sessions_per_day is not None

    def a_week(self, item: str) -> int:
        """On how many days in seven it may stand."""
        dose = self.rules.advice[item].dose
        own = dose.sessions_per_week if dose else None
        a_week = own or self.steer.days_a_week
        if a_week == self.steer.days_a_week and self.trained():
            return max(self.steer.days_trained, a_week[1])
        # "3-7 times a week, led by pain" begins at its lower end.
        return a_week[1] if a_week[1] < 7 else a_week[0]

    def trained(self) -> bool:
        """Whether this person surely trains already."""
        return self.reader.is_met(self.steer.trained_if, self.reading)

    def training_days(self, first: date, end: date, days: Iterable[str], most: int) -> list[date]:
        """The chosen weekdays, never two running and never more than so many in any seven days."""
        found: list[date] = []
        day = first
        while day < end:
            recent = [other for other in found if day - other < WEEK]
            if WEEKDAYS[day.weekday()] in days and day - DAY not in found and len(recent) < most:
                found.append(day)
            day += DAY
        return found


def using_rules(rules: RuleSet | None) -> RuleSet:
    """These rules, or the bundled ones."""
    if rules is not None and not isinstance(rules, RuleSet):
        raise TypeError("rules: expected a RuleSet, as load_rules(folder) gives it")
    return bundled_rules() if rules is None else rules


def wrong_rules(rules: RuleSet, assessment: Assessment) -> Iterator[str]:
    """Why no plan can be made from this assessment by these rules."""
    if rules.plan is None:
        yield "these rules have no plan.toml, and nothing else says how a plan grows; add one, or use other rules"
    if rules.sha256 != assessment.rule_set.sha256:
        yield "these are not the rules that the assessment was made with; answer the questions again with them"
        return
    values, wrong = rules.findings.check(assessment.answers)
    resolved = resolve(rules, values)
    said, again = assessment.disposition, resolved.disposition
    if isinstance(again, SelfCare) and isinstance(said, SelfCare):
        latest = min(_latest(rules, resolved), MOST_DAYS)
        if type(said.look_again_days) is not int or not 1 <= said.look_again_days <= latest:
            yield f"look_again_days: expected a whole number from 1 to {latest}, as the rules of these answers say"
        # A follow-up knows better than the answers alone when to look again.
        again = evolve(again, look_again_days=said.look_again_days)
    if wrong or (isinstance(said, SelfCare) and again != said):
        yield "the rules do not say this of these answers; triage them again"


def _latest(rules: RuleSet, said: Assessment) -> int:
    """The latest day on which a follow-up may look again; of several rules, the one that is over first."""
    last = [days[-1] for fired in said.because if (days := rules[fired.id].look_again_days)]
    return max(min(last, default=0), said.disposition.look_again_days or 0)


def words(
    given: object, known: Iterable[str], what: str, one: str = "", expected: str = "a list of words"
) -> tuple[tuple[str, ...], list[str]]:
    """The known words among those given, each once and in their own order, and a line for each that is not known."""
    known = [*known]
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (), [f"{what}: expected {expected}"]
    by_word = {word.lower(): word for word in known}
    found: set[str] = set()
    problems: dict[str, None] = {}
    wrong = 0
    for word in given:
        if isinstance(word, str) and word.strip().lower() in by_word:
            found.add(by_word[word.strip().lower()])
            continue
        wrong += 1
        if wrong > MOST_PROBLEMS:
            continue
        if isinstance(word, str):
            near = did_you_mean(word.strip().lower(), by_word) or f"; known are {', '.join(known)}"
            problems[f"{what}: unknown {one or what} {shown(word)}{near}"] = None
        else:
            problems[f"{what}: expected {expected}"] = None
    more = [f"{what}: … and {wrong - MOST_PROBLEMS} more"] if wrong > MOST_PROBLEMS else []
    return tuple(word for word in known if word in found), [*problems, *more]


def known_equipment(rules: RuleSet) -> list[str]:
    """Every word that names a piece of equipment."""
    named = {word for item in rules.advice.values() for word in item.equipment}
    steer = rules.plan
    return sorted(named.union(*(() if steer is None else (steer.household, steer.loads))), key=str.lower)
