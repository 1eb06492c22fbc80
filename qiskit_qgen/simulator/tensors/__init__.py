"""Programs in batched torch operations: any device, and derivatives of any order."""
