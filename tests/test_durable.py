"""The durable-rules reading: it agrees with the plain one, and nothing it does can hurt the process it runs in.

What could crash or stop the process that runs the tests is tried in another process.
"""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calf_triage import load_rules
from calf_triage._criteria import Criterion, Item, NamedCriterion, Score, When
from calf_triage._findings import UNSURE, Acuity, Value
from calf_triage._rules import RuleSet
from calf_triage.readings import durable
from calf_triage.readings.plain import plain
from tests import generated
from tests._rules import MINI_FOLDER

needs_engine = pytest.mark.skipif(not durable.AVAILABLE, reason=durable.WHY_NOT or "available")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")


@pytest.fixture(autouse=True)
def _no_networks_left() -> Iterator[None]:
    """Each test starts, and leaves, without networks that count."""
    yield
    for network in durable._idle:
        network.release()
    for kept in (durable._idle, durable._in_use, durable._lost):
        kept.clear()


def both(rules: RuleSet, values: dict[str, Value]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the plain and the durable-rules reading fire."""
    return plain(rules).read(values).fired, durable.fired(rules, values)


def one_rule(when: When, *findings: Any, **more: Any) -> RuleSet:
    """A rule set of one routine rule."""
    by_id = {finding.id: finding for finding in findings}
    return generated.finished(by_id, [generated.rule("only_rule", Acuity.ROUTINE, when)], **more)


def run(program: str, *arguments: str, **environment: str) -> str:
    """Runs a program in a Python of its own, with the package and the tests on its path; what it printed."""
    path = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, *arguments, "-c", program],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, (ended.returncode, ended.stdout[-2000:], ended.stderr[-2000:])
    return ended.stdout.strip()


# -- agreement -------------------------------------------------------------------------------------------------------


@needs_engine
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_both_readings_fire_the_same_rules(data: st.DataObject) -> None:
    """Law 2: on every rule set and every set of answers, both readings fire exactly the same rules."""
    rules = data.draw(generated.rule_sets())
    for _ in range(3):
        plainly, durably = both(rules, data.draw(generated.answers(rules)))
        assert plainly == durably


@needs_engine
def test_both_readings_fire_the_same_rules_on_thousands_of_answers_on_which_rules_fire() -> None:
    """Law 2 again, in numbers, also for answers to what does not apply; on nearly half of them a rule fires."""
    random = Random(2)
    cases = with_fired = 0
    for _ in range(300):
        rules = generated.rule_set(random, random.randint(1, 25), random.randint(1, 40))
        for _ in range(10):
            answered = random.choice((0, 0.3, 0.8, 1))
            values = generated.random_answers(random, rules, answered, contradicting=random.random() < 0.2)
            plainly, durably = both(rules, values)
            assert plainly == durably
            cases += 1
            with_fired += bool(plainly)
    assert with_fired > 0.4 * cases


@needs_engine
def test_a_rule_set_of_the_real_size_is_read_alike() -> None:
    """120 rules over 110 findings, in several networks, are read as the plain reading reads them."""
    random = Random(3)
    rules = generated.realistic(random)
    numbers: set[int] = set()
    for _ in range(300):
        plainly, durably = both(rules, generated.random_answers(random, rules, random.choice((0.1, 0.5, 1))))
        assert plainly == durably
        numbers.update(plainly)
    assert len(durable._plan(rules).shards) > 1
    assert len(numbers) > 60


@needs_engine
@pytest.mark.parametrize("form", ["at_least", "below"])
@pytest.mark.parametrize("part", ["all", "any", "none"])
@pytest.mark.parametrize("steps", [-(10**15), -1, 0, 1, 35, 10**15 - 1, 10**15])
def test_a_number_is_compared_exactly_on_its_grid(form: Any, part: str, steps: int) -> None:
    """On a number, and one grid step to either side of it, both comparisons are exact; also where it counts as no."""
    opens = generated.yes_no("opens")
    size = generated.measurement("size_cm", 1, -(10**15), 10**15, 6, only_if="opens")
    rules = one_rule(When(**{part: (Criterion("size_cm", form, "size_cm", steps),)}), opens, size)
    answers: list[dict[str, Value]] = [{"opens": False}, {"size_cm": UNSURE}, {}]
    answers += [{"opens": True, "size_cm": steps + step} for step in (-1, 0, 1)]
    for values in answers:
        plainly, durably = both(rules, values)
        assert plainly == durably
    assert durable.fired(rules, {"opens": False}) == ((0,) if part == "none" else ())


@needs_engine
def test_what_hangs_below_a_no_counts_as_no_however_deep() -> None:
    """A finding whose only_if is, at any depth, answered no counts as no, whatever was answered to it."""
    first, second = generated.yes_no("first"), generated.yes_no("second", 1, "first")
    third = generated.yes_no("third", 2, "second")
    criterion = Criterion("third", "yes", "third")
    met = one_rule(When(all=(criterion,)), first, second, third)
    refuted = one_rule(When(none=(criterion,)), first, second, third)
    assert durable.fired(refuted, {"first": False}) == (0,)
    assert durable.fired(refuted, {"first": False, "second": False, "third": True}) == (0,)
    assert durable.fired(met, {"first": False, "third": True}) == ()
    assert durable.fired(met, {"first": UNSURE, "third": True}) == (0,)
    assert durable.fired(refuted, {"first": True}) == ()


@needs_engine
def test_unsure_is_neither_yes_nor_no() -> None:
    """Unsure meets `is unsure` and nothing else; every answer but unsure refutes it, absent does not."""
    maybe = generated.yes_no("maybe")
    unsure = Criterion("maybe is unsure", "unsure", "maybe")
    asked = one_rule(When(all=(unsure,)), maybe)
    denied = one_rule(When(none=(unsure,)), maybe)
    assert [durable.fired(asked, values) for values in ({"maybe": UNSURE}, {"maybe": True}, {})] == [(0,), (), ()]
    assert [durable.fired(denied, values) for values in ({"maybe": UNSURE}, {"maybe": False}, {})] == [(), (0,), ()]


@needs_engine
def test_one_finding_twice_in_a_score_counts_twice() -> None:
    """Two items of a score that say the same each give their points."""
    pain = generated.measurement("pain_of_10", 0, 0, 10)
    criterion = Criterion("pain_of_10 >= 3", "at_least", "pain_of_10", 3)
    score = Score("made_up_score", "Made up", (Item(criterion, 2), Item(criterion, 3)))
    for part, answered, fires in (("all", 3, True), ("all", 2, False), ("none", 2, True), ("none", 3, False)):
        when = When(**{part: (Criterion("made_up_score >= 5", "score", "made_up_score", 5),)})
        rules = one_rule(when, pain, scores={score.id: score})
        assert durable.fired(rules, {"pain_of_10": answered}) == ((0,) if fires else ())


@needs_engine
def test_sixty_ways_of_being_met_at_once_are_all_drained() -> None:
    """The most that one network may hold, all met at once, fires every rule, and the network is fit for the next."""
    findings = [generated.yes_no(f"sign_{number}", number) for number in range(60)]
    criteria = tuple(Criterion(finding.id, "yes", finding.id) for finding in findings)
    rules = generated.finished(
        {finding.id: finding for finding in findings},
        [
            generated.rule(f"rule_{number}", Acuity.SOON, When(any=criteria[at : at + 20], all=criteria[:20]))
            for number, at in enumerate((0, 20, 40))
        ],
    )
    (shard,) = durable._plan(rules).shards
    assert shard.paths == durable.MOST_PATHS
    yes: dict[str, Value] = {finding.id: True for finding in findings}
    for _ in range(3):
        assert durable.fired(rules, yes) == (0, 1, 2)
        assert durable.fired(rules, {}) == ()


@needs_engine
def test_as_many_properties_as_are_let_through_are_read() -> None:
    """A rule over the most properties that a fact may have fires, and does not when one is missing."""
    names = [f"sign_{number}" for number in range(durable.MOST_PROPERTIES)]
    findings = {name: generated.yes_no(name, order) for order, name in enumerate(names)}
    when = When(all=tuple(Criterion(name, "yes", name) for name in names))
    rules = generated.finished(findings, [generated.rule("wide", Acuity.SOON, when)])
    yes: dict[str, Value] = dict.fromkeys(findings, True)
    assert durable.limit_problems(rules) == []
    assert durable.fired(rules, yes) == (0,)
    assert durable.fired(rules, {**yes, "sign_7": UNSURE}) == ()


# -- limits ----------------------------------------------------------------------------------------------------------


def test_names_are_hashed_as_the_engine_hashes_them() -> None:
    """32-bit FNV-1a: the engine's own constants, and the pair that is known to collide."""
    assert [durable._hash(name) for name in ("id", "sid", "$forward")] == [926444256, 3593476751, 739185624]
    assert durable._hash("costarring") == durable._hash("liquid")


def test_names_that_the_engine_cannot_tell_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two properties whose names have the same hash, or that of a word of the engine's, are a problem of the rules."""
    when = When(all=(Criterion("first", "yes", "first"), Criterion("second", "yes", "second")))
    rules = one_rule(when, generated.yes_no("first"), generated.yes_no("second", 1))
    assert durable.limit_problems(rules) == []
    monkeypatch.setattr(durable, "_alias", lambda number: ("costarring", "liquid")[number])
    (problem,) = durable.limit_problems(rules)
    assert problem.startswith("routine/only_rule.toml: [when]: 'second': the engine cannot tell its name 'liquid' from")
    assert problem.endswith("that of routine/only_rule.toml: [when]: 'first'")
    if durable.AVAILABLE:
        with pytest.raises(durable.EngineError, match="error"):
            durable.fired(rules, {"first": True, "second": True})
    monkeypatch.setattr(durable, "_alias", lambda number: ("id", "p1")[number])
    assert "the engine's own 'id'" in "\n".join(durable.limit_problems(rules))


def test_a_rule_beyond_the_engine_is_refused_by_its_file() -> None:
    """One rule with more ways of being met than the engine's stack holds, or more criteria than its facts, is named."""
    findings = {f"sign_{number}": generated.yes_no(f"sign_{number}", number) for number in range(300)}
    criteria = tuple(Criterion(name, "yes", name) for name in findings)
    for when, problem in (
        (When(any=criteria[:61]), "soon/wide.toml: [when]: any: 61 criteria; the engine takes 60 at most"),
        (When(all=criteria[:241]), "soon/wide.toml: [when]: 241 different criteria; the engine takes 240 at most"),
    ):
        rules = generated.finished(findings, [generated.rule("wide", Acuity.SOON, when)])
        assert durable.limit_problems(rules) == [problem]
    twice = (*criteria[:60], criteria[0])
    fits = generated.rule("wide", Acuity.SOON, When(any=twice, all=criteria[:200]))
    assert durable.limit_problems(generated.finished(findings, [fits])) == []


def test_no_network_is_larger_than_the_engine_holds() -> None:
    """Over rule sets of any size, each network keeps to both limits, and every rule is in exactly one."""
    random = Random(4)
    for _ in range(30):
        rules = generated.rule_set(random, random.randint(1, 100), random.randint(1, 150))
        placed = []
        for shard in durable._Plan(rules).shards:
            network = json.loads(shard.network)
            assert network.pop("primer") == {"all": [{"m": {"g": 2}}]}
            placed += network
            parts = [rule["all"][0]["m"]["$and"] for rule in network.values()]
            assert shard.paths == sum(len(part[-1].get("$or", [0])) for part in parts) <= durable.MOST_PATHS
            assert all(part[0] == {"g": 1} for part in parts)
            assert len(set(re.findall(r'"p\d+"', shard.network))) <= durable.MOST_PROPERTIES
        assert sorted(map(int, placed)) == list(range(len(rules)))


def test_without_the_engine_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine cannot be imported, one word says it, and the limits are still checked."""
    monkeypatch.setattr(durable, "AVAILABLE", False)
    rules = generated.rule_set(Random(5))
    with pytest.raises(durable.EngineError, match=r"^unavailable$"):
        durable.fired(rules, {})
    assert durable.limit_problems(rules) == []


# What the limits rest on, measured. A crash or an endless loop here is another process's.
_MEASURE = """
import json, sys
import durable_rules_engine as engine
def rules(wanted):
    return engine.create_ruleset("r", json.dumps(wanted))
def ways(number):
    return {"r": {"all": [{"m": {"$and": [{"g": 1}, {"$or": [{f"p{n}": 1} for n in range(number)]}]}}]}}
def fact(number):
    return json.dumps({"id": "f", "g": 1, **{f"p{n}": 1 for n in range(number)}})
def code(handle, fact):
    try:
        return engine.assert_fact(handle, fact)[0]
    except Exception as error:
        return str(error)[-3:]
"""


@needs_engine
def test_the_engines_stack_holds_64_ways_of_being_met() -> None:
    """64 pending at once are accepted, 65 are error 303: 60 leaves room."""
    program = _MEASURE + "print([code(rules(ways(n)), fact(n)) for n in (60, 64, 65)])"
    assert run(program) == "[0, 0, '303']"


@needs_engine
def test_the_engine_loses_a_fact_of_more_than_253_properties() -> None:
    """A fact with its id and guard, and 251 more, is accepted; with 252 more it is error 302."""
    program = _MEASURE + "print([code(rules(ways(3)), fact(n)) for n in (durable_most, 251, 252)])"
    assert run(program.replace("durable_most", str(durable.MOST_PROPERTIES))) == "[0, 0, '302']"


@needs_engine
@needs_proc
def test_a_primed_session_can_be_deleted_and_gives_all_its_memory_back() -> None:
    """Built, primed, used and released 500 times, on a heap that shows every use of freed memory: nothing grows."""
    program = """
import random
from tests import generated
from calf_triage.readings import durable
rules = generated.rule_set(random.Random(1), 20, 30)
values = [generated.random_answers(random.Random(n), rules) for n in range(5)]
def kilobytes():
    return int(open("/proc/self/statm").read().split()[1]) * 4
for number in range(500):
    network = durable._Network(durable._plan(rules))
    network.build()
    for value in values:
        network.fired(durable._plan(rules).facts(value))
    network.release()
    if number == 50:
        before = kilobytes()
print(kilobytes() - before)
"""
    assert int(run(program, MALLOC_PERTURB_="165")) < 1_000


# -- the process it runs in ------------------------------------------------------------------------------------------


@needs_engine
@needs_proc
def test_calls_do_not_grow_the_process() -> None:
    """20,000 calls after warming up grow the process by less than half a megabyte."""
    program = """
import random
from tests import generated
from calf_triage.readings import durable
r = random.Random(6)
rules = generated.rule_set(r, 20, 30)
values = [generated.random_answers(r, rules) for _ in range(200)]
def kilobytes():
    return int(open("/proc/self/statm").read().split()[1]) * 4
for number in range(22_000):
    durable.fired(rules, values[number % 200])
    if number == 2_000:
        before = kilobytes()
print(kilobytes() - before)
"""
    assert int(run(program)) < 512


@needs_engine
def test_a_poisoned_heap_changes_nothing() -> None:
    """With freed and fresh memory filled with rubbish, all answers are right: the engine reads none of it."""
    program = """
import random
from tests import generated
from calf_triage.readings import durable
from calf_triage.readings.plain import plain
r, wrong, fired = random.Random(7), 0, 0
for _ in range(150):
    rules = generated.rule_set(r, r.randint(1, 20), r.randint(1, 20))
    for _ in range(10):
        values = generated.random_answers(r, rules)
        expected = plain(rules).read(values).fired
        wrong += expected != durable.fired(rules, values)
        fired += bool(expected)
print(wrong, fired > 500)
"""
    assert run(program, MALLOC_PERTURB_="165") == "0 True"


@needs_engine
def test_it_is_quiet_where_warnings_are_errors() -> None:
    """Importing, building, firing and releasing warn of nothing."""
    program = """
import random
from tests import generated
from calf_triage.readings import durable
rules = generated.rule_set(random.Random(8), 20, 20)
durable.fired(rules, generated.random_answers(random.Random(9), rules))
durable._idle[0].release()
print("quiet")
"""
    assert run(program, "-W", "error") == "quiet"


@needs_engine
def test_four_threads_are_all_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four threads on one rule set, switched as often as can be, get what plain gets, from four networks."""
    built: list[int] = []
    build = durable._Network.build

    def count(network: Any) -> None:
        built.append(1)
        build(network)

    monkeypatch.setattr(durable._Network, "build", count)
    random = Random(10)
    rules = generated.rule_set(random, 20, 40)
    cases = [generated.random_answers(random, rules) for _ in range(60)]
    expected = [plain(rules).read(values).fired for values in cases]
    wrong: list[object] = []
    done: list[int] = []

    def work() -> None:
        for number in range(3_000):
            case = number % len(cases)
            try:
                if durable.fired(rules, cases[case]) != expected[case]:
                    wrong.append(case)
            except durable.EngineError as error:
                wrong.append(error)
        done.append(1)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong
    assert len(done) == 4
    assert len(built) == len(durable._idle) <= durable.MOST_NETWORKS_A_RULE_SET
    assert not durable._in_use


@needs_engine
@needs_fork
def test_a_fork_in_the_middle_of_calls_leaves_parent_and_child_right() -> None:
    """Children forked while other threads are calling answer rightly, and so does the parent."""
    program = """
import os, random, sys, threading, warnings
warnings.simplefilter("ignore")
from tests import generated
from calf_triage.readings import durable
from calf_triage.readings.plain import plain
r = random.Random(11)
rules = generated.rule_set(r, 20, 40)
cases = [generated.random_answers(r, rules) for _ in range(50)]
expected = [plain(rules).read(values).fired for values in cases]
def right():
    return all(durable.fired(rules, case) == wanted for case, wanted in zip(cases, expected))
stop, wrong = False, []
def work():
    while not stop:
        if not right():
            wrong.append(1)
sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
failed = 0
for _ in range(30):
    child = os.fork()
    if not child:
        good = right() and right() and not durable._in_use and len(durable._lost) == 0
        os._exit(0 if good else 1)
    failed += os.waitpid(child, 0)[1] != 0
stop = True
for thread in threads:
    thread.join()
print(failed, len(wrong), right())
"""
    assert run(program) == "0 0 True"


@needs_engine
@needs_fork
def test_a_lock_held_at_the_fork_is_free_in_the_child() -> None:
    """A child forked while another thread holds the lock, and uses a network, waits for neither."""
    rules = generated.rule_set(Random(12), 8, 8)
    durable.fired(rules, {})
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with durable._lock:
            durable._in_use.add(durable._idle.pop())
            held.set()
            go_on.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if not child:
        try:
            started = time.monotonic()
            durable.fired(rules, {})
            os._exit(0 if time.monotonic() - started < 0.9 and len(durable._idle) == 1 else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


# -- networks --------------------------------------------------------------------------------------------------------


@needs_engine
@needs_proc
def test_hundreds_of_rule_sets_keep_to_a_bounded_number_of_networks() -> None:
    """Of 300 rule sets, loaded and dropped or all kept, each is answered, and the process stops growing."""
    program = """
import random
from tests import generated
from calf_triage.readings import durable
kept = []
def kilobytes():
    return int(open("/proc/self/statm").read().split()[1]) * 4
def load(number):
    rules = generated.rule_set(random.Random(number), 20, 30)
    durable.fired(rules, {})
    assert len(durable._idle) <= durable.MOST_NETWORKS and not durable._lost and not durable._in_use
    return rules
for number in range(100):
    load(number % 20)
before = kilobytes()
for number in range(300):
    load(number % 20)
print(kilobytes() - before)
kept = [load(number) for number in range(40)]
for rules in kept:
    durable.fired(rules, {})
assert len(durable._idle) == durable.MOST_NETWORKS
"""
    assert int(run(program)) < 3_000


@needs_engine
def test_a_rule_set_goes_when_nobody_needs_it() -> None:
    """What the reading keeps with a rule set, and what it keeps of it elsewhere, does not keep the rule set."""
    gc.collect()
    count = sum(isinstance(thing, RuleSet) for thing in gc.get_objects())
    rules = generated.rule_set(Random(13), 8, 8)
    durable.fired(rules, {})
    gc.disable()
    try:
        del rules
        assert sum(isinstance(thing, RuleSet) for thing in gc.get_objects()) == count
    finally:
        gc.enable()


@needs_engine
def test_beyond_the_networks_there_may_be_it_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all networks in use it says busy, of one rule set or of all; when one comes back, it answers again."""
    rules = [generated.rule_set(Random(number), 6, 6) for number in range(6)]
    plans = [durable._plan(one) for one in rules]
    held = [durable._checked_out(plans[0]) for _ in range(durable.MOST_NETWORKS_A_RULE_SET)]
    with pytest.raises(durable.EngineError, match=r"^busy$"):
        durable.fired(rules[0], {})
    assert durable.fired(rules[1], {}) == plain(rules[1]).read({}).fired
    monkeypatch.setattr(durable, "MOST_NETWORKS", 6)
    held += [durable._checked_out(plans[2]) for _ in range(2)]
    with pytest.raises(durable.EngineError, match=r"^busy$"):
        durable.fired(rules[1], {})
    assert len(durable._idle) + len(durable._in_use) == 6
    held[0].build()
    durable._returned(held[0])
    assert durable.fired(rules[3], {}) == plain(rules[3]).read({}).fired
    assert held[0].handles is None, "the network that was idle longest made room"


class _Failing:
    """The engine, but one of its functions does something else from a given call on, once."""

    def __init__(self, engine: Any, name: str, after: int, instead: Any) -> None:
        self._engine, self._name, self._after, self._instead = engine, name, after, instead

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._engine, name)
        if name != self._name:
            return real

        def function(*arguments: Any) -> Any:
            self._after -= 1
            if self._after != -1:
                return real(*arguments)
            if isinstance(self._instead, BaseException):
                raise self._instead
            return self._instead

        return function


FAILURES = [
    ("assert_fact", (2, 1)),
    ("assert_fact", (3, 1)),
    ("assert_fact", RuntimeError("Could not assert fact, error code: 303")),
    ("assert_fact", MemoryError()),
    ("start_action_for_state", None),
    ("start_action_for_state", ("{}", '{"0":{"m":{"id":"f","g":1,"p9":1}}}')),
    ("complete_and_start_action", RuntimeError("error code: 307")),
    ("complete_and_start_action", '{"0":{"m":{"id":"f"}}}'),
    ("retract_fact", (1, 0)),
    ("retract_fact", RuntimeError("error code: 305")),
]


@needs_engine
@pytest.mark.parametrize(("name", "instead"), FAILURES)
@pytest.mark.parametrize("after", [0, 1])
def test_a_network_that_failed_is_thrown_away_and_the_next_call_is_right(
    monkeypatch: pytest.MonkeyPatch, name: str, instead: Any, after: int
) -> None:
    """Any failure in the middle of a call is one word, nothing of the answers; the next call gets another network."""
    finding = generated.yes_no("sign")
    criterion = Criterion("sign", "yes", "sign")
    rules = generated.finished(
        {"sign": finding}, [generated.rule(f"rule_{n}", Acuity.SOON, When(all=(criterion,))) for n in range(61)]
    )
    everything = tuple(range(61))
    assert durable.fired(rules, {"sign": True}) == everything
    (network,) = durable._idle
    with monkeypatch.context() as patched:
        patched.setattr(durable, "_engine", _Failing(durable._engine, name, after, instead))
        with pytest.raises(durable.EngineError) as raised:
            durable.fired(rules, {"sign": True})
    assert str(raised.value) == "error"
    assert raised.value.__context__ is None
    assert durable._lost == [network]
    assert durable._idle == []
    assert not durable._in_use
    assert durable.fired(rules, {"sign": True}) == everything
    assert durable.fired(rules, {}) == ()


@needs_engine
def test_an_interrupted_call_throws_its_network_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a call stays Ctrl-C; the network, whose session it left locked, is used no more."""
    rules = one_rule(When(all=(Criterion("sign", "yes", "sign"),)), generated.yes_no("sign"))
    durable.fired(rules, {})
    with monkeypatch.context() as patched:
        patched.setattr(durable, "_engine", _Failing(durable._engine, "start_action_for_state", 0, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            durable.fired(rules, {"sign": True})
    assert len(durable._lost) == 1
    assert durable.fired(rules, {"sign": True}) == (0,)


@needs_engine
def test_an_engine_that_keeps_failing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule set that lost four networks is asked no more: what is thrown away is bounded."""
    rules = one_rule(When(all=(Criterion("sign", "yes", "sign"),)), generated.yes_no("sign"))
    words = []
    with monkeypatch.context() as patched:
        patched.setattr(durable, "_engine", _Failing(durable._engine, "create_ruleset", -1, None))
        patched.setattr(durable._Network, "fired", lambda *_: 1 / 0)
        for _ in range(7):
            with pytest.raises(durable.EngineError) as raised:
                durable.fired(rules, {})
            words.append(str(raised.value))
    assert words == ["error"] * 4 + ["busy"] * 3
    assert len(durable._lost) == durable.MOST_NETWORKS_A_RULE_SET


@needs_engine
def test_a_call_within_a_call_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's handler that triages in the middle of a call gets a network of its own; both calls are right."""
    rules = one_rule(When(all=(Criterion("sign", "yes", "sign"),)), generated.yes_no("sign"))
    inner: list[tuple[int, ...]] = []
    engine = durable._engine

    class Nested:
        def __getattr__(self, name: str) -> Any:
            if name == "start_action_for_state" and not inner:
                inner.append(())
                inner[0] = durable.fired(rules, {})
            return getattr(engine, name)

    durable.fired(rules, {})
    with monkeypatch.context() as patched:
        patched.setattr(durable, "_engine", Nested())
        assert durable.fired(rules, {"sign": True}) == (0,)
    assert inner == [()]
    assert len(durable._idle) == 2


@needs_engine
def test_named_criteria_are_settled_before_what_uses_them() -> None:
    """Named criteria in scores in named criteria, declared in any order, are read as the plain reading reads them."""
    findings = [generated.yes_no(name, order) for order, name in enumerate(("a", "b", "c"))]
    a, b, c = (Criterion(finding.id, "yes", finding.id) for finding in findings)
    outer = NamedCriterion("outer", "Made up", When(all=(Criterion("points >= 2", "score", "points", 2),), none=(c,)))
    inner = NamedCriterion("inner", "Made up", When(any=(a, b)))
    points = Score("points", "Made up", (Item(Criterion("inner", "named", "inner"), 1), Item(b, 1)))
    uses = Criterion("outer", "named", "outer")
    everything: dict[str, Any] = {"criteria": {"outer": outer, "inner": inner}, "scores": {"points": points}}
    for when in (When(all=(uses,)), When(none=(uses,)), When(any=(uses, a)), When(none=(uses, a))):
        rules = one_rule(when, *findings, **everything)
        for values in _all_answers("a", "b", "c"):
            plainly, durably = both(rules, values)
            assert plainly == durably


def _all_answers(*names: str) -> Iterator[dict[str, Value]]:
    if not names:
        yield {}
        return
    for values in _all_answers(*names[1:]):
        yield values
        for value in (True, False, UNSURE):
            yield {names[0]: value, **values}


# -- what a small fault would change -----------------------------------------------------------------------------------


def agree_on_all(rules: RuleSet, answers: dict[str, list[Any]]) -> None:
    """Both readings fire the same rules whatever is answered, or not, of these."""
    for told in product(*([None, *values] for values in answers.values())):
        values = {name: value for name, value in zip(answers, told, strict=True) if value is not None}
        plainly, durably = both(rules, values)
        assert plainly == durably, values


@needs_engine
def test_every_reach_of_a_score_is_read_alike() -> None:
    """A score of different points is reached, or out of reach, on the same answers in both readings."""
    findings = {name: generated.yes_no(name, order) for order, name in enumerate("abcd")}
    items = tuple(
        Item(Criterion(name, "yes", name), points) for name, points in zip(findings, (1, 2, 4, 4), strict=True)
    )
    needed = [Criterion(f"sum >= {n}", "score", "sum", n) for n in range(1, 12)]
    rules = generated.finished(
        findings,
        [generated.rule(f"at_{n:02}", Acuity.ROUTINE, When(all=(one,))) for n, one in enumerate(needed)]
        + [generated.rule(f"below_{n:02}", Acuity.ROUTINE, When(none=(one,))) for n, one in enumerate(needed)],
        scores={"sum": Score("sum", "Made up", items)},
    )
    agree_on_all(rules, {name: [True, False, UNSURE] for name in findings})


@needs_engine
@pytest.mark.parametrize("cuts", [(0,), (1,), (-1,), (0, 3), (-3, 0, 1)])
def test_numbers_are_compared_alike_through_a_name(cuts: tuple[int, ...]) -> None:
    """A comparison in a named criterion is met and refuted on the same side of every number, zero too."""
    size = generated.measurement("size_cm", 0, -5, 5)
    named = {}
    for cut in cuts:
        for form, sign in (("at_least", ">="), ("below", "<")):
            one = Criterion(f"size_cm {sign} {cut}", form, "size_cm", cut)  # type: ignore[arg-type]
            named[f"{form}_{cut + 9}"] = NamedCriterion(f"{form}_{cut + 9}", "Made up", When(all=(one,)))
    doubt = Criterion("size_cm is unsure", "unsure", "size_cm")
    named["doubt"] = NamedCriterion("doubt", "Made up", When(all=(doubt,)))
    uses = [Criterion(id, "named", id) for id in named]
    made = [
        generated.rule(f"{part}_{one.name}", Acuity.ROUTINE, When(**{part: (one,)})) for one in uses for part in PARTS
    ]
    agree_on_all(generated.finished({"size_cm": size}, made, named), {"size_cm": [*range(-5, 6), UNSURE]})


PARTS = ("all", "none")


@needs_engine
def test_what_hangs_below_several_noes_counts_as_no() -> None:
    """Everything below each of several questions that are answered no counts as no, whatever was answered to it."""
    gates = {f"gate_{n}": generated.yes_no(f"gate_{n}", n) for n in range(2)}
    below: dict[str, Any] = {}
    for n in range(2):
        below[f"sign_{n}"] = generated.yes_no(f"sign_{n}", 10 + n, f"gate_{n}")
        below[f"size_{n}_cm"] = generated.measurement(f"size_{n}_cm", 20 + n, 0, 9, only_if=f"gate_{n}")
    leaves = [Criterion(f"sign_{n}", "yes", f"sign_{n}") for n in range(2)]
    leaves += [Criterion(f"size_{n}_cm >= 3", "at_least", f"size_{n}_cm", 3) for n in range(2)]
    leaves += [Criterion(f"size_{n}_cm < 3", "below", f"size_{n}_cm", 3) for n in range(2)]
    made = [
        generated.rule(f"rule_{n}_{part}", Acuity.ROUTINE, When(**{part: (c,)}))
        for n, c in enumerate(leaves)
        for part in PARTS
    ]
    rules = generated.finished({**gates, **below}, made)
    agree_on_all(
        rules,
        {name: [True, False] for name in gates}
        | {f"sign_{n}": [True, False] for n in range(2)}
        | {f"size_{n}_cm": [2, 3] for n in range(2)},
    )


def many(number: int) -> RuleSet:
    """A rule set of so many rules, each of which reads a sign of its own."""
    findings = {f"sign_{n:03}": generated.yes_no(f"sign_{n:03}", n) for n in range(number)}
    whens = [When(all=(Criterion(name, "yes", name),)) for name in findings]
    return generated.finished(
        findings, [generated.rule(f"rule_{n:03}", Acuity.SOON, when) for n, when in enumerate(whens)]
    )


@needs_engine
def test_a_network_with_nothing_to_say_does_not_silence_the_next() -> None:
    """Where no rule of one network fires, those of the networks after it still do."""
    rules = many(150)
    assert len(durable._plan(rules).shards) == 3
    for number in (0, 70, 149):
        assert durable.fired(rules, {f"sign_{number:03}": True}) == (number,)


@needs_engine
def test_a_network_whose_rules_are_half_met_does_not_silence_the_next() -> None:
    """A fact that the first network reads, and fires nothing on, keeps no rule of a later one from firing."""
    names = [f"{sort}_{n:03}" for n in range(70) for sort in ("sign", "also")]
    findings = {name: generated.yes_no(name, order) for order, name in enumerate(names)}
    pairs = [
        tuple(Criterion(f"{sort}_{n:03}", "yes", f"{sort}_{n:03}") for sort in ("sign", "also")) for n in range(70)
    ]
    made = [generated.rule(f"rule_{n:03}", Acuity.SOON, When(all=pair)) for n, pair in enumerate(pairs)]
    rules = generated.finished(findings, made)
    assert len(durable._plan(rules).shards) == 2
    assert durable.fired(rules, {"sign_000": True, "sign_069": True, "also_069": True}) == (69,)


@needs_engine
def test_a_measurement_below_a_no_counts_as_no_through_a_name() -> None:
    """A comparison in a named criterion is refuted, and not met, where the measurement does not apply."""
    opens = generated.yes_no("opens")
    size = generated.measurement("size_cm", 1, 0, 9, only_if="opens")
    leaves = {
        "large": Criterion("size_cm >= 3", "at_least", "size_cm", 3),
        "small": Criterion("size_cm < 3", "below", "size_cm", 3),
        "doubt": Criterion("size_cm is unsure", "unsure", "size_cm"),
    }
    named = {id: NamedCriterion(id, "Made up", When(all=(leaf,))) for id, leaf in leaves.items()}
    uses = [Criterion(id, "named", id) for id in named]
    made = [
        generated.rule(f"{one.name}_{part}", Acuity.ROUTINE, When(**{part: (one,)})) for one in uses for part in PARTS
    ]
    rules = generated.finished({"opens": opens, "size_cm": size}, made, named)
    agree_on_all(rules, {"opens": [True, False, UNSURE], "size_cm": [0, 2, 3, 9, UNSURE]})
    assert len(durable.fired(rules, {"opens": False})) == 3


def test_what_was_worked_out_when_the_rules_were_loaded_is_kept() -> None:
    """A folder's rules come with what the engine needs of them; asking for their problems alone keeps nothing."""
    rules = generated.rule_set(Random(15), 6, 6)
    assert durable.limit_problems(rules) == []
    assert rules.readings == {}
    assert durable.limit_problems(rules, keep=True) == []
    assert isinstance(rules.readings["durable"], durable._Plan)
    assert durable._plan(rules) is rules.readings["durable"]
    assert isinstance(load_rules(MINI_FOLDER).readings["durable"], durable._Plan)


@needs_engine
def test_a_rule_set_is_planned_once() -> None:
    """What the reading works out is kept with the rule set; what is no plan in its place is an error."""
    rules = generated.rule_set(Random(14), 6, 6)
    plan = durable._plan(rules)
    assert durable._plan(rules) is plan
    assert rules.readings["durable"] is plan
    rules.readings["durable"] = "nothing"
    with pytest.raises(durable.EngineError, match=r"^error$"):
        durable.fired(rules, {})


FAILURES_OF_BUILDING = [
    ("create_ruleset", RuntimeError("error code: 1")),
    ("assert_fact", (1, 0)),
    ("start_action_for_state", ("{}", '{"0":{"m":{"id":"f"}}}')),
    ("complete_and_start_action", '{"0":{"m":{"id":"f"}}}'),
    ("retract_fact", (1, 0)),
]


@needs_engine
@pytest.mark.parametrize(("name", "instead"), FAILURES_OF_BUILDING)
def test_a_network_that_cannot_be_built_is_one_word(monkeypatch: pytest.MonkeyPatch, name: str, instead: Any) -> None:
    """Any failure while a network is made is "error", and the next call makes another."""
    rules = one_rule(When(all=(Criterion("sign", "yes", "sign"),)), generated.yes_no("sign"))
    with monkeypatch.context() as patched:
        patched.setattr(durable, "_engine", _Failing(durable._engine, name, 0, instead))
        with pytest.raises(durable.EngineError, match=r"^error$"):
            durable.fired(rules, {"sign": True})
    assert len(durable._lost) == 1
    assert durable.fired(rules, {"sign": True}) == (0,)


@needs_engine
@pytest.mark.parametrize(("name", "instead"), FAILURES)
def test_a_failure_of_one_call_is_one_word(monkeypatch: pytest.MonkeyPatch, name: str, instead: Any) -> None:
    """A network says "error" of whatever it did not expect, or hands on what the engine raised."""
    rules = one_rule(When(all=(Criterion("sign", "yes", "sign"),)), generated.yes_no("sign"))
    network = durable._Network(durable._plan(rules))
    network.build()
    facts = network.plan.facts({"sign": True})
    monkeypatch.setattr(durable, "_engine", _Failing(durable._engine, name, 0, instead))
    if isinstance(instead, tuple) and isinstance(instead[0], int):
        with pytest.raises(durable.EngineError, match=r"^error$"):
            network.fired(facts)
    else:
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the engine raised
            network.fired(facts)


@needs_engine
def test_an_engine_that_never_stops_firing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network fires at most once for each way in which its rules can be met; once more is an error, not a loop."""
    rules = one_rule(When(all=(Criterion("sign", "yes", "sign"),)), generated.yes_no("sign"))
    durable.fired(rules, {})
    engine = durable._engine
    said: list[str] = []

    def start(*arguments: Any) -> tuple[None, str]:
        said.append(engine.start_action_for_state(*arguments)[1])
        return None, said[0]

    class Endless:
        def __getattr__(self, name: str) -> Any:
            if name == "start_action_for_state":
                return start
            return (lambda *_: said[0]) if name == "complete_and_start_action" else getattr(engine, name)

    monkeypatch.setattr(durable, "_engine", Endless())
    with pytest.raises(durable.EngineError, match=r"^error$"):
        durable._idle[0].fired(durable._plan(rules).facts({"sign": True}))


@needs_engine
def test_what_is_released_is_the_session_and_then_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each handle the session is deleted first, and nothing is deleted twice."""
    network = durable._Network(durable._plan(many(70)))
    network.build()
    handles = network.handles
    assert handles is not None
    assert len(handles) == 2
    calls: list[tuple[object, ...]] = []
    engine = durable._engine

    class Recording:
        def __getattr__(self, name: str) -> Any:
            def function(*arguments: Any) -> Any:
                calls.append((name, *arguments))
                return getattr(engine, name)(*arguments)

            return function

    monkeypatch.setattr(durable, "_engine", Recording())
    network.release()
    network.release()
    assert calls == [call for one in handles for call in (("delete_state", one, "0"), ("delete_ruleset", one))]


@needs_engine
def test_what_was_lost_counts_among_the_networks_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that are idle, in use and lost together are never more than there may be."""
    rules = [generated.rule_set(Random(number), 6, 6) for number in range(4)]
    monkeypatch.setattr(durable, "MOST_NETWORKS", 2)
    durable._thrown_away(durable._checked_out(durable._plan(rules[0])))
    held = durable._checked_out(durable._plan(rules[1]))
    with pytest.raises(durable.EngineError, match=r"^busy$"):
        durable.fired(rules[2], {})
    held.build()
    durable._returned(held)
    assert durable.fired(rules[2], {}) == plain(rules[2]).read({}).fired
    assert len(durable._idle) + len(durable._in_use) + len(durable._lost) == 2


def test_a_name_that_cannot_be_told_apart_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever list a criterion stands in, its rule and its words stand in the problem."""
    place = "routine/only_rule.toml: [when]"
    first, second = (Criterion(name, "yes", name) for name in ("first", "second"))
    monkeypatch.setattr(durable, "_alias", lambda number: ("costarring", "liquid")[number])
    for when in (When(all=(first, second)), When(any=(first, second)), When(none=(first, second))):
        rules = one_rule(when, generated.yes_no("first"), generated.yes_no("second", 1))
        assert durable.limit_problems(rules) == [
            f"{place}: 'second': the engine cannot tell its name 'liquid' from that of {place}: 'first'"
        ]


def test_a_number_that_cannot_be_told_apart_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """So are comparisons of measurements and scores, met or refuted."""
    place = "routine/only_rule.toml: [when]"
    first = Criterion("first", "yes", "first")
    score = Score("sum", "Made up", (Item(Criterion("first", "yes", "first"), 1),))
    monkeypatch.setattr(durable, "_alias", lambda number: ("costarring", "liquid")[number])
    for one in (
        Criterion("size_cm >= 3", "at_least", "size_cm", 3),
        Criterion("size_cm < 3", "below", "size_cm", 3),
        Criterion("sum >= 1", "score", "sum", 1),
    ):
        for when in (When(all=(first, one)), When(all=(first,), any=(one,)), When(all=(first,), none=(one,))):
            size = generated.measurement("size_cm", 1, 0, 9)
            rules = one_rule(when, generated.yes_no("first"), size, scores={"sum": score})
            assert durable.limit_problems(rules) == [
                f"{place}: {one.text!r}: the engine cannot tell its name 'liquid' from that of {place}: 'first'"
            ]


@needs_engine
def test_a_network_holds_as_many_properties_as_a_fact_may_have_and_no_more() -> None:
    """Rules that together read just as many share a network; one more begins another, and both are right."""
    for number, networks in ((48, 1), (49, 2)):
        names = [f"sign_{n:03}" for n in range(5 * number)]
        leaves = [Criterion(name, "yes", name) for name in names]
        whens = [When(all=tuple(leaves[5 * n : 5 * n + 5])) for n in range(number)]
        rules = generated.finished(
            {name: generated.yes_no(name, order) for order, name in enumerate(names)},
            [generated.rule(f"rule_{n:03}", Acuity.SOON, when) for n, when in enumerate(whens)],
        )
        shards = durable._plan(rules).shards
        assert len(shards) == networks
        assert all(len(set(re.findall(r'"p\d+"', shard.network))) <= durable.MOST_PROPERTIES for shard in shards)
        assert durable.fired(rules, dict.fromkeys(names, True)) == tuple(range(number))
