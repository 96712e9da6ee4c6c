"""The sets of images that a run is measured on."""

import cv2
import tiny

from covid_keras.evaluation.sets import warn_of_replaced


def test_images_that_were_replaced_since_the_run_was_set_up_are_said(tmp_path, caplog):
    """Those of training too; an image that is gone is not one that was replaced."""
    run = tiny.start_run(tmp_path)
    warn_of_replaced(run)
    assert not caplog.text
    records = run.split()
    train, val = (
        records.query(f"split == '{name}'")["image"].tolist() for name in ("train", "val")
    )
    for image in (train[0], train[1], val[0]):
        path = run.data_root() / image
        cv2.imwrite(str(path), cv2.imread(str(path), 0) + 1)
    (run.data_root() / val[1]).unlink()
    warn_of_replaced(run)
    said = (
        f"3 of {len(records)} images were replaced since the run was set up (2 of train, 1 of val)"
    )
    assert said in caplog.text
