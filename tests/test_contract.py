"""The contract of `generators/domain.py`, run over every domain: a new one is tested by an item in a list."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from tiny import Counting

from generators.chess import Chess
from generators.domain import BadProblem, Domain, Hung, domain_class
from generators.maze import Maze
from generators.prolog import Prolog
from pipeline.conformance import CHECKS, Inapplicable, Subject

DOMAINS: list[Domain] = [
    Maze(width=5, height=5),
    Maze(width=7, height=4, ties="searchformer"),
    Maze(width=4, height=6, ties="deepest"),
    Counting(),
    Prolog(depth_to=3),
    Prolog(mode="forward", depth_to=2, invented=0.5, families=("AttNoneg", "RelNoneg")),
    Prolog(vocabulary="prontoqa", families=("Chain",), answers=("true", "false"), depth_from=1),
    Chess(nodes=20, root_nodes=60, game_nodes=20),
    Chess(nodes=20, root_nodes=60, game_nodes=20, mode="multipv", wdl=True),
]


def item(domain: Domain) -> Any:
    """A parameter; domains with an engine carry its marker."""
    marks = pytest.mark.engine if isinstance(domain, Prolog | Chess) else ()
    knobs = {key: value for key, value in vars(domain).items() if value != getattr(type(domain), key)}
    return pytest.param(domain, marks=marks, id=f"{domain.name} {knobs}")


@pytest.fixture(scope="module", params=[item(domain) for domain in DOMAINS])
def subject(request: pytest.FixtureRequest) -> Subject:
    """Rows are drawn and solved once for all checks."""
    return Subject(request.param)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_domain_keeps_the_contract(check: Callable[[Subject], None], subject: Subject) -> None:
    try:
        check(subject)
    except Inapplicable as reason:
        pytest.skip(str(reason))


def test_domains_are_found_by_name_alone() -> None:
    assert domain_class("maze") is Maze
    assert domain_class("prolog") is Prolog
    assert domain_class("chess") is Chess
    with pytest.raises(BadProblem, match=r"there is no domain 'os\.system'"):
        domain_class("os.system")


def test_a_worker_can_tell_its_parent_what_hung() -> None:
    told = pickle.loads(pickle.dumps(Hung([3, 5], "no reply")))
    assert (told.rows, str(told)) == ((3, 5), "no reply")
