"""The files of an evaluation: figures, every prediction, overlays, and one page with the worst images.

evaluation.json, evaluation.md   figures
predictions.jsonl                one image a line, with the text that the model wrote
overlays/                        the first images and the worst
worst.html                       the worst twenty, beside what was there
"""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from railyard.core.runs.reporting import metric_lines
from railyard.core.store import durable
from railyard.stage2.evaluation import overlays
from railyard.stage2.evaluation.figures import f1
from railyard.stage2.evaluation.judged import Judged

SCHEMA_VERSION = 1
WORST = 20
LONGEST_TEXT = 4000  # characters of a rollout on the page; predictions.jsonl has all of it

_STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1f2933}"
    "img{width:100%}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f7fa;padding:.6rem}"
)


def write(
    out: Path,
    images: Sequence[Judged],
    figures: Mapping[str, float],
    subject: Mapping[str, Any],
    root: Path,
    drawn: int,
) -> None:
    """Writes the report into `out`; `drawn`: overlays of the first images beside those of the worst."""
    worst = sorted(images, key=lambda image: (f1(image), -_false(image), image.line))[:WORST]
    chosen = {image.line: image for image in (*images[:drawn], *worst)}
    overlays.draw(chosen.values(), root, out)
    durable.write_text(out / "worst.html", page(worst))
    with durable.atomic_file(out / "predictions.jsonl") as file:
        for image in images:
            file.write(json.dumps(line_of(image), ensure_ascii=False).encode() + b"\n")
    durable.write_json(out / "evaluation.json", {"schema_version": SCHEMA_VERSION, **subject, "figures": dict(figures)})
    facts = ", ".join(f"{name} `{value}`" for name, value in subject.items())
    text = [
        "# Evaluation",
        f"{len(images):,} images: {facts}.",
        "The worst images are on [one page](worst.html); predictions.jsonl has every image.",
        metric_lines(figures),
    ]
    durable.write_text(out / "evaluation.md", "\n\n".join(text) + "\n")


def line_of(image: Judged) -> dict[str, Any]:
    """An image as predictions.jsonl has it. Boxes are in bins; `matched`: the place of the true object among those of
    the record in canonical order, at IoU 0.5.
    """
    matching = image.matchings[0.5]
    partner = {predicted: (true, iou) for (predicted, true), iou in zip(matching.pairs, matching.ious, strict=True)}
    predictions = []
    for place, (each, confidence) in enumerate(zip(image.predictions, image.confidences, strict=True)):
        true, iou = partner.get(place, (None, None))
        known = {"desc": each.desc, "bbox_2d": list(each.box), "confidence": confidence}
        predictions.append({**known, "matched": true, "iou": iou})
    return {
        "line": image.line,
        "image": image.image,
        "width": image.size[0],
        "height": image.size[1],
        "predictions": predictions,
        "drops": {bucket: count for bucket, count in image.rollout.drops.items() if count},
        "truncated": image.rollout.truncated,
        "tokens": image.tokens,
        "text": image.text,
    }


def page(worst: Sequence[Judged]) -> str:
    """The worst images as HTML; it names overlays beside it and loads nothing from elsewhere."""
    parts = [_section(image) for image in worst] or ["<p>There are no images.</p>"]
    head = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>The worst images</title><style>{_STYLE}</style>'
    )
    return f"{head}<h1>The worst {len(worst)} images</h1>{''.join(parts)}</html>\n"


def _section(image: Judged) -> str:
    counts = image.counts[0.5]
    drops = ", ".join(f"{count} {bucket}" for bucket, count in image.rollout.drops.items() if count)
    facts = [
        f"F1 at IoU 0.5: {f1(image):.2f}",
        f"{counts.objects} there, {counts.kept} written, {counts.matched} right",
        f"dropped: {drops}" if drops else "",
        "the answer never closed" if image.rollout.truncated else "",
        f"{counts.repeated} repeats" if counts.repeated else "",
    ]
    text = image.text[:LONGEST_TEXT] + ("…" if len(image.text) > LONGEST_TEXT else "")
    return (
        f"<h2>Line {image.line}: {html.escape(image.image)}</h2><p>{'; '.join(filter(None, facts))}</p>"
        f'<img src="{overlays.name_of(image)}" alt="truth and predictions of line {image.line}">'
        f"<pre>{html.escape(text)}</pre>"
    )


def _false(image: Judged) -> int:
    """Predictions that are wrong, dropped ones among them."""
    return image.counts[0.5].kept - image.counts[0.5].matched + image.rollout.dropped
