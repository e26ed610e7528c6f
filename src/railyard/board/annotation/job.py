"""`railyard annotate`: a model's answers about each row of a pool, as a session.

    read ahead → the model, in a window → products, on threads → the writer, in order

A batch is a stretch of one output shard, so shards have the same bytes for any number of parts, servers or kills.
"""

import logging
import shutil
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from railyard.board.annotation import sessions
from railyard.board.annotation.asking import Model, asked
from railyard.board.annotation.finishing import Whole, finish
from railyard.board.annotation.output import PartWriter, Stretch, layout, parts_done, read_progress
from railyard.board.annotation.planning import bytes_a_row, check_disk
from railyard.board.annotation.pool import AnnotationPool, Batch
from railyard.board.annotation.products.product import Asked, Product, Scored
from railyard.board.annotation.products.registry import products_of
from railyard.board.annotation.report import REPORT
from railyard.board.inference.client.interface import ServerLost
from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.board.model.folder import TOKENIZER_FILE
from railyard.board.packs.annotation_session import WIDEST_SLOT, own_stem
from railyard.board.packs.annotations import MANIFEST_FILE
from railyard.board.packs.schema import VALUATION_FILE
from railyard.core.arrays import U8
from railyard.core.errors import RailyardError, UserError, nearest
from railyard.core.making.parts import JOIN_SECONDS, Part
from railyard.core.making.work_folder import told_as_kept
from railyard.core.progress import Count
from railyard.core.store.lock import locked
from railyard.core.store.reading import read_bytes
from railyard.core.store.threads import map_in_threads
from railyard.core.store.workers import cores

if TYPE_CHECKING:
    from railyard.board.annotation.config import Annotate

log = logging.getLogger(__name__)


class Work(NamedTuple):
    """What a call does: the products of a pool by a model."""

    pool: AnnotationPool
    model: Model
    asked: Asked
    products: tuple[Product, ...]
    shards: list[Stretch]
    part: Part

    @property
    def families(self) -> dict[str, np.dtype[Any]]:
        return {stem: dtype for product in self.products for stem, dtype in product.families(self.asked).items()}

    @property
    def wanted(self) -> Wanted:
        """The parts of an answer that the products need."""
        return Wanted(
            probabilities=True,
            logits=self.asked.store_logits and any(product.logits for product in self.products),
            values=bool(self.asked.heads) and any(product.values for product in self.products),
            embeddings=any(product.embeddings for product in self.products),
        )

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)


def annotate(knobs: "Annotate", progress: Count | None = None) -> dict[str, Any]:
    """Annotates, or goes on with it; what came of it. UserError and RailyardError say what is wrong."""
    with asked(knobs) as model:
        return annotate_with(model, knobs, progress)


def annotate_with(model: Model, knobs: "Annotate", progress: Count | None = None) -> dict[str, Any]:
    """The same by a model that is open already."""
    work = _work(knobs, AnnotationPool.open(knobs.pool), model)
    check_disk(knobs.out, work.rows, bytes_a_row(knobs, work.asked))
    claim = sessions.claim(_wanted(knobs, work), knobs.overwrite)
    if claim.is_finished:
        log.info("%s is finished: nothing is done; overwrite=true annotates anew", claim.folder)
        return _result(claim.folder, work, [], already_there=True)
    with _part_lock(claim.folder, work.part), told_as_kept(claim.folder):
        try:
            _write(work, claim.folder, knobs.batch_size, progress)
        except ServerLost as lost:
            raise RailyardError(f"{lost}; the same command goes on with {claim.folder}") from lost
        return _result(claim.folder, work, _complete(work, claim.folder))


def _work(knobs: "Annotate", pool: AnnotationPool, model: Model) -> Work:
    heads = _heads(model.facts, knobs.value_heads)
    about = Asked(model.facts, heads, knobs.store_logits)
    products = tuple(product for product in products_of(knobs.products) if not product.lacks(about))
    if not products:
        raise UserError(f"the model has none of products={[product.name for product in products_of(knobs.products)]}")
    if not any(product.values for product in products):
        about = Asked(model.facts, (), knobs.store_logits)
    shards = layout(pool.rows.starts, knobs.shard_rows, knobs.limit)
    return Work(pool, model, about, products, shards, Part.parse(knobs.part))


def _heads(facts: ModelFacts, names: Sequence[str] | None) -> tuple[tuple[str, int], ...]:
    """Those of the model's value heads that are kept, in the model's order."""
    known = dict(facts.value_heads)
    for name in names or ():
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UserError(f"value_heads: the model has no value head {name!r}{nearest(name, known)}; {has}")
    heads = tuple(head for head in facts.value_heads if names is None or head[0] in names)
    if "heads" in dict(heads):
        raise UserError("value_heads: files of a head called 'heads' would have the name of others: leave it out")
    return heads


def _wanted(knobs: "Annotate", work: Work) -> sessions.Wanted:
    """The session that this call is about."""
    facts, fingerprint = work.model.facts, work.pool.fingerprint()
    products = [product.said() for product in work.products]
    device = None if work.model.device is None else work.model.device.partition(":")[0]
    options = {
        "batch_size": knobs.batch_size,
        "bucket": work.model.bucket,
        "device": device,
        "precision": knobs.precision,
        "limit": knobs.limit,
        "shard_rows": knobs.shard_rows,
        "store_logits": knobs.store_logits,
        "value_heads": [name for name, _ in work.asked.heads],
    }
    origin = {
        "pool_fingerprint": fingerprint,
        "model_hash": facts.model_hash or None,
        "products": products,
        "options": options,
        "parts": work.part.count,
    }
    tag = _tag(knobs, facts)
    source = {
        "pool_type": work.pool.kind,
        "init": str(knobs.init.resolve()) if knobs.init else None,
        "address": knobs.address,
        "device": work.model.device,
        "batch_size": knobs.batch_size,
        "bucket": work.model.bucket,
        "model_id": tag,
        "model_hash": facts.model_hash or None,
        "tag": tag,
        "products": products,
        "rows": work.rows,
        "config": options,
    }
    files = _files(knobs, work.pool)
    return sessions.Wanted(knobs.out, knobs.pool, fingerprint, tag, origin, source, _schema(work), files)


def _tag(knobs: "Annotate", facts: ModelFacts) -> str:
    """What the model is called: as told, else by the init folder, its run, or the hash that a server tells."""
    if knobs.tag:
        return knobs.tag
    if knobs.init is not None:
        init = knobs.init.resolve()
        return init.parent.name if init.name == "init" else init.name
    if not facts.model_hash:
        raise UserError("tag: this server does not say which model it holds: give tag=NAME")
    return facts.model_hash[:12]


def _files(knobs: "Annotate", pool: AnnotationPool) -> dict[str, bytes]:
    """What a session begins with beside its source and schema."""
    tokenizer = knobs.tokenizer or (knobs.init / TOKENIZER_FILE if knobs.init else None)
    files = {} if tokenizer is None or not tokenizer.is_file() else {TOKENIZER_FILE: read_bytes(tokenizer)}
    valuations = pool.path / VALUATION_FILE
    return {**files, **({VALUATION_FILE: read_bytes(valuations)} if valuations.is_file() else {})}


def _schema(work: Work) -> dict[str, Any]:
    """schema.json: the same for any number of parts, servers and batches."""
    offset, heads = 0, []
    for name, dim in work.asked.heads:
        is_wide = dim > WIDEST_SLOT
        place = {"file": own_stem(name), "offset": 0} if is_wide else {"offset": offset}
        heads.append({"name": name, "dtype": "float16", **place, "dim": dim})
        offset += 0 if is_wide else dim
    fields = ["teacher_action", "model_top_action", "model_top_prob", "logit_gap", "has_branch_evs"]
    return {
        "version": 1,
        "policy": {"dtype": "float16", "order": "udlr"},
        "logits": {"dtype": "float32", "present": work.wanted.logits},
        "value_heads": heads,
        "metrics": {"fields": [*fields, "teacher_best_action"], "teacher_action_missing": 255},
        "products": [product.said() for product in work.products],
    }


def _part_lock(folder: Path, part: Part) -> Any:
    """One process at a time writes a part; the only part there is is the session."""
    place = folder if part.count == 1 else folder / f".part-{part.index}of{part.count}"
    place.mkdir(exist_ok=True)
    return locked(place)


def _write(work: Work, folder: Path, batch_size: int, progress: Count | None) -> None:
    """Writes the rows of a part that are not there yet."""
    stretch = work.part.of(len(work.shards))
    shards = work.shards[stretch.start : stretch.stop]
    with closing(PartWriter(folder, work.part, shards, work.families)) as writer:
        batches = writer.left(batch_size)
        rest, total = sum(batch.rows for batch in batches), sum(shard.rows for shard in shards)
        pace, done = _Pace(rest), total - rest
        if done:
            log.info("going on: %s of %s rows are done", f"{done:,}", f"{total:,}")
        with closing(_scored(work, batches)) as scored:
            for batch, rows, clamped in scored:
                writer.add(batch, rows, clamped)
                done += batch.rows
                pace.note(batch.rows)
                if progress:
                    progress(done, total, total - rest)
        writer.finish()


class _Pace:
    """Says once how long it all will take, after the first batch: before that nobody knows."""

    def __init__(self, rows: int) -> None:
        self._rows, self._start, self._done = rows, time.monotonic(), 0

    def note(self, rows: int) -> None:
        self._done += rows
        if self._done == rows and self._rows > rows:
            seconds = (time.monotonic() - self._start) * (self._rows - rows) / rows
            log.info("some %s s more, judged by the first batch", f"{seconds:,.0f}")


Made = tuple[Stretch, Mapping[str, NDArray[Any]], int]


def _scored(work: Work, batches: Sequence[Stretch]) -> Generator[Made]:
    """The product rows of batches, in their order, and how many boards were clamped."""
    waiting: deque[tuple[Stretch, Batch, int]] = deque()

    def blocks() -> Iterator[U8]:
        with closing(map_in_threads(partial(_read, work.pool), batches, 1)) as read:
            for stretch, batch in zip(batches, read, strict=True):
                boards, clamped = _clamped(batch.exponents_B16, work.model.tokens)
                waiting.append((stretch, batch, clamped))
                yield boards

    def answered() -> Iterator[tuple[Stretch, Batch, int, Answers]]:
        for answers in work.model.client.stream(blocks(), work.wanted):
            yield (*waiting.popleft(), answers)

    with closing(map_in_threads(partial(_products, work), answered(), min(2, cores()))) as made:
        yield from made


def _read(pool: AnnotationPool, stretch: Stretch, _: object) -> Batch:
    return pool.batch(stretch.first, stretch.rows)


def _clamped(exponents_B16: U8, tokens: int) -> tuple[U8, int]:
    """Boards of tiles that the model knows, and how many had larger ones."""
    beyond = int((exponents_B16.max(axis=1) >= tokens).sum())
    return (np.minimum(exponents_B16, np.uint8(tokens - 1)) if beyond else exponents_B16), beyond


def _products(work: Work, item: tuple[Stretch, Batch, int, Answers], _: object) -> Made:
    stretch, batch, clamped, answers = item
    scored = Scored(work.asked, batch, answers)
    rows = {stem: found for product in work.products for stem, found in product.rows(scored).items()}
    return stretch, rows, clamped


def _complete(work: Work, folder: Path) -> list[str]:
    """Completes the session if all its parts are done, unless another process just has; the parts that are missing."""
    with locked(folder, patience=JOIN_SECONDS):
        if (folder / MANIFEST_FILE).is_file():
            return []
        done = parts_done(folder, work.part.count)
        if done is None:
            every = (Part(index, work.part.count) for index in range(work.part.count))
            return [str(part) for part in every if not _is_done(folder, part)]
        finish(Whole(folder, work.pool, work.asked, work.products, work.shards, done))
        for place in folder.glob(".part-*"):
            shutil.rmtree(place, ignore_errors=True)
    return []


def _is_done(folder: Path, part: Part) -> bool:
    noted = read_progress(folder, part)
    return noted is not None and noted.finished


def _result(folder: Path, work: Work, missing: list[str], already_there: bool = False) -> dict[str, Any]:
    told = {"missing_parts": missing} if missing else {"report": str(folder / REPORT)}
    there = {"already_there": True} if already_there else {}
    names = [product.name for product in work.products]
    return {"session": str(folder), "rows": work.rows, "products": names, **told, **there}
