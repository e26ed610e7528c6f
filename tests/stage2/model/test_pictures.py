import numpy as np
import pytest

from railyard.stage2.model.pictures import cut


def test_a_block_of_four_patches_comes_together_and_colours_are_scaled():
    image = np.zeros((32, 64, 3), np.uint8)
    image[:16, 16:32] = 255  # the second patch of the first block
    found = cut(image)
    assert found.grid_3.tolist() == [1, 2, 4]
    assert found.patches_PC.shape == (8, 1536)
    assert found.patches_PC.dtype == np.float32
    assert [set(row.tolist()) for row in found.patches_PC] == [{-1.0}, {1.0}] + [{-1.0}] * 6


@pytest.mark.slow
def test_patches_are_those_of_transformers():
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    processor = Qwen2VLImageProcessorPil(
        patch_size=16, merge_size=2, temporal_patch_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3, do_resize=False
    )
    image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    theirs, ours = processor(images=[image], return_tensors="np"), cut(image)
    np.testing.assert_allclose(ours.patches_PC, theirs["pixel_values"], atol=1e-6)
    assert theirs["image_grid_thw"].tolist() == [ours.grid_3.tolist()]
