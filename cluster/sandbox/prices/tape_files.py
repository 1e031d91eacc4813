"""Which files a tape has: three in its folder, or by day and asset as the recorder writes them."""

from pathlib import Path

from cluster.sandbox.prices.recorded import TAPE_FILES


def tape_files(folder: Path, name: str) -> list[Path]:
    """Return the files of one kind, oldest day first; none: it is not there.

    `folder` has the file itself, or one folder for each asset (a day), or days with assets.
    """
    alone = folder / name
    if alone.is_file():
        return [alone]
    return sorted(folder.glob(f"*/{name}")) + sorted(folder.glob(f"*/*/{name}"))


def is_own(folder: Path) -> bool:
    """Tell a folder that the recorder wrote from one with the three files in it."""
    return not any((folder / name).is_file() for name in TAPE_FILES)
