"""``python -m qiskit_qgen``: the command line, where ``qgen`` is not on the path."""

from qiskit_qgen.cli import main

main()
