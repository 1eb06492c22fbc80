"""What all three models share beside training and sampling: the scores of evaluate, and what runs cost."""

import functools
import json

import numpy as np
import pytest
import torch
from small import KINDS, hybrid, images, style, table, trained
from torchmetrics.functional.image import peak_signal_noise_ratio

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError
from qiskit_qgen.execution import RuntimeExecution
from qiskit_qgen.metrics import IdentityFeatureExtractor
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.optionals import HAS_EFFICIENTNET_LITE
from qiskit_qgen.training import SampleDiscrepancy, Scores

DISTANCES = ("frechet_distance", "kernel_distance", "jensen_shannon_divergence", "jensen_shannon_divergence_pixel")
SUPPORT = ("precision", "recall", "density", "coverage")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@functools.cache
def fitted(kind):
    """A model that no test changes, trained on the images of seed 0."""
    return trained(KINDS[kind](), images(30))


def test_all_scores_come_with_floors_intervals_and_sizes(kind):
    data, held_out = images(30), images(24, seed=1)
    scores = fitted(kind).evaluate(
        held_out, num_samples=20, reference=images(20, seed=2), train=data, extractor="pixel"
    )
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    groups = [scores, scores["floor_real"]]
    assert (scores["floor_reconstruction"] is not None) == (kind == "style")
    if kind == "style":
        groups.append(scores["floor_reconstruction"])
    for group in groups:
        assert set(DISTANCES) | set(SUPPORT) <= set(group)
        for name in ("kernel_distance", *SUPPORT):
            low, high = group[f"{name}_interval"]
            assert low <= high
        assert all(group[f"{name}_interval"][0] <= group[name] <= group[f"{name}_interval"][1] for name in SUPPORT)
    assert (scores["num_samples"], scores["num_real"], scores["extractor"]) == (20, 24, "pixel")
    assert scores["memorization"]["num_train"] == 30
    assert scores["memorization"]["held_out_copy_rate"] == 0
    assert any("biased upwards" in sentence for sentence in scores["warnings"])
    assert "inception_score" not in scores


def test_a_model_that_repeats_its_training_images_is_found_out(kind, monkeypatch):
    data, held_out, model = images(30), images(24, seed=1), fitted(kind)
    # Not the model but its samples are replaced: a generator that has learned its training images by heart.
    monkeypatch.setattr(model, "sample", lambda count, **_: data[:count])
    monkeypatch.setattr(model, "decode_latents", lambda latents: data[: len(latents)])
    found = model.evaluate(held_out, num_samples=20, train=data, extractor="pixel")["memorization"]
    assert found["copy_rate"] == 1
    assert found["closer"] == 1
    assert found["held_out_copy_rate"] == 0
    assert found["copy_rate_interval"][0] > found["held_out_copy_rate_interval"][1]
    said = model.evaluate(held_out, num_samples=20, train=data, extractor="pixel")["warnings"]
    assert any("none of them speaks for the model" in sentence for sentence in said)
    wrong = model.evaluate(data, num_samples=20, train=data, extractor="pixel")
    assert any("check that they are others" in sentence for sentence in wrong["warnings"])


def test_training_images_of_another_shape_are_refused(kind):
    with pytest.raises(DatasetError, match="`train`"):
        fitted(kind).evaluate(images(24), train=torch.rand(9, 1, 12, 12), extractor="pixel")


DATA = images()


def test_errors_of_scoring_name_the_arguments_of_evaluate():
    with pytest.raises(
        ArgumentError, match=r"`extractor` must be 'pixel', 'fid-inception-v3', a name such as .* but is 'inception'"
    ):
        fitted("style").evaluate(DATA, extractor="inception")
    with pytest.raises(ArgumentTypeError, match=r"`extractor` must be an extractor or its name, but is of type int"):
        fitted("style").evaluate(DATA, extractor=3)
    with pytest.raises(ArgumentError, match=r"`data` must have shape .* with 9 values"):
        fitted("style").evaluate(DATA, extractor=IdentityFeatureExtractor(9), num_samples=4)
    with pytest.raises(ArgumentError, match=r"`data` must hold at least 4 samples, but holds 3"):
        fitted("style").evaluate(DATA[:3], extractor="pixel", num_samples=4)
    with pytest.raises(ArgumentError, match=r"`num_samples` must be an integer of at least 2, but is 0"):
        fitted("style").evaluate(DATA, extractor="pixel", num_samples=0)
    with pytest.raises(ArgumentTypeError, match=r"`cache` must be a FeatureCache or None, but is of type str"):
        fitted("style").evaluate(DATA, extractor="pixel", cache="here")


def test_nothing_is_sampled_for_an_extractor_that_does_not_exist(monkeypatch):
    monkeypatch.setattr(StyleQGAN, "sample_latents", lambda *_args, **_options: pytest.fail("sampled"))
    with pytest.raises(ArgumentError, match="`extractor`"):
        fitted("style").evaluate(DATA, extractor="inception")


def test_pixels_are_an_extractor_by_name():
    by_name = fitted("style").evaluate(DATA, extractor="pixel")
    assert by_name == fitted("style").evaluate(DATA, extractor=IdentityFeatureExtractor(64, name="pixel"))
    assert by_name["extractor"] == "pixel"


def test_rows_have_no_extractor():
    rows = torch.rand(20, 2)
    with pytest.raises(ArgumentError, match="Arguments `extractor` and `cache` must be None for tabular data"):
        table().evaluate(rows, extractor="pixel")


def test_a_table_is_scored_whatever_the_units_of_its_columns(monkeypatch):
    rng = np.random.default_rng(0)
    good, real = rng.normal(size=(2, 80, 3))
    model, found = table(3), []
    for scale in (np.ones(3), np.float64([3, 200, 0.015])):
        # Not the model but its samples are replaced: a generator that has learned the distribution.
        monkeypatch.setattr(model, "sample", lambda *_, rows=good * scale, **__: torch.from_numpy(rows).float())
        found.append(model.evaluate(real * scale))
    assert found[0]["extractor"] == found[1]["extractor"] == "identity, standardized"
    for score in ("frechet_distance", "kernel_distance", "jensen_shannon_divergence", "density", "coverage"):
        assert found[1][score] == pytest.approx(found[0][score], rel=1e-3, abs=1e-5)
    assert abs(found[1]["kernel_distance"]) < 1


def test_reconstructions_have_their_quality():
    data = images(6, (1, 12, 12))
    model = style(image_shape=(1, 12, 12))
    floor = model.evaluate(data, extractor="pixel")["floor_reconstruction"]
    expected = float(peak_signal_noise_ratio(model.reconstruct(data), data, data_range=1.0))
    assert floor["peak_signal_to_noise_ratio"] == pytest.approx(expected, rel=1e-5)
    assert -1 <= floor["structural_similarity"] < 1


@pytest.mark.parametrize("kind", KINDS)
def test_without_efficientnet_pixels_are_scored(kind, caplog):
    model = trained(KINDS[kind](), images(12))
    with HAS_EFFICIENTNET_LITE.disable_locally():
        scores = model.evaluate(images(6))
    assert scores["extractor"] == "pixel"
    assert scores == model.evaluate(images(6), extractor="pixel")
    assert "so distances are between pixels" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_discrepancy_is_recorded_of_all_models(kind):
    scores = Scores({"discrepancy": SampleDiscrepancy(images(12, seed=1), 10)}, every=2)
    history = trained(KINDS[kind](), callbacks=[scores]).history
    assert -0.5 < history.last(history.phases[-1], "discrepancy") < 2


def test_a_discrepancy_of_tables_is_that_in_the_generators_space():
    rows = torch.rand(30, 2, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 1e6])
    score = SampleDiscrepancy(rows, 50)
    model = trained(table(), rows, callbacks=[Scores({"discrepancy": score}, every=2)])
    assert -0.1 < model.history.last("adversarial", "discrepancy") < 2


def test_a_discrepancy_of_other_shapes_is_refused():
    with pytest.raises(ArgumentError, match="`validation` must have shape"):
        trained(KINDS["hybrid"](), callbacks=[Scores({"discrepancy": SampleDiscrepancy(torch.rand(9, 1, 4, 4))})])


DEVICE = RuntimeExecution("fake_manila", shots=1000)


def test_costs_count_every_pass_of_a_circuit(kind):
    model = KINDS[kind]()
    training = model.training_class.of(**({"loss": "hinge"} if kind == "hybrid" else {}))
    one, many = (model.estimate_cost(number, execution=DEVICE) for number in (1, 600))
    assert 0 < one.qpu_seconds < many.qpu_seconds
    short, long = (model.estimate_cost(steps=s, training=training, execution=DEVICE) for s in (1, 100))
    assert 0 < short.qpu_seconds < long.qpu_seconds
    larger = model.estimate_cost(steps=1, training=training, batch_size=512, execution=DEVICE)
    assert larger.qpu_seconds > short.qpu_seconds


@pytest.mark.parametrize(
    ("make", "options", "sentence"),
    [
        (style, {}, "Exactly one of the arguments `num_samples` and `steps` must be given"),
        (style, {"num_samples": 1, "steps": 1}, "Exactly one of the arguments `num_samples` and `steps`"),
        (style, {"num_samples": 0}, "`num_samples` must be a positive integer, but is 0"),
        (style, {"steps": 0}, "`steps` must be a positive integer, but is 0"),
        (lambda: style("classical"), {"num_samples": 1}, "`execution` must be None: no circuit runs"),
        (lambda: hybrid("discriminator"), {"num_samples": 1}, "`execution` must be None: no circuit runs"),
        (hybrid, {"steps": 1}, "`steps` must be None for a training with `loss`='wgan-gp' and a quantum block in the"),
    ],
)
def test_costs_that_cannot_be_told_are_refused(make, options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        make().estimate_cost(execution=DEVICE, **options)
