"""Learn to tag words from a treebank in CoNLL-U, and tag a sentence that nobody has tagged.

    python examples/tag_words.py en_ewt-ud-dev.conllu.gz

Any treebank of Universal Dependencies will do (https://universaldependencies.org); a thousand sentences take a few
minutes. Without a file, a tiny treebank that the script makes up is learned in seconds; in it only the place of "watch"
and "guard" tells whether they are nouns or verbs.
"""

from __future__ import annotations

import sys
from itertools import product

from ostinato import SequenceTagger
from ostinato.data.conllu import read_sentences

SENTENCE = ["The", "small", "gnus", "guard", "a", "watch", "."]


def invented() -> tuple[list[list[str]], list[list[str]]]:
    """Sentences put together from a few words, and their tags."""
    nouns, verbs = ("dog", "cat", "bird", "watch", "guard"), ("see", "hear", "watch", "guard")
    X = [
        [det, "small", noun + "s", verb, "a", other, "."]
        for det, noun, verb, other in product(("The", "Some"), nouns, verbs, nouns)
    ]
    return X, [["DET", "ADJ", "NOUN", "VERB", "DET", "NOUN", "PUNCT"]] * len(X)


def main() -> None:
    """Train on a file or on invented sentences, and show what came out."""
    if len(sys.argv) > 1:
        sentences = read_sentences(sys.argv[1])
        X, y = [one.words for one in sentences], [one.tags("upos") for one in sentences]
        tagger = SequenceTagger(random_state=0)
    else:
        X, y = invented()
        tagger = SequenceTagger(hidden_size=16, num_layers=1, epochs=10, random_state=0)
    tagger.fit(X, y)
    print(tagger.compare().text)
    print(tagger.leaderboard().to_string(index=False, float_format="%.3f"))
    (tags,), (shares,) = tagger.predict_with_proba([SENTENCE])
    for word, tag, share in zip(SENTENCE, tags, shares.max(axis=1), strict=True):
        print(f"{word:<8}{tag:<7}{share:.2f}")


if __name__ == "__main__":
    main()
