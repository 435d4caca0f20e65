"""Words of strangers' files in our sentences."""

from collections.abc import Iterable


def shown(word: object, most: int = 60) -> str:
    """Return a key or value of a stranger's file as it can stand in a sentence: one line, not too long."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(word)[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def shown_list(words: Iterable[object]) -> str:
    """Return the first few words as they can stand in a sentence; "none" where there are none."""
    listed = [shown(word, 30) for word in words]
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "") or "none"
