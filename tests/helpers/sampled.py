"""A small pack of the beginnings of sample games, as conftest's `tiny_pack` is made, for scripts."""

import gzip
import json
import tempfile
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def sample_games(out, moves):
    """Three games of so many moves."""
    from railyard.board.packs.config import ImportLogs

    with tempfile.TemporaryDirectory() as work:
        for path in sorted((ROOT / "samples" / "board").glob("depth03*.jsonl.gz"))[:3]:
            with gzip.open(path, "rt", encoding="utf-8") as file:
                lines = list(islice(file, moves))
            with gzip.open(Path(work) / path.name, "wt", encoding="utf-8") as file:
                file.writelines(lines)
            name = path.name.replace(".jsonl.gz", ".meta.json")
            meta = json.loads((path.parent / name).read_text(encoding="utf-8"))
            rank = json.loads(lines[-1])["max_rank"]
            meta |= {"num_moves": moves, "max_rank": rank, "max_tile": 2**rank}
            (Path(work) / name).write_text(json.dumps(meta), encoding="utf-8")
        ImportLogs(source=Path(work), out=out).run()
    return out
