from __future__ import annotations

from tests.services.conftest import describe

__all__ = ["describe"]
