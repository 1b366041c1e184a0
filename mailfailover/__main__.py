"""
The command ``mailfailover``, also as ``python -m mailfailover``.

The command is always installed; its packages come with the extra ``cli``.
"""

from __future__ import annotations

import sys

INSTALL = 'pip install "mailfailover[cli]"'


def main() -> None:
    """
    Run the command line, or say how to install what it needs.
    """
    try:
        import click  # noqa: F401 -- only to see whether it is there
        import rich  # noqa: F401
    except ModuleNotFoundError as exc:
        print(f"mailfailover: the command line needs {exc.name}: {INSTALL}", file=sys.stderr)
        sys.exit(2)
    from mailfailover.cli.command_line import cli

    # A mail may hold what the terminal's encoding cannot show.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # real files here
    cli(prog_name="mailfailover")


if __name__ == "__main__":
    main()
