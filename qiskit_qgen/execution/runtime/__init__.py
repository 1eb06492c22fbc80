"""All about IBM devices and their fake twins: primitives with mitigation, a cost limit and a ledger of jobs."""
