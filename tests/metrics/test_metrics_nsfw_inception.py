"""nsfwjs' Inception-v3: refusals without its file; what it makes of photographs where the file is there."""

from pathlib import Path

import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import NsfwInceptionExtractor, get_extractor
from qiskit_qgen.metrics.extractors.nsfw_inception import CLASSES
from qiskit_qgen.persistence import cache_folder

WEIGHTS = cache_folder("weights") / "nsfwjs-4.4.0.tgz"
needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"needs {WEIGHTS}, from `npm pack nsfwjs@4.4.0`")


def test_without_its_file_it_says_where_it_comes_from(tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path))
    with pytest.raises(ArgumentError, match=r"there is no file .*weights.nsfwjs-4.4.0.tgz: `npm pack nsfwjs@4.4.0`"):
        get_extractor("nsfw-inception-v3-299px")
    with pytest.raises(ArgumentError, match="`input_size` must be an integer of at least 75"):
        NsfwInceptionExtractor(input_size=74)


def test_another_file_is_refused(tmp_path):
    path = Path(tmp_path / "nsfwjs-4.4.0.tgz")
    path.write_bytes(b"something else")
    with pytest.raises(ArgumentError, match="holds something else"):
        NsfwInceptionExtractor(path)


@needs_weights
@pytest.mark.slow
def test_photographs_are_neutral_and_like_each_other():
    from skimage import data

    extractor = NsfwInceptionExtractor(WEIGHTS)
    features, mirrored = [], []
    for name in ("astronaut", "chelsea", "coffee"):
        image = torch.as_tensor(getattr(data, name)().copy()).permute(2, 0, 1)[None].float() / 255
        features.append(extractor(image))
        assert features[-1].shape == (1, 2048)
        assert CLASSES[int(extractor.classify(features[-1]).argmax())] == "neutral"
        assert float(extractor.classify(features[-1]).max()) > 0.9
        mirrored.append(extractor(image.flip(3)))
    noise = extractor(torch.rand(1, 1, 299, 299, generator=torch.Generator().manual_seed(0)))
    similarity = torch.cosine_similarity(torch.cat(features)[:, None], torch.cat([*mirrored, noise])[None], dim=-1)
    assert similarity[:, :3].diagonal().min() > 0.9
    assert (similarity.argmax(1) == torch.arange(3)).all()  # each is nearest to its own mirror image
    assert similarity[:, 3].max() < 0.8
    assert extractor.digest() == NsfwInceptionExtractor(WEIGHTS).digest()
    assert extractor.name == "nsfw-inception-v3-299px"
