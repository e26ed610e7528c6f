import numpy as np
import pytest
from stage2_fixtures import fixture

from railyard.stage2.language.chat import conversation, encode_prompt, prompt_text
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.positions import packed_positions, rotary_positions
from railyard.stage2.language.prompts import PROMPT
from railyard.stage2.language.tokenizer import IMAGE_PAD, SPECIALS, vocabulary_of

PAD, TEXT = 7, 1


def sequence(before: int, grid: list[int] | None, after: int) -> np.ndarray:
    image = 0 if grid is None else grid[1] * grid[2] // 4
    return np.repeat([TEXT, PAD, TEXT], [before, image, after])


@pytest.mark.parametrize("case", fixture("22")["cases"], ids=lambda case: case["name"])
def test_reference_positions(case):
    ids = sequence(case["text_before"], case["grid_thw"], case["text_after"])
    grids = [] if case["grid_thw"] is None else [case["grid_thw"]]
    positions_3T, delta = rotary_positions(ids, PAD, grids)
    assert positions_3T.tolist() == [case["t"], case["h"], case["w"]]
    assert delta == case["rope_delta"]


def test_images_side_by_side():
    ids = np.array([TEXT, PAD, PAD, PAD, PAD, PAD, PAD])
    positions_3T, delta = rotary_positions(ids, PAD, [[1, 4, 4], [1, 2, 4]])
    assert positions_3T.tolist() == [[0, 1, 1, 1, 1, 3, 3], [0, 1, 1, 2, 2, 3, 3], [0, 1, 2, 1, 2, 3, 4]]
    assert delta == -2


def test_no_token():
    positions_3T, delta = rotary_positions(np.zeros(0, np.int64), PAD, [])
    assert (positions_3T.shape, delta) == ((3, 0), 0)


def test_packed_samples_each_count_from_0():
    first, _ = rotary_positions(sequence(1, [1, 2, 4], 1), PAD, [[1, 2, 4]])
    second, _ = rotary_positions(sequence(2, None, 0), PAD, [])
    packed_4T = packed_positions([first, second])
    assert packed_4T[0].tolist() == [0, 1, 2, 3, 0, 1]
    assert packed_4T[1:].tolist() == [[0, 1, 1, 3, 0, 1], [0, 1, 1, 3, 0, 1], [0, 1, 2, 3, 0, 1]]


@pytest.mark.parametrize(
    ("ids", "grids", "said"),
    [
        ([TEXT, PAD, PAD], [[1, 4, 4]], "expected 4 image tokens in a row from place 1"),
        ([TEXT], [[1, 2, 2]], "expected 1 image tokens in a row from place 1"),
        ([PAD, TEXT, PAD], [[1, 2, 4]], "expected 2 image tokens in a row from place 0"),
        ([PAD, PAD], [[1, 2, 2]], "more image tokens than the 1 images have, the first at 1"),
        ([TEXT, TEXT, PAD], [], "more image tokens than the 0 images have, the first at 2"),
        ([PAD], [[2, 2, 2]], "one frame with even sides"),
        ([PAD], [[1, 3, 2]], "one frame with even sides"),
        ([PAD], [[1, 2, 3]], "one frame with even sides"),
        ([PAD], [[1, 0, 2]], "one frame with even sides"),
    ],
)
def test_a_sequence_that_does_not_hold_its_images_is_an_error(ids, grids, said):
    with pytest.raises(ValueError, match=said):
        rotary_positions(np.array(ids), PAD, grids)


TOKENIZER = train_tokenizer([prompt_text(PROMPT)])
VOCABULARY = vocabulary_of(TOKENIZER)
IDS = {text: TOKENIZER.token_to_id(text) for text in SPECIALS}


def sample(grid: list[int], answer: str) -> np.ndarray:
    prompt_ids = encode_prompt(grid[1] * grid[2] // 4, VOCABULARY)
    return conversation(prompt_ids, VOCABULARY.encode(answer), VOCABULARY, sample="a", max_tokens=4096).ids_T


@pytest.mark.slow
def test_positions_are_those_of_transformers():
    import torch
    from tiny_qwen3vl import tiny_qwen3vl

    model = tiny_qwen3vl(len(VOCABULARY.pieces), IDS)
    for grid in ([1, 2, 2], [1, 6, 8], [1, 44, 66]):
        ids = sample(grid, '{"object_1": {"desc": "cat"}}')
        ours_3T, delta = rotary_positions(ids, IDS[IMAGE_PAD], [grid])
        batch = torch.from_numpy(ids)[None]
        theirs, their_delta = model.model.get_rope_index(
            batch, mm_token_type_ids=(batch == IDS[IMAGE_PAD]).int(), image_grid_thw=torch.tensor([grid])
        )
        assert theirs[:, 0].tolist() == ours_3T.tolist()
        assert int(their_delta) == delta


@pytest.mark.slow
def test_packed_samples_get_the_logits_of_samples_alone():
    import torch
    from tiny_qwen3vl import tiny_qwen3vl

    model = tiny_qwen3vl(len(VOCABULARY.pieces), IDS)
    generator = torch.Generator().manual_seed(0)
    samples = [([1, 6, 8], '{"object_1": {"desc": "cat"}}'), ([1, 4, 4], "{}")]
    ids = [sample(*each) for each in samples]
    patches = [torch.randn(grid[1] * grid[2], 3 * 2 * 16 * 16, generator=generator) for grid, _ in samples]
    positions = [rotary_positions(own, IDS[IMAGE_PAD], [grid])[0] for own, (grid, _) in zip(ids, samples, strict=True)]

    def logits(chosen: list[int], rows: slice = slice(None), masked: bool = False) -> torch.Tensor:
        together = torch.from_numpy(np.concatenate([ids[i] for i in chosen]))[None]
        packed_4T = packed_positions([positions[i] for i in chosen])
        with torch.no_grad():
            return model(
                input_ids=together,
                mm_token_type_ids=(together == IDS[IMAGE_PAD]).int(),
                position_ids=torch.from_numpy(packed_4T)[rows, None],
                attention_mask=torch.ones_like(together) if masked else None,
                pixel_values=torch.cat([patches[i] for i in chosen]),
                image_grid_thw=torch.tensor([samples[i][0] for i in chosen]),
                use_cache=False,
            ).logits[0]

    alone = torch.cat([logits([0]), logits([1])])
    torch.testing.assert_close(logits([0, 1]), alone, atol=1e-5, rtol=0)
    for leaking in (logits([0, 1], slice(1, None)), logits([0, 1], masked=True)):
        assert (leaking - alone)[len(ids[0]) :].abs().max() > 1e-3, "no leak: else row 0 proves nothing"
