"""Checks an experiment for what would make its results look better than they are.

    python -m launch.audit --corpus=iemocap --data_dir=IEMOCAP_full_release

Takes the flags of launch.main and trains nothing. Looks for speakers, sessions and
sentences shared by test and training sets, identical recordings, emotions that depend
on the speaker, counts that differ from published ones, and rows, scalers and class
priors of training that depend on a test speaker. Exit status 1 if anything is an error.
"""

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

from launch.command_line import cli
from launch.command_line.flags import Settings


def main(settings: Settings) -> None:
    """Prints a line for each check."""
    # Late because they import jax, which workers and wrong flags do not need.
    from launch.command_line import backend
    from launch.experiment import designing, loading

    backend.settle()
    if settings.hold_out == "none":
        raise cli.UsageError("--hold_out=none tests nothing: nothing to audit")
    loaded = loading.load(settings, crew=None)
    design = designing.design(settings, loaded.datasets)
    findings = designing.audit(settings, design, loaded.utterances, loaded.notes)
    for finding in findings:
        print(f"{finding.level:8} {finding.check:24} {finding.text}")
    designing.require(findings)


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
