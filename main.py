"""Start the program from a checkout: `python main.py ...` is the same as `latent-explorer ...`."""

from explorer.cli import main

if __name__ == "__main__":
    main()
