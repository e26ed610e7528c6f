"""Random objects of a scene, for property tests: descriptions in any script, boxes of bins."""

from hypothesis import strategies as st

from railyard.stage2.scenes.records import SceneObject

DESCS = st.sampled_from(
    ["black cat", 'a "quoted" sign', "back\\slash", "café", "尼克 🐈", "(x", "}", "{", "3"]
) | st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)
BINS = st.integers(0, 999)


@st.composite
def scene_objects(draw: st.DrawFn) -> SceneObject:
    (x1, x2), (y1, y2) = (sorted(draw(st.tuples(BINS, BINS))) for _ in range(2))
    return SceneObject(draw(DESCS), (x1, y1, x2, y2))
