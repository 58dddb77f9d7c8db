import struct
import sys
import wave
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.audio import deltas, log_mel, mel_filters, read_recording, resample
from ostinato.errors import ConfigError, DataError

RATE = 8000


def tone(frequency, seconds=0.5, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def write(path, data, *, width=2, channels=1, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


@pytest.mark.parametrize(("width", "step"), [(1, 2**-7), (2, 2**-15), (3, 2**-23), (4, 2**-31)])
def test_whole_numbers_of_any_width_are_read(tmp_path, width, step):
    values = np.array([-1.0, -0.5, 0.0, 0.25, 1 - step])
    whole = np.round(values / step).astype(np.int64)
    if width == 1:
        data = (whole + 128).astype(np.uint8).tobytes()
    else:
        data = b"".join(int(value).to_bytes(width, "little", signed=True) for value in whole)
    recording = read_recording(write(tmp_path / "a.wav", data, width=width))
    assert np.allclose(recording.samples, values, atol=step / 2)
    assert recording.rate == RATE


def test_stereo_is_averaged(tmp_path):
    data = np.array([[100, 300], [-200, 0]], dtype="<i2").tobytes()
    recording = read_recording(write(tmp_path / "a.wav", data, channels=2))
    assert np.allclose(recording.samples * 2**15, [200, -100])
    assert recording.channels == 2


def test_an_empty_recording_has_no_samples(tmp_path):
    assert read_recording(write(tmp_path / "a.wav", b"")).seconds == 0


def test_a_recording_that_was_cut_off_is_refused(tmp_path):
    path = write(tmp_path / "a.wav", np.zeros(100, dtype="<i2").tobytes())
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match=r"a\.wav' has 150 bytes of samples and claims 200; it was cut off"):
        read_recording(path)


@pytest.mark.parametrize("content", [b"RIFF", b"RIFF\x10\x00\x00\x00WAVEfmt ", b"RIFFxxxxJUNKxxxx"])
def test_a_broken_header_is_refused(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.wav' is a (broken WAV file|WAV file that was cut off)"):
        read_recording(tmp_path / "a.wav")


@settings(max_examples=60)
@given(st.integers(0, 60), st.binary(min_size=1, max_size=4))
def test_a_mangled_header_is_read_or_refused_in_a_sentence(tmp_path_factory, place, bytes_):
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    content = bytearray(write(path, tone(440, 0.01).astype("<f4").tobytes()[:80]).read_bytes())
    content[place : place + len(bytes_)] = bytes_
    path.write_bytes(content)
    with suppress(DataError):  # any other error fails the test
        read_recording(path)


def test_numbers_of_more_bits_are_refused(tmp_path):
    content = bytearray(write(tmp_path / "a.wav", bytes(80)).read_bytes())
    content[32:36] = struct.pack("<HH", 5, 40)
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(DataError, match="has numbers of 40 bits"):
        read_recording(tmp_path / "a.wav")


def test_a_missing_recording_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_recording(tmp_path / "none.wav")


def test_floating_point_flac_and_ogg_are_read(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    samples = tone(440)
    for name, options, tolerance in (
        ("a.flac", {}, 1e-4),
        ("a.ogg", {}, 0.2),
        ("a.wav", {"subtype": "FLOAT"}, 1e-6),
    ):
        soundfile.write(tmp_path / name, samples, RATE, **options)
        recording = read_recording(tmp_path / name)
        assert recording.rate == RATE
        assert np.abs(recording.samples[200:3000] - samples[200:3000]).max() < tolerance


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    (tmp_path / "a.flac").write_bytes(b"fLaC")
    with pytest.raises(DataError, match=r"install ostinato\[audio\]"):
        read_recording(tmp_path / "a.flac")


def test_sound_that_is_none_is_refused(tmp_path):
    pytest.importorskip("soundfile")
    (tmp_path / "a.flac").write_bytes(struct.pack("<8i", *range(8)))
    with pytest.raises(DataError, match="broken or of an unknown kind"):
        read_recording(tmp_path / "a.flac")


@pytest.mark.parametrize("wanted", [4000, 11025, 16000, 22050])
def test_a_resampled_tone_is_the_tone_at_the_other_rate(wanted):
    made = resample(tone(700), RATE, wanted)
    true = 0.5 * np.sin(2 * np.pi * 700 * np.arange(len(made)) / wanted)
    inside = slice(len(made) // 10, -len(made) // 10)
    assert np.abs(made[inside] - true[inside]).max() < 1e-3


def test_frequencies_above_half_the_lower_rate_vanish():
    made = resample(tone(3000), RATE, 4000)
    assert np.abs(made[200:-200]).max() < 1e-3


def test_resampling_agrees_with_scipy():
    signal = pytest.importorskip("scipy.signal")
    samples = np.random.default_rng(0).normal(size=4000)
    smooth = np.convolve(samples, np.hanning(21) / 10, mode="same")  # nothing near the edge of the band
    ours, theirs = resample(smooth, 8000, 12000), signal.resample_poly(smooth, 3, 2, window=("kaiser", 9.0))
    assert np.abs(ours[300:-300] - theirs[300:-300]).max() < 0.01 * np.abs(ours).max()


def test_a_rate_below_one_is_refused():
    with pytest.raises(ConfigError, match="the sample rates are 8000 and 0"):
        resample(np.zeros(3), 8000, 0)


def test_log_mel_agrees_with_the_formula_written_out():
    samples, width, step, size = tone(500, 0.1) + 0.01 * np.arange(800) / 800, 200, 80, 256
    spectrum = []
    for start in range(0, len(samples) - width + 1, step):
        row = []
        for k in range(size // 2 + 1):
            total = sum(
                samples[start + n]
                * (0.5 - 0.5 * np.cos(2 * np.pi * n / width))
                * np.exp(-2j * np.pi * k * n / size)
                for n in range(width)
            )
            row.append(abs(total) ** 2 / (3 * width / 8))  # the sum of a squared Hann window
        spectrum.append(row)
    bands = mel_filters(RATE, size, 20)
    assert np.allclose(
        log_mel(samples, RATE, bands=20), np.log(np.array(spectrum) @ bands.T + 1e-6), atol=1e-6
    )


def test_a_tone_is_loudest_in_its_band():
    for frequency in (300, 1000, 2500):
        loudest = log_mel(tone(frequency), RATE).mean(axis=0).argmax()
        edges = np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 4000 / 700), 42)
        centre = 700 * (10 ** (edges[loudest + 1] / 2595) - 1)
        assert abs(centre - frequency) < 0.1 * frequency


def test_mel_triangles_are_even_on_the_mel_scale_and_reach_one():
    bands = mel_filters(16000, 4096, 30)
    centres = bands.argmax(axis=1) * 16000 / 4096
    mel = 2595 * np.log10(1 + centres / 700)
    assert np.allclose(np.diff(mel), np.diff(mel).mean(), rtol=0.05)
    assert bands.max() <= 1
    assert (bands.max(axis=1) > 0.9).all()


def test_a_recording_shorter_than_a_frame_has_one_frame():
    assert log_mel(np.ones(10), RATE).shape == (1, 40)


def test_too_many_bands_are_refused():
    with pytest.raises(ConfigError, match="use at most 64"):
        log_mel(np.zeros(800), RATE, bands=100)


def test_deltas_agree_with_a_least_squares_line():
    features = np.random.default_rng(0).normal(size=(9, 2))
    slopes = [np.polyfit(np.arange(-2, 3), features[t - 2 : t + 3], 1)[0] for t in range(2, 7)]
    assert np.allclose(deltas(features)[2:7], slopes)
