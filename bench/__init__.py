"""Benchmarks (성능 측정): ``./dev bench NAME``; every figure is measured in the same run as its peer's."""
