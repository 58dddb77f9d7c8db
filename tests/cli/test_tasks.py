import argparse

import pandas as pd
import pytest

from ostinato.cli import tasks
from ostinato.errors import ConfigError


def parse(*words):
    parser = argparse.ArgumentParser()
    tasks.add_data_options(parser, what="texts")
    tasks.add_training_options(parser)
    tasks.add_output_options(parser)
    return parser.parse_args(words)


def test_only_options_that_were_given_reach_the_estimator():
    assert tasks.given(parse("a.csv", "--cell", "gru"), "cell", "epochs") == {"cell": "gru"}


@pytest.mark.parametrize(
    ("words", "folder"),
    [(["data/a.tar.gz"], "ostinato-a"), (["-"], "ostinato-stdin"), (["a.csv", "--out", "there"], "there")],
)
def test_results_go_to_a_folder_named_after_the_file(words, folder):
    assert str(tasks.output_folder(parse(*words))) == folder


def test_training_options_are_refused_beside_a_model():
    with pytest.raises(ConfigError, match="--epochs came with --model, which is trained already"):
        tasks.refuse_with_model(parse("a.csv", "--model", "m", "--epochs", "3"), "cell", "epochs")


def test_files_that_were_not_given_are_not_read():
    read = parse("train.csv", "--test", "test.csv")
    assert tasks.read_all(read, str.upper) == ("TRAIN.CSV", None, "TEST.CSV")


def test_columns_of_a_table_are_aligned_and_unknown_numbers_are_dashes():
    frame = pd.DataFrame({"model": ["BiGRU", "Majority"], "log_loss": [0.5, float("nan")]})
    assert tasks.table_lines(frame, {"log_loss": ".2f"}) == [
        "model     log loss",
        "BiGRU         0.50",
        "Majority         -",
    ]
