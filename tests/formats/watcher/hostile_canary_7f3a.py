"""What hostile files name: importing it leaves a mark."""

from pathlib import Path

Path("hostile_mark_7f3a").touch()


class Evil:
    """Making one, or giving it a state, leaves the mark as well."""

    def __new__(cls, *args, **kwargs):
        Path("hostile_mark_7f3a").touch()
        return super().__new__(cls)

    def __setstate__(self, state):
        Path("hostile_mark_7f3a").touch()
