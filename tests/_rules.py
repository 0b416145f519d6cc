"""The rule sets that the tests run on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from calf_triage import RuleSet, RuleSetError, load_rules
from calf_triage._triage import bundled_rules

MINI_FOLDER: Final = Path(__file__).parent / "folders" / "mini"
MINI: Final = load_rules(MINI_FOLDER)
"""A small valid set that changes only with the tests."""


def _bundled_or_mini() -> RuleSet:
    try:
        return bundled_rules()
    except RuleSetError:
        return MINI


RULES: Final = _bundled_or_mini()
"""The bundled rules; the small set while they cannot be loaded."""
BUNDLED: Final = RULES is not MINI
