import shutil

import numpy as np
import pytest

from railyard.board.packs.annotations import (
    ANNOTATION,
    StudentBins,
    open_annotations,
    open_student,
    open_wide,
    read_manifest,
    student_dtype,
)
from railyard.core.errors import UserError

OFFSETS = {"teacher_move": 8, "legal_mask": 9, "policy_kind_mask": 10, "argmax_head": 11, "argmax_prob": 12}


def test_the_layout_is_that_of_existing_files(fixtures):
    assert ANNOTATION.itemsize == 64
    assert {name: ANNOTATION.fields[name][1] for name in OFFSETS} == OFFSETS
    rows = open_annotations(fixtures / "03_annotations")
    assert len(rows) == 3
    assert rows.gather(np.array([2]))["teacher_move"].tolist() == [255]
    assert rows.gather(np.array([0]))["policy_p1"].tolist() == [[0.25, 0.5, 0.125, 0.0]]


def test_a_folder_made_elsewhere_opens(fixtures):
    folder = fixtures / "15_annotations_server"
    said = read_manifest(folder)
    assert {run["policy_kind_mask"] for run in said["runs"]} == {15}
    bins = open_student(folder, StudentBins(**said["student_bins"]), 650)
    assert (len(bins), bins.dtype.shape) == (650, (4, 11))
    assert len(open_annotations(folder)) == 650


def test_file_numbers_may_have_six_digits(fixtures, tmp_path):
    for path in (fixtures / "15_annotations_server").glob("*.npy"):
        stem, _, number = path.stem.rpartition("-")
        shutil.copy(path, tmp_path / f"{stem}-0{number}.npy")
    assert len(open_annotations(tmp_path)) == len(open_student(tmp_path, StudentBins(num_bins=11), 650)) == 650


@pytest.mark.parametrize("bins", [1, 64])
def test_float16_sidecars_open(tmp_path, bins):
    np.save(tmp_path / "annotations-student-00000.npy", np.full((5, 4, bins), 0.5, "<f2"))
    found = open_student(tmp_path, StudentBins(dtype="f16", num_bins=bins), 5)
    assert found.dtype == student_dtype(bins, "f16")


def test_more_than_64_bins_are_refused(tmp_path):
    with pytest.raises(UserError, match="says 65 bins, a sidecar has 1 to 64"):
        open_student(tmp_path, StudentBins(num_bins=65), 5)


def test_a_sidecar_of_another_length_is_refused(fixtures):
    with pytest.raises(UserError, match="has 649 annotations and 650 rows of bins beside them"):
        open_student(fixtures / "15_annotations_server", StudentBins(num_bins=11), 649)


def test_no_sidecar(tmp_path):
    assert open_student(tmp_path, StudentBins(), 5) is None


def test_a_folder_without_manifest_was_never_completed(tmp_path):
    with pytest.raises(UserError, match=r"annotation_manifest\.json is missing: the annotations were never completed"):
        read_manifest(tmp_path)


def test_vectors_of_any_width(tmp_path):
    assert open_wide(tmp_path, "value_heads", "<f2") is None
    np.save(tmp_path / "value_heads-00000.npy", np.ones((3, 7), "<f2"))
    assert open_wide(tmp_path, "value_heads", "<f2").dtype.shape == (7,)
