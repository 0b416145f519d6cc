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
LOCK: Final = (ROOT / ".ci" / "requirements.txt").read_text(encoding="utf-8")
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SAID: Final = LOCK.replace("\\\n", " ").splitlines()
PYTHONS: Final = ("3.11", "3.12", "3.13")
PINS: Final[dict[str, list[Requirement]]] = {}
for line in SAID:
    if line and not line.lstrip().startswith("#"):
        found = Requirement(line.split("--hash=")[0])
        PINS.setdefault(canonicalize_name(found.name), []).append(found)


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


def named() -> Iterator[Requirement]:
    """Everything that pyproject.toml names: dependencies, those of every extra, and what builds it."""
    project = PYPROJECT["project"]
    for part in (
        PYPROJECT["build-system"]["requires"],
        project["dependencies"],
        *project["optional-dependencies"].values(),
    ):
        yield from (found for found in map(Requirement, part) if canonicalize_name(found.name) != project["name"])


@pytest.mark.parametrize("wanted", list(named()), ids=str)
def test_every_dependency_has_a_pin_within_its_range(wanted: Requirement) -> None:
    """What pyproject.toml names is pinned, to a version that it allows, for no fewer Pythons: else run .ci/lock."""
    for python in filter(partial(applies, wanted), PYTHONS):
        pins = [pin for pin in PINS.get(canonicalize_name(wanted.name), ()) if applies(pin, python)]
        assert len(pins) == 1, f"{wanted.name} has not one pin for Python {python}; run .ci/lock"
        (pinned,) = map(version, pins)
        assert wanted.specifier.contains(pinned, prereleases=True), f"{wanted} is not {pinned}; run .ci/lock"


@pytest.mark.parametrize("name", sorted(PINS))
def test_what_a_pinned_package_needs_is_pinned_too(name: str) -> None:
    """Nothing that CI installs is chosen on the day: what is needed by what is needed has its pin as well."""
    try:
        needed = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        pytest.skip("not installed here")
    for one in needed:
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            assert canonicalize_name(one.name) in PINS, f"{name} needs {one.name}; run .ci/lock"


def test_every_pin_has_its_hashes_and_no_place() -> None:
    """Each line holds a name, one version and SHA-256 hashes; no host, no path and no option stands there."""
    lines = [line for line in SAID if line and not line.lstrip().startswith("#")]
    assert len(lines) == sum(map(len, PINS.values())) > 20
    for line in lines:
        head, *hashes = re.split(r"\s+--hash=", line.strip())
        assert hashes, head
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), head
        assert "@" not in head
        assert version(Requirement(head))
    assert not re.search(r"://|^--|file:", LOCK, re.MULTILINE)


def test_ci_can_install_nothing_else() -> None:
    """CI fetches what is pinned, by hash, before pip forgets every other place; then it runs the README's command."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    fetches, forgets, runs = (
        script.index("download --quiet --require-hashes"),
        script.index("export PIP_NO_INDEX=1 PIP_FIND_LINKS="),
        script.index('bash -euo pipefail -c "$command"'),
    )
    assert fetches < forgets < runs
    before = script[:forgets].splitlines()
    assert all("--require-hashes" in line for line in before if re.search(r"pip (install|download)", line))
