"""What a file of scenes holds: all records checked, counts and distributions, and signs of a wrong coordinate space.

One pass with flat memory: distributions are counts over the 1000 bins.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from railyard.core.arrays import I64
from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.stage2.scenes.config import Space
from railyard.stage2.scenes.coordinates import BINS
from railyard.stage2.scenes.geometry import in_pixels
from railyard.stage2.scenes.image_names import is_there
from railyard.stage2.scenes.pictures import size_of
from railyard.stage2.scenes.records import RECORDS, Scene, declared, decode, lines, scene_of

GRID = 8  # cells a side, for where the middles of boxes lie
FIRST = 5  # faults and suspicions of a kind that are spelled out
COMMONEST = 20
MOST_DESCS = 100_000  # distinct ones that are counted: a bound for memory
CHUNK = 1 << 16
ENOUGH = 100  # boxes, from which on a rule that they all follow is no chance
SAMPLES = 12

Progress = Callable[[int, int], None]  # records read, and in all


@dataclass
class Tally:
    """Counts over the good records of a file, and some of them as samples (each record equally likely)."""

    space: Space = "auto"
    images: int = 0
    objects_per_image: Counter[int] = field(default_factory=Counter)
    descs: Counter[str] = field(default_factory=Counter)
    polygons: int = 0
    in_numbers: int = 0  # objects whose coordinates are plain numbers
    largest_pixel: float = 0.0
    beyond_bins: int = 0  # objects in pixels, in images of more than 1000 pixels a side
    faults: Counter[str] = field(default_factory=Counter)
    first_faults: list[str] = field(default_factory=list)
    samples: list[tuple[int, Scene]] = field(default_factory=list)
    widths_1000: I64 = field(default_factory=lambda: np.zeros(BINS, np.int64))
    heights_1000: I64 = field(default_factory=lambda: np.zeros(BINS, np.int64))
    ends_1000: I64 = field(default_factory=lambda: np.zeros(BINS, np.int64))
    middles: I64 = field(default_factory=lambda: np.zeros((GRID, GRID), np.int64))
    _boxes: list[tuple[int, int, int, int]] = field(default_factory=list)
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def add(self, number: int, value: Mapping[str, Any], scene: Scene) -> None:
        """Counts a record: its line, its plain value, and the scene that it describes."""
        self.images += 1
        self.objects_per_image[len(scene.objects)] += 1
        for each in scene.objects:
            if len(self.descs) < MOST_DESCS or each.desc in self.descs:
                self.descs[each.desc] += 1
            self.polygons += each.poly is not None
            self._boxes.append(each.box)
        self._numbers(value, scene)
        self._sample(number, scene)
        if len(self._boxes) >= CHUNK:
            self.flush()

    def fault(self, kind: str, sentence: str) -> None:
        """Counts a fault; the first ones of a kind are kept in words."""
        self.faults[kind] += 1
        if self.faults[kind] <= FIRST:
            self.first_faults.append(sentence)

    def flush(self) -> None:
        """Counts the boxes that were collected."""
        boxes_N4 = np.array(self._boxes, np.int64).reshape(-1, 4)
        sides_N2 = boxes_N4[:, 2:] - boxes_N4[:, :2]
        self.widths_1000 += np.bincount(sides_N2[:, 0], minlength=BINS)
        self.heights_1000 += np.bincount(sides_N2[:, 1], minlength=BINS)
        self.ends_1000 += np.bincount(boxes_N4[:, 2:].max(axis=1, initial=0), minlength=BINS)
        columns_N, rows_N = ((boxes_N4[:, at] + boxes_N4[:, at + 2]) * GRID // (2 * BINS) for at in (0, 1))
        np.add.at(self.middles, (rows_N, columns_N), 1)
        self._boxes.clear()

    def _numbers(self, value: Mapping[str, Any], scene: Scene) -> None:
        space = declared(scene.metadata or {}, self.space)
        for each in value["objects"]:
            numbers = [k for k in each.get("bbox_2d") or each["poly"] if not isinstance(k, str)]
            self.in_numbers += bool(numbers)
            if numbers and in_pixels(numbers, space):
                self.largest_pixel = max(self.largest_pixel, *numbers)
                self.beyond_bins += max(scene.width, scene.height) > BINS

    def _sample(self, number: int, scene: Scene) -> None:
        if len(self.samples) < SAMPLES:
            self.samples.append((number, scene))
        elif (place := int(self._rng.integers(self.images))) < SAMPLES:
            self.samples[place] = (number, scene)


def file_of(path: Path) -> Path:
    """The file of records of a data set, given by either."""
    return path / RECORDS if path.is_dir() else path


def tally(path: Path, space: Space = "auto", progress: Progress | None = None) -> Tally:
    """Reads all records of a file; bad ones and bad images are counted, not raised."""
    found, total = Tally(space), sum(1 for _ in lines(path))
    if not total:
        raise UserError(f"{path} is empty: a file of scenes has one JSON object a line")
    for number, line in lines(path):
        try:
            value = decode(line)
            scene = scene_of(value, space, polygons=True)
        except ValueError as fault:
            found.fault("bad records", f"line {number}: {fault}")
        else:
            found.add(number, value, scene)
            _look_at_image(path.parent / scene.image, number, scene, found)
        if progress is not None:
            progress(number, total)
    found.flush()
    return found


def describe(path: Path, space: Space = "auto", progress: Progress | None = None) -> dict[str, Any]:
    """JSON-able facts of a data set of scenes; see `tally`."""
    return facts_of(tally(file_of(path), space, progress), path)


def facts_of(found: Tally, path: Path) -> dict[str, Any]:
    """What was counted, as plain values. Sides are shares of the image's."""
    objects = int(found.widths_1000.sum())
    integrity, damaged = durable.integrity(path)
    return {
        "kind": "scenes",
        "path": str(path),
        "images": found.images,
        "objects": objects,
        "objects_per_image": _summary(found.objects_per_image),
        "descriptions": len(found.descs),
        "commonest": dict(found.descs.most_common(COMMONEST)),
        "polygons": found.polygons,
        "objects_in_plain_numbers": found.in_numbers,
        "width": _quantiles(found.widths_1000),
        "height": _quantiles(found.heights_1000),
        "faults": dict(found.faults),
        "first_faults": found.first_faults,
        "suspicions": list(suspicions(found)),
        "integrity": integrity,
        "damaged": found.first_faults + damaged,
    }


def suspicions(found: Tally) -> Iterator[str]:
    """Sentences on what is legal but probably not what was meant."""
    objects, last = int(found.ends_1000.sum()), int(np.flatnonzero(found.ends_1000).max(initial=0))
    if found.beyond_bins >= ENOUGH and found.largest_pixel < BINS:
        yield (
            f"{found.beyond_bins} objects lie in images of more than {BINS} pixels a side, and no number is above "
            f"{found.largest_pixel:g}: are these bins of norm1000? space=norm1000 reads them so"
        )
    if objects - found.in_numbers >= ENOUGH and not found.in_numbers and last < 0.8 * BINS:
        yield f"no box of {objects} ends beyond bin {last} of {BINS - 1}: were pixels written as tokens?"
    if objects >= ENOUGH and found.ends_1000[-1] > 0.5 * objects:
        yield f"{found.ends_1000[-1]} of {objects} boxes end at an edge: are width and height those of the image?"


def _look_at_image(path: Path, number: int, scene: Scene, found: Tally) -> None:
    if not is_there(path):
        found.fault("missing images", f"line {number}: the image {scene.image} is missing")
        return
    try:
        size = size_of(path)
    except ValueError as fault:
        found.fault("bad images", f"line {number}: {fault}")
        return
    if size != (scene.width, scene.height):
        said = f"the record says {scene.width} x {scene.height}, {scene.image} has {size[0]} x {size[1]}"
        found.fault("images of another size", f"line {number}: {said}")


def _summary(counts: Mapping[int, int]) -> dict[str, float]:
    if not counts:
        return {}
    values, weights = np.array(sorted(counts.items())).T
    middle = values[np.searchsorted(np.cumsum(weights), weights.sum() / 2)]
    mean = round(float(values @ weights / weights.sum()), 3)
    return {"min": int(values[0]), "median": int(middle), "mean": mean, "max": int(values[-1])}


def _quantiles(counts_1000: I64) -> dict[str, float]:
    """Shares of the image at some quantiles."""
    cumulated = np.cumsum(counts_1000)
    if not cumulated[-1]:
        return {}
    at = {"min": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "max": 1.0}
    places = {name: int(np.searchsorted(cumulated, max(1, q * cumulated[-1]))) for name, q in at.items()}
    return {name: round(place / (BINS - 1), 3) for name, place in places.items()}
