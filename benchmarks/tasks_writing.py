"""The tasks of benchmarks/tasks.py whose networks write sentences: translating and captioning."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TEST = "test_2016_flickr"
EXAMPLES = Path(__file__).parents[1] / "examples"


def multi30k(source: str, target: str) -> Callable[[Sequence[int]], dict[str, Any]]:
    """The benchmark of one direction of Multi30k, official parts.

    Published for de-en on the same test: 28.3 by a GRU with attention, 34.1 by a convolutional network, 36.5 by a
    Transformer (github.com/bentrevett/pytorch-seq2seq, lower-case words).
    """

    def measure(seeds: Sequence[int]) -> dict[str, Any]:
        from ostinato.tasks.translate.run import run_translate

        train, valid, test = (_pairs(part, source, target) for part in ("train", "val", TEST))
        found: list[dict[str, float]] = []
        for seed in seeds:
            started = time.process_time()
            run = run_translate(
                train, valid=valid, test=test, parameters={"random_state": seed}, watch=_unwatched
            )
            board = run.leaderboard.set_index("model")
            found.append(
                {
                    "bleu": float(board["bleu"][run.name]),
                    "chrf": float(board["chrf"][run.name]),
                    "train_seconds": run.seconds["train"],
                    "cpu_seconds": time.process_time() - started,
                }
            )
        return {
            "test": len(test),
            "signature": signature(),
            **_spreads(found),
            "baselines": {
                name: {"bleu": round(float(row["bleu"]), 2), "chrf": round(float(row["chrf"]), 2)}
                for name, row in board.drop(run.name).iterrows()
            },
            "verdict": run.verdict,
            "weights": sum(weight.numel() for weight in run.translator.network_.parameters()),
            "one_epoch": _one_epoch_of_translating(train),
        }

    return measure


def caption(seeds: Sequence[int]) -> dict[str, Any]:
    """Drawn shapes: 20,000 pictures to learn from, 2,000 of combinations never seen to judge by."""
    sys.path.insert(0, str(EXAMPLES))
    from draw_shapes import COMBINATIONS, UNSEEN, draw_many

    from ostinato.data.captioned import Captioned
    from ostinato.tasks.caption.run import run_caption

    seen = [one for one in COMBINATIONS if one not in UNSEEN]
    train, valid, test = (
        Captioned(list(drawn["X"]), [str(text) for text in drawn["y"]], [""] * len(drawn["X"]), name)
        for name, drawn in (
            ("train", draw_many(0, 20_000, seen)),
            ("valid", draw_many(1, 2_000, seen)),
            ("test", draw_many(2, 2_000, UNSEEN)),
        )
    )
    found: list[dict[str, float]] = []
    for seed in seeds:
        started = time.process_time()
        run = run_caption(train, valid=valid, test=test, parameters={"random_state": seed}, watch=_unwatched)
        board = run.leaderboard.set_index("model")
        found.append(
            {
                "exact_unseen": float(board["exact"][run.name]),
                "exact_seen": run.captioner.score(valid.inputs, valid.sentences or []),
                "train_seconds": run.seconds["train"],
                "cpu_seconds": time.process_time() - started,
            }
        )
    return {
        "test": len(test),
        **_spreads(found),
        "baselines": board["exact"].drop(run.name).round(4).to_dict(),
        "verdict": run.verdict,
        "weights": sum(weight.numel() for weight in run.captioner.network_.parameters()),
        "one_epoch": _one_epoch_of_captioning(train),
    }


def signature() -> str:
    """How BLEU was computed."""
    from ostinato.evaluate import translation

    return translation.signature()


def _pairs(part: str, source: str, target: str) -> Any:
    from ostinato.data.text_pairs import read_text_pairs
    from tasks import DATA

    return read_text_pairs(
        DATA / "multi30k_en_de" / f"{part}.en-de.tsv.gz", source_col=source, target_col=target
    )


def _one_epoch_of_translating(train: Any) -> dict[str, float]:
    """CPU seconds of one epoch of 1,000 pairs, on the kernels and on torch.nn layers."""
    from ostinato import SequenceTranslator
    from tasks import beside_torch

    X, y = train.texts[:1000], train.translations[:1000]
    return beside_torch(lambda: SequenceTranslator(epochs=1, random_state=0).fit(X, y))


def _one_epoch_of_captioning(train: Any) -> dict[str, float]:
    """CPU seconds of one epoch of 2,000 pictures, on the kernels and on torch.nn layers."""
    from ostinato import SequenceCaptioner
    from tasks import beside_torch

    X, y = train.inputs[:2000], train.sentences[:2000]
    return beside_torch(lambda: SequenceCaptioner(epochs=1, random_state=0).fit(X, y))


def _spreads(found: list[dict[str, float]]) -> dict[str, Any]:
    from tasks import spread

    return {name: spread([one[name] for one in found]) for name in found[0]}


def _unwatched(_label: str) -> Callable[[int, int], None]:
    return lambda _done, _total: None


TASKS: dict[str, Callable[[Sequence[int]], dict[str, Any]]] = {
    "multi30k_de_en": multi30k("de", "en"),
    "multi30k_en_de": multi30k("en", "de"),
    "shapes": caption,
}
