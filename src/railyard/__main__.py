"""`python -m railyard VERB …`, the same as `railyard VERB …`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        sys.path.pop(0)  # the working directory, which `python -m` puts first: only admitted classes come from there
    from railyard.cli import main

    sys.exit(main())
