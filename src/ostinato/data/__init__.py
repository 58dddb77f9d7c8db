"""Files and frames to series on a regular grid, and series to batches."""
