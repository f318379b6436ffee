"""`python -m reflow`."""

from reflow.cli import main

if __name__ == "__main__":
    main()
