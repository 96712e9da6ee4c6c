"""One image file to grey pixels: PNG, JPEG and DICOM; headers, geometry and masks."""
