"""Names of other versions and of other trainers that people's configs still hold: what to write instead.

A key of this table that a config may not have is not merely unknown: it is refused with the way to its new name, or
ignored with a line where nothing depends on it (without one where a contract asks for silence). Whoever renames or
removes a key adds it here; `scripts/schema.py` writes the table of docs/coming_from.md from it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Old:
    """What became of a key."""

    advice: str
    ignored: bool = False
    silent: bool = False  # ignored without a line

    @property
    def fate(self) -> str:
        return "refused" if not self.ignored else "ignored in silence" if self.silent else "ignored"


SAVER = "callbacks.saver saves: monitor, mode, keep, every_n_steps"
PROGRESS = "callbacks.progress shows how far a run is; ~callbacks.progress shows nothing"

KEYS: dict[str, Old] = {
    # the reference's trainer for 2048 (TOML)
    "dataset": Old("the group is called data: data.pack=PACK names the pack"),
    "dataset.dir": Old("write data.pack"),
    "dataset.rejection": Old("write data.rejection, whose keys are the same: annotation_dir, seed, filters"),
    **{f"dataset.rejection.{name}": Old(f"write data.rejection.{name}") for name in ("annotation_dir", "seed")},
    "dataset.rejection.filters": Old("write data.rejection.filters; anneal_until_epoch keeps its name, and its word"),
    "rejection": Old("write data.rejection, whose keys are the same: cache_dir, phases"),
    **{f"rejection.{name}": Old(f"write data.rejection.{name}") for name in ("cache_dir", "phases")},
    "rejection.validate_only": Old("write data.rejection.validate_only, or validate_config=true"),
    "annotation_dir": Old("write data.rejection.annotation_dir"),
    "anneal_until_epoch": Old("it stands in one of data.rejection.filters"),
    "batch": Old("rows a micro-batch are data.batch_size, micro-batches a step trainer.accumulate_grad_batches"),
    "batch.micro": Old("write data.batch_size; trainer.accumulate_grad_batches says how many of them make a step"),
    "batch.adaptive": Old("write model.schedule.grow_batch of railyard.board.training.schedules.Cosine"),
    "target": Old("the target is a group: objective=board_macroxue_tokens, board_binned_ev or board_hard_move"),
    "target.winner_weight": Old("write objective.winner_weight"),
    "report_every": Old("write trainer.log_every_n_steps"),
    # the reference's programs that play and annotate through a server (TOML)
    "num_seeds": Old("write games"),
    "max_steps": Old("games and max_moves bound what play does, trainer.max_steps a training run"),
    "max_concurrent_games": Old("write places"),
    "max_retries": Old("leave it out, it had no effect; client.retries says how often a request is repeated"),
    "orchestrator": Old("its keys stand at the root: seed, address, client, embeddings, out, shard_rows"),
    "orchestrator.inline_embeddings": Old("write embeddings, with out=POOL"),
    "orchestrator.fixed_seed": Old("write seed"),
    "orchestrator.random_seeds": Old("leave it out: another seed gives other games, and the same one the same again"),
    "orchestrator.argmax_only": Old("write strategy=board_argmax, which weighs the two best bins of each move"),
    "orchestrator.head_order": Old("it is always UDLR", ignored=True),
    "orchestrator.board_mapping": Old("boards are always row-major", ignored=True),
    "orchestrator.connection": Old("write address, a Unix socket's path or HOST:PORT, or a list of them"),
    "orchestrator.connection.uds_path": Old("write address=PATH"),
    "orchestrator.connection.tcp_addr": Old("write address=HOST:PORT"),
    "orchestrator.batch": Old("the component is called client"),
    **{
        f"orchestrator.batch.{name}": Old(f"write client.{name}")
        for name in (
            *("flush_us", "target_batch", "max_batch", "inflight_batches", "queue_cap"),
            *("metrics_file", "metrics_interval_s"),
        )
    },
    "orchestrator.batch.per_game_inflight": Old("leave it out, it had no effect"),
    "orchestrator.report": Old("out=POOL records games, the run folder has games.jsonl and report.md"),
    "orchestrator.report.results_file": Old("leave it out: games.jsonl of the run folder has these lines"),
    "orchestrator.report.session_dir": Old("write out"),
    "orchestrator.report.max_ram_mb": Old("leave it out, it had no effect"),
    "orchestrator.report.max_gb": Old("leave it out: shard_rows bounds a shard, and none is dropped"),
    "orchestrator.report.shard_max_steps": Old("write shard_rows"),
    "sampling": Old(
        "the strategy is a group: strategy=board_argmax, board_softmax, board_top_p_top_k, board_tail_agg …"
    ),
    "sampling.strategy": Old(
        "write strategy=board_argmax, board_softmax, board_top_p_top_k, board_tail_agg or board_tail_agg_conf"
    ),
    **{
        f"sampling.{name}": Old(f"write strategy.{name}")
        for name in (
            *("temperature", "top_p", "top_k", "alpha_p2", "beta_p3", "tail_bins", "tail_decay"),
            *("conf_alpha", "conf_beta", "conf_gamma", "start_gate", "stop_gate"),
        )
    },
    # the Lightning-Hydra template
    "datamodule": Old("the group is called data: data=board_pack"),
    "data.data_dir": Old("data.pack names a pack"),
    "data.num_workers": Old("write data.workers; 0 reads ahead in a thread"),
    "data.pin_memory": Old("decided by the accelerator", ignored=True),
    "data.persistent_workers": Old("workers stay as long as they are needed", ignored=True),
    "data.train_val_test_split": Old("data.validation_fraction holds whole games out, data.split_seed says which"),
    "model.net": Old("write model.encoder"),
    "model.scheduler": Old("write model.schedule"),
    "extras.enforce_tags": Old("tags are free: nothing asks for them", ignored=True),
    "extras.ignore_warnings": Old("no warning is expected of a run", ignored=True),
    "test_after_training": Old("write test"),
    "print_config": Old("write extras.print_config"),
    "callbacks.model_checkpoint": Old(SAVER),
    "callbacks.rich_progress_bar": Old(PROGRESS),
    "callbacks.model_summary": Old("add callbacks.model_summary._target_=lightning.pytorch.callbacks.ModelSummary"),
    "callbacks.early_stopping": Old(
        "add callbacks.early_stopping._target_=lightning.pytorch.callbacks.EarlyStopping with its monitor, as val/loss"
    ),
    # Lightning 1
    "trainer.gpus": Old("write trainer.devices with trainer.accelerator=gpu; trainer=gpu sets both"),
    "trainer.num_processes": Old("write trainer.devices with trainer.accelerator=cpu"),
    "trainer.distributed_backend": Old("write trainer.strategy"),
    "trainer.resume_from_checkpoint": Old("resume=RUN goes on in the same folder, ckpt_path=FILE starts a new run"),
    "trainer.checkpoint_callback": Old(SAVER),
    "trainer.weights_save_path": Old("checkpoints lie in the run folder; hydra.run.dir=FOLDER names another"),
    "trainer.auto_lr_find": Old("set model.optimizer.lr; hparams_search= tries several"),
    "trainer.auto_scale_batch_size": Old("set data.batch_size; the plan estimates the memory"),
    "trainer.terminate_on_nan": Old("write trainer.detect_anomaly; debug=default sets it"),
    "trainer.replace_sampler_ddp": Old("the order of rows is computed, also over several devices", ignored=True),
    "trainer.progress_bar_refresh_rate": Old(PROGRESS, ignored=True),
    "trainer.weights_summary": Old("the plan counts the parameters", ignored=True),
    "trainer.flush_logs_every_n_steps": Old("every row is written at once", ignored=True),
    "trainer.log_gpu_memory": Old("callbacks.throughput notes memory in timings.jsonl", ignored=True),
    # the earlier trainer of stage2
    "training": Old("the groups trainer and data hold such keys: trainer.max_steps=…, data.batch_size=…"),
    "stage2_ab.schedule.pattern": Old("write stage2_ab.schedule.b_ratio, the share of channel B: [A, B] is 0.5"),
    "stage2_ab.bbox_l1_weight": Old("write stage2_ab.bbox_smoothl1_weight"),
    "stage2_ab.bbox_giou_weight": Old("write stage2_ab.bbox_ciou_weight"),
    "stage2_ab.channel_b.mode": Old("leave it out: the channel holds for all micro-batches of an optimizer step"),
    "stage2_ab.channel_b.rollouts_per_step": Old(
        "data.batch_size times trainer.accumulate_grad_batches are rolled out in a step of channel B"
    ),
    "stage2_ab.channel_b.enable_pipeline": Old("leave it out: a step learns from rollouts that are finished"),
    "stage2_ab.channel_b.rollout_decode_batch_size": Old("write custom.extra.rollout_matching.rollout_batch_size"),
    "stage2_ab.channel_b.reordered_gt_sft": Old(
        "leave it out: channel B always learns the ground truth in the order of its predictions"
    ),
    "custom.coord_loss": Old("stage2_ab has the weights of all losses", ignored=True, silent=True),
}

# components that stand elsewhere now; configs of earlier runs and of users go on naming the old place
MOVED: dict[str, str] = {
    **{
        f"railyard.core.callbacks.config.{name}": f"railyard.core.training.callbacks.config.{name}"
        for name in ("Progress", "Report", "Saver", "StopAt", "Throughput")
    },
    "railyard.board.training.objectives.MacroxueTokens": "railyard.board.training.macroxue_tokens.MacroxueTokens",
    "railyard.core.shuffling.Windowed": "railyard.core.training.shuffling.Windowed",
}

TARGETS: dict[str, str] = {
    "lightning.pytorch.callbacks.ModelCheckpoint": SAVER,
    "lightning.pytorch.callbacks.RichProgressBar": PROGRESS,
    "lightning.pytorch.callbacks.TQDMProgressBar": PROGRESS,
    "lightning.pytorch.callbacks.StochasticWeightAveraging": (
        "its average reaches no checkpoint and a resumed run would end with other weights; model.ema_decay averages "
        "the weights of the board's model exactly"
    ),
    "lightning.pytorch.callbacks.GradientAccumulationScheduler": (
        "its keys are numbers, which no config has; write trainer.accumulate_grad_batches, or "
        "model.schedule.grow_batch of railyard.board.training.schedules.Cosine"
    ),
    "lightning.pytorch.callbacks.RichModelSummary": "lightning.pytorch.callbacks.ModelSummary prints the same facts",
    "pytorch_lightning.Trainer": "write lightning.pytorch.Trainer",
}
