"""Changes the library's code in small ways, one at a time, and sees which changes no test notices.

    python -m tests.mutation              all modules of mutation.toml
    python -m tests.mutation _load plain  these

It needs `pip install -e ".[mutation]"` and most of an hour, so it is no part of the tests. mutmut makes the changes, in
a copy of the project; `mutation.toml` names the quick tests that each is tried on, in a process of its own. A change
that they do not notice has to stand there too, with the reason why it may: a survivor without a reason is an error, and
so is a reason without a survivor.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from attrs import frozen

ROOT: Final = Path(__file__).parent.parent
KEPT: Final = Path(__file__).parent / "mutation.toml"
COPIED: Final = ("calf_triage", "rules", "tests", "examples", "README.md", "CHANGELOG.md", "pyproject.toml")
PROCESSES: Final = os.cpu_count() or 1
LEAST: Final = 0.9
"""Of the changes to a module, so many have to be noticed."""
FORKED: Final = "MUTANT_UNDER_TEST"

GENERATE: Final = """
import os
from mutmut.mutation.trampoline import set_mutant_under_test
set_mutant_under_test("mutant_generation")
from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants, setup_source_paths
os.makedirs("mutants", exist_ok=True)
copy_src_dir(); copy_also_copy_files(); setup_source_paths(); create_mutants(1)
"""
DIFFERENCES: Final = """
import json, sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
print(json.dumps({name: get_diff_for_mutant(name, path=sys.argv[1]) for name in json.load(sys.stdin)}))
"""


@frozen(order=True)
class Mutant:
    """One change: the function that it stands in, the lines that it replaces, and by what."""

    function: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"\n  in  = {json.dumps(self.function)}\n  was = {json.dumps(self.was)}\n  now = {json.dumps(self.now)}"


# -- a copy with all changes in it -------------------------------------------------------------------------------------


def prepared(folder: Path, module: Mapping[str, Any]) -> None:
    """A copy of the project, in it what mutmut has to know of this module, and what mutmut makes of it."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(ROOT / name, folder / name)
    project = folder / "pyproject.toml"
    head, header, rest = project.read_text("utf-8").partition("[tool.mutmut]\n")
    project.write_text(f"{head}{header}only_mutate = [{json.dumps(module['file'])}]\n{rest}", "utf-8")
    called(folder, sys.executable, "-c", GENERATE)


def called(folder: Path, *command: str, given: str = "") -> str:
    """What a program printed; SystemExit with its last words where it failed."""
    environment = {**os.environ, "CI": "1", FORKED: ""}
    ended = subprocess.run(
        command, cwd=folder, env=environment, input=given, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        said = f"{ended.stdout}\n{ended.stderr}".replace("\r", "\n").splitlines()
        raise SystemExit("\n".join([f"{command[:4]} failed:", *said[-30:]]))
    return ended.stdout


def names_of(folder: Path, file: str) -> list[str]:
    """The changes to a file, by the names that mutmut gives them."""
    return [*json.loads((folder / "mutants" / f"{file}.meta").read_text("utf-8"))["exit_code_by_key"]]


# -- the quick tests ---------------------------------------------------------------------------------------------------


def quickly(file: str, quick: list[str]) -> dict[str, int]:
    """Calls the quick tests on every change to a file, each in a process of its own, and gives the exit codes.

    Runs within the copy. mutmut's switch between the changes is taken out first: it costs more than what it switches.
    """
    module = import_module(file.removesuffix(".py").replace("/", "."))
    tests: list[Callable[[], None]] = [
        getattr(import_module(f"tests.{name.partition(':')[0]}"), name.partition(":")[2]) for name in quick
    ]
    switches = {
        name.removeprefix("mutants_").removesuffix("__mutmut"): functions
        for name, functions in vars(module).items()
        if name.startswith("mutants_x")
    }
    for key, functions in switches.items():
        put(module, key, functions["_mutmut_orig"])
    started = time.monotonic()
    for test in tests:
        test()
    seconds = max(10, 15 * int(time.monotonic() - started + 1))
    # So that the memory is shared with the processes that are forked.
    gc.collect()
    gc.freeze()
    found: dict[str, int] = {}
    running: dict[int, str] = {}
    todo = iter(names_of(Path.cwd().parent, file))
    while True:
        while len(running) < PROCESSES and (name := next(todo, None)) is not None:
            if child := os.fork():
                running[child] = name
                continue
            code = 1
            try:
                signal.alarm(seconds)
                os.environ[FORKED] = name
                changed = name.rpartition(".")[2]
                key = changed.partition("__mutmut_")[0]
                put(module, key, switches[key][changed])
                for output in (1, 2):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
                for test in tests:
                    test()
                code = 0
            finally:
                os._exit(code)
        if not running:
            return found
        child, ended = os.wait()
        found[running.pop(child)] = os.waitstatus_to_exitcode(ended)


def put(module: ModuleType, key: str, function: Callable[..., Any]) -> None:
    """Puts a function in the place of the one of that key, in its class, or wherever it was imported to."""
    if "ǁ" in key:
        _, class_, method = key.split("ǁ")
        setattr(getattr(module, class_), method, function)
        return
    before = getattr(module, key.removeprefix("x_"))
    for other in list(sys.modules.values()):
        for name, value in list(getattr(other, "__dict__", {}).items()):
            if value is before:
                setattr(other, name, function)


# -- figures and survivors ---------------------------------------------------------------------------------------------


def tried(module: Mapping[str, Any]) -> tuple[Counter[str], list[Mutant]]:
    """How many changes to a module fared how, and those that no test noticed."""
    file: str = module["file"]
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = Path(name)
        prepared(folder, module)
        program = f"import json, tests.mutation as own; print(json.dumps(own.quickly({file!r}, {module['quick']!r})))"
        said = called(folder / "mutants", sys.executable, "-c", program)
        fared: dict[str, int] = json.loads(said.splitlines()[-1])
        left = [name for name, code in fared.items() if code == 0]
        return Counter(map(status, fared.values())), described(folder, file, left)


def status(code: int) -> str:
    """What the end of the process that tried a change says."""
    if code < 0:
        return "too slow" if code == -signal.SIGALRM else "crashed"
    return "noticed" if code else "survived"


def described(folder: Path, file: str, names: list[str]) -> list[Mutant]:
    """What these changes are."""
    found = []
    said = called(folder, sys.executable, "-c", DIFFERENCES, file, given=json.dumps(names))
    for name, difference in json.loads(said).items():
        lines = difference.split("\n")[2:]
        was, now = (" ".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
        key = name.rpartition(".")[2].partition("__mutmut_")[0]
        found.append(Mutant(key.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."), was, now))
    return sorted(found)


def kept(module: Mapping[str, Any]) -> Iterator[Mutant]:
    """The survivors that have a reason."""
    for reason in module.get("survives", ()):
        if not reason["why"].strip():
            raise SystemExit(f"{KEPT.name}: a reason is empty")
        for mutant in reason["mutants"]:
            yield Mutant(mutant["in"], mutant["was"], mutant["now"])


def main(wanted: list[str]) -> int:
    """Tries the modules, prints the figures, and says what does not agree with `mutation.toml`. 0 if all does."""
    wrong = 0
    for module in tomllib.loads(KEPT.read_text("utf-8"))["module"]:
        if wanted and Path(module["file"]).stem not in wanted:
            continue
        started = time.monotonic()
        known = Counter(kept(module))
        fared, survivors = tried(module)
        number = sum(fared.values())
        noticed = number - fared["survived"]
        figures = ", ".join(f"{count} {how}" for how, count in sorted(fared.items()))
        print(f"{module['file']}: {number} changes, {100 * noticed / max(1, number):.1f} % noticed ({figures})", end="")
        print(f" in {time.monotonic() - started:.0f} s", flush=True)
        for mutant in sorted((Counter(survivors) - known).elements()):
            wrong += 1
            print(f"survives, and no reason is given:{mutant}")
        for mutant in sorted((known - Counter(survivors)).elements()):
            wrong += 1
            print(f"a reason is given, and does not survive:{mutant}")
        if noticed < LEAST * number:
            wrong += 1
            print(f"fewer than {LEAST:.0%} are noticed")
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
