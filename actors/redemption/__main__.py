"""``python -m actors.redemption STORAGE``, see `actors.redemption.process`."""

import sys

from actors.redemption.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
