import platform
import resource

import pytest

from railyard.board.inference.reuse import keep_freed_memory

MESSAGE = 3 << 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_messages_of_megabytes_find_memory_that_was_there_before():
    keep_freed_memory()

    def faults():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        held = [bytes([1]) * MESSAGE for _ in range(4)]
        del held
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    faults()
    assert sum(faults() for _ in range(5)) < MESSAGE // 4096
