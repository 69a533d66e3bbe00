"""The folder where results go: checked before the work."""

from pathlib import Path

from paper_experiments.common.errors import UserError, check_writable


def check(folder: Path, name: str, overwrite: bool) -> None:
    """Makes sure that no earlier results are lost.

    Args:
      folder: Of --output_dir.
      name: Of the file that is there if there are results.
      overwrite: Whether they may be lost.

    Raises:
      UserError: If they may not.
    """
    if (folder / name).exists() and not overwrite:
        raise UserError(
            f"--output_dir: {folder} has results already; choose another folder, or "
            "give --overwrite."
        )


def make(folder: Path) -> None:
    """Makes a folder, if need be, that can be written to.

    Raises:
      UserError: If it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--output_dir: {folder} cannot be made: {error}") from error
    check_writable(folder, f"--output_dir: {folder}")
