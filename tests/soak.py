"""Hours of mixed calls in a short time: no wrong answer, and no growth.

Run: python -m tests.soak [--seconds N] [--seed N]

A round is a fixed mix: plain calls, hostile values between good ones, threads, forked children, asyncio, rule sets that
are loaded and dropped, what goes out as JSON and comes back. Each answer is compared with one that the plain reading
gave before the first round. In the first rounds the C engine is made to fail in the middle of calls as well. After each
round the memory in use is counted, exactly where it can be: the blocks of Python's own allocator, and the bytes of C's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import statistics
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, Final

from attrs import define, field, frozen

from calf_triage import Assessment, FindingError, RuleSet, load_rules, triage
from calf_triage.interview import Interview
from calf_triage.readings import durable
from calf_triage.readings.plain import plain
from tests import _laws as laws
from tests import generated
from tests._memory import allocated, resident
from tests._rules import MINI, MINI_FOLDER, RULES
from tests.fuzz import OTHERS

Ask = Callable[..., Assessment]

CASES: Final = 40
THREADS: Final = 3
FEWEST_ROUNDS: Final = 10
WARM_UP: Final = 0.3
FAULTS: Final = 4
MOST_BLOCKS_A_CALL: Final = 0.25
"""Of growth: one Python object that each fourth call leaves behind is seen. Measured: below 0.05."""
MOST_BYTES_A_CALL: Final = 4.0
"""Of growth in what C's allocator has in use: less than the smallest thing that it gives out, 24 bytes. Measured: 0."""
A_FEW_BYTES: Final = 8 * 1024
"""What is allocated once and kept, late in a short run, is no growth; a leak of 24 bytes a call is soon more."""
MOST_RESIDENT_A_CALL: Final = 4_096.0
"""Of growth in the resident set: a page."""
SWING: Final = 64 * 1024 * 1024
"""By so much it moves either way with what is free in between, so it tells something only of many calls."""


@frozen
class Case:
    """Answers, with what the plain reading says to them, and the rules that a truth table fires."""

    rules: RuleSet = field(repr=False)
    answers: dict[str, Any] = field(repr=False)
    expected: str = field(repr=False)


@frozen
class Memory:
    """What is in use after so many calls. allocated: bytes, by C's allocator; None where it cannot say."""

    calls: int
    blocks: int
    allocated: int | None
    resident: int | None


@frozen
class Growth:
    """By how much each call grew the process; None where that cannot be measured here. calls: over how many."""

    calls: float
    blocks: float
    allocated: float | None
    resident: float | None

    @property
    def problems(self) -> list[str]:
        """What grew by more than nothing."""
        told = []
        if self.blocks > MOST_BLOCKS_A_CALL:
            told.append(f"{self.blocks:.3f} Python objects a call stay behind")
        kept = self.allocated or 0.0
        if kept > MOST_BYTES_A_CALL and kept * self.calls > A_FEW_BYTES:
            told.append(f"{kept:.1f} bytes a call stay allocated")
        grown = self.resident or 0.0
        if grown > MOST_RESIDENT_A_CALL and grown * self.calls > SWING:
            told.append(f"the resident set grows by {grown:.0f} bytes a call")
        return told


@define
class Result:
    """What a run found."""

    seed: int
    seconds: float = 0
    rounds: int = 0
    calls: int = 0
    wrong: Counter[str] = field(factory=Counter)
    decided: Counter[str] = field(factory=Counter)
    faults: int = 0
    measured: list[Memory] = field(factory=list, repr=False)

    @property
    def growth(self) -> Growth:
        """Growth a call once it was warm: the middle of the last third against the middle of the first."""
        warm = self.measured[max(FAULTS + 1, int(len(self.measured) * WARM_UP)) :]
        third = max(1, len(warm) // 3)
        first, last = warm[:third], warm[-third:]
        calls = _middle(one.calls for one in last) - _middle(one.calls for one in first)

        def a_call(of: Callable[[Memory], int | None]) -> float | None:
            before, after = [of(one) for one in first], [of(one) for one in last]
            if None in before or None in after:
                return None
            return (_middle(one or 0 for one in after) - _middle(one or 0 for one in before)) / calls

        return Growth(
            calls,
            a_call(lambda one: one.blocks) or 0.0,
            a_call(lambda one: one.allocated),
            a_call(lambda one: one.resident),
        )

    @property
    def problems(self) -> list[str]:
        """Everything that should not be; empty for a sound run."""
        told = [f"{count} times: {what}" for what, count in sorted(self.wrong.items())]
        if not any(self.measured):
            told.append("nothing was measured")
        return [*told, *self.growth.problems]

    def __str__(self) -> str:
        growth = self.growth
        grown = (f"{growth.blocks:+.3f} Python objects", _told(growth.allocated, "allocated"))
        decided = ", ".join(f"{name} {count}" for name, count in self.decided.most_common())
        lines = [
            f"seed {self.seed}: {self.calls} calls in {self.rounds} rounds, {self.seconds:.0f} s",
            f"wrong answers: {sum(self.wrong.values())}",
            f"decided by: {decided}",
            f"faults of the engine in the middle of a call: {self.faults}, each answered by the plain reading",
            f"growth a call: {', '.join((*grown, _told(growth.resident, 'resident')))}",
        ]
        return "\n".join((*lines, *self.problems))


def _told(number: float | None, what: str) -> str:
    return f"bytes {what} unknown" if number is None else f"{number:+.2f} bytes {what}"


def _middle(numbers: Iterable[int]) -> float:
    return statistics.median(numbers)


# -- memory ------------------------------------------------------------------------------------------------------------


def measured(calls: int) -> Memory:
    """What is in use now, without what may be given back: garbage, and networks that nobody is using."""
    for network in durable._idle:
        network.release()
    durable._idle.clear()
    for _ in range(3):
        gc.collect()
    return Memory(calls, sys.getallocatedblocks(), allocated(), resident())


# -- what is asked -----------------------------------------------------------------------------------------------------


def cases(random: Random, rule_sets: Iterable[RuleSet]) -> list[Case]:
    """People of each rule set: examples as they stand, and with the benign rest; read by a second reading too."""
    found = []
    for rules in rule_sets:
        # What is worked out once for each answer is worked out before anything is measured.
        for name, answers_of_it in laws.telling(rules).items():
            for answer in answers_of_it:
                plain(rules).read(laws.checked(rules, {name: answer}))
        given: list[dict[str, Any]] = [{}, rules.benign()]
        for rule in rules:
            for example in rule.examples:
                given.append(dict(example.given))
                if example.otherwise_no:
                    given.append(rules.benign(given=example.given))
        number = min(len(given), CASES if rules is MINI else CASES // 4)
        for answers in given[:2] + random.sample(given[2:], number - 2):
            said = triage(answers, rules=rules, engine="plain")
            values = laws.checked(rules, answers)
            fires = {rule.id for rule in rules if laws.when_truth(rules, values, rule.when) is True}
            assert {rule.id for rule in said.because} == fires
            found.append(Case(rules, answers, said.to_json()))
    random.shuffle(found)
    return found


class Soak:
    """One run. ask: what is tried; `triage`, or one with a fault that has to be found. rule_sets: MINI among them."""

    def __init__(self, seed: int, ask: Ask = triage, rule_sets: Iterable[RuleSet] = (MINI, RULES)) -> None:
        self.result = Result(seed)
        self._random = Random(seed)
        self._ask = ask
        self._cases = cases(self._random, rule_sets)
        self._small = [case for case in self._cases if case.rules is MINI]
        self._lock = threading.Lock()

    def run(self, seconds: float) -> Result:
        """Rounds for so long, and not fewer than are needed to tell growth from chance."""
        start = time.monotonic()
        with warnings.catch_warnings():
            # Python warns of a fork beside threads; that is what is tried.
            warnings.simplefilter("ignore", DeprecationWarning)
            while time.monotonic() - start < seconds or self.result.rounds < FEWEST_ROUNDS:
                self._round()
                self.result.measured.append(measured(self.result.calls))
        self.result.seconds = time.monotonic() - start
        return self.result

    def _round(self) -> None:
        self.result.rounds += 1
        if durable.AVAILABLE and self.result.faults < FAULTS:
            self._fault()
        self._calls(self._random.choices(self._cases, k=40))
        self._hostile(self._random.choices(self._cases, k=20))
        self._threads()
        self._async()
        self._loaded_and_dropped()
        self._out_and_back(self._random.choices(self._cases, k=4))

    def _one(self, case: Case, rules: RuleSet | None = None) -> Assessment | None:
        try:
            found = self._ask(case.answers, rules=rules or case.rules)
            right = found.to_json() == case.expected
        except Exception as error:  # noqa: BLE001 - whatever is raised, it is no answer
            found, right = None, False
            self._note(f"{type(error).__name__} in a call")
        with self._lock:
            self.result.calls += 1
            if found is not None:
                self.result.decided[found.decided_by] += 1
                if not right:
                    self.result.wrong["another answer than the plain reading's"] += 1
        return found

    def _note(self, what: str) -> None:
        with self._lock:
            self.result.wrong[what] += 1

    def _calls(self, chosen: Iterable[Case]) -> None:
        for case in chosen:
            self._one(case)

    def _hostile(self, chosen: Iterable[Case]) -> None:
        """A value that nobody can mean, in the place of a good one; then the good ones."""
        for case in chosen:
            names = [*case.answers] or ["calf_pain"]
            wrong = {**case.answers, self._random.choice(names): self._random.choice(OTHERS)}
            try:
                self._ask(wrong, rules=case.rules)
            except FindingError:
                pass
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                self._note(f"{type(error).__name__} for a hostile value")
            self.result.calls += 1
            self._one(case)

    def _threads(self) -> None:
        """Three threads, switched often; beside them children are forked, that answer too."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            threads = [
                threading.Thread(target=self._calls, args=(self._random.choices(self._cases, k=20),))
                for _ in range(THREADS)
            ]
            for thread in threads:
                thread.start()
            self._children(2)
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(before)

    def _children(self, number: int) -> None:
        if not hasattr(os, "fork"):
            return
        for _ in range(number):
            chosen = self._random.choices(self._small, k=5)
            child = os.fork()
            if not child:
                right = False
                with contextlib.suppress(BaseException):
                    right = all(triage(one.answers, rules=one.rules).to_json() == one.expected for one in chosen)
                os._exit(0 if right else 1)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
                self._note("a forked child answers otherwise, or crashed")
            with self._lock:
                self.result.calls += len(chosen)

    def _async(self) -> None:
        """Tasks that call directly, and tasks that call in another thread, all at once."""

        async def directly(case: Case) -> None:
            await asyncio.sleep(0)
            self._one(case)

        async def everything() -> None:
            chosen = self._random.choices(self._cases, k=20)
            await asyncio.gather(
                *(directly(case) for case in chosen[:10]),
                *(asyncio.to_thread(self._one, case) for case in chosen[10:]),
            )

        asyncio.run(everything())

    def _loaded_and_dropped(self) -> None:
        """A rule set from its files, and one that is made up; each answers, and goes."""
        rules = load_rules(MINI_FOLDER)
        for case in self._random.choices(self._small, k=10):
            self._one(case, rules)
        made_up = generated.rule_set(self._random, 8, 8)
        for _ in range(5):
            values = generated.random_answers(self._random, made_up)
            answers = {name: made_up.findings.by_id[name].shown(value) for name, value in values.items()}
            if self._ask(answers, rules=made_up).to_json() != triage(answers, rules=made_up, engine="plain").to_json():
                self._note("another answer than the plain reading's, of a made-up rule set")
            self.result.calls += 1

    def _out_and_back(self, chosen: Iterable[Case]) -> None:
        """JSON out and in, the page, the reasons, and an interview that is put away and taken up."""
        for case in chosen:
            found = self._one(case)
            if found is None:
                continue
            if Assessment.from_json(found.to_json()) != found or not str(found):
                self._note("JSON that does not come back")
            if not found.explain(case.rules).why and found.because:
                self._note("no reason for a rule that fired")
            interview = Interview(case.rules, answers=case.answers)
            again = Interview.from_json(interview.to_json(), case.rules)
            if again.assessment.to_json() != case.expected:
                self._note("an interview that was put away answers otherwise")

    def _fault(self) -> None:
        """The engine fails in the middle of a call: the plain reading answers and says so; the next call is as ever."""
        rules = load_rules(MINI_FOLDER)
        firing = next(case for case in self._small if rules_fired(case))
        with failing(
            ("start_action_for_state", "assert_fact", "retract_fact", "complete_and_start_action")[
                self.result.faults % 4
            ]
        ):
            found = self._one(firing, rules)
        self.result.faults += 1
        if found is not None and found.decided_by != "plain (durable-rules: error)":
            self._note(f"a fault of the engine is not marked, but {found.decided_by}")
        found = self._one(firing, rules)
        if found is not None and found.decided_by != "durable-rules":
            self._note(f"after a fault no new network was made, but {found.decided_by}")


def rules_fired(case: Case) -> bool:
    """Whether a rule fires, so that the engine is asked for more than one thing."""
    return bool(triage(case.answers, rules=case.rules, engine="plain").because)


@contextlib.contextmanager
def failing(name: str) -> Iterator[None]:
    """The engine, but one of its functions returns an error once it is called on a network that is built."""
    engine: Any = durable._engine
    built = durable._Network.build

    class Failing:
        armed = False

        def __getattr__(self, asked: str) -> Any:
            if asked == name and Failing.armed:
                raise RuntimeError("error code: 303")
            return getattr(engine, asked)

    def build(network: Any) -> None:
        built(network)
        Failing.armed = True

    durable._engine, durable._Network.build = Failing(), build  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        durable._engine, durable._Network.build = engine, built  # type: ignore[method-assign]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs and prints; 0 where nothing was wrong and nothing grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="for how long; default: 60")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    chosen = parser.parse_args(arguments)
    print(f"seed {chosen.seed}, {chosen.seconds:g} s", flush=True)
    result = Soak(chosen.seed).run(chosen.seconds)
    print(result)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
