"""The Universal Chess Interface: a student that any chess program can play with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock

import chess

from generators.domain import BadProblem
from pipeline.play import commands, options
from pipeline.play.player import Player, Rated, use_threads
from pipeline.seeds import named_rng

AUTHOR = "search-trace-distillation"


class Engine:
    """Answers a chess program's lines; searches run beside the reading, one at a time.

    `write` is handed whole lines, from both threads. `fault` is told of an error in a search: without it
    the chess program would wait for ever.
    """

    def __init__(
        self,
        player: Player,
        settings: options.Settings,
        write: Callable[[str], None],
        fault: Callable[[BaseException], None],
    ) -> None:
        self._player, self._settings, self._write, self._fault = player, settings, write, fault
        self._board = chess.Board()
        self._games = 0
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(1, "search")
        self._warm: Future[None] | None = None
        self._search: Search | None = None
        self._running: Future[None] | None = None
        self._commands: dict[str, Callable[[Sequence[str]], None]] = {
            "uci": self._uci,
            "isready": self._isready,
            "ucinewgame": self._ucinewgame,
            "setoption": self._setoption,
            "position": self._position,
            "go": self._go,
            "stop": self._stop,
            "ponderhit": self._ponderhit,
            "debug": self._ignore,
            "register": self._ignore,
        }

    def serve(self, lines: Iterable[str]) -> None:
        """Obey lines up to `quit` or their end; a search under way still gives its move.

        Raises what a search raised.
        """
        try:
            for line in lines:
                words = self._known(line.split())
                if words[:1] == ["quit"]:
                    break
                if words:
                    self._commands[words[0]](words[1:])
        finally:
            self._stop(())
            self._worker.shutdown()
        if self._running is not None:
            self._running.result()

    def _known(self, words: list[str]) -> list[str]:
        """The words from the first command on: UCI asks to pass over what stands before it."""
        at = next(
            (at for at, word in enumerate(words) if word == "quit" or word in self._commands), len(words)
        )
        return words[at:]

    def _say(self, line: str) -> None:
        with self._lock:
            self._write(line)

    def _uci(self, _: Sequence[str]) -> None:
        self._say(f"id name distill chess {self._player.notation}")
        self._say(f"id author {AUTHOR}")
        for line in options.declarations(self._settings):
            self._say(line)
        self._say("uciok")

    def _isready(self, _: Sequence[str]) -> None:
        """Answer at once, but for the first time when the weights are there."""
        self._load().result()
        self._say("readyok")

    def _load(self) -> Future[None]:
        """Load the weights once, in the thread that searches; not before a chess program means to play."""
        if self._warm is None:
            self._warm = self._worker.submit(self._loaded, self._settings.threads)
        return self._warm

    def _loaded(self, threads: int) -> None:
        use_threads(threads)
        self._player.warm_up()

    def _ucinewgame(self, _: Sequence[str]) -> None:
        self._load()
        self._games += 1

    def _setoption(self, words: Sequence[str]) -> None:
        try:
            self._settings = options.changed(self._settings, words)
        except options.BadOption as why:
            self._say(f"info string {why}")

    def _position(self, words: Sequence[str]) -> None:
        try:
            self._board = commands.position(words)
        except BadProblem as why:
            self._say(f"info string {why}; the position is unchanged")

    def _go(self, words: Sequence[str]) -> None:
        self._stop(())
        self._load()
        search = Search(self._player, self._board.copy(), commands.go(words), self._settings, self._games)
        self._search = search
        self._running = self._worker.submit(search.run, self._say)
        self._running.add_done_callback(self._done)

    def _done(self, search: Future[None]) -> None:
        if (error := search.exception()) is not None:
            self._fault(error)

    def _stop(self, _: Sequence[str]) -> None:
        if self._search is not None:
            self._search.release.set()

    def _ponderhit(self, _: Sequence[str]) -> None:
        if self._search is not None and not self._search.asked.infinite:
            self._search.release.set()

    def _ignore(self, _: Sequence[str]) -> None:
        pass


class Search:
    """One `go`: its answer waits for `release` where the chess program wants that."""

    def __init__(
        self, player: Player, board: chess.Board, asked: commands.Go, settings: options.Settings, games: int
    ) -> None:
        self.asked = asked
        self.release = Event()
        self._player, self._board, self._settings, self._games = player, board, settings, games
        if not (asked.infinite or asked.ponder):
            self.release.set()

    def run(self, say: Callable[[str], None]) -> None:
        """Print what the student thinks, and its move once it may be told."""
        move = self._moved(say) if any(self._board.legal_moves) else self._over(say)
        self.release.wait()
        say(f"bestmove {move}")

    def _over(self, say: Callable[[str], None]) -> str:
        say(f"info depth 0 score {'mate' if self._board.is_check() else 'cp'} 0")
        return "(none)"

    def _moved(self, say: Callable[[str], None]) -> str:
        use_threads(self._settings.threads)
        started = time.perf_counter()
        rated = self._player.rated(self._board)
        seconds = time.perf_counter() - started
        allowed = self._allowed(rated, say)
        speed = (
            f"nodes {len(rated)} nps {round(len(rated) / max(seconds, 1e-6))} time {round(1000 * seconds)}"
        )
        for place, each in enumerate(allowed[: self._settings.lines], 1):
            score = self._player.scale.uci(each.score)
            say(" ".join(f"info depth 1 seldepth 1 multipv {place} {score} {speed} pv {each.move}".split()))
        return str(self._chosen(allowed).move)

    def _allowed(self, rated: list[Rated], say: Callable[[str], None]) -> list[Rated]:
        """What `searchmoves` leaves; all moves where it names no legal one."""
        only = set(self.asked.only)
        allowed = [each for each in rated if each.move.uci() in only]
        if only and not allowed:
            say("info string searchmoves names no legal move, so all are searched")
        return allowed or rated

    def _chosen(self, allowed: list[Rated]) -> Rated:
        opening = self._board.fullmove_number <= self._settings.opening_moves
        rng = named_rng(self._settings.seed, "uci", self._games, self._board.ply())
        return self._player.drawn(allowed, self._settings.temperature if opening else 0.0, rng)
