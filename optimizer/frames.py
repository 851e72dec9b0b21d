"""How the data frames of a process keep text: as plain strings, not as Arrow's.

Tables here are many and small, and are joined hundreds of times: writing and auditing a toy's plan takes 2.7 s with
plain strings and 3.8 s with Arrow's, the audit of the flagship's twenty plans 39 s and 57 s. Values and files are the
same. Imported for that effect by what makes frames.
"""

from __future__ import annotations

import pandas as pd

pd.set_option("mode.string_storage", "python")
