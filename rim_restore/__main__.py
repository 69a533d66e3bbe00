"""`python -m rim_restore` is `rim-restore`."""

from rim_restore.command import main

if __name__ == "__main__":
    main()
