"""Plays games with the model in training, at every k-th validation: `strength/…` beside the figures of held-out rows.

Games are shared among the ranks and are the same for any number of them (on the CPU). Playing draws from no generator
of the run and keeps what it computes out of the graph, so a run trains to the same weights with it as without.
"""

from itertools import chain
from typing import Any

import lightning.pytorch as pl
import torch

from railyard.board.game.figures import TILES, Results
from railyard.board.game.games import END_REASONS
from railyard.board.game.play import Play, Table
from railyard.board.game.players import PolicyPlayer
from railyard.board.model.policy import ModelPolicy
from railyard.board.training import config
from railyard.core.intervals import normal_interval
from railyard.core.training import distributed

Figures = dict[str, float]


class BoardStrength(pl.Callback):
    """Logs the figures with the validation that they belong to, in time for the saver that follows it."""

    def __init__(self, knobs: config.BoardStrength, resumed: bool) -> None:
        self.knobs, self.resumed = knobs, resumed
        self.validations = 0
        self.latest: Figures = {}

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """A saver that monitors strength finds what it found before a resume; a run of `ckpt_path=` plays at once."""
        if not self.resumed:
            self.validations, self.latest = 0, {}
        trainer.callback_metrics.update({name: torch.tensor(value) for name, value in self.latest.items()})

    def on_validation_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        if self.validations % self.knobs.every_n_validations == 0:
            self.latest = self._play(module)
            module.log_dict(self.latest)
        self.validations += 1

    def _play(self, module: Any) -> Figures:
        results, knobs = Results(), self.knobs
        policy = ModelPolicy(module.judged, str(module.device))
        player = PolicyPlayer(policy, knobs.strategy, knobs.bucket, knobs.symmetries)
        first, end = (knobs.games * i // distributed.world_size() for i in (distributed.rank(), distributed.rank() + 1))
        table = Table(end, knobs.seed, knobs.bucket, max_moves=knobs.max_moves, first=first)
        own = [
            (game.score, len(game.moves_T), 1 << game.highest, END_REASONS[game.ended])
            for game in chain.from_iterable(Play(player, table))
        ]
        for game in chain.from_iterable(distributed.gathered(own)):
            results.note(*game)
        low, high = normal_interval(results.scores)
        figures = {"mean_score": float(results.scores.mean()), "low": low, "high": high}
        shares = {f"reach_{tile}": results.reached(tile) / len(results) for tile in TILES}
        return {f"strength/{name}": value for name, value in {**figures, **shares}.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"validations": self.validations, "latest": self.latest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.validations, self.latest = state["validations"], state["latest"]
