import pytest

from railyard.stage2.model.patch_embedding import as_product

pytestmark = pytest.mark.slow


def test_the_product_is_the_convolution_and_so_are_its_gradients():
    import torch
    from tiny_qwen3vl import tiny_qwen3vl

    ids = {text: index for index, text in enumerate(("<|image_pad|>", "<|video_pad|>"))}
    model = tiny_qwen3vl(20, {**ids, "<|vision_start|>": 2, "<|vision_end|>": 3})
    patches = torch.randn(12, 1536, generator=torch.Generator().manual_seed(0))
    embed, found = model.model.visual.patch_embed, []
    for change in (lambda: None, lambda: as_product(model)):
        change()
        model.zero_grad()
        out = embed(patches)
        out.square().sum().backward()
        found.append((out.detach(), embed.proj.weight.grad.clone(), embed.proj.bias.grad.clone()))
    for first, second in zip(*found, strict=True):
        torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-4)
