"""Takes the pictures of the viewer in docs/images/, in Chromium, of a session of `./run demo`.

`.venv/bin/python scripts/screenshots.py annotations/sample/model=…/TIME`
"""

import io
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "helpers"), str(ROOT / "src")]
IMAGES = ROOT / "docs" / "images"
LARGEST = 300_000  # bytes


class Shot(NamedTuple):
    name: str
    path: str
    size: str = "wide"
    scheme: str = "light"


# a blunder of the model in the run of the highest score, and boards that are worth a look
SHOTS = (
    Shot("viewer", "/view/review/{session}?step=700&tokens=true"),
    Shot("viewer_narrow", "/view/review/{session}?step=700", "narrow", "dark"),
    Shot("viewer_search", "/view/search/{session}?where=disagreement=1, ev_loss>800&sort=-ev_loss&row=9286"),
    Shot("viewer_board", "/view/board?board=a612840073005101"),
)


def keep(picture: bytes, file: Path) -> None:
    """256 colours are enough for a page, and a third of the bytes."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    if (size := file.stat().st_size) > LARGEST:
        sys.exit(f"{file} has {size:,} bytes, more than {LARGEST:,}: show less")
    print(f"{file} {size:,} bytes")


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("scripts/screenshots.py takes the folder of a session, as ./run demo makes one")
    from browsing import CHROMIUM, SIZES, Server
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        server = Server([f"session={Path(sys.argv[1]).resolve()}"], Path(work))
        server.start()
        try:
            (session,) = server.sessions()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for shot in SHOTS:
                width, height = SIZES[shot.size]
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=shot.scheme)
                page.goto(server.address + shot.path.format(session=session["id"]))
                page.get_by_role("img").first.wait_for(timeout=120_000)
                page.wait_for_load_state("networkidle", timeout=120_000)
                keep(page.screenshot(), IMAGES / f"{shot.name}.png")
                page.close()
            browser.close()
        finally:
            server.kill()


if __name__ == "__main__":
    main()
