"""Words per second from a column of words to ids and from a Parquet file to arrays; FENs to words."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from time import process_time

import chess
import polars as pl

from generators.chess.board import fens
from pipeline import schema
from pipeline.recipe import build
from pipeline.stages.encode import encoded, vocabulary_of
from pipeline.stages.generate import solved_shard


def compare() -> dict[str, float]:
    """Per CPU second, at 20x20: words to ids (target: 50 million), and the whole of `encode` for a file."""
    domain = {"name": "maze", "width": 20, "height": 20, "attempts_per_layout": 10}
    found: dict[str, float] = {}
    recipe = build({"name": "bench", "domain": domain, "generate": {"shard_rows": 5_000}})
    frame, _ = solved_shard(recipe, 0)
    vocabulary = vocabulary_of(recipe)
    vocabulary.ids(frame["trace"])
    words = int(frame["trace"].list.len().sum())
    before = process_time()
    for _ in range(5):
        vocabulary.ids(frame["trace"])
    found["words to ids: words per CPU second"] = 5 * words / (process_time() - before)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        columns = schema.traces(recipe.domain)
        schema.write(frame, path, columns, {})
        words = sum(int(frame[name].list.len().sum()) for name in ("prompt", "trace", "answer"))
        before = process_time()
        rows = schema.read(path, columns)
        found["Parquet to words: words per CPU second"] = words / (process_time() - before)
        for notation in recipe.domain.notations:
            chosen = build({"name": "bench", "domain": domain, "encode": {"notation": notation}})
            vocabulary = vocabulary_of(chosen)
            encoded(rows.head(10), chosen, vocabulary, "bench")
            before = process_time()
            encoded(rows, chosen, vocabulary, "bench")
            found[f"words to arrays in {notation}: words per CPU second"] = words / (process_time() - before)
    return found | positions()


def positions() -> dict[str, float]:
    """Boards per CPU second from FENs to the words of positions (target: 400,000), in batches of 5,000."""
    board, told = chess.Board(), list[str]()
    draw = Random(0)
    while len(told) < 5_000:
        told.append(board.fen())
        moves = [*board.legal_moves]
        if moves and len(board.move_stack) < 100:
            board.push(draw.choice(moves))
        else:
            board.reset()
    column = pl.Series(told)
    places = fens.tokens(column)
    before = process_time()
    for _ in range(50):
        places = fens.tokens(column)
    spent = process_time() - before
    before = process_time()
    for _ in range(20):
        back = fens.fens(places)
    if back != told:
        raise RuntimeError("the words do not come back as the FENs")
    return {
        "FEN to position words: boards per CPU second": 50 * len(told) / spent,
        "position words to FEN: boards per CPU second": 20 * len(told) / (process_time() - before),
    }


if __name__ == "__main__":
    for name, value in compare().items():
        print(f"{name:66} {value:16,.0f}")
