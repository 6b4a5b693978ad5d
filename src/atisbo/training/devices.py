"""Where a run computes: the CPU, one GPU, or one of several processes that ``torchrun`` started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from atisbo.errors import Misconfigured
from atisbo.training.networks import Network, Outputs

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """The device of this process and its number among all of them."""

    device: torch.device
    rank: int = 0
    ranks: int = 1

    @property
    def first(self) -> bool:
        """Whether this process validates, saves and speaks."""
        return self.rank == 0

    @property
    def threads(self) -> int:
        """How many batches are worth making at once."""
        return 1 if self.device.type == "cpu" else max(1, min(8, (os.cpu_count() or 1) // self.ranks))

    def spread(self, network: Network) -> nn.Module:
        """The network as it is trained here: gradients are averaged over all processes."""
        if self.ranks == 1:
            return network
        if self.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return DistributedDataParallel(network, device_ids=[self.device.index] if self.device.type == "cuda" else None)

    def any(self, flag: bool) -> bool:
        """Whether it holds in any process; all of them have to ask."""
        return bool(self.total(torch.tensor([float(flag)]))[0])

    def total(self, values: Tensor) -> Tensor:
        """Sums over the processes, float64 on the CPU."""
        if self.ranks == 1:
            return values.double()
        shared = values.to(self.device, torch.float64)
        distributed.all_reduce(shared)
        return shared.cpu()

    def told(self, value: T) -> T:
        """The value of the first process, in every one."""
        if self.ranks == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, device=self.device)
        return box[0]


@contextmanager
def place(choice: str = "auto") -> Iterator[Place]:
    """The place of this process; under ``torchrun`` the processes meet here and part at the end.

    Args:
        choice: auto (a GPU where there is one), cpu or cuda.

    Raises:
        Misconfigured: it is none of these, or a GPU was asked for and there is none.
    """
    if choice not in ("auto", "cpu", "cuda"):
        raise Misconfigured("device_unknown", "--device is auto, cpu or cuda, not {choice}.", choice=choice)
    ranks, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    local = int(os.environ.get("LOCAL_RANK", 0))
    there = torch.cuda.is_available()
    if choice == "cuda" and not there:
        raise Misconfigured("no_gpu", "There is no GPU that torch can use here. Say --device cpu.")
    device = torch.device("cuda", local) if there and choice != "cpu" else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if ranks == 1:
        yield Place(device)
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Place(device, rank, ranks)
    finally:
        distributed.destroy_process_group()


def forward(network: nn.Module, pixels: Tensor, device: torch.device, *, bfloat16: bool) -> Outputs:
    """Answers in float32 of a batch (n, 3, h, w), computed on the device."""
    with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        found = network(pixels.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last))
    return {name: value.float() for name, value in found.items()}
