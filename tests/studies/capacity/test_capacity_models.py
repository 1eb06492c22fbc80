import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import ClassicalGeneratorConfig, CriticConfig, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.networks import PrincipalComponents
from qiskit_qgen.studies import AutoencoderSettings
from qiskit_qgen.studies.capacity.models import CapacityModels

MODELS = CapacityModels(
    model=StyleQGANConfig.of(entangler="cz", critic_depth=2),
    classical=ClassicalGeneratorConfig(depth=1),
    training=StyleQGANTraining(generator_learning_rate=0.5),
)
CODEC = AutoencoderSettings.of(latent_dim=4, width=4, hidden=8)


def build(**configuration):
    untrained = CODEC.build((1, 8, 8))
    return MODELS.build({"critic_width": 6, **configuration}, untrained.networks["autoencoder"], (1, 8, 8)).config


def test_a_trial_s_model_has_its_sizes_and_what_all_share():
    quantum = build(generator="quantum", num_qubits=2, num_layers=3)
    assert (quantum.generator.num_qubits, quantum.generator.num_layers, quantum.generator.entangler) == (2, 3, "cz")
    classical = build(generator="classical", generator_width=5)
    assert classical.generator == ClassicalGeneratorConfig(width=5, depth=1)
    for config in (quantum, classical):
        assert config.critic == CriticConfig(width=6, depth=2)
        assert (config.latent_dim, config.image_shape) == (4, (1, 8, 8))


def test_each_kind_of_generator_has_its_training_and_a_trained_autoencoder_stays_as_it_is():
    quantum, classical = (MODELS.training_of(kind, steps=7, batch_size=5) for kind in ("quantum", "classical"))
    assert (quantum.generator_learning_rate, classical.generator_learning_rate) == (0.5, 1e-3)
    for training in (quantum, classical):
        assert (training.steps, training.batch_size, training.autoencoder.steps) == (7, 5, 0)


def test_an_autoencoder_is_the_model_s():
    config = CODEC.build((1, 8, 8)).config
    assert (config.latent_dim, config.autoencoder.width, config.autoencoder.hidden) == (4, 4, 8)
    with pytest.raises(ArgumentError, match="`steps` of an autoencoder must be a positive integer"):
        AutoencoderSettings.of(steps=0)


def test_settings_survive_json():
    assert CapacityModels.of(**MODELS.to_dict()) == MODELS
    assert AutoencoderSettings.of(**CODEC.to_dict()) == CODEC


def test_principal_components_take_no_training_and_are_saved(tmp_path):
    codec = AutoencoderSettings.of(network="pca", latent_dim=3)
    images = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model = codec.build((1, 8, 8), images)
    codec.fit(model, images, 8, seed=0, checkpoint_dir=None, resume=False)
    model.save_pretrained(tmp_path)
    fresh = PrincipalComponents((1, 8, 8), 3)
    fresh.fit(images)
    assert torch.equal(codec.load(tmp_path, (1, 8, 8)).encode(images), fresh.encode(images))
    with pytest.raises(ArgumentError, match="`training` has no effect with principal components"):
        AutoencoderSettings.of(network="pca", steps=7)
