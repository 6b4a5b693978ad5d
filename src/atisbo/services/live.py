"""Where a process hears of changes, said when a transaction commits.

``CHANNEL``: ``owner prediction status``. ``VERSIONS``: the application whose versions changed.
"""

from atisbo.store.db import PATIENCE
from atisbo.store.predictions import CHANNEL
from atisbo.store.versions import CHANNEL as VERSIONS

__all__ = ["CHANNEL", "PATIENCE", "VERSIONS"]
