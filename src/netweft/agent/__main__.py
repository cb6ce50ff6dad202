"""``python -m netweft.agent``: the same as ``netweft agent``, on a host that has nothing else of Netweft."""

import sys

from netweft.extras import needs_extra

with needs_extra("netweft agent", "agent", "cryptography"):
    from netweft.agent.main import main

sys.exit(main())
