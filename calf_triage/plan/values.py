"""What a plan is made of, and what may be told of its days; no `repr` of it holds an answer, or what was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final, Literal

from attrs import field, frozen

from calf_triage import _json
from calf_triage._assessment import Assessment, SelfCare
from calf_triage._errors import listed
from calf_triage._rules import RuleSet
from calf_triage._text import Section, plain

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
USUAL_DAYS: Final = ("mon", "wed", "fri")
MOST_DAYS: Final = 400
MOST_DONE: Final = 10_000
LONGEST_SORENESS_HOURS: Final = 168

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)

Step = Literal["start", "up", "hold", "back"]
"""How a week comes from the one before: more of one thing, the same again, or less."""

State = Literal["past", "now", "forecast"]
"""Whether the log has decided what follows a week, will do so next, or has not reached it."""


class PlanError(ValueError):
    """A plan that cannot be made, or a log entry that cannot be read: all that is wrong at once, and no value.

    problems: one line for each. assessment: the triage with the stop signs that could be read, where there are any and
    it is SAME_DAY or above; else None. One bad field hides no emergency.
    """

    def __init__(self, problems: Iterable[str], assessment: Assessment | None = None) -> None:
        self.problems = tuple(problems)
        self.assessment = assessment
        super().__init__(listed(self.problems))

    def __reduce__(self) -> tuple[object, ...]:
        return (PlanError, (self.problems, self.assessment))


@frozen
class Entry:
    """One item of one session.

    sets (rounds for what is held), and of the three others at most one: how much in each. each_side: as much again with
    the other leg. times_a_day: 1 for most. load: 0 for one's own weight, then how often weight was added. amount: all
    of it in words. notes: how this person does it.
    """

    item: str
    name: str
    kind: str
    amount: str
    sets: int | None
    repetitions: int | None
    seconds: int | None
    minutes: int | None
    rest_seconds: int | None
    each_side: bool
    times_a_day: int
    load: int
    notes: tuple[str, ...] = field(repr=False)


@frozen
class Session:
    """One day of a plan. entries: exercises and balance; stretches: what follows them, or stands alone."""

    day: date
    weekday: str
    entries: tuple[Entry, ...]
    stretches: tuple[Entry, ...]


@frozen
class Week:
    """Up to seven days, from first to last. step: how it came from the week before, and because of what.

    rest_days: its days without exercises; a stretch may stand there.
    """

    number: int
    first: date
    last: date
    state: State
    step: Step
    because: str = field(repr=False)
    sessions: tuple[Session, ...]
    rest_days: tuple[date, ...]


@frozen
class Later:
    """An item that is not planned, and what has to be so before the questions may give it."""

    item: str
    name: str
    opens: str


@frozen
class LeftOut:
    """An item of the advice that stands in no session, and why."""

    item: str
    name: str
    because: str


@frozen
class StopRule:
    """A sign on which to stop at once; its id is what `Plan.log` takes."""

    id: str
    asks: str


@frozen
class Done:
    """An item that was done; amount: the repetitions, seconds or minutes of each set, None for as planned."""

    item: str
    amount: int | None = field(repr=False)


@frozen
class Logged:
    """What was told of a day. Pain is from 0 to 10; None was not told, and is never taken as none."""

    day: date
    done: tuple[Done, ...] = field(repr=False)
    pain_before: int | None = field(repr=False)
    pain_during: int | None = field(repr=False)
    pain_next_morning: int | None = field(repr=False)
    soreness_hours: int | None = field(repr=False)
    stop_signs: tuple[str, ...] = field(repr=False)


@frozen(repr=False)
class Plan:
    """A programme for one person, as `make_plan` gives it. Immutable: `log` gives a new one.

    start, end: the first day, and the day on which the questions are to be answered again; no session stands on or
    after it. look_again: all such days. pain_at_most, pain_rule: how much pain is allowed, from 0 to 10, and in words.
    advice: the ids of what goes along with it, once for all days; rest_day: that of them which suits the other days.
    later, left_out: what stands in no session, and why. logged: what was told of its days. stopped: the new triage
    that ended the plan; None while it goes on.
    """

    assessment: Assessment
    start: date
    end: date
    look_again: tuple[date, ...]
    days: tuple[str, ...]
    equipment: tuple[str, ...] | None
    heel_raises: tuple[int, int] | None
    programme: str | None
    weeks: tuple[Week, ...]
    warm_up: str
    rest_day: str | None
    notes: tuple[str, ...]
    pain_at_most: int
    pain_rule: str
    stop_rules: tuple[StopRule, ...]
    advice: tuple[str, ...]
    later: tuple[Later, ...]
    left_out: tuple[LeftOut, ...]
    logged: tuple[Logged, ...] = ()
    stopped: Assessment | None = None

    def __repr__(self) -> str:
        """Its dates alone, so that it may be logged."""
        return f"<Plan {self.start} to {self.end}{', stopped' if self.stopped else ''}>"

    def __str__(self) -> str:
        """The plan as plain text, 80 columns wide."""
        return plain(self.sections())

    @property
    def week(self) -> Week | None:
        """The week that is to be done next; None once the plan is over, or stopped."""
        return next((week for week in self.weeks if week.state == "now"), None)

    def sections(self, everything: bool = False) -> Iterator[Section]:
        """What `str` shows, in parts. everything: each week by day, and each piece of advice with its steps."""
        # Here, because the pages and the maker need these values.
        from calf_triage.plan.pages import sections

        return sections(self, everything)

    def to_json(self) -> str:
        """As JSON text. The same plan gives the same bytes, and `from_json` gives it back."""
        return _json.written(self)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """A plan that `to_json` wrote. ValueError, with every problem, for anything else."""
        found = _json.read(text, cls, "a plan")
        if problems := [*_unsound(found)]:
            raise ValueError("not a plan:\n" + listed(tuple(problems)))
        return found

    def log(
        self,
        day: date,
        *,
        done: bool | Mapping[str, bool | int],
        pain_before: int | None = None,
        pain_during: int | None = None,
        pain_next_morning: int | None = None,
        soreness_hours: int | None = None,
        stop_signs: Iterable[str] = (),
        replace: bool = False,
        rules: RuleSet | None = None,
    ) -> Plan:
        """The plan after a day is told.

        done: True for all of the session, False for nothing, or item ids to True (as planned) or to the repetitions,
            seconds or minutes done in each set.
        pain_before, pain_during, pain_next_morning: the worst of each, from 0 to 10; None is not told, never none.
        soreness_hours: for how long it was worse than before the session, 0 to 168.
        stop_signs: ids of `stop_rules`. One of them, or pain above what the rules call a stop, ends the plan at once:
            `stopped` is then the triage of the same answers with it.
        replace: whether a day that was told before is told anew. rules: those that the plan was made with.

        Raises PlanError with everything that is wrong; with `.assessment`, where stop signs could be read all the same.
        """
        from calf_triage.plan.items import using_rules
        from calf_triage.plan.log import at_least_today, read_log
        from calf_triage.plan.maker import Maker

        using = using_rules(rules)
        told, problems = read_log(
            self, using, day, done, pain_before, pain_during, pain_next_morning, soreness_hours, stop_signs, replace
        )
        if problems:
            raise PlanError(problems, at_least_today(using, self.assessment, told))
        entries = sorted((*(one for one in self.logged if one.day != day), told), key=lambda one: one.day)
        return Maker(using, self.assessment, self.equipment, self.heel_raises, self.programme).plan(
            self.start, self.days, tuple(entries)
        )


def _unsound(plan: Plan) -> Iterator[str]:
    """What a plan that was read cannot be, whatever the rules."""
    care = plan.assessment.disposition
    given = {item.id for item in care.advice} if isinstance(care, SelfCare) else set()
    if not given:
        yield "its assessment is no self-care"
    if not set(plan.days) <= {*WEEKDAYS} or not plan.days:
        yield "its days are no weekdays"
    if not plan.start < plan.end <= plan.start + timedelta(days=MOST_DAYS):
        yield "its dates do not follow each other"
    sessions = [session for week in plan.weeks for session in week.sessions]
    if any(not plan.start <= session.day < plan.end for session in sessions):
        yield "a session stands outside its dates"
    if any(entry.item not in given for session in sessions for entry in (*session.entries, *session.stretches)):
        yield "a session holds what the assessment did not give"
    if plan.stopped is not None and any(week.state != "past" for week in plan.weeks):
        yield "it has stopped, and goes on"
