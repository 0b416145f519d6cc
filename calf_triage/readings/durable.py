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
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from itertools import compress
from typing import Any, Final

from attrs import define, frozen

from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Finding, Value
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


def limit_problems(rules: RuleSet, keep: bool = False) -> list[str]:
    """What in a rule set is beyond the engine's limits, a line for each. Needs no engine.

    keep: what was worked out for it is kept with the rule set, for `fired`.
    """
    plan = _Plan(rules)
    if keep:
        rules.readings["durable"] = plan
    return list(plan.problems)


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
        """The numbers of the rules that the engine fires on one fact a shard, "" for none. Any surprise is an error."""
        found: set[int] = set()
        assert_fact, start = _engine.assert_fact, _engine.start_action_for_state
        complete, retract = _engine.complete_and_start_action, _engine.retract_fact
        for handle, shard, fact in zip(self.handles or (), self.plan.shards, facts, strict=True):
            if not fact:
                continue
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


_Work = Callable[[list[Value | None]], tuple[list[list[bool]], list[int]]]
"""From the answers to the properties of each shard that are present, and the points of the scores."""


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
    """What checked answers meet and refute, as far as somebody asks for it: the lines of one Python function.

    They hold numbers that this module made or the rules compare with, and nothing else that a file said. An answer is
    None where it is absent, and False where it is no or does not apply.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._criteria, self._scores = rules.criteria, rules.scores
        self.lines: list[str] = []
        self.answers: list[str] = []
        """The findings whose answers it takes, in this order."""
        self.words: dict[str, object] = {"unsure": UNSURE, "int": int}
        self._names: dict[tuple[object, ...], str] = {}

    def met(self, criterion: Criterion) -> str:
        """The variable that says whether the criterion is met."""
        return self._truth(criterion, True)

    def refuted(self, criterion: Criterion) -> str:
        """The variable that says whether the criterion is refuted."""
        return self._truth(criterion, False)

    def points(self, score: str, met: bool) -> str:
        """The variable that holds the points a score has, or else those that it could still reach."""
        items = self._scores[score].items
        points = " + ".join(f"{item.points} * {self._truth(item.criterion, met)}" for item in items)
        return self._variable(("points", score, met), points if met else f"{self._scores[score].most} - ({points})")

    def _variable(self, key: tuple[object, ...], meaning: str) -> str:
        if key not in self._names:
            self._names[key] = f"t{len(self._names)}"
            self.lines.append(f"{self._names[key]} = {meaning}")
        return self._names[key]

    def _truth(self, criterion: Criterion, met: bool) -> str:
        key = (criterion.form, criterion.name, criterion.value, met)
        if key in self._names:
            return self._names[key]
        if criterion.form == "named":
            meaning = self._when(self._criteria[criterion.name].when, met)
        elif criterion.form == "score":
            meaning = f"{self.points(criterion.name, met)} {'>=' if met else '<'} {int(criterion.value or 0)}"
        else:
            meaning = self._leaf(criterion, met)
        return self._variable(key, meaning)

    def _when(self, when: When, met: bool) -> str:
        both, one = (" and ", " or ") if met else (" or ", " and ")
        parts = [self._truth(criterion, met) for criterion in when.all]
        parts += [self._truth(criterion, not met) for criterion in when.none]
        if when.any:
            parts.append(f"({one.join(self._truth(criterion, met) for criterion in when.any)})")
        return both.join(parts)

    def _leaf(self, criterion: Criterion, met: bool) -> str:
        answer = self._answer(criterion.name)
        if criterion.form == "yes":
            return f"{answer} is {met}"
        if criterion.form == "unsure":
            return f"{answer} == unsure" if met else f"{answer} is not None and {answer} != unsure"
        if criterion.form == "choice":
            word = f"w{len(self.words)}"
            self.words[word] = criterion.value
            is_it = f"{answer} == {word}"
            return is_it if met else f"{answer} is not None and {answer} != unsure and not {is_it}"
        # What does not apply counts as no, which is neither large nor small; bool is not int here.
        number = self._variable(("number", criterion.name), f"{answer} if {answer}.__class__ is int else None")
        sign = ">=" if (criterion.form == "at_least") is met else "<"
        compared = f"{number} is not None and {number} {sign} {int(criterion.value or 0)}"
        return compared if met else f"{answer} is False or {compared}"

    def _answer(self, name: str) -> str:
        key = ("answer", name)
        if key not in self._names:
            self._names[key] = f"a{len(self.answers)}"
            self.answers.append(name)
        return self._names[key]


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
        self._aliases: dict[tuple[str, str], tuple[str, str]] = {}
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
        self._work: _Work | None = None
        self._hidden = _hidden(rules.findings.by_id)
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
        return _Asked(self._property("truth", self._truths.met(criterion), place, criterion))

    def _negative(self, criterion: Criterion, place: str) -> _Asked:
        """Asks that a criterion be refuted."""
        number = int(criterion.value) if isinstance(criterion.value, int) else 0
        if criterion.form == "score":
            return _Asked(self._property("possible", criterion.name, place, criterion), "$lt", number)
        if criterion.form == "at_least":
            return _Asked(self._property("not at least", criterion.name, place, criterion), "$lt", number)
        if criterion.form == "below":
            return _Asked(self._property("not below", criterion.name, place, criterion), "$gte", number)
        return _Asked(self._property("truth", self._truths.refuted(criterion), place, criterion))

    def _property(self, sort: str, of: str, place: str, criterion: Criterion) -> str:
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
        """Works out where each property goes, and what has to be known of the answers."""
        reads = [set().union(*(wanted[number].aliases for number in group)) for group in groups]
        numbers: dict[str, _Number] = {}
        for wants in wanted:
            for asked in (*wants.all, *wants.any):
                if asked.operator:
                    numbers.setdefault(asked.alias, _Number()).reads(asked)
        present: list[list[tuple[str, str]]] = [[] for _ in groups]
        self._measured: dict[str, list[_Number]] = {}
        self._scored: list[_Number] = []
        points: list[str] = []
        for (sort, of), (alias, _) in self._aliases.items():
            places = tuple((shard, f',"{alias}":') for shard, aliases in enumerate(reads) if alias in aliases)
            if sort == "truth":
                for shard, text in places:
                    present[shard].append((of, f"{text}1"))
                continue
            number = numbers[alias]
            number.places = places
            if sort in ("has", "possible"):
                self._scored.append(number)
                points.append(self._truths.points(of, sort == "has"))
                continue
            self._measured.setdefault(of, []).append(number)
            # What counts as no refutes both comparisons: the one reads it as too small, the other as too large.
            if sort != "value":
                far = -_FAR if sort == "not at least" else _FAR
                number.beyond = tuple((shard, f"{text}{far}") for shard, text in places)
        self._texts = [tuple(text for _, text in of) for of in present]
        self._sends = f"[{', '.join(f'[{_listed(truth for truth, _ in of)}]' for of in present)}], [{_listed(points)}]"

    def _compiled(self) -> _Work:
        truths = self._truths
        taken = f"[{_listed(f'a{number}' for number in range(len(truths.answers)))}] = answers"
        lines = ["def work(answers):", taken, *truths.lines, f"return {self._sends}"]
        scope: dict[str, Any] = {"__builtins__": {}, **truths.words}
        exec(compile("\n ".join(lines), "<facts>", "exec"), scope)  # noqa: S102
        work: _Work = scope["work"]
        return work

    def facts(self, values: Mapping[str, Value]) -> list[str]:
        """The fact for each shard; "" where it would hold no property, for every rule asks for one."""
        if self._work is None:
            self._work = self._compiled()
        answers = dict(values)
        for gate, names in self._hidden.items():
            if values.get(gate) is False:
                answers.update(dict.fromkeys(names, False))
        present, points = self._work(list(map(answers.get, self._truths.answers)))
        facts = ["".join(compress(texts, of)) for texts, of in zip(self._texts, present, strict=True)]
        for name, numbers in self._measured.items():
            value = answers.get(name)
            if value is False:
                for number in numbers:
                    for shard, text in number.beyond:
                        facts[shard] += text
            elif value is not None and value != UNSURE:
                for number in numbers:
                    number.add(facts, int(value))
        for number, has in zip(self._scored, points, strict=True):
            number.add(facts, has)
        return [fact and f'{{"id":"f","{_GUARD}":{_REPORT}{fact}}}' for fact in facts]


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _hidden(findings: Mapping[str, Finding]) -> dict[str, tuple[str, ...]]:
    """For each finding those that do not apply when it is answered no."""
    hidden: dict[str, list[str]] = {}
    for finding in findings.values():
        above, seen = finding.only_if, {finding.id}
        while above is not None and above not in seen:
            seen.add(above)
            hidden.setdefault(above, []).append(finding.id)
            above = findings[above].only_if
    return {gate: tuple(names) for gate, names in hidden.items()}


def _grouped(wanted: list[_Wanted]) -> list[list[int]]:
    """The rules, by number, in groups that one network each can hold: first fit, in the order of the rules."""
    groups: list[list[int]] = []
    paths: list[int] = []
    aliases: list[set[str]] = []
    for number, wants in enumerate(wanted):
        needed = wants.aliases
        for place, taken in enumerate(paths):
            if taken + wants.paths <= MOST_PATHS and len(aliases[place] | needed) <= MOST_PROPERTIES:
                break
        else:
            place = len(groups)
            groups.append([])
            paths.append(0)
            aliases.append(set())
        groups[place].append(number)
        paths[place] += wants.paths
        aliases[place] |= needed
    return groups


def _shard(group: list[int], wanted: list[_Wanted]) -> _Shard:
    rules = [f'"{number}":{wanted[number]}' for number in group]
    rules.append(f'"primer":{{"all":[{{"m":{{"{_GUARD}":{_PRIMER}}}}}]}}')
    return _Shard(f"{{{','.join(rules)}}}", sum(wanted[number].paths for number in group))
