from ostinato.cli.cells import CELL_NAMES
from ostinato.nn import LAYERS


def test_the_command_line_takes_every_cell():
    assert sorted(CELL_NAMES) == sorted(LAYERS)
