"""Measurements that anyone can repeat: ``make bench`` and ``python -m benchmarks.NAME``."""
