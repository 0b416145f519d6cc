"""Week by week: what stands on which day, and whether the next week is more, the same or less."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from attrs import evolve

from calf_triage._advice import Dose, Modification
from calf_triage._assessment import Item
from calf_triage._rules import PainLimit
from calf_triage.plan.items import Items, Level, Slot
from calf_triage.plan.log import worst
from calf_triage.plan.pages import every_day, on
from calf_triage.plan.values import DAY, WEEK, WEEKDAYS, Entry, Logged, Session, State, Step, Week


class Weeks:
    """Makes the weeks of a plan from what stands in it, and from what was told of its days."""

    def __init__(
        self,
        items: Items,
        slots: list[Slot],
        stretches: list[Item],
        days: tuple[str, ...],
        log: tuple[Logged, ...],
        limit: PainLimit,
    ) -> None:
        self.items, self.rules, self.steer, self.given = items, items.rules, items.steer, items.given
        self.slots, self.stretches, self.days, self.log, self.limit = slots, stretches, days, log, limit
        self.weeks: list[Week] = []
        self.largest: list[tuple[date, Fraction]] = []
        """For each session that was done, or is to be, how much stood in it."""

    def between(self, start: date, first: date, end: date) -> list[Week]:
        """The weeks from the start to the end; nothing stands on the days before the first."""
        capped = [name for slot in self.slots for name in slot.items if not self.items.daily(name)]
        training = self.items.training_days(first, end, self.days, max(map(self.items.a_week, capped), default=0))
        state: State = "now"
        step: Step = "start"
        because = "This is where you start."
        latest = max((told.day for told in self.log), default=None)
        monday = start
        while monday < end:
            last = min(monday + WEEK, end) - DAY
            number = len(self.weeks) + 1
            told = [one for one in self.log if monday <= one.day <= last]
            trouble = self._trouble(told)
            until = min(trouble[0], last) if trouble else last
            sessions = self._sessions(max(monday, first), until, training)
            if trouble:
                # What hurt is not done again as it was, on Wednesday, because the week is not over.
                for slot in self.slots:
                    self._less(slot, number)
                sessions += self._sessions(max(until + DAY, first), last, training)
                because = f"{because} Lighter after {on(until)}: {trouble[1][0].lower()}{trouble[1][1:]}"
            due = [session for session in sessions if session.entries]
            told_days = {one.day for one in told}
            decided = latest is not None and (
                latest > last or (bool(due) and all(session.day in told_days for session in due))
            )
            if state != "forecast":
                state = "past" if decided else "now"
            rest = [day for day in every_day(monday, last) if all(one.day != day for one in due)]
            self.weeks.append(Week(number, monday, last, state, step, because, tuple(sessions), tuple(rest)))
            done = {one.day for one in told if one.done}
            self.largest += [(one.day, self._weight()) for one in due if state != "past" or one.day in done]
            again = self._trouble([one for one in told if one.day > until])
            if trouble and not again:
                step, because = "back", f"{trouble[1]} It stays lighter."
            elif state == "past":
                step, because = ("back", again[1]) if again else self._decide(due, told)
                painless = all(worst(one) == 0 for one in told)
                tried = [
                    (one.item, one.amount) for each in self.log if each.day <= last for one in each.done if one.amount
                ]
                step, because = self._move(step, because, number, last + DAY, painless, tried)
            else:
                step, because = ("back", again[1]) if again else ("up", f"If week {number} goes well.")
                step, because = self._move(step, because, number, last + DAY, False, [])
            if state != "past":
                state = "forecast"
            monday += WEEK
        return self.weeks

    def _weight(self) -> Fraction:
        return sum((slot.level.relative for slot in self.slots), Fraction(0))

    def _sessions(self, first: date, last: date, training: list[date]) -> list[Session]:
        found = []
        capped = any(not self.items.daily(slot.item) for slot in self.slots)
        for day in every_day(first, last):
            entries = []
            for slot in self.slots:
                if self.items.daily(slot.item) or (day in training and self._has_room(slot, day)):
                    entries.append(self._entry(self.given[slot.item], slot.level))
                    slot.days.append(day)
            with_stretch = day in training if capped else WEEKDAYS[day.weekday()] in self.days
            after = [
                self._entry(item, self.items.start(item))
                for item in self.stretches
                if with_stretch or self.items.daily(item.id)
            ]
            if entries or after:
                found.append(Session(day, WEEKDAYS[day.weekday()], tuple(entries), tuple(after)))
        return found

    def _has_room(self, slot: Slot, day: date) -> bool:
        between = self.steer.days_between.get(slot.item, 1)
        recent = [other for other in slot.days if day - other < WEEK]
        return len(recent) < self.items.a_week(slot.item) and all((day - other).days > between for other in recent)

    def _entry(self, item: Item, level: Level) -> Entry:
        advice, unit = self.rules.advice[item.id], self.items.unit(item.id)
        dose = advice.dose or Dose()
        each_side = item.id in self.steer.each_side
        a_day = dose.sessions_per_day[0] if dose.sessions_per_day else 1
        passed = {change.say for change in advice.modified_by if self._has_passed(change, item.id, level)}
        notes = [change for change in item.changes if change not in passed]
        if level.load:
            notes.append("Add weight: the lightest there is to begin with, then at most a tenth more.")
        entry = Entry(
            item=item.id,
            name=item.name,
            kind=item.kind,
            amount="",
            sets=level.sets if unit else None,
            repetitions=level.amount if unit == "repetitions" else None,
            seconds=level.amount if unit == "seconds" else None,
            minutes=level.amount if unit == "minutes" else None,
            rest_seconds=dose.rest_seconds[0] if dose.rest_seconds else None,
            each_side=each_side,
            times_a_day=a_day,
            load=level.load,
            notes=tuple(notes),
        )
        words = _amount(entry, bool(dose.sets)) if unit else _in_words(dose)
        return evolve(entry, amount=words)

    def _has_passed(self, change: Modification, item: str, level: Level) -> bool:
        """Whether it says where to begin, and more than that is done already; what else it may say always counts."""
        unit, begins = self.items.unit(item), {criterion.text for criterion in self.steer.little_if}
        if change.dose is None or unit is None or change.criterion.text not in begins:
            return False
        span, sets = getattr(change.dose, unit), change.dose.sets or change.dose.rounds
        return bool((span and level.amount > span[1]) or (sets and level.sets > sets[1]))

    def _decide(self, due: list[Session], told: list[Logged]) -> tuple[Step, str]:
        """Whether what comes next is more, the same or less, and why. All doubt is the same again, or less."""
        steer, limit = self.steer, self.limit
        fresh = self._fresh(told)
        mornings = [self._morning(one) for one in told] if limit.by_morning else []
        if limit.no_rise and len(self.weeks) > 1:
            before = [one for one in self.log if self.weeks[-2].first <= one.day <= self.weeks[-2].last]
            if before and told and max(map(worst, told)) > max(map(worst, before)):
                return "back", "Pain rose from one week to the next, so this week is lighter."
        if not due:
            return "hold", "No exercise stood in the week before, so nothing changes."
        done = [session for session in due if any(one.day == session.day and one.done for one in told)]
        if not done and len(self.weeks) >= steer.back_after_weeks and self._idle():
            return "back", f"No session for {steer.back_after_weeks} weeks, so you begin again a little lower."
        missed = len(due) - len(done)
        if missed * 100 >= steer.many_percent * len(due):
            return "hold", f"{missed} of {len(due)} sessions were left out, so the same again; that is no setback."
        if missed:
            return "hold", "A session was left out, so the same again."
        by_day = {one.day: one for one in told}
        if any(by_day[one.day].pain_during is None or by_day[one.day].pain_next_morning is None for one in due):
            return "hold", f"Pain was not told for every session, and not told is not none: the same again.{fresh}"
        if any(worst(by_day[one.day]) and by_day[one.day].soreness_hours is None for one in due):
            return "hold", f"It was not told for how long it stayed worse after pain, so the same again.{fresh}"
        if None in mornings:
            return "hold", "It was not told how much pain there was before, so the same again."
        if not all(self._as_planned(session, by_day[session.day]) for session in due):
            return "hold", "Not every set was done as planned, so the same again."
        advice = self.rules.advice[steer.progress_advice]
        if self.items.open(advice.contraindicated_by):
            return "hold", "With these answers the plan stays where it is."
        return "up", f"All sessions were done, with pain of {limit.at_most} of 10 or less.{fresh}"

    def _trouble(self, told: list[Logged]) -> tuple[date, str] | None:
        """The first day that calls for less at once, and why."""
        limit = self.limit
        for one in told:
            if worst(one) > limit.at_most:
                return one.day, f"Pain went above {limit.at_most} of 10.{self._fresh([one])}"
            if (one.soreness_hours or 0) >= self.steer.back_after_hours:
                return one.day, "It stayed worse for a day or more."
            if limit.by_morning and self._morning(one) is False:
                return one.day, "Pain was not back by the next morning to where it was."
        return None

    def _fresh(self, told: list[Logged]) -> str:
        """What is said to those who had named no pain, and now have some the next morning."""
        above = self.rules.findings.by_id[self.steer.pain_finding].only_if
        had_none = above is not None and self.items.assessment.answers.get(above) is False
        if had_none and any(one.pain_next_morning for one in told):
            return " You had named no pain: if one calf hurts, answer the questions again today."
        return ""

    def _morning(self, told: Logged) -> bool | None:
        """Whether pain was back by the next morning; None where that is not known."""
        if told.pain_next_morning is None:
            return None
        if told.pain_next_morning == 0:
            return True
        earlier = [
            one.pain_next_morning for one in self.log if one.day < told.day and one.pain_next_morning is not None
        ]
        before = min(earlier, default=None) if told.pain_before is None else told.pain_before
        return None if before is None else told.pain_next_morning <= before

    def _idle(self) -> bool:
        """Whether in the last weeks sessions were due and none was done."""
        done = {one.day for one in self.log if one.done}
        recent = self.weeks[-self.steer.back_after_weeks :]
        due = [[one.day for one in week.sessions if one.entries] for week in recent]
        return all(days and done.isdisjoint(days) for days in due)

    def _as_planned(self, session: Session, told: Logged) -> bool:
        amounts = {one.item: one.amount for one in told.done}
        for entry in session.entries:
            if entry.item not in amounts:
                return False
            amount, ladder = amounts[entry.item], self.items.ladder(entry.item)
            planned = entry.repetitions or entry.seconds or entry.minutes
            if amount is None or planned is None or amount == planned:
                continue
            # More than planned is no reason to add still more; but what is tried for the next of a ladder is asked for.
            if amount < planned or ladder is None or ladder.at_seconds is None:
                return False
        return True

    # -- more and less -----------------------------------------------------------------------------------------------

    def _move(
        self,
        step: Step,
        because: str,
        number: int,
        first: date,
        painless: bool,
        tried: list[tuple[str, int]],
    ) -> tuple[Step, str]:
        """Moves the slots from the week of that number to the one that begins on `first`, and says what came of it."""
        if step == "back":
            for slot in self.slots:
                self._less(slot, number)
            return step, because
        if step != "up" or not self.slots:
            return ("hold", because) if step == "up" else (step, because)
        # Counted back from the last day of the week, so that it holds for each of its sessions.
        since = first + WEEK - DAY - timedelta(days=self.steer.session_days)
        room = max((size for day, size in self.largest if day >= since), default=Fraction(0))
        room *= Fraction(100 + self.steer.session_percent, 100)
        moved, waiting = False, False
        for slot in sorted(self.slots, key=lambda slot: slot.level.relative):
            before = slot.at, slot.level
            self._more(slot, number, painless, tried)
            if self._weight() > room:
                slot.levels[slot.item], waiting = evolve(before[1], earned=slot.level.earned), True
                slot.at = before[0]
            else:
                moved |= (slot.at, slot.level.sets, slot.level.amount, slot.level.load) != (
                    before[0],
                    before[1].sets,
                    before[1].amount,
                    before[1].load,
                )
                waiting |= slot.level.total < slot.level.earned and slot.level.total < self._top(slot)
        if moved:
            return "up", because
        if waiting:
            percent = self.steer.percent_a_week
            return "hold", f"{because} One more would be over {percent} %, so it is not yet earned: the same again."
        return "hold", f"{because} Nothing is to be added now: the same again."

    def _top(self, slot: Slot) -> int:
        if self.items.unit(slot.item) is None:
            return 0
        sets, amount = self.items.most(slot.item)
        return sets * amount

    def _less(self, slot: Slot, number: int) -> None:
        level = slot.level
        if slot.at and slot.entered == number:
            slot.at -= 1
            slot.entered = 0
            return
        if level.load:
            slot.levels[slot.item] = evolve(level, load=level.load - 1)
        elif level.start:
            amount = max(1, level.amount * (100 - self.steer.back_percent) // 100)
            slot.levels[slot.item] = evolve(level, amount=amount, earned=Fraction(level.sets * amount))

    def _more(self, slot: Slot, number: int, painless: bool, tried: list[tuple[str, int]]) -> None:
        """One step of one variable, if one is earned."""
        level = slot.level
        ladder = slot.ladder
        if ladder is not None and slot.at + 1 < len(slot.items) and level.relative >= 1:
            enough = any(item == slot.item and amount >= (ladder.at_seconds or 0) for item, amount in tried)
            if ladder.at_seconds is None or (enough and self.items.unit(slot.item) == "seconds"):
                slot.at += 1
                slot.entered = number + 1
                return
        unit = self.items.unit(slot.item)
        if unit is None:
            return
        most_sets, most = self.items.most(slot.item)
        rate = Fraction(100 + self.steer.percent_a_week, 100)
        earned = level.earned * rate
        a_week = max(level.total * rate, Fraction(level.sets * (level.amount + 1)))
        allowed = min(earned, a_week)
        new = evolve(level, earned=earned)
        amount = int(allowed / level.sets)
        if amount > most and level.sets < most_sets and level.amount == most:
            sets = level.sets + 1
            if int(allowed / sets) * sets > level.total:
                new = evolve(new, sets=sets, amount=int(allowed / sets))
        elif level.amount < most:
            new = evolve(new, amount=min(most, max(amount, level.amount)))
        elif level.sets == most_sets and painless and self._may_load(slot.item):
            new = evolve(new, load=level.load + 1)
        slot.levels[slot.item] = new

    def _may_load(self, item: str) -> bool:
        at_hand = {*(self.items.equipment or ())} & {*self.steer.loads}
        return bool(at_hand) and item in self.steer.load_on and not self.given[item].changes


def _amount(entry: Entry, in_sets: bool) -> str:
    """Sets of repetitions, or times of seconds, on each side, so often a day."""
    sets = entry.sets or 1
    if entry.repetitions is not None:
        words = (
            f"{sets} set{'' if sets == 1 else 's'} of {entry.repetitions}" if in_sets else f"{entry.repetitions} times"
        )
    else:
        number, unit = (entry.seconds, "second") if entry.seconds is not None else (entry.minutes, "minute")
        words = f"{number} {unit}{'' if number == 1 else 's'}"
        words = words if sets == 1 else f"{sets} times {words}"
    words += " on each side" if entry.each_side else ""
    words += f", {entry.rest_seconds} seconds rest between" if entry.rest_seconds else ""
    if entry.times_a_day > 1:
        words += ", twice a day" if entry.times_a_day == 2 else f", {entry.times_a_day} times a day"
    return words + (", with added weight" if entry.load else "")


def _in_words(dose: Dose) -> str:
    """The dose of what moves on by its own steps, without how often: that is what the plan's days say."""
    return str(evolve(dose, sessions_per_week=None, weeks=None)) or "as its steps say"
