import io
import sys

from launch.experiment import terminal

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


def test_the_table_shows_folds_averages_baselines_and_confusion():
    assert terminal.results(SUMMARY, []).splitlines() == [
        "mean, unigram 0.2, 2 seeds",
        "",
        "held out  utterances   UA %",
        "Ses01F             5   25.0",
        "s2                 3  100.0",
        "",
        "                UA %  95 % interval  over seeds  WA %",
        "mean of folds   62.5    50.0 - 75.0       ± 3.1  61.0",
        "pooled          58.3                             62.5",
        "majority class  33.3                             50.0",
        "chance          33.3                             33.3",
        "",
        "spoken \\ predicted %  angry   sad  bored",
        "angry                  75.0  25.0    0.0",
        "sad                    50.0   0.0   50.0",
        "bored                   0.0   0.0  100.0",
    ]


def test_several_conditions_get_a_line_each():
    one = SUMMARY["conditions"][0]
    other = {**one, "name": "final, no smoothing"}
    text = terminal.results({**SUMMARY, "conditions": [one, other]}, [])
    assert text.splitlines() == [
        "condition            UA %  95 % interval  over seeds  pooled  WA %",
        "mean, unigram 0.2    62.5    50.0 - 75.0       ± 3.1    58.3  61.0",
        "final, no smoothing  62.5    50.0 - 75.0       ± 3.1    58.3  61.0",
    ]


def test_one_seed_has_no_spread_and_one_speaker_no_interval():
    ua = _ua(std_over_seeds=None, interval=None)
    text = terminal.results(_summary(seeds=[0], ua=ua), [])
    assert text.startswith("mean, unigram 0.2, 1 seed\n")
    assert ["mean", "of", "folds", "62.5", "61.0"] in _cells(text)


def test_the_interval_stands_beside_the_mean_that_it_is_of():
    one = _summary(ua=_ua(mean_of_speakers=0.615))
    cells = _cells(terminal.results(one, []))
    assert ["mean", "of", "speakers", "61.5", "50.0", "-", "75.0"] in cells
    assert ["mean", "of", "folds", "62.5", "±", "3.1", "61.0"] in cells
    condition = {**one["conditions"][0], "name": "mean"}
    two = terminal.results({**one, "conditions": [condition] * 2}, [])
    assert two.splitlines()[:2] == [
        "condition  UA %  95 % interval  mean of folds  over seeds  pooled  WA %",
        "mean       61.5    50.0 - 75.0           62.5       ± 3.1    58.3  61.0",
    ]


def test_a_fold_without_some_class_is_marked_and_explained():
    text = terminal.results(SUMMARY, ["s2"])
    assert ["s2*", "3", "100.0"] in _cells(text) and "\n* tests without" in text


def test_a_class_that_is_never_tested_counts_in_no_majority():
    text = terminal.results(_summary(confusion=[[3, 1, 0], [1, 1, 0], [0, 0, 0]]), [])
    assert ["majority", "class", "50.0", "66.7"] in _cells(text)
    assert ["bored", "0.0", "0.0", "0.0"] in _cells(text)


def test_a_bar_is_silent_where_there_is_no_terminal(capsys):
    with terminal.bar("features", 2, "file") as bar:
        bar.update(2)
    assert capsys.readouterr() == ("", "")


def test_a_bar_shows_rate_and_time_left_and_is_wiped_in_the_end(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with terminal.bar("training", 2000, "frame", scale=True) as bar:
        bar.update(1000)
        bar.refresh()
    shown = sys.stderr.getvalue().split("\r")
    assert any("1.00k/2.00k" in line and "frame/s" in line for line in shown)
    assert not shown[-1].strip()


def test_notes_go_to_standard_error(capsys):
    terminal.say("a note")
    assert capsys.readouterr() == ("", "a note\n")


def test_numbers_agree_with_their_noun():
    said = [terminal.number(count, "frame") for count in (0, 1, 2000)]
    assert said == ["0 frames", "1 frame", "2,000 frames"]
