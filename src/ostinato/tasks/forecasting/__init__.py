"""Forecasting: recipes, the Forecaster, its backtest and the job behind `ostinato forecast`."""
