"""The rule sets that the tests run on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from calf_triage import RuleSet, load_rules
from calf_triage._triage import bundled_rules

MINI_FOLDER: Final = Path(__file__).parent / "folders" / "mini"
MINI: Final = load_rules(MINI_FOLDER)
"""A small valid set that changes only with the tests."""
RULES: Final[RuleSet] = bundled_rules()
"""The rules that come with the library."""
