"""Settings: what a user may write, and what is told when it is wrong."""

from dataclasses import dataclass

import pytest

from explorer.errors import UsageError
from explorer.training.settings import describe, parse, setting


@dataclass(frozen=True)
class Example:
    epochs: int = setting(10, "passes", least=1)
    lr: float = setting(0.5, "rate", least=0, most=1)
    hidden: tuple[int, ...] = setting((64, 8), "widths", least=1)
    beta: float = setting(1.0, "weight", least=0)
    shuffle: bool = setting(True, "order")
    extra: str = setting("", "more")


@dataclass(frozen=True)
class Longer(Example):
    epochs: int = 30


def test_another_default_alone_keeps_words_and_range():
    assert parse(Longer, {}, "toy").epochs == 30
    first = describe(Longer)[0]
    assert (first.name, first.default, first.help) == ("epochs", "30", "passes")
    with pytest.raises(UsageError, match="at least 1"):
        parse(Longer, {"epochs": "0"}, "toy")


def test_defaults_stay_where_nothing_is_given():
    assert parse(Example, {}, "toy") == Example()


def test_texts_become_values_of_the_fields_types():
    given = {"epochs": "3", "lr": "1e-2", "hidden": "32, 16,4", "shuffle": "no", "extra": "a=b.zip"}
    assert parse(Example, given, "toy") == Example(3, 0.01, (32, 16, 4), 1.0, False, "a=b.zip")


def test_an_unknown_setting_is_told_the_known_ones():
    with pytest.raises(
        UsageError, match=r"toy has no setting epoch; it knows epochs, lr, hidden, beta, shuffle, extra\."
    ):
        parse(Example, {"epoch": "3"}, "toy")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("epochs", "many", "whole number"),
        ("epochs", "2.5", "whole number"),
        ("epochs", "0", "at least 1"),
        ("lr", "fast", "a number"),
        ("lr", "2", "0 to 1"),
        ("lr", "nan", "0 to 1"),
        ("beta", "inf", "at least 0"),
        ("hidden", "64,wide", "whole numbers"),
        ("hidden", "64,0", "at least 1"),
        ("hidden", "", "at least 1"),
        ("shuffle", "maybe", "yes or no"),
    ],
)
def test_a_wrong_value_is_named_with_what_belongs_there(name, text, told):
    with pytest.raises(UsageError, match=told) as caught:
        parse(Example, {name: text}, "toy")
    assert name in str(caught.value)


def test_descriptions_show_defaults_as_they_are_written():
    shown = {info.name: info.default for info in describe(Example)}
    assert shown == {
        "epochs": "10",
        "lr": "0.5",
        "hidden": "64,8",
        "beta": "1.0",
        "shuffle": "yes",
        "extra": "",
    }
