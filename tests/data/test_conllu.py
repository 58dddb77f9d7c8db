"""CoNLL-U and plain tagged files, in and out."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data import conllu
from ostinato.errors import ConfigError, DataError

BLANK = "\t_" * 4
TEXT = f"""# sent_id = 1
# text = Don't go.
1-2\tDon't\t_\t_\t_\t_{BLANK}
1\tDo\tdo\tAUX\tVB\t_{BLANK}
2\tn't\tnot\tPART\tRB\t_{BLANK}
3\tgo\tgo\tVERB\tVB\t_{BLANK}
3.1\tgone\tgo\tVERB\tVBN\t_{BLANK}
4\t.\t.\tPUNCT\t.\t_{BLANK}

1\tYes\tyes\tINTJ\tUH\t_{BLANK}

"""


def test_words_are_the_rows_with_whole_ids():
    first, second = conllu.parse_conllu(TEXT)
    assert first.words == ["Do", "n't", "go", "."]
    assert first.tags("xpos") == ["VB", "RB", "VB", "."]
    assert first.comments == ("# sent_id = 1", "# text = Don't go.")
    assert second.tags("upos") == ["INTJ"]


def test_what_is_read_is_written_again():
    assert conllu.format_conllu(conllu.parse_conllu(TEXT)) == TEXT


def test_missing_last_empty_line_and_windows_ends_are_understood():
    assert conllu.format_conllu(conllu.parse_conllu(TEXT.rstrip("\n").replace("\n", "\r\n"))) == TEXT


def test_new_tags_leave_all_else_alone():
    first = conllu.parse_conllu(TEXT)[0].with_column("upos", ["A", "B", "C", "D"])
    assert first.column("upos") == ["A", "B", "C", "D"]
    assert first.rows[0] == conllu.parse_conllu(TEXT)[0].rows[0]
    assert first.rows[4][3] == "VERB"
    assert first.column("lemma") == ["do", "not", "go", "."]


def test_gzipped_files_are_read(tmp_path):
    path = tmp_path / "a.conllu.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    assert [sentence.words for sentence in conllu.read_sentences(path)] == [
        ["Do", "n't", "go", "."],
        ["Yes"],
    ]


def test_plain_files_have_words_and_tags(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("#\tSYM\n1\tNUM\n\n\nok\tINTJ\n")
    first, second = conllu.read_sentences(path, column="xpos")
    assert first.words == ["#", "1"]
    assert first.tags("xpos") == ["SYM", "NUM"]
    assert second.tags("xpos") == ["INTJ"]
    assert conllu.format_plain([first, second], column="xpos") == "#\tSYM\n1\tNUM\n\nok\tINTJ\n\n"


def test_words_without_tags_can_be_read_to_be_tagged(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("It\nrains\n")
    (sentence,) = conllu.read_sentences(path)
    assert sentence.words == ["It", "rains"]
    assert conllu.is_plain([sentence])


def test_a_treebank_is_not_plain():
    assert not conllu.is_plain(conllu.parse_conllu(TEXT))


def test_a_separator_inside_a_word_does_not_cut_the_line():
    (sentence,) = conllu.parse_plain("a\u2028b\tX\x0c\n")
    assert sentence.words == ["a\u2028b"]


@pytest.mark.data
@pytest.mark.slow
def test_the_treebank_comes_back_byte_for_byte(shared_data):
    path = shared_data / "ud_english_ewt" / "en_ewt-ud-dev.conllu.gz"
    sentences = conllu.read_sentences(path)
    assert len(sentences) == 2001
    assert conllu.format_conllu(sentences).encode() == gzip.decompress(path.read_bytes())


WORD = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zs")), min_size=1, max_size=6).filter(
    str.strip
)


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.tuples(WORD, WORD.filter(lambda tag: tag.strip() != "_")), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_any_words_survive_a_plain_file(sentences):
    text = "".join("".join(f"{w}\t{t}\n" for w, t in sentence) + "\n" for sentence in sentences)
    read = conllu.parse_plain(text)
    assert [list(zip(s.words, s.tags("upos"), strict=True)) for s in read] == [
        [(w, t.strip()) for w, t in sentence] for sentence in sentences
    ]


@settings(max_examples=40)
@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_in_a_sentence(text):
    for parse in (conllu.parse_conllu, conllu.parse_plain):
        with suppress(DataError):
            assert parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\tb", r"the text, line 1: there are 3 cells, and CoNLL-U has 10 with tabs between"),
        (
            TEXT.replace("3\tgo", "7\tgo"),
            "the text, line 6: the id is 7 where 3 is next; number the words of a sentence from 1",
        ),
        (TEXT.replace("1-2\t", "x\t"), "the text, line 3: the id is 'x'; use a number, a range"),
        (TEXT.replace("\tgo\tgo", "\t\tgo"), "the text, line 6: the word is empty; write _"),
        ("# only a comment\n", "the text has no sentences; give one word a line"),
        ("", "the text has no sentences"),
    ],
)
def test_broken_files_name_the_line(text, message):
    with pytest.raises(DataError, match=message):
        conllu.parse_conllu(text)


def test_too_many_cells_in_a_plain_file_name_the_line():
    with pytest.raises(DataError, match="the text, line 2: there are 3 cells; give a word, a tab and a tag"):
        conllu.parse_plain("a\tB\na\tb\tc")


def test_a_word_without_a_tag_names_the_line():
    sentence = conllu.parse_conllu(TEXT.replace("go\tVERB", "go\t_"))[0]
    with pytest.raises(DataError, match="the text, line 6: the word 'go' has no upos; give it one"):
        sentence.tags("upos")


def test_unknown_columns_and_wrong_numbers_of_values_are_refused():
    sentence = conllu.parse_conllu(TEXT)[0]
    with pytest.raises(ConfigError, match="the column is 'tag'; use one of id, form, lemma, upos"):
        sentence.column("tag")
    with pytest.raises(ConfigError, match="there are 2 values for 4 words; give one for each"):
        sentence.with_column("upos", ["A", "B"])


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*missing.conllu \(no such file or directory\)"):
        conllu.read_sentences(tmp_path / "missing.conllu")
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(TEXT.encode())[:-9])
    with pytest.raises(DataError, match=r"file 'broken.gz' is a damaged gzip file; write it again"):
        conllu.read_sentences(broken)
    latin = tmp_path / "latin.tsv"
    latin.write_bytes("a\tX\n\ncafé\tX\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"file 'latin.tsv', line 3: this is not UTF-8; save the file"):
        conllu.read_sentences(latin)
