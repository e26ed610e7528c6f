"""The table at the end of an encoding: per image and in total, time and bytes against PNG and WebP."""

from typing import Any

from railyard.core.runs.reporting import aligned

_HEAD = ("image", "MP", "s/MP", "bytes", "of PNG", "of WebP", "WebP s/MP")
MISSING = "-"


def table(result: dict[str, Any]) -> str:
    """Lines of the result of `encoding.encode`; `of PNG` is bytes divided by those of the PNG as given."""
    rows = [*(_row(row["relpath"], row) for row in result["images"]), _row("total", result["total"])]
    lines = [aligned(_HEAD, rows, right=True)]
    done, images = result["encoded"], len(result["images"])
    lines.append(f"{done} encoded, {images - done} done before, {len(result['skipped'])} skipped; in {result['out']}")
    lines += [f"skipped {each['file']}: {each['reason']}" for each in result["skipped"]]
    return "\n".join(lines) + "\n"


def _row(name: str, facts: dict[str, Any]) -> tuple[str, ...]:
    if not facts.get("pixels"):
        return name, *[MISSING] * (len(_HEAD) - 1)
    megapixels = facts["pixels"] / 1e6
    return (
        name,
        f"{megapixels:.3f}",
        _ratio(facts["seconds"], megapixels, 2),
        f"{facts['bytes']:,}",
        _ratio(facts["bytes"], facts.get("png_bytes"), 3),
        _ratio(facts["bytes"], facts.get("webp_bytes"), 3),
        _ratio(facts.get("webp_seconds"), megapixels, 2),
    )


def _ratio(value: float | None, whole: float | None, digits: int) -> str:
    return MISSING if value is None or not whole else f"{value / whole:.{digits}f}"
