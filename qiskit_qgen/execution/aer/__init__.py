"""All about Aer: its simulators behind primitives, noise models, and the execution that users see."""
