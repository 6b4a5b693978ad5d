"""What is small in a pretrained network or outnumbered in a classifier can be made to count."""

from __future__ import annotations

from pathlib import Path

import torch

from atisbo.training import networks
from atisbo.training.encoders import ResNet50v2
from atisbo.training.export import check, export
from tests.training.shapes import tiny_classes


def test_the_deepest_features_grow_by_the_gain() -> None:
    encoder, picture = ResNet50v2().eval(), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        *before, deep = encoder(picture)
        encoder.enlarge_deepest(12.0)
        *after, enlarged = encoder(picture)
    torch.testing.assert_close(enlarged, 12 * deep)
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))


def test_only_the_measures_are_multiplied() -> None:
    recipe = tiny_classes(structures={"measure_gain": 8.0})
    classifier = networks.build(recipe).classifier
    assert isinstance(classifier, networks.Classifier)
    assert classifier.gain is not None
    channels = (len(classifier.gain) - 2 * 3) // 3
    assert classifier.gain.tolist() == [1.0] * channels + [8.0] * 6 + [1.0] * 2 * channels


def test_without_outlines_there_is_nothing_to_multiply() -> None:
    classifier = networks.build(tiny_classes(structures=None)).classifier
    assert isinstance(classifier, networks.Classifier)
    assert classifier.gain is None


def test_standardising_is_what_a_batch_norm_does_and_can_be_exported(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    ours, theirs = networks.Standard(5, affine=False), torch.nn.BatchNorm1d(5, affine=False)
    picture = torch.randn(8, 5, generator=random) * 3 + 1
    torch.testing.assert_close(ours(picture), theirs(picture))
    torch.testing.assert_close(ours.eval()(picture), theirs.eval()(picture))
    network = networks.build(tiny_classes(network={"standardise": True})).eval()
    export(network, (32, 32), tmp_path / "model.onnx")
    check(network, tmp_path / "model.onnx", [torch.randn(2, 3, 32, 32, generator=random).numpy()])
