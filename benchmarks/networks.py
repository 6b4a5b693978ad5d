"""Application folders for the benchmark: the classic U-Net with random weights, beside what is shipped."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import torch

from atisbo.domain.applications import SHIPPED
from atisbo.domain.cards import Card, OutputSpec
from atisbo.training.export import export
from atisbo.training.networks import build
from atisbo.training.recipe import load_recipe


def polyp(folder: Path) -> None:
    shutil.copytree(SHIPPED / "polyp", folder)


def unet(folder: Path) -> None:
    """U-Net 32-64-128-256-512 at 256², the yardstick of the field."""
    recipe = load_recipe("unet")
    folder.mkdir(parents=True)
    torch.manual_seed(42)
    network = build(recipe).eval()
    export(network, recipe.input.size, folder / "model.onnx")
    card = Card(
        name="unet",
        task="segmentation",
        sha256=sha256((folder / "model.onnx").read_bytes()).hexdigest(),
        input=recipe.input,
        output=OutputSpec(labels=("object",), activation="sigmoid"),
        intended_use="Benchmark only; random weights.",
    )
    card.write(folder / "card.json")
    words = '{es = "Banco de pruebas", en = "Benchmark"}'
    (folder / "application.toml").write_text(
        f'[application]\nname = "unet"\ntask = "segmentation"\ntitle = {words}\nsummary = {words}\n'
        f"intended_use = {words}\n",
        encoding="utf-8",
    )
