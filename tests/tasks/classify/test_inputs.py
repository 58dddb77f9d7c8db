import wave
from pathlib import Path

import numpy as np
import pytest

from ostinato import SequenceClassifier
from ostinato.data.audio import deltas, log_mel
from ostinato.errors import ConfigError, DataError
from ostinato.tasks.classify.inputs import INPUTS, SpeechInput, TextInput, fit_input, kind_of, speech_features


def tone(path, frequency, *, rate=8000, seconds=0.2, channels=1):
    samples = 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(np.repeat((samples * 2**15).astype("<i2"), channels).tobytes())
    return str(path)


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    frequencies = [300 + 10 * number for number in range(8)] + [2000 + 50 * number for number in range(8)]
    paths = [tone(folder / f"{number}.wav", frequency) for number, frequency in enumerate(frequencies)]
    return paths, ["low"] * 8 + ["high"] * 8


def test_kinds_are_told_apart(tones):
    assert kind_of(["a text"]) == "text"
    assert kind_of([[1.0, 2.0], np.ones((3, 2))]) == "series"
    assert kind_of(tones[0]) == "speech"
    assert kind_of([Path(tones[0][0])]) == "speech"
    assert kind_of([tones[0][0], "a text"]) == "text"
    assert kind_of(["none.wav", "a text"]) == "text"


def test_a_missing_recording_makes_no_texts_of_the_others(tones):
    with pytest.raises(DataError, match=r"there is no recording 'none\.wav'; check the path"):
        kind_of([tones[0][0], "none.wav"])


def test_recordings_of_a_low_rate_have_fewer_bands(tmp_path):
    shown = SpeechInput.fit([tone(tmp_path / "a.wav", 500, rate=2000)])
    assert (shown.rate, shown.bands, shown.features) == (2000, 16, 32)


def test_a_rate_too_low_for_sounds_is_refused(tones):
    with pytest.raises(
        DataError, match="the sample rate is 100 a second, too low to tell sounds apart; set sample_rate"
    ):
        SpeechInput.fit(tones[0], 100)


def test_recordings_are_learned(tones):
    paths, labels = tones
    classifier = SequenceClassifier(
        members=1, epochs=15, hidden_size=16, learning_rate=1e-2, random_state=0
    ).fit(paths, labels)
    assert classifier.kind_ == "speech"
    assert classifier.score(paths, labels) == 1.0


def test_other_rates_and_stereo_are_brought_to_the_usual_form(tmp_path, tones):
    shown = SpeechInput.fit(tones[0])
    plain = shown.encode([tone(tmp_path / "a.wav", 500)])[0]
    for name, options in (("b.wav", {"rate": 16000}), ("c.wav", {"channels": 2})):
        (other,) = shown.encode([tone(tmp_path / name, 500, **options)])
        assert other.shape == plain.shape
        loud = plain[:, :40].mean(axis=0).argmax()
        assert other[:, :40].mean(axis=0).argmax() == loud


def test_the_usual_rate_is_taken_but_no_higher_than_needed(tmp_path):
    paths = [tone(tmp_path / f"{number}.wav", 500, rate=44100) for number in range(2)]
    assert SpeechInput.fit(paths).rate == 16000
    assert SpeechInput.fit(paths, 8000).rate == 8000


def test_speech_features_are__and_their_deltas():
    samples = np.random.default_rng(0).normal(0, 0.1, 4000)
    mel = log_mel(samples, 8000)
    mel = mel - mel.mean()
    expected = np.concatenate([mel, deltas(mel)], axis=1)
    assert np.allclose(speech_features(samples, 8000, 8000, 40), expected)


def test_loudness_does_not_matter():
    samples = np.random.default_rng(0).normal(0, 0.1, 4000)
    loud, soft = (speech_features(factor * samples, 8000, 8000, 40) for factor in (1.0, 0.5))
    assert np.allclose(loud, soft, atol=0.01)


def test_an_empty_recording_has_no_frames():
    assert speech_features(np.zeros(0), 8000, 8000, 40).shape == (0, 80)


def test_words_come_with_their_spelling():
    shown = TextInput.fit(["a film", "films"], "word")
    known, unknown = shown.encode(["film"])[0][0], shown.encode(["filmed"])[0][0]
    assert unknown[0] == 1
    assert set(known[1:]) & set(unknown[1:]) - {0}


def test_long_texts_are_cut():
    shown = TextInput.fit(["word"], "word")
    assert len(shown.encode(["word " * 1000])[0]) == 400 == len(shown.steps("word " * 1000))


@pytest.mark.parametrize("kind", ["text", "series", "speech"])
def test_inputs_survive_json(kind, tones):
    data = {"text": ["a film", "b"], "series": [np.arange(4.0), np.ones(3)], "speech": tones[0][:2]}[kind]
    shown = fit_input(data, kind, tokens="word", sample_rate=None)
    again = INPUTS[kind].from_dict(shown.to_dict())
    assert all(
        np.array_equal(one, other) for one, other in zip(shown.encode(data), again.encode(data), strict=True)
    )


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="kind is 'smell'"):
        fit_input(["a"], "smell", tokens="word", sample_rate=None)


def test_what_is_no_path_is_refused(tones):
    with pytest.raises(DataError, match="sequence 0 is no path"):
        SpeechInput.fit(tones[0][:2]).encode([np.ones(3)])
