"""What all generative models share."""

from __future__ import annotations

import copy
import functools
import operator
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from torch import Tensor

from qiskit_qgen._checks import check_choice, check_int, check_type, renamed_arguments
from qiskit_qgen._random import resolve_seed
from qiskit_qgen._settings import Settings
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets.streamed import whole
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.models.base import saving
from qiskit_qgen.models.base.baselines import Baselines, baselines_of
from qiskit_qgen.models.base.codecs import own_dataset
from qiskit_qgen.models.base.fitting import AbstractTrainable
from qiskit_qgen.models.base.module import quantum_layers
from qiskit_qgen.models.base.published import Published

if TYPE_CHECKING:
    from qiskit_qgen.execution import CostEstimate
    from qiskit_qgen.metrics import AbstractFeatureExtractor, FeatureCache


class QuantumPass(NamedTuple):
    """Calls of a quantum layer."""

    times: int
    layer: QuantumLayer
    num_rows: int
    gradient: bool


class AbstractGenerativeModel(AbstractTrainable):
    """Base class of the generative models: a common interface to train, sample, score, cost, save and load them."""

    published_systems: ClassVar[Mapping[str, Published]] = {}
    """The published systems that :meth:`published` knows, by name.

    :meta hide-value:
    """

    def reconstruct(self, images: Any) -> Tensor:
        """Reconstruct ``images`` with the model's autoencoder: the best that a generator in its latent can reach.

        Raises:
            ArgumentError: If the model has no autoencoder.
            DatasetError: If ``images`` is empty, out of range or has another shape than ``image_shape``.
        """
        images = own_dataset(images, "images", of_images=True)
        rebuilt = self._rebuilt(whole(self._check_data(images, name="images")))
        if rebuilt is None:
            raise ArgumentError(f"This {type(self).__name__} has no autoencoder, so there is nothing to reconstruct.")
        return rebuilt

    def evaluate(
        self,
        data: Any,
        *,
        num_samples: int | None = None,
        reference: Any = None,
        train: Any = None,
        memorization: bool = True,
        baselines: bool = True,
        extractor: str | AbstractFeatureExtractor | None = None,
        seed: int | None = 0,
        oversample: int = 1,
        execution: AbstractExecution | None = None,
        cache: FeatureCache | None = None,
    ) -> dict[str, Any]:
        """Generate samples and score them against real ones, with floors and trivial baselines.

        Args:
            data: Real images or rows, as for :meth:`fit`; preferably ones that the model was not trained on.
            num_samples: Number of samples to generate; None takes as many as there are in ``data``.
            reference: Other real images or rows for the floor of real against real; None splits ``data`` in two.
            train: Exactly the data that the model was trained on, none of which is in ``data``. Baselines are fitted to
                it, by class if it is a data set with labels, and it is searched for copies. None skips both.
            memorization: Whether to look for copies; this computes the features of all of ``train``.
            baselines: Whether to score baselines: an untrained model, N(0, I) in the latent, a Gaussian and a mixture
                of Gaussians fitted to ``train`` (in the latent, or without one in data space), shuffled columns for
                tables, and ``train`` repeated. See :data:`~qiskit_qgen.metrics.BASELINES`.
            extractor: Name or object of the feature extractor for images, see
                :func:`~qiskit_qgen.metrics.get_extractor`; None takes EfficientNet-Lite0, or pixels where that is not
                installed. For rows, every column is standardised by ``data``.
            seed: Seed of the samples and of the scores' random parts; None draws a fresh one.
            oversample: Candidates for each sample, as for :meth:`sample`; the result records it.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults.
            cache: Cache for the features of real images.

        Returns:
            The result of :func:`~qiskit_qgen.metrics.evaluate_images`, with the autoencoder's reconstructions of
            ``data`` as a floor, which also contains their `peak_signal_to_noise_ratio` and `structural_similarity`
            (:func:`~qiskit_qgen.metrics.reconstruction_quality`); for rows, the result of
            :func:`~qiskit_qgen.metrics.evaluate_features`. For a model with a latent, `latent` holds that function's
            result for the generated latents and those of ``data``; otherwise it is None.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            ArgumentTypeError: If an argument has the wrong type.
            DatasetError: If images or rows are missing, not finite, out of range or have another shape.
            MissingOptionalLibraryError: If the extractor needs an extra that is not installed.
        """
        from qiskit_qgen.metrics import (
            FeatureCache,
            evaluate_features,
            evaluate_images,
            get_extractor,
            reconstruction_quality,
        )

        is_image = self.image_shape is not None
        data, reference, train = (
            own_dataset(each, name, of_images=is_image)
            for name, each in (("data", data), ("reference", reference), ("train", train))
        )
        real = whole(self._check_data(data, name="data"))
        labels = getattr(train, "labels", None)
        for name, value in (("memorization", memorization), ("baselines", baselines)):
            check_type(name, value, bool, "True or False")
        others: dict[str, Any] = {"reference": reference, "train": train}
        others = {name: None if each is None else self._check_data(each, name=name) for name, each in others.items()}
        others["reference"] = whole(others["reference"])
        if memorization or self.latent_dim is None:
            others["train"] = whole(others["train"])
        if num_samples is not None:
            check_int("num_samples", num_samples, minimum=2)
        check_type("cache", cache, (FeatureCache, type(None)), "a FeatureCache or None")
        shape, network = self.image_shape, None
        if shape is not None:
            network = get_extractor(extractor, image_shape=shape, name="extractor")
        elif extractor is not None or cache is not None:
            raise ArgumentError("Arguments `extractor` and `cache` must be None for tabular data: rows are scored.")
        seed = resolve_seed(seed)
        number = len(real) if num_samples is None else num_samples
        drawn: dict[str, Any] = {"seed": seed, "oversample": oversample, "execution": execution}
        made = None if self.latent_dim is None else self.sample_latents(number, **drawn)
        generated = self.sample(number, **drawn) if made is None else self.decode_latents(made)
        filtered = {"oversample": oversample} if oversample > 1 else {}
        rivals = baselines_of(self, number, others["train"], labels, seed) if baselines else Baselines({}, {})
        known = others["train"]
        others["train"] = known if memorization else None
        with renamed_arguments({"real": "data", "generated": "data"}):
            if network is None:
                options: dict[str, Any] = {"standardize": True, "baselines": rivals.samples}
                return {
                    **evaluate_features(generated, real, **others, seed=seed, **options),
                    "latent": None,
                    **filtered,
                }
            rebuilt = self._rebuilt(real)
            options = {"extractor": network, "reconstructions": rebuilt, "cache": cache, "baselines": rivals.samples}
            scores = {**evaluate_images(generated, real, **others, seed=seed, **options), **filtered}
        if rebuilt is not None:
            scores["floor_reconstruction"] |= reconstruction_quality(rebuilt, real)
        encoded, other = (None if each is None else self.encoded(each) for each in (real, others["reference"]))
        scores["latent"] = None
        if made is not None and encoded is not None:
            other = None if other is None else self.in_latent_units(other)
            sets = {name: self.in_latent_units(each) for name, each in rivals.latents.items()}
            options = {"reference": other, "baselines": sets, "extractor_name": "latent", "seed": seed}
            made, encoded = self.in_latent_units(made), self.in_latent_units(encoded)
            scores["latent"] = evaluate_features(made, encoded, **options)
        if baselines and known is None:
            scores["warnings"].append("Baselines fitted to the training data were left out: pass it as `train`.")
        return scores

    def untrained(self, seed: int = 0) -> Self:
        """Return a copy with fresh weights, as at the start of :meth:`fit`, to compare this model's scores with.

        An autoencoder or backbone that was passed as an object stays as it is.

        Raises:
            ArgumentError: If ``seed`` is out of range.
        """
        fresh = copy.deepcopy(self)
        fresh._restart(resolve_seed(seed))
        fresh.eval()
        fresh.history = None
        return fresh

    @property
    def latent_dim(self) -> int | None:
        """Length of the vectors from :meth:`encoded`; None without an autoencoder."""
        return None

    def encoded(self, data: Any) -> Tensor | None:
        """Encode images to latents (N, latent_dim) in the generator's space; None without an autoencoder.

        Raises:
            DatasetError: If images have another shape than ``image_shape``, or are out of range.
        """
        return None

    def estimate_cost(
        self,
        num_samples: int | None = None,
        *,
        steps: int | None = None,
        batch_size: int | None = None,
        training: Settings | None = None,
        oversample: int = 1,
        execution: AbstractExecution,
    ) -> CostEstimate:
        """Estimate the cost of sampling or training on an execution, without running anything.

        Args:
            num_samples: Samples to generate; or
            steps: training steps, without anything that happens between the steps.
            batch_size: Samples per training batch; None takes ``training.batch_size``.
            training: The training settings, as for :meth:`fit`.
            oversample: Candidates for each sample, as for :meth:`sample`.
            execution: A billed execution, such as ``RuntimeExecution``.

        Raises:
            ArgumentError: If both or neither of ``num_samples`` and ``steps`` are given, a number is not positive, the
                model runs no circuit, or the execution costs nothing.
        """
        check_type("execution", execution, AbstractExecution, "an execution such as RuntimeExecution")
        if (num_samples is None) == (steps is None):
            raise ArgumentError("Exactly one of the arguments `num_samples` and `steps` must be given.")
        options = self._training(training, steps, batch_size)
        times = check_int("oversample", oversample, minimum=1, maximum=self._sample_batch)
        if steps is None:
            number = check_int("num_samples", num_samples, minimum=1)
            passes = self._sampling_passes(number, times)
        elif times > 1:
            raise ArgumentError("Argument `oversample` has no effect on a training: leave it out.")
        else:
            passes = self._training_passes(options)
        if not passes:
            part = "training" if num_samples is None else "sampling"
            raise ArgumentError(f"Argument `execution` must be None: no circuit runs in the {part} of this model.")
        costs = [
            execution.estimate_cost(layer.circuit, layer.observables or [], rows, gradient=gradient) * times
            for times, layer, rows, gradient in passes
            if times
        ]
        return functools.reduce(operator.add, costs)

    def _sampling_passes(self, number: int, times: int) -> list[QuantumPass]:
        """The circuits that :meth:`sample` runs on an execution."""
        size = self._sample_batch // times
        full, rest = divmod(number, size)
        calls = ((full, size * times), (int(rest > 0), rest * times))
        layers = quantum_layers(self.get_submodule(self._sampling_network))
        return [
            QuantumPass(times * self._calls_of_network(), layer, rows, gradient=False)
            for layer in layers
            for times, rows in calls
        ]

    @classmethod
    def published(cls, name: str, **settings: Any) -> Self:
        """Return an untrained model with the known settings of a published system.

        The documentation's page on published systems lists them and marks where our choice replaces unknown settings.
        :meth:`published_training` gives the matching training settings.

        Args:
            name: The paper's arXiv identifier, such as "2601.05036"; one of :attr:`published_systems`.
            **settings: Settings to replace, such as ``image_shape``.

        Raises:
            ArgumentError: If the name is unknown, or a value is out of range or without effect.
            ArgumentTypeError: If a setting is unknown or has the wrong type.
            MissingOptionalLibraryError: If a part needs a library that is not installed.
        """
        check_choice("name", name, list(cls.published_systems))
        return cls(**cls.published_systems[name].model_with(settings))

    @classmethod
    def published_training(cls, name: str, **options: Any) -> Any:
        """Return the known training settings of a published system, for the argument ``training`` of ``fit``.

        Args:
            name: As for :meth:`published`.
            **options: Options to replace, such as ``steps``.

        Raises:
            ArgumentError: If the name is unknown, or a value is out of range or without effect.
            ArgumentTypeError: If an option is unknown or has the wrong type.
        """
        check_choice("name", name, list(cls.published_systems))
        return cls.training_class.of(**cls.published_systems[name].training_with(options))

    def save_pretrained(
        self,
        folder: PathLike,
        *,
        data: str | None = None,
        scores: Mapping[str, Any] | None = None,
        license: str | None = None,  # noqa: A002
        samples: int = 0,
    ) -> None:
        """Write the model to ``folder``: config.json, model.safetensors, a model card and the circuit, if there is one.

        The history is included; data that only training needs, such as optimizer states, is not. If several processes
        train together, only rank 0 writes. If you have edited the model card, README.md, it is kept.

        Args:
            folder: The folder to create, or a saved model to replace.
            data: For the card: a short description of the training data.
            scores: For the card: the result of :meth:`evaluate`.
            license: For the card: the license's identifier, such as "apache-2.0".
            samples: For the card: how many images to draw and show, with seed 0; they are written to samples.png.

        Raises:
            ArgumentError: If ``scores`` is not a result of :meth:`evaluate`, or ``samples`` negative or without effect.
            ArgumentTypeError: If ``folder`` is not a path, or another argument has the wrong type.
            CheckpointError: If ``folder`` cannot be written or holds anything but a saved model.
        """
        saving.save_model(self, folder, data, scores, license, samples)

    def push_to_hub(
        self,
        repo: str,
        *,
        data: str | None = None,
        scores: Mapping[str, Any] | None = None,
        license: str | None = None,  # noqa: A002
        samples: int | None = None,
        private: bool | None = None,
        revision: str | None = None,
        message: str = "A model of qiskit_qgen",
    ) -> str:
        """Upload the model to the Hugging Face Hub, as :meth:`save_pretrained` writes it; the repository may be new.

        You authenticate with `hf auth login` or the environment variable ``HF_TOKEN``.

        Args:
            repo: The repository, "user/name".
            data: As for :meth:`save_pretrained`.
            scores: As for :meth:`save_pretrained`.
            license: As for :meth:`save_pretrained`.
            samples: As for :meth:`save_pretrained`; None draws 16 images, and none for a table.
            private: Whether a new repository is private; None takes the Hub's default.
            revision: Branch to upload to; None takes the main one.
            message: The commit message.

        Returns:
            The URL of the commit.

        Raises:
            ArgumentError: If ``repo`` is not of the form "user/name".
            CheckpointError: If the Hub refuses the upload or cannot be reached.
            MissingOptionalLibraryError: If huggingface_hub is not installed.
        """
        about = {"data": data, "scores": scores, "license": license, "samples": samples}
        return saving.push_model(self, repo, revision, private, message, **about)

    @classmethod
    def from_pretrained(cls, folder: PathLike, *, revision: str | None = None, **own: Any) -> Self:
        """Load a model written by :meth:`save_pretrained` or uploaded by :meth:`push_to_hub`.

        Args:
            folder: The saved model; or "user/name" on the Hugging Face Hub, if there is no local folder ``user``. It is
                downloaded once and kept in the Hub's cache. No code from it is executed.
            revision: For a model on the Hub: branch, tag or commit; None takes the latest commit of the main branch.
            **own: Your own objects that the model was created with, by the setting's name: an ``autoencoder`` of the
                same form, whose weights are replaced in a copy; the same ``backbone``, ``noise`` or ``process``.

        Raises:
            ArgumentError: If such an object is missing, or is given although the model was created without it.
            CheckpointError: If the folder is missing, damaged or holds a model of another class, or the Hub has no such
                model or cannot be reached.
            MissingOptionalLibraryError: If a part needs a library that is not installed.
        """
        return saving.load_model(cls, folder, own, revision)

    def in_latent_units(self, latents: Tensor) -> Tensor:
        """Map vectors in the generator's space (N, latent_dim) to the autoencoder's latents."""
        return latents

    def _rebuilt(self, data: Tensor) -> Tensor | None:
        """Return the autoencoder's reconstructions of ``data``, or None without an autoencoder."""
        return None

    def _calls_of_network(self) -> int:
        """Number of runs of the sampling network per batch."""
        return 1

    @abstractmethod
    def _training_passes(self, training: Any) -> list[QuantumPass]:
        """The circuits that :meth:`fit` runs on an execution."""
