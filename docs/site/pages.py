"""Pages of the documentation that are written elsewhere: guides and cards, architecture, decisions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent.parent
APPLICATIONS = ROOT / "src/atisbo/applications"
DECISIONS = ROOT / "docs/decisions"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside the folder of the documentation."""
    for folder in sorted(path.parent for path in APPLICATIONS.glob("*/application.toml")):
        name = folder.name
        guide = (folder / "guide.en.md").read_text(encoding="utf-8")
        files.append(File.generated(config, f"guides/{name}/index.md", content=captioned(guide)))
        for picture in sorted((folder / "guide").glob("*")):
            address = f"guides/{name}/guide/{picture.name}"
            files.append(File.generated(config, address, abs_src_path=str(picture)))
        files.append(File.generated(config, f"cards/{name}.md", content=card(folder / "card.json")))
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    architecture = architecture.replace("(docs/decisions)", "(decisions.md)").replace("(docs/", "(")
    files.append(File.generated(config, "architecture.md", content=architecture))
    files.append(File.generated(config, "decisions.md", content=decisions()))
    return files


def captioned(guide: str) -> str:
    """Pictures with their captions below them: what the service shows as a figure."""
    return re.sub(r'^!\[([^\]]*)\]\((\S+) "([^"]*)"\)', r"![\1](\2)\n\n*\3*\n", guide, flags=re.MULTILINE)


def card(path: Path) -> str:
    """The card of a network as a page: every figure with its interval."""
    said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    version = f"{said['name']}-{said['sha256'][:12]}"
    lines = [f"# {said['name'].capitalize()}: the card of its network", "", f"`{version}`", ""]
    lines += ["## Intended use", "", said["intended_use"], "", "## Limits", "", said["limits"], ""]
    lines += ["## Measured quality", ""]
    for one in said["quality"]:
        lines += [f"### {one['name']}", "", f"{one['data']}. Checksum of the data `{one['data_sha256'][:16]}…`.", ""]
        lines += ["| figure | value | 95 % interval | images |", "|---|---|---|---|"]
        for name, figure in one["figures"].items():
            interval = f"{figure['low']:.4g} to {figure['high']:.4g}"
            lines.append(f"| {name} | {figure['value']:.4g} | {interval} | {figure['n']} |")
        lines.append("")
    lineage = said["lineage"]
    lines += ["## Where it comes from", "", f"Trained on {lineage['data']}; {said['licence']}", ""]
    lines += ["```", lineage["command"], "```", ""]
    return "\n".join(lines)


def decisions() -> str:
    """All records, one page."""
    parts = ["# Decisions", ""]
    for path in sorted(DECISIONS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        parts.append(re.sub(r"^# ", "## ", text, count=1))
    return "\n\n".join(parts)
