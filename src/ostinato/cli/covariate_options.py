"""Options for covariates of `ostinato forecast`."""

from __future__ import annotations

import argparse


def add_covariate_options(command: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    group = command.add_argument_group("covariates")
    group.add_argument(
        "--futr-cols", metavar="NAMES", help="columns known in advance, with commas; needs --futr"
    )
    group.add_argument("--futr", metavar="FILE", help="times (and series) to forecast, with those columns")
    group.add_argument("--hist-cols", metavar="NAMES", help="columns known up to now, with commas")
    group.add_argument(
        "--static", metavar="FILE", help="one row a series: numbers and categories that describe it"
    )
    group.add_argument("--calendar", metavar="NAMES", help="hour, weekday, monthday, yearday, with commas")
    group.add_argument("--holidays", metavar="DATES", help="dates unlike other days, with commas")
