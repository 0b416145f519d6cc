"""Reads a rule folder: every problem of every file at once, and safely whatever the folder holds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, fields, frozen

from calf_triage._advice import (
    SELF_CARE_KINDS,
    Advice,
    AdviceKind,
    Dose,
    Modification,
    Region,
    Service,
    Source,
    Span,
)
from calf_triage._criteria import Criterion, Item, NamedCriterion, Score, When, Written, parse
from calf_triage._errors import LONGEST_NAME, RuleSetError, did_you_mean, shown
from calf_triage._findings import (
    MOST_PROBLEMS,
    MOST_SUGGESTIONS,
    UNITS,
    UNSURE,
    Acuity,
    Choice,
    Finding,
    Findings,
    Heading,
    Kind,
    Screen,
    Value,
)
from calf_triage._folder import LARGEST_NUMBER, Folder, has_unseen, parsed, printable, read_folder
from calf_triage._rules import (
    Cause,
    Example,
    Gate,
    Hazard,
    Ladder,
    Law,
    NoGain,
    PainLimit,
    PlanRules,
    Retired,
    Rule,
    RuleSet,
    StopSign,
)
from calf_triage.readings import durable

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

LONGEST_TEXT: Final = 1_000
LONGEST_LIST: Final = 60
MOST_NAMES: Final = 1_000
DEEPEST_NAMES: Final = 16
# Were each name to stand for four others, ten in a row would stand for a million criteria.
MOST_WRITTEN_OUT: Final = 1_000
MOST_CIRCLES: Final = 10
MOST_CHOICES: Final = 12
MOST_POINTS: Final = 1_000
MOST_DOSE: Final = 10_000
HOURS: Final = (48, 72, 336)
MOST_DAYS: Final = 365
# So that an emergency's page keeps to 40 words: 12 of its own, a number, a place, and two items of nine.
MOST_WORDS_ITEM: Final = 9
MOST_WORDS_NUMBER: Final = 4
MOST_WORDS_PLACE: Final = 6

_ID: Final = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
_ID_IN_WORDS: Final = f"up to {LONGEST_NAME} small letters, digits and _, a letter first"
_CRITERION_IN_WORDS: Final = "`name`, `name >= 3`, `name < 3`, `name is choice` or `name is unsure`"
_QUESTION: Final = re.compile(r"[A-Z][A-Z_]{0,47}")
_QUESTION_IN_WORDS: Final = "a question of `calf-triage verify`, as NECESSARY"
_HAZARD: Final = re.compile(r"H[1-9][0-9]{0,2}")
_REGION: Final = re.compile(r"[A-Z]{2}|generic")
_LINK: Final = re.compile(r"https?://[^\s\"'<>]+")
_VERSION: Final = re.compile(r"[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}")
_RUNGS: Final = {acuity.word: acuity for acuity in reversed(Acuity)}
_ESCALATIONS: Final = [word for word in _RUNGS if word != "self_care"]
_FOLDERS: Final = ["findings", "advice", *_RUNGS, "retired"]
_MISSING: Final = {
    "ruleset.toml": "is missing; it names the rule set, its version, scope and lowest age",
    "findings/": "is missing; it holds what may be asked",
    "services.toml": "is missing; it says where one can be seen",
    "regions.toml": "is missing; it holds the emergency numbers",
    "advice/": "is missing, though its items are named",
    "causes.toml": "is missing, though its causes are named",
    "hazards.toml": "is missing, though its hazards are named",
}
_REQUIRED: Final = ["ruleset.toml", "findings/", "services.toml", "regions.toml"]
_FILES: Final = [
    *("ruleset.toml", "criteria.toml", "scores.toml", "causes.toml"),
    *("services.toml", "regions.toml", "hazards.toml", "laws.toml", "plan.toml", "waivers.toml"),
]
_STANDS: Final = {
    **dict.fromkeys(("see", "meanwhile", "avoid"), "does not stand in self_care/"),
    "within_hours": "stands only in soon/",
    **dict.fromkeys(("look_again_days", "seek_help_if"), "stands only below same_day/"),
    "do": "stands only in self_care/",
}


def load_rules(folder: str | os.PathLike[str] | Traversable | None = None) -> RuleSet:
    """The rule set in a folder; the bundled one if no folder is given. A folder in a zip is given as a `zipfile.Path`.

    Safe on folders of unknown origin: nothing in them is run, links that lead out of the folder are refused, and the
    number, size and nesting of the files are bounded.
    Raises RuleSetError with every problem of every file; and that alone, whatever the folder holds.
    """
    if folder is None:
        return _Loader(read_folder(_bundled())).load()
    return _Loader(read_folder(Path(folder) if isinstance(folder, str | os.PathLike) else folder)).load()


def _bundled() -> Traversable:
    """The packaged rules if they were packaged, else the folder beside the package: in a checkout, or a zip of one."""
    package: Traversable = Path(__file__).parent
    if not package.is_dir():
        # Here, because only in a zip there is no such folder.
        from importlib.resources import files

        package = files("calf_triage")
    packaged = package / "rules"
    if (packaged / "ruleset.toml").is_file():
        return packaged
    beside: Traversable = getattr(package, "parent", package) / "rules"
    return beside if beside.is_dir() else packaged


# -- tables ----------------------------------------------------------------------------------------------------------


_Said = dict[tuple[str, str, int | str | None], str]
"""What criteria mean, and where that was said."""


class _Table:
    """One TOML table on its way to a value: each key is taken once, and every wrong or left-over key is a problem."""

    def __init__(
        self, loader: _Loader, file: str, table: Mapping[str, Any], path: tuple[str, ...] = (), number: int = 0
    ) -> None:
        self.file = file
        self._loader, self._left, self._path, self._number = loader, dict(table), path, number
        self._asked: set[str] = set()

    def problem(self, what: str, key: str = "") -> None:
        name = ".".join(self._path)
        header = f"[[{name}]] {self._number}" if self._number else f"[{name}]" if name else ""
        place = " ".join(part for part in (header, key) if part)
        self._loader.problem(printable(self.file), *([place] if place else []), what)

    def raw(self, key: str, required: bool = False) -> Any:
        self._asked.add(key)
        if required and key not in self._left:
            self.problem("is missing", key)
        return self._left.pop(key, None)

    def text(self, key: str) -> str:
        """A text that has to be there; empty if it is not, or is wrong."""
        found = self.raw(key, required=True)
        return "" if found is None else self.sound_text(found, key)

    def optional(self, key: str) -> str | None:
        found = self.raw(key)
        return None if found is None else self.sound_text(found, key) or None

    def sound_text(self, found: object, key: str) -> str:
        if not isinstance(found, str):
            self.problem("expected a text", key)
        elif not found.strip():
            self.problem("is empty", key)
        elif len(found) > LONGEST_TEXT:
            self.problem(f"longer than {LONGEST_TEXT} characters", key)
        elif has_unseen(found):
            self.problem("holds a character that cannot be seen", key)
        else:
            return found
        return ""

    def texts(self, key: str, required: bool = False) -> tuple[str, ...]:
        found = self.raw(key, required)
        if found is None:
            return ()
        if not isinstance(found, list):
            self.problem("expected a list of texts", key)
            return ()
        if len(found) > LONGEST_LIST:
            self.problem(f"more than {LONGEST_LIST} entries", key)
            return ()
        if required and not found:
            self.problem("is empty", key)
        texts: dict[str, None] = {}
        for entry in found:
            if text := self.sound_text(entry, key):
                if text in texts:
                    self.problem(f"{shown(text)} stands twice", key)
                texts[text] = None
        return tuple(texts)

    def one_of(self, text: str, words: Collection[str], what: str, key: str) -> bool:
        """Whether it is one of the words; a problem if it is not, and not empty either."""
        if text and text not in words:
            expected = f"; expected {printable(', '.join(words))}" if len(words) <= MOST_CHOICES else ""
            self.problem(f"unknown {what} {shown(text)}{self._loader.near(text, words) or expected}", key)
        return text in words

    def refers(self, text: str, what: str, key: str) -> bool:
        """Whether it names something that is declared and sound; a problem if it names nothing."""
        names = self._loader.names[what]
        if text in names.declared:
            return names.sound(text)
        if text and names.missing:
            self._loader.problem(names.where, _MISSING[names.where])
        elif text and not names.refused:
            self.problem(f"unknown {what} {shown(text)}{self._loader.near(text, names.declared)}", key)
        return False

    def references(self, key: str, what: str, required: bool = False) -> tuple[str, ...]:
        return tuple(text for text in self.texts(key, required) if self.refers(text, what, key))

    def whole(self, key: str, low: int, high: int) -> int | None:
        """A whole number that has to be there."""
        found = self.raw(key, required=True)
        if found is None or (type(found) is int and low <= found <= high):
            return found
        self.problem(f"expected a whole number from {low} to {high}", key)
        return None

    def flag(self, key: str, default: bool | None = None) -> bool:
        found = self.raw(key, default is None)
        if found is not None and not isinstance(found, bool):
            self.problem("expected true or false", key)
        return found if isinstance(found, bool) else bool(default)

    def day(self, key: str) -> str | None:
        found = self.raw(key)
        if found is None:
            return None
        if type(found) is not date:
            self.problem("expected a date, as 2026-11-22", key)
            return None
        return found.isoformat()

    def table(self, key: str, required: bool = False) -> _Table | None:
        found = self.raw(key, required)
        if found is not None and not isinstance(found, dict):
            self.problem("expected a table", key)
        return self._inner(key, found) if isinstance(found, dict) else None

    def tables(self, key: str, required: bool = False) -> list[_Table]:
        found = self.raw(key, required)
        if found is None:
            return []
        if not isinstance(found, list) or not found or not all(isinstance(entry, dict) for entry in found):
            self.problem(f"expected one or more tables, each headed [[{'.'.join((*self._path, key))}]]", key)
            return []
        return [self._inner(key, entry, number) for number, entry in enumerate(found, 1)]

    def entries(self, pattern: re.Pattern[str] = _ID, in_words: str = _ID_IN_WORDS) -> Iterator[tuple[str, _Table]]:
        """All that is left, as tables by id."""
        for key in list(self._left):
            found = self._left.pop(key)
            if not isinstance(found, dict):
                self.problem(f"{shown(key)} is no known key, and no table")
            elif not pattern.fullmatch(key):
                self.problem(f"{shown(key)} is no id; expected {in_words}")
            else:
                yield key, self._inner(key, found)

    def _inner(self, key: str, table: Mapping[str, Any], number: int = 0) -> _Table:
        return _Table(self._loader, self.file, table, (*self._path, key), number)

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def left(self) -> list[str]:
        """The keys that nobody asked for yet."""
        return list(self._left)

    def done(self) -> None:
        """Reports the keys that nobody asked for."""
        for key in self._left:
            self.problem(f"unknown key {shown(key)}{self._loader.near(key, self._asked)}")


# -- names -----------------------------------------------------------------------------------------------------------


@define
class _Names:
    """What may be named by one word, and where it is declared."""

    where: str
    declared: set[str]
    missing: bool
    refused: bool
    """A file could not be read, so that a name that is not found may yet be right."""
    broken: set[str] = field(factory=set)
    """Declared, but wrong, which is a problem of its own; not one of whatever names it."""

    def sound(self, name: str) -> bool:
        return name in self.declared and name not in self.broken


@frozen
class _Extent:
    """How far criteria reach through the names that they use."""

    depth: int = 0
    written_out: int = 0
    has_none: bool = False
    first: int = sys.maxsize
    """The earliest question that is read."""


class _Loader:
    """Everything that is known while a folder is read. Order: what is named comes before what names it."""

    def __init__(self, folder: Folder) -> None:
        self._problems: dict[str, None] = {}
        self._suggestions = 0
        self._refused = dict(folder.refused)
        self._parsed: dict[str, dict[str, Any]] = {}
        for path, content in sorted(folder.contents.items()):
            table = parsed(content)
            if isinstance(table, str):
                self._refused[path] = table
            else:
                self._parsed[path] = table
        self.names = {
            "finding": self._declared("findings/", "finding"),
            "criterion": self._declared("criteria.toml"),
            "score": self._declared("scores.toml"),
            "service": self._declared("services.toml"),
            "hazard": self._declared("hazards.toml"),
            "cause": self._declared("causes.toml"),
            "advice": self._declared("advice/"),
        }
        self._findings: dict[str, Finding] = {}
        self._tables: dict[str, _Table] = {}
        self._screens: list[Screen] = []
        self._ordered = True
        self._loose: set[str] = set()
        """Findings whose only_if is wrong, so that what they hang below is not known."""
        self._most: dict[str, int] = {}
        self._criteria: dict[str, NamedCriterion] = {}
        self._scores: dict[str, Score] = {}
        self._extents: dict[str, _Extent] = {}
        self._services: dict[str, Service] = {}
        self._regions: dict[str, Region] = {}
        self._hazards: dict[str, Hazard] = {}
        self._causes: dict[str, Cause] = {}
        self._advice: dict[str, Advice] = {}
        self._laws: dict[str, Law] = {}
        self._rules: dict[str, Rule] = {}
        self._retired: dict[str, Retired] = {}

    def _declared(self, where: str, group: str = "") -> _Names:
        tables: list[Any] = [table for path, table in self._parsed.items() if path.startswith(where)]
        if group:
            tables = [table.get(group) for table in tables]
        declared = {key for table in tables if isinstance(table, dict) for key in table}
        refused = any(path.startswith(where) for path in self._refused)
        return _Names(where, declared, not tables and not refused, refused)

    def problem(self, *parts: str) -> None:
        self._problems[": ".join(parts)] = None
        if len(self._problems) >= MOST_PROBLEMS:
            raise RuleSetError([*self._problems, f"more than {MOST_PROBLEMS} problems; the rest was not read"])

    def near(self, name: str, known: Collection[str]) -> str:
        """A suggestion. Each is a search through all names, so not every one of a thousand problems has one."""
        self._suggestions += 1
        return did_you_mean(name, known) if self._suggestions <= MOST_SUGGESTIONS else ""

    # -- the whole ---------------------------------------------------------------------------------------------------

    def load(self) -> RuleSet:
        self._places()
        self._read_findings()
        self._read_names()
        self._read_services_and_regions()
        self._each("hazards", self._read_hazard, _HAZARD, "H1 to H999")
        self._each("causes", self._read_cause)
        self._read_advice()
        settings = self._settings()
        self._each("laws", self._read_law)
        self._read_rules()
        self._read_retired()
        plan = self._plan()
        waivers = self._waivers()
        if self._problems:
            raise RuleSetError(self._problems)
        loaded = RuleSet(
            sha256=self._sha256(),
            findings=Findings(self._findings, tuple(self._screens)),
            criteria=dict(sorted(self._criteria.items())),
            scores=dict(sorted(self._scores.items())),
            rules=tuple(sorted(self._rules.values(), key=self._order)),
            causes=dict(sorted(self._causes.items())),
            advice=dict(sorted(self._advice.items())),
            services=self._services,
            regions=dict(sorted(self._regions.items())),
            hazards=dict(sorted(self._hazards.items())),
            laws=tuple(law for _, law in sorted(self._laws.items())),
            retired=tuple(rule for _, rule in sorted(self._retired.items())),
            plan=plan,
            waivers=waivers,
            **settings,
        )
        if problems := durable.limit_problems(loaded, keep=True):
            raise RuleSetError(problems)
        return loaded

    def _sha256(self) -> str:
        """Of the canonical content: files by path, keys sorted; but questions, choices and services in their order."""
        questions = [[name, [choice.id for choice in finding.choices]] for name, finding in self._findings.items()]
        canonical = [questions, list(self._services), sorted(self._parsed.items())]
        text = json.dumps(canonical, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _order(self, rule: Rule) -> tuple[int, int, int, str]:
        """Most acute first, then sooner, then in question order, then by id."""
        return -rule.acuity, rule.within_hours or sys.maxsize, self._extent(rule.when).first, rule.id

    def _places(self) -> None:
        for path, why in self._refused.items():
            self.problem(printable(path.rstrip("/")), why)
        for path in self._parsed:
            folder, slash, _ = path.partition("/")
            if not slash and path not in _FILES:
                self.problem(printable(path), f"no such file is known here{self.near(path, _FILES)}")
            elif slash and folder not in _FOLDERS:
                self.problem(printable(folder), f"no such folder is known here{self.near(folder, _FOLDERS)}")
            elif slash and not _ID.fullmatch(_stem(path)):
                self.problem(printable(path), f"the name is no id; expected {_ID_IN_WORDS}")
        for where in _REQUIRED:
            if not any(path.startswith(where) for path in (*self._parsed, *self._refused)):
                self.problem(where, _MISSING[where])

    def _in(self, folder: str) -> list[_Table]:
        return [_Table(self, path, table) for path, table in self._parsed.items() if path.startswith(f"{folder}/")]

    def _file(self, name: str) -> _Table:
        return _Table(self, f"{name}.toml", self._parsed.get(f"{name}.toml", {}))

    def _each(
        self,
        name: str,
        read: Callable[[str, _Table], None],
        pattern: re.Pattern[str] = _ID,
        in_words: str = _ID_IN_WORDS,
    ) -> None:
        for key, table in self._file(name).entries(pattern, in_words):
            read(key, table)
            table.done()

    def _settings(self) -> dict[str, Any]:
        if "ruleset.toml" not in self._parsed:
            return {}
        table = self._file("ruleset")
        settings: dict[str, Any] = {
            "name": table.text("name"),
            "version": table.text("version"),
            "scope": table.text("scope"),
            "lowest_age": table.whole("lowest_age", 0, 120),
            "safety_net": self._items(table, "safety_net", {AdviceKind.SAFETY_NET}, required=True),
            "look_again_days": table.whole("look_again_days", 1, 365),
            "no_gain": self._no_gain(table.table("no_gain")),
            "default_see": {},
        }
        if settings["version"] and not _VERSION.fullmatch(settings["version"]):
            table.problem("expected three numbers, as 1.2.0", "version")
        if see := table.table("default_see", required=True):
            settings["default_see"] = {_RUNGS[word]: self._see(see, word, _RUNGS[word]) for word in _ESCALATIONS}
            see.done()
        self._lowest_age(table, settings["lowest_age"] or 0)
        table.done()
        return settings

    def _no_gain(self, table: _Table | None) -> NoGain | None:
        if table is None:
            return None
        names = (table.text("finding"), *table.texts("symptoms", required=True))
        sound = [name for name in names if table.refers(name, "finding", "finding" if name == names[0] else "symptoms")]
        for name in sound:
            if self._findings[name].type != "yes_no":
                table.problem(f"{shown(name)} is not answered yes or no")
        days = table.whole("after_days", 1, 365)
        table.done()
        return NoGain(names[0], names[1:], days or 0)

    def _lowest_age(self, table: _Table, lowest: int) -> None:
        names, age = self.names["finding"], self._findings.get("age_years")
        if not lowest or names.missing or names.refused or "age_years" in names.broken:
            return
        if age is None or age.type != "measurement":
            table.problem("needs a measurement age_years among the findings", "lowest_age")
        elif not age.low <= lowest * 10**age.decimals <= age.high:
            table.problem("is outside the range of age_years", "lowest_age")

    # -- findings ----------------------------------------------------------------------------------------------------

    def _read_findings(self) -> None:
        screens: dict[int, list[_Table]] = {}
        for table in self._in("findings"):
            position = table.whole("position", 0, 1_000)
            if position in screens:
                table.problem("another screen has this position", "position")
            self._ordered &= position is not None
            screens.setdefault(sys.maxsize if position is None else position, []).append(table)
        headings: set[str] = set()
        opened = [
            (self._read_screen(table, position, headings), table)
            for position, tables in sorted(screens.items())
            for table in tables
        ]
        names = self.names["finding"]
        names.broken |= names.declared.difference(self._findings)
        for screen, table in opened:
            self._screens.append(screen)
            if screen.opens_with and table.refers(screen.opens_with, "finding", "opens_with"):
                self._opens(screen, screen.opens_with, table)
        for name, table in self._tables.items():
            self._mirrored(self._findings[name], table)

    def _read_screen(self, table: _Table, position: int, taken: set[str]) -> Screen:
        title, opens_with = table.text("title"), table.optional("opens_with")
        headings: dict[str, tuple[str, str]] = {}
        under: dict[str, list[str]] = {}
        for heading in table.tables("heading", required=True):
            name = heading.text("id")
            if name and not _ID.fullmatch(name):
                heading.problem(f"{shown(name)} is no id; expected {_ID_IN_WORDS}", "id")
            if name in taken:
                heading.problem(f"{shown(name)} is the id of another heading", "id")
            elif name:
                taken.add(name)
            headings.setdefault(name, (heading.text("title"), heading.text("asks")))
            heading.done()
        group = table.table("finding", required=True)
        for name, entry in group.entries() if group else ():
            heading_name = entry.text("heading")
            # A heading without a sound id may be the one that is meant.
            if headings and "" not in headings:
                entry.one_of(heading_name, headings, "heading", "heading")
            under.setdefault(heading_name, []).append(name)
            if name in self._findings:
                entry.problem("another finding has this id")
            else:
                self._findings[name], self._tables[name] = self._finding(name, heading_name, entry), entry
                entry.done()
        for name in headings:
            if name and group and name not in under:
                table.problem(f"no finding stands under {shown(name)}", "[[heading]]")
        table.done()
        asked = tuple(Heading(name, *texts, tuple(under.get(name, ()))) for name, texts in headings.items())
        return Screen(_stem(table.file), title, position, asked, opens_with)

    def _finding(self, name: str, heading: str, table: _Table) -> Finding:
        red_flag, floor = table.flag("red_flag", False), table.optional("floor")
        if red_flag != bool(floor):
            table.problem("red_flag = true and a floor stand together or not at all")
        kind, kinds = table.text("kind"), [kind.value for kind in Kind]
        fixed = table.flag("fixed", False)
        if fixed and kind in (Kind.RISK_FACTOR.value, Kind.CONTEXT.value):
            table.problem(f"a {kind} never counts as changing; this is for a symptom, a sign or a measurement", "fixed")
        parts: dict[str, Any] = {
            "id": name,
            "asks": table.text("asks"),
            "heading": heading,
            "kind": Kind(kind) if table.one_of(kind, kinds, "kind", "kind") else Kind.CONTEXT,
            "order": len(self._findings),
            "only_if": self._only_if(name, table),
            "floor": _RUNGS[floor] if floor and table.one_of(floor, _ESCALATIONS, "rung", "floor") else None,
            "mirror": table.optional("mirror"),
            "fixed": fixed,
        }
        answers: dict[str, Any] | None
        if "range" in table or "decimals" in table:
            answers = self._measurement(name, table)
        elif "choices" in table:
            answers = self._choice(table)
        else:
            answers = {"type": "yes_no", "benign": table.flag("benign", False)}
        if answers is None:
            self.names["finding"].broken.add(name)
            answers = {"type": "yes_no", "benign": False}
        elif red_flag and answers["type"] != "yes_no":
            table.problem("only a yes/no finding is a red flag; a rule can read the choice or the number")
        return Finding(**answers, **parts, worse=self._worse(answers["type"], table))

    def _worse(self, type: str, table: _Table) -> Any:
        worse = table.optional("worse")
        words = {"measurement": ["higher", "lower"], "choice": ["later", "earlier"]}.get(type)
        if worse and words is None:
            table.problem("a yes is worse than a no already; this is for a choice or a number", "worse")
        return worse if worse and words and table.one_of(worse, words, "word", "worse") else None

    def _only_if(self, name: str, table: _Table) -> str | None:
        above = table.optional("only_if")
        if above is None:
            return None
        found = self._findings.get(above)
        if found is None:
            if table.refers(above, "finding", "only_if") and self._ordered:
                table.problem(
                    f"{shown(above)} is not asked earlier; a finding hangs only below an earlier one", "only_if"
                )
        elif found.type != "yes_no":
            table.problem(f"{shown(above)} is not answered yes or no", "only_if")
        elif len(self._chain(above)) > DEEPEST_NAMES:
            table.problem(f"hangs below more than {DEEPEST_NAMES} findings in a row", "only_if")
        elif table.refers(above, "finding", "only_if"):
            return above
        self._loose.add(name)
        return None

    def _chain(self, name: str) -> list[str]:
        """A finding and those that it hangs below."""
        chain: list[str] = []
        above: str | None = name
        while above is not None:
            chain.append(above)
            above = self._findings[above].only_if
        return chain

    def _choice(self, table: _Table) -> dict[str, Any] | None:
        options, benign = table.raw("choices"), table.text("benign")
        if not isinstance(options, dict) or not 2 <= len(options) <= MOST_CHOICES:
            table.problem(f"expected a table of 2 to {MOST_CHOICES} choices, each an id and its label", "choices")
            return None
        for name in options:
            if not _ID.fullmatch(name) or name == UNSURE:
                table.problem(f"{shown(name)} is no id for a choice", "choices")
        table.one_of(benign, options, "choice", "benign")
        choices = tuple(Choice(name, table.sound_text(label, "choices")) for name, label in options.items())
        return {"type": "choice", "benign": benign, "choices": choices}

    def _measurement(self, name: str, table: _Table) -> dict[str, Any] | None:
        unit = next((unit for unit in UNITS if name.endswith(f"_{unit}")), "")
        if not unit:
            table.problem(f"a measurement's name ends in its unit: one of {', '.join(UNITS)}")
        decimals, ends, benign = table.whole("decimals", 0, 3), table.raw("range", True), table.raw("benign", True)
        if decimals is None or ends is None or benign is None:
            return None
        low, high = (
            [_steps(end, decimals) for end in ends] if isinstance(ends, list) and len(ends) == 2 else (None, None)
        )
        if low is None or high is None or low >= high:
            table.problem(f"expected two rising numbers with at most {decimals} decimals, as [0, 10]", "range")
            return None
        usual = _steps(benign, decimals)
        if usual is None or not low <= usual <= high:
            table.problem("is outside the range, or off its decimals", "benign")
            return None
        return {
            "type": "measurement",
            "benign": usual,
            "low": low,
            "high": high,
            "decimals": decimals,
            "unit": unit,
        }

    def _opens(self, screen: Screen, gate: str, table: _Table) -> None:
        if self._findings[gate].type != "yes_no":
            table.problem(f"{shown(gate)} is not answered yes or no", "opens_with")
            return
        for heading in screen.headings:
            for name in heading.findings:
                chain = self._chain(name)
                if gate not in chain[1:] and self._loose.isdisjoint(chain):
                    table.problem(
                        f"{shown(name)} does not hang below {shown(gate)}; only_if should lead there", "opens_with"
                    )

    def _mirrored(self, finding: Finding, table: _Table) -> None:
        if finding.mirror is None or not table.refers(finding.mirror, "finding", "mirror"):
            return
        other = self._findings[finding.mirror]
        if other is finding or other.mirror != finding.id:
            table.problem(f"{shown(other.id)} should name {shown(finding.id)} as its mirror", "mirror")
        elif finding.id < other.id and _answers(finding) != _answers(other):
            table.problem(f"{shown(other.id)} has other answers, or another floor, kind or fixed", "mirror")

    # -- criteria ----------------------------------------------------------------------------------------------------

    def _read_names(self) -> None:
        """Named criteria and scores. They may use each other, so first the names, then what they say."""
        findings, named, scored = (self.names[what] for what in ("finding", "criterion", "score"))
        if len(findings.declared) + len(named.declared) + len(scored.declared) > MOST_NAMES:
            raise RuleSetError([*self._problems, f"more than {MOST_NAMES} findings, named criteria and scores"])
        criteria, scores = dict(self._file("criteria").entries()), dict(self._file("scores").entries())
        named.broken = named.declared.difference(criteria)
        scored.broken = scored.declared.difference(scores)
        for name, table in (*criteria.items(), *scores.items()):
            if name in findings.declared or (name in criteria and name in scores):
                table.problem("findings, named criteria and scores share their names; this one is taken")
                named.broken.add(name)
                scored.broken.add(name)
        points = {name: self._points_of(name, table) for name, table in scores.items()}
        self._most = {name: sum(found.values()) for name, found in points.items()}
        for name, table in criteria.items():
            self._criteria[name] = NamedCriterion(name, table.text("means"), self._when(table))
            table.done()
        for name, table in scores.items():
            said: _Said = {}
            items = [
                Item(self._criterion(table, "points", text, said), number)
                for text, number in sorted(points[name].items())
            ]
            self._scores[name] = Score(name, table.text("title"), tuple(items))
            self._source(table)
            table.done()
        self._measure(criteria, scores)

    def _points_of(self, name: str, table: _Table) -> dict[str, int]:
        found = table.raw("points", required=True)
        if isinstance(found, dict) and 1 <= len(found) <= LONGEST_LIST:
            sound = {
                text: number for text, number in found.items() if type(number) is int and 1 <= number <= MOST_POINTS
            }
            for text in (text for text in found if text not in sound):
                table.problem(f"{shown(text)}: expected a whole number from 1 to {MOST_POINTS}", "points")
        else:
            sound = {}
            if found is not None:
                table.problem(f"expected a table of 1 to {LONGEST_LIST} criteria, each with its points", "points")
        if not sound or len(sound) < len(found):
            self.names["score"].broken.add(name)
        return sound

    def _when(self, table: _Table) -> When:
        if not any(key in table for key in ("all", "any", "none")):
            table.problem("expected at least one of all, any, none")
        said: _Said = {}
        return When(**{key: self._list(table, key, said, key in table) for key in ("all", "any", "none")})

    def _list(
        self, table: _Table, key: str, said: _Said | None = None, required: bool = False
    ) -> tuple[Criterion, ...]:
        said = {} if said is None else said
        return tuple(self._criterion(table, key, text, said) for text in table.texts(key, required))

    def _criterion(self, table: _Table, key: str, text: str, said: _Said | None = None) -> Criterion:
        """A criterion; one that says nothing if it is wrong. said: what was said before where nothing is said twice."""
        found = self._meaning(table, key, text) or Criterion(text, "yes", text)
        if said is not None:
            meaning = found.form, found.name, found.value
            if meaning in said:
                table.problem(f"{shown(text)} says the same as {said[meaning]}", key)
            said[meaning] = f"{shown(text)} in {key}"
        return found

    def _meaning(self, table: _Table, key: str, text: str) -> Criterion | None:
        written = parse(text)
        if written is None:
            table.problem(f"{shown(text)} is no criterion; expected {_CRITERION_IN_WORDS}", key)
            return None
        name, number = written.name, float(written.number or 0)
        namespace = findings, named, scored = [self.names[what] for what in ("finding", "criterion", "score")]
        if findings.sound(name):
            return self._about(table, key, text, self._findings[name], written)
        if scored.sound(name):
            most = self._most[name]
            if written.comparison == ">=" and number.is_integer() and 1 <= number <= most:
                return Criterion(text, "score", name, int(number))
            table.problem(f"{shown(text)}: a score is read as `{name} >= n`, n from 1 to {most}", key)
        elif named.sound(name):
            if not written.comparison and not written.choice:
                return Criterion(text, "named", name)
            table.problem(f"{shown(text)}: a named criterion is read as `{name}`", key)
        else:
            known = {known for names in namespace for known in names.declared}
            if name not in known and not findings.missing and not any(names.refused for names in namespace):
                table.problem(f"unknown finding {shown(name)}{self.near(name, known)}", key)
        return None

    def _about(self, table: _Table, key: str, text: str, finding: Finding, written: Written) -> Criterion | None:
        """What a criterion on a finding says."""
        name = finding.id
        if written.choice == UNSURE:
            return Criterion(text, "unsure", name)
        if finding.type == "yes_no":
            if not written.comparison and not written.choice:
                return Criterion(text, "yes", name)
            table.problem(f"{shown(text)}: a yes/no finding is read as `{name}` or `{name} is unsure`", key)
        elif finding.type == "choice":
            choices = [choice.id for choice in finding.choices]
            if written.choice in choices:
                return Criterion(text, "choice", name, written.choice)
            near = self.near(written.choice or "", choices)
            table.problem(f"{shown(text)}: a choice is read as `{name} is` and one of its choices{near}", key)
        elif written.comparison is None:
            table.problem(f"{shown(text)}: a measurement is read as `{name} >= n` or `{name} < n`", key)
        else:
            number = float(written.number or 0)
            steps = _steps(number, finding.decimals)
            if not finding.low < number * 10**finding.decimals <= finding.high:
                low, high = finding.number(finding.low), finding.number(finding.high)
                table.problem(f"{shown(text)}: always or never so; it ranges from {low} to {high}", key)
            elif steps is None:
                table.problem(f"{shown(text)}: off the grid; decimals = {finding.decimals}", key)
            else:
                return Criterion(text, "at_least" if written.comparison == ">=" else "below", name, steps)
        return None

    def _measure(self, criteria: Mapping[str, _Table], scores: Mapping[str, _Table]) -> None:
        """Refuses names that use each other in a circle, or that stand for too much."""
        uses: dict[str, list[str]] = {}
        members: dict[str, When | list[Criterion]] = {}
        for name in sorted({*criteria, *scores}):
            members[name] = (
                self._criteria[name].when if name in criteria else [item.criterion for item in self._scores[name].items]
            )
            used = {criterion.name for criterion in members[name] if criterion.form in ("named", "score")}
            uses[name] = sorted(used.intersection({*criteria, *scores}))
        for name in self._in_order(uses):
            extent = self._extent(members[name])
            if extent.depth > DEEPEST_NAMES or extent.written_out > MOST_WRITTEN_OUT:
                self._too_much(criteria[name] if name in criteria else scores[name], extent)
                extent = _Extent(has_none=extent.has_none, first=extent.first)
            self._extents[name] = extent

    def _in_order(self, uses: dict[str, list[str]]) -> list[str]:
        """The names, each after those that it uses. Every circle is reported, and cut."""
        for _ in range(MOST_CIRCLES):
            try:
                return list(TopologicalSorter(uses).static_order())
            except CycleError as error:
                circle = list(reversed(error.args[1]))[1:]
                first = circle.index(min(circle))
                circle = [*circle[first:], *circle[:first], circle[first]]
                printed = " → ".join(circle if len(circle) <= LONGEST_LIST else [*circle[:LONGEST_LIST], "…"])
                file = "criteria.toml" if circle[0] in self._criteria else "scores.toml"
                self.problem(file, f"[{circle[0]}]", f"a circle: {printed}")
                uses[circle[0]].remove(circle[1])
        return []

    def _extent(self, criteria: When | Iterable[Criterion]) -> _Extent:
        depth = written_out = 0
        first = sys.maxsize
        has_none = isinstance(criteria, When) and bool(criteria.none)
        for criterion in criteria:
            if criterion.form in ("named", "score"):
                inner = self._extents.get(criterion.name, _Extent())
                depth = max(depth, inner.depth + 1)
                written_out += inner.written_out
                has_none |= inner.has_none
                first = min(first, inner.first)
            else:
                written_out += 1
                if criterion.name in self._findings:
                    first = min(first, self._findings[criterion.name].order)
        return _Extent(depth, written_out, has_none, first)

    def _too_much(self, table: _Table, extent: _Extent) -> None:
        if extent.depth > DEEPEST_NAMES:
            table.problem(f"rests on more than {DEEPEST_NAMES} names in a row")
        elif extent.written_out > MOST_WRITTEN_OUT:
            table.problem(f"stands for more than {MOST_WRITTEN_OUT} criteria")

    # -- what rules name ---------------------------------------------------------------------------------------------

    def _read_services_and_regions(self) -> None:
        for rank, (name, table) in enumerate(self._file("services").entries()):
            self._services[name] = Service(name, table.text("name"), rank)
            table.done()
        names = self.names["service"]
        names.broken |= names.declared.difference(self._services)
        file = self._file("regions")
        for name, table in file.entries(_REGION, "two capital letters, as GB, or generic"):
            number = table.text("emergency_number")
            if len(number.split()) > MOST_WORDS_NUMBER:
                table.problem(f"more than {MOST_WORDS_NUMBER} words", "emergency_number")
            self._regions[name] = Region(name, table.text("name"), number, table.optional("advice_number"))
            table.done()
        if "regions.toml" in self._parsed and "generic" not in self._regions:
            file.problem("[generic] is missing; it words what an unknown region is told")

    def _see(self, table: _Table, key: str, acuity: Acuity) -> tuple[str, ...]:
        see = table.references(key, "service", required=True)
        for name in see:
            if acuity is Acuity.EMERGENCY and len(self._services[name].name.split()) > MOST_WORDS_PLACE:
                table.problem(f"the name of {shown(name)} has more than {MOST_WORDS_PLACE} words", key)
        return see

    def _source(self, table: _Table) -> Source:
        cites, says, link = table.text("cites"), table.text("says"), table.optional("link")
        if link and not _LINK.fullmatch(link):
            table.problem("expected an address that begins with https://", "link")
        return Source(cites, says, link, table.day("checked"))

    def _sources(self, table: _Table, required: bool = True) -> tuple[Source, ...]:
        found: list[Source] = []
        for entry in table.tables("source", required):
            found.append(self._source(entry))
            entry.done()
        return tuple(found)

    def _read_hazard(self, name: str, table: _Table) -> None:
        title, harm, cause, control = (table.text(key) for key in ("title", "harm", "cause", "control"))
        self._hazards[name] = Hazard(name, title, harm, cause, control, table.texts("tests"))

    def _read_cause(self, name: str, table: _Table) -> None:
        self._causes[name] = Cause(
            name,
            table.text("name"),
            table.flag("must_not_miss"),
            self._list(table, "against"),
            table.optional("evidence"),
            self._sources(table, required=False),
        )

    def _read_law(self, name: str, table: _Table) -> None:
        word, when = table.text("at_least"), self._when(table)
        acuity = _RUNGS[word] if table.one_of(word, _ESCALATIONS, "rung", "at_least") else Acuity.ROUTINE
        self._too_much(table, self._extent(when))
        self._laws[name] = Law(name, table.text("says"), when, acuity, self._sources(table))

    # -- advice ------------------------------------------------------------------------------------------------------

    def _read_advice(self) -> None:
        conflicts: list[tuple[_Table, Advice]] = []
        for file in self._in("advice"):
            for name, table in file.entries():
                if name in self._advice:
                    table.problem("another item has this id")
                    continue
                self._advice[name] = self._item(name, table)
                table.done()
                conflicts.append((table, self._advice[name]))
        names = self.names["advice"]
        names.broken |= names.declared.difference(self._advice)
        first_aid = {AdviceKind.FIRST_AID, AdviceKind.AVOID}
        for table, item in conflicts:
            for other in item.conflicts_with:
                if table.refers(other, "advice", "conflicts_with"):
                    self._of_kind(table, "conflicts_with", other, first_aid)
                    if other == item.id or item.kind not in first_aid:
                        table.problem("stands between different items of first_aid and avoid", "conflicts_with")

    def _item(self, name: str, table: _Table) -> Advice:
        kind, kinds = table.text("kind"), [kind.value for kind in AdviceKind]
        known = table.one_of(kind, kinds, "kind", "kind")
        if not known:
            self.names["advice"].broken.add(name)
        if known and AdviceKind(kind) not in SELF_CARE_KINDS:
            for key in ("dose", "contraindicated_by", "modified_by"):
                if key in table:
                    # Nothing would read it, and a contraindication that is not read is a danger.
                    table.problem(f"stands only in items of self-care, and this is {kind}", key)
        item = Advice(
            name,
            AdviceKind(kind) if known else AdviceKind.EXERCISE,
            table.text("name"),
            table.texts("steps", required=True),
            self._sources(table),
            self._dose(table),
            table.texts("equipment"),
            table.texts("target"),
            self._list(table, "contraindicated_by"),
            self._modifications(table),
            table.texts("conflicts_with"),
        )
        if item.kind not in SELF_CARE_KINDS and len(item.steps) > 1:
            table.problem(f"{kind} is given in one step", "steps")
        return item

    def _dose(self, table: _Table) -> Dose | None:
        dose = table.table("dose")
        if dose is None:
            return None
        spans: dict[str, Span] = {}
        for attribute in fields(Dose):
            if span := self._span(dose, attribute.name):
                spans[attribute.name] = span
        dose.done()
        return Dose(**spans)

    def _span(self, table: _Table, key: str, required: bool = False) -> Span | None:
        found = table.raw(key, required)
        if found is None:
            return None
        ends = found if isinstance(found, list) else [found, found]
        whole = [end for end in ends if type(end) is int and 1 <= end <= MOST_DOSE]
        if len(ends) != 2 or len(whole) != 2 or whole[0] > whole[1]:
            table.problem(f"expected a whole number from 1 to {MOST_DOSE}, or a span, as [12, 15]", key)
            return None
        return whole[0], whole[1]

    def _modifications(self, table: _Table) -> tuple[Modification, ...]:
        found: list[Modification] = []
        for entry in table.tables("modified_by") if "modified_by" in table else ():
            text, say, dose = entry.text("if"), entry.text("say"), self._dose(entry)
            if text:
                found.append(Modification(self._criterion(entry, "if", text), say, dose))
            entry.done()
        return tuple(found)

    def _items(self, table: _Table, key: str, kinds: Collection[AdviceKind], required: bool = False) -> tuple[str, ...]:
        names = table.references(key, "advice", required)
        for name in names:
            self._of_kind(table, key, name, kinds)
        return names

    def _of_kind(self, table: _Table, key: str, name: str, kinds: Collection[AdviceKind]) -> None:
        kind = self._advice[name].kind
        if kind not in kinds:
            words = ", ".join(kind.value for kind in AdviceKind if kind in kinds)
            table.problem(f"{shown(name)} is {kind.value}; expected {words}", key)

    # -- rules -------------------------------------------------------------------------------------------------------

    def _read_rules(self) -> None:
        questions = Findings(self._findings, tuple(self._screens))
        same: dict[object, str] = {}
        for word, acuity in _RUNGS.items():
            for table in self._in(word):
                name = _stem(table.file)
                if name in self._rules:
                    table.problem("a rule of this id stands on another rung; an id is used once")
                self._rules[name] = rule = self._rule(name, acuity, table, questions)
                other = same.setdefault(_sense(rule.when), printable(table.file))
                if other != printable(table.file) and [*rule.when]:
                    table.problem(f"says the same as {other}", "[when]")
        if not any(path.startswith(f"{word}/") for path in (*self._parsed, *self._refused) for word in _RUNGS):
            self.problem(f"no rule; expected them in {', '.join(f'{word}/' for word in _RUNGS)}")

    def _rule(self, name: str, acuity: Acuity, table: _Table, questions: Findings) -> Rule:
        when = When()
        if inner := table.table("when", required=True):
            when = self._when(inner)
            self._only_raises(inner, when, acuity)
            self._too_much(inner, self._extent(when))
            inner.done()
        status = table.text("status")
        reviewed_by, reviewed_on = table.optional("reviewed_by"), table.day("reviewed_on")
        if table.one_of(status, ("draft", "reviewed"), "status", "status"):
            reviewed = [status == "reviewed", reviewed_by is not None, reviewed_on is not None]
            if any(reviewed) and not all(reviewed):
                table.problem('reviewed_by and reviewed_on stand with status = "reviewed", and only there', "status")
        then = table.table("then", required=True)
        rule = Rule(
            id=name,
            acuity=acuity,
            title=table.text("title"),
            why=table.text("why"),
            when=when,
            causes=table.references("causes", "cause"),
            sources=self._sources(table),
            examples=self._examples(table, questions),
            status=status,
            hazards=table.references("hazards", "hazard", required=acuity >= Acuity.SAME_DAY),
            misuse=table.optional("misuse"),
            reviewed_by=reviewed_by,
            reviewed_on=reviewed_on,
            **(self._then(then, acuity) if then else {}),
        )
        table.done()
        return rule

    def _only_raises(self, table: _Table, when: When, acuity: Acuity) -> None:
        """Above ROUTINE nothing keeps a rule from firing but an answer that is not given."""
        if acuity <= Acuity.ROUTINE:
            return
        if when.none:
            table.problem("stands only in routine/ and self_care/; write what remains as choices", "none")
        for key in ("all", "any"):
            for criterion in getattr(when, key):
                if self._extent([criterion]).has_none:
                    table.problem(
                        f"{shown(criterion.name)} uses none, which stands only in routine/ and self_care/", key
                    )

    def _then(self, table: _Table, acuity: Acuity) -> dict[str, Any]:
        lower, self_care = acuity < Acuity.SAME_DAY, acuity is Acuity.SELF_CARE
        found: dict[str, Any] = {}
        if self_care:
            found["do"] = self._items(table, "do", SELF_CARE_KINDS, required=True)
        else:
            found["see"] = self._see(table, "see", acuity)
            for key, kind in (("meanwhile", AdviceKind.FIRST_AID), ("avoid", AdviceKind.AVOID)):
                found[key] = self._items(table, key, {kind})
                if acuity is Acuity.EMERGENCY:
                    self._short(table, key, found[key])
        if acuity is Acuity.SOON:
            found["within_hours"] = table.raw("within_hours", required=True)
            if found["within_hours"] not in (None, *HOURS) or isinstance(found["within_hours"], float):
                table.problem(f"expected one of {', '.join(map(str, HOURS))}", "within_hours")
                found["within_hours"] = None
        if lower:
            found["look_again_days"] = self._look_again(table)
            found["seek_help_if"] = self._items(table, "seek_help_if", {AdviceKind.SAFETY_NET}, required=True)
        for key, where in _STANDS.items():
            if key not in found and key in table:
                table.raw(key)
                table.problem(where, key)
        table.done()
        return found

    def _look_again(self, table: _Table) -> tuple[int, ...]:
        """One number of days, or a rising list of them."""
        found = table.raw("look_again_days", required=True)
        days = found if isinstance(found, list) else [] if found is None else [found]
        whole = [day for day in days if type(day) is int and 1 <= day <= MOST_DAYS]
        if found is not None and (not 1 <= len(days) <= LONGEST_LIST or whole != days or sorted({*whole}) != whole):
            expected = f"expected a whole number from 1 to {MOST_DAYS}, or rising ones, as [2, 14]"
            table.problem(expected, "look_again_days")
            return ()
        return tuple(whole)

    def _short(self, table: _Table, key: str, names: Iterable[str]) -> None:
        for name in names:
            if any(len(step.split()) > MOST_WORDS_ITEM for step in self._advice[name].steps):
                table.problem(f"{shown(name)} has more than {MOST_WORDS_ITEM} words, too many for an emergency", key)

    def _examples(self, table: _Table, questions: Findings) -> tuple[Example, ...]:
        found: list[Example] = []
        for entry in table.tables("example", required=True):
            name, otherwise = entry.text("name"), entry.optional("otherwise")
            given, fires = entry.raw("given", required=True), entry.flag("fires")
            if otherwise not in (None, "no"):
                entry.problem('can only be "no"', "otherwise")
            if isinstance(given, dict):
                self._given(entry, given, questions, otherwise is not None)
            elif given is not None:
                entry.problem("expected a table of answers", "given")
            found.append(Example(name, given, fires, otherwise is not None))
            entry.done()
        kinds = [example.fires for example in found]
        if kinds and not any(kinds):
            table.problem("none fires; show a person for whom this rule is", "[[example]]")
        if kinds and all(kinds):
            table.problem("no near miss; show a person whom this rule narrowly leaves out", "[[example]]")
        return tuple(found)

    def _given(self, table: _Table, given: dict[str, Any], questions: Findings, otherwise_no: bool) -> None:
        """Whether an example's answers can be read. Whether the rule fires on them is for the readings to say."""
        sound = [name for name in given if table.refers(name, "finding", "given")]
        if len(sound) < len(given):
            return
        for problem in questions.check(given)[1]:
            table.problem(problem, "given")
        for name, answer in given.items():
            for above in self._chain(name)[1:] if otherwise_no and answer is not False else ():
                if above not in given and self._findings[above].benign is False:
                    table.problem(f"{name}: applies only with {above}, and otherwise that is no", "given")

    # -- what steers a plan ------------------------------------------------------------------------------------------

    def _plan(self) -> PlanRules | None:
        """What plan.toml says; None where there is no such file, or there are problems."""
        if "plan.toml" not in self._parsed:
            return None
        file = self._file("plan")
        found: dict[str, Any] = {"sources": {}}
        for key, required, read in (
            ("progress", True, self._plan_progress),
            ("missed", True, self._plan_missed),
            ("days", True, self._plan_days),
            ("session", True, self._plan_session),
            ("first_days", False, self._plan_first_days),
            ("equipment", True, self._plan_equipment),
            ("tendon", False, self._plan_tendon),
            ("ability", False, self._plan_ability),
            ("pain", True, self._plan_pain),
        ):
            table = file.table(key, required)
            found.update(read(table))
            if table:
                found["sources"][key] = self._sources(table)
                table.done()
        signs = {name: self._stop_sign(name, table) for name, table in self._plan_entries(file, "stop", required=True)}
        gates = [self._gate(name, table) for name, table in self._plan_entries(file, "gate")]
        stands: dict[str, str] = {}
        ladders = [self._ladder(name, table, stands) for name, table in self._plan_entries(file, "ladder")]
        found.update(stop_signs=signs, gates=tuple(gates), ladders=tuple(ladders))
        file.done()
        return None if self._problems else PlanRules(**found)

    def _plan_entries(self, table: _Table, key: str, required: bool = False) -> Iterator[tuple[str, _Table]]:
        group = table.table(key, required)
        # By id, for the order of tables means nothing.
        for name, entry in sorted(group.entries(), key=lambda found: found[0]) if group else ():
            yield name, entry
            entry.done()

    def _plan_progress(self, table: _Table | None) -> dict[str, Any]:
        if table is None:
            return {}
        numbers = {
            "percent_a_week": (1, 100),
            "session_percent": (1, 100),
            "session_days": (7, 365),
            "back_percent": (1, 90),
            "back_after_hours": (1, 168),
        }
        (advice,) = self._named(table, "advice", required=True) or ("",)
        return {"progress_advice": advice, **{key: table.whole(key, *ends) for key, ends in numbers.items()}}

    def _named(self, table: _Table, key: str, required: bool = False) -> tuple[str, ...]:
        """One item of self-care, or none."""
        name = table.text(key) if required else table.optional(key)
        if not name or not table.refers(name, "advice", key):
            return ()
        self._of_kind(table, key, name, SELF_CARE_KINDS)
        return (name,)

    def _plan_missed(self, table: _Table | None) -> dict[str, Any]:
        ends = {"many_percent": (1, 100), "back_after_weeks": (1, 52)}
        return {key: table.whole(key, *span) for key, span in ends.items()} if table else {}

    def _plan_days(self, table: _Table | None) -> dict[str, Any]:
        if table is None:
            return {}
        text, between = table.text("trained_if"), table.table("between")
        rest = {}
        if between:
            rest = {name: between.whole(name, 1, 14) for name in self._items_in(between)}
            between.done()
        return {
            "days_a_week": self._span(table, "a_week", required=True),
            "days_trained": table.whole("trained", 1, 7),
            "trained_if": self._criterion(table, "trained_if", text) if text else None,
            "days_between": rest,
        }

    def _items_in(self, table: _Table) -> list[str]:
        """The items that are the keys of a table."""
        names = sorted(table.left())
        known = [name for name in names if table.refers(name, "advice", name)]
        for name in names:
            if name not in known:
                table.raw(name)
        return known

    def _plan_session(self, table: _Table | None) -> dict[str, Any]:
        if table is None:
            return {}
        little_if = self._list(table, "little_if")
        return {
            "most_exercises": table.whole("most_exercises", 1, LONGEST_LIST),
            "most_balance": table.whole("most_balance", 0, LONGEST_LIST),
            "warm_up": next(iter(self._named(table, "warm_up")), None),
            "rest_day": self._items(table, "rest_day", {AdviceKind.ACTIVITY}),
            "each_side": self._items(table, "each_side", SELF_CARE_KINDS),
            "little_if": little_if,
            "little_say": table.text("little_say") if little_if else "",
        }

    def _plan_first_days(self, table: _Table | None) -> dict[str, Any]:
        if table is None:
            return {"first_days": 0, "first_days_if": (), "first_days_say": ""}
        return {
            "first_days": table.whole("days", 1, 28),
            "first_days_if": self._list(table, "if", required=True),
            "first_days_say": table.text("say"),
        }

    def _plan_equipment(self, table: _Table | None) -> dict[str, Any]:
        if table is None:
            return {}
        found: dict[str, Any] = {key: table.texts(key) for key in ("household", "loads")}
        found["load_on"] = self._items(table, "load_on", SELF_CARE_KINDS)
        without: dict[str, tuple[str, ...]] = {}
        if inner := table.table("can_do_without"):
            for name in self._items_in(inner):
                without[name] = inner.texts(name)
                for text in without[name]:
                    if text not in self._advice[name].equipment:
                        inner.problem(f"{shown(text)} is not among the item's equipment", name)
            inner.done()
        return {**found, "can_do_without": without}

    def _plan_tendon(self, table: _Table | None) -> dict[str, Any]:
        if table is None:
            return {"programmes": (), "own_steps": ()}
        kinds = {AdviceKind.EXERCISE}
        return {
            "programmes": self._items(table, "one_of", kinds, required=True),
            "own_steps": self._items(table, "own_steps", kinds),
        }

    def _plan_ability(self, table: _Table | None) -> dict[str, Any]:
        if table is None:
            none: dict[str, Any] = {"ability_percent": 100, "ability_differs_percent": 100, "ability_test": None}
            return {**none, "ability_counted": None, "ability_sides": (), "ability_on": ()}
        counted = table.text("counted")
        return {
            "ability_percent": table.whole("percent", 1, 100),
            "ability_differs_percent": table.whole("differs_percent", 1, 100),
            "ability_test": next(iter(self._named(table, "test", required=True)), None),
            "ability_counted": self._of_type(table, "counted", counted, "yes_no"),
            "ability_sides": tuple(
                self._of_type(table, "sides", name, "measurement") for name in table.texts("sides", required=True)
            ),
            "ability_on": self._items(table, "on", {AdviceKind.EXERCISE}, required=True),
        }

    def _of_type(self, table: _Table, key: str, name: str, wanted: str) -> str:
        """A finding's name; a problem if it names none, or one of another type."""
        if name and table.refers(name, "finding", key) and self._findings[name].type != wanted:
            table.problem(f"{shown(name)} is no {wanted.replace('_', '/')} finding", key)
        return name

    def _plan_pain(self, table: _Table | None) -> dict[str, Any]:
        if table is None:
            return {}
        finding = self._of_type(table, "finding", table.text("finding"), "measurement")
        most = table.whole("stop_above", 1, 9)
        limits = [self._pain_limit(name, entry, most or 9) for name, entry in self._plan_entries(table, "limit", True)]
        if limits and sum(not limit.for_whom for limit in limits) != 1:
            table.problem("exactly one limit has no for_whom: it is for everybody else", "limit")
        return {"pain_finding": finding, "stop_above_pain": most, "pain_limits": tuple(limits)}

    def _pain_limit(self, name: str, table: _Table, most: int) -> PainLimit:
        return PainLimit(
            name,
            table.whole("at_most", 0, most) or 0,
            table.text("say"),
            self._sources(table),
            self._list(table, "for_whom"),
            table.flag("by_morning", False),
            table.flag("no_rise", False),
        )

    def _stop_sign(self, name: str, table: _Table) -> StopSign:
        yes = table.texts("yes", required=True)
        return StopSign(
            name,
            table.text("asks"),
            tuple(self._of_type(table, "yes", finding, "yes_no") for finding in yes),
            table.references("ask_again", "finding"),
            self._sources(table),
        )

    def _gate(self, name: str, table: _Table) -> Gate:
        text = table.text("if")
        criterion = self._criterion(table, "if", text) if text else Criterion("", "yes", "")
        return Gate(name, criterion, table.text("opens"), self._sources(table), self._list(table, "never_if"))

    def _ladder(self, name: str, table: _Table, stands: dict[str, str]) -> Ladder:
        items = self._items(table, "items", SELF_CARE_KINDS, required=True)
        for item in items:
            if stands.setdefault(item, name) != name:
                table.problem(f"{shown(item)} stands in another ladder", "items")
        return Ladder(
            name,
            items,
            table.text("say"),
            self._sources(table),
            self._list(table, "for_whom"),
            table.whole("at_seconds", 1, MOST_DOSE) if "at_seconds" in table else None,
        )

    def _waivers(self) -> dict[str, dict[str, str]]:
        waivers = {}
        for question, table in self._file("waivers").entries(_QUESTION, _QUESTION_IN_WORDS):
            waivers[question] = {about: table.text(about) for about in table.left()}
            table.done()
        return waivers

    def _read_retired(self) -> None:
        paths = [path for path in (*self._parsed, *self._refused) if path.partition("/")[0] in _RUNGS]
        in_use = sorted({_stem(path) for path in paths})
        # Where a whole rung could not be read, the rule may stand there.
        all_known = "" not in in_use
        for table in self._in("retired"):
            name, title, replaced_by = _stem(table.file), table.text("title"), table.text("replaced_by")
            if all_known:
                table.one_of(replaced_by, in_use, "rule", "replaced_by")
            if name in in_use:
                table.problem("this rule is still in use")
            # The rest is what the rule said while it was in use: it is kept for its readers, and is not read.
            self._retired[name] = Retired(name, title, replaced_by)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".toml")


def _answers(finding: Finding) -> tuple[object, ...]:
    """What two findings that mirror each other have in common."""
    choices = [choice.id for choice in finding.choices]
    return (
        finding.type,
        finding.kind,
        finding.floor,
        finding.fixed,
        finding.worse,
        finding.benign,
        choices,
        finding.low,
        finding.high,
        finding.decimals,
    )


def _sense(when: When) -> tuple[frozenset[tuple[str, str, int | str | None]], ...]:
    """What a `when` says, however it is written: one criterion alone in `any` says the same as in `all`."""
    every, either, none = (
        frozenset((criterion.form, criterion.name, criterion.value) for criterion in part)
        for part in (when.all, when.any, when.none)
    )
    return (every | either, frozenset(), none) if len(either) == 1 else (every, either, none)


def _steps(number: object, decimals: int) -> int | None:
    """A number in steps of its grid; None if it is no number, too large, or off the grid."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= LARGEST_NUMBER:
        return None
    scale = 10**decimals
    steps = round(number * scale)
    return steps if steps / scale == number else None


def example_values(rules: RuleSet, example: Example) -> tuple[dict[str, Value], list[str]]:
    """An example's answers, checked; with the benign ones where it says `otherwise = "no"`."""
    given = rules.benign(given=example.given) if example.otherwise_no else example.given
    return rules.findings.check(given)
