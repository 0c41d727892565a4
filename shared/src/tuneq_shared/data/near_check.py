"""The search for lines that are nearly alike, in the files of one check."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice

from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.file_check import FileCheck
from tuneq_shared.data.likeness_keys import alike
from tuneq_shared.data.near_lines import NearIndex, common_shingles, keys_of_sketch, sketch_of

_SAMPLED = 1000


def find_near(training: FileCheck, others: Sequence[FileCheck]) -> None:
    """Note the lines whose input messages are nearly those of a training line.

    Goes through the files three times more. Lines of which it is known that they repeat one are
    left out. In memory are 24 bytes for each line.
    """
    stride = max(training.examples // _SAMPLED, 1)
    common = common_shingles(text for _, text in islice(_inputs(training), 0, None, stride))
    keys = []
    for check in (training, *others):
        keys.append(array("q"))
        for _, text in _inputs(check):
            keys[-1].extend(keys_of_sketch(sketch_of(text, common)))
    shared = alike(keys[0], keys[1:])
    if not shared:
        return
    index = NearIndex(shared)
    for check in (training, *others):
        for number, text in _inputs(check):
            sketch = sketch_of(text, common)
            near = index.add(number, sketch) if check.is_train else index.match(sketch)
            if near is not None:
                code = Code.NEAR_DUPLICATE if check.is_train else Code.NEAR_OVERLAP
                like = f"input messages {near.likeness:.0%} like those of"
                check.note(Problem(code, f"{like} {training.source.name}:{near.number}"), number)
        check.put_in_order()


def _inputs(check: FileCheck) -> Iterator[tuple[int, str]]:
    for number, messages in check.unmatched():
        yield number, "\n".join(messages.texts[:-1])
