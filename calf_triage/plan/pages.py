"""A plan in words: as text, and in parts for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from calf_triage._assessment import Escalation, Item, SelfCare
from calf_triage._findings import Acuity
from calf_triage._pages import page
from calf_triage._text import Node, Section, Table
from calf_triage.plan.values import DAY, WEEKDAYS, Plan, Step, Week

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS_IN_WORDS: Final = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_STEPS: Final[dict[Step, str]] = {"start": "began", "up": "up", "hold": "same", "back": "back"}


def every_day(first: date, last: date) -> Iterator[date]:
    """The days from one to another, both among them."""
    day = first
    while day <= last:
        yield day
        day += DAY


def joined(words: list[str]) -> str:
    """The words with commas, and "and" before the last."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def on(day: date, year: bool = False) -> str:
    """A day in short: Mon 2 Mar."""
    words = f"{WEEKDAYS[day.weekday()].capitalize()} {day.day} {_MONTHS[day.month - 1]}"
    return f"{words} {day.year}" if year else words


def sections(plan: Plan, everything: bool) -> Iterator[Section]:
    """A plan in parts; what has stopped it, where it was stopped."""
    if plan.stopped is not None:
        if isinstance(plan.stopped.disposition, Escalation):
            yield from page(plan.stopped)
        signs = {rule.id: rule.asks for rule in plan.stop_rules}
        named = dict.fromkeys(signs.get(sign, sign) for told in plan.logged for sign in told.stop_signs)
        why = f" You reported: {'; '.join(named)}." if named else " You reported more pain than training may bring."
        again = " Answer all the questions again before you do anything of it."
        yield Section("Your plan has stopped", (f"There are no more sessions.{why}{again}",))
        if not isinstance(plan.stopped.disposition, Escalation):
            yield from _do_not_wait(plan)
        return
    last = plan.end - DAY
    ends = on(plan.end, True)
    lines = [f"Answer the questions again on {ends}, or sooner if something changes: the next plan is made from them."]
    care = plan.assessment.disposition
    items = {item.id: item for item in care.advice} if isinstance(care, SelfCare) else {}
    yield Section(f"Your plan: {on(plan.start)} to {on(last, True)}", (*lines, *plan.notes), rung=Acuity.SELF_CARE)
    past = [week for week in plan.weeks if week.state == "past"]
    week = plan.week
    if week is None:
        yield Section("There are no more sessions", ("Answer the questions again.",))
    else:
        yield from _week(plan, week, items)
        yield _how([week], items)
    yield Section("How much pain is all right", tuple(Node(line) for line in _pain_lines(plan)))
    signs_to_stop = tuple(Node(f"{rule.asks}.") for rule in plan.stop_rules)
    yield Section("Stop at once if there is any of these, and answer the questions again", signs_to_stop)
    yield from _do_not_wait(plan)
    ahead = [one for one in plan.weeks if one.state == "forecast"]
    if ahead and everything:
        for one in ahead:
            yield from _week(plan, one, items)
        if new := [one for one in ahead if week is None or {*items_of(one)} - {*items_of(week)}]:
            yield _how(new[:1], items)
    elif ahead:
        first = "This is a forecast: it assumes that every session is done with little pain."
        yield Section("The weeks after this", (first, _short(week, ahead)))
    if past:
        so_far = tuple((f"{one.number}", _STEPS[one.step], one.because) for one in past)
        yield Section("So far", (Table(("week", "went", "because"), so_far),))
    if plan.later:
        asks = "Not part of this plan. When it is so, answer the questions again; they decide."
        opened: dict[str, list[str]] = {}
        for later in plan.later:
            opened.setdefault(later.opens, []).append(later.name)
        nodes = tuple(Node(f"{'; '.join(names)}", (Node(opens),)) for opens, names in opened.items())
        yield Section("Perhaps later", (asks, *nodes))
    if plan.left_out:
        yield Section("Left out", (Table((), tuple((one.name, one.because) for one in plan.left_out)),))
    along = [items[name] for name in plan.advice if name in items]
    if along and everything:
        yield Section(
            "Along with it", tuple(Node(one.name, tuple(map(Node, (*one.steps, *one.changes)))) for one in along)
        )
    elif along:
        yield Section("Along with it, as your page says", ("; ".join(one.name for one in along) + ".",))
    yield Section("", ("This is not a diagnosis, and no clinician has seen your answers.",))


def _do_not_wait(plan: Plan) -> Iterator[Section]:
    """The safety net of the page that gave the plan."""
    yield from (section for section in page(plan.assessment) if section.title == "Do not wait")


def items_of(week: Week) -> Iterator[str]:
    """The ids of the items that stand in a week."""
    for session in week.sessions:
        for entry in (*session.entries, *session.stretches):
            yield entry.item


def _week(plan: Plan, week: Week, items: Mapping[str, Item]) -> Iterator[Section]:
    by_day = {session.day: session for session in week.sessions}
    trains = any(session.entries for one in plan.weeks for session in one.sessions)
    groups: dict[tuple[str, ...], list[date]] = {}
    for day in every_day(week.first, week.last):
        session = by_day.get(day)
        lines = [] if session is None else [f"{entry.name}: {entry.amount}" for entry in session.entries]
        if session is None or (trains and not session.entries):
            lines.append("Rest day." if trains else "No exercise.")
        if session is not None:
            then = "Then " if session.entries else ""
            lines += [
                f"{then}{_small(entry.name) if then else entry.name}: {entry.amount}" for entry in session.stretches
            ]
        groups.setdefault(tuple(lines), []).append(day)
    whole = len(groups) == 1 and len(by_day) > 1
    rows = tuple(
        ("Every day" if whole else "\n".join(map(on, days)), "\n".join(lines)) for lines, days in groups.items()
    )
    ahead = ", a forecast" if week.state == "forecast" else ""
    title = f"Week {week.number} of {len(plan.weeks)}: {on(week.first)} to {on(week.last)}{ahead}"
    warm = [plan.warm_up] if plan.warm_up and any(session.entries for session in week.sessions) else []
    other = items.get(plan.rest_day or "")
    when = "On the other days" if by_day else "Each day"
    rest = [" ".join((f"{when}: {_small(other.name)}.", *other.changes))] if other is not None else []
    bad = [plan.bad_day] if plan.bad_day and any(session.entries for session in week.sessions) else []
    yield Section(title, (week.because, *warm, Table(("day", "what to do"), rows), *rest, *bad))


def _small(name: str) -> str:
    return name[0].lower() + name[1:]


def _how(weeks: list[Week], items: Mapping[str, Item]) -> Section:
    notes: dict[str, tuple[str, ...]] = {}
    for week in weeks:
        for session in week.sessions:
            for entry in (*session.entries, *session.stretches):
                notes.setdefault(entry.item, entry.notes)
    nodes = [
        Node(items[name].name, tuple(map(Node, (*items[name].steps, *more))))
        for name, more in notes.items()
        if name in items
    ]
    return Section("How to do them", tuple(nodes) or ("Nothing but rest, and what goes along with it.",))


def _pain_lines(plan: Plan) -> list[str]:
    return [
        plan.pain_rule,
        "After each session note the worst pain during it, and the next morning, from 0 to 10. Not noted is not none.",
        "If there was pain, note for how many hours it stayed worse.",
        "If pain goes above that limit, or it stays worse for a day or more, the next sessions are lighter.",
    ]


def _short(week: Week | None, ahead: list[Week]) -> Table:
    """What changes in each week to come, beside the one before."""
    rows: list[tuple[int, int, date, str]] = []
    before = _amounts(week) if week is not None else {}
    for one in ahead:
        now = _amounts(one)
        changed = [f"{name}: {amount}" for name, amount in now.items() if before.get(name) != amount]
        words = "\n".join(changed) or ("as before" if now else "rest")
        before = now or before
        if rows and not changed and rows[-1][3] == words:
            rows[-1] = (rows[-1][0], one.number, *rows[-1][2:])
        else:
            rows.append((one.number, one.number, one.first, words))
    shown_rows = [
        (f"{first}" if first == last else f"{first} to {last}", on(day), words) for first, last, day, words in rows
    ]
    return Table(("week", "from", "what changes"), tuple(shown_rows), fixed=2)


def _amounts(week: Week) -> dict[str, str]:
    return {entry.name: entry.amount for one in week.sessions for entry in (*one.entries, *one.stretches)}
