"""Words of strangers: in our sentences, and as they can be shown and kept."""

import unicodedata
from collections.abc import Iterable


def shown(word: object, most: int = 60) -> str:
    """Return a key or value of a stranger's file as it can stand in a sentence: one line, not too long."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(word)[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def showable(text: str, most: int) -> str:
    """Return at most so many letters of a text, nothing among them that upsets a screen, a terminal or a file.

    Control characters and halves of letters go; white space stays, each letter of it a blank.
    """
    letters = (" " if letter.isspace() else letter for letter in text if _is_showable(letter))
    return "".join(letters)[:most]


def one_line(text: str, most: int) -> str:
    """Return a text that people typed or pasted as one line of at most so many letters; see `showable`."""
    return " ".join(showable(text, len(text)).split())[:most].strip()


def _is_showable(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cs")


def counted(number: int, what: str, verb: str = "") -> str:
    """Return "1 picture" or "2 pictures", with the verb that agrees where its plural is given ("were")."""
    words = f"{number} {what}{'' if number == 1 else 's'}"
    return f"{words} {_SINGULAR[verb] if number == 1 else verb}" if verb else words


_SINGULAR = {"were": "was", "are": "is"}


def shown_list(words: Iterable[object]) -> str:
    """Return the first few words as they can stand in a sentence; "none" where there are none."""
    listed = [shown(word, 30) for word in words]
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "") or "none"
