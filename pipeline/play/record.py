"""A match on disk: a PGN file to which each finished game is added, and from which a match goes on."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import chess
import chess.pgn

from generators.chess.reading import pgn
from generators.domain import BadProblem
from pipeline.errors import Refusal
from pipeline.play.games import SHARES, Game

_HEADER = re.compile(r'^\[(\w+) "([^"]*)"\]$', re.MULTILINE)
_RESULT = re.compile(r'^\[Result "([^"]*)"\]$', re.MULTILINE)


@dataclass(frozen=True)
class Finished:
    """What counts of a finished game: `1-0`, `0-1` or `1/2-1/2`, and how it ended."""

    result: str
    ending: str


@dataclass(frozen=True)
class Record:
    """The games of a match in the order played; without a path they are not kept.

    `identity` has the headers that say which match it is: a file with others is of another match.
    """

    path: Path | None
    identity: Mapping[str, str]

    def finished(self) -> list[Finished]:
        """The games that a former run has finished; one that was cut in the middle of its writing is dropped.

        Raises Refusal for a file that is not a record of this match, is damaged, or cannot be written.
        """
        if self.path is None:
            return []
        self._require_writable(self.path)
        try:
            text = self.path.read_bytes().decode()
        except UnicodeDecodeError:
            raise self._foreign("it is no text") from None
        games, rest = _parted(text)
        if not self._begins(rest):
            raise self._foreign("it has more than games of this match")
        found = [self._read(number, game) for number, game in enumerate(games, 1)]
        os.truncate(self.path, sum(len(game.encode()) for game in games))
        return found

    def _require_writable(self, path: Path) -> None:
        """Find out before the first game, not behind it."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("ab").close()
        except OSError as cause:
            raise Refusal(f"{path} cannot be written ({cause.strerror}): name another --pgn") from None

    def _begins(self, text: str) -> bool:
        """Whether a game of this match may have been cut off here: nothing else must be lost."""
        first = f'[Event "{self.identity["Event"]}"]\n'
        headers = dict(_HEADER.findall(text))
        same = all(headers.get(name, value) == value for name, value in self.identity.items())
        return first.startswith(text) or (text.startswith(first) and same)

    def _read(self, number: int, text: str) -> Finished:
        game = next(iter(pgn.games(text.splitlines(keepends=True))))
        for name, value in {**self.identity, "Round": str(number)}.items():
            if (other := game.headers.get(name)) != value:
                stated = f"'{other}'" if other is not None else "none"
                raise self._foreign(f"game {number} has {name} {stated}, this match has '{value}'")
        try:
            plies = len(pgn.played(game).move_stack)
        except BadProblem as why:
            raise self._foreign(str(why)) from None
        if str(plies) != game.headers.get("PlyCount"):
            raise self._foreign(f"game {number} has {plies} plies, but its header PlyCount says otherwise")
        if (result := game.headers["Result"]) not in SHARES:
            raise self._foreign(f"game {number} has the result '{result}'")
        return Finished(result, game.headers.get("Ending", "?"))

    def _foreign(self, why: str) -> Refusal:
        return Refusal(f"{self.path} cannot be continued: {why}. Name another --pgn, or remove the file")

    def add(self, number: int, white: str, black: str, game: Game) -> Finished:
        """Append a finished game, so that it survives whatever comes next."""
        if self.path is not None:
            written = chess.pgn.Game.from_board(game.board)
            written.headers.clear()
            written.headers.update(self._headers(number, white, black, game))
            text = written.accept(chess.pgn.StringExporter(columns=80))
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(f"{text}\n\n")
                file.flush()
                os.fsync(file.fileno())
        return Finished(game.result, game.ending)

    def _headers(self, number: int, white: str, black: str, game: Game) -> dict[str, str]:
        """The seven of the PGN standard, then ours. No date: the same match has the same bytes."""
        start = game.board.root().fen()
        own = {} if start == chess.STARTING_FEN else {"SetUp": "1", "FEN": start}
        return {
            "Event": self.identity["Event"],
            "Site": "?",
            "Date": "????.??.??",
            "Round": str(number),
            "White": white,
            "Black": black,
            "Result": game.result,
            **own,
            "PlyCount": str(len(game.board.move_stack)),
            "Ending": game.ending,
            **self.identity,
        }


def _parted(text: str) -> tuple[list[str], str]:
    """The games that are there to their end, and what stands behind the last of them."""
    games = []
    while (game := _whole(text)) is not None:
        games.append(game)
        text = text[len(game) :]
    return games, text


def _whole(text: str) -> str | None:
    """The game at the start of the text; None where none begins there, or it has no end."""
    result = _RESULT.search(text)
    if result is None or not text.startswith("[Event "):
        return None
    end = re.compile(rf"\s{re.escape(result[1])}\n\n").search(text, result.end())
    return text[: end.end()] if end else None
