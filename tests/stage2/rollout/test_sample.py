import numpy as np
import pytest
from PIL import Image
from stage2_scenes import small_scenes, vocabulary_for

from railyard.core.errors import UserError
from railyard.stage2.language.chat import encode_prompt, image_tokens
from railyard.stage2.language.prompts import PROMPT, Prompt
from railyard.stage2.rollout.sample import SampleMaker
from railyard.stage2.scenes import records


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return small_scenes(tmp_path_factory.mktemp("scenes") / "made", n=4)


@pytest.fixture(scope="module")
def vocabulary(file):
    return vocabulary_for(file)


@pytest.fixture
def scene(file):
    return next(scene for scene in records.read(file) if len(scene.objects) > 1)


def test_a_sample_is_its_prompt_its_picture_and_its_objects(file, vocabulary, scene):
    sample = SampleMaker(vocabulary, PROMPT, 4096)(scene, file, 3)
    assert (sample.line, sample.name, sample.image) == (3, f"{file}, line 3", scene.image)
    assert [each.box[1] for each in sample.objects] == sorted(each.box[1] for each in scene.objects)
    assert sample.pixels_HW3.tolist() == np.asarray(Image.open(file.parent / scene.image)).tolist()
    tokens = image_tokens(scene.width, scene.height, "it")
    assert sample.prompt_T.tolist() == encode_prompt(tokens, vocabulary).tolist()


def test_another_prompt_is_asked(file, vocabulary, scene):
    sample = SampleMaker(vocabulary, Prompt("Find.", "All."), 4096)(scene, file, 1)
    assert b"system\nFind.<|im_end|>" in vocabulary.join(sample.prompt_T)[0]


def test_what_is_too_long_is_never_cut(file, vocabulary, scene):
    with pytest.raises(UserError, match=r"scenes.jsonl, line 7: prompt and answer are \d+ tokens, but at most 20 are"):
        SampleMaker(vocabulary, PROMPT, 20)(scene, file, 7)


def test_an_image_that_is_gone_damaged_or_another_is_told_with_its_line(tmp_path, vocabulary, scene):
    make, file = SampleMaker(vocabulary, PROMPT, 4096), tmp_path / "scenes.jsonl"
    with pytest.raises(UserError, match=r"scenes.jsonl, line 5: the image .*\.png is missing"):
        make(scene, file, 5)
    image = tmp_path / scene.image
    image.parent.mkdir(parents=True)
    image.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(UserError, match=r"scenes.jsonl, line 5: the image .*\.png: "):
        make(scene, file, 5)
    Image.new("RGB", (32, 32)).save(image)
    with pytest.raises(
        UserError, match=rf"line 5: the record says {scene.width} x {scene.height}, the image .* has 32"
    ):
        make(scene, file, 5)


def test_a_side_that_is_no_multiple_of_32_is_refused(tmp_path, vocabulary):
    scene = records.Scene("a.png", 64, 70, ())
    with pytest.raises(UserError, match=r"line 2: the image is 64 x 70, but .* multiples of 32: resize .* convert"):
        SampleMaker(vocabulary, PROMPT, 4096)(scene, tmp_path / "scenes.jsonl", 2)
