"""Games in PGN, one after the other: their headers and the moves of their main lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import chess

from generators.chess.board import rules
from generators.chess.reading.texts import DOS_END
from generators.domain import BadProblem, content_hash

STANDARD = frozenset({"", "standard", "normal", "chess", "from position"})
"""What a header `Variant` says of a game of chess."""
RESULTS = frozenset({"1-0", "0-1", "1/2-1/2", "½-½", "*"})

_HEADER = re.compile(r'\[\s*([A-Za-z0-9_+#=:-]+)\s+"(.*)"\s*\]\s*$')
_SIGN = re.compile(r"[{}()]|;[^\n]*")
_NUMBER = re.compile(r"\$\d+|(?<![A-Za-z0-9=/-])\d+\s*\.+")
_REMARK = re.compile(r"[^A-Za-z0-9]+|\d+|ep|N")


@dataclass
class Game:
    """A game as it stands in its file: `number` counts from 1, `line` is its first one's."""

    number: int
    line: int
    headers: dict[str, str] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    """The lines of its moves."""

    def tag(self, line: str) -> None:
        """Keep a header; what has not its form is passed over, as readers of PGN do."""
        header = _HEADER.match(line)
        if header:
            self.headers[header[1]] = header[2]

    @property
    def place(self) -> str:
        """How errors name the game."""
        players = [self.headers.get(side, "?").strip("? ")[:40] for side in ("White", "Black")]
        named = f", {players[0]} against {players[1]}" if all(players) else ""
        return f"game {self.number} (line {self.line}{named})"


def games(lines: Iterable[str]) -> Iterator[Game]:
    """The games of a file. One ends before a header, and before a move behind an empty line."""
    game: Game | None = None
    number, inside, gap = 0, False, False
    for at, line in enumerate((line.lstrip(DOS_END) for line in lines), start=1):
        blank = not line.strip()
        if not inside and (blank or line.startswith("%")):
            gap = gap or blank
            continue
        header = not inside and line.startswith("[")
        if game is None or (game.text and not inside and (header or gap)):
            if game is not None:
                yield game
            number += 1
            game = Game(number, at)
        gap = False
        if header:
            game.tag(line)
        else:
            game.text.append(line)
            inside = _inside(line, inside)
    if game is not None:
        yield game


def _inside(line: str, inside: bool) -> bool:
    """Whether a comment in braces is open behind the line."""
    if "{" not in line and "}" not in line:
        return inside
    for sign in re.findall(r"[{};]", line):
        if sign == ";" and not inside:
            return False
        if sign != ";":
            inside = sign == "{"
    return inside


def played(game: Game, longest: int | None = None) -> chess.Board:
    """The board at the end of the game (or after `longest` half-moves), with all its moves on the stack.

    Raises BadProblem: a variant, an impossible position, a move that is none, a text that is no game.
    """
    if not game.headers and not "".join(game.text).strip():
        raise BadProblem(f"{game.place} has neither a header nor a move")
    variant = game.headers.get("Variant", "").strip()
    if variant.lower() not in STANDARD:
        raise BadProblem(f"{game.place} is a game of {variant[:40]}; only standard chess is read")
    try:
        board = rules.position(game.headers.get("FEN", chess.STARTING_FEN))
    except BadProblem as cause:
        raise BadProblem(f"{game.place} begins in no position of chess: {cause}") from None
    try:
        return _played(board, words("".join(game.text)), longest)
    except BadProblem as cause:
        raise BadProblem(f"{game.place}: {cause}") from None


def _played(board: chess.Board, tokens: Iterable[str], longest: int | None) -> chess.Board:
    for ply, token in enumerate(tokens, start=1):
        if longest is not None and ply > longest:
            break
        try:
            move = board.parse_san(token)
        except chess.AmbiguousMoveError:
            raise BadProblem(f"ply {ply}, '{token[:20]}', can be played by more than one man") from None
        except ValueError:
            raise BadProblem(f"ply {ply}, '{token[:20]}', is no legal move in {board.fen()}") from None
        if not move:
            raise BadProblem(f"ply {ply}, '{token}', is no move but a pass")
        board.push(move)
    return board


def words(text: str) -> list[str]:
    """The moves of a main line in the order played, without numbers, comments, variations and marks.

    Raises BadProblem for a comment or a variation without an end.
    """
    found = []
    for token in _NUMBER.sub(" ", _main_line(text)).split():
        if token in RESULTS:
            break
        move = token.rstrip("!?+#").removesuffix("e.p.")
        if token == "--" or (move and not _REMARK.fullmatch(move)):
            found.append(move)
    return found


def _main_line(text: str) -> str:
    """The text outside of comments and variations, read once from left to right."""
    kept, depth, at = [], 0, 0
    while sign := _SIGN.search(text, at):
        kept.append("" if depth else text[at : sign.start()])
        at = sign.end()
        if sign[0] in "{}":
            at = text.find("}", at) + 1
            if not at or sign[0] == "}":
                raise BadProblem("a comment in braces has no end, or no beginning")
        elif sign[0] in "()":
            depth += 1 if sign[0] == "(" else -1
        if depth < 0:
            break
    if depth:
        raise BadProblem("a variation in parentheses has no end, or no beginning")
    return " ".join((*kept, text[at:]))


def key(board: chess.Board) -> str:
    """The key of the game on the board: the hash of its first position and all its moves."""
    moves = " ".join(move.uci() for move in board.move_stack)
    return content_hash(board.root().fen().encode(), moves.encode())
