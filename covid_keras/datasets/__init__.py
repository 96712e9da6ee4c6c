"""Label files, folders and DICOM headers to records; splits, checks, downloads, archives."""
