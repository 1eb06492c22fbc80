"""The errors of this package are caught as those of the packages whose classes it replaces."""

import pickle

import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit_machine_learning.exceptions import QiskitMachineLearningError

from qiskit_qgen import exceptions
from qiskit_qgen.layers import QuantumLayer
from qiskit_qgen.primitives import BatchedStatevectorSampler

EVERY = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Exception)]
OURS = [each for each in EVERY if each.__module__ == exceptions.__name__]


@pytest.mark.parametrize("kind", OURS)
def test_each_is_an_error_of_qiskit_with_a_plain_message(kind):
    error = kind("It's `so`, but is not.")
    assert isinstance(error, exceptions.QGenError)
    assert isinstance(error, QiskitMachineLearningError)
    assert str(error) == error.message == "It's `so`, but is not."
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again)) == (kind, str(error))


def test_the_builtin_base_is_kept():
    assert len(OURS) == 11
    assert issubclass(exceptions.ArgumentError, ValueError)
    assert issubclass(exceptions.ArgumentTypeError, TypeError)
    assert issubclass(exceptions.ExecutionError, RuntimeError)


def test_what_callers_of_qml_and_qiskit_catch():
    circuit = QuantumCircuit(1, 1)
    with pytest.raises(QiskitMachineLearningError):
        QuantumLayer(circuit)(torch.zeros(2, 3))
    with circuit.for_loop(range(2)):
        circuit.h(0)
    circuit.measure(0, 0)
    with pytest.raises(QiskitError):
        BatchedStatevectorSampler().run([circuit]).result()
