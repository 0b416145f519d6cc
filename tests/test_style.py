"""Types and lint, as the project sets them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy"])
def test_types_and_lint_are_clean(command: str) -> None:
    """ruff and mypy --strict find nothing."""
    tool, *words = command.split()
    done = subprocess.run(
        [sys.executable, "-m", tool, *words, *([] if tool == "mypy" else ["."])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
