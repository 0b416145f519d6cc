"""What CI installs is named to the byte, and is what the project says it needs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).parent.parent
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS: Final = {
    extra: (ROOT / ".ci" / name).read_text(encoding="utf-8")
    for extra, name in {"test": "requirements.txt", "spark": "spark.txt"}.items()
}
"""What CI installs, by the extra that it asks for."""
PYTHONS: Final = ("3.11", "3.12", "3.13")


def lines_of(lock: str) -> list[str]:
    """The pins of a lock, one a line."""
    joined = lock.replace("\\\n", " ").splitlines()
    return [line for line in joined if line and not line.lstrip().startswith("#")]


def pins_of(lock: str) -> dict[str, list[Requirement]]:
    """The pins of a lock by name; more than one where Pythons differ."""
    pins: dict[str, list[Requirement]] = {}
    for line in lines_of(lock):
        pin = Requirement(line.split("--hash=")[0])
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


PINS: Final = {extra: pins_of(lock) for extra, lock in LOCKS.items()}


def applies(wanted: Requirement, python: str) -> bool:
    """Whether a requirement holds for a version of Python."""
    here = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    return wanted.marker is None or wanted.marker.evaluate(here)


def version(pin: Requirement) -> Version:
    """The one version that a pin allows."""
    (only,) = pin.specifier
    assert only.operator == "=="
    assert not only.version.endswith("*")
    return Version(only.version)


def named(extra: str) -> Iterator[Requirement]:
    """Everything that pyproject.toml names for an extra: dependencies, those of extras in it, and what builds it."""
    project = PYPROJECT["project"]
    extras, wanted = [extra], [*project["dependencies"], *(PYPROJECT["build-system"]["requires"] * (extra == "test"))]
    for one in extras:
        wanted += project["optional-dependencies"][one]
        extras += [more for each in map(Requirement, wanted) if each.name == project["name"] for more in each.extras]
        wanted = [each for each in wanted if Requirement(each).name != project["name"]]
    yield from map(Requirement, dict.fromkeys(wanted))


@pytest.mark.parametrize(("extra", "wanted"), [(extra, one) for extra in LOCKS for one in named(extra)], ids=str)
def test_every_dependency_has_a_pin_within_its_range(extra: str, wanted: Requirement) -> None:
    """What pyproject.toml names for CI has one pin for each Python, to a version that it allows: else run .ci/lock."""
    for python in filter(partial(applies, wanted), PYTHONS):
        pins = [pin for pin in PINS[extra].get(canonicalize_name(wanted.name), ()) if applies(pin, python)]
        assert len(pins) == 1, f"{wanted.name} has not one pin for Python {python}; run .ci/lock"
        (pinned,) = map(version, pins)
        assert wanted.specifier.contains(pinned, prereleases=True), f"{wanted} is not {pinned}; run .ci/lock"


@pytest.mark.parametrize(("extra", "name"), [(extra, name) for extra in LOCKS for name in PINS[extra]])
def test_what_a_pinned_package_needs_is_pinned_too(extra: str, name: str) -> None:
    """Nothing that CI installs is chosen on the day: what is needed by what is needed has its pin as well."""
    try:
        needed = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        pytest.skip("not installed here")
    for one in needed:
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            assert canonicalize_name(one.name) in PINS[extra], f"{name} needs {one.name}; run .ci/lock"


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_every_pin_has_its_hashes_and_no_place(lock: str) -> None:
    """Each line holds a name, one version and SHA-256 hashes; no host, no path and no option stands there."""
    lines = lines_of(lock)
    assert len(lines) > 5
    for line in lines:
        head, *hashes = re.split(r"\s+--hash=", line.strip())
        assert hashes, head
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), head
        assert "@" not in head
        assert version(Requirement(head))
    assert not re.search(r"://|^--|file:", lock, re.MULTILINE)


def test_ci_can_install_nothing_else() -> None:
    """CI fetches what is pinned, by hash, before pip forgets every other place; then it runs the README's command."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    fetches, forgets, runs = (
        script.index("download --quiet --require-hashes"),
        script.index("export PIP_NO_INDEX=1 PIP_FIND_LINKS="),
        script.index('bash -euo pipefail -c "$command"'),
    )
    assert fetches < forgets < runs
    assert script.count("$pip ") == script.count("$pip install --quiet --require-hashes ") + script.count(
        "$pip download --quiet --require-hashes "
    )
    assert "pip install" not in script[fetches:forgets]
