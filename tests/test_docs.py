"""What is promised in the documents is there, and what is there is documented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from atisbo.config import Settings

ROOT = Path(__file__).parent.parent


def test_every_setting_says_what_it_is() -> None:
    source = (ROOT / "src/atisbo/config.py").read_text()
    described = set(re.findall(r"^    (\w+): .*\n    \"\"\"", source, re.MULTILINE))
    plain = {"host", "port", "session_days", "access_token_minutes", "refresh_token_days", "decoder_processes"}
    plain |= {"max_upload_bytes", "max_image_side", "decode_timeout_s", "decoder_memory_bytes", "log_level"}
    plain |= {"database_pool_size", "registration"}
    assert set(Settings.model_fields) - described <= plain


def test_the_readme_names_only_settings_that_exist() -> None:
    named = {name.lower() for name in re.findall(r"ATISBO_([A-Z_]+)", (ROOT / "README.md").read_text())}
    assert named <= set(Settings.model_fields)


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md"])
def test_files_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(r"\]\(([\w./-]+)\)", text) + re.findall(r"`((?:src|docs|tests|benchmarks)/[\w./-]+)`", text)
    assert named
    for name in named:
        if not name.startswith("/"):
            assert (ROOT / name).exists(), name


def test_the_running_service_needs_neither_torch_nor_a_test_tool() -> None:
    """What ``make run`` installs is what web and worker import."""
    script = (
        "import sys, atisbo.web.main, atisbo.worker.main, atisbo.cli.main, atisbo.cli.supervisor;"
        "print(' '.join(m for m in ('torch', 'monai', 'PIL', 'onnx', 'onnxruntime', 'matplotlib', 'sklearn', 'pytest')"
        " if m in sys.modules))"
    )
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""


def test_the_web_process_loads_neither_engine_nor_decoder() -> None:
    script = "import sys, atisbo.web.main; print(' '.join(m for m in ('openvino', 'cv2', 'numpy') if m in sys.modules))"
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""
