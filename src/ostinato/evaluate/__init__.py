"""Judging forecasts: metrics, baselines, the rolling origin, the verdict, and intervals."""
