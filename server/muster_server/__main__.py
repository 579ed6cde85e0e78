"""``python -m muster_server``, and the command muster."""

import sys


def main() -> None:
    """Run the command, or say what is missing: the agent's half of the distribution can be installed without this."""
    try:
        from muster_server.cli import main as run
    except ModuleNotFoundError as error:
        sys.exit(
            f"muster: {error.name}? pip install 'passmuster[server]'  (缺少服务器所需的库 / its libraries are missing)"
        )
    except KeyboardInterrupt:  # while the imports still ran
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
