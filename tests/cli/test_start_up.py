"""What commands import before they work or refuse. Modules are counted, since seconds depend on the machine."""

import subprocess
import sys

import pytest

RUN = """if True:
    import sys
    sys.argv = ["qgen", *sys.argv[1:]]
    from qiskit_qgen.cli import main
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    names = ("torch", "torch._dynamo", "sympy", "numba", "matplotlib", "qiskit_aer", "qiskit_ibm_runtime")
    print(code, [name for name in names if name in sys.modules])
"""


def imported(*arguments):
    """Run ``qgen`` in a process of its own; return its exit code and the slow libraries that it imported."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "absent.toml"],
        ["study", "capacity", "absent.toml"],
        ["sample", "absent"],
        ["sample", ".", "-o", "samples.txt"],
        ["evaluate", "absent", "--data", "digits"],
        ["compare", "absent", "--execution", "local", "--data", "digits"],
        ["cost", "absent", "--execution", "local", "-n", "4"],
        ["report", "absent"],
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)
def test_what_can_be_refused_at_once_is_refused_before_torch_is_imported(arguments):
    assert imported(*arguments) == "2 []"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"]])
def test_help_and_version_import_nothing_slow(arguments):
    assert imported(*arguments) == "0 []"


def test_sampling_imports_what_it_needs_alone(model_dir, tmp_path):
    out = tmp_path / "samples.npy"
    assert imported("sample", model_dir, "-n", 2, "-o", out) == "0 ['torch', 'numba']"
    assert out.is_file()
