"""`python -m covid_keras`."""

import sys

from covid_keras.cli import main

sys.exit(main())
