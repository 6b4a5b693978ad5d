"""The files that start the service elsewhere, each looked at by its own tool."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atisbo.cli import app
from atisbo.config import Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
KUBERNETES = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.stem != "kustomization")


def tool(name: str) -> str:
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=f"{beside}{os.pathsep}/usr/sbin{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"no {name} here")
    return found


def said(*command: str | Path, **environment: str) -> str:
    """What a tool prints; it has to be content."""
    ran = subprocess.run(
        [str(word) for word in command], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_containerfile() -> None:
    said(tool("hadolint"), DEPLOY / "Containerfile")


def test_all_yaml() -> None:
    rules = "{extends: relaxed, rules: {line-length: {max: 160}}}"
    said(tool("yamllint"), "--strict", "-d", rules, DEPLOY)


def test_the_compose_file() -> None:
    """Names of services and networks, conditions, gaps: as the tool that starts it reads them."""
    whole = said(
        tool("docker-compose"),
        "-f",
        DEPLOY / "compose.yaml",
        "config",
        DOMAIN="atisbo.example.org",
        POSTGRES_PASSWORD="x",
    )
    read = yaml.safe_load(whole)
    nginx = read["services"]["nginx"]["networks"]["inside"]["ipv4_address"]
    assert read["services"]["web"]["environment"]["FORWARDED_ALLOW_IPS"] == nginx, "else all visitors share one address"


def test_nginx(tmp_path: Path) -> None:
    nginx, openssl = tool("nginx"), tool("openssl")
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=atisbo", "-days", "2")
    said(openssl, *made, "-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem")
    text = (DEPLOY / "nginx/nginx.conf").read_text().replace("/etc/nginx/tls", str(tmp_path))
    largest = int(re.findall(r"client_max_body_size (\d+)m;", text)[0]) * 1024**2
    assert largest > max(Settings().max_batch_bytes, Settings().max_model_bytes)
    (tmp_path / "nginx.conf").write_text(text)
    said(nginx, "-t", "-q", "-c", tmp_path / "nginx.conf", "-p", tmp_path)


@pytest.mark.parametrize("file", KUBERNETES, ids=lambda path: path.stem)
def test_kubernetes(file: Path) -> None:
    said(tool("kubernetes-validate"), "--strict", "-k", "1.33", file)


def test_every_manifest_is_named() -> None:
    named = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())["resources"]
    assert sorted(named) == [path.name for path in KUBERNETES]


def test_systemd(tmp_path: Path) -> None:
    verify = tool("systemd-analyze")
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text().replace("/opt/atisbo/bin/atisbo", str(Path(sys.executable).parent / "atisbo"))
        (tmp_path / unit.name).write_text(text)
    said(verify, "verify", "--man=no", *sorted(tmp_path.glob("*.service")))


def test_only_settings_and_commands_that_exist_are_named() -> None:
    text = "\n".join(path.read_text() for path in DEPLOY.rglob("*") if path.is_file())
    named = {name.lower() for name in re.findall(r"ATISBO_([A-Z_]+)", text)}
    assert named <= set(Settings.model_fields)
    commands = set(re.findall(r"bin/atisbo (\w+)$", text, re.MULTILINE)) | set(
        re.findall(r"(?:command|args): \[(\w+)\]", text)
    )
    assert commands == {"serve", "web", "worker", "migrate"}
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert commands <= known
