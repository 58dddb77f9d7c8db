import json

import pytest

from ostinato.errors import ModelFileError
from ostinato.train.history import History, Sighting


def test_a_history_comes_back_from_json_as_it_was():
    seen = Sighting(1, 40, 2.5, 0.001, 7, {"recurrent.l0": [1.0, 0.5]})
    history = History(train=[1.0, 0.5], learning_rate=[0.1, 0.1], best_epoch=1, sightings=[seen])
    assert History.from_dict(json.loads(json.dumps(history.to_dict()))) == history


def test_a_history_with_other_parts_is_refused():
    saved = History().to_dict()
    del saved["train"]
    with pytest.raises(ModelFileError, match=r"a saved history has the parts best_epoch, .*, not best_epoch"):
        History.from_dict(saved)


def test_validation_judges_where_there_is_one():
    assert History(train=[3.0]).judged == [3.0]
    assert History(train=[3.0], validation=[2.0]).judged == [2.0]
