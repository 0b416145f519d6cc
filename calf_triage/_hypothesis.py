"""What hypothesis calls when it is imported, wherever this library is installed; the other way round nothing is."""

from __future__ import annotations


def register() -> None:
    """Teaches `st.from_type` rule sets. The strategies are imported only once somebody asks for one."""
    from hypothesis import strategies as st

    from calf_triage._rules import RuleSet

    def made_up(_: type[RuleSet]) -> st.SearchStrategy[RuleSet]:
        from calf_triage.strategies import rule_sets

        return rule_sets()

    st.register_type_strategy(RuleSet, made_up)
