"""A match of a student against another player, from openings that both play with both colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import chess

from generators.chess.positions.openings import Opening
from pipeline.console import OUT, bar, say, table
from pipeline.errors import Refusal
from pipeline.play import openings
from pipeline.play.elo import elo
from pipeline.play.games import SHARES, Game, Mover, play
from pipeline.play.opponents import Chance, Died, Stockfish
from pipeline.play.player import Player, use_threads
from pipeline.play.record import Finished, Record
from pipeline.seeds import named_rng

EVENT = "distill match"


@dataclass(frozen=True)
class Match:
    """Who plays whom from which openings: together with the number of a game this decides the game."""

    student: Mover
    opponent: Mover
    book: Sequence[Opening]
    lines: Sequence[Opening]
    """Those of the book that are played, one for two games."""
    seed: int

    def identity(self) -> dict[str, str]:
        """The headers that all its games have in common."""
        return {
            "Event": EVENT,
            "Student": self.student.name,
            "Opponent": self.opponent.name,
            "Openings": openings.identity(self.book),
            "Seed": str(self.seed),
        }

    def movers(self, number: int) -> dict[chess.Color, Mover]:
        """Who has which colour in a game, counted from 1: the student has white in the odd ones."""
        pair = (self.student, self.opponent)
        white, black = pair if number % 2 else pair[::-1]
        return {chess.WHITE: white, chess.BLACK: black}

    def game(self, number: int) -> Game:
        """Play a game; if an engine dies in it, once more from its beginning. Raises Refusal.

        Two games one after the other have the same opening.
        """
        movers = self.movers(number)
        opening = self.lines[(number - 1) // 2]
        for _ in range(2):
            rngs = {side: named_rng(self.seed, "match", number, side) for side in movers}
            try:
                return play(openings.begun(opening), movers, rngs)
            except Died as fault:
                last = fault
        raise Refusal(
            f"game {number} was given up, because an engine died in it twice ({last});"
            " with --pgn the games before it are kept and the same command goes on behind them"
        )


def match(
    checkpoint: Path, against: str, nodes: int, games: int, source: str, pgn: Path | None, seed: int
) -> None:
    """Play the games that are still to be played and print what came out."""
    if games < 2 or games % 2:
        raise Refusal(f"--games must be even, as each opening is played with both colours, got {games}")
    use_threads(1)
    student = Player.of(checkpoint)
    book = openings.lines(source)
    chosen = openings.chosen(book, games // 2, seed)
    opponent = opponent_of(against, nodes)
    try:
        played = Match(student, opponent, book, chosen, seed)
        _show(played, results(played, games, pgn))
    finally:
        opponent.close()


def opponent_of(against: str, nodes: int) -> Mover:
    """Who `stockfish`, `random` or a checkpoint's folder is."""
    if against == "stockfish":
        if nodes < 1:
            raise Refusal(f"--nodes must be 1 or more, got {nodes}")
        return Stockfish(nodes)
    if against == "random":
        return Chance()
    if not Path(against).is_dir():
        raise Refusal(
            f"--against takes stockfish, random or the folder of a checkpoint; there is no {against}"
        )
    return Player.of(Path(against))


def results(match: Match, games: int, pgn: Path | None) -> list[Finished]:
    """The first `games` games: those that the record has, and the others as they are played."""
    record = Record(pgn, match.identity())
    finished = record.finished()[:games]
    if finished:
        say("match", f"{len(finished)} games are in {pgn}")
    with bar("match", games) as advance:
        advance(len(finished))
        for number in range(len(finished) + 1, games + 1):
            movers = match.movers(number)
            names = (movers[chess.WHITE].name, movers[chess.BLACK].name)
            finished.append(record.add(number, *names, match.game(number)))
            advance(1)
    return finished


def shares(finished: Sequence[Finished]) -> list[float]:
    """The student's points of each game; it has white in the first and then in every other one."""
    whites = [SHARES[game.result] for game in finished]
    return [1 - share if at % 2 else share for at, share in enumerate(whites)]


def _show(match: Match, finished: Sequence[Finished]) -> None:
    points = shares(finished)
    rows = [
        ("white", *_counts(points[::2])),
        ("black", *_counts(points[1::2])),
        ("both", *_counts(points)),
    ]
    OUT.print(f"student   {match.student.name}", f"opponent  {match.opponent.name}", sep="\n", soft_wrap=True)
    OUT.print(table("", ("student has", "games", "won", "drawn", "lost", "score %"), rows))
    ends = Counter(game.ending for game in finished).most_common()
    OUT.print("endings   " + ", ".join(f"{name} {count}" for name, count in ends), soft_wrap=True)
    pairs = [(a + b) / 2 for a, b in zip(points[::2], points[1::2], strict=True)]
    OUT.print(f"Elo       {elo(pairs)}; 95 % by profile likelihood over {len(pairs)} pairs of games")


def _counts(points: Sequence[float]) -> tuple[int, int, int, int, str]:
    won, drawn, lost = (points.count(share) for share in (1.0, 0.5, 0.0))
    return len(points), won, drawn, lost, f"{100 * sum(points) / len(points):.1f}"
