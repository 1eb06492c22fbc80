"""Tables whose columns are hard for float32: constants, tiny spreads, huge numbers."""

import numpy as np
import pytest
from small import table, train, trained

from qiskit_qgen.exceptions import CheckpointError, DatasetError
from qiskit_qgen.persistence import load_tensors, save_tensors


@pytest.mark.parametrize("scaling", ["range", "quantile", "power"])
@pytest.mark.parametrize("generator", ["quantum", "classical"])
def test_constant_narrow_and_huge_columns_are_generated_within_their_ranges(scaling, generator):
    random = np.random.default_rng(0)
    rows = np.float32(
        np.stack([1e6 + random.choice([0, 0.0625, 0.125], 50), np.full(50, 1e6), random.uniform(-3e38, 3e38, 50)], 1)
    )
    model = trained(table(3, generator, scaling=scaling), rows, batch_size=16)
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
    train(model, narrow - [0, 1e6], steps=1)
    samples = model.sample(50, seed=0)
    assert 0 < samples[:, 1].abs().max() <= 1.01e-3


def test_a_checkpoint_in_another_precision_is_refused(tmp_path):
    rows = np.random.default_rng(0).normal(size=(20, 2))
    train(table(), rows, checkpoint_dir=tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    tensors, metadata = load_tensors(path)
    name = "module/normalizer/center"
    save_tensors(path, tensors | {name: tensors[name].float()}, metadata=metadata)
    with pytest.raises(CheckpointError, match="`module/normalizer/center` must be float64 of shape"):
        train(table(), rows, checkpoint_dir=tmp_path, resume=True)
