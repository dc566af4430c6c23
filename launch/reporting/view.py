"""From one run to its report."""

from launch.reporting import clusters, details, facts, families, overview, record
from launch.reporting.blocks import Document, Gallery, Section
from launch.reporting.runs import Run


def report(run: Run) -> Document:
    """The report of one run. What the run has no data for is left out."""
    date = run.environment.get("date")
    sections = [
        overview.claims(run),
        overview.conditions(run),
        *families.sections(run),
        _confusion(run),
        details.speakers(run),
        details.curves(run),
        clusters.section(run),
        record.certificate(run),
        record.losses(run),
        record.repeat(run),
        record.how_to_read(),
    ]
    return Document(
        title=f"Speech emotion recognition on {facts.corpus(run)}",
        subtitle=facts.protocol(run) + (f"; {date}" if date else ""),
        lead=overview.lead(run),
        sections=[section for section in sections if section],
    )


def _confusion(run: Run) -> Section:
    return Section(
        "Confusions", [Gallery(families.confusions(run, [facts.proposed(run)]))]
    )
