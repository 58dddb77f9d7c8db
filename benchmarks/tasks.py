"""Measure the sequence tasks with the defaults of their estimators: accuracy, time, and the time of plain torch layers.

    python benchmarks/tasks.py                     all tasks
    python benchmarks/tasks.py --only sst2 fsdd    some of them
    python benchmarks/tasks.py --only sst2 --seeds 1
    python benchmarks/tasks.py --only sst2 --seeds 3 --keep 1   seeds 1 and 2, beside the run in the results file

Every task is a function in `TASKS` that takes a list of seeds and gives its results. They go to
benchmarks/results/tasks.json, by task, each with the machine it was measured on; other tasks stay as they are.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import machine
import numpy as np
import tasks_writing

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("OSTINATO_SHARED_DATA", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "benchmarks" / "results" / "tasks.json"
MR_MEMBERS = 3
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=tuple(TASKS), default=list(TASKS), metavar="TASK")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each task (default 3)")
    parser.add_argument("--keep", type=int, default=0, help="runs of the results file to keep (default 0)")
    arguments = parser.parse_args()
    for name in arguments.only:
        found = {
            "measured_on": machine.describe(),
            **TASKS[name](list(range(arguments.keep, arguments.seeds))),
        }
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        if arguments.keep:
            found = joined(results[name], found, arguments.keep)
        results[name] = found
        RESULTS.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")
        print(name, json.dumps({key: value for key, value in found.items() if key != "measured_on"}))


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean and standard deviation of some runs, and each of them."""
    return {
        "mean": round(statistics.fmean(values), 4),
        "deviation": round(statistics.stdev(values), 4) if len(values) > 1 else None,
        "runs": [round(value, 4) for value in values],
    }


def joined(earlier: dict[str, Any], found: dict[str, Any], keep: int) -> dict[str, Any]:
    """Later results with the runs of the first seeds put before theirs, and what only those measured."""
    spreads = {
        name: spread(earlier[name]["runs"][:keep] + value["runs"])
        for name, value in found.items()
        if isinstance(value, dict) and "runs" in value
    }
    return {**earlier, **found, **spreads}


@contextmanager
def plain_torch() -> Iterator[None]:
    """Run recurrent layers on torch's own layers instead of the kernels of this package."""
    before = os.environ.get("OSTINATO_ISA")
    os.environ["OSTINATO_ISA"] = "torch"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OSTINATO_ISA"]
        else:
            os.environ["OSTINATO_ISA"] = before


def classify(train: Any, test: Any, seeds: Sequence[int], *, validation: Any = None) -> dict[str, Any]:
    """A classifier with its defaults beside the baselines, for each seed."""
    from ostinato.tasks.classify.classifier import SequenceClassifier
    from ostinato.tasks.classify.run import name_of, run_classify

    accuracies, errors, seconds, cpu = [], [], [], []
    for seed in seeds:
        started = time.process_time()
        run = run_classify(train, SequenceClassifier(random_state=seed), validation=validation, test=test)
        board = run.leaderboard.set_index("model")
        own = board.loc[name_of(run.classifier)]
        accuracies.append(float(own["accuracy"]))
        errors.append(float(own["calibration_error"]))
        seconds.append(run.seconds["train"])
        cpu.append(time.process_time() - started)
    others = board["accuracy"].drop(name_of(run.classifier))
    return {
        "test": len(test),
        "accuracy": spread(accuracies),
        "calibration_error": spread(errors),
        "train_seconds": spread(seconds),
        "cpu_seconds": spread(cpu),
        "baselines": {name: round(float(value), 4) for name, value in others.items()},
        "one_epoch": one_epoch(train),
    }


def one_epoch(train: Any) -> dict[str, float]:
    """CPU seconds of one epoch of one network of a classifier, on the kernels and on torch.nn layers."""
    from ostinato.tasks.classify.classifier import SequenceClassifier

    classifier = SequenceClassifier(members=1, epochs=1, random_state=0)
    return beside_torch(lambda: classifier.fit(train.inputs, train.labels))


def beside_torch(fit: Callable[[], object]) -> dict[str, float]:
    """CPU seconds of a training on the kernels and on torch.nn layers, each the better of two."""

    def timed() -> float:
        started = time.process_time()
        fit()
        return time.process_time() - started

    timed()
    kernels = min(timed(), timed())
    with plain_torch():
        torch_layers = min(timed(), timed())
    return {
        "kernels": round(kernels, 2),
        "torch_layers": round(torch_layers, 2),
        "ratio": round(torch_layers / kernels, 2),
    }


def sst2(seeds: Sequence[int]) -> dict[str, Any]:
    """Sentiment of sentences, official split; published without pretrained vectors: CNN-rand 83.5 % (on phrases)."""
    from ostinato.data.examples import read_examples

    train, valid, test = (read_examples(DATA / "sst2" / f"{part}.tsv") for part in ("train", "dev", "test"))
    return classify(train, test, seeds, validation=valid)


def mr(seeds: Sequence[int]) -> dict[str, Any]:
    """Sentiment of sentences by 10-fold cross-validation, three networks a fold and one seed to save time.

    Published without pretrained vectors: CNN-rand 75.9 %.
    """
    from ostinato.data.examples import read_examples
    from ostinato.tasks.classify.classifier import SequenceClassifier

    examples = read_examples(DATA / "mr" / "mr.tsv")
    assert examples.labels is not None, "the file has classes"
    texts, labels = np.array(examples.inputs, dtype=object), np.array(examples.labels)
    fold = np.random.default_rng(0).permutation(len(texts)) % 10
    accuracies, seconds, cpu = [], [], []
    for seed in seeds[:1]:
        for number in range(10):
            started, started_cpu = time.perf_counter(), time.process_time()
            classifier = SequenceClassifier(members=MR_MEMBERS, random_state=seed)
            classifier.fit(texts[fold != number].tolist(), labels[fold != number])
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - started_cpu)
            accuracies.append(classifier.score(texts[fold == number].tolist(), labels[fold == number]))
    return {
        "folds": 10,
        "members": MR_MEMBERS,
        "accuracy": spread(accuracies),
        "train_seconds": spread(seconds),
        "cpu_seconds": spread(cpu),
        "one_epoch": one_epoch(examples),
    }


def _tsc(name: str) -> Callable[[Sequence[int]], dict[str, Any]]:
    """The benchmark of one set of the UCR and UEA archives, official split."""

    def measure(seeds: Sequence[int]) -> dict[str, Any]:
        from ostinato.data.examples import read_examples

        train, test = (
            read_examples(DATA / "tsc" / name / f"{name}_{part}.ts.gz") for part in ("TRAIN", "TEST")
        )
        return classify(train, test, seeds)

    return measure


def _digits() -> Iterator[Any]:
    """The recordings of spoken digits, unpacked for a while."""
    from ostinato.data.examples import read_examples

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(DATA / "fsdd" / "fsdd.zip") as archive:
            archive.extractall(folder)
        yield read_examples(Path(folder) / "recordings")


def _chosen(examples: Any, keep: Callable[[str], bool]) -> Any:
    """The recordings whose names are wanted."""
    places = [place for place, name in enumerate(examples.names) if keep(Path(name).stem)]
    return replace(
        examples,
        inputs=[examples.inputs[place] for place in places],
        labels=[examples.labels[place] for place in places],
        names=[examples.names[place] for place in places],
    )


def fsdd(seeds: Sequence[int]) -> dict[str, Any]:
    """Spoken digits, official split (index 0 to 4 is the test); published: echo state networks 97.7 and 98.7 %."""
    for examples in _digits():
        train, test = (
            _chosen(examples, lambda name, wanted=wanted: (int(name.split("_")[2]) < 5) == wanted)
            for wanted in (False, True)
        )
        return classify(train, test, seeds)
    raise AssertionError("there is one set of recordings")


def fsdd_speakers(seeds: Sequence[int]) -> dict[str, Any]:
    """Spoken digits of a speaker who was not heard in training, for each of the six; one seed."""
    from ostinato.tasks.classify.classifier import SequenceClassifier

    found = {}
    for examples in _digits():
        for speaker in SPEAKERS:
            train, test = (
                _chosen(examples, lambda name, wanted=wanted: (name.split("_")[1] == speaker) == wanted)  # noqa: B023
                for wanted in (False, True)
            )
            classifier = SequenceClassifier(random_state=seeds[0]).fit(train.inputs, train.labels)
            found[speaker] = round(classifier.score(test.inputs, test.labels), 4)
    return {"accuracy": spread(list(found.values())), "speakers": found}


def ewt(seeds: Sequence[int]) -> dict[str, Any]:
    """Parts of speech (UPOS), official parts; published: 88.3 % by two LSTM layers with GloVe vectors (UD 2.0)."""
    from ostinato.data.conllu import read_sentences
    from ostinato.tasks.tag.run import run_tag
    from ostinato.tasks.tag.tagger import SequenceTagger

    folder = DATA / "ud_english_ewt"
    train, valid, test = (
        read_sentences(folder / f"en_ewt-ud-{part}.conllu.gz") for part in ("train", "dev", "test")
    )
    found: dict[str, list[float]] = {
        "accuracy": [],
        "unknown_words": [],
        "calibration_error": [],
        "train_seconds": [],
        "cpu_seconds": [],
    }
    for seed in seeds:
        started = time.process_time()
        run = run_tag(
            train,
            valid=valid,
            test=test,
            column="upos",
            parameters={"random_state": seed},
            watch=lambda _: lambda *_: None,
        )
        board = run.leaderboard.set_index("model")
        found["accuracy"].append(float(board["accuracy"][run.tagger.name]))
        found["unknown_words"].append(float(board["unknown_words"][run.tagger.name]))
        found["calibration_error"].append(run.calibration()["calibration_error"])
        found["train_seconds"].append(run.seconds["train"])
        found["cpu_seconds"].append(time.process_time() - started)
    part = [one.words for one in train[:1000]], [one.tags("upos") for one in train[:1000]]
    return {
        "test": sum(len(one.words) for one in test),
        **{name: spread(values) for name, values in found.items()},
        "baselines": board["accuracy"].drop(run.tagger.name).round(4).to_dict(),
        "verdict": run.comparison.text,
        "one_epoch": beside_torch(lambda: SequenceTagger(epochs=1, random_state=0).fit(*part)),
    }


def shakespeare(seeds: Sequence[int]) -> dict[str, Any]:
    """Nats per character of the last tenth, six epochs; published: nanoGPT 1.47."""
    text = (DATA / "tiny_shakespeare" / "input.txt").read_text()
    cut = int(0.9 * len(text))
    train, part = (text[:cut], None), (text[:100_000], None)
    return generate({"epochs": 6}, train, text[cut:], seeds, part=part)


def names(seeds: Sequence[int]) -> dict[str, Any]:
    """Surnames given their nationality: nats per character, a random tenth (of seed 0) to judge by."""
    from ostinato.tasks.generate.data import Texts
    from ostinato.tasks.generate.run import read_texts

    every, _ = read_texts(DATA / "names" / "names.tsv", text_col="name", condition_col="nationality")
    train, test = every.split(0)

    def given(texts: Texts) -> tuple[list[str], tuple[str, ...] | None]:
        return list(texts.texts), texts.conditions

    return generate({"hidden_size": 256}, given(train), given(test), seeds, part=given(train))


def generate(
    parameters: dict[str, Any], train: Any, test: Any, seeds: Sequence[int], *, part: Any
) -> dict[str, Any]:
    """A generator beside n-gram models, for each seed, and one epoch of a part on torch's layers."""
    from ostinato.tasks.generate.generator import SequenceGenerator

    nats, seconds, cpu = [], [], []
    for seed in seeds:
        started, started_cpu = time.perf_counter(), time.process_time()
        generator = SequenceGenerator(random_state=seed, **parameters).fit(*train, validation=test)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - started_cpu)
        board = generator.leaderboard().set_index("model")
        nats.append(float(board["nats"][generator.name]))
    return {
        **parameters,
        "epochs": len(generator.history_["train"]),
        "nats": spread(nats),
        "perplexity": spread([math.exp(value) for value in nats]),
        "train_seconds": spread(seconds),
        "cpu_seconds": spread(cpu),
        "baselines": board["nats"].drop(generator.name).round(4).to_dict(),
        "verdict": generator.compare().text,
        "one_epoch": beside_torch(
            lambda: SequenceGenerator(**{**parameters, "epochs": 1, "random_state": 0}).fit(*part)
        ),
    }


TASKS: dict[str, Callable[[Sequence[int]], dict[str, Any]]] = {
    "sst2": sst2,
    "mr": mr,
    "GunPoint": _tsc("GunPoint"),
    "ItalyPowerDemand": _tsc("ItalyPowerDemand"),
    "JapaneseVowels": _tsc("JapaneseVowels"),
    "fsdd": fsdd,
    "fsdd_speakers": fsdd_speakers,
    "ewt": ewt,
    "shakespeare": shakespeare,
    "names": names,
    **tasks_writing.TASKS,
}


if __name__ == "__main__":
    main()
