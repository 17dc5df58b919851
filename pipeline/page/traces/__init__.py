"""The part of a page in which traces are played: a list of responses, and two of them step by step."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.answering import ROLLOUTS
from pipeline.artifact import Artifact
from pipeline.page.traces.datasets import of_data
from pipeline.page.traces.evaluations import of_evaluation
from pipeline.page.traces.listing import Listing
from pipeline.page.traces.packing import Packed, embedded, index, pack

FOLDER = Path(__file__).parents[1]
SCRIPTS = ("kit.js", "data.js", "words.js", "list.js", "panel.js", "stage.js")
"""In their order; the views of the domains come behind the first, `player.js` last."""
BUDGET = 4_000_000
"""Characters of all steps of a page: with figures and the list it stays below 6 MB."""


@dataclass(frozen=True)
class Part:
    """What a page takes up: markup with its data and scripts, style, and the hashes of its scripts."""

    html: Markup
    style: Markup
    policy: str
    """The sources of the inline scripts for a Content-Security-Policy."""


def section(artifacts: Sequence[tuple[str, Artifact]], rollouts: int, playable: int) -> Part:
    """The traces of finished artifacts under the names that readers see: evaluations and data sets.

    Up to `rollouts` rows are listed, of which `playable` can be played if they fit; each artifact has an
    equal part of both. Empty where nothing can be listed.
    """
    shared = max(len(artifacts), 1)
    listings = [
        _listing(name, artifact, -(-rollouts // shared), -(-playable // shared))
        for name, artifact in artifacts
    ]
    listings = [each for each in listings if len(each.rows)]
    if not listings:
        return Part(Markup(), Markup(), "")
    packed = list(_packed(listings))
    scripts = list(_scripts(listings))
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("traces.html.j2").render(
        index=index(list(zip(listings, packed, strict=True)), BUDGET),
        blocks=[embedded(block) for each in packed for block in each.blocks],
        scripts=[Markup(text) for text in scripts],
        about=[_about(listing, made) for listing, made in zip(listings, packed, strict=True)],
    )
    styles = [(FOLDER / "player" / "player.css").read_text("utf-8"), *_styles(listings)]
    hashes = dict.fromkeys(_source(text) for text in scripts)
    return Part(Markup(html), Markup("\n".join(styles)), " ".join(hashes))


def _listing(name: str, artifact: Artifact, rows: int, playable: int) -> Listing:
    made = of_evaluation if ROLLOUTS in artifact.manifest["files"] else of_data
    return made(name, artifact, rows, playable)


def _packed(listings: Sequence[Listing]) -> Iterator[Packed]:
    """The blocks of each artifact; what one leaves of its part of the budget goes to the next."""
    room = BUDGET
    for left, listing in zip(range(len(listings), 0, -1), listings, strict=True):
        made = pack(listing, room // left)
        room -= made.size
        yield made


def _about(listing: Listing, packed: Packed) -> str:
    """What the list has of an artifact."""
    count, played = len(listing.rows), len(packed.places)
    noun = "responses" if listing.kind == "evaluation" else "rows"
    if listing.note:
        return f"{listing.name}: {count:,} {noun}. {listing.note}"
    cut = f" More would make the page larger than {BUDGET // 10**6} MB." if played < packed.asked else ""
    return f"{listing.name}: {count:,} {noun} are listed, {played:,} of them with steps to play.{cut}"


def _scripts(listings: Sequence[Listing]) -> Iterator[str]:
    """Every script, in the order in which they run; line ends as a browser reads them."""
    folder = FOLDER / "player"
    players = {each.domain.name: each.domain.player() for each in listings}
    views = [each.script for each in players.values() if each is not None]
    first, *others = [(folder / name).read_text("utf-8") for name in SCRIPTS]
    for text in (first, *views, *others, (folder / "player.js").read_text("utf-8")):
        yield text.replace("\r\n", "\n").replace("\r", "\n")


def _styles(listings: Sequence[Listing]) -> list[str]:
    players = {each.domain.name: each.domain.player() for each in listings}
    return [each.style for each in players.values() if each is not None]


def _source(script: str) -> str:
    """How a policy names a script: by the hash of its text."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
