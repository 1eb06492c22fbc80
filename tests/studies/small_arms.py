"""Studies of arms that take seconds: what their functions are given besides data and folder."""

PLACEMENT = {
    "labels": [0], "side": 8, "held_out": 20, "validation": 20, "sizes": [8, 30], "seeds": [0, 1], "steps": 2,
    "score_every": 1, "batch_size": 4, "num_samples": 20, "extractors": ["pixel"],
    "model": {"backbone": {"kind": "conv", "width": 4}, "generator_width": 16, "discriminator_width": 8},
}  # fmt: skip
LOW_DATA = {
    "labels": [3], "held_out": 40, "validation": 20, "steps": 2, "score_every": None, "batch_size": 4,
    "extractors": ["pixel"],
    "model": {"num_qubits": 2, "num_layers": 1, "architecture_width": 8, "num_steps": 20, "sampling_steps": 2},
}  # fmt: skip
