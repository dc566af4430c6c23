"""Corpora: who said what, in which emotion. One reader a file: folder -> Corpus.

To add a corpus, add a file with a function `read(folder) -> Corpus` here, and a line
below: the name is the value of `--corpus`. One that lives elsewhere is named by its
import path, see `readers`.
"""

READERS = {
    "audformat": "vladser.corpora.audformat",
    "cremad": "vladser.corpora.cremad",
    "demo": "vladser.corpora.demo.reader",
    "emodb": "vladser.corpora.emodb",
    "iemocap": "vladser.corpora.iemocap",
    "manifest": "vladser.corpora.manifest",
    "nemo": "vladser.corpora.nemo",
    "ravdess": "vladser.corpora.ravdess",
    "savee": "vladser.corpora.savee",
    "tess": "vladser.corpora.tess",
}
