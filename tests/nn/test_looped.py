import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from ostinato.errors import ConfigError
from ostinato.nn import GRUD, SLSTM, ZoneoutLSTM

NAN = float("nan")


def test_missing_values_of_a_grud_fade_from_the_last_one_to_zero():
    layer = GRUD(1, 4, batch_first=True)
    torch.nn.init.ones_(layer.decay_x_l0)
    torch.nn.init.zeros_(layer.bias_x_l0)
    _, state = layer(torch.tensor([[[2.0]]]))
    missing = layer(torch.tensor([[[NAN]]]), state)[0]
    assert not torch.equal(
        missing, layer(torch.tensor([[[2.0 * 0.36787944]]]), state)[0]
    )  # the mask is an input too
    layer.weight_ih_l0.data[:, 1] = 0  # but where it weighs nothing, the faded value is all there is
    missing = layer(torch.tensor([[[NAN]]]), state)[0]
    torch.testing.assert_close(missing, layer(torch.tensor([[[2.0 * 0.36787944]]]), state)[0])  # 2 / e


def test_gaps_of_one_are_the_default():
    layer = GRUD(2, 4, num_layers=2, bidirectional=True)
    inputs = torch.randn(5, 3, 2)
    assert torch.equal(layer(inputs)[0], layer(inputs, gaps=torch.ones(5, 3))[0])
    assert not torch.equal(layer(inputs)[0], layer(inputs, gaps=torch.full((5, 3), 9.0))[0])


def test_the_time_since_a_value_adds_up_the_gaps():
    layer = GRUD(1, 2, batch_first=True)
    _, (_, last, since) = layer(torch.tensor([[[1.0], [NAN], [NAN]]]), gaps=torch.tensor([[1.0, 0.5, 2.0]]))
    assert (last.item(), since.item()) == (1.0, 2.5)


def test_gradients_of_a_grud_are_those_of_finite_differences_where_values_are_missing():
    torch.manual_seed(0)
    layer = GRUD(2, 3, batch_first=True, dtype=torch.float64)
    inputs = torch.randn(2, 4, 2, dtype=torch.float64)
    inputs[0, 1, 0] = inputs[1, 2:, 1] = NAN
    gaps = torch.rand(2, 4, dtype=torch.float64)
    names = [name for name, _ in layer.named_parameters()]

    def run(*weights):
        return torch.func.functional_call(
            layer, dict(zip(names, weights, strict=True)), (inputs, None, None, gaps)
        )[0]

    assert torch.autograd.gradcheck(run, tuple(layer.parameters()), fast_mode=True)


@pytest.mark.parametrize("gaps", [torch.ones(5), torch.ones(3, 5)])
def test_gaps_of_another_shape_are_refused(gaps):
    with pytest.raises(ConfigError, match="give one number for each step of a padded input"):
        GRUD(2, 4)(torch.zeros(5, 3, 2), gaps=gaps)


def test_gaps_beside_a_packed_sequence_are_refused():
    with pytest.raises(ConfigError, match="give one number for each step of a padded input"):
        GRUD(1, 4)(pack_sequence([torch.zeros(3, 1)]), gaps=torch.ones(3, 1))


def test_a_stack_of_a_layer_and_of_layers_as_wide_as_its_input_with_gaps_tells_them_apart():
    layer = GRUD(3, 4, num_layers=2)  # the second layer's input is as wide as the first one's with a gap
    inputs = torch.randn(5, 2, 3)
    assert torch.equal(layer(inputs)[0], layer(inputs, gaps=torch.ones(5, 2))[0])


def test_the_rates_of_zoneout_are_taken():
    torch.manual_seed(0)
    layer = ZoneoutLSTM(1, 3, zoneout_h=0.0, zoneout_c=0.0)
    inputs = torch.randn(5, 2, 1)
    assert torch.equal(layer.train()(inputs)[0], layer.eval()(inputs)[0])


def test_an_slstm_can_revise_what_it_stored():
    layer = SLSTM(1, 1, batch_first=True, bias=False)
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
        layer.weight_ih_l0.copy_(
            torch.tensor([[30.0], [50.0], [1.0], [50.0]])
        )  # i grows with x; z is tanh(x)
    inputs = torch.cat([torch.full((1, 50, 1), 1.0), torch.full((1, 1, 1), 2.0)], dim=1)
    outputs, _ = layer(inputs)
    before, after = outputs[0, -2:, 0].tolist()
    assert before == pytest.approx(torch.tanh(torch.tensor(1.0)).item(), abs=1e-5)
    assert after == pytest.approx(
        torch.tanh(torch.tensor(2.0)).item(), abs=1e-5
    )  # fifty steps outweighed by one
