"""What was rewritten between two rule sets: each rule and whatever else a folder declares, from the loaded values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, Literal

from attrs import fields, frozen, has

from calf_triage._advice import Dose
from calf_triage._criteria import Criterion, Item, When
from calf_triage._findings import Acuity, Choice, Finding
from calf_triage._rules import Rule, RuleSet

Word = Literal["lowered", "retired", "changed", "raised", "added", "reworded", "cited"]

WORDS: Final[tuple[Word, ...]] = ("lowered", "retired", "changed", "raised", "added", "reworded", "cited")
"""In the order in which they are told."""
_FIRST: Final[tuple[Word, ...]] = ("lowered", "retired", "added", "raised", "changed", "reworded", "cited")
"""What a place is called of which several are true."""

_LONGEST_SHOWN: Final = 90
_TEXTS: Final = {
    *("title", "why", "misuse", "asks", "means", "name", "says", "say", "steps", "harm", "cause", "control", "scope"),
    *("evidence", "opens", "little_say", "first_days_say", "label"),
}
_CITED: Final = {"sources", "status", "reviewed_by", "reviewed_on", "hazards", "examples", "tests"}
_NOT_WRITTEN: Final = {"id", "order", "text"}
"""What follows from the place in a file, or repeats the rest."""


@frozen
class Change:
    """What was rewritten in one place, as "same_day/suspected_clot.toml". says: each part, in words.

    what: "lowered" (later care, for fewer people, or with less caution: if that is true of one part), "retired" (gone),
    "changed" (neither lower nor higher), "raised", "added", "reworded" (texts alone) or "cited" (sources, status or
    examples alone).
    """

    what: Word
    place: str
    says: tuple[str, ...]


Line = tuple[Word, str]


def changes(old: RuleSet, new: RuleSet, fires: Mapping[str, Line] | None = None) -> tuple[Change, ...]:
    """Everything that was rewritten, the lowered first. fires: by the id of a rule, for whom it fires now."""
    found: list[Change] = []

    def told(place: str, lines: Iterable[Line]) -> None:
        if listed := list(lines):
            what = min((line[0] for line in listed), key=_FIRST.index)
            found.append(Change(what, place, tuple(line[1] for line in listed)))

    replaced = {retired.id: retired.replaced_by for retired in new.retired}
    before, now = ({rule.id: rule for rule in rules} for rules in (old, new))
    for id, rule in before.items():
        if id not in now:
            by = f"replaced by {replaced[id]}" if id in replaced else "it is gone, and retired/ does not name it"
            told(place_of(rule), [("retired", f"{rule.title}: {by}")])
    for id, rule in now.items():
        if id not in before:
            told(place_of(rule), [("added", rule.title)])
        else:
            told(place_of(rule), _of_rule(before[id], rule, (fires or {}).get(id)))
    for name, ones, others in _parts(old, new):
        for id in dict.fromkeys((*ones, *others)):
            place = f"{name}: [{id}]"
            # A law is a floor, and says less however it is rewritten, until somebody has looked.
            law = name == "laws.toml"
            if id not in others:
                told(place, [("lowered" if law else "retired", _title(ones[id]))])
            elif id not in ones:
                told(place, [("added", _title(others[id]))])
            else:
                lines = _differences(ones[id], others[id])
                told(place, [("lowered" if law and what == "changed" else what, text) for what, text in lines])
    told("findings/", _order(old, new))
    told("ruleset.toml", _scalars(old, new))
    told("plan.toml", _value("", old.plan, new.plan, None) if old.plan and new.plan else _whole(old.plan, new.plan))
    if not found and old.sha256 != new.sha256 and (old.name, old.version) == (new.name, new.version):
        told("ruleset.toml", [("reworded", "only the order of some entries differs")])
    return tuple(sorted(found, key=lambda change: WORDS.index(change.what)))


def _of_rule(old: Rule, new: Rule, fires: Line | None) -> Iterator[Line]:
    """For whom it fires tells what its criteria did."""
    moved: Word = "lowered" if new.acuity < old.acuity else "raised"
    for what, text in _differences(old, new):
        if fires and text.startswith("when "):
            yield fires[0], text
        elif new.acuity is not old.acuity and text.startswith(("within_hours", "look_again_days", "seek_help_if")):
            # These follow from the rung.
            yield moved, text
        else:
            yield what, text
    if fires:
        yield fires


def place_of(rule: Rule) -> str:
    """The file of a rule."""
    return f"{rule.acuity.word}/{rule.id}.toml"


def same_value(one: Any, other: Any, names: Iterable[str] | None = None) -> bool:
    """Whether two declarations are the same, apart from their texts; of these attributes alone where they are given."""
    if names is not None:
        return all(_meant(getattr(one, name)) == _meant(getattr(other, name)) for name in names)
    return all(what in ("reworded", "cited") for what, _ in _differences(one, other))


def _parts(old: RuleSet, new: RuleSet) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    yield "laws.toml", {law.id: law for law in old.laws}, {law.id: law for law in new.laws}
    yield "criteria.toml", old.criteria, new.criteria
    yield "scores.toml", old.scores, new.scores
    yield "findings/", old.findings.by_id, new.findings.by_id
    yield "advice/", old.advice, new.advice
    yield "causes.toml", old.causes, new.causes
    yield "services.toml", old.services, new.services
    yield "regions.toml", old.regions, new.regions
    yield "hazards.toml", old.hazards, new.hazards
    # A rule that was retired since then, or has come back, is told where it stands as a rule.
    rules = {rule.id for rule in (*old, *new)}
    retired = [{each.id: each for each in one.retired if each.id not in rules} for one in (old, new)]
    yield "retired/", retired[0], retired[1]


def _title(value: Any) -> str:
    for name in ("title", "asks", "name", "means", "says"):
        if text := getattr(value, name, None):
            return _short(str(text))
    return "with what it holds"


def _order(old: RuleSet, new: RuleSet) -> Iterator[Line]:
    """Screens and headings, and where questions stand; not the questions themselves."""
    ids = [[*rules.findings.by_id] for rules in (old, new)]
    if [id for id in ids[0] if id in ids[1]] != [id for id in ids[1] if id in ids[0]]:
        yield "reworded", "the questions stand in another order"
    screens = [{screen.id: screen for screen in rules.findings.screens} for rules in (old, new)]
    yield from _named("screen", screens[0], screens[1], "headings")
    headings = [{h.id: h for screen in rules.findings.screens for h in screen.headings} for rules in (old, new)]
    yield from _named("heading", headings[0], headings[1], "findings")


def _named(
    what: str,
    ones: Mapping[str, Any],
    others: Mapping[str, Any],
    left_out: str,
) -> Iterator[Line]:
    for id in dict.fromkeys((*ones, *others)):
        if id not in others:
            yield "changed", f"{what} {id}: gone"
        elif id not in ones:
            yield "changed", f"{what} {id}: new"
        else:
            for kind, text in _differences(ones[id], others[id], left_out):
                yield kind, f"{what} {id}: {text}"


def _whole(one: object, other: object) -> Iterator[Line]:
    if one is not other:
        yield ("added", "new") if one is None else ("retired", "gone")


def _scalars(old: RuleSet, new: RuleSet) -> Iterator[Line]:
    for name in ("scope", "lowest_age", "look_again_days", "default_see", "safety_net", "no_gain", "waivers"):
        yield from _value(name, getattr(old, name), getattr(new, name), old)


def _differences(one: Any, other: Any, left_out: str = "") -> list[Line]:
    """What differs between two values of a class."""
    found: list[Line] = []
    for attribute in fields(type(one)):
        if attribute.name not in _NOT_WRITTEN and attribute.name != left_out:
            pair = [getattr(each, attribute.name) for each in (one, other)]
            if attribute.name in ("low", "high", "benign") and isinstance(one, Finding):
                pair = [each.shown(value) for each, value in zip((one, other), pair, strict=True)]
            found += _value(attribute.name, pair[0], pair[1], one)
    return found


def _value(name: str, one: Any, other: Any, owner: Any) -> Iterator[Line]:
    """What differs between two values of an attribute."""
    if one == other or _meant(one) == _meant(other):
        return
    kind: Word = "reworded" if name in _TEXTS else "cited" if name in _CITED else "changed"
    if kind == "cited":
        yield kind, _scalar(name, one, other) if not isinstance(one, tuple) else f"{name}: other ones"
    elif None in (one, other) and has(type(one if other is None else other)) and not isinstance(one or other, Dose):
        yield kind, f"{name}: {'new' if one is None else 'gone'}"
    elif isinstance(one, When):
        for key in ("all", "any", "none"):
            yield from _value(f"when {key}", getattr(one, key), getattr(other, key), owner)
    elif isinstance(one, str) and isinstance(other, str):
        yield kind, f"{name}: {_between(one, other)}"
    elif isinstance(one, tuple) and isinstance(other, tuple):
        yield from _lists(kind, name, one, other)
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            word = key.word if isinstance(key, Acuity) else str(key)
            if key not in one or key not in other:
                yield kind, f"{name} {word}: {'new' if key in other else 'gone'}".strip()
            else:
                yield from _value(f"{name} {word}".strip(), one[key], other[key], owner)
    elif has(type(one)) and type(one) is type(other) and not isinstance(one, Dose | Criterion):
        for line in _differences(one, other):
            yield line[0], f"{name} {line[1]}".strip()
    else:
        yield _direction(name, one, other, owner) or kind, _scalar(name, one, other)


def _direction(name: str, one: Any, other: Any, owner: Any) -> Word | None:
    """Whether a number or a rung went to the less careful side, or to the more careful one."""
    if name in ("acuity", "at_least", "floor", "lowest_age", "must_not_miss"):
        before, now = (-1 if value is None else int(value) for value in (one, other))
        return "lowered" if now < before else "raised"
    if name == "within_hours" and isinstance(owner, Rule) and one and other:
        return "lowered" if other > one else "raised"
    return None


def _lists(kind: Word, name: str, one: tuple[Any, ...], other: tuple[Any, ...]) -> Iterator[Line]:
    for key in dict.fromkeys(map(_named_by, one)) if kind == "changed" else ():
        # The same entry, and something in it: that is told, and not the entry twice.
        pair = [value for values in (one, other) for value in values if _named_by(value) == key]
        if key is not None and len(pair) == 2 and _meant(pair[0]) != _meant(pair[1]):
            for line in _differences(*pair):
                yield line[0], f"{name}: {_in_words(pair[0])}: {line[1]}"
            one, other = (tuple(v for v in values if _named_by(v) != key) for values in (one, other))
    before, now = ({_meant(value): _in_words(value) for value in values} for values in (one, other))
    gone = [text for key, text in before.items() if key not in now]
    new = [text for key, text in now.items() if key not in before]
    if not gone and not new and _meant(one) == _meant(other):
        return
    if kind == "reworded":
        yield kind, f"{name}: {_between(' '.join(gone), ' '.join(new))}" if gone or new else f"{name}: in another order"
        return
    careful = name == "contraindicated_by"
    for text in gone:
        yield "lowered" if careful else kind, f"{name}: − {text}"
    for text in new:
        yield "raised" if careful else kind, f"{name}: + {text}"
    if not gone and not new:
        yield kind, f"{name}: in another order"


def _named_by(value: Any) -> object:
    """What tells an entry of a list from the others: its id, or what it is read with; None where it has neither."""
    if isinstance(value, Item):
        return None
    if has(type(value)) and hasattr(value, "criterion"):
        return _meant(value.criterion)
    return getattr(value, "id", None) if has(type(value)) and not isinstance(value, Choice) else None


def _meant(value: Any) -> Any:
    """What of a value matters: a criterion is the same however its number is written."""
    if isinstance(value, Criterion):
        return (value.form, value.name, value.value)
    if isinstance(value, Item):
        return (_meant(value.criterion), value.points)
    if isinstance(value, When):
        return tuple(tuple(map(_meant, part)) for part in (value.all, value.any, value.none))
    if isinstance(value, tuple):
        return tuple(map(_meant, value))
    if isinstance(value, dict):
        return frozenset((key, _meant(inner)) for key, inner in value.items())
    if has(type(value)):
        return tuple(_meant(getattr(value, each.name)) for each in fields(type(value)) if each.name != "order")
    return value


def _in_words(value: Any) -> str:
    if isinstance(value, Criterion):
        return value.text
    if isinstance(value, Item):
        return f"{value.criterion.text} ({value.points})"
    if isinstance(value, Choice):
        return f"{value.id} ({value.label})"
    if hasattr(value, "criterion"):
        return _short(f"{value.criterion.text}: {value.say}" if hasattr(value, "say") else value.criterion.text)
    return _short(str(getattr(value, "id", value)))


def _scalar(name: str, one: Any, other: Any) -> str:
    def word(value: Any) -> str:
        if isinstance(value, Acuity):
            return value.word
        if isinstance(value, Criterion):
            return value.text
        if value is None or isinstance(value, bool):
            return {None: "none", True: "yes", False: "no"}[value]
        return _short(str(value.value if isinstance(value, Enum) else value))

    return f"{name}: {word(one)} → {word(other)}".removeprefix(": ")


def _between(one: str, other: str) -> str:
    """Two texts, each from where they part to where they meet again."""
    before, now = one.split(), other.split()
    first = next((n for n, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now)))
    most = min(len(before), len(now)) - first
    last = next((n for n in range(most) if before[-1 - n] != now[-1 - n]), most)

    def cut(words: list[str]) -> str:
        text = " ".join(words[max(first - 2, 0) : len(words) - max(last - 2, 0)])
        lead, end = ("… " if first > 2 else ""), (" …" if last > 2 else "")
        return f'"{lead}{_short(text)}{end}"'

    return f"{cut(before)} → {cut(now)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN].rstrip()}…"
