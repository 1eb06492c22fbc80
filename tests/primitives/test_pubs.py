import math

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.primitives.pubs import distinct_observables, operator_of, rows_of, shots_of_precision, values_of


def test_the_precision_of_a_number_of_shots_gives_this_number():
    numbers = [*range(1, 20_001), *np.unique(np.logspace(4, 12, 2000).astype(np.int64)).tolist()]
    for precision in (lambda n: 1 / math.sqrt(n), lambda n: n**-0.5, lambda n: math.sqrt(1 / n)):
        assert [shots_of_precision(precision(n)) for n in numbers] == numbers


@pytest.mark.parametrize(("precision", "shots"), [(0.1, 100), (0.3, 12), (0.0999, 101), (0.5, 4), (1.0, 1), (7.0, 1)])
def test_shots_are_the_fewest_that_reach_a_precision(precision, shots):
    assert shots_of_precision(precision) == shots


def test_rows_are_in_the_order_of_the_parameters():
    circuit = real_amplitudes(2, reps=1)
    values = np.arange(24.0).reshape(2, 3, 4)
    pub = EstimatorPub.coerce((circuit, "ZZ", {tuple(circuit.parameters): values}))
    np.testing.assert_array_equal(values_of(pub), values)
    np.testing.assert_array_equal(rows_of(pub), values.reshape(6, 4))
    assert rows_of(EstimatorPub.coerce((QuantumCircuit(2), "ZZ"))).shape == (1, 0)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ArgumentError, match=r"^Argument `pubs` must hold finite parameter values, but holds NaN "):
        rows_of(EstimatorPub.coerce((real_amplitudes(2, reps=1), "ZZ", [0.0, 1.0, np.nan, 2.0])))


def test_observables_are_told_apart_by_their_terms():
    pub = EstimatorPub.coerce((QuantumCircuit(2), [["ZZ", {"XI": 2.0, "IZ": 1.0}], [{"IZ": 1.0, "XI": 2.0}, "0I"]]))
    terms, column = distinct_observables(pub)
    assert column.tolist() == [[0, 1], [1, 2]]
    assert terms == ((("ZZ", 1.0),), (("IZ", 1.0), ("XI", 2.0)), (("0I", 1.0),))
    projector = operator_of(terms[2], 2).simplify()
    assert dict(projector.to_list()) == {"II": 0.5, "ZI": 0.5}
