"""Passes: blocks are multiples of 8,192 rows, parts are merged in block order, whoever was done first."""

from __future__ import annotations

import numpy as np
import pytest

from syngain.core.errors import UsageError
from syngain.core.passes import in_process, run
from syngain.data.blocks import ROWS, RowValues, blocks, row_texts, row_values
from syngain.data.encoders.vectors import Counting, HashedNgrams
from syngain.data.text import near_duplicates
from syngain.data.text.near_duplicates import Matching, MinHash, Signing


def backwards(task, parts):
    """A runner that does the last block first and gives the parts back in order."""
    items = list(parts)
    done = {i: task(items[i]) for i in reversed(range(len(items)))}
    return (done[i] for i in range(len(items)))


@pytest.mark.parametrize("rows", [0, 1, 100, ROWS - 1, ROWS + 1, -ROWS])
def test_a_block_is_a_multiple_of_8192_rows(rows):
    with pytest.raises(UsageError):
        list(blocks(10, rows))


@pytest.mark.parametrize("total", [0, 1, ROWS, ROWS + 1, 3 * ROWS - 1])
@pytest.mark.parametrize("rows", [ROWS, 2 * ROWS])
def test_blocks_cover_all_rows_once_in_order(total, rows):
    parts = list(blocks(total, rows))
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(total))
    assert all(part.stop - part.start == rows for part in parts[:-1])


def test_values_and_texts_come_in_the_order_of_the_rows():
    total = 2 * ROWS + 5
    for runner in (in_process, backwards):
        found = row_values(lambda part: np.arange(part.start, part.stop), total, np.int64, runner=runner)
        np.testing.assert_array_equal(found, np.arange(total))
        texts = [str(i) for i in range(total)]
        assert row_texts(texts, lambda text: text + "!", runner=runner) == [text + "!" for text in texts]
    assert run(RowValues(lambda _: [], np.bool_), blocks(0)).dtype == bool


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(300)]
    return [" ".join(rng.choice(words, size=8)) for _ in range(ROWS + 300)]


def test_signatures_counts_and_matches_do_not_depend_on_the_blocks(texts):
    method, encoder = MinHash(), HashedNgrams(8, 1 << 12)
    one = run(Signing(texts, method), blocks(len(texts), 2 * ROWS))
    two = run(Signing(texts, method), blocks(len(texts)), runner=backwards)
    np.testing.assert_array_equal(one.keys, two.keys)
    assert (one.sets != two.sets).nnz == 0
    few = near_duplicates.sign(texts[:500])
    whole, parts = (
        run(Matching.of(two, few, exclude_self=False), blocks(len(texts), rows), runner=runner)
        for rows, runner in ((2 * ROWS, in_process), (ROWS, backwards))
    )
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)
    counts = [run(Counting(texts, encoder), blocks(len(texts), rows)) for rows in (ROWS, 2 * ROWS)]
    assert (counts[0] != counts[1]).nnz == 0
