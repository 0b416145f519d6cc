"""The command line: `calf-triage`, also `python -m calf_triage`.

Exit codes: 0 answered; 1 the check found problems, a whole case failed, two rule sets differ, or someone should be
seen instead of following a plan; 2 input, rules or the command could not be read (an answer may still stand on
standard output); 3 something inside went wrong; 4 an interview was stopped early; 5 a change of rules lowered
somebody's answer in a batch; 130 interrupted, and 128 with a signal's number for an interview that it ended; 141 no
reader.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import calf_triage
from calf_triage._assessment import INTENDED_USE, Assessment, Escalation
from calf_triage._errors import FindingError, RuleSetError, listed
from calf_triage._files import STDIN, UnreadableError, as_values, read_answers, read_toml
from calf_triage._findings import Acuity
from calf_triage._folder import printable
from calf_triage._load import load_rules
from calf_triage._pages import coverage, coverage_pages, ladder, page, questions, rule_page
from calf_triage._rules import Rule, RuleSet
from calf_triage._text import Node, Screen, Section, data
from calf_triage._triage import bundled_rules, triage

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from calf_triage.check.lints import Problem
    from calf_triage.follow_up import FollowUp
    from calf_triage.plan import Plan

_LONGEST_SEARCH: Final = 600
_SECONDS_A_LINE: Final = 5

ANSWERED, FAILED, UNREADABLE, BROKEN, LOWERED, INTERRUPTED, NO_READER = 0, 1, 2, 3, 5, 130, 141
MOST_NOTES: Final = 5
MOST_BYTES_A_ZIP: Final = 16 * 1024 * 1024
BUNDLED: Final = "bundled"

_EXAMPLES: Final = """\
examples:
  calf-triage ask --region GB                the questions, one after another
  calf-triage run answers.toml --region GB   what to do, as a page
  echo '{"calf_pain": true}' | calf-triage run -
  calf-triage run answers.json --json        with reasons, for other programs
  calf-triage plan answers.toml              a dated programme, for self-care
  calf-triage follow-up before.json now.toml --days 2
  calf-triage explain answers.toml           why, and what would change it
  calf-triage rules                          the ladder
  calf-triage rules findings                 what may be answered, and how
  calf-triage verify my_rules                prove them for every set of answers
  calf-triage mutate my_rules                which mistakes nothing would notice
  calf-triage diff bundled my_rules          what differs, and for whom
  calf-triage batch in.csv out.csv           every row of a file
  calf-triage COMMAND --help                 more about a command

exit codes:
  0  answered
  1  check: problems found; verify: not all is proved; vignettes: a case failed;
     mutate: a mutant survived; diff: something differs, or is not decided;
     plan: be seen instead; batch: rows were set aside, or answers differ
  2  input, rules or command could not be read; if the answers that could be
     read need care today or at once, standard output still says so
  3  something inside went wrong
  4  ask: stopped early; what was answered is saved (130 after Ctrl-C)
  5  batch --rules-before: somebody is answered lower than before"""

_RUN: Final = """\
FILE holds finding names with their answers: true, false, "unsure", the id of a
choice, or a number in the unit that the name ends in. A finding that is left
out, or null, is not taken as no. `calf-triage rules findings` lists them all.

  as JSON:  {"calf_pain": true, "breathless": "unsure", "age_years": 52}
  as TOML:  calf_pain = true
            age_years = 52

Files that end in .json or .toml are read as that; anything else is JSON if it
begins with a brace. At most 1 MiB. If some answers cannot be read, all problems
are told on standard error and the exit code is 2; if the others alone mean that
someone should be seen today or at once, that is still printed."""

_ASK: Final = """\
Asks on the terminal, by arrow keys or by numbers, and ends with the page of
`run`. "None of these", "not sure" and "rather not say" are answers to every
question. On a terminal that is simple or smaller than 40 by 14, in a pipe, or
with --plain, it asks by numbered lines.

Stopped early, by q, Ctrl-C or the end of input, it saves what was answered or
ticked in FILE, else in calf-triage-interview.json in this folder under the next
free name, tells what the answers so far mean, and prints the command that goes
on. The exit code is then 4; 130 after Ctrl-C. The file holds your answers as
JSON, and only you can read it. Nothing else keeps them. A saved file that was
changed meanwhile is left as it is. After another day every no is asked again."""

_PLAN: Final = """\
FILE holds answers, as for `run`, or a plan that --json printed before. Where the
answers end in self-care, prints this week by day and the later ones in short;
otherwise the page that says where to be seen, and the exit code is 1.

--log FILE is a list of days, as JSON or as TOML with a [[log]] table for each:

  [[log]]
  day = 2026-03-02
  done = true             # or false, or { standing_calf_raise = 10 } for less
  pain_during = 1         # 0 to 10; what is left out is not taken as none
  pain_next_morning = 0
  soreness_hours = 0      # for how long it was worse afterwards
  stop_signs = []         # as ["chest_pain"]: ends the plan, exit code 1

Keep the plan itself with --json > plan.json: answers alone know no first day."""

_SCHEMAS: Final = ("answers", "assessment", "explanation", "follow-up", "plan")
_MOST_FROM_TODAY: Final = 14
_WRONG_LOG: Final = "the log cannot be read, so the plan was not changed; mend this and run again:"

_FOLLOW_UP: Final = """\
BEFORE is what `run --json` or `follow-up --json` printed last time; NOW holds the
answers of today, as for `run`. What is left out today was not asked: a red flag or
a risk factor that was yes or not sure still counts. Where somebody should have
been seen and was not, it stays as urgent, and falls by one rung a day at most.

Keep the follow-up itself with --json > followed.json, for the next one."""

_EXPLAIN: Final = """\
FILE is read as by `run`. What would change the answer is searched for exactly,
among answers that are not given yet or can change in life: the smallest sets
first. If the search ends early, because of its time or its size, it says so.

In an emergency, call first. None of this has to be read."""

_VIGNETTES: Final = """\
PATH is a TOML file, or a folder of them, with a [[vignette]] table for each
case. Each case is run as coded, and finished: what was not stated gets its
benign answer, an adult without an age is 40, and what does not apply stays out.

The exit code is 1 if a case is answered below all its acceptable rungs, an
emergency below the same day, a rule that should fire does not (or the reverse),
or the answers of a case cannot be read."""


_CHECK: Final = """\
A problem is to be mended; the exit code is then 1. A note may be meant so, and
changes no exit code. With --json each is an object: kind (one word, for other
programs), file, place and message.

--cases PATH takes whole cases as `vignettes` does, finished, and counts the
rules that they fire, the criteria that they meet and refute, and the numbers on
which and just below which one stands: whole numbers, with what is missing. The
exit code is 1 if the answers of a case cannot be read, not if few are reached."""

_VERIFY: Final = """\
Each question of a fixed list is asked of all sets of answers at once, by a
solver: it needs pip install "calf-triage[verify]". What is refuted is shown as
the smallest answers that refute it, and each of them was tried in the library.

What NECESSARY and REACHABLE may refute stands in the folder's waivers.toml, each
with its reason; one that is not needed any more fails too.

The exit code is 0 only if all gates are proved: undecided, or not asked because
of --only, is not. Two versions of the rules are compared by `calf-triage diff`."""

_MUTATE: Final = """\
A mutant is the rules with one small change, as an author might make it by
mistake. It is killed where an example of a rule, a whole case of --cases, or a
proof fails. One that answers everybody as before is equivalent: a solver decides
that, and the folder's waivers.toml may accept it, in the table [MUTATE], with
its reason. Each survivor is shown with the smallest answers that would kill it.
What a person with these answers should be told follows from a source: write
that as an example or a case, not what the rules happen to say.

It takes minutes, on all cores; it needs pip install "calf-triage[verify]". The
exit code is 0 only if no mutant survives, all is decided, and each equivalent
one is waived."""

_DIFF: Final = """\
OLD and NEW are each a folder of rules, a zip of one, or the word bundled for
the rules of this library. An older version from git: git archive makes the zip.

First what was rewritten, the lowered first; then everybody who is answered
differently: for each way, and for each place where it was rewritten, the
smallest answers that show it, found by a solver, which needs
pip install "calf-triage[verify]". Each was tried in the library with both.

A question that only one of the two asks is answered by everybody, and the other
hears nothing of it. Answers that only one of the two takes are named and not
compared. "Equivalent" is said only where it is proved for all the others.

--cases PATH takes whole cases as `vignettes` does, and lists those that change.

The exit code is 0 only if nothing was rewritten, apart from the version, and
both are proved to answer alike; 1 if something differs or is not decided; 2 if
one of the two cannot be read; 3 if a proof and the library disagree. With
--json, `lowered` says whether anything was lowered, or may have been."""

_BATCH: Final = """\
IN is CSV, JSON Lines (.jsonl, .ndjson) or Parquet, by its suffix or --format;
OUT gets a row for each row of IN that could be read, in the same order. It is
read and written piece by piece, so that no size matters.

A column, or a key of JSON Lines, is a finding; `calf-triage rules findings`
lists them. CSV cells are yes, no, unsure, true, false, the id of a choice, or a
number; empty is absent. A line of JSON Lines is what `run` takes as JSON. Ids
within a cell of CSV are divided by ";".

What is no finding has to be named with --keep, and is carried along: a column
that is misspelt would be an answer that nobody hears. A row that cannot be read
is set aside as a whole: with its number, the column, what would be right, and
the row as it was written, in FILE of --set-aside, else in OUT's name with
.set-aside in it. It has no answer; acuity_of_rest says what its other answers
mean, where that is same_day or emergency.

OUT gets its name only when all is done. Until then what is done stands in the
folder OUT.parts. After Ctrl-C, a crash or a full disk the same command with
--resume goes on there, if IN, the rules and the columns are the same.

--rules-before OLD (a folder, a zip, or bundled) adds acuity_before and change:
lowered (less urgent, or within more hours), raised, other_rules (as urgent, but
others fired), same, or not_compared (OLD cannot read the row).

The exit code is 0 if every row was answered, and with --rules-before as before;
1 if rows were set aside, or answers differ; 5 if one of them is lowered; 2 if IN
or the command cannot be read, or with --strict at the first row that cannot."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code. Prints no traceback, and no answer's value in any error."""
    if sys.stdout is None:
        # Nobody would see the answer, and "answered" would be no true word.
        _say("standard output is closed, so nothing was run")
        return BROKEN
    if hasattr(sys.stdout, "reconfigure"):
        # A terminal that cannot show "…" still has to show an emergency.
        sys.stdout.reconfigure(errors="replace")
    try:
        code = _command(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _give_up_on_stdout()
        return NO_READER
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _give_up_on_stdout()
        _say(f"the answer could not be written: {(error.strerror or type(error).__name__).lower()}")
        return BROKEN
    except Exception as error:  # noqa: BLE001 - its text could hold an answer, and a patient can do nothing with it
        _say(f"something inside went wrong ({type(error).__name__}); this is no answer. Please report it.")
        return BROKEN
    return code


def _command(arguments: Sequence[str] | None) -> int:
    try:
        chosen = _parser().parse_args(arguments)
        return int(chosen.do(chosen))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else UNREADABLE
    except UnreadableError as error:
        _say(str(error))
    except RuleSetError as error:
        _say("these files cannot be used, and nothing was run:", *error.problems)
    except _DisagreeingError as error:
        _say("a proof and the library disagree, so there is no verdict; please report it:", str(error))
        return BROKEN
    return UNREADABLE


class _DisagreeingError(Exception):
    """The library does not confirm what the solver says."""


def _say(first: str, *lines: str) -> None:
    """Tells the user what is wrong; on standard error, so that answers stay alone on standard output."""
    text = "\n".join((f"calf-triage: {first}", *(f"  {line}" for line in lines)))
    if sys.stderr is not None:
        encoding = sys.stderr.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), file=sys.stderr)


def _give_up_on_stdout() -> None:
    """So that the interpreter does not fail once more on its way out."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        sys.stdout = None


# -- the commands ----------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="calf-triage",
        description=f"How soon should a calf or lower-leg symptom be seen?\n\n{textwrap.fill(INTENDED_USE, 78)}",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="print the versions of the library and of its rules")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, do: Callable[[Any], int], help: str, more: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            epilog=more,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(do=do)
        return added

    def option(to: argparse.ArgumentParser, *names: str) -> None:
        if "rules" in names:
            to.add_argument("--rules", metavar="FOLDER", help="use the rules of this folder, not the bundled ones")
        if "engine" in names:
            to.add_argument(
                "--engine", choices=("durable", "plain"), help="which reading decides; plain uses no C code"
            )
        if "json" in names:
            to.add_argument("--json", action="store_true", help="print JSON, for other programs")

    run = command("run", _run, "triage the answers of a JSON or TOML file", _RUN)
    run.add_argument("file", metavar="FILE", help="the file, or - for standard input")
    run.add_argument("--region", metavar="XX", help="country, as GB or US, for its emergency number")
    option(run, "rules", "engine", "json")

    ask = command("ask", _ask, "ask the questions one after another, and end with the page of `run`", _ASK)
    ask.add_argument("--region", metavar="XX", help="country, as GB or US, for its emergency number")
    option(ask, "rules", "engine")
    keep = ask.add_mutually_exclusive_group()
    keep.add_argument("--save", metavar="FILE", help="save the answers in this new file, after every screen")
    keep.add_argument("--no-save", action="store_true", help="save nothing, also when it is stopped early")
    ask.add_argument("--resume", metavar="FILE", help="go on with a saved interview; it is saved there again")
    ask.add_argument("--recheck", action="store_true", help="with --resume: also if it was saved with other rules")
    ask.add_argument("--plain", action="store_true", help="numbered lines, as for screen readers; no arrow keys")

    plan = command("plan", _plan, "make a dated programme where the answers end in self-care", _PLAN)
    plan.add_argument("file", metavar="FILE", help="answers or a saved plan, or - for standard input")
    plan.add_argument("--region", metavar="XX", help="country, as GB or US, for its emergency number")
    plan.add_argument("--start", metavar="YYYY-MM-DD", help="the first day; default: today")
    plan.add_argument("--days", metavar="DAYS", help="weekdays that suit; default: mon,wed,fri")
    plan.add_argument("--equipment", metavar="LIST", help="what is at hand, as step,dumbbell")
    plan.add_argument("--heel-raises", metavar="L,R", help="how many on the left and on the right leg")
    plan.add_argument("--programme", metavar="ID", help="which tendon programme, where several are given")
    plan.add_argument("--log", metavar="FILE", help="what was done, and how it went")
    plan.add_argument("--all", action="store_true", help="every week by day, and each piece of advice in full")
    option(plan, "rules", "json")

    again = command("follow-up", _follow_up, "look again: the answers of today beside those of last time", _FOLLOW_UP)
    again.add_argument("before", metavar="BEFORE", help="what --json printed last time")
    again.add_argument("now", metavar="NOW", help="the answers of today, or - for standard input")
    again.add_argument("--days", type=int, metavar="N", help="whole days since last time; not told, none have passed")
    again.add_argument("--seen", action="store_true", help="a clinician has looked at it since")
    again.add_argument("--trained", action="store_true", help="trained steadily all the time")
    again.add_argument("--recheck", action="store_true", help="also if last time was by other rules")
    again.add_argument("--region", metavar="XX", help="country; default: that of last time")
    option(again, "rules", "engine", "json")

    explain = command("explain", _explain, "say why an answer is what it is, and what would change it", _EXPLAIN)
    explain.add_argument("file", metavar="FILE", help="the answers, as for run, or - for standard input")
    explain.add_argument("--region", metavar="XX", help="country, as GB or US, for its emergency number")
    explain.add_argument("--clinician", action="store_true", help="with ids, criteria, sources and near misses")
    explain.add_argument("--rule", metavar="ID", help="only this rule: why, or why not")
    explain.add_argument(
        "--seconds", type=float, default=2.0, metavar="N", help="how long to search for changes; default: 2"
    )
    option(explain, "rules", "engine", "json")

    rules = command("rules", _rules, "show the ladder of rules, one rule, or the findings that may be answered")
    rules.add_argument(
        "what", nargs="*", metavar="show ID | findings", help="nothing: the ladder; one rule; or the findings"
    )
    rules.add_argument(
        "--coverage", action="store_true", help="symptom × rung, hazards without a test, rules without a read source"
    )
    rules.add_argument("--map", metavar="FILE", help="with --coverage: a TOML file of rows and the rules they have")
    option(rules, "rules", "json")

    check = command("check", _check, "load and lint a folder of rules, and tell all its problems", _CHECK)
    check.add_argument("folder", nargs="?", metavar="FOLDER", help="the folder; the bundled rules if none is given")
    check.add_argument("--cases", metavar="PATH", help="also count what the whole cases of a file or folder reach")
    option(check, "json")

    proof = command("verify", _verify, "prove a folder of rules for every set of answers, or refute it", _VERIFY)
    proof.add_argument("folder", nargs="?", metavar="FOLDER", help="the folder; the bundled rules if none is given")
    proof.add_argument(
        "--only", metavar="NAME", help="ask one question alone; this proves no rule set, and exits with 1"
    )
    option(proof, "json")

    changed = command("mutate", _mutate, "change rules in small ways, and tell which changes nothing notices", _MUTATE)
    changed.add_argument("folder", nargs="?", metavar="FOLDER", help="the folder; the bundled rules if none is given")
    changed.add_argument("--cases", metavar="PATH", help="whole cases that may kill: a TOML file, or a folder of them")
    changed.add_argument("--operator", metavar="NAME", help="only mutants of one kind, as threshold")
    changed.add_argument("--sample", type=int, metavar="N", help="only so many, chosen at random")
    changed.add_argument("--seed", type=int, default=0, metavar="N", help="with --sample: which ones; default: 0")
    changed.add_argument("--processes", type=int, metavar="N", help="how many work on it; default: one for each core")
    option(changed, "json")

    differ = command("diff", _diff, "tell what differs between two versions of the rules, and for whom", _DIFF)
    differ.add_argument("old", metavar="OLD", help="a folder of rules, a zip of one, or bundled")
    differ.add_argument("new", metavar="NEW", help="likewise")
    differ.add_argument("--cases", metavar="PATH", help="also list which whole cases of a file or folder change")
    option(differ, "json")

    batch = command("batch", _batch, "triage each row of a file, and write the answers to another", _BATCH)
    batch.add_argument("source", metavar="IN", help="the file, or - for standard input")
    batch.add_argument("target", metavar="OUT", help="the file to write, or - for standard output")
    formats = ("csv", "jsonl", "parquet")
    batch.add_argument("--format", choices=formats, help="what IN is, where its suffix does not tell")
    batch.add_argument("--to", choices=formats, help="what OUT is, where its suffix does not tell; default: as IN")
    batch.add_argument("--keep", action="append", default=[], metavar="COLUMN", help="carry it along; may be repeated")
    batch.add_argument("--columns", metavar="LIST", help="what to write of each answer, as acuity,rules; default: all")
    batch.add_argument("--set-aside", metavar="FILE", help="where rows go that cannot be read")
    batch.add_argument("--strict", action="store_true", help="stop at the first row that cannot be read")
    batch.add_argument("--resume", action="store_true", help="go on with a run that was interrupted")
    batch.add_argument("--overwrite", action="store_true", help="replace OUT, and what an interrupted run has left")
    batch.add_argument("--rules-before", metavar="OLD", help="earlier rules: tell what has changed for these people")
    batch.add_argument("--progress", action="store_true", help="tell how far it is, also where no terminal is")
    option(batch, "rules", "json")

    cases = command(
        "vignettes", _vignettes, "run whole cases, and compare with how soon they should be seen", _VIGNETTES
    )
    cases.add_argument("path", metavar="PATH", help="a TOML file of cases, or a folder of them")
    cases.add_argument("--assumptions", action="store_true", help="list every assumed answer of every case")
    option(cases, "rules", "engine", "json")

    schema = command("schema", _schema, "print the JSON Schema of the answers, or of what --json prints")
    schema.add_argument("what", nargs="?", choices=_SCHEMAS, default="answers", help=f"{', '.join(_SCHEMAS)}")
    option(schema, "rules")
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"calf-triage {calf_triage.__version__}")
        rules = bundled_rules()
        print(f"rules {rules.name} {rules.version}, sha256 {rules.sha256}")
        parser.exit()


def _in_folder(chosen: argparse.Namespace) -> RuleSet:
    """The rules of the folder that a command is about; the bundled ones if none is given."""
    if chosen.folder is None:
        return bundled_rules()
    if not Path(chosen.folder).is_dir():
        raise UnreadableError(f"{printable(chosen.folder)}: no such folder")
    return load_rules(chosen.folder)


def _loaded(chosen: argparse.Namespace) -> RuleSet:
    return bundled_rules() if chosen.rules is None else load_rules(chosen.rules)


def _triaged(chosen: argparse.Namespace, rules: RuleSet) -> tuple[Assessment | None, int]:
    """The triage of the answers of FILE, None where there is none, and the exit code. Tells what cannot be read."""
    answers, problems = read_answers(chosen.file)
    answer: Assessment | None
    try:
        answer = triage(answers, region=chosen.region, rules=rules, engine=chosen.engine)
        if problems and answer.acuity < Acuity.SAME_DAY:
            answer = None
    except FindingError as error:
        problems, answer = [*problems, *error.problems], error.assessment
    if answer is None:
        _say("some answers cannot be read, so there is no result; mend them and run again:", *problems)
        return None, UNREADABLE
    _tell_unknown_region(chosen.region, rules)
    if problems:
        _say("some answers cannot be read; the result is that of the others alone:", *problems)
    return answer, UNREADABLE if problems else ANSWERED


def _run(chosen: argparse.Namespace) -> int:
    answer, code = _triaged(chosen, _loaded(chosen))
    if answer is None:
        return code
    if chosen.json:
        print(answer.to_json())
    else:
        _show(answer)
    if answer.unanswered and sys.stderr is not None and sys.stderr.isatty():
        names = [question.id for question in answer.unanswered[:12]]
        _say("still unanswered: " + ", ".join(names) + (" …" if len(answer.unanswered) > 12 else ""))
    return code


def _explain(chosen: argparse.Namespace) -> int:
    if not 0 <= chosen.seconds <= _LONGEST_SEARCH:
        raise UnreadableError(f"explain: --seconds is a number from 0 to {_LONGEST_SEARCH}")
    rules = _loaded(chosen)
    rule = None if chosen.rule is None else _rule(rules, chosen.rule)
    answer, code = _triaged(chosen, rules)
    if answer is None:
        return code
    explanation = answer.explain(rules)
    if chosen.json:
        print(explanation.to_json(rule=rule.id if rule else None, seconds=chosen.seconds))
    else:
        Screen().show(
            explanation.sections(clinician=chosen.clinician, rule=rule.id if rule else None, seconds=chosen.seconds)
        )
    return code


def _follow_up(chosen: argparse.Namespace) -> int:
    from calf_triage.follow_up import MOST_DAYS, FollowUp, retriage

    if chosen.before == chosen.now == "-":
        raise UnreadableError("follow-up: only one of the two can be standard input")
    if chosen.days is not None and not 0 <= chosen.days <= MOST_DAYS:
        raise UnreadableError(f"follow-up: --days is a whole number from 0 to {MOST_DAYS}")
    rules, where = _loaded(chosen), printable(chosen.before)
    document = as_values(read_answers(chosen.before)[0], where)
    kind = FollowUp if isinstance(document, dict) and "previous" in document else Assessment
    answers, problems = read_answers(chosen.now)
    found: FollowUp | None = None
    try:
        previous = kind.from_json(json.dumps(document))
        was = previous.assessment if isinstance(previous, FollowUp) else previous
        if was.rule_set.sha256 != rules.sha256 and not chosen.recheck:
            raise ValueError("was made with other rules than these; with --recheck its answers are read by these")
        found = retriage(
            previous,
            answers,
            days=chosen.days,
            seen=chosen.seen or None,
            trained=chosen.trained or None,
            recheck=chosen.recheck,
            region=chosen.region,
            rules=rules,
            engine=chosen.engine,
        )
        answer: Assessment | None = found.assessment
    except FindingError as error:
        problems, answer = [*problems, *error.problems], error.assessment
    except ValueError as error:
        raise UnreadableError(f"{where}: {error}") from None
    if problems and (answer is None or answer.acuity < Acuity.SAME_DAY):
        _say("some answers of today cannot be read, so there is no result; mend them and run again:", *problems)
        return UNREADABLE
    _tell_unknown_region(chosen.region, rules)
    if problems:
        _say("some answers of today cannot be read; the result is that of the others alone:", *problems)
    if found is not None and found.problems:
        _say("some answers of last time cannot be read by these rules, and count no more:", *found.problems)
    shown = found if found is not None else answer
    if chosen.json and shown is not None:
        print(shown.to_json())
    elif shown is not None:
        _show(shown)
    return UNREADABLE if problems else ANSWERED


def _tell_unknown_region(region: str | None, rules: RuleSet) -> None:
    known = [name for name in rules.regions if name != "generic"]
    if region is not None and region.upper() not in known:
        _say(f"this region is not known, so no number is given; known are {', '.join(known)}")


def _show(answer: Assessment | FollowUp) -> None:
    """Prints the page of an answer."""
    screen = Screen()
    if screen.terminal:
        screen.show(page(answer))
    else:
        print(answer)


def _plan(chosen: argparse.Namespace) -> int:
    # Here, because no other command needs anything of it.
    from calf_triage.plan import Plan, PlanError, logged_from
    from calf_triage.plan.pages import on

    rules = _loaded(chosen)
    found, problems = read_answers(chosen.file)
    heading = "there is no plan; mend this and run again:"
    wishes = [name for name in ("start", "days", "equipment", "heel_raises", "programme") if getattr(chosen, name)]
    try:
        if isinstance(found, dict) and {"assessment", "weeks"} <= found.keys():
            if problems or wishes:
                named = ", ".join(f"--{name.replace('_', '-')}" for name in wishes)
                raise PlanError(problems or [f"{named}: a saved plan keeps what it was made with"])
            heading = "this saved plan cannot be used:"
            plan = Plan.from_json(json.dumps(as_values(found, printable(chosen.file))), rules)
            try:
                plan = plan.checked(rules)
                heading = _WRONG_LOG
            except PlanError:
                # With a log, its stop signs are weighed as well before this is told.
                if chosen.log is None:
                    raise
        else:
            made = _planned(chosen, rules, found, problems)
            if isinstance(made, int):
                return made
            plan, heading = made, _WRONG_LOG
        if chosen.log is not None:
            entries = as_values(read_answers(chosen.log)[0], printable(chosen.log))
            plan, skipped = logged_from(plan, entries, rules)
            if skipped:
                _say(f"the plan has stopped; {skipped} of the days in the log were not read")
    except PlanError as error:
        _say(heading, *listed(error.problems).splitlines())
        if error.assessment is not None:
            _show(error.assessment)
        return UNREADABLE
    except ValueError as error:
        if isinstance(error, UnreadableError | RuleSetError):
            raise
        raise UnreadableError(f"{printable(chosen.file)}: {error}") from None
    over = plan.stopped is None and plan.end <= _today()
    if over:
        ended = f"This plan ended on {on(plan.end, True)}. Answer the questions again."
        _say(ended) if chosen.json else print(ended)
    if chosen.json:
        print(plan.to_json())
    elif not over:
        Screen().show(plan.sections(chosen.all))
    return ANSWERED if plan.stopped is None and not over else FAILED


def _planned(chosen: argparse.Namespace, rules: RuleSet, found: Any, problems: list[str]) -> Plan | int:
    """A plan from answers; or, where there is none, the exit code, once the page is printed."""
    from calf_triage.plan import USUAL_DAYS, make_plan

    answer: Assessment | None
    try:
        answer = triage(found, region=chosen.region, rules=rules)
    except FindingError as error:
        problems, answer = [*problems, *error.problems], error.assessment
    if problems:
        if answer is None or answer.acuity < Acuity.SAME_DAY:
            _say("some answers cannot be read, so there is no result; mend them and run again:", *problems)
            return UNREADABLE
        _say("some answers cannot be read; the result is that of the others alone:", *problems)
    _tell_unknown_region(chosen.region, rules)
    if answer is None or isinstance(answer.disposition, Escalation):
        if answer is not None and chosen.json:
            print(answer.to_json())
        elif answer is not None:
            _show(answer)
        _say("no plan is made from these answers: be seen as the page says")
        return UNREADABLE if problems else FAILED
    return make_plan(
        answer,
        start=_day(chosen.start),
        days=USUAL_DAYS if chosen.days is None else _listed(chosen.days),
        equipment=None if chosen.equipment is None else _listed(chosen.equipment),
        heel_raises=None if chosen.heel_raises is None else _two_numbers(chosen.heel_raises),
        programme=chosen.programme,
        rules=rules,
    )


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _day(text: str | None) -> date:
    today = _today()
    try:
        day = today if text is None else date.fromisoformat(text)
    except ValueError:
        raise UnreadableError("--start: expected a day, as 2026-03-02") from None
    if abs((day - today).days) > _MOST_FROM_TODAY:
        raise UnreadableError(
            f"--start: more than {_MOST_FROM_TODAY} days from today; the answers are of today, so begin near it"
        )
    return day


def _today() -> date:
    return date.today()


def _two_numbers(text: str) -> tuple[int, int]:
    words = _listed(text)
    if len(words) != 2 or not all(word.isascii() and word.isdigit() and len(word) <= 3 for word in words):
        raise UnreadableError("--heel-raises: expected two whole numbers, as 12,14")
    return int(words[0]), int(words[1])


def _ask(chosen: argparse.Namespace) -> int:
    # Here, because no other command needs anything of it.
    from calf_triage.ask import ask

    rules = _loaded(chosen)
    _tell_unknown_region(chosen.region, rules)
    return ask(chosen, rules, _show)


def _rules(chosen: argparse.Namespace) -> int:
    rules, screen = _loaded(chosen), Screen()
    if chosen.map is not None and not chosen.coverage:
        raise UnreadableError("rules: --map belongs to --coverage")
    if chosen.coverage and chosen.what:
        raise UnreadableError("rules: --coverage is about all rules; it takes no other words")
    value: object
    match chosen.what:
        case [] if chosen.coverage:
            found = coverage(rules, None if chosen.map is None else read_toml(chosen.map))
            value, sections = data(found), coverage_pages(rules, found)
        case []:
            value, sections = [data(rule) for rule in rules], ladder(rules, screen.width)
        case ["show", name]:
            rule = _rule(rules, name)
            value, sections = data(rule), rule_page(rules, rule)
        case ["findings"]:
            value, sections = [data(finding) for finding in rules.findings.by_id.values()], questions(rules)
        case _:
            raise UnreadableError("rules: expected nothing, `show` and the id of a rule, or `findings`")
    if chosen.json:
        _print_json(value)
    else:
        screen.show(sections)
    return ANSWERED


def _rule(rules: RuleSet, name: str) -> Rule:
    for retired in rules.retired:
        if name == retired.id:
            raise UnreadableError(f"{name} is retired; it is replaced by {retired.replaced_by}")
    try:
        return rules[name]
    except KeyError as error:
        raise UnreadableError(f"{error.args[0]}; `calf-triage rules` lists them") from None


def _check(chosen: argparse.Namespace) -> int:
    # Here, because running rules needs nothing of what checking them needs.
    from calf_triage.check import lint, not_loaded
    from calf_triage.check.cases import case_coverage
    from calf_triage.vignettes import load_vignettes

    rules: RuleSet | None = None
    try:
        rules = _in_folder(chosen)
        found = lint(rules)
    except RuleSetError as error:
        found = not_loaded(error)
    problems, notes = [one for one in found if not one.note], [one for one in found if one.note]
    reached = None
    if chosen.cases is not None and rules is not None:
        reached = case_coverage(rules, load_vignettes(chosen.cases, rules))
    if chosen.json:
        about = {"name": rules.name, "version": rules.version, "sha256": rules.sha256} if rules is not None else None
        listed = {
            key: [{"kind": one.kind, "file": one.file, "place": one.place, "message": one.message} for one in ones]
            for key, ones in (("problems", problems), ("notes", notes))
        }
        _print_json({"rule_set": about, **listed, "cases": None if reached is None else data(reached)})
    else:
        sections = []
        if problems or rules is None:
            sections.append(Section(_count(len(problems), "problem"), tuple(Node(str(one)) for one in problems)))
        else:
            parts = f"{len(rules)} rules, {len(rules.findings.by_id)} findings, {len(rules.advice)} advice items"
            sections.append(Section(f"{rules.name} {rules.version}: no problems", (f"{parts}.",)))
        if notes:
            sections.append(Section(_count(len(notes), "note"), tuple(_notes(notes))))
        Screen().show([*sections, *(reached.sections() if reached is not None else ())])
    return FAILED if problems or (reached is not None and reached.not_run) else ANSWERED


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _notes(notes: Sequence[Problem]) -> Iterator[Node]:
    """A few notes of each kind, since one habit of an author's makes many of a kind."""
    for kind in dict.fromkeys(note.kind for note in notes):
        alike = [str(note) for note in notes if note.kind == kind]
        more = len(alike) - MOST_NOTES
        yield from map(Node, alike[:MOST_NOTES])
        if more > 0:
            yield Node(f"… and {more} more of this kind; --json lists all")


def _verify(chosen: argparse.Namespace) -> int:
    from calf_triage.verify import QUESTIONS, verify

    rules = _in_folder(chosen)
    names = [question.name for question in QUESTIONS]

    def progress(name: str) -> None:
        _tell_progress(f"proving {name} ({names.index(name) + 1} of {len(names)})")

    with _solving():
        proof = verify(rules, only=chosen.only, progress=progress)
    if chosen.json:
        _print_json({**data(proof), "passed": proof.passed})
    else:
        Screen().show(proof.sections())
    return ANSWERED if proof.passed else FAILED


def _mutate(chosen: argparse.Namespace) -> int:
    from calf_triage.mutate import mutate
    from calf_triage.vignettes import load_vignettes

    for name in ("sample", "processes"):
        if getattr(chosen, name) is not None and getattr(chosen, name) < 1:
            raise UnreadableError(f"mutate: --{name} is a whole number from 1")
    rules = _in_folder(chosen)
    cases = () if chosen.cases is None else load_vignettes(chosen.cases, rules)
    start = time.monotonic()

    def progress(done: int, of: int) -> None:
        took = time.monotonic() - start
        rate = f", {done / took:.1f} a second, about {_duration(took / done * (of - done))} left" if done else ""
        _tell_progress(f"{done} of {of} mutants{rate}")

    with _solving():
        found = mutate(
            rules,
            cases,
            operator=chosen.operator,
            sample=chosen.sample,
            seed=chosen.seed,
            processes=chosen.processes,
            progress=progress,
        )
    if chosen.json:
        _print_json({**data(found), "passed": found.passed})
    else:
        Screen().show(found.sections())
    return ANSWERED if found.passed else FAILED


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def _solving() -> Iterator[None]:
    """What a command that asks the solver does when it cannot ask, or must not believe the answer."""
    from calf_triage.verify import NotReplayedError, VerifyError

    try:
        yield
    except VerifyError as error:
        raise UnreadableError(str(error)) from None
    except NotReplayedError as error:
        raise _DisagreeingError(str(error)) from None
    finally:
        _tell_progress("")


def _tell_progress(doing: str) -> None:
    """Shows on a terminal what takes so long, in the place of what was shown before."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(f"\r\x1b[K{doing} …" if doing else "\r\x1b[K", end="", file=sys.stderr, flush=True)


def _diff(chosen: argparse.Namespace) -> int:
    from calf_triage.diff import diff
    from calf_triage.vignettes import load_vignettes

    old, new = _versions(chosen.old, chosen.new)
    cases = None
    if chosen.cases is not None:
        try:
            cases = load_vignettes(chosen.cases, new)
        except RuleSetError as error:
            try:
                # Cases may still be written for the older rules.
                cases = load_vignettes(chosen.cases, old)
            except RuleSetError:
                raise error from None
    with _solving():
        found = diff(old, new, cases=cases, progress=lambda doing: _tell_progress(f"comparing {doing}"))
    if chosen.json:
        _print_json({**data(found), "nothing": found.nothing, "lowered": found.lowered})
    else:
        Screen().show(found.sections())
    return ANSWERED if found.nothing else FAILED


def _versions(*names: str) -> list[RuleSet]:
    """Rule sets by folder, zip or the word bundled; the problems of all of them at once."""
    found: list[RuleSet] = []
    problems: list[str] = []
    for name in names:
        try:
            found.append(bundled_rules() if name == BUNDLED else load_rules(_root(name)))
        except UnreadableError as error:
            problems.append(str(error))
        except RuleSetError as error:
            problems += [f"{printable(name)}: {problem}" for problem in error.problems]
    if problems:
        raise RuleSetError(problems)
    return found


def _root(name: str) -> Traversable:
    """The folder of that name; in a zip the one that holds ruleset.toml."""
    path = Path(name)
    if path.is_dir():
        return path
    if not path.is_file():
        raise UnreadableError(f"{printable(name)}: no such folder or zip")
    try:
        if path.stat().st_size > MOST_BYTES_A_ZIP:
            raise UnreadableError(f"{printable(name)}: larger than {MOST_BYTES_A_ZIP // 1024**2} MiB")
        with zipfile.ZipFile(path) as archive:
            # In folders within folders too: what is made of a whole project holds its rules deeper down.
            within = [inner for inner in archive.namelist() if inner.split("/")[-1] == "ruleset.toml"]
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        raise UnreadableError(f"{printable(name)}: neither a folder nor a zip that can be read") from None
    if len(within) != 1:
        raise UnreadableError(
            f"{printable(name)}: expected one folder of rules with its ruleset.toml, found {len(within)}"
        )
    return cast("Traversable", zipfile.Path(path, at=within[0].removesuffix("ruleset.toml")))


def _batch(chosen: argparse.Namespace) -> int:
    try:
        # Here, because no other command needs anything of it.
        from calf_triage.batch import OUTPUTS
        from calf_triage.batch.files import triage_file
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "calf_triage":
            raise
        raise UnreadableError(f'{error.name} is not installed; get it with: pip install "calf-triage[batch]"') from None
    piped = chosen.target == STDIN
    if piped and sys.stdout.isatty() and chosen.to == "parquet":
        raise UnreadableError("batch: Parquet is not for a terminal")
    rules = _loaded(chosen)
    before = None if chosen.rules_before is None else _versions(chosen.rules_before)[0]
    try:
        with _told_progress(chosen.progress) as progress:
            tally = triage_file(
                chosen.source,
                chosen.target,
                rules=rules,
                before=before,
                format=chosen.format,
                target_format=chosen.to,
                keep=chosen.keep,
                outputs=OUTPUTS if chosen.columns is None else cast(Any, _listed(chosen.columns)),
                set_aside=chosen.set_aside,
                strict=chosen.strict,
                resume=chosen.resume,
                overwrite=chosen.overwrite,
                progress=progress,
            )
    except (KeyboardInterrupt, OSError, UnreadableError) as error:
        if isinstance(error, KeyboardInterrupt):
            _say("stopped; nothing stands under the name of OUT")
        for note in getattr(error, "__notes__", ()):
            _say(note)
        raise
    if chosen.json:
        print(json.dumps(tally.data(), ensure_ascii=False, indent=2), file=sys.stderr if piped else sys.stdout)
    else:
        Screen(sys.stderr if piped else sys.stdout).show(tally.sections())
    return LOWERED if tally.lowered else FAILED if tally.aside or tally.differs else ANSWERED


@contextmanager
def _told_progress(asked: bool) -> Iterator[Callable[[int, float | None, float], None]]:
    """Tells on standard error how far a batch is: a bar with rich on a terminal, else a line; nothing in a pipe unless
    it is asked for.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    first: list[tuple[int, float]] = []
    told = 0.0

    def words(rows: int, done: float | None, seconds: float) -> str:
        first.extend([] if first else [(rows, done or 0.0)])
        (rows_before, done_before), rate = first[0], ""
        if seconds > 0 and rows > rows_before:
            rate = f", {(rows - rows_before) / seconds:,.0f} a second"
            if done is not None and done > done_before:
                rate += f", about {_duration(seconds / (done - done_before) * (1 - done))} left"
        return f"{rows:,} rows{rate}"

    def line(rows: int, done: float | None, seconds: float) -> None:
        nonlocal told
        said = words(rows, done, seconds)
        if terminal:
            _tell_progress(said)
        elif asked and seconds - told >= _SECONDS_A_LINE:
            told = seconds
            _say(said)

    console = Screen(sys.stderr).console if terminal else None
    if console is None:
        try:
            yield line
        finally:
            _tell_progress("")
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = BarColumn(), TaskProgressColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def drawn(rows: int, done: float | None, seconds: float) -> None:
            total = None if done is None else 1.0
            bar.update(task, total=total, completed=done or 0.0, description=words(rows, done, seconds))

        yield drawn


def _vignettes(chosen: argparse.Namespace) -> int:
    from calf_triage.vignettes import load_vignettes, run

    rules = _loaded(chosen)
    report = run(load_vignettes(chosen.path, rules), rules, engine=chosen.engine)
    if chosen.json:
        print(report.to_json())
    else:
        Screen().show(report.sections(chosen.assumptions))
    return FAILED if report.failed else ANSWERED


def _schema(chosen: argparse.Namespace) -> int:
    from calf_triage.schema import answers_schema, document_schema

    _print_json(answers_schema(_loaded(chosen)) if chosen.what == "answers" else document_schema(chosen.what))
    return ANSWERED


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))
