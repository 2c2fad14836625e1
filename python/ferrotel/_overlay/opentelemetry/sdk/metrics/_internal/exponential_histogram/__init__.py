"""The buckets of exponential histograms."""
