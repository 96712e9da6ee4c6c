"""The search for near duplicates, against plain comparisons of all pairs."""

import numpy as np
from planted import picture

from covid_keras.audit import copies


def test_every_close_hash_is_found():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**63, 300, dtype=np.uint64)
    near_ones = base[:40] ^ (np.uint64(1) << rng.integers(0, 64, 40, dtype=np.uint64))
    hashes = np.concatenate([base, near_ones])
    found = np.concatenate(list(copies.close_hashes(hashes, 6)))
    bits = np.unpackbits(hashes.view(np.uint8).reshape(-1, 8), axis=1)
    distance = (bits[:, None] != bits[None]).sum(axis=2)
    expected = np.argwhere(np.triu(distance <= 6, 1))
    assert len(expected) >= 40
    np.testing.assert_array_equal(found[np.lexsort(found.T[::-1])], expected)


def test_correlation_is_numpys():
    images = np.stack(
        [picture(seed)[::3, ::3] for seed in range(4)] + [np.full((32, 32), 7, "uint8")] * 2
    )
    pairs = np.array([[0, 1], [2, 3], [0, 0], [4, 5], [0, 4]])
    found = copies.correlation(images, pairs)
    for value, (a, b) in zip(found[:3], pairs[:3], strict=True):
        expected = np.corrcoef(images[a].ravel(), images[b].ravel())[0, 1]
        np.testing.assert_allclose(value, expected, atol=1e-5)
    assert found[3] == 1 and found[4] == 0
