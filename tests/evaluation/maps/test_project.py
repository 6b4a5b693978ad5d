from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from atisbo.evaluation.maps.neighbours import Floats, Ints, majority, nearest, unit
from atisbo.evaluation.maps.project import project


@pytest.fixture(scope="module")
def swarm() -> tuple[Floats, Ints]:
    """Five clusters of 60 in 32 dimensions, two of them close to each other."""
    random = np.random.default_rng(3)
    centres = random.normal(size=(5, 32)) * 2
    centres[4] = centres[3] + 0.6 * random.normal(size=32)
    labels = np.repeat(np.arange(5), 60)
    return np.asarray(centres[labels] + random.normal(size=(300, 32)) * 0.7, np.float32), labels


def test_the_nearest_are_those_of_scikit_learn(swarm: tuple[Floats, Ints]) -> None:
    vectors = unit(swarm[0])
    places, distances = nearest(vectors, 6)
    theirs, others = NearestNeighbors(n_neighbors=6, metric="cosine").fit(vectors).kneighbors()
    np.testing.assert_allclose(distances, theirs, atol=1e-5)
    assert (places == others).mean() > 0.99


def test_components_are_those_of_scikit_learn(swarm: tuple[Floats, Ints]) -> None:
    made = project(*swarm, epochs=1)
    theirs = PCA(3).fit(unit(swarm[0]))
    np.testing.assert_allclose(made.explained, theirs.explained_variance_ratio_, atol=1e-4)
    ours, reference = made.pca, theirs.transform(unit(swarm[0]))
    for axis in range(3):
        assert abs(np.corrcoef(ours[:, axis], reference[:, axis])[0, 1]) > 0.999


def test_umap_keeps_neighbours_better_than_components_do(swarm: tuple[Floats, Ints]) -> None:
    made = project(*swarm, epochs=150)
    vectors = unit(swarm[0])

    def kept(points: Floats) -> float:
        return float(trustworthiness(vectors, points, n_neighbors=10, metric="cosine"))

    assert kept(made.flat) > kept(made.pca[:, :2]) + 0.02
    assert kept(made.umap) > kept(made.pca)
    assert made.flat.shape == (300, 2)
    middle = [made.flat[swarm[1] == label].mean(0) for label in range(5)]
    apart = np.linalg.norm(np.array(middle)[:, None] - np.array(middle)[None], axis=2)
    assert apart[3, 4] < min(apart[3, other] for other in range(3)), "what is close stays close"


def test_most_of_the_neighbours_name_what_lies_around(swarm: tuple[Floats, Ints]) -> None:
    vectors, labels = swarm
    kin = project(vectors, labels, epochs=1).kin
    assert (kin[:180] == labels[:180]).all()
    assert majority(np.array([-1, -1]), np.array([[1], [0]])).tolist() == [-1, -1]
    assert majority(np.array([2, 0, 0, 2]), np.array([[1, 2], [2, 0], [0, 3], [0, 1]])).tolist() == [0, 0, 2, 0]


@pytest.mark.parametrize("count", [1, 2, 7, 9])
def test_a_few_pictures_and_equal_ones_have_a_map_too(count: int) -> None:
    same = project(np.ones((count, 4), np.float32), np.zeros(count, np.int64), epochs=3)
    two = project(np.eye(count, 2, dtype=np.float32), np.full(count, -1), epochs=3)
    for made in (same, two):
        assert made.pca.shape == made.umap.shape == (count, 3)
        assert np.isfinite(np.hstack([made.pca, made.umap, made.flat])).all()


def test_as_a_process_of_its_own(swarm: tuple[Floats, Ints]) -> None:
    sent = io.BytesIO()
    np.savez(sent, vectors=swarm[0][:40], labels=swarm[1][:40])
    ran = subprocess.run(
        [sys.executable, "-m", "atisbo.evaluation.maps"], input=sent.getvalue(), capture_output=True, check=True
    )
    made = np.load(io.BytesIO(ran.stdout))
    assert {name: made[name].shape for name in made.files} == {
        "pca": (40, 3),
        "explained": (3,),
        "umap": (40, 3),
        "flat": (40, 2),
        "kin": (40,),
    }
