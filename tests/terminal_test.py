from launch.experiment import terminal
from vladser.text import NONE

CONFUSION = [[3.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 2.0]]
SUMMARY = {
    "emotions": ["angry", "sad", "bored"],
    "conditions": [
        {
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
            "confusion": CONFUSION,
            "folds": [
                {"held_out": "Ses01F", "utterances": 5, "ua": 0.25},
                {"held_out": "s2", "utterances": 3, "ua": 1.0},
            ],
        }
    ],
}


def _summary(**changed):
    return {**SUMMARY, "conditions": [{**SUMMARY["conditions"][0], **changed}]}


def _ua(**changed):
    return {**SUMMARY["conditions"][0]["ua"], **changed}


def _cells(text):
    return [line.split() for line in text.splitlines()]


def test_one_condition_has_folds_averages_baselines_and_confusion():
    text = terminal.results(SUMMARY)
    assert text.startswith("mean, unigram 0.2, 2 seeds\n\n")
    cells = _cells(text)
    for row in (
        ["Ses01F", "5", "25.0"],
        ["s2", "3", "100.0"],
        ["UA", "%", "WA", "%"],
        ["mean", "of", "folds", "62.5", "61.0"],
        ["pooled", "58.3", "62.5"],
        ["majority", "class", "33.3", "50.0"],
        ["chance", "33.3", "33.3"],
        ["sad", "50.0", "0.0", "50.0"],
    ):
        assert row in cells
    assert "interval of the mean of folds 50.0 to 75.0, sd over seeds 3.1" in text


def test_every_metric_of_the_summary_is_shown():
    f1 = {"mean_of_folds": 0.59, "pooled": 0.57}
    one = _summary(metrics={"macro_f1": f1})
    cells = _cells(terminal.results(one))
    assert ["mean", "of", "folds", "62.5", "61.0", "59.0"] in cells
    two = terminal.results({**one, "conditions": one["conditions"] * 2})
    assert two.splitlines()[0].endswith("pooled  WA %  macro F1 %")
    assert two.splitlines()[1].endswith("58.3  61.0        59.0")


def test_several_conditions_get_a_line_each():
    one = SUMMARY["conditions"][0]
    ua = _ua(std_over_seeds=None, interval=None)
    other = {**one, "name": "final, no smoothing", "ua": ua}
    text = terminal.results({**SUMMARY, "conditions": [one, other]})
    header, first, second = _cells(text)
    assert header[1:3] == ["UA", "%"] and "mean" not in header
    assert first[3:] == ["62.5", "50.0", "to", "75.0", "3.1", "58.3", "61.0"]
    assert second[3:] == ["62.5", NONE, NONE, "58.3", "61.0"]


def test_the_interval_stands_beside_the_mean_that_it_is_of():
    one = _summary(ua=_ua(mean_of_speakers=0.615))
    text = terminal.results(one)
    assert ["mean", "of", "speakers", "61.5", NONE] in _cells(text)
    assert "95 % interval of the mean of speakers 50.0 to 75.0" in text
    two = terminal.results({**one, "conditions": one["conditions"] * 2})
    assert _cells(two)[1][3:] == [
        "61.5",
        "50.0",
        "to",
        "75.0",
        "62.5",
        "3.1",
        "58.3",
        "61.0",
    ]


def test_a_bar_is_silent_where_there_is_no_terminal(capsys):
    with terminal.bar("features", 2, "file") as bar:
        bar.update(2)
    assert capsys.readouterr() == ("", "")


def test_notes_go_to_standard_error(capsys):
    terminal.say("a note")
    assert capsys.readouterr() == ("", "a note\n")
