"""Each source file has its tests in the file of the same path, or a line here that names the file that proves it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE, TESTS = ROOT / "src" / "railyard", ROOT / "tests"

PROVED_BY = {
    "test_cli.py": ("__main__.py",),
    "apps/test_stage2_verbs.py": ("stage2/scenes/config.py",),
    "apps/test_tlg8_verbs.py": (
        "tlg8/images/config.py",
        "tlg8/artifacts/config.py",
        "tlg8/features/verb.py",
        "tlg8/verbs.py",
    ),
    "board/game/endgame/test_patterns.py": ("board/game/endgame/sizes.py",),
    "board/game/endgame/test_tables.py": ("board/game/endgame/config.py",),
    "board/game/test_play.py": ("board/game/choosing.py",),
    "board/playing/test_play_verb.py": (*("board/model/folder.py", "board/playing/config.py", "board/playing/job.py"),),
    "board/inference/client/test_servers.py": (
        *("board/inference/client/faults.py", "board/inference/client/gate.py", "board/inference/client/interface.py"),
        *("board/inference/client/lane.py", "board/inference/client/metric_lines.py"),
    ),
    "board/inference/load/test_load_verb.py": (
        *("board/inference/load/config.py", "board/inference/load/job.py"),
        "board/inference/load/report.py",
    ),
    "board/annotation/test_job.py": (
        *("board/annotation/finishing.py", "board/annotation/sessions.py", "board/packs/annotation_session.py"),
        *(f"board/annotation/products/{name}.py" for name in ("annotations", "embeddings", "metrics", "predictions")),
        *(f"board/annotation/products/{name}.py" for name in ("product", "student_bins", "value_heads")),
    ),
    "board/review/routers/test_reference.py": (
        *("board/review/app.py", "board/review/limits.py", "board/review/reference_models.py"),
        *("board/review/disagreements.py", "board/review/reference_runs.py"),
    ),
    "board/review/routers/test_sessions.py": (
        *("board/review/faults.py", "board/review/made_columns.py", "board/review/page.py", "board/review/problems.py"),
        *("board/review/series.py", "board/review/session_facts.py", "board/review/session_models.py"),
        *("board/review/session_runs.py", "board/review/steps.py", "board/review/stored_stats.py"),
    ),
    "board/review/test_analysis.py": ("board/review/analysis_models.py",),
    "board/review/test_guard.py": ("board/review/routers/entry.py",),
    "board/review/test_sessions.py": ("board/review/open_session.py",),
    "board/review/test_streaming.py": ("board/review/answers.py",),
    "board/annotation/test_annotate_verb.py": ("board/annotation/config.py", "board/annotation/planning.py"),
    "board/logs/test_raw_logs.py": ("board/logs/raw_row.py", "board/logs/step_lines.py"),
    "board/teaching/test_teach.py": ("board/teaching/config.py", "board/teaching/decisions.py"),
    "board/tokens/test_config.py": ("board/tokens/tokenizer.py",),
    "board/tokens/test_ev_bins.py": ("board/tokens/fit_ev_bins.py",),
    "board/tokens/test_tokenizer_json.py": ("board/tokens/json_fields.py",),
    "board/training/test_collate.py": ("board/training/batch.py",),
    "board/training/rejection/test_selecting.py": ("board/training/filters/alignment.py",),
    "board/training/filters/test_filter.py": tuple(
        f"board/training/filters/{name}.py"
        for name in (
            *("compiled", "high_entropy", "low_confidence", "passthrough", "query", "student_wrong_p1"),
            *("teacher_margin", "top_k_disagreements"),
        )
    ),
    "board/training/test_data.py": ("board/training/config.py",),
    "core/config/test_check.py": ("core/config/faults.py",),
    "core/store/test_npy.py": ("core/arrays.py",),
    "core/sweeping/test_launchers.py": ("core/sweeping/config.py",),
    "core/sweeping/test_points.py": ("core/sweeping/trial.py",),
    "core/training/callbacks/test_saver.py": ("core/training/callbacks/config.py",),
    "core/training/test_replay.py": ("core/training/callbacks/stop_at.py", "apps/replay.py"),
    "core/verbs/test_sweep.py": ("core/sweeping/folder.py",),
    "stage2/scenes/test_converting.py": ("stage2/scenes/building.py",),
    "stage2/evaluation/test_report.py": ("stage2/evaluation/overlays.py",),
    "stage2/training/test_data.py": ("stage2/training/config.py",),
    "stage2/training/test_module.py": (
        *("stage2/training/backends.py", "stage2/training/model_config.py", "stage2/training/opened.py"),
        "stage2/training/window.py",
    ),
    "test_notebook.py": ("__init__.py",),
    "tlg8/artifacts/test_extraction.py": (
        *("tlg8/artifacts/assembly.py", "tlg8/artifacts/pieces.py", "tlg8/artifacts/pixel_keys.py"),
        "tlg8/artifacts/sources.py",
    ),
    "tlg8/artifacts/test_line_columns.py": (
        *(f"tlg8/artifacts/{name}.py" for name in ("block_columns", "line_records", "line_values")),
    ),
    "tlg8/artifacts/test_lines.py": (
        *("tlg8/artifacts/block_rows.py", "tlg8/artifacts/labels.py", "tlg8/artifacts/line_keys.py"),
    ),
    "tlg8/artifacts/test_pack.py": ("tlg8/artifacts/compression.py", "tlg8/artifacts/describe.py"),
    "tlg8/codec/test_block_planes.py": ("tlg8/codec/pair_tables.py",),
    "tlg8/codec/test_file.py": ("tlg8/codec/tile_reader.py", "tlg8/codec/tile_rows.py", "tlg8/codec/tile_writer.py"),
    "tlg8/codec/test_pair_search.py": ("tlg8/codec/pair_costs.py", "tlg8/codec/tuples.py"),
    "tlg8/codec/test_top_two.py": ("tlg8/codec/found.py",),
    "tlg8/features/test_building.py": (
        *("tlg8/features/dataset.py", "tlg8/features/fitting.py", "tlg8/features/parts.py"),
        "tlg8/features/stretches.py",
    ),
    "tlg8/features/test_raw_values.py": ("tlg8/features/pixel_values.py", "tlg8/features/table.py"),
    "tlg8/ranking/test_bundle.py": ("tlg8/ranking/modes.py",),
    "tlg8/ranking/test_ranking.py": (
        *("tlg8/ranking/config.py", "tlg8/ranking/describe.py", "tlg8/ranking/inputs.py", "tlg8/ranking/spec.py"),
    ),
    "tlg8/training/test_module.py": (
        *("tlg8/training/batch.py", "tlg8/training/config.py", "tlg8/training/data.py", "tlg8/training/network.py"),
        *("tlg8/evaluation/evaluate.py", "tlg8/evaluation/report.py"),
    ),
    "tlg8/training/test_projection.py": ("tlg8/training/objectives.py",),
    "tlg8/training/test_search.py": (
        *("tlg8/training/describe.py", "tlg8/training/promote.py", "tlg8/training/search_config.py"),
        "tlg8/training/trial.py",
    ),
    "tlg8/images/test_encoding.py": (
        *("tlg8/images/decoding.py", "tlg8/images/describe.py", "tlg8/images/encoding_table.py"),
        "tlg8/images/skips.py",
    ),
}


def same_path(source: str) -> Path:
    """The test file of a source file, below `tests`."""
    return TESTS / Path(source).with_name(f"test_{Path(source).name}")


def sources() -> set[str]:
    """All source files that hold something."""
    return {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if path.stat().st_size}


def test_every_source_file_has_a_test_file_or_a_line():
    listed = {source for proved in PROVED_BY.values() for source in proved}
    bare = {source for source in sources() - listed if not same_path(source).is_file()}
    assert not bare, "write the test file of the same path, or a line above"


def test_every_line_is_needed_and_true():
    listed = [source for proved in PROVED_BY.values() for source in proved]
    assert len(listed) == len(set(listed))
    assert set(listed) <= sources(), "no such source file"
    assert [source for source in listed if same_path(source).is_file()] == [], "it has a test file of its own"
    assert [test for test in PROVED_BY if not (TESTS / test).is_file()] == [], "no such test file"
