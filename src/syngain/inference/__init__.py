"""Statistical inference: intervals, resampling, ranks, sequential tests."""
