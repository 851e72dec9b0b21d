from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOYS = ROOT / "tests" / "toys"
sys.path.insert(0, str(Path(__file__).parent))
