"""Statistical inference: intervals, clusters, resampling, ratios, ranks, sequential tests, isotonic fits."""
