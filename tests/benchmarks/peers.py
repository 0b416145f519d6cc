"""The same rules, put to other engines, for `tests.benchmarks.speed`; each says which rules fire on one person.

Engines that know one truth a fact cannot tell what is not known from what is no, so they are given a sheet: a field
for each criterion that a rule uses, true where it is met (in `none`: refuted), and a field for each measurement and
score that a rule compares with a number. Working the sheet out is not counted against them. What is counted is what
their documentation tells one to call on it, from the sheet to the numbers of the rules that fire.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from random import Random
from time import perf_counter, process_time
from typing import Any, Final, Protocol

from attrs import frozen

from calf_triage import RuleSet, load_rules, triage
from calf_triage._criteria import Criterion, When
from calf_triage._findings import UNSURE, Answer, Value
from calf_triage.readings import durable
from calf_triage.readings.plain import plain
from tests import generated

Values = Mapping[str, Value]
Fields = Mapping[str, bool | int]
Seconds = tuple[float, float]
"""Of processor time, all threads together and less what looking at the clock takes; and of the clock on the wall."""

FINDINGS: Final = {10: 12, 80: 60, 500: 200, 2_000: 500}
"""How many findings a made-up rule set of so many rules has."""
BUNDLED: Final = "bundled"
FAR: Final = 10**17
"""Beyond every number that a rule compares with."""
SECONDS: Final = 120
"""How long Host may take for one rule set."""


def rule_set(name: str) -> RuleSet:
    """The bundled rules, or a made-up rule set of so many rules: the same one in every process."""
    if name == BUNDLED:
        return load_rules()
    return generated.rule_set(Random(int(name)), FINDINGS[int(name)], int(name))


def sheets(rules: RuleSet, count: int) -> list[Values]:
    """People who answered everything, most of it with no: the benign answers and up to six others."""
    random = Random(count)
    benign = {name: finding.benign for name, finding in rules.findings.by_id.items()}
    found: list[Values] = []
    for number in range(count):
        answers = generated.random_answers(random, rules, 1.0, contradicting=True)
        names = random.sample([*benign], min(number % 7, len(benign)))
        found.append(generated.without_contradictions(rules, {**benign, **{name: answers[name] for name in names}}))
    return found


def strangers(rules: RuleSet, count: int) -> list[Values]:
    """People with any answers at all, none and everything included: engines are compared on these too."""
    random = Random(count)
    return [{}, *(generated.random_answers(random, rules, random.choice((0.1, 0.5, 1.0))) for _ in range(count))]


# -- the rules on a sheet ----------------------------------------------------------------------------------------------


@frozen
class Test:
    """What a rule asks of one field: to be true, or to be at least (or below) a number."""

    field: str
    sign: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.field} {self.sign} {self.number}" if self.sign else self.field


@frozen
class Flat:
    """A rule: all of these, and one of those where there are any."""

    all: tuple[Test, ...]
    any: tuple[Test, ...]


class Sheet:
    """The rules of a rule set as tests of fields, and the fields of a person."""

    def __init__(self, rules: RuleSet) -> None:
        self._plain, self._scores = plain(rules), rules.scores
        self._fields: dict[tuple[str, Criterion | str], str] = {}
        self.rules = [self._flat(rule.when) for rule in rules]

    def _flat(self, when: When) -> Flat:
        every = [*map(self._met, when.all), *(Test(self._field("refuted", criterion)) for criterion in when.none)]
        return Flat(tuple(dict.fromkeys(every)), tuple(dict.fromkeys(map(self._met, when.any))))

    def _met(self, criterion: Criterion) -> Test:
        number = criterion.value if isinstance(criterion.value, int) else 0
        if criterion.form in ("score", "at_least"):
            return Test(self._field(criterion.form, criterion.name), ">=", number)
        if criterion.form == "below":
            return Test(self._field("below", criterion.name), "<", number)
        return Test(self._field("met", criterion))

    def _field(self, sort: str, of: Criterion | str) -> str:
        return self._fields.setdefault((sort, of), f"f{len(self._fields)}")

    def names(self) -> dict[str, type]:
        """All fields, with the type of each."""
        return {name: bool if sort in ("met", "refuted") else int for (sort, _), name in self._fields.items()}

    def of(self, values: Values) -> dict[str, bool | int]:
        """The fields of a person."""
        reading = self._plain.read(values)
        found: dict[str, bool | int] = {}
        for (sort, of), name in self._fields.items():
            if isinstance(of, Criterion):
                found[name] = (self._plain.is_met if sort == "met" else self._plain.is_refuted)(of, reading)
            elif sort == "score":
                items = self._scores[of].items
                found[name] = sum(item.points for item in items if self._plain.is_met(item.criterion, reading))
            else:
                value = values.get(of, UNSURE)
                found[name] = int(value) if value != UNSURE else FAR if sort == "below" else -FAR
        return found


# -- who is compared ---------------------------------------------------------------------------------------------------


class Contender(Protocol):
    """Somebody who says which rules fire."""

    def given(self, values: Values) -> Any:
        """What it is given: not counted."""

    def fired(self, given: Any) -> Iterable[int]:
        """The rules that fire: counted."""


class MissingError(Exception):
    """A contender that cannot be had here. Its text says why."""


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingError(f"{name} cannot be imported; the extra `bench` has it") from None


class Compiled:
    """One Python function, as a person would write it by hand for these rules: from checked answers to what fires.

    It works out one truth, met, and of refuted only what a `none` needs.
    """

    def __init__(self, rules: RuleSet) -> None:
        truths = durable._Truths(rules)
        whens = [truths._when(rule.when, True) for rule in rules]
        lines = ["def fired(get):"]
        for finding in rules.findings.by_id.values():
            # Every name before those that it is read for: a finding below a no counts as no.
            above = f"False if {truths._answer(finding.only_if)} is False else " if finding.only_if else ""
            lines.append(f"{truths._answer(finding.id)} = {above}get({finding.id!r})")
        lines += [*truths.lines, "found = []", *(f"if {when}: found.append({n})" for n, when in enumerate(whens))]
        scope: dict[str, Any] = dict(truths.words)
        exec(compile("\n ".join([*lines, "return found"]), "<by hand>", "exec"), scope)
        self._function: Callable[[Any], list[int]] = scope["fired"]

    def given(self, values: Values) -> Values:
        return values

    def fired(self, given: Values) -> Iterable[int]:
        return self._function(given.get)


class Triage:
    """The whole of `triage`, from answers as they are given: both readings, and the assessment."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._numbers = {rule.id: number for number, rule in enumerate(rules)}

    def given(self, values: Values) -> dict[str, Answer]:
        by_id = self._rules.findings.by_id
        return {name: by_id[name].shown(value) for name, value in values.items()}

    def fired(self, given: dict[str, Answer]) -> Iterable[int]:
        return [self._numbers[rule.id] for rule in triage(given, rules=self._rules).because]


class TriageAndJson(Triage):
    """The same, and the answer as JSON."""

    def fired(self, given: dict[str, Answer]) -> Iterable[int]:
        answer = triage(given, rules=self._rules)
        answer.to_json()
        return [self._numbers[rule.id] for rule in answer.because]


class PlainReading:
    """The plain reading: met, refuted, and what both may become."""

    def __init__(self, rules: RuleSet) -> None:
        self._plain = plain(rules)

    def given(self, values: Values) -> Values:
        return values

    def fired(self, given: Values) -> Iterable[int]:
        return self._plain.read(given).fired


class DurableReading:
    """durable-rules as it is used here, the facts included."""

    def __init__(self, rules: RuleSet) -> None:
        if not durable.AVAILABLE:
            raise MissingError(durable.WHY_NOT)
        self._rules = rules

    def given(self, values: Values) -> Values:
        return values

    def fired(self, given: Values) -> Iterable[int]:
        return durable.fired(self._rules, given)


class DurableNetworks:
    """The networks of durable-rules as they are used here, with their facts worked out before."""

    def __init__(self, rules: RuleSet) -> None:
        if not durable.AVAILABLE:
            raise MissingError(durable.WHY_NOT)
        self._plan = durable._Plan(rules)
        self._network = durable._Network(self._plan)
        self._network.build()

    def given(self, values: Values) -> list[str]:
        return self._plan.facts(values)

    def fired(self, given: list[str]) -> Iterable[int]:
        return self._network.fired(given)


class ZenTable:
    """A decision table of zen-engine: a row for each rule, a column for each field, and one for the list in `any`."""

    def __init__(self, rules: RuleSet) -> None:
        self._sheet = Sheet(rules)
        fields = dict.fromkeys(test.field for flat in self._sheet.rules for test in flat.all)
        rows = []
        for number, flat in enumerate(self._sheet.rules):
            row = {"_id": str(number), "rule": str(number)}
            for test in flat.all:
                cell = f"{test.sign} {test.number}" if test.sign else "true"
                row[test.field] = f"{row[test.field]} and {cell}" if test.field in row else cell
            if flat.any:
                row["any"] = " or ".join(map(str, flat.any))
            rows.append(row)
        table = {
            "hitPolicy": "collect",
            "inputs": [
                *({"id": field, "name": field, "field": field} for field in fields),
                {"id": "any", "name": "any"},
            ],
            "outputs": [{"id": "rule", "name": "rule", "field": "rule"}],
            "rules": rows,
        }
        nodes = [
            {"id": "in", "name": "in", "type": "inputNode", "content": {}},
            {"id": "table", "name": "table", "type": "decisionTableNode", "content": table},
            {"id": "out", "name": "out", "type": "outputNode", "content": {}},
        ]
        edges = [
            {"id": a + b, "sourceId": a, "targetId": b, "type": "edge"} for a, b in (("in", "table"), ("table", "out"))
        ]
        content = {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}
        self._decision = _imported("zen").ZenEngine().create_decision(json.dumps(content))

    def given(self, values: Values) -> Fields:
        return self._sheet.of(values)

    def fired(self, given: Fields) -> Iterable[int]:
        return [row["rule"] for row in self._decision.evaluate(given)["result"]]


class ZenExpression:
    """One expression of zen-engine: a list with the number of each rule that fires, and -1 for the others."""

    def __init__(self, rules: RuleSet) -> None:
        self._sheet = Sheet(rules)
        found = []
        for number, flat in enumerate(self._sheet.rules):
            parts = [*map(str, flat.all), *([f"({' or '.join(map(str, flat.any))})"] if flat.any else [])]
            found.append(f"{' and '.join(parts)} ? {number} : -1")
        self._expression = _imported("zen").compile_expression(f"[{', '.join(found)}]")

    def given(self, values: Values) -> Fields:
        return self._sheet.of(values)

    def fired(self, given: Fields) -> Iterable[int]:
        return [number for number in self._expression.evaluate(given) if number >= 0]


class BusinessRules:
    """business-rules: a class of variables, a class of actions, and lists of conditions."""

    def __init__(self, rules: RuleSet) -> None:
        self._sheet, self._found = Sheet(rules), list[int]()
        engine, variables, actions = (
            _imported(f"business_rules.{name}") for name in ("engine", "variables", "actions")
        )
        self._run = engine.run_all
        marks = {bool: variables.boolean_rule_variable, int: variables.numeric_rule_variable}
        methods: dict[str, Any] = {
            name: marks[sort](label=name)(lambda self, name=name: self.fields[name])
            for name, sort in self._sheet.names().items()
        }
        self._person = type("Person", (variables.BaseVariables,), methods)()
        number = [{"name": "number", "label": "number", "fieldType": "numeric"}]
        found = actions.rule_action(params=number)(lambda self, number: self.found.append(number))
        self._actions = type("Actions", (actions.BaseActions,), {"fire": found})()
        self._actions.found = self._found
        self._rules = [
            {"conditions": self._conditions(flat), "actions": [{"name": "fire", "params": {"number": number}}]}
            for number, flat in enumerate(self._sheet.rules)
        ]

    def _conditions(self, flat: Flat) -> dict[str, Any]:
        def one(test: Test) -> dict[str, Any]:
            signs = {"": "is_true", ">=": "greater_than_or_equal_to", "<": "less_than"}
            return {"name": test.field, "operator": signs[test.sign], "value": test.number}

        every: list[dict[str, Any]] = [one(test) for test in flat.all]
        return {"all": [*every, *([{"any": [one(test) for test in flat.any]}] if flat.any else [])]}

    def given(self, values: Values) -> Fields:
        return self._sheet.of(values)

    def fired(self, given: Fields) -> Iterable[int]:
        self._found.clear()
        self._person.fields = given
        self._run(self._rules, self._person, self._actions)
        return [*self._found]


class Clips:
    """CLIPS by clipspy: a fact for each field that is true and for each number; rules call a Python function."""

    def __init__(self, rules: RuleSet) -> None:
        self._sheet, self._found = Sheet(rules), list[int]()
        self._environment = _imported("clips").Environment()
        self._environment.define_function(self._found.append, name="fire")
        for number, flat in enumerate(self._sheet.rules):
            parts = [*map(self._pattern, flat.all)]
            if flat.any:
                parts.append(f"(or {' '.join(map(self._pattern, flat.any))})")
            self._environment.build(f"(defrule r{number} {' '.join(parts)} => (fire {number}))")

    def _pattern(self, test: Test) -> str:
        # A variable of the same name would have to have the same value in the whole rule.
        number = f"?{test.field}"
        return (
            f"(is {test.field} {number}&:({test.sign} {number} {test.number}))" if test.sign else f"(is {test.field})"
        )

    def given(self, values: Values) -> str:
        fields = self._sheet.of(values).items()
        return "".join(
            f"(is {name})" if value is True else f"(is {name} {value})" for name, value in fields if value is not False
        )

    def fired(self, given: str) -> Iterable[int]:
        self._found.clear()
        self._environment.load_facts(given)
        self._environment.run()
        self._environment.reset()
        return {*self._found}


class Host:
    """durable-rules by its documented API, `durable.lang`: rule sets, actions, facts asserted and retracted.

    Only ever run in a process of its own (`of_its_own`): what its timer threads do in the end is known to crash. Its
    rules stand in as many rule sets as the networks used here, for past 64 pending conditions it refuses a fact.
    """

    def __init__(self, rules: RuleSet) -> None:
        if not durable.AVAILABLE:
            raise MissingError(durable.WHY_NOT)
        self._plan, self._found = durable._Plan(rules), list[int]()
        self._lang = lang = import_module("durable.lang")
        self._unhandled = import_module("durable.engine").MessageNotHandledException
        for place, shard in enumerate(self._plan.shards):
            with lang.ruleset(f"r{place}"):
                for number, rule in json.loads(shard.network).items():
                    if number != "primer":
                        self._rule(int(number), rule["all"][0]["m"]["$and"])

    def _rule(self, number: int, parts: Sequence[dict[str, Any]]) -> None:
        def one(part: dict[str, Any]) -> Any:
            ((key, value),) = part.items()
            if key == "$or":
                found = one(value[0])
                for other in value[1:]:
                    found = found | one(other)
                return found
            if key in ("$gte", "$lt"):
                ((name, than),) = value.items()
                return getattr(self._lang.m, name) >= than if key == "$gte" else getattr(self._lang.m, name) < than
            return getattr(self._lang.m, key) == value

        every = one(parts[0])
        for part in parts[1:]:
            every = every & one(part)
        self._lang.when_all(every)(lambda _: self._found.append(number))

    def given(self, values: Values) -> list[tuple[str, dict[str, Any]]]:
        facts = self._plan.facts(values)
        return [(f"r{place}", json.loads(fact)) for place, fact in enumerate(facts) if fact]

    def fired(self, given: list[tuple[str, dict[str, Any]]]) -> Iterable[int]:
        self._found.clear()
        for name, fact in given:
            try:
                self._lang.assert_fact(name, dict(fact))
            except self._unhandled:
                continue
            self._lang.retract_fact(name, dict(fact))
        return {*self._found}


COMPILED: Final = "compiled function"
PLAIN: Final = "plain reading"
TRIAGE: Final = "triage()"
TRIAGE_JSON: Final = "triage() and its JSON"
DURABLE: Final = "durable reading"
NETWORKS: Final = "its networks, facts given"
ZEN_TABLE: Final = "zen-engine, decision table"
HOST: Final = "durable-rules, Host"
CONTENDERS: Final[dict[str, Callable[[RuleSet], Contender]]] = {
    COMPILED: Compiled,
    PLAIN: PlainReading,
    DURABLE: DurableReading,
    TRIAGE: Triage,
    TRIAGE_JSON: TriageAndJson,
    NETWORKS: DurableNetworks,
    ZEN_TABLE: ZenTable,
    "zen-engine, expression": ZenExpression,
    "business-rules": BusinessRules,
    "CLIPS": Clips,
}
"""All but Host, which runs in a process of its own."""


def agree(rules: RuleSet, contender: Contender, people: Iterable[Values]) -> None:
    """AssertionError where a contender fires other rules than the plain reading on one of these."""
    for values in people:
        found, expected = sorted({*contender.fired(contender.given(values))}), [*plain(rules).read(values).fired]
        if found != expected:
            different = {*found}.symmetric_difference(expected)
            raise AssertionError(f"fires {len(found)} rules, expected {len(expected)}; differs in {sorted(different)}")


# -- Host, in a process of its own -------------------------------------------------------------------------------------


def of_its_own(name: str, people: int, rounds: int, seconds: int = SECONDS) -> dict[str, list[Seconds]] | str:
    """What each call by Host and by the compiled function takes in one process, in turns; or what became of it."""
    command = [sys.executable, "-m", "tests.benchmarks.peers", name, str(people), str(rounds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"gave no answer in {seconds} s"
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [""]
        return f"died of signal {-done.returncode}" if done.returncode < 0 else f"failed: {said[0][:200]}"
    return {name: [(used, passed) for used, passed in taken] for name, taken in json.loads(done.stdout).items()}


def timed(contenders: Mapping[str, Contender], people: Sequence[Values], rounds: int) -> dict[str, list[Seconds]]:
    """What each call takes, everybody in turns, so that what else the machine does falls on all alike."""
    given = {name: [contender.given(values) for values in people] for name, contender in contenders.items()}
    taken: dict[str, list[Seconds]] = {name: [] for name in contenders}
    looking = min(_seconds(lambda _: (), None)[0] for _ in range(1_000))
    for _ in range(rounds):
        for name, contender in contenders.items():
            for one in given[name]:
                used, passed = _seconds(contender.fired, one)
                taken[name].append((used - looking, passed))
    return taken


def _seconds(fired: Callable[[Any], Iterable[int]], given: Any) -> Seconds:
    used, start = process_time(), perf_counter()
    fired(given)
    passed = perf_counter() - start
    return process_time() - used, passed


def main() -> None:
    """What `of_its_own` runs."""
    name, people, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rules = rule_set(name)
    host, compiled = Host(rules), Compiled(rules)
    agree(rules, host, [*sheets(rules, people), *strangers(rules, people)])
    print(json.dumps(timed({COMPILED: compiled, HOST: host}, sheets(rules, people), rounds)))


if __name__ == "__main__":
    main()
