"""FENs as the 77 words of a position and back, in batches, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from generators.chess import alphabet
from generators.chess.board import mirror
from generators.compiled import compiled
from generators.domain import BadProblem
from generators.words import Codes, Offsets, codes

Bytes = NDArray[np.uint8]

LONGEST = 96
"""Characters of a FEN at most: 71 of the board, then 5 shorter fields, a space before each."""


class Places(NamedTuple):
    """Where the words of each kind begin (`generators.chess.alphabet`)."""

    kinds: int
    men: int
    rights: int
    passant: int
    clocks: int
    end: int


# Compiled code is cached by its own source alone, so places are handed in rather than frozen into it.
_PLACES = Places(
    kinds=len(alphabet.MEN),
    men=alphabet.MEN_AT,
    rights=alphabet.RIGHTS_AT,
    passant=alphabet.PASSANT_AT,
    clocks=alphabet.CLOCKS_AT,
    end=len(alphabet.POSITION_WORDS),
)
_MEN = np.full(256, -1, np.int64)
_MEN[list(alphabet.MEN.encode())] = np.arange(len(alphabet.MEN))
_RIGHTS = np.full(256, -1, np.int64)
_RIGHTS[list(alphabet.RIGHTS.encode())] = np.arange(len(alphabet.RIGHTS))
_SIGNS = np.frombuffer((alphabet.MEN + alphabet.RIGHTS).encode(), np.uint8).copy()


def tokens(fens: pl.Series) -> Codes:
    """The words of FENs with six fields as places in every notation's alphabet, 77 a row, flat.

    The en-passant square is taken as it is written; legality is not looked at. Raises BadProblem for text
    that is no FEN.
    """
    texts = fens.cast(pl.String).to_arrow()
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    out = np.zeros(len(texts) * alphabet.LONG, np.uint16)
    wrong = -1 if texts.null_count else _parse(data, offsets, _MEN, _RIGHTS, _PLACES, out)
    if texts.null_count or wrong >= 0:
        row = int(fens.is_null().arg_max() or 0) if texts.null_count else wrong
        raise BadProblem(f"row {row} is no FEN with six fields: '{fens[row]}'")
    return out


def fens(codes: Codes) -> list[str]:
    """The FENs of positions in words, 77 a row, flat: the inverse of `tokens`.

    Raises BadProblem where a word is not what its place asks for.
    """
    rows = len(codes) // alphabet.LONG
    out, offsets = np.zeros(rows * LONGEST, np.uint8), np.zeros(rows + 1, np.int64)
    wrong = _write(np.ascontiguousarray(codes), _SIGNS, _PLACES, out, offsets)
    if wrong >= 0:
        row, place = divmod(wrong, alphabet.LONG)
        said = alphabet.alphabet(alphabet.NOTATIONS[0])
        code = int(codes[wrong])
        word = said[code] if code < len(said) else "a foreign word"
        raise BadProblem(f"prompt {row} states no position: '{word}' cannot stand at place {place}")
    texts = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(out))
    return list(texts.to_pylist())


def stated(prompts: pl.Series, notation: str) -> list[str]:
    """The FENs that prompts of words state. Raises BadProblem for a prompt that states no position."""
    flat, offsets = codes(prompts, alphabet.alphabet(notation))
    lengths = np.diff(offsets)
    for row in np.flatnonzero(lengths != alphabet.LONG)[:1]:
        raise BadProblem(f"prompt {row} states no position: it has {lengths[row]} words, not {alphabet.LONG}")
    return fens(mirror.positions(flat) if notation in alphabet.MIRRORED else flat)


@compiled
def _parse(
    data: Bytes,
    offsets: Offsets,
    men: NDArray[np.int64],
    rights: NDArray[np.int64],
    places: Places,
    out: Codes,
) -> int:
    """Fills `out`; gives the first row that is no FEN, or -1."""
    for row in range(len(offsets) - 1):
        if not _position(
            data[offsets[row] : offsets[row + 1]], men, rights, places, out[77 * row : 77 * row + 77]
        ):
            return row
    return -1


@compiled
def _position(
    text: Bytes, men: NDArray[np.int64], rights: NDArray[np.int64], places: Places, out: Codes
) -> bool:
    at = _board(text, men, places, out)
    if at < 0 or at + 9 > len(text) or (text[at + 1] != ord("w") and text[at + 1] != ord("b")):
        return False
    out[0] = 0 if text[at + 1] == ord("w") else 1
    at += 3
    for right in range(4):
        out[65 + right] = places.rights + 2 * right + 1
    while at < len(text) and text[at] != ord(" "):
        if rights[text[at]] >= 0:
            out[65 + rights[text[at]]] = places.rights + 2 * rights[text[at]]
        at += 1
    at = _passant(text, at + 1, places, out)
    at = _clock(text, at, places.clocks, out[71:74])
    at = _clock(text, at, places.clocks + 30, out[74:77])
    return at == len(text) + 1


@compiled
def _board(text: Bytes, men: NDArray[np.int64], places: Places, out: Codes) -> int:
    """Where the first field ends; -1 where it is no board."""
    square, at = 0, 0
    while at < len(text) and text[at] != ord(" "):
        sign = text[at]
        run = sign - ord("0") if ord("1") <= sign <= ord("8") else 1
        man = 0 if ord("1") <= sign <= ord("8") else men[sign]
        at += 1
        if sign == ord("/"):
            continue
        if man < 0 or square + run > 64:
            return -1
        for _ in range(run):
            out[1 + square] = places.men + man
            square += 1
    return at if square == 64 else -1


@compiled
def _passant(text: Bytes, at: int, places: Places, out: Codes) -> int:
    """Words of the en-passant square; gives where the next field begins."""
    out[69], out[70] = places.passant + 8, places.passant + 9 + 2
    if at + 1 < len(text) and text[at] != ord("-"):
        out[69] = places.passant + min(max(text[at] - ord("a"), 0), 7)
        out[70] = places.passant + 9 + (0 if text[at + 1] == ord("3") else 1)
        at += 1
    return at + 2


@compiled
def _clock(text: Bytes, at: int, word: int, out: Codes) -> int:
    """Words of a number; gives where the next field begins; far behind the text where there is none."""
    number, begin = 0, at
    while at < len(text) and ord("0") <= text[at] <= ord("9"):
        number = min(10 * number + text[at] - ord("0"), 999)
        at += 1
    out[0] = word + number // 100
    out[1] = word + 10 + number // 10 % 10
    out[2] = word + 20 + number % 10
    return at + 1 if at > begin else len(text) + 2


@compiled
def _write(codes: Codes, signs: Bytes, places: Places, out: Bytes, offsets: Offsets) -> int:
    """Fills `out` and `offsets`; gives the place of the first word that cannot stand where it does, or -1."""
    at = 0
    for row in range(len(offsets) - 1):
        words = codes[77 * row : 77 * row + 77]
        wrong = _misplaced(words, places)
        if wrong >= 0:
            return 77 * row + wrong
        at = _write_board(words, signs, places, out, at)
        at = _write_state(words, signs, places, out, at)
        for clock in range(2):
            at = _write_number(words[71 + 3 * clock : 74 + 3 * clock], places.clocks + 30 * clock, out, at)
        at -= 1
        offsets[row + 1] = at
    return -1


@compiled
def _misplaced(words: Codes, places: Places) -> int:
    """The first word that is not of its place's kind, or -1."""
    for at in range(77):
        if at == 0:
            least, kinds = 0, 2
        elif at < 65:
            least, kinds = places.men, places.kinds
        elif at < 69:
            least, kinds = places.rights + 2 * (at - 65), 2
        elif at < 71:
            least, kinds = places.passant + 9 * (at - 69), 9 if at == 69 else 3
        else:
            least, kinds = places.clocks + 10 * (at - 71), 10
        if not least <= words[at] < least + kinds:
            return at
    # A file and a rank, or neither.
    return 70 if (words[69] == places.passant + 8) != (words[70] == places.passant + 11) else -1


@compiled
def _write_board(words: Codes, signs: Bytes, places: Places, out: Bytes, at: int) -> int:
    for rank in range(8):
        empty = 0
        for file in range(8):
            man = words[1 + 8 * rank + file] - places.men
            if man == 0:
                empty += 1
                continue
            if empty:
                out[at] = ord("0") + empty
                at += 1
                empty = 0
            out[at] = signs[man]
            at += 1
        if empty:
            out[at] = ord("0") + empty
            at += 1
        out[at] = ord("/") if rank < 7 else ord(" ")
        at += 1
    return at


@compiled
def _write_state(words: Codes, signs: Bytes, places: Places, out: Bytes, at: int) -> int:
    """The fields of the side, of castling and of the en-passant square, a space behind each."""
    out[at] = ord("w") if words[0] == 0 else ord("b")
    out[at + 1] = ord(" ")
    at += 2
    begin = at
    for right in range(4):
        if words[65 + right] == places.rights + 2 * right:
            out[at] = signs[places.kinds + right]
            at += 1
    if at == begin:
        out[at] = ord("-")
        at += 1
    out[at] = ord(" ")
    at += 1
    if words[69] == places.passant + 8:
        out[at] = ord("-")
        at += 1
    else:
        out[at] = ord("a") + words[69] - places.passant
        out[at + 1] = ord("3") if words[70] == places.passant + 9 else ord("6")
        at += 2
    out[at] = ord(" ")
    return at + 1


@compiled
def _write_number(words: Codes, first: int, out: Bytes, at: int) -> int:
    """A number without leading zeros, and a space behind it."""
    begun = False
    for unit in range(3):
        digit = words[unit] - first - 10 * unit
        begun = begun or digit > 0 or unit == 2
        if begun:
            out[at] = ord("0") + digit
            at += 1
    out[at] = ord(" ")
    return at + 1
