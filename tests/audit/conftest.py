"""The hand-made run of the results' tests serves the audit as well."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "results"))
