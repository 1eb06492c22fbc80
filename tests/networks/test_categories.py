import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import Categories


def test_labels_are_counted():
    categories = Categories(4)
    assert categories.frequencies.tolist() == [0.25] * 4
    categories.fit_labels(torch.tensor([0, 3, 3, 1]))
    assert categories.frequencies.tolist() == [0.25, 0.25, 0.0, 0.5]
    assert categories.centers.shape == (4, 0)


def test_clusters_are_found_the_largest_first_and_known_again():
    generator = torch.Generator().manual_seed(0)
    truth = torch.cat([torch.full((number,), kind) for kind, number in enumerate((20, 60, 40))])
    points = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])[truth] + torch.randn(120, 2, generator=generator)
    categories = Categories(3, 2)
    categories.fit_clusters(points)
    found = categories.assign(points)
    assert adjusted_rand_score(truth, found) > 0.9
    assert torch.equal(found.bincount() / 120, categories.frequencies)
    assert torch.equal(categories.frequencies.sort(descending=True).values, categories.frequencies)
    for cluster in range(3):
        torch.testing.assert_close(points[found == cluster].mean(0), categories.centers[cluster])
    copy = Categories(3, 2)
    copy.load_state_dict(categories.state_dict())
    assert torch.equal(copy.assign(points), found)


def test_clusters_of_too_few_different_vectors_are_refused():
    with pytest.raises(ArgumentError, match=r"`num_clusters` must be at most the number of .* 2, but is 3"):
        Categories(3, 1).fit_clusters(torch.tensor([[0.0], [1.0], [1.0], [0.0]]))
