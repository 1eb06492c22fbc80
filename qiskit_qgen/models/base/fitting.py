"""Training of models."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_type
from qiskit_qgen._settings import Settings
from qiskit_qgen._typing import PathLike
from qiskit_qgen.datasets import Column
from qiskit_qgen.exceptions import ArgumentError, NotFittedError, TrainingDivergedError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.models.base.codecs import check_images, fingerprint, own_dataset
from qiskit_qgen.models.base.labels import training_labels
from qiskit_qgen.models.base.latent_space import AbstractLatentSpace
from qiskit_qgen.models.base.run_settings import (
    CHECKPOINT_EVERY,
    audit_circuits,
    choose_callbacks,
    choose_seed,
    describe_ansatz,
    describe_execution,
    executed_on,
)
from qiskit_qgen.networks.own_circuits import own_ansatz
from qiskit_qgen.training import AbstractCallback, AbstractPhase, History, Trainer
from qiskit_qgen.training.rank_sources import rank_execution


class AbstractTrainable(AbstractLatentSpace):
    """A model that trains in phases, from fresh or current weights, and can resume a training."""

    def fit(
        self,
        data: Any,
        *,
        labels: Any = None,
        steps: int | None = None,
        batch_size: int | None = None,
        seed: int | None = None,
        training: Settings | None = None,
        execution: AbstractExecution | None = None,
        callbacks: Sequence[AbstractCallback] | None = None,
        checkpoint_dir: PathLike | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
        resume: bool = False,
        warm_start: bool = False,
        strict: bool = False,
    ) -> History:
        """Train from fresh weights on the model's device, after an audit of the circuits' gradients.

        The result depends on the model's settings, ``data``, ``labels``, ``training``, ``steps``, ``batch_size`` and
        ``seed`` alone, bit for bit with the same machine, number of threads, device and execution. Another number of
        threads or another precision changes the last digits of a step and, over many steps, the result; executions with
        shots draw different shots each time. All random numbers are drawn on the CPU, so that a seed means the same on
        every device.

        With ``checkpoint_dir``, the run survives being killed at any moment: if you call ``fit`` again with
        ``resume=True``, it ends with the same bits as an uninterrupted run. Resume it with the same settings, data and
        execution. You may pass more ``steps`` to continue a run; its learning rates are then those of the longer
        training. In a folder without a checkpoint, training starts from scratch with a logged warning, so that a job
        script can always pass ``resume=True``. Ctrl-C finishes the current step, writes a checkpoint and then raises
        KeyboardInterrupt; you can sample from the partly trained model. A second Ctrl-C stops at once. After any other
        error, for example in a callback or on a device, a model that had been trained before keeps its previous weights
        and history.

        Args:
            data: Images (N, C, H, W) of ``image_shape``, float in [0, 1] or uint8, as tensor, array or
                :class:`~qiskit_qgen.datasets.ImageDataset`; or rows (N, num_features), as tensor, array, pandas'
                ``DataFrame`` or :class:`~qiskit_qgen.datasets.TableDataset`. Or a torch data set or loader, or a
                ``datasets.Dataset``, of either. There may be fewer than ``batch_size``.
            labels: Labels (N,) from 0, if the model has classes; None takes the labels of an ``ImageDataset``.
            steps: Training steps; None takes ``training.steps``.
            batch_size: Samples per batch; None takes ``training.batch_size``.
            seed: Seed of weights, noise and the order of the data; None draws a fresh seed, or takes the seed of the
                checkpoint to resume.
            training: Training settings, an instance of the model's ``training_class``; None takes the defaults.
            execution: Where the quantum circuits run; None takes the built-in simulator with its defaults. Gradient
                penalties through a circuit need second derivatives, which only the built-in simulator provides.
            callbacks: Callbacks to run between steps; None shows a progress bar in a terminal or notebook, and
                otherwise logs a line now and then.
            checkpoint_dir: Folder for the checkpoint; None writes nothing.
            checkpoint_every: Steps between two checkpoints, unless ``callbacks`` contains a
                :class:`~qiskit_qgen.training.Checkpoint`.
            resume: Whether to continue the run in ``checkpoint_dir``.
            warm_start: Whether to start from the model's current weights, from an earlier training or
                :meth:`from_pretrained`. The result then depends on them too. An autoencoder and everything fitted to
                data stay unchanged. Use this to continue the training of a model from the simulator on a device.
            strict: Whether inert or detached quantum parameters raise an error instead of logging a warning.

        Returns:
            Losses and scores by phase.

        Raises:
            ArgumentError: If an argument is out of range or without effect.
            ArgumentTypeError: If an argument has the wrong type.
            CheckpointError: If the checkpoint is damaged or belongs to another run, or exists although ``resume`` is
                False.
            DatasetError: If ``data`` or ``labels`` is empty, not finite, out of range or has another shape.
            GradientError: If ``strict`` is True and the audit finds inert or detached parameters, or a gradient penalty
                is requested on an execution without second derivatives.
            KeyboardInterrupt: After Ctrl-C.
            NotFittedError: If ``warm_start`` is True and the model has been neither trained nor loaded.
            TrainingDivergedError: If a loss or weight becomes NaN or infinite.
        """
        self._check_device()
        if self.dtype != torch.float32:
            raise ArgumentError(f"A model is trained in float32, but this one is {self.dtype}: call `.float()` first.")
        options = self._training(training, steps, batch_size)
        data = own_dataset(data, "data", of_images=self.image_shape is not None)
        samples, columns = self._training_data(data, warm_start=warm_start)
        classes, names = training_labels(data, labels, len(samples), self.num_classes)
        for name, value in (("warm_start", warm_start), ("strict", strict)):
            check_type(name, value, bool, "True or False")
        if warm_start and not self._is_trained:
            raise NotFittedError(
                f"This {type(self).__name__} has no trained weights to begin with: call `fit` or `from_pretrained` "
                "before `fit(warm_start=True)`."
            )
        hooks = choose_callbacks(callbacks, checkpoint_dir, checkpoint_every)
        seed = choose_seed(seed, checkpoint_dir, resume)
        origin = None
        if warm_start:
            origin = (resume and self._origin) or fingerprint(*self.state_dict().values())
        config = {
            "seed": seed,
            "model": self.config.to_dict(),
            "training": {name: value for name, value in options.to_dict().items() if name != "steps"},
            "data": f"{len(samples)} samples, " + fingerprint(*(samples,) if classes is None else (samples, classes)),
            "execution": describe_execution(execution),
            "warm_start": origin,
            **describe_ansatz(own_ansatz(self.config)),
            **self._identity(),
        }
        before = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        former, was_trained = (self.history, self.columns), self._is_trained
        with executed_on(self, rank_execution(execution)):
            try:
                if not warm_start:
                    self._restart(seed)
                phases = self._phases(samples, classes, options, seed, warm_start=warm_start)
                audit_circuits(self.networks, strict=strict)
                trainer = Trainer(
                    phases, seed=seed, config=config, callbacks=hooks, checkpoint_dir=checkpoint_dir, resume=resume
                )
            except BaseException:
                self._copy(before)  # nothing has been trained: the model stays as it was
                raise
            self.history, self._origin, self.columns = trainer.state.history, origin, columns
            self.class_names = names
            self._is_trained = warm_start
            try:
                self._run(trainer, phases[-1])
            except Exception:
                if was_trained:  # a failed run leaves the model unchanged
                    self._copy(before)
                    (self.history, self.columns), self._origin, self._is_trained = former, None, True
                raise
        return trainer.state.history

    def _run(self, trainer: Trainer, last: AbstractPhase) -> None:
        """Train; however it ends, the sampling network has its averaged weights afterwards."""
        has_diverged = False
        try:
            trainer.run()
        except TrainingDivergedError:
            has_diverged = True
            raise
        finally:
            for average in last.averages.values():
                average.copy_to_module()
            self.eval()
            begun = trainer.state.phase is last and trainer.state.step > 0
            self._is_trained = not has_diverged and (self._is_trained or begun)

    def _training(self, training: Settings | None, steps: int | None, batch_size: int | None) -> Any:
        """Return the training settings, with the separate arguments merged in."""
        kind = self.training_class
        options: Any = (
            kind() if training is None else check_type("training", training, kind, f"a {kind.__name__} or None")
        )
        given = {"steps": steps, "batch_size": batch_size}
        return replace(options, **{name: value for name, value in given.items() if value is not None})

    def _check_data(self, data: Any, *, name: str) -> Tensor:
        """Return checked real images or rows; ``name`` is the name of the argument."""
        assert self.image_shape is not None  # noqa: S101 - models of tables have their own check
        return check_images(data, self.image_shape, name=name)

    def _training_data(
        self,
        data: Any,
        *,
        warm_start: bool,  # noqa: ARG002
    ) -> tuple[Tensor, tuple[Column, ...] | None]:
        """Return the checked images or rows to train on, and the columns of tables."""
        return self._check_data(data, name="data"), None

    def _identity(self) -> dict[str, str]:
        """Return digests of the user's own objects, so that a resumed training can recognise them."""
        return {}

    @abstractmethod
    def _phases(
        self, data: Tensor, labels: Tensor | None, training: Any, seed: int, *, warm_start: bool
    ) -> list[AbstractPhase]:
        """Return the training phases; the last one keeps a moving average of the sampling network."""
