"""`scenes`, `convert` and `show` as they are typed."""

import os
import signal
import subprocess
import sys
import time

import pytest


def test_scenes_are_made(railyard, work):
    done = railyard("scenes", "kind=digits", "out=d", "n=3", "max_objects=2", "json=true")
    assert done.code == 0
    assert done.json["images"] == 3
    assert len((work / "d" / "scenes.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["kind=cats", "out=d"], "kind: must be 'shapes' or 'digits'"),
        (["kind=shapes", "out=d", "min_side=100"], "min_side: must be a multiple of 32"),
        (["kind=shapes", "out=d", "min_side=512"], "min_side=512 is above max_side=256"),
        (["kind=shapes", "out=d", "min_objects=9"], "min_objects=9 is above max_objects=6"),
        (["kind=shapes", "out=d", "colours=[red,mauve]"], "colours.1: must be"),
        (["kind=shapes", "out=d", "shapes=[star,star]"], "shapes names one twice"),
        (["kind=digits", "out=d", "shapes=[star]"], "shapes belongs to kind=shapes, got kind=digits"),
        (["kind=shapes", "out=d", "min_size=0.5"], "objects of a side of 0.5 to 0.4: lower min_size or raise max_size"),
        (["kind=shapes", "out=d", "max_size=1.5"], "max_size: must be"),
        (["kind=shapes", "out=d", "seed=-1"], "seed: must be greater than or equal to 0"),
    ],
)
def test_a_bad_knob_is_one_sentence(railyard, words, says):
    done = railyard("scenes", *words)
    assert done.code == 2
    assert says in done.err


def test_scenes_are_converted(railyard, work):
    railyard("scenes", "kind=shapes", "out=d", "n=3", "min_side=128", "max_side=128")
    done = railyard("convert", "source=d/scenes.jsonl", "out=small", "max_pixels=4096", "json=true")
    assert (done.code, done.json["images"], done.json["images_kept_as_they_are"]) == (0, 3, 0)
    done = railyard("convert", "source=d/none.jsonl", "out=other")
    assert (done.code, "d/none.jsonl is no file of annotations" in done.err) == (2, True)


def test_scenes_are_shown(railyard, work):
    railyard("scenes", "kind=shapes", "out=d", "n=3")
    by_folder = railyard("show", "path=d", "out=drawn", "json=true").json
    by_file = railyard("show", "path=d/scenes.jsonl", "space=tokens", "json=true").json
    assert (by_folder["kind"], by_folder["images"], by_folder["objects"]) == ("scenes", 3, by_file["objects"])
    assert sorted(path.name for path in (work / "drawn").iterdir()) == [
        "distributions.png",
        "facts.json",
        "samples.png",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGKILL])
def test_stopped_scenes_go_on_to_the_same_bytes(work, way):
    words = [sys.executable, "-m", "railyard.cli", "scenes", "kind=shapes", "n=900", "workers=2"]
    subprocess.run([*words, "out=whole"], check=True, capture_output=True)
    process = subprocess.Popen([*words, "out=d"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while len(list(work.glob(".d.partial/*/pieces/0*"))) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, way)
    assert process.wait(30) == (130 if way == signal.SIGINT else -signal.SIGKILL)
    assert not (work / "d").exists()
    done = subprocess.run([*words, "out=d"], check=True, capture_output=True, text=True)
    assert "going on:" in done.stderr
    compared = subprocess.run(["diff", "-r", "whole", "d"], capture_output=True, text=True)
    assert compared.stdout == ""
    assert [path.name for path in work.iterdir() if path.name.startswith(".")] == []
