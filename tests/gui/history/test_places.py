"""Places of the history: what is kept, starred, blended, and what came from where."""

import fakes
import numpy as np
import pytest

from explorer.formats.notes import NO_NOTES, Notes, StarredPlace
from explorer.gui.history.places import PLACE_LIMIT
from explorer.gui.session import Session
from explorer.gui.state import Place, frozen_code
from explorer.latent import interpolation
from explorer.models.base import Space


class Opened:
    """What a reader returns, without a file."""

    def __init__(self, model, notes=NO_NOTES):
        self.model, self.code_book, self.notes = model, None, notes
        self.root = self


@pytest.fixture
def session(qapp, tiny_model):
    tiny_model.spaces["w"] = Space("w", (3,))
    session = Session()
    session.open(Opened(tiny_model))
    return session


def keep_at(session, *values, what="Random"):
    """Go somewhere and keep it."""
    session.arrive(np.array(values, np.float32), what)
    return session.places.keep(what)


def test_a_place_is_the_code_and_how_one_got_there(session, qtbot):
    session.randomize(3)
    with qtbot.waitSignal(session.places.changed):
        place = session.places.keep("Random")
    assert (place.space, place.what, place.name, place.starred) == ("z", "Random", "", False)
    assert np.array_equal(place.code, session.code)
    assert session.places.all == (place,)
    assert session.places.here is place


def test_the_same_code_is_the_same_place(session):
    first = keep_at(session, 1, 2, 3, 4)
    keep_at(session, 0, 0, 0, 1)
    assert keep_at(session, 1, 2, 3, 4, what="Map") is first
    assert len(session.places.all) == 2


def test_two_hundred_are_kept_and_every_star(session):
    starred = [keep_at(session, i, 0, 0, 0).id for i in range(5)]
    for number in starred:
        session.places.star(number)
    for i in range(PLACE_LIMIT + 20):
        keep_at(session, i, 1, 0, 0)
    places = session.places.all
    assert [place.id for place in places[:5]] == starred
    assert len(places) == PLACE_LIMIT + 5
    assert places[5].code[0] == 20, "the oldest ones went"
    assert places[-1].code[0] == PLACE_LIMIT + 19


def test_a_parent_is_the_place_before_also_after_undo(session):
    first = keep_at(session, 1, 0, 0, 0)
    second = keep_at(session, 2, 0, 0, 0)
    third = keep_at(session, 3, 0, 0, 0)
    assert [place.parent for place in (first, second, third)] == [None, first.id, second.id]
    session.undo()
    session.undo()
    assert session.places.last is first
    assert keep_at(session, 4, 0, 0, 0).parent == first.id


def test_a_visit_goes_back_as_one_step_and_makes_a_branch(session):
    first, second = keep_at(session, 1, 0, 0, 0), keep_at(session, 2, 0, 0, 0)
    session.places.visit(first.id)
    assert session.places.here is first
    assert session.undo_text == "History"
    assert keep_at(session, 3, 0, 0, 0).parent == first.id
    session.undo()
    session.undo()
    assert session.places.here is second


def test_a_visit_of_another_space_switches_to_it(session):
    place = keep_at(session, 1, 0, 0, 0)
    session.set_space("w")
    other = keep_at(session, 0.5, 0, -1)
    session.places.visit(place.id)
    assert session.state.space == "z"
    assert np.array_equal(session.code, [1, 0, 0, 0])
    session.places.visit(other.id)
    assert session.state.space == "w"


def test_a_place_of_a_space_that_is_gone_says_so(session, qtbot):
    gone = Place(7, "q", frozen_code(np.zeros(9)), "starred", starred=True)
    session.places.restore((gone,))
    before = session.state
    for act in (session.places.visit, session.places.blend, lambda n: session.places.set_anchor("A", n)):
        with qtbot.waitSignal(session.message) as said:
            act(gone.id)
        assert said.args[0] == "warning"
        assert "space q of 9 dimensions" in said.args[1]
    assert session.state is before


@pytest.mark.parametrize("path", ["lerp", "slerp"])
def test_a_blend_is_halfway_on_the_path_of_the_strip(session, path):
    session.set_strip(path=path)
    a, b = keep_at(session, 2, 0, 0, 1), keep_at(session, 0, 1, 0, 0)
    session.places.blend(a.id, b.id)
    between = {"lerp": interpolation.lerp, "slerp": interpolation.slerp}[path]
    assert np.array_equal(session.code, between(a.code, b.code, 0.5).astype(np.float32))
    if path == "lerp":
        assert session.code.tolist() == [1, 0.5, 0, 0.5]
    assert session.places.here.what == "Blend"
    assert session.undo_text == "Blend"


def test_a_blend_has_a_name_where_both_have_one(session):
    a, b, c = (keep_at(session, i, 0, 0, 1) for i in (1, 2, 5))
    session.places.rename(a.id, "calm")
    session.places.blend(a.id, c.id)
    assert session.places.here.name == ""
    session.places.blend(b.id, a.id)
    assert session.places.here.name == ""
    session.places.rename(b.id, "glad")
    session.places.blend(a.id, b.id)
    assert session.places.here.name == "calm + glad"


def test_a_blend_with_the_current_picture(session):
    a = keep_at(session, 1, 0, 0, 0)
    session.set_dimension(0, -1)
    session.set_dimension(1, 1)
    session.commit()
    session.places.blend(a.id)
    assert session.code.tolist() == [0, 0.5, 0, 0]


def test_places_of_two_spaces_cannot_be_blended(session, qtbot):
    a = keep_at(session, 1, 0, 0, 0)
    session.set_space("w")
    b = keep_at(session, 1, 0, 0)
    before = session.state
    for other in (b.id, None):
        with qtbot.waitSignal(session.message) as said:
            session.places.blend(a.id, other)
        assert "same space" in said.args[1]
    assert session.state is before


def test_a_place_becomes_an_end_of_the_strip(session, qtbot):
    a = keep_at(session, 1, 0, 0, 0)
    session.places.set_anchor("A", a.id)
    assert np.array_equal(session.anchors["A"].code, a.code)
    assert session.anchors["A"].label == "Random, from the history"
    session.places.rename(a.id, "calm")
    session.places.set_anchor("B", a.id)
    assert session.anchors["B"].label == "calm"
    session.set_space("w")
    with qtbot.waitSignal(session.message) as said:
        session.places.set_anchor("A", a.id)
    assert "in the space z" in said.args[1]
    assert session.anchors["A"] is None


def test_going_back_in_time_forgets_no_place_and_no_star(session):
    place = keep_at(session, 1, 0, 0, 0)
    session.places.star(place.id)
    while session.can_undo:
        session.undo()
    assert session.places.get(place.id).starred


def test_each_model_has_places_of_its_own_and_undo_brings_them_back(session):
    place = keep_at(session, 1, 0, 0, 0)
    saved = StarredPlace("z", np.array([0, 1, 0, 1], np.float32), "smile")
    session.open(Opened(fakes.tiny_vae(1, name="other"), Notes(places=(saved,))))
    (other,) = session.places.all
    assert (other.name, other.starred, other.id != place.id) == ("smile", True, True)
    session.undo()
    assert session.places.all == (place,)
    session.redo()
    assert session.places.all == (other,)


def test_a_name_is_one_short_line(session):
    place = keep_at(session, 1, 0, 0, 0)
    session.places.rename(place.id, "  a\nlong   " + "x" * 100)
    name = session.places.get(place.id).name
    assert name.startswith("a long x")
    assert len(name) == 80
    session.places.rename(place.id, " ")
    assert session.places.get(place.id).name == ""


def test_removing_and_restoring(session):
    first, second = keep_at(session, 1, 0, 0, 0), keep_at(session, 2, 0, 0, 0)
    session.places.remove(first.id)
    assert session.places.all == (second,)
    session.places.restore((first, second))
    assert session.places.all == (first, second)
    assert session.places.last is second, "that is where the session is"
    assert keep_at(session, 3, 0, 0, 0).id > second.id, "no id twice"


def test_a_place_is_called_after_the_step_that_led_to_it(session):
    assert session.places.keep().what == "Start"
    session.set_dimension(2, 0.5)
    session.commit()
    session.use_current("A")
    session.set_strip(steps=3)
    assert session.places.keep().what == "z3"


def test_nothing_is_kept_without_a_model(qapp):
    session = Session()
    assert session.places.keep("Random") is None
    assert session.places.all == ()
    assert session.places.last is None
