"""Programs on the CPU: vector kernels that sweep forward and back."""
