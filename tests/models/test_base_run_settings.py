"""How executions are described in checkpoints."""

import torch

from qiskit_qgen.execution import (
    AbstractExecution,
    AerExecution,
    ErrorMitigation,
    LocalExecution,
    RuntimeExecution,
    depolarizing_noise,
)
from qiskit_qgen.models.base.run_settings import describe_execution
from tests.models.small import style, train


class Foreign(AbstractExecution):
    def __init__(self, token):
        self.token = token

    def __repr__(self):
        return f"Foreign({self.token})"

    def estimator(self):
        return LocalExecution().estimator()

    def sampler(self):
        return LocalExecution().sampler()


def aer_model():
    from qiskit_aer.noise import NoiseModel, ReadoutError

    model = NoiseModel()
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [0])
    from qiskit_aer.noise import depolarizing_error

    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["x"])
    return model


def test_executions_are_described_by_what_decides_their_values():
    noise = depolarizing_noise(one_qubit=1e-3)
    texts = [
        describe_execution(execution())
        for execution in (
            lambda: LocalExecution(dtype=torch.float64),
            lambda: LocalExecution(shots=64, seed=0),
            lambda: AerExecution(shots=64, seed=1),
            lambda: AerExecution(shots=64, noise_model=noise),
            lambda: AerExecution(noise_model=aer_model(), shots=2),
            lambda: RuntimeExecution("fake_manila", shots=99, mitigation=ErrorMitigation(twirling=True)),
            lambda: Foreign("secret"),
        )
        for _ in range(2)
    ]
    assert texts[::2] == texts[1::2]  # nothing of it lies in memory
    assert texts[0] == "LocalExecution(dtype=torch.float64)"
    assert texts[2] == "LocalExecution(shots=64, seed=0)"
    assert texts[4] == "AerExecution(shots=64, seed=1)"
    assert "0.001" in texts[6]
    assert texts[8].startswith("AerExecution(shots=2, noise_model=NoiseModel(")
    assert texts[
        10
    ] == "RuntimeExecution(backend=FakeManilaV2('fake_manila'), shots=99, mitigation=ErrorMitigation(" + (
        "twirling=True))"
    )
    assert texts[12].endswith("Foreign")
    assert "secret" not in "".join(texts)
    assert describe_execution(None) is describe_execution(LocalExecution()) is None


def test_qubits_in_groups_are_warned_of_and_no_entanglement_at_all_is_not(caplog):
    train(style(num_qubits=4, num_layers=1))
    assert "in 2 groups that no gate entangles with each other: (0, 1), (2, 3)." in caplog.text
    caplog.clear()
    for options in (
        {"num_layers": 2},
        {"num_layers": 1, "entanglement": "none"},
        {"num_layers": 1, "control": "frozen"},
    ):
        train(style(num_qubits=2 + 2 * (options["num_layers"] == 2), **options))
    assert "groups" not in caplog.text
