"""Logs as words and back, examples in every notation, and verdicts of moves and logs."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import chess
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.chess import alphabet
from generators.chess.alphabet import ACTIONS, LOG_WORDS, POSITION_WORDS
from generators.chess.board import rules
from generators.chess.notations import examples, logs, replay
from generators.domain import JUDGEMENT, BadProblem
from generators.words import codes, words

RESPONSES = ("deepening", "shuffled-deepening", "behavioral-cloning")
STORED = alphabet.alphabet("deepening")
TEXT = pl.List(pl.String)

Entry = tuple[int, int | None, int | None, int]
"""Depth, centipawns, mate, move."""

scores = st.one_of(
    st.tuples(st.integers(-32767, 32767), st.none()),
    st.tuples(st.none(), st.integers(-127, 127).filter(bool)),
)
entries = st.tuples(st.integers(1, 245), scores, st.integers(0, 1967)).map(
    lambda each: (each[0], *each[1], each[2])
)
searches = st.lists(st.lists(entries, max_size=6), min_size=1, max_size=6)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def columns(searched: Sequence[Sequence[Entry]]) -> pl.DataFrame:
    """Searches as the teacher hands them over."""
    kinds = {"depths": pl.UInt8(), "centipawns": pl.Int16(), "mates": pl.Int8(), "moves": pl.UInt16()}
    return pl.DataFrame(
        [
            pl.Series(f"log_{name}", [[entry[at] for entry in row] for row in searched], pl.List(kind))
            for at, (name, kind) in enumerate(kinds.items())
        ]
    )


def changing(row: Sequence[Entry]) -> list[Entry]:
    """Without the entries at the end that say the same as the one before, but for their depth."""
    last = max((at for at in range(1, len(row)) if row[at][1:] != row[at - 1][1:]), default=0)
    return [*row[: last + 1]]


def named(entry: Entry) -> list[str]:
    """The words of an entry as the README has them, written out plainly."""
    depth, centipawns, mate, move = entry
    if mate:
        told = [f"#{'+' if mate > 0 else '-'}{abs(mate)}"]
    else:
        assert centipawns is not None
        pawns, hundredths = divmod(abs(centipawns), 100)
        told = [f"{'-' if centipawns < 0 else '+'}{pawns}", f".{hundredths:02}"]
    return [f"d{depth}", *told, ACTIONS[move]]


def solved(rows: int = 60, seed: int = 0) -> pl.DataFrame:
    """Positions of random games with labels and logs that are drawn, in the columns of the README."""
    draw, boards, board = random.Random(seed), [], chess.Board()
    while len(boards) < rows:
        moves = [*board.legal_moves]
        if not moves or len(board.move_stack) > 150:
            board = chess.Board()
            continue
        if draw.random() < 0.2:
            boards.append(board.copy())
        board.push(draw.choice(moves))
    frame = rules.frame(boards, ["game"] * rows)
    labels, searched = [], []
    for moves in frame["moves"].to_list():
        # Few levels, so that there are ties.
        drawn = [draw.choice([1, 2, -1, -3] + 12 * [None]) for _ in moves]
        labels.append(([None if mate else 10 * draw.randint(-9, 9) for mate in drawn], drawn))
        deep = range(1, draw.randint(1, 12) + 1)
        searched.append([(depth, draw.randint(-900, 900), None, draw.choice(moves)) for depth in deep])
    best = pl.Series("best", [row[-1][3] for row in searched], pl.UInt16)
    return frame.with_columns(
        logs.words(columns(searched)),
        logs.answers(best),
        best,
        pl.Series("centipawns", [each[0] for each in labels], pl.List(pl.Int16)),
        pl.Series("mates", [each[1] for each in labels], pl.List(pl.Int8)),
        pl.Series("root_centipawns", [10] * (rows - 1) + [None], pl.Int16),
        pl.Series("root_mate", [None] * (rows - 1) + [-1], pl.Int8),
    )


ROWS = solved()


def judged(problems: pl.DataFrame, trace: Any, answer: Any, ended: bool = True) -> pl.DataFrame:
    responses = pl.DataFrame(
        {"trace": pl.Series(trace, dtype=TEXT), "answer": pl.Series(answer, dtype=TEXT)}
    ).with_columns(ended=ended)
    return replay.check(problems, responses)


@given(searches)
def test_logs_are_written_as_the_readme_has_them_and_read_back(searched: list[list[Entry]]) -> None:
    searched = [changing(row) for row in searched]
    told = logs.words(columns(searched))
    assert told.dtype == pl.List(pl.Enum(STORED))
    assert told.to_list() == [[word for entry in row for word in named(entry)] for row in searched]
    read = logs.entries(*codes(told, STORED))
    flat = [entry for row in searched for entry in row]
    assert np.diff(read.offsets).tolist() == [*map(len, searched)]
    assert read.depths.tolist() == [entry[0] for entry in flat]
    assert read.centipawns.tolist() == [entry[1] or 0 for entry in flat]
    assert read.mates.tolist() == [entry[2] or 0 for entry in flat]
    assert read.moves.tolist() == [entry[3] for entry in flat]


def test_what_all_later_depths_repeat_is_told_once() -> None:
    """A mate once found is found again at every depth up to the last one."""
    found = [(1, 20, None, 5), (2, None, 1, 7)]
    searched = [
        *([(1, 20, None, 5), *((depth, None, 1, 7) for depth in range(2, 246))], [(1, 20, None, 5)] * 3),
        *([(1, 20, None, 5), (2, 20, None, 5), (3, 21, None, 5)], []),
    ]
    told = logs.words(columns(searched))
    expected = [found, searched[1][:1], searched[2], []]
    assert told.to_list() == [[word for entry in row for word in named(entry)] for row in expected]


def grammatical(row: Sequence[str | None]) -> int:
    """How many words at the beginning are entries, told by a pattern."""
    at = 0
    while True:
        for length in (3, 4):
            part = row[at : at + length]
            kinds = [_kind(word) for word in part]
            if kinds in (["depth", "mate", "move"], ["depth", "pawns", "hundredths", "move"]):
                at += length
                break
        else:
            return at


def _kind(word: str | None) -> str:
    if word in ACTIONS:
        return "move"
    kinds = {"d": "depth", "+": "pawns", "-": "pawns", ".": "hundredths", "#": "mate"}
    return kinds[word[0]] if word in LOG_WORDS else "other"


stray = st.one_of(
    st.sampled_from(["d1", "d2", "+0", "-3", ".35", ".00", "#+1", "#-127", "e2e4", "a7a8q", "white", ".e4"]),
    st.sampled_from(["pad", "bos", "d0", "?"]),
)


@given(st.lists(st.lists(stray, max_size=14), min_size=1, max_size=4), st.sampled_from(RESPONSES))
def test_any_words_are_handed_on(responses: list[list[str]], notation: str) -> None:
    frame = pl.DataFrame({"response": pl.Series(responses, dtype=TEXT), "ended": True})
    restored = examples.restore(frame, notation)
    assert restored["ended"].all()
    known = set(alphabet.alphabet(notation))
    for row, trace, answer in zip(responses, restored["trace"], restored["answer"], strict=True):
        said = [word if word in known else None for word in row]
        if notation == "behavioral-cloning":
            assert trace is None
            assert answer.to_list() == said
            continue
        log = trace.to_list()
        assert answer.to_list() == said[len(log) :]
        ends = [at + 1 for at in range(1, len(said)) if _ends(said[at - 1], said[at])]
        assert len(log) == max(ends, default=0)
        if notation == "deepening":
            assert log == said[: len(log)]
        else:
            part = grammatical(said[: len(log)])
            assert sorted(log[:part]) == sorted(said[:part])
            assert log[part:] == said[part : len(log)]
    read = logs.entries(*codes(frame["response"], STORED))
    ends = [read.ends[end - 1] if end > first else 0 for first, end in _pairs(read.offsets)]
    starts = np.cumsum([0, *map(len, responses)])
    for row, end, start in zip(responses, ends, starts, strict=False):
        assert max(end - start, 0) == grammatical([word if word in STORED else None for word in row])
    one = rules.frame([chess.Board()] * len(responses), ["game"] * len(responses))
    found = replay.check(one, restored)
    assert set(found["verdict"].to_list()) <= {"malformed", "wrong", "valid"}
    assert (found["faithful_steps"] <= found["total_steps"]).all()


def _ends(before: str | None, word: str | None) -> bool:
    return _kind(before) in ("hundredths", "mate") and _kind(word) == "move"


def _pairs(offsets: np.ndarray) -> list[tuple[int, int]]:
    return [*zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]


@pytest.mark.parametrize("notation", RESPONSES)
@pytest.mark.parametrize("kind", [pl.Enum(STORED), pl.Categorical, pl.String])
def test_responses_of_all_types_come_back(notation: str, kind: pl.DataType) -> None:
    rows = ROWS.with_columns(
        pl.col("prompt", "trace", "answer").cast(TEXT).cast(pl.List(kind)),
    )
    written = examples.write(rows, notation, rng())
    assert written.schema == {
        "prompt": pl.List(pl.Enum(alphabet.alphabet(notation))),
        "response": pl.List(pl.Enum(alphabet.alphabet(notation))),
    }
    assert written["prompt"].cast(TEXT).equals(ROWS["prompt"].cast(TEXT))
    responses = written.select(pl.col("response").cast(TEXT).cast(pl.List(kind)), ended=pl.lit(True))
    restored = examples.restore(responses, notation)
    assert restored["answer"].equals(ROWS["answer"])
    assert restored["trace"].dtype == restored["answer"].dtype == pl.List(pl.Enum(STORED))
    if notation == "behavioral-cloning":
        assert restored["trace"].null_count() == len(ROWS)
        assert written["response"].cast(TEXT).equals(ROWS["answer"].cast(TEXT).alias("response"))
    else:
        assert restored["trace"].equals(ROWS["trace"])


def test_shuffled_entries_are_all_there_in_every_order() -> None:
    told = ["d1 +0 .10 e2e4", "d2 #-3 d2d4", "d3 -1 .05 e2e4"]
    trace = pl.Series("trace", [" ".join(told).split()] * 600, TEXT)
    rows = ROWS.head(1).select("prompt", "answer").select(pl.all().repeat_by(600).explode())
    written = examples.write(rows.with_columns(trace), "shuffled-deepening", rng())
    counts: dict[str, int] = {}
    for response in written["response"].cast(TEXT):
        said = " ".join(response)
        counts[said] = counts.get(said, 0) + 1
    assert len(counts) == 6
    assert min(counts.values()) > 60
    answer = rows["answer"].cast(TEXT)[0][0]
    for said in counts:
        assert said.split()[-1] == answer
        assert all(entry in said for entry in told)
    again = examples.write(rows.with_columns(trace), "shuffled-deepening", rng())
    assert again.equals(written)
    assert not examples.write(rows.with_columns(trace), "shuffled-deepening", rng(1)).equals(written)


@pytest.mark.parametrize("notation", alphabet.NOTATIONS)
def test_rows_without_solutions_give_prompts(notation: str) -> None:
    problems = ROWS.drop("trace", "answer", "best", "centipawns", "mates", "root_centipawns", "root_mate")
    written = examples.write(problems, notation, rng())
    assert "response" not in written.columns
    assert "values" not in written.columns
    recalled = examples.recalled(written["prompt"], notation)
    for name in ("problem_id", "fen", "moves", "pieces"):
        assert recalled[name].equals(ROWS[name])
    assert recalled["history"].list.len().sum() == 0


def test_a_null_trace_is_an_empty_log() -> None:
    written = examples.write(ROWS.with_columns(trace=pl.lit(None, ROWS["trace"].dtype)), "deepening", rng())
    assert written["response"].cast(TEXT).equals(ROWS["answer"].cast(TEXT).alias("response"))


@pytest.mark.parametrize("classes", [0, 1, 4])
def test_every_legal_move_is_a_candidate_with_its_value(classes: int) -> None:
    written = examples.write(ROWS, "action-value", rng(), classes)
    assert written["candidates"].dtype == pl.List(pl.List(pl.Enum(alphabet.alphabet("action-value"))))
    boards = [chess.Board(fen) for fen in ROWS["fen"]]
    for board, candidates in zip(boards, written["candidates"].to_list(), strict=True):
        assert all(len(candidate) == 1 for candidate in candidates)
        assert {candidate[0] for candidate in candidates} == {move.uci() for move in board.legal_moves}
    assert written["values"].dtype == pl.List(pl.Float32)
    for row in zip(ROWS["centipawns"], ROWS["mates"], written["values"], strict=True):
        for centipawns, mate, value in zip(*row, strict=True):
            assert value == pytest.approx(worth(centipawns, mate, classes), abs=1e-6)


def worth(centipawns: int | None, mate: int | None, classes: int) -> float:
    """The README's value; these labels mate in 1, 2 or 3."""
    if mate:
        beyond = max(classes - {1: 0, 2: 1, 3: 2}[abs(mate)], min(classes, 1))
        return 1 + beyond if mate > 0 else -beyond
    assert centipawns is not None
    return float(1 / (1 + np.exp(-0.00368208 * centipawns)))


def test_a_state_has_one_empty_candidate_with_the_value_of_its_search() -> None:
    written = examples.write(ROWS, "state-value", rng(), 4)
    assert written["candidates"].dtype == pl.List(pl.List(pl.Enum(alphabet.alphabet("state-value"))))
    assert written["candidates"].to_list() == [[[]]] * len(ROWS)
    values = [value for (value,) in written["values"].to_list()]
    assert values[:-1] == pytest.approx([worth(10, None, 4)] * (len(ROWS) - 1))
    assert values[-1] == -4


def test_prompts_of_no_position_are_named() -> None:
    prompt = ROWS["prompt"].head(2).cast(TEXT)
    with pytest.raises(BadProblem, match="it has 76 words"):
        examples.recalled(prompt.list.head(76), "deepening")
    rest = [word for word in POSITION_WORDS if word.startswith(("no-", "passant-.", "rank-."))]
    kings = pl.Series([["white", *["."] * 64, *rest]])
    clocks = [f"{clock}{unit}-0" for clock in ("half", "full") for unit in (100, 10, 1)]
    with pytest.raises(BadProblem, match="the board is empty"):
        examples.recalled(kings.list.concat(pl.Series([clocks])), "deepening")


def test_the_teachers_own_responses_are_optimal_and_exact() -> None:
    found = replay.check(ROWS, ROWS.select("trace", "answer", ended=pl.lit(True)))
    assert dict(found.schema) == dict(JUDGEMENT)
    assert found["verdict"].unique().to_list() == ["optimal"]
    assert found["level"].unique().to_list() == ["exact"]
    assert found["total_steps"].to_list() == [len(trace) // 4 for trace in ROWS["trace"]]
    assert found["faithful_steps"].equals(found["total_steps"], check_names=False)
    for name in ("first_departure", "departure_reason", "answer_reason", "answer_cost"):
        assert found[name].null_count() == len(ROWS)


@pytest.mark.parametrize("missing", [("trace",), ("trace", "best"), ("trace", "best", "centipawns", "mates")])
def test_without_what_the_teacher_wrote_no_log_is_exact(missing: tuple[str, ...]) -> None:
    found = replay.check(ROWS.drop(missing), ROWS.select("trace", "answer"))
    assert found["level"].unique().to_list() == ["sound"]
    if "centipawns" in missing:
        assert found["verdict"].unique().to_list() == ["valid"]
        assert "no labels" in found["answer_reason"][0]


def test_an_exact_log_needs_the_teachers_answer() -> None:
    answers = pl.Series([ACTIONS[row[-1]] for row in ROWS["moves"]])
    other = answers != ROWS["answer"].cast(TEXT).list.first()
    found = judged(ROWS, ROWS["trace"].cast(TEXT), answers.to_frame().select(pl.concat_list(pl.all()))[:, 0])
    assert found.filter(other)["level"].unique().to_list() == ["legal"]
    assert (found.filter(other)["first_departure"] == found.filter(other)["total_steps"]).all()
    assert found.filter(other)["departure_reason"].str.contains("the answer is not the log's last move").all()


def test_an_answer_that_departs_from_its_own_log_is_exact_where_the_teachers_does() -> None:
    """The teacher's move can be a later one than that of the last completed depth."""
    first = ROWS.head(1)
    move = next(each for each in first["moves"][0] if each != first["best"][0])
    best = pl.Series("best", [move], pl.UInt16)
    row = first.with_columns(best, logs.answers(best))
    found = replay.check(row, row.select("trace", "answer")).row(0, named=True)
    assert (found["level"], found["verdict"], found["first_departure"]) == ("exact", "optimal", None)


def test_verdicts_follow_the_labels() -> None:
    """Every legal move and some that are not, against a plain reading of the README."""
    for row in ROWS.head(12).iter_rows(named=True):
        problem = pl.DataFrame([row], schema=ROWS.schema)
        tried = [*row["moves"], *(move for move in range(0, 1968, 300) if move not in row["moves"])]
        problems = pl.concat([problem] * len(tried))
        answers = [[ACTIONS[move]] for move in tried]
        found = judged(problems, [None] * len(tried), answers)
        assert found["verdict"].to_list() == [expected(row, move) for move in tried]
        assert found["level"].null_count() == found["total_steps"].null_count() == len(tried)
        reasons = found.filter(pl.col("verdict").is_in(["valid", "wrong"]))["answer_reason"]
        assert reasons.str.contains("is worth|no legal move").all()
        assert (found["answer_reason"].is_null() == (found["verdict"] == "optimal")).all()


def expected(row: Mapping[str, Any], move: int) -> str:
    if move not in row["moves"]:
        return "wrong"
    keys = [
        (1 if mate > 0 else -1, 0) if mate else (0, centipawns)
        for centipawns, mate in zip(row["centipawns"], row["mates"], strict=True)
    ]
    highest = keys[row["moves"].index(move)] == max(keys)
    return "optimal" if highest or move == row["best"] else "valid"


def test_mates_of_one_side_are_worth_the_same() -> None:
    row = ROWS.head(1)
    moves = row["moves"][0].to_list()
    mates = [2, 1] + [-1] * (len(moves) - 2)
    row = row.with_columns(
        pl.Series("mates", [mates], pl.List(pl.Int8)),
        pl.Series("centipawns", [[None] * len(moves)], pl.List(pl.Int16)),
        pl.Series("best", [moves[0]], pl.UInt16),
    )
    found = judged(pl.concat([row] * 3), [None] * 3, [[ACTIONS[move]] for move in moves[:3]])
    assert found["verdict"].to_list() == ["optimal", "optimal", "valid"]
    assert (
        found["answer_reason"][2]
        == f"{ACTIONS[moves[2]]} is worth #-1 where {ACTIONS[moves[0]]} is worth #+2"
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "there is no answer"),
        (None, "there is no answer"),
        (["e2e4", "e2e4"], "the answer is not one move"),
        (["d1"], "the answer is not one move"),
        (["white"], "the answer is not one move"),
        (["pad"], "the answer is not one move"),
        ([None], "the answer is not one move"),
    ],
)
def test_what_is_not_one_move_is_malformed(answer: list[str | None] | None, reason: str) -> None:
    found = judged(ROWS.head(1), [None], [answer]).row(0, named=True)
    assert (found["verdict"], found["answer_reason"]) == ("malformed", reason)


def test_what_does_not_end_is_malformed() -> None:
    found = judged(ROWS, ROWS["trace"].cast(TEXT), ROWS["answer"].cast(TEXT), ended=False)
    assert found["verdict"].unique().to_list() == ["malformed"]
    assert found["answer_reason"].unique().to_list() == ["the response does not end"]


OTHER = "the answer is not the log's last move, d2d4"
DEPTH = "its depth is not above the one before"
LOGS = [
    ("d1 +0 .35 e2e4 d2 +0 .20 d2d4", "d2d4", "sound", 2, 2, None, None),
    ("d3 #+2 e2e4", "e2e4", "sound", 1, 1, None, None),
    ("d1 +0 .35 e2e4 d2 +0 .20 d2d4", "e2e4", "legal", 2, 2, 2, f"step 2: {OTHER}"),
    ("d1 +0 .35 e2e4", "", "legal", 1, 1, None, None),
    ("d1 +0 .35 e2e4 d1 +0 .20 d2d4", "d2d4", "none", 1, 2, 1, f"step 1: {DEPTH}"),
    ("d2 +0 .35 e2e4 d1 +0 .20 d2d4", "d2d4", "none", 1, 2, 1, f"step 1: {DEPTH}"),
    ("d1 +0 .35 e2e5 d2 +0 .20 d2d4", "d2d4", "none", 0, 2, 0, "step 0: e2e5 is no legal move"),
    ("d1 +0 .35 e2e4 d2 #-1 e7e5", "e7e5", "none", 1, 2, 1, "step 1: e7e5 is no legal move"),
    ("d1 +0 .35 e2e4 d2 +0", "e2e4", "none", 1, 2, 1, "step 1: `d2 +0` is no entry of a log"),
    ("d1 +0 .35 ?", "e2e4", "none", 0, 1, 0, "step 0: `d1 +0 .35 ?` is no entry of a log"),
    ("white " * 9, "e2e4", "none", 0, 1, 0, "step 0: `" + "white " * 8 + "...` is no entry of a log"),
    ("d1 +0 .35 e2e5 d2", "e2e4", "none", 0, 2, 0, "step 0: e2e5 is no legal move"),
    ("", "e2e4", "none", 0, 0, 0, "step 0: the log is empty"),
]  # fmt: skip


@pytest.mark.parametrize(("trace", "answer", "level", "faithful", "total", "departure", "reason"), LOGS)
def test_logs_are_held_against_the_rules(
    trace: str, answer: str, level: str, faithful: int, total: int, departure: int | None, reason: str | None
) -> None:
    problem = rules.frame([chess.Board()], ["start"])
    found = judged(problem, [trace.split()], [answer.split()]).row(0, named=True)
    told = (found["level"], found["faithful_steps"], found["total_steps"], found["first_departure"])
    assert told == (level, faithful, total, departure)
    assert found["departure_reason"] == reason


def test_a_log_whose_words_are_the_teachers_in_another_order_is_no_log() -> None:
    """What `shuffled-deepening` writes is judged as restored; unrestored, its depths do not rise."""
    log, answer = codes(ROWS["trace"], STORED), codes(ROWS["answer"], STORED)
    mixed = words(*logs.shuffled(log, rng(3)), STORED, "trace")
    found = replay.check(ROWS, ROWS.select("answer").with_columns(mixed))
    same = mixed.cast(TEXT) == ROWS["trace"].cast(TEXT)
    assert found.filter(same)["level"].unique().to_list() == ["exact"]
    assert found.filter(~same)["level"].unique().to_list() == ["none"]
    assert found["verdict"].unique().to_list() == ["optimal"]
    assert len(answer[0]) == len(ROWS)


def test_no_rows_are_judged_as_none() -> None:
    none = ROWS.head(0)
    found = replay.check(none, none.select("trace", "answer", ended=pl.lit(True)))
    assert found.schema == dict(JUDGEMENT)
    for notation in alphabet.NOTATIONS:
        assert examples.write(none, notation, rng()).is_empty()
    empty = pl.DataFrame({"response": pl.Series([], dtype=TEXT)})
    for notation in RESPONSES:
        assert examples.restore(empty, notation).is_empty()


def test_for_black_the_board_is_mirrored_with_its_moves() -> None:
    rng = np.random.default_rng(5)
    boards = [chess.Board("rnbqkb1r/ppp1pppp/5n2/8/2PpP3/8/PP1P1PPP/RNBQKBNR b Kkq e3 0 3")]
    board = chess.Board()
    while not board.is_game_over() and len(boards) < 80:
        board.push(list(board.legal_moves)[rng.integers(board.legal_moves.count())])
        boards.append(board.copy())
    boards = [each for each in boards if any(each.legal_moves)]
    rows = rules.frame(boards, ["game"] * len(boards))
    told = examples.write(rows, "mirrored-action-value", rng)
    seen = [each if each.turn else each.mirror() for each in boards]
    plain = examples.write(rules.frame(seen, ["game"] * len(seen)), "action-value", rng)
    for board, mine, other in zip(
        boards, told.iter_rows(named=True), plain.iter_rows(named=True), strict=True
    ):
        assert mine["prompt"][1:] == other["prompt"][1:]
        assert mine["prompt"][0] == ("white" if board.turn else "black")
        assert sorted(word for (word,) in mine["candidates"]) == sorted(
            word for (word,) in other["candidates"]
        )
    back = examples.recalled(told["prompt"], "mirrored-action-value")
    assert back["problem_id"].to_list() == rows["problem_id"].to_list()


@pytest.mark.parametrize(
    ("fen", "uci", "told"),
    [
        ("4k3/8/8/3p4/8/4N3/8/4K3 w - - 0 1", "e3d5", ["N", "e3", "p", "d5"]),
        ("4k3/8/8/3P4/8/4n3/8/4K3 b - - 0 1", "e3d5", ["N", "e6", "p", "d4"]),
        ("1n2k3/P7/8/8/8/8/8/4K3 w - - 0 1", "a7b8q", ["Q", "a7", "n", "b8"]),
        ("4k3/8/8/8/8/8/p7/4K3 b - - 0 1", "a2a1n", ["N", "a7", ".", "a8"]),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", "e5d6", ["P", "e5", ".", "d6"]),
        ("4k3/8/8/8/8/8/8/4K2R w K - 0 1", "e1g1", ["K", "e1", ".", "g1"]),
    ],
)
def test_moves_are_spelled_as_their_mover_sees_them(fen: str, uci: str, told: list[str]) -> None:
    board = chess.Board(fen)
    rows = rules.frame([board], ["game"])
    offered = examples.write(rows, "spelled-action-value", rng())["candidates"].to_list()[0]
    assert offered[rules.actions(board).index(ACTIONS.index(uci))] == told
    assert len({tuple(words) for words in offered}) == board.legal_moves.count()
