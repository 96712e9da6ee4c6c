"""Draws the pictures of augmentation in docs/images anew: python tests/oracles/record_pictures.py

Look at them before they are committed.
"""

import cv2
from augmentation_pictures import PICTURES, picture

if __name__ == "__main__":
    for recipe, path in PICTURES.items():
        cv2.imwrite(str(path), picture(recipe))
        print(f"wrote {path}")
