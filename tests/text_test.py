from hypothesis import given, strategies

from vladser import text

ROWS = [("a|<b>", "1.0", "yes"), ("c", "10.0", "no")]


def test_values_are_rounded_signed_and_never_minus_zero():
    minus = "\N{MINUS SIGN}"
    assert text.percent(0.8194) == "81.9" and text.decimal(-0.0821) == f"{minus}0.08"
    shown = [text.points(x) for x in (-0.0312, 0.05, -0.0001)]
    assert shown == [f"{minus}3.1", "+5.0", "0.0"]
    shown = [text.probability(p) for p in (0.0004, 0.05, 1)]
    assert shown == ["<0.001", "0.050", "1.000"]
    assert text.interval((0.7, 0.8), text.percent) == "70.0 to 80.0"
    for no_number in None, float("nan"), float("inf"):
        assert text.percent(no_number) == text.decimal(no_number) == text.NONE


def test_numbers_agree_with_their_noun_and_lists_end_in_and():
    said = [text.count(count, "frame") for count in (0, 1, 2000)]
    assert said == ["0 frames", "1 frame", "2,000 frames"]
    lists = [text.names(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])]
    assert lists == ["", "a", "a and b", "a, b and c"]


def test_numbers_stand_right_and_words_left():
    assert text.table(("x", "%", ""), ROWS, words={2}).splitlines() == [
        "x         %",
        "a|<b>   1.0  yes",
        "c      10.0  no",
    ]


def test_markdown_is_aligned_and_escaped():
    assert text.table(("x", "%", ""), ROWS, {2}, markdown=True).splitlines() == [
        r"| x        |    % |     |",
        r"| -------- | ---: | --- |",
        r"| a\|\<b\> |  1.0 | yes |",
        r"| c        | 10.0 | no  |",
    ]


@given(strategies.lists(strategies.text("abc", min_size=1)), strategies.integers(1, 9))
def test_a_list_of_few_is_whole_and_one_of_many_counts_the_rest(items, most):
    listed, _, rest = text.few(iter(items), most).partition(" and ")
    assert listed == ", ".join(items[:most])
    assert rest == (f"{len(items) - most} more" if len(items) > most else "")
