"""`extract`, `encode`, `decode` from the command line, and `show` of what they made."""

import numpy as np
import pytest
from tlg8 import noise, save


@pytest.fixture
def art(work):
    save(work / "art" / "a.png", noise(np.random.default_rng(2)))
    save(work / "art" / "sub" / "b.png", noise(np.random.default_rng(3), 4))
    return work / "art"


def test_images_to_files_and_back(art, railyard):
    done = railyard("encode", "images=art", "out=enc", "selector=staged", "n=1", "m=1", "workers=1")
    assert (done.code, "2 encoded, 0 done before" in done.out) == (0, True), done.err
    again = railyard("encode", "images=art", "out=enc", "selector=staged", "n=1", "m=1", "json=true").json
    assert (again["encoded"], again["total"]["images"]) == (0, 2)
    assert railyard("decode", "files=enc", "out=back", "json=true").json["decoded"] == 2
    assert railyard("show", "path=enc/sub/b.tlg8", "json=true").json["components"] == 4


def test_images_to_a_pack(art, railyard):
    done = railyard("extract", "images=art", "out=pack", "workers=1", "json=true")
    assert (done.code, done.json["blocks"]) == (0, 24), done.err
    facts = railyard("show", "path=pack", "json=true").json
    assert (facts["kind"], facts["images"]) == ("tlg8 pack", 2)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["encode", "images=nowhere", "out=x"], "there is nothing at nowhere"),
        (["encode", "images=art", "out=x", "n=3"], "n belongs to selector=staged"),
        (["encode", "images=art", "out=x", "selector=stage"], "did you mean 'staged'?"),
        (["encode", "images=art", "out=art"], "choose another out="),
        (["decode", "files=art", "out=x"], "holds no file that ends in .tlg8"),
        (["extract", "images=art", "out=art"], "choose another out="),
        (["extract", "images=art", "out=x", "part=2/2"], "parts are counted from 0"),
    ],
)
def test_mistakes_are_one_sentence(words, reason, art, railyard):
    done = railyard(*words)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err
