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
EARLIEST: Final = date.min + timedelta(days=MOST_DAYS)
LATEST: Final = date.max - timedelta(days=MOST_DAYS)

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
    after it. bad_day: what is enough on a bad day.
    pain_at_most, pain_rule: how much pain is allowed, from 0 to 10, and in words.
    advice: the ids of what goes along with it, once for all days; rest_day: that of them which suits the other days.
    later, left_out: what stands in no session, and why. logged: what was told of its days. stopped: the new triage
    that ended the plan; None while it goes on.
    """

    assessment: Assessment
    start: date
    end: date
    days: tuple[str, ...]
    equipment: tuple[str, ...] | None
    heel_raises: tuple[int, int] | None
    programme: str | None
    weeks: tuple[Week, ...]
    warm_up: str
    rest_day: str | None
    notes: tuple[str, ...]
    bad_day: str
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
    def from_json(cls, text: str, rules: RuleSet | None = None) -> Plan:
        """A plan that `to_json` wrote. ValueError, with every problem, for anything else.

        Only `checked` compares it with its answers and its log. Where it cannot be a plan whatever the rules, the
        error is a PlanError, with `.assessment` where the answers or the log in it mean SAME_DAY or above by `rules`.
        """
        found = _json.read(text, cls, "a plan")
        if problems := [*unsound(found)]:
            from calf_triage.plan.items import using_rules
            from calf_triage.plan.resume import most_acute_of

            raise PlanError(
                [f"not a plan: {problem}" for problem in problems], most_acute_of(found, using_rules(rules))
            )
        return found

    def checked(self, rules: RuleSet | None = None) -> Plan:
        """The same plan, made anew from its answers, its wishes and its log: do this with what was kept elsewhere.

        rules: those that the plan was made with; the bundled ones if none are given. Raises PlanError where the plan
        is not what they make, with `.assessment` where the answers, the log or the stop in it mean SAME_DAY or above.
        """
        from calf_triage.plan.items import using_rules
        from calf_triage.plan.resume import made_again

        return made_again(self, using_rules(rules))

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
        replace: whether a day that was told before is told anew; once the plan has stopped, a sign that was told, and
            the higher pain, stay. rules: those that the plan was made with.

        Raises PlanError with everything that is wrong, and where `checked` does; with `.assessment`, where a stop was
        evidently meant: a slip in writing it hides no emergency.
        """
        from calf_triage.plan.items import using_rules
        from calf_triage.plan.resume import after, most_acute, rescued

        using = using_rules(rules)
        # What can be read only once is read once.
        is_list = isinstance(stop_signs, Iterable) and not isinstance(stop_signs, str | Mapping)
        told = {
            "day": day,
            "done": done,
            "pain_before": pain_before,
            "pain_during": pain_during,
            "pain_next_morning": pain_next_morning,
            "soreness_hours": soreness_hours,
            "stop_signs": [*stop_signs] if is_list else stop_signs,
            "replace": replace,
        }
        try:
            plan = self.checked(using)
        except PlanError as error:
            found = most_acute([error.assessment, rescued(self, using, [told])])
            raise PlanError(error.problems, found) from None
        return after(plan, told, using)


def unsound(plan: Plan) -> Iterator[str]:
    """What a plan that was read cannot be, whatever the rules."""
    care = plan.assessment.disposition
    given = {item.id for item in care.advice} if isinstance(care, SelfCare) else set()
    if not given:
        yield "its assessment is no self-care"
    if not set(plan.days) <= {*WEEKDAYS} or not 1 <= len(plan.days) <= len(WEEKDAYS):
        yield "its days are no weekdays"
    if not EARLIEST <= plan.start <= LATEST or not plan.start < plan.end <= plan.start + timedelta(days=MOST_DAYS):
        yield "its dates do not follow each other"
    sessions = [session for week in plan.weeks for session in week.sessions]
    if any(not plan.start <= session.day < plan.end for session in sessions):
        yield "a session stands outside its dates"
    if any(entry.item not in given for session in sessions for entry in (*session.entries, *session.stretches)):
        yield "a session holds what the assessment did not give"
    if plan.stopped is not None and any(week.state != "past" for week in plan.weeks):
        yield "it has stopped, and goes on"
    if plan.stopped is None and any(told.stop_signs for told in plan.logged):
        yield "a stop sign was told, and it goes on"
    days = [told.day for told in plan.logged]
    if any(not plan.start <= day < plan.end for day in days):
        yield "a day of its log is outside its dates"
    if days != sorted(set(days)):
        yield "a day of its log stands twice, or before an earlier one"
    if not all(map(_may_be_told, plan.logged)):
        yield "a number of its log is out of range"


def _may_be_told(told: Logged) -> bool:
    pains = (told.pain_before, told.pain_during, told.pain_next_morning)
    return (
        all(pain is None or 0 <= pain <= 10 for pain in pains)
        and (told.soreness_hours is None or 0 <= told.soreness_hours <= LONGEST_SORENESS_HOURS)
        and all(one.amount is None or 0 < one.amount <= MOST_DONE for one in told.done)
    )
