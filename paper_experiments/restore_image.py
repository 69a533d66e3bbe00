"""Where `restore_image.py` went: to the command `rim-restore`."""

import sys

if __name__ == "__main__":
    sys.exit(
        "error: restore_image.py is now the command rim-restore, beside Python in "
        ".venv/bin: rim-restore denoise photo.png restored.png. See rim-restore --help."
    )
