"""Everything on one page: figures, tables and traces of a finished recipe in one self-contained file."""

from __future__ import annotations

from dataclasses import asdict

from pipeline.console import OUT, table
from pipeline.files import Json, write_text
from pipeline.recipe import Recipe
from pipeline.stage import Job, Need, Stage
from pipeline.stages import evaluate

PAGE = "report.html"


def settings(recipe: Recipe) -> Json:
    """The branch, and the words that stand on the page."""
    variants = {name: each.name for name, each in recipe.expanded().items()}
    return {**asdict(recipe.report), "name": recipe.name, "about": recipe.about, "variants": variants}


def run(job: Job) -> Json:
    """Write the page; the manifest keeps the short tables that the terminal shows."""
    from pipeline.page.document import render
    from pipeline.page.sections import evaluations, subject
    from pipeline.page.tables import briefs
    from pipeline.provenance import provenance

    recipe, parts = job.recipe, job.recipe.expanded().items()
    subjects = [
        subject(name, made.artifact, each.about) for (name, each), made in zip(parts, job.inputs, strict=True)
    ]
    page = render(recipe.name, recipe.about, subjects, job.artifact.folder, provenance(), recipe.report)
    job.artifact.publish(PAGE, lambda path: write_text(path, page))
    return {
        "tables": briefs(evaluations(subjects)),
        "summary": f"{len(page.encode()) / 1e3:,.0f} kB in {PAGE}",
    }


def show(job: Job) -> None:
    """Print the short table and the path of a finished report."""
    for made in job.artifact.manifest["tables"]:
        OUT.print(table(made["title"], made["columns"], made["rows"]))
    OUT.print(str((job.artifact.folder / PAGE).absolute()), soft_wrap=True, markup=False)


REPORT = Stage(
    name="report",
    joint=True,
    version=3,
    about="figures, tables and playable traces on one self-contained HTML page",
    needs=lambda recipe: tuple(Need(evaluate.EVALUATE, each) for each in recipe.expanded().values()),
    settings=settings,
    run=run,
)
