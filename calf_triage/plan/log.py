"""What is told of the days of a plan: how it is read, and when it means a stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from calf_triage._assessment import Assessment
from calf_triage._errors import did_you_mean, shown
from calf_triage._findings import Answer
from calf_triage._rules import PlanRules, RuleSet
from calf_triage._triage import resolve, triage
from calf_triage.plan.items import MOST_PROBLEMS, words
from calf_triage.plan.values import (
    DAY,
    LONGEST_SORENESS_HOURS,
    MOST_DONE,
    Done,
    Logged,
    Plan,
    Session,
    StopRule,
)


def read_log(plan: Plan, rules: RuleSet, told: Mapping[str, object]) -> tuple[Logged, list[str]]:
    """What could be read of a log entry, and a line for each thing that could not."""
    problems: list[str] = []

    def number(name: str, most: int = 10) -> int | None:
        found = told.get(name)
        if found is None or (type(found) is int and 0 <= found <= most):
            return found
        problems.append(f"{name}: expected a whole number from 0 to {most}, or None where it is not told")
        return None

    known = rules.plan.stop_signs if rules.plan is not None else {}
    signs, wrong_signs = words(told.get("stop_signs", ()), known, "stop_signs", "sign", 'a list, as ["chest_pain"]')
    problems += wrong_signs
    day, replace = told.get("day"), told.get("replace", False)
    if type(replace) is not bool:
        problems.append("replace: expected True or False")
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
    found = Logged(
        when,
        _read_done(told.get("done"), session, problems),
        number("pain_before"),
        number("pain_during"),
        number("pain_next_morning"),
        number("soreness_hours", LONGEST_SORENESS_HOURS),
        signs,
    )
    if plan.stopped is not None and (rules.plan is None or not is_stop(rules.plan, found)):
        problems.append("the plan has stopped: follow its page, and answer the questions again")
    return found, problems


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
    found: list[Done] = []
    wrong: list[str] = []
    for item, amount in done.items():
        if not isinstance(item, str) or item not in planned:
            name = shown(item) if isinstance(item, str) else "an item"
            near = did_you_mean(item, planned) if isinstance(item, str) and len(wrong) < MOST_PROBLEMS else ""
            wrong.append(f"done: {name} does not stand in the session of this day{near}")
        elif type(amount) is bool:
            found += [Done(item, None)] if amount else []
        elif type(amount) is int and 0 <= amount <= MOST_DONE:
            found += [Done(item, amount)] if amount else []
        else:
            wrong.append(f"done: {item}: expected True, False or a whole number from 0 to {MOST_DONE}")
    problems += wrong[:MOST_PROBLEMS]
    problems += [f"done: … and {len(wrong) - MOST_PROBLEMS} more"] if len(wrong) > MOST_PROBLEMS else []
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


@lru_cache(maxsize=8)
def stop_rules(rules: RuleSet) -> tuple[StopRule, ...]:
    """The stop signs, those that lead to the most acute answer of somebody otherwise well first."""
    if rules.plan is None:
        return ()
    calm = rules.benign()
    acuity = {}
    for sign in rules.plan.stop_signs.values():
        answers: dict[str, Answer] = {name: told for name, told in calm.items() if name not in sign.ask_again}
        for name in sign.yes:
            above: str | None = name
            while above is not None:
                answers[above] = True
                above = rules.findings.by_id[above].only_if
        acuity[sign.id] = resolve(rules, rules.findings.check(answers)[0]).acuity
    signs = sorted(rules.plan.stop_signs.values(), key=lambda sign: -acuity[sign.id])
    return tuple(StopRule(sign.id, sign.asks) for sign in signs)
