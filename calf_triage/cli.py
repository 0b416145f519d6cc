"""The command line: `calf-triage`, also `python -m calf_triage`.

Exit codes: 0 answered; 1 the check found problems, or a whole case failed; 2 input, rules or the command could not be
read (an answer may still stand on standard output); 3 something inside went wrong; 130 interrupted; 141 no reader.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import calf_triage
from calf_triage._assessment import INTENDED_USE, Assessment
from calf_triage._errors import FindingError, RuleSetError
from calf_triage._files import UnreadableError, read_answers, read_toml
from calf_triage._findings import Acuity
from calf_triage._folder import printable
from calf_triage._load import load_rules
from calf_triage._pages import coverage, coverage_pages, ladder, page, questions, rule_page
from calf_triage._rules import Rule, RuleSet
from calf_triage._text import Node, Screen, Section, data
from calf_triage._triage import bundled_rules, triage

ANSWERED, FAILED, UNREADABLE, BROKEN, INTERRUPTED, NO_READER = 0, 1, 2, 3, 130, 141

_EXAMPLES: Final = """\
examples:
  calf-triage run answers.toml --region GB   what to do, as a page
  echo '{"calf_pain": true}' | calf-triage run -
  calf-triage run answers.json --json        with reasons, for other programs
  calf-triage rules                          the ladder
  calf-triage rules findings                 what may be answered, and how
  calf-triage COMMAND --help                 more about a command

exit codes:
  0  answered
  1  check: problems found; vignettes: a case failed
  2  input, rules or command could not be read; if the answers that could be
     read need care today or at once, standard output still says so
  3  something inside went wrong"""

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

_VIGNETTES: Final = """\
PATH is a TOML file, or a folder of them, with a [[vignette]] table for each
case. Each case is run as coded, and finished: what was not stated gets its
benign answer, an adult without an age is 40, and what does not apply stays out.

The exit code is 1 if a case is answered below all its acceptable rungs, an
emergency below the same day, a rule that should fire does not (or the reverse),
or the answers of a case cannot be read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code. Prints no traceback, and no answer's value in any error."""
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
    return UNREADABLE


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

    rules = command("rules", _rules, "show the ladder of rules, one rule, or the findings that may be answered")
    rules.add_argument(
        "what", nargs="*", metavar="show ID | findings", help="nothing: the ladder; one rule; or the findings"
    )
    rules.add_argument(
        "--coverage", action="store_true", help="symptom × rung, hazards without a test, rules without a read source"
    )
    rules.add_argument("--map", metavar="FILE", help="with --coverage: a TOML file of rows and the rules they have")
    option(rules, "rules", "json")

    check = command("check", _check, "load and lint a folder of rules, and tell all its problems")
    check.add_argument("folder", nargs="?", metavar="FOLDER", help="the folder; the bundled rules if none is given")
    option(check, "json")

    cases = command(
        "vignettes", _vignettes, "run whole cases, and compare with how soon they should be seen", _VIGNETTES
    )
    cases.add_argument("path", metavar="PATH", help="a TOML file of cases, or a folder of them")
    cases.add_argument("--assumptions", action="store_true", help="list every assumed answer of every case")
    option(cases, "rules", "engine", "json")

    schema = command("schema", _schema, "print the JSON Schema of the answers, or of the assessment")
    schema.add_argument(
        "what", nargs="?", choices=("answers", "assessment"), default="answers", help="default: answers"
    )
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


def _loaded(chosen: argparse.Namespace) -> RuleSet:
    return bundled_rules() if chosen.rules is None else load_rules(chosen.rules)


def _run(chosen: argparse.Namespace) -> int:
    rules = _loaded(chosen)
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
        return UNREADABLE
    if chosen.region is not None and answer.region.id == "generic":
        known = ", ".join(region for region in rules.regions if region != "generic")
        _say(f"this region is not known, so no number is given; known are {known}")
    if problems:
        _say("some answers cannot be read; the result is that of the others alone:", *problems)
    screen = Screen()
    if chosen.json:
        print(answer.to_json())
    elif screen.terminal:
        screen.show(page(answer))
    else:
        print(answer)
    if answer.unanswered and sys.stderr is not None and sys.stderr.isatty():
        names = [question.id for question in answer.unanswered[:12]]
        _say("still unanswered: " + ", ".join(names) + (" …" if len(answer.unanswered) > 12 else ""))
    return UNREADABLE if problems else ANSWERED


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
    from calf_triage.check import check

    if chosen.folder is not None and not Path(chosen.folder).is_dir():
        raise UnreadableError(f"{printable(chosen.folder)}: no such folder")
    rules: RuleSet | None = None
    try:
        rules = load_rules(chosen.folder)
        problems = check(rules)
    except RuleSetError as error:
        problems = error.problems
    if chosen.json:
        about = {"name": rules.name, "version": rules.version, "sha256": rules.sha256} if rules is not None else None
        _print_json({"rule_set": about, "problems": list(problems)})
    elif problems or rules is None:
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        Screen().show([Section(count, tuple(Node(problem) for problem in problems))])
    else:
        parts = f"{len(rules)} rules, {len(rules.findings.by_id)} findings, {len(rules.advice)} advice items"
        Screen().show([Section(f"{rules.name} {rules.version}: no problems", (f"{parts}.",))])
    return FAILED if problems else ANSWERED


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
    from calf_triage.schema import answers_schema, assessment_schema

    _print_json(assessment_schema() if chosen.what == "assessment" else answers_schema(_loaded(chosen)))
    return ANSWERED


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))
