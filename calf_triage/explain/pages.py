"""An explanation in words: for a person, for a clinician, and as HTML."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

from attrs import evolve

from calf_triage._assessment import Assessment, Escalation
from calf_triage._findings import UNSURE, Acuity
from calf_triage._pages import page
from calf_triage._text import Node, Section, Table
from calf_triage.explain.search import Cell
from calf_triage.explain.values import Changed, Part, RuleTree, Rung, Said, Way, Ways
from calf_triage.explain.working import FROM_BEFORE, GROUPS, Working, in_words, questions_are

if TYPE_CHECKING:
    from calf_triage.explain.explanation import Explanation

_MOST_TO_A_PERSON: Final = 2
_OF_A_HEADING: Final = 3
_SHOWN: Final = 12
_MOST_REASONS: Final = 3
"""In an emergency: nobody has to read much before calling."""
_LADDER: Final = "Where this is on the ladder"
_STANDING: Final = {
    "met": ("met", "so"),
    "not_met": ("not met", "not so"),
    "unknown": ("unknown", "not known"),
}
_RUNG_NAMES: Final = {
    Acuity.EMERGENCY: "Emergency",
    Acuity.SAME_DAY: "Same day",
    Acuity.SOON: "Soon",
    Acuity.ROUTINE: "Routine",
    Acuity.SELF_CARE: "Self-care",
}
_FIRST: Final = ("Still open", "Where", "Do not wait")
"""Of the page, what nobody should have to look for elsewhere."""


def ladder(rungs: Iterable[Rung]) -> str:
    """The ladder as a picture in text: the rung marked, and those that are still open dotted."""
    lines = []
    for rung in rungs:
        shade = "=" if rung.here else ":" if rung.still_open else " "
        mark = "<-- you are here" if rung.here else "still open" if rung.still_open else ""
        lines.append(f"{_RUNG_NAMES[rung.acuity]:<9} |{shade * 3}| {mark}".rstrip())
    return "\n".join(lines)


# -- for a person --------------------------------------------------------------------------------------------------


def to_person(why: Explanation, working: Working, seconds: float) -> Iterator[Section]:
    """What a person reads: what to do, and then the reason. In an emergency nothing else."""
    answer = why.assessment
    yield from the_answer(answer)
    if answer.acuity is Acuity.SELF_CARE:
        yield Section("What keeps you at self-care: your answers", _nodes(_quiet_answers(why, working)))
    else:
        yield Section("What made it so", _nodes(_made_it_so(why, working)))
    if answer.acuity is Acuity.EMERGENCY:
        return
    yield Section(_LADDER, tuple(ladder(why.rungs).split("\n")))
    raised = why.what_would_raise(seconds=seconds, most=_MOST_TO_A_PERSON)
    yield Section("What would make it more urgent", tuple(_urgent(why, working, raised)))
    if answer.acuity is not Acuity.SELF_CARE and not _not_to_be_missed(working):
        lowered = why.what_would_lower(seconds=seconds, most=_MOST_TO_A_PERSON)
        yield Section("What would make it less urgent", tuple(_less_urgent(why, working, lowered)))


def the_answer(answer: Assessment) -> Iterator[Section]:
    """What the page says first, where to be seen, and what not to wait with."""
    first, *others = page(answer)
    yield first
    yield from (section for section in others if section.title in _FIRST)


def _made_it_so(why: Explanation, working: Working) -> list[str]:
    answer = why.assessment
    said: dict[str, Said] = {}
    for rule in working.holding()[:3]:
        least, _ = working.fewest([working.holds(rule)]) or (frozenset(), True)
        said.update((one.finding, one) for one in working.said(least))
    if working.held_from_before:
        return [FROM_BEFORE]
    if not said and not answer.settled:
        return ["Some questions are still open. Until they are answered, this is the careful choice."]
    if not said:
        said = {one.finding: one for one in why.sufficient.answers}
    lines = [_you_said(working, one) for one in said.values()]
    most = _MOST_REASONS if answer.acuity is Acuity.EMERGENCY else _SHOWN
    more = len(lines) - most
    return lines[:most] + ([f"… and {more} more answers."] if more > 0 else [])


def _you_said(working: Working, said: Said) -> str:
    finding = working.rules.findings.by_id[said.finding]
    if said.answer == UNSURE:
        return f'You were not sure about "{finding.asks}".'
    if finding.type == "yes_no":
        return f'You said {"yes" if said.answer is True else "no"} to "{finding.asks}".'
    return f'{_titles(working)[finding.heading]}: to "{finding.asks}" you said "{said.word}".'


def _quiet_answers(why: Explanation, working: Working) -> list[str]:
    """The answers that keep self-care, by heading: "Chest and breath: none of these"."""
    needed = {said.finding: said for said in why.sufficient.answers}
    lines = []
    for screen in working.rules.findings.screens:
        for heading in screen.headings:
            here = [name for name in heading.findings if name in needed]
            applying = [name for name in heading.findings if name not in working.state.hidden]
            if not here:
                continue
            if len(here) > 1 and all(working.values.get(name) is False for name in applying):
                lines.append(f"{heading.title}: none of these.")
            else:
                lines.append(f"{heading.title}: {'; '.join(needed[name].says for name in here)}.")
    return lines


def _urgent(why: Explanation, working: Working, found: Ways) -> Iterator[str | Node]:
    """By what it would lead to, the most acute first, and by heading; several answers where none of them alone does."""
    settled = why.assessment.settled
    # That a complaint goes can leave nothing that explains the rest; nobody need watch for that.
    worse = [way for way in found.ways if any(not _is_benign(working, change) for change in way.changes)]
    today = [way for way in worse if way.acuity is Acuity.SAME_DAY]
    groups = {
        f"Call {why.assessment.region.emergency_number}": [way for way in worse if way.acuity is Acuity.EMERGENCY],
        "Be seen today": [way for way in today if way.settled or not settled],
        "Answer again at once; until you have, count it as be seen today,": [
            way for way in today if settled and not way.settled
        ],
    }
    for leads, ways in groups.items():
        fewest = min((len(way.changes) for way in ways), default=0)
        by_heading: dict[str, list[str]] = {}
        for heading, said in _told(working, [way for way in ways if len(way.changes) == fewest], _asked):
            by_heading.setdefault(heading, []).append(said)
        if by_heading:
            yield f"{leads} if any of these is so, or becomes so:"
        for heading, asked in [*by_heading.items()][:_SHOWN]:
            more = len(asked) - _OF_A_HEADING
            yield Node(f"{heading}: {' or '.join(asked[:_OF_A_HEADING])}{f', or {more} more' if more > 0 else ''}")
        more = sum(map(len, [*by_heading.values()][_SHOWN:]))
        if more:
            yield Node(f"or {more} more of the questions")
    if any(way.acuity < Acuity.SAME_DAY for way in worse):
        yield "Some other answers would make it a little more urgent."
    if not worse:
        yield "Among one or two answers that can change, none was found that would."
    if not found.complete:
        yield "There may be more. If you get worse, answer again or get help."


def _told(working: Working, ways: Iterable[Way], say: Callable[[Changed], str]) -> Iterator[tuple[str, str]]:
    """Each way in words, with its heading. Of a number, neighbouring ranges that do the same are told as one."""
    by_id, titles = working.rules.findings.by_id, _titles(working)
    told: dict[tuple[str, ...], list[Cell]] = {}
    headings: dict[tuple[str, ...], str] = {}
    for way in ways:
        numbers = [change for change in way.changes if change.finding in working.cells]
        last = numbers[-1] if numbers else None
        words = [say(change) for change in way.changes if change is not last]
        key = (*words, last.finding if last else "")
        headings.setdefault(key, titles[by_id[way.changes[0].finding].heading])
        cells = told.setdefault(key, [])
        if last is not None:
            finding = by_id[last.finding]
            cells.append(working.cell(finding.id, round(float(last.to) * 10**finding.decimals)))
    for key, cells in told.items():
        *words, number = key
        if number:
            ranges = " or ".join(in_words(by_id[number], cell) for cell in _joined(cells))
            words.append(f'"{by_id[number].asks}": {ranges}')
        yield headings[key], " and ".join(words)


def _asked(change: Changed) -> str:
    return f'"{change.asks}"' if change.to is True else change.says


def _joined(cells: Iterable[Cell]) -> list[Cell]:
    found: list[Cell] = []
    for cell in sorted(cells, key=lambda cell: cell.low):
        if found and cell.low <= found[-1].high + 1:
            found[-1] = Cell(found[-1].low, max(cell.high, found[-1].high))
        else:
            found.append(cell)
    return found


def _titles(working: Working) -> dict[str, str]:
    return {heading.id: heading.title for screen in working.rules.findings.screens for heading in screen.headings}


def _is_benign(working: Working, change: Changed) -> bool:
    finding = working.rules.findings.by_id[change.finding]
    return change.to == finding.shown(finding.benign)


def _not_to_be_missed(working: Working) -> bool:
    """Whether a rule that holds the acuity names a cause that must not be missed: nobody is to reason that away."""
    causes = working.rules.causes
    return any(causes[name].must_not_miss for rule in working.holding() for name in rule.causes)


def _less_urgent(why: Explanation, working: Working, found: Ways) -> Iterator[str | Node]:
    """Never an invitation to wait, or to answer otherwise: which answers it hangs on, and not what they should be."""
    first = "Be seen as it says above."
    if not why.assessment.settled and (found.ways or found.open_questions):
        still = questions_are(len(why.assessment.unanswered))
        yield f"{first} {still} still open; it could be less urgent only once they are answered."
    elif not found.ways:
        yield f"{first} Among one or two answers that can change, none was found that would make it less urgent."
    else:
        wait = "Do not wait to see whether it gets less urgent."
        yield f"{first} {wait} Only a true change in one of these would make it so:"
        told = [said for _, said in _told(working, found.ways, lambda change: f'"{change.asks}"')]
        yield from _nodes(told[:3])
        more = len(told) - 3
        if more > 0:
            yield Node("or one other." if more == 1 else f"or one of {more} others.")
        yield "If you ticked something by mistake, answer again. An answer that is not true makes nothing less urgent."


# -- for a clinician -----------------------------------------------------------------------------------------------


def to_clinician(why: Explanation, working: Working, seconds: float) -> Iterator[Section]:
    """What a clinician reads, with ids."""
    answer = why.assessment
    between = f"established {answer.established.name}, not excluded {answer.not_excluded.name}"
    yield Section(
        f"{answer.acuity.name}, {_settled(answer)}; {between}; reason: {answer.reason}",
        tuple(ladder(why.rungs).split("\n")),
        rung=answer.acuity,
    )
    holding = {rule.id for rule in working.holding()}
    for tree in why.why:
        if tree.id in holding:
            yield rule_section(tree, True)
    others = tuple(Node(f"{tree.acuity.word}/{tree.id}") for tree in why.why if tree.id not in holding)
    if others:
        yield Section("Fire too, or are not ruled out, and do not set the acuity", others)
    holds = why.sufficient
    kept = tuple(Node(f"{said.finding} = {said.word}") for said in holds.answers)
    yield Section("What holds it", (holds.says, *kept))
    yield _ways_section("What would raise it", why.what_would_raise(seconds=seconds))
    yield _ways_section("What would lower it", why.what_would_lower(seconds=seconds))
    near = [
        Node(f"{miss.acuity.word}/{miss.id}: {_few([_short(change) for change in miss.changes], 4, ' or ')}")
        for miss in why.near_misses[:_SHOWN]
    ]
    more = len(why.near_misses) - len(near)
    near += [Node(f"… and {more} more")] if more > 0 else []
    yield Section("Near misses: rules that one other answer would fire", tuple(near) or ("None.",))
    used = working.rules
    yield Section("Rules", (f"{used.name} {used.version}, sha256 {used.sha256}",))


def rule_section(tree: RuleTree, clinician: bool) -> Section:
    """A rule's tree, what is missing for it to fire, and its sources; with ids, or in plain words."""
    body = [_node(part, clinician) for part in tree.parts]
    if tree.state != "fired":
        body.append(Node("missing", tuple(_node(evolve(part, parts=()), clinician) for part in tree.missing)))
        one = tuple(Node(_short(change) if clinician else change.says) for change in tree.would_fire)
        body.append(Node("would be so with any one of", one or (Node("no single answer"),)))
    for source in tree.sources:
        lines = (source.says, *((source.link,) if source.link else ()))
        body.append(Node(source.cites, tuple(Node(line) for line in lines)))
    if clinician:
        how = {"fired": "fires", "excluded": "is ruled out", "open": "is open"}[tree.state]
        return Section(f"{tree.acuity.word}/{tree.id} {how}: {tree.title}", tuple(body), rung=tree.acuity)
    how = {"fired": "this is so", "excluded": "this is not so", "open": "this is not known yet"}[tree.state]
    return Section(f"{tree.title}: {how}", (tree.why, *body), rung=tree.acuity)


def _ways_section(title: str, found: Ways) -> Section:
    rows = [(way.acuity.word, " + ".join(_short(change) for change in way.changes)) for way in found.ways[:_SHOWN]]
    left = Counter(len(way.changes) for way in found.ways[_SHOWN:])
    rows += [
        ("…", f"and {number} more of {size} answer{'' if size == 1 else 's'}") for size, number in sorted(left.items())
    ]
    return Section(title, (*((Table((), tuple(rows)),) if rows else ()), found.why))


def summary(answer: Assessment, working: Working) -> str:
    """What a clinician wants first, in a few lines."""
    weight, values, findings = working.weights, working.values, working.rules.findings
    by_id = findings.by_id
    first = sorted(values, key=lambda name: (-weight[name][0], by_id[name].order))
    unsure = [name for name in first if values[name] == UNSURE]
    yes = []
    for name in first:
        value = values[name]
        if value is True:
            yes.append(name)
        elif value is not False and value != UNSURE and (weight[name][1] or value != by_id[name].benign):
            yes.append(f"{name} = {working.word(by_id[name], value)}")
    no = [name for name in first if values[name] is False and by_id[name].red_flag]
    no.sort(key=lambda name: name not in working.of_the_causes)
    absent = [name for name in by_id if name not in values and name not in working.state.hidden]
    red_flags = sum(by_id[name].red_flag for name in absent)
    ask = f"; to ask next: {_few([one.id for one in answer.unanswered], 4)}" if answer.unanswered else ""
    rules = [f"{rule.id} ({rule.acuity.word})" for rule in answer.because]
    rules += [f"{rule.id} ({rule.acuity.word}, not ruled out)" for rule in answer.unsure_of]
    hours = answer.disposition.within_hours if isinstance(answer.disposition, Escalation) else None
    within = f", within {hours} hours" if answer.acuity is Acuity.SOON and hours else ""
    used = working.rules
    lines = [
        f"{answer.acuity.name}{within}, {_settled(answer)}; reason: {answer.reason}",
        f"Yes: {_few(yes, between='; ')}",
        f"No: {_few(no)}",
        f"Not sure: {_few(unsure)}",
        f"Not answered: {len(absent)} of {len(absent) + len(values)} that apply, {red_flags} of them red flags{ask}",
        f"Rules: {_few(rules)}",
        f"Rule set: {used.name} {used.version}, sha256 {used.sha256}",
    ]
    return "\n".join(lines)


def _settled(answer: Assessment) -> str:
    return "settled" if answer.settled else "not settled"


def as_html(sections: Iterable[Section], rungs: Iterable[Rung]) -> str:
    """Sections as HTML, for notebooks, with the ladder as a picture; colour never stands alone."""
    frame = "background:#ffffff;color:#1a1a1a;border:1px solid #767676;padding:.6em 1em;max-width:42em;line-height:1.45"
    parts = [f'<div style="{frame}">']
    for number, section in enumerate(sections):
        size = "font-size:1.2em" if number == 0 else "margin-bottom:.2em"
        parts.append(f'<p style="{size}"><strong>{html.escape(section.title)}</strong></p>')
        if section.title == _LADDER:
            parts.append(_html_ladder(rungs))
            continue
        for bulleted, body in groupby(section.body, key=lambda part: isinstance(part, Node)):
            lines = [html.escape(part.text if isinstance(part, Node) else str(part)) for part in body]
            if bulleted:
                parts.append(f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>")
            else:
                parts += [f"<p>{line}</p>" for line in lines]
    return "".join([*parts, "</div>"])


def _html_ladder(rungs: Iterable[Rung]) -> str:
    rows = []
    for rung in rungs:
        look = "background:#ffffff;color:#1a1a1a;border:1px solid #767676"
        if rung.still_open:
            look = (
                "background:repeating-linear-gradient(45deg,#ececec,#ececec 6px,#d6d6d6 6px,#d6d6d6 12px);"
                "color:#1a1a1a;border:1px dashed #595959"
            )
        if rung.here:
            look = "background:#1f3a5f;color:#ffffff;border:2px solid #1f3a5f;font-weight:bold"
        told = "&#9664; you are here" if rung.here else "still open" if rung.still_open else ""
        rows.append(
            f'<tr style="background:#ffffff"><td style="{look};padding:.25em .8em;text-align:left">'
            f'{_RUNG_NAMES[rung.acuity]}</td><td style="background:#ffffff;color:#1a1a1a;padding:.25em .8em;'
            f'text-align:left">{told}</td></tr>'
        )
    return (
        '<table style="border-collapse:separate;border-spacing:0 3px;margin:.4em 0;background:#ffffff">'
        f"{''.join(rows)}</table>"
    )


def _node(part: Part, clinician: bool) -> Node:
    """A line of a tree: how it stands, for a clinician the criterion as written, and the answer read."""
    points = f"{part.points} for " if part.points is not None else ""
    written = f"{points}{part.text}: " if part.text and clinician else ""
    read = f" = {part.shown}" if part.shown else ""
    words = f'"{part.says}"' if part.finding else part.says
    standing = _STANDING[part.standing][not clinician]
    # What explains how it stands is taken apart; the rest is told in one line each.
    if part.says == GROUPS["none"]:
        told = [inner for inner in part.parts if inner.standing != "not_met"]
    elif part.standing == "met":
        told = [inner for inner in part.parts if inner.standing == "met"]
    else:
        told = list(part.parts)
    inside = tuple(_node(inner if inner in told else evolve(inner, parts=()), clinician) for inner in part.parts)
    return Node(f"[{standing}] {written}{words}{read}", inside, loud=part.standing == "met")


def _short(change: Changed) -> str:
    return f"{change.finding} = {change.word}"


def _nodes(lines: Iterable[str]) -> tuple[Node, ...]:
    return tuple(Node(line) for line in lines)


def _few(words: list[str], most: int = _SHOWN, between: str = ", ") -> str:
    more = len(words) - most
    last = f"{between if between == ' or ' else f'{between}and '}{more} more" if more > 0 else ""
    return f"{between.join(words[:most])}{last}" if words else "none"
