"""How many examples the properties of the core take: NETWEFT_EXAMPLES, or as many as the quick suites have time for."""

from __future__ import annotations

import os

from hypothesis import settings

from properties import examples

settings.register_profile("core", examples(int(os.environ.get("NETWEFT_EXAMPLES", "100"))))
settings.load_profile("core")
