"""From one run to its report."""

from launch.reporting import (
    clusters,
    details,
    facts,
    families,
    losses,
    overview,
    record,
)
from launch.reporting.blocks import Document, Gallery, Section
from launch.reporting.runs import Run


def report(run: Run) -> Document:
    """The report of one run. What the run has no data for is left out."""
    date = run.environment.get("date")
    compared = families.sections(run)
    sections = [
        overview.claims(run),
        overview.conditions(run),
        *compared,
        _confusions(run, compared),
        details.speakers(run),
        details.curves(run),
        clusters.section(run),
        record.certificate(run),
        losses.section(run),
        record.repeat(run),
        record.how_to_read(),
    ]
    return Document(
        title=f"Speech emotion recognition on {facts.corpus(run)}",
        subtitle=facts.protocol(run) + (f"; {date[:10]}" if date else ""),
        lead=overview.lead(run),
        sections=[section for section in sections if section],
    )


def _confusions(run: Run, compared: list[Section]) -> Section | None:
    """Those of the condition that the report leads with, unless they were shown."""
    pictures = families.confusions(run, [facts.proposed(run)])
    shown = {
        picture.title
        for section in compared
        for block in section.blocks
        if isinstance(block, Gallery)
        for picture in block.pictures
    }
    new = [picture for picture in pictures if picture.title not in shown]
    return Section("Confusions", [Gallery(new)]) if new else None
