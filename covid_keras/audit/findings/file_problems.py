"""Problems of kind "file": images that cannot be read, or do not exist."""

from covid_keras.audit.check import FAIL, NOTE, AuditData, Problem, Problems, check


@check("file", NOTE, "Copies, file formats and thumbnails were not audited.")
def labels_only(data: AuditData) -> Problems:
    if data.scan is None:
        yield Problem(
            f"none of {len(data.records):,} images exists: only the labels were audited",
            {"images": len(data.records)},
        )


@check("file", FAIL, "Training would stop at these images. Restore them, or remove their labels.")
def unreadable_images(data: AuditData) -> Problems:
    if data.scan is not None and (unreadable := data.scan.unreadable):
        yield Problem(
            f"{len(unreadable):,} of {len(unreadable) + len(data.scan.table):,} images cannot"
            f" be read; the first: {unreadable[0]}",
            {"images": list(unreadable)},
        )
