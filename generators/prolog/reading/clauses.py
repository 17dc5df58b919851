"""Theories in plain Prolog: facts, rules and `?- goal.`, read by SWI-Prolog as terms and never run.

`-p(X)` (or `neg(p(X))`) is the strong negation of `p(X)`. Atoms and integers are names. A file may have
several goals: each is a problem over all its facts and rules. `% answer: true` in the goal's line, or in the
line before it, is the label that comes with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from generators.domain import BadProblem
from generators.prolog.alphabet import ANSWERS, ARITY, VARIABLES
from generators.prolog.reading.naming import Literal, Problem, Rule, Signature
from generators.prolog.swi.engine import ask

INSTEAD = {
    "variable": "is a variable where a literal belongs",
    "failure": "is negation as failure, which an open-world theory lacks: write -p(X) for what is false",
    "doubtful": "can be read in two ways: write -{inner} if it is the negation",
    "twice": "is negated twice: write it plain",
    "conjunction": "is a conjunction: a goal and a head are one literal",
    "disjunction": "is a disjunction: write one rule for each case",
    "condition": "is a condition: write one rule for each case",
    "cut": "is a cut: a theory has no order of search in it",
    "clause": "is no literal: a clause is `head.` or `head :- body.`",
    "module": "names a module: only names and variables are read",
    "end_of_file": "stands within the text: leave it out",
    "arithmetic": "is arithmetic or a comparison: only facts and rules are read",
    "builtin": "is a builtin of Prolog: nothing is run, choose another name",
    "quotation": "has a quasi quotation: only names and variables are read",
    "list": "is a list: only names and variables are read",
    "dict": "is a dict: only names and variables are read",
    "string": "is a string: write a name, in single quotes if need be",
    "number": "is a number of a kind that is no name: only names, integers and variables are read",
    "empty": "has empty parentheses: leave them out",
    "name": "has no name of its own: only names and variables are read",
    "compound": "is a compound term: with function symbols a theory can be infinite, and a search that is "
    "cut answers nothing; only names and variables are read",
}

_LABEL = re.compile(r"%+\s*answer\s*[:=]\s*(\w+)\W*")
Line = int


@dataclass
class Theory:
    """What a text holds, with the lines of its goals and labels."""

    title: str
    facts: list[Literal] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    goals: list[tuple[Line, Literal]] = field(default_factory=list)
    labels: dict[Line, str] = field(default_factory=dict)

    def take(self, item: list[Any]) -> None:
        """Add one array of the reader's reply (`reader.pl`). Raises BadProblem, naming the line."""
        kind, line, *content = item
        where = f"{self.title}:{line}"
        if kind == "error":
            raise BadProblem(f"{self.title} cannot be read: {content[0]}")
        if kind == "syntax":
            place = where if line else self.title
            raise BadProblem(f"{place}: syntax error: {content[0].replace('_', ' ')}")
        if kind == "directive":
            raise BadProblem(
                f"{where}: the directive `:- {content[0]}` is not obeyed: a theory has only clauses"
            )
        if kind == "comment":
            label = _LABEL.fullmatch(content[0].strip())
            if label:
                self.labels[line] = _label(where, label[1].lower())
        elif kind == "goal":
            self.goals.append((line, _goal(where, content[0])))
        else:
            self._clause(where, *content)

    def _clause(self, where: str, head: list[Any], body: list[list[Any]]) -> None:
        variables: dict[str, int] = {}
        conditions = tuple(_literal(where, literal, variables) for literal in body)
        conclusion = _literal(where, head, variables)
        if len(variables) > len(VARIABLES):
            raise BadProblem(
                f"{where}: the rule has {len(variables)} variables, the vocabulary has {len(VARIABLES)}"
            )
        if conditions or variables:
            self.rules.append((conditions, conclusion))
        else:
            self.facts.append(conclusion)

    def signatures(self) -> set[Signature]:
        """The predicates of facts and rules."""
        heads = {head.signature for _, head in self.rules}
        bodies = {literal.signature for body, _ in self.rules for literal in body}
        return heads | bodies | {fact.signature for fact in self.facts}

    def problem(self, goal: int, known: set[Signature]) -> Problem:
        """The problem that a goal states. Raises BadProblem for one whose predicate is not among `known`."""
        line, question = self.goals[goal]
        name, arity = question.signature
        if question.signature not in known:
            others = sorted(f"{name}/{other}" for known_name, other in known if known_name == name)
            hint = f"; there is {' and '.join(others)}" if others else ""
            raise BadProblem(f"unknown predicate {name}/{arity}: no fact or rule has it{hint}")
        return Problem(f"{self.title}:{line}", self.facts, self.rules, question, self._given(line))

    def _given(self, line: int) -> str | None:
        """A label in the line of the goal, or in the line before unless that has a goal of its own."""
        before = line - 1 not in {at for at, _ in self.goals}
        return self.labels.get(line) or (self.labels.get(line - 1) if before else None)


def stated(title: str, text: str) -> list[tuple[str, Callable[[], Problem]]]:
    """For each goal of a text how errors name it, and what reads it.

    Raises BadProblem, naming the line, for a text that is no theory, and NoProlog.
    """
    theory = Theory(title)
    for item in _items(title, text):
        theory.take(item)
    if not theory.goals:
        raise BadProblem(f"{title} asks nothing: add a line `?- goal.`")
    known = theory.signatures()
    return [
        (f"{title}:{line}", partial(theory.problem, number, known))
        for number, (line, _) in enumerate(theory.goals)
    ]


def _items(title: str, text: str) -> list[list[Any]]:
    (reply,) = ask("clauses", [text.encode()])
    if reply is None:
        raise BadProblem(f"{title} cannot be read: SWI-Prolog hung or died on it twice")
    lines = reply.decode().removesuffix("\n").split("\n")
    if not lines or lines[-1] != '["end"]':
        raise BadProblem(f"{title} cannot be read: {' '.join(lines)[:200]}")
    return [json.loads(line) for line in lines[:-1]]


def _literal(where: str, literal: list[Any], variables: dict[str, int]) -> Literal:
    """A literal of the reply; `variables` are those of its clause so far, in order of occurrence."""
    if literal[0] == "bad":
        raise _bad(where, literal)
    sign, name, given = literal
    if len(given) > ARITY:
        raise BadProblem(
            f"{where}: {name} has {len(given)} arguments, the vocabulary has words for at most {ARITY}"
        )
    arguments: list[str | int] = []
    for argument in given:
        if argument[0] == "bad":
            raise _bad(where, argument)
        kind, value = argument
        arguments.append(value if kind == "name" else variables.setdefault(value, len(variables)))
    return Literal(sign == "+", name, tuple(arguments))


def _goal(where: str, literal: list[Any]) -> Literal:
    variables: dict[str, int] = {}
    goal = _literal(where, literal, variables)
    if variables:
        shown = dict(enumerate(variables))
        arguments = [shown[each] if isinstance(each, int) else each for each in goal.arguments]
        sign = "" if goal.positive else "-"
        text = f"{sign}{goal.predicate}({','.join(arguments)})"
        raise BadProblem(f"{where}: the goal {text} has a variable; ask a ground one")
    return goal


def _bad(where: str, found: list[str]) -> BadProblem:
    _, kind, text = found
    inner = text.removeprefix("neg(").removesuffix(")")
    return BadProblem(f"{where}: {text} {INSTEAD[kind].format(inner=inner)}")


def _label(where: str, label: str) -> str:
    if label not in ANSWERS[:-1]:
        raise BadProblem(f"{where}: the answer '{label}' is none of {', '.join(ANSWERS[:-1])}")
    return label
