import pytest
import torch

from railyard.stage2.model.segments import attend

pytestmark = pytest.mark.slow


class Layer:
    num_key_value_groups, is_causal, training = 2, True, False


def test_each_segment_sees_itself_alone():
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, heads, 9, 8, generator=generator) for heads in (4, 2, 2))
    together, _ = attend(Layer(), query, key, value, None, segments=[4, 1, 4], scaling=0.3)
    alone = [
        attend(Layer(), *(each[:, :, part] for each in (query, key, value)), None, scaling=0.3)[0]
        for part in (slice(0, 4), slice(4, 5), slice(5, 9))
    ]
    torch.testing.assert_close(together, torch.cat(alone, dim=1))
    whole, _ = attend(Layer(), query, key, value, None, scaling=0.3)
    assert (whole - together)[:, 4:].abs().max() > 0.1, "else segments change nothing"


def test_lengths_that_do_not_add_up_are_an_error():
    with pytest.raises(RuntimeError, match="split"):
        attend(Layer(), *(torch.zeros(1, 2, 5, 8) for _ in range(3)), None, segments=[2, 2])
