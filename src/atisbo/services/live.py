"""Where the web process hears of changes: ``owner prediction status``, said when a transaction commits."""

from atisbo.store.predictions import CHANNEL

__all__ = ["CHANNEL"]
