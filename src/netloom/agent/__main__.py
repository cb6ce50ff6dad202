"""``python -m netloom.agent``: the same as ``netloom agent``, on a host that has nothing else of Netloom."""

import sys

from netloom.agent.main import main

sys.exit(main())
