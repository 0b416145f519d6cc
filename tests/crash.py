"""Whether anything that passes validation can crash the C engine, or make it lie: millions of calls on a poisoned heap.

Run: python -m tests.crash [--calls N] [--seed N]

The calls are made in a process of its own, whose memory is filled with rubbish when it is given out and when it is
given back (MALLOC_PERTURB_, where C's allocator knows it), on the bundled rules, the small ones, made-up ones, and on
folders that go to every limit of the loader. Each answer is compared with the plain reading's. Printed are the calls,
the wrong answers, and the growth a call. With valgrind, on few calls:

    PYTHONMALLOC=malloc valgrind --error-limit=no python -m tests.crash --inside --few --calls 300
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

from calf_triage import RuleSet, load_rules
from calf_triage._findings import UNSURE, Value
from calf_triage.readings import durable
from calf_triage.readings.plain import plain
from tests import generated
from tests._memory import allocated
from tests._rules import MINI, MINI_FOLDER

ROOT: Final = Path(__file__).parent.parent
MOST_CASES: Final = 600
CALLS_A_TURN: Final = 5_000
WARM_UP: Final = 0.2
LONGEST: Final = 48

# -- folders at the limits -------------------------------------------------------------------------------------------


def _named(number: int) -> str:
    """A name as long as may be."""
    return f"sign_{number:04}_".ljust(LONGEST, "x")


def _yes_no(name: str) -> str:
    return f'\n[finding.{name}]\nheading = "about_you"\nasks = "Sign"\nkind = "sign"\n'


def _measured(name: str, low: str, high: str, decimals: int) -> str:
    ends = f"range = [{low}, {high}]\ndecimals = {decimals}\nbenign = {low}\n"
    return f'\n[finding.{name}]\nheading = "about_you"\nasks = "Size"\nkind = "measurement"\n{ends}'


def _rule(when: str, yes: Mapping[str, str]) -> str:
    given = ", ".join(f"{name} = {value}" for name, value in yes.items())
    head, _, rest = (MINI_FOLDER / "routine" / "pain.toml").read_text(encoding="utf-8").partition("[when]")
    then = rest[rest.index("[then]") :].split("[[example]]")[0]
    examples = "".join(
        f'[[example]]\nname = "{fires}"\ngiven = {{ {given if fires == "true" else ""} }}\nfires = {fires}\n'
        for fires in ("true", "false")
    )
    return f"{head}[when]\n{when}\n{then}{examples}"


def _list(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _widest() -> dict[str, str]:
    """Rules with as many criteria as a list may have, in all three lists, of names as long as may be."""
    names = [_named(number) for number in range(180)]
    rules = {
        f"routine/wide_{number:02}.toml": _rule(
            f"all = {_list(names[:60])}\nany = {_list([*names[60:119], names[119 + number]])}\n"
            f"none = {_list(names[140:])}",
            {names[0]: "true"},
        )
        for number in range(20)
    }
    either = _rule(f"any = {_list(names[:60])}", {names[0]: "true"})
    return {"findings": "".join(map(_yes_no, names)), **rules, "routine/either.toml": either}


def _many() -> dict[str, str]:
    """As many names as there may be, each in a rule of its own; two of them with the hash of another."""
    names = ["costarring", "liquid", *(_named(number) for number in range(900))]
    return {
        "findings": "".join(map(_yes_no, names)),
        **{
            f"routine/rule_{number:04}.toml": _rule(f'all = ["{name}"]', {name: "true"})
            for number, name in enumerate(names)
        },
    }


def _far() -> dict[str, str]:
    """Numbers at both ends of what may be said, on the finest grid."""
    far = {
        "far_cm": ("-999999999.0", "999999999.0", 3),
        "near_cm": ("-0.001", "0.001", 3),
        "whole_days": ("-1000000000", "1000000000", 0),
    }
    said = (
        "far_cm >= 999999999",
        "far_cm < -999999998.999",
        "near_cm >= 0.001",
        "near_cm < 0",
        "whole_days >= -999999999",
    )
    rules = {f"routine/far_{number}.toml": _rule(f'all = ["{one}"]', {}) for number, one in enumerate(said)}
    rules |= {f"routine/not_{number}.toml": _rule(f'none = ["{one}"]', {}) for number, one in enumerate(said)}
    return {"findings": "".join(_measured(name, *ends) for name, ends in far.items()), **rules}


def _deep() -> dict[str, str]:
    """Scores of the most items with the most points, in named criteria that rest on each other as deeply as may be."""
    names = [_named(number) for number in range(60)]
    points = "\n".join(f'"{name}" = 1000' for name in names)
    score = f'\n[most]\ntitle = "Most"\ncites = "design decision"\nsays = "Most."\n[most.points]\n{points}\n'
    chain = "".join(
        f'\n[step_{number}]\nmeans = "Made up"\nall = ["{f"step_{number - 1}" if number else "most >= 59000"}"]\n'
        for number in range(12)
    )
    rules = {f"routine/at_{n}.toml": _rule(f'all = ["most >= {n}"]', {names[0]: "true"}) for n in (1, 30_000, 60_000)}
    rules |= {f"routine/below_{n}.toml": _rule(f'none = ["most >= {n}"]', {}) for n in (2, 59_999)}
    return {
        "findings": "".join(map(_yes_no, names)),
        "scores": score,
        "criteria": chain,
        **rules,
        "routine/deep.toml": _rule('any = ["step_11"]', {names[0]: "true"}),
    }


def folders(where: Path) -> dict[str, Path]:
    """Folders that go to the limits of the loader, by name."""
    found = {}
    for make in (_widest, _many, _far, _deep):
        found[make.__name__.strip("_")] = folder = where / make.__name__
        shutil.copytree(MINI_FOLDER, folder)
        for name, text in make().items():
            if name.endswith(".toml"):
                (folder / name).write_text(text, encoding="utf-8")
                continue
            path = folder / ("findings/start.toml" if name == "findings" else f"{name}.toml")
            path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return found


# -- answers at the limits -------------------------------------------------------------------------------------------


def answers(random: Random, rules: RuleSet) -> Iterator[dict[str, Value]]:
    """Nothing, all of one kind, both ends of every range, each telling answer alone, and some at random."""
    of = {name: generated.telling_values(rules, name) for name in rules.findings.by_id}
    yield {}
    yield rules.findings.check(rules.benign())[0]
    for choose in (
        lambda told: told[0],
        lambda told: told[-2],
        lambda _: UNSURE,
        lambda told: told[1],
    ):
        yield {name: choose(told) for name, told in of.items()}
    yield from ({name: value} for name, told in of.items() for value in told)
    while True:
        answered = random.choice((0.1, 0.5, 0.9, 1))
        yield generated.random_answers(random, rules, answered, contradicting=random.random() < 0.2)


def rule_sets(random: Random, few: bool) -> Iterator[tuple[str, RuleSet]]:
    """What is called."""
    yield "small", MINI
    yield "made up", generated.rule_set(random, 12, 12)
    if few:
        return
    yield "bundled", load_rules()
    yield "realistic", generated.realistic(random)
    with tempfile.TemporaryDirectory(prefix="calf-triage-crash-") as folder:
        for name, path in folders(Path(folder)).items():
            yield name, load_rules(path)


def inside(calls: int, seed: int, few: bool) -> int:
    """Makes the calls and prints what they gave; 0 where no answer was wrong."""
    random = Random(seed)
    tried = []
    for name, rules in rule_sets(random, few):
        found = answers(random, rules)
        chosen = [next(found) for _ in range(30 if few else MOST_CASES)]
        random.shuffle(chosen)
        expected = [plain(rules).read(values).fired for values in chosen]
        # One network each is kept, so that growth is not that of a network made anew.
        tried.append((name, rules, [*zip(chosen, expected, strict=True)]))
    made = wrong = failed = 0
    before: tuple[int, int | None] | None = None
    start = time.monotonic()
    while made < calls:
        for name, rules, pairs in tried:
            at = random.randrange(len(pairs))
            for number in range(min(CALLS_A_TURN, max(1, calls // 20), calls - made)):
                values, fires = pairs[(at + number) % len(pairs)]
                made += 1
                try:
                    if durable.fired(rules, values) != fires:
                        wrong += 1
                        print(f"wrong on the {name} rules", file=sys.stderr)
                except durable.EngineError as error:
                    failed += 1
                    print(f"{error} on the {name} rules", file=sys.stderr)
        if before is None and made >= calls * WARM_UP:
            gc.collect()
            before = made, allocated()
    gc.collect()
    after = allocated()
    seconds = time.monotonic() - start
    print(f"{made} calls on {len(tried)} rule sets in {seconds:.0f} s, {wrong} wrong, {failed} without an answer")
    if before is not None and before[1] is not None and after is not None and made > before[0]:
        print(f"growth: {after - before[1]} bytes in {made - before[0]} calls")
    return 1 if wrong or failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the calls in another process, and tells how it ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=2_000_000, help="default: 2000000")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--few", action="store_true", help="small rule sets alone")
    parser.add_argument("--inside", action="store_true", help="in this very process")
    chosen = parser.parse_args(arguments)
    if not durable.AVAILABLE:
        print(f"nothing to crash: {durable.WHY_NOT}")
        return 0
    if chosen.inside:
        return inside(chosen.calls, chosen.seed, chosen.few)
    words = ["--inside", "--calls", str(chosen.calls), "--seed", str(chosen.seed), *(["--few"] if chosen.few else [])]
    code = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.crash", *words],
        cwd=ROOT,
        env={**os.environ, "MALLOC_PERTURB_": "165"},
        check=False,
    ).returncode
    print("no crash" if code >= 0 else f"CRASHED by signal {-code}")
    return code if code >= 0 else 1


if __name__ == "__main__":
    sys.exit(main())
