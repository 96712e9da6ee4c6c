"""What an image file's header says: container, mode and bits."""

from pathlib import Path

from covid_keras.images import dicom, read

_PNG_MODES = {0: "L", 2: "RGB", 3: "palette", 4: "LA", 6: "RGBA"}
_JPEG_MODES = {1: "L", 3: "RGB", 4: "CMYK"}


def header(data: bytes, path: Path) -> tuple[str, str, int]:
    """Format, mode and bits a sample of a file that can be decoded."""
    if data.startswith(read.PNG):
        bits, colour = data[24], data[25]
        return "PNG", _PNG_MODES.get(colour, f"colour type {colour}"), bits
    if data.startswith(read.JPEG):
        frame = read.jpeg_frame(data)
        return "JPEG", _JPEG_MODES.get(frame[2], f"{frame[2]} channels"), 8
    mode, bits = dicom.dicom_mode(path)
    return "DICOM", mode, bits
