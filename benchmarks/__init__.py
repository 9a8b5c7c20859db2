"""What is timed. Each module runs by itself: ``python -m benchmarks.NAME``."""
