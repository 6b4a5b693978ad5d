"""The closed room: a child process that opens one file somebody brought, does one job with it, and ends.

Started by :mod:`atisbo.adopt.warden` with a clean environment. Its walls stand before the file is touched.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from atisbo.adopt.refusal import Refused, out_of_memory
from atisbo.imaging import walls

ENVIRONMENT: Final = frozenset(
    ("HOME", "KERAS_BACKEND", "KERAS_HOME", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "TMPDIR")
)
"""All that may be in the child's environment."""


def main(told: dict[str, Any]) -> None:
    """Do ``told["job"]`` inside walls and say how it went, in JSON, through a pipe.

    Args:
        told: ``pipe`` (descriptor), ``scratch`` (folder), ``reads`` (paths), ``memory_bytes``, ``cpu_s``,
            ``file_bytes``, ``job`` (``module:function``) and ``arguments`` (of it, after the scratch folder).
    """
    walls.end_with_parent()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory runs out, it is this process that goes
    scratch = Path(told["scratch"])
    os.chdir(scratch)
    said = _said(told, scratch)
    with os.fdopen(told["pipe"], "w", encoding="utf-8") as pipe:
        json.dump(said, pipe)
        pipe.flush()
    os._exit(0)  # libraries have nothing left to tidy up here


def _said(told: dict[str, Any], scratch: Path) -> dict[str, Any]:
    try:
        _confine(told, scratch)
        check(scratch)
        module, function = told["job"].split(":")
        job: Callable[..., dict[str, Any]] = getattr(importlib.import_module(module), function)
        return {"values": job(scratch, **told["arguments"])}
    except walls.NoWalls as error:
        return {"no_walls": str(error)}
    except Refused as error:
        return {"refused": str(error)}
    except ModuleNotFoundError as error:
        return {"missing": error.name}
    except Exception as error:
        if out_of_memory(error):
            return {"refused": "it needs more memory than an import may use"}
        return {"crash": f"{type(error).__name__}: {error}"[:2000]}


def _confine(told: dict[str, Any], scratch: Path) -> None:
    walls.limit(
        {
            resource.RLIMIT_AS: told["memory_bytes"],
            resource.RLIMIT_CPU: told["cpu_s"],
            resource.RLIMIT_FSIZE: told["file_bytes"],
            resource.RLIMIT_NOFILE: 256,
            resource.RLIMIT_CORE: 0,
        }
    )
    walls.enclose([Path(path) for path in told["reads"]], scratch)


def check(scratch: Path) -> None:
    """Try the walls from inside.

    Raises:
        NoWalls: one of them does not hold.
    """
    attempts: dict[str, Callable[[], Any]] = {
        "reading outside": lambda: list(Path("/").iterdir()),
        "writing outside": (scratch.parent / "outside").mkdir,
        "a network socket": socket.socket,
        "a local socket": lambda: socket.socket(socket.AF_UNIX),
        "another program": lambda: os.execv("/proc/self/exe", ["nothing"]),  # noqa: S606
        "another process": lambda: os.getpid() if os.fork() else os._exit(0),
        "another's signals": lambda: os.kill(os.getppid(), 0),
    }
    for what, attempt in attempts.items():
        with contextlib.suppress(PermissionError):
            attempt()
            raise walls.NoWalls(f"the walls do not hold: {what} was possible")
    if strangers := set(os.environ) - ENVIRONMENT:
        raise walls.NoWalls(f"the environment is not empty: {', '.join(sorted(strangers))}")
