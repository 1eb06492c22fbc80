"""The numeric hearts of the scores: pure functions of feature tensors, without state and without networks."""
