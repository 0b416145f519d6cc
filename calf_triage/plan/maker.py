"""Makes a plan: what stands in it, for how long, and what is said with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from attrs import evolve

from calf_triage._advice import AdviceKind
from calf_triage._assessment import Assessment, Item
from calf_triage._errors import did_you_mean
from calf_triage._rules import PainLimit, RuleSet
from calf_triage.plan.items import Items, Slot, known_equipment, using_rules, words
from calf_triage.plan.log import is_stop, stop_rules, with_signs
from calf_triage.plan.pages import DAYS_IN_WORDS, items_of, joined
from calf_triage.plan.values import (
    EARLIEST,
    LATEST,
    USUAL_DAYS,
    WEEK,
    WEEKDAYS,
    Later,
    LeftOut,
    Logged,
    Plan,
    PlanError,
)
from calf_triage.plan.weeks import Weeks

_TRAINING: Final = (AdviceKind.EXERCISE.value, AdviceKind.BALANCE.value)


def make_plan(
    assessment: Assessment,
    *,
    start: date,
    days: Iterable[str] = USUAL_DAYS,
    equipment: Iterable[str] | None = None,
    heel_raises: tuple[int, int] | None = None,
    programme: str | None = None,
    rules: RuleSet | None = None,
) -> Plan:
    """A dated programme from an assessment that ends in self-care.

    start: the first day. days: weekdays that suit, "mon" to "sun"; of them as many as the doses allow are used for
        strengthening, never two running.
    equipment: what is at hand, as the items name it ("step", "dumbbell"); None or nothing: one's own weight, and what
        every household has.
    heel_raises: how many on the left and on the right leg, 0 to 100; only where the self-test was given or counted.
    programme: the id of the tendon programme that is wished; the first that is given if none is named.
    rules: those that the assessment was made with; the bundled ones if none are given.

    Raises PlanError with everything that is wrong: an escalation has no programme, and is to be followed as it stands.
    """
    if not isinstance(assessment, Assessment):
        raise TypeError("assessment: expected an Assessment, as triage gives it")
    days = days if isinstance(days, str) or not isinstance(days, Iterable) else [*days]
    maker = ready(assessment, start, days, equipment, heel_raises, programme, using_rules(rules))
    return maker.plan(start, words(days, WEEKDAYS, "days")[0], ())


def ready(
    assessment: Assessment,
    start: date,
    days: Iterable[str],
    equipment: Iterable[str] | None,
    heel_raises: tuple[int, int] | None,
    programme: str | None,
    using: RuleSet,
) -> Maker:
    """What makes a plan of these. PlanError with everything that is wrong with them."""
    at_hand, problems = words(() if equipment is None else equipment, known_equipment(using), "equipment")
    maker = Maker(using, assessment, None if equipment is None else at_hand, heel_raises, programme)
    if type(start) is not date:
        problems.append("start: expected a date")
    elif not EARLIEST <= start <= LATEST:
        problems.append(f"start: expected a day from {EARLIEST} to {LATEST}")
    chosen, wrong_days = words(days, WEEKDAYS, "days", "day")
    if not chosen and not wrong_days:
        wrong_days.append(f"days: expected one or more of {', '.join(WEEKDAYS)}")
    problems += wrong_days
    problems += maker.wrong_wishes()
    if problems:
        raise PlanError(problems)
    return maker


class Maker:
    """Makes a plan from an assessment, wishes and a log; the same ones always give the same plan."""

    def __init__(
        self,
        rules: RuleSet,
        assessment: Assessment,
        equipment: tuple[str, ...] | None,
        heel_raises: tuple[int, int] | None,
        programme: str | None,
    ) -> None:
        self.items = Items(rules, assessment, equipment, heel_raises)
        self.rules, self.steer, self.assessment = rules, self.items.steer, assessment
        self.care, self.given = self.items.care, self.items.given
        self.programme, self.told_heel_raises = programme, heel_raises
        self.left_out: dict[str, str] = {}

    def wrong_wishes(self) -> Iterator[str]:
        """What is wrong with the heel raises and the programme."""
        told = self.told_heel_raises
        if told is not None:
            sound = isinstance(told, tuple | list) and len(told) == 2
            if not sound or not all(type(count) is int and 0 <= count <= 100 for count in told):
                yield "heel_raises: expected two whole numbers from 0 to 100, left and right"
            elif 0 in told:
                yield "heel_raises: a leg that cannot rise at all is for someone to look at; answer the questions again"
            counted = self.assessment.answers.get(self.steer.ability_counted or "")
            if self.steer.ability_test not in self.given and counted is not True:
                yield "heel_raises: the self-test is not for these answers, so no count is taken"
        if self.programme is not None:
            given = [name for name in self.steer.programmes if name in self.given]
            if not isinstance(self.programme, str) or self.programme not in given:
                near = did_you_mean(self.programme, given) if isinstance(self.programme, str) else ""
                expected = f"; given are {', '.join(given)}" if given else "; none is given with these answers"
                yield f"programme: this tendon programme is not given{near or expected}"
            elif lacks := self.items.lacks(self.rules.advice[self.programme]):
                yield f"programme: it needs what is not at hand: {', '.join(lacks)}"

    # -- what stands in it -------------------------------------------------------------------------------------------

    def _available(self, kinds: Iterable[str]) -> list[Item]:
        """The items of these kinds that can be done, in the order of the advice; why not of the others."""
        found = []
        for item in self.care.advice:
            if item.kind in kinds and item.id in self.rules.advice:
                if lacks := self.items.lacks(self.rules.advice[item.id]):
                    self.left_out[item.id] = f"Not at hand: {joined(lacks)}."
                else:
                    found.append(item)
        return found

    def _slots(self) -> list[Slot]:
        items = self._one_programme(self._available(_TRAINING))
        on = self.steer.ability_on if self.items.heel_raises else ()
        # What was counted for them should stand in the plan, even where there is no room for all.
        items.sort(key=lambda item: item.id not in on)
        names = [item.id for item in items]
        slots: list[Slot] = []
        placed: set[str] = set()
        for name in names:
            if name in placed:
                continue
            ladder = self.items.ladder(name)
            members = (name,) if ladder is None else tuple(one for one in ladder.items if one in names)
            placed.update(members)
            if ladder is not None and ladder.at_seconds is not None and members[0] != ladder.items[0]:
                for one in members:
                    self.left_out[one] = ladder.say
                continue
            slots.append(Slot(members, {one: self.items.start(self.given[one]) for one in members}, ladder))
        order = {item.id: number for number, item in enumerate(self.care.advice)}
        kept: list[Slot] = []
        rooms = {
            AdviceKind.EXERCISE.value: self.steer.most_exercises,
            AdviceKind.BALANCE.value: self.steer.most_balance,
        }
        for slot in slots:
            kind = self.given[slot.item].kind
            if sum(self.given[other.item].kind == kind for other in kept) < rooms[kind]:
                kept.append(slot)
            else:
                for one in slot.items:
                    self.left_out[one] = "The others are enough for one session."
        return sorted(kept, key=lambda slot: (self.given[slot.item].kind != _TRAINING[0], order[slot.item]))

    def _one_programme(self, items: list[Item]) -> list[Item]:
        programmes = [name for name in self.steer.programmes if any(item.id == name for item in items)]
        chosen = self.programme if self.programme in programmes else next(iter(programmes), None)
        for name in programmes:
            if name != chosen:
                self.left_out[name] = "One tendon programme at a time."
        return [item for item in items if item.id not in programmes or item.id == chosen]

    # -- the whole ---------------------------------------------------------------------------------------------------

    def plan(self, start: date, days: tuple[str, ...], log: tuple[Logged, ...]) -> Plan:
        """The whole plan."""
        # Whatever comes after the first look is planned from the answers of that day.
        end = start + timedelta(days=self.care.look_again_days)
        slots, stretches = self._slots(), self._available((AdviceKind.STRETCH.value,))
        quiet = self.items.open(self.steer.first_days_if)
        first = min(start + timedelta(days=self.steer.first_days if quiet else 0), end)
        stop = next((told.day for told in log if is_stop(self.steer, told)), None)
        limit = self._limit()
        weeks = Weeks(self.items, slots, stretches, days, log, limit).between(start, first, end)
        planned = {name for week in weeks for name in items_of(week)}
        for name in [*(slot.item for slot in slots if slot.ladder is None), *(item.id for item in stretches)]:
            if name not in planned:
                self.left_out[name] = "None of the days leaves room for it."
        if stop is not None:
            weeks = [
                evolve(week, state="past", sessions=tuple(one for one in week.sessions if one.day <= stop))
                for week in weeks
                if week.first <= stop
            ]
        placed = {name for slot in slots for name in slot.items} | {item.id for item in stretches}
        warm_up = self.given.get(self.steer.warm_up or "")
        return Plan(
            assessment=self.assessment,
            start=start,
            end=end,
            days=days,
            equipment=self.items.equipment,
            heel_raises=self.told_heel_raises,
            programme=self.programme,
            weeks=tuple(weeks),
            warm_up=warm_up.steps[0] if warm_up is not None and slots else "",
            rest_day=next((name for name in self.steer.rest_day if name in self.given), None),
            notes=tuple(self._notes(days, slots, quiet, first, end)),
            bad_day=self.steer.little_say if slots and self.items.open(self.steer.little_if) else "",
            pain_at_most=limit.at_most,
            pain_rule=limit.say,
            stop_rules=stop_rules(self.rules),
            advice=tuple(name for name in self.given if name not in placed and name not in self.left_out),
            later=tuple(self._later(slots, {name for week in weeks for name in items_of(week)})),
            left_out=tuple(LeftOut(name, self.given[name].name, why) for name, why in sorted(self.left_out.items())),
            logged=log,
            stopped=None if stop is None else with_signs(self.rules, self.steer, self.assessment, log),
        )

    def _limit(self) -> PainLimit:
        """The strictest limit that may be this person's."""
        others = [one for one in self.steer.pain_limits if not one.for_whom]
        perhaps = [one for one in self.steer.pain_limits if self.items.open(one.for_whom)]
        # A limit that is wider than that of everybody else is only for those who surely are meant.
        surely = [one for one in perhaps if any(self.items.reader.is_met(c, self.items.reading) for c in one.for_whom)]
        return min([*(surely or others), *perhaps], key=lambda one: (one.at_most, one.id))

    def _notes(self, days: tuple[str, ...], slots: list[Slot], quiet: bool, first: date, end: date) -> Iterator[str]:
        if quiet:
            yield self.steer.first_days_say
        capped = [slot.item for slot in slots if not self.items.daily(slot.item)]
        if capped:
            most = max(map(self.items.a_week, capped))
            used = {WEEKDAYS[day.weekday()] for day in self.items.training_days(first, end, days, most)}
            # In less than a week a day may be unused because it does not come.
            unused = [DAYS_IN_WORDS[day] for day in days if day not in used] if end - first >= WEEK else []
            if unused:
                yield (
                    f"No strengthening on {joined(unused)}: it needs rest days between, and at most {most} days a week."
                )
            fewest = self.steer.days_a_week[0]
            if len(used) < fewest and end - first >= WEEK:
                yield f"{fewest} days a week would do more; these days leave room for {len(used)}."
        if any(self.items.daily(slot.item) for slot in slots):
            yield "A programme that its source has every day is done every day, whichever days you chose."
        if self.items.heel_raises and self._sides_differ(self.items.heel_raises):
            percent = self.steer.ability_differs_percent
            yield f"Your sides differ by more than {percent} %: do the weaker leg first, and match it with the other."

    def _sides_differ(self, sides: tuple[int, int]) -> bool:
        return (max(sides) - min(sides)) * 100 > self.steer.ability_differs_percent * max(sides)

    def _later(self, slots: list[Slot], planned: set[str]) -> Iterator[Later]:
        """What is withheld only for gates, and what of a ladder is not reached. None of it is planned."""
        by_gate = {gate.criterion.text: gate for gate in self.steer.gates}
        for item in self.care.withheld:
            gates = [by_gate.get(text) for text in item.because]
            if gates and all(gate is not None and not self.items.open(gate.never_if) for gate in gates):
                yield Later(item.id, item.name, " ".join(gate.opens for gate in gates if gate is not None))
        for slot in slots:
            for name in slot.items:
                if slot.ladder is not None and name not in planned:
                    yield Later(name, self.given[name].name, slot.ladder.say)
