import gzip
import wave

import numpy as np
import pandas as pd
import pytest

from ostinato.data.examples import read_examples
from ostinato.errors import DataError

TS = "@classLabel true a b\n@data\n1,2,3:a\n4,5,6:b\n"


def wav(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.zeros(80, dtype="<i2").tobytes())


FRAME = pd.DataFrame(
    {"id": [7, 8, 9], "mood": ["up", "down", "up"], "remark": ["a fine day", "rain, again", "sun"]}
)


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "jsonl", "csv.gz"])
def test_tables_of_any_kind_are_read(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    if ending == "parquet":
        FRAME.to_parquet(path)
    elif ending == "jsonl":
        FRAME.to_json(path, orient="records", lines=True)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    examples = read_examples(path, label_col="mood")
    assert (examples.kind, examples.inputs) == ("text", ["a fine day", "rain, again", "sun"])
    assert examples.labels == ["up", "down", "up"]


def test_columns_are_found_by_their_names(tmp_path):
    (tmp_path / "a.csv").write_text(
        "label,sentence,extra\n1,short,much longer than the sentence\n0,tiny,long again\n"
    )
    examples = read_examples(tmp_path / "a.csv")
    assert (examples.inputs, examples.labels) == (["short", "tiny"], ["1", "0"])
    assert "the texts are in the column 'sentence', the classes in 'label'" in examples.notes


def test_a_column_of_classes_is_found_by_its_few_values(tmp_path):
    rows = "".join(f"{number},some words {number},{'ab'[number % 2]}\n" for number in range(8))
    (tmp_path / "a.csv").write_text(f"id,words,group\n{rows}")
    assert read_examples(tmp_path / "a.csv").labels == list("abababab")


def test_a_table_without_classes_has_none(tmp_path):
    (tmp_path / "a.csv").write_text("text\nhello there\ngood bye\n")
    assert read_examples(tmp_path / "a.csv").labels is None


def test_empty_texts_are_noted(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nhello,1\n,2\n")
    examples = read_examples(tmp_path / "a.csv")
    assert examples.inputs == ["hello", ""]
    assert "1 text is empty" in examples.notes


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text,label\na b,1\nb c,\n", {}, r"a\.csv', line 3 has no class in the column 'label'"),
        ("text,label\na,1\n", {"text_col": "words"}, "has no column 'words'; it has 'text' and 'label'"),
        ("a,b\n1,2\n3,4\n", {}, "has no column of texts"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(tmp_path, content, options, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        read_examples(tmp_path / "a.csv", **options)


@pytest.mark.parametrize("packed", [False, True])
def test_series_files_are_read(tmp_path, packed):
    path = tmp_path / ("a.ts.gz" if packed else "a.ts")
    path.write_bytes(gzip.compress(TS.encode()) if packed else TS.encode())
    examples = read_examples(path)
    assert (examples.kind, examples.labels, examples.names) == ("series", ["a", "b"], ["case 1", "case 2"])


def test_a_damaged_gzip_file_is_refused(tmp_path):
    (tmp_path / "a.ts.gz").write_bytes(gzip.compress(TS.encode())[:-9])
    with pytest.raises(DataError, match="damaged gzip file"):
        read_examples(tmp_path / "a.ts.gz")


def test_arrays_of_numpy_are_read(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.ones((2, 4)), y=["a", "b"])
    assert read_examples(tmp_path / "a.npz").labels == ["a", "b"]


def test_sub_folders_are_classes(tmp_path):
    for name in ("yes/1.wav", "no/1.wav", "no/2.wav"):
        wav(tmp_path / name)
    examples = read_examples(tmp_path)
    assert (examples.kind, examples.labels) == ("speech", ["no", "no", "yes"])


def test_beginnings_of_file_names_are_classes(tmp_path):
    for name in ("7_jackson_0.wav", "7_theo_0.wav", "9-theo-0.wav"):
        wav(tmp_path / name)
    assert read_examples(tmp_path).labels == ["7", "7", "9"]


def test_names_without_parts_tell_no_class(tmp_path):
    wav(tmp_path / "hello.wav")
    assert read_examples(tmp_path).labels is None
    assert read_examples(tmp_path / "hello.wav").kind == "speech"


def test_recordings_inside_and_outside_sub_folders_are_refused(tmp_path):
    wav(tmp_path / "yes/1.wav")
    wav(tmp_path / "2.wav")
    with pytest.raises(DataError, match=r"'2\.wav' outside them; move it into its class"):
        read_examples(tmp_path)


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"has no \.wav, \.flac, \.ogg file"):
        read_examples(tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_examples(tmp_path / "none.csv")


@pytest.mark.data
def test_the_shared_sets_have_the_sizes_they_are_said_to_have(shared_data):
    sizes = {"sst2/train.tsv": 6920, "sst2/test.tsv": 1821, "mr/mr.tsv": 10662, "names/names.tsv": 20050}
    for name, size in sizes.items():
        examples = read_examples(shared_data / name)
        assert (len(examples), examples.labels is not None) == (size, True)
