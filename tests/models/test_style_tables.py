"""Tables whose columns are hard for float32: constants, tiny spreads, huge numbers."""

import numpy as np
import pytest
import torch

from qiskit_qgen.exceptions import CheckpointError, DatasetError
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.persistence import load_model_folder, load_tensors, save_model_folder, save_tensors


def table(columns, **options):
    return StyleQGAN(None, 2, 1, num_features=columns, critic_width=8, **options)


def trained(rows, **options):
    model = table(rows.shape[1], **options)
    model.fit(rows, steps=3, batch_size=16, seed=0, callbacks=[])
    return model


@pytest.mark.parametrize("scaling", ["range", "quantile"])
@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_constant_narrow_and_huge_columns_are_generated_within_their_ranges(scaling, generator):
    random = np.random.default_rng(0)
    rows = np.float32(
        np.stack([1e6 + random.choice([0, 0.0625, 0.125], 50), np.full(50, 1e6), random.uniform(-3e38, 3e38, 50)], 1)
    )
    sizes = {"num_qubits": 2, "num_layers": 1} if generator == "quantum" else {}
    model = StyleQGAN(None, num_features=3, scaling=scaling, generator=generator, critic_width=8, **sizes)
    model.fit(rows, steps=3, batch_size=16, seed=0, callbacks=[])
    samples = model.sample(200, seed=0).numpy()
    assert np.isfinite(samples).all()
    assert set(samples[:, 1]) == {np.float32(1e6)}
    if generator == "quantum" or scaling == "quantile":
        assert (samples >= rows.min(0)).all()
        assert (samples <= rows.max(0)).all()
    if generator == "quantum":
        assert set(samples[:, 0]) == set(rows[:, 0])
    assert samples[:, 2].std(dtype=np.float64) > 1e36
    scores = model.evaluate(rows)
    assert np.isfinite(scores["jensen_shannon_divergence"])


def test_what_float32_cannot_hold_is_refused_with_a_remedy():
    model = table(2)
    random = np.random.default_rng(0)
    narrow = np.stack([random.uniform(size=20), 1e6 + random.uniform(-1e-3, 1e-3, 20)], 1)
    with pytest.raises(
        DatasetError,
        match=r"`data` must hold columns that float32 can tell apart, but column 1 varies by 0.00\d+ around 1e\+06: "
        r"subtract that first\.$",
    ):
        model.fit(narrow, steps=1)
    with pytest.raises(DatasetError, match=r"`data` must hold numbers below 3.4e38, the largest of float32: rescale"):
        model.fit(narrow * 1e300, steps=1)
    model.fit(narrow - [0, 1e6], steps=1, batch_size=8, callbacks=[])
    samples = model.sample(50, seed=0)
    assert 0 < samples[:, 1].abs().max() <= 1.01e-3


def test_a_model_that_was_saved_with_float32_ranges_is_loaded(tmp_path):
    rows = np.random.default_rng(0).normal([10, -5], [2, 1], (50, 2))
    model = trained(rows)
    model.save_pretrained(tmp_path / "new")
    config, tensors = load_model_folder(tmp_path / "new")
    former = {name: tensor.float() if "normalizer" in name else tensor for name, tensor in tensors.items()}
    assert any(former[name].dtype != tensors[name].dtype for name in tensors)
    rest = {key: value for key, value in config.items() if key not in ("format_version", "package_version")}
    save_model_folder(tmp_path / "old", config=rest, state=former, circuit=model.circuit.circuit)
    loaded = StyleQGAN.from_pretrained(tmp_path / "old")
    assert torch.allclose(loaded.sample(9, seed=1), model.sample(9, seed=1), rtol=1e-5)


def test_a_checkpoint_in_another_precision_is_refused_unless_it_is_the_former_one(tmp_path):
    rows = np.random.default_rng(0).normal(size=(20, 2))
    options = {"steps": 2, "batch_size": 8, "seed": 0, "callbacks": [], "checkpoint_dir": tmp_path}
    model = table(2)
    model.fit(rows, **options)
    path = tmp_path / "checkpoint.safetensors"
    tensors, metadata = load_tensors(path)
    name = "module/normalizer/center"
    save_tensors(path, tensors | {name: tensors[name].float()}, metadata=metadata)
    table(2).fit(rows, resume=True, **options)
    save_tensors(path, tensors | {name: tensors[name].int()}, metadata=metadata)
    with pytest.raises(CheckpointError, match="`module/normalizer/center` must be float64 of shape"):
        table(2).fit(rows, resume=True, **options)
