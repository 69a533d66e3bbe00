"""`python -m paper_experiments.rim_restore` is `rim-restore`."""

from paper_experiments.rim_restore.command import main

if __name__ == "__main__":
    main()
