"""Damaged checkpoints through what `info` does: no crash, no hang, no file written, one sentence each.

    python scripts/fuzz.py [--count 20000] [--seed 0] [--jobs N] [--keep FOLDER]

The samples are those under $EXPLORER_REFERENCE_DATA and the bundled checkpoints; `mutations.py` damages them.
Each case runs in a process of its own, and so does, as always, the reading of an unfamiliar file; see
`fuzz_case.py`. What fails is kept with the reason in FOLDER. The exit status is 1 where anything failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz_case import FINE, Outcome, run, warm_up
from mutations import mutated

_ROOT = Path(__file__).resolve().parent.parent
_FOLDERS = ("specs.json", "model_config.json", "params.pkl", "config.json")
"""A folder with one of these is a checkpoint as a whole, too."""

_NOT_SAMPLES = ("reference.npz", "facts.json", "README.md")
_LARGEST = 16 << 20  # bytes of a sample
_SHOWN = 20  # failures that are printed


@dataclass(frozen=True)
class Sample:
    """A checkpoint, and which of its files is damaged: `opened` is the file itself, or a folder around it."""

    opened: Path
    damaged: Path


def samples() -> list[Sample]:
    """Return all samples, in a fixed order."""
    data = Path(os.environ.get("EXPLORER_REFERENCE_DATA", _ROOT.parent / "shared" / "data"))
    found = [Sample(path, path) for path in sorted((_ROOT / "checkpoints").glob("*.safetensors"))]
    for path in sorted(data.glob("*-checkpoints/**/*")):
        if not path.is_file() or path.name in _NOT_SAMPLES:
            continue
        found.append(Sample(path, path))
        whole = next((folder for folder in path.parents if _is_folder(folder)), None)
        if whole is not None:
            found.append(Sample(whole, path))
    return [sample for sample in found if sample.damaged.stat().st_size <= _LARGEST]


def _is_folder(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _FOLDERS)


class Fuzz:
    """The cases of one seed.

    Args:
        seed: of all cases; a case depends on it and its number alone.
        keep: where failing files go.
    """

    def __init__(self, seed: int, keep: Path) -> None:
        self._seed, self._keep = seed, keep
        self._samples = samples()
        self._data = {path: path.read_bytes() for path in {sample.damaged for sample in self._samples}}

    def warm_up(self) -> None:
        """Import everything that reading needs, once, by opening a small sample of each kind."""
        by_kind: dict[object, Sample] = {}
        for sample in sorted(self._samples, key=lambda sample: self._data[sample.damaged].__len__()):
            is_folder = sample.opened != sample.damaged
            by_kind.setdefault((is_folder, sample.damaged.suffix, self._data[sample.damaged][:4]), sample)
        for sample in by_kind.values():
            warm_up(sample.opened)

    def case(self, number: int) -> Outcome:
        """Run one case."""
        rng = random.Random(f"{self._seed}:{number}")
        sample = rng.choice(self._samples)
        other = self._data[rng.choice(self._samples).damaged]
        with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_quick_folder()) as name:
            folder = Path(name)
            target = folder / "case" / sample.opened.name
            damaged = target / sample.damaged.relative_to(sample.opened)
            if sample.opened == sample.damaged:
                damaged = target
            else:
                shutil.copytree(sample.opened, target, ignore=shutil.ignore_patterns(*_NOT_SAMPLES))
            damaged.parent.mkdir(parents=True, exist_ok=True)
            damaged.unlink(missing_ok=True)
            damaged.write_bytes(mutated(self._data[sample.damaged], [other], rng))
            outcome = run(target, folder)
            if outcome.kind not in FINE:
                place = self._keep / f"{self._seed}-{number}-{outcome.kind}"
                place.mkdir(parents=True, exist_ok=True)
                shutil.copytree(folder / "case", place, dirs_exist_ok=True)
                (place / "why.txt").write_text(f"{sample.damaged}\n{outcome.text}\n", encoding="utf-8")
        return outcome


def _quick_folder() -> str | None:
    """Return a folder in memory, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


_fuzz: Fuzz | None = None  # of this process; the workers are forked from it


def _case(number: int) -> tuple[int, Outcome]:
    assert _fuzz is not None
    return number, _fuzz.case(number)


def _outcomes(count: int, jobs: int) -> Iterator[tuple[int, Outcome]]:
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(_case, range(count), chunksize=8)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases and print the totals; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, default=_ROOT / "out" / "fuzz")
    given = parser.parse_args(arguments)
    global _fuzz
    _fuzz = Fuzz(given.seed, given.keep.resolve())
    begun = time.monotonic()
    _fuzz.warm_up()
    totals: Counter[str] = Counter()
    slowest, failures = 0.0, 0
    for number, outcome in _outcomes(given.count, given.jobs):
        totals[outcome.kind] += 1
        slowest = max(slowest, outcome.seconds)
        if outcome.kind not in FINE:
            failures += 1
            if failures <= _SHOWN:
                print(
                    f"{given.seed}-{number} {outcome.kind}: {outcome.text.strip().splitlines()[-1:]}",
                    flush=True,
                )
        done = sum(totals.values())
        if done % 500 == 0:
            print(f"{done} of {given.count} in {time.monotonic() - begun:.0f} s", flush=True)
    told = ", ".join(f"{kind} {totals[kind]}" for kind in sorted(totals))
    print(f"{given.count} cases, seed {given.seed}, {time.monotonic() - begun:.0f} s: {told}")
    kept = f", kept in {given.keep}" if failures else ""
    print(f"slowest {slowest:.1f} s of processor time; {failures} failed{kept}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
