"""The generator: learning, writing, judging, saving; and what it says of input that it cannot use."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest

from ostinato.errors import ConfigError, DataError, ModelFileError
from ostinato.tasks.generate.generator import SequenceGenerator
from ostinato.tasks.model_file import load

TEXT = "one two three, one two three.\n" * 60
NAMES = ["anna", "hannah", "bob", "bobby"] * 20
KINDS = ["f", "f", "m", "m"] * 20


def tiny(**changed):
    settings = {"hidden_size": 16, "num_layers": 1, "epochs": 1, "dropout": 0.0, "random_state": 0}
    return SequenceGenerator(**{**settings, **changed})


@pytest.fixture(scope="module")
def writer():
    return tiny().fit(TEXT)


@pytest.fixture(scope="module")
def namer():
    return tiny(cell="gru", num_layers=2).fit(NAMES, KINDS)


def test_training_lowers_the_loss_below_chance():
    generator = tiny(epochs=6, hidden_size=32).fit(TEXT)
    assert generator.history_["validation"][-1] < math.log(len(set(TEXT)))


def test_the_score_is_the_mean_of_the_log_probabilities(writer):
    (each,) = writer.log_probabilities(TEXT[:301])
    assert each.shape == (300,)
    assert writer.score(TEXT[:301]) == pytest.approx(each.mean())
    assert writer.perplexity(TEXT[:301]) == pytest.approx(math.exp(-each.mean()))


def test_log_probabilities_equal_the_scores_of_single_steps(writer):
    text = TEXT[:40]
    stream = writer.stream(text[0], length=0)
    stepper, numbers = stream._stepper, writer.tokenizer_.encode(text)
    stepper.state[0][:] = 0
    stepper.state[1][:] = 0
    expected = []
    for token, following in itertools.pairwise(numbers):
        scores = stepper.step(token).astype(np.float64)
        expected.append(scores[following] - np.logaddexp.reduce(scores))
    assert writer.log_probabilities(text)[0] == pytest.approx(expected, abs=1e-4)


def test_log_probabilities_of_sequences_come_in_the_order_given(namer):
    together = namer.log_probabilities(["hannah", "bob", "", "anna"], ["f", "m", "m", "f"])
    assert [len(part) for part in together] == [7, 4, 1, 5]
    for name, kind, part in zip(["hannah", "bob", "", "anna"], "fmmf", together, strict=True):
        assert namer.log_probabilities([name], [kind])[0] == pytest.approx(part, abs=1e-5)


def test_the_same_seed_writes_the_same_and_another_differs(writer):
    first = writer.sample(prompt="one", length=30, seed=1)
    assert first == writer.sample(prompt="one", length=30, seed=1)
    assert first != writer.sample(prompt="one", length=30, seed=2)
    assert first.startswith("one")
    assert len(first) == 33


def test_several_texts_differ_and_the_first_is_the_one_alone(writer):
    several = writer.sample(3, length=20, seed=1)
    assert len(set(several)) == 3
    assert several[0] == writer.sample(length=20, seed=1)


def test_temperature_zero_writes_the_likeliest_whatever_the_seed(writer):
    assert writer.sample(length=20, temperature=0, seed=1) == writer.sample(length=20, temperature=0, seed=2)


def test_a_stream_gives_what_a_sample_gives(writer):
    pieces = list(writer.stream("one", length=25, seed=4, top_k=3))
    assert "one" + "".join(pieces) == writer.sample(prompt="one", length=25, seed=4, top_k=3)


def test_a_stream_has_no_end_of_its_own(writer):
    assert len(list(itertools.islice(writer.stream(seed=0), 700))) == 700


def test_a_stream_saved_in_the_middle_goes_on_identically(writer, tmp_path):
    stream = writer.stream("one", length=40, seed=7, top_p=0.9, temperature=0.8)
    for _ in range(15):
        next(stream)
    stream.save(tmp_path / "middle.zip")
    writer.save(tmp_path / "model")
    rest = "".join(stream)
    assert "".join(writer.resume(tmp_path / "middle.zip")) == rest
    assert "".join(load(tmp_path / "model").resume(tmp_path / "middle.zip")) == rest
    assert len(rest) == 25


def test_a_stream_for_a_condition_is_saved_with_it(namer, tmp_path):
    stream = namer.stream(seed=3, condition="m", length=9)
    next(stream, "")
    stream.save(tmp_path / "middle")
    assert "".join(stream) == "".join(namer.resume(tmp_path / "middle"))


def test_a_stream_of_another_generator_is_refused(writer, namer, tmp_path):
    writer.stream(length=3).save(tmp_path / "middle")
    writer.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="was begun by another generator; load the one that began it"):
        namer.resume(tmp_path / "middle")
    with pytest.raises(ModelFileError, match="is not the saved state of a text; give what"):
        writer.resume(tmp_path / "model")


def test_a_rarer_cell_is_trained_saved_and_continued(tmp_path):
    generator = tiny(cell="mingru").fit(NAMES, KINDS)
    stream = generator.stream(seed=1, condition="f", length=8)
    next(stream, "")
    stream.save(tmp_path / "state")
    generator.save(tmp_path / "model")
    assert "".join(load(tmp_path / "model").resume(tmp_path / "state")) == "".join(stream)


def test_sequences_end_and_special_tokens_are_never_written(namer):
    names = namer.sample(30, condition="f", seed=0, length=200)
    assert not any("<" in name for name in names)
    assert min(map(len, names)) < 200


def test_conditions_are_learned():
    generator = tiny(epochs=12, hidden_size=32, cell="gru").fit(NAMES * 4, KINDS * 4)
    female, male = (generator.score(["bob"] * 3, [kind] * 3) for kind in "fm")
    assert male > female + 0.2


def test_a_saved_generator_answers_the_same(writer, tmp_path):
    board = writer.leaderboard()
    writer.save(tmp_path / "model.zip")
    again = load(tmp_path / "model.zip")
    assert again.get_params() == writer.get_params()
    assert again.sample(prompt="two", length=30, seed=5) == writer.sample(prompt="two", length=30, seed=5)
    assert again.score(TEXT[:200]) == pytest.approx(writer.score(TEXT[:200]), rel=1e-6)
    assert again.leaderboard().equals(board)
    with pytest.raises(
        ConfigError, match="comes from a file, which holds no n-gram models; fit it again to compare"
    ):
        again.leaderboard(TEXT)


def test_writing_needs_no_torch(namer, tmp_path):
    namer.save(tmp_path / "model.zip")
    code = (
        "import sys; from ostinato.tasks.model_file import load; "
        f"print(load({str(tmp_path / 'model.zip')!r}).sample(condition='f', seed=0)); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip("\n") == namer.sample(condition="f", seed=0)


def test_the_leaderboard_has_the_network_and_n_grams(writer):
    board = writer.leaderboard()
    assert set(board["model"]) == {"LSTM", "3-gram", "5-gram", "7-gram"}
    assert board["nats"].is_monotonic_increasing
    assert board["perplexity"].to_numpy() == pytest.approx(np.exp(board["nats"]))
    assert board["bits_per_character"][0] == pytest.approx(board["nats"][0] / math.log(2), rel=0.02)


def test_the_comparison_is_one_sentence(namer):
    assert "the best baseline" in namer.compare().text
    assert namer.compare(NAMES[:20], KINDS[:20]).text.endswith("20 sequences).")


def test_words_are_joined_as_text():
    generator = tiny(kind="word").fit("It is, it isn't. " * 200)
    assert generator.tokenizer_.kind == "word"
    text = generator.sample(prompt="It is", length=12, seed=0)
    assert text.startswith("It is")
    assert " ," not in text


def test_words_share_the_weights_of_input_and_output():
    generator = tiny(kind="word").fit("a b c d e f " * 100)
    assert generator.network_.scores.weight is generator.network_.tokens.weight


def test_pieces_of_words_are_joined_as_text():
    pytest.importorskip("tokenizers")
    generator = tiny(kind="subword", max_size=40).fit(TEXT)
    text = generator.sample(prompt="one two", length=15, seed=0)
    assert text.startswith("one two")
    assert "▁" not in text


def test_unknown_characters_are_read_as_unknown(writer):
    assert writer.sample(prompt="Ωone", length=5, seed=0).startswith("Ωone")
    assert math.isfinite(writer.score("Ω two Ω"))


def test_an_interrupted_training_goes_on_to_the_same_result(tmp_path):
    whole = tiny(epochs=2).fit(TEXT)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny(epochs=2).fit(TEXT, checkpoint=tmp_path / "state", progress=stop)
    seen = []
    again = tiny(epochs=2).fit(
        TEXT, checkpoint=tmp_path / "state", progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(2, 2)]
    assert all(np.array_equal(again.weights_[name], weight) for name, weight in whole.weights_.items())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tiny().fit(""), "the text is empty; give at least two tokens"),
        (lambda: tiny().fit("abc"), "the text has 3 characters, too few to set a tenth apart for judging"),
        (lambda: tiny().fit([]), "there are no sequences; give at least one"),
        (
            lambda: tiny().fit(["a"]),
            "there is one sequence, and one must be set apart for judging; give more",
        ),
        (lambda: tiny().fit(["a", 3]), "sequence 1 is 3, not a text; leave it out or replace it by one"),
        (lambda: tiny().fit(["a", "b"], ["x"]), "there are 2 sequences and 1 conditions; give one for each"),
        (lambda: tiny().fit("text", ["x"]), "one long text has no conditions; give a list of sequences"),
        (
            lambda: tiny().fit(TEXT, validation=["a"]),
            "the validation data have another form than the training data",
        ),
        (
            lambda: tiny().fit(NAMES, KINDS, validation=(["a"], ["z"])),
            "the condition 'z' did not occur in training; use one of f, m",
        ),
    ],
)
def test_data_that_cannot_be_used_is_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "cnn"}, "cell is 'cnn'; use one of rnn, lstm, gru"),
        ({"dropout": 1.0}, "dropout is 1.0; it is a probability, so use 0 to below 1"),
        ({"kind": "byte"}, "the kind of tokens is 'byte'; use one of word, char, subword"),
        ({"random_state": -1}, "the seed is -1; use a whole number"),
        ({"epochs": 0}, "epochs is 0; use at least 1"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        tiny(**change).fit(TEXT)


def test_calls_that_cannot_be_answered_are_refused(writer, namer):
    for call, message in [
        (lambda: SequenceGenerator().sample(), "this SequenceGenerator is not fitted yet; call fit first"),
        (lambda: writer.sample(length=-1), "length is -1; use at least 0 tokens"),
        (lambda: writer.sample(-1), "n is -1; use at least 0 texts"),
        (
            lambda: writer.sample(condition="f"),
            "condition is 'f', but this generator was fitted without conditions",
        ),
        (lambda: namer.sample(), r"writes for a condition; name one with condition \(--condition\): f, m"),
        (lambda: namer.sample(condition="x"), "condition is 'x'; use one of f, m"),
        (lambda: writer.score(["a"]), "this generator learned from one long text; give a string to judge"),
        (lambda: namer.score("a"), "this generator learned from sequences; give a list of strings to judge"),
        (lambda: namer.score(["a"]), "this generator was fitted with conditions; give one for each sequence"),
    ]:
        with pytest.raises(ConfigError, match=message):
            call()
