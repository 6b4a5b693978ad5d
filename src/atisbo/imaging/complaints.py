"""What image libraries print instead of returning: overheard, so that it neither spills nor is lost.

libjpeg fills what is missing with grey and tells nobody but standard error.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LOCK: Final = threading.Lock()
_LIBRARY: Final = re.compile(
    rb"\s*$|> |Apparently |\[ ?[A-Z]+:\d|Corrupt JPEG|Premature end|Inconsistent prog|Invalid (SOS|JPEG)|Unknown Adobe"
    rb"|Warning: unknown|JPEGLib|lib(png|jpeg|tiff|webp)|TIFF|OpenCV|error: \("
)
"""How a line begins that an image library wrote."""
_DAMAGE: Final = re.compile(rb"premature end|bad Huffman code|instead of RST|bad arithmetic code", re.IGNORECASE)


class Complaints:
    """What was said while the block ran."""

    def __init__(self) -> None:
        self.text = b""

    @property
    def damage(self) -> bool:
        """A decoder went on over missing or broken data."""
        return _DAMAGE.search(self.text) is not None


@contextmanager
def overheard() -> Iterator[Complaints]:
    """Catch what is written to file descriptor 2; what another thread wrote meanwhile is passed on.

    One block at a time in a process: the descriptor is everybody's.
    """
    complaints = Complaints()
    with _LOCK:
        try:
            real = os.dup(2)
        except OSError:  # no standard error at all: nothing to hear
            yield complaints
            return
        heard = os.memfd_create("complaints")
        os.dup2(heard, 2)
        try:
            yield complaints
        finally:
            os.dup2(real, 2)
            size = os.lseek(heard, 0, os.SEEK_END)
            if size:
                complaints.text = os.pread(heard, min(size, 65536), 0)
                if threading.active_count() > 1:
                    foreign = [line for line in complaints.text.splitlines(keepends=True) if not _LIBRARY.match(line)]
                    os.write(real, b"".join(foreign))
            os.close(heard)
            os.close(real)
