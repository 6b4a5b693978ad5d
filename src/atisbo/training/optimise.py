"""How weights move: the optimiser, its rate over time, the running average."""

from __future__ import annotations

import math

import torch
from torch import nn

from atisbo.training.sections import TrainRecipe


def make_optimiser(network: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """Encoder and the rest at their own rates; biases and norms are not decayed."""
    slow = recipe.encoder_learning_rate or recipe.learning_rate
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, value in network.named_parameters():
        if value.requires_grad:
            rate = slow if name.startswith("encoder.") else recipe.learning_rate
            groups.setdefault((rate, recipe.weight_decay if value.ndim > 1 else 0.0), []).append(value)
    params = [
        {"params": values, "lr": rate, "peak": rate, "weight_decay": decay} for (rate, decay), values in groups.items()
    ]
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(params, momentum=0.9, nesterov=True, foreach=True)
    if recipe.optimiser == "rmsprop":
        return torch.optim.RMSprop(params, alpha=0.9, foreach=True)
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(params, foreach=True)


def schedule(step: int, steps: int, recipe: TrainRecipe) -> float:
    """Share of the peak rate: linear warm-up, then half a cosine down to the floor."""
    warm = recipe.warmup * steps
    if step < warm:
        return (step + 1) / (warm + 1)
    done = (step - warm) / max(1.0, steps - warm)
    return recipe.floor + (1 - recipe.floor) * 0.5 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move weights and norm statistics of ``average`` towards ``network`` by 1 − decay."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    floats = [(a, b) for a, b in pairs if a.is_floating_point()]
    torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - decay)
