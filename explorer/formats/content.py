"""What a checkpoint holds once it is read: plain values, tensors, and records of what nobody makes here.

A tree of None, bool, int, float, str, lists, dicts and tensors. An object of a class that the file names is a
`Record`: what it was to be called with is written down, and nothing is imported or called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Entries(dict[Any, Any]):
    """A dict with attributes of its own, as an `OrderedDict` has them.

    A state dict keeps `_metadata` there, the paths of all its submodules.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.attributes: dict[str, Any] = {}


@dataclass(eq=False)
class Record:
    """An object that a file describes, never made.

    Attributes:
        cls: module and name of the class or function: `torch.nn.modules.linear.Linear`.
        args: what it would have been called with.
        state: what would have become its attributes, most often a dict.
        items: what would have been appended.
        entries: what would have been set under keys.
    """

    cls: str
    args: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)
    entries: dict[Any, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The class without its module: `Linear`."""
        return self.cls.rpartition(".")[2]
