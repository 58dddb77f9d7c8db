"""The numbers of fitted objects by path."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from ostinato.evaluate.fitted_state import fitted_state


@dataclass(frozen=True)
class Scale:
    offset: float
    name: str


class Fitted:
    def __init__(self):
        self.h = 3
        self.scales_ = {"a": Scale(2.0, "a")}
        self.network_ = torch.nn.Linear(1, 1, bias=False)
        self.frame_ = pd.DataFrame({"y": [1.0]})
        self.index_ = np.array([1, 2])


def test_numbers_of_containers_dataclasses_and_networks_are_found_by_path():
    fitted = Fitted()
    state = fitted_state(fitted)
    assert state["scales_['a'].offset"].tolist() == [2.0]
    assert state["index_"].tolist() == [1.0, 2.0]
    assert state["network_.weight"].tolist() == [fitted.network_.weight.item()]
    assert set(state) == {"scales_['a'].offset", "index_", "network_.weight"}


def test_an_object_that_holds_itself_ends():
    fitted = Fitted()
    fitted.self_ = fitted
    assert "self_.h" in fitted_state(fitted)
