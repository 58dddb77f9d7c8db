"""Plots the synthetic families: python pretraining/plot_families.py docs/synthetic.png."""

import sys

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from ostinato.synthetic import FAMILIES

COLUMNS = 4
LENGTH = 144


def main(path: str) -> None:
    """Plots four series of every family, twelve steps a season, and saves the picture."""
    figure, axes = plt.subplots(len(FAMILIES), COLUMNS, figsize=(11, 1.15 * len(FAMILIES)))
    for row, (name, family) in zip(axes, FAMILIES.items(), strict=True):
        series = family(12, LENGTH, season_length=12, rng=np.random.default_rng(7))
        for axis, values in zip(row, series[:: 12 // COLUMNS], strict=True):
            axis.plot(values, linewidth=0.7, color="#30567d")
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name.replace("_", "\n", 1), rotation=0, ha="right", va="center", fontsize=8)
    figure.tight_layout(pad=0.4)
    figure.savefig(path, dpi=80, bbox_inches="tight")


if __name__ == "__main__":
    main(sys.argv[1])
