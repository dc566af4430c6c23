from launch.output import terminal
from vladser.text import NONE

CONDITION = {
    "name": "mean, unigram 0.2",
    "seeds": [0, 1],
    "ua": {
        "mean_of_folds": 0.625,
        "mean_of_speakers": 0.625,
        "std_over_seeds": 0.0312,
        "pooled": 7 / 12,
        "interval": [0.5, 0.75],
    },
    "wa": {"mean_of_folds": 0.61, "pooled": 5 / 8},
    "metrics": {"macro_f1": {"mean_of_folds": 0.59, "pooled": 0.57}},
    "confusion": [[3.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 2.0]],
    "folds": [
        {"held_out": "Ses01F", "utterances": 5, "ua": 0.25},
        {"held_out": "s2", "utterances": 3, "ua": 1.0},
    ],
}


def shown(*conditions):
    """The text of the tables, and the words of each line."""
    summary = {"emotions": ["angry", "sad", "bored"], "conditions": conditions}
    text = terminal.results(summary)
    return text, [line.split() for line in text.splitlines()]


def but(**ua):
    return CONDITION | {"ua": CONDITION["ua"] | ua}


def test_one_condition_has_folds_averages_baselines_and_confusion():
    text, cells = shown(CONDITION)
    assert text.startswith("mean, unigram 0.2, 2 seeds\n\n")
    for row in (
        ["Ses01F", "5", "25.0"],
        ["s2", "3", "100.0"],
        ["UA", "%", "WA", "%", "macro", "F1", "%"],
        ["mean", "of", "folds", "62.5", "61.0", "59.0"],
        ["pooled", "58.3", "62.5", "57.0"],
        ["majority", "class", "33.3", "50.0", "22.2"],
        ["sad", "50.0", "0.0", "50.0"],
    ):
        assert row in cells
    assert ["chance", "33.3", "33.3"] in [row[:3] for row in cells]
    assert "interval of the mean of folds 50.0 to 75.0, sd over seeds 3.1" in text


def test_several_conditions_get_a_line_each():
    _, (header, first, second) = shown(
        CONDITION, but(std_over_seeds=None, interval=None)
    )
    assert "mean" not in header and header[-5:] == ["WA", "%", "macro", "F1", "%"]
    averages = ["58.3", "61.0", "59.0"]
    assert first[3:] == ["62.5", "50.0", "to", "75.0", "3.1", *averages]
    assert second[3:] == ["62.5", NONE, NONE, *averages]


def test_test_parts_get_a_line_each_and_shared_speakers_are_said():
    speakers = [{"speaker": f"s{n}", "shared": n < 2} for n in range(5)]
    parts = [
        CONDITION | {"part": "test1"},
        but(mean_of_speakers=0.5) | {"part": "test2", "speakers": speakers},
    ]
    text, (header, first, second, *_) = shown(*parts)
    assert header[:3] == ["condition", "tested", "on"]
    assert (first[3:5], second[3:5]) == (["test1", "62.5"], ["test2", "50.0"])
    last = text.splitlines()[-1]
    assert last.startswith("test2: Not speaker-independent: 2 of 5 test speakers")
    assert last.endswith("(s0, s1).")
    text, _ = shown(CONDITION | {"speakers": speakers})
    assert text.splitlines()[-1].startswith("Not speaker-independent: 2 of 5")


def test_the_interval_stands_beside_the_mean_that_it_is_of():
    other = but(mean_of_speakers=0.615)
    text, cells = shown(other)
    assert ["mean", "of", "speakers", "61.5", NONE, NONE] in cells
    assert "95 % interval of the mean of speakers 50.0 to 75.0" in text
    _, (_, first, _) = shown(other, other)
    assert first[3:8] == ["61.5", "50.0", "to", "75.0", "62.5"]
