"""JSON of the library's values, out and back: strict, the same bytes every time, and no answer in any error."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args

from calf_triage._errors import listed
from calf_triage._findings import Acuity, Answer

if TYPE_CHECKING:
    from cattrs import Converter

MOST_JSON: Final = 4 * 1024 * 1024
LONGEST_PROBLEM: Final = 200
LONGEST_NUMBER: Final = 300

T = TypeVar("T")

_unions: list[Any] = []
_left_out: dict[type[Any], tuple[str, ...]] = {}


def tell_apart(union: Any) -> None:
    """Values of this union are written with the name of their class as "type", and read by it."""
    _unions.append(union)


def leave_out(cls: type[Any], *names: str) -> None:
    """These fields of a class are not written, and not accepted."""
    _left_out[cls] = names


def left_out(cls: type[Any]) -> tuple[str, ...]:
    """The fields of a class that are not written."""
    return _left_out.get(cls, ())


def written(value: object) -> str:
    """A value of this library as JSON text. The same value gives the same bytes."""
    return json.dumps(_converter().unstructure(value), ensure_ascii=False, separators=(",", ":"))


def read(text: object, cls: type[T], what: str) -> T:
    """A value that `written` wrote; what: what it should be, "an assessment". ValueError, with every problem, else."""
    from cattrs import transform_error

    if not isinstance(text, str) or len(text) > MOST_JSON:
        raise ValueError(f"expected a JSON text of at most {MOST_JSON} characters")
    wrong, document = "", None
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_int=_whole)
    except RecursionError:
        wrong = "the JSON is nested too deeply"
    except json.JSONDecodeError as error:
        wrong = f"not {what}:\nno JSON: {error.msg} (line {error.lineno}, column {error.colno})"
    except ValueError as error:
        wrong = str(error)
    if not wrong:
        try:
            return _converter().structure(document, cls)
        except Exception as error:  # noqa: BLE001 - cattrs raises groups of anything
            problems = transform_error(error, path=what.split()[-1], format_exception=_without_values)
            wrong = f"not {what}:\n{listed(tuple(problem[:LONGEST_PROBLEM] for problem in problems))}"
    # Raised here and not above: the errors of others carry what was given, answers and all, and would hang on to it.
    raise ValueError(wrong)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a JSON key stands twice")
    return found


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a JSON number has more than {LONGEST_NUMBER} digits")
    return int(digits)


def _no_constant(_: str) -> object:
    raise ValueError("NaN and infinity are no JSON")


def _without_values(error: BaseException, _: type | None) -> str:
    """What is wrong, without what was given: an answer never stands in an error."""
    if isinstance(error, KeyError):
        return "a field is missing"
    if type(error).__name__ == "ForbiddenExtraKeysError":
        return "has unknown fields"
    return "is not what was expected"


_made: list[Converter] = []


def _converter() -> Converter:
    """Made once, and only when JSON is asked for: importing it costs more than a triage."""
    if _made:
        return _made[0]
    from cattrs import Converter
    from cattrs.cols import list_structure_factory
    from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
    from cattrs.strategies import configure_tagged_union

    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_unstructure_hook(Acuity, {acuity: acuity.word for acuity in Acuity}.__getitem__)
    converter.register_structure_hook(Acuity, lambda word, _: _rung(word))
    converter.register_structure_hook_func(
        lambda wanted: wanted == Literal[Acuity.SELF_CARE], lambda word, _: _rung(word)
    )
    for kind in (str, bool, int):
        converter.register_structure_hook(kind, _exactly)
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_structure_hook(date, lambda day, _: _day(day))
    converter.register_structure_hook_func(lambda wanted: wanted == Answer, lambda value, _: _answer(value))
    converter.register_structure_hook_func(
        lambda wanted: wanted == Answer | None, lambda value, _: None if value is None else _answer(value)
    )
    converter.register_structure_hook_factory(
        lambda wanted: getattr(wanted, "__origin__", None) is tuple and get_args(wanted)[1:] == (...,),
        lambda wanted: _tuple(list_structure_factory(wanted, converter)),
    )
    for union in _unions:
        configure_tagged_union(union, converter, tag_name="type")
    for cls, names in _left_out.items():
        out: Any = {name: override(omit=True) for name in names}
        converter.register_unstructure_hook(cls, make_dict_unstructure_fn(cls, converter, **out))
        converter.register_structure_hook(
            cls, make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True, **out)
        )
    _made.append(converter)
    return converter


def _tuple(as_list: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def structure(value: object, wanted: object) -> tuple[object, ...]:
        # cattrs would take an object's keys, or a text's letters, for the list.
        if type(value) is not list:
            raise ValueError
        return tuple(as_list(value, wanted))

    return structure


def _rung(word: object) -> Acuity:
    for acuity in Acuity:
        if word == acuity.word:
            return acuity
    raise ValueError


def _exactly(value: object, wanted: type) -> object:
    if type(value) is not wanted:
        raise ValueError
    if isinstance(value, str):
        # Half a surrogate pair can be escaped in JSON, and printed nowhere.
        value.encode()
    return value


def _day(value: object) -> date:
    found = date.fromisoformat(str(_exactly(value, str)))
    if found.isoformat() != value:
        raise ValueError
    return found


def _answer(value: object) -> object:
    # 1e999 is JSON, and read as infinity.
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    if isinstance(value, bool | int | float):
        return value
    return _exactly(value, str)
