"""What changed since older figures: what counts and what is noise, the table, the JSON, files that are no figures."""

import importlib
import json

import pytest


@pytest.fixture
def measure(benchmarks):
    return importlib.import_module(f"{benchmarks.__name__}.measure")


@pytest.fixture
def compare(benchmarks):
    return importlib.import_module(f"{benchmarks.__name__}.compare")


@pytest.fixture
def figure(measure):
    """Return a function that makes a figure of a median, a p95, and perhaps a baseline."""

    def make(median, p95=None, baseline=None, name="decode/x", unit="ms"):
        ratio = median / baseline if median is not None and baseline else None
        return measure.Figure(name, unit, median, p95 if p95 is not None else median, median, baseline, ratio)

    return make


@pytest.fixture
def bench(benchmarks, monkeypatch, tmp_path):
    """Return a function that runs `bench` with these figures as the only ones, after others."""

    def run(old, new, as_json=False, only=()):
        path = tmp_path / "old.json"
        path.write_text(json.dumps([figure.as_json() for figure in old]))
        monkeypatch.setattr(benchmarks, "_figures", lambda: {f.name: lambda f=f: f for f in new})
        monkeypatch.setattr(benchmarks, "_machine", lambda: "a machine")
        benchmarks.run(list(only), as_json, path)

    return run


def verdict(compare, old, new):
    return compare.change(old, new).verdict


def test_a_small_change_and_one_within_the_scatter_are_none(compare, figure):
    assert verdict(compare, figure(10), figure(11.4)) == "same"
    assert verdict(compare, figure(10), figure(11.6)) == "worse"
    assert verdict(compare, figure(10), figure(8.4)) == "better"
    assert verdict(compare, figure(10), figure(13, 16)) == "worse"  # by the slowest
    assert verdict(compare, figure(10, 14), figure(13, 14)) == "same"
    assert verdict(compare, figure(10, 11), figure(10, 13)) == "same"
    assert verdict(compare, figure(10, 11), figure(5, 15)) == "same"
    assert compare.change(figure(10), figure(5)).factor == 0.5


def test_the_ratio_to_the_baseline_judges_where_both_have_one(compare, figure):
    busier = compare.change(figure(10, 11, 20), figure(20, 22, 40))
    assert (busier.verdict, busier.factor, busier.judged_by) == ("same", 1.0, "ratio")
    assert verdict(compare, figure(10, 11, 20), figure(10, 11, 10)) == "worse"
    alone = compare.change(figure(10, 10, 20), figure(20))
    assert (alone.verdict, alone.factor, alone.judged_by) == ("worse", 2.0, "median")


def test_of_a_rate_more_is_better(compare, figure):
    slower = compare.change(figure(20, 19, unit="/s"), figure(10, 9, unit="/s"))
    assert (slower.verdict, slower.factor) == ("worse", 0.5)
    assert (
        compare.change(figure(10, 9, 5, unit="/s"), figure(10, 9, 2, unit="/s")).verdict == "better"
    )  # by ratio
    assert compare.change(figure(10, 9, unit="/s"), figure(10, 5, unit="/s")).verdict == "same"  # it scatters


def test_nearly_nothing_stays_nothing(compare, figure):
    change = compare.change(figure(0, unit="%"), figure(0.1, unit="%"))
    assert (change.verdict, change.factor) == ("same", None)
    assert verdict(compare, figure(0, unit="%"), figure(5, unit="%")) == "worse"
    assert verdict(compare, figure(-1, unit="MB"), figure(0.5, unit="MB")) == "same"
    assert verdict(compare, figure(-1, unit="MB"), figure(40, unit="MB")) == "worse"


def test_what_was_not_measured_cannot_be_compared(compare, figure):
    assert compare.change(None, figure(1)) is None
    assert compare.change(figure(None), figure(1)) is None
    assert compare.change(figure(1), figure(None)) is None
    assert compare.change(figure(1, unit="s"), figure(1)) is None


def test_the_table_tells_what_changed_worst_first(bench, figure, capsys):
    old = [figure(10, 11, name="decode/a"), figure(10, name="decode/b"), figure(10, name="decode/c")]
    new = [figure(5, name="decode/a"), figure(30, 33, name="decode/b"), figure(1, name="decode/n")]
    bench(old, new)
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines() if line.startswith("decode/")]
    assert lines == [
        "decode/b 10 → 30 10 → 33 ms - 3 worse",
        "decode/a 10 → 5 11 → 5 ms - 0.5 better",
        "decode/n - → 1 - → 1 ms - - new",
    ]
    assert "Of 3 figures: 1 worse, 1 better, 0 as before, 1 that cannot be compared." in out


def test_what_was_measured_becomes_a_table_of_a_page(call, figure, tmp_path):
    path = tmp_path / "figures.json"
    figures = [figure(10, 12, 20), figure(None, name="window/x"), figure(3, name="throughput/y", unit="/s")]
    path.write_text(json.dumps([figure.as_json() for figure in figures]))
    assert call("bench", "--table", path).out.splitlines() == [
        "| figure | median | p95 | | plain | ratio |",
        "|---|--:|--:|---|--:|--:|",
        "| `decode/x` | 10 | 12 | ms | 20 | 0.5 |",
        "| `throughput/y` | 3 | 3 | /s | - | - |",
    ]
    assert call("bench", "--table", path, "--json").status == 2


def test_json_holds_the_old_values_and_the_change(bench, figure, capsys):
    bench([figure(10, 12, 20)], [figure(20, 21, 20), figure(1, name="decode/n")], as_json=True)
    one, new = json.loads(capsys.readouterr().out)
    assert one["median"] == 20
    assert one["old"] == {"median": 10, "p95": 12, "p99": 10, "baseline": 20, "ratio": 0.5}
    assert one["change"] == {"verdict": "worse", "factor": 2.0, "judged_by": "ratio"}
    assert (new["old"], new["change"]) == (None, None)


def test_what_it_wrote_itself_can_be_compared_again(bench, compare, figure, tmp_path, capsys):
    bench([figure(10)], [figure(12)], as_json=True)
    again = tmp_path / "again.json"
    again.write_text(capsys.readouterr().out)
    assert compare.read(again)["decode/x"].median == 12


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is no JSON"),
        ("\udcff", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ('{"a": 1}', "it is no list of figures"),
        ("[]", "it is no list of figures"),
        ("[1]", "what it lists are no figures"),
        ('[{"name": "x"}]', "what it lists are no figures"),
        ('[{"name": "x", "unit": "ms", "median": "fast"}]', "median of x is no number"),
        ('[{"name": "x", "unit": "ms", "median": NaN}]', "median of x is no number"),
        ('[{"name": "x", "unit": "ms", "median": true}]', "median of x is no number"),
    ],
)
def test_a_file_that_holds_no_figures_is_said_before_anything_is_measured(
    benchmarks, compare, monkeypatch, tmp_path, text, why
):
    path = tmp_path / "old.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    monkeypatch.setattr(benchmarks, "_figures", lambda: pytest.fail("it was not read first"))
    with pytest.raises(compare.FiguresError, match=f"old.json holds no figures of this program: {why}; give"):
        benchmarks.run([], False, path)


def test_the_command_refuses_such_a_file_with_status_3(call, tmp_path):
    missing = tmp_path / "none.json"
    outcome = call("bench", "--compare", missing)
    assert outcome.status == 3
    assert outcome.err.strip() == (
        f"The figures {missing} could not be read (No such file or directory); give a file that `bench --json` wrote."
    )
    assert call("bench", "--compare").status == 2
    assert call("bench", "--compare", tmp_path).status == 3


def test_help_documents_the_comparison(call):
    out = " ".join(call("bench", "--help").out.split())
    assert "--compare" in out
    assert "better, worse or same" in out
