"""The report of one run."""

from launch.reporting import clusters, details, facts, families, overview, record
from launch.reporting.document import Document
from launch.reporting.runs import Run


def report(run: Run) -> Document:
    """Returns the report; what the run has no data for is left out."""
    date = run.environment.get("date")
    sections = [
        overview.claims(run),
        overview.conditions(run),
        *(families.section(run, family) for family in run.summary["comparisons"]),
        families.confusions(run),
        details.speakers(run),
        details.curves(run),
        clusters.section(run),
        record.certificate(run),
        record.losses(run),
        record.repeat(run),
        record.how_to_read(run),
    ]
    return Document(
        title=f"Speech emotion recognition on {facts.corpus(run)}",
        subtitle=facts.protocol(run) + (f"; {date[:10]}" if date else ""),
        lead=overview.lead(run),
        sections=[section for section in sections if section],
    )
