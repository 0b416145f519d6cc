"""What is told of the days of a plan: how it is read, and when it means a stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from calf_triage._assessment import Assessment
from calf_triage._errors import FindingError, did_you_mean, shown
from calf_triage._findings import Acuity, Answer
from calf_triage._rules import PlanRules, RuleSet
from calf_triage._triage import triage
from calf_triage.plan.items import words, wrong_rules
from calf_triage.plan.values import (
    DAY,
    LONGEST_SORENESS_HOURS,
    MOST_DAYS,
    MOST_DONE,
    Done,
    Logged,
    Plan,
    PlanError,
    Session,
)

_LOG_KEYS: Final = (
    *("day", "done", "pain_before", "pain_during", "pain_next_morning"),
    *("soreness_hours", "stop_signs", "replace"),
)


def logged_from(plan: Plan, entries: object, rules: RuleSet | None = None) -> tuple[Plan, int]:
    """The plan after a list of log entries, each a mapping of what `Plan.log` takes; and how many were not read.

    entries: a list, or a mapping with the list as "log". A day may be an ISO 8601 text. What is told without a stop
    sign after the plan has stopped is not read. Raises PlanError with every problem of every entry, and with the most
    acute `.assessment` that stop signs gave, whatever else is wrong.
    """
    if isinstance(entries, Mapping) and set(entries) == {"log"}:
        entries = entries["log"]
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise PlanError(["the log: expected a list of days, each with its own table"], plan.stopped)
    problems: list[str] = []
    found = [plan.stopped] if plan.stopped is not None else []
    skipped = 0
    if len(entries) > MOST_DAYS:
        problems.append(f"the log: more than {MOST_DAYS} entries; the rest was not read")
    for number, entry in enumerate(entries[:MOST_DAYS], 1):
        told = {str(key): value for key, value in entry.items()}
        place = f"the log: entry {number}"
        problems += [
            f"{place}: unknown key {shown(key)}{did_you_mean(key, _LOG_KEYS)}" for key in told if key not in _LOG_KEYS
        ]
        problems += [f"{place}: {key} is missing" for key in ("day", "done") if key not in told]
        known: dict[str, Any] = {"day": None, "done": False, **{key: told[key] for key in told if key in _LOG_KEYS}}
        if isinstance(known["day"], str):
            known["day"] = _iso(known["day"])
        if plan.stopped is not None and not known.get("stop_signs"):
            skipped += 1
            continue
        try:
            plan = plan.log(**known, rules=rules)
        except PlanError as error:
            problems += [f"{place}: {problem}" for problem in error.problems]
            found += [error.assessment] if error.assessment is not None else []
        found += [plan.stopped] if plan.stopped is not None else []
    if problems:
        raise PlanError(problems, max(found, key=lambda one: one.acuity, default=None))
    return plan, skipped


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_log(
    plan: Plan,
    rules: RuleSet,
    day: object,
    done: object,
    pain_before: object,
    pain_during: object,
    pain_next_morning: object,
    soreness_hours: object,
    stop_signs: object,
    replace: object,
) -> tuple[Logged, list[str]]:
    """What could be read of a log entry, and a line for each thing that could not."""
    problems = [*wrong_rules(rules, plan.assessment)]

    def number(name: str, found: object, most: int) -> int | None:
        if found is None or (type(found) is int and 0 <= found <= most):
            return found
        problems.append(f"{name}: expected a whole number from 0 to {most}, or None where it is not told")
        return None

    known = rules.plan.stop_signs if rules.plan is not None else {}
    signs, wrong_signs = words(stop_signs, known, "stop_signs", "sign")
    problems += wrong_signs
    session = None
    when = plan.start
    if type(day) is not date:
        problems.append("day: expected a date")
    elif not plan.start <= day < plan.end:
        problems.append(f"day: outside the plan, which runs from {plan.start} to {plan.end - DAY}")
    else:
        when = day
        session = next((one for week in plan.weeks for one in week.sessions if one.day == day), None)
        if replace is not True and any(entry.day == day for entry in plan.logged):
            problems.append("day: it was told before; say replace=True to tell it anew")
    if plan.stopped is not None and not signs:
        problems.append("the plan has stopped: follow its page, and answer the questions again")
    return (
        Logged(
            when,
            _read_done(done, session, problems),
            number("pain_before", pain_before, 10),
            number("pain_during", pain_during, 10),
            number("pain_next_morning", pain_next_morning, 10),
            number("soreness_hours", soreness_hours, LONGEST_SORENESS_HOURS),
            signs,
        ),
        problems,
    )


def _read_done(done: object, session: Session | None, problems: list[str]) -> tuple[Done, ...]:
    planned = [] if session is None else [entry.item for entry in (*session.entries, *session.stretches)]
    if done is False:
        return ()
    if done is True:
        if not planned:
            problems.append("done: no session stands on this day; say done=False")
        return tuple(Done(item, None) for item in planned)
    if not isinstance(done, Mapping):
        problems.append("done: expected True, False, or items with True or how much of each set")
        return ()
    found = []
    for item, amount in done.items():
        if not isinstance(item, str) or item not in planned:
            name = shown(item) if isinstance(item, str) else "an item"
            near = did_you_mean(item, planned) if isinstance(item, str) else ""
            problems.append(f"done: {name} does not stand in the session of this day{near}")
        elif type(amount) is bool:
            found += [Done(item, None)] if amount else []
        elif type(amount) is int and 0 <= amount <= MOST_DONE:
            found += [Done(item, amount)] if amount else []
        else:
            problems.append(f"done: {item}: expected True, False or a whole number from 0 to {MOST_DONE}")
    return tuple(sorted(found, key=lambda one: planned.index(one.item)))


# -- a stop ----------------------------------------------------------------------------------------------------------


def is_stop(steer: PlanRules, told: Logged) -> bool:
    """Whether what was told of a day ends the plan at once."""
    return bool(told.stop_signs) or worst(told) > steer.stop_above_pain


def worst(told: Logged) -> int:
    """The worst pain that was told of a day, 0 to 10."""
    return max((pain for pain in (told.pain_before, told.pain_during, told.pain_next_morning) if pain), default=0)


def with_signs(rules: RuleSet, steer: PlanRules, before: Assessment, told: Iterable[Logged]) -> Assessment:
    """The triage of the answers with the stop signs. Pain above the limit is one of them.

    How bad it was can be read in two ways: as the number that was told, or as not known, because the worst of the day
    may be more. The more acute of the two is the answer.
    """
    told = [*told]
    names = {sign for one in told for sign in one.stop_signs}
    answers: dict[str, Answer] = dict(before.answers)
    by_id = rules.findings.by_id

    def yes(name: str | None) -> None:
        while name is not None:
            answers[name] = True
            name = by_id[name].only_if

    pain, most = steer.pain_finding, max(map(worst, told), default=0)
    stale = {name for sign in names for name in steer.stop_signs[sign].ask_again}
    if most > steer.stop_above_pain:
        of_pain = [sign for sign in steer.stop_signs.values() if pain in sign.ask_again]
        stale.update(name for sign in of_pain for name in sign.ask_again)
        yes(by_id[pain].only_if)
    for name in stale:
        answers.pop(name, None)
    for sign in sorted(names):
        for name in steer.stop_signs[sign].yes:
            yes(name)
    ways = [answers]
    if most > steer.stop_above_pain:
        ways.insert(0, {**answers, pain: max(most, _number(before.answers.get(pain)))})
    found = [triage(way, region=before.region.id, rules=rules) for way in ways]
    return max(found, key=lambda one: one.acuity)


def _number(answer: Answer | None) -> int:
    return answer if type(answer) is int else 0


def at_least_today(rules: RuleSet, before: Assessment, told: Logged) -> Assessment | None:
    """What the readable stop signs of an entry mean, though the rest of it is wrong."""
    if rules.plan is None or not is_stop(rules.plan, told):
        return None
    try:
        found: Assessment | None = with_signs(rules, rules.plan, before, [told])
    except FindingError as error:
        found = error.assessment
    return found if found is not None and found.acuity >= Acuity.SAME_DAY else None
