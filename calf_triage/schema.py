"""JSON Schemas (draft 2020-12) of what goes in and what comes out, made from the rules and the types themselves."""

from __future__ import annotations

import types
from datetime import date
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from calf_triage import _json
from calf_triage._assessment import INTENDED_USE, Assessment, Disposition
from calf_triage._findings import UNSURE, Acuity, Finding
from calf_triage._rules import RuleSet

Schema = dict[str, Any]

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: Final = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}


def answers_schema(rules: RuleSet) -> Schema:
    """The schema of an answers object of these rules. null and a missing answer are the same: absent.

    Two things it leaves to `triage`, which refuses them: an answer whose `only_if` is answered no (the description
    names it), and too many decimals (to validators that reckon in binary, 0.3 is no multiple of 0.1).
    """
    return {
        "$schema": _DRAFT,
        "title": f"Answers for {rules.name} {rules.version}",
        "description": INTENDED_USE,
        "type": "object",
        "properties": {finding.id: _answer(finding) for finding in rules.findings.by_id.values()},
        "additionalProperties": False,
    }


def _answer(finding: Finding) -> Schema:
    about = [f"{finding.kind.value.replace('_', ' ')}"]
    if finding.floor is not None:
        about.append(f"red flag: yes is at least {finding.floor.word}")
    if finding.only_if is not None:
        about.append(f"only if {finding.only_if}")
    found: Schema = {"title": finding.asks}
    if finding.type == "yes_no":
        found["anyOf"] = [{"type": "boolean"}, {"enum": [UNSURE, None]}]
    elif finding.type == "choice":
        found["enum"] = [*(choice.id for choice in finding.choices), UNSURE, None]
        about.append("; ".join(f"{choice.id}: {choice.label}" for choice in finding.choices))
    else:
        number: Schema = {
            "type": "number",
            "minimum": finding.number(finding.low),
            "maximum": finding.number(finding.high),
        }
        if not finding.decimals:
            number["multipleOf"] = 1
        found["anyOf"] = [number, {"enum": [UNSURE, None]}]
        about.append(finding.expected())
    return {**found, "description": ". ".join(about)}


def assessment_schema() -> Schema:
    """The schema of what `Assessment.to_json` writes, made from the types of its fields."""
    return _document("Assessment", Assessment)


def document_schema(what: str) -> Schema:
    """The schema of what a command prints with --json: "assessment", "explanation", "follow-up" or "plan".

    An explanation as it is without --rule. A plan of the right form may still be none: `Plan.checked` tells. KeyError
    for another word.
    """
    # Here, because a schema of answers needs nothing of these.
    from calf_triage.explain.explanation import Document
    from calf_triage.follow_up import FollowUp
    from calf_triage.plan import Plan

    of: dict[str, tuple[str, type[Any]]] = {
        "assessment": ("Assessment", Assessment),
        "explanation": ("Explanation", Document),
        "follow-up": ("FollowUp", FollowUp),
        "plan": ("Plan", Plan),
    }
    return _document(*of[what])


def _document(title: str, cls: type[Any]) -> Schema:
    definitions: dict[str, Schema] = {}
    body = _object(cls, definitions)
    return {"$schema": _DRAFT, "title": title, **body, "$defs": dict(sorted(definitions.items()))}


def _object(cls: type[Any], definitions: dict[str, Schema]) -> Schema:
    hints = get_type_hints(cls)
    without = _json.left_out(cls)
    names = [attribute.name for attribute in attrs.fields(cls) if attribute.name not in without]
    properties = {name: _type(hints[name], definitions) for name in names}
    if cls in get_args(Disposition):
        properties["type"] = {"const": cls.__name__}
    found: Schema = {"description": cls.__doc__.partition("\n")[0]} if cls.__doc__ else {}
    return {
        **found,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _type(wanted: Any, definitions: dict[str, Schema]) -> Schema:
    """The schema of a field's type, as the JSON of the library's values writes it."""
    origin, args = get_origin(wanted), get_args(wanted)
    if wanted in _SCALARS:
        return {"type": _SCALARS[wanted]}
    if wanted is date:
        return {"type": "string", "format": "date"}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_type(arg, definitions) for arg in args]}
    if origin is Literal:
        return {"enum": [_word(arg) for arg in args]}
    if origin is tuple and args[1:] == (...,):
        return {"type": "array", "items": _type(args[0], definitions)}
    if origin is tuple:
        each = [_type(arg, definitions) for arg in args]
        return {"type": "array", "prefixItems": each, "items": False, "minItems": len(each)}
    if origin is dict and args[0] is str:
        return {"type": "object", "additionalProperties": _type(args[1], definitions)}
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return {"enum": [_word(member) for member in wanted]}
    if isinstance(wanted, type) and attrs.has(wanted):
        if wanted.__name__ not in definitions:
            definitions[wanted.__name__] = {}
            definitions[wanted.__name__] = _object(wanted, definitions)
        return {"$ref": f"#/$defs/{wanted.__name__}"}
    raise TypeError(f"no JSON is known for {wanted}")


def _word(member: Any) -> Any:
    return member.word if isinstance(member, Acuity) else member
