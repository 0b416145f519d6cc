"""`python -m calf_triage` is `calf-triage`."""

import sys

from calf_triage.cli import main

if __name__ == "__main__":
    sys.exit(main())
