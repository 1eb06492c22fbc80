"""A peer in an environment of its own, driven over a pipe: ``.venv-tfq/bin/python benchmarks/peer_worker.py tfq``.

Reads pickles from the standard input and writes pickles to the standard output. First it is given the workload in plain
numbers and answers with nothing, or with the reason why it cannot run it. After that it answers
each pair of angles and cotangent with values and gradient. What is compiled or converted is so at the first call.
"""

import functools
import os
import pickle
import sys

import numpy as np


def tfq(work):
    """Return the workload on TensorFlow Quantum: a batch of programs, differentiated by its adjoint method."""
    import cirq
    import sympy

    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"]
    import tensorflow as tf
    import tensorflow_quantum as quantum

    qubits = cirq.GridQubit.rect(1, work["num_qubits"])
    names = [f"angle{number}" for number in range(work["num_angles"])]
    rotations = {
        "rx": lambda angle, q: cirq.rx(angle)(q),
        "ry": lambda angle, q: cirq.ry(angle)(q),
        "rz": lambda angle, q: cirq.rz(angle)(q),
        "cry": lambda angle, control, q: cirq.ry(angle)(q).controlled_by(control),
    }
    circuit = cirq.Circuit()
    for name, places, angle in work["gates"]:
        on = [qubits[q] for q in places]
        circuit.append(cirq.CNOT(*on) if angle is None else rotations[name](sympy.Symbol(names[angle]), *on))
    paulis = {"X": cirq.X, "Y": cirq.Y, "Z": cirq.Z}
    operators = [
        sum(
            (cirq.PauliString(factor, *(paulis[letter](qubits[q]) for letter, q in word)) for factor, word in terms),
            cirq.PauliSum(),
        )
        for terms in work["observables"]
    ]
    program, sums = quantum.convert_to_tensor([circuit]), quantum.convert_to_tensor([operators])
    expectation = quantum.differentiators.Adjoint().generate_differentiable_op(analytic_op=quantum.get_expectation_op())

    @functools.cache
    def compiled(batch):
        programs, operators, symbols = tf.tile(program, [batch]), tf.tile(sums, [batch, 1]), tf.constant(names)

        @tf.function
        def function(angles, cotangent):
            with tf.GradientTape() as tape:
                tape.watch(angles)
                values = expectation(programs, symbols, angles, operators)
            return values, tape.gradient(values, angles, output_gradients=cotangent)

        return function

    def run(angles, cotangent):
        arrays = (tf.constant(array.astype(np.float32)) for array in (angles, cotangent))
        return [tensor.numpy() for tensor in compiled(len(angles))(*arrays)]

    return run


def catalyst(work):
    """Return the workload on Catalyst: a compiled loop over the samples on lightning.qubit.

    The adjoint gradient is that of one observable, the sum of all with the cotangent as factors: with one for each of
    the observables, it takes more than ten times as long.
    """
    import catalyst as compiler
    import jax
    import jax.numpy as jnp
    import pennylane as qml

    jax.config.update("jax_enable_x64", True)
    gates = {"rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "cry": qml.CRY}
    paulis = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}
    device = qml.device("lightning.qubit", wires=work["num_qubits"])
    words = [
        [qml.prod(*(paulis[letter](q) for letter, q in word)) if len(word) > 1 else paulis[word[0][0]](word[0][1])
         for _, word in terms]
        for terms in work["observables"]
    ]  # fmt: skip
    factors = [np.array([factor for factor, _ in terms]) for terms in work["observables"]]

    def prepare(angles):
        for name, places, angle in work["gates"]:
            if angle is None:
                qml.CNOT(wires=places)
            else:
                gates[name](angles[angle], wires=places)

    @qml.qnode(device)
    def expectations(angles):
        prepare(angles)
        return [
            qml.expval(each[0] if len(each) == 1 and factor == 1 else qml.Hamiltonian(factor, each))
            for factor, each in zip(factors, words, strict=True)
        ]

    @qml.qnode(device, diff_method="adjoint")
    def loss(angles, cotangent):
        prepare(angles)
        weights = jnp.concatenate([cotangent[number] * factor for number, factor in enumerate(factors)])
        return qml.expval(qml.Hamiltonian(weights, [word for each in words for word in each]))

    @compiler.qjit
    def compiled(angles, cotangents):
        @compiler.for_loop(0, len(angles), 1)
        def each(sample, values, gradient):
            found = jnp.stack(expectations(angles[sample]))
            slope = compiler.grad(loss, argnums=0)(angles[sample], cotangents[sample])
            return values.at[sample].set(found), gradient.at[sample].set(slope)

        return each(jnp.zeros(cotangents.shape), jnp.zeros(angles.shape))

    def run(angles, cotangent):
        return [np.asarray(array) for array in compiled(angles.astype(float), cotangent.astype(float))]

    return run


def main(name):
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer

    def answer(what):
        pickle.dump(what, answers)
        answers.flush()

    work = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process that started this one
    try:
        run = {"tfq": tfq, "catalyst": catalyst}[name](work)
    except (NotImplementedError, TypeError, ValueError) as error:
        answer({"reason": str(error)})
        return
    answer(None)
    while True:
        try:
            arrays = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            return
        try:
            answer(tuple(run(*arrays)))
        except Exception as error:  # told to whoever asked
            answer({"reason": f"{type(error).__name__}: {error}"})
            return


if __name__ == "__main__":
    main(sys.argv[1])
