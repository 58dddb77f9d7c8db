"""The cells that `--cell` takes: those of `ostinato.nn.LAYERS`, named here so that `--help` needs no torch."""

CELL_NAMES = (
    *("lstm", "gru", "rnn"),
    *("lnlstm", "lngru", "zoneout", "peephole", "slstm", "mingru", "minlstm", "grud"),
)
