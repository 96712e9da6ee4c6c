"""`python -m covid_keras`."""

import sys

from covid_keras.cli.main import main

sys.exit(main())
