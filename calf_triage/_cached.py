"""Properties that are worked out once, by no lock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property
else:

    class cached_property:  # noqa: N801 - it stands in for the one of functools
        """`functools.cached_property` as it is since Python 3.12.

        That of 3.11 holds one lock for the property of all instances while it works one out: threads wait for each
        other, and a child forked meanwhile waits for ever.
        """

        def __init__(self, function: Callable[[Any], Any]) -> None:
            self._function, self.__doc__ = function, function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            """Works it out; what is kept under its name is then found before this is asked."""
            if instance is None:
                return self
            return vars(instance).setdefault(self._name, self._function(instance))


__all__ = ["cached_property"]
