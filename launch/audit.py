"""Checks an experiment for what would make its result look better than it is.

    python -m launch.audit --corpus=iemocap --data_dir=IEMOCAP_full_release

Takes the flags of launch.main and trains nothing: speakers, sessions and sentences that
test and training share, equal recordings, emotions that hang on a speaker, counts that
differ from published ones, and whether rows, scaler and class prior of each training
depend on a test speaker. Exit status 1 if something is an error.
"""

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

from launch.command_line import cli, flags
from launch.command_line.flags import Settings
from launch.experiment import loading, terminal


def main(settings: Settings) -> None:
    """Prints a line for each check."""
    # Late, for they import jax: spawned workers need none, nor do wrong flags.
    from launch.experiment import auditing, designing

    if settings.hold_out == "none":
        raise cli.UsageError("--hold_out=none tests nothing: there is no audit of it")
    loaded = loading.load(settings, alive=lambda: None)
    for note in loaded.chosen.notes:
        terminal.say(f"note: {note}")
    design = designing.design(settings, designing.datasets(loaded))
    certificate = auditing.findings(settings, design, loaded.chosen.utterances)
    for finding in certificate:
        print(f"{finding.level:8} {finding.check:24} {finding.text}")
    auditing.require(certificate)


if __name__ == "__main__":
    cli.start(main, flags.define, flags.read, __doc__)
