"""The picture of the rooms shows the imports of today."""

import draw_rooms


def test_the_picture_is_up_to_date():
    committed = draw_rooms.PICTURE.read_text(encoding="utf-8")
    assert committed == draw_rooms.svg(), "run: python docs/draw_rooms.py"


def test_every_room_is_in_a_layer():
    package = draw_rooms.ROOT / "covid_keras"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert set(draw_rooms.rooms()) == folders
