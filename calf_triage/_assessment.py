"""The answer: one safe disposition, its reasons, and the page that a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

from attrs import field, frozen
from attrs.validators import gt, in_

from calf_triage import _json
from calf_triage._advice import Region, Service, Source
from calf_triage._findings import Acuity, Answer

if TYPE_CHECKING:
    from calf_triage._rules import RuleSet
    from calf_triage.explain import Explanation

INTENDED_USE: Final = (
    "For adults with calf or lower-leg symptoms, and for the apps they use: it suggests how soon to be seen, or "
    "self-care. It is not a diagnosis and not for emergencies: if you think it may be one, call your emergency number. "
    "No clinician has signed off its rules, and it is no medical device unless whoever builds it in qualifies it as "
    "one."
)
"""What the library is for, and what it is not for. It stands in every JSON answer."""

MOST_EMERGENCY_WORDS: Final = 40
MOST_QUESTIONS_SHOWN: Final = 12
HOURS: Final = {Acuity.EMERGENCY: 0, Acuity.SAME_DAY: 24}
"""Within how many hours to be seen, on the rungs where every rule says the same."""
UNSURE_SAME_DAY_HOURS: Final = 48
"""Where only unsure answers keep a SAME_DAY rule open, which then counts as SOON."""
LONGEST_SOON_HOURS: Final = 336

Reason = Literal[
    "rules", "unsure", "unfinished", "unseen", "no_symptom", "unexplained", "under_age", "age_unsure", "no_item"
]
"""What set the acuity: rules that fired; unsure answers; questions still open; a look that was asked for last time and
not taken (see `calf_triage.follow_up`); or why there is no self-care.
"""


@frozen
class Note:
    """A short instruction: first aid, what to avoid, or when to seek help."""

    id: str
    say: str


@frozen
class Item:
    """One item of self-care as it is given to this person. changes: how it is to be done differently."""

    id: str
    kind: str
    name: str
    steps: tuple[str, ...]
    dose: str
    changes: tuple[str, ...] = field(repr=False)
    equipment: tuple[str, ...]
    sources: tuple[Source, ...]


@frozen
class Withheld:
    """An item that is not given, with the contraindications that are not ruled out."""

    id: str
    name: str
    because: tuple[str, ...] = field(repr=False)


@frozen
class SelfCare:
    """Advice to follow at home. The only disposition that holds exercises. look_again_days: when to answer again."""

    advice: tuple[Item, ...]
    withheld: tuple[Withheld, ...]
    look_again_days: int
    seek_help_if: tuple[Note, ...]
    acuity: Literal[Acuity.SELF_CARE] = field(default=Acuity.SELF_CARE, validator=in_((Acuity.SELF_CARE,)))


@frozen
class Escalation:
    """To be seen by a professional.

    see: where, the most capable first. within_hours: 0 for an emergency, 24 for the same day, at most 336 for SOON,
    None for a routine appointment. look_again_days and seek_help_if: below SAME_DAY, when to answer again, and what
    not to wait with.
    """

    acuity: Acuity = field(validator=gt(Acuity.SELF_CARE))
    see: tuple[Service, ...]
    within_hours: int | None
    meanwhile: tuple[Note, ...] = ()
    avoid: tuple[Note, ...] = ()
    look_again_days: int | None = None
    seek_help_if: tuple[Note, ...] = ()


Disposition = SelfCare | Escalation


@frozen
class FiredRule:
    """A rule that fired. met: those of its criteria that are met, as written in its file."""

    id: str
    acuity: Acuity
    title: str
    why: str
    met: tuple[str, ...] = field(repr=False)
    sources: tuple[Source, ...]


@frozen
class UnsureRule:
    """A rule that only unsure answers keep open; it counts one rung lower than its own."""

    id: str
    acuity: Acuity
    title: str


@frozen
class PossibleCause:
    """A cause that a fired rule names; never a diagnosis. Findings for and against it, as criteria."""

    id: str
    name: str
    must_not_miss: bool
    rules: tuple[str, ...]
    findings_for: tuple[str, ...] = field(repr=False)
    findings_against: tuple[str, ...] = field(repr=False)
    evidence: str | None = None


Matters = Literal["acuity", "cause", "advice"]
"""What a missing answer can still change: how soon care is needed, a possible cause, or which advice is given."""

MATTERS: Final[tuple[Matters, ...]] = ("acuity", "cause", "advice")


@frozen
class Question:
    """A finding that is still to be asked.

    rung: that of the most acute rule that is still open on it. matters: the most that its answer can still change.
    """

    id: str
    asks: str
    rung: Acuity
    matters: Matters


@frozen
class RuleSetId:
    """Which rules decided. sha256: of their canonical content."""

    name: str
    version: str
    sha256: str


@frozen
class Block:
    """A part of the page: a heading, empty for the first lines, and what stands below it."""

    heading: str
    lines: tuple[str, ...]


def as_text(page: Iterable[Block]) -> str:
    """A page as plain text."""
    parts = []
    for block in page:
        heading = [block.heading] if block.heading else []
        bullets = [f"  - {line}" for line in block.lines] if block.heading else list(block.lines)
        parts.append("\n".join(heading + bullets))
    return "\n\n".join(parts)


@frozen(repr=False)
class Assessment:
    """What `triage` answers.

    acuity: how soon care is needed; the same as the disposition's.
    disposition: `SelfCare` or `Escalation`, never both.
    reason: what set the acuity (see `Reason`).
    established: the rung of the most acute rule that fired, SELF_CARE if none did.
    not_excluded: the rung of the most acute rule that fired or is still open.
    settled: whether no answer that is still absent can change the acuity.
    because: the rules that fired, the most acute first.
    unsure_of: rules that only unsure answers keep open; each counts one rung lower.
    differential: possible causes, those that must not be missed first.
    unanswered: findings to ask next, those that could raise the acuity most first; empty in an emergency.
    answers: what was answered, in question order.
    decided_by: which reading decided; a note for developers, left out of comparisons and of the JSON.
    """

    acuity: Acuity
    disposition: Disposition
    reason: Reason
    established: Acuity
    not_excluded: Acuity
    settled: bool
    because: tuple[FiredRule, ...]
    unsure_of: tuple[UnsureRule, ...]
    differential: tuple[PossibleCause, ...]
    unanswered: tuple[Question, ...]
    answers: dict[str, Answer]
    region: Region
    rule_set: RuleSetId
    intended_use: str = INTENDED_USE
    decided_by: str = field(default="", eq=False)

    def __repr__(self) -> str:
        """The outcome without any answer, so that it may be logged."""
        settled = "settled" if self.settled else "not settled"
        return f"<Assessment {self.acuity.name}, {settled}, by {self.decided_by or 'unknown'}>"

    def __str__(self) -> str:
        """The page that a person reads, as plain text."""
        return as_text(self.page())

    def _repr_html_(self) -> str:
        """The same page as HTML, for notebooks. Its colour never stands without the word."""
        # Here, because few need it, and it takes time to import.
        import html

        colour = {
            Acuity.EMERGENCY: "#8b0000",
            Acuity.SAME_DAY: "#a34700",
            Acuity.SOON: "#6b5900",
            Acuity.ROUTINE: "#0b4f7a",
            Acuity.SELF_CARE: "#1c5c2e",
        }[self.acuity]
        style = f"border-left:6px solid {colour};padding:.2em 1em;max-width:42em;line-height:1.45"
        parts = [f'<div style="{style}">']
        for number, block in enumerate(self.page()):
            lines = [html.escape(line) for line in block.lines]
            if number == 0:
                parts.append(f'<p style="font-size:1.25em;color:{colour}"><strong>{lines[0]}</strong></p>')
                parts.extend(f"<p>{line}</p>" for line in lines[1:])
            elif block.heading:
                items = "".join(f"<li>{line}</li>" for line in lines)
                parts.append(f"<p><strong>{html.escape(block.heading)}</strong></p><ul>{items}</ul>")
            else:
                parts.extend(f"<p>{line}</p>" for line in lines)
        return "".join([*parts, "</div>"])

    def page(self) -> tuple[Block, ...]:
        """The page in parts, for apps that lay it out themselves. The first block has no heading: it is the answer."""
        if isinstance(self.disposition, SelfCare):
            return self._self_care_page(self.disposition)
        if self.acuity is Acuity.EMERGENCY:
            return (Block("", (self._emergency(self.disposition),)),)
        return self._escalation_page(self.disposition)

    def to_json(self) -> str:
        """As JSON text. The same assessment gives the same bytes, and `from_json` gives it back."""
        return _json.written(self)

    @classmethod
    def from_json(cls, text: str) -> Assessment:
        """An assessment that `to_json` wrote. ValueError, with every problem, for anything else."""
        found = _json.read(text, cls, "an assessment")
        if found.disposition.acuity is not found.acuity:
            raise ValueError("not an assessment:\nits disposition is on another rung than its acuity")
        return found

    def explain(self, rules: RuleSet | None = None) -> Explanation:
        """Why this is the answer, why not another, and what would change it.

        rules: those it was made with; the bundled ones if none are given. ValueError where these are other rules, or
        where this says less than they do of its answers; TypeError for rules that are none.
        """
        # Here, because an explanation needs the rules and a search, and an answer needs neither.
        from calf_triage.explain import explain

        return explain(self, rules)

    # -- the page ----------------------------------------------------------------------------------------------------

    def _emergency(self, to: Escalation) -> str:
        place = to.see[0].name if to.see else "an emergency department"
        words = f"Call {self.region.emergency_number} now, or have someone take you to {place}. Do not drive yourself."
        for note in (*to.meanwhile[:1], *to.avoid[:1]):
            if len(f"{words} {note.say}".split()) <= MOST_EMERGENCY_WORDS:
                words = f"{words} {note.say}"
        return words

    def _escalation_page(self, to: Escalation) -> tuple[Block, ...]:
        blocks: list[Block] = []
        when = _headline(to)
        if self.reason == "unfinished":
            rest = f"{when[0].lower()}{when[1:]}"
            raised = self.established >= self.acuity
            open_ = [question for question in self.unanswered if not raised or question.rung > self.acuity]
            count = len(open_)
            shown = [question.asks for question in open_[:MOST_QUESTIONS_SHOWN]]
            if count > len(shown):
                shown.append(f"… and {count - len(shown)} more")
            these = "this question" if count == 1 else f"these {count} questions"
            if raised:
                first = f"Not finished: answer {these}, it could be more urgent. Either way, {rest}."
            else:
                first = f"Not finished: answer {these}. If you cannot, {rest}."
            blocks += [Block("", (first,)), Block("Still open", tuple(shown))]
        else:
            blocks.append(Block("", (f"{when}.", *self._set_by())))
        blocks.append(Block("Where", self._where(to)))
        if self.established > Acuity.SELF_CARE:
            blocks.append(Block("Why", tuple(f"{rule.title}. {rule.why}" for rule in self._leading())))
        not_ruled_out = tuple(f"{rule.title}." for rule in self.unsure_of if rule.acuity.one_lower() >= self.acuity)
        blocks.append(Block("Not ruled out, because you were not sure", not_ruled_out[:3]))
        if self.established > Acuity.SELF_CARE and self.differential:
            blocks.append(Block("Possible causes, the one not to miss first", self._causes()))
        blocks.append(Block("Until then", tuple(note.say for note in (*to.meanwhile, *to.avoid))))
        blocks.append(self._help(to.seek_help_if))
        if to.look_again_days and self.reason != "unfinished":
            blocks.append(
                Block("", (f"Answer these questions again in {to.look_again_days} days, or sooner if it changes.",))
            )
        return tuple(block for block in (*blocks, _FOOTER) if block.lines)

    def _self_care_page(self, care: SelfCare) -> tuple[Block, ...]:
        blocks = [Block("", ("You can look after this yourself for now.",))]
        blocks.append(Block("Why", tuple(f"{rule.title}. {rule.why}" for rule in self._leading())))
        if self.differential:
            blocks.append(Block("Possible causes", self._causes()))
        for item in care.advice:
            dose = f" ({item.dose})" if item.dose else ""
            blocks.append(Block(f"{item.name}{dose}", (*item.steps, *item.changes)))
        if care.withheld:
            names = tuple(item.name for item in care.withheld)
            blocks.append(Block("Left out for you, because of what you answered or did not answer", names))
        blocks.append(self._help(care.seek_help_if))
        again = f"Answer these questions again in {care.look_again_days} days, or sooner if it changes."
        return tuple(block for block in (*blocks, Block("", (again,)), _FOOTER) if block.lines)

    def _leading(self) -> tuple[FiredRule, ...]:
        leading = [rule for rule in self.because if rule.acuity == self.established]
        return tuple(leading[:3])

    def _causes(self) -> tuple[str, ...]:
        return tuple(cause.name for cause in self.differential[:5])

    def _set_by(self) -> tuple[str, ...]:
        said = {
            "unsure": "You were not sure of some answers, so this is the careful choice.",
            "unseen": "Last time you were told to be seen. Unless someone has looked since, it may not be over.",
            "no_symptom": "You named no symptom, so there is nothing to explain.",
            "unexplained": "No rule explains these answers, so someone should take a look.",
            "under_age": "These exercises are not for someone this young, who should be looked at first.",
            "age_unsure": "The age is not known, so no exercises are given.",
            "no_item": "None of the exercises is safe to give with these answers.",
        }
        return (said[self.reason],) if self.reason in said else ()

    def _where(self, to: Escalation) -> tuple[str, ...]:
        first, *others = [service.name for service in to.see] or ["an emergency department"]
        lines = [f"{first[0].upper()}{first[1:]}.", *(f"Or {place}." for place in others)]
        number = self.region.advice_number
        if to.acuity is Acuity.SAME_DAY and number:
            lines.append(f"If you cannot reach them, call {number}.")
        elif to.acuity is Acuity.SAME_DAY and all(service.id != "emergency_department" for service in to.see):
            lines.append("If you cannot reach them, go to an emergency department.")
        elif to.acuity is Acuity.SOON:
            weeks = (to.within_hours or 0) >= 168
            otherwise = "ask for another doctor or clinic" if weeks else "be seen today in an emergency department"
            otherwise = f"call {number}" if number else otherwise
            lines.append(f"If you cannot be seen in that time, {otherwise}.")
        return tuple(lines)

    def _help(self, notes: tuple[Note, ...]) -> Block:
        worse = (f"If you get much worse, call {self.region.emergency_number}.",)
        return Block("Do not wait", (*(note.say for note in notes), *worse))


_FOOTER: Final = Block("", ("This is not a diagnosis, and no clinician has seen your answers.",))


def _headline(to: Escalation) -> str:
    if to.acuity is Acuity.SAME_DAY:
        return "Be seen today"
    if to.acuity is Acuity.ROUTINE:
        return "Book a routine appointment"
    hours = to.within_hours or 336
    return f"Be seen within {hours} hours (weekends count)" if hours < 168 else f"Be seen within {hours // 168} weeks"


_json.tell_apart(Disposition)
# Which reading decided is for developers, and is not in the bytes.
_json.leave_out(Assessment, "decided_by")
