"""The log of a search as words and back, compiled: depth, score and best move of each completed depth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators import words as columns
from generators.chess import alphabet, ragged
from generators.compiled import compiled, whole
from generators.splicing import parted
from generators.words import Codes, Offsets

Numbers = NDArray[np.int64]
Rows = tuple[Codes, Offsets]

STORED = alphabet.alphabet(alphabet.NOTATIONS[0])


class Places(NamedTuple):
    """Where the words of each kind begin (`generators.chess.alphabet`), and how many they are."""

    actions: int
    depths: int
    plus: int
    minus: int
    hundredths: int
    mates: int
    mated: int
    end: int


# Compiled code is cached by its own source alone, so places are handed in rather than frozen into it.
PLACES = Places(
    actions=alphabet.ACTIONS_AT,
    depths=alphabet.LOG_AT,
    plus=alphabet.PLUS_AT,
    minus=alphabet.MINUS_AT,
    hundredths=alphabet.HUNDREDTHS_AT,
    mates=alphabet.MATES_AT,
    mated=alphabet.MATED_AT,
    end=len(STORED),
)


class Entries(NamedTuple):
    """The entries with which the words of each row begin; those of row i are `offsets[i]:offsets[i + 1]`."""

    offsets: Offsets
    begins: Offsets
    """Where the words of each entry begin in the codes."""
    ends: Offsets
    depths: Numbers
    centipawns: Numbers
    mates: Numbers
    """0 where `centipawns` counts."""
    moves: Numbers
    """Actions."""


def words(labelled: pl.DataFrame) -> pl.Series:
    """The traces of searches whose `log_depths`, `log_centipawns`, `log_mates`, `log_moves` are lists.

    One entry a depth, but for those at the end that only repeat score and move: a mate once found is found
    again at every depth up to 245. A mate that is null or 0 leaves the centipawns to count.
    """
    entries = ragged.row_offsets(labelled["log_depths"])
    depths, centipawns, mates, moves = (ragged.flat(labelled[f"log_{name}"], np.int64) for name in _LISTS)
    out, offsets = np.empty(4 * entries[-1], np.uint16), np.zeros_like(entries)
    used = _write(entries, depths, centipawns, mates, moves, PLACES, out, offsets)
    return columns.words(out[:used], offsets, STORED, "trace")


_LISTS = ("depths", "centipawns", "mates", "moves")


def answers(best: pl.Series) -> pl.Series:
    """One word a row: the action in the stored alphabet."""
    codes = best.to_numpy().astype(np.uint16) + np.uint16(alphabet.ACTIONS_AT)
    return columns.words(codes, np.arange(len(best) + 1, dtype=np.int64), STORED, "answer")


def entries(codes: Codes, offsets: Offsets) -> Entries:
    """What the words say, row by row as far as they are entries of a log."""
    most = len(codes) // 3
    found = Entries(np.zeros_like(offsets), *(np.zeros(most, np.int64) for _ in range(6)))
    used = _read(codes, offsets, PLACES, found)
    return Entries(found.offsets, *(each[:used] for each in found[1:]))


def shuffled(log: Rows, rng: np.random.Generator) -> Rows:
    """Each row's entries in random order; what stands behind them stays there."""
    told = entries(*log)
    return _ordered(log, told, rng.random(len(told.depths)))


def by_depth(log: Rows) -> Rows:
    """Each row's entries by depth, those of one depth as they stand; what is behind them stays there."""
    told = entries(*log)
    return _ordered(log, told, told.depths)


def parts(responses: Rows) -> tuple[Rows, Rows]:
    """Log and answer of each response: the log ends with the last action right behind a score."""
    before = np.zeros(len(responses[1]) - 1, np.int64)
    _log_ends(*responses, PLACES, before)
    return parted(*responses, before)


def _ordered(log: Rows, told: Entries, keys: NDArray[np.generic]) -> Rows:
    row = np.repeat(np.arange(len(told.offsets) - 1), np.diff(told.offsets))
    out = log[0].copy()
    _arrange(*log, told, np.lexsort((keys, row)), out)
    return out, log[1]


@compiled
def _write(
    entries: Offsets,
    depths: Numbers,
    centipawns: Numbers,
    mates: Numbers,
    moves: Numbers,
    places: Places,
    out: Codes,
    offsets: Offsets,
) -> int:
    at = 0
    for row in range(len(entries) - 1):
        end = entries[row + 1]
        while end - 1 > entries[row] and _repeats(end - 1, centipawns, mates, moves):
            end -= 1
        for entry in range(entries[row], end):
            out[at] = places.depths + depths[entry] - 1
            mate, score = mates[entry], centipawns[entry]
            if mate != 0:
                out[at + 1] = places.mates + mate - 1 if mate > 0 else places.mated - mate - 1
                at += 2
            else:
                out[at + 1] = (places.plus if score >= 0 else places.minus) + abs(score) // 100
                out[at + 2] = places.hundredths + abs(score) % 100
                at += 3
            out[at] = places.actions + moves[entry]
            at += 1
        offsets[row + 1] = at
    return at


@compiled
def _repeats(entry: int, centipawns: Numbers, mates: Numbers, moves: Numbers) -> bool:
    """Whether an entry says the same as the one before."""
    before = entry - 1
    same: bool = centipawns[entry] == centipawns[before] and mates[entry] == mates[before]
    return same and moves[entry] == moves[before]


@compiled
def _read(codes: Codes, offsets: Offsets, places: Places, found: Entries) -> int:
    """Fills `found`; gives the number of entries."""
    entry = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while True:
            length = _entry(codes[at:end], places, entry, found)
            if length == 0:
                break
            found.begins[entry], found.ends[entry] = at, at + length
            at += length
            entry += 1
        found.offsets[row + 1] = entry
    return entry


@compiled
def _entry(words: Codes, places: Places, entry: int, found: Entries) -> int:
    """How many words make the entry with which they begin; 0 where they begin with none."""
    if len(words) < 3 or not places.depths <= words[0] < places.plus:
        return 0
    score = whole(words[1])
    centipawns, mate, length = 0, 0, 3
    if places.mates <= score < places.end:
        mate = score - places.mates + 1 if score < places.mated else places.mated - score - 1
    elif places.plus <= score < places.hundredths and len(words) > 3:
        hundredths = whole(words[2]) - places.hundredths
        if not 0 <= hundredths < 100:
            return 0
        centipawns = 100 * (score - places.plus) + hundredths
        if score >= places.minus:
            centipawns = -(100 * (score - places.minus) + hundredths)
        length = 4
    else:
        return 0
    move = whole(words[length - 1])
    if not places.actions <= move < places.depths:
        return 0
    found.depths[entry] = whole(words[0]) - places.depths + 1
    found.centipawns[entry], found.mates[entry] = centipawns, mate
    found.moves[entry] = move - places.actions
    return length


@compiled
def _log_ends(codes: Codes, offsets: Offsets, places: Places, before: Offsets) -> None:
    for row in range(len(before)):
        for at in range(offsets[row] + 1, offsets[row + 1]):
            behind_score = places.hundredths <= codes[at - 1] < places.end
            if behind_score and places.actions <= codes[at] < places.depths:
                before[row] = at + 1 - offsets[row]


@compiled
def _arrange(codes: Codes, offsets: Offsets, told: Entries, order: Numbers, out: Codes) -> None:
    for row in range(len(offsets) - 1):
        at = offsets[row]
        for entry in order[told.offsets[row] : told.offsets[row + 1]]:
            for word in codes[told.begins[entry] : told.ends[entry]]:
                out[at] = word
                at += 1
