"""The durable-rules reading: the C module `durable_rules_engine` decides which rules fire. A second opinion on `plain`.

What the adapter does: it works out which criteria on findings an answer meets or refutes, adds up scores, settles
named criteria, and sends one fact for each network of rules. What the engine does: it compares measurements and scores
with the rules' numbers, and applies each rule's own all, any and none.

The fact has a constant id, a guard, and a property only for what holds:

    criterion                   in all, any               in none
    on a yes/no or a choice     present when met          present when refuted
    on a measurement            its value, compared       its value, compared; beyond every number where it counts as no
    on a score                  points met, compared      points still possible, compared
    named                       present when met          present when refuted

The engine crashes, hangs and answers wrongly outside the pattern that is kept to here; the comments say where. A
network is checked out for one call, and thrown away whenever a call on it did not end as expected.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final

from attrs import define, frozen

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Value
from calf_triage._rules import RuleSet

_engine: Any = None
WHY_NOT: str = ""
"""Why the engine cannot be used; empty where it can."""
try:
    _engine = import_module("durable_rules_engine")
    _engine.create_ruleset, _engine.assert_fact, _engine.retract_fact, _engine.start_action_for_state  # noqa: B018
    _engine.complete_and_start_action, _engine.delete_state, _engine.delete_ruleset  # noqa: B018
except ModuleNotFoundError:
    WHY_NOT = "durable-rules is not installed"
except Exception as _error:  # noqa: BLE001 - from Python 3.13 on it builds, and then fails in more than one way
    WHY_NOT = f"durable-rules does not import here ({type(_error).__name__})"
AVAILABLE: bool = not WHY_NOT
"""Whether the engine can be used."""

MOST_PATHS: Final = 60
"""Of one network: the sum, over its rules, of the ways in which each can be met. The engine's stack holds 64."""
MOST_PROPERTIES: Final = 240
"""Of one fact, the guard, id and session's id included. The engine takes 254 and loses the fact from there on."""
MOST_NETWORKS: Final = 16
"""In the process, idle and in use. One takes about 35 KB a rule."""
MOST_NETWORKS_A_RULE_SET: Final = 4

_FAR: Final = 10**17
"""Beyond every number on a grid: at most nine digits and six decimals. Whole numbers are compared as 64-bit."""
_GUARD: Final = "g"
_REPORT: Final = 1
_PRIMER: Final = 2
_RETRACTED: Final = '{"id":"f"}'
_RESERVED: Final = (
    "id sid $s $time $forward $eq $neq $lt $lte $gt $gte $mt $imt $iall $iany $ex $nex $or $and $add $sub $mul $div"
)
_HANDLED: Final = 0
_NOT_HANDLED: Final = 1


class EngineError(Exception):
    """The engine gave no answer. Its text is one word, "unavailable", "busy" or "error", and nothing of the answers."""


def fired(rules: RuleSet, values: Mapping[str, Value]) -> tuple[int, ...]:
    """The rules that the engine says are met by checked answers, as ascending numbers into `rules.rules`.

    Raises EngineError "unavailable" where the engine cannot be imported, "busy" where all networks are in use, "error"
    where the engine failed or the rule set is beyond its limits.
    """
    if not AVAILABLE:
        raise EngineError("unavailable")
    network: _Network | None = None
    found: tuple[int, ...] | None = None
    word = "error"
    try:
        plan = _plan(rules)
        facts = plan.facts(values)
        network = _checked_out(plan)
        if network.handles is None:
            network.build()
        found = network.fired(facts)
        _returned(network)
    except EngineError as error:
        word = str(error)
    except Exception:  # noqa: BLE001 - whatever it was, the plain reading decides
        found = None
    finally:
        # Also when somebody presses Ctrl-C: the session is locked in the middle of a call, and would say nothing more.
        if network is not None and found is None:
            _thrown_away(network)
    if found is None:
        # Raised here and not above, so that the engine's own words do not hang on to it.
        raise EngineError(word)
    return found


def limit_problems(rules: RuleSet) -> list[str]:
    """What in a rule set is beyond the engine's limits, a line for each. Needs no engine."""
    return list(_Plan(rules).problems)


def _plan(rules: RuleSet) -> _Plan:
    plan = rules.readings.get("durable")
    if plan is None:
        # Of threads that come here together, all take the first one's plan: networks belong to a plan.
        plan = rules.readings.setdefault("durable", _Plan(rules))
    if not isinstance(plan, _Plan) or plan.problems:
        raise EngineError("error")
    return plan


# -- networks --------------------------------------------------------------------------------------------------------


@define(eq=False)
class _Network:
    """A rule set's rules in the engine: one handle for each of the plan's shards."""

    plan: _Plan
    replaces: _Network | None = None
    handles: tuple[int, ...] | None = None

    def build(self) -> None:
        """Makes the handles, and primes each: a session in which no action ever ran cannot be deleted (SIGSEGV)."""
        replaced, self.replaces = self.replaces, None
        if replaced is not None:
            replaced.release()
        handles = []
        for shard in self.plan.shards:
            handle = _engine.create_ruleset("r", shard.network)
            handles.append(handle)
            code, session = _engine.assert_fact(handle, f'{{"id":"f","{_GUARD}":{_PRIMER}}}')
            if code != _HANDLED or not _engine.start_action_for_state(handle, session)[1].startswith('{"primer":'):
                raise EngineError("error")
            if _engine.complete_and_start_action(handle, session) is not None:
                raise EngineError("error")
            if _engine.retract_fact(handle, _RETRACTED)[0] != _HANDLED:
                raise EngineError("error")
        self.handles = tuple(handles)

    def fired(self, facts: list[str]) -> tuple[int, ...]:
        """The numbers of the rules that the engine fires on one fact a shard. Any surprise is an error."""
        found: set[int] = set()
        assert_fact, start = _engine.assert_fact, _engine.start_action_for_state
        complete, retract = _engine.complete_and_start_action, _engine.retract_fact
        for handle, shard, fact in zip(self.handles or (), self.plan.shards, facts, strict=True):
            code, session = assert_fact(handle, fact)
            if code == _NOT_HANDLED:
                continue
            if code != _HANDLED:
                raise EngineError("error")
            # No action although a rule matched would be a session left locked; a fact that is not ours, a stale result.
            _, result = start(handle, session)
            end = f'":{{"m":{fact}}}}}'
            size = len(end)
            for _ in range(shard.paths):
                if not result.endswith(end):
                    raise EngineError("error")
                # A rule fires once for each way in which it is met.
                found.add(int(result[2:-size]))
                result = complete(handle, session)
                if result is None:
                    break
            else:
                raise EngineError("error")
            if retract(handle, _RETRACTED)[0] != _HANDLED:
                raise EngineError("error")
        return tuple(sorted(found))

    def release(self) -> None:
        """Gives an idle network's memory back: all of it, as long as the session is deleted first."""
        handles, self.handles = self.handles, None
        for handle in handles or ():
            _engine.delete_state(handle, "0")
            _engine.delete_ruleset(handle)


# Re-entrant: a signal's handler may triage while the code that it interrupted is in here.
_lock = threading.RLock()
_idle: list[_Network] = []  # the least recently used first
_in_use: set[_Network] = set()
_lost: list[_Network] = []


def _checked_out(plan: _Plan) -> _Network:
    """A network of this plan for one call. EngineError "busy" where there may be no more."""
    with _lock:
        for network in reversed(_idle):
            if network.plan is plan:
                _idle.remove(network)
                _in_use.add(network)
                return network
        if sum(network.plan is plan for network in (*_in_use, *_lost)) >= MOST_NETWORKS_A_RULE_SET:
            raise EngineError("busy")
        oldest = None
        if len(_idle) + len(_in_use) + len(_lost) >= MOST_NETWORKS:
            if not _idle:
                raise EngineError("busy")
            oldest = _idle.pop(0)
        network = _Network(plan, oldest)
        _in_use.add(network)
        return network


def _returned(network: _Network) -> None:
    with _lock:
        _in_use.discard(network)
        _idle.append(network)


def _thrown_away(network: _Network) -> None:
    # Its session may be broken, so it is never touched again, not even to delete it. It counts as long as the process
    # lives: an engine that keeps failing must not eat the memory.
    with _lock:
        _in_use.discard(network)
        _lost.append(network)


def _after_fork_in_child() -> None:
    """Other threads are gone, and with them the lock they held and the networks they were using."""
    global _lock
    _lock = threading.RLock()
    _in_use.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


# -- what is sent ----------------------------------------------------------------------------------------------------


_Key = tuple[str, str, int | str | None]
_Step = Callable[[int], int]


def _alias(number: int) -> str:
    """The name by which the engine knows the property of that number."""
    return f"p{number}"


def _hash(name: str) -> int:
    """All that the engine looks at of a property's name: 32-bit FNV-1a."""
    found = 0x811C9DC5
    for byte in name.encode():
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


@frozen
class _Asked:
    """What one criterion of a rule's `when` asks of the fact: a property that is present, or one that compares."""

    alias: str
    operator: str = ""
    number: int = 1

    def __str__(self) -> str:
        comparison = f'{{"{self.alias}":{self.number}}}'
        return f'{{"{self.operator}":{comparison}}}' if self.operator else comparison


@frozen
class _Wanted:
    """What one rule asks of the fact: all of these, and one of those."""

    all: tuple[_Asked, ...]
    any: tuple[_Asked, ...]

    @property
    def paths(self) -> int:
        """In how many ways the engine can find it met."""
        return max(1, len(self.any))

    @property
    def aliases(self) -> set[str]:
        """The properties that it reads."""
        return {asked.alias for asked in (*self.all, *self.any)}

    def __str__(self) -> str:
        # The guard in every rule: the engine's own state is a fact too, and must match none. One pattern, and in it a
        # flat $and with a flat $or: anything else loses matches or never returns.
        parts = [f'{{"{_GUARD}":{_REPORT}}}', *map(str, self.all)]
        if self.any:
            parts.append(f'{{"$or":[{",".join(map(str, self.any))}]}}')
        return f'{{"all":[{{"m":{{"$and":[{",".join(parts)}]}}}}]}}'


@frozen
class _Shard:
    """Rules that share a network: its declaration for the engine, and in how many ways its rules can be met."""

    network: str
    paths: int


class _Truths:
    """What checked answers meet and refute: two bits of one whole number a criterion, met, and refuted above it."""

    def __init__(self, rules: RuleSet) -> None:
        self._criteria, self._scores, self._findings = rules.criteria, rules.scores, rules.findings.by_id
        self._met: dict[_Key, int] = {}
        self._leaves: dict[str, list[tuple[Criterion, int]]] = {}
        self._steps: list[_Step] = []
        self._tables: dict[str, dict[Value, int]] = {}
        self._cuts: dict[str, tuple[list[int], list[int]]] = {}
        self._below: dict[str, tuple[int, int, frozenset[str]]] = {}

    def met(self, criterion: Criterion) -> int:
        """The bit that is set when the criterion is met."""
        key = (criterion.form, criterion.name, criterion.value)
        if key not in self._met:
            step: Callable[[int], _Step] | None = None
            if criterion.form == "named":
                step = self._when(self._criteria[criterion.name].when)
            elif criterion.form == "score":
                step = self._reached(criterion)
            # What it is made of has its bits and its steps by now, so one pass over the steps settles everything.
            bit = self._met[key] = 1 << 2 * len(self._met)
            if step is not None:
                self._steps.append(step(bit))
            else:
                self._leaves.setdefault(criterion.name, []).append((criterion, bit))
        return self._met[key]

    def refuted(self, criterion: Criterion) -> int:
        """The bit that is set when the criterion is refuted."""
        return self.met(criterion) << 1

    def points(self, name: str) -> Callable[[int], tuple[int, int]]:
        """A function of all bits: the points a score has, and those that it could still reach."""
        by_criterion: dict[int, int] = {}
        for item in self._scores[name].items:
            bit = self.met(item.criterion)
            by_criterion[bit] = by_criterion.get(bit, 0) + item.points
        by_points: dict[int, int] = {}
        for bit, points in by_criterion.items():
            by_points[points] = by_points.get(points, 0) | bit
        masks = tuple(by_points.items())
        most = sum(by_criterion.values())

        def points_of(bits: int) -> tuple[int, int]:
            has, missed = 0, 0
            for points, mask in masks:
                has += points * (bits & mask).bit_count()
                missed += points * (bits >> 1 & mask).bit_count()
            return has, most - missed

        return points_of

    def _reached(self, criterion: Criterion) -> Callable[[int], _Step]:
        points, needed = self.points(criterion.name), int(criterion.value or 0)

        def step_for(bit: int) -> _Step:
            def step(bits: int) -> int:
                has, possible = points(bits)
                return bits | (bit if has >= needed else 0) | (bit << 1 if possible < needed else 0)

            return step

        return step_for

    def _when(self, when: When) -> Callable[[int], _Step]:
        all_met, all_refuted = self._masks(when.all)
        any_met, any_refuted = self._masks(when.any)
        none_met, none_refuted = self._masks(when.none)
        needed, denied = all_met | none_refuted, all_refuted | none_met

        def step_for(bit: int) -> _Step:
            def step(bits: int) -> int:
                is_met = bits & needed == needed and (not any_met or bits & any_met)
                is_refuted = bits & denied or (any_refuted and bits & any_refuted == any_refuted)
                return bits | (bit if is_met else 0) | (bit << 1 if is_refuted else 0)

            return step

        return step_for

    def _masks(self, criteria: Iterable[Criterion]) -> tuple[int, int]:
        met = 0
        for criterion in criteria:
            met |= self.met(criterion)
        return met, met << 1

    def settle(self, measured: Iterable[str]) -> None:
        """Works out what each answer does; no criterion may come after. measured: findings whose value is wanted."""
        for name in {**self._leaves, **dict.fromkeys(measured)}:
            finding, leaves = self._findings[name], self._leaves.get(name, [])
            answers: list[Value] = [UNSURE, *(choice.id for choice in finding.choices)]
            answers += [True, False] if finding.type == "yes_no" else []
            self._tables[name] = {value: _effect(leaves, value) for value in answers}
            if finding.type == "measurement":
                numbers = sorted({int(leaf.value or 0) for leaf, _ in leaves if leaf.form != "unsure"})
                # Between two neighbouring numbers no comparison changes; below the first stands one less than it.
                stands = [numbers[0] - 1, *numbers] if numbers else [0]
                self._cuts[name] = numbers, [_effect(leaves, value) for value in stands]
        hidden: dict[str, set[str]] = {}
        for finding in self._findings.values():
            above, seen = finding.only_if, {finding.id}
            while above is not None and above not in seen:
                seen.add(above)
                hidden.setdefault(above, set()).add(finding.id)
                above = self._findings[above].only_if
        for gate, names in hidden.items():
            bits = 0
            for name in names:
                for _, bit in self._leaves.get(name, ()):
                    bits |= bit
            self._below[gate] = bits | bits << 1, bits << 1, frozenset(names & self._cuts.keys())

    def of(self, values: Mapping[str, Value]) -> tuple[int, dict[str, int], set[str]]:
        """All bits that are set; the measured values; and the measurements that count as no."""
        bits, covered, counted_as_no = 0, 0, 0
        measured: dict[str, int] = {}
        beyond: set[str] = set()
        for name, value in values.items():
            table = self._tables.get(name)
            if table is not None:
                effect = table.get(value)
                if effect is None:
                    numbers, effects = self._cuts[name]
                    measured[name] = value = int(value)
                    effect = effects[bisect_right(numbers, value)]
                bits |= effect
            if value is False and name in self._below:
                cover, refuted, hidden = self._below[name]
                covered |= cover
                counted_as_no |= refuted
                beyond |= hidden
        if covered or beyond:
            bits = bits & ~covered | counted_as_no
            for name in beyond:
                measured.pop(name, None)
        for step in self._steps:
            bits = step(bits)
        return bits, measured, beyond


def _effect(leaves: Iterable[tuple[Criterion, int]], value: Value) -> int:
    """The bits of a finding's criteria that an answer sets: met, refuted, or neither."""
    bits = 0
    for leaf, bit in leaves:
        if leaf.form == "unsure":
            is_met = value == UNSURE
        elif value == UNSURE:
            continue
        elif leaf.form == "yes":
            is_met = value is True
        elif leaf.form == "choice":
            is_met = value == leaf.value
        elif leaf.form == "at_least":
            is_met = int(value) >= int(leaf.value or 0)
        else:
            is_met = int(value) < int(leaf.value or 0)
        bits |= bit if is_met else bit << 1
    return bits


_Places = tuple[tuple[int, str], ...]
"""Where a property goes: the number of each shard that reads it, and its name as it stands in the fact."""


@define
class _Number:
    """A property that the engine compares. It is left out where no comparison could be met: sparse facts are fast."""

    places: _Places = ()
    at_least: int = _FAR
    below: int = -_FAR
    beyond: _Places = ()
    """What is sent for a measurement that counts as no."""

    def reads(self, asked: _Asked) -> None:
        """Takes note of one of its comparisons."""
        if asked.operator == "$gte":
            self.at_least = min(self.at_least, asked.number)
        else:
            self.below = max(self.below, asked.number)

    def add(self, facts: list[str], value: int) -> None:
        """Adds it to the facts."""
        if value >= self.at_least or value < self.below:
            for shard, text in self.places:
                facts[shard] += f"{text}{value}"


class _Plan:
    """All that can be worked out once for a rule set: its networks' declarations, and the facts to send.

    It keeps no reference to the rule set, which so goes as soon as nobody else needs it.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._truths = _Truths(rules)
        self._aliases: dict[tuple[str, str | int], tuple[str, str]] = {}
        wanted: list[_Wanted] = []
        self.problems: list[str] = []
        for rule in rules.rules:
            place = f"{rule.acuity.word}/{rule.id}.toml: [when]"
            wants = self._wanted(rule.when, place)
            wanted.append(wants)
            if wants.paths > MOST_PATHS:
                self.problems.append(f"{place}: any: {wants.paths} criteria; the engine takes {MOST_PATHS} at most")
            if len(wants.aliases) > MOST_PROPERTIES:
                self.problems.append(
                    f"{place}: {len(wants.aliases)} different criteria; the engine takes {MOST_PROPERTIES} at most"
                )
        self.problems.extend(self._collisions())
        groups = [] if self.problems else _grouped(wanted)
        self.shards = tuple(_shard(group, wanted) for group in groups)
        self._start = [f'{{"id":"f","{_GUARD}":{_REPORT}' for _ in groups]
        self._place(groups, wanted)

    # -- what the rules ask ------------------------------------------------------------------------------------------

    def _wanted(self, when: When, place: str) -> _Wanted:
        # A criterion that stands twice would be two ways of being met.
        both = [self._positive(criterion, place) for criterion in when.all]
        both += [self._negative(criterion, place) for criterion in when.none]
        either = [self._positive(criterion, place) for criterion in when.any]
        return _Wanted(tuple(dict.fromkeys(both)), tuple(dict.fromkeys(either)))

    def _positive(self, criterion: Criterion, place: str) -> _Asked:
        """Asks that a criterion be met."""
        number = int(criterion.value) if isinstance(criterion.value, int) else 0
        if criterion.form == "score":
            return _Asked(self._property("has", criterion.name, place, criterion), "$gte", number)
        if criterion.form in ("at_least", "below"):
            operator = "$gte" if criterion.form == "at_least" else "$lt"
            return _Asked(self._property("value", criterion.name, place, criterion), operator, number)
        return _Asked(self._property("bit", self._truths.met(criterion), place, criterion))

    def _negative(self, criterion: Criterion, place: str) -> _Asked:
        """Asks that a criterion be refuted."""
        number = int(criterion.value) if isinstance(criterion.value, int) else 0
        if criterion.form == "score":
            return _Asked(self._property("possible", criterion.name, place, criterion), "$lt", number)
        if criterion.form == "at_least":
            return _Asked(self._property("not at least", criterion.name, place, criterion), "$lt", number)
        if criterion.form == "below":
            return _Asked(self._property("not below", criterion.name, place, criterion), "$gte", number)
        return _Asked(self._property("bit", self._truths.refuted(criterion), place, criterion))

    def _property(self, sort: str, of: str | int, place: str, criterion: Criterion) -> str:
        known = self._aliases.get((sort, of))
        if known is None:
            known = self._aliases[sort, of] = _alias(len(self._aliases)), f"{place}: {criterion.text!r}"
        return known[0]

    def _collisions(self) -> Iterator[str]:
        """Names that the engine cannot tell from each other, or from its own words."""
        known = {_hash(name): f"the engine's own {name!r}" for name in (_GUARD, *_RESERVED.split())}
        for alias, where in self._aliases.values():
            other = known.setdefault(_hash(alias), where)
            if other is not where:
                yield f"{where}: the engine cannot tell its name {alias!r} from that of {other}"

    # -- what the answers send ---------------------------------------------------------------------------------------

    def _place(self, groups: list[list[int]], wanted: list[_Wanted]) -> None:
        """Works out where each property goes, and settles the truths."""
        reads = [set().union(*(wanted[number].aliases for number in group)) for group in groups]
        numbers: dict[str, _Number] = {}
        for wants in wanted:
            for asked in (*wants.all, *wants.any):
                if asked.operator:
                    numbers.setdefault(asked.alias, _Number()).reads(asked)
        self._flags: dict[int, _Places] = {}
        self._measured: dict[str, list[_Number]] = {}
        scores: dict[str, tuple[_Number, _Number]] = {}
        for (sort, of), (alias, _) in self._aliases.items():
            places = tuple((shard, f',"{alias}":') for shard, aliases in enumerate(reads) if alias in aliases)
            if isinstance(of, int):
                self._flags[of] = tuple((shard, f"{text}1") for shard, text in places)
                continue
            number = numbers[alias]
            number.places = places
            if sort in ("has", "possible"):
                has, possible = scores.get(of, (_Number(), _Number()))
                scores[of] = (number, possible) if sort == "has" else (has, number)
                continue
            self._measured.setdefault(of, []).append(number)
            # What counts as no refutes both comparisons: the one reads it as too small, the other as too large.
            if sort != "value":
                far = -_FAR if sort == "not at least" else _FAR
                number.beyond = tuple((shard, f"{text}{far}") for shard, text in places)
        self._sent = sum(self._flags)
        self._points = [(self._truths.points(name), *both) for name, both in scores.items()]
        self._truths.settle(self._measured)

    def facts(self, values: Mapping[str, Value]) -> list[str]:
        """The fact for each shard."""
        bits, measured, beyond = self._truths.of(values)
        facts = self._start.copy()
        left = bits & self._sent
        while left:
            lowest = left & -left
            left ^= lowest
            for shard, text in self._flags[lowest]:
                facts[shard] += text
        for name, value in measured.items():
            for number in self._measured.get(name, ()):
                number.add(facts, value)
        for name in beyond:
            for number in self._measured.get(name, ()):
                for shard, text in number.beyond:
                    facts[shard] += text
        for points, has, possible in self._points:
            has_points, possible_points = points(bits)
            has.add(facts, has_points)
            possible.add(facts, possible_points)
        return [fact + "}" for fact in facts]


def _grouped(wanted: list[_Wanted]) -> list[list[int]]:
    """The rules, by number, in groups that one network each can hold: first fit, in the order of the rules."""
    groups: list[tuple[list[int], set[str]]] = []
    for number, wants in enumerate(wanted):
        for group, aliases in groups:
            paths = wants.paths + sum(wanted[other].paths for other in group)
            if paths <= MOST_PATHS and len(aliases | wants.aliases) <= MOST_PROPERTIES:
                group.append(number)
                aliases |= wants.aliases
                break
        else:
            groups.append(([number], wants.aliases))
    return [group for group, _ in groups]


def _shard(group: list[int], wanted: list[_Wanted]) -> _Shard:
    rules = [f'"{number}":{wanted[number]}' for number in group]
    rules.append(f'"primer":{{"all":[{{"m":{{"{_GUARD}":{_PRIMER}}}}}]}}')
    return _Shard(f"{{{','.join(rules)}}}", sum(wanted[number].paths for number in group))
