"""Forecasts kept up to date in constant time and memory, value by value."""
