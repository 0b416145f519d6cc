"""A plan goes on: it is compared with what it was made from, and what was told of its days is added."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from numbers import Real
from typing import Any, Final

from attrs import evolve

from calf_triage._assessment import Assessment, SelfCare
from calf_triage._errors import LONGEST_NAME, FindingError, did_you_mean, shown
from calf_triage._findings import Acuity, Answer
from calf_triage._rules import PlanRules, RuleSet
from calf_triage._triage import triage
from calf_triage.plan.items import MOST_PROBLEMS, using_rules, words
from calf_triage.plan.log import is_stop, read_log, with_signs
from calf_triage.plan.maker import Maker, ready
from calf_triage.plan.values import MOST_DAYS, WEEKDAYS, Logged, Plan, PlanError, unsound

_PAINS: Final = ("pain_before", "pain_during", "pain_next_morning")
_LOG_KEYS: Final = ("day", "done", *_PAINS, "soreness_hours", "stop_signs", "replace")
_DIFFERS: Final = "the saved plan is not what these answers and this log make; make it anew"


def made_again(plan: Plan, rules: RuleSet) -> Plan:
    """The plan, made anew from what it was made from. PlanError where that is another one."""
    problems = [*unsound(plan), *_wrong_log(plan, rules)]
    again = None
    try:
        if not problems:
            again = ready(
                plan.assessment, plan.start, plan.days, plan.equipment, plan.heel_raises, plan.programme, rules
            ).plan(plan.start, words(plan.days, WEEKDAYS, "days")[0], plan.logged)
            if not _said_by(rules, plan.assessment):
                again = None
    except PlanError as error:
        problems += error.problems
    if again is None or again != plan:
        raise PlanError([_DIFFERS, *problems], most_acute_of(plan, rules))
    return again


def _said_by(rules: RuleSet, said: Assessment) -> bool:
    """Whether the rules say all of an assessment to its answers; a follow-up knows better when to look again."""
    again = triage(said.answers, region=said.region.id, rules=rules, engine="plain")
    if isinstance(again.disposition, SelfCare) and isinstance(said.disposition, SelfCare):
        again = evolve(again, disposition=evolve(again.disposition, look_again_days=said.disposition.look_again_days))
    return again == said


def _wrong_log(plan: Plan, rules: RuleSet) -> Iterator[str]:
    signs = {} if rules.plan is None else rules.plan.stop_signs
    if any(sign not in signs for told in plan.logged for sign in told.stop_signs):
        yield "a stop sign of its log is not known"


def most_acute_of(plan: Plan, rules: RuleSet) -> Assessment | None:
    """The most acute that a plan's answers, log and stop mean, whatever else it holds; None below SAME_DAY."""
    found = [_triaged(one, rules) for one in (plan.assessment, plan.stopped) if one is not None]
    return most_acute([*found, rescued(plan, rules, [])])


def _triaged(said: Assessment, rules: RuleSet) -> Assessment | None:
    answers: dict[str, Answer] = dict(said.answers)
    try:
        return triage(answers, region=said.region.id, rules=rules)
    except FindingError as error:
        return error.assessment


def most_acute(found: Iterable[Assessment | None]) -> Assessment | None:
    """The most acute of these; None where all are below SAME_DAY."""
    acute = [one for one in found if one is not None and one.acuity >= Acuity.SAME_DAY]
    return max(acute, key=lambda one: one.acuity, default=None)


# -- what is told ----------------------------------------------------------------------------------------------------


def after(plan: Plan, told: Mapping[str, object], rules: RuleSet) -> Plan:
    """The plan after a day is told. The plan itself is taken as sound."""
    entry, problems = read_log(plan, rules, told)
    if problems:
        raise PlanError(problems, rescued(plan, rules, [told]))
    earlier = next((one for one in plan.logged if one.day == entry.day), None)
    if plan.stopped is not None and earlier is not None:
        entry = _never_less(earlier, entry, rules)
    entries = sorted((*(one for one in plan.logged if one.day != entry.day), entry), key=lambda one: one.day)
    return Maker(rules, plan.assessment, plan.equipment, plan.heel_raises, plan.programme).plan(
        plan.start, plan.days, tuple(entries)
    )


def _never_less(earlier: Logged, now: Logged, rules: RuleSet) -> Logged:
    """A day of a plan that has stopped, told anew: a sign that was told stays, and so does the higher pain."""
    both = {*earlier.stop_signs, *now.stop_signs}
    signs = tuple(sign for sign in (rules.plan.stop_signs if rules.plan is not None else {}) if sign in both)
    return evolve(
        now,
        stop_signs=signs,
        pain_before=_higher(earlier.pain_before, now.pain_before),
        pain_during=_higher(earlier.pain_during, now.pain_during),
        pain_next_morning=_higher(earlier.pain_next_morning, now.pain_next_morning),
    )


def _higher(one: int | None, other: int | None) -> int | None:
    return max((pain for pain in (one, other) if pain is not None), default=None)


def logged_from(plan: Plan, entries: object, rules: RuleSet | None = None) -> tuple[Plan, int]:
    """The plan after a list of log entries, each a mapping of what `Plan.log` takes; and how many were not read.

    entries: a list, or a mapping with the list as "log". A day may be an ISO 8601 text. What is told after the plan has
    stopped is not read, unless it is a stop again. Raises PlanError with the problems of every entry, at most 20 of
    each, and with the most acute `.assessment` of what was evidently told, whatever else is wrong; and where
    `Plan.checked` does.
    """
    using = using_rules(rules)
    if isinstance(entries, Mapping) and set(entries) == {"log"}:
        entries = entries["log"]
    raw = entries if isinstance(entries, list) else [entries]
    readable = [_by_name(entry) for entry in raw if isinstance(entry, Mapping)]
    meant: list[Mapping[str, object]] = [*readable, {"stop_signs": [entry for entry in raw if isinstance(entry, str)]}]
    problems: list[str] = []
    found: list[Assessment | None] = []
    try:
        now = made_again(plan, using)
    except PlanError as error:
        raise PlanError(error.problems, most_acute([error.assessment, rescued(plan, using, meant)])) from None
    if not isinstance(entries, list) or len(readable) < len(raw):
        problem = "the log: expected a list of days, each with its own table"
        raise PlanError([problem], most_acute([plan.stopped, rescued(plan, using, meant)]))
    skipped = 0
    if len(entries) > MOST_DAYS:
        problems.append(f"the log: more than {MOST_DAYS} entries; the rest was not read")
    for number, told in enumerate(readable[:MOST_DAYS], 1):
        if now.stopped is not None and not _may_stop(told, using):
            skipped += 1
            continue
        place = f"the log: entry {number}"
        wrong = [*_wrong_keys(told)]
        try:
            known = {"day": None, "done": False, **{key: told[key] for key in told if key in _LOG_KEYS}}
            now = after(now, known, using)
        except PlanError as error:
            wrong += error.problems
            found.append(error.assessment)
        problems += [f"{place}: {problem}" for problem in _at_most(wrong)]
        found.append(now.stopped)
    if problems:
        raise PlanError(problems, most_acute([*found, rescued(now, using, meant)]))
    return now, skipped


def _by_name(entry: Mapping[Any, object]) -> dict[str, object]:
    told = {str(key): value for key, value in entry.items()}
    if isinstance(told.get("day"), str):
        told["day"] = _iso(str(told["day"]))
    return told


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _wrong_keys(told: Mapping[str, object]) -> Iterator[str]:
    unknown = [key for key in told if key not in _LOG_KEYS]
    for number, key in enumerate(unknown):
        near = did_you_mean(key, _LOG_KEYS) if number < MOST_PROBLEMS else ""
        yield f"unknown key {shown(key)}{near}"
    yield from (f"{key} is missing" for key in ("day", "done") if key not in told)


def _at_most(problems: list[str]) -> list[str]:
    more = len(problems) - MOST_PROBLEMS
    return problems if more <= 0 else [*problems[:MOST_PROBLEMS], f"… and {more} more"]


# -- an emergency in what cannot be read -----------------------------------------------------------------------------


def rescued(plan: Plan, rules: RuleSet, told: Iterable[Mapping[str, object]]) -> Assessment | None:
    """What the stop signs mean that were evidently told, though something is wrong; None below SAME_DAY."""
    steer = rules.plan
    if steer is None:
        return None
    kept = [evolve(one, stop_signs=tuple(s for s in one.stop_signs if s in steer.stop_signs)) for one in plan.logged]
    stops = [one for one in (*kept, *(_evident(steer, plan.start, entry) for entry in told)) if is_stop(steer, one)]
    if not stops:
        return None
    try:
        return most_acute([with_signs(rules, steer, plan.assessment, stops)])
    except FindingError as error:
        return error.assessment


def _may_stop(told: Mapping[str, object], rules: RuleSet) -> bool:
    """Whether an entry tells of a stop, as far as it can be read at all."""
    return bool(told.get("stop_signs")) or (
        rules.plan is not None and is_stop(rules.plan, _evident(rules.plan, date.min, told))
    )


def _evident(steer: PlanRules, day: date, told: Mapping[str, object]) -> Logged:
    """What somebody evidently meant, in spite of slips. For the rescue alone: no plan is ever made from it."""
    signs: set[str] = set()
    pain = 0
    for key, value in told.items():
        name = key if key in _LOG_KEYS else _near(key, (*_LOG_KEYS, *steer.stop_signs))
        if name == "stop_signs":
            signs.update(_near(word, steer.stop_signs) for word in _as_words(value))
        elif name in _PAINS:
            pain = max(pain, _above(value, steer.stop_above_pain))
        elif name in steer.stop_signs and value:
            signs.add(name)
    known = tuple(sign for sign in steer.stop_signs if sign in signs)
    return Logged(day, (), None, pain, None, None, known)


def _as_words(value: object) -> list[object]:
    if isinstance(value, str):
        return [*re.split(r"[,;]", value)]
    if isinstance(value, Mapping):
        return [key for key, said in value.items() if said is not False]
    if not isinstance(value, Iterable):
        return []
    # A list within the list is one slip more.
    return [word for one in value for word in (one if isinstance(one, list | tuple) else [one])]


def _near(word: object, known: Iterable[str]) -> str:
    """The known word that was meant; empty for none."""
    known = [*known]
    if not isinstance(word, str) or len(word) > 2 * LONGEST_NAME:
        return ""
    slug = re.sub(r"[\s_-]+", "_", word.strip().lower())
    return slug if slug in known else next(iter(get_close_matches(slug, known, n=1, cutoff=0.8)), "")


def _above(value: object, limit: int) -> int:
    """A number above the limit as pain up to 10, also if it stands in a text; else 0."""
    if isinstance(value, str):
        first = re.match(r"\s*\+?(\d{1,9})(?:[.,](\d{1,9}))?", value)
        value = float(f"{first[1]}.{first[2] or 0}") if first else None
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return 0
    number: Any = value
    if isinstance(number, Decimal) and number.is_nan():
        return 0
    if not number > limit:
        return 0
    return 10 if number >= 10 else math.ceil(number)
