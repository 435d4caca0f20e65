"""Say in a last line how many tests ran, by the junit files of `scripts/test.sh`; fail if a part ran none."""

import sys
from pathlib import Path
from xml.etree import ElementTree

PARTS = {"offscreen": "without a screen", "x11": "in an X window"}


def count(junit: Path) -> dict[str, float]:
    """Return the numbers of one junit file; all zero where pytest did not get as far as writing it."""
    numbers = {"tests": 0.0, "failures": 0.0, "errors": 0.0, "skipped": 0.0, "time": 0.0}
    if junit.exists():
        for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
            for key in numbers:
                numbers[key] += float(suite.get(key, 0))
    return numbers


def main(folder: Path) -> int:
    """Print the line; return the exit status."""
    parts = {text: count(folder / f"{name}.xml") for name, text in PARTS.items()}
    total = {key: sum(part[key] for part in parts.values()) for key in next(iter(parts.values()))}
    ran = {text: int(part["tests"] - part["skipped"]) for text, part in parts.items()}
    bad = int(total["failures"] + total["errors"])
    passed = int(total["tests"] - total["skipped"]) - bad
    where = ", ".join(f"{number} {text}" for text, number in ran.items())
    failed = f"{bad} failed, " if bad else ""
    skipped = int(total["skipped"])
    print(f"== {failed}{passed} passed, {skipped} skipped in {total['time']:.0f} s ({where}) ==")
    return 1 if bad or not all(ran.values()) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
