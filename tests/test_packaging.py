"""Every way to install or import the library finds its rules."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TRIAGE = """
import sys
{path}
import calf_triage
from calf_triage import triage
answer = triage({{"breathless": True, "calf_pain": True}}, region="GB")
print(answer.acuity.name, answer.rule_set.sha256, calf_triage.__file__)
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def triaged(python: str | Path, cwd: Path, path: str = "") -> list[str]:
    return run(python, "-c", TRIAGE.format(path=path), cwd=cwd).split(maxsplit=2)


def tree() -> set[str]:
    """The files of the checkout that belong in an archive."""
    kept = set()
    for folder in ("calf_triage", "rules"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and not file.name.endswith(".pyc"):
                kept.add(file.relative_to(ROOT).as_posix())
    return kept


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel built from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, ROOT)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that holds the wheel and its pure dependencies, and no durable-rules."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "attrs", "cattrs")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", archives[1])
    return python


def test_the_sdist_holds_the_package_the_rules_and_the_tests(archives: tuple[Path, Path]) -> None:
    """An sdist is the whole project: it can be tested and built again."""
    with tarfile.open(archives[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert tree() <= names
    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "tests/test_packaging.py"} <= names


def test_the_wheel_holds_exactly_the_package_and_the_rules_inside_it(archives: tuple[Path, Path]) -> None:
    """Nothing is missing in a wheel, and nothing has slipped in."""
    expected = {file if file.startswith("calf_triage/") else f"calf_triage/{file}" for file in tree()}
    with zipfile.ZipFile(archives[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == expected


def test_an_installed_wheel_triages_without_durable_rules(installed: Path, tmp_path: Path) -> None:
    """Where durable-rules is absent the library runs on its plain reading, with the same rules, and says so."""
    acuity, sha256, where = triaged(installed, tmp_path)
    assert acuity == "EMERGENCY"
    assert "site-packages" in where
    assert sha256 == triaged(sys.executable, ROOT)[1]
    told = run(installed, "-c", "import calf_triage as c; print(repr(c.triage({})))", cwd=tmp_path)
    assert "by plain (durable-rules: unavailable)" in told


def test_the_installed_command_runs(installed: Path, tmp_path: Path) -> None:
    """The console script is there, and `python -m calf_triage` is the same."""
    script = installed.parent / "calf-triage"
    assert run(script, "--version", cwd=tmp_path) == run(installed, "-m", "calf_triage", "--version", cwd=tmp_path)


def test_a_wheel_on_the_path_as_a_zip_finds_its_rules(archives: tuple[Path, Path], tmp_path: Path) -> None:
    """A zip on sys.path is enough."""
    path = f"sys.path.insert(0, {str(archives[1])!r})"
    assert triaged(sys.executable, tmp_path, path)[0] == "EMERGENCY"


def test_a_bare_checkout_and_a_zip_of_it_find_their_rules(tmp_path: Path) -> None:
    """The folder beside the package is found, in a checkout and in a zip of one."""
    archive = tmp_path / "checkout.zip"
    with zipfile.ZipFile(archive, "w") as checkout:
        for name in sorted(tree()):
            checkout.write(ROOT / name, name)
    unpacked = tmp_path / "checkout"
    with zipfile.ZipFile(archive) as checkout:
        checkout.extractall(unpacked)
    for place in (archive, unpacked):
        acuity, _, where = triaged(sys.executable, tmp_path, f"sys.path.insert(0, {str(place)!r})")
        assert acuity == "EMERGENCY"
        assert where.startswith(str(place))


def test_durable_rules_is_asked_for_below_python_3_13_only() -> None:
    """durable-rules builds on 3.13 and then fails to import; there the plain reading decides."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    assert 'durable-rules==2.0.28; python_version < "3.13"' in dependencies
