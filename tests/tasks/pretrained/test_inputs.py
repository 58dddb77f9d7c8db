import numpy as np
import pytest

from ostinato.synthetic import generate
from ostinato.tasks.pretrained import inputs as pretrained_inputs
from ostinato.tasks.pretrained import scaling as pretrained_scaling

STEPS = np.arange(1, 13)


def built(history, season=1, patches=16):
    past = pretrained_scaling.prepare(history, season)
    return past, pretrained_inputs.build(history, past, STEPS, patches)


@pytest.mark.parametrize(("length", "patches"), [(1, 8), (32, 8), (33, 16), (65, 20), (193, 30), (9999, 30)])
def test_longer_histories_are_read_in_more_patches(length, patches):
    assert pretrained_inputs.patches_for(length) == patches


@pytest.mark.parametrize("season", [1, 12])
@pytest.mark.parametrize("patches", [8, 16, 20, 30])
def test_inputs_have_their_shapes_and_are_finite(season, patches):
    history = generate(20, 200, season_length=12, seed=0)
    _, inputs = built(history, season, patches)
    assert inputs.patches.shape == (20, patches, pretrained_inputs.PATCH_WIDTH)
    assert inputs.statistics.shape == (20, pretrained_inputs.STATISTICS)
    assert inputs.steps.shape == (20, 12, pretrained_inputs.STEP_WIDTH)
    assert inputs.experts.shape == (20, 12, pretrained_inputs.EXPERTS)
    for array in (inputs.patches, inputs.statistics, inputs.steps, inputs.experts):
        assert np.isfinite(array).all()
        assert array.dtype == np.float32


def test_the_last_patch_holds_the_last_four_values():
    history = np.random.default_rng(0).standard_normal((1, 64)).astype(np.float32)
    past, inputs = built(history)
    expected = 0.5 * np.arcsinh((history[0, -4:] - history[0, -1]) / past.unit[0])
    np.testing.assert_allclose(inputs.patches[0, -1, :4], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(inputs.patches[0, -1, 8:12], 1)


def test_missing_values_and_padding_are_masked():
    history = np.full((1, 64), np.nan, dtype=np.float32)
    history[0, -6:] = [-1, 2, 3, np.nan, 5, 6]
    _, inputs = built(history)
    np.testing.assert_array_equal(inputs.patches[0, -1, 8:12], [1, 0, 1, 1])
    np.testing.assert_array_equal(inputs.patches[0, -2, 8:12], [0, 0, 1, 1])
    assert not inputs.patches[0, :-2].any()


def test_coarse_patches_hold_means_of_eight_and_a_flag():
    history = np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32)
    past, inputs = built(history, patches=30)
    squashed = 0.5 * np.arcsinh((history[0] - history[0, -1]) / past.unit[0])
    expected = squashed[448 - 32 : 448].reshape(4, 8).mean(axis=1)
    np.testing.assert_allclose(inputs.patches[0, 13, :4], expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(inputs.patches[0, :, 12], np.arange(30) < 14)


def test_inputs_do_not_depend_on_the_unit_of_measurement():
    history = generate(30, 60, season_length=4, seed=3, augmented=False)
    history = history[history.min(axis=1) > 0]
    _, inputs = built(history, 4)
    _, scaled = built(history * 32, 4)
    np.testing.assert_allclose(scaled.patches, inputs.patches, atol=5e-3)
    np.testing.assert_allclose(scaled.steps, inputs.steps, atol=5e-2)


def trial(history, season=1, patches=8):
    _, inputs = built(history, season, patches)
    return inputs.statistics[:, -pretrained_inputs.EXPERTS :]


def test_the_trial_holds_the_errors_of_naive_forecasts_of_the_last_steps():
    history = np.random.default_rng(0).standard_normal((6, 30)).cumsum(axis=1).astype(np.float32) - 50
    past, _ = built(history)
    missed = np.abs(history[:, -4:] - history[:, -5:-4]).mean(axis=1) / past.unit
    np.testing.assert_allclose(trial(history)[:, 0], np.log(missed + 0.05) / 2, rtol=1e-3, atol=1e-4)


def test_the_trial_leaves_missing_values_out():
    history = np.random.default_rng(0).standard_normal((6, 30)).cumsum(axis=1).astype(np.float32) - 50
    history[:, -2] = np.nan
    past, _ = built(history)
    missed = np.abs(history[:, [-4, -3, -1]] - history[:, -5:-4]).mean(axis=1) / past.unit
    np.testing.assert_allclose(trial(history)[:, 0], np.log(missed + 0.05) / 2, rtol=1e-3, atol=1e-4)


def test_a_past_too_short_for_a_trial_has_zeros():
    assert not trial(np.arange(7, dtype=np.float32)[None]).any()


def test_more_padding_before_the_start_changes_no_input():
    history = np.random.default_rng(1).standard_normal((5, 20)).cumsum(axis=1).astype(np.float32)
    padded = np.concatenate([np.full((5, 12), np.nan, dtype=np.float32), history], axis=1)
    _, narrow = built(history, 4, 8)
    _, wide = built(padded, 4, 8)
    np.testing.assert_allclose(wide.statistics, narrow.statistics, atol=2e-3)
    np.testing.assert_allclose(wide.patches, narrow.patches, atol=1e-4)
    np.testing.assert_allclose(wide.steps, narrow.steps, atol=2e-3)
