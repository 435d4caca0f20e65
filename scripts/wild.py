"""How many checkpoints of strangers open right, without a hint: each is read and decoded as a person would.

    python scripts/wild.py                      the samples under $EXPLORER_REFERENCE_DATA/wild-checkpoints
    python scripts/wild.py --also FOLDER        and those of another folder
    python scripts/wild.py --hints FILE.json    and once more with hints: {"SAMPLE": {"image": "1x28x28"}}

A sample is a folder with a checkpoint, `reference.npz` (codes `z`, the pictures that its own network made of
them, `labels`, `enc_x` and `enc_mu` where there are any) and `facts.json` (the range of its pictures). Right
means exact: no value is off by more than a thousandth of the range; or alike: each picture correlates with the
true one. The exit status is 1 where a folder stays below the limits. How a sample is measured is in
`wild_samples.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from wild_samples import EXACT, MOST_HINTS, MOST_SECONDS, Outcome, measured, samples_in

LIMITS = {"exact": 0.75, "alike": 0.90}
"""The shares of samples that must open right."""

_ROOT = Path(__file__).resolve().parent.parent


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the lines of a table."""
    width = max((len(outcome.name) for outcome in outcomes), default=6)
    yield f"{'sample':{width}}  exact  alike  differs  encoder  seconds  why not"
    for out in outcomes:
        exact, alike = ("yes" if right else "-" for right in (out.exact, out.alike))
        off = "" if np.isnan(out.off) else f"{out.off:.1e}"
        encoder = "" if out.encoder is None else "-" if np.isnan(out.encoder) else f"{out.encoder:.1e}"
        why = out.reason + (f"; hints to give: {', '.join(out.needed)}" if out.needed else "")
        yield f"{out.name:{width}}  {exact:5}  {alike:5}  {off:7}  {encoder:7}  {out.seconds:7.1f}  {why}".rstrip()


def summary(outcomes: Sequence[Outcome]) -> tuple[list[str], bool]:
    """Return lines with both shares and what the encoders do, and whether the shares reach the limits."""
    lines, holds = [], True
    for key, limit in LIMITS.items():
        count = sum(getattr(outcome, key) for outcome in outcomes)
        reached = count >= limit * len(outcomes)
        holds = holds and reached
        lines.append(
            f"{key}: {count} of {len(outcomes)} ({100 * count / max(len(outcomes), 1):.0f} %); "
            f"the limit of {100 * limit:.0f} % {'holds' if reached else 'does not hold'}"
        )
    encoders = [outcome.encoder for outcome in outcomes if outcome.encoder is not None]
    right = sum(off <= EXACT for off in encoders)
    return [*lines, f"encoders: {right} of {len(encoders)} give the true codes"], holds


def _report(
    folder: Path, limit: float, hints: Mapping[str, Mapping[str, str]] | None = None, title: str = ""
) -> bool:
    """Measure and print one folder; return whether the limits hold."""
    outcomes = [measured(sample, (hints or {}).get(sample.name), limit) for sample in samples_in(folder)]
    lines, holds = summary(outcomes)
    print(f"\n{folder}{title}\n", *table(outcomes), "", *lines, sep="\n", flush=True)
    return holds


def _hints_of(path: Path) -> dict[str, dict[str, str]]:
    """Return the hints of each sample; too many for one end the program."""
    hints = json.loads(path.read_text())
    many = [name for name, given in hints.items() if len(given) > MOST_HINTS]
    if many:
        sys.exit(f"{path} gives more than {MOST_HINTS} hints for {', '.join(many)}.")
    return hints


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, help="samples in place of those of the reference data"
    )
    parser.add_argument(
        "--also", action="append", default=[], type=Path, metavar="FOLDER", help="more samples"
    )
    parser.add_argument("--hints", type=Path, metavar="FILE.json", help=f"at most {MOST_HINTS} a sample")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS, help="for one file at most")
    given = parser.parse_args(arguments)
    data = Path(os.environ.get("EXPLORER_REFERENCE_DATA", _ROOT.parent / "shared" / "data"))
    folders = [given.folder or data / "wild-checkpoints", *given.also]
    missing = [str(folder) for folder in folders if not samples_in(folder)]
    if missing:
        print(
            f"No samples in {', '.join(missing)}; set EXPLORER_REFERENCE_DATA or name a folder.",
            file=sys.stderr,
        )
        return 2
    holds = [_report(folder, given.seconds) for folder in folders]
    if given.hints:
        hints = _hints_of(given.hints)
        for folder in folders:
            _report(folder, given.seconds, hints, " with hints")
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
