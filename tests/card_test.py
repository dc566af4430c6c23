"""The model card on tests of several parts, or of speakers who are not new."""

import pytest

from vladser.models import card

EVALUATION = {
    "hold_out": "split",
    "validation": "split",
    **{"epochs": 2, "folds": 1, "seeds": 3, "speakers": 10},
    "ua": {
        "mean_of_speakers": 0.6,
        "mean_of_folds": 0.55,
        "pooled": 0.5,
        "interval": [0.5, 0.7],
    },
    "wa": {"mean_of_folds": 0.5, "pooled": 0.5},
    "confusion": [[3.0, 1.0], [1.0, 3.0]],
}
CONTENT = {
    "emotions": ["angry", "sad"],
    "vladser": "0.1.0",
    "features": 147,
    "feature_set": "mine",
    "condition": {"readout": "softmax"},
}
NEW = "Nothing of a tested speaker was seen in training."


def test_it_names_what_classifies():
    for readout, named in (
        ("softmax", "a softmax classifier."),
        ("svm(cost=2.0)", "a classifier, `svm(cost=2.0)`."),
    ):
        content = CONTENT | {"condition": {"readout": readout}, "about": {}}
        assert f"pooling over time and {named} Made" in card.write(content)


@pytest.mark.parametrize("caution", ["", "Not speaker-independent: 1 of 10."])
def test_it_claims_independence_only_where_it_is_so(caution):
    about = {"evaluation": EVALUATION | {"part": None, "caution": caution}}
    written = card.write(CONTENT | {"about": about})
    assert "\nUnweighted accuracy **60.0 %**" in written
    assert (NEW in written) == (not caution) and caution in written
    assert "best on the validation split" in written
    # A model of an earlier version could not be tested otherwise.
    assert NEW in card.write(CONTENT | {"about": {"evaluation": EVALUATION}})


def test_it_claims_independence_as_far_as_speakers_are_known():
    trained = {"corpus": "mine", "utterances": 9000, "speakers": 3, "frames": 9}
    trained |= {"emotions": {"angry": 9000}, "digest": "", "seed": 0, "epochs": 1}
    for unknown in 0, 1200:
        about = {"evaluation": EVALUATION, "training": trained | {"unknown": unknown}}
        about["training"]["batch_size"] = 32
        written = card.write(CONTENT | {"about": about})
        assert (NEW in written) == (not unknown)
    assert f"{NEW[:-1]}, as far as speakers are known: those of 1,200 " in written


def test_each_test_part_has_its_figures():
    parts = [
        EVALUATION | {"part": name, "ua": EVALUATION["ua"] | {"mean_of_speakers": ua}}
        for name, ua in (("test1", 0.6), ("test2", 0.4))
    ]
    written = card.write(CONTENT | {"about": {"evaluation": parts}})
    for name, ua in ("test1", "60.0"), ("test2", "40.0"):
        assert f"\nOn {name}: unweighted accuracy **{ua} %**" in written
    assert written.count("| spoken ") == 2
