"""Made-up rule sets, as `Random` will have it: written as files and read by the loader, so that each is a valid one.

They hold the laws by construction: every red flag has a rule at its floor, and every clinical floor has its rule.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeVar

from attrs import define, field

from calf_triage._findings import UNSURE, Acuity, Answer
from calf_triage._folder import Folder
from calf_triage._load import _Loader, example_values
from calf_triage._rules import Rule, RuleSet
from calf_triage.readings.plain import plain

_T = TypeVar("_T")
_SOURCE: Final = {"cites": "design decision", "says": "Made up for a test."}
# Above this a `when` of any length could pass the loader's bound on what names stand for.
_MOST_WRITTEN_OUT: Final = 50
_MOST_NAMES_IN_A_ROW: Final = 6
_RANGES: Final = ((0, 10), (0, 200), (-50, 50), (345, 420), (-999_999_999, 999_999_999))


def made_up(random: Random, findings: int = 12, rules: int = 12) -> RuleSet:
    """A rule set of about that many findings, and at most that many rules beside those that keep its floors."""
    files = {path: _toml(table) for path, table in _Writer(random).folder(findings, rules).items()}
    loaded = _Loader(Folder(files)).load()
    # A person who meets all may by accident meet what stands in `none` too; then the example would be no example.
    if wrong := [rule for rule in loaded if not _fires_as_said(loaded, rule)]:
        kept = {
            path: file for path, file in files.items() if path not in {f"{r.acuity.word}/{r.id}.toml" for r in wrong}
        }
        return _Loader(Folder(kept)).load()
    return loaded


def _fires_as_said(rules: RuleSet, rule: Rule) -> bool:
    reader = plain(rules)
    readings = [reader.read(example_values(rules, example)[0]) for example in rule.examples]
    return [reader.holds(rule.when, reading) for reading in readings] == [example.fires for example in rule.examples]


@define
class _Said:
    """A criterion as written, and how a person could meet it. quiet: not met by somebody whom nothing ails."""

    text: str
    meet: Callable[[dict[str, Answer]], bool]
    quiet: bool = True
    cost: int = 1
    depth: int = 0
    has_none: bool = False


@define
class _Writer:
    """The files of one rule set on their way. Whatever is said, is said only of what was declared before."""

    random: Random
    findings: dict[str, dict[str, Any]] = field(factory=dict)
    leaves: list[_Said] = field(factory=list)
    names: list[_Said] = field(factory=list)
    criteria: dict[str, Any] = field(factory=dict)
    scores: dict[str, Any] = field(factory=dict)
    laws: dict[str, Any] = field(factory=dict)
    rules: dict[str, Any] = field(factory=dict)
    causes: dict[str, Any] = field(factory=dict)
    senses: set[object] = field(factory=set)

    def folder(self, findings: int, rules: int) -> dict[str, dict[str, Any]]:
        screens = self._screens(findings)
        for number in range(self.random.randint(0, 2 + findings // 3)):
            self._picture(number)
        for name, finding in self.findings.items():
            if "floor" in finding:
                self._rule(f"floor_of_{name}", finding["floor"], {"any": [self._yes(name)]})
        # It never has a wrong example, so that a rule is left whatever is left out.
        adult = _Said("age_years >= 16", lambda given: self._tell(given, "age_years", 40))
        if self._chance(0.5) or not self.rules:
            self._rule("adult", "self_care", {"all": [adult]})
        for number in range(rules):
            acuity = self._one([*Acuity])
            self._rule(f"rule_{number}", acuity.word, self._when(acuity <= Acuity.ROUTINE))
        files = {**screens, "ruleset.toml": _SETTINGS, "regions.toml": _REGIONS, "services.toml": _SERVICES}
        files |= {"hazards.toml": _HAZARDS, "advice/made_up.toml": self._advice(), "causes.toml": self.causes}
        files |= {"criteria.toml": self.criteria, "scores.toml": self.scores, "laws.toml": self.laws}
        return {**{path: table for path, table in files.items() if table}, **self.rules}

    # -- findings ----------------------------------------------------------------------------------------------------

    def _screens(self, number: int) -> dict[str, dict[str, Any]]:
        """One screen, and sometimes a second one that a yes of the first opens."""
        first: dict[str, Any] = {"age_years": _AGE}
        self.findings["age_years"] = _AGE
        self.leaves += [self._compared("age_years", steps, 0, 0, 40) for steps in (16, 65)]
        second: dict[str, Any] = {}
        gates: list[str] = []
        opens = ""
        for order in range(1, number + 1):
            if not opens and gates and order > number // 2 and self._chance(0.3):
                opens = self._one(gates)
                gates = [opens]
            hangs = bool(gates) and (bool(opens) or self._chance(0.4))
            name, finding = self._finding(order, self._one(gates) if hangs else None)
            (second if opens else first)[name] = self.findings[name] = finding
            if name.startswith("sign") and self._chance(0.3):
                gates.append(name)
        files = {"findings/first.toml": _screen("first", 1, first)}
        if second:
            files["findings/second.toml"] = {**_screen("second", 2, second), "opens_with": opens}
        return files

    def _finding(self, order: int, only_if: str | None) -> tuple[str, dict[str, Any]]:
        kind = self._one(["yes_no"] * 6 + ["choice", "choice", "measurement", "measurement"])
        if kind == "yes_no" or order == 1:
            name = f"sign_{order}"
            finding: dict[str, Any] = {"asks": f"Is it so ({order})?", "kind": "sign"}
            if self._chance(0.25):
                finding |= {"red_flag": True, "floor": self._one([*Acuity][1:]).word}
            self.leaves += [self._yes(name)] * 2
        elif kind == "choice":
            name = f"sort_{order}"
            ids = [f"choice_{letter}" for letter in "abcdefghijkl"[: self.random.randint(2, 12)]]
            finding = {"asks": "Which?", "kind": "context", "benign": ids[0], "choices": {id: id[-1] for id in ids}}
            for id in self.random.sample(ids, self.random.randint(1, 2)):
                self.leaves.append(
                    _Said(f"{name} is {id}", lambda given, id=id: self._tell(given, name, id), id != ids[0])  # type: ignore[misc]
                )
        else:
            name, decimals = f"size_{order}_cm", self.random.randint(0, 2)
            low, high = self._one(_RANGES)
            finding = {"asks": "How many centimetres?", "kind": "measurement", "decimals": decimals}
            benign = self._one([low, high])
            finding |= {"range": [_number(low, decimals), _number(high, decimals)], "benign": _number(benign, decimals)}
            thresholds = {self._one([low + 1, high, self.random.randint(low + 1, high)]) for _ in range(2)}
            self.leaves += [self._compared(name, steps, decimals, low, benign) for steps in sorted(thresholds)]
        if only_if:
            finding["only_if"] = only_if
        if self._chance(0.2):
            self.leaves.append(_Said(f"{name} is unsure", lambda given: self._tell(given, name, UNSURE)))
        return name, finding

    def _yes(self, name: str) -> _Said:
        return _Said(name, lambda given: self._tell(given, name, True))

    def _compared(self, name: str, steps: int, decimals: int, low: int, benign: int) -> _Said:
        """A comparison, mostly one that somebody whom nothing ails does not meet."""
        number = _number(steps, decimals)
        if (benign < steps) == self._chance(0.8):
            return _Said(f"{name} >= {number}", lambda given: self._tell(given, name, number), quiet=benign < steps)
        least = _number(low, decimals)
        return _Said(f"{name} < {number}", lambda given: self._tell(given, name, least), quiet=benign >= steps)

    def _tell(self, given: dict[str, Answer], name: str, answer: Answer) -> bool:
        """Adds an answer, with the yes that it hangs from; False if something else was said before."""
        above = self.findings[name].get("only_if")
        if answer is not False and above is not None and not self._tell(given, above, True):
            return False
        return given.setdefault(name, answer) == answer

    # -- criteria ----------------------------------------------------------------------------------------------------

    def _picture(self, number: int) -> None:
        """A named criterion, and sometimes a score beside it."""
        name, with_none = f"picture_{number}", self._chance(0.3)
        when = self._when(with_none)
        said = [each for part in when.values() for each in part]
        named = _Said(
            name,
            lambda given: self._meets(given, when),
            quiet=any(each.quiet for each in when.get("all", [])),
            cost=sum(each.cost for each in said),
            depth=1 + max(each.depth for each in said),
            has_none="none" in when or any(each.has_none for each in said),
        )
        if not self._new(when, "picture") or not self._fits(named):
            return
        self.criteria[name] = {"means": "Made up.", **_texts(when)}
        self.names.append(named)
        if self._chance(0.5):
            self._score(number)

    def _score(self, number: int) -> None:
        name = f"score_{number}"
        raising = self._distinct(5, [said for said in self._all_said(False) if said.quiet])
        points = {said.text: self._one([1, 1, 1, 2, 3]) for said in raising}
        cost, depth = sum(said.cost for said in raising), 1 + max(said.depth for said in raising)
        self.scores[name] = {"title": "Made up", **_SOURCE, "points": points}
        most = sum(points.values())
        for needed in sorted({1, self.random.randint(1, most), most}):
            reached = _Said(
                f"{name} >= {needed}",
                lambda given, needed=needed: self._scores(given, raising, points, needed),  # type: ignore[misc]
                cost=cost,
                depth=depth,
            )
            if self._fits(reached):
                self.names.append(reached)

    def _scores(self, given: dict[str, Answer], items: list[_Said], points: dict[str, int], needed: int) -> bool:
        for said in items:
            if needed > 0:
                if not said.meet(given):
                    return False
                needed -= points[said.text]
        return True

    def _fits(self, said: _Said) -> bool:
        return said.cost <= _MOST_WRITTEN_OUT and said.depth <= _MOST_NAMES_IN_A_ROW

    def _all_said(self, with_none: bool) -> list[_Said]:
        return [said for said in (*self.leaves, *self.names) if with_none or not said.has_none]

    def _distinct(self, most: int, among: list[_Said]) -> list[_Said]:
        chosen = [self._one(among) for _ in range(self.random.randint(1, most))]
        return list({said.text: said for said in chosen}.values())

    def _when(self, with_none: bool) -> dict[str, list[_Said]]:
        """Lists in which nothing is said twice."""
        among = self._all_said(with_none)
        # Were too much so of somebody whom nothing ails, self-care would never be reached.
        telling = [said for said in among if said.quiet] if self._chance(0.85) else among
        shape = self.random.random()
        parts = {
            "all": self._distinct(3, telling) if shape < 0.7 else [],
            "any": self._distinct(self._one([2, 4, 10]), telling) if shape > 0.35 else [],
            "none": self._distinct(3, telling) if with_none and self._chance(0.8) else [],
        }
        taken: set[str] = set()
        for key, part in parts.items():
            parts[key] = [said for said in part if said.text not in taken]
            taken |= {said.text for said in part}
        return {key: part for key, part in parts.items() if part}

    def _meets(self, given: dict[str, Answer], when: dict[str, list[_Said]]) -> bool:
        """Answers so that a `when` is met, as far as its `none` was not met on the way."""
        return all(said.meet(given) for said in (*when.get("all", []), *when.get("any", [])[:1]))

    def _new(self, when: dict[str, list[_Said]], of: str) -> bool:
        """Whether nothing of its sort said the same before; one alone in `any` says the same as in `all`."""
        every, either, none = (frozenset(said.text for said in when.get(key, [])) for key in ("all", "any", "none"))
        sense = (every | either, frozenset(), none) if len(either) == 1 else (every, either, none)
        if (of, sense) in self.senses:
            return False
        self.senses.add((of, sense))
        return True

    # -- rules and advice --------------------------------------------------------------------------------------------

    def _rule(self, name: str, rung: str, when: dict[str, list[_Said]]) -> None:
        given: dict[str, Answer] = {}
        if not self._new(when, "rule") or not self._meets(given, when):
            return
        below_same_day, self_care = rung in ("soon", "routine", "self_care"), rung == "self_care"
        then: dict[str, Any] = (
            {"do": self.random.sample(["walk", "rest"], self.random.randint(1, 2))} if self_care else {}
        )
        if not self_care:
            then["see"] = ["gp" if below_same_day else "hospital"]
            then |= {key: [key] for key in ("meanwhile", "avoid") if self._chance(0.3)}
        if rung == "soon":
            then["within_hours"] = self._one([48, 72, 336])
        if below_same_day:
            then |= {"look_again_days": self._one([2, 14, 42]), "seek_help_if": ["worse"]}
        cause = f"cause_of_{name}"
        self.causes[cause] = {"name": cause.replace("_", " "), "must_not_miss": not below_same_day}
        shown = {"name": "so", "given": given, "fires": True} | ({"otherwise": "no"} if "none" in when else {})
        self.rules[f"{rung}/{name}.toml"] = {
            "title": name.replace("_", " ").capitalize(),
            "why": "Made up for a test.",
            "causes": [cause],
            "status": "draft",
            "hazards": ["H1"],
            "when": _texts(when),
            "then": then,
            "source": [_SOURCE],
            "example": [shown, {"name": "nothing told", "given": {}, "fires": False}],
        }
        has_none = "none" in when or any(said.has_none for part in when.values() for said in part)
        if not self_care and not has_none and self._chance(0.2):
            says = "Made up: what this rule finds is seen that soon."
            self.laws[f"law_of_{name}"] = {"says": says, "at_least": rung, **_texts(when), "source": [_SOURCE]}

    def _advice(self) -> dict[str, Any]:
        among = [said for said in self._all_said(True) if said.quiet]
        found = dict(_ADVICE)
        for name in ("walk", "rest"):
            against = self._distinct(2, among) if self._chance(0.6) else []
            item = {"kind": "exercise", "name": name.capitalize(), "steps": ["Made up."], "source": [_SOURCE]}
            found[name] = {**item, "contraindicated_by": [said.text for said in against]}
            if self._chance(0.5):
                found[name]["modified_by"] = [{"if": self._one(among).text, "say": "Go gently."}]
        return found

    # -- chance ------------------------------------------------------------------------------------------------------

    def _one(self, among: list[_T] | tuple[_T, ...]) -> _T:
        return self.random.choice(among)

    def _chance(self, share: float) -> bool:
        return self.random.random() < share


_AGE: Final = {
    "asks": "How old are you?",
    "kind": "context",
    "range": [0, 120],
    "decimals": 0,
    "benign": 40,
}
_SETTINGS: Final = {
    "name": "made_up",
    "version": "0.0.0",
    "scope": "Made up for a test.",
    "lowest_age": 16,
    "safety_net": ["worse"],
    "look_again_days": 14,
    "default_see": {"emergency": ["hospital"], "same_day": ["hospital"], "soon": ["gp"], "routine": ["gp"]},
}
_REGIONS: Final = {"generic": {"name": "Anywhere", "emergency_number": "your local emergency number"}}
_SERVICES: Final = {"hospital": {"name": "an emergency department"}, "gp": {"name": "a GP"}}
_HAZARDS: Final = {"H1": dict.fromkeys(("title", "harm", "cause", "control"), "Made up.")}
_ADVICE: Final[dict[str, Any]] = {
    name: {"kind": kind, "name": name.capitalize(), "steps": ["Made up."], "source": [_SOURCE]}
    for name, kind in (("worse", "safety_net"), ("meanwhile", "first_aid"), ("avoid", "avoid"))
}


def _screen(name: str, position: int, findings: dict[str, Any]) -> dict[str, Any]:
    heading = {"id": f"{name}_questions", "title": "Made up", "asks": "Is any of these so?"}
    under = {id: {"heading": heading["id"], **finding} for id, finding in findings.items()}
    return {"title": "Made up", "position": position, "heading": [heading], "finding": under}


def _number(steps: int, decimals: int) -> int | float:
    return steps if not decimals else steps / 10**decimals


def _texts(when: dict[str, list[_Said]]) -> dict[str, list[str]]:
    return {key: [said.text for said in part] for key, part in when.items()}


def _toml(table: dict[str, Any]) -> bytes:
    """A table as a TOML file: tables of tables under headings, all else on lines of its own."""
    lines: list[str] = []
    headed: list[str] = []
    for key, value in table.items():
        if not isinstance(value, dict):
            lines.append(f"{key} = {_inline(value)}")
        elif value and all(isinstance(inner, dict) for inner in value.values()):
            for name, inner in value.items():
                headed += [f"[{key}.{name}]", *(f"{_inline(part)} = {_inline(said)}" for part, said in inner.items())]
        else:
            headed += [f"[{key}]", *(f"{_inline(part)} = {_inline(said)}" for part, said in value.items())]
    return "\n".join([*lines, *headed]).encode()


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)
