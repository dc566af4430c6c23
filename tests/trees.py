"""Folders of files that have names alone."""


def tree(folder, *names):
    """Makes empty files; returns their folder."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder
