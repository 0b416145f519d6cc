"""What a sound folder says is what is loaded: a second reading of the files, word by word, compared with the loader's.

It checks nothing, and shares no code with the loader but the values that it makes.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from importlib import resources
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from calf_triage import Acuity, RuleSet, RuleSetError, _load, load_rules
from calf_triage._advice import Advice, AdviceKind, Dose, Modification, Region, Service, Source
from calf_triage._criteria import Criterion, Item, NamedCriterion, Score, When
from calf_triage._findings import Choice, Finding, Findings, Heading, Kind, Screen, Value
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
    StopSign,
)
from tests.test_loader import InMemory

ROOT = Path(__file__).parent.parent
FOLDERS = Path(__file__).parent / "folders"
SMALL = [FOLDERS / "mini", FOLDERS / "plan"]
BUNDLED = [ROOT / "rules"]


def texts(folders: list[Path]) -> dict[str, str]:
    """The files of folders laid over each other, by path."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.toml")):
            found[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
    return found


class Told:
    """What the files of a sound folder say."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files: dict[str, dict[str, Any]] = {path: tomllib.loads(text) for path, text in files.items()}
        self.named, self.scored = self.of("criteria"), self.of("scores")
        self.findings: dict[str, Finding] = {}
        screens = sorted(self.within("findings"), key=lambda found: found[1]["position"])
        self.screens = tuple(self.screen(name, table) for name, table in screens)

    def of(self, file: str) -> dict[str, Any]:
        return self.files.get(f"{file}.toml", {})

    def within(self, folder: str) -> list[tuple[str, dict[str, Any]]]:
        names = sorted(path for path in self.files if path.startswith(f"{folder}/"))
        return [(path.split("/")[1].removesuffix(".toml"), self.files[path]) for path in names]

    def rule_set(self) -> RuleSet:
        settings = self.of("ruleset")
        gain = settings.get("no_gain")
        criteria = {id: NamedCriterion(id, table["means"], self.when(table)) for id, table in self.named.items()}
        by_id = dict(sorted(criteria.items()))
        order = sorted(
            self.rules(), key=lambda rule: (-rule.acuity, rule.within_hours or 10**9, self.first(rule), rule.id)
        )
        return RuleSet(
            name=settings["name"],
            version=settings["version"],
            scope=settings["scope"],
            lowest_age=settings["lowest_age"],
            sha256=self.sha256(),
            findings=Findings(self.findings, self.screens),
            criteria=by_id,
            scores={id: self.score(id, table) for id, table in sorted(self.scored.items())},
            rules=tuple(order),
            causes={id: self.cause(id, table) for id, table in sorted(self.of("causes").items())},
            advice=dict(
                sorted((id, self.advice(id, one)) for _, table in self.within("advice") for id, one in table.items())
            ),
            services={
                id: Service(id, table["name"], rank) for rank, (id, table) in enumerate(self.of("services").items())
            },
            regions={
                id: Region(id, table["name"], table["emergency_number"], table.get("advice_number"))
                for id, table in sorted(self.of("regions").items())
            },
            hazards={
                id: Hazard(
                    id, table["title"], table["harm"], table["cause"], table["control"], tuple(table.get("tests", ()))
                )
                for id, table in sorted(self.of("hazards").items())
            },
            laws=tuple(
                Law(id, table["says"], self.when(table), rung(table["at_least"]), self.sources(table))
                for id, table in sorted(self.of("laws").items())
            ),
            retired=tuple(Retired(id, table["title"], table["replaced_by"]) for id, table in self.within("retired")),
            default_see={rung(word): tuple(ids) for word, ids in settings["default_see"].items()},
            safety_net=tuple(settings["safety_net"]),
            look_again_days=settings["look_again_days"],
            no_gain=gain and NoGain(gain["finding"], tuple(gain["symptoms"]), gain["after_days"]),
            plan=self.plan(self.of("plan")) if self.of("plan") else None,
            waivers=self.of("waivers"),
        )

    def sha256(self) -> str:
        """Files by path, keys sorted; but questions, choices and services in their order. Days as they are written."""
        questions = [[finding.id, [choice.id for choice in finding.choices]] for finding in self.findings.values()]
        content = [questions, [*self.of("services")], [[path, self.files[path]] for path in sorted(self.files)]]
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    # -- findings ----------------------------------------------------------------------------------------------------

    def screen(self, id: str, table: dict[str, Any]) -> Screen:
        under: dict[str, list[str]] = {heading["id"]: [] for heading in table["heading"]}
        for name, one in table["finding"].items():
            self.findings[name] = self.finding(name, one)
            under[one["heading"]].append(name)
        headings = [Heading(one["id"], one["title"], one["asks"], tuple(under[one["id"]])) for one in table["heading"]]
        return Screen(id, table["title"], table["position"], tuple(headings), table.get("opens_with"))

    def finding(self, id: str, table: dict[str, Any]) -> Finding:
        decimals = table.get("decimals", 0)
        low, high = (steps(number, decimals) for number in table.get("range", (0, 0)))
        benign: Value = table.get("benign", False)
        unit = ""
        if "range" in table:
            benign = steps(table["benign"], decimals)
            unit = "of_10" if id.endswith("_of_10") else id.split("_")[-1]
        return Finding(
            id,
            table["asks"],
            table["heading"],
            Kind(table["kind"]),
            "measurement" if "range" in table else "choice" if "choices" in table else "yes_no",
            len(self.findings),
            benign,
            tuple(Choice(name, label) for name, label in table.get("choices", {}).items()),
            low,
            high,
            decimals,
            unit,
            table.get("only_if"),
            rung(table["floor"]) if "floor" in table else None,
            table.get("mirror"),
            table.get("fixed", False),
            table.get("worse"),
        )

    # -- criteria ----------------------------------------------------------------------------------------------------

    def criterion(self, text: str) -> Criterion:
        name, *rest = text.split(" ")
        if not rest:
            return Criterion(text, "named" if name in self.named else "yes", name)
        comparison, number = rest
        if name in self.scored:
            return Criterion(text, "score", name, int(number))
        if comparison == "is":
            return Criterion(text, "unsure", name) if number == "unsure" else Criterion(text, "choice", name, number)
        form = "at_least" if comparison == ">=" else "below"
        return Criterion(text, form, name, steps(number, self.findings[name].decimals))  # type: ignore[arg-type]

    def criteria(self, found: list[str]) -> tuple[Criterion, ...]:
        return tuple(map(self.criterion, found))

    def when(self, table: dict[str, Any]) -> When:
        return When(*(self.criteria(table.get(key, [])) for key in ("all", "any", "none")))

    def score(self, id: str, table: dict[str, Any]) -> Score:
        return Score(
            id, table["title"], tuple(Item(self.criterion(text), n) for text, n in sorted(table["points"].items()))
        )

    def asked(self, criteria: When) -> set[int]:
        """The places of all questions that are read, through whatever names."""
        found = set()
        for criterion in criteria:
            if criterion.form == "named":
                found |= self.asked(self.when(self.named[criterion.name]))
            elif criterion.form == "score":
                found |= self.asked(When(all=self.criteria([*self.scored[criterion.name]["points"]])))
            else:
                found.add(self.findings[criterion.name].order)
        return found

    def first(self, rule: Rule) -> int:
        return min(self.asked(rule.when))

    # -- the rest ----------------------------------------------------------------------------------------------------

    def sources(self, table: dict[str, Any]) -> tuple[Source, ...]:
        return tuple(
            Source(one["cites"], one["says"], one.get("link"), str(one["checked"]) if "checked" in one else None)
            for one in table.get("source", ())
        )

    def cause(self, id: str, table: dict[str, Any]) -> Cause:
        against = self.criteria(table.get("against", []))
        return Cause(id, table["name"], table["must_not_miss"], against, table.get("evidence"), self.sources(table))

    def advice(self, id: str, table: dict[str, Any]) -> Advice:
        changes = [
            Modification(self.criterion(one["if"]), one["say"], dose(one.get("dose")))
            for one in table.get("modified_by", ())
        ]
        return Advice(
            id,
            AdviceKind(table["kind"]),
            table["name"],
            tuple(table["steps"]),
            self.sources(table),
            dose(table.get("dose")),
            tuple(table.get("equipment", ())),
            tuple(table.get("target", ())),
            self.criteria(table.get("contraindicated_by", [])),
            tuple(changes),
            tuple(table.get("conflicts_with", ())),
        )

    def rules(self) -> list[Rule]:
        return [self.rule(acuity, id, table) for acuity in Acuity for id, table in self.within(acuity.word)]

    def rule(self, acuity: Acuity, id: str, table: dict[str, Any]) -> Rule:
        then = dict(table["then"])
        days = then.pop("look_again_days", [])
        lists = ("see", "seek_help_if", "meanwhile", "avoid", "do")
        return Rule(
            id=id,
            acuity=acuity,
            title=table["title"],
            why=table["why"],
            when=self.when(table["when"]),
            causes=tuple(table.get("causes", ())),
            sources=self.sources(table),
            examples=tuple(
                Example(one["name"], one["given"], one["fires"], one.get("otherwise") == "no")
                for one in table["example"]
            ),
            status=table["status"],
            hazards=tuple(table.get("hazards", ())),
            misuse=table.get("misuse"),
            reviewed_by=table.get("reviewed_by"),
            reviewed_on=str(table["reviewed_on"]) if "reviewed_on" in table else None,
            within_hours=then.get("within_hours"),
            look_again_days=tuple(days) if isinstance(days, list) else (days,),
            **{key: tuple(then.get(key, ())) for key in lists},
        )

    # -- what steers a plan ------------------------------------------------------------------------------------------

    def plan(self, file: dict[str, Any]) -> PlanRules:
        progress, missed, days, session = (file[name] for name in ("progress", "missed", "days", "session"))
        gear, pain, first = file["equipment"], file["pain"], file.get("first_days", {})
        tendon, ability = file.get("tendon", {}), file.get("ability", {})
        sourced = ("progress", "missed", "days", "session", "first_days", "equipment", "tendon", "ability", "pain")
        return PlanRules(
            percent_a_week=progress["percent_a_week"],
            session_percent=progress["session_percent"],
            session_days=progress["session_days"],
            back_percent=progress["back_percent"],
            back_after_hours=progress["back_after_hours"],
            progress_advice=progress["advice"],
            many_percent=missed["many_percent"],
            back_after_weeks=missed["back_after_weeks"],
            days_a_week=span(days["a_week"]),
            days_trained=days["trained"],
            trained_if=self.criterion(days["trained_if"]),
            days_between=dict(sorted(days.get("between", {}).items())),
            most_exercises=session["most_exercises"],
            most_balance=session["most_balance"],
            warm_up=session.get("warm_up"),
            rest_day=tuple(session.get("rest_day", ())),
            each_side=tuple(session.get("each_side", ())),
            little_if=self.criteria(session.get("little_if", [])),
            little_say=session.get("little_say", ""),
            household=tuple(gear.get("household", ())),
            loads=tuple(gear.get("loads", ())),
            load_on=tuple(gear.get("load_on", ())),
            can_do_without={id: tuple(words) for id, words in sorted(gear.get("can_do_without", {}).items())},
            programmes=tuple(tendon.get("one_of", ())),
            own_steps=tuple(tendon.get("own_steps", ())),
            first_days=first.get("days", 0),
            first_days_if=self.criteria(first.get("if", [])),
            first_days_say=first.get("say", ""),
            ability_percent=ability.get("percent", 100),
            ability_differs_percent=ability.get("differs_percent", 100),
            ability_test=ability.get("test"),
            ability_counted=ability.get("counted"),
            ability_sides=tuple(ability.get("sides", ())),
            ability_on=tuple(ability.get("on", ())),
            pain_finding=pain["finding"],
            stop_above_pain=pain["stop_above"],
            pain_limits=tuple(self.limit(id, table) for id, table in sorted(pain["limit"].items())),
            stop_signs={id: self.stop(id, table) for id, table in sorted(file["stop"].items())},
            gates=tuple(self.gate(id, table) for id, table in sorted(file.get("gate", {}).items())),
            ladders=tuple(self.ladder(id, table) for id, table in sorted(file.get("ladder", {}).items())),
            sources={name: self.sources(file[name]) for name in sourced if name in file},
        )

    def limit(self, id: str, table: dict[str, Any]) -> PainLimit:
        flags = table.get("by_morning", False), table.get("no_rise", False)
        whom = self.criteria(table.get("for_whom", []))
        return PainLimit(id, table["at_most"], table["say"], self.sources(table), whom, *flags)

    def stop(self, id: str, table: dict[str, Any]) -> StopSign:
        again = tuple(table.get("ask_again", ()))
        return StopSign(id, table["asks"], tuple(table["yes"]), again, self.sources(table))

    def gate(self, id: str, table: dict[str, Any]) -> Gate:
        never = self.criteria(table.get("never_if", []))
        return Gate(id, self.criterion(table["if"]), table["opens"], self.sources(table), never)

    def ladder(self, id: str, table: dict[str, Any]) -> Ladder:
        whom = self.criteria(table.get("for_whom", []))
        return Ladder(id, tuple(table["items"]), table["say"], self.sources(table), whom, table.get("at_seconds"))


def rung(word: str) -> Acuity:
    return Acuity[word.upper()]


def steps(number: object, decimals: int) -> int:
    return int(Decimal(str(number)) * 10**decimals)


def span(found: Any) -> tuple[int, int]:
    low, high = found if isinstance(found, list) else (found, found)
    return low, high


def dose(table: dict[str, Any] | None) -> Dose | None:
    return None if table is None else Dose(**{key: span(found) for key, found in table.items()})


# -- the laws ----------------------------------------------------------------------------------------------------------


def state(rules: RuleSet) -> dict[str, object]:
    """All that a rule set holds, and in which order."""
    held = {name: value for name, value in rules.__getstate__().items() if name != "findings"}
    orders = {name: [*value] for name, value in held.items() if isinstance(value, dict)}
    screens = rules.findings.screens
    return {**held, "orders": orders, "by_id": [*rules.findings.by_id.items()], "screens": screens}


def says_what_is_loaded(files: dict[str, str]) -> None:
    folder: Any = InMemory(files)
    found, expected = state(load_rules(folder)), state(Told(files).rule_set())
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name] == value, name


@pytest.mark.parametrize("folders", [SMALL, BUNDLED], ids=["small", "bundled"])
def test_what_a_folder_says_is_what_is_loaded(folders: list[Path]) -> None:
    """Every word and number of every file stands in the rule set where it belongs, in order, and nothing else does."""
    says_what_is_loaded(texts(folders))


def test_a_small_folder_says_most_of_what_can_be_said() -> None:
    """Every table of what steers a plan stands in one of the folders that are compared."""
    plan = Told(texts(BUNDLED)).of("plan")
    assert {*plan} >= {"first_days", "tendon", "ability", "ladder", "gate", "stop"}
    assert {*chain(*plan["pain"]["limit"].values())} >= {"for_whom", "by_morning", "no_rise"}


# -- a folder in which everything is said, and each part of it taken away or replaced ----------------------------------

SOURCE = 'cites = "design decision"\nsays = "Made up."\n'
ADDED = {
    "findings/start.toml": """
[finding.more_asked]
heading = "about_you"
asks = "Is there more?"
kind = "symptom"
fixed = true
benign = false
""",
    "ruleset.toml": '[no_gain]\nfinding = "leg_weakness"\nsymptoms = ["calf_pain"]\nafter_days = 42\n',
    "waivers.toml": '[REACHABLE]\ncancer = "Made up."\n',
    "retired/old_pain.toml": 'title = "Old pain"\nreplaced_by = "pain"\n',
    "hazards.toml": 'tests = ["test_it"]\n',
    "causes.toml": f"""
evidence = "Made up."
[[disuse.source]]
{SOURCE}link = "https://example.org"
checked = 2026-01-02
""",
    "findings/more.toml": """
title = "More"
position = 2
opens_with = "more_asked"
[[heading]]
id = "more"
title = "More"
asks = "Which of these?"
[finding]
left_hot = { heading = "more", asks = "Left", kind = "sign", only_if = "more_asked", mirror = "right_hot" }
right_hot = { heading = "more", asks = "Right", kind = "sign", only_if = "more_asked", mirror = "left_hot" }
[finding.size_mm]
heading = "more"
asks = "How large?"
kind = "measurement"
range = [-5, 5]
decimals = 3
benign = 0
worse = "higher"
only_if = "more_asked"
[finding.place]
heading = "more"
asks = "Where?"
kind = "context"
choices = { here = "Here", there = "There" }
benign = "here"
worse = "later"
only_if = "more_asked"
""",
    "advice/more.toml": f"""
[short_walk]
kind = "activity"
name = "Short walk"
steps = ["Walk a little."]
equipment = ["wall", "chair"]
target = ["calf"]
contraindicated_by = ["place is there"]
modified_by = [{{ if = "size_mm < 1.5", say = "Less.", dose = {{ minutes = 5 }} }}]
dose = {{ minutes = [5, 10], sets = 1, weeks = 4 }}
[[short_walk.source]]
{SOURCE}
[sit_down]
kind = "first_aid"
name = "Sit down"
steps = ["Sit down."]
conflicts_with = ["no_massage"]
[[sit_down.source]]
{SOURCE}""",
    "criteria.toml": '[weak_picture]\nmeans = "Weak"\nall = ["leg_weakness"]\nnone = ["cancer"]\n',
    "routine/weak.toml": f"""
title = "Weak"
causes = ["disuse"]
why = "Made up."
misuse = "Made up."
status = "reviewed"
reviewed_by = "A clinician"
reviewed_on = 2026-01-02
hazards = ["H1"]
[when]
all = ["weak_picture", "left_hot is unsure"]
any = ["clot_factor", "wells >= 1"]
none = ["breathless"]
[then]
see = ["doctor"]
look_again_days = [2, 14]
seek_help_if = ["worse"]
meanwhile = ["sit_down"]
avoid = ["no_massage"]
[[source]]
{SOURCE}
[[example]]
name = "weak"
given = {{ leg_weakness = true, cancer = false, more_asked = true, left_hot = "unsure", bed_days = 3, size_mm = 1.25 }}
fires = true
otherwise = "no"
[[example]]
name = "not weak"
given = {{ leg_weakness = false }}
fires = false
""",
    "plan.toml": f"""
[first_days]
days = 3
if = ["cancer"]
say = "Made up."
[[first_days.source]]
{SOURCE}
[tendon]
one_of = ["calf_raise"]
own_steps = ["calf_raise"]
[[tendon.source]]
{SOURCE}
[ability]
percent = 50
differs_percent = 20
test = "calf_raise"
counted = "leg_weakness"
sides = ["girth_difference_cm", "size_mm"]
on = ["calf_raise"]
[[ability.source]]
{SOURCE}
[ladder.rising]
items = ["calf_raise", "short_walk"]
say = "Made up."
for_whom = ["cancer"]
at_seconds = 30
[[ladder.rising.source]]
{SOURCE}
[pain.limit.few]
at_most = 2
say = "Made up."
for_whom = ["cancer"]
by_morning = true
no_rise = true
[[pain.limit.few.source]]
{SOURCE}""",
}
CHANGED = [
    (
        "plan.toml",
        'each_side = ["calf_raise"]',
        'each_side = ["calf_raise"]\nwarm_up = "short_walk"\nrest_day = ["short_walk"]',
    ),
    ("plan.toml", 'load_on = ["calf_raise"]', 'load_on = ["calf_raise"]\ncan_do_without = { short_walk = ["wall"] }'),
    ("plan.toml", 'yes = ["breathless"]', 'yes = ["breathless"]\nask_again = ["breathless"]'),
    ("plan.toml", 'opens = "No swelling."', 'opens = "No swelling."\nnever_if = ["cancer"]'),
]


def full() -> dict[str, dict[str, Any]]:
    """The tables of every file of a folder in which everything is said that can be said."""
    files = texts(SMALL)
    for name, text in ADDED.items():
        files[name] = f"{files.get(name, '')}\n{text}"
    for name, old, new in CHANGED:
        assert old in files[name]
        files[name] = files[name].replace(old, new)
    return {name: tomllib.loads(text) for name, text in files.items()}


def written(value: Any) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool | int | float) else str(value)


FULL = full()
LOADED = {name: "".join(f"{key} = {written(value)}\n" for key, value in table.items()) for name, table in FULL.items()}


SAME: Any = InMemory({name: name for name in FULL})


def problems(name: str = "", table: dict[str, Any] | None = None) -> tuple[str, ...]:
    """What is wrong with the full folder when the tables of a file are replaced; () if nothing is."""
    tables = FULL if table is None else {**FULL, name: table}
    with pytest.MonkeyPatch.context() as patch:
        # Files need not be written and taken apart each time.
        patch.setattr(_load, "parsed", lambda content: tables[content.decode()])
        try:
            load_rules(SAME)
        except RuleSetError as error:
            return error.problems
    return ()


Place = tuple[str | int, ...]
"""The keys, and places in lists of tables, that lead to a value."""


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every value that has a key, in every table."""
    pairs: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
        yield from ((*at, key) for key in value)
    elif isinstance(value, list):
        pairs = [(number, one) for number, one in enumerate(value) if isinstance(one, dict)]
    for key, inner in pairs:
        yield from places(inner, (*at, key))


EVERY = [(name, place) for name, table in FULL.items() for place in places(table)]
NOTHING = object()


def replaced(name: str, place: Place, by: Any = NOTHING) -> dict[str, Any]:
    """The tables of a file with another value in one place, or none."""
    table: dict[str, Any] = copy.deepcopy(FULL[name])
    inner: Any = table
    for key in place[:-1]:
        inner = inner[key]
    if by is NOTHING:
        del inner[place[-1]]
    else:
        inner[place[-1]] = by
    return table


def where(name: str, place: Place) -> str:
    """How the loader names the table of a value: its file, and its header, with its number among its like."""
    header = ".".join(key for key in place if isinstance(key, str))
    if place and isinstance(place[-1], int):
        return f"{name}: [[{header}]] {place[-1] + 1}"
    return f"{name}: [{header}]" if header else name


def as_key(name: str, place: Place) -> str:
    return f"{where(name, place[:-1])}{' ' if place[:-1] else ': '}{place[-1]}"


def test_the_full_folder_says_what_is_loaded() -> None:
    """It is sound, and its words and numbers stand in the rule set where they belong."""
    assert problems() == ()
    says_what_is_loaded(LOADED)


IDS = {"finding", "choices", "points", "given", "between", "can_do_without", "limit", "stop", "gate", "ladder"}
"""Tables whose keys are names."""
MAY_BE_LEFT_OUT = {
    *("no_gain", "opens_with", "red_flag", "floor", "only_if", "mirror", "fixed", "worse", "advice_number", "tests"),
    *("against", "evidence", "link", "checked", "dose", "equipment", "target", "contraindicated_by", "modified_by"),
    *("conflicts_with", "causes", "misuse", "reviewed_by", "reviewed_on", "avoid", "meanwhile", "otherwise"),
    *("all", "any", "none", "sets", "minutes", "weeks", "repetitions", "sessions_per_week", "first_days", "tendon"),
    *("ability", "between", "warm_up", "rest_day", "each_side", "little_if", "household", "loads", "load_on"),
    *("can_do_without", "own_steps", "for_whom", "by_morning", "no_rise", "ask_again", "gate", "never_if", "ladder"),
    *("at_seconds", "causes"),
}
DEPENDS: dict[tuple[str, str], Callable[[Place], bool]] = {
    ("causes.toml", "source"): lambda _: True,
    ("plan.toml", "equipment"): lambda _: False,
    ("findings/start.toml", "benign"): lambda place: place[1] == "more_asked",
    ("routine/weak.toml", "hazards"): lambda _: True,
}
OF_THEIR_OWN = {
    # What is said where these are missing: it depends on them what the table is.
    "kind",
    "range",
    "decimals",
    "choices",
    "generic",
}


def is_name(name: str, place: Place) -> bool:
    """Whether a key is a name that the folder gives, not a word of the grammar."""
    tables = ("criteria", "scores", "causes", "services", "regions", "hazards", "laws", "waivers", "advice/")
    if name.startswith(tables) and (len(place) == 1 or name == "waivers.toml"):
        return True
    above = [key for key in place[:-1] if isinstance(key, str)]
    return bool(above) and above[-1] in IDS and not (name == "plan.toml" and above[-1] == "finding")


def told_where_missing(every: Iterable[tuple[str, Place]]) -> int:
    """How many of these places are told where they are missing; all others may be left out."""
    told = 0
    for name, place in every:
        key = str(place[-1])
        if is_name(name, place) or key in OF_THEIR_OWN:
            continue
        found = problems(name, replaced(name, place))
        line = f"{as_key(name, place)}: is missing"
        may_be = key in MAY_BE_LEFT_OUT
        if (name, key) in DEPENDS:
            may_be = DEPENDS[name, key](place)
        assert (line in found) != may_be, (line, found)
        told += not may_be
    return told


def test_what_has_to_be_there_is_told_where_it_is_missing() -> None:
    """Of everything that can be said each part may be left out, or is told as missing, by its very place."""
    assert told_where_missing(EVERY) > 150


WRONG: list[Any] = [[], {}, {"zzz": 7}, True, "", "x" * 1_001, "a\u202eb"]


def may_be(name: str, place: Place, value: Any) -> bool:
    """Whether a value is right, or right as far as its sort goes, in a place."""
    key, now = place[-1], inner_of(name, place)
    if isinstance(value, bool):
        return isinstance(now, bool)
    if value == []:
        return isinstance(now, list) and key != "range"
    if isinstance(value, dict):
        return isinstance(now, dict)
    return False


def inner_of(name: str, place: Place) -> Any:
    inner: Any = FULL[name]
    for key in place:
        inner = inner[key]
    return inner


def told_where_wrong(every: Iterable[tuple[str, Place]]) -> None:
    for number, (name, place) in enumerate(every):
        # A list of what is no text, and a number below every range, or one other thing.
        for value in ([date(1979, 5, 27)], (-99.5, *WRONG)[number % (len(WRONG) + 1)]):
            if may_be(name, place, value) or (
                name.startswith("retired/") and place[-1] not in ("title", "replaced_by")
            ):
                continue
            found = problems(name, replaced(name, place, value))
            keys = [str(key) for key in place[-2:]]
            assert any(line.startswith(f"{name}: ") and any(key in line for key in keys) for line in found), (
                as_key(name, place),
                value,
                found,
            )


def test_a_value_of_another_sort_is_told_by_its_key() -> None:
    """Wherever a text, a number, a yes, a list or a table stands, another sort of value is told by file and key."""
    told_where_wrong(EVERY)


# -- limits ------------------------------------------------------------------------------------------------------------

WHOLE: list[tuple[str, Place, int, int]] = [
    ("ruleset.toml", ("lowest_age",), 0, 120),
    ("ruleset.toml", ("look_again_days",), 1, 365),
    ("ruleset.toml", ("no_gain", "after_days"), 1, 365),
    ("findings/more.toml", ("position",), 0, 1_000),
    ("findings/start.toml", ("finding", "girth_difference_cm", "decimals"), 0, 3),
    ("routine/pain.toml", ("then", "look_again_days"), 1, 365),
    ("advice/all.toml", ("calf_raise", "dose", "sets"), 1, 10_000),
    ("plan.toml", ("progress", "percent_a_week"), 1, 100),
    ("plan.toml", ("progress", "session_percent"), 1, 100),
    ("plan.toml", ("progress", "session_days"), 7, 365),
    ("plan.toml", ("progress", "back_percent"), 1, 90),
    ("plan.toml", ("progress", "back_after_hours"), 1, 168),
    ("plan.toml", ("missed", "many_percent"), 1, 100),
    ("plan.toml", ("missed", "back_after_weeks"), 1, 52),
    ("plan.toml", ("days", "a_week"), 1, 10_000),
    ("plan.toml", ("days", "trained"), 1, 7),
    ("plan.toml", ("days", "between", "calf_raise"), 1, 14),
    ("plan.toml", ("session", "most_exercises"), 1, 60),
    ("plan.toml", ("session", "most_balance"), 0, 60),
    ("plan.toml", ("first_days", "days"), 1, 28),
    ("plan.toml", ("ability", "percent"), 1, 100),
    ("plan.toml", ("ability", "differs_percent"), 1, 100),
    ("plan.toml", ("pain", "stop_above"), 1, 9),
    ("plan.toml", ("pain", "limit", "few", "at_most"), 0, 5),
    ("plan.toml", ("ladder", "rising", "at_seconds"), 1, 10_000),
]


def test_every_whole_number_has_its_limits() -> None:
    """At both limits a number is taken; one below and one above it is told, with the limits; so is a yes."""
    limits_hold(WHOLE)


def limits_hold(whole: Iterable[tuple[str, Place, int, int]]) -> None:
    for name, place, low, high in whole:
        line = f"{as_key(name, place)}: expected a whole number from {low} to {high}"
        for number in (low, high):
            assert not any(found.startswith(line) for found in problems(name, replaced(name, place, number))), line
        for wrong in (low - 1, high + 1, low + 0.5, True):
            assert any(found.startswith(line) for found in problems(name, replaced(name, place, wrong))), (line, wrong)


def words(number: int) -> str:
    return " ".join(f"w{n}" for n in range(number))


def listed(number: int) -> list[str]:
    return [f"w{n}" for n in range(number)]


def labelled(number: int) -> dict[str, str]:
    return {"here": "Here", "there": "There", **{f"c{n}": "C" for n in range(number - 2)}}


def pointed(number: int) -> dict[str, int]:
    return {"cancer": 1, "girth_difference_cm >= 3": 1} | {
        f"girth_difference_cm < {n / 10}": 1 for n in range(1, number - 1)
    }


LARGEST: list[tuple[str, Place, Any, Any, str]] = [
    ("routine/pain.toml", ("why",), "w" * 1_000, "w" * 1_001, "longer than 1000 characters"),
    ("advice/more.toml", ("short_walk", "target"), listed(60), listed(61), "more than 60 entries"),
    ("advice/more.toml", ("short_walk", "target"), listed(2), ["w0", "w1", "w0"], "'w0' stands twice"),
    ("advice/all.toml", ("no_massage", "steps"), [words(9)], [words(10)], "more than 9 words"),
    ("regions.toml", ("GB", "emergency_number"), words(4), words(5), "more than 4 words"),
    ("services.toml", ("emergency_department", "name"), words(6), words(7), "more than 6 words"),
    ("findings/more.toml", ("finding", "place", "choices"), labelled(12), labelled(13), "a table of 2 to 12 choices"),
    ("routine/weak.toml", ("then", "look_again_days"), [*range(1, 61)], [*range(1, 62)], "or rising ones"),
    ("routine/weak.toml", ("then", "look_again_days"), [1, 365], [1, 366], "or rising ones"),
    ("routine/weak.toml", ("then", "look_again_days"), [2], [], "or rising ones"),
    ("routine/weak.toml", ("then", "look_again_days"), [2, 3], [2, 2], "or rising ones"),
    ("routine/weak.toml", ("then", "look_again_days"), [2, 3], [3, 2], "or rising ones"),
    ("soon/calf_pain_with_factor.toml", ("then", "within_hours"), 336, 335, "expected one of 48, 72, 336"),
    ("soon/calf_pain_with_factor.toml", ("then", "within_hours"), 72, 72.0, "expected one of 48, 72, 336"),
    ("soon/calf_pain_with_factor.toml", ("then", "within_hours"), 48, 24, "expected one of 48, 72, 336"),
    ("advice/all.toml", ("calf_raise", "dose", "sets"), [3, 3], [3, 2], "or a span"),
    ("advice/all.toml", ("calf_raise", "dose", "sets"), [1, 10_000], [1, 10_001], "or a span"),
    ("advice/all.toml", ("calf_raise", "dose", "sets"), [1, 2], [1, 2, 3], "or a span"),
    ("advice/all.toml", ("calf_raise", "dose", "sets"), [1, 2], [0, 2], "or a span"),
    ("scores.toml", ("wells", "points", "cancer"), 1_000, 1_001, "expected a whole number from 1 to 1000"),
    ("scores.toml", ("wells", "points", "cancer"), 2, 0, "expected a whole number from 1 to 1000"),
    ("findings/more.toml", ("finding", "size_mm", "range"), [-5, 2], [2, 2], "expected two rising numbers"),
    ("findings/more.toml", ("finding", "size_mm", "range"), [-0.001, 5], [-0.0001, 5], "expected two rising numbers"),
    (
        "findings/more.toml",
        ("finding", "size_mm", "range"),
        [-5, 10**9],
        [-5, 10**9 + 1],
        "expected two rising numbers",
    ),
    ("findings/more.toml", ("finding", "size_mm", "benign"), 5, 5.001, "is outside the range, or off its decimals"),
    ("findings/more.toml", ("finding", "size_mm", "benign"), -5, -5.001, "is outside the range, or off its decimals"),
    (
        "advice/more.toml",
        ("short_walk", "contraindicated_by"),
        ["size_mm >= 5"],
        ["size_mm >= 5.001"],
        "always or never",
    ),
    (
        "advice/more.toml",
        ("short_walk", "contraindicated_by"),
        ["size_mm < -4.999"],
        ["size_mm < -5"],
        "always or never",
    ),
    ("advice/more.toml", ("short_walk", "contraindicated_by"), ["wells >= 1"], ["wells >= 0"], "n from 1 to 2"),
    ("advice/more.toml", ("short_walk", "contraindicated_by"), ["wells >= 2"], ["wells >= 3"], "n from 1 to 2"),
    ("advice/more.toml", ("short_walk", "contraindicated_by"), ["wells >= 2"], ["wells < 2"], "n from 1 to 2"),
    ("advice/more.toml", ("short_walk", "contraindicated_by"), ["wells >= 2"], ["wells >= 1.5"], "n from 1 to 2"),
    ("findings/more.toml", ("finding", "place", "worse"), "earlier", "higher", "unknown word 'higher'; expected later"),
    ("scores.toml", ("wells", "points"), pointed(60), pointed(61), "expected a table of 1 to 60 criteria"),
    (
        "advice/more.toml",
        ("short_walk", "modified_by"),
        [{"if": "cancer", "say": "S."}],
        [],
        "expected one or more tables, each headed [[short_walk.modified_by]]",
    ),
    ("ruleset.toml", ("version",), "999999.0.10", "1.0", "expected three numbers, as 1.2.0"),
    (
        "causes.toml",
        ("disuse", "source", 0, "link"),
        "http://a",
        "ftp://a",
        "expected an address that begins with https",
    ),
]


@pytest.mark.parametrize(("name", "place", "right", "wrong", "why"), LARGEST, ids=range(len(LARGEST)))
def test_what_is_just_right_is_taken_and_what_is_just_wrong_is_told(
    name: str, place: Place, right: Any, wrong: Any, why: str
) -> None:
    """On each limit of a text, a list or a number the folder loads; just beyond it that is told."""
    assert not any(why in line for line in problems(name, replaced(name, place, right)))
    assert any(why in line for line in problems(name, replaced(name, place, wrong)))


def chained(number: int) -> dict[str, Any]:
    """Named criteria of which each rests on the next."""
    inner = {f"n{n:02}": {"means": "N", "all": [f"n{n + 1:02}"]} for n in range(number - 1)}
    return {**FULL["criteria.toml"], **inner, f"n{number - 1:02}": {"means": "N", "all": ["cancer"]}}


def test_names_rest_on_sixteen_others_at_most() -> None:
    """A named criterion over sixteen others in a row is taken, and over seventeen it is told."""
    assert problems("criteria.toml", chained(17)) == ()
    assert problems("criteria.toml", chained(18)) == ("criteria.toml: [n00]: rests on more than 16 names in a row",)


def hanging(number: int) -> dict[str, Any]:
    """Findings of which each hangs below the one before."""
    table = copy.deepcopy(FULL["findings/more.toml"])
    above = "more_asked"
    for n in range(number):
        one = {"heading": "more", "asks": "More?", "kind": "symptom", "only_if": above}
        table["finding"][f"deep_{n:02}"] = one
        above = f"deep_{n:02}"
    return table


def test_findings_hang_below_sixteen_others_at_most() -> None:
    """A finding below sixteen others in a row is taken, and below seventeen it is told."""
    assert problems("findings/more.toml", hanging(16)) == ()
    (line, *_) = problems("findings/more.toml", hanging(17))
    assert line == "findings/more.toml: [finding.deep_16] only_if: hangs below more than 16 findings in a row"


def written_out(number: int) -> dict[str, Any]:
    """A named criterion that stands for so many others: fifty names of twenty each, or nineteen, less one."""
    table = dict(FULL["criteria.toml"])
    kept = [f"bed_days >= {n}" for n in range(1, 21)]
    for n in range(50):
        table[f"n{n:02}"] = {"means": "N", "any": kept}
    table["n50"] = {"means": "N", "any": [f"n{n:02}" for n in range(50)] + (["cancer"] if number > 1_000 else [])}
    return table


def test_names_stand_for_a_thousand_criteria_at_most() -> None:
    """A name that written out is a thousand criteria is taken, and one more is told."""
    assert problems("criteria.toml", written_out(1_000)) == ()
    assert problems("criteria.toml", written_out(1_001)) == (
        "criteria.toml: [n50]: stands for more than 1000 criteria",
    )


def test_fifty_suggestions_are_made_and_a_thousand_problems_told() -> None:
    """Of the problems with unknown names the first fifty have a near word; of all problems a thousand are told."""
    for number in (999, 1_000, 1_100):
        table = copy.deepcopy(FULL["advice/more.toml"])
        table["short_walk"]["modified_by"] = [{"if": f"quite_other_{n}", "say": "S."} for n in range(number)]
        found = problems("advice/more.toml", table)
        assert len(found) == (number if number < 1_000 else 1_001)
        assert (found[-1] == "more than 1000 problems; the rest was not read") == (number >= 1_000)
    table = copy.deepcopy(FULL["advice/more.toml"])
    table["short_walk"]["contraindicated_by"] = [f"cancer{n}" for n in range(10, 70)]
    found = problems("advice/more.toml", table)
    assert [place for place, line in enumerate(found) if "did you mean 'cancer'" in line] == [*range(50)]
    assert len(found) == 60
    assert found[50] == "advice/more.toml: [short_walk] contraindicated_by: unknown finding 'cancer60'"


# -- what else a folder may say ----------------------------------------------------------------------------------------


def with_example(given: dict[str, Any], **more: Any) -> tuple[str, ...]:
    """What is wrong with a rule whose first example is this one."""
    table = copy.deepcopy(FULL["routine/weak.toml"])
    table["example"][0] = {"name": "one", "given": given, "fires": True, **more}
    return problems("routine/weak.toml", table)


def test_an_example_says_what_it_hangs_from_only_where_the_rest_is_no() -> None:
    """Where all else is no, what an answer hangs from has to be said, unless the answer is no."""
    place = "routine/weak.toml: [[example]] 1 given"
    told = (f"{place}: left_hot: applies only with more_asked, and otherwise that is no",)
    assert with_example({"left_hot": True}, otherwise="no") == told
    assert with_example({"left_hot": "unsure"}, otherwise="no") == told
    assert with_example({"left_hot": False}, otherwise="no") == ()
    assert with_example({"left_hot": True, "more_asked": True}, otherwise="no") == ()
    assert with_example({"left_hot": True}) == ()
    assert with_example({"left_hot": True}, otherwise="yes") == (
        'routine/weak.toml: [[example]] 1 otherwise: can only be "no"',
        *told,
    )


def _full_rules() -> RuleSet:
    folder: Any = InMemory(LOADED)
    return load_rules(folder)


def test_an_examples_answers_are_those_given_and_the_benign_rest_where_it_says_so() -> None:
    """`otherwise` fills in what a person without anything would answer; without it the rest is absent."""
    given: dict[str, Any] = {"more_asked": True, "left_hot": True}
    values, wrong = _load.example_values(_full_rules(), Example("one", given, fires=True))
    assert (values, wrong) == (given, [])
    values, wrong = _load.example_values(_full_rules(), Example("one", given, fires=True, otherwise_no=True))
    assert {name: values[name] for name in given} == given
    assert (values["cancer"], values["age_years"], values["place"]) == (False, 40, "here")
    assert wrong == []


def test_training_without_gain_is_about_findings_answered_yes_or_no() -> None:
    """What no_gain names has to be a yes/no finding; each wrong one is told, by its key."""
    for wrong, lines in (
        ({"finding": "leg_weaknes"}, ["finding: unknown finding 'leg_weaknes'; did you mean 'leg_weakness'?"]),
        ({"symptoms": ["calf_pan"]}, ["symptoms: unknown finding 'calf_pan'; did you mean 'calf_pain'?"]),
        ({"finding": "bed_days"}, ["'bed_days' is not answered yes or no"]),
        ({"symptoms": ["place"]}, ["'place' is not answered yes or no"]),
    ):
        table = copy.deepcopy(FULL["ruleset.toml"])
        table["no_gain"] |= wrong
        found = problems("ruleset.toml", table)
        assert [line.removeprefix("ruleset.toml: [no_gain]").lstrip(": ") for line in found] == lines


def test_the_lowest_age_lies_within_the_ages_that_can_be_answered() -> None:
    """At both ends of the range it is taken, whatever the decimals of an age; beyond them, or without an age, told."""
    outside = ("ruleset.toml: lowest_age: is outside the range of age_years",)
    for decimals in (0, 1):
        start = copy.deepcopy(FULL["findings/start.toml"])
        start["finding"]["age_years"] |= {"range": [10, 100], "decimals": decimals}
        for lowest, found in ((10, ()), (100, ()), (9, outside), (101, outside), (0, ())):
            ruleset = {**FULL["ruleset.toml"], "lowest_age": lowest}
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(FULL, "findings/start.toml", start)
                assert problems("ruleset.toml", ruleset) == found, (decimals, lowest)


def test_as_many_names_as_there_may_be_are_taken() -> None:
    """A thousand findings, named criteria and scores are taken, one more is not, whichever of them it is."""
    have = sum(len(table["finding"]) for name, table in FULL.items() if name.startswith("findings/"))
    have += len(FULL["criteria.toml"]) + len(FULL["scores.toml"])
    refused = ("more than 1000 findings, named criteria and scores",)
    criteria = {f"n{n:04}": {"means": "N", "all": ["cancer"]} for n in range(1_000 - have)}
    assert problems("criteria.toml", {**FULL["criteria.toml"], **criteria}) == ()
    one_more = {**criteria, "one_more": {"means": "N", "all": ["cancer"]}}
    assert problems("criteria.toml", {**FULL["criteria.toml"], **one_more}) == refused
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FULL, "criteria.toml", {**FULL["criteria.toml"], **criteria})
        score = {"title": "T", "cites": "c", "says": "s", "points": {"cancer": 1}}
        assert problems("scores.toml", {**FULL["scores.toml"], "one_more": score}) == refused


def test_a_circle_is_printed_whole_up_to_sixty_names() -> None:
    """A circle of sixty names, the first said again at its end, is cut, and a shorter one is not."""
    for number, cut in ((59, False), (60, True)):
        names = [f"n{n:02}" for n in range(number)]
        circle = {one: {"means": "N", "all": [after]} for one, after in zip(names, [*names[1:], names[0]], strict=True)}
        line, *others = problems("criteria.toml", {**FULL["criteria.toml"], **circle})
        assert all(other.endswith("rests on more than 16 names in a row") for other in others)
        printed = " → ".join([*names, "…" if cut else "n00"])
        assert line == f"criteria.toml: [n00]: a circle: {printed}"
    score = {"title": "T", "cites": "c", "says": "s", "points": {"b_name": 1}}
    with pytest.MonkeyPatch.context() as patch:
        named = {"b_name": {"means": "N", "all": ["a_sum >= 1"]}}
        patch.setitem(FULL, "criteria.toml", {**FULL["criteria.toml"], **named})
        found = problems("scores.toml", {**FULL["scores.toml"], "a_sum": score})
    assert found == ("scores.toml: [a_sum]: a circle: a_sum → b_name → a_sum",)


class Package:
    """A package in a zip, say, that may hold rules, and knows no folder that it lies in."""

    def __init__(self, *paths: str, at: str = "") -> None:
        self.paths, self.at = paths, at

    def __truediv__(self, name: str) -> Package:
        return Package(*self.paths, at=f"{self.at}/{name}")

    def is_file(self) -> bool:
        return self.at in self.paths

    def is_dir(self) -> bool:
        return any(path.startswith(f"{self.at}/") for path in self.paths)


def test_the_rules_in_the_package_come_before_those_beside_it() -> None:
    """The packaged rules if there are any; else those beside the package; else, to be told as missing, the packaged."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        package = Path(name) / "calf_triage"
        package.mkdir()
        patch.setattr(_load, "__file__", str(package / "_load.py"))
        assert _load._bundled() == package / "rules"
        (package.parent / "rules").mkdir()
        assert _load._bundled() == package.parent / "rules"
        (package / "rules").mkdir()
        assert _load._bundled() == package.parent / "rules"
        (package / "rules" / "ruleset.toml").touch()
        assert _load._bundled() == package / "rules"
        patch.setattr(_load, "__file__", str(package.parent / "all.zip" / "calf_triage" / "_load.py"))
        for held, found in (("/rules/ruleset.toml", "/rules"), ("/rules/causes.toml", "/rules"), ("/a", "/rules")):
            patch.setattr(resources, "files", {"calf_triage": Package(held)}.__getitem__)
            where: Any = _load._bundled()
            assert where.at == found


def test_a_folder_is_given_by_its_name_too() -> None:
    """As a text, a path, or anything that can be walked; and without one the bundled rules are loaded."""
    folder = FOLDERS / "mini"
    assert load_rules(str(folder)).sha256 == load_rules(folder).sha256 == load_rules(os.fspath(folder)).sha256
    assert load_rules().sha256 == load_rules(BUNDLED[0]).sha256


def test_what_would_be_right_is_listed_up_to_twelve_words() -> None:
    """Where nothing is near, up to twelve words that would be right are listed, and of more none."""
    for number in (12, 13):
        table = copy.deepcopy(FULL["findings/more.toml"])
        ids = ["more", *(f"h{n:02}" for n in range(1, number))]
        for n, id in enumerate(ids[1:]):
            table["heading"].append({"id": id, "title": "T", "asks": "A?"})
            table["finding"][f"f{n:02}"] = {"heading": id, "asks": "F", "kind": "sign", "only_if": "more_asked"}
        table["finding"]["place"]["heading"] = "zzz"
        expected = f"; expected {', '.join(ids)}" if number == 12 else ""
        line = f"findings/more.toml: [finding.place] heading: unknown heading 'zzz'{expected}"
        assert problems("findings/more.toml", table) == (line,)


WORDED: list[tuple[Place, Any, str]] = [
    (
        ("gate", "swelling", "if"),
        "calf_pan",
        "[gate.swelling] if: unknown finding 'calf_pan'; did you mean 'calf_pain'?",
    ),
    (("ability", "counted"), "bed_days", "[ability] counted: 'bed_days' is no yes/no finding"),
    (("ability", "sides"), ["cancer"], "[ability] sides: 'cancer' is no measurement finding"),
    (("pain", "finding"), "cancer", "[pain] finding: 'cancer' is no measurement finding"),
    (("pain", "finding"), "bed_day", "[pain] finding: unknown finding 'bed_day'; did you mean 'bed_days'?"),
    (("ability", "test"), "calf_rais", "[ability] test: unknown advice 'calf_rais'; did you mean 'calf_raise'?"),
    (("session", "warm_up"), "calf_rais", "[session] warm_up: unknown advice 'calf_rais'; did you mean 'calf_raise'?"),
]


def test_what_is_wrong_in_a_plan_is_told_word_for_word() -> None:
    """By its table and key, with what would be right; and so is the `if` of a change of an item."""
    for place, wrong, line in WORDED:
        assert problems("plan.toml", replaced("plan.toml", place, wrong)) == (f"plan.toml: {line}",)
    missing = replaced("plan.toml", ("days", "a_week"))
    assert problems("plan.toml", missing) == ("plan.toml: [days] a_week: is missing",)
    changed = replaced("advice/more.toml", ("short_walk", "modified_by", 0, "if"), "calf_pan")
    assert problems("advice/more.toml", changed) == (
        "advice/more.toml: [[short_walk.modified_by]] 1 if: unknown finding 'calf_pan'; did you mean 'calf_pain'?",
    )


def test_a_plan_without_what_may_be_left_out_says_the_rest() -> None:
    """What is left out of a plan is none, no number or nothing, and all else is as it was."""
    for place in places(FULL["plan.toml"]):
        if len(place) <= 2 and place[-1] in MAY_BE_LEFT_OUT and place != ("equipment",) and place[-1] != "little_if":
            table = replaced("plan.toml", place)
            assert problems("plan.toml", table) == ()
            text = "".join(f"{key} = {written(value)}\n" for key, value in table.items())
            says_what_is_loaded({**LOADED, "plan.toml": text})


def test_what_is_missing_of_a_measurement_is_told() -> None:
    """Either of range and decimals makes a measurement, and asks for the other."""
    for key in ("range", "decimals"):
        table = replaced("findings/more.toml", ("finding", "size_mm", key))
        assert f"findings/more.toml: [finding.size_mm] {key}: is missing" in problems("findings/more.toml", table)


def test_a_none_is_found_through_every_name() -> None:
    """Above ROUTINE no name may rest on a `none`, whichever of the names in it does."""
    rule = replaced("soon/calf_pain_with_factor.toml", ("when",), {"all": ["outer"]})
    for names in (["weak_picture", "clot_factor"], ["clot_factor", "weak_picture"]):
        with pytest.MonkeyPatch.context() as patch:
            outer = {"means": "N", "all": names}
            patch.setitem(FULL, "criteria.toml", {**FULL["criteria.toml"], "outer": outer})
            (line,) = problems("soon/calf_pain_with_factor.toml", rule)
            assert line.endswith("[when] all: 'outer' uses none, which stands only in routine/ and self_care/")


def test_laws_and_scores_rest_on_sixteen_names_at_most_too() -> None:
    """What rests on a name of sixteen others in a row is told by its own file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FULL, "criteria.toml", chained(17))
        law = replaced("laws.toml", ("swelling_is_seen", "all"), ["n00"])
        assert problems("laws.toml", law) == ("laws.toml: [swelling_is_seen]: rests on more than 16 names in a row",)
        score = replaced("scores.toml", ("wells", "points"), {"n00": 3})
        assert problems("scores.toml", score)[0] == "scores.toml: [wells]: rests on more than 16 names in a row"


def test_all_of_two_and_any_of_two_are_two_rules() -> None:
    """Only one criterion alone says the same in `any` as in `all`."""
    both = ["calf_pain", "cancer"]
    first = replaced("routine/pain.toml", ("when",), {"all": both})
    for when, told in (({"any": both}, False), ({"all": both[::-1]}, True)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(FULL, "routine/weak.toml", replaced("routine/weak.toml", ("when",), when))
            found = problems("routine/pain.toml", first)
            assert any("says the same as" in line for line in found) == told
