"""From a finished artifact back to its seeds: what it is and what made it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from generators.domain import Domain
from pipeline import schema
from pipeline.artifact import MANIFEST, Artifact
from pipeline.errors import Damaged, Refusal
from pipeline.files import Json
from pipeline.recipe import domain_from
from pipeline.store import present, store_of


def finished(folder: Path) -> Artifact:
    """A finished artifact whose files have their sizes and are of a schema that is known.

    Raises Unfinished, Damaged, or Refusal for what is no artifact.
    """
    if folder.name == MANIFEST:
        folder = folder.parent
    if not folder.is_dir():
        raise Refusal(f"there is no folder {folder}; artifacts stand as artifacts/STAGE/DOMAIN-FINGERPRINT")
    artifact = Artifact(folder)
    manifest = artifact.manifest
    if not isinstance(manifest.get("files"), dict) or "stage" not in manifest:
        raise Refusal(f"{folder} is no artifact of a stage: its manifest names neither stage nor files")
    if not artifact.finished():
        raise Damaged(
            f"{folder / artifact.broken()[0]} is missing or was changed after it was made:"
            f" delete {artifact.manifest_path} and run the stage again"
        )
    for name in artifact.names("*.parquet"):
        schema.require_known(folder / name)
    return artifact


def ancestors(artifact: Artifact) -> dict[str, Artifact]:
    """The artifacts that this one was made from, and itself, by stage, the first stage first.

    Inputs are looked for where the manifest says, then beside the artifact; what has gone is left out.
    """
    found: dict[str, Artifact] = {}

    def walk(each: Artifact) -> None:
        for source in each.manifest.get("inputs", ()):
            folder = _present(each.folder, source)
            if folder is not None:
                walk(Artifact(folder))
        found.setdefault(each.manifest["stage"], each)

    walk(artifact)
    return found


def inputs(artifact: Artifact) -> list[Artifact | None]:
    """What an artifact was made from, one by one, None for what has gone."""
    places = (_present(artifact.folder, source) for source in artifact.manifest.get("inputs", ()))
    return [Artifact(place) if place is not None else None for place in places]


def domain_of(artifact: Artifact) -> Domain:
    """The domain of an artifact, with its knobs; raises Refusal where the manifest names none."""
    fields = artifact.manifest.get("domain")
    if not isinstance(fields, dict):
        raise Refusal(f"{artifact.folder} names no domain in its manifest")
    return domain_from(fields)


def _present(folder: Path, source: Json) -> Path | None:
    """Where an input stands now: as its manifest says, or in the same tree of artifacts."""
    named = Path(source["folder"])
    beside = folder.parent.parent / source["stage"] / named.name
    store = store_of(beside)
    if store is not None and not (beside / MANIFEST).is_file():
        with suppress(Refusal):
            present(store.place(beside))
    # The tree that holds the artifact comes first: relative paths depend on where the program is started.
    return next((each for each in (beside, named) if (each / MANIFEST).is_file()), None)
