"""Recordings to arrays: WAV files, one sample rate for all, and log-mel features with their deltas."""

from __future__ import annotations

import io
import math
import wave
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError, DataError

Values = NDArray[np.float64]

AUDIO_ENDINGS = (".wav", ".flac", ".ogg")
FLOOR = 1e-6
"""Energy below which a band counts as silent, for samples between -1 and 1."""
_ZEROS = 16  # zero crossings of the resampling filter on each side
_BETA = 9.0  # of its Kaiser window: about 90 dB of attenuation


@dataclass(frozen=True)
class Recording:
    """Sound as numbers.

    Attributes:
        samples: `(time,)` between -1 and 1, one channel.
        rate: samples a second.
        channels: channels of the file; several were averaged.
    """

    samples: Values
    rate: int
    channels: int = 1

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return len(self.samples) / self.rate


def read_recording(path: str | Path) -> Recording:
    """Read a recording, several channels averaged to one.

    Args:
        path: WAV of whole numbers of 8, 16, 24 or 32 bits; WAV of floating-point numbers, FLAC and OGG where the extra
            `audio` is installed.

    Raises:
        DataError: the file is missing, broken, or of a kind that is not known.
    """
    file = Path(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"the recording '{path}' cannot be read ({reason}); check the path") from error
    plain = _read_wave(content, path) if content[:4] == b"RIFF" else None
    samples, rate = plain if plain is not None else _read_other(content, path)
    if rate < 1:
        raise DataError(f"the recording '{path}' has a sample rate of {rate}; write it again")
    if not np.isfinite(samples).all():
        raise DataError(f"the recording '{path}' has samples that are not numbers; write it again")
    return Recording(samples.mean(axis=1), rate, samples.shape[1])


def _read_wave(content: bytes, path: str | Path) -> tuple[Values, int] | None:
    """Samples `(time, channels)` and rate by the standard library; None where it does not know the kind of numbers."""
    try:
        with wave.open(io.BytesIO(content)) as opened:
            width, channels, rate = opened.getsampwidth(), opened.getnchannels(), opened.getframerate()
            claimed, data = opened.getnframes(), opened.readframes(opened.getnframes())
    except wave.Error as error:
        if "unknown format" in str(error):
            return None
        raise DataError(f"the recording '{path}' is a broken WAV file ({error}); write it again") from error
    except (EOFError, RuntimeError) as error:
        raise DataError(f"the recording '{path}' is a WAV file that was cut off; write it again") from error
    if width > 4:
        raise DataError(
            f"the recording '{path}' has numbers of {8 * width} bits; write it with 16 or 32 bits"
        )
    if len(data) < claimed * width * channels or len(data) % (width * channels):
        raise DataError(
            f"the recording '{path}' has {len(data)} bytes of samples and claims {claimed * width * channels}; "
            "it was cut off, write it again"
        )
    return _to_floats(data, width).reshape(-1, channels), rate


def _to_floats(data: bytes, width: int) -> Values:
    """Whole numbers of some bytes as numbers between -1 and 1; those of one byte have no sign."""
    if width == 1:
        return (np.frombuffer(data, dtype=np.uint8).astype(np.float64) - 128) / 128
    if width == 3:
        parts = np.frombuffer(data, dtype=np.uint8).reshape(-1, 3).astype(np.int32)
        whole = (parts[:, 0] << 8 | parts[:, 1] << 16 | parts[:, 2] << 24) >> 8
        return whole / float(2**23)
    kind = {2: "<i2", 4: "<i4"}[width]
    return np.frombuffer(data, dtype=kind) / float(2 ** (8 * width - 1))


def _read_other(content: bytes, path: str | Path) -> tuple[Values, int]:
    """Samples `(time, channels)` and rate by the library soundfile."""
    try:
        import soundfile
    except ImportError as error:
        raise DataError(
            f"the recording '{path}' is no WAV file of whole numbers; install ostinato[audio] to read FLAC, OGG and "
            "WAV of floating-point numbers, or convert it"
        ) from error
    try:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, TypeError) as error:
        raise DataError(
            f"the recording '{path}' is broken or of an unknown kind; write it again as WAV"
        ) from error
    return samples, int(rate)


def resample(samples: Values, rate: int, wanted: int) -> Values:
    """Bring a recording to another sample rate: a sinc under a Kaiser window, for each phase that occurs.

        y(n) = sum over k of x(k) h(n rate / wanted - k),  h(t) = c sinc(c t) kaiser(c t),  c = min(1, wanted / rate)

    Args:
        samples: `(time,)`.
        rate: samples a second.
        wanted: samples a second of the result.

    Returns:
        `(ceil(time wanted / rate),)`; frequencies above half the lower rate are gone.

    References:
        Smith and Gossett (1984), A flexible sampling-rate conversion method.

    Example:
        >>> resample(np.ones(100), 8000, 4000).shape
        (50,)
    """
    if min(rate, wanted) < 1:
        raise ConfigError(f"the sample rates are {rate} and {wanted}; use at least 1 a second")
    if rate == wanted or not len(samples):
        return samples
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    cut = min(1.0, wanted / rate)
    reach = math.ceil(_ZEROS / cut)
    padded = np.pad(samples, reach)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)  # row i is centred on sample i
    result = np.empty(-(-len(samples) * up // down))
    for phase in range(min(up, len(result))):
        places = np.arange(phase, len(result), up)
        centre = phase * down // up
        offset = phase * down / up - centre
        taps = _taps(np.arange(-reach, reach + 1) - offset, cut, reach)
        starts = centre + (places - phase) // up * down
        result[places] = windows[np.minimum(starts, len(windows) - 1)] @ taps
    return result


def _taps(distance: NDArray[np.floating[Any]], cut: float, reach: int) -> Values:
    """The filter at some distances from its middle, in samples of the input."""
    inside = np.clip(1 - (distance / (reach + 1)) ** 2, 0.0, None)
    taps: Values = cut * np.sinc(cut * distance) * np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA)
    return taps


def log_mel(
    samples: Values, rate: int, *, bands: int = 40, window: float = 0.025, hop: float = 0.01
) -> Values:
    """The logarithm of the energy in bands of the mel scale, frame by frame.

    Frames lie inside the recording, which is filled with silence where it is shorter than one; each is seen through a
    Hann window, its power spectrum weighed by triangles that lie evenly on the mel scale.

    Args:
        samples: `(time,)` between -1 and 1.
        rate: samples a second.
        bands: triangles between 20 Hz and half the rate.
        window: seconds of a frame.
        hop: seconds from one frame to the next.

    Returns:
        `(frames, bands)`, natural logarithms.

    References:
        Davis and Mermelstein (1980), Comparison of parametric representations for monosyllabic word recognition;
        mel(f) = 2595 log10(1 + f / 700) as in O'Shaughnessy (1987).

    Example:
        >>> log_mel(np.zeros(8000), 8000).shape
        (98, 40)
    """
    width, step = _width(rate, window), max(round(hop * rate), 1)
    if len(samples) < width:
        samples = np.pad(samples, (0, width - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, width)[::step]  # (frames, width)
    size = _transform_size(width)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)
    power = np.abs(np.fft.rfft(frames * hann, size)) ** 2 / (hann**2).sum()
    result: Values = np.log(power @ mel_filters(rate, size, bands).T + FLOOR)
    return result


def most_bands(rate: int, *, window: float = 0.025) -> int:
    """The bands of the mel scale that the spectrum of a frame can tell apart.

    Args:
        rate: samples a second.
        window: seconds of a frame.

    Example:
        >>> most_bands(8000), most_bands(4000)
        (64, 32)
    """
    return _transform_size(_width(rate, window)) // 4


def _width(rate: int, window: float) -> int:
    """Samples of a frame."""
    return max(round(window * rate), 1)


def _transform_size(width: int) -> int:
    """Length of the Fourier transform of a frame: the next power of two."""
    return 1 << (width - 1).bit_length()


@lru_cache(maxsize=8)
def mel_filters(rate: int, size: int, bands: int) -> Values:
    """Triangles over the bins of a spectrum, evenly spaced on the mel scale from 20 Hz to half the rate.

    Args:
        rate: samples a second.
        size: length of the Fourier transform.
        bands: number of triangles.

    Returns:
        `(bands, size / 2 + 1)`, each triangle 1 at its middle.

    Raises:
        ConfigError: there are more bands than the spectrum can tell apart.
    """
    if not 1 <= bands <= size // 4:
        raise ConfigError(
            f"there are {bands} mel bands for {size // 2 + 1} frequencies; use at most {size // 4}"
        )
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (20.0, rate / 2))
    edges = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    bins = np.arange(size // 2 + 1) * rate / size
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters: Values = np.clip(np.minimum(rising, falling), 0.0, None)
    return filters


def deltas(features: Values, reach: int = 2) -> Values:
    """How fast features change: the slope of a straight line through the frames around each.

        d(t) = sum over n of n (c(t + n) - c(t - n)) / (2 sum over n of n^2),  n = 1 ... reach

    Args:
        features: `(frames, bands)`; the first and the last frame go on beyond the ends.
        reach: frames on each side.

    Returns:
        The same shape.

    References:
        Young et al. (2006), The HTK book, eq. 5.16.

    Example:
        >>> deltas(np.arange(5.0)[:, None])[2].tolist()
        [1.0]
    """
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    count = len(features)
    total = np.zeros_like(features, dtype=np.float64)
    for distance in range(1, reach + 1):
        total += distance * (
            padded[reach + distance : reach + distance + count]
            - padded[reach - distance : reach - distance + count]
        )
    slope: Values = total / (2 * sum(distance**2 for distance in range(1, reach + 1)))
    return slope
