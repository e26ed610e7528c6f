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


@pytest.fixture
def pack(art, railyard):
    assert railyard("extract", "images=art", "out=pack", "workers=1").code == 0
    return "pack=pack"


@pytest.mark.parametrize(("option", "values"), [("tlg8_cheap", 82), ("tlg8_planes", 212), ("tlg8_answer", 186)])
def test_a_pack_to_a_data_set(option, values, pack, railyard):
    done = railyard("dataset", pack, "out=run", f"features={option}", "split=image", "json=true")
    assert done.code == 0, done.err
    said = {key: done.json[key] for key in ("blocks", "eligible", "train", "validation", "features", "price")}
    price = "answer" if option == "tlg8_answer" else "cheap"
    assert said == {"blocks": 24, "eligible": 12, "train": 6, "validation": 6, "features": values, "price": price}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["features.columns=[reorder_tvs]"], "did you mean 'reorder_tv'?"),
        (["features=tlg8_answer", "features.allow_answer=false"], "is known only after the whole search"),
        (["split=pack"], "split=pack needs at least two packs"),
        (["split_seed=-1"], "split_seed"),
    ],
)
def test_mistakes_of_a_data_set_are_one_sentence(words, reason, pack, railyard):
    done = railyard("dataset", pack, "out=run", *words)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err


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
