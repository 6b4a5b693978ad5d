from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal, threading
from atisbo.domain.applications import SHIPPED
from atisbo.inference.registry import Registry

registry = Registry.open([SHIPPED])
registry.load()
left = [registry]
del registry

def drop():
    left.pop().close()

thread = threading.Thread(target=drop)
thread.start()
thread.join()
signal.signal(signal.SIGINT, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_signal_after_an_engine_is_gone_does_not_end_the_process() -> None:
    said = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "heard\n"), said.stderr
